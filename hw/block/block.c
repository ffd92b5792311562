/* SPDX-License-Identifier: GPL-2.0-or-later */
/* block.c - the queue between devices and the layers of an image.
 *
 * A request is checked, then runs on one of a few worker threads; when it is done it is put on the
 * node's list, and a source in the executor's main context runs the completions.  A request counts
 * as in flight until its completion has returned. Whoever takes a request off the list of the
 * finished holds the executor's lock, so that draining with that lock held finds them all. */
#include "hw/block/node_int.h"

#include <errno.h>
#include <string.h>

G_DEFINE_QUARK(block - error - quark, block_error)

/* ---- Running requests: on worker threads ---- */

static int run_write(const Request *request)
{
    BlockNode *node = request->node;

    if (node->detect_zeroes != BLOCK_ZEROES_OFF && iov_is_zero(request->iov, request->n)) {
        return layer_write_zeroes(node->top, request->offset, request->size,
                                  node->detect_zeroes == BLOCK_ZEROES_UNMAP && node->discards);
    }
    return layer_write(node->top, request->offset, request->iov, request->n);
}

static int run_change(const Request *request)
{
    BlockLayer *top = request->node->top;

    switch (request->kind) {
    case REQUEST_WRITE:
        return run_write(request);
    case REQUEST_DISCARD:
        return layer_discard(top, request->offset, request->size);
    case REQUEST_ZEROES:
        return layer_write_zeroes(top, request->offset, request->size,
                                  request->unmap && request->node->discards);
    default:
        g_assert_not_reached();
    }
}

static int request_run(const Request *request)
{
    BlockNode *node = request->node;
    int error;

    if (request->kind == REQUEST_READ && !node->copy_on_read) {
        return layer_read(node->top, request->offset, request->iov, request->n);
    }
    if (request->kind == REQUEST_FLUSH) {
        return layer_flush(node->top);
    }
    if (!node->copy_on_read) {
        error = run_change(request);
    } else {
        g_mutex_lock(&node->copy_lock);
        error = request->kind == REQUEST_READ
                    ? layer_copy_on_read(node->top, request->offset, request->iov, request->n)
                    : run_change(request);
        g_mutex_unlock(&node->copy_lock);
    }
    return error == 0 && node->through ? layer_flush(node->top) : error;
}

static void stats_count(BlockStats *stats, const Request *request, int error)
{
    uint64_t ns = (uint64_t)(g_get_monotonic_time() - request->started) * 1000;
    bool failed = error != 0;

    switch (request->kind) {
    case REQUEST_READ:
        stats->reads += !failed, stats->failed_reads += failed;
        stats->read_bytes += failed ? 0 : request->size;
        stats->read_ns += ns;
        break;
    case REQUEST_WRITE:
    case REQUEST_ZEROES:
        stats->writes += !failed, stats->failed_writes += failed;
        stats->written_bytes += failed ? 0 : request->size;
        stats->write_ns += ns;
        stats->highest = MAX(stats->highest, request->offset + request->size);
        break;
    case REQUEST_FLUSH:
        stats->flushes += !failed, stats->failed_flushes += failed;
        stats->flush_ns += ns;
        break;
    case REQUEST_DISCARD:
        stats->discards += !failed, stats->failed_discards += failed;
        stats->discarded_bytes += failed ? 0 : request->size;
        break;
    }
}

static void request_finish(Request *request, int error)
{
    BlockNode *node = request->node;
    GSource *source = node->source;

    request->error = error;
    g_mutex_lock(&node->lock);
    stats_count(&node->stats, request, error);
    g_queue_push_tail(&node->finished, request);
    g_cond_broadcast(&node->changed);
    g_mutex_unlock(&node->lock);
    g_source_set_ready_time(source, 0); /* the node waits for this thread before it goes */
}

void node_worker_run(gpointer data, gpointer user_data)
{
    Request *request = data;
    BlockGraph *graph = request->node->graph;
    int error;

    (void)user_data;
    graph_enter(graph);
    error = request_run(request);
    graph_leave(graph);
    request_finish(request, error);
}

/* ---- Completions ---- */

static void executor_lock(const BlockNode *node)
{
    if (node->executor.lock != NULL) {
        node->executor.lock(node->executor.opaque);
    }
}

