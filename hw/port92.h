/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_PORT92_H
#define HW_PORT92_H
/* port92.h - system control port A: fast A20 gate (bit 1) and fast reset (bit 0). */
#include "hw/iobus.h"
#include "hw/state.h"

typedef struct Port92 Port92;

/* `reset` on the rising edge of bit 0; `a20` when the gate changes. */
Port92 *port92_new(IoBus *io, void (*a20)(void *opaque, bool open), void (*reset)(void *opaque),
                   void *opaque);
void port92_free(Port92 *port);
void port92_reset(Port92 *port); /* closes its gate without a call */

/* Another gate (the 8042) has set A20: what bit 1 reads back. */
void port92_set_a20(Port92 *port, bool open);

extern const StateTable port92_state;

#endif
