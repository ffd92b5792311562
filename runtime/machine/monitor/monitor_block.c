/* SPDX-License-Identifier: GPL-2.0-or-later */
/* monitor_block.c - commands about disks: what there is, blockdev-add and -del, resizing. */
#include <string.h>

#include "runtime/machine/monitor/monitor_block.h"

#include "hw/block/bitmap.h"
#include "hw/block/blockdev.h"
#include "hw/board.h"
#include "hw/block/image.h"
#include "hw/block/medium.h"

BlockLayer *monitor_block_find(MonitorCall *call, const char *name, BlockNode **node,
                               GError **error)
{
    BlockNode *found = block_graph_find(call->machine->graph, name);
    BlockLayer *layer = found != NULL ? block_top(found)
                                      : block_layer_find(call->machine->graph, name);

    if (layer == NULL && found != NULL) {
        monitor_fail(error, MONITOR_ERROR_GENERIC, "Device '%s' has no medium", name);
    } else if (layer == NULL) {
        monitor_fail(error, MONITOR_ERROR_DEVICE_NOT_FOUND,
                     "Cannot find device='%s' nor node-name='%s'", name, name);
    }
    if (node != NULL) {
        *node = found;
    }
    return layer;
}

/* ---- query-block ---- */

static JsonObject *image_chain(BlockLayer *layer)
{
    JsonObject *info = image_info(layer);

    if (layer_backing(layer) != NULL) {
        json_object_set_object_member(info, "backing-image", image_chain(layer_backing(layer)));
    }
    return info;
}

static void bitmap_each(const BlockBitmapInfo *bitmap, void *opaque)
{
    JsonObject *object = json_array_new_object(opaque);

    json_object_set_string_member(object, "name", bitmap->name);
    json_object_set_int_member(object, "count", (gint64)bitmap->dirty);
    json_object_set_int_member(object, "granularity", bitmap->granularity);
    json_object_set_boolean_member(object, "recording", bitmap->enabled);
    json_object_set_boolean_member(object, "busy", bitmap->busy);
    json_object_set_boolean_member(object, "persistent", FALSE);
}

static JsonObject *device_info(BlockLayer *layer, const BlockNode *node)
{
    JsonObject *info = json_object_new(), *cache = json_object_new();
    g_autoptr(JsonArray) bitmaps = json_array_new();
    unsigned depth = 0;

    for (BlockLayer *at = layer_backing(layer); at != NULL; at = layer_backing(at)) {
        depth++;
    }
    json_object_set_string_member(info, "file", layer_filename(layer));
    json_object_set_string_member(info, "node-name", layer_node_name(layer));
    json_object_set_boolean_member(info, "ro", layer_is_readonly(layer));
    json_object_set_string_member(info, "drv", layer_format(layer));
    if (layer_backing_file(layer) != NULL) {
        json_object_set_string_member(info, "backing_file", layer_backing_file(layer));
    }
    json_object_set_int_member(info, "backing_file_depth", depth);
    json_object_set_boolean_member(info, "encrypted", FALSE);
    json_object_set_string_member(info, "detect_zeroes", "off");
    monitor_throttle_info(info, node);
    block_bitmaps_each(layer, bitmap_each, bitmaps);
    if (json_array_get_length(bitmaps) > 0) {
        json_object_set_array_member(info, "dirty-bitmaps", json_array_ref(bitmaps));
    }
    json_object_set_object_member(info, "image", image_chain(layer));
    json_object_set_boolean_member(cache, "writeback", TRUE);
    json_object_set_boolean_member(cache, "direct", FALSE);
    json_object_set_boolean_member(cache, "no-flush", FALSE);
    json_object_set_object_member(info, "cache", cache);
    json_object_set_int_member(info, "write_threshold", 0);
    return info;
}

/* The device that has the node; NULL: none that can be named. Caller frees. */
static char *block_device_path(const Machine *machine, const BlockNode *node)
{
    const Board *board = machine->pc != NULL ? pc_board(machine->pc) : NULL;
    const Device *dev = board != NULL ? g_hash_table_lookup(board->claimed, node) : NULL;
    g_autofree char *path = dev != NULL ? device_path(dev) : NULL;

    return path != NULL && g_str_has_prefix(dev->type->name, "virtio-")
               ? g_strconcat(path, "/virtio-backend", NULL)
               : g_steal_pointer(&path);
}

