/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_VIRTIO_VIRTIO_H
#define HW_VIRTIO_VIRTIO_H
/* virtio.h - what all virtio devices have in common (virtio 1.2, chapters 2 and 3): feature bits,
 * status, queues, a configuration space.  A device fills in VirtOps; a transport (virtio_pci.c)
 * carries the driver's accesses here and interrupts back.  All calls with the device lock held. */
#include "hw/virtio/virtqueue.h"
#include "hw/state.h"

enum { /* feature bits, by number */
       VIRTIO_F_NOTIFY_ON_EMPTY = 24,
       VIRTIO_F_ANY_LAYOUT = 27,
       VIRTIO_F_INDIRECT_DESC = 28,
       VIRTIO_F_EVENT_IDX = 29,
       VIRTIO_F_VERSION_1 = 32,
};
#define VIRTIO_BIT(n) (UINT64_C(1) << (n))

enum { /* device status */
       VIRTIO_STATUS_ACKNOWLEDGE = 1,
       VIRTIO_STATUS_DRIVER = 2,
       VIRTIO_STATUS_DRIVER_OK = 4,
       VIRTIO_STATUS_FEATURES_OK = 8,
       VIRTIO_STATUS_NEEDS_RESET = 0x40,
       VIRTIO_STATUS_FAILED = 0x80,
};

enum { /* device types */
       VIRTIO_ID_NET = 1,
       VIRTIO_ID_BLOCK = 2,
       VIRTIO_ID_CONSOLE = 3,
       VIRTIO_ID_RNG = 4,
       VIRTIO_ID_BALLOON = 5,
       VIRTIO_ID_SCSI = 8,
       VIRTIO_ID_9P = 9,
       VIRTIO_ID_INPUT = 18,
       VIRTIO_ID_VSOCK = 19,
       VIRTIO_ID_FS = 26,
};

enum { VIRTIO_QUEUES_MAX = 64, VIRTIO_CONFIG_MAX = 256 };

typedef struct VirtOps {
    const char *name;
    uint16_t id;
    /* Writes the configuration space as it is now, `config_size` bytes that were zero. */
    void (*config_read)(VirtDevice *device, uint8_t *config);
    /* The driver has written `size` bytes at `offset`, all inside the space; NULL: read-only. */
    void (*config_write)(VirtDevice *device, unsigned offset, const uint8_t *data, unsigned size);
    void (*negotiated)(VirtDevice *device); /* features are as the driver wants them; may be NULL */
    void (*started)(VirtDevice *device);    /* DRIVER_OK was set; may be NULL */
    /* Before queues and features are forgotten: requests in flight end here. May be NULL. */
    void (*reset)(VirtDevice *device);
} VirtOps;

/* How interrupts leave; `vector` is VIRTQUEUE_NO_VECTOR where the driver gave none. */
typedef struct VirtTransport {
    void (*interrupt)(void *opaque, uint16_t vector, bool config);
    void *opaque;
} VirtTransport;

struct VirtDevice { /* embedded first in the device's own structure */
    const VirtOps *ops;
    PhysMap *map;
    VirtTransport transport;
    uint64_t offered, features; /* by the device; what the driver took */
    unsigned config_size;       /* bytes */
    uint8_t status;
    uint8_t isr;
    uint8_t config_generation;
    uint16_t config_vector;
    bool broken; /* until the driver resets */
    bool dma;    /* the transport lets it reach memory */
    unsigned n_queues;
    VirtQueue queue[VIRTIO_QUEUES_MAX];
};

/* `offered` are the device's own feature bits; those of the rings are added. */
void virtio_device_init(VirtDevice *device, const VirtOps *ops, PhysMap *map, uint64_t offered,
                        unsigned config_size);
/* Before a transport is there. */
VirtQueue *virtio_device_add_queue(VirtDevice *device, uint16_t size, VirtQueueKick *kick);
void virtio_device_set_transport(VirtDevice *device, const VirtTransport *transport);

bool virtio_device_has(const VirtDevice *device, unsigned feature);
PhysMap *virtio_device_map(const VirtDevice *device);
bool virtio_device_working(const VirtDevice *device); /* DRIVER_OK, DMA, and not broken */
/* The driver has done what it must not: it is told to reset, and nothing happens until it does. */
void virtio_device_broken(VirtDevice *device, unsigned queue, const char *what);
void virtio_device_interrupt(VirtDevice *device, uint16_t vector); /* of a queue */
/* The configuration space has changed: the driver is to look again. */
void virtio_device_config_changed(VirtDevice *device);

extern const StateTable virtio_device_state, virtqueue_state;

/* ---- For transports ---- */

void virtio_device_reset(VirtDevice *device);
void virtio_device_set_features(VirtDevice *device, uint64_t features);
/* Writes of the status register: 0 resets.  Refuses FEATURES_OK for features that were not offered.
 */
void virtio_device_set_status(VirtDevice *device, uint8_t status);
/* Driver's notification; indexes outside are ignored. */
void virtio_device_kick(VirtDevice *device, unsigned queue);
uint32_t virtio_device_config_read(VirtDevice *device, unsigned offset, unsigned width);
void virtio_device_config_write(VirtDevice *device, unsigned offset, unsigned width,
                                uint32_t value);

#endif