static void executor_unlock(const BlockNode *node)
{
    if (node->executor.unlock != NULL) {
        node->executor.unlock(node->executor.opaque);
    }
}

/* What the host has failed: is it to be made again some day? Otherwise the error may be ignored. */
static bool request_waits(BlockNode *node, Request *request)
{
    bool write = request->kind != REQUEST_READ;
    BlockOnError on_error = write ? node->werror : node->rerror;
    bool waits = on_error == BLOCK_ON_ERROR_STOP ||
                 (on_error == BLOCK_ON_ERROR_ENOSPC && request->error == ENOSPC);
    int error = request->error;

    if (error == 0 || request->final || node->executor.failed == NULL) {
        return false;
    }
    node->failures++;
    if (on_error == BLOCK_ON_ERROR_IGNORE) {
        request->error = 0;
    }
    node->executor.failed(node->executor.opaque, node, write, error, waits);
    return waits;
}

/* Runs the completions that are there. */
static void node_complete(BlockNode *node)
{
    Request *request;

    executor_lock(node);
    g_mutex_lock(&node->lock);
    while ((request = g_queue_pop_head(&node->finished)) != NULL) {
        g_mutex_unlock(&node->lock);
        if (request_waits(node, request)) {
            g_mutex_lock(&node->lock);
            g_queue_push_tail(&node->held, request);
            continue;
        }
        if (request->done != NULL) {
            request->done(request->opaque, request->error);
        }
        g_free(request);
        g_mutex_lock(&node->lock);
        node->in_flight--;
        g_cond_broadcast(&node->changed);
    }
    g_mutex_unlock(&node->lock);
    executor_unlock(node);
}

/* What waits for the host fails now. */
static void held_give_up_locked(BlockNode *node)
{
    Request *request;

    while ((request = g_queue_pop_head(&node->held)) != NULL) {
        request->final = true;
        g_queue_push_tail(&node->finished, request);
    }
}

void block_drain(BlockNode *node)
{
    bool busy = true;

    node_throttle_drain(node, true);
    while (busy) {
        g_mutex_lock(&node->lock);
        held_give_up_locked(node);
        while (node->in_flight > node->held.length && g_queue_is_empty(&node->finished)) {
            g_cond_wait(&node->changed, &node->lock);
        }
        busy = node->in_flight > 0;
        g_mutex_unlock(&node->lock);
        if (busy) {
            node_complete(node);
            node_throttle_go(node); /* completions may have made more */
        }
    }
    node_throttle_drain(node, false);
}

typedef struct NodeSource {
    GSource source;
    BlockNode *node;
} NodeSource;

static gboolean source_dispatch(GSource *source, GSourceFunc callback, gpointer user_data)
{
    (void)callback, (void)user_data;
    g_source_set_ready_time(source, -1);
    node_complete(((NodeSource *)source)->node);
    return G_SOURCE_CONTINUE;
}

static gboolean timer_dispatch(GSource *source, GSourceFunc callback, gpointer user_data)
{
    (void)callback, (void)user_data;
    g_source_set_ready_time(source, -1);
    node_throttle_go(((NodeSource *)source)->node);
    return G_SOURCE_CONTINUE;
}

static GSource *source_new(BlockNode *node, GSourceFuncs *functions)
{
    GSource *source = g_source_new(functions, sizeof(NodeSource));

    ((NodeSource *)source)->node = node;
    g_source_set_priority(source, G_PRIORITY_HIGH);
    g_source_attach(source, node->executor.context);
    return source;
}

static void node_attach(BlockNode *node)
{
    static GSourceFuncs completions = { .dispatch = source_dispatch };
    static GSourceFuncs timers = { .dispatch = timer_dispatch };

    node->source = source_new(node, &completions);
    node->timer = source_new(node, &timers);
}

void block_set_executor(BlockNode *node, const BlockExecutor *executor)
{
    g_assert(node->source == NULL);
    node->executor = *executor;
}

/* ---- Requests ---- */

/* Would this write turn a file that was taken for raw into an image of another format? What it
 * names would be opened on the host the next time. */
