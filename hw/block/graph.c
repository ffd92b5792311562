/* SPDX-License-Identifier: GPL-2.0-or-later */
/* graph.c - the names of layers and nodes, and the gate that keeps the graph still while requests
 * are inside. */
#include "hw/block/node_int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

typedef struct FdSetEntry {
    unsigned set;
    int fd, number;
} FdSetEntry;

struct BlockGraph {
    GPtrArray *layers;    /* of BlockLayer, not references */
    GPtrArray *nodes;     /* of BlockNode */
    GPtrArray *edges;     /* of BlockLayer ** */
    GPtrArray *throttles; /* of Throttle */
    GArray *fds;          /* of FdSetEntry */
    unsigned next_name;
    GMutex lock; /* of what follows */
    GCond changed;
    unsigned inside, closers;
    bool closed;
};

BlockGraph *block_graph_new(void)
{
    BlockGraph *graph = g_new0(BlockGraph, 1);

    graph->layers = g_ptr_array_new();
    graph->nodes = g_ptr_array_new();
    graph->edges = g_ptr_array_new();
    graph->throttles = g_ptr_array_new_with_free_func((GDestroyNotify)throttle_unref);
    graph->fds = g_array_new(FALSE, FALSE, sizeof(FdSetEntry));
    g_mutex_init(&graph->lock);
    g_cond_init(&graph->changed);
    return graph;
}

void block_graph_free(BlockGraph *graph)
{
    if (graph == NULL) {
        return;
    }
    g_assert(graph->nodes->len == 0 && graph->edges->len == 0);
    while (graph->layers->len > 0) { /* named ones that nobody uses; each takes away others */
        BlockLayer *layer = NULL;

        for (guint i = 0; i < graph->layers->len && layer == NULL; i++) {
            BlockLayer *candidate = g_ptr_array_index(graph->layers, i);

            layer = candidate->named ? candidate : NULL;
        }
        g_assert(layer != NULL);
        layer->named = false;
        if ((layer->flags & BLOCK_READONLY) == 0) {
            layer_flush(layer);
        }
        layer_unref(layer);
    }
    for (guint i = 0; i < graph->fds->len; i++) {
        close(g_array_index(graph->fds, FdSetEntry, i).fd);
    }
    g_array_free(graph->fds, TRUE);
    g_ptr_array_free(graph->layers, TRUE);
    g_ptr_array_free(graph->nodes, TRUE);
    g_ptr_array_free(graph->edges, TRUE);
    g_ptr_array_free(graph->throttles, TRUE);
    g_cond_clear(&graph->changed);
    g_mutex_clear(&graph->lock);
    g_free(graph);
}

/* ---- The gate ---- */

void graph_enter(BlockGraph *graph)
{
    g_mutex_lock(&graph->lock);
    while (graph->closers > 0) {
        g_cond_wait(&graph->changed, &graph->lock);
    }
    graph->inside++;
    g_mutex_unlock(&graph->lock);
}

void graph_leave(BlockGraph *graph)
{
    g_mutex_lock(&graph->lock);
    graph->inside--;
    g_cond_broadcast(&graph->changed);
    g_mutex_unlock(&graph->lock);
}

void graph_close_gate(BlockGraph *graph)
{
    g_mutex_lock(&graph->lock);
    graph->closers++;
    while (graph->inside > 0 || graph->closed) {
        g_cond_wait(&graph->changed, &graph->lock);
    }
    graph->closed = true;
    g_mutex_unlock(&graph->lock);
}

void graph_open_gate(BlockGraph *graph)
{
    g_mutex_lock(&graph->lock);
    graph->closed = false;
    graph->closers--;
    g_cond_broadcast(&graph->changed);
    g_mutex_unlock(&graph->lock);
}

bool graph_gate_is_wanted(BlockGraph *graph)
{
    bool wanted;

    g_mutex_lock(&graph->lock);
    wanted = graph->closers > 0;
    g_mutex_unlock(&graph->lock);
    return wanted;
}

/* ---- Names ---- */

const GPtrArray *graph_layers(const BlockGraph *graph)
{
    return graph->layers;
}

const GPtrArray *graph_nodes(const BlockGraph *graph)
{
    return graph->nodes;
}

BlockLayer *graph_find_layer(const BlockGraph *graph, const char *node_name)
{
    for (guint i = 0; i < graph->layers->len; i++) {
        BlockLayer *layer = g_ptr_array_index(graph->layers, i);

        if (strcmp(layer->node_name, node_name) == 0) {
            return layer;
        }
    }
    return NULL;
}

BlockNode *block_graph_find(const BlockGraph *graph, const char *id)
{
    for (guint i = 0; i < graph->nodes->len; i++) {
        BlockNode *node = g_ptr_array_index(graph->nodes, i);

        if (g_strcmp0(node->id, id) == 0) {
            return node;
        }
    }
    return NULL;
}

