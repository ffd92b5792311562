/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/floppy/fdc.h"

#include <string.h>

#include "hw/floppy/fdc_int.h"

enum { /* ports, from the base */
       PORT_SRA = 0,
       PORT_DOR = 2,
       PORT_TDR = 3,
       PORT_MSR = 4, /* write: DSR */
       PORT_FIFO = 5,
       PORT_DIR = 7, /* write: CCR */
       RESET_NS = 20000,
};

/* ---- Interrupts and phases ---- */

static void fdc_update_irq(Fdc *fdc)
{
    irq_set(&fdc->config.irq, fdc->irq && (fdc->dor & DOR_DMA) != 0);
}

void fdc_raise_irq(Fdc *fdc)
{
    fdc->irq = true;
    fdc_update_irq(fdc);
}

void fdc_lower_irq(Fdc *fdc)
{
    fdc->irq = false;
    fdc_update_irq(fdc);
}

void fdc_command_done(Fdc *fdc)
{
    fdc->phase = PHASE_COMMAND;
    fdc->command_length = fdc->command_expected = 0;
    fdc->operation = OPERATION_NONE;
}

void fdc_result(Fdc *fdc, const uint8_t *bytes, unsigned n, bool interrupt)
{
    g_assert(n > 0 && n <= FDC_RESULT_MAX);
    memcpy(fdc->result, bytes, n);
    fdc->result_length = (uint8_t)n;
    fdc->result_position = 0;
    fdc->phase = PHASE_RESULT;
    fdc->operation = OPERATION_NONE;
    fdc->command_length = fdc->command_expected = 0;
    if (interrupt) {
        fdc_raise_irq(fdc);
    }
}

unsigned fdc_unit(const Fdc *fdc)
{
    return fdc->command[1] & DOR_DRIVE;
}

FdcDrive *fdc_selected(Fdc *fdc)
{
    unsigned unit = fdc_unit(fdc);

    return unit < FDC_DRIVES && fdc->drive[unit].type != FLOPPY_NONE ? &fdc->drive[unit] : NULL;
}

/* ---- Reset ---- */

/* What both kinds of reset stop. */
static void fdc_stop(Fdc *fdc)
{
    fdc_transfer_cancel(fdc);
    clock_timer_cancel(fdc->timer);
    clock_timer_cancel(fdc->seek_timer);
    fdc_command_done(fdc);
    fdc->sense_pending = fdc->seeking = 0;
    fdc->st1 = fdc->st2 = 0;
    fdc->fifo_open = false;
    fdc_lower_irq(fdc);
}

/* Out of reset: a poll of the drives, which tells an interrupt for each. */
static void fdc_wake(Fdc *fdc)
{
    if (!fdc->locked) {
        fdc->configure = CONFIG_NO_FIFO;
        fdc->precompensation = 0;
    }
    fdc->perpendicular &= 0xfc; /* the drives' bits stay */
    for (unsigned i = 0; i < FDC_SELECTS; i++) {
        fdc->sense[i] = (uint8_t)(ST0_POLLED | i);
    }
    fdc->sense_pending = (1u << FDC_SELECTS) - 1;
    clock_timer_set(fdc->seek_timer, clock_now(fdc->config.clock) + RESET_NS);
}

static void fdc_write_dor(Fdc *fdc, uint8_t value)
{
    uint8_t before = fdc->dor;

    fdc->dor = value;
    if ((value & DOR_ENABLED) == 0) {
        fdc_stop(fdc);
    } else if ((before & DOR_ENABLED) == 0) {
        fdc_wake(fdc);
    }
    fdc_update_irq(fdc);
}

static void fdc_write_dsr(Fdc *fdc, uint8_t value)
{
    fdc->rate = value & RATE_MASK;
    if ((value & DSR_RESET) != 0 && (fdc->dor & DOR_ENABLED) != 0) {
        fdc_stop(fdc); /* clears itself */
        fdc_wake(fdc);
    }
}

/* ---- Registers ---- */

