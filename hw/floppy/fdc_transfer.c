/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fdc_transfer.c - commands that move sectors between medium and host. */
#include "hw/floppy/fdc_int.h"

#include <string.h>

enum {
    COMMAND_BYTE_CYLINDER = 2,
    COMMAND_BYTE_EOT = 6,
    FORMAT_BYTE_SIZE = 2, /* of FORMAT TRACK: N, sectors, gap, filler */
    FORMAT_BYTE_SECTORS = 3,
    FORMAT_BYTE_FILLER = 5,
    FORMAT_ID_SIZE = 4,
    SIZE_CODE = 2, /* of 512 bytes */
    START_NS = 50000,
    WAIT_NS = 1000000, /* between looks at the DMA controller, */
    WAITS = 200,       /* until the disk has turned once: then the data is lost */
    SCAN_DONT_CARE = 0xff,
    SCAN_LOW = 0x19,
    SCAN_HIGH = 0x1d,
    OPERATION_MASK = 0x1f,
    READ_DELETED = 0x0c,
};

static void sector_begin(Fdc *fdc);
static void medium_done(void *opaque, int error);

static bool by_dma(const Fdc *fdc)
{
    return (fdc->specify[1] & 1) == 0;
}

static unsigned physical_head(const Fdc *fdc)
{
    return (fdc->command[1] & COMMAND_HEAD) != 0;
}

/* Does the operation take data from the host? */
static bool takes_data(const Fdc *fdc)
{
    return fdc->operation == OPERATION_WRITE || fdc->operation == OPERATION_SCAN ||
           fdc->operation == OPERATION_FORMAT;
}

/* ---- Ends ---- */

static void transfer_end(Fdc *fdc, uint8_t st0)
{
    const uint8_t reply[] = {
        (uint8_t)(st0 | (fdc->command[1] & (COMMAND_HEAD | DOR_DRIVE))),
        fdc->st1,
        fdc->st2,
        fdc->cylinder,
        fdc->head,
        fdc->sector,
        fdc->size_code,
    };

    clock_timer_cancel(fdc->timer);
    dma_set_request(fdc->config.dma, fdc->config.channel, false);
    fdc->fifo_open = false;
    fdc_result(fdc, reply, sizeof(reply), true);
}

static void transfer_fail(Fdc *fdc, uint8_t st1, uint8_t st2)
{
    fdc->st1 |= st1;
    fdc->st2 |= st2;
    transfer_end(fdc, ST0_ABNORMAL);
}

/* ---- The medium ---- */

/* Byte offset of the sector in work; -1: there is none with this ID here, and ST1, ST2 say why. */
static int64_t sector_find(Fdc *fdc, const FdcDrive *drive)
{
    const FloppyFormat *format = drive->format;
    uint64_t lba;

    if (fdc->head != physical_head(fdc) || fdc->head >= format->heads || fdc->sector == 0 ||
        fdc->sector > format->sectors || fdc->size_code != SIZE_CODE ||
        drive->cylinder >= format->cylinders) {
        fdc->st1 |= ST1_NO_DATA;
        return -1;
    }
    if (fdc->cylinder != drive->cylinder) {
        fdc->st1 |= ST1_NO_DATA;
        fdc->st2 |= ST2_CYLINDER;
        return -1;
    }
    lba = ((uint64_t)drive->cylinder * format->heads + fdc->head) * format->sectors + fdc->sector -
          1;
    if ((lba + 1) * FLOPPY_SECTOR > block_size(drive->medium)) {
        fdc->st1 |= ST1_NO_DATA;
        return -1;
    }
    return (int64_t)(lba * FLOPPY_SECTOR);
}

/* Can anything be read or written at all? */
static bool medium_readable(Fdc *fdc, const FdcDrive *drive)
{
    return drive != NULL && drive->medium != NULL &&
           (!fdc->config.check_rate || fdc->rate == drive->format->rate);
}

