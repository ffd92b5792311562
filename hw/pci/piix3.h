/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_PCI_PIIX3_H
#define HW_PCI_PIIX3_H
/* piix3.h - function 0 of the PIIX3 (82371SB datasheet), the PCI to ISA bridge: routes PIRQA# to
 * PIRQD# to ISA interrupts, and has the reset control register CF9.  The other functions, and the
 * legacy chips inside it, are devices of their own. */
#include "hw/pci/pci.h"
#include "hw/state.h"

typedef struct Piix3 Piix3;

enum { PIIX3_SLOT = 1, PIIX3_PIRQS = 4, PIIX3_PIRQ_OFF = 0x80 };

/* `set_irq` gets the level that PIRQs give to an ISA interrupt, `reset` a reset through CF9. */
Piix3 *piix3_new(PciBus *bus, IoBus *io, void (*set_irq)(void *opaque, unsigned irq, bool level),
                 void (*reset)(void *opaque), void *opaque);
void piix3_free(Piix3 *piix3);
void piix3_reset(Piix3 *piix3);

void piix3_set_pirq(Piix3 *piix3, unsigned pirq, bool level);
/* What firmware does; PIIX3_PIRQ_OFF for none. */
void piix3_set_route(Piix3 *piix3, unsigned pirq, uint8_t irq);
uint8_t piix3_route(Piix3 *piix3, unsigned pirq);

extern const StateTable piix3_state;

#endif
