/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vhdx.c - Hyper-V's images (VHDX 1.0, [MS-VHDX]), fixed and dynamic, read-only. One whose log was
 * not replayed is refused. */
#include "hw/block/block_int.h"

#include <errno.h>
#include <string.h>

enum {
    HEADER_1 = 64 << 10,
    HEADER_2 = 128 << 10,
    REGIONS = 192 << 10,
    REGION_MAX = 2047,
    MIB = 1 << 20,
    TABLE_MAX = 512 << 20,
};
enum { PAYLOAD_PRESENT = 6, PAYLOAD_PARTIAL = 7 }; /* states of a block */

typedef struct VhdxLayer {
    BlockLayer layer;
    uint64_t *table; /* little-endian, with an entry of a bitmap behind each chunk */
    uint64_t entries;
    uint32_t block_size, sector_size;
    uint64_t ratio; /* blocks in a chunk */
    bool has_parent;
} VhdxLayer;

static const uint8_t guid_table[16] =
    "\x66\x77\xc2\x2d\x23\xf6\x00\x42\x9d\x64\x11\x5e\x9b\xfd\x4a\x08";
static const uint8_t guid_metadata[16] =
    "\x06\xa2\x7c\x8b\x90\x47\x9a\x4b\xb8\xfe\x57\x5f\x05\x0f\x88\x6e";
static const uint8_t guid_parameters[16] =
    "\x37\x67\xa1\xca\x36\xfa\x43\x4d\xb3\xb6\x33\xf0\xaa\x44\xe7\x6b";
static const uint8_t guid_size[16] =
    "\x24\x42\xa5\x2f\x1b\xcd\x76\x48\xb2\x11\x5d\xbe\xd8\x3b\xf4\xb8";
static const uint8_t guid_sector[16] =
    "\x1d\xbf\x41\x81\x6f\xa9\x09\x47\xba\x47\xf2\x33\xa8\xfa\xab\x5f";

static uint64_t le(const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;

    while (bytes-- > 0) {
        value = value << 8 | at[bytes];
    }
    return value;
}

static bool fail(GError **error, const char *words)
{
    g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_FORMAT, "%s", words);
    return false;
}

/* The newer of two headers says whether there is something in the log. */
static bool log_is_empty(BlockLayer *file, GError **error)
{
    static const uint8_t nothing[16];
    uint8_t head[2][80] = { { 0 } };
    const uint8_t *newer;

    if (layer_pread(file, HEADER_1, head[0], sizeof(head[0])) != 0 ||
        layer_pread(file, HEADER_2, head[1], sizeof(head[1])) != 0 ||
        (memcmp(head[0], "head", 4) != 0 && memcmp(head[1], "head", 4) != 0)) {
        return fail(error, "invalid VHDX image: no header");
    }
    newer = memcmp(head[1], "head", 4) != 0   ? head[0]
            : memcmp(head[0], "head", 4) != 0 ? head[1]
                                              : head[le(head[1] + 8, 8) > le(head[0] + 8, 8)];
    return memcmp(newer + 48, nothing, 16) == 0 ||
           fail(error, "the VHDX image has a log that was not replayed; open it once where it was "
                       "made");
}

/* A region's place and length, by its GUID. */
static bool region_find(const uint8_t *regions, const uint8_t *guid, uint64_t *at, uint64_t *size)
{
    uint64_t count = MIN(le(regions + 8, 4), REGION_MAX);

    for (uint64_t i = 0; i < count; i++) {
        const uint8_t *entry = regions + 16 + i * 32;

        if (memcmp(entry, guid, 16) == 0) {
            *at = le(entry + 16, 8) & INT64_MAX;
            *size = le(entry + 24, 4);
            return true;
        }
    }
    return false;
}

/* An item of the metadata, at most 8 bytes of it. */
static bool item_read(const uint8_t *metadata, uint64_t size, const uint8_t *guid, uint8_t *value,
                      unsigned bytes)
{
    uint64_t count = le(metadata + 10, 2);

    for (uint64_t i = 0; i < count && 32 + (i + 1) * 32 <= size; i++) {
        const uint8_t *entry = metadata + 32 + i * 32;
        uint64_t at = le(entry + 16, 4);

        if (memcmp(entry, guid, 16) == 0 && at <= size - bytes) {
            memcpy(value, metadata + at, bytes);
            return true;
        }
    }
    return false;
}

