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
};

static int64_t host_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* Called with the lock held, whenever the earliest deadline may have changed. */
static void source_arm(void *opaque)
{
    ClockSource *source = opaque;
    int64_t deadline = clock_deadline(source->clock);
    struct itimerspec when = { 0 };

    if (deadline >= 0) {
        int64_t wait = MAX(deadline - clock_now(source->clock), 1); /* zero would disarm it */

        when.it_value.tv_sec = wait / NS_PER_S;
        when.it_value.tv_nsec = wait % NS_PER_S;
    }
    timerfd_settime(source->timer, 0, &when, NULL);
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
    clock_run(source->clock);
    source_arm(source);
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
