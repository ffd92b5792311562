/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vpc.c - Virtual PC's images (VHD 1.0), fixed and dynamic, read-only. */
#include "hw/block/block_int.h"

#include <errno.h>
#include <string.h>

enum { /* places in the footer and the dynamic header, big-endian */
       AT_HEADER = 16,
       AT_CREATOR = 28,
       AT_SIZE = 48,
       AT_GEOMETRY = 56,
       AT_TYPE = 60,
       FOOTER = 512,
       AT_TABLE = 16,
       AT_ENTRIES = 28,
       AT_BLOCK_SIZE = 32,
       HEADER = 1024,
};
enum { FIXED = 2, DYNAMIC = 3, ENTRIES_MAX = 64 << 20, GEOMETRY_MAX = 65535 * 16 * 255 };

typedef struct VpcLayer {
    BlockLayer layer;
    uint32_t *table; /* sector of each block's bitmap; NULL: fixed */
    uint32_t entries, block_size, bitmap_size;
} VpcLayer;

static uint64_t be(const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;

    while (bytes-- > 0) {
        value = value << 8 | *at++;
    }
    return value;
}

static bool fail(GError **error, const char *words)
{
    g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_FORMAT, "%s", words);
    return false;
}

static bool table_read(VpcLayer *vpc, uint64_t at, GError **error)
{
    BlockLayer *file = vpc->layer.file;
    uint8_t head[HEADER] = { 0 };

    if (layer_pread(file, at, head, sizeof(head)) != 0 || memcmp(head, "cxsparse", 8) != 0) {
        return fail(error, "invalid VPC image: no dynamic header");
    }
    vpc->entries = (uint32_t)be(head + AT_ENTRIES, 4);
    vpc->block_size = (uint32_t)be(head + AT_BLOCK_SIZE, 4);
    if (vpc->block_size < BLOCK_SECTOR || (vpc->block_size & (vpc->block_size - 1)) != 0 ||
        vpc->block_size > 1u << 30 || vpc->entries > ENTRIES_MAX ||
        vpc->layer.size > (uint64_t)vpc->entries * vpc->block_size) {
        return fail(error, "invalid VPC image: its size does not fit its blocks");
    }
    vpc->bitmap_size = (vpc->block_size / BLOCK_SECTOR / 8 + 511) & ~511u;
    vpc->table = g_try_malloc((size_t)vpc->entries * 4 + 4);
    if (vpc->table == NULL || layer_pread(file, be(head + AT_TABLE, 8) & INT64_MAX, vpc->table,
                                          (size_t)vpc->entries * 4) != 0) {
        g_clear_pointer(&vpc->table, g_free);
        return fail(error, "Could not read the table of blocks");
    }
    return true;
}

/* Virtual PC goes by the geometry, unless that is at its end; others go by the size. */
static uint64_t vpc_size(const uint8_t *foot)
{
    static const char *const by_size[] = { "win ", "qem2", "d2v ", "tap", "CTXS", "wa" };
    const uint8_t *chs = foot + AT_GEOMETRY;
    uint64_t sectors = be(chs, 2) * chs[2] * chs[3];
    uint64_t size = be(foot + AT_SIZE, 8) & ~(uint64_t)(BLOCK_SECTOR - 1);

    for (size_t i = 0; i < G_N_ELEMENTS(by_size); i++) {
        if (memcmp(foot + AT_CREATOR, by_size[i], strlen(by_size[i])) == 0) {
            return size;
        }
    }
    return sectors < GEOMETRY_MAX ? sectors * BLOCK_SECTOR : size;
}

static bool vpc_open(BlockLayer *layer, JsonObject *options, GError **error)
{
    VpcLayer *vpc = (VpcLayer *)layer;
    uint8_t foot[FOOTER] = { 0 };
    uint64_t end = layer->file->size;

    (void)options;
    if (!(layer->flags & BLOCK_READONLY)) {
        return fail(error, "Images of format vpc can only be opened read-only");
    }
    /* A dynamic image begins with a copy of the footer, a fixed one has it at its end only. */
    if (layer_pread(layer->file, 0, foot, sizeof(foot)) != 0 || memcmp(foot, "conectix", 8) != 0) {
        if (end < FOOTER || layer_pread(layer->file, end - FOOTER, foot, sizeof(foot)) != 0 ||
            memcmp(foot, "conectix", 8) != 0) {
            return fail(error, "invalid VPC image");
        }
    }
    layer->size = vpc_size(foot);
    switch (be(foot + AT_TYPE, 4)) {
    case FIXED:
        return layer->size <= end || fail(error, "the VPC image is cut short");
    case DYNAMIC:
        return layer->size <= INT64_MAX &&
               table_read(vpc, be(foot + AT_HEADER, 8) & INT64_MAX, error);
    default:
        return fail(error, "differencing VPC images are not supported");
    }
}

/* The bitmap of a block is of use with a parent only: what is not marked is zero here, too. */
static int vpc_extent(BlockLayer *layer, uint64_t offset, uint64_t size, BlockExtent *extent)
{
    const VpcLayer *vpc = (const VpcLayer *)layer;
    uint32_t place;

    extent->allocated = true;
    extent->file = layer->file;
    extent->size = size;
    extent->data = true;
    extent->file_offset = offset;
    if (vpc->table == NULL) {
        return 0;
    }
    place = GUINT32_FROM_BE(vpc->table[offset / vpc->block_size]);
    extent->size = MIN(size, vpc->block_size - offset % vpc->block_size);
    extent->file_offset = (uint64_t)place * BLOCK_SECTOR + vpc->bitmap_size +
                          offset % vpc->block_size;
    if (place == UINT32_MAX) {
        extent->zero = true;
        extent->data = false;
        extent->file = NULL;
    }
    return 0;
}

static void vpc_close(BlockLayer *layer)
{
    g_free(((VpcLayer *)layer)->table);
}

const BlockDriver vpc_driver = {
    .name = "vpc",
    .open = vpc_open,
    .read = layer_read_extents,
    .write = layer_write_refused,
    .extent = vpc_extent,
    .close = vpc_close,
    .size = sizeof(VpcLayer),
};
