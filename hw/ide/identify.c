/* SPDX-License-Identifier: GPL-2.0-or-later */
/* identify.c - IDENTIFY DEVICE (ATA/ATAPI-6, 8.15; TRIM after ACS-2), and the disk's geometry. */
#include "hw/ide/ide_int.h"

#include <string.h>

enum { /* general geometry: what a disk without a partition table has */
       DEFAULT_HEADS = 16,
       DEFAULT_TRACK_SECTORS = 63,
       CYLINDERS_MIN = 2,
       CYLINDERS_MAX = 16383,
       HEADS_MAX = 16,
       PROGRAM_CYLINDERS = 1024,
       LARGE_TRACKS = 131072, /* that the translation "large" can show */
};
enum { PARTITION_TABLE = 0x1be, PARTITIONS = 4, PARTITION_SIZE = 16, BOOT_SIGNATURE = 0x1fe };

void ide_put_word(uint8_t *words, unsigned index, unsigned value)
{
    words[2 * index] = (uint8_t)value;
    words[2 * index + 1] = (uint8_t)(value >> 8);
}

/* Padded with blanks; the first character of a pair is the upper byte. */
void ide_put_string(uint8_t *words, unsigned first, unsigned last, const char *text)
{
    for (unsigned i = 2 * first; i < 2 * (last + 1); i++) {
        words[i ^ 1] = *text != '\0' ? (uint8_t)*text++ : ' ';
    }
}

/* ---- Geometry ---- */

