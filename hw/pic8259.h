/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_PIC8259_H
#define HW_PIC8259_H
/* pic8259.h - the AT's pair of 8259A interrupt controllers, slave on input 2 of the master, with
 * the edge/level registers 4D0 and 4D1 of the PIIX. */
#include "hw/iobus.h"
#include "hw/irq.h"
#include "hw/state.h"

typedef struct Pic Pic;

Pic *pic_new(IoBus *io, IrqLine intr); /* `intr`: INTR of the master; borrows, as all chips do */
void pic_free(Pic *pic);               /* the bus must still be there, as for all chips */
void pic_reset(Pic *pic);              /* forgets all but the levels of the inputs */

/* Inputs 0 to 15; 2 is the cascade and ignored. Has the form of IrqLine.set. */
void pic_set_irq(void *pic, unsigned n, bool level);
static inline IrqLine pic_line(Pic *pic, unsigned n)
{
    return (IrqLine){ .set = pic_set_irq, .opaque = pic, .n = n };
}

/* The two INTA cycles. Gives the vector; without a request a spurious one (input 7). */
int pic_ack(Pic *pic);
bool pic_pending(const Pic *pic); /* level of INTR */
/* Is there a request of input n that is not masked? */
bool pic_waits(const Pic *pic, unsigned n);

void pic_text(const Pic *pic, GString *text); /* for people */

extern const StateTable pic_state;

#endif
