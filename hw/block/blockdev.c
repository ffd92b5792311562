/* SPDX-License-Identifier: GPL-2.0-or-later */
/* blockdev.c - layers that users name and keep. */
#include "hw/block/blockdev.h"
#include "hw/block/node_int.h"

bool blockdev_add(BlockGraph *graph, JsonObject *tree, GError **error)
{
    BlockLayer *layer;

    if (!json_object_has_member(tree, "node-name")) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION,
                    "'node-name' must be specified for the root node");
        return false;
    }
    if (!json_object_has_member(tree, "driver")) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION, "Parameter 'driver' is missing");
        return false;
    }
    layer = layer_open(graph, json_object_ref(tree), 0, error);
    if (layer != NULL) {
        layer->named = true; /* keeps the reference */
    }
    return layer != NULL;
}

/* Who stands above a layer, in words; NULL: nobody. */
static char *user_of(const BlockGraph *graph, const BlockLayer *layer)
{
    const GPtrArray *layers = graph_layers(graph);

    for (guint i = 0; i < layers->len; i++) {
        const BlockLayer *other = g_ptr_array_index(layers, i);

        if (other->file == layer || other->backing == layer || other->data_file == layer) {
            return g_strdup_printf("node is used as %s of '%s'",
                                   other->backing == layer ? "backing hd" : "file",
                                   other->node_name);
        }
    }
    return layer->refs > 1 ? g_strdup("node is in use") : NULL;
}

bool blockdev_del(BlockGraph *graph, const char *node_name, GError **error)
{
    BlockLayer *layer = graph_find_layer(graph, node_name);
    g_autofree char *user = layer != NULL ? user_of(graph, layer) : NULL;

    if (layer == NULL) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION,
                    "Failed to find node with node-name='%s'", node_name);
        return false;
    }
    if (user != NULL) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION, "Node '%s' is busy: %s", node_name,
                    user);
        return false;
    }
    if (!layer->named) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION, "Node %s is not owned by the monitor",
                    node_name);
        return false;
    }
    layer->named = false;
    if ((layer->flags & BLOCK_READONLY) == 0) {
        layer_flush(layer);
    }
    layer_unref(layer);
    return true;
}

BlockLayer *block_layer_find(const BlockGraph *graph, const char *node_name)
{
    return graph_find_layer(graph, node_name);
}

void block_graph_each_layer(const BlockGraph *graph, BlockEachLayer *each, void *opaque)
{
    const GPtrArray *layers = graph_layers(graph);

    for (guint i = 0; i < layers->len; i++) {
        each(g_ptr_array_index(layers, i), opaque);
    }
}

void block_graph_each_drive(const BlockGraph *graph, BlockEachNode *each, void *opaque)
{
    const GPtrArray *nodes = graph_nodes(graph);

    for (guint i = 0; i < nodes->len; i++) {
        each(g_ptr_array_index(nodes, i), opaque);
    }
}

void block_graph_each_node(const BlockGraph *graph, BlockEachNode *each, void *opaque)
{
    const GPtrArray *nodes = graph_nodes(graph);

    for (guint i = 0; i < nodes->len; i++) {
        BlockNode *node = g_ptr_array_index(nodes, i);

        if (block_has_medium(node)) {
            each(node, opaque);
        }
    }
}

bool layer_is_named(const BlockLayer *layer)
{
    return layer->named;
}
