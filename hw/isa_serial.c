/* SPDX-License-Identifier: GPL-2.0-or-later */
/* isa_serial.c - isa-serial: a 16550A at the ports and the interrupt of COM1 to COM4, or others. */
#include "hw/isa_serial.h"

#include "hw/device_types.h"
#include "hw/isa.h"
#include "hw/uart16550.h"

#define ANY UINT32_MAX

static const struct {
    uint16_t base;
    uint8_t irq;
} places[] = { { 0x3f8, 4 }, { 0x2f8, 3 }, { 0x3e8, 4 }, { 0x2e8, 3 } };

typedef struct IsaSerial {
    Device device;
    uint32_t index, base, irq; /* ANY: the next one; those of the index */
    CharDev *chr;
    Uart *uart;
} IsaSerial;

int isa_serial_com(const Device *dev)
{
    const IsaSerial *serial = (const IsaSerial *)dev;

    for (unsigned i = 0; dev->type == &isa_serial_type && i < G_N_ELEMENTS(places); i++) {
        if (serial->base == places[i].base && serial->irq == places[i].irq) {
            return (int)i;
        }
    }
    return -1;
}

uint16_t isa_serial_base(unsigned com)
{
    return places[com].base;
}

static bool serial_place(IsaSerial *serial, GError **error)
{
    if (serial->index == ANY) {
        serial->index = serial->device.instance;
    }
    if (serial->index >= G_N_ELEMENTS(places)) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE,
                    "Max. supported number of ISA serial ports is %zu.", G_N_ELEMENTS(places));
        return false;
    }
    if (serial->base == ANY) {
        serial->base = places[serial->index].base;
    }
    if (serial->irq == ANY) {
        serial->irq = places[serial->index].irq;
    }
    if (serial->base > UINT16_MAX - 7) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE, "iobase=0x%x is no port of a PC",
                    serial->base);
        return false;
    }
    return true;
}

static bool serial_create(Device *dev, GError **error)
{
    IsaSerial *serial = (IsaSerial *)dev;
    IrqLine line;

    if (!serial_place(serial, error) || !isa_device_irq(dev, serial->irq, &line, error)) {
        return false;
    }
    serial->uart = uart_new(dev->board->io, (uint16_t)serial->base, line, serial->chr,
                            dev->board->clock);
    return true;
}

static void serial_reset(Device *dev)
{
    uart_reset(((IsaSerial *)dev)->uart);
}

static void serial_destroy(Device *dev)
{
    uart_free(((IsaSerial *)dev)->uart);
}

static void serial_each_state(Device *dev, StateVisit *visit, void *opaque)
{
    visit(opaque, &uart_state, dev->instance, ((IsaSerial *)dev)->uart);
}

static const Property serial_properties[] = {
    PROPERTY_ROW("index", PROPERTY_U32, IsaSerial, index, .init = ANY),
    PROPERTY_ROW("iobase", PROPERTY_U32, IsaSerial, base, .init = ANY),
    PROPERTY_ROW("irq", PROPERTY_U32, IsaSerial, irq, .init = ANY),
    PROPERTY_ROW("chardev", PROPERTY_CHARDEV, IsaSerial, chr),
    { 0 },
};

const DeviceType isa_serial_type = {
    .name = "isa-serial",
    .category = DEVICE_INPUT,
    .bus = &isa_bus_type,
    .size = sizeof(IsaSerial),
    .properties = serial_properties,
    .create = serial_create,
    .reset = serial_reset,
    .destroy = serial_destroy,
    .each_state = serial_each_state,
};
