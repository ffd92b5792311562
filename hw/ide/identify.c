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

/* A partition ends on a cylinder's end, so its last head and sector tell what the disk was
 * partitioned with. More heads than a drive can have are a BIOS's translation, not the disk's. */
static bool geometry_of_partitions(IdeDrive *drive, const uint8_t *sector)
{
    if (sector[BOOT_SIGNATURE] != 0x55 || sector[BOOT_SIGNATURE + 1] != 0xaa) {
        return false;
    }
    for (unsigned i = 0; i < PARTITIONS; i++) {
        const uint8_t *entry = sector + PARTITION_TABLE + PARTITION_SIZE * i;
        unsigned end_head = entry[5], track_sectors = entry[6] & 63;
        uint64_t cylinders;

        if (le32_at(entry + 12) == 0 || end_head == 0 || track_sectors == 0) {
            continue;
        }
        cylinders = drive->sectors / ((end_head + 1) * track_sectors);
        if (cylinders < 1 || cylinders > CYLINDERS_MAX) {
            continue;
        }
        if (end_head + 1 > HEADS_MAX) {
            return false;
        }
        drive->heads = (uint16_t)(end_head + 1);
        drive->track_sectors = (uint16_t)track_sectors;
        drive->cylinders = (uint16_t)cylinders;
        return true;
    }
    return false;
}

static void geometry_read(void *opaque, int error)
{
    IdeDrive *drive = opaque;
    uint64_t cylinders = drive->sectors / (DEFAULT_HEADS * DEFAULT_TRACK_SECTORS);

    if (error == 0 && geometry_of_partitions(drive, drive->data)) {
        return;
    }
    drive->heads = DEFAULT_HEADS;
    drive->track_sectors = DEFAULT_TRACK_SECTORS;
    drive->cylinders = (uint16_t)CLAMP(cylinders, CYLINDERS_MIN, CYLINDERS_MAX);
}

void ide_geometry(IdeDrive *drive)
{
    drive->iov = (struct iovec){ .iov_base = drive->data, .iov_len = IDE_SECTOR };
    block_read(drive->block, 0, &drive->iov, 1, geometry_read, drive);
    block_drain(drive->block);
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

    ide_put_word(words, 82, SMART | POWER | CACHE | AHEAD | BUFFERS | NOP);
    ide_put_word(words, 83, LBA48 | FLUSH | FLUSH_EXT | VALID);
    ide_put_word(words, 84, VALID);
    ide_put_word(words, 85,
                 (drive->smart ? SMART : 0) | POWER | (drive->write_cache ? CACHE : 0) |
                     (drive->look_ahead ? AHEAD : 0) | BUFFERS | NOP);
    ide_put_word(words, 86, LBA48 | FLUSH | FLUSH_EXT);
    ide_put_word(words, 87, VALID);
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
    unsigned number = 2 * drive->channel->index + drive->index + 1;
    const char *own = drive->block != NULL ? block_serial(drive->block) : NULL;
    char serial[sizeof("DP00001")];
    uint8_t *words = drive->data;

    memset(words, 0, IDE_SECTOR);
    g_snprintf(serial, sizeof(serial), "DP%05u", number);
    ide_put_word(words, 0, 0x0040); /* fixed disk */
    identify_geometry(drive, words);
    ide_put_word(words, 4, IDE_SECTOR * drive->track_sectors);
    ide_put_word(words, 5, IDE_SECTOR);
    ide_put_string(words, 10, 19, own != NULL ? own : serial);
    ide_put_word(words, 20, 3);   /* dual ported buffer with read caching */
    ide_put_word(words, 21, 512); /* its sectors */
    ide_put_word(words, 22, 4);
    ide_put_string(words, 23, 26, "1.0");
    ide_put_string(words, 27, 46, "DOPPEL HARDDISK");
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
    ide_put_word(words, 93, drive->index == 0 ? 0x600b : 0x6b00);
    ide_put_word(words, 105, IDE_TRIM_SECTORS);
    ide_put_word(words, 106, 1 << 14);
    ide_put_word(words, 169, 1); /* TRIM */
    identify_checksum(words);
    drive_reply(drive, IDE_SECTOR);
}
