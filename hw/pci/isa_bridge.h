/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_PCI_ISA_BRIDGE_H
#define HW_PCI_ISA_BRIDGE_H
/* isa_bridge.h - function 0 of a south bridge, the PCI to ISA bridge: routes PIRQs to ISA
 * interrupts, and has the reset control register CF9.  The other functions, and the legacy chips
 * inside it, are devices of their own. */
#include "hw/pci/pci.h"
#include "hw/state.h"

typedef struct IsaBridge IsaBridge;

enum { ISA_BRIDGE_PIRQS = 8, ISA_BRIDGE_PIRQ_OFF = 0x80 };

typedef struct IsaBridgeModel {
    const PciClass *class; /* its config_written is isa_bridge_config_written */
    unsigned devfn, pirqs;
    uint8_t pirq[ISA_BRIDGE_PIRQS]; /* configuration registers of the routes */
    void (*reset)(uint8_t *config); /* registers from 40 on, which are 0 */
    void (*writable)(uint8_t *writable);
} IsaBridgeModel;

extern const IsaBridgeModel piix3_model; /* 82371SB datasheet */
extern const IsaBridgeModel ich9_model;  /* I/O Controller Hub 9 datasheet, chapter 13 */

/* `set_irq` gets the level that PIRQs give to an ISA interrupt, `reset` a reset through CF9. */
IsaBridge *isa_bridge_new(const IsaBridgeModel *model, PciBus *bus, IoBus *io,
                          void (*set_irq)(void *opaque, unsigned irq, bool level),
                          void (*reset)(void *opaque), void *opaque);
void isa_bridge_free(IsaBridge *bridge);
void isa_bridge_reset(IsaBridge *bridge);
void isa_bridge_config_written(void *bridge, unsigned offset, unsigned width);
/* Somebody else whose registers are in the bridge's configuration space. */
void isa_bridge_on_write(IsaBridge *bridge,
                         void (*written)(void *opaque, unsigned offset, unsigned width),
                         void *opaque);
PciDevice *isa_bridge_pci(IsaBridge *bridge);

void isa_bridge_set_pirq(IsaBridge *bridge, unsigned pirq, bool level);
/* What firmware does; ISA_BRIDGE_PIRQ_OFF for none. */
void isa_bridge_set_route(IsaBridge *bridge, unsigned pirq, uint8_t irq);
uint8_t isa_bridge_route(IsaBridge *bridge, unsigned pirq);

extern const StateTable isa_bridge_state;

#endif
