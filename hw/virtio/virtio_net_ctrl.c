/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio_net_ctrl.c - the control queue (section 5.1.6.5): a class, a command, its data; one byte
 * of answer. */
#include <string.h>
#include "hw/virtio/virtio_net_int.h"

enum { CLASS_RX, CLASS_MAC, CLASS_VLAN, CLASS_ANNOUNCE, CLASS_MQ, CLASS_OFFLOADS };
enum { ACK_OK, ACK_ERR };
enum { COMMAND_HEADER = 2, VLANS = 4096 };

typedef struct Command {
    const VirtElement *element;
    size_t at, size; /* of the data in what the device reads */
} Command;

static bool command_data(Command *command, void *data, size_t size)
{
    if (size > command->size - command->at) {
        return false;
    }
    iov_to_buffer(command->element->out, command->element->n_out, command->at, data, size);
    command->at += size;
    return true;
}

static bool control_rx(VirtNet *net, uint8_t number, Command *command)
{
    uint8_t *const flag[] = {
        &net->filter.promisc,  &net->filter.all_multi, &net->filter.all_uni,
        &net->filter.no_multi, &net->filter.no_uni,    &net->filter.no_bcast
    };
    uint8_t on;

    if (number >= G_N_ELEMENTS(flag) || !command_data(command, &on, 1)) {
        return false;
    }
    *flag[number] = on != 0;
    return true;
}

/* A table: a count and addresses. One that is too long is as if all were listed. */
static bool mac_table(VirtNetFilter *filter, Command *command, uint8_t *overflow)
{
    uint32_t n;
    size_t bytes;

    if (!command_data(command, &n, sizeof(n))) {
        return false;
    }
    bytes = (size_t)n * NET_MAC;
    if (bytes > command->size - command->at) {
        return false;
    }
    *overflow = n > VIRTIO_NET_MACS - filter->n_macs;
    if (*overflow) {
        command->at += bytes;
        return true;
    }
    command_data(command, filter->mac[filter->n_macs], bytes);
    filter->n_macs += n;
    return true;
}

static bool control_mac(VirtNet *net, uint8_t number, Command *command)
{
    VirtNetFilter filter = net->filter;
    uint8_t mac[NET_MAC];

    if (number == 1) {
        if (command->size - command->at != NET_MAC || !command_data(command, mac, NET_MAC)) {
            return false;
        }
        memcpy(net->mac, mac, NET_MAC);
        return true;
    }
    filter.n_macs = 0;
    if (number != 0 || !mac_table(&filter, command, &filter.uni_overflow)) {
        return false;
    }
    filter.n_uni = filter.n_macs;
    if (!mac_table(&filter, command, &filter.multi_overflow)) {
        return false;
    }
    net->filter = filter;
    return true;
}

static bool control_vlan(VirtNet *net, uint8_t number, Command *command)
{
    uint16_t id;

    if (number > 1 || !command_data(command, &id, sizeof(id)) || id >= VLANS) {
        return false;
    }
    if (number == 0) {
        net->filter.vlan[id / 32] |= 1u << id % 32;
    } else {
        net->filter.vlan[id / 32] &= ~(1u << id % 32);
    }
    return true;
}

static bool control_pairs(VirtNet *net, uint8_t number, Command *command)
{
    uint16_t pairs;

    if (number != 0 || !command_data(command, &pairs, sizeof(pairs)) || pairs == 0 ||
        pairs > net->options.pairs || !virtio_device_has(&net->device, NET_F_MQ)) {
        return false;
    }
    net->pairs_in_use = pairs;
    return true;
}

static bool control_offloads(VirtNet *net, uint8_t number, Command *command)
{
    uint64_t offloads;

    if (number != 0 || !virtio_device_has(&net->device, NET_F_CTRL_GUEST_OFFLOADS) ||
        !command_data(command, &offloads, sizeof(offloads)) ||
        (offloads & ~net->device.features) != 0) {
        return false;
    }
    virtio_net_set_takes(net, offloads);
    return true;
}

static bool control(VirtNet *net, Command *command)
{
    uint8_t header[COMMAND_HEADER]; /* class, command */

    if (!command_data(command, header, sizeof(header))) {
        return false;
    }
    switch (header[0]) {
    case CLASS_RX:
        return control_rx(net, header[1], command);
    case CLASS_MAC:
        return control_mac(net, header[1], command);
    case CLASS_VLAN:
        return control_vlan(net, header[1], command);
    case CLASS_ANNOUNCE:
        net->announcing = header[1] == 0 ? 0 : net->announcing;
        return header[1] == 0;
    case CLASS_MQ:
        return control_pairs(net, header[1], command);
    case CLASS_OFFLOADS:
        return control_offloads(net, header[1], command);
    default:
        return false;
    }
}

void virtio_net_control(VirtDevice *device, VirtQueue *queue)
{
    VirtNet *net = (VirtNet *)device;
    VirtElement *element;

    while ((element = virtqueue_pop(queue)) != NULL) {
        Command command = { element, 0, element->out_size };
        uint8_t ack;

        if (element->in_size < 1 || element->out_size < COMMAND_HEADER) {
            virtio_device_broken(device, queue->index, "no room for command or answer");
            virtqueue_drop(element);
            return;
        }
        ack = control(net, &command) ? ACK_OK : ACK_ERR;
        iov_from_buffer(element->in, element->n_in, 0, &ack, 1);
        virtqueue_push(queue, element, 1);
    }
    virtqueue_notify(queue);
    net_port_ready(net->port);
}

/* Everything is received until the driver says otherwise, as drivers without a control queue
 * expect. */
void virtio_net_filter_reset(VirtNet *net)
{
    memset(&net->filter, 0, sizeof(net->filter));
    net->filter.promisc = 1;
    memset(net->filter.vlan, 0, sizeof(net->filter.vlan));
}

void virtio_net_set_takes(VirtNet *net, uint64_t offloads)
{
    static const struct {
        uint8_t feature;
        unsigned takes;
    } rows[] = {
        { NET_F_GUEST_CSUM, NET_TAKES_CSUM },
        { NET_F_GUEST_TSO4, NET_TAKES_TSO4 },
        { NET_F_GUEST_TSO6, NET_TAKES_TSO6 },
        { NET_F_GUEST_ECN, NET_TAKES_ECN },
    };
    unsigned takes = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        takes |= (offloads >> rows[i].feature & 1) != 0 ? rows[i].takes : 0;
    }
    net_port_set_takes(net->port, takes);
}
