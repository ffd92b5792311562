/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ata_rw.c - sectors: addresses, reads and writes by PIO and DMA, flush, trim.
 *
 * A range that is not wholly on the disk fails before anything is moved, with IDNF and the first
 * address that does not exist. Reads by PIO take a buffer full from the medium at a time, writes a
 * data block, so that an error comes with the block that it belongs to. */
#include "hw/ide/ide_int.h"

#include <string.h>

enum { DATA_SECTORS = IDE_DATA_SIZE / IDE_SECTOR, DMA_SECTORS = IDE_DMA_SIZE / IDE_SECTOR };
enum { TRIM_ENTRY = 8, DATA_SET_TRIM = 0x01 };

#define LBA28_COUNT (1u << 28)

static bool command_ext(const IdeDrive *drive)
{
    return (ata_command_flags(drive) & CMD_EXT) != 0;
}

/* ---- Addresses ---- */

/* UINT64_MAX: a cylinder, head and sector that there is not. */
static uint64_t address_get(const IdeDrive *drive)
{
    const uint8_t *lba = drive->lba, *hob = drive->hob_lba;
    uint32_t low = lba[0] | (uint32_t)lba[1] << 8 | (uint32_t)lba[2] << 16;
    unsigned head = drive->device & DEVICE_HEAD;

    if (command_ext(drive)) {
        return low | (uint64_t)hob[0] << 24 | (uint64_t)hob[1] << 32 | (uint64_t)hob[2] << 40;
    }
    if ((drive->device & DEVICE_LBA) != 0) {
        return low | (uint32_t)head << 24;
    }
    if (lba[0] == 0 || lba[0] > drive->current_track_sectors || head >= drive->current_heads) {
        return UINT64_MAX;
    }
    return ((uint64_t)(lba[1] | lba[2] << 8) * drive->current_heads + head) *
               drive->current_track_sectors +
           lba[0] - 1;
}

static void address_set(IdeDrive *drive, uint64_t address)
{
    bool ext = command_ext(drive);

    if (!ext && (drive->device & DEVICE_LBA) == 0) {
        uint64_t track = address / drive->current_track_sectors;
        uint64_t cylinder = track / drive->current_heads;

        drive->lba[0] = (uint8_t)(address % drive->current_track_sectors + 1);
        drive->lba[1] = (uint8_t)cylinder;
        drive->lba[2] = (uint8_t)(cylinder >> 8);
        drive->device &= (uint8_t)~DEVICE_HEAD;
        drive->device |= track % drive->current_heads;
        return;
    }
    for (unsigned i = 0; i < 3; i++) {
        drive->lba[i] = (uint8_t)(address >> (8 * i));
        if (ext) {
            drive->hob_lba[i] = (uint8_t)(address >> (24 + 8 * i));
        }
    }
    if (!ext) {
        drive->device &= (uint8_t)~DEVICE_HEAD;
        drive->device |= address >> 24 & DEVICE_HEAD;
    }
}

static uint32_t count_get(const IdeDrive *drive)
{
    uint32_t count = drive->count;

    if (command_ext(drive)) {
        count |= (uint32_t)drive->hob_count << 8;
        return count != 0 ? count : 65536;
    }
    return count != 0 ? count : 256;
}

static void count_set(IdeDrive *drive, uint32_t count)
{
    drive->count = (uint8_t)count;
    if (command_ext(drive)) {
        drive->hob_count = (uint8_t)(count >> 8);
    }
}

/* Takes the range of the command into `next` and `left`; false: there is no such range. */
static bool range_take(IdeDrive *drive)
{
    uint64_t limit = command_ext(drive) ? drive->sectors : MIN(drive->sectors, LBA28_COUNT);

    drive->next = address_get(drive);
    drive->left = count_get(drive);
    if (drive->next < limit && drive->left <= limit - drive->next) {
        return true;
    }
    if (drive->next < limit) {
        address_set(drive, limit);
    }
    drive_fail(drive, ATA_IDNF);
    return false;
}

/* The registers follow: the last sector that was moved, and how many are still to come. */
static void range_report(IdeDrive *drive, uint64_t last, uint32_t left)
{
    address_set(drive, last);
    count_set(drive, left);
}

static void range_advance(IdeDrive *drive, uint32_t sectors)
{
    drive->next += sectors;
    drive->left -= sectors;
}

static uint32_t block_sectors(const IdeDrive *drive)
{
    return (ata_command_flags(drive) & CMD_MULTIPLE) != 0 ? drive->multiple : 1;
}

static bool multiple_refused(IdeDrive *drive)
{
    if (block_sectors(drive) != 0) {
        return false;
    }
    drive_abort(drive);
    return true;
}