static bool forges_format(const BlockNode *node, const Request *request)
{
    uint8_t head[BLOCK_HEAD];
    size_t size = 0;

    if (!node->guarded || request->kind != REQUEST_WRITE || request->offset != 0) {
        return false;
    }
    for (int i = 0; i < request->n && size < sizeof(head); i++) {
        size_t part = MIN(request->iov[i].iov_len, sizeof(head) - size);

        memcpy(head + size, request->iov[i].iov_base, part);
        size += part;
    }
    return strcmp(format_probe(head, size), "raw") != 0;
}

static int request_check(const BlockNode *node, const Request *request)
{
    uint64_t size = block_size(node);
    bool changes = request->kind != REQUEST_READ && request->kind != REQUEST_FLUSH;

    if (node->top == NULL) {
        return request->kind == REQUEST_FLUSH ? 0 : ENOMEDIUM;
    }
    g_assert(request->offset % BLOCK_SECTOR == 0 && request->size % BLOCK_SECTOR == 0);
    if (request->offset > size || request->size > size - request->offset) {
        return EIO;
    }
    if (changes && node->readonly) {
        return EROFS;
    }
    return forges_format(node, request) ? EPERM : 0;
}

static void request_submit(BlockNode *node, const Request *model)
{
    Request *request = g_new(Request, 1);
    int error = request_check(node, model);
    bool nothing = node->top == NULL || (model->size == 0 && model->kind != REQUEST_FLUSH) ||
                   (model->kind == REQUEST_FLUSH && node->readonly) ||
                   (model->kind == REQUEST_DISCARD && !node->discards);

    *request = *model;
    request->node = node;
    request->started = g_get_monotonic_time();
    if (node->source == NULL) {
        node_attach(node);
    }
    g_mutex_lock(&node->lock);
    node->in_flight++;
    g_mutex_unlock(&node->lock);
    if (error != 0 || nothing) {
        request->final = true; /* the guest's own affair */
        request_finish(request, error);
    } else {
        node_push(node, request);
    }
}

void block_read(BlockNode *node, uint64_t offset, const struct iovec *iov, int n, BlockDone *done,
                void *opaque)
{
    request_submit(node, &(Request){ .kind = REQUEST_READ,
                                     .offset = offset,
                                     .size = iov_size(iov, n),
                                     .iov = iov,
                                     .n = n,
                                     .done = done,
                                     .opaque = opaque });
}

void block_write(BlockNode *node, uint64_t offset, const struct iovec *iov, int n, BlockDone *done,
                 void *opaque)
{
    request_submit(node, &(Request){ .kind = REQUEST_WRITE,
                                     .offset = offset,
                                     .size = iov_size(iov, n),
                                     .iov = iov,
                                     .n = n,
                                     .done = done,
                                     .opaque = opaque });
}

void block_flush(BlockNode *node, BlockDone *done, void *opaque)
{
    request_submit(node, &(Request){ .kind = REQUEST_FLUSH, .done = done, .opaque = opaque });
}

void block_discard(BlockNode *node, uint64_t offset, uint64_t size, BlockDone *done, void *opaque)
{
    request_submit(node, &(Request){ .kind = REQUEST_DISCARD,
                                     .offset = offset,
                                     .size = size,
                                     .done = done,
                                     .opaque = opaque });
}

void block_write_zeroes(BlockNode *node, uint64_t offset, uint64_t size, bool unmap,
                        BlockDone *done, void *opaque)
{
    request_submit(node, &(Request){ .kind = REQUEST_ZEROES,
                                     .offset = offset,
                                     .size = size,
                                     .unmap = unmap,
                                     .done = done,
                                     .opaque = opaque });
}

void block_stats(BlockNode *node, BlockStats *stats)
{
    g_mutex_lock(&node->lock);
    *stats = node->stats;
    g_mutex_unlock(&node->lock);
}

void block_graph_retry(BlockGraph *graph)
{
    const GPtrArray *nodes = graph_nodes(graph);

    for (guint i = 0; i < nodes->len; i++) {
        BlockNode *node = g_ptr_array_index(nodes, i);
        Request *request;

        while ((request = g_queue_pop_head(&node->held)) != NULL) {
            request->started = g_get_monotonic_time();
            node_push(node, request);
        }
    }
}
