/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_BLOCK_IMAGE_H
#define HW_BLOCK_IMAGE_H
/* image.h - images as files: making, describing, checking, changing what their headers say. */
#include "hw/block/layer.h"

/* Makes the file, or empties it. Formats that can be made: raw, qcow2. */
bool image_create(BlockGraph *graph, const char *filename, const char *format,
                  const BlockCreate *create, GError **error);
/* QEMU's ImageInfo. */
JsonObject *image_info(BlockLayer *layer);
/* Formats without a check are refused with BLOCK_ERROR_OPTION. */
bool image_check(BlockLayer *layer, unsigned fix, BlockCheck *result, GError **error);
/* What the header says, not what is open; NULL: none. */
bool image_set_backing(BlockLayer *layer, const char *file, const char *format, GError **error);
/* Nothing is left in the image: what is behind it shows. */
bool image_make_empty(BlockLayer *layer, GError **error);
/* compat, lazy_refcounts, size, backing_file and backing_fmt of what -o of amend says. */
bool image_amend(BlockLayer *layer, JsonObject *options, GError **error);

typedef enum ImageBitmapAction {
    IMAGE_BITMAP_ADD,
    IMAGE_BITMAP_REMOVE,
    IMAGE_BITMAP_CLEAR,
    IMAGE_BITMAP_ENABLE,
    IMAGE_BITMAP_DISABLE
} ImageBitmapAction;

/* A dirty bitmap that the image keeps. `granularity` 0: 64 KiB, or a cluster. */
bool image_bitmap(BlockLayer *layer, ImageBitmapAction action, const char *name,
                  uint64_t granularity, GError **error);
/* Of the format that is known by its own clusters, 0: it has none. */
uint32_t image_cluster_size(const BlockLayer *layer);
bool image_extended_l2(const BlockLayer *layer);
/* Bytes of a qcow2 image that holds `data` bytes of guest data. */
uint64_t image_measure(const BlockCreate *create, uint64_t data);

#endif
