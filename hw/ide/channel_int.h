/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_IDE_CHANNEL_INT_H
#define HW_IDE_CHANNEL_INT_H
/* channel_int.h - the IDE function of the PIIX3 and its channels: ide.c has the PCI function and
 * the ports, busmaster.c the DMA engine. */
#include "hw/ide/ide.h"
#include "hw/ide/ide_bus.h"
#include "hw/ide/ide_int.h"
#include "hw/pci/pci.h"

enum { IDE_CHANNELS = 2 };
enum { /* bus master */
       BM_START = 0x01,
       BM_TO_MEMORY = 0x08,
       BM_ACTIVE = 0x01,
       BM_ERROR = 0x02,
       BM_INTERRUPT = 0x04,
       BM_CAPABLE = 0x60, /* stored for the drivers */
};

typedef struct Ide Ide;
typedef struct IdeChannel IdeChannel;

struct IdeChannel {
    Ide *ide;
    unsigned index;
    IdeBus bus;
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
    PciDevice pci;
    IrqLine lines[IDE_CHANNELS]; /* as the board has wired them */
    IdeChannel channel[IDE_CHANNELS];
};

/* ide.c */
void ide_channel_update_irq(IdeChannel *channel);

/* ide_state.c */
void ide_channel_drive_loaded(IdeDrive *drive);

/* busmaster.c */
extern const IdeHba ide_channel_hba; /* its opaque is the channel */
void bm_reset(IdeChannel *channel);
void bm_attach(Ide *ide);

#endif
