/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ata.c - the command table, and the commands that move no sectors (ATA/ATAPI-6, clause 8). */
#include "hw/ide/ide_int.h"

#include <string.h>

enum { ON_DISK = 1u << IDE_DISK, ON_CDROM = 1u << IDE_CDROM };

enum { /* SET FEATURES */
       FEATURE_WRITE_CACHE_ON = 0x02,
       FEATURE_TRANSFER_MODE = 0x03,
       FEATURE_APM_ON = 0x05,
       FEATURE_LOOK_AHEAD_OFF = 0x55,
       FEATURE_NO_REVERT = 0x66,
       FEATURE_WRITE_CACHE_OFF = 0x82,
       FEATURE_APM_OFF = 0x85,
       FEATURE_LOOK_AHEAD_ON = 0xaa,
       FEATURE_REVERT = 0xcc,
       MODE_PIO = 0x00,
       MODE_PIO_FLOW = 0x08,
       MODE_MDMA = 0x20,
       MODE_UDMA = 0x40,
       MODE_NUMBER = 0x07,
       MODE_PIO_MAX = 4,
       MODE_MDMA_MAX = 2,
       MODE_UDMA_MAX = 5,
};

typedef struct AtaCommand {
    IdeCommand *run;
    uint8_t kinds; /* ON_* */
    uint8_t flags; /* CMD_* */
} AtaCommand;

static void ata_initialize_parameters(IdeDrive *drive)
{
    if (drive->count == 0) {
        drive_abort(drive);
        return;
    }
    drive->current_heads = (drive->device & DEVICE_HEAD) + 1;
    drive->current_track_sectors = drive->count;
    drive_done(drive);
}

static void ata_check_power(IdeDrive *drive)
{
    drive->count = 0xff; /* active or idle */
    drive_done(drive);
}

static void ata_set_multiple(IdeDrive *drive)
{
    if (drive->count > IDE_MULTIPLE_MAX || (drive->count & (drive->count - 1)) != 0) {
        drive_abort(drive);
        return;
    }
    drive->multiple = drive->count;
    drive_done(drive);
}

static bool set_transfer_mode(IdeDrive *drive)
{
    unsigned number = drive->count & MODE_NUMBER;

    switch (drive->count & ~MODE_NUMBER) {
    case MODE_PIO:
        if (number > 1) {
            return false;
        }
        break;
    case MODE_PIO_FLOW:
        if (number > MODE_PIO_MAX) {
            return false;
        }
        break;
    case MODE_MDMA:
        if (number > MODE_MDMA_MAX) {
            return false;
        }
        drive->mdma_mode = (uint8_t)(1u << number);
        drive->udma_mode = 0;
        return true;
    case MODE_UDMA:
        if (number > MODE_UDMA_MAX) {
            return false;
        }
        drive->mdma_mode = 0;
        drive->udma_mode = (uint8_t)(1u << number);
        return true;
    default:
        return false;
    }
    drive->mdma_mode = drive->udma_mode = 0;
    return true;
}

static void write_cache_off_done(IdeDrive *drive, int error)
{
    drive->write_cache = false;
    if (error != 0) {
        drive_fault(drive, ATA_ABRT);
    } else {
        drive_done(drive);
    }
}

static void ata_set_features(IdeDrive *drive)
{
    bool disk = drive->kind == IDE_DISK, known = true;

    switch (drive->features) {
    case FEATURE_TRANSFER_MODE:
        known = set_transfer_mode(drive);
        break;
    case FEATURE_WRITE_CACHE_ON:
        drive->write_cache = true;
        known = disk;
        break;
    case FEATURE_WRITE_CACHE_OFF:
        if (disk) {
            drive_flush(drive, write_cache_off_done);
            return;
        }
        known = false;
        break;
    case FEATURE_LOOK_AHEAD_ON:
    case FEATURE_LOOK_AHEAD_OFF:
        drive->look_ahead = drive->features == FEATURE_LOOK_AHEAD_ON;
        known = disk;
        break;
    case FEATURE_NO_REVERT:
    case FEATURE_REVERT:
        break;
    case FEATURE_APM_ON:
    case FEATURE_APM_OFF:
    default:
        known = false;
        break;
    }
    if (known) {
        drive_done(drive);
    } else {
        drive_abort(drive);
    }
}

static void ata_read_buffer(IdeDrive *drive)
{
    drive_reply(drive, IDE_SECTOR);
}

static void ata_write_buffer(IdeDrive *drive)
{
    drive_block(drive, TRANSFER_BUFFER, 0, IDE_SECTOR);
}

