/* SPDX-License-Identifier: GPL-2.0-or-later */
/* image.c - images as files: see image.h. */
#include "hw/block/image.h"
#include "hw/block/qcow2_int.h"

#include <errno.h>

/* ---- Making ---- */

static bool data_file_create(const char *filename, const BlockCreate *create, GError **error)
{
    g_autofree char *path = NULL;

    if (create->data_file == NULL || g_file_test(create->data_file, G_FILE_TEST_EXISTS)) {
        return true;
    }
    path = block_filename_relative(filename, create->data_file);
    return file_create(path, create->data_file_raw ? create->size : 0,
                       create->preallocation > BLOCK_PREALLOC_METADATA ? create->preallocation
                                                                       : BLOCK_PREALLOC_OFF,
                       error);
}

bool image_create(BlockGraph *graph, const char *filename, const char *format,
                  const BlockCreate *create, GError **error)
{
    const BlockDriver *driver = format_driver(format, error);
    BlockLayer *file;
    bool good;

    if (driver == NULL) {
        return false;
    }
    if (driver == &raw_driver && create->preallocation == BLOCK_PREALLOC_METADATA) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION,
                    "Unsupported preallocation mode 'metadata'");
        return false;
    }
    if (driver == &raw_driver) {
        return file_create(filename, (create->size + 511) & ~511ull, create->preallocation, error);
    }
    if (driver != &qcow2_driver) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_FORMAT,
                    "Format driver '%s' does not support image creation", format);
        return false;
    }
    if (!data_file_create(filename, create, error) ||
        !file_create(filename, 0, BLOCK_PREALLOC_OFF, error)) {
        return false;
    }
    file = layer_open_protocol(graph, filename, 0, error);
    if (file == NULL) {
        return false;
    }
    good = qcow2_create_on(file, create, error);
    layer_unref(file);
    return good;
}

uint64_t image_measure(const BlockCreate *create, uint64_t data)
{
    uint64_t cluster = create->cluster_size != 0 ? create->cluster_size : 65536;
    uint64_t all = (create->size + cluster - 1) / cluster * cluster;

    return qcow2_measure(create, create->size) - all + MIN(data, all);
}

/* ---- Describing ---- */

static const Qcow2 *qcow2_const(const BlockLayer *layer)
{
    while (layer->driver->filter) {
        layer = layer->file;
    }
    return layer->driver == &qcow2_driver ? (const Qcow2 *)layer : NULL;
}

uint32_t image_cluster_size(const BlockLayer *layer)
{
    const Qcow2 *q = qcow2_const(layer);

    return q != NULL ? q->cluster_size : 0;
}

bool image_extended_l2(const BlockLayer *layer)
{
    const Qcow2 *q = qcow2_const(layer);

    return q != NULL && q->entry_size == 16;
}

static JsonArray *bitmaps_info(Qcow2 *q)
{
    g_autoptr(GArray) list = qcow2_bitmaps_read(q);
    JsonArray *bitmaps = json_array_new();

    for (guint i = 0; i < list->len; i++) {
        const Qcow2Bitmap *bitmap = &g_array_index(list, Qcow2Bitmap, i);
        JsonObject *object = json_object_new();
        JsonArray *flags = json_array_new();

        if (bitmap->flags & 1) {
            json_array_add_string_element(flags, "in-use");
        }
        if (bitmap->flags & 2) {
            json_array_add_string_element(flags, "auto");
        }
        json_object_set_array_member(object, "flags", flags);
        json_object_set_string_member(object, "name", bitmap->name);
        json_object_set_int_member(object, "granularity", 1ll << (bitmap->granularity_bits & 31));
        json_array_add_object_element(bitmaps, object);
    }
    return bitmaps;
}

static JsonObject *qcow2_info(Qcow2 *q)
{
    JsonObject *info = json_object_new(), *data = json_object_new();
    JsonArray *bitmaps;

    json_object_set_string_member(data, "compat", q->version >= 3 ? "1.1" : "0.10");
    json_object_set_string_member(data, "compression-type", q->compression == 1 ? "zstd" : "zlib");
    if (q->version >= 3) {
        json_object_set_boolean_member(data, "lazy-refcounts",
                                       (q->compatible & QCOW2_LAZY_REFCOUNTS) != 0);
    }
    bitmaps = bitmaps_info(q);
    if (json_array_get_length(bitmaps) > 0) {
        json_object_set_array_member(data, "bitmaps", bitmaps);
    } else {
        json_array_unref(bitmaps);
    }
    json_object_set_int_member(data, "refcount-bits", 1 << q->refcount_order);
    if (q->data_file_name != NULL) {
        json_object_set_string_member(data, "data-file", q->data_file_name);
        json_object_set_boolean_member(data, "data-file-raw", (q->autoclear & QCOW2_RAW_DATA) != 0);
    }
    if (q->version >= 3) {
        json_object_set_boolean_member(data, "corrupt", (q->incompatible & QCOW2_CORRUPT) != 0);
        json_object_set_boolean_member(data, "extended-l2", q->entry_size == 16);
    }
    json_object_set_string_member(info, "type", "qcow2");
    json_object_set_object_member(info, "data", data);
    return info;
}

