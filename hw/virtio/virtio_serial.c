/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio_serial.c - the device: queues, control messages, its row.
 *
 * A driver that knows several ports is told of each by messages; one that does not has port 0. */
#include <string.h>
#include "hw/device_types.h"
#include "hw/virtio/virtio_serial_int.h"

enum { F_SIZE = 0, F_MULTIPORT = 1 };
enum { CFG_MAX_PORTS = 4, CFG_BYTES = 12 };
enum { QUEUE_CONTROL_RX = 2, QUEUE_CONTROL_TX = 3, VECTORS = 2, MESSAGES_MAX = 1024 };

typedef struct Message {
    uint32_t id;
    uint16_t event, value;
} Message;
_Static_assert(sizeof(Message) == 8, "as on the wire");

static VirtSerial *serial_of(VirtDevice *device)
{
    return (VirtSerial *)((char *)device - offsetof(VirtSerial, device));
}

/* Port 0 has the first two queues, the messages the next two. */
static unsigned queue_index(uint32_t nr)
{
    return nr == 0 ? 0 : 2 + 2 * nr;
}

VirtQueue *serial_rx_queue(VirtSerial *serial, uint32_t nr)
{
    return &serial->device.queue[queue_index(nr)];
}

VirtQueue *serial_tx_queue(VirtSerial *serial, uint32_t nr)
{
    return &serial->device.queue[queue_index(nr) + 1];
}

static SerialPort *queue_port(VirtSerial *serial, const VirtQueue *queue)
{
    uint32_t nr = queue->index < QUEUE_CONTROL_RX ? 0 : queue->index / 2 - 1;

    return nr < SERIAL_PORTS_MAX ? serial->port[nr] : NULL;
}

/* ---- Messages ---- */

static void messages_send(VirtSerial *serial)
{
    VirtQueue *queue = &serial->device.queue[QUEUE_CONTROL_RX];
    VirtElement *element;

    while (serial->messages.length > 0 && (element = virtqueue_pop(queue)) != NULL) {
        GBytes *bytes = g_queue_pop_head(&serial->messages);
        gsize size;
        const void *data = g_bytes_get_data(bytes, &size);

        size = iov_from_buffer(element->in, element->n_in, 0, data, size);
        virtqueue_push(queue, element, (uint32_t)size);
        g_bytes_unref(bytes);
    }
    virtqueue_notify(queue);
}

void serial_tell(VirtSerial *serial, uint32_t id, uint16_t event, uint16_t value, const char *text)
{
    const Message message = { id, event, value };
    GByteArray *data;

    if (!serial->ready || !virtio_device_has(&serial->device, F_MULTIPORT) ||
        serial->messages.length >= MESSAGES_MAX) {
        return;
    }
    data = g_byte_array_new();
    g_byte_array_append(data, (const uint8_t *)&message, sizeof(message));
    if (text != NULL) {
        g_byte_array_append(data, (const uint8_t *)text, (guint)strlen(text) + 1);
    }
    g_queue_push_tail(&serial->messages, g_byte_array_free_to_bytes(data));
    messages_send(serial);
}

static void message_take(VirtSerial *serial, const Message *message)
{
    if (message->event == SERIAL_DEVICE_READY) {
        serial->ready = message->value != 0;
        for (uint32_t i = 0; i < SERIAL_PORTS_MAX && serial->ready; i++) {
            if (serial->port[i] != NULL) {
                serial_tell(serial, i, SERIAL_PORT_ADD, 1, NULL);
            }
        }
    } else if (message->id < SERIAL_PORTS_MAX && serial->port[message->id] != NULL) {
        serial_port_message(serial->port[message->id], message->event, message->value);
    }
}

static void control_tx(VirtDevice *device, VirtQueue *queue)
{
    VirtElement *element;

    while ((element = virtqueue_pop(queue)) != NULL) {
        Message message;
        size_t n = iov_to_buffer(element->out, element->n_out, 0, &message, sizeof(message));

        virtqueue_push(queue, element, 0);
        if (n == sizeof(message)) {
            message_take(serial_of(device), &message);
        }
    }
    virtqueue_notify(queue);
}

static void control_rx(VirtDevice *device, VirtQueue *queue)
{
    (void)queue;
    messages_send(serial_of(device));
}

static void port_rx(VirtDevice *device, VirtQueue *queue)
{
    SerialPort *port = queue_port(serial_of(device), queue);

    if (port != NULL) {
        serial_port_room(port);
    }
}

static void port_tx(VirtDevice *device, VirtQueue *queue)
{
    SerialPort *port = queue_port(serial_of(device), queue);
    VirtElement *element;

    if (port != NULL) {
        serial_port_transmit(port);
        return;
    }
    while ((element = virtqueue_pop(queue)) != NULL) { /* nobody is there */
        virtqueue_push(queue, element, 0);
    }
    virtqueue_notify(queue);
}

