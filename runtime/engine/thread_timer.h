/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_ENGINE_THREAD_TIMER_H
#define RUNTIME_ENGINE_THREAD_TIMER_H
/* thread_timer.h - a POSIX timer whose signal goes to one thread, whatever the others block. */
#include <stdbool.h>
#include <time.h>

/* For the calling thread; not set yet. false: the host has no timers left. timer_delete ends it. */
bool thread_timer_create(clockid_t clock, int signal, timer_t *timer);

#endif
