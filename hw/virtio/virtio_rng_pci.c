/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio_rng_pci.c - the entropy device (virtio 1.2, section 5.4): one queue of buffers that are
 * filled.
 *
 * max-bytes= and period= bound what a guest may take of the host's entropy. */
#include "hw/device_types.h"
#include "hw/rng.h"
#include "hw/virtio/virtio_pci.h"

enum { QUEUE_SIZE = 8, PIECE = 4096, PERIOD_MS = 1 << 16 };

typedef struct VirtRng {
    VirtPci virt;
    VirtDevice device;
    Rng *given, *rng; /* property; in use */
    uint64_t max_bytes;
    uint32_t period; /* ms */
    ClockTimer *timer;
    uint64_t quota; /* bytes left in this period */
} VirtRng;

static VirtRng *rng_of(VirtDevice *device)
{
    return (VirtRng *)((char *)device - offsetof(VirtRng, device));
}

/* Fills an element, or as much of it as there is. */
static uint32_t element_fill(VirtRng *dev, VirtElement *element)
{
    uint8_t piece[PIECE];
    uint32_t done = 0;

    while (done < element->in_size && dev->quota > 0) {
        size_t want = MIN(MIN(sizeof(piece), element->in_size - done), dev->quota);
        size_t got = rng_read(dev->rng, piece, want);

        iov_from_buffer(element->in, element->n_in, done, piece, got);
        done += (uint32_t)got;
        dev->quota -= got;
        if (got < want) {
            break;
        }
    }
    return done;
}

static void rng_serve(VirtRng *dev)
{
    VirtQueue *queue = &dev->device.queue[0];
    VirtElement *element;

    while (dev->quota > 0 && (element = virtqueue_pop(queue)) != NULL) {
        uint32_t done = element_fill(dev, element);

        if (done == 0 && element->in_size != 0) {
            virtqueue_unpop(queue, element);
            break;
        }
        virtqueue_push(queue, element, done);
    }
    virtqueue_notify(queue);
    if (dev->quota == 0 && !clock_timer_pending(dev->timer)) {
        Clock *clock = dev->virt.pci.device.board->clock;

        clock_timer_set(dev->timer, clock_now(clock) + (int64_t)dev->period * NS_PER_MS);
    }
}

static void rng_period(void *opaque)
{
    VirtRng *dev = opaque;

    dev->quota = dev->max_bytes;
    rng_serve(dev);
}

static void rng_ready(void *opaque)
{
    rng_serve(opaque);
}

static void rng_kick(VirtDevice *device, VirtQueue *queue)
{
    (void)queue;
    rng_serve(rng_of(device));
}

static void rng_config(VirtDevice *device, uint8_t *config)
{
    (void)device, (void)config;
}

static const VirtOps rng_ops = {
    .name = "virtio-rng",
    .id = VIRTIO_ID_RNG,
    .config_read = rng_config,
};

static bool rng_create(Device *device, GError **error)
{
    VirtRng *dev = (VirtRng *)device;

    if (dev->period == 0 || dev->max_bytes == 0) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE,
                    "'period' parameter expects a positive integer, and so does 'max-bytes'");
        return false;
    }
    virtio_device_init(&dev->device, &rng_ops, device->board->map, 0, 0);
    virtio_device_add_queue(&dev->device, QUEUE_SIZE, rng_kick);
    if (!virtio_pci_create(&dev->virt, &dev->device, error)) {
        return false;
    }
    dev->rng = dev->given != NULL ? dev->given : rng_builtin_new();
    rng_set_reader(dev->rng, rng_ready, dev);
    dev->timer = clock_timer_new(device->board->clock, rng_period, dev);
    dev->quota = dev->max_bytes;
    return true;
}

static void rng_destroy(Device *device)
{
    VirtRng *dev = (VirtRng *)device;

    virtio_pci_destroy(&dev->virt);
    rng_set_reader(dev->rng, NULL, NULL);
    clock_timer_free(dev->timer);
    if (dev->rng != dev->given) {
        rng_free(dev->rng);
    }
}

static const Property rng_properties[] = {
    VIRTIO_PCI_PROPERTIES(VirtRng, VIRTIO_PCI_VECTORS_AUTO),
    PROPERTY_ROW("rng", PROPERTY_OBJECT, VirtRng, given, .object = "rng"),
    PROPERTY_ROW("max-bytes", PROPERTY_U64, VirtRng, max_bytes, .init = INT64_MAX),
    PROPERTY_ROW("period", PROPERTY_U32, VirtRng, period, .init = PERIOD_MS),
    { 0 },
};

static const PciClass rng_class = VIRTIO_PCI_CLASS("virtio-rng-pci", 0x1005, VIRTIO_ID_RNG,
                                                   0x00ff00);

VIRTIO_PCI_TYPES(virtio_rng, "virtio-rng", VIRTIO_PCI_ROW, .category = DEVICE_MISC,
                 .size = sizeof(VirtRng), .properties = rng_properties, .pci = &rng_class,
                 .create = rng_create, .destroy = rng_destroy, .each_state = virtio_pci_each_state);
