/* SPDX-License-Identifier: GPL-2.0-or-later */
/* atapi.c - the CD-ROM drive: the PACKET command and its data phases (ATA/ATAPI-6, 8.23 and 9.8),
 * packet commands (MMC-3, SPC-2). */
#include "hw/ide/ide_int.h"

#include <string.h>

enum { /* interrupt reason, in the count register */
       REASON_COMMAND = 0x01,
       REASON_TO_HOST = 0x02,
};
enum { FEATURE_DMA = 0x01 };
enum { KEY_NOT_READY = 2, KEY_MEDIUM = 3, KEY_ILLEGAL = 5, KEY_ATTENTION = 6 };
enum { /* additional sense codes */
       ASC_UNRECOVERED_READ = 0x11,
       ASC_INVALID_OPCODE = 0x20,
       ASC_OUT_OF_RANGE = 0x21,
       ASC_INVALID_FIELD = 0x24,
       ASC_MEDIUM_CHANGED = 0x28,
       ASC_NO_MEDIUM = 0x3a,
       ASC_REMOVAL_PREVENTED = 0x53,
       ASCQ_TRAY_CLOSED = 1,
       ASCQ_TRAY_OPEN = 2,
       ASCQ_PREVENTED = 2,
};
enum { NEEDS_MEDIUM = 1, ALWAYS = 2 /* even when there is something to tell */ };
enum { DATA_SECTORS = IDE_DATA_SIZE / IDE_CD_SECTOR, DMA_SECTORS = IDE_DMA_SIZE / IDE_CD_SECTOR };

typedef struct PacketCommand {
    uint8_t opcode, flags;
    /* One of the two; `reply` puts an answer into `data`. */
    void (*run)(IdeDrive *drive);
    uint32_t (*reply)(IdeDrive *drive);
    /* Where the packet has the room for the reply: a byte, or big-endian word; 0: no limit. */
    uint8_t length_at, length_bytes;
} PacketCommand;

uint32_t atapi_cd_sectors(const IdeDrive *drive)
{
    uint64_t sectors = drive->sectors / (IDE_CD_SECTOR / IDE_SECTOR);

    return drive->cd.tray_open ? 0 : (uint32_t)MIN(sectors, UINT32_MAX);
}

/* ---- Ends of packet commands ---- */

static void packet_done(IdeDrive *drive)
{
    drive->count = REASON_TO_HOST | REASON_COMMAND;
    drive_done(drive);
}

static void packet_fail(IdeDrive *drive, uint8_t key, uint8_t asc, uint8_t ascq)
{
    drive->cd.sense_key = key;
    drive->cd.asc = asc;
    drive->cd.ascq = ascq;
    drive->count = REASON_TO_HOST | REASON_COMMAND;
    drive_fail(drive, (uint8_t)(key << 4) | (key == KEY_ILLEGAL ? ATA_ABRT : 0));
}

static void packet_not_ready(IdeDrive *drive)
{
    packet_fail(drive, KEY_NOT_READY, ASC_NO_MEDIUM,
                drive->cd.tray_open ? ASCQ_TRAY_OPEN : ASCQ_TRAY_CLOSED);
}

/* A reply that is refused may have said why. */
static void packet_invalid(IdeDrive *drive)
{
    packet_fail(drive, KEY_ILLEGAL, drive->cd.asc != 0 ? drive->cd.asc : ASC_INVALID_FIELD, 0);
}

/* ---- Data to the host ---- */

/* Shows the next block of `data`, which has bytes that the host has not seen. */
static void data_show_block(IdeDrive *drive)
{
    uint32_t size = drive->data_filled - drive->data_end;

    if (size > drive->cd.limit) {
        size = drive->cd.limit & ~1u;
    }
    drive->lba[1] = (uint8_t)size;
    drive->lba[2] = (uint8_t)(size >> 8);
    drive->count = REASON_TO_HOST;
    drive_block(drive, TRANSFER_PACKET_IN, drive->data_end, drive->data_end + size);
    drive_raise_irq(drive);
}

static void data_read(IdeDrive *drive, int error)
{
    if (error != 0) {
        packet_fail(drive, KEY_MEDIUM, ASC_UNRECOVERED_READ, 0);
        return;
    }
    drive->next += drive->data_filled / IDE_CD_SECTOR;
    drive->left -= drive->data_filled / IDE_CD_SECTOR;
    drive->data_end = 0;
    data_show_block(drive);
}

static void data_fill(IdeDrive *drive)
{
    drive->data_filled = MIN(drive->left, DATA_SECTORS) * IDE_CD_SECTOR;
    drive_read(drive, drive->next * IDE_CD_SECTOR, drive->data, drive->data_filled, data_read);
}

void atapi_block_end(IdeDrive *drive)
{
    if (drive->data_end < drive->data_filled) {
        data_show_block(drive);
    } else if (drive->left != 0) {
        data_fill(drive);
    } else {
        packet_done(drive);
    }
}

