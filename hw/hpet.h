/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_HPET_H
#define HW_HPET_H
/* hpet.h - IA-PC HPET 1.0a: a 64-bit counter of 100 MHz and three comparators. */
#include "softmmu/physmap.h"
#include "hw/clock.h"
#include "hw/irq.h"
#include "hw/state.h"

typedef struct Hpet Hpet;

enum { HPET_BASE = 0xfed00000, HPET_SIZE = 0x400, HPET_TIMERS = 3 };
#define HPET_PERIOD_FS 10000000u   /* for the ACPI table, too */
#define HPET_ID        0x8086a201u /* low half of the capabilities: event timer block ID */

typedef struct HpetWires {
    IrqLine gsi;    /* called with gsi.n + input of the I/O APIC (0 to 23) */
    IrqLine irq0;   /* timer 0 while legacy replacement is on: IRQ 0, I/O APIC input 2 */
    IrqLine irq8;   /* timer 1 likewise: IRQ 8 */
    IrqLine legacy; /* high while legacy replacement is on: the board cuts off PIT and RTC */
} HpetWires;

Hpet *hpet_new(PhysMap *map, uint64_t base, Clock *clock,
               const HpetWires *wires); /* copies wires */
void hpet_free(Hpet *hpet);
void hpet_reset(Hpet *hpet);
/* A CPU has taken an interrupt: a tick that is owed can be shown. */
void hpet_taken(Hpet *hpet);

extern const StateTable hpet_state;

#endif
