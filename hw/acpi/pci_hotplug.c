/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pci_hotplug.c - who has come, who is to go.
 *
 * A slot's bit in UP says that a device has come, one in DOWN that it is to go; UP is cleared when
 * it is read. A write of a slot's bit to EJECT takes the slot's devices off the bus. */
#include "hw/acpi/pci_hotplug.h"

#include "hw/pci/pci_int.h"

enum { REG_UP = 0, REG_DOWN = 4, REG_EJECT = 8, REG_REMOVABLE = 12, REG_BUS = 16, SIZE = 20 };
enum { SLOTS = 32, FUNCTIONS = 8 };

struct PciHotplug {
    IoBus *io;
    PciBus *bus;
    AcpiPm *pm;
    IoAttachment *ports;
    uint32_t up, down; /* a bit a slot */
    uint32_t bus_select;
};

static bool slot_removable(const PciHotplug *hotplug, unsigned slot)
{
    for (unsigned i = 0; i < FUNCTIONS; i++) {
        const PciDevice *device = pci_bus_device(hotplug->bus, PCI_DEVFN(slot, i));

        if (device != NULL && (device->device.type == NULL || !device->device.type->hotpluggable)) {
            return false;
        }
    }
    return true;
}

/* Function 0 goes last, as it came last. */
static void slot_eject(PciHotplug *hotplug, unsigned slot)
{
    hotplug->down &= ~(1u << slot);
    hotplug->up &= ~(1u << slot);
    if (!slot_removable(hotplug, slot)) {
        return;
    }
    for (unsigned i = FUNCTIONS; i > 0; i--) {
        PciDevice *device = pci_bus_device(hotplug->bus, PCI_DEVFN(slot, i - 1));

        if (device != NULL) {
            device_unplug(&device->device);
        }
    }
}

static void hotplug_tell(PciHotplug *hotplug)
{
    acpi_pm_gpe(hotplug->pm, PCI_HOTPLUG_GPE, true);
    acpi_pm_gpe(hotplug->pm, PCI_HOTPLUG_GPE, false);
}

/* ---- What the bus asks ---- */

/* The guest looks at all functions when function 0 has come. */
static void device_plugged(void *opaque, PciDevice *device)
{
    PciHotplug *hotplug = opaque;

    if (pci_device_devfn(device) % FUNCTIONS == 0) {
        hotplug->up |= 1u << pci_device_devfn(device) / FUNCTIONS;
        hotplug_tell(hotplug);
    }
}

static void device_unplug_wanted(void *opaque, PciDevice *device)
{
    PciHotplug *hotplug = opaque;

    device->device.unplug_pending = true;
    hotplug->down |= 1u << pci_device_devfn(device) / FUNCTIONS;
    hotplug_tell(hotplug);
}

/* ---- Registers ---- */

static uint32_t removable_mask(const PciHotplug *hotplug)
{
    uint32_t mask = 0;

    for (unsigned slot = 0; slot < SLOTS; slot++) {
        mask |= (uint32_t)slot_removable(hotplug, slot) << slot;
    }
    return mask;
}

static uint32_t hotplug_read(void *opaque, uint16_t offset, unsigned width)
{
    PciHotplug *hotplug = opaque;
    uint32_t up = hotplug->up;

    (void)width;
    if (offset == REG_BUS) {
        return hotplug->bus_select;
    }
    if (hotplug->bus_select != 0) {
        return 0;
    }
    switch (offset) {
    case REG_UP:
        hotplug->up = 0;
        return up;
    case REG_DOWN:
        return hotplug->down;
    case REG_REMOVABLE:
        return removable_mask(hotplug);
    default:
        return 0;
    }
}

static void hotplug_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    PciHotplug *hotplug = opaque;

    (void)width;
    if (offset == REG_BUS) {
        hotplug->bus_select = value;
    } else if (offset == REG_EJECT && hotplug->bus_select == 0) {
        for (unsigned slot = 0; slot < SLOTS; slot++) {
            if ((value >> slot & 1) != 0) {
                slot_eject(hotplug, slot);
            }
        }
    }
}

static const IoRange hotplug_ports[] = {
    { .base = PCI_HOTPLUG_BASE,
      .count = SIZE,
      .widths = IO_32,
      .read = hotplug_read,
      .write = hotplug_write },
};

/* ---- Life ---- */

static const PciHotplugHooks hooks = {
    .plugged = device_plugged,
    .unplug_wanted = device_unplug_wanted,
};

PciHotplug *pci_hotplug_new(IoBus *io, PciBus *bus, AcpiPm *pm)
{
    PciHotplug *hotplug = g_new0(PciHotplug, 1);

    hotplug->io = io;
    hotplug->bus = bus;
    hotplug->pm = pm;
    hotplug->ports = io_bus_attach(io, hotplug_ports, G_N_ELEMENTS(hotplug_ports), hotplug);
    pci_bus_set_hotplug(bus, &hooks, hotplug);
    return hotplug;
}

void pci_hotplug_free(PciHotplug *hotplug)
{
    pci_bus_set_hotplug(hotplug->bus, NULL, NULL);
    io_bus_detach(hotplug->io, hotplug->ports);
    g_free(hotplug);
}

void pci_hotplug_reset(PciHotplug *hotplug)
{
    uint32_t down = hotplug->down;

    for (unsigned slot = 0; slot < SLOTS; slot++) {
        if ((down >> slot & 1) != 0) {
            slot_eject(hotplug, slot);
        }
    }
    hotplug->up = hotplug->down = 0;
    hotplug->bus_select = 0;
}

static const StateField hotplug_fields[] = {
    STATE_FIELD(STATE_U32, PciHotplug, up),
    STATE_FIELD(STATE_U32, PciHotplug, down),
    STATE_FIELD(STATE_U32, PciHotplug, bus_select),
    { 0 },
};

const StateTable pci_hotplug_state = { .name = "acpi-pci-hotplug",
                                       .version = 1,
                                       .fields = hotplug_fields };
