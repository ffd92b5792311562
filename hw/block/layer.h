/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_BLOCK_LAYER_H
#define HW_BLOCK_LAYER_H
/* layer.h - the layers below a block node, for tools and jobs: requests that block.
 *
 * A layer is one node of the graph as users name it (node-name): a protocol (file, nbd, null-co),
 * a format above it (raw, qcow2), a filter above that.  Layers are counted.  Functions that
 * transfer return 0 or a positive errno; formats take whole sectors, protocols any bytes.
 */
#include <inttypes.h>
#include <json-glib/json-glib.h>
#include "hw/block/block.h"

/* What a stretch of a layer holds. */
typedef struct BlockExtent {
    uint64_t size;    /* from the offset asked for, never 0 */
    bool allocated;   /* by this layer: nothing of its backing file shows through */
    bool zero;        /* reads as zeros */
    bool data;        /* there is something to read */
    bool compressed;  /* cannot be read from `file` as it is */
    BlockLayer *file; /* NULL: it lies nowhere as a whole */
    uint64_t file_offset;
} BlockExtent;

typedef enum BlockFlags {
    BLOCK_READONLY = 1,
    BLOCK_AUTO_READONLY = 2, /* read-only if it cannot be written to */
    BLOCK_NO_FLUSH = 4,      /* cache.no-flush */
    BLOCK_UNMAP = 8,         /* discard=unmap */
    BLOCK_SHARE = 16,        /* no locks: force-share */
    BLOCK_NO_BACKING = 32,   /* the backing file stays closed */
    BLOCK_DIRECT = 64,       /* cache.direct */
    BLOCK_NO_IO = 128,       /* only the head will be looked at: a data file may be missing */
    BLOCK_CHECKING = 256, /* opened to be checked: damage does not refuse it, nothing is mended */
    BLOCK_ZEROES = 512,   /* detect-zeroes=on */
    BLOCK_INHERITED = BLOCK_READONLY | BLOCK_AUTO_READONLY | BLOCK_NO_FLUSH | BLOCK_UNMAP |
                      BLOCK_SHARE | BLOCK_DIRECT | BLOCK_NO_IO,
} BlockFlags;

/* ---- Opening ---- */

/* Opens what a tree of options says, as -blockdev has it; the tree is used up. */
BlockLayer *layer_open(BlockGraph *graph, JsonObject *options, unsigned flags, GError **error);
/* Opens a file name: a path, a URL, "json:{...}". Format NULL: probed. */
BlockLayer *layer_open_file(BlockGraph *graph, const char *filename, const char *format,
                            unsigned flags, GError **error);
/* The protocol alone. */
BlockLayer *layer_open_protocol(BlockGraph *graph, const char *filename, unsigned flags,
                                GError **error);
/* A temporary overlay that takes `below` over; on failure leaves it alone. */
BlockLayer *layer_open_temporary(BlockGraph *graph, BlockLayer *below, GError **error);
/* A tree of "a.b=c,..." (commas doubled in values) or of JSON; NULL: the error is set. */
JsonObject *block_tree_parse(const char *text, GError **error);
JsonObject *block_json_parse(const char *text, GError **error);
bool block_tree_set(JsonObject *tree, const char *key, const char *value, GError **error);
/* The path of `name` as an image at `from` means it. */
char *block_filename_relative(const char *from, const char *name);

/* ---- What it is ---- */

uint64_t layer_size(const BlockLayer *layer);
const char *layer_filename(const BlockLayer *layer);
const char *layer_format(const BlockLayer *layer); /* the driver's name */
const char *layer_node_name(const BlockLayer *layer);
bool layer_is_readonly(const BlockLayer *layer);
BlockLayer *layer_backing(const BlockLayer *layer);      /* NULL: none is open */
const char *layer_backing_file(const BlockLayer *layer); /* as the image says; NULL: none */
const char *layer_backing_format(const BlockLayer *layer);

/* ---- Requests ---- */

BlockLayer *layer_ref(BlockLayer *layer);
void layer_unref(BlockLayer *layer); /* NULL is allowed; the last one closes it */

/* Reads past the end give zeros. */
int layer_read(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n);
int layer_write(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n);
int layer_write_zeroes(BlockLayer *layer, uint64_t offset, uint64_t size, bool unmap);
int layer_discard(BlockLayer *layer, uint64_t offset, uint64_t size);
int layer_flush(BlockLayer *layer);
int layer_write_compressed(BlockLayer *layer, uint64_t offset, const void *data, uint64_t size);
int layer_pread(BlockLayer *layer, uint64_t offset, void *data, size_t size);
int layer_pwrite(BlockLayer *layer, uint64_t offset, const void *data, size_t size);
/* What this layer alone holds; past its end: zeros that it allocates. */
int layer_extent(BlockLayer *layer, uint64_t offset, uint64_t size, BlockExtent *extent);
/* The same with the backing chain down to, and without, `base`; `depth`: how far down it lies. */
int layer_extent_above(BlockLayer *layer, BlockLayer *base, uint64_t offset, uint64_t size,
                       BlockExtent *extent, unsigned *depth);
bool layer_resize(BlockLayer *layer, uint64_t size, BlockPreallocation how, GError **error);
bool layer_reopen(BlockLayer *layer, unsigned flags, GError **error); /* and its file */
#endif
