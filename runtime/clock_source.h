/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_CLOCK_SOURCE_H
#define RUNTIME_CLOCK_SOURCE_H
/* clock_source.h - the Clock of a running machine: the host's monotonic time, and a timer of the
 * main loop with nanosecond precision that runs what is due. */
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

#endif
