/* SPDX-License-Identifier: GPL-2.0-or-later */
/* layer.c - what all layers of the graph share: counting, whole transfers, watches, extents. */
#include "hw/block/bitmap.h"
#include "hw/block/block_int.h"

#include <errno.h>
#include <string.h>

enum { ZEROES_BUFFER = 1 << 20 };

/* ---- Life ---- */

BlockLayer *layer_new(BlockGraph *graph, const BlockDriver *driver, const char *node_name,
                      const char *filename, unsigned flags)
{
    BlockLayer *layer = g_malloc0(driver->size);

    layer->driver = driver;
    layer->graph = graph;
    layer->refs = 1;
    layer->node_name = g_strdup(node_name);
    layer->filename = g_strdup(filename);
    layer->flags = flags;
    return layer;
}

BlockLayer *layer_ref(BlockLayer *layer)
{
    layer->refs++;
    return layer;
}

void layer_unref(BlockLayer *layer)
{
    if (layer == NULL || --layer->refs > 0) {
        return;
    }
    block_bitmaps_free(layer);
    g_assert(layer->watches == NULL);
    graph_remove_layer(layer->graph, layer);
    layer->driver->close(layer);
    layer_unref(layer->backing);
    layer_unref(layer->data_file);
    layer_unref(layer->file);
    g_free(layer->node_name);
    g_free(layer->filename);
    g_free(layer->backing_file);
    g_free(layer->backing_format);
    g_free(layer);
}

BlockLayer *layer_skip_filters(BlockLayer *layer)
{
    while (layer != NULL && layer->driver->filter) {
        layer = layer->file;
    }
    return layer;
}

/* ---- Watches ---- */

void layer_watch(BlockLayer *layer, BlockWatch *watch)
{
    watch->next = layer->watches;
    layer->watches = watch;
}

void layer_unwatch(BlockLayer *layer, BlockWatch *watch)
{
    BlockWatch **link = &layer->watches;

    while (*link != watch) {
        link = &(*link)->next;
    }
    *link = watch->next;
}

static int watches_before(BlockLayer *layer, uint64_t offset, uint64_t size)
{
    int error = 0;

    for (BlockWatch *watch = layer->watches; watch != NULL && error == 0; watch = watch->next) {
        error = watch->before != NULL ? watch->before(watch, offset, size) : 0;
    }
    return error;
}

/* After a failure too: nobody knows how much of it was written. */
static int watches_after(BlockLayer *layer, uint64_t offset, uint64_t size, int error)
{
    for (BlockWatch *watch = layer->watches; watch != NULL; watch = watch->next) {
        if (watch->after != NULL) {
            watch->after(watch, offset, size);
        }
    }
    return error;
}

/* ---- Transfers ---- */

int layer_read(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n)
{
    uint64_t size = iov_size(iov, n), inside;
    g_autofree struct iovec *part = NULL;
    int error = 0;

    if (layer->driver->protocol || (offset <= layer->size && size <= layer->size - offset)) {
        return layer->driver->read(layer, offset, iov, n);
    }
    inside = offset < layer->size ? layer->size - offset : 0;
    part = g_new(struct iovec, n + 1);
    if (inside > 0) {
        error = layer->driver->read(layer, offset, part, iov_slice(iov, n, 0, inside, part));
    }
    iov_zero(part, iov_slice(iov, n, inside, size - inside, part));
    return error;
}

int layer_write(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n)
{
    uint64_t size = iov_size(iov, n);
    int error;

    if (layer->flags & BLOCK_READONLY) {
        return EROFS;
    }
    if ((layer->flags & BLOCK_ZEROES) && iov_is_zero(iov, n)) {
        return layer_write_zeroes(layer, offset, size, (layer->flags & BLOCK_UNMAP) != 0);
    }
    error = watches_before(layer, offset, size);
    if (error == 0) {
        error = layer->driver->write(layer, offset, iov, n);
    }
    return watches_after(layer, offset, size, error);
}

static int zeroes_written(BlockLayer *layer, uint64_t offset, uint64_t size)
{
    uint64_t part = MIN(size, ZEROES_BUFFER);
    g_autofree void *zeros = g_try_malloc0(part);
    int error = zeros == NULL ? ENOMEM : 0;

    for (uint64_t done = 0; done < size && error == 0; done += part) {
        struct iovec iov = { zeros, MIN(part, size - done) };

        error = layer->driver->write(layer, offset + done, &iov, 1);
    }
    return error;
}

int layer_write_zeroes(BlockLayer *layer, uint64_t offset, uint64_t size, bool unmap)
{
    int error;

    if (layer->flags & BLOCK_READONLY) {
        return EROFS;
    }
    if (size == 0) {
        return 0;
    }
    error = watches_before(layer, offset, size);
    if (error == 0) {
        error = layer->driver->write_zeroes != NULL
                    ? layer->driver->write_zeroes(layer, offset, size, unmap)
                    : ENOTSUP;
    }
    if (error == ENOTSUP || error == EOPNOTSUPP) {
        error = zeroes_written(layer, offset, size);
    }
    return watches_after(layer, offset, size, error);
}

int layer_discard(BlockLayer *layer, uint64_t offset, uint64_t size)
{
    int error;

    if (layer->flags & BLOCK_READONLY) {
        return EROFS;
    }
    if (layer->driver->discard == NULL || size == 0) {
        return 0;
    }
    error = watches_before(layer, offset, size);
    if (error == 0) {
        error = layer->driver->discard(layer, offset, size);
    }
    return watches_after(layer, offset, size, error);
}