static uint32_t le32_at(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* Programs know 1024 cylinders, unless the BIOS translates. */
static IdeTranslation translation_guess(const IdeDrive *drive)
{
    return drive->cylinders <= PROGRAM_CYLINDERS ? IDE_TRANSLATION_NONE : IDE_TRANSLATION_LBA;
}

/* A partition ends on a cylinder's end, so its last head and sector tell what the disk was
 * partitioned with: its own geometry, or, with more heads than a drive can have, what a BIOS made
 * of it. 0: there is no such partition. */
static unsigned partition_heads(IdeDrive *drive, const uint8_t *sector)
{
    if (sector[BOOT_SIGNATURE] != 0x55 || sector[BOOT_SIGNATURE + 1] != 0xaa) {
        return 0;
    }
    for (unsigned i = 0; i < PARTITIONS; i++) {
        const uint8_t *entry = sector + PARTITION_TABLE + PARTITION_SIZE * i;
        unsigned heads = entry[5] + 1u, track_sectors = entry[6] & 63;
        uint64_t cylinders;

        if (le32_at(entry + 12) == 0 || heads == 1 || track_sectors == 0) {
            continue;
        }
        cylinders = drive->sectors / (heads * track_sectors);
        if (cylinders < 1 || cylinders > CYLINDERS_MAX) {
            continue;
        }
        if (heads <= HEADS_MAX) {
            drive->heads = (uint16_t)heads;
            drive->track_sectors = (uint16_t)track_sectors;
            drive->cylinders = (uint16_t)cylinders;
        }
        return heads;
    }
    return 0;
}

static void geometry_read(void *opaque, int error)
{
    IdeDrive *drive = opaque;
    uint64_t cylinders = drive->sectors / (DEFAULT_HEADS * DEFAULT_TRACK_SECTORS);
    unsigned heads = error == 0 ? partition_heads(drive, drive->data) : 0;
    IdeTranslation guess = IDE_TRANSLATION_NONE;

    if (heads == 0 || heads > HEADS_MAX) {
        drive->heads = DEFAULT_HEADS;
        drive->track_sectors = DEFAULT_TRACK_SECTORS;
        drive->cylinders = (uint16_t)CLAMP(cylinders, CYLINDERS_MIN, CYLINDERS_MAX);
        guess = translation_guess(drive);
    }
    if (heads > HEADS_MAX) {
        guess = drive->cylinders * drive->heads <= LARGE_TRACKS ? IDE_TRANSLATION_LARGE
                                                                : IDE_TRANSLATION_LBA;
    }
    if (drive->translation == IDE_TRANSLATION_AUTO) {
        drive->translation = guess;
    }
}

void ide_geometry(IdeDrive *drive)
{
    if (drive->cylinders == 0) {
        drive->iov = (struct iovec){ .iov_base = drive->data, .iov_len = IDE_SECTOR };
        block_read(drive->block, 0, &drive->iov, 1, geometry_read, drive);
        block_drain(drive->block);
    } else if (drive->translation == IDE_TRANSLATION_AUTO) {
        drive->translation = translation_guess(drive);
    }
}

bool ide_drive_geometry(const IdeDrive *drive, IdeGeometry *geometry)
{
    *geometry = (IdeGeometry){ drive->cylinders, drive->heads, drive->track_sectors,
                               drive->translation };
    return drive->kind == IDE_DISK;
}

/* ---- IDENTIFY DEVICE ---- */

static void identify_geometry(const IdeDrive *drive, uint8_t *words)
{
    unsigned heads = drive->current_heads, track_sectors = drive->current_track_sectors;
    uint64_t cylinders = MIN(drive->sectors / (heads * track_sectors), 65535u);
    uint64_t capacity = cylinders * heads * track_sectors;

    ide_put_word(words, 1, drive->cylinders);
    ide_put_word(words, 3, drive->heads);
    ide_put_word(words, 6, drive->track_sectors);
    if (heads == drive->heads && track_sectors == drive->track_sectors) {
        cylinders = drive->cylinders;
        capacity = cylinders * heads * track_sectors;
    }
    ide_put_word(words, 54, (unsigned)cylinders);
    ide_put_word(words, 55, heads);
    ide_put_word(words, 56, track_sectors);
    ide_put_word(words, 57, (unsigned)capacity);
    ide_put_word(words, 58, (unsigned)(capacity >> 16));
}

static void identify_capacity(const IdeDrive *drive, uint8_t *words)
{
    uint32_t lba28 = (uint32_t)MIN(drive->sectors, 0x0fffffffu);

    ide_put_word(words, 60, lba28);
    ide_put_word(words, 61, lba28 >> 16);
    for (unsigned i = 0; i < 4; i++) {
        ide_put_word(words, 100 + i, (unsigned)(drive->sectors >> (16 * i)));
    }
}

static void identify_features(const IdeDrive *drive, uint8_t *words)
{
    enum { SMART = 1, POWER = 1 << 3, CACHE = 1 << 5, AHEAD = 1 << 6 };
    enum { BUFFERS = 1 << 12 | 1 << 13, NOP = 1 << 14 };
    enum { LBA48 = 1 << 10, FLUSH = 1 << 12, FLUSH_EXT = 1 << 13, VALID = 1 << 14 };
    enum { LOGS = 1 << 5, WWN = 1 << 8 };
    unsigned more = VALID | (drive->sata ? LOGS : 0) | (drive->wwn != 0 ? WWN : 0);

    ide_put_word(words, 82, SMART | POWER | CACHE | AHEAD | BUFFERS | NOP);
    ide_put_word(words, 83, LBA48 | FLUSH | FLUSH_EXT | VALID);
    ide_put_word(words, 84, more);
    ide_put_word(words, 85,
                 (drive->smart ? SMART : 0) | POWER | (drive->write_cache ? CACHE : 0) |
                     (drive->look_ahead ? AHEAD : 0) | BUFFERS | NOP);
    ide_put_word(words, 86, LBA48 | FLUSH | FLUSH_EXT);
    ide_put_word(words, 87, more);
}

void identify_names(const IdeDrive *drive, uint8_t *words)
{
    ide_put_string(words, 10, 19, drive->serial);
    ide_put_string(words, 23, 26, drive->firmware);
    ide_put_string(words, 27, 46, drive->model);
}

/* A serial link (Serial ATA 2.6, 13.2.1) has its words, a parallel one the result of the reset. */
void identify_link(const IdeDrive *drive, uint8_t *words)
{
    enum { GEN1 = 1 << 1, QUEUES = 1 << 8 };

    if (!drive->sata) {
        ide_put_word(words, 93, drive->index == 0 ? 0x600b : 0x6b00);
        return;
    }
    if (drive->kind == IDE_DISK) {
        ide_put_word(words, 75, IDE_QUEUE - 1);
    }
    ide_put_word(words, 76, GEN1 | (drive->kind == IDE_DISK ? QUEUES : 0));
}

/* Bits 7 to 0 of a checksum word make all bytes add up to zero. */
static void identify_checksum(uint8_t *words)
{
    uint8_t sum = 0;

    words[510] = 0xa5;
    for (unsigned i = 0; i < 511; i++) {
        sum += words[i];
    }
    words[511] = (uint8_t)-sum;
}

void ata_identify(IdeDrive *drive)
{
    uint8_t *words = drive->data;

    memset(words, 0, IDE_SECTOR);
    ide_put_word(words, 0, 0x0040); /* fixed disk */
    identify_geometry(drive, words);
    ide_put_word(words, 4, IDE_SECTOR * drive->track_sectors);
    ide_put_word(words, 5, IDE_SECTOR);
    identify_names(drive, words);
    ide_put_word(words, 20, 3);   /* dual ported buffer with read caching */
    ide_put_word(words, 21, 512); /* its sectors */
    ide_put_word(words, 22, 4);
    ide_put_word(words, 47, 0x8000 | IDE_MULTIPLE_MAX);
    ide_put_word(words, 48, 1);                          /* double words at the data register */
    ide_put_word(words, 49, 1 << 13 | 1 << 11 | 3 << 8); /* standby timer, IORDY, LBA, DMA */
    ide_put_word(words, 50, 1 << 14);
    ide_put_word(words, 51, 2 << 8);
    ide_put_word(words, 52, 2 << 8);
    ide_put_word(words, 53, 7); /* 54 to 58, 64 to 70 and 88 are valid */
    ide_put_word(words, 59, drive->multiple != 0 ? 0x100u | drive->multiple : 0);
    identify_capacity(drive, words);
    ide_put_word(words, 63, 0x07u | (unsigned)drive->mdma_mode << 8);
    ide_put_word(words, 64, 3); /* PIO 3 and 4 */
    for (unsigned i = 65; i <= 68; i++) {
        ide_put_word(words, i, 120); /* ns */
    }
    ide_put_word(words, 80, 0x00f0); /* ATA/ATAPI-4 to 7 */
    ide_put_word(words, 81, 0x0022); /* ATA/ATAPI-6 as published */
    identify_features(drive, words);
    ide_put_word(words, 88, 0x3fu | (unsigned)drive->udma_mode << 8);
    identify_link(drive, words);
    ide_put_word(words, 105, IDE_TRIM_SECTORS);
    ide_put_word(words, 106,
                 1 << 14 | (drive->physical_shift != 0 ? 1 << 13 : 0) | drive->physical_shift);
    for (unsigned i = 0; i < 4; i++) {
        ide_put_word(words, 108 + i, (unsigned)(drive->wwn >> (16 * (3 - i))));
    }
    ide_put_word(words, 169, 1); /* TRIM */
    ide_put_word(words, 217, drive->rotation_rate);
    identify_checksum(words);
    drive_reply(drive, IDE_SECTOR);
}
