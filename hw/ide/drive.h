/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_IDE_DRIVE_H
#define HW_IDE_DRIVE_H
/* drive.h - what is plugged into a place for an IDE drive: an ATA disk (ATA/ATAPI-6 with DATA SET
 * MANAGEMENT; on a serial link with queues) or an ATAPI CD-ROM drive (MMC-3). */
#include <stdbool.h>
#include "hw/block/medium.h"
#include "hw/state.h"

typedef struct IdeDrive IdeDrive;

typedef enum IdeKind { IDE_ABSENT, IDE_DISK, IDE_CDROM } IdeKind;

/* What a BIOS makes of a geometry that has too many cylinders for it. */
typedef enum IdeTranslation { /* in the order of bios-chs-trans= */
                              IDE_TRANSLATION_AUTO,
                              IDE_TRANSLATION_NONE,
                              IDE_TRANSLATION_LBA,
                              IDE_TRANSLATION_LARGE,
                              IDE_TRANSLATION_RECHS
} IdeTranslation;

typedef struct IdeGeometry {
    unsigned cylinders, heads, track_sectors;
    IdeTranslation translation; /* never AUTO */
} IdeGeometry;

typedef struct IdeDriveConfig {
    IdeKind kind;
    BlockNode *node; /* borrowed until ide_drive_unplug; NULL: a CD-ROM drive that is empty */
    /* Copied, and cut to 20, 40 and 8 characters. NULL: `number` tells it, or doppel's own. */
    const char *serial, *model, *firmware;
    unsigned number;                          /* of the drive in the machine, from 1 */
    uint64_t wwn;                             /* 0: none */
    uint16_t rotation_rate;                   /* 1: not rotating; 0: not told */
    uint32_t physical_block;                  /* bytes; 0: 512 */
    uint16_t cylinders, heads, track_sectors; /* zeros: found out */
    IdeTranslation translation;
    bool write_through; /* write-cache=off */
} IdeDriveConfig;

/* The place is empty. Reads the partition table of a disk whose geometry is not given. */
void ide_drive_plug(IdeDrive *drive, const IdeDriveConfig *config);
void ide_drive_unplug(IdeDrive *drive); /* waits for what is in flight */
bool ide_drive_geometry(const IdeDrive *drive, IdeGeometry *geometry); /* false: it is no disk */

extern const BlockTray ide_tray; /* of a CD-ROM drive; its opaque is the IdeDrive */

extern const StateTable ide_drive_state; /* after block_drain of its node */

#endif
