/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_BLOCK_NODE_INT_H
#define HW_BLOCK_NODE_INT_H
/* node_int.h - a block node: the queue between a device and the layers of an image. */
#include "hw/block/block_int.h"
#include "hw/block/medium.h"

typedef enum RequestKind {
    REQUEST_READ,
    REQUEST_WRITE,
    REQUEST_FLUSH,
    REQUEST_DISCARD,
    REQUEST_ZEROES
} RequestKind;

typedef struct Request {
    BlockNode *node;
    RequestKind kind;
    uint64_t offset, size;
    const struct iovec *iov; /* the caller's */
    int n;
    bool unmap;
    BlockDone *done;
    void *opaque;
    int error;
    bool final;     /* whatever comes of it, it does not wait */
    gint64 started; /* microseconds */
} Request;

struct BlockNode {
    BlockGraph *graph;
    bool owns_graph;
    BlockLayer *top; /* NULL: no medium; changed with the gate of the graph closed */
    char *id, *serial;
    bool readonly, discards;
    bool through;      /* every write is flushed */
    bool copy_on_read; /* what is read from a backing file is kept */
    bool guarded;      /* found to be raw by its content: sector 0 must not come to say otherwise */
    BlockDetectZeroes detect_zeroes;
    BlockOnError werror, rerror;
    char *user; /* path of the device, NULL: none */
    const BlockTray *tray;
    void *tray_opaque;
    BlockExecutor executor;
    GSource *source; /* NULL before the first request */
    GSource *timer;  /* likewise: those that the throttle holds may go */
    GThreadPool *workers;
    GMutex lock; /* of what follows */
    GCond changed;
    GQueue finished;     /* of Request */
    GQueue held;         /* of Request: failed, and wait to be made again */
    GQueue throttled[2]; /* of Request: reads, writes, in their order */
    Throttle *throttle;  /* NULL: none; changed on the main thread */
    bool draining;       /* and nobody is held */
    unsigned failures;
    unsigned in_flight; /* submitted, completion not returned */
    BlockStats stats;
    GMutex copy_lock; /* one at a time copies on reads or writes over a copy */
};

bool node_fill(BlockNode *node, const BlockOptions *options, GError **error); /* with a medium */
void node_worker_run(gpointer request, gpointer node);                        /* block.c */

/* node_throttle.c: to the workers, now or when it may. */
void node_push(BlockNode *node, Request *request);
void node_throttle_go(BlockNode *node);
void node_throttle_drain(BlockNode *node, bool drain);

#endif
