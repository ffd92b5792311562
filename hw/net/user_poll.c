/* SPDX-License-Identifier: GPL-2.0-or-later */
/* user_poll.c - slirp's sockets, timers and packets, in the main loop.
 *
 * slirp says anew before each wait which sockets it waits for.  The source keeps a tag for each
 * descriptor, and changes only what is different from the time before. */
#include <string.h>
#include "hw/net/user_int.h"

enum { US_PER_MS = 1000 };

typedef struct Watched {
    int fd;
    int events; /* SLIRP_POLL_* */
    gpointer tag;
    bool wanted; /* this time */
} Watched;

typedef struct UserSource {
    GSource source;
    NetUser *user;
    GArray *watched; /* of Watched */
    gint64 due;      /* in GLib's monotonic time, -1: no timeout */
} UserSource;

typedef struct UserTimer {
    ClockTimer *timer;
    SlirpTimerCb callback;
    void *opaque;
} UserTimer;

static GIOCondition condition_of(int events)
{
    return ((events & SLIRP_POLL_IN) != 0 ? G_IO_IN : 0) |
           ((events & SLIRP_POLL_OUT) != 0 ? G_IO_OUT : 0) |
           ((events & SLIRP_POLL_PRI) != 0 ? G_IO_PRI : 0) |
           ((events & SLIRP_POLL_ERR) != 0 ? G_IO_ERR : 0) |
           ((events & SLIRP_POLL_HUP) != 0 ? G_IO_HUP : 0);
}

static int events_of(GIOCondition condition)
{
    return ((condition & G_IO_IN) != 0 ? SLIRP_POLL_IN : 0) |
           ((condition & G_IO_OUT) != 0 ? SLIRP_POLL_OUT : 0) |
           ((condition & G_IO_PRI) != 0 ? SLIRP_POLL_PRI : 0) |
           ((condition & G_IO_ERR) != 0 ? SLIRP_POLL_ERR : 0) |
           ((condition & G_IO_HUP) != 0 ? SLIRP_POLL_HUP : 0);
}

/* The index that slirp asks for the result by. */
static int poll_add(int fd, int events, void *opaque)
{
    UserSource *source = opaque;
    Watched *watched;

    for (guint i = 0; i < source->watched->len; i++) {
        watched = &g_array_index(source->watched, Watched, i);
        if (watched->fd == fd) {
            if (watched->events != events) {
                watched->events = events;
                g_source_modify_unix_fd(&source->source, watched->tag, condition_of(events));
            }
            watched->wanted = true;
            return (int)i;
        }
    }
    const Watched fresh = { .fd = fd,
                            .events = events,
                            .tag = g_source_add_unix_fd(&source->source, fd, condition_of(events)),
                            .wanted = true };

    g_array_append_val(source->watched, fresh);
    return (int)source->watched->len - 1;
}

static int poll_result(int index, void *opaque)
{
    UserSource *source = opaque;
    const Watched *watched = &g_array_index(source->watched, Watched, (guint)index);

    if (watched->tag == NULL) {
        return 0;
    }
    return events_of(g_source_query_unix_fd(&source->source, watched->tag)) &
           (watched->events | SLIRP_POLL_ERR | SLIRP_POLL_HUP);
}

/* Descriptors that slirp closes are forgotten before their numbers are given to others. */
static void poll_forget(UserSource *source, int fd)
{
    for (guint i = 0; i < source->watched->len; i++) {
        Watched *watched = &g_array_index(source->watched, Watched, i);

        if (watched->fd == fd) {
            g_source_remove_unix_fd(&source->source, watched->tag);
            watched->fd = -1; /* indexes of this round stay */
            watched->tag = NULL;
        }
    }
}

static void poll_sweep(UserSource *source)
{
    for (guint i = 0; i < source->watched->len;) {
        Watched *watched = &g_array_index(source->watched, Watched, i);

        if (watched->tag == NULL) {
            g_array_remove_index_fast(source->watched, i);
            continue;
        }
        watched->wanted = false;
        i++;
    }
}

/* Others may wake the loop as often as they like: what is due does not move away. */
static gboolean due_soon(UserSource *source, uint32_t wait_ms, gint *timeout_ms)
{
    gint64 now = g_source_get_time(&source->source);

    if (wait_ms <= G_MAXINT && (source->due < 0 || now + wait_ms * US_PER_MS < source->due)) {
        source->due = now + wait_ms * US_PER_MS;
    }
    *timeout_ms = source->due < 0 ? -1
                                  : (gint)((MAX(source->due - now, 0) + US_PER_MS - 1) / US_PER_MS);
    return source->due >= 0 && source->due <= now;
}