/* The medium failed somewhere in the request that begins at `next`. */
static void medium_failed(IdeDrive *drive, uint8_t error)
{
    range_report(drive, drive->next, drive->left);
    if (error == ATA_UNC) {
        drive_fail(drive, error);
    } else {
        drive_fault(drive, error);
    }
}

/* ---- PIO ---- */

static void read_show_block(IdeDrive *drive)
{
    uint32_t size = MIN(block_sectors(drive) * IDE_SECTOR, drive->data_filled - drive->data_end);

    drive_block(drive, TRANSFER_READ, drive->data_end, drive->data_end + size);
    drive_raise_irq(drive);
}

static void read_filled(IdeDrive *drive, int error)
{
    if (error != 0) {
        medium_failed(drive, ATA_UNC);
        return;
    }
    range_advance(drive, drive->data_filled / IDE_SECTOR);
    drive->data_end = 0;
    read_show_block(drive);
}

static void read_fill(IdeDrive *drive)
{
    uint32_t sectors = MIN(drive->left, DATA_SECTORS);

    drive->data_filled = sectors * IDE_SECTOR;
    drive_read(drive, drive->next * IDE_SECTOR, drive->data, drive->data_filled, read_filled);
}

void ata_read_pio(IdeDrive *drive)
{
    if (!multiple_refused(drive) && range_take(drive)) {
        drive->transfer = TRANSFER_READ;
        read_fill(drive);
    }
}

void ata_read_block_end(IdeDrive *drive)
{
    uint32_t unread = (drive->data_filled - drive->data_end) / IDE_SECTOR;

    range_report(drive, drive->next - unread - 1, drive->left + unread);
    if (unread != 0) {
        read_show_block(drive);
    } else if (drive->left != 0) {
        read_fill(drive);
    } else {
        drive_done_silent(drive);
    }
}

static void write_want_block(IdeDrive *drive)
{
    uint32_t sectors = MIN(block_sectors(drive), drive->left);

    drive_block(drive, TRANSFER_WRITE, 0, sectors * IDE_SECTOR);
}

void ata_write_pio(IdeDrive *drive)
{
    if (!multiple_refused(drive) && range_take(drive)) {
        write_want_block(drive); /* no interrupt before the first block */
    }
}

static void write_through_done(IdeDrive *drive, int error)
{
    if (error != 0) {
        drive_fault(drive, ATA_ABRT);
    } else {
        drive_done(drive);
    }
}

/* All is written; without a write cache that means: to stable storage. */
static void write_done(IdeDrive *drive)
{
    if (drive->write_cache) {
        drive_done(drive);
    } else {
        drive_flush(drive, write_through_done);
    }
}

static void write_block_written(IdeDrive *drive, int error)
{
    uint32_t sectors = drive->data_end / IDE_SECTOR;

    if (error != 0) {
        medium_failed(drive, ATA_ABRT);
        return;
    }
    range_advance(drive, sectors);
    range_report(drive, drive->next - 1, drive->left);
    if (drive->left == 0) {
        write_done(drive);
        return;
    }
    write_want_block(drive);
    drive_raise_irq(drive);
}

void ata_write_block_end(IdeDrive *drive)
{
    drive_write(drive, drive->next * IDE_SECTOR, drive->data, drive->data_end, write_block_written);
}

/* ---- DMA ---- */

void ata_read_dma(IdeDrive *drive)
{
    if (range_take(drive)) {
        drive_wait_dma(drive, TRANSFER_DMA_READ);
    }
}

static void dma_read_done(IdeDrive *drive, int error)
{
    uint32_t sectors = (uint32_t)(drive->iov.iov_len / IDE_SECTOR);

    if (error != 0) {
        medium_failed(drive, ATA_UNC);
        return;
    }
    if (drive_to_memory(drive, drive->bounce, sectors * IDE_SECTOR) < sectors * IDE_SECTOR) {
        drive_dma_short(drive);
        return;
    }
    range_advance(drive, sectors);
    range_report(drive, drive->next - 1, drive->left);
    if (drive->left != 0) {
        ata_dma_read(drive);
        return;
    }
    drive_dma_end(drive);
    drive_done(drive);
}

void ata_dma_read(IdeDrive *drive)
{
    uint32_t sectors = MIN(drive->left, DMA_SECTORS);

    drive_read(drive, drive->next * IDE_SECTOR, drive_bounce(drive), sectors * IDE_SECTOR,
               dma_read_done);
}

void ata_write_dma(IdeDrive *drive)
{
    if (range_take(drive)) {
        drive_wait_dma(drive, TRANSFER_DMA_WRITE);
    }
}

