/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pvpanic_pci.c - the same byte as pvpanic's, in a memory BAR. */
#include "hw/device_types.h"
#include "hw/pci/pci.h"
#include "hw/pvpanic.h"

enum { BAR = 0, BAR_BYTES = 16 };

typedef struct PvPanicPci {
    PciDevice pci;
    uint8_t events;
} PvPanicPci;

static uint64_t panic_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)width;
    return offset == 0 ? ((const PvPanicPci *)opaque)->events : 0;
}

static void panic_write(void *opaque, uint64_t offset, unsigned width, uint64_t value)
{
    const PvPanicPci *panic = opaque;

    (void)width;
    if (offset == 0) {
        pvpanic_event(panic->pci.device.board, (unsigned)value & panic->events);
    }
}

static const MmioOps panic_ops = {
    .read = panic_read,
    .write = panic_write,
    .min_width = 1,
    .max_width = 1,
};

static bool panic_create(Device *dev, GError **error)
{
    PvPanicPci *panic = (PvPanicPci *)dev;

    (void)error;
    panic->events &= BOARD_PANIC_PANICKED | BOARD_PANIC_CRASH_LOADED;
    pci_device_add_mmio_bar(&panic->pci, BAR, BAR_BYTES, false, false, &panic_ops, panic);
    return true;
}

static void panic_destroy(Device *dev)
{
    (void)dev;
}

static const Property panic_properties[] = {
    PROPERTY_ROW("events", PROPERTY_U8, PvPanicPci, events,
                 .init = BOARD_PANIC_PANICKED | BOARD_PANIC_CRASH_LOADED),
    { 0 },
};

static const PciClass panic_class = {
    .name = "pvpanic-pci",
    .vendor = 0x1b36,
    .device = 0x0011,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .class_code = 0x088000,
    .revision = 1,
};

const DeviceType pvpanic_pci_type = {
    .name = "pvpanic-pci",
    .category = DEVICE_MISC,
    .bus = &pci_bus_type,
    .size = sizeof(PvPanicPci),
    .properties = panic_properties,
    .pci = &panic_class,
    .create = panic_create,
    .destroy = panic_destroy,
};
