/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_i6300esb.c - the watchdog as its driver uses it. */
#include "tests/hw/device_plug.h"

enum { WDT = 0x60, LOCK = 0x68, FIRST = 0, SECOND = 4, RELOAD = 0xc, FAST = 4, SILENT = 0x20 };

static Plug fx;

static void setup(void)
{
    plug_open(&fx, "i6300esb", NULL);
}

static void teardown(void)
{
    plug_close(&fx);
}

static void config(unsigned reg, unsigned width, uint32_t value)
{
    pci_config_write(fx.pci, PLUG_DEVFN, reg, width, value);
}

static void put(unsigned reg, uint32_t value)
{
    phys_map_mmio_write(fx.bench.map, PLUG_BAR + RELOAD, 2, 0x80);
    phys_map_mmio_write(fx.bench.map, PLUG_BAR + RELOAD, 2, 0x86);
    phys_map_mmio_write(fx.bench.map, PLUG_BAR + reg, reg == RELOAD ? 2 : 4, value);
}

static uint32_t reload(void)
{
    return (uint32_t)phys_map_mmio_read(fx.bench.map, PLUG_BAR + RELOAD, 2);
}

static void step_ms(int64_t ms)
{
    clock_step(fx.bench.clock, ms * NS_PER_MS);
}

START_TEST(it_bites_after_two_stages)
{
    put(FIRST, 1000); /* of 33 MHz / 2^15: 0.993 s */
    put(SECOND, 2000);
    config(LOCK, 1, 2);
    step_ms(2900);
    ck_assert_uint_eq(fx.powers, 0);
    step_ms(100);
    ck_assert_uint_eq(fx.powers, 1);
    ck_assert_int_eq(fx.power, BOARD_POWER_WATCHDOG);
    step_ms(100000);
    ck_assert_uint_eq(fx.powers, 1);
}
END_TEST

START_TEST(it_is_kept_quiet)
{
    put(FIRST, 1000);
    put(SECOND, 1000);
    config(LOCK, 1, 2);
    for (unsigned i = 0; i < 20; i++) {
        step_ms(1500);
        put(RELOAD, 0x100);
    }
    ck_assert_uint_eq(fx.powers, 0);
    config(LOCK, 1, 0);
    step_ms(10000);
    ck_assert_uint_eq(fx.powers, 0);
}
END_TEST

START_TEST(registers_need_the_two_words)
{
    put32(&fx.bench, PLUG_BAR + FIRST, 5);
    ck_assert_uint_eq(get32(&fx.bench, PLUG_BAR + FIRST), 0xfffff);
    put(FIRST, 0xfff00007);
    ck_assert_uint_eq(get32(&fx.bench, PLUG_BAR + FIRST), 7);
    put32(&fx.bench, PLUG_BAR + FIRST, 9); /* closed again */
    ck_assert_uint_eq(get32(&fx.bench, PLUG_BAR + FIRST), 7);
}
END_TEST

START_TEST(a_lock_holds_until_reset)
{
    put(FIRST, 1000);
    put(SECOND, 1000);
    config(LOCK, 1, 3);
    config(LOCK, 1, 0);
    ck_assert_uint_eq(pci_config_read(fx.pci, PLUG_DEVFN, LOCK, 1), 3);
    step_ms(3000);
    ck_assert_uint_eq(fx.powers, 1);
    board_reset(fx.bench.board);
    ck_assert_uint_eq(pci_config_read(fx.pci, PLUG_DEVFN, LOCK, 1), 0);
}
END_TEST

/* The driver asks whether it was the watchdog that reset the machine. */
START_TEST(its_bite_is_remembered)
{
    ck_assert_uint_eq(reload() & 0x200, 0);
    put(FIRST, 1);
    put(SECOND, 1);
    config(LOCK, 1, 2);
    step_ms(1000);
    board_reset(fx.bench.board);
    config(0x10, 4, PLUG_BAR);
    config(0x04, 2, 7);
    ck_assert_uint_eq(reload() & 0x200, 0x200);
    put(RELOAD, 0x200);
    ck_assert_uint_eq(reload() & 0x200, 0);
}
END_TEST

START_TEST(the_fast_clock_is_a_thousand_times_as_fast)
{
    config(WDT, 2, FAST);
    put(FIRST, 1000);
    put(SECOND, 1000);
    config(LOCK, 1, 2);
    step_ms(1);
    ck_assert_uint_eq(fx.powers, 0);
    step_ms(1);
    ck_assert_uint_eq(fx.powers, 1);
}
END_TEST

START_TEST(free_running_and_silent_ones_do_not_bite)
{
    put(FIRST, 10);
    put(SECOND, 10);
    config(LOCK, 1, 6);
    step_ms(1000);
    ck_assert_uint_eq(fx.powers, 0);
    config(LOCK, 1, 0);
    config(WDT, 2, SILENT);
    config(LOCK, 1, 2);
    step_ms(1000);
    ck_assert_uint_eq(fx.powers, 0);
}
END_TEST

START_TEST(anything_is_survived)
{
    plug_rampage(&fx, (uint32_t)_i + 1, PLUG_BAR, 16, 0, 16);
    ck_assert_uint_eq(pci_config_read(fx.pci, PLUG_DEVFN, 0, 4), 0x25ab8086);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("i6300esb");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, it_bites_after_two_stages);
    tcase_add_test(tc, it_is_kept_quiet);
    tcase_add_test(tc, registers_need_the_two_words);
    tcase_add_test(tc, a_lock_holds_until_reset);
    tcase_add_test(tc, its_bite_is_remembered);
    tcase_add_test(tc, the_fast_clock_is_a_thousand_times_as_fast);
    tcase_add_test(tc, free_running_and_silent_ones_do_not_bite);
    tcase_add_loop_test(tc, anything_is_survived, 0, 5);
    return suite_run(tc, "hw/i6300esb");
}
