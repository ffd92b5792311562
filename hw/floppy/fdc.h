/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_FLOPPY_FDC_H
#define HW_FLOPPY_FDC_H
/* fdc.h - the floppy disk controller of a PC: an Intel 82078 (datasheet 290468) in AT mode with up
 * to two drives, on the 8237's channel 2 and IRQ 6.
 *
 * Deviations: a seek takes no longer for many tracks than for one; media hold no deleted address
 * marks; a transfer that finds no medium ends soon instead of waiting for an index hole for ever;
 * SAVE, RESTORE, OPTION, DRIVE SPECIFICATION and FORMAT AND WRITE are invalid commands.
 *
 * Called with the device lock held. */
#include "hw/block/block.h"
#include "hw/clock.h"
#include "hw/dma8237.h"
#include "hw/iobus.h"
#include "hw/irq.h"
#include "hw/state.h"

typedef struct Fdc Fdc;

typedef enum FloppyType { /* kinds of drives, by what they take at most; numbers as in CMOS 10H */
                          FLOPPY_NONE = 0,
                          FLOPPY_120 = 2, /* 5.25 inch, 1.2 MB */
                          FLOPPY_144 = 4,
                          FLOPPY_288 = 5,
                          FLOPPY_AUTO = 256, /* what the medium needs; 2.88 MB without one */
} FloppyType;

enum { FDC_DRIVES = 2, FDC_IRQ = 6, FDC_DMA = 2, FDC_PORTS = 0x3f0, FLOPPY_SECTOR = 512 };

typedef struct FdcConfig {
    IoBus *io;
    Dma *dma;
    Clock *clock;
    IrqLine irq;
    uint16_t base;       /* of the ports */
    unsigned channel;    /* of the DMA controller */
    FloppyType fallback; /* what an automatic drive is that never had a medium */
    bool check_rate;     /* a medium is only read at its data rate */
} FdcConfig;

Fdc *fdc_new(const FdcConfig *config);
void fdc_free(Fdc *fdc); /* media are the caller's */
void fdc_reset(Fdc *fdc);

uint16_t fdc_base(const Fdc *fdc); /* of its ports */

/* Plugs in a drive, or takes it out (FLOPPY_NONE). Before the machine runs. */
void fdc_set_drive(Fdc *fdc, unsigned drive, FloppyType type);
FloppyType fdc_drive_type(const Fdc *fdc, unsigned drive); /* never FLOPPY_AUTO */
/* NULL: ejects. The drive sees a change of the disk. */
void fdc_set_medium(Fdc *fdc, unsigned drive, BlockNode *medium, bool readonly);

extern const StateTable fdc_state, fdc_drive_state;
void *fdc_drive_device(Fdc *fdc, unsigned drive); /* for fdc_drive_state */

#endif
