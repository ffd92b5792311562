/* SPDX-License-Identifier: GPL-2.0-or-later */
/* null.c - the protocol "null-co": takes everything, gives zeros or nothing at all. */
#include "hw/block/block_int.h"

enum { NULL_SIZE = 1 << 30 };

typedef struct NullLayer {
    BlockLayer layer;
    bool zeroes; /* reads give zeros; otherwise the buffer stays as it is */
} NullLayer;

static bool null_open(BlockLayer *layer, JsonObject *options, GError **error)
{
    g_autofree char *filename = option_string(options, "filename");
    NullLayer *null = (NullLayer *)layer;

    layer->size = NULL_SIZE;
    layer->filename = g_strdup(filename != NULL ? filename : "null-co://");
    return option_size(options, "size", &layer->size, error) &&
           option_bool(options, "read-zeroes", &null->zeroes, error);
}

static int null_read(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n)
{
    (void)offset;
    if (((NullLayer *)layer)->zeroes) {
        iov_zero(iov, n);
    }
    return 0;
}

static int null_write(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n)
{
    (void)layer, (void)offset, (void)iov, (void)n;
    return 0;
}

static int null_write_zeroes(BlockLayer *layer, uint64_t offset, uint64_t size, bool unmap)
{
    (void)layer, (void)offset, (void)size, (void)unmap;
    return 0;
}

static int null_extent(BlockLayer *layer, uint64_t offset, uint64_t size, BlockExtent *extent)
{
    (void)offset;
    extent->size = size;
    extent->allocated = true;
    extent->zero = ((NullLayer *)layer)->zeroes;
    extent->data = !extent->zero;
    return 0;
}

static void null_close(BlockLayer *layer)
{
    (void)layer;
}

const BlockDriver null_driver = {
    .name = "null-co",
    .protocol = true,
    .open = null_open,
    .read = null_read,
    .write = null_write,
    .write_zeroes = null_write_zeroes,
    .extent = null_extent,
    .close = null_close,
    .size = sizeof(NullLayer),
};
