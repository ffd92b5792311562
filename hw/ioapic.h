/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_IOAPIC_H
#define HW_IOAPIC_H
/* ioapic.h - the I/O APIC (82093AA datasheet, version 0x20 as in later chipsets, with the EOI
 * register): 24 inputs become interrupt messages.
 *
 * Inputs are "asserted", not voltages: the polarity bit is kept, but inverts nothing, so that a
 * guest which calls a PCI line active-low is as right as one that follows the MADT. Called with
 * the device lock held. */
#include "hw/lapic.h"

typedef struct IoApic IoApic;

enum { IOAPIC_PINS = 24, IOAPIC_BASE = 0xfec00000 };

IoApic *ioapic_new(PhysMap *map, uint64_t base,
                   void (*deliver)(void *opaque, const LapicMessage *message), void *opaque);
void ioapic_free(IoApic *ioapic);
void ioapic_reset(IoApic *ioapic);
void ioapic_set_pin(void *ioapic, unsigned pin, bool level); /* the shape of an IrqLine */
void ioapic_eoi(IoApic *ioapic, uint8_t vector);
int ioapic_vector(const IoApic *ioapic, unsigned pin); /* -1: the input is masked */

void ioapic_text(const IoApic *ioapic, GString *text); /* for people */

extern const StateTable ioapic_state;

#endif
