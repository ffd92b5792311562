/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_SCSI_SCSI_INT_H
#define HW_SCSI_SCSI_INT_H
/* scsi_int.h - a logical unit: scsi-hd or scsi-cd; tables of commands; how requests end. */
#include "hw/block/medium.h"
#include "hw/scsi/scsi.h"

#include <string.h>

enum { SCSI_SECTOR = 512, SCSI_CD_BLOCK = 2048 };

enum { /* sense: key, additional code, qualifier */
       SENSE_NONE = 0,
       SENSE_NO_MEDIUM = 0x023a01,
       SENSE_TRAY_OPEN = 0x023a02,
       SENSE_READ_ERROR = 0x031100,
       SENSE_WRITE_ERROR = 0x030c00,
       SENSE_HARDWARE = 0x044400,
       SENSE_LIST_LENGTH = 0x051a00,
       SENSE_INVALID_OPCODE = 0x052000,
       SENSE_OUT_OF_RANGE = 0x052100,
       SENSE_INVALID_FIELD = 0x052400,
       SENSE_NO_SUCH_UNIT = 0x052500,
       SENSE_INVALID_PARAMETER = 0x052600,
       SENSE_NO_SAVING = 0x053900,
       SENSE_REMOVAL_PREVENTED = 0x055302,
       SENSE_MEDIUM_CHANGED = 0x062800,
       SENSE_RESET = 0x062900,
       SENSE_MODE_CHANGED = 0x062a01,
       SENSE_CAPACITY_CHANGED = 0x062a09,
       SENSE_LUNS_CHANGED = 0x063f0e,
       SENSE_WRITE_PROTECTED = 0x072700,
       SENSE_NO_SPACE = 0x072707,
       SENSE_MISCOMPARE = 0x0e1d00,
};

typedef enum ScsiKind { SCSI_DISK, SCSI_CDROM } ScsiKind; /* peripheral types 0 and 5 */

struct ScsiDevice {
    Device dev;
    uint32_t channel, target, lun; /* properties of the bus's; UINT32_MAX: what is free */
    BlockNode *drive;              /* NULL: a CD-ROM drive that never has a medium */
    char *serial, *vendor, *product, *version, *device_id;
    uint64_t wwn, port_wwn;
    uint16_t port_index, rotation_rate;
    int32_t scsi_version, bootindex;
    bool removable, dpofua;
    OnOffAuto write_cache_wanted;
    uint64_t logical_block, physical_block, min_io, opt_io, granularity, max_unmap, max_io;

    ScsiKind kind;
    uint32_t block;  /* bytes */
    GQueue requests; /* of ScsiRequest *, under way */

    /* The guest's. */
    uint32_t attention; /* sense of a pending unit attention; 0: none */
    uint32_t kept;      /* sense that REQUEST SENSE will tell; 0: none */
    bool write_cache, locked, tray_open;
    bool new_medium, removed, eject_asked; /* events that nobody has asked for */
};

enum {                     /* flags of commands */
       COMMAND_ALWAYS = 1, /* whatever unit attention there is */
       COMMAND_MEDIUM = 2, /* needs one */
       COMMAND_WRITES = 4, /* needs one that can be written */
};

typedef enum ScsiData { /* what moves: to the initiator, or from it */
                        SCSI_DATA_NONE,
                        SCSI_DATA_IN, /* a reply, cut to the allocation length */
                        SCSI_DATA_IN_CAPACITY,
                        SCSI_DATA_IN_BLOCKS,
                        SCSI_DATA_OUT, /* a parameter list of the CDB's length */
                        SCSI_DATA_OUT_BLOCKS,
                        SCSI_DATA_OUT_VERIFY,
                        SCSI_DATA_OUT_SAME,
} ScsiData;

typedef struct ScsiCommand {
    uint8_t opcode, flags;
    ScsiData data;
    void (*run)(ScsiRequest *request); /* ends it, or gives it to the block layer */
} ScsiCommand;

typedef struct ScsiCommands {
    const ScsiCommand *command;
    unsigned n;
} ScsiCommands;

extern const ScsiCommands scsi_common_commands, scsi_block_commands, scsi_cd_commands;

/* ---- scsi_request.c ---- */

void scsi_end(ScsiRequest *request, ScsiStatus status);
void scsi_good(ScsiRequest *request);
void scsi_fail(ScsiRequest *request, uint32_t sense);
void scsi_fail_errno(ScsiRequest *request, int error, bool write);
/* The reply, as much of it as the allocation length and the buffers take; GOOD. */
void scsi_reply(ScsiRequest *request, const uint8_t *data, uint32_t size);
/* The parameter list of the CDB's length, at most `most` bytes, into `data`; how many there are. */
uint32_t scsi_parameters(ScsiRequest *request, uint8_t *data, uint32_t most);
uint32_t scsi_cdb_length(const uint8_t *cdb);     /* transfer, or list length */
uint32_t scsi_cdb_allocation(const uint8_t *cdb); /* of replies */
uint32_t scsi_cdb_blocks(const uint8_t *cdb);     /* of commands that move blocks */
/* `device` NULL: of a unit that is not there. NULL: there is no such command. */
const ScsiCommand *scsi_command_find(const ScsiDevice *device, uint8_t opcode);
void scsi_attention(ScsiDevice *device, uint32_t sense);
/* For block_*(): goes on with request->next, or fails. */
void scsi_read_done(void *opaque, int error);
void scsi_write_done(void *opaque, int error);
void scsi_sense_fixed(uint8_t *data, uint32_t sense);

/* ---- Commands ---- */

void scsi_inquiry(ScsiRequest *request);
void scsi_mode_sense(ScsiRequest *request);
void scsi_mode_select(ScsiRequest *request);
void scsi_report_luns(ScsiRequest *request);
void scsi_read(ScsiRequest *request);
/* Starts reading request->blocks from request->lba on, when they are there. */
void scsi_read_blocks(ScsiRequest *request);
void scsi_start_stop(ScsiRequest *request);

extern const BlockTray scsi_tray; /* of a CD-ROM drive; its opaque is the ScsiDevice */
bool scsi_has_medium(const ScsiDevice *device);
uint64_t scsi_blocks(const ScsiDevice *device); /* 0 without a medium */

extern const BusType scsi_bus_type;
char *scsi_firmware_path(const Device *dev);

/* ---- Big-endian fields ---- */

static inline uint32_t scsi_get(const uint8_t *at, unsigned bytes)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < bytes; i++) {
        value = value << 8 | at[i];
    }
    return value;
}

static inline uint64_t scsi_get64(const uint8_t *at)
{
    return (uint64_t)scsi_get(at, 4) << 32 | scsi_get(at + 4, 4);
}

static inline void scsi_put(uint8_t *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = bytes; i-- > 0; value >>= 8) {
        at[i] = (uint8_t)value;
    }
}

static inline void scsi_put_text(uint8_t *at, unsigned size, const char *text)
{
    memset(at, ' ', size);
    memcpy(at, text, MIN(strlen(text), size));
}

#endif
