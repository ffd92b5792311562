/* SPDX-License-Identifier: GPL-2.0-or-later */
/* monitor_snapshot.c - commands that take snapshots of running disks. */
#include <string.h>
#include <sys/time.h>

#include "runtime/machine/monitor/monitor_block.h"

#include "hw/block/blockdev.h"

/* ---- Overlays ---- */

static bool overlay_take(MonitorCall *call, const char *device, const char *file,
                         const char *format, const char *node_name, bool existing, GError **error)
{
    BlockNode *node = block_graph_find(call->machine->graph, device);

    if (node == NULL) {
        node = machine_drive_find(call->machine, device);
    }
    if (node == NULL) {
        return monitor_fail(error, MONITOR_ERROR_DEVICE_NOT_FOUND,
                            "Cannot find device='%s' nor node-name='%s'", device, device);
    }
    return block_snapshot_overlay(node, file, format != NULL ? format : "qcow2", node_name,
                                  existing, error);
}

bool monitor_run_snapshot_sync(MonitorCall *call, GError **error)
{
    const char *device = call_has(call, "device") ? call_str(call, "device")
                                                  : call_str(call, "node-name");

    if (device == NULL) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC,
                            "Either 'device' or 'node-name' must be given");
    }
    return overlay_take(call, device, call_str(call, "snapshot-file"), call_str(call, "format"),
                        call_str(call, "snapshot-node-name"),
                        g_strcmp0(call_str(call, "mode"), "existing") == 0, error);
}

bool monitor_run_snapshot(MonitorCall *call, GError **error)
{
    BlockLayer *below = monitor_block_find(call, call_str(call, "node"), NULL, error);
    BlockLayer *overlay = below != NULL
                              ? monitor_block_find(call, call_str(call, "overlay"), NULL, error)
                              : NULL;

    return overlay != NULL && block_overlay_put(overlay, below, error);
}

static bool run_snapshot_blkdev(MonitorCall *call, GError **error)
{
    return overlay_take(call, call_str(call, "device"), call_str(call, "file"),
                        call_str(call, "format"), NULL, call_bool(call, "reuse", false), error);
}

/* ---- Inside of an image ---- */

bool monitor_run_internal_sync(MonitorCall *call, GError **error)
{
    BlockLayer *layer = monitor_block_find(call, call_str(call, "device"), NULL, error);
    BlockSnapshot snapshot = { .name = (char *)call_str(call, "name") };
    struct timeval now;

    if (layer == NULL) {
        return false;
    }
    gettimeofday(&now, NULL);
    snapshot.date_s = (uint32_t)now.tv_sec;
    snapshot.date_ns = (uint32_t)now.tv_usec * 1000;
    return block_snapshot_create(layer, &snapshot, error);
}

static bool run_delete_internal(MonitorCall *call, GError **error)
{
    BlockLayer *layer = monitor_block_find(call, call_str(call, "device"), NULL, error);
    const char *name = call_has(call, "id") ? call_str(call, "id") : call_str(call, "name");

    if (layer != NULL && name == NULL) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC, "Name or id must be provided");
    }
    return layer != NULL && block_snapshot_delete(layer, name, error);
}

/* ---- HMP's commit ---- */

static bool run_hmp_commit(MonitorCall *call, GError **error)
{
    const char *device = call_str(call, "device");

    (void)call;
    return machine_drives_commit(call->machine, strcmp(device, "all") == 0 ? NULL : device, error);
}

static const MonitorRow rows[] = {
    { "blockdev-snapshot-sync",
      .args = "*device:str *node-name:str snapshot-file:str *snapshot-node-name:str *format:str "
              "*mode:str",
      .run = monitor_run_snapshot_sync, .help = "put a new overlay on a disk" },
    { "blockdev-snapshot", .args = "node:str overlay:str", .run = monitor_run_snapshot,
      .help = "put an overlay that was added on a node" },
    { NULL, "snapshot_blkdev", .hmp_args = "*reuse/n:bool device:str *file:str *format:str",
      .run = run_snapshot_blkdev, .help = "put a new overlay on a disk" },
    { "blockdev-snapshot-internal-sync", "snapshot_blkdev_internal", "device:str name:str",
      .run = monitor_run_internal_sync, .help = "take a snapshot inside of an image" },
    { "blockdev-snapshot-delete-internal-sync", "snapshot_delete_blkdev_internal",
      "device:str *id:str *name:str", .hmp_args = "device:str name:str *id:str",
      .run = run_delete_internal, .help = "delete a snapshot inside of an image" },
    { NULL, "commit", .hmp_args = "device:str", .run = run_hmp_commit,
      .help = "commit changes to the backing file of a device, or of all" },
    { 0 },
};

const MonitorTable monitor_snapshot_table = { rows, NULL, NULL };
