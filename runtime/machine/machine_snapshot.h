/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_MACHINE_SNAPSHOT_H
#define RUNTIME_MACHINE_MACHINE_SNAPSHOT_H
/* machine_snapshot.h - the whole machine in the internal snapshots of its disks: savevm and loadvm.
 *
 * Main thread, without the device lock. The machine stands meanwhile, and goes on after a success
 * if it ran before. The state is in the first disk that can keep it, or in the one that is named.
 */
#include "hw/block/block.h"
#include "runtime/machine/machine.h"

typedef struct SnapshotOptions {
    const char *name;           /* NULL: one of the date, for saving */
    const char *vm_state;       /* the disk for the machine's state; NULL: the first that can */
    const char *const *devices; /* ids or node-names; NULL: every disk that is written to */
    bool replace;               /* what has this name goes first */
} SnapshotOptions;

/* All disks have it or none. */
bool machine_snapshot_save(Machine *machine, const SnapshotOptions *options, GError **error);
/* After a failure behind the point of no return the machine stands. */
bool machine_snapshot_load(Machine *machine, const SnapshotOptions *options, GError **error);
bool machine_snapshot_delete(Machine *machine, const SnapshotOptions *options, GError **error);

/* Of BlockSnapshot (block_snapshot_list_free): those that all disks have. With the device lock. */
GArray *machine_snapshot_list(Machine *machine, GError **error);

#endif
