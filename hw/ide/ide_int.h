/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_IDE_IDE_INT_H
#define HW_IDE_IDE_INT_H
/* ide_int.h - controller, channels and drives, for the files of this folder.
 *
 * ide.c has the PCI function and the ports, busmaster.c the DMA engine, drive.c what disks and
 * CD-ROMs share, ata*.c the disk, atapi*.c the CD-ROM.
 *
 * A drive is idle, or waits for the medium (`busy`, BSY set), or moves data with the host as
 * `transfer` says: through the data register (DRQ set), or by DMA when the bus master is started
 * (`dma_waiting`).  What happens at the end of a data block follows from `transfer` alone, so that
 * a drive can be saved and loaded in the midst of one. */
#include "hw/block/block.h"
#include "hw/ide/ide.h"

enum { /* status register */
       ATA_BSY = 0x80,
       ATA_DRDY = 0x40,
       ATA_DF = 0x20,
       ATA_DSC = 0x10,
       ATA_DRQ = 0x08,
       ATA_ERR = 0x01,
       ATA_READY = ATA_DRDY | ATA_DSC,
};
enum { /* error register */
       ATA_UNC = 0x40,
       ATA_IDNF = 0x10,
       ATA_ABRT = 0x04,
       ATA_PASSED = 0x01, /* after diagnostics */
};
enum { /* device register */
       DEVICE_LBA = 0x40,
       DEVICE_DEV = 0x10,
       DEVICE_HEAD = 0x0f,
       DEVICE_FIXED = 0xa0, /* obsolete bits, read as ones */
};
enum { CONTROL_HOB = 0x80, CONTROL_SRST = 0x04, CONTROL_NIEN = 0x02 };
enum { /* bus master */
       BM_START = 0x01,
       BM_TO_MEMORY = 0x08,
       BM_ACTIVE = 0x01,
       BM_ERROR = 0x02,
       BM_INTERRUPT = 0x04,
       BM_CAPABLE = 0x60, /* stored for the drivers */
};

enum {
    IDE_CHANNELS = 2,
    IDE_SECTOR = 512,
    IDE_CD_SECTOR = 2048,
    IDE_DATA_SIZE = 64 << 10,
    IDE_DMA_SIZE = 256 << 10, /* of one request to the medium */
    IDE_MULTIPLE_MAX = 16,
    IDE_PACKET_SIZE = 12,
    IDE_TRIM_SECTORS = 8, /* of range entries in one DATA SET MANAGEMENT */
};

typedef struct IdeChannel IdeChannel;
typedef struct IdeDrive IdeDrive;

typedef enum IdeKind { IDE_ABSENT, IDE_DISK, IDE_CDROM } IdeKind;

typedef enum IdeTransfer {
    TRANSFER_NONE,
    TRANSFER_REPLY,  /* one block for the host, then the command is done */
    TRANSFER_READ,   /* disk sectors */
    TRANSFER_WRITE,  /* disk sectors */
    TRANSFER_BUFFER, /* WRITE BUFFER */
    TRANSFER_DMA_READ,
    TRANSFER_DMA_WRITE,
    TRANSFER_DMA_TRIM,
    TRANSFER_PACKET,    /* the packet of a PACKET command */
    TRANSFER_PACKET_IN, /* its data */
    TRANSFER_DMA_PACKET,
    TRANSFER_COUNT
} IdeTransfer;

typedef struct IdeCd {
    uint8_t packet[IDE_PACKET_SIZE];
    uint8_t sense_key, asc, ascq;
    bool tray_open, locked;
    bool attention; /* the medium may have changed: the next command is told */
    uint8_t event;  /* of the media class, not asked for yet */
    uint16_t limit; /* bytes of one data block */
} IdeCd;

struct IdeDrive {
    IdeChannel *channel;
    unsigned index; /* 0 or 1 on its channel */
    IdeKind kind;
    BlockNode *block; /* NULL: absent, or a CD-ROM without medium */
    uint64_t sectors; /* of 512 bytes */
    uint16_t cylinders, heads, track_sectors;

    /* Task file; the hob_ halves are what a register held before it was written last. */
    uint8_t status, error, features, count, lba[3], device;
    uint8_t hob_features, hob_count, hob_lba[3];
    bool irq; /* interrupt pending */

    /* Settings */
    uint16_t current_heads, current_track_sectors; /* INITIALIZE DEVICE PARAMETERS */
    uint8_t multiple;                              /* 0: READ and WRITE MULTIPLE abort */
    uint8_t mdma_mode, udma_mode;                  /* selected, as a bit; 0: the other is */
    bool write_cache, look_ahead, smart, smart_autosave;

    /* The command in progress */
    uint8_t command;
    uint8_t transfer; /* IdeTransfer */
    bool dma_waiting; /* for the bus master to be started */
    uint64_t next;    /* sector to be moved next */
    uint32_t left;    /* sectors, from `next` on; those in `data` are not counted for reads */
    uint32_t data_pos, data_end; /* of the block that the data register is in, in `data` */
    uint32_t data_filled;        /* bytes of `data` that came from the medium */
    uint8_t data[IDE_DATA_SIZE];
    IdeCd cd;

    /* A request to the medium */
    bool busy, cancelled;
    void (*done)(IdeDrive *drive, int error);
    struct iovec iov;
    uint8_t *bounce; /* IDE_DMA_SIZE bytes, made when first needed */
};

struct IdeChannel {
    Ide *ide;
    unsigned index;
    IrqLine line;
    IdeDrive drive[2];
    unsigned selected;
    uint8_t control;
    bool irq_level;
    IoAttachment *ports;