static bool metadata_take(VhdxLayer *vhdx, const uint8_t *metadata, uint64_t size, GError **error)
{
    uint8_t value[8];

    if (memcmp(metadata, "metadata", 8) != 0 ||
        !item_read(metadata, size, guid_parameters, value, 8)) {
        return fail(error, "invalid VHDX image: no metadata");
    }
    vhdx->block_size = (uint32_t)le(value, 4);
    vhdx->has_parent = (value[4] & 2) != 0;
    if (!item_read(metadata, size, guid_size, value, 8)) {
        return fail(error, "invalid VHDX image: no size");
    }
    vhdx->layer.size = le(value, 8);
    if (!item_read(metadata, size, guid_sector, value, 4)) {
        return fail(error, "invalid VHDX image: no sector size");
    }
    vhdx->sector_size = (uint32_t)le(value, 4);
    if (vhdx->block_size < MIB || vhdx->block_size > 256 * MIB ||
        (vhdx->block_size & (vhdx->block_size - 1)) != 0 ||
        (vhdx->sector_size != 512 && vhdx->sector_size != 4096) || vhdx->layer.size > 1ull << 46 ||
        vhdx->layer.size % vhdx->sector_size != 0) {
        return fail(error, "invalid VHDX image: sizes out of range");
    }
    vhdx->ratio = ((uint64_t)vhdx->sector_size << 23) / vhdx->block_size;
    return !vhdx->has_parent || fail(error, "differencing VHDX images are not supported");
}

static bool table_read(VhdxLayer *vhdx, uint64_t at, uint64_t size, GError **error)
{
    uint64_t blocks = (vhdx->layer.size + vhdx->block_size - 1) / vhdx->block_size;

    vhdx->entries = size / 8;
    if (size > TABLE_MAX ||
        (blocks > 0 && blocks - 1 + (blocks - 1) / vhdx->ratio >= vhdx->entries)) {
        return fail(error, "invalid VHDX image: the table does not fit the size");
    }
    vhdx->table = g_try_malloc(size + 8);
    if (vhdx->table == NULL || layer_pread(vhdx->layer.file, at, vhdx->table, size) != 0) {
        g_clear_pointer(&vhdx->table, g_free);
        return fail(error, "Could not read the table of blocks");
    }
    return true;
}

static bool vhdx_open(BlockLayer *layer, JsonObject *options, GError **error)
{
    VhdxLayer *vhdx = (VhdxLayer *)layer;
    g_autofree uint8_t *regions = g_malloc0(HEADER_1 + 32);
    g_autofree uint8_t *metadata = NULL;
    uint64_t at, size;

    (void)options;
    if (!(layer->flags & BLOCK_READONLY)) {
        return fail(error, "Images of format vhdx can only be opened read-only");
    }
    if (!log_is_empty(layer->file, error)) {
        return false;
    }
    if (layer_pread(layer->file, REGIONS, regions, HEADER_1) != 0 ||
        memcmp(regions, "regi", 4) != 0 || !region_find(regions, guid_metadata, &at, &size) ||
        size < 64 << 10 || size > MIB * 16) {
        return fail(error, "invalid VHDX image: no table of regions");
    }
    metadata = g_malloc0(size);
    if (layer_pread(layer->file, at, metadata, size) != 0) {
        return fail(error, "Could not read the metadata");
    }
    return metadata_take(vhdx, metadata, size, error) &&
           (region_find(regions, guid_table, &at, &size) ||
            fail(error, "invalid VHDX image: no table of blocks")) &&
           table_read(vhdx, at, size, error);
}

static int vhdx_extent(BlockLayer *layer, uint64_t offset, uint64_t size, BlockExtent *extent)
{
    const VhdxLayer *vhdx = (const VhdxLayer *)layer;
    uint64_t block = offset / vhdx->block_size, in = offset % vhdx->block_size;
    uint64_t entry = GUINT64_FROM_LE(vhdx->table[block + block / vhdx->ratio]);
    unsigned state = entry & 7;

    extent->size = MIN(size, vhdx->block_size - in);
    extent->allocated = true;
    extent->data = state == PAYLOAD_PRESENT;
    extent->zero = !extent->data;
    if (extent->data) {
        extent->file = layer->file;
        extent->file_offset = (entry >> 20 << 20) + in;
    }
    return state == PAYLOAD_PARTIAL ? EIO : 0;
}

static void vhdx_close(BlockLayer *layer)
{
    g_free(((VhdxLayer *)layer)->table);
}

const BlockDriver vhdx_driver = {
    .name = "vhdx",
    .open = vhdx_open,
    .read = layer_read_extents,
    .write = layer_write_refused,
    .extent = vhdx_extent,
    .close = vhdx_close,
    .size = sizeof(VhdxLayer),
};