static bool name_is_well_formed(const char *name)
{
    if (!g_ascii_isalpha(*name) || strlen(name) > 31) {
        return false;
    }
    for (; *name != '\0'; name++) {
        if (!g_ascii_isalnum(*name) && strchr("-._", *name) == NULL) {
            return false;
        }
    }
    return true;
}

static bool name_is_free(const BlockGraph *graph, const char *name, GError **error)
{
    if (!name_is_well_formed(name)) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION, "Invalid node-name: '%s'", name);
    } else if (block_graph_find(graph, name) != NULL) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION,
                    "node-name=%s is conflicting with a device id", name);
    } else if (graph_find_layer(graph, name) != NULL) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION, "Duplicate nodes with node-name='%s'",
                    name);
    } else {
        return true;
    }
    return false;
}

bool graph_add_layer(BlockGraph *graph, BlockLayer *layer, GError **error)
{
    if (layer->node_name == NULL) {
        layer->node_name = g_strdup_printf("#block%03u", 100 + graph->next_name++);
    } else if (!name_is_free(graph, layer->node_name, error)) {
        return false;
    }
    g_ptr_array_add(graph->layers, layer);
    return true;
}

void graph_remove_layer(BlockGraph *graph, BlockLayer *layer)
{
    g_ptr_array_remove(graph->layers, layer);
}

void graph_add_node(BlockGraph *graph, BlockNode *node)
{
    g_ptr_array_add(graph->nodes, node);
}

void graph_remove_node(BlockGraph *graph, BlockNode *node)
{
    g_ptr_array_remove(graph->nodes, node);
}

void graph_add_edge(BlockGraph *graph, BlockLayer **edge)
{
    g_ptr_array_add(graph->edges, edge);
}

void graph_remove_edge(BlockGraph *graph, BlockLayer **edge)
{
    g_ptr_array_remove(graph->edges, edge);
}

static void edge_replace(BlockLayer **edge, BlockLayer *from, BlockLayer *to)
{
    if (*edge == from) {
        *edge = layer_ref(to);
        layer_unref(from);
    }
}

void graph_replace(BlockGraph *graph, BlockLayer *from, BlockLayer *to)
{
    layer_ref(from); /* until the end */
    for (guint i = 0; i < graph->nodes->len; i++) {
        BlockNode *node = g_ptr_array_index(graph->nodes, i);

        edge_replace(&node->top, from, to);
    }
    for (guint i = 0; i < graph->edges->len; i++) {
        edge_replace(g_ptr_array_index(graph->edges, i), from, to);
    }
    for (guint i = 0; i < graph->layers->len; i++) {
        BlockLayer *layer = g_ptr_array_index(graph->layers, i);

        if (layer != to) {
            edge_replace(&layer->file, from, to);
            edge_replace(&layer->backing, from, to);
        }
    }
    layer_unref(from);
}

/* ---- Throttle groups ---- */

void block_graph_add_throttle(BlockGraph *graph, Throttle *throttle)
{
    g_ptr_array_add(graph->throttles, throttle_ref(throttle));
}

Throttle *block_graph_throttle(const BlockGraph *graph, const char *name)
{
    for (guint i = 0; i < graph->throttles->len; i++) {
        Throttle *throttle = g_ptr_array_index(graph->throttles, i);

        if (strcmp(throttle_name(throttle), name) == 0) {
            return throttle;
        }
    }
    return NULL;
}

/* ---- Sets of file descriptors ---- */

void block_graph_add_fd(BlockGraph *graph, unsigned set, int fd, int number)
{
    const FdSetEntry entry = { set, fd, number };

    g_array_append_val(graph->fds, entry);
}

void block_graph_remove_fd(BlockGraph *graph, unsigned set, int number)
{
    for (guint i = graph->fds->len; i > 0; i--) {
        const FdSetEntry *entry = &g_array_index(graph->fds, FdSetEntry, i - 1);

        if (entry->set == set && (number < 0 || entry->number == number)) {
            close(entry->fd);
            g_array_remove_index(graph->fds, i - 1);
        }
    }
}

int graph_fdset_open(BlockGraph *graph, const char *path, int flags)
{
    unsigned set = (unsigned)strtoul(path + strlen("/dev/fdset/"), NULL, 10);
    bool found = false;

    for (guint i = 0; i < graph->fds->len; i++) {
        const FdSetEntry *entry = &g_array_index(graph->fds, FdSetEntry, i);
        int has;

        if (entry->set != set) {
            continue;
        }
        found = true;
        has = fcntl(entry->fd, F_GETFL);
        if (has >= 0 && (has & O_ACCMODE) == (flags & O_ACCMODE)) {
            return fcntl(entry->fd, F_DUPFD_CLOEXEC, 0);
        }
    }
    errno = found ? EACCES : ENOENT;
    return -1;
}
