/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio_pci_modern.c - the interface of virtio 1.x (sections 4.1.4.3 to 4.1.4.9): four pages in
 * BAR 4, which capabilities point to, and a window onto them in configuration space for firmware.
 */
#include <string.h>
#include "hw/virtio/virtio_pci_int.h"

enum { /* pages of the BAR */
       PAGE_COMMON = 0,
       PAGE_ISR,
       PAGE_DEVICE,
       PAGE_NOTIFY,
       PAGE_BYTES = 0x1000,
       BAR_BYTES = 4 * PAGE_BYTES,
       NOTIFY_STEP = 4, /* bytes from a queue's notification address to the next one's */
};

enum { /* virtio_pci_common_cfg */
       COMMON_DEVICE_FEATURE_SELECT = 0x00,
       COMMON_DEVICE_FEATURE = 0x04,
       COMMON_DRIVER_FEATURE_SELECT = 0x08,
       COMMON_DRIVER_FEATURE = 0x0c,
       COMMON_CONFIG_VECTOR = 0x10,
       COMMON_NUM_QUEUES = 0x12,
       COMMON_STATUS = 0x14,
       COMMON_GENERATION = 0x15,
       COMMON_QUEUE_SELECT = 0x16,
       COMMON_QUEUE_SIZE = 0x18,
       COMMON_QUEUE_VECTOR = 0x1a,
       COMMON_QUEUE_ENABLE = 0x1c,
       COMMON_QUEUE_NOTIFY_OFF = 0x1e,
       COMMON_QUEUE_DESC = 0x20,
       COMMON_QUEUE_AVAIL = 0x28,
       COMMON_QUEUE_USED = 0x30,
       COMMON_BYTES = 0x38,
};

enum { /* virtio_pci_cap */
       CAP_VENDOR = 9,
       CAP_TYPE = 3,
       CAP_BAR = 4,
       CAP_OFFSET = 8,
       CAP_LENGTH = 12,
       CAP_BYTES = 16,
       CAP_DATA = 16, /* of the window; the notification capability has its step here */
       CAP_WINDOW_BYTES = 20,
       CAP_TYPE_COMMON = 1,
       CAP_TYPE_NOTIFY,
       CAP_TYPE_ISR,
       CAP_TYPE_DEVICE,
       CAP_TYPE_WINDOW,
};

/* What only drivers of the legacy interface are offered. */
#define LEGACY_FEATURES (VIRTIO_BIT(VIRTIO_F_NOTIFY_ON_EMPTY) | VIRTIO_BIT(VIRTIO_F_ANY_LAYOUT))

/* ---- Common configuration ---- */

static uint32_t feature_word(uint64_t features, uint32_t select)
{
    return select == 0 ? (uint32_t)features : select == 1 ? (uint32_t)(features >> 32) : 0;
}

static uint32_t queue_read(const VirtQueue *queue, unsigned offset)
{
    const VirtRing *ring = &queue->ring;

    switch (offset) {
    case COMMON_QUEUE_SIZE:
        return ring->size;
    case COMMON_QUEUE_VECTOR:
        return ring->vector;
    case COMMON_QUEUE_ENABLE:
        return ring->enabled;
    case COMMON_QUEUE_NOTIFY_OFF:
        return queue->index;
    case COMMON_QUEUE_DESC:
        return (uint32_t)ring->desc;
    case COMMON_QUEUE_DESC + 4:
        return (uint32_t)(ring->desc >> 32);
    case COMMON_QUEUE_AVAIL:
        return (uint32_t)ring->avail;
    case COMMON_QUEUE_AVAIL + 4:
        return (uint32_t)(ring->avail >> 32);
    case COMMON_QUEUE_USED:
        return (uint32_t)ring->used;
    case COMMON_QUEUE_USED + 4:
        return (uint32_t)(ring->used >> 32);
    default:
        return 0;
    }
}

