/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_BLOCK_BLOCKDEV_H
#define HW_BLOCK_BLOCKDEV_H
/* blockdev.h - layers that users name and keep: -blockdev, blockdev-add, blockdev-del. */
#include "hw/block/layer.h"

/* The tree, which is used up, must say its node-name. */
bool blockdev_add(BlockGraph *graph, JsonObject *tree, GError **error);
/* Refused while something uses it. */
bool blockdev_del(BlockGraph *graph, const char *node_name, GError **error);

BlockLayer *block_layer_find(const BlockGraph *graph, const char *node_name); /* NULL */
typedef void BlockEachLayer(BlockLayer *layer, void *opaque);
void block_graph_each_layer(const BlockGraph *graph, BlockEachLayer *each, void *opaque);
typedef void BlockEachNode(BlockNode *node, void *opaque);
/* Those that have a medium; with the empty ones. */
void block_graph_each_node(const BlockGraph *graph, BlockEachNode *each, void *opaque);
void block_graph_each_drive(const BlockGraph *graph, BlockEachNode *each, void *opaque);
bool layer_is_named(const BlockLayer *layer);

#endif
