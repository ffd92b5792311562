/* SPDX-License-Identifier: GPL-2.0-or-later */
/* isa.c - interrupt lines that several devices share. */
#include "hw/isa.h"

enum { SOURCE_SHIFT = 8 };

const BusType isa_bus_type = { .name = "ISA" };

void isa_bus_init(IsaBus *isa, Board *board, const char *name, IrqLine out, unsigned reserved)
{
    bus_init(&isa->bus, &isa_bus_type, board, NULL, name);
    isa->out = out;
    for (unsigned i = 0; i < ISA_IRQS; i++) {
        isa->level[i] = 0;
        isa->sources[i] = reserved;
    }
}

void isa_bus_set(IsaBus *isa, unsigned irq, unsigned source, bool level)
{
    uint32_t bit = 1u << source;
    IrqLine out = isa->out;

    isa->level[irq] = level ? isa->level[irq] | bit : isa->level[irq] & ~bit;
    out.n = irq;
    irq_set(&out, isa->level[irq] != 0);
}

static void device_line_set(void *opaque, unsigned n, bool level)
{
    isa_bus_set(opaque, n & ((1u << SOURCE_SHIFT) - 1), n >> SOURCE_SHIFT, level);
}

static bool device_line_waits(void *opaque, unsigned n)
{
    IrqLine out = ((IsaBus *)opaque)->out;

    out.n = n & ((1u << SOURCE_SHIFT) - 1);
    return irq_waits(&out);
}

bool isa_device_irq(Device *dev, unsigned irq, IrqLine *line, GError **error)
{
    IsaBus *isa = (IsaBus *)dev->bus;

    if (irq >= ISA_IRQS || isa->sources[irq] == ISA_IRQ_SOURCES) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE,
                    irq >= ISA_IRQS ? "the ISA bus has no interrupt %u"
                                    : "ISA interrupt %u has too many devices on it",
                    irq);
        return false;
    }
    *line = (IrqLine){ .set = device_line_set,
                       .waits = device_line_waits,
                       .opaque = isa,
                       .n = irq | isa->sources[irq]++ << SOURCE_SHIFT };
    return true;
}
