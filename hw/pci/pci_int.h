/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_PCI_PCI_INT_H
#define HW_PCI_PCI_INT_H
/* pci_int.h - the inside of a PCI device, for pci.c and the bridges. */
#include "hw/pci/pci.h"
#include "hw/state.h"

uint64_t pci_device_bar_size(const PciDevice *device, unsigned bar); /* 0: there is none */

Board *pci_device_board(const PciDevice *device);
bool pci_device_masters(const PciDevice *device); /* the guest has enabled bus mastering */
/* pci_rom.c: the ROM that the properties ask for. */
bool pci_rom_load(PciDevice *device, GError **error);
/* False: nobody can be told. */
bool pci_bus_tell_plugged(PciBus *bus, PciDevice *device);
bool pci_bus_tell_unplug(PciBus *bus, PciDevice *device);
int pci_bus_free_slot(const PciBus *bus); /* devfn of function 0, -1: all slots are in use */
bool pci_device_is_multifunction(const PciDevice *device);
/* For devices that are rows: onto the bus, where nothing is at `devfn`; and off it. */
void pci_device_plug(PciDevice *device, PciBus *bus, unsigned devfn, const PciClass *class);
void pci_device_unplug(PciDevice *device);

extern const StateTable pci_device_state;

#endif
