/* SPDX-License-Identifier: GPL-2.0-or-later */
/* atapi_tray.c - the tray of the CD-ROM drive: moved by the guest (START STOP UNIT) or by whoever
 * stands before the machine; what the guest is told of it (MMC-3, 5.5.4 and 5.11). */
#include "hw/ide/ide_int.h"

enum { EVENT_EJECT_WANTED = 1, EVENT_NEW_MEDIA = 2, EVENT_REMOVED = 3 };

bool drive_has_medium(const IdeDrive *drive)
{
    return drive->block != NULL && block_has_medium(drive->block);
}

void atapi_tray_move(IdeDrive *drive, bool open)
{
    IdeCd *cd = &drive->cd;
    bool there = drive_has_medium(drive);

    cd->tray_open = open;
    cd->attention = !open && there;
    cd->event = !there ? 0 : open ? EVENT_REMOVED : EVENT_NEW_MEDIA;
}

static void tray_changed(void *opaque)
{
    IdeDrive *drive = opaque;

    drive->sectors = block_size(drive->block) / IDE_SECTOR;
    if (!drive->cd.tray_open) {
        atapi_tray_move(drive, false); /* under the guest's eyes */
    }
}

static bool tray_is_open(void *opaque)
{
    return ((const IdeDrive *)opaque)->cd.tray_open;
}

static bool tray_is_locked(void *opaque)
{
    return ((const IdeDrive *)opaque)->cd.locked;
}

static void tray_move(void *opaque, bool open)
{
    atapi_tray_move(opaque, open);
}

static void tray_ask(void *opaque, bool force)
{
    IdeDrive *drive = opaque;

    drive->cd.event = EVENT_EJECT_WANTED;
    if (force) {
        drive->cd.locked = false;
    }
}

const BlockTray ide_tray = {
    .changed = tray_changed,
    .is_open = tray_is_open,
    .is_locked = tray_is_locked,
    .move = tray_move,
    .ask = tray_ask,
};
