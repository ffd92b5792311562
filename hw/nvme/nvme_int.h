/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_NVME_NVME_INT_H
#define HW_NVME_NVME_INT_H
/* nvme_int.h - an NVMe controller (NVM Express 1.4) with its queues and namespaces.
 *
 * Commands are fetched when a doorbell rings and there is room for their completion; data move
 * between guest RAM and the block layer without a copy.  Queues that are not in RAM, or whose
 * doorbells make no sense, stop the controller (CSTS.CFS) or are told by an event, as the
 * specification has it.  Everything is done with the device lock held. */
#include "hw/block/medium.h"
#include "hw/iov.h"
#include "hw/pci/msi.h"
#include "hw/pci/pci.h"

enum {
    NVME_QUEUES_MAX = 129,   /* pairs, with the admin queues */
    NVME_NAMESPACES = 256,   /* their numbers begin with 1 */
    NVME_ENTRIES_MAX = 2048, /* of a queue: CAP.MQES */
    NVME_COMMAND_SIZE = 64,  /* bytes of an entry */
    NVME_COMPLETION_SIZE = 16,
    NVME_IDENTIFY_SIZE = 4096,
    NVME_PAGE_MIN = 4096,
    NVME_AER_MAX = 16,
    NVME_VECTORS_MAX = 2048,
    NVME_ALL_NAMESPACES = -1,
};

typedef enum NvmeStatus { /* status code type and code */
                          NVME_SUCCESS = 0x000,
                          NVME_INVALID_OPCODE = 0x001,
                          NVME_INVALID_FIELD = 0x002,
                          NVME_DATA_TRANSFER_ERROR = 0x004,
                          NVME_INTERNAL_ERROR = 0x006,
                          NVME_INVALID_NAMESPACE = 0x00b,
                          NVME_INVALID_SGL_SEGMENT = 0x00d,
                          NVME_INVALID_SGL_COUNT = 0x00e,
                          NVME_INVALID_SGL_LENGTH = 0x00f,
                          NVME_INVALID_SGL_TYPE = 0x011,
                          NVME_INVALID_PRP_OFFSET = 0x013,
                          NVME_LBA_RANGE = 0x080,
                          NVME_CAPACITY_EXCEEDED = 0x081,
                          NVME_INVALID_CQ = 0x100,
                          NVME_INVALID_QUEUE_ID = 0x101,
                          NVME_INVALID_QUEUE_SIZE = 0x102,
                          NVME_AER_LIMIT = 0x105,
                          NVME_INVALID_VECTOR = 0x108,
                          NVME_INVALID_LOG_PAGE = 0x109,
                          NVME_INVALID_DELETION = 0x10c,
                          NVME_NOT_SAVEABLE = 0x10d,
                          NVME_NOT_CHANGEABLE = 0x10e,
                          NVME_READ_ONLY = 0x182,
                          NVME_WRITE_FAULT = 0x280,
                          NVME_READ_ERROR = 0x281,
                          NVME_COMPARE_FAILURE = 0x285,
                          NVME_LATER = -1, /* the command ends by itself */
} NvmeStatus;

typedef struct Nvme Nvme;
typedef struct NvmeRequest NvmeRequest;

typedef struct NvmeSq {
    bool there;
    uint64_t base;
    uint32_t size; /* entries */
    uint32_t head, tail;
    uint16_t cqid;
} NvmeSq;

typedef struct NvmeCq {
    bool there, interrupts, phase;
    uint64_t base;
    uint32_t size;
    uint32_t head, tail;
    uint16_t vector;
    uint32_t promised; /* completions of commands that are under way */
} NvmeCq;

typedef struct NvmeNs {
    BlockNode *drive; /* NULL: there is no namespace */
    unsigned nsid;
    uint32_t block, physical_block; /* bytes */
    uint8_t uuid[16];
    uint64_t eui64;
} NvmeNs;

typedef struct NvmeCommand { /* an entry of a submission queue, in the machine's order of bytes */
    uint8_t opcode, flags;
    uint16_t cid;
    uint32_t nsid;
    uint32_t reserved[2];
    uint64_t metadata;
    uint64_t prp[2]; /* or an SGL descriptor */
    uint32_t cdw10, cdw11, cdw12, cdw13, cdw14, cdw15;
} NvmeCommand;
_Static_assert(sizeof(NvmeCommand) == NVME_COMMAND_SIZE, "as in memory");

struct NvmeRequest {
    Nvme *nvme;
    uint16_t sqid, cqid;
    NvmeCommand command;
    uint32_t result; /* DW0 of the completion */
    NvmeNs *ns;
    GArray *data; /* of struct iovec: guest RAM; NULL: not mapped */
    bool data_written;
    uint8_t *buffer; /* NULL: none */
    struct iovec vector;
    unsigned at, left; /* ranges of a list */
};

typedef struct NvmeBus {
    Bus bus;
    Nvme *nvme;
} NvmeBus;