static uint8_t fdc_msr(const Fdc *fdc)
{
    uint8_t msr = fdc->seeking;

    if ((fdc->dor & DOR_ENABLED) == 0) {
        return 0;
    }
    switch (fdc->phase) {
    case PHASE_COMMAND:
        return msr | MSR_RQM | (fdc->command_length != 0 ? MSR_BUSY : 0);
    case PHASE_RESULT:
        return msr | MSR_RQM | MSR_TO_HOST | MSR_BUSY;
    default:
        msr |= MSR_BUSY | ((fdc->specify[1] & 1) != 0 ? MSR_NON_DMA : 0);
        if (fdc->fifo_open) {
            msr |= MSR_RQM | (fdc->fifo_to_host ? MSR_TO_HOST : 0);
        }
        return msr;
    }
}

static uint8_t fdc_read_fifo(Fdc *fdc)
{
    uint8_t value;

    if (fdc->phase == PHASE_EXECUTION && fdc->fifo_open && fdc->fifo_to_host) {
        return fdc_transfer_read(fdc);
    }
    if (fdc->phase != PHASE_RESULT) {
        return 0;
    }
    fdc_lower_irq(fdc);
    value = fdc->result[fdc->result_position++];
    if (fdc->result_position == fdc->result_length) {
        fdc_command_done(fdc);
    }
    return value;
}

static void fdc_write_fifo(Fdc *fdc, uint8_t value)
{
    if ((fdc->dor & DOR_ENABLED) == 0) {
        return;
    }
    if (fdc->phase == PHASE_EXECUTION && fdc->fifo_open && !fdc->fifo_to_host) {
        fdc_transfer_write(fdc, value);
        return;
    }
    if (fdc->phase != PHASE_COMMAND) {
        return;
    }
    if (fdc->command_length == 0) {
        fdc->command_expected = (uint8_t)fdc_command_bytes(value);
    }
    fdc->command[fdc->command_length++] = value;
    if (fdc->command_length == fdc->command_expected) {
        fdc_command_run(fdc);
    }
}

/* The change line of the drive that DOR selects. */
static uint8_t fdc_dir(const Fdc *fdc)
{
    unsigned unit = fdc->dor & DOR_DRIVE;

    return unit < FDC_DRIVES && fdc->drive[unit].type != FLOPPY_NONE && fdc->drive[unit].changed
               ? DIR_CHANGED
               : 0;
}

static uint32_t fdc_read(void *opaque, uint16_t offset, unsigned width)
{
    Fdc *fdc = opaque;

    (void)width;
    switch (offset) {
    case PORT_DOR:
        return fdc->dor;
    case PORT_TDR:
        return fdc->tdr;
    case PORT_MSR:
        return fdc_msr(fdc);
    case PORT_FIFO:
        return fdc_read_fifo(fdc);
    default: /* SRA, SRB: not driven in AT mode */
        return 0xff;
    }
}

static void fdc_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    Fdc *fdc = opaque;

    (void)width;
    switch (offset) {
    case PORT_DOR:
        fdc_write_dor(fdc, (uint8_t)value);
        break;
    case PORT_TDR:
        fdc->tdr = value & 0x03;
        break;
    case PORT_MSR:
        fdc_write_dsr(fdc, (uint8_t)value);
        break;
    case PORT_FIFO:
        fdc_write_fifo(fdc, (uint8_t)value);
        break;
    default:
        break;
    }
}

static uint32_t fdc_read_dir(void *opaque, uint16_t offset, unsigned width)
{
    (void)offset, (void)width;
    return fdc_dir(opaque);
}

static void fdc_write_ccr(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    (void)offset, (void)width;
    ((Fdc *)opaque)->rate = value & RATE_MASK;
}

/* Port 6 of the eight is the IDE's. */
static const IoRange fdc_ports[] = {
    { .base = PORT_SRA, .count = 6, .widths = IO_8, .read = fdc_read, .write = fdc_write },
    { .base = PORT_DIR, .count = 1, .widths = IO_8, .read = fdc_read_dir, .write = fdc_write_ccr },
};

