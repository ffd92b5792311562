/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_PIT8254_H
#define HW_PIT8254_H
/* pit8254.h - the 8254 interval timer at ports 40 to 43: three counters of 1.193182 MHz. */
#include "hw/clock.h"
#include "hw/iobus.h"
#include "hw/irq.h"
#include "hw/state.h"

typedef struct Pit Pit;

enum { PIT_HZ = 1193182, PIT_CHANNELS = 3 };

Pit *pit_new(IoBus *io, Clock *clock, IrqLine out0); /* `out0`: OUT of counter 0 */
void pit_free(Pit *pit);
void pit_reset(Pit *pit);
/* A CPU has taken an interrupt: a tick that is owed can be shown. */
void pit_taken(Pit *pit);

/* GATE of counters 0 and 1 is tied high on a PC; that of 2 is port 61 bit 0. */
void pit_set_gate(Pit *pit, unsigned channel, bool level);
bool pit_gate(const Pit *pit, unsigned channel);
bool pit_out(Pit *pit, unsigned channel); /* level of OUT now */

extern const StateTable pit_state;

#endif
