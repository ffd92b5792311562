/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_VIRTIO_VIRTIO_PCI_INT_H
#define HW_VIRTIO_VIRTIO_PCI_INT_H
/* virtio_pci_int.h - the two faces of virtio over PCI, for the files that make them. */
#include "hw/virtio/virtio_pci.h"

enum { VIRTIO_PCI_LEGACY_BAR = 0, VIRTIO_PCI_MSIX_BAR = 1, VIRTIO_PCI_MODERN_BAR = 4 };

/* virtio_pci_legacy.c */
void virtio_pci_add_legacy(VirtPci *virt);

/* virtio_pci_modern.c */
void virtio_pci_add_modern(VirtPci *virt);
/* The window onto the BARs in configuration space. */
uint32_t virtio_pci_window_read(VirtPci *virt, unsigned offset, unsigned width, uint32_t value);
void virtio_pci_window_written(VirtPci *virt, unsigned offset, unsigned width);

/* virtio_pci.c */
bool virtio_pci_msix_enabled(const VirtPci *virt);
/* A vector as the driver wrote it, or VIRTQUEUE_NO_VECTOR if there is no such one. */
uint16_t virtio_pci_vector(const VirtPci *virt, uint32_t value);
uint8_t virtio_pci_isr_read(VirtPci *virt); /* clears it */
/* The register that both have. */
void virtio_pci_set_status(VirtPci *virt, uint8_t status);
VirtQueue *virtio_pci_queue(VirtPci *virt); /* that is selected; NULL: there is none */

#endif
