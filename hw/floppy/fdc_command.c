/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fdc_command.c - the command set: a row each, and those that need no medium. */
#include "hw/floppy/fdc_int.h"

enum {
    SEEK_NS = 200000,
    RECALIBRATE_STEPS = 79,
    CYLINDER_LAST = 82, /* as far as the arm goes, on any drive */
    VERSION_ENHANCED = 0x90,
    PART_ID = 0x41,
};

typedef struct FdcCommand {
    uint8_t mask, value; /* of the first byte */
    uint8_t bytes;
    void (*run)(Fdc *fdc);
} FdcCommand;

/* ---- Settings ---- */

static void run_specify(Fdc *fdc)
{
    fdc->specify[0] = fdc->command[1];
    fdc->specify[1] = fdc->command[2];
    fdc_command_done(fdc);
}

static void run_configure(Fdc *fdc)
{
    fdc->configure = fdc->command[2];
    fdc->precompensation = fdc->command[3];
    fdc_command_done(fdc);
}

static void run_perpendicular(Fdc *fdc)
{
    bool overwrite = (fdc->command[1] & 0x80) != 0;

    fdc->perpendicular = overwrite ? fdc->command[1] & 0x3f
                                   : (fdc->perpendicular & 0x3c) | (fdc->command[1] & 0x03);
    fdc_command_done(fdc);
}

static void run_lock(Fdc *fdc)
{
    uint8_t reply;

    fdc->locked = (fdc->command[0] & 0x80) != 0;
    reply = fdc->locked ? 0x10 : 0;
    fdc_result(fdc, &reply, 1, false);
}

static void run_dump(Fdc *fdc)
{
    const uint8_t reply[] = {
        fdc->drive[0].cylinder,
        fdc->drive[1].cylinder,
        0,
        0,
        fdc->specify[0],
        fdc->specify[1],
        fdc->sector, /* SC or EOT of the last command; what was reached will do */
        (uint8_t)(fdc->locked << 7 | (fdc->perpendicular & 0x3f)),
        fdc->configure,
        fdc->precompensation,
    };

    fdc_result(fdc, reply, sizeof(reply), false);
}

static void run_version(Fdc *fdc)
{
    const uint8_t reply = VERSION_ENHANCED;

    fdc_result(fdc, &reply, 1, false);
}

static void run_part_id(Fdc *fdc)
{
    const uint8_t reply = PART_ID;

    fdc_result(fdc, &reply, 1, false);
}

static void run_power_down(Fdc *fdc)
{
    uint8_t reply = fdc->command[1];

    fdc_result(fdc, &reply, 1, false);
}

static void run_invalid(Fdc *fdc)
{
    const uint8_t reply = ST0_INVALID;

    fdc_result(fdc, &reply, 1, false);
}

/* ---- Seeks ---- */

static void seek_begin(Fdc *fdc, uint8_t target)
{
    unsigned unit = fdc_unit(fdc);

    fdc->seek_target[unit] = target;
    fdc->seeking |= (uint8_t)(1u << unit);
    clock_timer_set(fdc->seek_timer, clock_now(fdc->config.clock) + SEEK_NS);
    fdc_command_done(fdc);
}

static void run_seek(Fdc *fdc)
{
    seek_begin(fdc, fdc->command[2]);
}

static void run_recalibrate(Fdc *fdc)
{
    seek_begin(fdc, 0);
}

static void run_relative_seek(Fdc *fdc)
{
    FdcDrive *drive = fdc_selected(fdc);
    int from = drive != NULL ? drive->cylinder : 0;
    bool inwards = (fdc->command[0] & 0x40) != 0;
    int target = inwards ? from + fdc->command[2] : from - fdc->command[2];

    seek_begin(fdc, (uint8_t)CLAMP(target, 0, CYLINDER_LAST));
}

/* Where a drive is missing, track 0 is never seen. */
static uint8_t seek_arrive(Fdc *fdc, unsigned unit)
{
    FdcDrive *drive = &fdc->drive[unit % FDC_DRIVES];

    if (unit >= FDC_DRIVES || drive->type == FLOPPY_NONE) {
        return (uint8_t)(ST0_ABNORMAL | ST0_SEEK_END | ST0_EQUIPMENT | unit);
    }
    drive->cylinder = MIN(fdc->seek_target[unit], CYLINDER_LAST);
    if (drive->medium != NULL) {
        drive->changed = false;
    }
    return (uint8_t)(ST0_SEEK_END | unit);
}

