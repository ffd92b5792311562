/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio_serial_port.c - virtserialport and virtconsole: a pair of queues and a character device.
 *
 * What the host side takes slowly holds the queue; what comes in waits until the guest has opened
 * the port and given buffers. */
#include <string.h>
#include "hw/device_types.h"
#include "hw/virtio/virtio_serial_int.h"

enum { PENDING_MAX = 64 << 10, PIECE = 4096 };

/* ---- Out ---- */

void serial_port_transmit(SerialPort *port)
{
    VirtQueue *queue = serial_tx_queue(port->serial, port->nr);
    VirtElement *element;

    while ((port->chr == NULL || chardev_pending(port->chr) < PENDING_MAX) &&
           (element = virtqueue_pop(queue)) != NULL) {
        for (unsigned i = 0; i < element->n_out && port->chr != NULL && port->host_open; i++) {
            chardev_write(port->chr, element->out[i].iov_base, element->out[i].iov_len);
        }
        virtqueue_push(queue, element, 0);
    }
    virtqueue_notify(queue);
}

static void port_writable(void *opaque)
{
    serial_port_transmit(opaque);
}

/* ---- In ---- */

static size_t port_room(void *opaque)
{
    SerialPort *port = opaque;
    VirtQueue *queue = serial_rx_queue(port->serial, port->nr);
    VirtElement *element;
    size_t room;

    if (!port->guest_open || (element = virtqueue_pop(queue)) == NULL) {
        return 0;
    }
    room = element->in_size;
    virtqueue_unpop(queue, element);
    return MIN(room, PIECE);
}

static void port_receive(void *opaque, const uint8_t *data, size_t n)
{
    SerialPort *port = opaque;
    VirtQueue *queue = serial_rx_queue(port->serial, port->nr);
    VirtElement *element = virtqueue_pop(queue);

    if (element != NULL) {
        n = iov_from_buffer(element->in, element->n_in, 0, data, n);
        virtqueue_push(queue, element, (uint32_t)n);
        virtqueue_notify(queue);
    }
}

void serial_port_room(SerialPort *port)
{
    if (port->chr != NULL) {
        chardev_accept_input(port->chr);
    }
}

/* ---- Opening and closing ---- */

static void port_event(void *opaque, CharEvent event)
{
    SerialPort *port = opaque;

    if (event == CHAR_EVENT_OPENED || event == CHAR_EVENT_CLOSED) {
        port->host_open = event == CHAR_EVENT_OPENED;
        serial_tell(port->serial, port->nr, SERIAL_PORT_OPEN, port->host_open, NULL);
        serial_port_transmit(port);
    }
}

void serial_port_message(SerialPort *port, uint16_t event, uint16_t value)
{
    if (event == SERIAL_PORT_READY && value != 0) {
        if (port->console) {
            serial_tell(port->serial, port->nr, SERIAL_CONSOLE_PORT, 1, NULL);
        }
        if (port->name != NULL) {
            serial_tell(port->serial, port->nr, SERIAL_PORT_NAME, 1, port->name);
        }
        if (port->host_open) {
            serial_tell(port->serial, port->nr, SERIAL_PORT_OPEN, 1, NULL);
        }
    } else if (event == SERIAL_PORT_OPEN) {
        port->guest_open = value != 0;
        serial_port_room(port);
    }
}

void serial_port_reset(SerialPort *port)
{
    port->guest_open = 0;
}

/* ---- The bus ---- */

static bool bus_attach(Bus *bus, Device *dev, GError **error)
{
    VirtSerial *serial = ((SerialBus *)bus)->serial;
    SerialPort *port = (SerialPort *)dev;
    bool console = dev->type == &virtconsole_type;

    if (port->nr == UINT32_MAX) { /* port 0 is the console's */
        for (port->nr = console ? 0 : 1;
             port->nr < serial->max_ports && serial->port[port->nr] != NULL; port->nr++) {
        }
    }
    if (port->nr >= serial->max_ports) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_BUS,
                    "virtio-serial-bus: Maximum port limit for this device reached");
        return false;
    }
    if (port->nr == 0 && !console) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_BUS,
                    "virtio-serial-bus: Port number 0 on virtio-serial devices reserved for "
                    "virtconsole devices for backward compatibility.");
        return false;
    }
    if (serial->port[port->nr] != NULL) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_BUS,
                    "virtio-serial-bus: A port already exists at id %u", port->nr);
        return false;
    }
    serial->port[port->nr] = port;
    port->serial = serial;
    port->console = console;
    dev->instance = port->nr;
    return true;
}

static void bus_detach(Bus *bus, Device *dev)
{
    SerialPort *port = (SerialPort *)dev;

    ((SerialBus *)bus)->serial->port[port->nr] = NULL;
}

static bool bus_unplug(Bus *bus, Device *dev, GError **error)
{
    (void)bus, (void)error;
    device_unplug(dev); /* the guest is told, and need not agree */
    return true;
}

const BusType serial_bus_type = {
    .name = "virtio-serial-bus",
    .attach = bus_attach,
    .detach = bus_detach,
    .unplug_request = bus_unplug,
};

/* ---- Rows ---- */

static bool port_create(Device *dev, GError **error)
{
    SerialPort *port = (SerialPort *)dev;
    const CharFront front = { .can_receive = port_room,
                              .receive = port_receive,
                              .event = port_event,
                              .writable = port_writable,
                              .opaque = port };

    (void)error;
    if (port->chr != NULL) {
        chardev_set_lossless(port->chr);
        chardev_set_front(port->chr, &front);
    }
    serial_tell(port->serial, port->nr, SERIAL_PORT_ADD, 1, NULL);
    return true;
}

static void port_destroy(Device *dev)
{
    SerialPort *port = (SerialPort *)dev;

    if (port->chr != NULL) {
        chardev_set_front(port->chr, NULL);
    }
    serial_tell(port->serial, port->nr, SERIAL_PORT_REMOVE, 1, NULL);
}

static const StateField port_fields[] = {
    STATE_FIELD(STATE_U8, SerialPort, guest_open),
    { 0 },
};

static const StateTable port_state = {
    .name = "virtserialport",
    .version = 1,
    .fields = port_fields,
};

static const Property port_properties[] = {
    PROPERTY_ROW("chardev", PROPERTY_CHARDEV, SerialPort, chr),
    PROPERTY_ROW("name", PROPERTY_STRING, SerialPort, name),
    PROPERTY_ROW("nr", PROPERTY_U32, SerialPort, nr, .init = UINT32_MAX),
    { 0 },
};

#define PORT_ROW                                                                                   \
    .category = DEVICE_INPUT, .bus = &serial_bus_type, .size = sizeof(SerialPort),                 \
    .properties = port_properties, .hotpluggable = true, .create = port_create,                    \
    .destroy = port_destroy, .state = &port_state

const DeviceType virtserialport_type = { .name = "virtserialport", PORT_ROW };
const DeviceType virtconsole_type = { .name = "virtconsole", PORT_ROW };
