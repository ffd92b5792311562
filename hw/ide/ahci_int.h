/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_IDE_AHCI_INT_H
#define HW_IDE_AHCI_INT_H
/* ahci_int.h - the AHCI adapter, for its files (Serial ATA AHCI 1.3.1): ahci.c has the PCI function
 * and the global registers, ahci_port.c a port's registers and its link, ahci_command.c commands
 * that go to the drive one after another, ahci_ncq.c those that it queues, ahci_prdt.c lists of
 * pieces of memory, ahci_fis.c what the drive sends. */
#include "hw/ide/ide_bus.h"
#include "hw/ide/ide_int.h"
#include "hw/pci/pci.h"

enum { AHCI_PORTS = 6, AHCI_SLOTS = IDE_QUEUE, AHCI_NO_SLOT = 0xff };

enum { /* PxCMD */
       PORT_ST = 1 << 0,
       PORT_SUD = 1 << 1,
       PORT_POD = 1 << 2,
       PORT_FRE = 1 << 4,
       PORT_CCS_SHIFT = 8,
       PORT_CCS = 0x1f << PORT_CCS_SHIFT,
       PORT_FR = 1 << 14,
       PORT_CR = 1 << 15,
       PORT_ATAPI = 1 << 24,
       PORT_DLAE = 1 << 25,
};
enum { /* PxIS, PxIE */
       PORT_DHRS = 1 << 0,
       PORT_PSS = 1 << 1,
       PORT_DSS = 1 << 2,
       PORT_SDBS = 1 << 3,
       PORT_DPS = 1 << 5,
       PORT_PCS = 1 << 6,   /* shows PxSERR.DIAG.X */
       PORT_PRCS = 1 << 22, /* shows PxSERR.DIAG.N */
       PORT_OFS = 1 << 24,
       PORT_IFS = 1 << 27,
       PORT_HBFS = 1 << 29,
       PORT_TFES = 1 << 30,
};
enum { SERR_PROTOCOL = 1 << 10, SERR_PHY_READY = 1 << 16, SERR_EXCHANGED = 1 << 26 };

/* A list of pieces of memory, and where we are in it. */
typedef struct AhciPrdt {
    uint64_t at;      /* of the next entry */
    uint32_t entries; /* from there on */
    uint64_t base;    /* of the piece that we are in */
    uint32_t left;    /* bytes of it */
    bool interrupt;   /* wanted at its end */
    bool failed;      /* memory could not be reached */
} AhciPrdt;

typedef struct Ahci Ahci;
typedef struct AhciPort AhciPort;

/* A command that the drive has queued. */
typedef struct AhciQueued {
    AhciPort *port; /* NULL: there is none of this tag */
    uint8_t tag;
    bool write, force; /* to stable storage */
    uint64_t offset;   /* bytes on the medium; what is to be moved */
    uint32_t left;
    AhciPrdt prdt;
    struct iovec *iov; /* all of it, in guest RAM; NULL: through `bounce`, piece by piece */
    int n;
    struct iovec piece;
    uint8_t *bounce;
} AhciQueued;

/* What becomes of the queue when a command of it fails. */
typedef struct AhciFailure {
    bool due;    /* to be told when nothing is in flight any more */
    bool queued; /* the command that failed was; `tag` is its */
    uint8_t tag, error;
    uint64_t lba;
    uint32_t count;
} AhciFailure;

struct AhciPort {
    Ahci *ahci;
    unsigned index;
    IdeBus bus;
    IdeDrive drive;

    uint32_t list, list_high, area, area_high; /* PxCLB, PxFB */
    uint32_t status, enable;                   /* PxIS, PxIE */
    uint32_t command, task_file, signature;    /* PxCMD, PxTFD, PxSIG */
    uint32_t control, error, active, issue;    /* PxSCTL, PxSERR, PxSACT, PxCI */

    uint8_t slot, next_slot; /* that the drive works on; to be looked at first */
    bool hello_due;          /* the drive's first FIS after a reset waits for FIS reception */
    bool soft_reset;         /* the drive is held in reset by a FIS */
    bool halted;             /* by an error: until ST is cleared */

    AhciPrdt prdt;         /* of the drive's command */
    uint64_t header, acmd; /* gpa of its header; of its packet, 0: among the data */
    uint32_t moved;        /* bytes */
    AhciQueued queued[AHCI_SLOTS];
    unsigned in_flight; /* of them */
    AhciFailure failure;
    bool cancelling;
};

struct Ahci {
    PciDevice pci;
    uint32_t control, pending; /* GHC, IS */
    uint32_t index;            /* of the index-data pair */
    bool irq;
    bool mastering; /* at memory: our own registers do not answer meanwhile */
    AhciPort port[AHCI_PORTS];
};

/* ahci.c */
void ahci_update_irq(Ahci *ahci, bool news); /* news: another reason */
void ahci_raise(AhciPort *port, uint32_t reasons);
/* As pci_dma_read and _write. A list that leads into our registers leads nowhere. */
bool ahci_dma_read(Ahci *ahci, uint64_t gpa, void *data, uint64_t size);
bool ahci_dma_write(Ahci *ahci, uint64_t gpa, const void *data, uint64_t size);
uint32_t ahci_port_status(const AhciPort *port); /* PxIS */

/* ahci_port.c */
void ahci_port_init(Ahci *ahci, unsigned index);
void ahci_port_release(AhciPort *port);
void ahci_port_reset(AhciPort *port);   /* the adapter's */
void ahci_port_changed(AhciPort *port); /* a drive has come or gone */
void ahci_port_link_up(AhciPort *port); /* the drive has come out of a reset: its first FIS */
uint32_t ahci_port_read(AhciPort *port, unsigned reg);
void ahci_port_write(AhciPort *port, unsigned reg, uint32_t value);
void ahci_port_halt(AhciPort *port, uint32_t reasons); /* an error: nothing more until ST is 0 */

/* ahci_command.c */
void ahci_port_run(AhciPort *port); /* takes commands that wait */
/* The adapter's part of drives; their opaque is the port. */
extern const IdeHba ahci_hba;
void ahci_port_stop(AhciPort *port); /* what is in flight is waited for and forgotten */

/* ahci_ncq.c */
void ahci_queue_start(AhciPort *port, unsigned slot, const AhciPrdt *prdt);
void ahci_queue_fail(AhciPort *port, const AhciFailure *failure);

/* ahci_fis.c */
void ahci_fis_register(AhciPort *port, bool interrupt); /* D2H: the drive's task file */
void ahci_fis_pio_setup(AhciPort *port, bool to_host, bool interrupt, uint8_t status,
                        uint8_t end_status, uint32_t size);
void ahci_fis_device_bits(AhciPort *port, uint8_t status, uint8_t error, uint32_t done);

/* ahci_prdt.c */
AhciPrdt ahci_prdt_open(uint64_t table, unsigned entries);
/* Moves up to `size` bytes; how many it was: fewer, if the list has ended. */
uint32_t ahci_prdt_to_memory(AhciPort *port, AhciPrdt *prdt, const void *data, uint32_t size);
uint32_t ahci_prdt_from_memory(AhciPort *port, AhciPrdt *prdt, void *data, uint32_t size);
/* The host's view of the next `size` bytes. NULL: they do not lie in RAM, are too many pieces, or
 * the list is shorter; then the list is where it was. Caller frees. */
struct iovec *ahci_prdt_map(AhciPort *port, AhciPrdt *prdt, uint32_t size, bool write, int *n);

/* ahci_state.c */
extern const StateTable ahci_state, ahci_port_state;

#endif
