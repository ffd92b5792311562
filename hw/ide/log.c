/* SPDX-License-Identifier: GPL-2.0-or-later */
/* log.c - READ LOG EXT (ATA/ATAPI-7, 6.33) of a disk on a serial link: the directory, and what the
 * queue failed with (Serial ATA 2.6, 13.7). */
#include <string.h>

#include "hw/ide/ide_int.h"

enum { LOG_DIRECTORY = 0x00, LOG_QUEUE = 0x10 };

void ata_read_log(IdeDrive *drive)
{
    bool first_page = drive->count == 1 && drive->hob_count == 0 && drive->lba[1] == 0 &&
                      drive->hob_lba[1] == 0;
    uint8_t log = drive->lba[0], *data = drive->data, sum = 0;

    if (!drive->sata || !first_page || (log != LOG_DIRECTORY && log != LOG_QUEUE)) {
        drive_abort(drive);
        return;
    }
    memset(data, 0, IDE_SECTOR);
    if (log == LOG_DIRECTORY) {
        data[0] = 1;             /* version */
        data[2 * LOG_QUEUE] = 1; /* page */
    } else {
        memcpy(data, drive->queue_log, sizeof(drive->queue_log));
        for (unsigned i = 0; i < IDE_SECTOR - 1; i++) {
            sum += data[i];
        }
        data[IDE_SECTOR - 1] = (uint8_t)-sum;
    }
    drive_reply(drive, IDE_SECTOR);
}
