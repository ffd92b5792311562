/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_MONITOR_MONITOR_BLOCK_H
#define RUNTIME_MACHINE_MONITOR_MONITOR_BLOCK_H
/* monitor_block.h - what the files of commands about disks share. */
#include "runtime/machine/machine_drive.h"
#include "runtime/machine/machine_int.h"
#include "runtime/machine/monitor/monitor_rows.h"

static const char *const monitor_block_limits[] = { "bps",  "bps_rd",  "bps_wr",
                                                    "iops", "iops_rd", "iops_wr" };

/* By id of a device or node-name; `node` (may be NULL): the device, or NULL. */
BlockLayer *monitor_block_find(MonitorCall *call, const char *name, BlockNode **node,
                               GError **error);

#endif
