/* SPDX-License-Identifier: GPL-2.0-or-later */
/* drive.c - what disks and CD-ROM drives share: ends of commands, data blocks, requests to the
 * medium, reset and signature. */
#include "hw/ide/ide_int.h"

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
    ide_channel_update_irq(drive->channel);
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
    if (bm_running(drive->channel)) {
        ide_transfers[transfer].dma(drive);
    } else {
        drive->dma_waiting = true;
    }
}

/* ---- The medium ---- */

static void drive_block_done(void *opaque, int error)
{
    IdeDrive *drive = opaque;

    drive->busy = false;
    if (!drive->cancelled) {
        drive->done(drive, error);
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
    drive->write_cache = true;
    drive->look_ahead = true;
    drive->smart = true;
    drive->smart_autosave = true;
}

void drive_reset(IdeDrive *drive, bool hard)
{
    drive_cancel(drive);
    drive->features = 0;
    drive->command = 0;
    drive->device = 0;
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
    ide_channel_update_irq(drive->channel);
    ata_execute(drive);
}
