/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qcow2_amend.c - changes of what an image is, and emptying it. */
#include "hw/block/image.h"
#include "hw/block/qcow2_int.h"

#include <errno.h>

static Qcow2 *amendable(BlockLayer *layer, GError **error)
{
    if (layer->driver == &qcow2_driver) {
        return qcow2_of(layer);
    }
    g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION,
                "Format driver '%s' does not support option amendment", layer->driver->name);
    return NULL;
}

static bool fail(GError **error, const char *words)
{
    g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION, "%s", words);
    return false;
}

/* ---- Version ---- */

static bool downgrade_check(const Qcow2 *q, GError **error)
{
    if (q->refcount_order != 4) {
        return fail(error, "compat=0.10 requires refcount_bits=16");
    }
    if (q->incompatible & ~(uint64_t)(QCOW2_DIRTY | QCOW2_CORRUPT)) {
        return fail(error, "Cannot downgrade an image with incompatible features set");
    }
    if (q->incompatible & QCOW2_CORRUPT) {
        return fail(error, "Cannot downgrade an image that is marked corrupt");
    }
    for (guint i = 0; i < q->snapshots->len; i++) {
        if (g_array_index(q->snapshots, Qcow2Snapshot, i).disk_size != q->layer.size) {
            return fail(error, "Internal snapshots prevent downgrade of image");
        }
    }
    return true;
}

/* Version 2 cannot say that a cluster is zero: it says nothing, or holds zeros. */
static int zeros_write_out(BlockLayer *layer)
{
    const Qcow2 *q = qcow2_of(layer);
    g_autofree void *zeros = g_malloc0(q->cluster_size);
    int error = 0;

    for (uint64_t at = 0; at < layer->size && error == 0;) {
        BlockExtent extent;

        error = qcow2_extent(layer, at, layer->size - at, &extent);
        for (uint64_t i = 0; error == 0 && extent.zero && i < extent.size; i += q->cluster_size) {
            struct iovec iov = { zeros, MIN(q->cluster_size, extent.size - i) };

            error = qcow2_write(layer, at + i, &iov, 1);
        }
        at += extent.size;
    }
    return error;
}

static bool version_set(Qcow2 *q, unsigned version, GError **error)
{
    int failed = 0;

    if (version == q->version) {
        return true;
    }
    if (version == 2 && (!downgrade_check(q, error))) {
        return false;
    }
    if (version == 2) {
        if (q->snapshots->len > 0) {
            return fail(error, "Internal snapshots prevent downgrade of image");
        }
        failed = zeros_write_out(&q->layer);
        q->compatible = q->autoclear = 0;
    }
    g_mutex_lock(&q->lock);
    failed = failed == 0 ? qcow2_start_locked(q) : failed;
    failed = failed == 0 ? qcow2_sync_locked(q) : failed;
    failed = failed == 0 ? layer_flush(q->layer.file) : failed;
    if (failed == 0) {
        q->version = version;
        failed = qcow2_header_write(q);
    }
    g_mutex_unlock(&q->lock);
    return failed == 0 || fail(error, g_strerror(failed));
}

/* ---- Options ---- */

static bool lazy_set(Qcow2 *q, bool lazy, GError **error)
{
    int failed = 0;

    if (lazy && q->version < 3) {
        return fail(error, "Lazy refcounts only supported with compatibility level 1.1 and above "
                           "(use compat=1.1 or greater)");
    }
    if (q->version >= 3) {
        q->compatible = lazy ? q->compatible | QCOW2_LAZY_REFCOUNTS
                             : q->compatible & ~(uint64_t)QCOW2_LAZY_REFCOUNTS;
        failed = qcow2_features_write(q);
    }
    return failed == 0 || fail(error, g_strerror(failed));
}

static bool version_parse(const char *word, unsigned now, unsigned *version, GError **error)
{
    bool two = g_strcmp0(word, "0.10") == 0 || g_strcmp0(word, "v2") == 0;
    bool three = g_strcmp0(word, "1.1") == 0 || g_strcmp0(word, "v3") == 0;

    *version = two ? 2 : three ? 3 : now;
    if (word != NULL && !two && !three) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION, "Unknown compatibility level %s", word);
        return false;
    }
    return true;
}

bool image_amend(BlockLayer *layer, JsonObject *options, GError **error)
{
    Qcow2 *q = amendable(layer, error);
    g_autofree char *compat = option_string(options, "compat");
    g_autofree char *file = option_string(options, "backing_file");
    g_autofree char *format = option_string(options, "backing_fmt");
    g_autoptr(GList) left = NULL;
    uint64_t size = layer->size;
    bool lazy = q != NULL && (q->compatible & QCOW2_LAZY_REFCOUNTS) != 0;
    unsigned version;

    if (q == NULL || !version_parse(compat, q->version, &version, error) ||
        !option_size(options, "size", &size, error) ||
        !option_bool(options, "lazy_refcounts", &lazy, error)) {
        return false;
    }
    left = json_object_get_members(options);
    if (left != NULL) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION, "Invalid parameter '%s'",
                    (const char *)left->data);
        return false;
    }
    return (version < q->version || version_set(q, version, error)) &&
           (lazy == ((q->compatible & QCOW2_LAZY_REFCOUNTS) != 0) || lazy_set(q, lazy, error)) &&
           (size == layer->size || layer_resize(layer, size, BLOCK_PREALLOC_OFF, error)) &&
           ((file == NULL && format == NULL) ||
            image_set_backing(layer, file != NULL ? file : layer->backing_file, format, error)) &&
           (version >= q->version || version_set(q, version, error));
}

/* ---- Emptying ---- */

bool image_make_empty(BlockLayer *layer, GError **error)
{
    Qcow2 *q;
    int failed;

    layer = layer_skip_filters(layer);
    if (layer->driver != &qcow2_driver) {
        return fail(error, "the format cannot be emptied");
    }
    q = qcow2_of(layer);
    failed = qcow2_drop(q, 0);
    failed = failed == 0 ? layer_flush(layer) : failed;
    return failed == 0 || fail(error, g_strerror(failed));
}
