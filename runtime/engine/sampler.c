/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/engine/sampler.h"

#include <time.h>

#include "runtime/engine/engine.h"
#include "runtime/engine/thread_timer.h"

enum { PERIOD_NS = 4000000 };

/* A signal handler has no other way to learn whose thread it runs in. */
typedef struct Sampler {
    Cpu *cpu; /* NULL: it does not run */
    timer_t time, delay;
    uint64_t random;
} Sampler;
static _Thread_local Sampler sampler;

/* xorshift; not 0 */
static uint64_t random_next(void)
{
    sampler.random ^= sampler.random << 13;
    sampler.random ^= sampler.random >> 7;
    sampler.random ^= sampler.random << 17;
    return sampler.random;
}

static void period_over(int number, siginfo_t *info, void *context)
{
    struct itimerspec once = { .it_value = { 0, 1 + (long)(random_next() % PERIOD_NS) } };

    (void)number;
    (void)context;
    if (sampler.cpu != NULL && info->si_code == SI_TIMER) {
        timer_settime(sampler.delay, 0, &once, NULL);
    }
}

static void delay_over(int number, siginfo_t *info, void *context)
{
    (void)number;
    if (sampler.cpu != NULL && info->si_code == SI_TIMER) {
        engine_sample(sampler.cpu, context);
    }
}

static void handle(int signal, void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction action = { .sa_sigaction = handler,
                                .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART };

    sigfillset(&action.sa_mask);
    sigaction(signal, &action, NULL);
}

void sampler_start(Cpu *cpu)
{
    const struct itimerspec period = { { 0, PERIOD_NS }, { 0, PERIOD_NS } };

    handle(SAMPLER_SIGNAL_TIME, period_over);
    handle(SAMPLER_SIGNAL_DELAY, delay_over);
    if (!thread_timer_create(CLOCK_MONOTONIC, SAMPLER_SIGNAL_DELAY, &sampler.delay)) {
        return;
    }
    if (!thread_timer_create(CLOCK_THREAD_CPUTIME_ID, SAMPLER_SIGNAL_TIME, &sampler.time)) {
        timer_delete(sampler.delay);
        return;
    }
    sampler.random = (uint64_t)(uintptr_t)cpu | 1;
    sampler.cpu = cpu;
    timer_settime(sampler.time, 0, &period, NULL);
}

void sampler_stop(void)
{
    if (sampler.cpu != NULL) {
        timer_delete(sampler.time);
        timer_delete(sampler.delay);
        sampler.cpu = NULL;
    }
}