static JsonArray *snapshots_info(BlockLayer *layer)
{
    GArray *list = block_snapshot_list(layer);
    JsonArray *array = json_array_new();

    for (guint i = 0; i < list->len; i++) {
        const BlockSnapshot *snapshot = &g_array_index(list, BlockSnapshot, i);
        JsonObject *object = json_object_new();

        if (snapshot->icount != UINT64_MAX) {
            json_object_set_int_member(object, "icount", (gint64)snapshot->icount);
        }
        json_object_set_int_member(object, "vm-clock-nsec",
                                   (gint64)(snapshot->vm_clock_ns % 1000000000));
        json_object_set_string_member(object, "name", snapshot->name);
        json_object_set_int_member(object, "date-sec", snapshot->date_s);
        json_object_set_int_member(object, "date-nsec", snapshot->date_ns);
        json_object_set_int_member(object, "vm-clock-sec",
                                   (gint64)(snapshot->vm_clock_ns / 1000000000));
        json_object_set_string_member(object, "id", snapshot->id);
        json_object_set_int_member(object, "vm-state-size", (gint64)snapshot->vm_state_size);
        json_array_add_object_element(array, object);
    }
    block_snapshot_list_free(list);
    return array;
}

static void backing_info(const BlockLayer *layer, JsonObject *info)
{
    g_autofree char *full = NULL;

    if (layer->backing_file == NULL) {
        return;
    }
    full = block_filename_relative(layer->filename, layer->backing_file);
    json_object_set_string_member(info, "full-backing-filename", full);
    json_object_set_string_member(info, "backing-filename", layer->backing_file);
    if (layer->backing_format != NULL) {
        json_object_set_string_member(info, "backing-filename-format", layer->backing_format);
    }
}

JsonObject *image_info(BlockLayer *layer)
{
    JsonObject *info = json_object_new();
    BlockLayer *data = layer_skip_filters(layer);
    Qcow2 *q = data->driver == &qcow2_driver ? qcow2_of(data) : NULL;
    int64_t actual = data->driver->allocated != NULL ? data->driver->allocated(data) : -1;
    JsonArray *snapshots = snapshots_info(data);

    if (json_array_get_length(snapshots) > 0) {
        json_object_set_array_member(info, "snapshots", snapshots);
    } else {
        json_array_unref(snapshots);
    }
    json_object_set_int_member(info, "virtual-size", (gint64)data->size);
    json_object_set_string_member(info, "filename", data->filename);
    if (q != NULL) {
        json_object_set_int_member(info, "cluster-size", q->cluster_size);
    }
    json_object_set_string_member(info, "format", data->driver->name);
    if (actual >= 0) {
        json_object_set_int_member(info, "actual-size", actual);
    }
    if (q != NULL) {
        json_object_set_object_member(info, "format-specific", qcow2_info(q));
    }
    backing_info(data, info);
    json_object_set_boolean_member(info, "dirty-flag",
                                   q != NULL && (q->incompatible & QCOW2_DIRTY) != 0);
    return info;
}

/* ---- Checking, changing ---- */

bool image_check(BlockLayer *layer, unsigned fix, BlockCheck *result, GError **error)
{
    if (layer->driver != &qcow2_driver) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION,
                    "This image format does not support checks");
        return false;
    }
    return qcow2_check(layer, fix, result, error);
}

bool image_set_backing(BlockLayer *layer, const char *file, const char *format, GError **error)
{
    Qcow2 *q = layer->driver == &qcow2_driver ? qcow2_of(layer) : NULL;
    g_autofree char *old_file = layer->backing_file, *old_format = layer->backing_format;
    int failed;

    if (q == NULL || (q->autoclear & QCOW2_RAW_DATA)) {
        layer->backing_file = g_steal_pointer(&old_file);
        layer->backing_format = g_steal_pointer(&old_format);
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION, "The image cannot have a backing file");
        return false;
    }
    g_mutex_lock(&q->lock);
    layer->backing_file = g_strdup(file);
    layer->backing_format = file != NULL ? g_strdup(format) : NULL;
    failed = qcow2_start_locked(q);
    failed = failed == 0 ? qcow2_header_write(q) : failed;
    failed = failed == 0 ? layer_flush(layer->file) : failed;
    if (failed == ENOSPC) {
        g_free(layer->backing_file);
        g_free(layer->backing_format);
        layer->backing_file = g_steal_pointer(&old_file);
        layer->backing_format = g_steal_pointer(&old_format);
    }
    g_mutex_unlock(&q->lock);
    if (failed != 0) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_IO,
                    "Could not change the backing file to '%s': %s", file != NULL ? file : "",
                    g_strerror(failed));
    }
    return failed == 0;
}
