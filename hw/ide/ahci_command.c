/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ahci_command.c - the command list (AHCI 1.3.1, 4.2.2 and 5.5): headers and tables are fetched,
 * the drive is given its task file, and data is moved between it and the list of the command's
 * pieces of memory.
 *
 * The drive does one command at a time, but for those that it queues (ahci_ncq.c).  Its data blocks
 * are moved as soon as they are there, each announced by a PIO Setup FIS. */
#include "hw/ide/ahci_int.h"

#include <string.h>

enum { HEADER = 32, TABLE_ALIGN = 0x7f, CFIS = 64, ACMD = 0x40, TABLE_PRDT = 0x80 };
enum { HEADER_LENGTH = 0x1f, HEADER_ATAPI = 1 << 5, HEADER_CLEAR_BUSY = 1 << 10 };
enum { FIS_COMMAND = 0x27, FIS_IS_COMMAND = 0x80, FIS_PORT = 0x0f, FIS_WORDS = 5 };
enum { COMMAND_READ_QUEUED = 0x60, COMMAND_WRITE_QUEUED = 0x61 };

typedef struct Command {
    unsigned slot;
    uint64_t header, table;
    uint16_t flags, entries;
    uint8_t fis[CFIS];
} Command;

static uint32_t le32_at(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* ---- The end of a command ---- */

/* A command without an interrupt at its end is one whose last FIS was a PIO Setup. */
static void command_finish(AhciPort *port)
{
    IdeDrive *drive = &port->drive;
    uint8_t moved[4];
    bool tell = drive->irq;

    for (unsigned i = 0; i < 4; i++) {
        moved[i] = (uint8_t)(port->moved >> (8 * i));
    }
    ahci_dma_write(port->ahci, port->header + 4, moved, sizeof(moved));
    if ((drive->status & ATA_ERR) == 0) {
        port->issue &= ~(1u << port->slot);
    }
    port->slot = AHCI_NO_SLOT;
    drive->irq = false;
    if (tell) {
        ahci_fis_register(port, true);
    }
}

/* ---- Data ---- */

static void block_move(AhciPort *port)
{
    IdeDrive *drive = &port->drive;
    const IdeTransferRow *row = &ide_transfers[drive->transfer];
    bool packet = drive->transfer == TRANSFER_PACKET, to_host = row->to_host;
    bool first = port->moved == 0 && !to_host, more;
    uint8_t status = drive->status, *data = drive->data + drive->data_pos;
    uint32_t size = drive->data_end - drive->data_pos, moved = size;

    if (packet && port->acmd != 0) {
        if (!ahci_dma_read(port->ahci, port->acmd, data, size)) {
            memset(data, 0xff, size);
        }
    } else if (to_host) {
        moved = ahci_prdt_to_memory(port, &port->prdt, data, size);
        port->moved += moved;
    } else {
        moved = ahci_prdt_from_memory(port, &port->prdt, data, size);
        memset(data + moved, 0, size - moved);
        port->moved += moved;
    }
    if (moved < size) {
        ahci_raise(port, port->prdt.failed ? PORT_HBFS : PORT_OFS);
    }
    drive->irq = false;
    drive->data_pos = drive->data_end;
    row->block_end(drive);
    more = (drive->status & ATA_DRQ) != 0 || drive->irq;
    ahci_fis_pio_setup(port, to_host, !packet && !first, status,
                       more ? ATA_BSY | ATA_READY : drive->status, size);
}

/* Goes on until the drive waits for its medium, or is done. */
static void drive_pump(AhciPort *port)
{
    IdeDrive *drive = &port->drive;

    while ((drive->status & (ATA_BSY | ATA_DRQ)) == ATA_DRQ &&
           ide_transfers[drive->transfer].block_end != NULL) {
        block_move(port);
    }
    if ((drive->status & (ATA_BSY | ATA_DRQ)) == 0 && port->slot != AHCI_NO_SLOT) {
        command_finish(port);
    }
}

static AhciPort *port_of(const IdeDrive *drive)
{
    return drive->hba_opaque;
}

static void hba_step(IdeDrive *drive)
{
    AhciPort *port = port_of(drive);

    if (!port->cancelling) {
        drive_pump(port);
        ahci_port_run(port);
    }
}

static void hba_irq(IdeDrive *drive)
{
    (void)drive; /* it is looked at when the command has ended */
}

static bool hba_dma_ready(IdeDrive *drive)
{
    (void)drive;
    return true;
}

static uint32_t hba_to_memory(IdeDrive *drive, const void *data, uint32_t size)
{
    AhciPort *port = port_of(drive);
    uint32_t n = ahci_prdt_to_memory(port, &port->prdt, data, size);

    port->moved += n;
    return n;
}

static uint32_t hba_from_memory(IdeDrive *drive, void *data, uint32_t size)
{
    AhciPort *port = port_of(drive);
    uint32_t n = ahci_prdt_from_memory(port, &port->prdt, data, size);

    port->moved += n;
    return n;
}

static void hba_dma_end(IdeDrive *drive)
{
    (void)drive; /* a list may be longer than the data */
}

/* Reads end as if all had been taken; writes cannot go on (AHCI 1.3.1, 6.1.5). */
static void hba_dma_short(IdeDrive *drive)
{
    AhciPort *port = port_of(drive);

    ahci_raise(port, port->prdt.failed ? PORT_HBFS : PORT_OFS);
    if (port->prdt.failed || drive->transfer == TRANSFER_DMA_WRITE ||
        drive->transfer == TRANSFER_DMA_TRIM) {
        drive_abort(drive);
    } else {
        drive_done(drive);
    }
}

static void hba_leaving(IdeDrive *drive)
{
    ahci_port_stop(port_of(drive));
}

static void hba_plugged(IdeDrive *drive)
{
    ahci_port_changed(port_of(drive));
}

const IdeHba ahci_hba = {
    .plugged = hba_plugged,
    .leaving = hba_leaving,
    .irq = hba_irq,
    .dma_ready = hba_dma_ready,
    .to_memory = hba_to_memory,
    .from_memory = hba_from_memory,
    .dma_end = hba_dma_end,
    .dma_short = hba_dma_short,
    .step = hba_step,
};

/* ---- Taking commands ---- */

static bool command_fetch(AhciPort *port, unsigned slot, Command *command)
{
    uint64_t list = port->list | (uint64_t)port->list_high << 32;
    uint8_t header[HEADER];
    unsigned words;

    command->slot = slot;
    command->header = list + HEADER * slot;
    if (!ahci_dma_read(port->ahci, command->header, header, sizeof(header))) {
        ahci_port_halt(port, PORT_HBFS);
        return false;
    }
    command->flags = (uint16_t)le32_at(header);
    command->entries = (uint16_t)(le32_at(header) >> 16);
    command->table = (le32_at(header + 8) & ~(uint32_t)TABLE_ALIGN) | (uint64_t)le32_at(header + 12)
                                                                          << 32;
    words = command->flags & HEADER_LENGTH;
    ahci_dma_read(port->ahci, command->table, command->fis, sizeof(command->fis));
    if (words < FIS_WORDS || command->fis[0] != FIS_COMMAND) {
        port->error |= SERR_PROTOCOL; /* nothing that a drive understands */
        ahci_port_halt(port, PORT_IFS);
        return false;
    }
    return true;
}

static void task_file_load(IdeDrive *drive, const uint8_t *fis)
{
    drive->features = fis[3];
    memcpy(drive->lba, fis + 4, 3);
    drive->device = fis[7] & (uint8_t)~DEVICE_DEV;
    memcpy(drive->hob_lba, fis + 8, 3);
    drive->hob_features = fis[11];
    drive->count = fis[12];
    drive->hob_count = fis[13];
}

/* The control register: a reset of the drive begins and ends with a FIS of its own. */
static void control_take(AhciPort *port, const Command *command)
{
    bool reset = (command->fis[15] & CONTROL_SRST) != 0, ends = port->soft_reset && !reset;
    IdeDrive *drive = &port->drive;

    port->soft_reset = reset;
    if ((command->flags & HEADER_CLEAR_BUSY) != 0 || !ends) {
        port->issue &= ~(1u << command->slot);
        port->task_file &= ~(uint32_t)ATA_BSY;
    }
    if (reset) {
        drive_reset(drive, false);
    } else if (ends) {
        port->issue &= ~(1u << command->slot);
        drive_reset(drive, false);
        ahci_port_link_up(port);
    }
}

static void command_give(AhciPort *port, const Command *command)
{
    IdeDrive *drive = &port->drive;
    uint8_t code = command->fis[2];
    const AhciFailure mixed = { .error = ATA_ABRT };
    bool queued = code == COMMAND_READ_QUEUED || code == COMMAND_WRITE_QUEUED;

    task_file_load(drive, command->fis);
    if (queued && drive->kind == IDE_DISK) {
        const AhciPrdt prdt = ahci_prdt_open(command->table + TABLE_PRDT, command->entries);

        drive->command = code;
        ahci_queue_start(port, command->slot, &prdt);
        return;
    }
    if (port->in_flight != 0) { /* not beside queued ones */
        ahci_queue_fail(port, &mixed);
        return;
    }
    port->slot = (uint8_t)command->slot;
    port->header = command->header;
    port->acmd = (command->flags & HEADER_ATAPI) != 0 ? command->table + ACMD : 0;
    port->prdt = ahci_prdt_open(command->table + TABLE_PRDT, command->entries);
    port->moved = 0;
    if (code == COMMAND_DIAGNOSTIC) {
        drive_diagnose(drive);
        drive->irq = true;
    } else if (code == COMMAND_DEVICE_RESET && drive->kind == IDE_CDROM) {
        drive_reset(drive, false);
        drive->irq = true;
    } else {
        drive_execute(drive, code);
    }
    drive_pump(port);
}

/* False: not now, but when what is queued has come to its end. */
static bool command_take(AhciPort *port, unsigned slot)
{
    Command command = { 0 };
    bool control;

    port->command &= ~(uint32_t)PORT_CCS;
    port->command |= slot << PORT_CCS_SHIFT;
    if (!command_fetch(port, slot, &command)) {
        return true;
    }
    control = (command.fis[1] & (FIS_IS_COMMAND | FIS_PORT)) == 0;
    if (control && port->in_flight != 0) {
        return false;
    }
    port->task_file |= ATA_BSY;
    if ((command.fis[1] & FIS_PORT) != 0) {
        port->slot = (uint8_t)slot; /* for a drive behind a multiplier: nobody answers */
    } else if (control) {
        control_take(port, &command);
    } else if (port->soft_reset) {
        port->slot = (uint8_t)slot; /* it does not hear */
    } else {
        command_give(port, &command);
    }
    return true;
}

static bool port_takes(const AhciPort *port)
{
    return (port->command & PORT_ST) != 0 && !port->halted && !port->failure.due &&
           !port->cancelling && port->drive.kind != IDE_ABSENT && port->slot == AHCI_NO_SLOT &&
           (port->task_file & (ATA_BSY | ATA_DRQ)) == 0 && port->issue != 0;
}

void ahci_port_run(AhciPort *port)
{
    bool going = true;

    while (going && port_takes(port)) {
        unsigned slot = port->next_slot;

        while ((port->issue >> slot & 1) == 0) {
            slot = (slot + 1) % AHCI_SLOTS;
        }
        port->next_slot = (uint8_t)((slot + 1) % AHCI_SLOTS);
        going = command_take(port, slot);
    }
}

void ahci_port_stop(AhciPort *port)
{
    port->cancelling = true;
    drive_cancel(&port->drive);
    if (port->in_flight != 0) {
        block_drain(port->drive.block);
    }
    g_assert(port->in_flight == 0);
    port->cancelling = false;
    port->failure.due = false;
    port->slot = AHCI_NO_SLOT;
}
