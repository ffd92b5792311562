/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_PCI_PCI_INT_H
#define HW_PCI_PCI_INT_H
/* pci_int.h - the inside of a PCI device, for pci.c and the bridges. */
#include "hw/pci/pci.h"
#include "hw/state.h"

typedef struct PciBar {
    uint64_t size; /* 0: there is none */
    bool io, wide;
    uint16_t first_port; /* offset of the first port range in the BAR */
    PhysRange *range;
    IoAttachment *ports;
    uint64_t address; /* UINT64_MAX: not decoded */
} PciBar;

struct PciDevice {
    PciBus *bus;
    unsigned devfn;
    const PciClass *class;
    void *opaque;
    uint8_t config[PCI_CONFIG_SIZE], writable[PCI_CONFIG_SIZE];
    PciBar bar[PCI_BARS + 1];
    unsigned capability_end;
    bool irq_level, irq_asserted; /* of the device; on the wire */
};

PciDevice *pci_bus_device(PciBus *bus, unsigned devfn);              /* NULL: nobody there */
uint64_t pci_device_bar_size(const PciDevice *device, unsigned bar); /* 0: there is none */

extern const StateTable pci_device_state;

#endif
