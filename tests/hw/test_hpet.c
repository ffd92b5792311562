/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/hpet.h"
#include "tests/hw/chip_fixture.h"

static Chip chip;
static PhysMap *map;
static Hpet *hpet;

enum { CONFIG = 0x10, STATUS = 0x20, COUNTER = 0xf0, IRQ0 = 28, IRQ8 = 29, LEGACY = 30 };
enum { ENABLE = 4, LEVEL = 2, PERIODIC = 8, SET_VALUE = 0x40, NARROW = 0x100 };

static void setup(void)
{
    HpetWires wires;

    chip_open(&chip);
    wires = (HpetWires){ .gsi = chip_line(&chip, 0),
                         .irq0 = chip_line(&chip, IRQ0),
                         .irq8 = chip_line(&chip, IRQ8),
                         .legacy = chip_line(&chip, LEGACY) };
    map = phys_map_new(0x1000, NULL);
    hpet = hpet_new(map, HPET_BASE, chip.clock, &wires);
}

static void teardown(void)
{
    hpet_free(hpet);
    phys_map_free(map);
    chip_close(&chip);
}

static uint64_t get(unsigned reg)
{
    return phys_map_mmio_read(map, HPET_BASE + reg, 8);
}

static void put(unsigned reg, uint64_t value)
{
    phys_map_mmio_write(map, HPET_BASE + reg, 8, value);
}

static void put32(unsigned reg, uint32_t value)
{
    phys_map_mmio_write(map, HPET_BASE + reg, 4, value);
}

static void step(int64_t ticks)
{
    clock_step(chip.clock, ticks * 10);
}

static unsigned config(unsigned n)
{
    return 0x100 + 0x20 * n;
}

static unsigned comparator(unsigned n)
{
    return 0x108 + 0x20 * n;
}

START_TEST(capabilities_name_period_and_timers)
{
    ck_assert_uint_eq(get(0), (uint64_t)10000000 << 32 | 0x8086a201);
    ck_assert_uint_eq(phys_map_mmio_read(map, HPET_BASE + 4, 4), 10000000);
    ck_assert_uint_eq(get(config(2)), (uint64_t)0x00ff0104 << 32 | 0x30);
    ck_assert_uint_eq(get(comparator(1)), UINT64_MAX);
}
END_TEST

START_TEST(the_counter_runs_while_enabled)
{
    step(100);
    ck_assert_uint_eq(get(COUNTER), 0);
    put(COUNTER, 1000);
    put(CONFIG, 1);
    step(50);
    ck_assert_uint_eq(get(COUNTER), 1050);
    put(CONFIG, 0);
    step(50);
    ck_assert_uint_eq(get(COUNTER), 1050);
    put32(COUNTER + 4, 7);
    ck_assert_uint_eq(get(COUNTER), 7ull << 32 | 1050);
}
END_TEST

START_TEST(a_one_shot_timer_fires_once)
{
    put(config(0), ENABLE | 2 << 9);
    put(comparator(0), 100);
    put(CONFIG, 1);
    step(99);
    ck_assert_uint_eq(chip.rises[2], 0);
    step(1);
    ck_assert_uint_eq(chip.rises[2], 1);
    step(1000000);
    ck_assert_uint_eq(chip.rises[2], 1);
    put(comparator(0), get(COUNTER) + 10);
    step(10);
    ck_assert_uint_eq(chip.rises[2], 2);
}
END_TEST

START_TEST(a_comparator_just_missed_fires_at_once)
{
    put(config(0), ENABLE | 2 << 9);
    put(CONFIG, 1);
    step(1000);
    put(comparator(0), 999);
    step(0);
    ck_assert_uint_eq(chip.rises[2], 1);
}
END_TEST

START_TEST(a_disabled_timer_is_silent)
{
    put(config(0), 2 << 9);
    put(comparator(0), 100);
    put(CONFIG, 1);
    step(1000);
    ck_assert_uint_eq(chip.rises[2], 0);
}
END_TEST

START_TEST(a_disabled_periodic_timer_moves_on_without_alarms)
{
    put(config(0), PERIODIC | SET_VALUE | 2 << 9);
    put(comparator(0), 1000);
    put(comparator(0), 1000);
    put(CONFIG, 1);
    ck_assert_int_eq(clock_deadline(chip.clock), -1);
    step(2500);
    ck_assert_uint_eq(get(comparator(0)), 3000);
    put(config(0), ENABLE | PERIODIC | 2 << 9);
    ck_assert_int_eq(clock_deadline(chip.clock), 30000);
    step(500);
    ck_assert_int_eq(clock_deadline(chip.clock), 40000);
    put(config(0), PERIODIC | 2 << 9);
    ck_assert_int_eq(clock_deadline(chip.clock), -1);
}
END_TEST

