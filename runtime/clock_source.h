/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_CLOCK_SOURCE_H
#define RUNTIME_CLOCK_SOURCE_H
/* clock_source.h - the Clock of a running machine: the host's monotonic time, and who wakes up to
 * run what is due.
 *
 * That is a timer of the main loop, with nanosecond precision, or a vCPU that has nothing else to
 * do: an idle guest is mostly woken by its own timer, and a way through the main thread would cost
 * three wakes of host threads instead of one. */
#include <glib.h>
#include "hw/clock.h"

typedef struct ClockSource ClockSource;

typedef struct ClockLock {
    void (*lock)(void *opaque);
    void (*unlock)(void *opaque);
    void *opaque;
} ClockLock;

/* The clock stands still until clock_set_running. Timers fire under the lock, on the thread of the
 * default main context. */
ClockSource *clock_source_new(const ClockLock *lock, GError **error);
void clock_source_free(ClockSource *source); /* and its clock */
Clock *clock_source_clock(ClockSource *source);

/* A vCPU goes to sleep and offers to run the timers: returns for how many nanoseconds it may, -1:
 * for as long as it likes (another one runs them, or there are none). `kick` is called, under the
 * lock and from any thread, when an earlier deadline has come up. Every call is paired with a
 * leave. */
int64_t clock_source_idle_enter(ClockSource *source, void (*kick)(void *opaque), void *opaque);
void clock_source_idle_leave(ClockSource *source, void *opaque);

#endif
