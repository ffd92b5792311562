/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pci_type.c - PCI as a kind of bus: addresses for the devices that are plugged in, and what all of
 * them have in common. */
#include "hw/pci/pci.h"
#include "hw/pci/msi_int.h"
#include "hw/pci/pci_int.h"

enum { SLOTS = PCI_DEVFN_COUNT / 8 };

static PciDevice *pci_of(Device *dev)
{
    return (PciDevice *)dev;
}

static bool place_taken(Bus *bus, Device *dev, unsigned devfn, GError **error)
{
    const PciDevice *there = pci_bus_device((PciBus *)bus, devfn);
    const Device *other = &there->device;

    g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_BUS,
                "PCI: slot %u function %u not available for %s, in use by %s,id=%s", devfn >> 3,
                devfn & 7, dev->type->name,
                other->type != NULL ? other->type->name : there->class->name,
                other->id != NULL ? other->id : "(null)");
    return false;
}

/* Function 0 must say that there are others (PCI 3.0, 6.2.1). */
static bool functions_agree(PciBus *bus, const PciDevice *device, unsigned devfn, GError **error)
{
    const PciDevice *first = pci_bus_device(bus, devfn & ~7u);

    if (first != NULL && !pci_device_is_multifunction(first)) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_BUS,
                    "PCI: single function device can't be populated in function %x.%x", devfn >> 3,
                    devfn & 7);
        return false;
    }
    for (unsigned i = 1; (devfn & 7) == 0 && !device->multifunction && i < 8; i++) {
        if (pci_bus_device(bus, devfn + i) != NULL) {
            g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_BUS,
                        "PCI: %x.0 indicates single function, but %x.%x is already populated.",
                        devfn >> 3, devfn >> 3, i);
            return false;
        }
    }
    return true;
}

static bool pci_attach(Bus *bus, Device *dev, GError **error)
{
    PciDevice *device = pci_of(dev);
    PciBus *pci = (PciBus *)bus;
    int devfn = device->place >= 0 ? device->place : pci_bus_free_slot(pci);

    if (devfn < 0) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_BUS,
                    "PCI: no slot/function available for %s, all in use or reserved",
                    dev->type->name);
        return false;
    }
    if (pci_bus_device(pci, (unsigned)devfn) != NULL) {
        return place_taken(bus, dev, (unsigned)devfn, error);
    }
    if (!functions_agree(pci, device, (unsigned)devfn, error)) {
        return false;
    }
    dev->instance = (unsigned)devfn;
    pci_device_plug(device, pci, (unsigned)devfn, dev->type->pci);
    if (!pci_rom_load(device, error)) {
        pci_device_unplug(device);
        return false;
    }
    return true;
}

static void pci_detach(Bus *bus, Device *dev)
{
    (void)bus;
    pci_device_unplug(pci_of(dev));
}

static void pci_reset(Bus *bus, Device *dev)
{
    (void)bus;
    pci_device_reset(pci_of(dev));
}

static void pci_each_state(Bus *bus, Device *dev, StateVisit *visit, void *opaque)
{
    PciDevice *device = pci_of(dev);

    (void)bus;
    visit(opaque, &pci_device_state, dev->instance, device);
    if (device->msix != NULL) {
        void *object;
        const StateTable *table = pci_msix_state(device, &object);

        visit(opaque, table, dev->instance, object);
    }
}

static char *pci_place(const Bus *bus, const Device *dev)
{
    const PciDevice *device = (const PciDevice *)dev;
    const PciClass *class = device->class;

    (void)bus;
    return g_strdup_printf("class %06x, addr %02x.%x, pci id %04x:%04x", class->class_code,
                           device->devfn >> 3, device->devfn & 7, class->vendor, class->device);
}

static bool pci_plugged(Bus *bus, Device *dev, GError **error)
{
    (void)error;
    return pci_bus_tell_plugged((PciBus *)bus, pci_of(dev));
}

static bool pci_unplug_request(Bus *bus, Device *dev, GError **error)
{
    (void)error;
    return pci_bus_tell_unplug((PciBus *)bus, pci_of(dev));
}

static const Property pci_properties[] = {
    PROPERTY_ROW("addr", PROPERTY_SLOT, PciDevice, place, .init = -1),
    PROPERTY_ROW("multifunction", PROPERTY_BOOL, PciDevice, multifunction, .help = "on/off"),
    PROPERTY_ROW("romfile", PROPERTY_STRING, PciDevice, romfile),
    PROPERTY_ROW("romsize", PROPERTY_U32, PciDevice, romsize, .init = UINT32_MAX),
    PROPERTY_ROW("rombar", PROPERTY_U32, PciDevice, rombar, .init = 1),
    { 0 },
};

const BusType pci_bus_type = {
    .name = "PCI",
    .properties = pci_properties,
    .attach = pci_attach,
    .detach = pci_detach,
    .reset = pci_reset,
    .each_state = pci_each_state,
    .place = pci_place,
    .plugged = pci_plugged,
    .unplug_request = pci_unplug_request,
};
