/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/net/net_watch.h"

struct NetWatch {
    GSource source;
    NetHost host;
    int fd;
    gpointer tag; /* NULL: waits for nothing */
    GIOCondition condition;
    void (*ready)(void *opaque, GIOCondition condition);
    void *opaque;
};

static gboolean watch_dispatch(GSource *source, GSourceFunc callback, gpointer user_data)
{
    NetWatch *watch = (NetWatch *)source;

    (void)callback, (void)user_data;
    watch->host.lock(watch->host.opaque);
    if (!g_source_is_destroyed(source) && watch->tag != NULL) {
        GIOCondition condition = g_source_query_unix_fd(source, watch->tag);

        if (condition != 0) {
            watch->ready(watch->opaque, condition);
        }
    }
    watch->host.unlock(watch->host.opaque);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs watch_funcs = { .dispatch = watch_dispatch };

NetWatch *net_watch_new(const NetHost *host, int fd,
                        void (*ready)(void *opaque, GIOCondition condition), void *opaque)
{
    NetWatch *watch = (NetWatch *)g_source_new(&watch_funcs, sizeof(NetWatch));

    watch->host = *host;
    watch->fd = fd;
    watch->ready = ready;
    watch->opaque = opaque;
    g_source_attach(&watch->source, NULL);
    return watch;
}

void net_watch_set(NetWatch *watch, GIOCondition condition)
{
    if (watch->condition == condition) {
        return;
    }
    if (condition == 0) {
        g_source_remove_unix_fd(&watch->source, watch->tag);
        watch->tag = NULL;
    } else if (watch->tag == NULL) {
        watch->tag = g_source_add_unix_fd(&watch->source, watch->fd, condition);
    } else {
        g_source_modify_unix_fd(&watch->source, watch->tag, condition);
    }
    watch->condition = condition;
}

void net_watch_free(NetWatch *watch)
{
    if (watch != NULL) {
        g_source_destroy(&watch->source);
        g_source_unref(&watch->source);
    }
}