static void medium_request(Fdc *fdc, FdcDrive *drive, int64_t offset, bool write)
{
    fdc->iov = (struct iovec){ fdc->data, FLOPPY_SECTOR };
    fdc->busy = true;
    fdc->cancelled = false;
    fdc->writing = write;
    if (write) {
        block_write(drive->medium, (uint64_t)offset, &fdc->iov, 1, medium_done, fdc);
    } else {
        block_read(drive->medium, (uint64_t)offset, &fdc->iov, 1, medium_done, fdc);
    }
}

void fdc_transfer_cancel(Fdc *fdc)
{
    if (fdc->busy) {
        fdc->cancelled = true;
        for (unsigned i = 0; i < FDC_DRIVES; i++) {
            if (fdc->drive[i].medium != NULL) {
                block_drain(fdc->drive[i].medium);
            }
        }
        g_assert(!fdc->busy);
    }
    dma_set_request(fdc->config.dma, fdc->config.channel, false);
}

/* ---- From sector to sector ---- */

static bool multi_track(const Fdc *fdc)
{
    return (fdc->command[0] & COMMAND_MULTI_TRACK) != 0 && fdc->operation != OPERATION_READ_TRACK;
}

/* The ID of the next sector; false: the last one of the cylinder is done. */
static bool sector_next(Fdc *fdc)
{
    if (fdc->sector != fdc->command[COMMAND_BYTE_EOT]) {
        fdc->sector++;
        return true;
    }
    fdc->sector = 1;
    if (multi_track(fdc)) {
        fdc->head ^= 1;
        if (fdc->head == 1) {
            fdc->command[1] |= COMMAND_HEAD;
            return true;
        }
    }
    fdc->cylinder++;
    return false;
}

/* The sector is through. */
static void sector_end(Fdc *fdc)
{
    bool more = sector_next(fdc);

    if ((fdc->st2 & (ST2_CONTROL_MARK | ST2_SCAN_EQUAL)) != 0 || fdc->terminal_count ||
        (!more && fdc->operation == OPERATION_VERIFY)) {
        transfer_end(fdc, 0);
    } else if (more) {
        sector_begin(fdc);
    } else if (fdc->operation == OPERATION_SCAN) {
        fdc->st2 |= ST2_SCAN_FAILED;
        transfer_end(fdc, 0);
    } else {
        transfer_fail(fdc, ST1_END, 0);
    }
}

/* ---- The host's side ---- */

/* What SCAN compares is beside the sector. */
static uint8_t *host_data(Fdc *fdc)
{
    return fdc->operation == OPERATION_SCAN ? fdc->host : fdc->data;
}

/* By DMA: moves what the controller takes; true: all is there, or terminal count has come. */
static bool host_dma(Fdc *fdc)
{
    uint8_t *data = host_data(fdc) + fdc->position;
    size_t left = fdc->data_size - fdc->position, moved;
    bool tc = false;

    dma_set_request(fdc->config.dma, fdc->config.channel, (fdc->dor & DOR_DMA) != 0);
    moved = takes_data(fdc) ? dma_read(fdc->config.dma, fdc->config.channel, data, left, &tc)
                            : dma_write(fdc->config.dma, fdc->config.channel, data, left, &tc);
    fdc->position = (uint16_t)(fdc->position + moved);
    fdc->terminal_count |= tc;
    if (moved != 0) {
        fdc->waits = 0;
    }
    return tc || fdc->position == fdc->data_size;
}

/* FORMAT TRACK: the ID has come; the sector that it names is filled. A place that the image does
 * not have is passed over: nothing is looked for when formatting. */
static void format_sector(Fdc *fdc, FdcDrive *drive)
{
    int64_t offset = -1;

    if (fdc->position == FORMAT_ID_SIZE) {
        fdc->cylinder = fdc->data[0];
        fdc->head = fdc->data[1];
        fdc->sector = fdc->data[2];
        fdc->size_code = fdc->data[3];
        offset = sector_find(fdc, drive);
        fdc->st1 = fdc->st2 = 0;
    }
    if (offset >= 0) {
        memset(fdc->data, fdc->command[FORMAT_BYTE_FILLER], FLOPPY_SECTOR);
        medium_request(fdc, drive, offset, true);
    } else {
        medium_done(fdc, 0);
    }
}