static void dma_read_done(IdeDrive *drive, int error)
{
    uint32_t size = (uint32_t)drive->iov.iov_len;

    if (error != 0) {
        drive_dma_end(drive);
        packet_fail(drive, KEY_MEDIUM, ASC_UNRECOVERED_READ, 0);
        return;
    }
    if (drive_to_memory(drive, drive->bounce, size) < size) {
        drive_dma_short(drive);
        return;
    }
    drive->next += size / IDE_CD_SECTOR;
    drive->left -= size / IDE_CD_SECTOR;
    if (drive->left != 0) {
        atapi_dma(drive);
        return;
    }
    drive_dma_end(drive);
    packet_done(drive);
}

/* The bus master runs: a reply in `data`, or sectors. */
void atapi_dma(IdeDrive *drive)
{
    uint32_t sectors = MIN(drive->left, DMA_SECTORS);

    if (sectors != 0) {
        drive_read(drive, drive->next * IDE_CD_SECTOR, drive_bounce(drive), sectors * IDE_CD_SECTOR,
                   dma_read_done);
        return;
    }
    if (drive_to_memory(drive, drive->data, drive->data_filled) < drive->data_filled) {
        drive_dma_short(drive);
        return;
    }
    drive_dma_end(drive);
    packet_done(drive);
}

/* Begins the data phase, by the way that the host asked for. `left` sectors, or what is in data. */
static void data_begin(IdeDrive *drive)
{
    if ((drive->features & FEATURE_DMA) != 0) {
        drive_wait_dma(drive, TRANSFER_DMA_PACKET);
    } else if (drive->cd.limit == 0) {
        drive_abort(drive);
    } else if (drive->left != 0) {
        drive->transfer = TRANSFER_PACKET_IN;
        data_fill(drive);
    } else {
        drive->data_end = 0;
        data_show_block(drive);
    }
}

/* ---- Packet commands without a reply, and reads ---- */

