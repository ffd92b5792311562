/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/pit8254.h"
#include "hw/port61.h"
#include "tests/hw/chip_fixture.h"

static Chip chip;
static Pit *pit;
static Port61 *port61;

static void setup(void)
{
    chip_open(&chip);
    pit = pit_new(chip.io, chip.clock, chip_line(&chip, 0));
    port61 = port61_new(chip.io, pit, chip.clock);
}

static void teardown(void)
{
    port61_free(port61);
    pit_free(pit);
    chip_close(&chip);
}

/* To the middle of the n-th tick from 0. */
static void to_tick(int64_t n)
{
    int64_t when = (n * 2 + 1) * NS_PER_S / 2 / PIT_HZ;

    clock_step(chip.clock, when - clock_now(chip.clock));
}

static int64_t tick_now(void)
{
    return clock_now(chip.clock) * PIT_HZ / NS_PER_S;
}

static void program(unsigned channel, uint8_t control, uint16_t count)
{
    out8(&chip, 0x43, (uint8_t)(channel << 6 | 0x30 | control));
    out8(&chip, (uint16_t)(0x40 + channel), (uint8_t)count);
    out8(&chip, (uint16_t)(0x40 + channel), (uint8_t)(count >> 8));
}

static uint16_t in16(uint16_t port)
{
    uint16_t low = in8(&chip, port);

    return (uint16_t)(low | in8(&chip, port) << 8);
}

static uint16_t latched(unsigned channel)
{
    out8(&chip, 0x43, (uint8_t)(channel << 6));
    return in16((uint16_t)(0x40 + channel));
}

static uint8_t status(unsigned channel)
{
    out8(&chip, 0x43, (uint8_t)(0xe0 | 2u << channel));
    return in8(&chip, (uint16_t)(0x40 + channel));
}

START_TEST(mode_0_raises_out_at_terminal_count)
{
    int64_t start;

    to_tick(10);
    program(0, 0x0, 100);
    start = tick_now() + 1;
    ck_assert(!chip.level[0]);
    ck_assert_uint_eq(status(0), 0x70); /* null count: loaded with the next tick */
    to_tick(start);
    ck_assert_uint_eq(latched(0), 100);
    ck_assert_uint_eq(status(0), 0x30);
    to_tick(start + 40);
    ck_assert_uint_eq(latched(0), 60);
    to_tick(start + 99);
    ck_assert(!chip.level[0]);
    to_tick(start + 100);
    ck_assert(chip.level[0]);
    ck_assert_uint_eq(status(0), 0xb0);
    to_tick(start + 101);
    ck_assert_uint_eq(latched(0), 0xffff);
    out8(&chip, 0x40, 5); /* the first of two bytes stops it */
    ck_assert(!chip.level[0]);
}
END_TEST

START_TEST(mode_2_interrupts_once_a_period)
{
    int64_t start;

    program(0, 0x4, 1000);
    start = tick_now() + 1;
    ck_assert(chip.level[0]);
    chip.rises[0] = 0;
    to_tick(start + 999);
    ck_assert(!pit_out(pit, 0));
    ck_assert_uint_eq(latched(0), 1);
    ck_assert_uint_eq(chip.rises[0], 0);
    to_tick(start + 1000);
    ck_assert_uint_eq(chip.rises[0], 1);
    ck_assert_uint_eq(latched(0), 1000);
    to_tick(start + 10000);
    ck_assert_uint_eq(chip.rises[0], 10);
}
END_TEST

START_TEST(mode_2_takes_a_new_count_at_the_end_of_the_period)
{
    int64_t start;

    program(0, 0x4, 1000);
    start = tick_now() + 1;
    to_tick(start + 500);
    out8(&chip, 0x40, 200);
    out8(&chip, 0x40, 0);
    ck_assert_uint_eq(status(0) & 0x40, 0x40);
    ck_assert_uint_eq(latched(0), 500);
    chip.rises[0] = 0;
    to_tick(start + 1000);
    ck_assert_uint_eq(chip.rises[0], 1);
    ck_assert_uint_eq(latched(0), 200);
    ck_assert_uint_eq(status(0) & 0x40, 0);
    to_tick(start + 1200);
    ck_assert_uint_eq(chip.rises[0], 2);
}
END_TEST

/* The host was busy: time has gone on, but nobody has looked. */
static void away_until(int64_t tick)
{
    clock_set_now(chip.clock, (tick * 2 + 1) * NS_PER_S / 2 / PIT_HZ);
    clock_step(chip.clock, 0);
}

START_TEST(edges_that_the_host_is_late_for_come_one_by_one)
{
    int64_t start;

    program(0, _i == 0 ? 0x4 : 0x6, 1000);
    start = tick_now() + 1;
    to_tick(start + 10);
    chip.rises[0] = 0;
    away_until(start + 4010); /* OUT is high, in both modes */
    ck_assert_uint_le(chip.rises[0], 1);
    to_tick(start + 4100);
    ck_assert_uint_le(chip.rises[0], 2);
    to_tick(start + 4499);
    ck_assert_uint_eq(chip.rises[0], 4);
    to_tick(start + 5000);
    ck_assert_uint_eq(chip.rises[0], 5);
    to_tick(start + 5999);
    ck_assert_uint_eq(chip.rises[0], 5);
}
END_TEST

