/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ide_bus.c - IDE as a kind of bus: places for drives. */
#include "hw/ide/ide_bus.h"

#include "hw/board.h"
#include "hw/ide/ide_dev_int.h"

static bool ide_attach(Bus *bus, Device *dev, GError **error)
{
    IdeBus *ide = (IdeBus *)bus;
    IdeDevice *device = (IdeDevice *)dev;

    if (device->unit == IDE_UNIT_ANY) {
        device->unit = ide->taken[0] != NULL && ide->units > 1 ? 1 : 0;
    }
    if (device->unit >= ide->units) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE,
                    "Can't create IDE unit %u, bus supports only %u units", device->unit,
                    ide->units);
        return false;
    }
    if (ide->taken[device->unit] != NULL) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE, "IDE unit %u is in use", device->unit);
        return false;
    }
    ide->taken[device->unit] = dev;
    dev->instance = (bus->parent->instance << 8) + IDE_BUS_UNITS * ide->index + device->unit;
    return true;
}

static void ide_detach(Bus *bus, Device *dev)
{
    ((IdeBus *)bus)->taken[((IdeDevice *)dev)->unit] = NULL;
}

static bool ide_full(const Bus *bus)
{
    const IdeBus *ide = (const IdeBus *)bus;

    for (unsigned i = 0; i < ide->units; i++) {
        if (ide->taken[i] == NULL) {
            return false;
        }
    }
    return true;
}

static const Property ide_properties[] = {
    PROPERTY_ROW("unit", PROPERTY_U32, IdeDevice, unit, .init = IDE_UNIT_ANY),
    { 0 },
};

const BusType ide_bus_type = {
    .name = "IDE",
    .properties = ide_properties,
    .attach = ide_attach,
    .detach = ide_detach,
    .full = ide_full,
};

/* Buses of adapters without an id count together. */
static unsigned nameless_buses(const Board *board)
{
    unsigned n = 0;

    for (guint i = 0; i < board->buses->len; i++) {
        const Bus *bus = g_ptr_array_index(board->buses, i);

        n += bus->type == &ide_bus_type && bus->parent->id == NULL;
    }
    return n;
}

void ide_bus_init(IdeBus *bus, Device *adapter, unsigned index, IdeDrive *const drives[],
                  unsigned units)
{
    g_autofree char *name = adapter->id != NULL
                                ? g_strdup_printf("%s.%u", adapter->id, index)
                                : g_strdup_printf("ide.%u", nameless_buses(adapter->board));

    g_assert(units <= IDE_BUS_UNITS);
    bus->index = index;
    bus->units = units;
    for (unsigned i = 0; i < units; i++) {
        bus->drive[i] = drives[i];
    }
    bus_init(&bus->bus, &ide_bus_type, adapter->board, adapter, name);
}

Bus *ide_bus_find(const Device *adapter, unsigned index)
{
    for (guint i = 0; i < adapter->children->len; i++) {
        IdeBus *bus = g_ptr_array_index(adapter->children, i);

        if (bus->index == index) {
            return &bus->bus;
        }
    }
    return NULL;
}
