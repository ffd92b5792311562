/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_MONITOR_MONITOR_BLOCK_H
#define RUNTIME_MACHINE_MONITOR_MONITOR_BLOCK_H
/* monitor_block.h - what the files of commands about disks share. */
#include "hw/block/throttle.h"
#include "runtime/machine/machine_drive.h"
#include "runtime/machine/machine_int.h"
#include "runtime/machine/monitor/monitor_rows.h"

/* By id of a device or node-name; `node` (may be NULL): the device, or NULL. */
BlockLayer *monitor_block_find(MonitorCall *call, const char *name, BlockNode **node,
                               GError **error);
/* Adds to a BlockDeviceInfo how fast it may be: `node` NULL: no limits. */
void monitor_throttle_info(JsonObject *info, const BlockNode *node);
/* Commands that are actions of a transaction, too. */
bool monitor_run_blockdev_backup(MonitorCall *call, GError **error);
bool monitor_run_drive_backup(MonitorCall *call, GError **error);
bool monitor_run_snapshot_sync(MonitorCall *call, GError **error);
bool monitor_run_snapshot(MonitorCall *call, GError **error);
bool monitor_run_internal_sync(MonitorCall *call, GError **error);
bool monitor_run_bitmap_add(MonitorCall *call, GError **error);
bool monitor_run_bitmap_remove(MonitorCall *call, GError **error);
bool monitor_run_bitmap_clear(MonitorCall *call, GError **error);
bool monitor_run_bitmap_enable(MonitorCall *call, GError **error);
bool monitor_run_bitmap_disable(MonitorCall *call, GError **error);
bool monitor_run_bitmap_merge(MonitorCall *call, GError **error);
/* The bitmap that node= and name= (or target=) say; NULL: the error is set. */
struct BlockBitmap *monitor_bitmap_find(MonitorCall *call, GError **error);

#endif