static void block_each(BlockNode *node, void *opaque)
{
    MonitorCall *call = opaque;
    JsonObject *object = json_array_new_object(json_node_get_array(call->result));
    g_autofree char *path = block_device_path(call->machine, node);
    const char *status = block_is_stopped(node) ? "failed" : "ok";

    json_object_set_string_member(object, "io-status", status);
    json_object_set_string_member(object, "device", block_id(node) != NULL ? block_id(node) : "");
    json_object_set_boolean_member(object, "locked", block_tray_is_locked(node));
    json_object_set_boolean_member(object, "removable", block_is_removable(node));
    if (block_has_medium(node)) {
        json_object_set_object_member(object, "inserted", device_info(block_top(node), node));
    }
    if (path != NULL) {
        json_object_set_string_member(object, "qdev", path);
    }
    if (block_has_tray(node)) {
        json_object_set_boolean_member(object, "tray_open", block_tray_is_open(node));
    }
    json_object_set_string_member(object, "type", "unknown");
}

static bool run_query_block(MonitorCall *call, GError **error)
{
    (void)error;
    call_array(call);
    block_graph_each_drive(call->machine->graph, block_each, call);
    return true;
}

static void show_medium(GString *text, JsonObject *block)
{
    const char *device = json_object_get_string_member(block, "device");
    JsonObject *inserted;

    if (!json_object_has_member(block, "inserted")) {
        g_string_append_printf(text, "%s: [not inserted]\n", device);
        return;
    }
    inserted = json_object_get_object_member(block, "inserted");
    g_string_append_printf(text, "%s (%s): %s (%s%s)\n", device,
                           json_object_get_string_member(inserted, "node-name"),
                           json_object_get_string_member(inserted, "file"),
                           json_object_get_string_member(inserted, "drv"),
                           json_object_get_boolean_member(inserted, "ro") ? ", read-only" : "");
}

static void show_drive(GString *text, JsonObject *block)
{
    bool locked = json_object_get_boolean_member(block, "locked");

    if (json_object_has_member(block, "qdev")) {
        g_string_append_printf(text, "    Attached to:      %s\n",
                               json_object_get_string_member(block, "qdev"));
    }
    if (json_object_get_boolean_member(block, "removable")) {
        g_string_append_printf(text, "    Removable device: %slocked", locked ? "" : "not ");
        if (json_object_has_member(block, "tray_open")) {
            g_string_append_printf(text, ", tray %s",
                                   json_object_get_boolean_member(block, "tray_open") ? "open"
                                                                                      : "closed");
        }
        g_string_append_c(text, '\n');
    }
}

static void show_block(MonitorCall *call)
{
    JsonArray *array = json_node_get_array(call->result);

    for (guint i = 0; i < json_array_get_length(array); i++) {
        JsonObject *block = json_array_get_object_element(array, i), *inserted;

        g_string_append(call->text, i > 0 ? "\n" : "");
        show_medium(call->text, block);
        show_drive(call->text, block);
        if (!json_object_has_member(block, "inserted")) {
            continue;
        }
        inserted = json_object_get_object_member(block, "inserted");
        g_string_append(call->text, "    Cache mode:       writeback\n");
        if (json_object_has_member(inserted, "backing_file")) {
            g_string_append_printf(call->text, "    Backing file:     %s (chain depth: %d)\n",
                                   json_object_get_string_member(inserted, "backing_file"),
                                   (int)json_object_get_int_member(inserted, "backing_file_depth"));
        }
    }
}

/* ---- query-named-block-nodes, query-blockstats ---- */

static void layer_each(BlockLayer *layer, void *opaque)
{
    json_array_add_object_element(opaque, device_info(layer, NULL));
}

static bool run_query_nodes(MonitorCall *call, GError **error)
{
    (void)error;
    block_graph_each_layer(call->machine->graph, layer_each, call_array(call));
    return true;
}

static void stats_each(BlockNode *node, void *opaque)
{
    JsonObject *object = json_array_new_object(opaque), *values = json_object_new();
    BlockStats stats;

    block_stats(node, &stats);
    {
        const struct {
            const char *name;
            uint64_t value;
        } rows[] = {
            { "rd_bytes", stats.read_bytes },
            { "wr_bytes", stats.written_bytes },
            { "unmap_bytes", stats.discarded_bytes },
            { "rd_operations", stats.reads },
            { "wr_operations", stats.writes },
            { "flush_operations", stats.flushes },
            { "unmap_operations", stats.discards },
            { "rd_total_time_ns", stats.read_ns },
            { "wr_total_time_ns", stats.write_ns },
            { "flush_total_time_ns", stats.flush_ns },
            { "wr_highest_offset", stats.highest },
            { "failed_rd_operations", stats.failed_reads },
            { "failed_wr_operations", stats.failed_writes },
            { "failed_flush_operations", stats.failed_flushes },
            { "failed_unmap_operations", stats.failed_discards },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
            json_object_set_int_member(values, rows[i].name, (gint64)rows[i].value);
        }
    }
    json_object_set_string_member(object, "device", block_id(node) != NULL ? block_id(node) : "");
    if (block_has_medium(node)) {
        json_object_set_string_member(object, "node-name", layer_node_name(block_top(node)));
    }
    if (block_user(node) != NULL) {
        json_object_set_string_member(object, "qdev", block_user(node));
    }
    json_object_set_object_member(object, "stats", values);
}