/* A CD-ROM refuses what would find a disk, and says what it is. */
static void atapi_refuse(IdeDrive *drive)
{
    drive_signature(drive);
    drive_abort(drive);
}

static void atapi_device_reset(IdeDrive *drive)
{
    g_assert(drive->kind == IDE_CDROM); /* taken before, as it is allowed while busy */
}

/* What is not here aborts: SECURITY, SET MAX, DOWNLOAD MICROCODE, READ LONG, CFA and others. */
static const AtaCommand commands[256] = {
    [0x00] = { drive_abort, ON_DISK | ON_CDROM, 0 }, /* NOP */
    [0x06] = { ata_data_set, ON_DISK, CMD_EXT },
    [0x08] = { atapi_device_reset, ON_CDROM, 0 },
    [0x10 ... 0x1f] = { drive_done, ON_DISK, 0 }, /* RECALIBRATE */
    [0x20 ... 0x21] = { ata_read_pio, ON_DISK, 0 },
    [0x24] = { ata_read_pio, ON_DISK, CMD_EXT },
    [0x25] = { ata_read_dma, ON_DISK, CMD_EXT },
    [0x27] = { ata_native_max, ON_DISK, CMD_EXT },
    [0x29] = { ata_read_pio, ON_DISK, CMD_EXT | CMD_MULTIPLE },
    [0x2f] = { ata_read_log, ON_DISK, CMD_EXT },
    [0x30 ... 0x31] = { ata_write_pio, ON_DISK, 0 },
    [0x34] = { ata_write_pio, ON_DISK, CMD_EXT },
    [0x35] = { ata_write_dma, ON_DISK, CMD_EXT },
    [0x39] = { ata_write_pio, ON_DISK, CMD_EXT | CMD_MULTIPLE },
    [0x3c] = { ata_write_pio, ON_DISK, 0 }, /* WRITE VERIFY */
    [0x40 ... 0x41] = { ata_verify, ON_DISK, 0 },
    [0x42] = { ata_verify, ON_DISK, CMD_EXT },
    [0x70 ... 0x7f] = { ata_seek, ON_DISK, 0 },
    [0x91] = { ata_initialize_parameters, ON_DISK, 0 },
    [0x94 ... 0x97] = { drive_done, ON_DISK | ON_CDROM, 0 }, /* STANDBY, IDLE; old codes */
    [0x98] = { ata_check_power, ON_DISK | ON_CDROM, 0 },
    [0x99] = { drive_done, ON_DISK | ON_CDROM, 0 },
    [0xa0] = { atapi_packet, ON_CDROM, 0 },
    [0xa1] = { atapi_identify, ON_CDROM, 0 },
    [0xb0] = { ata_smart, ON_DISK, 0 },
    [0xc4] = { ata_read_pio, ON_DISK, CMD_MULTIPLE },
    [0xc5] = { ata_write_pio, ON_DISK, CMD_MULTIPLE },
    [0xc6] = { ata_set_multiple, ON_DISK, 0 },
    [0xc8 ... 0xc9] = { ata_read_dma, ON_DISK, 0 },
    [0xca ... 0xcb] = { ata_write_dma, ON_DISK, 0 },
    [0xe0 ... 0xe3] = { drive_done, ON_DISK | ON_CDROM, 0 }, /* STANDBY, IDLE */
    [0xe4] = { ata_read_buffer, ON_DISK, 0 },
    [0xe5] = { ata_check_power, ON_DISK | ON_CDROM, 0 },
    [0xe6] = { drive_done, ON_DISK | ON_CDROM, 0 }, /* SLEEP */
    [0xe7] = { ata_flush, ON_DISK | ON_CDROM, 0 },
    [0xe8] = { ata_write_buffer, ON_DISK, 0 },
    [0xea] = { ata_flush, ON_DISK, CMD_EXT },
    [0xec] = { ata_identify, ON_DISK, 0 },
    [0xef] = { ata_set_features, ON_DISK | ON_CDROM, 0 },
    [0xf8] = { ata_native_max, ON_DISK, 0 },
};

unsigned ata_command_flags(const IdeDrive *drive)
{
    return commands[drive->command].flags;
}

void ata_execute(IdeDrive *drive)
{
    const AtaCommand *command = &commands[drive->command];
    bool finds_disks = drive->command == 0xec || command->run == ata_read_pio;

    if (command->run != NULL && (command->kinds >> drive->kind & 1) != 0) {
        command->run(drive);
    } else if (drive->kind == IDE_CDROM && finds_disks) {
        atapi_refuse(drive);
    } else {
        drive_abort(drive);
    }
}
