/* SPDX-License-Identifier: GPL-2.0-or-later */
/* drive.c - what disks and CD-ROM drives share: ends of commands, data blocks, requests to the
 * medium, reset and signature. */
#include "hw/ide/ide_int.h"

#include <string.h>

const IdeTransferRow ide_transfers[TRANSFER_COUNT] = {
    [TRANSFER_REPLY] = { .to_host = true, .block_end = drive_done_silent },
    [TRANSFER_READ] = { .to_host = true, .block_end = ata_read_block_end },
    [TRANSFER_WRITE] = { .from_host = true, .block_end = ata_write_block_end },
    [TRANSFER_BUFFER] = { .from_host = true, .block_end = drive_done },
    [TRANSFER_DMA_READ] = { .dma = ata_dma_read },
    [TRANSFER_DMA_WRITE] = { .dma = ata_dma_write },
    [TRANSFER_DMA_TRIM] = { .dma = ata_dma_trim },
    [TRANSFER_PACKET] = { .from_host = true, .block_end = atapi_packet_end },
    [TRANSFER_PACKET_IN] = { .to_host = true, .block_end = atapi_block_end },
    [TRANSFER_DMA_PACKET] = { .dma = atapi_dma },
};

/* ---- Ends of commands ---- */

void drive_raise_irq(IdeDrive *drive)
{
    drive->irq = true;
    drive->hba->irq(drive);
}

void drive_done_silent(IdeDrive *drive)
{
    drive->transfer = TRANSFER_NONE;
    drive->status = ATA_READY;
}

void drive_done(IdeDrive *drive)
{
    drive_done_silent(drive);
    drive_raise_irq(drive);
}

void drive_fail(IdeDrive *drive, uint8_t error)
{
    drive->transfer = TRANSFER_NONE;
    drive->dma_waiting = false;
    drive->error = error;
    drive->status = ATA_READY | ATA_ERR;
    drive_raise_irq(drive);
}

void drive_fault(IdeDrive *drive, uint8_t error)
{
    drive_fail(drive, error);
    drive->status |= ATA_DF;
}

void drive_abort(IdeDrive *drive)
{
    drive_fail(drive, ATA_ABRT);
}

/* ---- Data ---- */

void drive_block(IdeDrive *drive, IdeTransfer transfer, uint32_t from, uint32_t to)
{
    g_assert(from < to && to <= IDE_DATA_SIZE);
    drive->transfer = transfer;
    drive->data_pos = from;
    drive->data_end = to;
    drive->status = ATA_READY | ATA_DRQ;
}

void drive_reply(IdeDrive *drive, uint32_t size)
{
    drive_block(drive, TRANSFER_REPLY, 0, size);
    drive_raise_irq(drive);
}

void drive_wait_dma(IdeDrive *drive, IdeTransfer transfer)
{
    drive->transfer = transfer;
    drive->status = ATA_READY | ATA_DRQ;
    if (drive->hba->dma_ready(drive)) {
        ide_transfers[transfer].dma(drive);
    } else {
        drive->dma_waiting = true;
    }
}

uint32_t drive_to_memory(IdeDrive *drive, const void *data, uint32_t size)
{
    return drive->hba->to_memory(drive, data, size);
}

uint32_t drive_from_memory(IdeDrive *drive, void *data, uint32_t size)
{
    return drive->hba->from_memory(drive, data, size);
}

void drive_dma_end(IdeDrive *drive)
{
    drive->hba->dma_end(drive);
}

void drive_dma_short(IdeDrive *drive)
{
    drive->hba->dma_short(drive);
}

/* ---- The medium ---- */

static void drive_block_done(void *opaque, int error)
{
    IdeDrive *drive = opaque;

    drive->busy = false;
    if (!drive->cancelled) {
        drive->done(drive, error);
        if (drive->hba->step != NULL) {
            drive->hba->step(drive);
        }
    }
}

static void drive_start(IdeDrive *drive, void *data, uint32_t size, IdeDone *done)
{
    g_assert(!drive->busy);
    drive->busy = true;
    drive->status = ATA_BSY | ATA_READY;
    drive->done = done;
    drive->iov = (struct iovec){ .iov_base = data, .iov_len = size };
}

void drive_read(IdeDrive *drive, uint64_t offset, void *data, uint32_t size, IdeDone *done)
{
    drive_start(drive, data, size, done);
    block_read(drive->block, offset, &drive->iov, 1, drive_block_done, drive);
}

void drive_write(IdeDrive *drive, uint64_t offset, void *data, uint32_t size, IdeDone *done)
{
    drive_start(drive, data, size, done);
    block_write(drive->block, offset, &drive->iov, 1, drive_block_done, drive);
}

void drive_flush(IdeDrive *drive, IdeDone *done)
{
    drive_start(drive, NULL, 0, done);
    block_flush(drive->block, drive_block_done, drive);
}

void drive_discard(IdeDrive *drive, uint64_t offset, uint64_t size, IdeDone *done)
{
    drive_start(drive, NULL, 0, done);
    block_discard(drive->block, offset, size, drive_block_done, drive);
}

