/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_VIRTIO_VIRTIO_PCI_H
#define HW_VIRTIO_VIRTIO_PCI_H
/* virtio_pci.h - virtio over PCI (virtio 1.2, section 4.1): the legacy interface in I/O BAR 0, the
 * modern one in memory BAR 4, as QEMU lays them out.  A transitional device has both. */
#include "hw/pci/pci.h"
#include "hw/virtio/virtio.h"

typedef struct VirtPciOptions {
    int devfn;           /* -1: the first free slot */
    bool legacy, modern; /* at least one */
    uint16_t legacy_id;  /* PCI device id of the transitional device; 0: there is none */
    uint32_t class_code;
    unsigned vectors; /* MSI-X; 0: none */
} VirtPciOptions;

typedef struct VirtPci { /* embedded in the device's structure, or allocated */
    VirtDevice *device;
    PciDevice *pci;
    PciClass class;
    VirtPciOptions options;
    unsigned config_capability; /* offset of the window onto the BARs */
    uint32_t device_feature_select, driver_feature_select;
    uint32_t driver_feature[2];
    uint16_t queue_select;
} VirtPci;

#define VIRTIO_ERROR virtio_error_quark()
GQuark virtio_error_quark(void);
typedef enum VirtioError { VIRTIO_ERROR_SLOT } VirtioError;

/* False: the bus has no free slot (or that one is taken). */
bool virtio_pci_init(VirtPci *virt, PciBus *bus, VirtDevice *device, const VirtPciOptions *options,
                     GError **error);
void virtio_pci_fini(VirtPci *virt);
void virtio_pci_reset(VirtPci *virt);

#endif
