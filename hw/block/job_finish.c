/* SPDX-License-Identifier: GPL-2.0-or-later */
/* job_finish.c - what a job's end changes in the graph, and overlays; on the main thread. */
#include "hw/block/image.h"
#include "hw/block/job_int.h"

#include <errno.h>

static bool fail(GError **error, const char *what, int failed)
{
    g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_IO, "%s: %s", what, g_strerror(failed));
    return false;
}

/* The header of `layer` is to name what is behind it now. */
static bool backing_rename(BlockLayer *layer, const char *file, GError **error)
{
    const BlockLayer *backing = layer->backing;

    if (layer->flags & BLOCK_READONLY) {
        return true;
    }
    return image_set_backing(
        layer,
        file != NULL      ? file
        : backing != NULL ? backing->filename
                          : NULL,
        backing != NULL ? layer_skip_filters((BlockLayer *)backing)->driver->name : NULL, error);
}

/* What was committed is left out of the chain. */
static bool commit_finish(Job *job, GError **error)
{
    BlockGraph *graph = job->jobs->graph;
    BlockLayer *overlay = job->overlay;
    bool writable = (overlay->flags & BLOCK_READONLY) == 0, good;
    int failed = layer_flush(job->base);

    if (failed != 0) {
        return fail(error, "Could not flush the base", failed);
    }
    graph_close_gate(graph);
    if (!writable && !layer_reopen(overlay, 0, error)) {
        graph_open_gate(graph);
        return false;
    }
    graph_replace(graph, job->source, job->base);
    good = backing_rename(overlay, job->backing_file, error);
    if (!writable) {
        layer_reopen(overlay, BLOCK_READONLY, NULL);
    }
    layer_reopen(job->base, BLOCK_READONLY, NULL);
    graph_open_gate(graph);
    return good;
}

static bool stream_finish(Job *job, GError **error)
{
    BlockGraph *graph = job->jobs->graph;
    BlockLayer *layer = layer_skip_filters(job->source), *old = layer->backing;
    bool good;
    int failed = layer_flush(layer);

    if (failed != 0) {
        return fail(error, "Could not flush the image", failed);
    }
    graph_close_gate(graph);
    layer->backing = job->base != NULL ? layer_ref(job->base) : NULL;
    good = backing_rename(layer, job->backing_file, error);
    layer_unref(old);
    graph_open_gate(graph);
    return good;
}

/* The rest is copied while nobody writes; then the copy takes the source's place. */
static bool mirror_finish(Job *job, GError **error)
{
    BlockGraph *graph = job->jobs->graph;
    BlockLayer *target = job->kind == JOB_MIRROR ? job->target : job->base;
    int failed;

    graph_close_gate(graph);
    failed = job_mirror_rest(job);
    if (failed == 0) {
        layer_unwatch(job->source, &job->watch);
        job->watching = false;
        if (job->complete) {
            graph_replace(graph, job->source, target);
        }
    }
    graph_open_gate(graph);
    return failed == 0 || fail(error, "Could not finish the copy", failed);
}

bool job_finish_graph(Job *job, GError **error)
{
    int failed;

    if (job_is_mirror(job)) {
        return mirror_finish(job, error);
    }
    switch (job->kind) {
    case JOB_COMMIT:
        return commit_finish(job, error);
    case JOB_STREAM:
        return stream_finish(job, error);
    default:
        failed = layer_flush(job->target);
        return failed == 0 || fail(error, "Could not flush the target", failed);
    }
}

/* ---- Overlays ---- */

bool block_overlay_put(BlockLayer *overlay, BlockLayer *below, GError **error)
{
    BlockGraph *graph = below->graph;
    BlockLayer *format = layer_skip_filters(overlay);

    if (format->backing != NULL || format->driver->protocol || format->driver == &raw_driver) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION,
                    format->backing != NULL ? "The overlay already has a backing image"
                                            : "The overlay does not support backing images");
        return false;
    }
    graph_close_gate(graph);
    if ((below->flags & BLOCK_READONLY) == 0) {
        int failed = layer_flush(below);

        if (failed != 0) {
            graph_open_gate(graph);
            return fail(error, "Could not flush the image", failed);
        }
    }
    format->backing = layer_ref(below);
    graph_replace(graph, below, overlay);
    layer_reopen(below, BLOCK_READONLY, NULL); /* it is not written any more, by nobody */
    graph_open_gate(graph);
    return true;
}

