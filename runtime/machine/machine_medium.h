/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_MACHINE_MEDIUM_H
#define RUNTIME_MACHINE_MACHINE_MEDIUM_H
/* machine_medium.h - media of a machine's drives, as monitors change them. Main thread, with the
 * device lock. Errors are in QEMU's words. */
#include "hw/block/medium.h"
#include "runtime/machine/machine.h"

/* By the drive's id, or the device's (`qdev`: id or QOM path); one of them is not NULL. */
BlockNode *machine_medium_find(Machine *machine, const char *id, const char *qdev, GError **error);

/* The guest may have locked the tray: then it is asked, and that is an error, unless forced. */
bool machine_tray_open(BlockNode *node, bool force, GError **error);
bool machine_tray_close(BlockNode *node, GError **error);
bool machine_medium_remove(Machine *machine, BlockNode *node, GError **error); /* tray is open */
bool machine_medium_insert(Machine *machine, BlockNode *node, const char *node_name,
                           GError **error); /* likewise */
bool machine_medium_eject(Machine *machine, BlockNode *node, bool force, GError **error);

typedef struct MediumChange {
    const char *filename, *format; /* format NULL: probed */
    bool force;
    bool readonly;
} MediumChange;
/* If the new one cannot be opened the old one stays. Closes the tray. */
bool machine_medium_change(Machine *machine, BlockNode *node, const MediumChange *change,
                           GError **error);

#endif
