/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/virtio/virtio.h"
#include <string.h>

/* virtio.c - a virtio device without its transport. */

void virtio_device_init(VirtDevice *device, const VirtOps *ops, PhysMap *map, uint64_t offered,
                        unsigned config_size)
{
    g_assert(config_size <= VIRTIO_CONFIG_MAX);
    device->ops = ops;
    device->map = map;
    device->offered = offered | VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC) |
                      VIRTIO_BIT(VIRTIO_F_EVENT_IDX) | VIRTIO_BIT(VIRTIO_F_NOTIFY_ON_EMPTY) |
                      VIRTIO_BIT(VIRTIO_F_ANY_LAYOUT) | VIRTIO_BIT(VIRTIO_F_VERSION_1);
    device->config_size = config_size;
    device->config_vector = VIRTQUEUE_NO_VECTOR;
}

VirtQueue *virtio_device_add_queue(VirtDevice *device, uint16_t size, VirtQueueKick *kick)
{
    VirtQueue *queue = &device->queue[device->n_queues];

    g_assert(device->n_queues < VIRTIO_QUEUES_MAX && size <= VIRTQUEUE_SIZE_MAX);
    queue->device = device;
    queue->index = device->n_queues;
    queue->size_max = size;
    queue->kick = kick;
    virtqueue_reset(queue);
    device->n_queues++;
    return queue;
}

void virtio_device_set_transport(VirtDevice *device, const VirtTransport *transport)
{
    device->transport = *transport;
}

bool virtio_device_has(const VirtDevice *device, unsigned feature)
{
    return (device->features >> feature & 1) != 0;
}

PhysMap *virtio_device_map(const VirtDevice *device)
{
    return device->map;
}

bool virtio_device_working(const VirtDevice *device)
{
    return (device->status & VIRTIO_STATUS_DRIVER_OK) != 0 && device->dma && !device->broken;
}

void virtio_device_broken(VirtDevice *device, unsigned queue, const char *what)
{
    (void)queue, (void)what;
    if (device->broken) {
        return;
    }
    device->broken = true;
    if (virtio_device_has(device, VIRTIO_F_VERSION_1)) {
        device->status |= VIRTIO_STATUS_NEEDS_RESET;
        virtio_device_config_changed(device);
    }
}

void virtio_device_interrupt(VirtDevice *device, uint16_t vector)
{
    device->isr |= 1;
    if (device->transport.interrupt != NULL) {
        device->transport.interrupt(device->transport.opaque, vector, false);
    }
}

void virtio_device_config_changed(VirtDevice *device)
{
    device->config_generation++;
    if ((device->status & VIRTIO_STATUS_DRIVER_OK) == 0) {
        return;
    }
    device->isr |= 2;
    if (device->transport.interrupt != NULL) {
        device->transport.interrupt(device->transport.opaque, device->config_vector, true);
    }
}

/* ---- For transports ---- */

void virtio_device_reset(VirtDevice *device)
{
    if (device->ops->reset != NULL) {
        device->ops->reset(device);
    }
    for (unsigned i = 0; i < device->n_queues; i++) {
        virtqueue_reset(&device->queue[i]);
    }
    device->status = 0;
    device->features = 0;
    device->isr = 0;
    device->broken = false;
    device->config_vector = VIRTQUEUE_NO_VECTOR;
}

void virtio_device_set_features(VirtDevice *device, uint64_t features)
{
    if ((device->status & (VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_DRIVER_OK)) == 0) {
        device->features = features;
    }
}

static void features_settle(VirtDevice *device)
{
    if (device->ops->negotiated != NULL) {
        device->ops->negotiated(device);
    }
}

void virtio_device_set_status(VirtDevice *device, uint8_t status)
{
    uint8_t before = device->status;

    if (status == 0) {
        virtio_device_reset(device);
        return;
    }
    status |= before & VIRTIO_STATUS_NEEDS_RESET;
    if ((status & ~before & VIRTIO_STATUS_FEATURES_OK) != 0) {
        if ((device->features & ~device->offered) != 0) {
            status &= (uint8_t)~VIRTIO_STATUS_FEATURES_OK;
        } else {
            features_settle(device);
        }
    }
    device->status = status;
    if ((status & ~before & VIRTIO_STATUS_DRIVER_OK) != 0) {
        if ((status & VIRTIO_STATUS_FEATURES_OK) == 0) { /* a driver older than that bit */
            device->features &= device->offered;
            features_settle(device);
        }
        if (device->ops->started != NULL) {
            device->ops->started(device);
        }
        for (unsigned i = 0; i < device->n_queues; i++) { /* notified before, by some drivers */
            virtio_device_kick(device, i);
        }
    }
}

void virtio_device_kick(VirtDevice *device, unsigned index)
{
    VirtQueue *queue = index < device->n_queues ? &device->queue[index] : NULL;

    if (queue != NULL && queue->kick != NULL && queue->ring.enabled &&
        virtio_device_working(device)) {
        queue->kick(device, queue);
    }
}

uint32_t virtio_device_config_read(VirtDevice *device, unsigned offset, unsigned width)
{
    uint8_t config[VIRTIO_CONFIG_MAX + 8] = { 0 };
    uint32_t value = 0;

    if (offset >= device->config_size) {
        return UINT32_MAX >> (32 - 8 * width);
    }
    device->ops->config_read(device, config);
    memcpy(&value, config + offset, width);
    return value;
}

void virtio_device_config_write(VirtDevice *device, unsigned offset, unsigned width, uint32_t value)
{
    uint8_t data[4];

    if (offset >= device->config_size || width > device->config_size - offset ||
        device->ops->config_write == NULL) {
        return;
    }
    memcpy(data, &value, sizeof(data));
    device->ops->config_write(device, offset, data, width);
}

/* ---- Snapshots ---- */

static const StateField device_fields[] = {
    STATE_FIELD(STATE_U64, VirtDevice, features),
    STATE_FIELD(STATE_U8, VirtDevice, status),
    STATE_FIELD(STATE_U8, VirtDevice, isr),
    STATE_FIELD(STATE_U8, VirtDevice, config_generation),
    STATE_FIELD(STATE_U16, VirtDevice, config_vector),
    STATE_FIELD(STATE_BOOL, VirtDevice, broken),
    { 0 },
};

static void device_loaded(void *opaque)
{
    VirtDevice *device = opaque;

    if ((device->status & (VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_DRIVER_OK)) != 0) {
        features_settle(device);
    }
}

const StateTable virtio_device_state = {
    .name = "virtio",
    .version = 1,
    .fields = device_fields,
    .loaded = device_loaded,
};
