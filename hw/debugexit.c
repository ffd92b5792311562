/* SPDX-License-Identifier: GPL-2.0-or-later */
/* debugexit.c - isa-debug-exit, as QEMU has it: a write of V ends the machine with status
 * V << 1 | 1; reads give 0. */
#include "hw/device_types.h"
#include "hw/isa.h"

enum { PORTS_END = 0x10000 };

typedef struct DebugExit {
    Device device;
    uint32_t base, size; /* ports */
    IoAttachment *ports;
} DebugExit;

static uint32_t debug_exit_read(void *opaque, uint16_t offset, unsigned width)
{
    (void)opaque, (void)offset, (void)width;
    return 0;
}

static void debug_exit_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    DebugExit *device = opaque;

    (void)offset, (void)width;
    board_power(device->device.board, BOARD_POWER_DEBUG_EXIT, (int)(value << 1 | 1));
}

static bool debug_exit_create(Device *dev, GError **error)
{
    DebugExit *device = (DebugExit *)dev;
    const IoRange range = {
        .base = (uint16_t)device->base,
        .count = (uint16_t)device->size,
        .widths = IO_8 | IO_16 | IO_32,
        .read = debug_exit_read,
        .write = debug_exit_write,
    };

    if (device->size == 0 || device->base >= PORTS_END || device->size > PORTS_END - 1 ||
        device->size > PORTS_END - device->base) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE,
                    "iobase=0x%x,iosize=%u are no ports of a PC", device->base, device->size);
        return false;
    }
    device->ports = io_bus_attach(dev->board->io, &range, 1, device);
    return true;
}

static void debug_exit_destroy(Device *dev)
{
    io_bus_detach(dev->board->io, ((DebugExit *)dev)->ports);
}

static const Property debug_exit_properties[] = {
    PROPERTY_ROW("iobase", PROPERTY_U32, DebugExit, base, .init = 0x501),
    PROPERTY_ROW("iosize", PROPERTY_U32, DebugExit, size, .init = 2),
    { 0 },
};

const DeviceType isa_debug_exit_type = {
    .name = "isa-debug-exit",
    .category = DEVICE_MISC,
    .bus = &isa_bus_type,
    .size = sizeof(DebugExit),
    .properties = debug_exit_properties,
    .create = debug_exit_create,
    .destroy = debug_exit_destroy,
};
