/* SPDX-License-Identifier: GPL-2.0-or-later */
/* node.c - opening and closing what devices are plugged into. */
#include "hw/block/node_int.h"

#include <string.h>

enum { WORKERS = 4 };

/* ---- Options ---- */

static bool cache_mode(const char *cache, unsigned *flags, bool *through, GError **error)
{
    /* "none" and "directsync" ask for no host page cache; the guest cannot tell that it is used. */
    static const struct {
        const char *name;
        unsigned flags;
        bool through;
    } modes[] = {
        { "writeback", 0, false },
        { "none", BLOCK_DIRECT, false },
        { "unsafe", BLOCK_NO_FLUSH, false },
        { "writethrough", 0, true },
        { "directsync", BLOCK_DIRECT, true },
    };

    for (size_t i = 0; cache != NULL && i < G_N_ELEMENTS(modes); i++) {
        if (strcmp(cache, modes[i].name) == 0) {
            *flags |= modes[i].flags;
            *through = modes[i].through;
            return true;
        }
    }
    if (cache != NULL) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN, "invalid cache option: '%s'", cache);
    }
    return cache == NULL;
}

static bool discard_mode(const char *discard, unsigned *flags, GError **error)
{
    static const char *const words[] = { "unmap", "on", "ignore", "off", NULL };

    if (discard != NULL && !g_strv_contains(words, discard)) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN, "Invalid discard option: '%s'", discard);
        return false;
    }
    if (discard != NULL && (strcmp(discard, "unmap") == 0 || strcmp(discard, "on") == 0)) {
        *flags |= BLOCK_UNMAP;
    }
    return true;
}

/* ---- Opening ---- */

static BlockLayer *top_open(BlockGraph *graph, const BlockOptions *options, unsigned flags,
                            GError **error)
{
    BlockLayer *layer;

    if (options->node_name != NULL) {
        layer = graph_find_layer(graph, options->node_name);
        if (layer == NULL) {
            g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN,
                        "Cannot find device='' nor node-name='%s'", options->node_name);
        }
        return layer != NULL ? layer_ref(layer) : NULL;
    }
    if (options->tree != NULL) {
        return layer_open(graph, json_object_ref(options->tree), flags, error);
    }
    return layer_open_file(graph, options->path, options->format, flags, error);
}

static BlockLayer *overlay_open(BlockGraph *graph, const BlockOptions *options, unsigned flags,
                                GError **error)
{
    bool overlay = options->snapshot && !options->readonly;
    BlockLayer *top = top_open(graph, options, overlay ? flags | BLOCK_READONLY : flags, error);
    BlockLayer *above;

    if (top == NULL || !overlay) {
        return top;
    }
    above = layer_open_temporary(graph, top, error);
    if (above == NULL) {
        layer_unref(top);
    }
    return above;
}

static bool medium_is_usable(const BlockLayer *top, const BlockOptions *options, GError **error)
{
    if (top->size < BLOCK_SECTOR) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_SIZE, "'%s' is empty", top->filename);
        return false;
    }
    if (options->node_name == NULL && !options->readonly && options->tree == NULL &&
        (top->flags & BLOCK_READONLY)) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN, "Block node is read-only");
        return false;
    }
    return true;
}

static BlockNode *node_new(BlockGraph *graph, const BlockOptions *options)
{
    BlockNode *node = g_new0(BlockNode, 1);

    node->graph = graph;
    node->owns_graph = options->graph == NULL;
    node->id = g_strdup(options->id);
    node->serial = g_strdup(options->serial);
    node->readonly = options->readonly;
    node->detect_zeroes = options->detect_zeroes;
    node->werror = options->werror;
    node->rerror = options->rerror;
    node->workers = g_thread_pool_new(node_worker_run, node, WORKERS, FALSE, NULL);
    g_mutex_init(&node->lock);
    g_mutex_init(&node->copy_lock);
    g_cond_init(&node->changed);
    g_queue_init(&node->finished);
    g_queue_init(&node->held);
    g_queue_init(&node->throttled[0]);
    g_queue_init(&node->throttled[1]);
    graph_add_node(graph, node);
    return node;
}

