/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_CLOCK_H
#define HW_CLOCK_H
/* clock.h - guest time and timers. Devices never ask the host for the time, they ask this.
 *
 * Time is in nanoseconds since the machine was started and stands still while it is stopped. The
 * wall clock is seconds and nanoseconds of the Unix epoch (-rtc).  Timers fire with the device lock
 * held, on the thread that calls clock_run.  All functions need the device lock, but clock_now.
 */
#include <stdbool.h>
#include <stdint.h>

enum { NS_PER_US = 1000, NS_PER_MS = 1000000, NS_PER_S = 1000000000 };

typedef struct Clock Clock;
typedef struct ClockTimer ClockTimer;

/* `source` gives host nanoseconds, monotonic; NULL: a fake clock that only clock_step moves. */
Clock *clock_new(int64_t (*source)(void));
void clock_free(Clock *clock);

int64_t clock_now(const Clock *clock);
void clock_step(Clock *clock, int64_t ns); /* fake clock: moves time, firing timers in order */
void clock_set_running(Clock *clock, bool running);
void clock_set_now(Clock *clock, int64_t now); /* snapshot load */

/* Wall clock: now in ns since the epoch; the offset is what -rtc base sets. */
int64_t clock_wall(const Clock *clock);
void clock_set_wall(Clock *clock, int64_t wall_ns);

ClockTimer *clock_timer_new(Clock *clock, void (*fire)(void *opaque), void *opaque);
void clock_timer_free(ClockTimer *timer);
/* Replaces an earlier deadline. A negative one is one that has overflowed: never. */
void clock_timer_set(ClockTimer *timer, int64_t deadline_ns);
void clock_timer_cancel(ClockTimer *timer);
bool clock_timer_pending(const ClockTimer *timer);
int64_t clock_timer_deadline(const ClockTimer *timer); /* -1 when not pending */

/* For the owner of the main loop. */
int64_t clock_deadline(const Clock *clock);      /* of the earliest timer, -1: none, or stopped */
int64_t clock_host_deadline(const Clock *clock); /* the same in the source's time */
void clock_run(Clock *clock);                    /* fires what is due */
void clock_set_rearm(Clock *clock, void (*rearm)(void *opaque),
                     void *opaque); /* earliest changed */

#endif