static gboolean source_prepare(GSource *base, gint *timeout)
{
    UserSource *source = (UserSource *)base;
    NetUser *user = source->user;
    uint32_t wait = UINT32_MAX;

    user->host.lock(user->host.opaque);
    poll_sweep(source);
    slirp_pollfds_fill(user->slirp, &wait, poll_add, source);
    for (guint i = 0; i < source->watched->len; i++) {
        Watched *watched = &g_array_index(source->watched, Watched, i);

        if (!watched->wanted && watched->tag != NULL) { /* slirp closes some while it fills */
            g_source_remove_unix_fd(base, watched->tag);
            watched->fd = -1;
            watched->tag = NULL;
        }
    }
    user_forward_poll(user);
    user->host.unlock(user->host.opaque);
    return due_soon(source, wait, timeout);
}

/* For the timeout; descriptors that are ready GLib sees itself. */
static gboolean source_check(GSource *base)
{
    const UserSource *source = (UserSource *)base;

    return source->due >= 0 && g_source_get_time(base) >= source->due;
}

static gboolean source_dispatch(GSource *base, GSourceFunc callback, gpointer user_data)
{
    UserSource *source = (UserSource *)base;
    NetUser *user = source->user;

    (void)callback, (void)user_data;
    source->due = -1;
    user->host.lock(user->host.opaque);
    slirp_pollfds_poll(user->slirp, 0, poll_result, source);
    user->host.unlock(user->host.opaque);
    return G_SOURCE_CONTINUE;
}

static void source_finalize(GSource *base)
{
    g_array_free(((UserSource *)base)->watched, TRUE);
}

static GSourceFuncs source_funcs = {
    .prepare = source_prepare,
    .check = source_check,
    .dispatch = source_dispatch,
    .finalize = source_finalize,
};

GSource *user_poll_new(NetUser *user)
{
    GSource *base = g_source_new(&source_funcs, sizeof(UserSource));
    UserSource *source = (UserSource *)base;

    source->user = user;
    source->due = -1;
    source->watched = g_array_new(FALSE, FALSE, sizeof(Watched));
    g_source_attach(base, NULL);
    return base;
}

/* ---- What slirp calls ---- */

/* What the guest has no room for is lost: TCP sends it again. */
static ssize_t user_send(const void *data, size_t size, void *opaque)
{
    NetUser *user = opaque;
    const struct iovec iov = { (void *)(uintptr_t)data, size };
    const NetOffload good = { .flags = NET_FLAG_DATA_VALID }; /* no wire was between */

    net_send(user->port, &iov, 1, &good);
    return (ssize_t)size;
}

static void user_guest_error(const char *text, void *opaque)
{
    (void)text, (void)opaque;
}

static int64_t user_now(void *opaque)
{
    return clock_now(((NetUser *)opaque)->host.clock);
}

static void timer_fired(void *opaque)
{
    UserTimer *timer = opaque;

    timer->callback(timer->opaque);
}

static void *user_timer_new(SlirpTimerCb callback, void *callback_opaque, void *opaque)
{
    NetUser *user = opaque;
    UserTimer *timer = g_new0(UserTimer, 1);

    timer->callback = callback;
    timer->opaque = callback_opaque;
    timer->timer = clock_timer_new(user->host.clock, timer_fired, timer);
    return timer;
}

static void user_timer_free(void *opaque, void *user)
{
    UserTimer *timer = opaque;

    (void)user;
    clock_timer_free(timer->timer);
    g_free(timer);
}

static void user_timer_set(void *opaque, int64_t ms, void *user)
{
    UserTimer *timer = opaque;

    (void)user;
    clock_timer_set(timer->timer, ms * NS_PER_MS);
}

static void user_register(int fd, void *opaque)
{
    (void)fd, (void)opaque;
}

static void user_unregister(int fd, void *opaque)
{
    NetUser *user = opaque;

    if (user->source != NULL) {
        poll_forget((UserSource *)user->source, fd);
    }
}

static void user_notify(void *opaque)
{
    (void)opaque;
    g_main_context_wakeup(NULL);
}

const SlirpCb user_slirp_callbacks = {
    .send_packet = user_send,
    .guest_error = user_guest_error,
    .clock_get_ns = user_now,
    .timer_new = user_timer_new,
    .timer_free = user_timer_free,
    .timer_mod = user_timer_set,
    .register_poll_fd = user_register,
    .unregister_poll_fd = user_unregister,
    .notify = user_notify,
};
