/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/hw/chip_fixture.h"

static Clock *fake;
static ClockTimer *timers[3];
static int order[64];
static unsigned fired;
static int64_t fired_at[64];
static int64_t host_now;
static unsigned rearms;

static void note(void *opaque)
{
    order[fired] = (int)(intptr_t)opaque;
    fired_at[fired++] = clock_now(fake);
}

static int64_t host(void)
{
    return host_now;
}

static void count_rearm(void *opaque)
{
    (void)opaque;
    rearms++;
}

static void setup(void)
{
    fake = clock_new(NULL);
    fired = rearms = 0;
    host_now = 5000;
    for (intptr_t i = 0; i < 3; i++) {
        timers[i] = clock_timer_new(fake, note, (void *)i);
    }
}

static void teardown(void)
{
    for (int i = 0; i < 3; i++) {
        clock_timer_free(timers[i]);
    }
    clock_free(fake);
}

START_TEST(timers_fire_in_order_of_deadline_at_their_time)
{
    clock_timer_set(timers[0], 300);
    clock_timer_set(timers[1], 100);
    clock_timer_set(timers[2], 200);
    ck_assert_int_eq(clock_deadline(fake), 100);
    clock_step(fake, 250);
    ck_assert_uint_eq(fired, 2);
    ck_assert_int_eq(order[0], 1);
    ck_assert_int_eq(order[1], 2);
    ck_assert_int_eq(fired_at[1], 200);
    ck_assert_int_eq(clock_now(fake), 250);
    ck_assert(clock_timer_pending(timers[0]));
}
END_TEST

START_TEST(equal_deadlines_fire_in_the_order_they_were_set)
{
    clock_timer_set(timers[2], 100);
    clock_timer_set(timers[0], 100);
    clock_timer_set(timers[1], 100);
    clock_step(fake, 100);
    ck_assert_int_eq(order[0], 2);
    ck_assert_int_eq(order[1], 0);
    ck_assert_int_eq(order[2], 1);
}
END_TEST

START_TEST(a_cancelled_timer_does_not_fire_and_a_set_one_moves)
{
    clock_timer_set(timers[0], 100);
    clock_timer_set(timers[1], 100);
    clock_timer_set(timers[1], 400);
    clock_timer_cancel(timers[0]);
    ck_assert_int_eq(clock_timer_deadline(timers[0]), -1);
    clock_step(fake, 399);
    ck_assert_uint_eq(fired, 0);
    clock_step(fake, 1);
    ck_assert_uint_eq(fired, 1);
}
END_TEST

START_TEST(many_timers_stay_sorted)
{
    ClockTimer *many[200];
    int64_t last = 0;

    for (int i = 0; i < 200; i++) {
        many[i] = clock_timer_new(fake, note, NULL);
        clock_timer_set(many[i], (i * 7919) % 1009 + 1);
    }
    for (int i = 0; i < 200; i += 3) {
        clock_timer_cancel(many[i]);
    }
    while (clock_deadline(fake) >= 0) {
        ck_assert_int_ge(clock_deadline(fake), last);
        last = clock_deadline(fake);
        fired = 0;
        clock_step(fake, last - clock_now(fake));
    }
    for (int i = 0; i < 200; i++) {
        clock_timer_free(many[i]);
    }
}
END_TEST

START_TEST(a_host_clock_starts_at_zero_and_stands_while_stopped)
{
    Clock *clock = clock_new(host);
    ClockTimer *timer = clock_timer_new(clock, note, NULL);

    ck_assert_int_eq(clock_now(clock), 0);
    host_now += 100;
    ck_assert_int_eq(clock_now(clock), 100);
    clock_timer_set(timer, 150);
    clock_set_running(clock, false);
    host_now += 1000;
    ck_assert_int_eq(clock_now(clock), 100);
    ck_assert_int_eq(clock_deadline(clock), -1);
    clock_run(clock);
    ck_assert_uint_eq(fired, 0);
    clock_set_running(clock, true);
    host_now += 50;
    ck_assert_int_eq(clock_now(clock), 150);
    clock_run(clock);
    ck_assert_uint_eq(fired, 1);
    clock_timer_free(timer);
    clock_free(clock);
}
END_TEST

START_TEST(the_owner_is_told_when_the_earliest_deadline_changes)
{
    clock_set_rearm(fake, count_rearm, NULL);
    clock_timer_set(timers[0], 100);
    ck_assert_uint_eq(rearms, 1);
    clock_timer_set(timers[1], 200);
    ck_assert_uint_eq(rearms, 1);
    clock_timer_set(timers[2], 50);
    ck_assert_uint_eq(rearms, 2);
    clock_timer_cancel(timers[2]);
    ck_assert_uint_eq(rearms, 3);
}
END_TEST

START_TEST(the_wall_clock_moves_with_guest_time)
{
    clock_set_wall(fake, 1000);
    clock_step(fake, 42);
    ck_assert_int_eq(clock_wall(fake), 1042);
    clock_set_now(fake, 0);
    ck_assert_int_eq(clock_now(fake), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hw/clock");
    TCase *tc = tcase_create("clock");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, timers_fire_in_order_of_deadline_at_their_time);
    tcase_add_test(tc, equal_deadlines_fire_in_the_order_they_were_set);
    tcase_add_test(tc, a_cancelled_timer_does_not_fire_and_a_set_one_moves);
    tcase_add_test(tc, many_timers_stay_sorted);
    tcase_add_test(tc, a_host_clock_starts_at_zero_and_stands_while_stopped);
    tcase_add_test(tc, the_owner_is_told_when_the_earliest_deadline_changes);
    tcase_add_test(tc, the_wall_clock_moves_with_guest_time);
    suite_add_tcase(suite, tc);
    return chip_run_suite(suite);
}
