/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_ISA_H
#define HW_ISA_H
/* isa.h - the ISA bus: ports are the board's I/O space; sixteen interrupt lines, each the OR of
 * what its devices drive. */
#include "hw/board.h"

enum { ISA_IRQS = 16, ISA_IRQ_SOURCES = 32 };

typedef struct IsaBus {
    Bus bus;
    struct Dma *dma;            /* the 8237s; set by the board */
    IrqLine out;                /* n is set to the interrupt's number */
    uint32_t level[ISA_IRQS];   /* a bit a source */
    unsigned sources[ISA_IRQS]; /* how many there are */
} IsaBus;

extern const BusType isa_bus_type;

/* Sources 0 to `reserved` - 1 of every line are the board's, for isa_bus_set. */
void isa_bus_init(IsaBus *isa, Board *board, const char *name, IrqLine out, unsigned reserved);
void isa_bus_set(IsaBus *isa, unsigned irq, unsigned source, bool level);

/* A device's own wire to line `irq`: false if there is no such line or too much is on it. */
bool isa_device_irq(Device *dev, unsigned irq, IrqLine *line, GError **error);

#endif