static uint32_t common_read(VirtPci *virt, unsigned offset)
{
    const VirtDevice *device = virt->device;
    const VirtQueue *queue = virtio_pci_queue(virt);

    switch (offset) {
    case COMMON_DEVICE_FEATURE_SELECT:
        return virt->device_feature_select;
    case COMMON_DEVICE_FEATURE:
        return feature_word(device->offered & ~LEGACY_FEATURES, virt->device_feature_select);
    case COMMON_DRIVER_FEATURE_SELECT:
        return virt->driver_feature_select;
    case COMMON_DRIVER_FEATURE:
        return virt->driver_feature_select < 2 ? virt->driver_feature[virt->driver_feature_select]
                                               : 0;
    case COMMON_CONFIG_VECTOR:
        return device->config_vector;
    case COMMON_NUM_QUEUES:
        return device->n_queues;
    case COMMON_STATUS:
        return device->status;
    case COMMON_GENERATION:
        return device->config_generation;
    case COMMON_QUEUE_SELECT:
        return virt->queue_select;
    default:
        return queue != NULL ? queue_read(queue, offset) : 0;
    }
}

static void low_half(uint64_t *value, uint32_t half)
{
    *value = (*value & ~(uint64_t)UINT32_MAX) | half;
}

static void high_half(uint64_t *value, uint32_t half)
{
    *value = (uint32_t)*value | (uint64_t)half << 32;
}

static void queue_write(VirtPci *virt, VirtQueue *queue, unsigned offset, uint32_t value)
{
    VirtRing *ring = &queue->ring;

    if (offset == COMMON_QUEUE_VECTOR) {
        ring->vector = virtio_pci_vector(virt, value & 0xffff);
        return;
    }
    if (ring->enabled) { /* section 4.1.4.3.2: the driver must not */
        return;
    }
    switch (offset) {
    case COMMON_QUEUE_SIZE:
        ring->size = (uint16_t)value;
        break;
    case COMMON_QUEUE_ENABLE:
        ring->enabled = value == 1;
        break;
    case COMMON_QUEUE_DESC:
        low_half(&ring->desc, value);
        break;
    case COMMON_QUEUE_DESC + 4:
        high_half(&ring->desc, value);
        break;
    case COMMON_QUEUE_AVAIL:
        low_half(&ring->avail, value);
        break;
    case COMMON_QUEUE_AVAIL + 4:
        high_half(&ring->avail, value);
        break;
    case COMMON_QUEUE_USED:
        low_half(&ring->used, value);
        break;
    case COMMON_QUEUE_USED + 4:
        high_half(&ring->used, value);
        break;
    default:
        break;
    }
}

static void common_write(VirtPci *virt, unsigned offset, uint32_t value)
{
    VirtQueue *queue = virtio_pci_queue(virt);

    switch (offset) {
    case COMMON_DEVICE_FEATURE_SELECT:
        virt->device_feature_select = value;
        break;
    case COMMON_DRIVER_FEATURE_SELECT:
        virt->driver_feature_select = value;
        break;
    case COMMON_DRIVER_FEATURE:
        if (virt->driver_feature_select < 2) {
            virt->driver_feature[virt->driver_feature_select] = value;
            virtio_device_set_features(virt->device, virt->driver_feature[0] |
                                                         (uint64_t)virt->driver_feature[1] << 32);
        }
        break;
    case COMMON_CONFIG_VECTOR:
        virt->device->config_vector = virtio_pci_vector(virt, value & 0xffff);
        break;
    case COMMON_STATUS:
        virtio_pci_set_status(virt, (uint8_t)value);
        if (value == 0) {
            virt->driver_feature[0] = virt->driver_feature[1] = 0;
        }
        break;
    case COMMON_QUEUE_SELECT:
        virt->queue_select = (uint16_t)value;
        break;
    default:
        if (queue != NULL) {
            queue_write(virt, queue, offset, value);
        }
        break;
    }
}

/* ---- The BAR ---- */

static uint64_t modern_read(void *opaque, uint64_t offset, unsigned width)
{
    VirtPci *virt = opaque;
    unsigned at = (unsigned)(offset % PAGE_BYTES);

    switch (offset / PAGE_BYTES) {
    case PAGE_COMMON:
        return at < COMMON_BYTES ? common_read(virt, at) : 0;
    case PAGE_ISR:
        return at == 0 ? virtio_pci_isr_read(virt) : 0;
    case PAGE_DEVICE:
        return virtio_device_config_read(virt->device, at, width);
    default:
        return 0;
    }
}

