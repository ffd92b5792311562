/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_vcpu.c - a vCPU's thread runs the machine's timers, whatever the guest does; nobody runs the
 * main loop here. */
#include "runtime/machine/vcpu.h"

#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "runtime/engine/engine.h"
#include "runtime/software_cpu/cpuid.h"

enum {
    RAM_SIZE = 1 << 20,
    CODE = 0x1000,
    PATIENCE = 10000, /* ms */
    TICKS = 50,
};

static GRecMutex lock;
static PhysMap *map;
static ClockSource *source;
static Clock *guest_clock;
static CpuModel *model;
static Engine *engine;
static Vcpu *vcpu;
static ClockTimer *timer;
static int64_t period;
static atomic_int fired;
static pthread_t fired_on;

static void lock_take(void *opaque)
{
    g_rec_mutex_lock(opaque);
}

static void lock_give(void *opaque)
{
    g_rec_mutex_unlock(opaque);
}

static void tick(void *opaque)
{
    (void)opaque;
    fired_on = pthread_self();
    if (period > 0) {
        clock_timer_set(timer, clock_now(guest_clock) + period);
    }
    atomic_fetch_add(&fired, 1);
}

static void timer_in(int64_t ns)
{
    g_rec_mutex_lock(&lock);
    clock_timer_set(timer, clock_now(guest_clock) + ns);
    g_rec_mutex_unlock(&lock);
}

static void set_running(bool running)
{
    g_rec_mutex_lock(&lock);
    clock_set_running(guest_clock, running);
    g_rec_mutex_unlock(&lock);
}

/* Has the timer gone off so many times, in good time? */
static bool fires(int times)
{
    for (int ms = 0; ms < PATIENCE && atomic_load(&fired) < times; ms++) {
        g_usleep(1000);
    }
    return atomic_load(&fired) >= times;
}

typedef struct GuestRow {
    const char *name;
    uint8_t code[4];
    bool translated;
} GuestRow;

static const GuestRow guests[] = {
    { "interpreted, spins", { 0xeb, 0xfe }, false }, /* jmp $ */
    { "translated, spins", { 0xeb, 0xfe }, true },
    { "interpreted, sleeps", { 0xfa, 0xf4 }, false }, /* cli; hlt */
    { "translated, sleeps", { 0xfa, 0xf4 }, true },
};

static const CpuBus no_bus;

static void guest_open(const GuestRow *row)
{
    const ClockLock clock_lock = { lock_take, lock_give, &lock };
    const EngineOptions options = { .cache_size = 1 << 20 };
    VcpuConfig config = { .bus = &no_bus };
    Cpu *cpu;

    g_rec_mutex_init(&lock);
    map = phys_map_new(RAM_SIZE, NULL);
    source = clock_source_new(&clock_lock, NULL);
    guest_clock = clock_source_clock(source);
    timer = clock_timer_new(guest_clock, tick, NULL);
    model = cpu_model_new("max", NULL);
    config.model = model;
    config.map = map;
    config.clock = source;
    vcpu = vcpu_new(&config, NULL);
    ck_assert_ptr_nonnull(vcpu);
    cpu = vcpu_cpu(vcpu);
    if (row->translated) {
        engine = engine_new(map, &options, NULL);
        ck_assert_ptr_nonnull(engine);
        engine_attach(engine, cpu);
    }
    phys_map_write(map, CODE, row->code, sizeof(row->code));
    cpu->seg[CS].selector = 0;
    cpu->seg[CS].base = 0;
    cpu->rip = CODE;
    period = 0;
    atomic_store(&fired, 0);
    ck_assert(vcpu_start(vcpu, NULL));
    set_running(true);
    vcpu_resume(vcpu);
}

static void guest_close(void)
{
    vcpu_free(vcpu);
    g_clear_pointer(&engine, engine_free);
    clock_timer_free(timer);
    clock_source_free(source);
    cpu_model_free(model);
    phys_map_free(map);
    g_rec_mutex_clear(&lock);
}

