/* SPDX-License-Identifier: GPL-2.0-or-later */
/* block.c - opening images, and the queue between devices and the layers of an image.
 *
 * A request is checked, then runs on one of a few worker threads; when it is done it is put on the
 * node's list, and a source in the executor's main context runs the completions.  A request counts
 * as in flight until its completion has returned. Whoever takes a request off the list of the
 * finished holds the executor's lock, so that draining with that lock held finds them all. */
#include "hw/block/block_int.h"

#include <errno.h>
#include <string.h>

G_DEFINE_QUARK(block - error - quark, block_error)

enum { WORKERS = 4 };

typedef enum RequestKind {
    REQUEST_READ,
    REQUEST_WRITE,
    REQUEST_FLUSH,
    REQUEST_DISCARD
} RequestKind;

typedef struct Request {
    BlockNode *node;
    RequestKind kind;
    uint64_t offset, size;
    const struct iovec *iov; /* the caller's */
    int n;
    BlockDone *done;
    void *opaque;
    int error;
} Request;

struct BlockNode {
    BlockLayer *top;
    const char *format;
    bool readonly, discards;
    bool guarded; /* found to be raw by its content: sector 0 must not come to say otherwise */
    BlockExecutor executor;
    GSource *source; /* NULL before the first request */
    GThreadPool *workers;
    GMutex lock; /* of what follows */
    GCond changed;
    GQueue finished;    /* of Request */
    unsigned in_flight; /* submitted, completion not returned */
};

/* ---- Formats ---- */

static BlockLayer *format_raw_open(BlockLayer *file, const BlockOptions *options, GError **error)
{
    (void)options, (void)error;
    return file; /* nothing lies between */
}

/* Raw takes anything: last. */
static const BlockFormat formats[] = {
    { "qcow2", "QFI\xfb", 4, 0, NULL },
    { "qed", "QED", 4, 0, NULL },
    { "vmdk", "KDMV", 4, 0, NULL },
    { "vmdk", "COWD", 4, 0, NULL },
    { "vdi", "\x7f\x10\xda\xbe", 4, 0x40, NULL },
    { "vhdx", "vhdxfile", 8, 0, NULL },
    { "vpc", "conectix", 8, 0, NULL },
    { "luks", "LUKS\xba\xbe", 6, 0, NULL },
    { "raw", NULL, 0, 0, format_raw_open },
};

static const BlockFormat *format_probe(const uint8_t *head, size_t size)
{
    const BlockFormat *format = formats;

    while (format->magic != NULL &&
           (format->magic_offset + format->magic_size > size ||
            memcmp(head + format->magic_offset, format->magic, format->magic_size) != 0)) {
        format++;
    }
    return format;
}

static const BlockFormat *format_of(BlockLayer *file, const BlockOptions *options, GError **error)
{
    uint8_t head[BLOCK_HEAD];
    struct iovec iov = { .iov_base = head, .iov_len = MIN(sizeof(head), file->size) };
    int failed;

    if (options->format != NULL) {
        for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
            if (strcmp(options->format, formats[i].name) == 0) {
                return &formats[i];
            }
        }
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_FORMAT, "unknown image format '%s'",
                    options->format);
        return NULL;
    }
    failed = file->driver->read(file, 0, &iov, 1);
    if (failed != 0) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN, "cannot read '%s': %s", options->path,
                    g_strerror(failed));
        return NULL;
    }
    return format_probe(head, iov.iov_len);
}

static BlockLayer *format_open(const BlockFormat *format, BlockLayer *file,
                               const BlockOptions *options, GError **error)
{
    if (format->open != NULL) {
        return format->open(file, options, error);
    }
    if (options->format != NULL) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_FORMAT, "format '%s' is not supported yet",
                    options->format);
    } else {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_FORMAT,
                    "'%s' is an image of format %s, which is not supported yet (format=raw gives "
                    "the guest the file as it is)",
                    options->path, format->name);
    }
    return NULL;
}

/* ---- Opening, closing ---- */

void block_layer_close(BlockLayer *layer)
{
    while (layer != NULL) {
        BlockLayer *below = layer->below;

        layer->driver->close(layer);
        layer = below;
    }
}

/* All layers of an image. */
static BlockLayer *layers_open(const BlockOptions *options, const BlockFormat **format,
                               GError **error)
{
    BlockLayer *file = raw_open(options, error), *top, *overlay;

    if (file == NULL) {
        return NULL;
    }
    *format = format_of(file, options, error);
    top = *format != NULL ? format_open(*format, file, options, error) : NULL;
    if (top == NULL) {
        block_layer_close(file);
        return NULL;
    }
    if (!options->snapshot || options->readonly) {
        return top;
    }
    overlay = snapshot_open(top, error);
    if (overlay == NULL) {
        block_layer_close(top);
    }
    return overlay;
}

