/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_PCI_MSI_INT_H
#define HW_PCI_MSI_INT_H
/* msi_int.h - what the common part of a PCI device asks of its message interrupts. */
#include "hw/pci/msi.h"
#include "hw/state.h"

void pci_msi_reset(PciDevice *device);
void pci_msi_config_written(PciDevice *device, unsigned offset, unsigned width);
/* The write that a message is: nothing without bus mastering. */
void pci_message_send(PciDevice *device, uint64_t address, uint32_t data);

void pci_msix_reset(PciDevice *device);
void pci_msix_config_written(PciDevice *device, unsigned offset, unsigned width);
void pci_msix_free(PciDevice *device);
/* The state table, and what it is of. */
const StateTable *pci_msix_state(const PciDevice *device, void **object);

#endif
