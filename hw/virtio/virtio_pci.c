/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/virtio/virtio_pci.h"
#include "hw/virtio/virtio_pci_int.h"

/* virtio_pci.c - the PCI function behind both interfaces: identity, interrupts, bus mastering. */

G_DEFINE_QUARK(virtio - error - quark, virtio_error)

enum {
    VENDOR_RED_HAT = 0x1af4,
    MODERN_DEVICE_BASE = 0x1040,
    MODERN_SUBSYSTEM = 0x1100,
    PCI_COMMAND = 0x04,
    PCI_COMMAND_MASTER = 4,
    PCI_INTA = 1,
};

/* ---- Interrupts ---- */

bool virtio_pci_msix_enabled(const VirtPci *virt)
{
    (void)virt;
    return false;
}

uint16_t virtio_pci_vector(const VirtPci *virt, uint32_t value)
{
    return value < virt->options.vectors ? (uint16_t)value : VIRTQUEUE_NO_VECTOR;
}

uint8_t virtio_pci_isr_read(VirtPci *virt)
{
    uint8_t isr = virt->device->isr;

    virt->device->isr = 0;
    pci_device_set_irq(virt->pci, false);
    return isr;
}

static void pci_interrupt(void *opaque, uint16_t vector, bool config)
{
    VirtPci *virt = opaque;

    (void)vector, (void)config;
    pci_device_set_irq(virt->pci, true);
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
        pci_device_set_irq(virt->pci, false);
    }
}

static void pci_config_written(void *opaque, unsigned offset, unsigned width)
{
    VirtPci *virt = opaque;

    virt->device->dma = (pci_device_config(virt->pci)[PCI_COMMAND] & PCI_COMMAND_MASTER) != 0;
    virtio_pci_window_written(virt, offset, width);
}

static uint32_t pci_window_read(void *opaque, unsigned offset, unsigned width, uint32_t value)
{
    return virtio_pci_window_read(opaque, offset, width, value);
}

/* ---- Coming and going ---- */

static void pci_identity(VirtPci *virt)
{
    const VirtPciOptions *options = &virt->options;
    bool legacy = options->legacy && options->legacy_id != 0;
    uint16_t id = virt->device->ops->id;

    virt->class = (PciClass){
        .name = virt->device->ops->name,
        .vendor = VENDOR_RED_HAT,
        .device = legacy ? options->legacy_id : (uint16_t)(MODERN_DEVICE_BASE + id),
        .subsystem_vendor = VENDOR_RED_HAT,
        .subsystem = legacy ? id : MODERN_SUBSYSTEM,
        .class_code = options->class_code,
        .revision = legacy ? 0 : 1,
        .interrupt_pin = PCI_INTA,
        .config_written = pci_config_written,
        .config_read = pci_window_read,
    };
}

bool virtio_pci_init(VirtPci *virt, PciBus *bus, VirtDevice *device, const VirtPciOptions *options,
                     GError **error)
{
    const VirtTransport transport = { pci_interrupt, virt };

    *virt = (VirtPci){ .device = device, .options = *options };
    pci_identity(virt);
    virt->pci = pci_device_new(bus, options->devfn, &virt->class, virt);
    if (virt->pci == NULL) {
        g_set_error(error, VIRTIO_ERROR, VIRTIO_ERROR_SLOT, "no free slot on the PCI bus");
        return false;
    }
    if (!options->modern) {
        device->offered &= ~VIRTIO_BIT(VIRTIO_F_VERSION_1);
    }
    virtio_device_set_transport(device, &transport);
    if (options->legacy) {
        virtio_pci_add_legacy(virt);
    }
    if (options->modern) {
        virtio_pci_add_modern(virt);
    }
    return true;
}

void virtio_pci_fini(VirtPci *virt)
{
    virtio_device_reset(virt->device);
    pci_device_free(virt->pci);
}

void virtio_pci_reset(VirtPci *virt)
{
    virtio_device_reset(virt->device);
    pci_device_reset(virt->pci);
    virt->device->dma = false;
    virt->queue_select = 0;
    virt->device_feature_select = virt->driver_feature_select = 0;
    virt->driver_feature[0] = virt->driver_feature[1] = 0;
}