    uint8_t bm_command, bm_status;
    uint32_t bm_table;
    /* Where the engine is: next descriptor, and the rest of the one it is in. */
    uint32_t prd_next, prd_base, prd_left;
    bool prd_last, prd_failed;
};

struct Ide {
    IoBus *io;
    PciDevice *pci;
    IdeChannel channel[IDE_CHANNELS];
};

/* What each kind of transfer does. */
typedef struct IdeTransferRow {
    bool to_host, from_host;            /* through the data register */
    void (*block_end)(IdeDrive *drive); /* the data register has moved `data_end` bytes */
    void (*dma)(IdeDrive *drive);       /* the bus master is running */
} IdeTransferRow;
extern const IdeTransferRow ide_transfers[TRANSFER_COUNT];

/* ide.c */
void ide_channel_update_irq(IdeChannel *channel);

/* drive.c: ends of commands. */
void drive_raise_irq(IdeDrive *drive);
void drive_done(IdeDrive *drive);                 /* without an error */
void drive_done_silent(IdeDrive *drive);          /* and without an interrupt */
void drive_fail(IdeDrive *drive, uint8_t error);  /* ERR with these bits of the error register */
void drive_fault(IdeDrive *drive, uint8_t error); /* and DF: the medium does not work */
void drive_abort(IdeDrive *drive);                /* ERR, ABRT */
void drive_signature(IdeDrive *drive);
void drive_reset(IdeDrive *drive, bool hard); /* hard: settings too */
void drive_diagnose(IdeDrive *drive);
void drive_cancel(IdeDrive *drive); /* waits for a request in flight; its end is not acted on */
void drive_execute(IdeDrive *drive, uint8_t command);
/* Blocks of data. */
void drive_block(IdeDrive *drive, IdeTransfer transfer, uint32_t from, uint32_t to);
void drive_reply(IdeDrive *drive, uint32_t size); /* with an interrupt */
void drive_wait_dma(IdeDrive *drive, IdeTransfer transfer);
/* Requests to the medium; `done` runs later unless the drive is reset before. */
typedef void IdeDone(IdeDrive *drive, int error);
void drive_read(IdeDrive *drive, uint64_t offset, void *data, uint32_t size, IdeDone *done);
void drive_write(IdeDrive *drive, uint64_t offset, void *data, uint32_t size, IdeDone *done);
void drive_flush(IdeDrive *drive, IdeDone *done);
void drive_discard(IdeDrive *drive, uint64_t offset, uint64_t size, IdeDone *done);
uint8_t *drive_bounce(IdeDrive *drive);

/* busmaster.c */
void bm_reset(IdeChannel *channel);
void bm_attach(Ide *ide);
bool bm_running(const IdeChannel *channel);
/* Moves bytes between `data` and guest memory; fewer than `size`: the table has ended. */
uint32_t bm_to_memory(IdeChannel *channel, const void *data, uint32_t size);
uint32_t bm_from_memory(IdeChannel *channel, void *data, uint32_t size);
void bm_end(IdeChannel *channel); /* the drive has no more data */
void bm_short(IdeDrive *drive);   /* the drive has, but the table has ended: ends the command */

/* ata.c, ata_rw.c, identify.c, smart.c: commands of the disk. */
typedef void IdeCommand(IdeDrive *drive);
void ata_execute(IdeDrive *drive);
IdeCommand ata_read_pio, ata_write_pio, ata_read_dma, ata_write_dma, ata_verify, ata_flush,
    ata_data_set, ata_native_max, ata_seek, ata_smart, ata_identify;
void ata_read_block_end(IdeDrive *drive);
void ata_write_block_end(IdeDrive *drive);
void ata_dma_read(IdeDrive *drive);
void ata_dma_write(IdeDrive *drive);
void ata_dma_trim(IdeDrive *drive);
typedef enum AtaCommandFlags { CMD_EXT = 1, CMD_MULTIPLE = 2 } AtaCommandFlags;
unsigned ata_command_flags(const IdeDrive *drive); /* of the command in progress */
void ide_geometry(IdeDrive *drive);                /* sets it from size and partition table */
void ide_put_string(uint8_t *words, unsigned first, unsigned last, const char *text);
void ide_put_word(uint8_t *words, unsigned index, unsigned value);

/* atapi.c, atapi_reply.c: the CD-ROM. */
void atapi_identify(IdeDrive *drive);
void atapi_packet(IdeDrive *drive); /* the PACKET command */
void atapi_packet_end(IdeDrive *drive);
void atapi_block_end(IdeDrive *drive);
void atapi_dma(IdeDrive *drive);
void atapi_reset(IdeDrive *drive);
uint32_t atapi_cd_sectors(const IdeDrive *drive); /* 0: no medium, or the tray is open */
/* Replies to packets, in `data`: bytes, or 0: refused, as an invalid field in the packet or for the
 * reason in cd.asc. */
uint32_t atapi_inquiry(IdeDrive *drive);
uint32_t atapi_request_sense(IdeDrive *drive);
uint32_t atapi_read_capacity(IdeDrive *drive);
uint32_t atapi_read_toc(IdeDrive *drive);
uint32_t atapi_get_configuration(IdeDrive *drive);
uint32_t atapi_get_event(IdeDrive *drive);
uint32_t atapi_mode_sense(IdeDrive *drive);
uint32_t atapi_mechanism_status(IdeDrive *drive);
uint32_t atapi_disc_information(IdeDrive *drive);
uint32_t atapi_track_information(IdeDrive *drive);

#endif
