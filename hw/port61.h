/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_PORT61_H
#define HW_PORT61_H
/* port61.h - system control port B: speaker gate and data, refresh toggle, NMI sources. */
#include "hw/clock.h"
#include "hw/iobus.h"
#include "hw/pit8254.h"
#include "hw/state.h"

typedef struct Port61 Port61;

Port61 *port61_new(IoBus *io, Pit *pit, Clock *clock);
void port61_free(Port61 *port);
void port61_reset(Port61 *port);

/* Is the speaker's amplifier driven high now (gate of counter 2 and data bit)? */
bool port61_speaker(Port61 *port);

extern const StateTable port61_state;

#endif
