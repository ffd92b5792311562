/* SPDX-License-Identifier: GPL-2.0-or-later */
/* device_types.c - every type of device there is. A new one is a line here, and its declaration. */
#include "hw/device_types.h"

#define VIRTIO_PCI_LIST(symbol)                                                                    \
    &symbol##_pci_type, &symbol##_pci_transitional_type, &symbol##_pci_non_transitional_type

const DeviceType *const device_types[] = {
    /* clang-format off */
    &isa_debug_exit_type,
    &isa_debugcon_type,
    &isa_serial_type,
    &isa_fdc_type,
    &floppy_type,
    &edu_type,
    &i6300esb_type,
    &pc_testdev_type, &pci_testdev_type,
    &pvpanic_type, &pvpanic_pci_type,
    &vmcoreinfo_type,
    &vga_pci_type,
    &secondary_vga_type,
    &e1000_type, &e1000e_type,
    &piix3_ide_type, &ich9_ahci_type, &ide_hd_type, &ide_cd_type,
    &rtl8139_type,
    VIRTIO_PCI_LIST(virtio_blk),
    VIRTIO_PCI_LIST(virtio_net),
    VIRTIO_PCI_LIST(virtio_rng),
    VIRTIO_PCI_LIST(virtio_serial),
    VIRTIO_PCI_LIST(virtio_balloon),
    VIRTIO_PCI_LIST(virtio_9p),
    &vhost_vsock_pci_type, &vhost_vsock_pci_non_transitional_type,
    &virtio_keyboard_pci_type, &virtio_mouse_pci_type, &virtio_tablet_pci_type,
    VIRTIO_PCI_LIST(virtio_scsi),
    &scsi_hd_type, &scsi_cd_type,
    &nvme_type, &nvme_ns_type,
    &lsi53c895a_type,
    &virtserialport_type,
    &virtconsole_type,
    NULL,
    /* clang-format on */
};
