/* SPDX-License-Identifier: GPL-2.0-or-later */
/* monitor_bitmap.c - commands about dirty bitmaps of disks. */
#include <string.h>

#include "runtime/machine/monitor/monitor_block.h"

#include "hw/block/bitmap.h"

static BlockBitmap *bitmap_of(MonitorCall *call, const char *node, const char *name, GError **error)
{
    BlockLayer *layer = monitor_block_find(call, node, NULL, error);

    return layer != NULL ? block_bitmap_find(layer, name, error) : NULL;
}

BlockBitmap *monitor_bitmap_find(MonitorCall *call, GError **error)
{
    const char *name = call_has(call, "name") ? call_str(call, "name") : call_str(call, "target");

    return bitmap_of(call, call_str(call, "node"), name, error);
}

bool monitor_run_bitmap_add(MonitorCall *call, GError **error)
{
    BlockLayer *layer = monitor_block_find(call, call_str(call, "node"), NULL, error);
    int64_t granularity = call_int(call, "granularity", 0);

    if (layer == NULL) {
        return false;
    }
    if (call_bool(call, "persistent", false)) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC,
                            "persistent bitmaps are made by 'doppel-img bitmap', while no machine "
                            "has the image");
    }
    if (granularity < 0 || granularity > UINT32_MAX ||
        (granularity == 0 && call_has(call, "granularity"))) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC,
                            "Granularity must be power of 2 and at "
                            "least 512");
    }
    return block_bitmap_add(layer, call_str(call, "name"), (uint32_t)granularity,
                            !call_bool(call, "disabled", false), error);
}

bool monitor_run_bitmap_remove(MonitorCall *call, GError **error)
{
    BlockBitmap *bitmap = monitor_bitmap_find(call, error);

    return bitmap != NULL && block_bitmap_remove(bitmap, error);
}

bool monitor_run_bitmap_clear(MonitorCall *call, GError **error)
{
    BlockBitmap *bitmap = monitor_bitmap_find(call, error);

    return bitmap != NULL && block_bitmap_clear(bitmap, error);
}

bool monitor_run_bitmap_enable(MonitorCall *call, GError **error)
{
    BlockBitmap *bitmap = monitor_bitmap_find(call, error);

    return bitmap != NULL && block_bitmap_enable(bitmap, true, error);
}

bool monitor_run_bitmap_disable(MonitorCall *call, GError **error)
{
    BlockBitmap *bitmap = monitor_bitmap_find(call, error);

    return bitmap != NULL && block_bitmap_enable(bitmap, false, error);
}

/* A name, or { node, name } for that of another node. */
static BlockBitmap *source_of(MonitorCall *call, JsonNode *source, GError **error)
{
    JsonObject *object;

    if (JSON_NODE_HOLDS_VALUE(source) && json_node_get_value_type(source) == G_TYPE_STRING) {
        return bitmap_of(call, call_str(call, "node"), json_node_get_string(source), error);
    }
    object = JSON_NODE_HOLDS_OBJECT(source) ? json_node_get_object(source) : NULL;
    if (object == NULL || !json_object_has_member(object, "node") ||
        !json_object_has_member(object, "name")) {
        monitor_fail(error, MONITOR_ERROR_GENERIC, "Invalid parameter type for 'bitmaps'");
        return NULL;
    }
    return bitmap_of(call, json_object_get_string_member(object, "node"),
                     json_object_get_string_member(object, "name"), error);
}

/* All or nothing. */
bool monitor_run_bitmap_merge(MonitorCall *call, GError **error)
{
    JsonArray *sources = json_object_get_array_member(call->args, "bitmaps");
    BlockBitmap *target = monitor_bitmap_find(call, error);
    BlockBitmapKept *kept = target != NULL ? block_bitmap_keep(target) : NULL;
    bool good = target != NULL;

    for (guint i = 0; good && i < json_array_get_length(sources); i++) {
        BlockBitmap *source = source_of(call, json_array_get_element(sources, i), error);

        good = source != NULL && block_bitmap_merge(target, source, error);
    }
    if (!good && target != NULL && block_bitmap_is_free(target, NULL)) {
        block_bitmap_put_back(target, kept);
    }
    block_bitmap_kept_free(kept);
    return good;
}

static const MonitorRow rows[] = {
    { "block-dirty-bitmap-add",
      .args = "node:str name:str *granularity:int *persistent:bool *disabled:bool",
      .run = monitor_run_bitmap_add, .help = "note from now on what of a disk is changed" },
    { "block-dirty-bitmap-remove", .args = "node:str name:str", .run = monitor_run_bitmap_remove,
      .help = "remove a dirty bitmap" },
    { "block-dirty-bitmap-clear", .args = "node:str name:str", .run = monitor_run_bitmap_clear,
      .help = "nothing is dirty any more" },
    { "block-dirty-bitmap-enable", .args = "node:str name:str", .run = monitor_run_bitmap_enable,
      .help = "a dirty bitmap notes changes again" },
    { "block-dirty-bitmap-disable", .args = "node:str name:str", .run = monitor_run_bitmap_disable,
      .help = "a dirty bitmap notes no changes" },
    { "block-dirty-bitmap-merge", .args = "node:str target:str bitmaps:[any]",
      .run = monitor_run_bitmap_merge, .help = "what is dirty in some becomes so in another" },
    { 0 },
};

const MonitorTable monitor_bitmap_table = { rows, NULL, NULL };
