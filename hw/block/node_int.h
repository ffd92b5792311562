/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_BLOCK_NODE_INT_H
#define HW_BLOCK_NODE_INT_H
/* node_int.h - a block node: the queue between a device and the layers of an image. */
#include "hw/block/block_int.h"
#include "hw/block/medium.h"

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
    GThreadPool *workers;
    GMutex lock; /* of what follows */
    GCond changed;
    GQueue finished; /* of Request */
    GQueue held;     /* of Request: failed, and wait to be made again */
    unsigned failures;
    unsigned in_flight; /* submitted, completion not returned */
    BlockStats stats;
    GMutex copy_lock; /* one at a time copies on reads or writes over a copy */
};

bool node_fill(BlockNode *node, const BlockOptions *options, GError **error); /* with a medium */
void node_worker_run(gpointer request, gpointer node);                        /* block.c */

#endif
