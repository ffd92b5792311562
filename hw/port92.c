/* SPDX-License-Identifier: GPL-2.0-or-later */
/* port92.c - system control port A of the PS/2, as far as the 82371 keeps it. */
#include "hw/port92.h"

#include <glib.h>

enum { RESET = 0x01, A20 = 0x02, WRITABLE = 0x03 };

struct Port92 {
    uint8_t value;
    void (*a20)(void *opaque, bool open);
    void (*reset)(void *opaque);
    void *opaque;
    IoBus *io;
    IoAttachment *ports;
};

static uint32_t port92_read(void *opaque, uint16_t offset, unsigned width)
{
    const Port92 *port = opaque;

    (void)offset, (void)width;
    return port->value;
}

static void port92_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    Port92 *port = opaque;
    uint8_t changed = port->value ^ (uint8_t)value;

    (void)offset, (void)width;
    port->value = value & WRITABLE;
    if ((changed & A20) != 0) {
        port->a20(port->opaque, (value & A20) != 0);
    }
    if ((changed & value & RESET) != 0) {
        port->reset(port->opaque);
    }
}

static const IoRange port92_ports[] = {
    { .base = 0x92, .count = 1, .widths = IO_8, .read = port92_read, .write = port92_write },
};

void port92_set_a20(Port92 *port, bool open)
{
    port->value = open ? port->value | A20 : port->value & (uint8_t)~A20;
}

void port92_reset(Port92 *port)
{
    port->value = 0;
}

Port92 *port92_new(IoBus *io, void (*a20)(void *opaque, bool open), void (*reset)(void *opaque),
                   void *opaque)
{
    Port92 *port = g_new0(Port92, 1);

    port->a20 = a20;
    port->reset = reset;
    port->opaque = opaque;
    port->io = io;
    port->ports = io_bus_attach(io, port92_ports, G_N_ELEMENTS(port92_ports), port);
    return port;
}

void port92_free(Port92 *port)
{
    if (port != NULL) {
        io_bus_detach(port->io, port->ports);
        g_free(port);
    }
}

static const StateField port92_fields[] = { STATE_FIELD(STATE_U8, Port92, value), { 0 } };

const StateTable port92_state = { .name = "port92", .version = 1, .fields = port92_fields };
