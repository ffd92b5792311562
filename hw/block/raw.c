/* SPDX-License-Identifier: GPL-2.0-or-later */
/* raw.c - the format "raw": what is below as it is, or a part of it (offset=, size=).
 *
 * A size that is no multiple of 512 is rounded up: the missing part of the last sector reads as
 * zeros, and writing that sector makes the file longer. */
#include "hw/block/block_int.h"

#include <errno.h>

typedef struct RawLayer {
    BlockLayer layer;
    uint64_t offset;
    bool has_size; /* size= was given: it does not follow the file's */
} RawLayer;

static uint64_t raw_offset(const BlockLayer *layer)
{
    return ((const RawLayer *)layer)->offset;
}

static bool raw_open(BlockLayer *layer, JsonObject *options, GError **error)
{
    RawLayer *raw = (RawLayer *)layer;
    uint64_t size = UINT64_MAX, whole = layer->file->size;

    if (!option_size(options, "offset", &raw->offset, error) ||
        !option_size(options, "size", &size, error)) {
        return false;
    }
    raw->has_size = size != UINT64_MAX;
    if (raw->offset > whole || (raw->has_size && size > whole - raw->offset)) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_SIZE,
                    "The sum of offset (%" PRIu64 ") and size (%" PRIu64
                    ") has to be smaller or equal to the actual size of the containing file "
                    "(%" PRIu64 ")",
                    raw->offset, raw->has_size ? size : 0, whole);
        return false;
    }
    if (raw->has_size && size % BLOCK_SECTOR != 0) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_SIZE, "Specified size is not multiple of 512");
        return false;
    }
    layer->size = raw->has_size ? size : whole - raw->offset;
    layer->size = (layer->size + BLOCK_SECTOR - 1) & ~(uint64_t)(BLOCK_SECTOR - 1);
    return true;
}

static int raw_read(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n)
{
    return layer_read(layer->file, offset + raw_offset(layer), iov, n);
}

static int raw_write(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n)
{
    return layer_write(layer->file, offset + raw_offset(layer), iov, n);
}

static int raw_write_zeroes(BlockLayer *layer, uint64_t offset, uint64_t size, bool unmap)
{
    return layer_write_zeroes(layer->file, offset + raw_offset(layer), size, unmap);
}

static int raw_discard(BlockLayer *layer, uint64_t offset, uint64_t size)
{
    return layer_discard(layer->file, offset + raw_offset(layer), size);
}

static int raw_flush(BlockLayer *layer)
{
    return layer_flush(layer->file);
}

static int raw_extent(BlockLayer *layer, uint64_t offset, uint64_t size, BlockExtent *extent)
{
    int error = layer_extent(layer->file, offset + raw_offset(layer), size, extent);

    extent->allocated = true; /* there is nothing behind it */
    return error;
}

static bool raw_resize(BlockLayer *layer, uint64_t size, BlockPreallocation how, GError **error)
{
    const RawLayer *raw = (const RawLayer *)layer;

    if (raw->has_size) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION, "Cannot resize fixed-size raw disks");
        return false;
    }
    if (!layer_resize(layer->file, size + raw->offset, how, error)) {
        return false;
    }
    layer->size = (size + BLOCK_SECTOR - 1) & ~(uint64_t)(BLOCK_SECTOR - 1);
    return true;
}

static int64_t raw_allocated(BlockLayer *layer)
{
    BlockLayer *file = layer->file;

    return file->driver->allocated != NULL ? file->driver->allocated(file) : -1;
}

static void raw_close(BlockLayer *layer)
{
    (void)layer;
}

const BlockDriver raw_driver = {
    .name = "raw",
    .open = raw_open,
    .read = raw_read,
    .write = raw_write,
    .write_zeroes = raw_write_zeroes,
    .discard = raw_discard,
    .flush = raw_flush,
    .extent = raw_extent,
    .resize = raw_resize,
    .allocated = raw_allocated,
    .close = raw_close,
    .size = sizeof(RawLayer),
};