/* ---- Drives ---- */

/* The format that a medium has in this drive; an automatic drive is what its first medium needs. */
void fdc_set_drive(Fdc *fdc, unsigned drive, FloppyType type)
{
    g_assert(drive < FDC_DRIVES);
    fdc->drive[drive] = (FdcDrive){ .type = type, .changed = true };
}

FloppyType fdc_drive_type(const Fdc *fdc, unsigned drive)
{
    const FdcDrive *unit = &fdc->drive[drive];

    if (unit->type != FLOPPY_AUTO) {
        return unit->type;
    }
    return unit->format != NULL ? unit->format->type : fdc->config.fallback;
}

void fdc_set_medium(Fdc *fdc, unsigned drive, BlockNode *medium, bool readonly)
{
    FdcDrive *unit = &fdc->drive[drive];

    g_assert(drive < FDC_DRIVES && unit->type != FLOPPY_NONE);
    if (fdc->busy) {
        fdc_transfer_cancel(fdc); /* the medium is torn out */
        fdc_command_done(fdc);
    }
    unit->medium = medium;
    unit->readonly = readonly || (medium != NULL && block_readonly(medium));
    unit->format = medium != NULL ? floppy_format_find(block_size(medium), unit->type) : NULL;
    unit->changed = true;
}

uint16_t fdc_base(const Fdc *fdc)
{
    return fdc->config.base;
}

void *fdc_drive_device(Fdc *fdc, unsigned drive)
{
    return &fdc->drive[drive];
}

/* ---- Life ---- */

static void fdc_timer(void *opaque)
{
    fdc_transfer_continue(opaque);
}

static void fdc_seek_timer(void *opaque)
{
    fdc_seek_end(opaque);
}

void fdc_reset(Fdc *fdc)
{
    fdc_stop(fdc);
    fdc->dor = fdc->tdr = 0;
    fdc->rate = 2; /* 250 kbit/s */
    fdc->locked = false;
    memset(fdc->specify, 0, sizeof(fdc->specify));
    fdc->perpendicular = 0;
    fdc->configure = CONFIG_NO_FIFO;
    fdc->precompensation = 0;
    fdc_update_irq(fdc);
}

Fdc *fdc_new(const FdcConfig *config)
{
    Fdc *fdc = g_new0(Fdc, 1);

    fdc->config = *config;
    fdc->timer = clock_timer_new(config->clock, fdc_timer, fdc);
    fdc->seek_timer = clock_timer_new(config->clock, fdc_seek_timer, fdc);
    fdc->ports = io_bus_attach(config->io, fdc_ports, G_N_ELEMENTS(fdc_ports), fdc);
    io_attachment_set_enabled(config->io, fdc->ports, false);
    io_attachment_move(config->io, fdc->ports, config->base);
    io_attachment_set_enabled(config->io, fdc->ports, true);
    fdc_reset(fdc);
    return fdc;
}

void fdc_free(Fdc *fdc)
{
    fdc_stop(fdc);
    io_bus_detach(fdc->config.io, fdc->ports);
    clock_timer_free(fdc->timer);
    clock_timer_free(fdc->seek_timer);
    g_free(fdc);
}

/* ---- Snapshots ---- */

