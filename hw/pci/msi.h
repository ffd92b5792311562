/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_PCI_MSI_H
#define HW_PCI_MSI_H
/* msi.h - message signalled interrupts: MSI (PCI Local Bus Specification 3.0, 6.8.1) and MSI-X
 * (6.8.2).
 *
 * A device that has them calls pci_msix_init or pci_msi_init from create(), and interrupts by
 * pci_msix_notify or pci_msi_notify while they are enabled, else by pci_device_set_irq.  INTx is
 * silent while one of them is enabled.  Masked messages wait.  Everything goes with the device. */
#include "hw/pci/pci.h"

/* Table and pending bits in a memory BAR of their own (4 KiB, or more for many vectors), the
 * pending bits in its second half as QEMU has them. 1 to 2048 vectors. */
void pci_msix_init(PciDevice *device, unsigned vectors, unsigned bar);
/* In a BAR of the device's, which passes on what falls into [table, table + 16 * vectors) and
 * [pending, pending + pci_msix_pending_size()). */
void pci_msix_init_shared(PciDevice *device, unsigned vectors, unsigned bar, uint32_t table,
                          uint32_t pending);
bool pci_msix_claims(const PciDevice *device, uint64_t offset); /* of that BAR */
uint64_t pci_msix_read(PciDevice *device, uint64_t offset, unsigned width);
void pci_msix_write(PciDevice *device, uint64_t offset, unsigned width, uint64_t value);

bool pci_msix_present(const PciDevice *device);
bool pci_msix_enabled(const PciDevice *device);
unsigned pci_msix_vectors(const PciDevice *device);
void pci_msix_notify(PciDevice *device, unsigned vector); /* one that is not there: nothing */

/* 1, 2, 4 ... 32 vectors; with 64-bit addresses, and with masks if asked for. */
void pci_msi_init(PciDevice *device, unsigned vectors, bool masks);
bool pci_msi_enabled(const PciDevice *device);
unsigned pci_msi_vectors(const PciDevice *device); /* that the guest has allowed */
void pci_msi_notify(PciDevice *device, unsigned vector);

#endif