static void write_sector(Fdc *fdc, FdcDrive *drive)
{
    int64_t offset = sector_find(fdc, drive);

    if (offset < 0) {
        transfer_fail(fdc, 0, 0);
        return;
    }
    memset(fdc->data + fdc->position, 0, (size_t)FLOPPY_SECTOR - fdc->position);
    medium_request(fdc, drive, offset, true);
}

/* How the medium's bytes stand to the host's; FFH of either matches anything. */
static bool scan_matches(const Fdc *fdc)
{
    uint8_t kind = fdc->command[0] & OPERATION_MASK;

    for (size_t i = 0; i < fdc->position; i++) {
        uint8_t host = fdc->host[i], medium = fdc->data[i];

        if (host == SCAN_DONT_CARE || medium == SCAN_DONT_CARE || medium == host) {
            continue;
        }
        return kind == SCAN_LOW ? medium < host : kind == SCAN_HIGH ? medium > host : false;
    }
    return true;
}

/* The host has given, or taken, its part. */
static void host_done(Fdc *fdc)
{
    FdcDrive *drive = fdc_selected(fdc);

    dma_set_request(fdc->config.dma, fdc->config.channel, false);
    if (drive == NULL || drive->medium == NULL) { /* it was taken out meanwhile */
        transfer_fail(fdc, ST1_NO_MARK, 0);
        return;
    }
    switch (fdc->operation) {
    case OPERATION_FORMAT:
        format_sector(fdc, drive);
        break;
    case OPERATION_WRITE:
        write_sector(fdc, drive);
        break;
    case OPERATION_SCAN:
        fdc->st2 |= scan_matches(fdc) ? ST2_SCAN_EQUAL : 0;
        sector_end(fdc);
        break;
    default:
        sector_end(fdc);
        break;
    }
}

/* The controller may be programmed late. */
static void host_move(Fdc *fdc)
{
    if (!by_dma(fdc)) {
        fdc->fifo_open = true;
        fdc->fifo_to_host = !takes_data(fdc);
        fdc_raise_irq(fdc);
    } else if (host_dma(fdc)) {
        host_done(fdc);
    } else if (++fdc->waits > WAITS) {
        transfer_fail(fdc, ST1_OVERRUN, 0);
    } else {
        clock_timer_set(fdc->timer, clock_now(fdc->config.clock) + WAIT_NS);
    }
}

static void host_begin(Fdc *fdc, uint16_t size)
{
    fdc->position = 0;
    fdc->data_size = size;
    fdc->waits = 0;
    host_move(fdc);
}

/* A byte went through the data port. */
static void fifo_advance(Fdc *fdc)
{
    if (++fdc->position == fdc->data_size) {
        fdc->fifo_open = false;
        fdc_lower_irq(fdc);
        host_done(fdc);
    }
}

uint8_t fdc_transfer_read(Fdc *fdc)
{
    uint8_t value = host_data(fdc)[fdc->position];

    fifo_advance(fdc);
    return value;
}

void fdc_transfer_write(Fdc *fdc, uint8_t value)
{
    host_data(fdc)[fdc->position] = value;
    fifo_advance(fdc);
}

/* ---- One sector ---- */

/* After the end of a request, and where there was none to make. */
static void medium_done(void *opaque, int error)
{
    Fdc *fdc = opaque;

    fdc->busy = false;
    if (fdc->cancelled) {
        fdc->cancelled = false;
        return;
    }
    if (error != 0) {
        transfer_fail(fdc, ST1_DATA, ST2_DATA);
        return;
    }
    switch (fdc->operation) {
    case OPERATION_VERIFY:
    case OPERATION_WRITE:
        sector_end(fdc);
        break;
    case OPERATION_FORMAT:
        if (fdc->terminal_count || --fdc->format_left == 0) {
            transfer_end(fdc, 0);
        } else {
            host_begin(fdc, FORMAT_ID_SIZE);
        }
        break;
    default:
        host_begin(fdc, FLOPPY_SECTOR);
        break;
    }
}