/* A request to the medium was not waited for; it is made again. Seeks arrive at once. */
static void fdc_loaded(void *opaque)
{
    Fdc *fdc = opaque;

    fdc->operation = MIN(fdc->operation, OPERATION_READ_ID);
    fdc->phase = MIN(fdc->phase, PHASE_RESULT);
    fdc->command_length = MIN(fdc->command_length, FDC_COMMAND_MAX - 1);
    fdc->command_expected = MIN(fdc->command_expected, FDC_COMMAND_MAX);
    fdc->result_length = MIN(fdc->result_length, FDC_RESULT_MAX);
    fdc->result_position = MIN(fdc->result_position, fdc->result_length);
    fdc->data_size = MIN(fdc->data_size, FLOPPY_SECTOR);
    fdc->position = MIN(fdc->position, fdc->data_size);
    if (fdc->phase == PHASE_RESULT && fdc->result_position == fdc->result_length) {
        fdc->phase = PHASE_COMMAND; /* nothing is left to read */
    }
    if (fdc->phase == PHASE_COMMAND && fdc->command_length >= fdc->command_expected) {
        fdc->command_length = 0;
    }
    fdc->fifo_open = fdc->fifo_open && fdc->position < fdc->data_size;
    fdc_update_irq(fdc);
    if (fdc->seeking != 0 || fdc->sense_pending != 0) {
        clock_timer_set(fdc->seek_timer, clock_now(fdc->config.clock));
    }
    if (fdc->phase == PHASE_EXECUTION && !fdc->fifo_open) {
        clock_timer_set(fdc->timer, clock_now(fdc->config.clock));
    }
}

static const StateField fdc_fields[] = {
    STATE_FIELD(STATE_U8, Fdc, dor),
    STATE_FIELD(STATE_U8, Fdc, tdr),
    STATE_FIELD(STATE_U8, Fdc, rate),
    STATE_ARRAY(STATE_U8, Fdc, specify),
    STATE_FIELD(STATE_U8, Fdc, configure),
    STATE_FIELD(STATE_U8, Fdc, precompensation),
    STATE_FIELD(STATE_U8, Fdc, perpendicular),
    STATE_FIELD(STATE_BOOL, Fdc, locked),
    STATE_FIELD(STATE_U8, Fdc, phase),
    STATE_ARRAY(STATE_U8, Fdc, command),
    STATE_FIELD(STATE_U8, Fdc, command_length),
    STATE_FIELD(STATE_U8, Fdc, command_expected),
    STATE_ARRAY(STATE_U8, Fdc, result),
    STATE_FIELD(STATE_U8, Fdc, result_length),
    STATE_FIELD(STATE_U8, Fdc, result_position),
    STATE_FIELD(STATE_BOOL, Fdc, irq),
    STATE_FIELD(STATE_U8, Fdc, sense_pending),
    STATE_FIELD(STATE_U8, Fdc, seeking),
    STATE_ARRAY(STATE_U8, Fdc, sense),
    STATE_ARRAY(STATE_U8, Fdc, seek_target),
    STATE_FIELD(STATE_U8, Fdc, operation),
    STATE_FIELD(STATE_U8, Fdc, st1),
    STATE_FIELD(STATE_U8, Fdc, st2),
    STATE_FIELD(STATE_U8, Fdc, cylinder),
    STATE_FIELD(STATE_U8, Fdc, head),
    STATE_FIELD(STATE_U8, Fdc, sector),
    STATE_FIELD(STATE_U8, Fdc, size_code),
    STATE_ARRAY(STATE_U8, Fdc, data),
    STATE_ARRAY(STATE_U8, Fdc, host),
    STATE_FIELD(STATE_U8, Fdc, format_left),
    STATE_FIELD(STATE_U16, Fdc, position),
    STATE_FIELD(STATE_U16, Fdc, data_size),
    STATE_FIELD(STATE_U8, Fdc, waits),
    STATE_FIELD(STATE_BOOL, Fdc, fifo_open),
    STATE_FIELD(STATE_BOOL, Fdc, fifo_to_host),
    STATE_FIELD(STATE_BOOL, Fdc, terminal_count),
    STATE_FIELD(STATE_BOOL, Fdc, writing),
    { 0 },
};

const StateTable fdc_state = {
    .name = "fdc",
    .version = 1,
    .fields = fdc_fields,
    .loaded = fdc_loaded,
};

static const StateField fdc_drive_fields[] = {
    STATE_FIELD(STATE_BOOL, FdcDrive, changed),
    STATE_FIELD(STATE_U8, FdcDrive, cylinder),
    { 0 },
};

const StateTable fdc_drive_state = {
    .name = "floppy",
    .version = 1,
    .fields = fdc_drive_fields,
};
