/* SPDX-License-Identifier: GPL-2.0-or-later */
/* filters.c - the filters "throttle" and "copy-on-read" of -blockdev. */
#include "hw/block/block_int.h"

/* ---- What both filters pass on ---- */

static int filter_flush(BlockLayer *layer)
{
    return layer_flush(layer->file);
}

static int filter_discard(BlockLayer *layer, uint64_t offset, uint64_t size)
{
    return layer_discard(layer->file, offset, size);
}

static int filter_extent(BlockLayer *layer, uint64_t offset, uint64_t size, BlockExtent *extent)
{
    return layer_extent(layer->file, offset, size, extent);
}

static bool filter_resize(BlockLayer *layer, uint64_t size, BlockPreallocation how, GError **error)
{
    if (!layer_resize(layer->file, size, how, error)) {
        return false;
    }
    layer->size = layer->file->size;
    return true;
}

static int64_t filter_allocated(BlockLayer *layer)
{
    const BlockLayer *file = layer->file;

    return file->driver->allocated != NULL ? file->driver->allocated(layer->file) : -1;
}

/* ---- throttle ---- */

typedef struct ThrottleLayer {
    BlockLayer layer;
    Throttle *throttle;
} ThrottleLayer;

enum { SLICE = 10000 }; /* microseconds: whoever closes the gate waits no longer than that */

static void throttle_pass(BlockLayer *layer, bool write, uint64_t size)
{
    ThrottleLayer *filter = (ThrottleLayer *)layer;
    int64_t wait;

    while ((wait = throttle_ask(filter->throttle, write, size, g_get_monotonic_time())) > 0 &&
           !graph_gate_is_wanted(layer->graph)) {
        g_usleep((gulong)MIN(wait, SLICE));
    }
}

static int throttle_read(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n)
{
    throttle_pass(layer, false, iov_size(iov, n));
    return layer_read(layer->file, offset, iov, n);
}

static int throttle_write(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n)
{
    throttle_pass(layer, true, iov_size(iov, n));
    return layer_write(layer->file, offset, iov, n);
}

static int throttle_zeroes(BlockLayer *layer, uint64_t offset, uint64_t size, bool unmap)
{
    throttle_pass(layer, true, size);
    return layer_write_zeroes(layer->file, offset, size, unmap);
}

static bool throttle_open(BlockLayer *layer, JsonObject *options, GError **error)
{
    ThrottleLayer *filter = (ThrottleLayer *)layer;
    g_autofree char *group = option_string(options, "throttle-group");
    Throttle *throttle = group != NULL ? block_graph_throttle(layer->graph, group) : NULL;

    if (throttle == NULL) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION, "%s",
                    group == NULL ? "Please specify a throttle group"
                                  : "There is no throttle group of that name");
        return false;
    }
    filter->throttle = throttle_ref(throttle);
    layer->size = layer->file->size;
    return true;
}

static void throttle_close(BlockLayer *layer)
{
    throttle_unref(((ThrottleLayer *)layer)->throttle);
}

const BlockDriver throttle_driver = {
    .name = "throttle",
    .filter = true,
    .open = throttle_open,
    .read = throttle_read,
    .write = throttle_write,
    .write_zeroes = throttle_zeroes,
    .discard = filter_discard,
    .flush = filter_flush,
    .extent = filter_extent,
    .resize = filter_resize,
    .allocated = filter_allocated,
    .close = throttle_close,
    .size = sizeof(ThrottleLayer),
};

/* ---- copy-on-read ---- */

typedef struct CopyLayer {
    BlockLayer layer;
    GMutex lock; /* nothing is written between a read and the write of its copy */
} CopyLayer;

static int copy_read(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n)
{
    CopyLayer *filter = (CopyLayer *)layer;
    int error;

    g_mutex_lock(&filter->lock);
    error = layer_copy_on_read(layer->file, offset, iov, n);
    g_mutex_unlock(&filter->lock);
    return error;
}

static int copy_write(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n)
{
    CopyLayer *filter = (CopyLayer *)layer;
    int error;

    g_mutex_lock(&filter->lock);
    error = layer_write(layer->file, offset, iov, n);
    g_mutex_unlock(&filter->lock);
    return error;
}

static int copy_zeroes(BlockLayer *layer, uint64_t offset, uint64_t size, bool unmap)
{
    CopyLayer *filter = (CopyLayer *)layer;
    int error;

    g_mutex_lock(&filter->lock);
    error = layer_write_zeroes(layer->file, offset, size, unmap);
    g_mutex_unlock(&filter->lock);
    return error;
}

static bool copy_open(BlockLayer *layer, JsonObject *options, GError **error)
{
    (void)options, (void)error;
    g_mutex_init(&((CopyLayer *)layer)->lock);
    layer->size = layer->file->size;
    return true;
}

static void copy_close(BlockLayer *layer)
{
    g_mutex_clear(&((CopyLayer *)layer)->lock);
}

const BlockDriver copy_driver = {
    .name = "copy-on-read",
    .filter = true,
    .open = copy_open,
    .read = copy_read,
    .write = copy_write,
    .write_zeroes = copy_zeroes,
    .discard = filter_discard,
    .flush = filter_flush,
    .extent = filter_extent,
    .resize = filter_resize,
    .allocated = filter_allocated,
    .close = copy_close,
    .size = sizeof(CopyLayer),
};
