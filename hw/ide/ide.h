/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_IDE_IDE_H
#define HW_IDE_IDE_H
/* ide.h - the IDE function of the PIIX3 (82371SB, function 1) with its two channels in legacy mode,
 * bus-master DMA, ATA disks (ATA/ATAPI-6 with DATA SET MANAGEMENT) and ATAPI CD-ROM drives (MMC-3).
 */
#include <stdbool.h>
#include "hw/block/block.h"
#include "hw/pci/pci.h"
#include "hw/state.h"

typedef struct Ide Ide;

enum { IDE_DRIVES = 4 }; /* primary master, primary slave, secondary master, secondary slave */

/* Borrows the nodes until ide_free. A CD-ROM drive without a node is empty; a disk without one is
 * not there. Reads the partition table of disks, for their geometry. */
Ide *ide_new(PciBus *bus, IoBus *io, unsigned devfn, IrqLine irq14, IrqLine irq15,
             BlockNode *const drives[IDE_DRIVES], const bool cdrom[IDE_DRIVES]);
void ide_free(Ide *ide);
void ide_reset(Ide *ide); /* waits for what is in flight */

/* Snapshots: after block_drain of all nodes. */
extern const StateTable ide_channel_state, ide_drive_state;
void *ide_channel_device(Ide *ide, unsigned channel);
void *ide_drive_device(Ide *ide, unsigned drive);

#endif
