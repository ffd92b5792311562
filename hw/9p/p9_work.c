/* SPDX-License-Identifier: GPL-2.0-or-later */
/* p9_work.c - what may wait for the host's disk, on threads.
 *
 * A thread knows nothing but an open file and vectors: it takes no device lock, so that a reset may
 * wait for it. What is done is answered by a source of the main loop. */
#include "hw/9p/p9_int.h"

enum { THREADS = 4 };

typedef struct WorkSource {
    GSource source;
    PhysMap *map;
    P9Server *server; /* may be gone if the source is destroyed */
} WorkSource;

static void work_run(gpointer data, gpointer opaque)
{
    P9Request *request = data;
    P9Server *server = opaque;

    request->result = request->work(request);
    g_mutex_lock(&server->mutex);
    g_queue_push_tail(&server->finished, request);
    server->working--;
    g_cond_broadcast(&server->idle);
    g_source_set_ready_time(server->source, 0);
    g_mutex_unlock(&server->mutex);
}

static P9Request *work_finished(P9Server *server)
{
    P9Request *request;

    g_mutex_lock(&server->mutex);
    request = g_queue_pop_head(&server->finished);
    g_mutex_unlock(&server->mutex);
    return request;
}

static void work_answer(P9Server *server, bool drop)
{
    P9Request *request;

    while ((request = work_finished(server)) != NULL) {
        g_queue_remove(&server->later, request);
        p9_request_end(request, drop                  ? P9_DROPPED
                                : request->result < 0 ? (int)-request->result
                                                      : 0);
    }
}

static gboolean work_dispatch(GSource *source, GSourceFunc callback, gpointer user_data)
{
    const WorkSource *work = (const WorkSource *)source;

    (void)callback, (void)user_data;
    phys_map_lock_devices(work->map);
    g_source_set_ready_time(source, -1);
    if (!g_source_is_destroyed(source)) {
        work_answer(work->server, false);
    }
    phys_map_unlock_devices(work->map);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs work_funcs = { .dispatch = work_dispatch };

int p9_work_start(P9Request *request)
{
    P9Server *server = request->server;

    if (server->pool == NULL) {
        server->pool = g_thread_pool_new(work_run, server, THREADS, FALSE, NULL);
    }
    g_queue_push_tail(&server->later, request);
    g_mutex_lock(&server->mutex);
    server->working++;
    g_mutex_unlock(&server->mutex);
    g_thread_pool_push(server->pool, request, NULL);
    return P9_LATER;
}

void p9_work_wait(P9Server *server, bool drop)
{
    g_mutex_lock(&server->mutex);
    while (server->working > 0) {
        g_cond_wait(&server->idle, &server->mutex);
    }
    g_mutex_unlock(&server->mutex);
    work_answer(server, drop);
}

void p9_work_init(P9Server *server)
{
    g_mutex_init(&server->mutex);
    g_cond_init(&server->idle);
    g_queue_init(&server->later);
    g_queue_init(&server->finished);
    server->source = g_source_new(&work_funcs, sizeof(WorkSource));
    ((WorkSource *)server->source)->server = server;
    ((WorkSource *)server->source)->map = server->map;
    g_source_set_ready_time(server->source, -1);
    g_source_attach(server->source, NULL);
}

void p9_work_clear(P9Server *server)
{
    if (server->pool != NULL) {
        g_thread_pool_free(server->pool, FALSE, TRUE);
    }
    g_source_destroy(server->source);
    g_source_unref(server->source);
    g_mutex_clear(&server->mutex);
    g_cond_clear(&server->idle);
}
