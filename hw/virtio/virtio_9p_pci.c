/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio_9p_pci.c - folders of the host (virtio 1.2, section 5.9; device type 9): 9P messages in a
 * queue, each with room for its answer.
 *
 * The configuration space has the mount tag, by which the guest asks for it. */
#include <string.h>
#include "hw/9p/p9.h"
#include "hw/device_types.h"
#include "hw/virtio/virtio_pci.h"

enum { F_MOUNT_TAG = 0, QUEUE_SIZE = 128, TAG_MAX = 32, CFG_TAG = 2, VECTORS = 2 };

typedef struct Virt9p {
    VirtPci virt;
    VirtDevice device;
    Share *share; /* properties */
    char *tag;
    P9Server *server;
    bool resetting; /* what comes back goes nowhere */
} Virt9p;

typedef struct Call9p {
    P9Call call;
    Virt9p *dev;
    VirtElement *element;
} Call9p;

static Virt9p *dev_of(VirtDevice *device)
{
    return (Virt9p *)((char *)device - offsetof(Virt9p, device));
}

static void call_done(P9Call *base, uint32_t written)
{
    Call9p *call = (Call9p *)base;

    if (call->dev->resetting) {
        virtqueue_drop(call->element);
    } else {
        virtqueue_push(call->element->queue, call->element, written);
        virtqueue_notify(&call->dev->device.queue[0]);
    }
    g_free(call);
}

static void messages(VirtDevice *device, VirtQueue *queue)
{
    Virt9p *dev = dev_of(device);
    VirtElement *element;

    while ((element = virtqueue_pop(queue)) != NULL) {
        Call9p *call;

        if (element->out_size < P9_HEADER || element->in_size < P9_CALL_MIN) {
            virtqueue_drop(element);
            virtio_device_broken(device, queue->index, "a message, or its answer, has no room");
            return;
        }
        call = g_new0(Call9p, 1);
        call->call = (P9Call){ element->out,      element->in,      element->n_out, element->n_in,
                               element->out_size, element->in_size, call_done };
        call->dev = dev;
        call->element = element;
        p9_submit(dev->server, &call->call);
    }
}

static void config_read(VirtDevice *device, uint8_t *config)
{
    const char *tag = dev_of(device)->tag;
    const uint16_t size = GUINT16_TO_LE((uint16_t)strlen(tag));

    memcpy(config, &size, sizeof(size));
    memcpy(config + CFG_TAG, tag, strlen(tag));
}

static void device_reset(VirtDevice *device)
{
    Virt9p *dev = dev_of(device);

    dev->resetting = true;
    p9_server_reset(dev->server);
    dev->resetting = false;
}

static const VirtOps ops = {
    .name = "virtio-9p",
    .id = VIRTIO_ID_9P,
    .config_read = config_read,
    .reset = device_reset,
};

static bool tag_check(const Virt9p *dev, GError **error)
{
    if (dev->share == NULL) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE, "fsdev property not set");
        return false;
    }
    if (dev->tag == NULL || dev->tag[0] == '\0') {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE, "mount_tag property not set");
        return false;
    }
    if (strlen(dev->tag) > TAG_MAX) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE,
                    "mount tag '%s' (%zu bytes) is longer than maximum (%d bytes)", dev->tag,
                    strlen(dev->tag), TAG_MAX);
        return false;
    }
    return true;
}

static bool dev_create(Device *device, GError **error)
{
    Virt9p *dev = (Virt9p *)device;

    if (!tag_check(dev, error)) {
        return false;
    }
    dev->server = p9_server_new(dev->share, device->board->map);
    virtio_device_init(&dev->device, &ops, device->board->map, VIRTIO_BIT(F_MOUNT_TAG),
                       CFG_TAG + (unsigned)strlen(dev->tag));
    virtio_device_add_queue(&dev->device, QUEUE_SIZE, messages);
    if (!virtio_pci_create(&dev->virt, &dev->device, error)) {
        p9_server_free(dev->server);
        return false;
    }
    return true;
}

static void dev_destroy(Device *device)
{
    Virt9p *dev = (Virt9p *)device;

    virtio_pci_destroy(&dev->virt);
    dev->resetting = true;
    p9_server_free(dev->server);
}

static const Property properties[] = {
    VIRTIO_PCI_PROPERTIES(Virt9p, VECTORS),
    PROPERTY_ROW("mount_tag", PROPERTY_STRING, Virt9p, tag),
    PROPERTY_ROW("fsdev", PROPERTY_OBJECT, Virt9p, share, .object = "fsdev"),
    { 0 },
};

static const PciClass class_9p = VIRTIO_PCI_CLASS("virtio-9p-pci", 0x1009, VIRTIO_ID_9P, 0x000200);

VIRTIO_PCI_TYPES(virtio_9p, "virtio-9p", VIRTIO_PCI_ROW, .category = DEVICE_STORAGE,
                 .size = sizeof(Virt9p), .properties = properties, .pci = &class_9p,
                 .create = dev_create, .destroy = dev_destroy, .each_state = virtio_pci_each_state);
