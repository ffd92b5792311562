/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_CLOCK_SOURCE_H
#define RUNTIME_MACHINE_CLOCK_SOURCE_H
/* clock_source.h - the Clock of a running machine: the host's monotonic time, and who runs what is
 * due.
 *
 * That is the thread of a vCPU, which an alarm tells: on a loaded host a thread that sleeps most of
 * the time may have to wait for one that never does, and a guest would wait for its tick in vain.
 * And an idle guest is mostly woken by its own timer: no second thread has to wake up for it. While
 * no vCPU has offered itself it is a timer of the main loop. */
#include <glib.h>
#include "hw/clock.h"

typedef struct ClockSource ClockSource;

typedef struct ClockLock {
    void (*lock)(void *opaque);
    void (*unlock)(void *opaque);
    void *opaque;
} ClockLock;

/* Sees to it that clock_source_run is called at a moment of CLOCK_MONOTONIC, in nanoseconds, or
 * soon after it; -1: never. Called under the lock, on any thread. */
typedef struct ClockAlarm {
    void (*set)(void *opaque, int64_t ns);
    void *opaque;
} ClockAlarm;

/* The clock stands still until clock_set_running. Timers fire under the lock. */
ClockSource *clock_source_new(const ClockLock *lock, GError **error);
void clock_source_free(ClockSource *source); /* and its clock */
Clock *clock_source_clock(ClockSource *source);

/* A thread offers to run the timers instead of the main loop; another one may have done so already,
 * then nothing happens. Each call is paired with a detach. */
void clock_source_attach(ClockSource *source, const ClockAlarm *alarm);
void clock_source_detach(ClockSource *source, void *opaque);

/* Fires what is due. */
void clock_source_run(ClockSource *source);

/* The thread that runs the timers goes to sleep and will call clock_source_run when it wakes up:
 * returns the moment of CLOCK_MONOTONIC, in nanoseconds, that it is to do so at, INT64_MAX: never.
 * The alarm stays silent until then, unless an earlier deadline comes up meanwhile. */
int64_t clock_source_rest(ClockSource *source);

#endif