static int request_run(const Request *request)
{
    BlockLayer *top = request->node->top;

    switch (request->kind) {
    case REQUEST_READ:
        return top->driver->read(top, request->offset, request->iov, request->n);
    case REQUEST_WRITE:
        return top->driver->write(top, request->offset, request->iov, request->n);
    case REQUEST_FLUSH:
        return top->driver->flush(top);
    case REQUEST_DISCARD:
        return top->driver->discard(top, request->offset, request->size);
    }
    g_assert_not_reached();
}

static void request_finish(Request *request, int error)
{
    BlockNode *node = request->node;
    GSource *source = node->source;

    request->error = error;
    g_mutex_lock(&node->lock);
    g_queue_push_tail(&node->finished, request);
    g_cond_broadcast(&node->changed);
    g_mutex_unlock(&node->lock);
    g_source_set_ready_time(source, 0); /* the node waits for this thread before it goes */
}

static void worker_run(gpointer data, gpointer user_data)
{
    Request *request = data;

    (void)user_data;
    request_finish(request, request_run(request));
}

BlockNode *block_open(const BlockOptions *options, GError **error)
{
    const BlockFormat *format = NULL;
    BlockLayer *top;
    BlockNode *node;

    if (options->discard != NULL && strcmp(options->discard, "unmap") != 0 &&
        strcmp(options->discard, "on") != 0 && strcmp(options->discard, "ignore") != 0 &&
        strcmp(options->discard, "off") != 0) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN, "unknown discard mode '%s'",
                    options->discard);
        return NULL;
    }
    top = layers_open(options, &format, error);
    if (top == NULL) {
        return NULL;
    }
    node = g_new0(BlockNode, 1);
    node->top = top;
    node->format = format->name;
    node->readonly = options->readonly;
    node->guarded = options->format == NULL && format->magic == NULL && !options->snapshot;
    node->discards = options->discard != NULL && (strcmp(options->discard, "unmap") == 0 ||
                                                  strcmp(options->discard, "on") == 0);
    node->workers = g_thread_pool_new(worker_run, node, WORKERS, FALSE, NULL);
    g_mutex_init(&node->lock);
    g_cond_init(&node->changed);
    g_queue_init(&node->finished);
    return node;
}

void block_close(BlockNode *node)
{
    if (node == NULL) {
        return;
    }
    block_drain(node);
    g_thread_pool_free(node->workers, FALSE, TRUE);
    if (node->source != NULL) {
        g_source_destroy(node->source);
        g_source_unref(node->source);
    }
    if (!node->readonly) {
        node->top->driver->flush(node->top);
    }
    block_layer_close(node->top);
    g_cond_clear(&node->changed);
    g_mutex_clear(&node->lock);
    g_free(node);
}

uint64_t block_size(const BlockNode *node)
{
    return node->top->size;
}

bool block_readonly(const BlockNode *node)
{
    return node->readonly;
}

const char *block_format(const BlockNode *node)
{
    return node->format;
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

/* Runs the completions that are there. */
static void node_complete(BlockNode *node)
{
    Request *request;

    executor_lock(node);
    g_mutex_lock(&node->lock);
    while ((request = g_queue_pop_head(&node->finished)) != NULL) {
        g_mutex_unlock(&node->lock);
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

void block_drain(BlockNode *node)
{
    bool busy = true;

    while (busy) {
        g_mutex_lock(&node->lock);
        while (node->in_flight > 0 && g_queue_is_empty(&node->finished)) {
            g_cond_wait(&node->changed, &node->lock);
        }
        busy = node->in_flight > 0;
        g_mutex_unlock(&node->lock);
        if (busy) {
            node_complete(node);
        }
    }
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

static void node_attach(BlockNode *node)
{
    static GSourceFuncs functions = { .dispatch = source_dispatch };

    node->source = g_source_new(&functions, sizeof(NodeSource));
    ((NodeSource *)node->source)->node = node;
    g_source_set_priority(node->source, G_PRIORITY_HIGH);
    g_source_attach(node->source, node->executor.context);
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
    return format_probe(head, size)->magic != NULL;
}

static int request_check(const BlockNode *node, const Request *request)
{
    bool changes = request->kind == REQUEST_WRITE || request->kind == REQUEST_DISCARD;

    g_assert(request->offset % BLOCK_SECTOR == 0 && request->size % BLOCK_SECTOR == 0);
    if (request->offset > node->top->size || request->size > node->top->size - request->offset) {
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
    bool nothing = (model->size == 0 && model->kind != REQUEST_FLUSH) ||
                   (model->kind == REQUEST_FLUSH && node->readonly) ||
                   (model->kind == REQUEST_DISCARD && !node->discards);

    *request = *model;
    request->node = node;
    if (node->source == NULL) {
        node_attach(node);
    }
    g_mutex_lock(&node->lock);
    node->in_flight++;
    g_mutex_unlock(&node->lock);
    if (error != 0 || nothing) {
        request_finish(request, error);
    } else {
        g_thread_pool_push(node->workers, request, NULL);
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
