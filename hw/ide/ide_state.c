/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ide_state.c - snapshots of channels and drives. What is loaded is not trusted. */
#include "hw/ide/channel_int.h"

/* An interrupt that was pending before is no new one for the bus master. */
static void channel_drive_line(IdeChannel *channel)
{
    uint8_t status = channel->bm_status;

    ide_channel_update_irq(channel);
    channel->bm_status = status;
}

void ide_channel_drive_loaded(IdeDrive *drive)
{
    IdeChannel *channel = drive->hba_opaque;

    channel->selected &= 1; /* it may come later */
    channel_drive_line(channel);
}

static void channel_loaded(void *opaque)
{
    IdeChannel *channel = opaque;

    channel->selected &= 1;
    channel_drive_line(channel);
}

/* Positions in `data` and ranges must be what the rest of the code relies on. */
static bool drive_sound(const IdeDrive *drive)
{
    uint64_t sectors = drive->sectors;

    if (drive->transfer >= TRANSFER_COUNT || (drive->status & ATA_BSY) != 0 ||
        drive->data_pos > IDE_DATA_SIZE || drive->data_end > IDE_DATA_SIZE ||
        drive->data_filled > IDE_DATA_SIZE || drive->multiple > IDE_MULTIPLE_MAX) {
        return false;
    }
    if (drive->kind == IDE_DISK &&
        (drive->current_heads == 0 || drive->current_track_sectors == 0)) {
        return false;
    }
    if (drive->kind == IDE_CDROM) {
        sectors /= IDE_CD_SECTOR / IDE_SECTOR;
    }
    if (drive->transfer == TRANSFER_DMA_TRIM) {
        return drive->left <= IDE_TRIM_SECTORS;
    }
    return drive->left == 0 || (drive->next <= sectors && drive->left <= sectors - drive->next);
}

/* The block in the data register, by what it is a part of. */
static bool block_sound(const IdeDrive *drive)
{
    bool sectors = drive->data_end % IDE_SECTOR == 0 && drive->data_filled % IDE_SECTOR == 0;
    bool multiple = (ata_command_flags(drive) & CMD_MULTIPLE) != 0;

    if (drive->data_pos >= drive->data_end || drive->dma_waiting) {
        return false;
    }
    switch ((IdeTransfer)drive->transfer) {
    case TRANSFER_READ:
        return sectors && drive->data_end <= drive->data_filled &&
               (!multiple || drive->multiple != 0);
    case TRANSFER_WRITE:
        return sectors && drive->data_end / IDE_SECTOR <= drive->left &&
               (!multiple || drive->multiple != 0);
    case TRANSFER_PACKET_IN:
        return drive->data_end <= drive->data_filled && drive->cd.limit >= 2;
    default:
        return true;
    }
}

static bool transfer_sound(const IdeDrive *drive)
{
    const IdeTransferRow *row = &ide_transfers[drive->transfer];
    bool packet = drive->transfer >= TRANSFER_PACKET;

    if (drive->transfer == TRANSFER_NONE) {
        return (drive->status & ATA_DRQ) == 0 && !drive->dma_waiting;
    }
    if (packet != (drive->kind == IDE_CDROM) && drive->transfer != TRANSFER_REPLY) {
        return false;
    }
    return row->dma != NULL ? drive->dma_waiting : block_sound(drive);
}

static void drive_loaded(void *opaque)
{
    IdeDrive *drive = opaque;

    if (drive->kind == IDE_ABSENT) {
        drive->transfer = TRANSFER_NONE;
        drive->status = 0;
        drive->irq = drive->dma_waiting = false;
    } else if (!drive_sound(drive) || !transfer_sound(drive)) {
        drive_reset(drive, true);
    }
    if (drive->hba->loaded != NULL) {
        drive->hba->loaded(drive);
    }
}

