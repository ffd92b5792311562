/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_pvpanic.c - pvpanic, and pc-testdev, which is as small. */
#include "tests/hw/device_plug.h"

static Plug fx;

static void teardown(void)
{
    plug_close(&fx);
}

static uint32_t in(uint16_t port, unsigned width)
{
    return io_bus_read(fx.bench.io, port, width);
}

static void out(uint16_t port, unsigned width, uint32_t value)
{
    io_bus_write(fx.bench.io, port, width, value);
}

START_TEST(a_panic_is_told)
{
    plug_open(&fx, "pvpanic", NULL);
    ck_assert_uint_eq(in(0x505, 1), 3);
    out(0x505, 1, 4);
    ck_assert_uint_eq(fx.powers, 0);
    out(0x505, 1, 2);
    ck_assert_int_eq(fx.power, BOARD_POWER_PANICKED);
    ck_assert_int_eq(fx.status, BOARD_PANIC_CRASH_LOADED);
    out(0x505, 1, 3);
    ck_assert_int_eq(fx.status, BOARD_PANIC_PANICKED);
    ck_assert_uint_eq(fx.powers, 2);
}
END_TEST

START_TEST(events_can_be_left_out)
{
    const DeviceSetting settings[] = { { "ioport", "0x600", NULL },
                                       { "events", "1", NULL },
                                       { 0 } };

    plug_open(&fx, "pvpanic", settings);
    ck_assert_uint_eq(in(0x600, 1), 1);
    out(0x600, 1, 2);
    ck_assert_uint_eq(fx.powers, 0);
}
END_TEST

START_TEST(a_panic_is_told_by_pci)
{
    plug_open(&fx, "pvpanic-pci", NULL);
    ck_assert_uint_eq(pci_config_read(fx.pci, PLUG_DEVFN, 0, 4), 0x00111b36);
    ck_assert_uint_eq(get32(&fx.bench, PLUG_BAR), 3);
    phys_map_mmio_write(fx.bench.map, PLUG_BAR + 1, 1, 1);
    phys_map_mmio_write(fx.bench.map, PLUG_BAR, 1, 0xfc);
    ck_assert_uint_eq(fx.powers, 0);
    phys_map_mmio_write(fx.bench.map, PLUG_BAR, 1, 1);
    ck_assert_int_eq(fx.power, BOARD_POWER_PANICKED);
    ck_assert_int_eq(fx.status, BOARD_PANIC_PANICKED);
}
END_TEST

START_TEST(the_test_device_keeps_what_is_written)
{
    plug_open(&fx, "pc-testdev", NULL);
    out(0xe0, 4, 0x12345678);
    ck_assert_uint_eq(in(0xe0, 4), 0x12345678);
    ck_assert_uint_eq(in(0xe9, 1), 0x56);
    out(0xe2, 2, 0xabcd);
    out(0xe8, 1, 0x11);
    ck_assert_uint_eq(in(0xe0, 4), 0xabcd5611);
    put32(&fx.bench, 0xff000ffc, 0xcafef00d);
    ck_assert_uint_eq(get32(&fx.bench, 0xff000ffc), 0xcafef00d);
}
END_TEST

START_TEST(the_test_device_drives_interrupts)
{
    plug_open(&fx, "pc-testdev", NULL);
    out(0x2005, 1, 1);
    out(0x200f, 1, 1);
    ck_assert_uint_eq(fx.irqs, 1 << 5 | 1 << 15);
    out(0x2005, 1, 0);
    ck_assert_uint_eq(fx.irqs, 1 << 15);
    board_reset(fx.bench.board);
    ck_assert_uint_eq(fx.irqs, 0);
}
END_TEST

START_TEST(anything_is_survived)
{
    plug_open(&fx, _i % 2 == 0 ? "pvpanic" : "pc-testdev", NULL);
    plug_rampage(&fx, (uint32_t)_i + 1, 0xff000000, 0x10010, _i % 4 < 2 ? 0xe0 : 0x2000, 24);
    ck_assert_uint_eq(fx.irqs, 0);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("pvpanic");

    tcase_add_checked_fixture(tc, NULL, teardown);
    tcase_add_test(tc, a_panic_is_told);
    tcase_add_test(tc, events_can_be_left_out);
    tcase_add_test(tc, a_panic_is_told_by_pci);
    tcase_add_test(tc, the_test_device_keeps_what_is_written);
    tcase_add_test(tc, the_test_device_drives_interrupts);
    tcase_add_loop_test(tc, anything_is_survived, 0, 6);
    return suite_run(tc, "hw/pvpanic");
}
