/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pvpanic.c - pvpanic, after QEMU's docs/specs/pvpanic: a port through which a guest says that it
 * has panicked. A read tells which events are understood. Stateless. */
#include "hw/pvpanic.h"

#include "hw/device_types.h"
#include "hw/isa.h"

typedef struct PvPanic {
    Device device;
    uint16_t port;
    uint8_t events;
    IoAttachment *ports;
} PvPanic;

static uint32_t pvpanic_read(void *opaque, uint16_t offset, unsigned width)
{
    (void)offset, (void)width;
    return ((const PvPanic *)opaque)->events;
}

void pvpanic_event(Board *board, unsigned events)
{
    if ((events & BOARD_PANIC_PANICKED) != 0) {
        board_power(board, BOARD_POWER_PANICKED, BOARD_PANIC_PANICKED);
    } else if ((events & BOARD_PANIC_CRASH_LOADED) != 0) {
        board_power(board, BOARD_POWER_PANICKED, BOARD_PANIC_CRASH_LOADED);
    }
}

static void pvpanic_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    const PvPanic *panic = opaque;

    (void)offset, (void)width;
    pvpanic_event(panic->device.board, value & panic->events);
}

int pvpanic_port(const Device *dev)
{
    return dev->type == &pvpanic_type ? ((const PvPanic *)dev)->port : -1;
}

static bool pvpanic_create(Device *dev, GError **error)
{
    PvPanic *panic = (PvPanic *)dev;
    const IoRange range = {
        .base = panic->port,
        .count = 1,
        .widths = IO_8,
        .read = pvpanic_read,
        .write = pvpanic_write,
    };

    (void)error;
    panic->events &= BOARD_PANIC_PANICKED | BOARD_PANIC_CRASH_LOADED;
    panic->ports = io_bus_attach(dev->board->io, &range, 1, panic);
    return true;
}

static void pvpanic_destroy(Device *dev)
{
    io_bus_detach(dev->board->io, ((PvPanic *)dev)->ports);
}

static const Property pvpanic_properties[] = {
    PROPERTY_ROW("ioport", PROPERTY_U16, PvPanic, port, .init = PVPANIC_PORT),
    PROPERTY_ROW("events", PROPERTY_U8, PvPanic, events,
                 .init = BOARD_PANIC_PANICKED | BOARD_PANIC_CRASH_LOADED),
    { 0 },
};

const DeviceType pvpanic_type = {
    .name = "pvpanic",
    .category = DEVICE_MISC,
    .bus = &isa_bus_type,
    .size = sizeof(PvPanic),
    .properties = pvpanic_properties,
    .create = pvpanic_create,
    .destroy = pvpanic_destroy,
};