void block_overlay_take(BlockLayer *overlay, BlockLayer *below)
{
    BlockGraph *graph = below->graph;
    BlockLayer *format = layer_skip_filters(overlay);

    graph_close_gate(graph);
    layer_ref(overlay);
    if ((overlay->flags & BLOCK_READONLY) == 0) {
        layer_reopen(below, 0, NULL);
    }
    graph_replace(graph, overlay, below);
    if (format->backing == below) {
        format->backing = NULL;
        layer_unref(below);
    }
    layer_unref(overlay);
    graph_open_gate(graph);
}

static bool overlay_create(BlockLayer *below, const char *filename, const char *format,
                           GError **error)
{
    const BlockCreate create = { .size = below->size,
                                 .backing_file = below->filename,
                                 .backing_format = layer_skip_filters(below)->driver->name };

    return image_create(below->graph, filename, format, &create, error);
}

bool block_snapshot_overlay(BlockNode *node, const char *filename, const char *format,
                            const char *node_name, bool existing, GError **error)
{
    BlockLayer *below = node->top, *overlay;
    unsigned flags;
    JsonObject *tree, *file;
    bool good;

    if (below == NULL) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION, "Device '%s' has no medium", node->id);
        return false;
    }
    flags = (below->flags & (BLOCK_UNMAP | BLOCK_NO_FLUSH)) | BLOCK_NO_BACKING;
    if (node->readonly) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION, "Device '%s' is read only",
                    node->id != NULL ? node->id : below->node_name);
        return false;
    }
    if (!existing && !overlay_create(below, filename, format, error)) {
        return false;
    }
    tree = json_object_new();
    file = json_object_new();
    json_object_set_string_member(file, "driver", "file");
    json_object_set_string_member(file, "filename", filename);
    json_object_set_string_member(tree, "driver", format);
    json_object_set_object_member(tree, "file", file);
    if (node_name != NULL) {
        json_object_set_string_member(tree, "node-name", node_name);
    }
    overlay = layer_open(below->graph, tree, flags, error);
    if (overlay == NULL) {
        return false;
    }
    good = block_overlay_put(overlay, below, error);
    layer_unref(overlay); /* the node has it, or nobody */
    return good;
}

bool block_resize_node(BlockLayer *layer, uint64_t size, GError **error)
{
    bool good;

    graph_close_gate(layer->graph);
    good = layer_resize(layer, (size + 511) & ~511ull, BLOCK_PREALLOC_OFF, error);
    graph_open_gate(layer->graph);
    return good;
}

static int commit_all(BlockLayer *top, BlockLayer *base)
{
    g_autofree uint8_t *data = g_malloc(JOB_PIECE);
    int error = 0;

    for (uint64_t at = 0; at < top->size && error == 0;) {
        BlockExtent extent;

        error = layer_extent(top, at, MIN(JOB_PIECE, top->size - at), &extent);
        if (error == 0 && extent.allocated && extent.zero) {
            error = layer_write_zeroes(base, at, extent.size, true);
        } else if (error == 0 && extent.allocated) {
            error = layer_pread(top, at, data, extent.size);
            error = error == 0 ? layer_pwrite(base, at, data, extent.size) : error;
        }
        at += extent.size;
    }
    return error == 0 ? layer_flush(base) : error;
}

static bool commit_locked(BlockLayer *top, GError **error)
{
    BlockLayer *base = top->backing;
    bool good;
    int failed;

    if (!layer_reopen(base, 0, error)) {
        return false;
    }
    good = top->size <= base->size || layer_resize(base, top->size, BLOCK_PREALLOC_OFF, error);
    failed = good ? commit_all(top, base) : 0;
    layer_reopen(base, BLOCK_READONLY, NULL);
    if (failed != 0) {
        return fail(error, "Could not commit", failed);
    }
    return good && image_make_empty(top, error);
}

bool block_commit_now(BlockNode *node, GError **error)
{
    BlockLayer *top = node->top != NULL ? layer_skip_filters(node->top) : NULL;
    bool good;

    if (top == NULL || top->backing == NULL) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION, "Image does not have a backing file");
        return false;
    }
    graph_close_gate(node->graph);
    good = commit_locked(top, error);
    graph_open_gate(node->graph);
    return good;
}