static bool run_query_stats(MonitorCall *call, GError **error)
{
    (void)error;
    block_graph_each_drive(call->machine->graph, stats_each, call_array(call));
    return true;
}

/* ---- Adding, deleting, resizing ---- */

static bool run_blockdev_add(MonitorCall *call, GError **error)
{
    return blockdev_add(call->machine->graph, call->args, error);
}

static bool run_blockdev_del(MonitorCall *call, GError **error)
{
    const char *name = call_str(call, "node-name");

    machine_drive_release(call->machine, name);
    return blockdev_del(call->machine->graph, name, error);
}

static bool run_resize(MonitorCall *call, GError **error)
{
    const char *name = call_has(call, "node-name") ? call_str(call, "node-name")
                                                   : call_str(call, "device");
    int64_t size = call_int(call, "size", -1);
    BlockLayer *layer;

    if (name == NULL) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC,
                            "Either 'device' or 'node-name' must be given");
    }
    layer = monitor_block_find(call, name, NULL, error);
    if (layer == NULL) {
        return false;
    }
    if (size < 0) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC, "Parameter 'size' expects a >0 size");
    }
    return block_resize_node(layer, (uint64_t)size, error);
}

/* ---- drive_add, drive_del: people ---- */

static bool run_drive_add(MonitorCall *call, GError **error)
{
    return machine_drive_add(call->machine, call_str(call, "opts"), error) &&
           (g_string_append(call->text, "OK\n"), true);
}

static bool run_drive_del(MonitorCall *call, GError **error)
{
    const char *id = call_str(call, "id");

    if (block_graph_find(call->machine->graph, id) == NULL) {
        return monitor_fail(error, MONITOR_ERROR_DEVICE_NOT_FOUND, "Device '%s' not found", id);
    }
    return machine_drive_del(call->machine, id, error);
}

static const MonitorRow rows[] = {
    { "query-block", "info block", .result = "[BlockInfo]", .run = run_query_block,
      .show = show_block, .help = "show the block devices" },
    { "query-blockstats", .args = "*query-nodes:bool", .result = "[BlockStats]",
      .run = run_query_stats, .help = "statistics of block devices" },
    { "query-named-block-nodes", .args = "*flat:bool", .result = "[BlockDeviceInfo]",
      .run = run_query_nodes, .help = "all nodes of the block layer" },
    { "blockdev-add", .args = "driver:str node-name:str ...", .run = run_blockdev_add,
      .help = "add a node to the block layer" },
    { "blockdev-del", .args = "node-name:str", .run = run_blockdev_del,
      .help = "delete a node that blockdev-add or -blockdev has made" },
    { "block_resize", "block_resize", .args = "*device:str *node-name:str size:int",
      .hmp_args = "device:str size:size", .run = run_resize, .help = "resize a block image" },
    { NULL, "drive_add", .hmp_args = "addr:str opts:rest", .run = run_drive_add,
      .help = "add a drive (if=none)" },
    { NULL, "drive_del", .hmp_args = "id:str", .run = run_drive_del,
      .help = "remove a host block device" },
    { 0 },
};

static const MonitorType types[] = {
    { "BlockInfo", .members = "device:str *qdev:str type:str removable:bool locked:bool "
                              "*inserted:BlockDeviceInfo *tray_open:bool *io-status:IoStatus" },
    { "IoStatus", .values = "ok failed nospace" },
    { "BlockDeviceInfo",
      .members = "file:str *node-name:str ro:bool drv:str *backing_file:str "
                 "backing_file_depth:int encrypted:bool detect_zeroes:str bps:int bps_rd:int "
                 "bps_wr:int iops:int iops_rd:int iops_wr:int *bps_max:int *bps_rd_max:int "
                 "*bps_wr_max:int *iops_max:int *iops_rd_max:int *iops_wr_max:int "
                 "*bps_max_length:int *bps_rd_max_length:int *bps_wr_max_length:int "
                 "*iops_max_length:int *iops_rd_max_length:int *iops_wr_max_length:int "
                 "*iops_size:int *group:str *dirty-bitmaps:[BlockDirtyInfo] "
                 "image:any cache:any write_threshold:int" },
    { "BlockDirtyInfo", .members = "*name:str count:int granularity:int recording:bool busy:bool "
                                   "persistent:bool *inconsistent:bool" },
    { "BlockStats", .members = "*device:str *qdev:str *node-name:str stats:any" },
    { 0 },
};

static const MonitorEvent events[] = {
    { "BLOCK_IO_ERROR",
      "device:str *node-name:str operation:str action:str *nospace:bool reason:str",
      "the host has failed a request of a disk" },
    { 0 },
};

const MonitorTable monitor_block_table = { rows, types, events };
