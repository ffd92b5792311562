/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_DEBUGCON_H
#define HW_DEBUGCON_H
/* debugcon.h - isa-debugcon: bytes written to the port go out; reads give 0xe9. Stateless. */
#include "hw/char/chardev.h"
#include "hw/iobus.h"

typedef struct DebugCon DebugCon;

DebugCon *debugcon_new(IoBus *io, uint16_t port, CharDev *chr); /* `chr` may be NULL */
void debugcon_free(DebugCon *console);

#endif