static void node_set_medium(BlockNode *node, const BlockOptions *options, BlockLayer *top)
{
    const BlockLayer *data = layer_skip_filters(top);

    node->readonly = (top->flags & BLOCK_READONLY) != 0;
    node->guarded = options->format == NULL && options->path != NULL && !options->snapshot &&
                    data->driver == &raw_driver && !g_str_has_prefix(options->path, "json:");
    node->copy_on_read = options->copy_on_read && !node->readonly;
    graph_close_gate(node->graph);
    node->top = top;
    graph_open_gate(node->graph);
}

bool node_fill(BlockNode *node, const BlockOptions *options, GError **error)
{
    unsigned flags = options->readonly ? BLOCK_READONLY : 0;
    bool through = false;
    BlockLayer *top;

    if (!discard_mode(options->discard, &flags, error) ||
        !cache_mode(options->cache, &flags, &through, error)) {
        return false;
    }
    top = overlay_open(node->graph, options, flags, error);
    if (top != NULL && !medium_is_usable(top, options, error)) {
        g_clear_pointer(&top, layer_unref);
    }
    if (top == NULL) {
        return false;
    }
    node->through = through;
    node->discards = ((flags | top->flags) & BLOCK_UNMAP) != 0;
    node_set_medium(node, options, top);
    return options->throttle == NULL ||
           (options->throttle_group == NULL && !throttle_config_is_on(options->throttle)) ||
           block_set_throttle(node, options->throttle_group, options->throttle, error);
}

static bool id_is_free(const BlockOptions *options, GError **error)
{
    if (options->graph == NULL || options->id == NULL ||
        (block_graph_find(options->graph, options->id) == NULL &&
         graph_find_layer(options->graph, options->id) == NULL)) {
        return true;
    }
    g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION, "Duplicate ID '%s' for drive", options->id);
    return false;
}

BlockNode *block_open_empty(const BlockOptions *options, GError **error)
{
    BlockGraph *graph = options->graph;

    if (!id_is_free(options, error)) {
        return NULL;
    }
    return node_new(graph != NULL ? graph : block_graph_new(), options);
}

BlockNode *block_open(const BlockOptions *options, GError **error)
{
    BlockNode *node = block_open_empty(options, error);

    if (node != NULL && !node_fill(node, options, error)) {
        g_clear_pointer(&node, block_close);
    }
    return node;
}

void block_close(BlockNode *node)
{
    if (node == NULL) {
        return;
    }
    block_drain(node);
    g_thread_pool_free(node->workers, FALSE, TRUE);
    if (node->source != NULL) {
        g_source_destroy(node->source);
        g_source_unref(node->source);
        g_source_destroy(node->timer);
        g_source_unref(node->timer);
    }
    throttle_unref(node->throttle);
    if (!node->readonly && node->top != NULL) {
        layer_flush(node->top);
    }
    graph_remove_node(node->graph, node);
    layer_unref(node->top);
    g_free(node->user);
    if (node->owns_graph) {
        block_graph_free(node->graph);
    }
    g_cond_clear(&node->changed);
    g_mutex_clear(&node->copy_lock);
    g_mutex_clear(&node->lock);
    g_free(node->id);
    g_free(node->serial);
    g_free(node);
}

/* ---- What it is ---- */

uint64_t block_size(const BlockNode *node)
{
    return node->top != NULL ? node->top->size & ~(uint64_t)(BLOCK_SECTOR - 1) : 0;
}

bool block_readonly(const BlockNode *node)
{
    return node->readonly;
}

const char *block_format(const BlockNode *node)
{
    return layer_skip_filters(node->top)->driver->name;
}

const char *block_id(const BlockNode *node)
{
    return node->id;
}

const char *block_serial(const BlockNode *node)
{
    return node->serial;
}

BlockOnError block_on_error(const BlockNode *node, bool write)
{
    return write ? node->werror : node->rerror;
}

void block_set_on_error(BlockNode *node, BlockOnError write, BlockOnError read)
{
    node->werror = write;
    node->rerror = read;
}

bool block_is_stopped(const BlockNode *node)
{
    return node->held.length > 0;
}

bool block_failed_before(const BlockNode *node)
{
    return node->failures > 1;
}

bool block_guessed_raw(const BlockNode *node)
{
    return node->guarded;
}

BlockLayer *block_top(const BlockNode *node)
{
    return node->top;
}
