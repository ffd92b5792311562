/* SPDX-License-Identifier: GPL-2.0-or-later */
/* busmaster.c - the bus-master engines of the two channels (82371SB datasheet, section 2.7 and the
 * Programming Interface for Bus Master IDE Controller).
 *
 * A physical region descriptor is read when the engine comes to it, and copied before it is looked
 * at. Its count and base have bit 0 clear whatever is written there, so each descriptor moves
 * something and a table without an end is no loop. Deviation: the direction is that of the drive's
 * command. */
#include "hw/ide/channel_int.h"

enum { PRD_SIZE = 8, PRD_MAX = 64 << 10, PRD_LAST = 0x80 };
enum { BM_COMMAND = 0, BM_STATUS = 2, BM_TABLE = 4, BM_PORTS = 8 };

static IdeChannel *channel_of(IdeDrive *drive)
{
    return drive->hba_opaque;
}

static bool bm_running(IdeDrive *drive)
{
    return (channel_of(drive)->bm_status & BM_ACTIVE) != 0;
}

/* ---- Moving data ---- */

static bool bm_next_region(IdeChannel *channel)
{
    uint8_t prd[PRD_SIZE];

    if (channel->prd_last || channel->prd_failed) {
        return false;
    }
    if (!pci_dma_read(&channel->ide->pci, channel->prd_next, prd, sizeof(prd))) {
        channel->prd_failed = true;
        return false;
    }
    channel->prd_next += PRD_SIZE;
    channel->prd_base = (uint32_t)(prd[0] | prd[1] << 8 | prd[2] << 16 | (uint32_t)prd[3] << 24);
    channel->prd_base &= ~1u;
    channel->prd_left = (uint32_t)(prd[4] | prd[5] << 8) & ~1u;
    if (channel->prd_left == 0) {
        channel->prd_left = PRD_MAX;
    }
    channel->prd_last = (prd[7] & PRD_LAST) != 0;
    return true;
}

/* Takes up to `size` bytes of the region that the engine is in; 0: there is no more. */
static uint32_t bm_take(IdeChannel *channel, uint32_t size, uint64_t *gpa)
{
    uint32_t n;

    if (channel->prd_left == 0 && !bm_next_region(channel)) {
        return 0;
    }
    n = MIN(size, channel->prd_left);
    *gpa = channel->prd_base;
    channel->prd_base += n;
    channel->prd_left -= n;
    return n;
}

static uint32_t bm_to_memory(IdeDrive *drive, const void *data, uint32_t size)
{
    IdeChannel *channel = channel_of(drive);
    uint32_t done = 0;

    while (done < size) {
        uint64_t gpa;
        uint32_t n = bm_take(channel, size - done, &gpa);

        if (n == 0) {
            break;
        }
        if (!pci_dma_write(&channel->ide->pci, gpa, (const uint8_t *)data + done, n)) {
            channel->prd_failed = true;
            break;
        }
        done += n;
    }
    return done;
}

static uint32_t bm_from_memory(IdeDrive *drive, void *data, uint32_t size)
{
    IdeChannel *channel = channel_of(drive);
    uint32_t done = 0;

    while (done < size) {
        uint64_t gpa;
        uint32_t n = bm_take(channel, size - done, &gpa);

        if (n == 0) {
            break;
        }
        if (!pci_dma_read(&channel->ide->pci, gpa, (uint8_t *)data + done, n)) {
            channel->prd_failed = true;
            break;
        }
        done += n;
    }
    return done;
}

/* ACTIVE stays set if the table describes more than the drive had. */
static void bm_end(IdeDrive *drive)
{
    IdeChannel *channel = channel_of(drive);

    if (channel->prd_last && channel->prd_left == 0) {
        channel->bm_status &= (uint8_t)~BM_ACTIVE;
    }
}

/* A table that is too short gives no interrupt: the driver finds ACTIVE clear. */
static void bm_short(IdeDrive *drive)
{
    IdeChannel *channel = channel_of(drive);

    channel->bm_status &= (uint8_t)~BM_ACTIVE;
    if (channel->prd_failed) {
        channel->bm_status |= BM_ERROR;
        drive_abort(drive);
        return;
    }
    drive_done_silent(drive);
}

static void channel_irq(IdeDrive *drive)
{
    ide_channel_update_irq(channel_of(drive));
}