START_TEST(a_periodic_timer_takes_its_phase_and_its_period)
{
    put32(config(0), ENABLE | PERIODIC | SET_VALUE | NARROW | 2 << 9);
    put32(comparator(0), 500);
    ck_assert_uint_eq(get(config(0)) & SET_VALUE, 0);
    put32(comparator(0), 100);
    put(CONFIG, 1);
    step(499);
    ck_assert_uint_eq(chip.rises[2], 0);
    step(1);
    ck_assert_uint_eq(chip.rises[2], 1);
    ck_assert_uint_eq(get(comparator(0)), 600);
    step(1000);
    ck_assert_uint_eq(chip.rises[2], 3); /* at least 5 us apart */
}
END_TEST

START_TEST(periods_keep_their_phase)
{
    put(config(0), ENABLE | PERIODIC | SET_VALUE | 2 << 9);
    put(comparator(0), 100000);
    put(CONFIG, 1);
    for (unsigned i = 1; i <= 50; i++) {
        step(99999);
        ck_assert_uint_eq(chip.rises[2], i - 1);
        step(1);
        ck_assert_uint_eq(chip.rises[2], i);
    }
    clock_set_now(chip.clock, clock_now(chip.clock) + 10 * 1000000 + 10);
    clock_run(chip.clock);
    ck_assert_uint_eq(chip.rises[2], 51);
    ck_assert_uint_eq(get(comparator(0)), 6100000);
}
END_TEST

START_TEST(a_narrow_timer_comes_round)
{
    put(config(0), ENABLE | NARROW | 2 << 9);
    put(COUNTER, 0xfffffff0);
    put(comparator(0), 0x10);
    put(CONFIG, 1);
    step(0x1f);
    ck_assert_uint_eq(chip.rises[2], 0);
    step(1);
    ck_assert_uint_eq(chip.rises[2], 1);
    step((int64_t)1 << 32);
    ck_assert_uint_eq(chip.rises[2], 2);
}
END_TEST

START_TEST(a_level_triggered_timer_holds_its_line)
{
    put(config(1), ENABLE | LEVEL | 20 << 9);
    put(comparator(1), 100);
    put(CONFIG, 1);
    step(100);
    ck_assert(chip.level[20]);
    ck_assert_uint_eq(get(STATUS), 2);
    put(STATUS, 1);
    ck_assert(chip.level[20]);
    put(STATUS, 2);
    ck_assert(!chip.level[20]);
    ck_assert_uint_eq(get(STATUS), 0);
}
END_TEST

START_TEST(legacy_replacement_takes_irq_0_and_8)
{
    put(config(0), ENABLE | 2 << 9);
    put(config(1), ENABLE | 20 << 9);
    put(comparator(0), 100);
    put(comparator(1), 200);
    put(CONFIG, 3);
    ck_assert(chip.level[LEGACY]);
    step(200);
    ck_assert_uint_eq(chip.rises[IRQ0], 1);
    ck_assert_uint_eq(chip.rises[IRQ8], 1);
    ck_assert_uint_eq(chip.rises[2] + chip.rises[20], 0);
    hpet_reset(hpet);
    ck_assert(!chip.level[LEGACY]);
    ck_assert_uint_eq(get(CONFIG), 0);
}
END_TEST

START_TEST(routes_that_are_not_there_do_not_stick)
{
    put(config(0), 2 << 9);
    put(config(0), 5 << 9);
    ck_assert_uint_eq(get(config(0)) & 0x3e00, 2 << 9);
}
END_TEST

START_TEST(any_access_is_survived)
{
    uint32_t seed = 1;

    for (unsigned i = 0; i < 20000; i++) {
        static const unsigned widths[] = { 1, 2, 4, 8 };
        unsigned width = widths[i & 3];
        unsigned reg;

        seed = seed * 1103515245 + 12345;
        reg = (seed >> 8) % (HPET_SIZE - 8) & ~(width - 1);
        phys_map_mmio_read(map, HPET_BASE + reg, width);
        phys_map_mmio_write(map, HPET_BASE + reg, width, (uint64_t)seed * seed);
        clock_step(chip.clock, seed >> 20);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hw/hpet");
    TCase *tc = tcase_create("hpet");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, capabilities_name_period_and_timers);
    tcase_add_test(tc, the_counter_runs_while_enabled);
    tcase_add_test(tc, a_one_shot_timer_fires_once);
    tcase_add_test(tc, a_comparator_just_missed_fires_at_once);
    tcase_add_test(tc, a_disabled_timer_is_silent);
    tcase_add_test(tc, a_periodic_timer_takes_its_phase_and_its_period);
    tcase_add_test(tc, periods_keep_their_phase);
    tcase_add_test(tc, a_narrow_timer_comes_round);
    tcase_add_test(tc, a_level_triggered_timer_holds_its_line);
    tcase_add_test(tc, a_disabled_periodic_timer_moves_on_without_alarms);
    tcase_add_test(tc, legacy_replacement_takes_irq_0_and_8);
    tcase_add_test(tc, routes_that_are_not_there_do_not_stick);
    tcase_add_test(tc, any_access_is_survived);
    suite_add_tcase(suite, tc);
    return chip_run_suite(suite);
}
