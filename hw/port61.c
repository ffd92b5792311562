/* SPDX-License-Identifier: GPL-2.0-or-later */
/* port61.c - system control port B, after the 82371SB's NMI status and control register. Nothing
 * here raises IOCHK# or SERR#, so that their status bits stay 0. */
#include "hw/port61.h"

#include <glib.h>

enum {
    SPEAKER_GATE = 0x01,
    SPEAKER_DATA = 0x02,
    WRITABLE = 0x0f, /* with the disable bits of SERR# and IOCHK# */
    REFRESH = 0x10,
    SPEAKER_OUT = 0x20,
    REFRESH_NS = 15085, /* counter 1 at 18 ticks: a row */
};

struct Port61 {
    uint8_t value;
    Pit *pit;
    Clock *clock;
    IoBus *io;
    IoAttachment *ports;
};

static uint32_t port61_read(void *opaque, uint16_t offset, unsigned width)
{
    const Port61 *port = opaque;
    uint8_t value = port->value;

    (void)offset, (void)width;
    if (clock_now(port->clock) / REFRESH_NS % 2 != 0) {
        value |= REFRESH;
    }
    if (pit_out(port->pit, 2)) {
        value |= SPEAKER_OUT;
    }
    return value;
}

static void port61_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    Port61 *port = opaque;

    (void)offset, (void)width;
    port->value = value & WRITABLE;
    pit_set_gate(port->pit, 2, (value & SPEAKER_GATE) != 0);
}

static const IoRange port61_ports[] = {
    { .base = 0x61, .count = 1, .widths = IO_8, .read = port61_read, .write = port61_write },
};

bool port61_speaker(Port61 *port)
{
    return (port->value & SPEAKER_DATA) != 0 && pit_out(port->pit, 2);
}

void port61_reset(Port61 *port)
{
    port->value = 0;
    pit_set_gate(port->pit, 2, false);
}

Port61 *port61_new(IoBus *io, Pit *pit, Clock *clock)
{
    Port61 *port = g_new0(Port61, 1);

    port->pit = pit;
    port->clock = clock;
    port->io = io;
    port61_reset(port);
    port->ports = io_bus_attach(io, port61_ports, G_N_ELEMENTS(port61_ports), port);
    return port;
}

void port61_free(Port61 *port)
{
    if (port != NULL) {
        io_bus_detach(port->io, port->ports);
        g_free(port);
    }
}

static const StateField port61_fields[] = { STATE_FIELD(STATE_U8, Port61, value), { 0 } };

const StateTable port61_state = { .name = "port61", .version = 1, .fields = port61_fields };
