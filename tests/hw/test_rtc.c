/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/rtc.h"
#include "tests/hw/chip_fixture.h"

static Chip chip;
static Rtc *rtc;

static uint8_t get(uint8_t index)
{
    out8(&chip, 0x70, index);
    return in8(&chip, 0x71);
}

static void put(uint8_t index, uint8_t value)
{
    out8(&chip, 0x70, index);
    out8(&chip, 0x71, value);
}

static void setup(void)
{
    chip_open(&chip);
    /* 1999-12-31 23:58:59.25, a Friday */
    clock_set_wall(chip.clock, 946684739 * (int64_t)NS_PER_S + 250 * NS_PER_MS);
    rtc = rtc_new(chip.io, chip.clock, chip_line(&chip, 8));
}

static void teardown(void)
{
    rtc_free(rtc);
    chip_close(&chip);
}

START_TEST(starts_at_the_wall_clock_in_bcd)
{
    ck_assert_uint_eq(get(0), 0x59);
    ck_assert_uint_eq(get(2), 0x58);
    ck_assert_uint_eq(get(4), 0x23);
    ck_assert_uint_eq(get(6), 6);
    ck_assert_uint_eq(get(7), 0x31);
    ck_assert_uint_eq(get(8), 0x12);
    ck_assert_uint_eq(get(9), 0x99);
    ck_assert_uint_eq(get(0x32), 0x19);
    ck_assert_uint_eq(get(0x0d), 0x80);
}
END_TEST

START_TEST(seconds_roll_over_into_the_century)
{
    clock_step(chip.clock, 750 * NS_PER_MS - 1);
    ck_assert_uint_eq(get(0), 0x59);
    clock_step(chip.clock, 1);
    ck_assert_uint_eq(get(0), 0x00);
    ck_assert_uint_eq(get(2), 0x59);
    clock_step(chip.clock, 60 * (int64_t)NS_PER_S);
    ck_assert_uint_eq(get(4), 0x00);
    ck_assert_uint_eq(get(6), 7);
    ck_assert_uint_eq(get(7), 0x01);
    ck_assert_uint_eq(get(8), 0x01);
    ck_assert_uint_eq(get(9), 0x00);
    ck_assert_uint_eq(get(0x32), 0x20);
}
END_TEST

START_TEST(a_long_sleep_counts_all_days)
{
    clock_step(chip.clock, (366 + 59) * (int64_t)86400 * NS_PER_S); /* over a leap day */
    ck_assert_uint_eq(get(9), 0x01);
    ck_assert_uint_eq(get(8), 0x02);
    ck_assert_uint_eq(get(7), 0x28);
    ck_assert_uint_eq(get(0), 0x59);
    clock_step(chip.clock, 3 * (int64_t)365 * 86400 * NS_PER_S);
    ck_assert_uint_eq(get(9), 0x04);
    ck_assert_uint_eq(get(8), 0x02);
    ck_assert_uint_eq(get(7), 0x28);
    clock_step(chip.clock, (int64_t)86400 * NS_PER_S);
    ck_assert_uint_eq(get(7), 0x29);
}
END_TEST

START_TEST(binary_and_twelve_hour_formats_count)
{
    put(0x0b, 0x84); /* SET, binary, 12 h */
    put(4, 11 | 0x80);
    put(2, 59);
    put(0, 59);
    put(0x0b, 0x04);
    clock_step(chip.clock, NS_PER_S);
    ck_assert_uint_eq(get(4), 12);
    ck_assert_uint_eq(get(2), 0);
    clock_step(chip.clock, 3600 * (int64_t)NS_PER_S);
    ck_assert_uint_eq(get(4), 1);
}
END_TEST

START_TEST(set_stops_the_registers)
{
    put(0x0b, 0x82);
    put(0, 0x30);
    clock_step(chip.clock, 10 * (int64_t)NS_PER_S);
    ck_assert_uint_eq(get(0), 0x30);
    ck_assert_uint_eq(get(0x0a) & 0x80, 0);
    put(0x0b, 0x02);
    clock_step(chip.clock, NS_PER_S);
    ck_assert_uint_eq(get(0), 0x31);
}
END_TEST

START_TEST(the_divider_starts_half_a_second_before_an_update)
{
    put(0x0a, 0x76);
    clock_step(chip.clock, 10 * (int64_t)NS_PER_S);
    ck_assert_uint_eq(get(0), 0x59);
    put(0x0a, 0x26);
    clock_step(chip.clock, 500 * NS_PER_MS - 1);
    ck_assert_uint_eq(get(0), 0x59);
    clock_step(chip.clock, 1);
    ck_assert_uint_eq(get(0), 0x00);
}
END_TEST

START_TEST(update_in_progress_announces_the_update)
{
    ck_assert_uint_eq(get(0x0a), 0x26);
    clock_step(chip.clock, 749 * NS_PER_MS);
    ck_assert_uint_eq(get(0x0a), 0xa6);
    clock_step(chip.clock, NS_PER_MS);
    ck_assert_uint_eq(get(0x0a), 0x26);
}
END_TEST

START_TEST(the_update_interrupt_comes_every_second_and_c_clears_it)
{
    put(0x0b, 0x12);
    clock_step(chip.clock, 750 * NS_PER_MS);
    ck_assert(chip.level[8]);
    ck_assert_uint_eq(get(0x0c) & 0xb0, 0x90);
    ck_assert(!chip.level[8]);
    ck_assert_uint_eq(get(0x0c), 0x00);
    clock_step(chip.clock, NS_PER_S);
    ck_assert(chip.level[8]);
}
END_TEST

