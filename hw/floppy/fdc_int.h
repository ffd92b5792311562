/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_FLOPPY_FDC_INT_H
#define HW_FLOPPY_FDC_INT_H
/* fdc_int.h - fdc.c has ports, phases and interrupts, fdc_command.c what needs no medium,
 * fdc_transfer.c what moves sectors, floppy_format.c the media.
 *
 * A command collects its bytes (PHASE_COMMAND), may take time (PHASE_EXECUTION) and hands out its
 * result (PHASE_RESULT).  In execution the chip waits for one of four things: the medium (`busy`),
 * the DMA controller (`timer`), the processor at the data port (`fifo_open`), or its drive's arm
 * (seeks: no phase, they run beside other commands). */
#include "hw/floppy/fdc.h"

enum { /* digital output register */
       DOR_DRIVE = 0x03,
       DOR_ENABLED = 0x04, /* not in reset */
       DOR_DMA = 0x08,     /* interrupts and DMA requests pass */
       DOR_MOTOR = 0x10,   /* of drive 0; shifted for the others */
};
enum { /* main status register */
       MSR_RQM = 0x80,
       MSR_TO_HOST = 0x40,
       MSR_NON_DMA = 0x20,
       MSR_BUSY = 0x10,
};
enum { DSR_RESET = 0x80, RATE_MASK = 0x03, DIR_CHANGED = 0x80 };
enum { /* ST0 */
       ST0_ABNORMAL = 0x40,
       ST0_INVALID = 0x80,
       ST0_POLLED = 0xc0,
       ST0_SEEK_END = 0x20,
       ST0_EQUIPMENT = 0x10,
};
enum { /* ST1 */
       ST1_END = 0x80,
       ST1_DATA = 0x20,
       ST1_OVERRUN = 0x10,
       ST1_NO_DATA = 0x04,
       ST1_PROTECTED = 0x02,
       ST1_NO_MARK = 0x01,
};
enum { /* ST2 */
       ST2_CONTROL_MARK = 0x40,
       ST2_DATA = 0x20,
       ST2_CYLINDER = 0x10,
       ST2_SCAN_EQUAL = 0x08,
       ST2_SCAN_FAILED = 0x04,
};
enum { ST3_PROTECTED = 0x40, ST3_READY = 0x20, ST3_TRACK0 = 0x10, ST3_TWO_SIDED = 0x08 };
enum { /* bits of the first command byte */
       COMMAND_MULTI_TRACK = 0x80,
       COMMAND_SKIP = 0x20,
       COMMAND_HEAD = 0x04, /* of the second */
};
enum { CONFIG_IMPLIED_SEEK = 0x40, CONFIG_NO_FIFO = 0x20, CONFIG_NO_POLL = 0x10 };

enum { FDC_SELECTS = 4, FDC_COMMAND_MAX = 9, FDC_RESULT_MAX = 10 };

typedef enum FdcPhase { PHASE_COMMAND, PHASE_EXECUTION, PHASE_RESULT } FdcPhase;

typedef enum FdcOperation {
    OPERATION_NONE,
    OPERATION_READ,
    OPERATION_READ_TRACK,
    OPERATION_WRITE,
    OPERATION_VERIFY,
    OPERATION_SCAN,
    OPERATION_FORMAT,
    OPERATION_READ_ID,
} FdcOperation;

/* Layout of a medium. */
typedef struct FloppyFormat {
    FloppyType type; /* of the drive that it is made for */
    uint8_t cylinders, heads, sectors;
    uint8_t rate; /* as in the low bits of CCR */
} FloppyFormat;

typedef struct FdcDrive {
    FloppyType type;
    BlockNode *medium;          /* NULL: none */
    const FloppyFormat *format; /* of the medium */
    bool readonly;
    bool changed; /* the disk change line: until a step with a medium in */
    uint8_t cylinder;
} FdcDrive;

struct Fdc {
    FdcConfig config;
    IoAttachment *ports;
    ClockTimer *timer;      /* what is being executed goes on */
    ClockTimer *seek_timer; /* drives of `seeking` arrive */
    FdcDrive drive[FDC_DRIVES];

    uint8_t dor, tdr, rate;
    uint8_t specify[2], configure, precompensation, perpendicular;
    bool locked; /* configuration survives a software reset */

    uint8_t phase; /* FdcPhase */
    uint8_t command[FDC_COMMAND_MAX], command_length, command_expected;
    uint8_t result[FDC_RESULT_MAX], result_length, result_position;
    bool irq;
    /* What SENSE INTERRUPT STATUS is to tell of a drive. */
    uint8_t sense_pending, seeking; /* a bit a drive */
    uint8_t sense[FDC_SELECTS];
    uint8_t seek_target[FDC_SELECTS];

    uint8_t operation; /* FdcOperation */
    uint8_t st1, st2;
    uint8_t cylinder, head, sector, size_code; /* ID of the sector in work */
    uint8_t data[FLOPPY_SECTOR];               /* the sector */
    uint8_t host[FLOPPY_SECTOR];               /* SCAN: what the host compares it with */
    uint16_t position;                         /* in what the host gives or takes */
    uint16_t data_size;
    uint8_t format_left; /* sectors */
    uint8_t waits;       /* for the DMA controller, so far */
    bool fifo_open, fifo_to_host;
    bool terminal_count;
    bool writing; /* the request to the medium */
    bool busy, cancelled;
    struct iovec iov;
};

/* fdc.c */
void fdc_raise_irq(Fdc *fdc);
void fdc_lower_irq(Fdc *fdc);
void fdc_command_done(Fdc *fdc); /* no result */
void fdc_result(Fdc *fdc, const uint8_t *bytes, unsigned n, bool interrupt);
FdcDrive *fdc_selected(Fdc *fdc); /* by the second command byte; NULL: there is no such drive */
unsigned fdc_unit(const Fdc *fdc);

/* fdc_command.c */
unsigned fdc_command_bytes(uint8_t first); /* that the command has, with the first */
void fdc_command_run(Fdc *fdc);
void fdc_seek_end(Fdc *fdc);

/* fdc_transfer.c */
void fdc_transfer_start(Fdc *fdc, FdcOperation operation);
void fdc_transfer_continue(Fdc *fdc); /* the timer */
uint8_t fdc_transfer_read(Fdc *fdc);  /* the data port, while fifo_open */
void fdc_transfer_write(Fdc *fdc, uint8_t value);
void fdc_transfer_cancel(Fdc *fdc);

/* floppy_format.c: what a medium of `size` bytes is to a drive. */
const FloppyFormat *floppy_format_find(uint64_t size, FloppyType type);

#endif
