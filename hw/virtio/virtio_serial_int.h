/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_VIRTIO_VIRTIO_SERIAL_INT_H
#define HW_VIRTIO_VIRTIO_SERIAL_INT_H
/* virtio_serial_int.h - the console device (virtio 1.2, section 5.3) and the ports on its bus. */
#include "hw/char/chardev.h"
#include "hw/virtio/virtio_pci.h"

enum { SERIAL_PORTS_MAX = 31, SERIAL_QUEUE_SIZE = 128 };

enum { /* events of control messages */
       SERIAL_DEVICE_READY,
       SERIAL_PORT_ADD,
       SERIAL_PORT_REMOVE,
       SERIAL_PORT_READY,
       SERIAL_CONSOLE_PORT,
       SERIAL_RESIZE,
       SERIAL_PORT_OPEN,
       SERIAL_PORT_NAME,
};

typedef struct VirtSerial VirtSerial;

typedef struct SerialBus {
    Bus bus;
    VirtSerial *serial;
} SerialBus;

typedef struct SerialPort {
    Device dev;
    CharDev *chr; /* properties */
    char *name;
    uint32_t nr; /* UINT32_MAX: the first that is free */

    VirtSerial *serial;
    bool console;
    uint8_t guest_open, host_open;
} SerialPort;

struct VirtSerial {
    VirtPci virt;
    VirtDevice device;
    uint32_t max_ports;
    SerialBus bus;
    SerialPort *port[SERIAL_PORTS_MAX];
    uint8_t ready;   /* the driver has asked for its ports */
    GQueue messages; /* of GBytes, for the control queue */
};

/* virtio_serial.c */
void serial_tell(VirtSerial *serial, uint32_t id, uint16_t event, uint16_t value,
                 const char *text); /* NULL: none */
VirtQueue *serial_rx_queue(VirtSerial *serial, uint32_t nr);
VirtQueue *serial_tx_queue(VirtSerial *serial, uint32_t nr);

/* virtio_serial_port.c */
extern const BusType serial_bus_type;
void serial_port_message(SerialPort *port, uint16_t event, uint16_t value); /* of the driver */
void serial_port_transmit(SerialPort *port);
void serial_port_room(SerialPort *port); /* the driver has given buffers */
void serial_port_reset(SerialPort *port);

#endif
