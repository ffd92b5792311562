/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/virtio/virtio_pci.h"
#include "hw/pci/msi.h"
#include "hw/virtio/virtio_pci_int.h"

/* virtio_pci.c - the PCI function behind both interfaces: identity, interrupts, bus mastering. */

enum {
    QUEUE_BITS = 16, /* of a queue's instance, in state */
    MODERN_DEVICE_BASE = 0x1040,
    MODERN_SUBSYSTEM = 0x1100,
    PCI_DEVICE_ID = 0x02,
    PCI_COMMAND = 0x04,
    PCI_COMMAND_MASTER = 4,
    PCI_REVISION = 0x08,
    PCI_SUBSYSTEM = 0x2e,
    VECTORS_MAX = 2048,
};

/* ---- Interrupts ---- */

bool virtio_pci_msix_enabled(const VirtPci *virt)
{
    return pci_msix_enabled(&virt->pci);
}

uint16_t virtio_pci_vector(const VirtPci *virt, uint32_t value)
{
    return value < pci_msix_vectors(&virt->pci) ? (uint16_t)value : VIRTQUEUE_NO_VECTOR;
}

uint8_t virtio_pci_isr_read(VirtPci *virt)
{
    uint8_t isr = virt->device->isr;

    virt->device->isr = 0;
    pci_device_set_irq(&virt->pci, false);
    return isr;
}

static void pci_interrupt(void *opaque, uint16_t vector, bool config)
{
    VirtPci *virt = opaque;

    (void)config;
    if (!virtio_pci_msix_enabled(virt)) {
        pci_device_set_irq(&virt->pci, true);
    } else if (vector != VIRTQUEUE_NO_VECTOR) {
        pci_msix_notify(&virt->pci, vector);
    }
}

/* ---- Registers that both interfaces have ---- */

VirtQueue *virtio_pci_queue(VirtPci *virt)
{
    return virt->queue_select < virt->device->n_queues ? &virt->device->queue[virt->queue_select]
                                                       : NULL;
}

void virtio_pci_set_status(VirtPci *virt, uint8_t status)
{
    virtio_device_set_status(virt->device, status);
    if (status == 0) {
        pci_device_set_irq(&virt->pci, false);
    }
}

void virtio_pci_config_written(void *opaque, unsigned offset, unsigned width)
{
    VirtPci *virt = opaque;

    if (virt->device != NULL) {
        virt->device->dma = (virt->pci.config[PCI_COMMAND] & PCI_COMMAND_MASTER) != 0;
        virtio_pci_window_written(virt, offset, width);
    }
}

uint32_t virtio_pci_config_read(void *opaque, unsigned offset, unsigned width, uint32_t value)
{
    VirtPci *virt = opaque;

    return virt->device != NULL ? virtio_pci_window_read(virt, offset, width, value) : value;
}

/* ---- Coming and going ---- */

static void put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static void modern_identity(VirtPci *virt)
{
    put16(virt->pci.config + PCI_DEVICE_ID, MODERN_DEVICE_BASE + virt->device->ops->id);
    put16(virt->pci.config + PCI_SUBSYSTEM, MODERN_SUBSYSTEM);
    virt->pci.config[PCI_REVISION] = 1;
}

/* The name of a type may say it, else the properties do. */
static bool choose_interfaces(VirtPci *virt, GError **error)
{
    const char *name = virt->pci.device.type->name;
    bool modern_only = g_str_has_suffix(name, "-non-transitional");
    bool both = !modern_only && g_str_has_suffix(name, "-transitional");

    virt->legacy = both || (!modern_only && virt->disable_legacy != ON_OFF_AUTO_ON);
    virt->modern = both || modern_only || !virt->disable_modern;
    /* Types of after virtio 1.0 have no legacy interface, nor a number for one. */
    if (virt->pci.class->device >= MODERN_DEVICE_BASE) {
        virt->legacy = false;
    }
    if (!virt->legacy && !virt->modern) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE,
                    "device cannot work as neither modern nor legacy mode is enabled");
        return false;
    }
    return true;
}