static void sector_begin(Fdc *fdc)
{
    FdcDrive *drive = fdc_selected(fdc);
    int64_t offset;

    if (drive == NULL || drive->medium == NULL) {
        transfer_fail(fdc, ST1_NO_MARK, 0);
        return;
    }
    offset = sector_find(fdc, drive);
    if (offset < 0) {
        transfer_fail(fdc, 0, 0);
    } else if (fdc->operation == OPERATION_WRITE) {
        host_begin(fdc, FLOPPY_SECTOR);
    } else {
        if ((fdc->command[0] & OPERATION_MASK) == READ_DELETED) {
            fdc->st2 |= ST2_CONTROL_MARK; /* all marks are of the other kind: one is read */
        }
        medium_request(fdc, drive, offset, false);
    }
}

/* ---- The whole ---- */

static void read_id(Fdc *fdc, const FdcDrive *drive)
{
    fdc->cylinder = drive->cylinder;
    fdc->head = (uint8_t)physical_head(fdc);
    fdc->sector = (uint8_t)(fdc->sector % drive->format->sectors + 1); /* the disk turns */
    fdc->size_code = SIZE_CODE;
    if (fdc->head >= drive->format->heads || drive->cylinder >= drive->format->cylinders) {
        transfer_fail(fdc, ST1_NO_MARK, 0);
    } else {
        transfer_end(fdc, 0);
    }
}

static void transfer_begin(Fdc *fdc)
{
    FdcDrive *drive = fdc_selected(fdc);

    if (!medium_readable(fdc, drive)) {
        transfer_fail(fdc, ST1_NO_MARK, 0);
        return;
    }
    switch (fdc->operation) {
    case OPERATION_READ_ID:
        read_id(fdc, drive);
        return;
    case OPERATION_WRITE:
    case OPERATION_FORMAT:
        if (drive->readonly) {
            transfer_fail(fdc, ST1_PROTECTED, 0);
            return;
        }
        break;
    default:
        break;
    }
    if (fdc->operation == OPERATION_FORMAT) {
        host_begin(fdc, FORMAT_ID_SIZE);
        return;
    }
    if ((fdc->configure & CONFIG_IMPLIED_SEEK) != 0) {
        drive->cylinder = fdc->cylinder;
        drive->changed = false;
    }
    sector_begin(fdc);
}

void fdc_transfer_start(Fdc *fdc, FdcOperation operation)
{
    fdc->phase = PHASE_EXECUTION;
    fdc->operation = operation;
    fdc->st1 = fdc->st2 = 0;
    fdc->terminal_count = false;
    fdc->fifo_open = false;
    fdc->waits = 0;
    fdc->data_size = 0;
    switch (operation) {
    case OPERATION_READ_ID:
        break;
    case OPERATION_FORMAT:
        fdc->format_left = MAX(fdc->command[FORMAT_BYTE_SECTORS], 1);
        fdc->size_code = fdc->command[FORMAT_BYTE_SIZE];
        break;
    default:
        fdc->cylinder = fdc->command[COMMAND_BYTE_CYLINDER];
        fdc->head = fdc->command[COMMAND_BYTE_CYLINDER + 1];
        fdc->sector = fdc->command[COMMAND_BYTE_CYLINDER + 2];
        fdc->size_code = fdc->command[COMMAND_BYTE_CYLINDER + 3];
        break;
    }
    if (operation == OPERATION_READ_TRACK) {
        fdc->sector = 1; /* from the index hole on, whatever the IDs */
    }
    clock_timer_set(fdc->timer, clock_now(fdc->config.clock) + START_NS);
}

/* The timer: the disk has turned to the place, or the DMA controller is looked at again. */
void fdc_transfer_continue(Fdc *fdc)
{
    if (fdc->phase != PHASE_EXECUTION || fdc->busy || fdc->fifo_open) {
        return;
    }
    if (fdc->data_size == 0) {
        transfer_begin(fdc);
    } else {
        host_move(fdc);
    }
}
