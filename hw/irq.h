/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_IRQ_H
#define HW_IRQ_H
/* irq.h - a wire. The driver sets its level; the receiver is told of every call, and decides itself
 * between edge and level. Called with the device lock held.
 *
 * Timers that owe their guest ticks (the host was busy) show them back to back: the next one as
 * soon as the one before has been taken by a CPU. */
#include <stdbool.h>

typedef struct IrqLine {
    void (*set)(void *opaque, unsigned n, bool level);
    void *opaque;
    unsigned n;
    /* Does a request from this wire wait for a CPU, so that an edge now would be lost? May be NULL.
     */
    bool (*waits)(void *opaque, unsigned n);
} IrqLine; /* embedded by value; {0} is a wire that leads nowhere */

static inline void irq_set(const IrqLine *line, bool level)
{
    if (line->set != NULL) {
        line->set(line->opaque, line->n, level);
    }
}

static inline bool irq_waits(const IrqLine *line)
{
    return line->waits != NULL && line->waits(line->opaque, line->n);
}

static inline void irq_pulse(const IrqLine *line)
{
    irq_set(line, true);
    irq_set(line, false);
}

#endif