static bool refuse(bool asked, const char *name, GError **error)
{
    if (asked) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE, "%s=on is not supported", name);
    }
    return asked;
}

static void add_vectors(VirtPci *virt)
{
    unsigned n = virt->vectors < 0 ? virt->device->n_queues + 1 : (unsigned)virt->vectors;

    if (n != 0) {
        pci_msix_init(&virt->pci, MIN(n, VECTORS_MAX), VIRTIO_PCI_MSIX_BAR);
    }
}

bool virtio_pci_create(VirtPci *virt, VirtDevice *device, GError **error)
{
    const uint64_t ring = VIRTIO_BIT(VIRTIO_F_EVENT_IDX) | VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC) |
                          VIRTIO_BIT(VIRTIO_F_NOTIFY_ON_EMPTY) | VIRTIO_BIT(VIRTIO_F_ANY_LAYOUT);
    const VirtTransport transport = { pci_interrupt, virt };

    if (!choose_interfaces(virt, error) || refuse(virt->packed, "packed", error) ||
        refuse(virt->iommu_platform, "iommu_platform", error) ||
        refuse(virt->page_per_vq, "page-per-vq", error) || refuse(virt->ats, "ats", error)) {
        return false;
    }
    virt->device = device;
    device->offered &= ~ring | virt->ring_features;
    if (!virt->modern) {
        device->offered &= ~VIRTIO_BIT(VIRTIO_F_VERSION_1);
    }
    if (!virt->legacy) {
        modern_identity(virt);
    }
    virtio_device_set_transport(device, &transport);
    add_vectors(virt);
    if (virt->legacy) {
        virtio_pci_add_legacy(virt);
    }
    if (virt->modern) {
        virtio_pci_add_modern(virt);
    }
    return true;
}

void virtio_pci_destroy(VirtPci *virt)
{
    virtio_device_reset(virt->device);
    virt->device = NULL;
}

void virtio_pci_reset(Device *dev)
{
    VirtPci *virt = (VirtPci *)dev;

    virtio_device_reset(virt->device);
    virt->device->dma = false;
    virt->queue_select = 0;
    virt->device_feature_select = virt->driver_feature_select = 0;
    virt->driver_feature[0] = virt->driver_feature[1] = 0;
}

/* ---- Snapshots ---- */

static const StateField pci_fields[] = {
    STATE_FIELD(STATE_U32, VirtPci, device_feature_select),
    STATE_FIELD(STATE_U32, VirtPci, driver_feature_select),
    STATE_ARRAY(STATE_U32, VirtPci, driver_feature),
    STATE_FIELD(STATE_U16, VirtPci, queue_select),
    { 0 },
};

/* Visited last: what the driver had made available goes on. */
static void pci_loaded(void *opaque)
{
    VirtDevice *device = ((VirtPci *)opaque)->device;

    pci_device_set_irq(opaque, device->isr != 0 && !virtio_pci_msix_enabled(opaque));
    for (unsigned i = 0; i < device->n_queues; i++) {
        virtio_device_kick(device, i);
    }
}

static const StateTable pci_state = {
    .name = "virtio-pci",
    .version = 1,
    .fields = pci_fields,
    .loaded = pci_loaded,
};

void virtio_pci_each_state(Device *dev, StateVisit *visit, void *opaque)
{
    VirtPci *virt = (VirtPci *)dev;

    visit(opaque, &virtio_device_state, dev->instance, virt->device);
    for (unsigned i = 0; i < virt->device->n_queues; i++) {
        visit(opaque, &virtqueue_state, dev->instance << QUEUE_BITS | i, &virt->device->queue[i]);
    }
    visit(opaque, &pci_state, dev->instance, virt);
}