/* ---- The device ---- */

static void serial_config(VirtDevice *device, uint8_t *config)
{
    memcpy(config + CFG_MAX_PORTS, &serial_of(device)->max_ports, 4);
}

/* A driver of one port has that one open from the start. */
static void serial_started(VirtDevice *device)
{
    VirtSerial *serial = serial_of(device);

    if (!virtio_device_has(device, F_MULTIPORT) && serial->port[0] != NULL) {
        serial->port[0]->guest_open = 1;
    }
    for (uint32_t i = 0; i < SERIAL_PORTS_MAX; i++) {
        if (serial->port[i] != NULL) {
            serial_port_room(serial->port[i]);
        }
    }
}

static void messages_drop(VirtSerial *serial)
{
    GBytes *bytes;

    while ((bytes = g_queue_pop_head(&serial->messages)) != NULL) {
        g_bytes_unref(bytes);
    }
}

static void serial_reset(VirtDevice *device)
{
    VirtSerial *serial = serial_of(device);

    serial->ready = 0;
    messages_drop(serial);
    for (uint32_t i = 0; i < SERIAL_PORTS_MAX; i++) {
        if (serial->port[i] != NULL) {
            serial_port_reset(serial->port[i]);
        }
    }
}

static const VirtOps serial_ops = {
    .name = "virtio-serial",
    .id = VIRTIO_ID_CONSOLE,
    .config_read = serial_config,
    .started = serial_started,
    .reset = serial_reset,
};

static bool serial_create(Device *device, GError **error)
{
    VirtSerial *serial = (VirtSerial *)device;
    g_autofree char *name = device->id != NULL
                                ? g_strconcat(device->id, ".0", NULL)
                                : g_strdup_printf("virtio-serial-bus.%u", device->instance);

    if (serial->max_ports == 0 || serial->max_ports > SERIAL_PORTS_MAX) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE,
                    "maximum number of serial ports is %d, and at least 1", SERIAL_PORTS_MAX);
        return false;
    }
    g_queue_init(&serial->messages);
    virtio_device_init(&serial->device, &serial_ops, device->board->map, VIRTIO_BIT(F_MULTIPORT),
                       CFG_BYTES);
    virtio_device_add_queue(&serial->device, SERIAL_QUEUE_SIZE, port_rx);
    virtio_device_add_queue(&serial->device, SERIAL_QUEUE_SIZE, port_tx);
    virtio_device_add_queue(&serial->device, SERIAL_QUEUE_SIZE, control_rx);
    virtio_device_add_queue(&serial->device, SERIAL_QUEUE_SIZE, control_tx);
    for (uint32_t i = 1; i < serial->max_ports; i++) {
        virtio_device_add_queue(&serial->device, SERIAL_QUEUE_SIZE, port_rx);
        virtio_device_add_queue(&serial->device, SERIAL_QUEUE_SIZE, port_tx);
    }
    if (!virtio_pci_create(&serial->virt, &serial->device, error)) {
        return false;
    }
    serial->bus.serial = serial;
    bus_init(&serial->bus.bus, &serial_bus_type, device->board, device, name);
    return true;
}

static void serial_destroy(Device *device)
{
    VirtSerial *serial = (VirtSerial *)device;

    virtio_device_reset(&serial->device); /* nobody hears of the ports that go */
    bus_clear(&serial->bus.bus);
    virtio_pci_destroy(&serial->virt);
    messages_drop(serial);
}

static const StateField serial_fields[] = {
    STATE_FIELD(STATE_U8, VirtSerial, ready),
    { 0 },
};

static const StateTable serial_state = {
    .name = "virtio-serial",
    .version = 1,
    .fields = serial_fields,
};

static const Property serial_properties[] = {
    VIRTIO_PCI_PROPERTIES(VirtSerial, VECTORS),
    PROPERTY_ROW("max_ports", PROPERTY_U32, VirtSerial, max_ports, .init = SERIAL_PORTS_MAX),
    { 0 },
};

static const PciClass serial_class = VIRTIO_PCI_CLASS("virtio-serial-pci", 0x1003,
                                                      VIRTIO_ID_CONSOLE, 0x078000);

VIRTIO_PCI_TYPES(virtio_serial, "virtio-serial", VIRTIO_PCI_ROW, .category = DEVICE_INPUT,
                 .size = sizeof(VirtSerial), .properties = serial_properties, .pci = &serial_class,
                 .create = serial_create, .destroy = serial_destroy, .state = &serial_state,
                 .each_state = virtio_pci_each_state);
