/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/machine/alarm.h"

#include <glib.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "hw/clock.h"
#include "runtime/engine/thread_timer.h"

struct Alarm {
    timer_t timer;
};

/* Not through the signal's value: a signal may be under way when its alarm is freed. */
static _Thread_local Cpu *alarm_cpu;

/* In translated code, in a handler of a fault, anywhere: nothing but atomic stores. */
static void alarm_signal(int number)
{
    (void)number;
    if (alarm_cpu != NULL) {
        cpu_request_set(alarm_cpu, CPU_REQUEST_TIMER);
    }
}

static int alarm_number(void)
{
    return SIGRTMIN;
}

static void alarm_install(void)
{
    struct sigaction action = { .sa_handler = alarm_signal, .sa_flags = SA_RESTART | SA_ONSTACK };

    sigemptyset(&action.sa_mask);
    sigaction(alarm_number(), &action, NULL);
}

Alarm *alarm_new(Cpu *cpu)
{
    static pthread_once_t installed = PTHREAD_ONCE_INIT;
    timer_t timer;
    Alarm *alarm;
    sigset_t set;

    pthread_once(&installed, alarm_install);
    if (!thread_timer_create(CLOCK_MONOTONIC, alarm_number(), &timer)) {
        return NULL;
    }
    alarm = g_new0(Alarm, 1);
    alarm->timer = timer;
    alarm_cpu = cpu;
    sigemptyset(&set);
    sigaddset(&set, alarm_number());
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    return alarm;
}

void alarm_free(Alarm *alarm)
{
    if (alarm != NULL) {
        timer_delete(alarm->timer);
        alarm_cpu = NULL;
        g_free(alarm);
    }
}

void alarm_set(Alarm *alarm, int64_t ns)
{
    struct itimerspec when = { 0 };

    if (ns != ALARM_NEVER) {
        ns = MAX(ns, 1); /* zero would disarm it */
        when.it_value.tv_sec = ns / NS_PER_S;
        when.it_value.tv_nsec = ns % NS_PER_S;
    }
    timer_settime(alarm->timer, TIMER_ABSTIME, &when, NULL);
}