static void guest_stop(void)
{
    vcpu_pause(vcpu);
    vcpu_pause_wait(vcpu);
    set_running(false);
}

START_TEST(timers_fire_on_its_thread)
{
    guest_open(&guests[_i]);
    timer_in(20 * NS_PER_MS);
    ck_assert_msg(fires(1), "%s", guests[_i].name);
    ck_assert(!pthread_equal(fired_on, pthread_self()));
    guest_close();
}
END_TEST

START_TEST(an_earlier_deadline_is_kept)
{
    guest_open(&guests[_i]);
    timer_in(3600ll * NS_PER_S);
    g_usleep(20000);
    timer_in(5 * NS_PER_MS);
    ck_assert_msg(fires(1), "%s", guests[_i].name);
    guest_close();
}
END_TEST

START_TEST(periods_go_on)
{
    guest_open(&guests[_i]);
    period = 1 * NS_PER_MS;
    timer_in(0);
    ck_assert_msg(fires(TICKS), "%s", guests[_i].name);
    guest_close();
}
END_TEST

/* One that is always due leaves time for the guest, and for others that want the lock. */
START_TEST(a_storm_does_not_take_all)
{
    guest_open(&guests[_i]);
    period = 1;
    timer_in(0);
    ck_assert_msg(fires(TICKS), "%s", guests[_i].name);
    guest_stop();
    guest_close();
}
END_TEST

START_TEST(nothing_fires_while_it_stands_still)
{
    int before;

    guest_open(&guests[_i]);
    period = 1 * NS_PER_MS;
    timer_in(0);
    ck_assert(fires(1));
    guest_stop();
    before = atomic_load(&fired);
    g_usleep(20000);
    ck_assert_int_eq(atomic_load(&fired), before);
    set_running(true);
    vcpu_resume(vcpu);
    ck_assert_msg(fires(before + TICKS), "%s", guests[_i].name);
    guest_close();
}
END_TEST

/* A reset in between, with the clock going on, as the machine does it. */
START_TEST(a_reset_loses_no_timer)
{
    guest_open(&guests[_i]);
    period = 1 * NS_PER_MS;
    timer_in(0);
    ck_assert(fires(1));
    vcpu_pause(vcpu);
    vcpu_pause_wait(vcpu);
    g_usleep(5000);
    vcpu_reset(vcpu);
    vcpu_resume(vcpu);
    ck_assert_msg(fires(atomic_load(&fired) + TICKS), "%s", guests[_i].name);
    guest_close();
}
END_TEST

/* The thread has ended: the main loop has the timers again. */
START_TEST(the_main_loop_takes_over)
{
    guest_open(&guests[_i]);
    vcpu_free(vcpu);
    timer_in(1 * NS_PER_MS);
    for (int ms = 0; ms < PATIENCE && atomic_load(&fired) == 0; ms++) {
        g_main_context_iteration(NULL, FALSE);
        g_usleep(1000);
    }
    ck_assert_int_eq(atomic_load(&fired), 1);
    ck_assert(pthread_equal(fired_on, pthread_self()));
    vcpu = NULL;
    guest_close();
}
END_TEST

int main(void)
{
    const size_t n = G_N_ELEMENTS(guests);
    Suite *suite = suite_create("runtime/vcpu");
    TCase *tc = tcase_create("timers");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, timers_fire_on_its_thread, 0, (int)n);
    tcase_add_loop_test(tc, an_earlier_deadline_is_kept, 0, (int)n);
    tcase_add_loop_test(tc, periods_go_on, 0, (int)n);
    tcase_add_loop_test(tc, a_storm_does_not_take_all, 0, (int)n);
    tcase_add_loop_test(tc, nothing_fires_while_it_stands_still, 0, (int)n);
    tcase_add_loop_test(tc, a_reset_loses_no_timer, 0, (int)n);
    tcase_add_loop_test(tc, the_main_loop_takes_over, 0, (int)n);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
