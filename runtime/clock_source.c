/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/clock_source.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

struct ClockSource {
    Clock *clock;
    ClockLock lock;
    int timer; /* timerfd */
    guint watch;
    bool armed; /* the timer is set */

    /* The vCPU that runs the timers while it sleeps; NULL: the main loop does. */
    void *idle;
    void (*kick)(void *opaque);
    int64_t idle_deadline; /* that it sleeps until, INT64_MAX: for good */
};

static int64_t host_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* `deadline` in guest time, -1: none. */
static void timer_set(ClockSource *source, int64_t deadline)
{
    struct itimerspec when = { 0 };

    if (deadline < 0 && !source->armed) {
        return;
    }
    if (deadline >= 0) {
        int64_t wait = MAX(deadline - clock_now(source->clock), 1); /* zero would disarm it */

        when.it_value.tv_sec = wait / NS_PER_S;
        when.it_value.tv_nsec = wait % NS_PER_S;
    }
    source->armed = deadline >= 0;
    timerfd_settime(source->timer, 0, &when, NULL);
}

/* Called with the lock held, whenever the earliest deadline may have changed. */
static void source_arm(void *opaque)
{
    ClockSource *source = opaque;
    int64_t deadline = clock_deadline(source->clock);

    if (source->idle == NULL) {
        timer_set(source, deadline);
    } else if (deadline >= 0 && deadline < source->idle_deadline) {
        source->idle_deadline = deadline;
        source->kick(source->idle);
    }
}

int64_t clock_source_idle_enter(ClockSource *source, void (*kick)(void *opaque), void *opaque)
{
    int64_t deadline, wait = -1;

    source->lock.lock(source->lock.opaque);
    if (source->idle == NULL) {
        deadline = clock_deadline(source->clock);
        source->idle = opaque;
        source->kick = kick;
        source->idle_deadline = deadline >= 0 ? deadline : INT64_MAX;
        timer_set(source, -1);
        if (deadline >= 0) {
            wait = MAX(deadline - clock_now(source->clock), 0);
        }
    }
    source->lock.unlock(source->lock.opaque);
    return wait;
}

void clock_source_idle_leave(ClockSource *source, void *opaque)
{
    source->lock.lock(source->lock.opaque);
    if (source->idle == opaque) {
        source->idle = NULL;
        clock_run(source->clock);
        source_arm(source);
    }
    source->lock.unlock(source->lock.opaque);
}

static gboolean source_due(gint fd, GIOCondition condition, gpointer opaque)
{
    ClockSource *source = opaque;
    uint64_t expirations;

    (void)condition;
    if (read(fd, &expirations, sizeof(expirations)) < 0 && errno == EAGAIN) {
        return G_SOURCE_CONTINUE;
    }
    source->lock.lock(source->lock.opaque);
    if (source->idle == NULL) { /* otherwise it has just gone over to a vCPU */
        source->armed = false;
        clock_run(source->clock);
        source_arm(source);
    }
    source->lock.unlock(source->lock.opaque);
    return G_SOURCE_CONTINUE;
}

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
    source->clock = clock_new(host_now);
    clock_set_running(source->clock, false);
    clock_set_rearm(source->clock, source_arm, source);
    watch = g_unix_fd_source_new(timer, G_IO_IN);
    g_source_set_priority(watch, G_PRIORITY_HIGH);
    g_source_set_callback(watch, G_SOURCE_FUNC(source_due), source, NULL);
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
