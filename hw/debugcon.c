/* SPDX-License-Identifier: GPL-2.0-or-later */
/* debugcon.c - isa-debugcon, as Bochs and QEMU have it: bytes written to the port go out; reads
 * give what guests probe for. */
#include "hw/char/chardev.h"
#include "hw/device_types.h"
#include "hw/isa.h"

typedef struct DebugCon {
    Device device;
    uint32_t base, readback;
    CharDev *chr;
    IoAttachment *ports;
} DebugCon;

static uint32_t debugcon_read(void *opaque, uint16_t offset, unsigned width)
{
    const DebugCon *console = opaque;

    (void)offset, (void)width;
    return console->readback & 0xff;
}

static void debugcon_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    DebugCon *console = opaque;
    uint8_t byte = (uint8_t)value;

    (void)offset, (void)width;
    chardev_write(console->chr, &byte, 1);
}

static bool debugcon_create(Device *dev, GError **error)
{
    DebugCon *console = (DebugCon *)dev;
    const IoRange range = {
        .base = (uint16_t)console->base,
        .count = 1,
        .widths = IO_8,
        .read = debugcon_read,
        .write = debugcon_write,
    };

    if (console->chr == NULL) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_FAILED,
                    "Can't create debugcon device, empty char device");
        return false;
    }
    if (console->base > UINT16_MAX) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE, "iobase=0x%x is no port of a PC",
                    console->base);
        return false;
    }
    console->ports = io_bus_attach(dev->board->io, &range, 1, console);
    return true;
}

static void debugcon_destroy(Device *dev)
{
    io_bus_detach(dev->board->io, ((DebugCon *)dev)->ports);
}

static const Property debugcon_properties[] = {
    PROPERTY_ROW("iobase", PROPERTY_U32, DebugCon, base, .init = 0xe9),
    PROPERTY_ROW("chardev", PROPERTY_CHARDEV, DebugCon, chr),
    PROPERTY_ROW("readback", PROPERTY_U32, DebugCon, readback, .init = 0xe9),
    { 0 },
};

const DeviceType isa_debugcon_type = {
    .name = "isa-debugcon",
    .category = DEVICE_MISC,
    .bus = &isa_bus_type,
    .size = sizeof(DebugCon),
    .properties = debugcon_properties,
    .create = debugcon_create,
    .destroy = debugcon_destroy,
};