static const StateField channel_fields[] = {
    STATE_FIELD(STATE_U32, IdeChannel, selected),
    STATE_FIELD(STATE_U8, IdeChannel, control),
    STATE_FIELD(STATE_U8, IdeChannel, bm_command),
    STATE_FIELD(STATE_U8, IdeChannel, bm_status),
    STATE_FIELD(STATE_U32, IdeChannel, bm_table),
    STATE_FIELD(STATE_U32, IdeChannel, prd_next),
    STATE_FIELD(STATE_U32, IdeChannel, prd_base),
    STATE_FIELD(STATE_U32, IdeChannel, prd_left),
    STATE_FIELD(STATE_BOOL, IdeChannel, prd_last),
    STATE_FIELD(STATE_BOOL, IdeChannel, prd_failed),
    { 0 },
};

const StateTable ide_channel_state = {
    .name = "ide-channel",
    .version = 1,
    .fields = channel_fields,
    .loaded = channel_loaded,
};

static const StateField drive_fields[] = {
    STATE_FIELD(STATE_U8, IdeDrive, status),
    STATE_FIELD(STATE_U8, IdeDrive, error),
    STATE_FIELD(STATE_U8, IdeDrive, features),
    STATE_FIELD(STATE_U8, IdeDrive, count),
    STATE_ARRAY(STATE_U8, IdeDrive, lba),
    STATE_FIELD(STATE_U8, IdeDrive, device),
    STATE_FIELD(STATE_U8, IdeDrive, hob_features),
    STATE_FIELD(STATE_U8, IdeDrive, hob_count),
    STATE_ARRAY(STATE_U8, IdeDrive, hob_lba),
    STATE_FIELD(STATE_BOOL, IdeDrive, irq),
    STATE_FIELD(STATE_U16, IdeDrive, current_heads),
    STATE_FIELD(STATE_U16, IdeDrive, current_track_sectors),
    STATE_FIELD(STATE_U8, IdeDrive, multiple),
    STATE_FIELD(STATE_U8, IdeDrive, mdma_mode),
    STATE_FIELD(STATE_U8, IdeDrive, udma_mode),
    STATE_FIELD(STATE_BOOL, IdeDrive, write_cache),
    STATE_FIELD(STATE_BOOL, IdeDrive, look_ahead),
    STATE_FIELD(STATE_BOOL, IdeDrive, smart),
    STATE_FIELD(STATE_BOOL, IdeDrive, smart_autosave),
    STATE_FIELD(STATE_U8, IdeDrive, command),
    STATE_FIELD(STATE_U8, IdeDrive, transfer),
    STATE_FIELD(STATE_BOOL, IdeDrive, dma_waiting),
    STATE_FIELD(STATE_U64, IdeDrive, next),
    STATE_FIELD(STATE_U32, IdeDrive, left),
    STATE_FIELD(STATE_U32, IdeDrive, data_pos),
    STATE_FIELD(STATE_U32, IdeDrive, data_end),
    STATE_FIELD(STATE_U32, IdeDrive, data_filled),
    STATE_ARRAY(STATE_BYTES, IdeDrive, data),
    STATE_ARRAY(STATE_U8, IdeDrive, cd.packet),
    STATE_FIELD(STATE_U8, IdeDrive, cd.sense_key),
    STATE_FIELD(STATE_U8, IdeDrive, cd.asc),
    STATE_FIELD(STATE_U8, IdeDrive, cd.ascq),
    STATE_FIELD(STATE_BOOL, IdeDrive, cd.tray_open),
    STATE_FIELD(STATE_BOOL, IdeDrive, cd.locked),
    STATE_FIELD(STATE_BOOL, IdeDrive, cd.attention),
    STATE_FIELD(STATE_U8, IdeDrive, cd.event),
    STATE_FIELD(STATE_U16, IdeDrive, cd.limit),
    { .name = "queue_log",
      .type = STATE_U8,
      .offset = offsetof(IdeDrive, queue_log),
      .count = IDE_QUEUE_LOG,
      .version = 2 },
    { 0 },
};

const StateTable ide_drive_state = {
    .name = "ide-drive",
    .version = 2,
    .fields = drive_fields,
    .loaded = drive_loaded,
};