/* Also the end of a reset, which has left its news for all drives. */
void fdc_seek_end(Fdc *fdc)
{
    for (unsigned unit = 0; unit < FDC_SELECTS; unit++) {
        if ((fdc->seeking >> unit & 1) != 0) {
            fdc->sense[unit] = seek_arrive(fdc, unit);
            fdc->sense_pending |= (uint8_t)(1u << unit);
        }
    }
    fdc->seeking = 0;
    if (fdc->sense_pending != 0) {
        fdc_raise_irq(fdc);
    }
}

static void run_sense_interrupt(Fdc *fdc)
{
    for (unsigned unit = 0; unit < FDC_SELECTS; unit++) {
        if ((fdc->sense_pending >> unit & 1) != 0 && (fdc->seeking >> unit & 1) == 0) {
            uint8_t cylinder = unit < FDC_DRIVES ? fdc->drive[unit].cylinder : 0;
            const uint8_t reply[] = { fdc->sense[unit], cylinder };

            fdc->sense_pending &= (uint8_t) ~(1u << unit);
            fdc_lower_irq(fdc);
            fdc_result(fdc, reply, sizeof(reply), false);
            return;
        }
    }
    fdc_lower_irq(fdc);
    run_invalid(fdc);
}

static void run_sense_drive(Fdc *fdc)
{
    FdcDrive *drive = fdc_selected(fdc);
    uint8_t reply = ST3_READY | ST3_TWO_SIDED;

    reply |= fdc->command[1] & (COMMAND_HEAD | DOR_DRIVE);
    if (drive != NULL && drive->cylinder == 0) {
        reply |= ST3_TRACK0;
    }
    if (drive != NULL && drive->medium != NULL && drive->readonly) {
        reply |= ST3_PROTECTED;
    }
    fdc_result(fdc, &reply, 1, false);
}

/* ---- Transfers ---- */

static void run_read(Fdc *fdc)
{
    fdc_transfer_start(fdc, OPERATION_READ);
}

static void run_read_track(Fdc *fdc)
{
    fdc_transfer_start(fdc, OPERATION_READ_TRACK);
}

static void run_write(Fdc *fdc)
{
    fdc_transfer_start(fdc, OPERATION_WRITE);
}

static void run_verify(Fdc *fdc)
{
    fdc_transfer_start(fdc, OPERATION_VERIFY);
}

static void run_scan(Fdc *fdc)
{
    fdc_transfer_start(fdc, OPERATION_SCAN);
}

static void run_format(Fdc *fdc)
{
    fdc_transfer_start(fdc, OPERATION_FORMAT);
}

static void run_read_id(Fdc *fdc)
{
    fdc_transfer_start(fdc, OPERATION_READ_ID);
}

/* ---- Dispatch ---- */

static const FdcCommand commands[] = {
    { 0x1f, 0x06, 9, run_read },                                        /* READ DATA */
    { 0x1f, 0x0c, 9, run_read },                                        /* READ DELETED DATA */
    { 0x1f, 0x05, 9, run_write },         { 0x1f, 0x09, 9, run_write }, /* WRITE DELETED DATA */
    { 0x9f, 0x02, 9, run_read_track },    { 0x1f, 0x16, 9, run_verify },
    { 0x1f, 0x11, 9, run_scan }, /* EQUAL, LOW OR EQUAL, HIGH OR EQUAL */
    { 0x1f, 0x19, 9, run_scan },          { 0x1f, 0x1d, 9, run_scan },
    { 0xbf, 0x0d, 6, run_format },        { 0xbf, 0x0a, 2, run_read_id },
    { 0xff, 0x03, 3, run_specify },       { 0xff, 0x04, 2, run_sense_drive },
    { 0xff, 0x07, 2, run_recalibrate },   { 0xff, 0x08, 1, run_sense_interrupt },
    { 0xff, 0x0e, 1, run_dump },          { 0xff, 0x0f, 3, run_seek },
    { 0xbf, 0x8f, 3, run_relative_seek }, { 0xff, 0x10, 1, run_version },
    { 0xff, 0x12, 2, run_perpendicular }, { 0xff, 0x13, 4, run_configure },
    { 0x7f, 0x14, 1, run_lock },          { 0xff, 0x17, 2, run_power_down },
    { 0xff, 0x18, 1, run_part_id },       { 0x00, 0x00, 1, run_invalid },
};

static const FdcCommand *command_find(uint8_t first)
{
    const FdcCommand *row = commands;

    while ((first & row->mask) != row->value) {
        row++;
    }
    return row;
}

unsigned fdc_command_bytes(uint8_t first)
{
    return command_find(first)->bytes;
}

void fdc_command_run(Fdc *fdc)
{
    command_find(fdc->command[0])->run(fdc);
}
