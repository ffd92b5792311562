/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/virtio/virtio_net.h"
#include <string.h>
#include "hw/virtio/virtio_net_int.h"

/* virtio_net.c - the device: features, configuration space, queues, link. */

enum {
    CFG_MAC = 0,
    CFG_STATUS = 6,
    CFG_MAX_PAIRS = 8,
    CFG_MTU = 10,
    CFG_BYTES = 12,
    CONTROL_QUEUE_SIZE = 64,
};

unsigned virtio_net_header_size(const VirtNet *net)
{
    return virtio_device_has(&net->device, NET_F_MRG_RXBUF) ||
                   virtio_device_has(&net->device, VIRTIO_F_VERSION_1)
               ? sizeof(VirtNetHeader)
               : sizeof(NetOffload);
}

/* ---- Link ---- */

static void net_changed(void *opaque)
{
    VirtNet *net = opaque;
    uint8_t link = net->port == NULL || net_link_up(net->port);

    if (link != net->link) {
        net->link = link;
        virtio_device_config_changed(&net->device);
    }
}

void virtio_net_announce(VirtNet *net)
{
    if (virtio_device_has(&net->device, NET_F_GUEST_ANNOUNCE)) {
        net->announcing = 1;
        virtio_device_config_changed(&net->device);
    }
}

/* ---- Configuration space ---- */

static void net_config(VirtDevice *device, uint8_t *config)
{
    const VirtNet *net = (const VirtNet *)device;
    uint16_t status = (net->link ? NET_S_LINK_UP : 0) | (net->announcing ? NET_S_ANNOUNCE : 0);
    uint16_t pairs = (uint16_t)net->options.pairs;

    memcpy(config + CFG_MAC, net->mac, NET_MAC);
    memcpy(config + CFG_STATUS, &status, sizeof(status));
    memcpy(config + CFG_MAX_PAIRS, &pairs, sizeof(pairs));
    memcpy(config + CFG_MTU, &net->options.mtu, sizeof(net->options.mtu));
}

/* Drivers of before virtio 1 set their address here. */
static void net_config_write(VirtDevice *device, unsigned offset, const uint8_t *data,
                             unsigned size)
{
    VirtNet *net = (VirtNet *)device;

    if (!virtio_device_has(device, VIRTIO_F_VERSION_1) &&
        !virtio_device_has(device, NET_F_CTRL_MAC_ADDR) && offset + size <= CFG_MAC + NET_MAC) {
        memcpy(net->mac + offset, data, size);
    }
}

/* ---- Coming up and going down ---- */

static void rx_kick(VirtDevice *device, VirtQueue *queue)
{
    (void)queue;
    net_port_ready(((VirtNet *)device)->port);
}

/* The control queue is the last one, or the third for drivers that know nothing of more. */
static void net_negotiated(VirtDevice *device)
{
    VirtNet *net = (VirtNet *)device;

    virtio_net_set_takes(net, device->features);
    if (net->options.pairs > 1) {
        device->queue[2].kick = virtio_device_has(device, NET_F_MQ) ? rx_kick : virtio_net_control;
    }
}

static void net_started(VirtDevice *device)
{
    VirtNet *net = (VirtNet *)device;

    for (unsigned i = 0; i < net->options.pairs; i++) {
        if (net->pair[i].rx->kick == rx_kick) {
            virtqueue_set_notification(net->pair[i].rx, false);
        }
    }
    net_port_ready(net->port);
}

static void net_reset(VirtDevice *device)
{
    VirtNet *net = (VirtNet *)device;

    for (unsigned i = 0; i < net->options.pairs; i++) {
        deferred_cancel(net->pair[i].deferred);
        net->pair[i].waiting = false;
    }
    memcpy(net->mac, net->options.mac, NET_MAC);
    virtio_net_filter_reset(net);
    net->pairs_in_use = 1;
    net->announcing = 0;
    net->turn = 0;
    virtio_net_set_takes(net, 0);
    net_port_purge(net->port);
}

/* ---- Queues ---- */

