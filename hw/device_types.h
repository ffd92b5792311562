/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_DEVICE_TYPES_H
#define HW_DEVICE_TYPES_H
/* device_types.h - the rows that device_types.c lists and boards plug. */
#include "hw/device.h"

extern const DeviceType isa_debug_exit_type, isa_debugcon_type, isa_serial_type, isa_fdc_type,
    floppy_type, edu_type, i6300esb_type, pc_testdev_type, pci_testdev_type, pvpanic_type;
extern const DeviceType piix3_ide_type, ich9_ahci_type, ide_hd_type, ide_cd_type;
extern const DeviceType pvpanic_pci_type, vmcoreinfo_type;
extern const DeviceType rtl8139_type, e1000e_type, e1000_type, vga_pci_type, secondary_vga_type;

#define VIRTIO_PCI_DECLARE(symbol)                                                                 \
    extern const DeviceType symbol##_pci_type, symbol##_pci_transitional_type,                     \
        symbol##_pci_non_transitional_type
VIRTIO_PCI_DECLARE(virtio_blk);
VIRTIO_PCI_DECLARE(virtio_net);
VIRTIO_PCI_DECLARE(virtio_rng);
VIRTIO_PCI_DECLARE(virtio_serial);
VIRTIO_PCI_DECLARE(virtio_balloon);
VIRTIO_PCI_DECLARE(virtio_9p);
extern const DeviceType vhost_vsock_pci_type, vhost_vsock_pci_non_transitional_type;
extern const DeviceType virtio_keyboard_pci_type, virtio_mouse_pci_type, virtio_tablet_pci_type;
VIRTIO_PCI_DECLARE(virtio_scsi);
extern const DeviceType scsi_hd_type, scsi_cd_type, nvme_type, nvme_ns_type, lsi53c895a_type;
extern const DeviceType virtserialport_type, virtconsole_type;

#endif
