/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_DEBUGEXIT_H
#define HW_DEBUGEXIT_H
/* debugexit.h - isa-debug-exit: a write of V ends the machine with status V << 1 | 1. Stateless. */
#include "hw/iobus.h"

typedef struct DebugExit DebugExit;

/* `size` 1 to 4 ports. `done` gets the exit status (the caller masks what exit() takes). */
DebugExit *debug_exit_new(IoBus *io, uint16_t base, uint16_t size,
                          void (*done)(void *opaque, int status), void *opaque);
void debug_exit_free(DebugExit *device);

#endif