int layer_flush(BlockLayer *layer)
{
    return layer->driver->flush != NULL ? layer->driver->flush(layer) : 0;
}

int layer_write_compressed(BlockLayer *layer, uint64_t offset, const void *data, uint64_t size)
{
    int error;

    if (layer->driver->write_compressed == NULL) {
        return ENOTSUP;
    }
    error = layer->flags & BLOCK_READONLY ? EROFS : watches_before(layer, offset, size);
    if (error == 0) {
        error = layer->driver->write_compressed(layer, offset, data, size);
    }
    return watches_after(layer, offset, size, error);
}

int layer_pread(BlockLayer *layer, uint64_t offset, void *data, size_t size)
{
    const struct iovec iov = { data, size };

    return layer_read(layer, offset, &iov, 1);
}

int layer_pwrite(BlockLayer *layer, uint64_t offset, const void *data, size_t size)
{
    const struct iovec iov = { (void *)data, size };

    return layer_write(layer, offset, &iov, 1);
}

/* ---- Extents ---- */

int layer_copy_on_read(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n)
{
    uint64_t size = iov_size(iov, n);
    g_autofree struct iovec *part = g_new(struct iovec, n + 1);
    int error = layer_read(layer, offset, iov, n);

    for (uint64_t at = 0; at < size && error == 0;) {
        BlockExtent extent;

        error = layer_extent(layer, offset + at, size - at, &extent);
        if (error == 0 && !extent.allocated) {
            int parts = iov_slice(iov, n, at, extent.size, part);

            error = layer_write(layer, offset + at, part, parts);
        }
        at += extent.size;
    }
    return error;
}

int layer_extent(BlockLayer *layer, uint64_t offset, uint64_t size, BlockExtent *extent)
{
    memset(extent, 0, sizeof(*extent));
    if (offset >= layer->size) {
        extent->size = size;
        extent->allocated = extent->zero = true;
        return 0;
    }
    extent->size = MIN(size, layer->size - offset);
    if (layer->driver->extent != NULL) {
        return layer->driver->extent(layer, offset, extent->size, extent);
    }
    extent->allocated = extent->data = true;
    return 0;
}

int layer_extent_above(BlockLayer *layer, BlockLayer *base, uint64_t offset, uint64_t size,
                       BlockExtent *extent, unsigned *depth)
{
    unsigned down = 0;
    int error = 0;

    for (; layer != base && layer != NULL; layer = layer->backing, down++) {
        layer = layer_skip_filters(layer);
        error = layer_extent(layer, offset, size, extent);
        size = extent->size;
        if (error != 0 || extent->allocated) {
            break;
        }
    }
    if (error == 0 && layer == NULL && !extent->allocated) {
        extent->zero = true; /* nothing at all: zeros */
    }
    *depth = down;
    return error;
}

int layer_read_extents(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n)
{
    uint64_t size = iov_size(iov, n);
    g_autofree struct iovec *part = g_new(struct iovec, n + 1);
    int error = 0;

    for (uint64_t done = 0; done < size && error == 0;) {
        BlockExtent extent;
        int parts;

        error = layer_extent(layer, offset + done, size - done, &extent);
        if (error != 0) {
            break;
        }
        parts = iov_slice(iov, n, done, extent.size, part);
        if (extent.data) {
            error = layer_read(extent.file, extent.file_offset, part, parts);
        } else {
            iov_zero(part, parts);
        }
        done += extent.size;
    }
    return error;
}

int layer_write_refused(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n)
{
    (void)layer, (void)offset, (void)iov, (void)n;
    return EROFS;
}

/* ---- Size and flags ---- */

bool layer_resize(BlockLayer *layer, uint64_t size, BlockPreallocation how, GError **error)
{
    if (layer->flags & BLOCK_READONLY) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION, "Image is read-only");
        return false;
    }
    if (layer->driver->resize == NULL) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION,
                    "Image format driver does not support resize");
        return false;
    }
    return layer->driver->resize(layer, size, how, error);
}

bool layer_reopen(BlockLayer *layer, unsigned flags, GError **error)
{
    unsigned before = layer->flags;

    if ((before & BLOCK_READONLY) == (flags & BLOCK_READONLY)) {
        return true;
    }
    if (layer->file != NULL && !layer_reopen(layer->file, flags, error)) {
        return false;
    }
    if (layer->data_file != NULL && !layer_reopen(layer->data_file, flags, error)) {
        return false;
    }
    if (layer->driver->reopen != NULL && !layer->driver->reopen(layer, flags, error)) {
        return false;
    }
    layer->flags = (before & ~(unsigned)BLOCK_READONLY) | (flags & BLOCK_READONLY);
    return true;
}

uint64_t layer_size(const BlockLayer *layer)
{
    return layer->size;
}

const char *layer_filename(const BlockLayer *layer)
{
    return layer->filename;
}

const char *layer_format(const BlockLayer *layer)
{
    return layer->driver->name;
}

const char *layer_node_name(const BlockLayer *layer)
{
    return layer->node_name;
}

bool layer_is_readonly(const BlockLayer *layer)
{
    return (layer->flags & BLOCK_READONLY) != 0;
}

BlockLayer *layer_backing(const BlockLayer *layer)
{
    return layer->backing;
}

const char *layer_backing_file(const BlockLayer *layer)
{
    return layer->backing_file;
}

const char *layer_backing_format(const BlockLayer *layer)
{
    return layer->backing_format;
}