const IdeHba ide_channel_hba = {
    .irq = channel_irq,
    .dma_ready = bm_running,
    .to_memory = bm_to_memory,
    .from_memory = bm_from_memory,
    .dma_end = bm_end,
    .dma_short = bm_short,
    .loaded = ide_channel_drive_loaded,
};

/* ---- Registers ---- */

static void bm_begin(IdeChannel *channel)
{
    channel->bm_status |= BM_ACTIVE;
    channel->prd_next = channel->bm_table;
    channel->prd_left = 0;
    channel->prd_last = false;
    channel->prd_failed = false;
    for (unsigned i = 0; i < 2; i++) {
        IdeDrive *drive = &channel->drive[i];

        if (drive->dma_waiting && bm_running(drive)) {
            drive->dma_waiting = false;
            ide_transfers[drive->transfer].dma(drive);
        }
    }
}

/* Stopped in the midst of a command: what the drive is doing comes to its end first. */
static void bm_stop(IdeChannel *channel)
{
    for (unsigned i = 0; i < 2; i++) {
        IdeDrive *drive = &channel->drive[i];

        if (drive->busy && ide_transfers[drive->transfer].dma != NULL) {
            block_drain(drive->block);
        }
    }
    channel->bm_status &= (uint8_t)~BM_ACTIVE;
}

static void bm_write_byte(IdeChannel *channel, unsigned reg, uint8_t value)
{
    uint8_t changed;

    switch (reg) {
    case BM_COMMAND:
        changed = channel->bm_command ^ value;
        channel->bm_command = value & (BM_START | BM_TO_MEMORY);
        if ((changed & BM_START) != 0 && (value & BM_START) != 0) {
            bm_begin(channel);
        } else if ((changed & BM_START) != 0) {
            bm_stop(channel);
        }
        break;
    case BM_STATUS:
        channel->bm_status &= (uint8_t) ~(BM_CAPABLE | (value & (BM_ERROR | BM_INTERRUPT)));
        channel->bm_status |= value & BM_CAPABLE;
        break;
    case BM_TABLE:
        value &= 0xfc;
        /* fall through */
    case BM_TABLE + 1:
    case BM_TABLE + 2:
    case BM_TABLE + 3:
        channel->bm_table &= ~(0xffu << (8 * (reg - BM_TABLE)));
        channel->bm_table |= (uint32_t)value << (8 * (reg - BM_TABLE));
        break;
    default:
        break;
    }
}

static uint8_t bm_read_byte(const IdeChannel *channel, unsigned reg)
{
    switch (reg) {
    case BM_COMMAND:
        return channel->bm_command;
    case BM_STATUS:
        return channel->bm_status;
    case BM_TABLE:
    case BM_TABLE + 1:
    case BM_TABLE + 2:
    case BM_TABLE + 3:
        return (uint8_t)(channel->bm_table >> (8 * (reg - BM_TABLE)));
    default:
        return 0;
    }
}

static uint32_t bm_read(void *opaque, uint16_t offset, unsigned width)
{
    const Ide *ide = opaque;
    uint32_t value = 0;

    for (unsigned i = 0; i < width; i++) {
        unsigned at = offset + i;

        value |= (uint32_t)bm_read_byte(&ide->channel[at / BM_PORTS], at % BM_PORTS) << (8 * i);
    }
    return value;
}

static void bm_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    Ide *ide = opaque;

    for (unsigned i = 0; i < width; i++) {
        unsigned at = offset + i;

        bm_write_byte(&ide->channel[at / BM_PORTS], at % BM_PORTS, (uint8_t)(value >> (8 * i)));
    }
}

static const IoRange bm_ports[] = {
    { .base = 0,
      .count = BM_PORTS * IDE_CHANNELS,
      .widths = IO_8 | IO_16 | IO_32,
      .read = bm_read,
      .write = bm_write },
};

void bm_attach(Ide *ide)
{
    pci_device_add_io_bar(&ide->pci, 4, BM_PORTS * IDE_CHANNELS, bm_ports, G_N_ELEMENTS(bm_ports),
                          ide);
}

void bm_reset(IdeChannel *channel)
{
    channel->bm_command = channel->bm_status = 0;
    channel->bm_table = channel->prd_next = channel->prd_base = channel->prd_left = 0;
    channel->prd_last = channel->prd_failed = false;
}