START_TEST(periodic_interrupts_that_the_host_slept_through_follow_each_read_of_c)
{
    unsigned seen = 0;

    put(0x0a, 0x26); /* 1024 Hz */
    put(0x0b, 0x42);
    clock_set_now(chip.clock, clock_now(chip.clock) + 10ll * NS_PER_S / 1024 + 1000);
    clock_step(chip.clock, 0);
    for (chip.rises[8] = 1; chip.level[8] && seen < 100; seen++) {
        ck_assert_uint_eq(get(0x0c) & 0xc0, 0xc0);
    }
    ck_assert_uint_eq(seen, 10);
    ck_assert_uint_eq(chip.rises[8], 10); /* each an edge */
}
END_TEST

START_TEST(the_periodic_interrupt_follows_the_rate)
{
    put(0x0a, 0x26); /* 1024 Hz */
    put(0x0b, 0x42);
    for (unsigned i = 0; i < 2048; i++) {
        clock_step(chip.clock, NS_PER_S / 1024);
        get(0x0c);
    }
    ck_assert_uint_ge(chip.rises[8], 2047);
    ck_assert_uint_le(chip.rises[8], 2048);
    put(0x0a, 0x2f); /* 2 Hz */
    get(0x0c);
    chip.rises[8] = 0;
    for (unsigned i = 0; i < 40; i++) {
        clock_step(chip.clock, NS_PER_S / 10);
        get(0x0c);
    }
    ck_assert_uint_eq(chip.rises[8], 8);
}
END_TEST

START_TEST(flags_rise_without_interrupts)
{
    get(0x0c);
    clock_step(chip.clock, 2 * (int64_t)NS_PER_S);
    ck_assert_uint_eq(get(0x0c), 0x50);
    ck_assert_uint_eq(chip.rises[8], 0);
    ck_assert_int_eq(clock_deadline(chip.clock), -1); /* nobody is waiting: no timer */
}
END_TEST

START_TEST(the_alarm_rings_at_its_time)
{
    put(1, 0x05);
    put(3, 0x59);
    put(5, 0xff);
    put(0x0b, 0x22);
    clock_step(chip.clock, 5 * (int64_t)NS_PER_S);
    ck_assert(!chip.level[8]);
    clock_step(chip.clock, NS_PER_S);
    ck_assert(chip.level[8]);
    ck_assert_uint_eq(get(0x0c) & 0xa0, 0xa0);
    clock_step(chip.clock, 3599 * (int64_t)NS_PER_S);
    ck_assert(!chip.level[8]);
    clock_step(chip.clock, NS_PER_S);
    ck_assert(chip.level[8]);
}
END_TEST

START_TEST(ram_and_the_extended_bank_hold_what_is_written)
{
    rtc_cmos_set(rtc, 0x34, 0x12);
    ck_assert_uint_eq(get(0x34), 0x12);
    put(0x7f, 0xa5);
    ck_assert_uint_eq(rtc_cmos_get(rtc, 0x7f), 0xa5);
    out8(&chip, 0x72, 0x7f);
    out8(&chip, 0x73, 0x5a);
    ck_assert_uint_eq(rtc_cmos_get(rtc, 0xff), 0x5a);
    ck_assert_uint_eq(get(0x7f), 0xa5);
    ck_assert_uint_eq(in8(&chip, 0x73), 0x5a);
}
END_TEST

START_TEST(bit_7_of_the_index_masks_nmi)
{
    out8(&chip, 0x70, 0x8f);
    ck_assert(rtc_nmi_masked(rtc));
    ck_assert_uint_eq(get(0x0f), 0);
    ck_assert(!rtc_nmi_masked(rtc));
}
END_TEST

START_TEST(reset_keeps_time_and_ram_but_no_interrupts)
{
    put(0x40, 0x77);
    put(0x0b, 0x72);
    clock_step(chip.clock, NS_PER_S);
    ck_assert(chip.level[8]);
    rtc_reset(rtc);
    ck_assert(!chip.level[8]);
    ck_assert_uint_eq(get(0x0b), 0x02);
    ck_assert_uint_eq(get(0x40), 0x77);
    ck_assert_uint_eq(get(2), 0x59);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hw/rtc");
    TCase *tc = tcase_create("rtc");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, starts_at_the_wall_clock_in_bcd);
    tcase_add_test(tc, seconds_roll_over_into_the_century);
    tcase_add_test(tc, a_long_sleep_counts_all_days);
    tcase_add_test(tc, binary_and_twelve_hour_formats_count);
    tcase_add_test(tc, set_stops_the_registers);
    tcase_add_test(tc, the_divider_starts_half_a_second_before_an_update);
    tcase_add_test(tc, update_in_progress_announces_the_update);
    tcase_add_test(tc, the_update_interrupt_comes_every_second_and_c_clears_it);
    tcase_add_test(tc, the_periodic_interrupt_follows_the_rate);
    tcase_add_test(tc, periodic_interrupts_that_the_host_slept_through_follow_each_read_of_c);
    tcase_add_test(tc, flags_rise_without_interrupts);
    tcase_add_test(tc, the_alarm_rings_at_its_time);
    tcase_add_test(tc, ram_and_the_extended_bank_hold_what_is_written);
    tcase_add_test(tc, bit_7_of_the_index_masks_nmi);
    tcase_add_test(tc, reset_keeps_time_and_ram_but_no_interrupts);
    suite_add_tcase(suite, tc);
    return chip_run_suite(suite);
}
