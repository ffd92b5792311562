/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_BLOCK_BLOCK_INT_H
#define HW_BLOCK_BLOCK_INT_H
/* block_int.h - what a block node is made of, for the files of this folder.
 *
 * A node is a stack of layers: a protocol (raw.c) at the bottom, a format above it, overlays
 * (snapshot.c) above that. block.c has what all share: the queue, the worker threads, the checks.
 */
#include "hw/block/block.h"

typedef struct BlockLayer BlockLayer;

/* Called on worker threads, several at once; a range is in bytes, multiples of 512, inside
 * `size`. They return 0 or a positive errno. */
typedef struct BlockDriver {
    const char *name;
    int (*read)(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n);
    int (*write)(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n);
    int (*flush)(BlockLayer *layer);
    int (*discard)(BlockLayer *layer, uint64_t offset, uint64_t size);
    void (*close)(BlockLayer *layer); /* frees the layer, not what is below */
} BlockDriver;

/* Embedded first in each driver's own structure. */
struct BlockLayer {
    const BlockDriver *driver;
    BlockLayer *below; /* owned; NULL for a protocol */
    uint64_t size;     /* bytes, a multiple of 512 */
};

/* A format is known by what its images begin with. */
typedef struct BlockFormat {
    const char *name;
    const char *magic; /* NULL: anything, which only raw is */
    unsigned magic_size, magic_offset;
    /* Puts the format's layer above `file` and takes it over, or leaves it alone and returns NULL.
     * NULL: recognised, so that it is not taken for raw, but not supported. */
    BlockLayer *(*open)(BlockLayer *file, const BlockOptions *options, GError **error);
} BlockFormat;

enum { BLOCK_SECTOR = 512, BLOCK_HEAD = 1024 }; /* bytes that a format is recognised by */

void block_layer_close(BlockLayer *layer); /* and all below; NULL is allowed */

/* raw.c: a regular file or a block device of the host. */
BlockLayer *raw_open(const BlockOptions *options, GError **error);

/* snapshot.c: takes `below` over; on failure leaves it alone. */
BlockLayer *snapshot_open(BlockLayer *below, GError **error);

/* fileio.c: whole transfers on a file descriptor. Reads past the end give zeros. */
int file_read(int fd, uint64_t offset, const struct iovec *iov, int n);
int file_write(int fd, uint64_t offset, const struct iovec *iov, int n);
int file_punch(int fd, uint64_t offset, uint64_t size);

/* The part [skip, skip + size) of vectors, in `out`, which has room for n; returns how many. */
int iov_slice(const struct iovec *iov, int n, uint64_t skip, uint64_t size, struct iovec *out);
uint64_t iov_size(const struct iovec *iov, int n);

#endif