static void modern_write(void *opaque, uint64_t offset, unsigned width, uint64_t value)
{
    VirtPci *virt = opaque;
    unsigned at = (unsigned)(offset % PAGE_BYTES);

    switch (offset / PAGE_BYTES) {
    case PAGE_COMMON:
        if (at < COMMON_BYTES) {
            common_write(virt, at, (uint32_t)value);
        }
        break;
    case PAGE_DEVICE:
        virtio_device_config_write(virt->device, at, width, (uint32_t)value);
        break;
    case PAGE_NOTIFY:
        virtio_device_kick(virt->device, at / NOTIFY_STEP);
        break;
    default:
        break;
    }
}

static const MmioOps modern_ops = {
    .read = modern_read,
    .write = modern_write,
    .min_width = 1,
    .max_width = 4,
};

/* ---- The window in configuration space ---- */

static uint32_t window_field(const VirtPci *virt, unsigned field)
{
    uint32_t value;

    memcpy(&value, virt->pci.config + virt->config_capability + field, sizeof(value));
    return value;
}

/* Does the access touch the window's data, and does that lead to a register? */
static bool window_leads(const VirtPci *virt, unsigned offset, unsigned width)
{
    unsigned data = virt->config_capability + CAP_DATA;
    uint32_t at = window_field(virt, CAP_OFFSET), length = window_field(virt, CAP_LENGTH);

    if (virt->config_capability == 0 || offset >= data + 4 || offset + width <= data) {
        return false;
    }
    return (window_field(virt, CAP_BAR) & 0xff) == VIRTIO_PCI_MODERN_BAR && at < BAR_BYTES &&
           (length == 1 || length == 2 || length == 4) && at % length == 0;
}

uint32_t virtio_pci_window_read(VirtPci *virt, unsigned offset, unsigned width, uint32_t value)
{
    uint8_t *data = virt->pci.config + virt->config_capability + CAP_DATA;
    uint32_t got;

    if (!window_leads(virt, offset, width)) {
        return value;
    }
    got = (uint32_t)modern_read(virt, window_field(virt, CAP_OFFSET),
                                window_field(virt, CAP_LENGTH));
    memcpy(data, &got, window_field(virt, CAP_LENGTH));
    value = 0;
    memcpy(&value, virt->pci.config + offset, width);
    return value;
}

void virtio_pci_window_written(VirtPci *virt, unsigned offset, unsigned width)
{
    if (window_leads(virt, offset, width)) {
        modern_write(virt, window_field(virt, CAP_OFFSET), window_field(virt, CAP_LENGTH),
                     window_field(virt, CAP_DATA));
    }
}

/* ---- Capabilities ---- */

static unsigned add_capability(VirtPci *virt, uint8_t type, unsigned page, unsigned bytes)
{
    unsigned size = type == CAP_TYPE_NOTIFY || type == CAP_TYPE_WINDOW ? CAP_WINDOW_BYTES
                                                                       : CAP_BYTES;
    unsigned at = pci_device_add_capability(&virt->pci, CAP_VENDOR, size);
    const uint32_t place[2] = { page * PAGE_BYTES, bytes }, step = NOTIFY_STEP;
    uint8_t *cap = virt->pci.config + at;

    cap[2] = (uint8_t)size;
    cap[CAP_TYPE] = type;
    if (type == CAP_TYPE_WINDOW) {
        uint8_t *writable = virt->pci.writable + at;

        writable[CAP_BAR] = 0xff;
        memset(writable + CAP_OFFSET, 0xff, CAP_WINDOW_BYTES - CAP_OFFSET);
        return at;
    }
    cap[CAP_BAR] = VIRTIO_PCI_MODERN_BAR;
    memcpy(cap + CAP_OFFSET, place, sizeof(place));
    if (type == CAP_TYPE_NOTIFY) {
        memcpy(cap + CAP_DATA, &step, sizeof(step));
    }
    return at;
}

void virtio_pci_add_modern(VirtPci *virt)
{
    pci_device_add_mmio_bar(&virt->pci, VIRTIO_PCI_MODERN_BAR, BAR_BYTES, true, true, &modern_ops,
                            virt);
    add_capability(virt, CAP_TYPE_COMMON, PAGE_COMMON, PAGE_BYTES);
    add_capability(virt, CAP_TYPE_ISR, PAGE_ISR, PAGE_BYTES);
    add_capability(virt, CAP_TYPE_DEVICE, PAGE_DEVICE, PAGE_BYTES);
    add_capability(virt, CAP_TYPE_NOTIFY, PAGE_NOTIFY, PAGE_BYTES);
    virt->config_capability = add_capability(virt, CAP_TYPE_WINDOW, 0, 0);
}
