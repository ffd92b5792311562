/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qcow2.c - the format qcow2: opening, closing, the order of metadata on disk, claims. */
#include "hw/block/qcow2_int.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum {
    L2_CACHE = 32 << 20, /* bytes, unless l2-cache-size= says otherwise */
    REFCOUNT_CACHE = 4 << 20,
    CACHE_UNIT = 4096,
};

/* ---- Claims ---- */

static bool claims_conflict(const Qcow2 *q, const Qcow2Claim *claim)
{
    for (const Qcow2Claim *other = q->claims; other != NULL; other = other->next) {
        if (other->first < claim->end && claim->first < other->end &&
            (other->exclusive || claim->exclusive)) {
            return true;
        }
    }
    return false;
}

void qcow2_claim_locked(Qcow2 *q, Qcow2Claim *claim)
{
    while (claims_conflict(q, claim)) {
        g_cond_wait(&q->claims_changed, &q->lock);
    }
    claim->next = q->claims;
    q->claims = claim;
}

void qcow2_release_locked(Qcow2 *q, Qcow2Claim *claim)
{
    Qcow2Claim **link = &q->claims;

    while (*link != claim) {
        link = &(*link)->next;
    }
    *link = claim->next;
    g_cond_broadcast(&q->claims_changed);
}

void qcow2_quiesce_locked(Qcow2 *q)
{
    while (q->claims != NULL) {
        g_cond_wait(&q->claims_changed, &q->lock);
    }
}

/* ---- The order of metadata on disk ---- */

static int data_flush(const Qcow2 *q)
{
    int error = layer_flush(q->layer.file);

    return error == 0 && q->layer.data_file != NULL ? layer_flush(q->layer.data_file) : error;
}

int qcow2_l1_write(Qcow2 *q)
{
    g_autofree uint8_t *table = g_malloc((size_t)q->l1_entries * 8 + 1);
    int error;

    for (uint32_t i = 0; i < q->l1_entries; i++) {
        put_be64(table + (size_t)i * 8, q->l1[i]);
    }
    error = layer_pwrite(q->layer.file, q->l1_offset, table, (size_t)q->l1_entries * 8);
    q->l1_dirty = error != 0;
    return error;
}

int qcow2_sync_locked(Qcow2 *q)
{
    int error = qcow2_cache_write(&q->refcount_cache);

    if (error == 0 && (g_hash_table_size(q->l2_cache.dirty) > 0 || q->l1_dirty)) {
        error = data_flush(q);
    }
    if (error == 0) {
        error = qcow2_cache_write(&q->l2_cache);
    }
    if (error == 0 && q->l1_dirty) {
        error = layer_flush(q->layer.file);
        error = error == 0 ? qcow2_l1_write(q) : error;
    }
    if (error == 0 && q->frees->len > 0) {
        error = layer_flush(q->layer.file);
        error = error == 0 ? qcow2_frees_apply(q) : error;
    }
    return error;
}

static int qcow2_flush(BlockLayer *layer)
{
    Qcow2 *q = qcow2_of(layer);
    int error = 0;

    if (layer->flags & BLOCK_READONLY) {
        return 0;
    }
    g_mutex_lock(&q->lock);
    if (g_hash_table_size(q->l2_cache.dirty) > 0 && (layer->flags & BLOCK_NO_FLUSH) == 0) {
        /* Most of the data goes to disk while others may go on. */
        g_mutex_unlock(&q->lock);
        error = data_flush(q);
        g_mutex_lock(&q->lock);
    }
    error = error == 0 && !q->corrupt ? qcow2_sync_locked(q) : error;
    g_mutex_unlock(&q->lock);
    return error == 0 ? data_flush(q) : error;
}

int qcow2_start_locked(Qcow2 *q)
{
    uint64_t keep = q->autoclear & QCOW2_RAW_DATA;
    int error;

    if (q->corrupt) {
        return EIO;
    }
    if (q->started) {
        return 0;
    }
    error = qcow2_bitmaps_leave(q);
    keep |= q->autoclear & QCOW2_BITMAPS;
    if (error == 0 && q->version >= 3 && q->autoclear != keep) {
        q->autoclear = keep;
        error = qcow2_features_write(q);
        error = error == 0 ? layer_flush(q->layer.file) : error;
    }
    q->started = error == 0;
    return error;
}

