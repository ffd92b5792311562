/* SPDX-License-Identifier: GPL-2.0-or-later */
/* debugexit.c - isa-debug-exit, as QEMU has it. */
#include "hw/debugexit.h"

#include <glib.h>

struct DebugExit {
    void (*done)(void *opaque, int status);
    void *opaque;
    IoBus *io;
    IoAttachment *ports;
};

static uint32_t debug_exit_read(void *opaque, uint16_t offset, unsigned width)
{
    (void)opaque, (void)offset, (void)width;
    return 0;
}

static void debug_exit_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    DebugExit *device = opaque;

    (void)offset, (void)width;
    device->done(device->opaque, (int)(value << 1 | 1));
}

DebugExit *debug_exit_new(IoBus *io, uint16_t base, uint16_t size,
                          void (*done)(void *opaque, int status), void *opaque)
{
    DebugExit *device = g_new0(DebugExit, 1);
    const IoRange range = {
        .base = base,
        .count = size,
        .widths = IO_8 | IO_16 | IO_32,
        .read = debug_exit_read,
        .write = debug_exit_write,
    };

    device->done = done;
    device->opaque = opaque;
    device->io = io;
    device->ports = io_bus_attach(io, &range, 1, device);
    return device;
}

void debug_exit_free(DebugExit *device)
{
    if (device != NULL) {
        io_bus_detach(device->io, device->ports);
        g_free(device);
    }
}
