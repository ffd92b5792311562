/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/machine/clock_source.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
    NO_ALARM = -1,
    /* From one run to the next: a guest that wants its timer every microsecond has time left. */
    RUN_GAP = 20 * NS_PER_US,
    /* The alarm of a thread that sleeps until a deadline stands this far behind it: a thread that
     * goes back to sleep sooner than that has no need of one. */
    REST_GRACE = 1 * NS_PER_MS,
};

struct ClockSource {
    Clock *clock;
    ClockLock lock;
    int timer; /* timerfd of the main loop */
    guint watch;
    ClockAlarm alarm; /* who runs the timers now */
    int64_t armed;    /* what the alarm is set to, INT64_MAX: not at all */
    bool in_run;
};

static int64_t host_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* ---- The alarm ---- */

static void source_set(ClockSource *source, int64_t when)
{
    source->armed = when;
    source->alarm.set(source->alarm.opaque, when == INT64_MAX ? NO_ALARM : when);
}

static int64_t source_wanted(const ClockSource *source)
{
    int64_t deadline = clock_host_deadline(source->clock);

    return deadline < 0 ? INT64_MAX : deadline;
}

/* Called with the lock held, whenever the earliest deadline may have changed. An alarm that has
 * become too early stays: it is rare that it goes off, and a call of the host saved. */
static void source_arm(void *opaque)
{
    ClockSource *source = opaque;
    int64_t when = source_wanted(source);

    if (source->in_run && when != INT64_MAX) {
        when = MAX(when, host_now() + RUN_GAP);
    }
    if (when < source->armed) {
        source_set(source, when);
    }
}

void clock_source_run(ClockSource *source)
{
    source->lock.lock(source->lock.opaque);
    if (source->armed <= host_now()) { /* it has gone off */
        source->armed = INT64_MAX;
    }
    source->in_run = true;
    clock_run(source->clock);
    source->in_run = false;
    source->lock.unlock(source->lock.opaque);
}

int64_t clock_source_rest(ClockSource *source)
{
    int64_t when;

    source->lock.lock(source->lock.opaque);
    when = source_wanted(source);
    if (when != INT64_MAX && source->armed <= when) {
        source_set(source, when + REST_GRACE);
    } else if (when == INT64_MAX && source->armed != INT64_MAX) {
        source_set(source, INT64_MAX);
    }
    source->lock.unlock(source->lock.opaque);
    return when;
}

/* ---- Who runs the timers ---- */

static void main_loop_set(void *opaque, int64_t ns)
{
    ClockSource *source = opaque;
    struct itimerspec when = { 0 };

    if (ns != NO_ALARM) {
        ns = MAX(ns, 1); /* zero would disarm it */
        when.it_value.tv_sec = ns / NS_PER_S;
        when.it_value.tv_nsec = ns % NS_PER_S;
    }
    timerfd_settime(source->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static gboolean main_loop_due(gint fd, GIOCondition condition, gpointer opaque)
{
    uint64_t expirations;

    (void)condition;
    if (read(fd, &expirations, sizeof(expirations)) == sizeof(expirations)) {
        clock_source_run(opaque);
    }
    return G_SOURCE_CONTINUE;
}

static void source_pass(ClockSource *source, const ClockAlarm *alarm)
{
    if (source->armed != INT64_MAX) {
        source_set(source, INT64_MAX);
    }
    source->alarm = *alarm;
    source_arm(source);
}

void clock_source_attach(ClockSource *source, const ClockAlarm *alarm)
{
    source->lock.lock(source->lock.opaque);
    if (source->alarm.opaque == source) {
        source_pass(source, alarm);
    }
    source->lock.unlock(source->lock.opaque);
}

void clock_source_detach(ClockSource *source, void *opaque)
{
    const ClockAlarm main_loop = { main_loop_set, source };

    source->lock.lock(source->lock.opaque);
    if (source->alarm.opaque == opaque) {
        source_pass(source, &main_loop);
    }
    source->lock.unlock(source->lock.opaque);
}

/* ---- New, free ---- */

ClockSource *clock_source_new(const ClockLock *lock, GError **error)
{
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    ClockSource *source;
    GSource *watch;

    if (timer < 0) {
        g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
                    "cannot make a timer: %s", g_strerror(errno));
        return NULL;
    }
    source = g_new0(ClockSource, 1);
    source->lock = *lock;
    source->timer = timer;
    source->alarm = (ClockAlarm){ main_loop_set, source };
    source->armed = INT64_MAX;
    source->clock = clock_new(host_now);
    clock_set_running(source->clock, false);
    clock_set_rearm(source->clock, source_arm, source);
    watch = g_unix_fd_source_new(timer, G_IO_IN);
    g_source_set_priority(watch, G_PRIORITY_HIGH);
    g_source_set_callback(watch, G_SOURCE_FUNC(main_loop_due), source, NULL);
    source->watch = g_source_attach(watch, NULL);
    g_source_unref(watch);
    return source;
}

void clock_source_free(ClockSource *source)
{
    if (source == NULL) {
        return;
    }
    g_source_remove(source->watch);
    clock_free(source->clock);
    close(source->timer);
    g_free(source);
}

Clock *clock_source_clock(ClockSource *source)
{
    return source->clock;
}