START_TEST(a_new_mode_forgets_late_edges)
{
    program(0, 0x4, 1000);
    to_tick(tick_now() + 10);
    away_until(tick_now() + 5000);
    program(0, 0x4, 60000);
    chip.rises[0] = 0;
    to_tick(tick_now() + 50000);
    ck_assert_uint_eq(chip.rises[0], 0);
}
END_TEST

START_TEST(no_more_than_a_second_of_edges_is_late)
{
    program(0, 0x4, 11932); /* 100 Hz */
    to_tick(tick_now() + 10);
    chip.rises[0] = 0;
    away_until(tick_now() + 60ll * PIT_HZ);
    to_tick(tick_now() + PIT_HZ);
    ck_assert_uint_ge(chip.rises[0], 199);
    ck_assert_uint_le(chip.rises[0], 201);
}
END_TEST

START_TEST(mode_3_is_a_square_wave)
{
    int64_t start;

    program(0, 0x6, 10);
    start = tick_now() + 1;
    chip.rises[0] = 0;
    for (int i = 0; i < 20; i++) {
        to_tick(start + i);
        ck_assert_int_eq(chip.level[0], i % 10 < 5);
        ck_assert_uint_eq(latched(0), 10 - 2 * (i % 5));
    }
    ck_assert_uint_eq(chip.rises[0], 1);
}
END_TEST

START_TEST(mode_3_with_an_odd_count_is_high_a_tick_longer)
{
    int64_t start;

    program(0, 0x6, 7);
    start = tick_now() + 1;
    for (int i = 0; i < 21; i++) {
        to_tick(start + i);
        ck_assert_int_eq(chip.level[0], i % 7 < 4);
    }
}
END_TEST

START_TEST(mode_3_takes_a_new_count_at_the_half_period)
{
    int64_t start;

    program(0, 0x6, 100);
    start = tick_now() + 1;
    to_tick(start + 10);
    out8(&chip, 0x40, 20);
    out8(&chip, 0x40, 0);
    to_tick(start + 49);
    ck_assert(chip.level[0]);
    to_tick(start + 50);
    ck_assert(!chip.level[0]);
    to_tick(start + 59);
    ck_assert(!chip.level[0]);
    to_tick(start + 60);
    ck_assert(chip.level[0]);
    to_tick(start + 70);
    ck_assert(!chip.level[0]);
}
END_TEST

START_TEST(mode_4_strobes_once)
{
    int64_t start;

    program(0, 0x8, 50);
    start = tick_now() + 1;
    chip.rises[0] = 0;
    to_tick(start + 49);
    ck_assert(pit_out(pit, 0));
    to_tick(start + 50);
    ck_assert(!pit_out(pit, 0));
    to_tick(start + 51);
    ck_assert(pit_out(pit, 0));
    ck_assert_uint_eq(chip.rises[0], 1);
    to_tick(start + 200000);
    ck_assert_uint_eq(chip.rises[0], 1);
}
END_TEST

START_TEST(mode_1_is_triggered_by_the_gate_and_can_be_retriggered)
{
    int64_t start;

    program(2, 0x2, 100);
    ck_assert(pit_out(pit, 2));
    to_tick(tick_now() + 500);
    ck_assert(pit_out(pit, 2));
    out8(&chip, 0x61, 1);
    start = tick_now() + 1;
    to_tick(start);
    ck_assert(!pit_out(pit, 2));
    to_tick(start + 50);
    out8(&chip, 0x61, 0);
    out8(&chip, 0x61, 1);
    to_tick(start + 110);
    ck_assert(!pit_out(pit, 2));
    to_tick(start + 152);
    ck_assert(pit_out(pit, 2));
}
END_TEST

START_TEST(mode_5_strobes_after_the_trigger)
{
    int64_t start;

    program(2, 0xa, 10);
    out8(&chip, 0x61, 1);
    start = tick_now() + 1;
    to_tick(start + 9);
    ck_assert(pit_out(pit, 2));
    to_tick(start + 10);
    ck_assert(!pit_out(pit, 2));
    to_tick(start + 11);
    ck_assert(pit_out(pit, 2));
}
END_TEST

START_TEST(the_gate_stops_mode_0)
{
    program(2, 0x0, 100);
    to_tick(50);
    ck_assert_uint_eq(latched(2), 100);
    out8(&chip, 0x61, 1);
    to_tick(80);
    out8(&chip, 0x61, 0);
    to_tick(300);
    ck_assert_uint_eq(latched(2), 70);
    out8(&chip, 0x61, 1);
    to_tick(300 + 69);
    ck_assert_uint_eq(in8(&chip, 0x61) & 0x20, 0);
    to_tick(300 + 71);
    ck_assert_uint_eq(in8(&chip, 0x61) & 0x20, 0x20);
}
END_TEST