struct Nvme {
    PciDevice pci;
    BlockNode *drive; /* properties */
    char *serial;
    uint32_t max_ioqpairs;
    uint16_t msix_qsize;
    uint8_t mdts, aerl;
    uint32_t cmb_size_mb;
    bool intel_id;
    uint64_t logical_block, physical_block;
    OnOffAuto write_cache_wanted;
    int32_t bootindex;

    NvmeBus bus;
    NvmeNs own;                            /* the namespace of drive= */
    NvmeNs *ns[NVME_NAMESPACES + 1];       /* by number; NULL: none */
    unsigned table_offset, pending_offset; /* of MSI-X, in the BAR */
    bool resetting;                        /* completions go nowhere */
    unsigned flushing;                     /* flushes of a shutdown that are under way */

    /* What the guest can tell. */
    uint32_t cc, csts, intms, aqa;
    uint64_t asq, acq;
    NvmeSq sq[NVME_QUEUES_MAX];
    NvmeCq cq[NVME_QUEUES_MAX];
    uint16_t aer[NVME_AER_MAX]; /* command ids that wait for events */
    uint32_t aers;
    uint32_t events, masked; /* by bit: to be told; told, and the log page not read */
    uint32_t arbitration, error_recovery, coalescing, write_atomicity, event_config;
    uint16_t over_threshold, under_threshold; /* kelvin */
    bool write_cache;
    uint32_t vector_config[NVME_QUEUES_MAX]; /* coalescing disabled */
    uint64_t timestamp, timestamp_set_ns;    /* ms; when it was set */
    bool timestamp_given;
    uint64_t errors;
    uint64_t host_reads, host_writes; /* commands */
};

/* ---- nvme.c ---- */

bool nvme_running(const Nvme *nvme); /* enabled, and not failed */
void nvme_fatal(Nvme *nvme);
void nvme_drain(Nvme *nvme); /* all that is under way completes */

/* ---- nvme_queue.c ---- */

void nvme_queues_reset(Nvme *nvme);
/* Fetches and starts what there is room for. */
void nvme_sq_run(Nvme *nvme, unsigned sqid);
void nvme_queues_run(Nvme *nvme, unsigned cqid); /* all that complete there */
void nvme_doorbell(Nvme *nvme, uint64_t offset, uint32_t value);
bool nvme_cq_has_room(const NvmeCq *cq);
/* A slot must have been promised. */
void nvme_post(Nvme *nvme, unsigned sqid, uint16_t cqid, uint16_t cid, NvmeStatus status,
               uint32_t result);
void nvme_update_interrupt(Nvme *nvme);
void nvme_request_end(NvmeRequest *request, NvmeStatus status); /* frees it */
extern const StateTable nvme_sq_state, nvme_cq_state;

/* ---- nvme_data.c ---- */

/* Maps what the command names, `size` bytes, into request->data. */
NvmeStatus nvme_map(NvmeRequest *request, uint64_t size, bool to_guest);
/* Maps, and copies; `size` at most what MDTS allows. */
NvmeStatus nvme_to_guest(NvmeRequest *request, const void *data, uint64_t size);
NvmeStatus nvme_from_guest(NvmeRequest *request, void *data, uint64_t size);
uint64_t nvme_page_size(const Nvme *nvme);
uint64_t nvme_data_max(const Nvme *nvme); /* bytes of a command */
bool nvme_is_master(const Nvme *nvme);

/* ---- nvme_admin.c, nvme_identify.c, nvme_feature.c, nvme_log.c, nvme_io.c ---- */

NvmeStatus nvme_admin(NvmeRequest *request);
NvmeStatus nvme_identify(NvmeRequest *request);
NvmeStatus nvme_get_feature(NvmeRequest *request);
NvmeStatus nvme_set_feature(NvmeRequest *request);
void nvme_features_reset(Nvme *nvme);
NvmeStatus nvme_get_log(NvmeRequest *request);
NvmeStatus nvme_io(NvmeRequest *request);

typedef enum NvmeEvent { /* bits of events and masked */
                         NVME_EVENT_BAD_DOORBELL = 0,
                         NVME_EVENT_BAD_DOORBELL_VALUE = 1,
                         NVME_EVENT_TEMPERATURE = 2,
                         NVME_EVENT_COUNT,
} NvmeEvent;
void nvme_event(Nvme *nvme, NvmeEvent event);
void nvme_events_tell(Nvme *nvme);
void nvme_temperature_check(Nvme *nvme);
enum { NVME_TEMPERATURE = 323, NVME_TEMPERATURE_WARNING = 343, NVME_TEMPERATURE_CRITICAL = 373 };

/* ---- nvme_ns.c ---- */

extern const BusType nvme_bus_type;
NvmeNs *nvme_namespace(const Nvme *nvme, uint32_t nsid); /* NULL: there is none */
uint64_t nvme_ns_blocks(const NvmeNs *ns);
/* `nsid` 0: the first that is free. */
bool nvme_ns_attach(Nvme *nvme, NvmeNs *ns, uint32_t nsid, GError **error);
void nvme_ns_detach(Nvme *nvme, NvmeNs *ns);
bool nvme_blocks_check(uint64_t logical, uint64_t physical, GError **error);

#endif