static uint32_t be32_at(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void read_sectors(IdeDrive *drive, uint32_t first, uint32_t count)
{
    uint32_t limit = atapi_cd_sectors(drive);

    if (count == 0) {
        packet_done(drive);
        return;
    }
    if (first >= limit || count > limit - first) {
        packet_fail(drive, KEY_ILLEGAL, ASC_OUT_OF_RANGE, 0);
        return;
    }
    drive->next = first;
    drive->left = count;
    data_begin(drive);
}

static void packet_read_10(IdeDrive *drive)
{
    const uint8_t *packet = drive->cd.packet;

    read_sectors(drive, be32_at(packet + 2), (uint32_t)(packet[7] << 8 | packet[8]));
}

static void packet_read_12(IdeDrive *drive)
{
    const uint8_t *packet = drive->cd.packet;

    read_sectors(drive, be32_at(packet + 2), be32_at(packet + 6));
}

/* User data of data sectors; that is all that an image has. */
static void packet_read_cd(IdeDrive *drive)
{
    const uint8_t *packet = drive->cd.packet;
    uint32_t count = (uint32_t)packet[6] << 16 | (uint32_t)packet[7] << 8 | packet[8];
    unsigned type = packet[1] >> 2 & 7;

    if ((packet[9] & 0xf8) == 0 || count == 0) {
        packet_done(drive);
    } else if ((packet[9] & 0xfe) != 0x10 || type == 1) {
        packet_invalid(drive);
    } else {
        read_sectors(drive, be32_at(packet + 2), count);
    }
}

static void packet_seek(IdeDrive *drive)
{
    if (be32_at(drive->cd.packet + 2) >= atapi_cd_sectors(drive)) {
        packet_fail(drive, KEY_ILLEGAL, ASC_OUT_OF_RANGE, 0);
        return;
    }
    packet_done(drive);
}

static void packet_move_tray(IdeDrive *drive, bool open)
{
    atapi_tray_move(drive, open);
    if (drive->block != NULL) {
        block_tray_moved(drive->block, open);
    }
}

static void packet_start_stop(IdeDrive *drive)
{
    IdeCd *cd = &drive->cd;
    bool load_eject = (cd->packet[4] & 2) != 0, start = (cd->packet[4] & 1) != 0;

    if (load_eject && !start && !cd->tray_open) {
        if (cd->locked) {
            packet_fail(drive, atapi_cd_sectors(drive) != 0 ? KEY_ILLEGAL : KEY_NOT_READY,
                        ASC_REMOVAL_PREVENTED, ASCQ_PREVENTED);
            return;
        }
        packet_move_tray(drive, true);
    } else if (load_eject && start && cd->tray_open) {
        packet_move_tray(drive, false);
    }
    packet_done(drive);
}

static void packet_prevent(IdeDrive *drive)
{
    drive->cd.locked = (drive->cd.packet[4] & 1) != 0;
    packet_done(drive);
}

static const PacketCommand packet_commands[] = {
    { .opcode = 0x00, .run = packet_done, .flags = NEEDS_MEDIUM }, /* TEST UNIT READY */
    { .opcode = 0x03,
      .reply = atapi_request_sense,
      .flags = ALWAYS,
      .length_at = 4,
      .length_bytes = 1 },
    { .opcode = 0x12, .reply = atapi_inquiry, .flags = ALWAYS, .length_at = 3, .length_bytes = 2 },
    { .opcode = 0x1b, .run = packet_start_stop },
    { .opcode = 0x1e, .run = packet_prevent },
    { .opcode = 0x25, .reply = atapi_read_capacity, .flags = NEEDS_MEDIUM },
    { .opcode = 0x28, .run = packet_read_10, .flags = NEEDS_MEDIUM },
    { .opcode = 0x2b, .run = packet_seek, .flags = NEEDS_MEDIUM },
    { .opcode = 0x35, .run = packet_done, .flags = NEEDS_MEDIUM }, /* SYNCHRONIZE CACHE */
    { .opcode = 0x43,
      .reply = atapi_read_toc,
      .flags = NEEDS_MEDIUM,
      .length_at = 7,
      .length_bytes = 2 },
    { .opcode = 0x46,
      .reply = atapi_get_configuration,
      .flags = ALWAYS,
      .length_at = 7,
      .length_bytes = 2 },
    { .opcode = 0x4a,
      .reply = atapi_get_event,
      .flags = ALWAYS,
      .length_at = 7,
      .length_bytes = 2 },
    { .opcode = 0x51,
      .reply = atapi_disc_information,
      .flags = NEEDS_MEDIUM,
      .length_at = 7,
      .length_bytes = 2 },
    { .opcode = 0x52,
      .reply = atapi_track_information,
      .flags = NEEDS_MEDIUM,
      .length_at = 7,
      .length_bytes = 2 },
    { .opcode = 0x5a, .reply = atapi_mode_sense, .length_at = 7, .length_bytes = 2 },
    { .opcode = 0xa8, .run = packet_read_12, .flags = NEEDS_MEDIUM },
    { .opcode = 0xbb, .run = packet_done }, /* SET CD SPEED */
    { .opcode = 0xbd, .reply = atapi_mechanism_status, .length_at = 8, .length_bytes = 2 },
    { .opcode = 0xbe, .run = packet_read_cd, .flags = NEEDS_MEDIUM },
};

static const PacketCommand *packet_find(uint8_t opcode)
{
    for (size_t i = 0; i < G_N_ELEMENTS(packet_commands); i++) {
        if (packet_commands[i].opcode == opcode) {
            return &packet_commands[i];
        }
    }
    return NULL;
}

static void packet_reply(IdeDrive *drive, const PacketCommand *command)
{
    const uint8_t *packet = drive->cd.packet;
    uint32_t size = command->reply(drive);

    if (size == 0) {
        packet_invalid(drive);
        return;
    }
    if (command->length_bytes != 0) {
        uint32_t room = packet[command->length_at];

        if (command->length_bytes == 2) {
            room = room << 8 | packet[command->length_at + 1];
        }
        size = MIN(size, room);
    }
    if (size == 0) {
        packet_done(drive);
        return;
    }
    drive->data_filled = size;
    drive->left = 0;
    data_begin(drive);
}

void atapi_packet_end(IdeDrive *drive)
{
    IdeCd *cd = &drive->cd;
    const PacketCommand *command;

    memcpy(cd->packet, drive->data, IDE_PACKET_SIZE);
    drive->transfer = TRANSFER_NONE;
    command = packet_find(cd->packet[0]);
    if (cd->packet[0] != 0x03) {
        cd->sense_key = cd->asc = cd->ascq = 0;
    }
    if (command == NULL) {
        packet_fail(drive, KEY_ILLEGAL, ASC_INVALID_OPCODE, 0);
    } else if (cd->attention && (command->flags & ALWAYS) == 0) {
        cd->attention = false;
        packet_fail(drive, KEY_ATTENTION, ASC_MEDIUM_CHANGED, 0);
    } else if ((command->flags & NEEDS_MEDIUM) != 0 && atapi_cd_sectors(drive) == 0) {
        packet_not_ready(drive);
    } else if (command->reply != NULL) {
        packet_reply(drive, command);
    } else {
        command->run(drive);
    }
}

/* The packet is asked for without an interrupt. */
void atapi_packet(IdeDrive *drive)
{
    uint16_t limit = (uint16_t)(drive->lba[1] | drive->lba[2] << 8);

    if (limit == 0xffff) {
        limit = 0xfffe;
    }
    drive->cd.limit = limit == 1 ? 2 : limit;
    drive->count = REASON_COMMAND;
    drive_block(drive, TRANSFER_PACKET, 0, IDE_PACKET_SIZE);
}

void atapi_reset(IdeDrive *drive)
{
    drive->cd.locked = false;
    drive->cd.attention = false;
    drive->cd.sense_key = drive->cd.asc = drive->cd.ascq = 0;
}
