/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio_vsock_pci.c - rows of vhost-vsock-pci, which needs no vhost here. */
#include "hw/device_types.h"
#include "hw/virtio/virtio_pci.h"
#include "hw/virtio/virtio_vsock.h"

enum { CID_FIRST = 3 };

typedef struct VirtVsockPci {
    VirtPci virt;
    VirtVsock vsock;
    uint64_t cid; /* properties */
    char *path;
} VirtVsockPci;

static bool vsock_create(Device *device, GError **error)
{
    VirtVsockPci *dev = (VirtVsockPci *)device;
    g_autofree char *standard = g_strdup_printf("%s/doppel-vsock-%" G_GUINT64_FORMAT,
                                                g_get_user_runtime_dir(), dev->cid);

    if (dev->cid < CID_FIRST) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE,
                    "guest-cid property must be greater than 2");
        return false;
    }
    if (dev->cid >= UINT32_MAX) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE,
                    "guest-cid property must be a 32-bit number");
        return false;
    }
    if (dev->path == NULL) {
        g_mkdir_with_parents(g_get_user_runtime_dir(), 0700);
    }
    if (!virtio_vsock_init(&dev->vsock, device->board->map, dev->cid,
                           dev->path != NULL ? dev->path : standard, error)) {
        return false;
    }
    if (!virtio_pci_create(&dev->virt, &dev->vsock.device, error)) {
        virtio_vsock_clear(&dev->vsock);
        return false;
    }
    return true;
}

static void vsock_destroy(Device *device)
{
    VirtVsockPci *dev = (VirtVsockPci *)device;

    virtio_vsock_linger(&dev->vsock);
    virtio_pci_destroy(&dev->virt);
    virtio_vsock_clear(&dev->vsock);
}

static void vsock_loaded(void *opaque)
{
    virtio_vsock_loaded(&((VirtVsockPci *)opaque)->vsock);
}

static const StateField vsock_fields[] = {
    STATE_FIELD(STATE_U32, VirtVsockPci, vsock.next_port),
    { 0 },
};

static const StateTable vsock_state = {
    .name = "virtio-vsock",
    .version = 1,
    .fields = vsock_fields,
    .loaded = vsock_loaded,
};

static const Property vsock_properties[] = {
    VIRTIO_PCI_PROPERTIES(VirtVsockPci, VIRTIO_PCI_VECTORS_AUTO),
    PROPERTY_ROW("guest-cid", PROPERTY_U64, VirtVsockPci, cid),
    PROPERTY_ROW("uds-path", PROPERTY_STRING, VirtVsockPci, path,
                 .help = "unix socket that callers of the guest connect to"),
    { 0 },
};

static const PciClass vsock_class = VIRTIO_PCI_CLASS("vhost-vsock-pci", 0x1053, VIRTIO_ID_VSOCK,
                                                     0x078000);

#define VSOCK_ROW                                                                                  \
    VIRTIO_PCI_ROW, .category = DEVICE_MISC, .size = sizeof(VirtVsockPci),                         \
                    .properties = vsock_properties, .pci = &vsock_class, .create = vsock_create,   \
                    .destroy = vsock_destroy, .state = &vsock_state,                               \
                    .each_state = virtio_pci_each_state

const DeviceType vhost_vsock_pci_type = { .name = "vhost-vsock-pci", VSOCK_ROW };
const DeviceType vhost_vsock_pci_non_transitional_type = {
    .name = "vhost-vsock-pci-non-transitional", VSOCK_ROW
};