static VirtNetPair *pair_of(VirtDevice *device, const VirtQueue *queue)
{
    return &((VirtNet *)device)->pair[queue->index / 2];
}

static void tx_kick(VirtDevice *device, VirtQueue *queue)
{
    VirtNetPair *pair = pair_of(device, queue);

    if (!pair->waiting) {
        virtqueue_set_notification(queue, false);
        deferred_schedule(pair->deferred);
    }
}

static void tx_deferred(void *opaque)
{
    virtio_net_transmit(opaque);
}

static void net_room(void *opaque)
{
    VirtNet *net = opaque;

    for (unsigned i = 0; i < net->options.pairs; i++) {
        if (net->pair[i].waiting) {
            net->pair[i].waiting = false;
            deferred_schedule(net->pair[i].deferred);
        }
    }
}

static const VirtOps net_ops = {
    .name = "virtio-net",
    .id = VIRTIO_ID_NET,
    .config_read = net_config,
    .config_write = net_config_write,
    .negotiated = net_negotiated,
    .started = net_started,
    .reset = net_reset,
};

static const NetPortOps net_port_ops = {
    .receive = virtio_net_receive,
    .room = net_room,
    .changed = net_changed,
};

static uint64_t net_features(const VirtNetOptions *options)
{
    uint64_t features = VIRTIO_BIT(NET_F_CSUM) | VIRTIO_BIT(NET_F_GUEST_CSUM) |
                        VIRTIO_BIT(NET_F_CTRL_GUEST_OFFLOADS) | VIRTIO_BIT(NET_F_MAC) |
                        VIRTIO_BIT(NET_F_GUEST_TSO4) | VIRTIO_BIT(NET_F_GUEST_TSO6) |
                        VIRTIO_BIT(NET_F_GUEST_ECN) | VIRTIO_BIT(NET_F_HOST_TSO4) |
                        VIRTIO_BIT(NET_F_HOST_TSO6) | VIRTIO_BIT(NET_F_HOST_ECN) |
                        VIRTIO_BIT(NET_F_MRG_RXBUF) | VIRTIO_BIT(NET_F_STATUS) |
                        VIRTIO_BIT(NET_F_CTRL_VQ) | VIRTIO_BIT(NET_F_CTRL_RX) |
                        VIRTIO_BIT(NET_F_CTRL_VLAN) | VIRTIO_BIT(NET_F_CTRL_RX_EXTRA) |
                        VIRTIO_BIT(NET_F_GUEST_ANNOUNCE) | VIRTIO_BIT(NET_F_CTRL_MAC_ADDR);

    features |= options->pairs > 1 ? VIRTIO_BIT(NET_F_MQ) : 0;
    features |= options->mtu != 0 ? VIRTIO_BIT(NET_F_MTU) : 0;
    return features & ~options->without;
}

void virtio_net_init(VirtNet *net, PhysMap *map, const VirtNetOptions *options, const char *kind,
                     const char *id)
{
    g_assert(options->pairs >= 1 && options->pairs <= VIRTIO_NET_PAIRS_MAX);
    net->options = *options;
    virtio_device_init(&net->device, &net_ops, map, net_features(options), CFG_BYTES);
    for (unsigned i = 0; i < options->pairs; i++) {
        VirtNetPair *pair = &net->pair[i];

        pair->net = net;
        pair->rx = virtio_device_add_queue(&net->device, options->rx_queue_size, rx_kick);
        pair->tx = virtio_device_add_queue(&net->device, options->tx_queue_size, tx_kick);
        pair->deferred = deferred_new(map, tx_deferred, pair);
    }
    virtio_device_add_queue(&net->device, CONTROL_QUEUE_SIZE, virtio_net_control);
    net->port = net_port_new(kind, id, &net_port_ops, net);
    net_reset(&net->device);
}

void virtio_net_fini(VirtNet *net)
{
    for (unsigned i = 0; i < net->options.pairs; i++) {
        g_clear_pointer(&net->pair[i].deferred, deferred_free);
    }
    net_port_free(net->port);
}
