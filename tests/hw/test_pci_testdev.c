/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_pci_testdev.c - pci-testdev as kvm-unit-tests use it. */
#include "tests/hw/device_plug.h"

enum { IO_BASE = 0xc000, HIGH_BAR = 0x40 /* of the upper half: 256 GiB */ };

static Plug fx;

static void setup(void)
{
    const DeviceSetting settings[] = { { "membar", "16G", NULL }, { 0 } };

    plug_open(&fx, "pci-testdev", settings);
    pci_config_write(fx.pci, PLUG_DEVFN, 0x14, 4, IO_BASE);
    pci_config_write(fx.pci, PLUG_DEVFN, 0x1c, 4, HIGH_BAR);
}

static void teardown(void)
{
    plug_close(&fx);
}

static void memory_byte(unsigned offset, uint8_t value)
{
    phys_map_mmio_write(fx.bench.map, PLUG_BAR + offset, 1, value);
}

START_TEST(memory_tests_count_writes)
{
    char name[32];

    memory_byte(0, 0);
    ck_assert_uint_eq(get8(&fx.bench, PLUG_BAR + 1), 1);
    ck_assert_uint_eq(get32(&fx.bench, PLUG_BAR + 4), 2048);
    ck_assert_uint_eq(get32(&fx.bench, PLUG_BAR + 8), 0xce);
    phys_map_read(fx.bench.map, PLUG_BAR + 16, name, sizeof(name));
    ck_assert_str_eq(name, "mmio-no-eventfd");
    memory_byte(2048, 0x11);
    memory_byte(2049, 0x11); /* another test's */
    phys_map_mmio_write(fx.bench.map, PLUG_BAR + 2048, 2, 0xce);
    memory_byte(2048, 0xce);
    ck_assert_uint_eq(get32(&fx.bench, PLUG_BAR + 12), 2);
    memory_byte(0, 0);
    ck_assert_uint_eq(get32(&fx.bench, PLUG_BAR + 12), 0);
}
END_TEST

START_TEST(port_tests_are_theirs)
{
    io_bus_write(fx.bench.io, IO_BASE, 1, 2);
    ck_assert_uint_eq(io_bus_read(fx.bench.io, IO_BASE + 4, 4), 128 + 5);
    ck_assert_uint_eq(io_bus_read(fx.bench.io, IO_BASE + 8, 4), 0xfa);
    io_bus_write(fx.bench.io, IO_BASE + 133, 1, 0xce);
    io_bus_write(fx.bench.io, IO_BASE + 133, 1, 0xfa);
    ck_assert_uint_eq(io_bus_read(fx.bench.io, IO_BASE + 12, 4), 1);
}
END_TEST

START_TEST(a_test_that_is_not_there_has_no_width)
{
    memory_byte(0, 3);
    ck_assert_uint_eq(get32(&fx.bench, PLUG_BAR), 0);
}
END_TEST

START_TEST(the_large_bar_is_above_4_gib)
{
    ck_assert_uint_eq(pci_device_bar((PciDevice *)fx.dev, 2), (uint64_t)HIGH_BAR << 32);
    ck_assert_uint_eq(get32(&fx.bench, ((uint64_t)HIGH_BAR << 32) + (8ull << 30)), 0);
    pci_config_write(fx.pci, PLUG_DEVFN, 0x18, 4, UINT32_MAX);
    pci_config_write(fx.pci, PLUG_DEVFN, 0x1c, 4, UINT32_MAX);
    ck_assert_uint_eq(pci_config_read(fx.pci, PLUG_DEVFN, 0x18, 4), 0xc);
    ck_assert_uint_eq(pci_config_read(fx.pci, PLUG_DEVFN, 0x1c, 4), 0xfffffffc);
}
END_TEST

START_TEST(a_bar_of_no_power_is_refused)
{
    const DeviceSetting settings[] = { { "membar", "12M", NULL }, { 0 } };
    g_autoptr(GError) error = NULL;

    ck_assert_ptr_null(board_add_device(fx.bench.board, "pci-testdev", settings, &error));
    ck_assert_str_eq(error->message, "membar=12582912 is not a power of two from 4 KiB to 64 TiB");
}
END_TEST

START_TEST(anything_is_survived)
{
    plug_rampage(&fx, (uint32_t)_i + 1, PLUG_BAR, 4096, IO_BASE, 256);
    ck_assert_uint_eq(pci_config_read(fx.pci, PLUG_DEVFN, 0, 4), 0x00051b36);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("pci_testdev");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, memory_tests_count_writes);
    tcase_add_test(tc, port_tests_are_theirs);
    tcase_add_test(tc, a_test_that_is_not_there_has_no_width);
    tcase_add_test(tc, the_large_bar_is_above_4_gib);
    tcase_add_test(tc, a_bar_of_no_power_is_refused);
    tcase_add_loop_test(tc, anything_is_survived, 0, 5);
    return suite_run(tc, "hw/pci_testdev");
}
