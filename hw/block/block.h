/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_BLOCK_BLOCK_H
#define HW_BLOCK_BLOCK_H
/* block.h - a disk medium, whatever holds it: a chain of nodes (protocol below format below
 * overlay) behind one asynchronous interface.
 *
 * Requests are in bytes, multiples of 512, and are copied to and from the caller's vectors, which
 * must stay until completion.  Completions run on the main thread with the device lock held, in any
 * order. A request past the end fails whole.  A completed flush means that everything completed
 * before it was issued is on stable storage.
 */
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

typedef struct BlockNode BlockNode;

/* `error`: 0 or a positive errno. */
typedef void BlockDone(void *opaque, int error);

typedef struct BlockOptions {
    const char *path;
    const char *format; /* "raw", ...; NULL: probed by content */
    bool readonly;
    bool snapshot;       /* writes go to an unlinked temporary file */
    const char *cache;   /* QEMU's -drive cache=: NULL is "writeback" */
    const char *discard; /* "unmap" or "ignore" */
} BlockOptions;

/* Opens and locks the image (a second writer is refused, in words). Caller owns. */
BlockNode *block_open(const BlockOptions *options, GError **error);
/* Waits for requests in flight, flushes, closes. */
void block_close(BlockNode *node);

uint64_t block_size(const BlockNode *node);
bool block_readonly(const BlockNode *node);
const char *block_format(const BlockNode *node);

void block_read(BlockNode *node, uint64_t offset, const struct iovec *iov, int n, BlockDone *done,
                void *opaque);
void block_write(BlockNode *node, uint64_t offset, const struct iovec *iov, int n, BlockDone *done,
                 void *opaque);
void block_flush(BlockNode *node, BlockDone *done, void *opaque);
void block_discard(BlockNode *node, uint64_t offset, uint64_t size, BlockDone *done, void *opaque);

/* Runs completions until nothing is in flight: reset, close, tests. */
void block_drain(BlockNode *node);

/* Completions are posted to this context, under this lock; set once before the first request.
 * NULL context: the default main context. */
typedef struct BlockExecutor {
    GMainContext *context;
    void (*lock)(void *opaque);
    void (*unlock)(void *opaque);
    void *opaque;
} BlockExecutor;
void block_set_executor(BlockNode *node, const BlockExecutor *executor);

#define BLOCK_ERROR block_error_quark()
GQuark block_error_quark(void);
typedef enum BlockError {
    BLOCK_ERROR_OPEN,
    BLOCK_ERROR_LOCKED,
    BLOCK_ERROR_FORMAT,
    BLOCK_ERROR_SIZE
} BlockError;

#endif
