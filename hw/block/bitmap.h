/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_BLOCK_BITMAP_H
#define HW_BLOCK_BITMAP_H
/* bitmap.h - dirty bitmaps: what of a layer has been changed since when.
 *
 * A bitmap belongs to a layer and goes with it. It has a bit for `granularity` bytes, set by every
 * change while it is enabled. A job that uses it freezes it: it has what was dirty then, and what
 * is changed meanwhile is noted apart. Main thread, but for block_bitmap_run.
 */
#include "hw/block/layer.h"

typedef struct BlockBitmap BlockBitmap;

/* `granularity` 0: 64 KiB. */
bool block_bitmap_add(BlockLayer *layer, const char *name, uint32_t granularity, bool enabled,
                      GError **error);
/* NULL with an error: there is none. */
BlockBitmap *block_bitmap_find(BlockLayer *layer, const char *name, GError **error);
/* All refuse a bitmap that a job uses. */
bool block_bitmap_is_free(const BlockBitmap *bitmap, GError **error);
bool block_bitmap_remove(BlockBitmap *bitmap, GError **error);
bool block_bitmap_clear(BlockBitmap *bitmap, GError **error);
bool block_bitmap_enable(BlockBitmap *bitmap, bool enabled, GError **error);
/* What is dirty in `source` becomes so in `target`: disks of the same size. */
bool block_bitmap_merge(BlockBitmap *target, BlockBitmap *source, GError **error);

/* Is it dirty at `offset`? `length`: how far it is alike, up to `size`. What a job has frozen
 * counts. Any thread; the bitmap stays. */
bool block_bitmap_run(BlockBitmap *bitmap, uint64_t offset, uint64_t size, uint64_t *length);

typedef struct BlockBitmapInfo {
    const char *name;
    uint32_t granularity;
    uint64_t dirty; /* bytes */
    bool enabled, busy;
} BlockBitmapInfo;
typedef void BlockBitmapEach(const BlockBitmapInfo *info, void *opaque);
void block_bitmaps_each(BlockLayer *layer, BlockBitmapEach *each, void *opaque);

/* For whoever may have to undo: all of it as it is now, and back. */
typedef struct BlockBitmapKept BlockBitmapKept;
BlockBitmapKept *block_bitmap_keep(BlockBitmap *bitmap);
void block_bitmap_put_back(BlockBitmap *bitmap, const BlockBitmapKept *kept);
void block_bitmap_kept_free(BlockBitmapKept *kept);

/* Others than jobs that use it: it cannot be removed meanwhile. */
void block_bitmap_hold(BlockBitmap *bitmap);
void block_bitmap_release(BlockBitmap *bitmap);

/* ---- For jobs ---- */

void block_bitmap_freeze(BlockBitmap *bitmap); /* the gate is closed */
/* `merge`: what was frozen is dirty again. */
void block_bitmap_thaw(BlockBitmap *bitmap, bool merge);

/* ---- layer.c ---- */

void block_bitmaps_free(BlockLayer *layer);

#endif
