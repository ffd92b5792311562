/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_IDE_IDE_H
#define HW_IDE_IDE_H
/* ide.h - piix3-ide: the IDE function of the PIIX3 (82371SB, function 1) with its two channels in
 * legacy mode and bus-master DMA. Drives are plugged into its buses (ide_bus.h). */
#include "hw/device.h"
#include "hw/ide/drive.h"

enum { IDE_DRIVES = 4 }; /* primary master, primary slave, secondary master, secondary slave */

extern const StateTable ide_channel_state;

/* Of a piix3-ide, for tests. */
void *ide_channel_device(Device *ide, unsigned channel);
IdeDrive *ide_drive_at(Device *ide, unsigned drive);

#endif