int qcow2_damaged(Qcow2 *q, const char *what, uint64_t offset)
{
    if (!q->corrupt && (q->layer.flags & (BLOCK_READONLY | BLOCK_CHECKING)) == 0) {
        q->corrupt = true;
        g_printerr("doppel: warning: qcow2: '%s': marking image as corrupt: %s at 0x%" PRIx64 "\n",
                   q->layer.filename, what, offset);
        if (q->version >= 3) {
            q->incompatible |= QCOW2_CORRUPT;
            qcow2_features_write(q);
            layer_flush(q->layer.file);
        }
    }
    return EIO;
}

/* ---- Opening ---- */

static bool tables_read(Qcow2 *q, GError **error)
{
    size_t l1_size = (size_t)q->l1_entries * 8;
    size_t table_size = (size_t)q->reftable_clusters << q->cluster_bits;

    q->l1 = g_try_malloc0(l1_size + 8);
    q->reftable = g_try_malloc0(table_size + 8);
    q->reftable_entries = table_size / 8;
    if (q->l1 == NULL || q->reftable == NULL ||
        layer_pread(q->layer.file, q->l1_offset, q->l1, l1_size) != 0 ||
        layer_pread(q->layer.file, q->reftable_offset, q->reftable, table_size) != 0) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_FORMAT, "Could not read the tables of '%s'",
                    q->layer.filename);
        return false;
    }
    for (uint32_t i = 0; i < q->l1_entries; i++) {
        q->l1[i] = GUINT64_FROM_BE(q->l1[i]);
    }
    for (uint64_t i = 0; i < q->reftable_entries; i++) {
        q->reftable[i] = GUINT64_FROM_BE(q->reftable[i]) & ~511ull;
    }
    return true;
}

static bool data_file_open(Qcow2 *q, JsonObject *options, GError **error)
{
    BlockLayer *layer = &q->layer;
    g_autofree char *path = NULL;
    GError *failed = NULL;

    if ((q->incompatible & QCOW2_DATA_FILE) == 0) {
        if (q->layer.flags & BLOCK_NO_IO) {
            json_object_remove_member(options, "data-file");
        }
        return true;
    }
    layer->data_file = layer_open_child(layer->graph, options, "data-file", layer->flags, &failed);
    if (failed != NULL) {
        g_propagate_error(error, failed);
        return false;
    }
    if (layer->data_file != NULL || (layer->flags & BLOCK_NO_IO)) {
        return true;
    }
    if (q->data_file_name == NULL) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN, "'data-file' is required for this image");
        return false;
    }
    path = block_filename_relative(layer->filename, q->data_file_name);
    layer->data_file = layer_open_protocol(layer->graph, path, layer->flags & BLOCK_INHERITED,
                                           error);
    return layer->data_file != NULL;
}

static bool caches_open(Qcow2 *q, JsonObject *options, GError **error)
{
    uint64_t l2 = L2_CACHE, refcounts = REFCOUNT_CACHE, both = 0, unused = 0;
    uint32_t unit = MIN(q->cluster_size, CACHE_UNIT);

    if (!option_size(options, "l2-cache-size", &l2, error) ||
        !option_size(options, "refcount-cache-size", &refcounts, error) ||
        !option_size(options, "cache-size", &both, error) ||
        !option_size(options, "l2-cache-entry-size", &unused, error) ||
        !option_size(options, "cache-clean-interval", &unused, error)) {
        return false;
    }
    if (both != 0) {
        l2 = both - both / 5;
        refcounts = both / 5;
    }
    q->codecs = qcow2_codecs_new(q->compression == 1);
    qcow2_cache_open(&q->l2_cache, q, true, unit, l2);
    qcow2_cache_open(&q->refcount_cache, q, false, unit, refcounts);
    return true;
}

