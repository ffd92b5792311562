/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_SCSI_SCSI_H
#define HW_SCSI_SCSI_H
/* scsi.h - SCSI targets, and the bus that a host adapter has them on (SAM-5, SPC-4, SBC-3, MMC-6).
 *
 * An adapter embeds a ScsiBus and hands requests to it: a CDB, vectors of guest RAM for data, and
 * `done`, which is called once - before scsi_submit returns, or later on the main thread.  Until
 * then the request and its vectors are the target's.  scsi_device_drain ends what is under way.
 * There is one initiator; everything is done with the device lock held. */
#include "hw/block/block.h"
#include "hw/board.h"
#include "hw/iov.h"

typedef struct ScsiBus ScsiBus;
typedef struct ScsiDevice ScsiDevice;
typedef struct ScsiRequest ScsiRequest;

enum { SCSI_CDB_MAX = 16, SCSI_SENSE_SIZE = 18 };

typedef enum ScsiStatus {
    SCSI_GOOD = 0x00,
    SCSI_CHECK_CONDITION = 0x02,
} ScsiStatus;

/* What an adapter is; static storage. The functions may be NULL. */
typedef struct ScsiHba {
    unsigned max_channel, max_target, max_lun;
    /* The sense of a command that has failed comes with its status, and is not kept for REQUEST
     * SENSE. */
    bool autosense;
    void (*plugged)(ScsiBus *bus, ScsiDevice *device); /* while the machine runs */
    void (*unplugging)(ScsiBus *bus, ScsiDevice *device);
    /* What a unit attention says is true of the device from now on. */
    void (*changed)(ScsiBus *bus, ScsiDevice *device, uint8_t asc, uint8_t ascq);
} ScsiHba;

struct ScsiBus { /* embedded in the adapter's structure */
    Bus bus;
    const ScsiHba *hba;
};

typedef struct ScsiAddress {
    unsigned channel, target, lun;
} ScsiAddress;

struct ScsiRequest { /* embedded in the adapter's structure */
    uint64_t tag;    /* the adapter's */
    uint8_t cdb[SCSI_CDB_MAX];
    const struct iovec *out, *in; /* what the target reads, and what it writes */
    unsigned n_out, n_in;
    uint64_t out_size, in_size; /* bytes in them */
    void (*done)(ScsiRequest *request);

    /* What has come of it. */
    ScsiStatus status;
    uint8_t sense[SCSI_SENSE_SIZE]; /* fixed format; with CHECK CONDITION */
    uint64_t moved;                 /* bytes of data, either way */
    bool overrun; /* the command moves more than there is room for: it was not done */

    /* The target's. */
    ScsiDevice *device; /* NULL: a unit that is not there, of a target that is */
    const ScsiBus *bus;
    ScsiAddress address;
    const struct ScsiCommand *command;
    void (*next)(ScsiRequest *request); /* when the block layer is ready */
    uint64_t lba;                       /* where it is, in blocks */
    uint64_t blocks;                    /* that are left */
    uint64_t step;                      /* blocks under way */
    uint8_t *buffer;                    /* NULL: none */
    struct iovec *iov;                  /* NULL: none */
    bool force;                         /* to the medium, whatever the cache is */
};

void scsi_bus_init(ScsiBus *bus, const ScsiHba *hba, Device *parent);
ScsiDevice *scsi_bus_find(const ScsiBus *bus, ScsiAddress address); /* NULL: there is none */
/* Of any LUN. */
bool scsi_bus_has_target(const ScsiBus *bus, unsigned channel, unsigned target);
/* As the bus's reset condition, or the adapter's reset, does it: all units forget. */
void scsi_bus_reset(ScsiBus *bus);

/* How many bytes a command would move at most, for adapters that have phases; true: to the target.
 */
bool scsi_transfer(const ScsiBus *bus, ScsiAddress address, const uint8_t *cdb, uint64_t *bytes);
/* False: there is no such target, and nothing is done. */
bool scsi_submit(ScsiBus *bus, ScsiAddress address, ScsiRequest *request);

ScsiAddress scsi_device_address(const ScsiDevice *device);
/* A request that is under way; NULL: there is none of the tag. */
ScsiRequest *scsi_device_find_request(const ScsiDevice *device, uint64_t tag);
bool scsi_device_busy(const ScsiDevice *device);
void scsi_device_drain(ScsiDevice *device); /* all requests end, `done` is called */
void scsi_device_reset(ScsiDevice *device); /* LOGICAL UNIT RESET */
/* The medium has another size now. */
void scsi_device_resized(ScsiDevice *device);

#endif
