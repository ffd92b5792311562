/* SPDX-License-Identifier: GPL-2.0-or-later */
/* smart.c - the SMART feature set (ATA/ATAPI-6, 8.55): a disk in good health, whose self-tests pass
 * and whose error log is empty. */
#include "hw/ide/ide_int.h"

#include <string.h>

enum {
    SMART_READ_DATA = 0xd0,
    SMART_READ_THRESHOLDS = 0xd1,
    SMART_AUTOSAVE = 0xd2,
    SMART_SAVE_VALUES = 0xd3,
    SMART_EXECUTE = 0xd4,
    SMART_READ_LOG = 0xd5,
    SMART_ENABLE = 0xd8,
    SMART_DISABLE = 0xd9,
    SMART_STATUS = 0xda,
    SMART_KEY_MID = 0x4f,
    SMART_KEY_HIGH = 0xc2,
    AUTOSAVE_ON = 0xf1,
    LOG_DIRECTORY = 0x00,
    LOG_ERRORS = 0x01,
    LOG_SELF_TESTS = 0x06,
    ATTRIBUTE_SIZE = 12,
};

static const struct {
    uint8_t id;
    uint16_t flags;
    uint8_t value, raw, threshold;
} attributes[] = {
    { 1, 0x03, 100, 0, 6 },    /* raw read errors */
    { 3, 0x03, 100, 16, 0 },   /* spin-up time */
    { 4, 0x02, 100, 100, 20 }, /* starts and stops */
    { 5, 0x03, 100, 0, 36 },   /* reallocated sectors */
    { 9, 0x03, 100, 1, 0 },    /* hours of operation */
    { 12, 0x03, 100, 0, 0 },   /* power cycles */
};

static void smart_reply(IdeDrive *drive)
{
    uint8_t sum = 0;

    for (unsigned i = 0; i < IDE_SECTOR - 1; i++) {
        sum += drive->data[i];
    }
    drive->data[IDE_SECTOR - 1] = (uint8_t)-sum;
    drive_reply(drive, IDE_SECTOR);
}

static void smart_read_data(IdeDrive *drive)
{
    uint8_t *data = drive->data;

    memset(data, 0, IDE_SECTOR);
    data[0] = 1; /* revision */
    for (size_t i = 0; i < G_N_ELEMENTS(attributes); i++) {
        uint8_t *entry = data + 2 + ATTRIBUTE_SIZE * i;

        entry[0] = attributes[i].id;
        entry[1] = (uint8_t)attributes[i].flags;
        entry[3] = attributes[i].value;
        entry[4] = attributes[i].value; /* the worst so far */
        entry[5] = attributes[i].raw;
    }
    data[362] = 0x02;                /* off-line data collection completed */
    data[364] = 0x20;                /* seconds it takes */
    data[367] = 1 << 4 | 1 << 3 | 1; /* self-test, surface scan, immediate */
    data[368] = 0x03;                /* saves before power saving, autosave */
    data[370] = 0x01;                /* error logging */
    data[372] = 2;                   /* minutes of a short test */
    data[373] = 54;                  /* of an extended one */
    smart_reply(drive);
}

static void smart_read_thresholds(IdeDrive *drive)
{
    memset(drive->data, 0, IDE_SECTOR);
    drive->data[0] = 1;
    for (size_t i = 0; i < G_N_ELEMENTS(attributes); i++) {
        drive->data[2 + ATTRIBUTE_SIZE * i] = attributes[i].id;
        drive->data[3 + ATTRIBUTE_SIZE * i] = attributes[i].threshold;
    }
    smart_reply(drive);
}

static void smart_read_log(IdeDrive *drive)
{
    memset(drive->data, 0, IDE_SECTOR);
    switch (drive->lba[0]) {
    case LOG_DIRECTORY:
        drive->data[0] = 1;
        drive->data[2 * LOG_ERRORS] = 1;
        drive->data[2 * LOG_SELF_TESTS] = 1;
        drive_reply(drive, IDE_SECTOR);
        break;
    case LOG_ERRORS:
    case LOG_SELF_TESTS:
        drive->data[0] = 1; /* version */
        smart_reply(drive);
        break;
    default:
        drive_abort(drive);
        break;
    }
}

void ata_smart(IdeDrive *drive)
{
    if (drive->lba[1] != SMART_KEY_MID || drive->lba[2] != SMART_KEY_HIGH ||
        (!drive->smart && drive->features != SMART_ENABLE)) {
        drive_abort(drive);
        return;
    }
    switch (drive->features) {
    case SMART_READ_DATA:
        smart_read_data(drive);
        break;
    case SMART_READ_THRESHOLDS:
        smart_read_thresholds(drive);
        break;
    case SMART_READ_LOG:
        smart_read_log(drive);
        break;
    case SMART_AUTOSAVE:
        drive->smart_autosave = drive->count == AUTOSAVE_ON;
        drive_done(drive);
        break;
    case SMART_ENABLE:
    case SMART_DISABLE:
        drive->smart = drive->features == SMART_ENABLE;
        drive_done(drive);
        break;
    case SMART_STATUS: /* the key is kept: no threshold is exceeded */
    case SMART_SAVE_VALUES:
    case SMART_EXECUTE:
        drive_done(drive);
        break;
    default:
        drive_abort(drive);
        break;
    }
}
