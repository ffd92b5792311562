/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_MPTABLE_H
#define HW_MPTABLE_H
/* mptable.h - Intel's multiprocessor tables (MultiProcessor Specification 1.4): floating pointer,
 * and the configuration table that it leads to. */
#include <glib.h>
#include <stdint.h>

typedef struct MpTableConfig {
    unsigned cpus;
    const uint32_t *apic_ids;             /* of the CPUs, below 255; NULL: 0 to cpus - 1 */
    uint32_t cpu_signature, cpu_features; /* CPUID leaf 1: EAX, EDX */
    unsigned pci_slots;                   /* of bus 0: those from 0 on are described */
    /* ISA interrupt, and so input of the I/O APIC, that a wire INTA (0) to INTD of a slot goes to;
     * 0: none. */
    uint8_t (*pci_irq)(void *opaque, unsigned slot, unsigned wire);
    uint16_t level_irqs; /* ISA interrupts that are level triggered */
    void *opaque;
} MpTableConfig;

enum { MPTABLE_POINTER_SIZE = 16 };

/* The table is to lie at `address`. Both are the caller's. */
GByteArray *mptable_build(const MpTableConfig *config);
void mptable_pointer(uint32_t address, uint8_t pointer[MPTABLE_POINTER_SIZE]);

#endif
