/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_IRQ_H
#define HW_IRQ_H
/* irq.h - a wire. The driver sets its level; the receiver is told of every call, and decides itself
 * between edge and level. Called with the device lock held. */
#include <stdbool.h>

typedef struct IrqLine {
    void (*set)(void *opaque, unsigned n, bool level);
    void *opaque;
    unsigned n;
} IrqLine; /* embedded by value; {0} is a wire that leads nowhere */

static inline void irq_set(const IrqLine *line, bool level)
{
    if (line->set != NULL) {
        line->set(line->opaque, line->n, level);
    }
}

static inline void irq_pulse(const IrqLine *line)
{
    irq_set(line, true);
    irq_set(line, false);
}

#endif
