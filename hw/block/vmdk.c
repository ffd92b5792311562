/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vmdk.c - VMware's hosted sparse extents (VMDK 1 to 3, "monolithicSparse"), read-only. Compressed
 * ones, those of several files and those with a parent are refused. */
#include "hw/block/block_int.h"

#include <errno.h>
#include <string.h>

enum { /* places in the header, little-endian */
       AT_VERSION = 4,
       AT_FLAGS = 8,
       AT_CAPACITY = 12,
       AT_GRAIN = 20,
       AT_DESCRIPTOR = 28,
       AT_DESCRIPTOR_SIZE = 36,
       AT_ENTRIES = 44,
       AT_DIRECTORY = 56,
       AT_COMPRESSION = 77,
       HEADER = 512,
};
enum { FLAG_COMPRESSED = 1 << 16, DESCRIPTOR_MAX = 1 << 20, DIRECTORY_MAX = 64 << 20 };

typedef struct VmdkLayer {
    BlockLayer layer;
    uint32_t *directory; /* sectors of grain tables */
    uint64_t grain;      /* bytes */
    uint32_t entries;    /* of a grain table */
    GMutex lock;         /* of the two below */
    uint64_t cached;     /* index of the table in `table`; UINT64_MAX: none */
    uint32_t *table;
} VmdkLayer;

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

static bool descriptor_check(BlockLayer *file, const uint8_t *head, GError **error)
{
    uint64_t size = le(head + AT_DESCRIPTOR_SIZE, 8) * BLOCK_SECTOR;
    uint64_t at = le(head + AT_DESCRIPTOR, 8) * BLOCK_SECTOR & INT64_MAX;
    g_autofree char *text = NULL;
    const char *parent;

    if (size > DESCRIPTOR_MAX) {
        return fail(error, "invalid VMDK image: its descriptor is too long");
    }
    text = g_malloc0(size + 1);
    if (layer_pread(file, at, text, size) != 0) {
        return fail(error, "Could not read the descriptor");
    }
    parent = strstr(text, "parentCID=");
    return parent == NULL || g_ascii_strncasecmp(parent + 10, "ffffffff", 8) == 0 ||
           fail(error, "VMDK images with a parent are not supported");
}

static bool directory_read(VmdkLayer *vmdk, const uint8_t *head, GError **error)
{
    uint64_t span = vmdk->grain * vmdk->entries;
    uint64_t tables = (vmdk->layer.size + span - 1) / span;
    uint64_t at = le(head + AT_DIRECTORY, 8) * BLOCK_SECTOR & INT64_MAX;

    if (tables * 4 > DIRECTORY_MAX) {
        return fail(error, "invalid VMDK image: it is too large");
    }
    vmdk->directory = g_try_malloc(tables * 4 + 4);
    if (vmdk->directory == NULL ||
        layer_pread(vmdk->layer.file, at, vmdk->directory, tables * 4) != 0) {
        g_clear_pointer(&vmdk->directory, g_free);
        return fail(error, "Could not read the grain directory");
    }
    vmdk->table = g_malloc((size_t)vmdk->entries * 4);
    vmdk->cached = UINT64_MAX;
    g_mutex_init(&vmdk->lock);
    return true;
}

static bool vmdk_open(BlockLayer *layer, JsonObject *options, GError **error)
{
    VmdkLayer *vmdk = (VmdkLayer *)layer;
    uint8_t head[HEADER] = { 0 };
    uint64_t capacity, grain;

    (void)options;
    if (!(layer->flags & BLOCK_READONLY)) {
        return fail(error, "Images of format vmdk can only be opened read-only");
    }
    if (layer_pread(layer->file, 0, head, sizeof(head)) != 0 || memcmp(head, "KDMV", 4) != 0) {
        return fail(error, "only VMDK images of one sparse file are supported");
    }
    if (le(head + AT_VERSION, 4) > 3 || (le(head + AT_FLAGS, 4) & FLAG_COMPRESSED) ||
        le(head + AT_COMPRESSION, 2) != 0) {
        return fail(error, "compressed VMDK images are not supported");
    }
    capacity = le(head + AT_CAPACITY, 8);
    grain = le(head + AT_GRAIN, 8);
    vmdk->entries = (uint32_t)le(head + AT_ENTRIES, 4);
    if (capacity > 1ull << 40 || grain < 1 || grain > 1 << 15 || (grain & (grain - 1)) != 0 ||
        vmdk->entries < 1 || vmdk->entries > 512) {
        return fail(error, "invalid VMDK image: sizes out of range");
    }
    layer->size = capacity * BLOCK_SECTOR;
    vmdk->grain = grain * BLOCK_SECTOR;
    return descriptor_check(layer->file, head, error) && directory_read(vmdk, head, error);
}

/* The sector of a grain; 0: nothing, 1: zeros. */
static int grain_find(VmdkLayer *vmdk, uint64_t number, uint32_t *sector)
{
    uint64_t index = number / vmdk->entries;
    uint32_t table = GUINT32_FROM_LE(vmdk->directory[index]);
    int error = 0;

    *sector = 0;
    if (table == 0) {
        return 0;
    }
    g_mutex_lock(&vmdk->lock);
    if (vmdk->cached != index) {
        vmdk->cached = UINT64_MAX;
        error = layer_pread(vmdk->layer.file, (uint64_t)table * BLOCK_SECTOR, vmdk->table,
                            (size_t)vmdk->entries * 4);
        vmdk->cached = error == 0 ? index : UINT64_MAX;
    }
    *sector = GUINT32_FROM_LE(vmdk->table[number % vmdk->entries]);
    g_mutex_unlock(&vmdk->lock);
    return error;
}

static int vmdk_extent(BlockLayer *layer, uint64_t offset, uint64_t size, BlockExtent *extent)
{
    VmdkLayer *vmdk = (VmdkLayer *)layer;
    uint32_t sector;
    int error = grain_find(vmdk, offset / vmdk->grain, &sector);

    extent->size = MIN(size, vmdk->grain - offset % vmdk->grain);
    extent->allocated = true;
    extent->data = sector > 1;
    extent->zero = !extent->data;
    if (extent->data) {
        extent->file = layer->file;
        extent->file_offset = (uint64_t)sector * BLOCK_SECTOR + offset % vmdk->grain;
    }
    return error;
}

static void vmdk_close(BlockLayer *layer)
{
    VmdkLayer *vmdk = (VmdkLayer *)layer;

    g_mutex_clear(&vmdk->lock);
    g_free(vmdk->directory);
    g_free(vmdk->table);
}

const BlockDriver vmdk_driver = {
    .name = "vmdk",
    .open = vmdk_open,
    .read = layer_read_extents,
    .write = layer_write_refused,
    .extent = vmdk_extent,
    .close = vmdk_close,
    .size = sizeof(VmdkLayer),
};
