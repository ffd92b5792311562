/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_PCI_PCI_SETUP_H
#define HW_PCI_PCI_SETUP_H
/* pci_setup.h - what firmware does to a PCI bus, for machines that start without any. */
#include "hw/pci/pci.h"

typedef struct PciSetup {
    uint32_t io_base, io_end; /* windows for BARs; ends are exclusive */
    uint64_t memory_base, memory_end;
    /* The interrupt line that a device's INTx is connected to; pin as in pci_bus_new. */
    uint8_t (*irq)(void *opaque, unsigned pin);
    void *opaque;
} PciSetup;

/* Gives every BAR an address (a BAR that does not fit gets none), turns decoding on, and writes
 * interrupt lines. */
void pci_bus_setup(PciBus *bus, const PciSetup *setup);

#endif
