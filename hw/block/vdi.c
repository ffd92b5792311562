/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vdi.c - VirtualBox's images (VDI 1.1), static and dynamic, read-only. */
#include "hw/block/block_int.h"

#include <errno.h>
#include <string.h>

enum { /* places in the header, little-endian */
       AT_SIGNATURE = 0x40,
       AT_VERSION = 0x44,
       AT_TYPE = 0x4c,
       AT_MAP = 0x154,
       AT_DATA = 0x158,
       AT_SECTOR = 0x168,
       AT_SIZE = 0x170,
       AT_BLOCK_SIZE = 0x178,
       AT_BLOCK_EXTRA = 0x17c,
       AT_BLOCKS = 0x180,
       HEADER = 512,
};
enum { SIGNATURE = (int)0xbeda107f, VERSION = 0x10001, DYNAMIC = 1, STATIC = 2, BLOCK = 1 << 20 };
enum { BLOCKS_MAX = 64 << 20 };

#define NOTHING 0xfffffffeu /* this and the one above it: no block */

typedef struct VdiLayer {
    BlockLayer layer;
    uint32_t *map; /* block of the file, by block of the disk */
    uint32_t blocks;
    uint64_t data;
} VdiLayer;

static uint32_t le32(const uint8_t *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof(value));
    return GUINT32_FROM_LE(value);
}

static bool fail(GError **error, const char *words)
{
    g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_FORMAT, "%s", words);
    return false;
}

static bool vdi_open(BlockLayer *layer, JsonObject *options, GError **error)
{
    VdiLayer *vdi = (VdiLayer *)layer;
    uint8_t head[HEADER] = { 0 };

    (void)options;
    if (!(layer->flags & BLOCK_READONLY)) {
        return fail(error, "Images of format vdi can only be opened read-only");
    }
    if (layer_pread(layer->file, 0, head, sizeof(head)) != 0 ||
        le32(head + AT_SIGNATURE) != (uint32_t)SIGNATURE) {
        return fail(error, "Image not in VDI format");
    }
    vdi->blocks = le32(head + AT_BLOCKS);
    vdi->data = le32(head + AT_DATA);
    layer->size = le32(head + AT_SIZE) | (uint64_t)le32(head + AT_SIZE + 4) << 32;
    if (le32(head + AT_VERSION) != VERSION ||
        (le32(head + AT_TYPE) != DYNAMIC && le32(head + AT_TYPE) != STATIC) ||
        le32(head + AT_SECTOR) != 512 || le32(head + AT_BLOCK_SIZE) != BLOCK ||
        le32(head + AT_BLOCK_EXTRA) != 0) {
        return fail(error, "unsupported VDI image");
    }
    if (vdi->blocks > BLOCKS_MAX || layer->size > (uint64_t)vdi->blocks * BLOCK ||
        layer->size % BLOCK_SECTOR != 0) {
        return fail(error, "unsupported VDI image: its size does not fit its blocks");
    }
    vdi->map = g_try_malloc((size_t)vdi->blocks * 4 + 4);
    if (vdi->map == NULL ||
        layer_pread(layer->file, le32(head + AT_MAP), vdi->map, (size_t)vdi->blocks * 4) != 0) {
        g_free(vdi->map);
        return fail(error, "Could not read the map of blocks");
    }
    return true;
}

static int vdi_extent(BlockLayer *layer, uint64_t offset, uint64_t size, BlockExtent *extent)
{
    const VdiLayer *vdi = (const VdiLayer *)layer;
    uint32_t place = GUINT32_FROM_LE(vdi->map[offset / BLOCK]);

    extent->size = MIN(size, BLOCK - offset % BLOCK);
    extent->allocated = true;
    extent->zero = place >= NOTHING;
    extent->data = !extent->zero;
    if (extent->data) {
        extent->file = layer->file;
        extent->file_offset = vdi->data + (uint64_t)place * BLOCK + offset % BLOCK;
    }
    return 0;
}

static void vdi_close(BlockLayer *layer)
{
    g_free(((VdiLayer *)layer)->map);
}

const BlockDriver vdi_driver = {
    .name = "vdi",
    .open = vdi_open,
    .read = layer_read_extents,
    .write = layer_write_refused,
    .extent = vdi_extent,
    .close = vdi_close,
    .size = sizeof(VdiLayer),
};
