/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_VIRTIO_VIRTIO_PCI_H
#define HW_VIRTIO_VIRTIO_PCI_H
/* virtio_pci.h - virtio over PCI (virtio 1.2, section 4.1): the legacy interface in I/O BAR 0, the
 * modern one in memory BAR 4, as QEMU lays them out.  A transitional device has both.
 *
 * A device's structure begins with a VirtPci and goes on with the VirtDevice's own; its rows come
 * by three (VIRTIO_PCI_TYPES): NAME, NAME-transitional and NAME-non-transitional. */
#include "hw/pci/pci.h"
#include "hw/virtio/virtio.h"

enum { VIRTIO_PCI_VECTORS_AUTO = -1 };

typedef struct VirtPci {
    PciDevice pci;
    OnOffAuto disable_legacy; /* properties */
    bool disable_modern, ioeventfd, page_per_vq, packed, iommu_platform, ats;
    int32_t vectors; /* MSI-X; VIRTIO_PCI_VECTORS_AUTO: a queue each, and one */
    uint64_t ring_features;

    VirtDevice *device;
    bool legacy, modern;        /* interfaces that it has */
    unsigned config_capability; /* offset of the window onto the BARs */
    uint32_t device_feature_select, driver_feature_select;
    uint32_t driver_feature[2];
    uint16_t queue_select;
} VirtPci;

/* From the type's create, when `device` has its queues. */
bool virtio_pci_create(VirtPci *virt, VirtDevice *device, GError **error);
/* From its destroy: ends what is in flight. */
void virtio_pci_destroy(VirtPci *virt);

/* ---- For rows ---- */

void virtio_pci_reset(Device *dev);
void virtio_pci_each_state(Device *dev, StateVisit *visit, void *opaque);
void virtio_pci_config_written(void *opaque, unsigned offset, unsigned width);
uint32_t virtio_pci_config_read(void *opaque, unsigned offset, unsigned width, uint32_t value);

/* Of a transitional device; one without the legacy interface gets its other numbers when it is
 * made. */
#define VIRTIO_PCI_CLASS(name_, device_, virtio_id_, class_, ...)                                  \
    {                                                                                              \
        .name = name_, .vendor = 0x1af4, .device = device_, .subsystem_vendor = 0x1af4,            \
        .subsystem = virtio_id_, .class_code = class_, .interrupt_pin = 1,                         \
        .config_written = virtio_pci_config_written, .config_read = virtio_pci_config_read,        \
        __VA_ARGS__                                                                                \
    }

#define VIRTIO_RING_ROW(name_, type, bit_, init_)                                                  \
    {                                                                                              \
        .name = name_, .kind = PROPERTY_BIT64, .offset = offsetof(type, virt.ring_features),       \
        .bit = bit_, .init = init_, .help = "on/off"                                               \
    }

/* `type` begins with a VirtPci that is called virt. */
#define VIRTIO_PCI_PROPERTIES(type, vectors_)                                                      \
    PROPERTY_ROW("disable-legacy", PROPERTY_ON_OFF_AUTO, type, virt.disable_legacy),               \
        PROPERTY_ROW("disable-modern", PROPERTY_BOOL, type, virt.disable_modern),                  \
        PROPERTY_ROW("vectors", PROPERTY_INT, type, virt.vectors, .init = vectors_),               \
        PROPERTY_ROW("ioeventfd", PROPERTY_BOOL, type, virt.ioeventfd, .init = 1),                 \
        PROPERTY_ROW("page-per-vq", PROPERTY_BOOL, type, virt.page_per_vq),                        \
        PROPERTY_ROW("packed", PROPERTY_BOOL, type, virt.packed),                                  \
        PROPERTY_ROW("iommu_platform", PROPERTY_BOOL, type, virt.iommu_platform),                  \
        PROPERTY_ROW("ats", PROPERTY_BOOL, type, virt.ats),                                        \
        VIRTIO_RING_ROW("event_idx", type, VIRTIO_F_EVENT_IDX, 1),                                 \
        VIRTIO_RING_ROW("indirect_desc", type, VIRTIO_F_INDIRECT_DESC, 1),                         \
        VIRTIO_RING_ROW("notify_on_empty", type, VIRTIO_F_NOTIFY_ON_EMPTY, 1),                     \
        VIRTIO_RING_ROW("any_layout", type, VIRTIO_F_ANY_LAYOUT, 1)

#define VIRTIO_PCI_TYPES(symbol, name_, ...)                                                       \
    const DeviceType symbol##_pci_type = { .name = name_ "-pci", .alias = name_, __VA_ARGS__ };    \
    const DeviceType symbol##_pci_transitional_type = { .name = name_ "-pci-transitional",         \
                                                        __VA_ARGS__ };                             \
    const DeviceType symbol##_pci_non_transitional_type = { .name = name_ "-pci-non-transitional", \
                                                            __VA_ARGS__ }
#define VIRTIO_PCI_ROW                                                                             \
    .family = "virtio-pci", .bus = &pci_bus_type, .hotpluggable = true, .reset = virtio_pci_reset

#endif