START_TEST(bcd_counts_in_decimal)
{
    int64_t start;

    program(0, 0x5, 0x1000);
    start = tick_now() + 1;
    to_tick(start + 1);
    ck_assert_uint_eq(latched(0), 0x0999);
    program(0, 0x1, 0x0000); /* 10000 */
    start = tick_now() + 1;
    to_tick(start + 1);
    ck_assert_uint_eq(latched(0), 0x9999);
    to_tick(start + 10000);
    ck_assert(chip.level[0]);
}
END_TEST

START_TEST(read_back_latches_status_and_count)
{
    int64_t start;

    program(0, 0x4, 5000);
    start = tick_now() + 1;
    to_tick(start + 100);
    out8(&chip, 0x43, 0xc2);
    to_tick(start + 200);
    ck_assert_uint_eq(in8(&chip, 0x40), 0xb4);
    ck_assert_uint_eq(in16(0x40), 4900);
    ck_assert_uint_eq(in16(0x40), 4800);
}
END_TEST

START_TEST(a_second_latch_waits_for_the_first_to_be_read)
{
    program(0, 0x4, 5000);
    to_tick(tick_now() + 101);
    out8(&chip, 0x43, 0x00);
    to_tick(tick_now() + 100);
    out8(&chip, 0x43, 0x00);
    ck_assert_uint_eq(in16(0x40), 4900);
}
END_TEST

START_TEST(single_byte_access_reads_and_writes_one_half)
{
    int64_t start;

    out8(&chip, 0x43, 0x14); /* low byte, mode 2 */
    out8(&chip, 0x40, 200);
    start = tick_now() + 1;
    to_tick(start + 50);
    ck_assert_uint_eq(in8(&chip, 0x40), 150);
    ck_assert_uint_eq(in8(&chip, 0x40), 150);
    out8(&chip, 0x43, 0x24); /* high byte */
    out8(&chip, 0x40, 4);
    start = tick_now() + 1;
    to_tick(start + 256);
    ck_assert_uint_eq(in8(&chip, 0x40), 3);
}
END_TEST

START_TEST(late_periods_are_one_interrupt)
{
    program(0, 0x4, 100);
    to_tick(200);
    chip.rises[0] = 0;
    clock_set_now(chip.clock, clock_now(chip.clock) + NS_PER_S);
    clock_run(chip.clock);
    ck_assert_uint_eq(chip.rises[0], 1);
    to_tick(tick_now() + 100);
    ck_assert_uint_eq(chip.rises[0], 2);
}
END_TEST

START_TEST(port_61_keeps_its_bits_and_toggles_refresh)
{
    unsigned toggles = 0;
    uint8_t last;

    out8(&chip, 0x61, 0xff);
    ck_assert_uint_eq(in8(&chip, 0x61) & 0xcf, 0x0f);
    ck_assert(pit_gate(pit, 2));
    last = in8(&chip, 0x61) & 0x10;
    for (int i = 0; i < 1000; i++) {
        clock_step(chip.clock, NS_PER_US);
        toggles += (in8(&chip, 0x61) & 0x10) != last;
        last = in8(&chip, 0x61) & 0x10;
    }
    ck_assert_uint_eq(toggles, 66);
}
END_TEST

START_TEST(the_speaker_needs_gate_and_data)
{
    program(2, 0x6, 10);
    out8(&chip, 0x61, 1);
    to_tick(tick_now() + 2);
    ck_assert(pit_out(pit, 2) && !port61_speaker(port61));
    out8(&chip, 0x61, 3);
    ck_assert(port61_speaker(port61));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hw/pit8254");
    TCase *tc = tcase_create("pit8254");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, mode_0_raises_out_at_terminal_count);
    tcase_add_test(tc, mode_2_interrupts_once_a_period);
    tcase_add_test(tc, mode_2_takes_a_new_count_at_the_end_of_the_period);
    tcase_add_loop_test(tc, edges_that_the_host_is_late_for_come_one_by_one, 0, 2);
    tcase_add_test(tc, a_new_mode_forgets_late_edges);
    tcase_add_test(tc, no_more_than_a_second_of_edges_is_late);
    tcase_add_test(tc, mode_3_is_a_square_wave);
    tcase_add_test(tc, mode_3_with_an_odd_count_is_high_a_tick_longer);
    tcase_add_test(tc, mode_3_takes_a_new_count_at_the_half_period);
    tcase_add_test(tc, mode_4_strobes_once);
    tcase_add_test(tc, mode_1_is_triggered_by_the_gate_and_can_be_retriggered);
    tcase_add_test(tc, mode_5_strobes_after_the_trigger);
    tcase_add_test(tc, the_gate_stops_mode_0);
    tcase_add_test(tc, bcd_counts_in_decimal);
    tcase_add_test(tc, read_back_latches_status_and_count);
    tcase_add_test(tc, a_second_latch_waits_for_the_first_to_be_read);
    tcase_add_test(tc, single_byte_access_reads_and_writes_one_half);
    tcase_add_test(tc, late_periods_are_one_interrupt);
    tcase_add_test(tc, port_61_keeps_its_bits_and_toggles_refresh);
    tcase_add_test(tc, the_speaker_needs_gate_and_data);
    suite_add_tcase(suite, tc);
    return chip_run_suite(suite);
}
