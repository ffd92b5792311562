/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_IDE_IDE_INT_H
#define HW_IDE_IDE_INT_H
/* ide_int.h - drives, for the files of this folder.
 *
 * drive.c has what disks and CD-ROMs share, ata*.c the disk, atapi*.c the CD-ROM.  A drive does not
 * know whose it is: a host bus adapter (IdeHba) writes its task file, calls drive_execute, and
 * moves its data: the channels of the PIIX3 (channel_int.h), or a port of an AHCI (ahci_int.h).
 *
 * A drive is idle, or waits for the medium (`busy`, BSY set), or moves data with the host as
 * `transfer` says: through the data register (DRQ set), or by DMA when the bus master is started
 * (`dma_waiting`).  What happens at the end of a data block follows from `transfer` alone, so that
 * a drive can be saved and loaded in the midst of one. */
#include "hw/ide/drive.h"

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
enum { COMMAND_DEVICE_RESET = 0x08, COMMAND_DIAGNOSTIC = 0x90 };

enum {
    IDE_SECTOR = 512,
    IDE_CD_SECTOR = 2048,
    IDE_DATA_SIZE = 64 << 10,
    IDE_DMA_SIZE = 256 << 10, /* of one request to the medium */
    IDE_MULTIPLE_MAX = 16,
    IDE_PACKET_SIZE = 12,
    IDE_TRIM_SECTORS = 8, /* of range entries in one DATA SET MANAGEMENT */
    IDE_QUEUE = 32,       /* commands at once, of a disk on a serial link */
    IDE_QUEUE_LOG = 16,
    IDE_SERIAL = 20, /* characters of names in IDENTIFY */
    IDE_MODEL = 40,
    IDE_FIRMWARE = 8,
};

/* What a host bus adapter does for its drives. */
typedef struct IdeHba {
    void (*plugged)(IdeDrive *drive); /* or unplugged: it is what it is from now on; may be NULL */
    void (*leaving)(IdeDrive *drive); /* will be unplugged: nothing may be in flight; may be NULL */
    void (*irq)(IdeDrive *drive);     /* drive->irq has changed */
    /* DMA: is the engine running? Bytes that it has moved; fewer than `size`: there is no more room
     * in memory. */
    bool (*dma_ready)(IdeDrive *drive);
    uint32_t (*to_memory)(IdeDrive *drive, const void *data, uint32_t size);
    uint32_t (*from_memory)(IdeDrive *drive, void *data, uint32_t size);
    void (*dma_end)(IdeDrive *drive);   /* the drive has no more data */
    void (*dma_short)(IdeDrive *drive); /* it has, but memory has ended: ends the command */
    /* A request to the medium has ended and has been acted on; may be NULL. */
    void (*step)(IdeDrive *drive);
    void (*loaded)(IdeDrive *drive); /* from a snapshot; may be NULL */
} IdeHba;

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
    const IdeHba *hba;
    void *hba_opaque; /* what of the adapter it is on */
    unsigned index;   /* 0 or 1 on its channel */
    bool sata;        /* on a link of its own: has queues */
    IdeKind kind;
    BlockNode *block; /* NULL: absent, or a CD-ROM that never has a medium */
    uint64_t sectors; /* of 512 bytes */
    uint16_t cylinders, heads, track_sectors;
    IdeTranslation translation;
    char serial[IDE_SERIAL + 1], model[IDE_MODEL + 1], firmware[IDE_FIRMWARE + 1];
    uint64_t wwn;           /* 0: none */
    uint16_t rotation_rate; /* as in IDENTIFY; 0: not told */
    uint8_t physical_shift; /* logical sectors in a physical one, as a power of 2 */
    bool write_through;     /* the write cache is off after a reset */

    /* Task file; the hob_ halves are what a register held before it was written last. */
    uint8_t status, error, features, count, lba[3], device;
    uint8_t hob_features, hob_count, hob_lba[3];
    bool irq; /* interrupt pending */

    /* Settings */
    uint16_t current_heads, current_track_sectors; /* INITIALIZE DEVICE PARAMETERS */
    uint8_t multiple;                              /* 0: READ and WRITE MULTIPLE abort */
    uint8_t mdma_mode, udma_mode;                  /* selected, as a bit; 0: the other is */
    bool write_cache, look_ahead, smart, smart_autosave;

    uint8_t queue_log[IDE_QUEUE_LOG]; /* head of the log page of queued commands that failed */

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

/* What each kind of transfer does. */
typedef struct IdeTransferRow {
    bool to_host, from_host;            /* through the data register */
    void (*block_end)(IdeDrive *drive); /* the data register has moved `data_end` bytes */
    void (*dma)(IdeDrive *drive);       /* the bus master is running */
} IdeTransferRow;
extern const IdeTransferRow ide_transfers[TRANSFER_COUNT];

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
void drive_init(IdeDrive *drive, const IdeHba *hba, void *hba_opaque, unsigned index, bool sata);
void drive_release(IdeDrive *drive); /* waits; nothing is heard of it any more */
/* Blocks of data. */
void drive_block(IdeDrive *drive, IdeTransfer transfer, uint32_t from, uint32_t to);
void drive_reply(IdeDrive *drive, uint32_t size); /* with an interrupt */
void drive_wait_dma(IdeDrive *drive, IdeTransfer transfer);
/* DMA, as IdeHba. */
uint32_t drive_to_memory(IdeDrive *drive, const void *data, uint32_t size);
uint32_t drive_from_memory(IdeDrive *drive, void *data, uint32_t size);
void drive_dma_end(IdeDrive *drive);
void drive_dma_short(IdeDrive *drive);
/* Requests to the medium; `done` runs later unless the drive is reset before. */
typedef void IdeDone(IdeDrive *drive, int error);
void drive_read(IdeDrive *drive, uint64_t offset, void *data, uint32_t size, IdeDone *done);
void drive_write(IdeDrive *drive, uint64_t offset, void *data, uint32_t size, IdeDone *done);
void drive_flush(IdeDrive *drive, IdeDone *done);
void drive_discard(IdeDrive *drive, uint64_t offset, uint64_t size, IdeDone *done);
uint8_t *drive_bounce(IdeDrive *drive);

/* ata.c, ata_rw.c, identify.c, smart.c: commands of the disk. */
typedef void IdeCommand(IdeDrive *drive);
void ata_execute(IdeDrive *drive);
IdeCommand ata_read_pio, ata_write_pio, ata_read_dma, ata_write_dma, ata_verify, ata_flush,
    ata_data_set, ata_native_max, ata_seek, ata_smart, ata_identify, ata_read_log;
void ata_read_block_end(IdeDrive *drive);
void ata_write_block_end(IdeDrive *drive);
void ata_dma_read(IdeDrive *drive);
void ata_dma_write(IdeDrive *drive);
void ata_dma_trim(IdeDrive *drive);
typedef enum AtaCommandFlags { CMD_EXT = 1, CMD_MULTIPLE = 2 } AtaCommandFlags;
unsigned ata_command_flags(const IdeDrive *drive); /* of the command in progress */
void ide_geometry(IdeDrive *drive);                /* found out of size and partition table */
void identify_names(const IdeDrive *drive, uint8_t *words);
void identify_link(const IdeDrive *drive, uint8_t *words);
void ide_put_string(uint8_t *words, unsigned first, unsigned last, const char *text);
void ide_put_word(uint8_t *words, unsigned index, unsigned value);

/* atapi_tray.c */
bool drive_has_medium(const IdeDrive *drive);
void atapi_tray_move(IdeDrive *drive, bool open);

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
