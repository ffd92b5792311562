/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_MACHINE_DRIVE_H
#define RUNTIME_MACHINE_MACHINE_DRIVE_H
/* machine_drive.h - the images of a machine. Main thread, with the device lock or before it runs.
 */
#include "hw/block/job.h"
#include "runtime/machine/machine.h"

/* -add-fd and -blockdev: before the drives. */
bool machine_drives_init(Machine *machine, GError **error);
void machine_drives_free(Machine *machine);

/* `id`: where the drive has none of its own. */
BlockNode *machine_drive_open(Machine *machine, const DriveOption *drive, const char *id,
                              GError **error);
/* By id, or by the name of a -blockdev node. */
BlockNode *machine_drive_find(Machine *machine, const char *name);
/* drive_add's words; drive_del: refused while a device has it. */
bool machine_drive_add(Machine *machine, const char *text, GError **error);
bool machine_drive_del(Machine *machine, const char *id, GError **error);
/* What keeps a -blockdev node without a device. */
void machine_drive_release(Machine *machine, const char *node_name);
/* HMP's commit: one device, or all (NULL). */
bool machine_drives_commit(Machine *machine, const char *id, GError **error);
/* Requests that stopped the machine are made again. */
void machine_drives_retry(Machine *machine);
/* Made when it is first asked for. */
struct NbdServer *machine_nbd(Machine *machine);

/* `opaque`: the machine. */
void machine_block_event(void *opaque, const char *name, JsonObject *data);

#endif
