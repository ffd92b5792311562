/* SPDX-License-Identifier: GPL-2.0-or-later */
/* debugcon.c - isa-debugcon, as Bochs and QEMU have it. */
#include "hw/debugcon.h"

#include <glib.h>

enum { PRESENT = 0xe9 }; /* what a read gives, so that guests can probe */

struct DebugCon {
    CharDev *chr;
    IoBus *io;
    IoAttachment *ports;
};

static uint32_t debugcon_read(void *opaque, uint16_t offset, unsigned width)
{
    (void)opaque, (void)offset, (void)width;
    return PRESENT;
}

static void debugcon_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    DebugCon *console = opaque;
    uint8_t byte = (uint8_t)value;

    (void)offset, (void)width;
    if (console->chr != NULL) {
        chardev_write(console->chr, &byte, 1);
    }
}

DebugCon *debugcon_new(IoBus *io, uint16_t port, CharDev *chr)
{
    DebugCon *console = g_new0(DebugCon, 1);
    const IoRange range = {
        .base = port,
        .count = 1,
        .widths = IO_8,
        .read = debugcon_read,
        .write = debugcon_write,
    };

    console->chr = chr;
    console->io = io;
    console->ports = io_bus_attach(io, &range, 1, console);
    return console;
}

void debugcon_free(DebugCon *console)
{
    if (console != NULL) {
        io_bus_detach(console->io, console->ports);
        g_free(console);
    }
}