static bool switches_read(JsonObject *options, GError **error)
{
    static const char *const names[] = { "lazy-refcounts", "pass-discard-request",
                                         "pass-discard-snapshot", "pass-discard-other",
                                         "overlap-check" };
    bool unused = false;

    for (size_t i = 0; i + 1 < G_N_ELEMENTS(names); i++) {
        if (!option_bool(options, names[i], &unused, error)) {
            return false;
        }
    }
    g_free(option_string(options, names[G_N_ELEMENTS(names) - 1]));
    return true;
}

static void qcow2_release(Qcow2 *q)
{
    qcow2_cache_close(&q->l2_cache);
    qcow2_cache_close(&q->refcount_cache);
    qcow2_snapshots_free(q->snapshots);
    qcow2_extensions_free(q->extensions);
    g_array_free(q->frees, TRUE);
    g_free(q->data_file_name);
    g_free(q->inflated);
    g_clear_pointer(&q->codecs, qcow2_codecs_free);
    g_free(q->l1);
    g_free(q->reftable);
    g_cond_clear(&q->claims_changed);
    g_mutex_clear(&q->lock);
}

/* The image was not closed when refcounts were behind: they are counted anew. */
static bool dirty_mend(Qcow2 *q, GError **error)
{
    BlockCheck result = { 0 };

    if ((q->incompatible & QCOW2_DIRTY) == 0 ||
        (q->layer.flags & (BLOCK_READONLY | BLOCK_CHECKING))) {
        return true;
    }
    return qcow2_check(&q->layer, BLOCK_FIX_LEAKS | BLOCK_FIX_ERRORS, &result, error);
}

static bool qcow2_open(BlockLayer *layer, JsonObject *options, GError **error)
{
    Qcow2 *q = qcow2_of(layer);

    q->extensions = g_array_new(FALSE, FALSE, sizeof(Qcow2Extension));
    q->frees = g_array_new(FALSE, FALSE, sizeof(Qcow2Free));
    q->snapshots = g_array_new(FALSE, TRUE, sizeof(Qcow2Snapshot));
    g_mutex_init(&q->lock);
    g_cond_init(&q->claims_changed);
    if (qcow2_header_read(q, error) && switches_read(options, error) &&
        caches_open(q, options, error) && tables_read(q, error) &&
        data_file_open(q, options, error) && qcow2_snapshots_read(q, error)) {
        q->high_water = MAX(layer->file->size, q->cluster_size);
        q->free_hint = 0;
        if (dirty_mend(q, error)) {
            return true;
        }
    }
    g_clear_pointer(&layer->data_file, layer_unref);
    qcow2_release(q);
    return false;
}

static void qcow2_close(BlockLayer *layer)
{
    Qcow2 *q = qcow2_of(layer);

    if ((layer->flags & BLOCK_READONLY) == 0 && !q->corrupt) {
        g_mutex_lock(&q->lock);
        /* Twice: the first gives clusters back. */
        if (qcow2_sync_locked(q) == 0) {
            qcow2_sync_locked(q);
        }
        g_mutex_unlock(&q->lock);
        data_flush(q);
    }
    qcow2_release(q);
}

static bool qcow2_reopen(BlockLayer *layer, unsigned flags, GError **error)
{
    if ((flags & BLOCK_READONLY) && qcow2_flush(layer) != 0) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_IO, "Cannot flush '%s'", layer->filename);
        return false;
    }
    return true;
}

static int64_t qcow2_allocated(BlockLayer *layer)
{
    const BlockDriver *driver = layer->file->driver;
    int64_t all = driver->allocated != NULL ? driver->allocated(layer->file) : -1;

    if (all >= 0 && layer->data_file != NULL && layer->data_file->driver->allocated != NULL) {
        all += layer->data_file->driver->allocated(layer->data_file);
    }
    return all;
}

const BlockDriver qcow2_driver = {
    .name = "qcow2",
    .open = qcow2_open,
    .read = qcow2_read,
    .write = qcow2_write,
    .write_zeroes = qcow2_write_zeroes,
    .discard = qcow2_discard,
    .flush = qcow2_flush,
    .extent = qcow2_extent,
    .write_compressed = qcow2_write_compressed,
    .resize = qcow2_resize,
    .reopen = qcow2_reopen,
    .allocated = qcow2_allocated,
    .close = qcow2_close,
    .size = sizeof(Qcow2),
};
