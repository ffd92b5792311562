/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio_pci_legacy.c - the interface of drivers before virtio 1.0 (section 4.1.4.10): ports in BAR
 * 0.
 *
 * The queue's three parts follow each other from one page number, and its size is the device's. */
#include "hw/virtio/virtio_pci_int.h"

enum {
    REG_HOST_FEATURES = 0x00,
    REG_GUEST_FEATURES = 0x04,
    REG_QUEUE_PAGE = 0x08,
    REG_QUEUE_SIZE = 0x0c,
    REG_QUEUE_SELECT = 0x0e,
    REG_QUEUE_NOTIFY = 0x10,
    REG_STATUS = 0x12,
    REG_ISR = 0x13,
    REG_CONFIG_VECTOR = 0x14, /* these two only with MSI-X on: the device's own follow */
    REG_QUEUE_VECTOR = 0x16,
    REG_DEVICE = 0x14,
    REG_DEVICE_MSIX = 0x18,
    PAGE_SHIFT = 12,
    USED_ALIGN = 4096,
    MASTER = 4,
    COMMAND = 4,
};

static uint16_t device_registers(const VirtPci *virt)
{
    return virtio_pci_msix_enabled(virt) ? REG_DEVICE_MSIX : REG_DEVICE;
}

static uint32_t queue_page(VirtPci *virt)
{
    VirtQueue *queue = virtio_pci_queue(virt);

    return queue != NULL && queue->ring.enabled ? (uint32_t)(queue->ring.desc >> PAGE_SHIFT) : 0;
}

/* Page 0 resets the device, as drivers have come to expect. */
static void queue_set_page(VirtPci *virt, uint32_t page)
{
    VirtQueue *queue = virtio_pci_queue(virt);
    VirtRing *ring;

    if (page == 0) {
        virtio_pci_set_status(virt, 0);
        return;
    }
    if (queue == NULL) {
        return;
    }
    ring = &queue->ring;
    ring->desc = (uint64_t)page << PAGE_SHIFT;
    ring->avail = ring->desc + 16ull * queue->ring.size;
    ring->used = ring->avail + 4 + 2ull * ring->size + 2;
    ring->used = (ring->used + USED_ALIGN - 1) & ~(uint64_t)(USED_ALIGN - 1);
    ring->enabled = true;
}

static uint32_t legacy_register(VirtPci *virt, uint16_t offset)
{
    VirtQueue *queue = virtio_pci_queue(virt);

    switch (offset) {
    case REG_HOST_FEATURES:
        return (uint32_t)virt->device->offered;
    case REG_GUEST_FEATURES:
        return (uint32_t)virt->device->features;
    case REG_QUEUE_PAGE:
        return queue_page(virt);
    case REG_QUEUE_SIZE:
        return queue != NULL ? queue->size_max : 0;
    case REG_QUEUE_SELECT:
        return virt->queue_select;
    case REG_STATUS:
        return virt->device->status;
    case REG_ISR:
        return virtio_pci_isr_read(virt);
    case REG_CONFIG_VECTOR:
        return virt->device->config_vector;
    case REG_QUEUE_VECTOR:
        return queue != NULL ? queue->ring.vector : VIRTQUEUE_NO_VECTOR;
    default:
        return UINT32_MAX;
    }
}

static uint32_t legacy_read(void *opaque, uint16_t offset, unsigned width)
{
    VirtPci *virt = opaque;
    uint16_t base = device_registers(virt);

    if (offset >= base) {
        return virtio_device_config_read(virt->device, offset - base, width);
    }
    return legacy_register(virt, offset);
}

/* Drivers of Linux before 2.6.34 never switch bus mastering on. */
static void legacy_status(VirtPci *virt, uint8_t status)
{
    if ((status & VIRTIO_STATUS_DRIVER_OK) != 0 && !virt->device->dma) {
        virt->pci.config[COMMAND] |= MASTER;
        virt->device->dma = true;
    }
    virtio_pci_set_status(virt, status);
}

static void legacy_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    VirtPci *virt = opaque;
    uint16_t base = device_registers(virt);

    if (offset >= base) {
        virtio_device_config_write(virt->device, offset - base, width, value);
        return;
    }
    switch (offset) {
    case REG_GUEST_FEATURES:
        virtio_device_set_features(virt->device, value & UINT32_MAX);
        break;
    case REG_QUEUE_PAGE:
        queue_set_page(virt, value);
        break;
    case REG_QUEUE_SELECT:
        virt->queue_select = (uint16_t)value;
        break;
    case REG_QUEUE_NOTIFY:
        virtio_device_kick(virt->device, value & 0xffff);
        break;
    case REG_STATUS:
        legacy_status(virt, (uint8_t)value);
        break;
    case REG_CONFIG_VECTOR:
        virt->device->config_vector = virtio_pci_vector(virt, value & 0xffff);
        break;
    case REG_QUEUE_VECTOR:
        if (virtio_pci_queue(virt) != NULL) {
            virtio_pci_queue(virt)->ring.vector = virtio_pci_vector(virt, value & 0xffff);
        }
        break;
    default:
        break;
    }
}

void virtio_pci_add_legacy(VirtPci *virt)
{
    uint16_t size = 32;

    while (size < REG_DEVICE_MSIX + virt->device->config_size) {
        size *= 2;
    }
    const IoRange range = {
        .base = 0,
        .count = size,
        .widths = IO_8 | IO_16 | IO_32,
        .read = legacy_read,
        .write = legacy_write,
    };

    pci_device_add_io_bar(&virt->pci, VIRTIO_PCI_LEGACY_BAR, size, &range, 1, virt);
}
