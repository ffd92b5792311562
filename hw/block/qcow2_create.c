/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qcow2_create.c - an empty image, and how long a full one would be. */
#include "hw/block/qcow2_int.h"

#include <errno.h>

static bool fail(GError **error, const char *words)
{
    g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION, "%s", words);
    return false;
}

static bool options_check(const BlockCreate *create, uint32_t cluster, GError **error)
{
    unsigned bits = create->refcount_bits != 0 ? create->refcount_bits : 16;

    if ((cluster & (cluster - 1)) != 0 || cluster < 512 || cluster > (2u << 20)) {
        return fail(error, "Cluster size must be a power of two between 512 and 2048k");
    }
    if (create->extended_l2 && cluster < 16384) {
        return fail(error, "Extended L2 entries are only supported with cluster sizes of at least "
                           "16384 bytes");
    }
    if ((bits & (bits - 1)) != 0 || bits > 64) {
        return fail(error, "Refcount width must be a power of two and may not exceed 64 bits");
    }
    if (create->compat_v2 && bits != 16) {
        return fail(error, "Different refcount widths than 16 bits require compatibility level "
                           "1.1 or above (use version=v3 or greater)");
    }
    if (create->compat_v2 && (create->lazy_refcounts || create->extended_l2 || create->zstd ||
                              create->data_file != NULL)) {
        return fail(error, create->lazy_refcounts
                               ? "Lazy refcounts only supported with compatibility level 1.1 and "
                                 "above (use version=v3 or greater)"
                           : create->extended_l2
                               ? "Extended L2 entries are only supported with compatibility level "
                                 "1.1 and above (use version=v3 or greater)"
                           : create->zstd
                               ? "Non-zlib compression type is only supported with compatibility "
                                 "level 1.1 and above (use version=v3 or greater)"
                               : "External data files are only supported with compatibility level "
                                 "1.1 and above (use version=v3 or greater)");
    }
    if (create->data_file_raw && create->data_file == NULL) {
        return fail(error, "data-file-raw requires data-file");
    }
    if (create->data_file_raw && create->backing_file != NULL) {
        return fail(error, "Backing file and data-file-raw cannot be used at the same time");
    }
    if (create->preallocation != BLOCK_PREALLOC_OFF && create->backing_file != NULL &&
        !create->extended_l2) {
        return fail(error, "Backing file and preallocation can only be used at the same time if "
                           "extended_l2 is enabled");
    }
    if (create->size % BLOCK_SECTOR != 0) {
        return fail(error, "Image size must be a multiple of 512 bytes");
    }
    return true;
}

/* ---- The first clusters: header, refcount table, refcount block ---- */

static void model_fill(Qcow2 *q, BlockLayer *file, const BlockCreate *create, uint32_t cluster)
{
    unsigned bits = create->refcount_bits != 0 ? create->refcount_bits : 16;

    q->layer.file = file;
    q->layer.backing_file = (char *)create->backing_file;
    q->layer.backing_format = (char *)create->backing_format;
    q->data_file_name = (char *)create->data_file;
    q->version = create->compat_v2 ? 2 : 3;
    q->cluster_size = cluster;
    q->cluster_bits = (unsigned)__builtin_ctz(cluster);
    q->refcount_order = (unsigned)__builtin_ctz(bits);
    q->compression = create->zstd;
    q->incompatible = (create->data_file != NULL ? QCOW2_DATA_FILE : 0) |
                      (create->zstd ? QCOW2_COMPRESSION : 0) |
                      (create->extended_l2 ? QCOW2_EXTENDED_L2 : 0);
    q->compatible = create->lazy_refcounts ? QCOW2_LAZY_REFCOUNTS : 0;
    q->autoclear = create->data_file_raw ? QCOW2_RAW_DATA : 0;
    q->reftable_offset = cluster;
    q->reftable_clusters = 1;
}

static int head_write(BlockLayer *file, const BlockCreate *create, uint32_t cluster)
{
    g_autofree uint8_t *table = g_malloc0((size_t)cluster * 2);
    Qcow2 model = { 0 };
    int error;

    model_fill(&model, file, create, cluster);
    model.extensions = g_array_new(FALSE, FALSE, sizeof(Qcow2Extension));
    model.snapshots = g_array_new(FALSE, FALSE, sizeof(Qcow2Snapshot));
    put_be64(table, (uint64_t)cluster * 2);
    for (uint64_t i = 0; i < 3; i++) {
        qcow2_refcount_store(table + cluster, model.refcount_order, i, 1);
    }
    error = layer_pwrite(file, cluster, table, (size_t)cluster * 2);
    error = error == 0 ? qcow2_header_write(&model) : error;
    g_array_free(model.extensions, TRUE);
    g_array_free(model.snapshots, TRUE);
    return error;
}

static bool size_set(BlockLayer *file, const BlockCreate *create, GError **error)
{
    g_autoptr(JsonObject) options = json_object_new();
    BlockPreallocation how = create->preallocation;
    BlockLayer *layer;
    bool good;

    layer_ref(file);
    layer = layer_open_above(file->graph, &qcow2_driver, file, options,
                             (file->flags & BLOCK_NO_FLUSH) | BLOCK_NO_BACKING, error);
    if (layer == NULL) {
        layer_unref(file);
        return false;
    }
    /* A raw data file is what the image shows, all of it. */
    if (create->data_file_raw && how == BLOCK_PREALLOC_OFF) {
        how = BLOCK_PREALLOC_METADATA;
    }
    good = qcow2_resize(layer, create->size, how, error);
    layer_unref(layer);
    return good;
}

bool qcow2_create_on(BlockLayer *file, const BlockCreate *create, GError **error)
{
    uint32_t cluster = create->cluster_size != 0 ? create->cluster_size : 65536;
    int failed;

    if (!options_check(create, cluster, error)) {
        return false;
    }
    if (create->preallocation > BLOCK_PREALLOC_METADATA && create->data_file == NULL &&
        !layer_resize(file, qcow2_measure(create, create->size), create->preallocation, error)) {
        return false;
    }
    failed = head_write(file, create, cluster);
    if (failed != 0) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_IO, "Could not write the image: %s",
                    g_strerror(failed == ENOSPC ? EINVAL : failed));
        return false;
    }
    return size_set(file, create, error);
}

/* ---- Measuring ---- */

static uint64_t divide_up(uint64_t value, uint64_t unit)
{
    return value / unit + (value % unit != 0);
}

uint64_t qcow2_measure(const BlockCreate *create, uint64_t data)
{
    uint64_t cluster = create->cluster_size != 0 ? create->cluster_size : 65536;
    unsigned bits = create->refcount_bits != 0 ? create->refcount_bits : 16;
    uint64_t entries = cluster / (create->extended_l2 ? 16 : 8), counts = cluster * 8 / bits;
    uint64_t tables = divide_up(divide_up(create->size, cluster), entries);
    uint64_t fixed = 1 + divide_up(tables * 8, cluster) + tables + divide_up(data, cluster);
    uint64_t blocks = 0, table = 0, before;

    do { /* refcount blocks describe themselves and their table */
        before = blocks + table;
        blocks = divide_up(fixed + before, counts);
        table = divide_up(blocks * 8, cluster);
    } while (blocks + table != before);
    return (fixed + blocks + table) * cluster;
}
