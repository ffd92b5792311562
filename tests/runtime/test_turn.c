/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_turn.c - vCPU threads hand the turn to one another. */
#include "runtime/engine/turn.h"

#include <check.h>
#include <glib.h>
#include <sched.h>
#include <stdlib.h>

enum { THREADS = 6, ROUNDS = 300, PATIENCE = 10 * G_TIME_SPAN_SECOND };

typedef struct Player {
    Cpu *cpu;
    TurnPlace place;
    pthread_t thread;
    unsigned turns;
} Player;

static Turn turn;
static Player player[THREADS];
static unsigned inside, clashes; /* not atomic: the turn guards them */
static bool taken;

static void setup(void)
{
    turn_init(&turn);
    inside = clashes = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        player[i] = (Player){ .cpu = g_new0(Cpu, 1) };
        player[i].place.cpu = player[i].cpu;
    }
}

static void teardown(void)
{
    for (unsigned i = 0; i < THREADS; i++) {
        g_free(player[i].cpu);
    }
    turn_fini(&turn);
}

static void *play(void *opaque)
{
    Player *self = opaque;

    while (self->turns < ROUNDS) {
        ck_assert(turn_take(&turn, &self->place));
        clashes += inside++ != 0;
        sched_yield();
        self->turns++;
        clashes += !turn_is_own(&turn);
        inside--;
        turn_give(&turn, &self->place);
        clashes += turn_is_own(&turn);
    }
    return NULL;
}

START_TEST(one_at_a_time_has_it)
{
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_create(&player[i].thread, NULL, play, &player[i]);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(player[i].thread, NULL);
        ck_assert_uint_eq(player[i].turns, ROUNDS);
    }
    ck_assert_uint_eq(clashes, 0);
}
END_TEST

static void *take_once(void *opaque)
{
    Player *self = opaque;
    bool result = turn_take(&turn, &self->place);

    __atomic_store_n(&taken, result, __ATOMIC_SEQ_CST);
    if (result) {
        turn_give(&turn, &self->place);
    }
    return NULL;
}

static bool within_patience(bool (*reached)(void))
{
    gint64 end = g_get_monotonic_time() + PATIENCE;

    while (!reached()) {
        if (g_get_monotonic_time() > end) {
            return false;
        }
        g_usleep(100);
    }
    return true;
}

static bool is_wanted(void)
{
    return turn_wanted(&turn);
}

static bool is_awaited(void)
{
    return __atomic_load_n(&turn.waiting, __ATOMIC_SEQ_CST);
}

START_TEST(who_runs_for_long_is_asked_for_it)
{
    taken = false;
    ck_assert(turn_take(&turn, &player[0].place));
    ck_assert(!turn_wanted(&turn));
    pthread_create(&player[1].thread, NULL, take_once, &player[1]);
    ck_assert(within_patience(is_wanted));
    ck_assert_uint_eq(player[0].cpu->attention, 1);
    turn_give(&turn, &player[0].place);
    pthread_join(player[1].thread, NULL);
    ck_assert(taken);
    ck_assert(!turn_wanted(&turn));
}
END_TEST

START_TEST(who_spins_lets_others_run)
{
    unsigned spins = 0;

    ck_assert(turn_take(&turn, &player[0].place));
    for (unsigned i = 0; i < 1000; i++) { /* nobody waits */
        ck_assert(!turn_spins(&turn, &player[0].place));
    }
    pthread_create(&player[1].thread, NULL, take_once, &player[1]);
    ck_assert(within_patience(is_awaited));
    while (!turn_spins(&turn, &player[0].place)) {
        ck_assert_uint_lt(++spins, 1000);
    }
    ck_assert(turn_wanted(&turn));
    turn_give(&turn, &player[0].place);
    pthread_join(player[1].thread, NULL);
}
END_TEST

START_TEST(the_machine_gets_a_waiting_thread_out)
{
    taken = true;
    ck_assert(turn_take(&turn, &player[0].place));
    pthread_create(&player[1].thread, NULL, take_once, &player[1]);
    ck_assert(within_patience(is_awaited));
    cpu_request_set(player[1].cpu, CPU_REQUEST_STOP); /* nobody wakes it: it looks by itself */
    pthread_join(player[1].thread, NULL);
    ck_assert(!taken);
    ck_assert(!turn.waiting);
    turn_give(&turn, &player[0].place);
}
END_TEST

/* Timers are short work: a CPU that has many would never come to its turn otherwise. */
START_TEST(a_place_is_kept_while_timers_run)
{
    ck_assert(turn_take(&turn, &player[0].place));
    cpu_request_set(player[1].cpu, CPU_REQUEST_TIMER);
    ck_assert(!turn_take(&turn, &player[1].place));
    ck_assert(turn.first == &player[1].place);
    cpu_request_clear(player[1].cpu, CPU_REQUEST_TIMER);
    turn_give(&turn, &player[0].place);
    ck_assert(turn.holder == &player[1].place);
    ck_assert(turn_take(&turn, &player[1].place));
    turn_give(&turn, &player[1].place);

    ck_assert(turn_take(&turn, &player[0].place));
    cpu_request_set(player[1].cpu, CPU_REQUEST_TIMER);
    ck_assert(!turn_take(&turn, &player[1].place));
    turn_forgo(&turn, &player[1].place);
    ck_assert(turn.first == NULL);
    turn_give(&turn, &player[0].place);
    ck_assert(turn.holder == NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("turn");
    TCase *tc = tcase_create("turn");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, one_at_a_time_has_it);
    tcase_add_test(tc, who_runs_for_long_is_asked_for_it);
    tcase_add_test(tc, who_spins_lets_others_run);
    tcase_add_test(tc, the_machine_gets_a_waiting_thread_out);
    tcase_add_test(tc, a_place_is_kept_while_timers_run);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