uint8_t *drive_bounce(IdeDrive *drive)
{
    if (drive->bounce == NULL) {
        drive->bounce = g_malloc(IDE_DMA_SIZE);
    }
    return drive->bounce;
}

void drive_cancel(IdeDrive *drive)
{
    if (drive->busy) {
        drive->cancelled = true;
        block_drain(drive->block);
        drive->cancelled = false;
    }
    drive->transfer = TRANSFER_NONE;
    drive->dma_waiting = false;
}

/* ---- Reset ---- */

void drive_signature(IdeDrive *drive)
{
    bool cdrom = drive->kind == IDE_CDROM;

    drive->device = DEVICE_FIXED | (drive->device & DEVICE_DEV);
    drive->count = 1;
    drive->lba[0] = 1;
    drive->lba[1] = cdrom ? 0x14 : 0;
    drive->lba[2] = cdrom ? 0xeb : 0;
    drive->hob_features = drive->hob_count = 0;
    drive->hob_lba[0] = drive->hob_lba[1] = drive->hob_lba[2] = 0;
}

void drive_diagnose(IdeDrive *drive)
{
    drive_signature(drive);
    drive->error = ATA_PASSED;
    /* An ATAPI drive does not show DRDY, so that old drivers do not take it for a disk. */
    drive->status = drive->kind == IDE_CDROM ? 0 : ATA_READY;
    drive->irq = false;
}

static void drive_default_settings(IdeDrive *drive)
{
    drive->current_heads = drive->heads;
    drive->current_track_sectors = drive->track_sectors;
    drive->multiple = IDE_MULTIPLE_MAX;
    drive->mdma_mode = 0;
    drive->udma_mode = 1 << 5;
    drive->write_cache = !drive->write_through;
    drive->look_ahead = true;
    drive->smart = true;
    drive->smart_autosave = true;
}

void drive_reset(IdeDrive *drive, bool hard)
{
    drive_cancel(drive);
    drive->features = 0;
    drive->command = 0;
    drive->device = drive->index == 1 ? DEVICE_DEV : 0;
    if (hard) {
        drive_default_settings(drive);
    }
    if (drive->kind == IDE_CDROM) {
        atapi_reset(drive);
    }
    drive_diagnose(drive);
    if (drive->kind == IDE_ABSENT) {
        drive->status = 0;
    }
}

void drive_execute(IdeDrive *drive, uint8_t command)
{
    drive->command = command;
    drive->error = 0;
    drive->irq = false;
    drive->hba->irq(drive);
    ata_execute(drive);
}

/* ---- Plugging ---- */

void drive_init(IdeDrive *drive, const IdeHba *hba, void *hba_opaque, unsigned index, bool sata)
{
    drive->hba = hba;
    drive->hba_opaque = hba_opaque;
    drive->index = index;
    drive->sata = sata;
}

void drive_release(IdeDrive *drive)
{
    drive_cancel(drive);
    g_clear_pointer(&drive->bounce, g_free);
}

static void drive_names(IdeDrive *drive, const IdeDriveConfig *config)
{
    const char *model = config->kind == IDE_DISK ? "DOPPEL HARDDISK" : "DOPPEL DVD-ROM";
    const char *firmware = config->firmware != NULL ? config->firmware : "1.0";

    if (config->serial != NULL) {
        g_strlcpy(drive->serial, config->serial, sizeof(drive->serial));
    } else {
        g_snprintf(drive->serial, sizeof(drive->serial), "DP%05u", config->number);
    }
    g_strlcpy(drive->model, config->model != NULL ? config->model : model, sizeof(drive->model));
    g_strlcpy(drive->firmware, firmware, sizeof(drive->firmware));
}

void ide_drive_plug(IdeDrive *drive, const IdeDriveConfig *config)
{
    uint32_t physical = MAX(config->physical_block, IDE_SECTOR);

    g_assert(drive->kind == IDE_ABSENT && config->kind != IDE_ABSENT);
    g_assert(config->kind == IDE_CDROM || config->node != NULL);
    drive->kind = config->kind;
    drive->block = config->node;
    drive->sectors = config->node != NULL ? block_size(config->node) / IDE_SECTOR : 0;
    drive_names(drive, config);
    drive->wwn = config->wwn;
    drive->rotation_rate = config->rotation_rate;
    drive->physical_shift = (uint8_t)__builtin_ctz(physical / IDE_SECTOR);
    drive->write_through = config->write_through;
    drive->cylinders = config->cylinders;
    drive->heads = config->heads;
    drive->track_sectors = config->track_sectors;
    drive->translation = config->translation;
    if (drive->kind == IDE_DISK) {
        ide_geometry(drive);
    }
    drive_reset(drive, true);
    if (drive->hba->plugged != NULL) {
        drive->hba->plugged(drive);
    }
}

void ide_drive_unplug(IdeDrive *drive)
{
    if (drive->hba->leaving != NULL) {
        drive->hba->leaving(drive);
    }
    drive_cancel(drive);
    drive->kind = IDE_ABSENT;
    drive->block = NULL;
    drive->sectors = 0;
    drive->cd = (IdeCd){ 0 };
    drive_reset(drive, true);
    if (drive->hba->plugged != NULL) {
        drive->hba->plugged(drive);
    }
}