static void dma_write_done(IdeDrive *drive, int error)
{
    uint32_t sectors = (uint32_t)(drive->iov.iov_len / IDE_SECTOR);
    bool was_short = sectors < MIN(drive->left, DMA_SECTORS);

    if (error != 0) {
        medium_failed(drive, ATA_ABRT);
        return;
    }
    range_advance(drive, sectors);
    range_report(drive, drive->next - 1, drive->left);
    if (was_short) {
        drive_dma_short(drive);
    } else if (drive->left != 0) {
        ata_dma_write(drive);
    } else {
        drive_dma_end(drive);
        write_done(drive);
    }
}

/* If the table ends early, the whole sectors that it had are written. */
void ata_dma_write(IdeDrive *drive)
{
    uint32_t size = MIN(drive->left, DMA_SECTORS) * IDE_SECTOR;
    uint32_t got = drive_from_memory(drive, drive_bounce(drive), size);

    got -= got % IDE_SECTOR;
    if (got == 0) {
        drive_dma_short(drive);
        return;
    }
    drive_write(drive, drive->next * IDE_SECTOR, drive->bounce, got, dma_write_done);
}

/* ---- Without data ---- */

void ata_verify(IdeDrive *drive)
{
    if (range_take(drive)) {
        range_report(drive, drive->next + drive->left - 1, 0);
        drive_done(drive);
    }
}

void ata_seek(IdeDrive *drive)
{
    if (address_get(drive) >= drive->sectors) {
        drive_fail(drive, ATA_IDNF);
        return;
    }
    drive_done(drive);
}

void ata_native_max(IdeDrive *drive)
{
    uint64_t sectors = drive->sectors;

    if (!command_ext(drive)) {
        sectors = MIN(sectors, LBA28_COUNT);
    }
    drive->device |= DEVICE_LBA;
    address_set(drive, sectors - 1);
    drive_done(drive);
}

static void flush_done(IdeDrive *drive, int error)
{
    if (error != 0) {
        drive_fault(drive, ATA_ABRT);
    } else {
        drive_done(drive);
    }
}

void ata_flush(IdeDrive *drive)
{
    if (drive->block == NULL) {
        drive_done(drive);
    } else {
        drive_flush(drive, flush_done);
    }
}

/* ---- DATA SET MANAGEMENT ---- */

void ata_data_set(IdeDrive *drive)
{
    uint32_t sectors = count_get(drive);

    if ((drive->features & DATA_SET_TRIM) == 0 || sectors > IDE_TRIM_SECTORS) {
        drive_abort(drive);
        return;
    }
    drive->left = sectors;
    drive_wait_dma(drive, TRANSFER_DMA_TRIM);
}

/* Entry n of the list; false: it reaches beyond the disk. */
static bool trim_entry(const IdeDrive *drive, uint32_t n, uint64_t *first, uint32_t *sectors)
{
    const uint8_t *entry = drive->data + TRIM_ENTRY * n;

    *first = 0;
    for (unsigned i = 0; i < 6; i++) {
        *first |= (uint64_t)entry[i] << (8 * i);
    }
    *sectors = (uint32_t)(entry[6] | entry[7] << 8);
    return *sectors == 0 || (*first < drive->sectors && *sectors <= drive->sectors - *first);
}

static void trim_next(IdeDrive *drive, int error)
{
    uint32_t entries = drive->left * IDE_SECTOR / TRIM_ENTRY;
    uint64_t first;
    uint32_t sectors = 0;

    if (error != 0) {
        drive_fault(drive, ATA_ABRT);
        return;
    }
    while (drive->data_pos < entries && sectors == 0) {
        trim_entry(drive, drive->data_pos, &first, &sectors);
        drive->data_pos++;
    }
    if (sectors == 0) {
        drive_dma_end(drive);
        drive_done(drive);
        return;
    }
    drive_discard(drive, first * IDE_SECTOR, (uint64_t)sectors * IDE_SECTOR, trim_next);
}

void ata_dma_trim(IdeDrive *drive)
{
    uint32_t size = drive->left * IDE_SECTOR;
    uint64_t first;
    uint32_t sectors;

    if (drive_from_memory(drive, drive->data, size) < size) {
        drive_dma_short(drive);
        return;
    }
    for (uint32_t i = 0; i < size / TRIM_ENTRY; i++) {
        if (!trim_entry(drive, i, &first, &sectors)) {
            drive_dma_end(drive);
            drive_fail(drive, ATA_IDNF);
            return;
        }
    }
    drive->data_pos = 0; /* counts entries here */
    trim_next(drive, 0);
}
