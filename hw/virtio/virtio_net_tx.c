/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio_net_tx.c - packets from the driver onto the cable, on the main thread. */
#include "hw/virtio/virtio_net_int.h"

enum { BURST = 256 }; /* packets of one pair before others have their turn */

/* What the driver may leave undone is what it has agreed to. */
static bool offload_allowed(const VirtNet *net, const NetOffload *offload)
{
    const VirtDevice *device = &net->device;

    if ((offload->flags & NET_FLAG_NEEDS_CSUM) != 0 && !virtio_device_has(device, NET_F_CSUM)) {
        return false;
    }
    switch (offload->gso_type & ~NET_GSO_ECN) {
    case NET_GSO_NONE:
        return true;
    case NET_GSO_TCPV4:
        return virtio_device_has(device, NET_F_HOST_TSO4);
    case NET_GSO_TCPV6:
        return virtio_device_has(device, NET_F_HOST_TSO6);
    default:
        return false;
    }
}

static NetSent tx_packet(VirtNet *net, const VirtElement *element)
{
    struct iovec *iov = g_newa(struct iovec, element->n_out + 1);
    unsigned size = virtio_net_header_size(net), n;
    NetOffload offload;

    iov_to_buffer(element->out, element->n_out, 0, &offload, sizeof(offload));
    offload.flags &= NET_FLAG_NEEDS_CSUM;
    n = iov_part(element->out, element->n_out, size, element->out_size - size, iov);
    if (element->out_size - size < NET_ETH_HEADER || element->out_size - size > NET_FRAME_MAX ||
        !offload_allowed(net, &offload)) {
        return NET_SENT; /* no frame: it goes nowhere */
    }
    return net_send(net->port, iov, n, &offload);
}

/* Sends up to a burst; how many. The cable's NET_WAIT ends it. */
static unsigned tx_burst(VirtNetPair *pair)
{
    VirtNet *net = pair->net;
    VirtElement *element;
    unsigned sent = 0;

    while (sent < BURST && !pair->waiting && (element = virtqueue_pop(pair->tx)) != NULL) {
        if (element->out_size < virtio_net_header_size(net)) {
            virtio_device_broken(&net->device, pair->tx->index, "no room for the header");
            virtqueue_drop(element);
            break;
        }
        pair->waiting = true; /* until the cable says otherwise, maybe at once */
        if (tx_packet(net, element) == NET_WAIT) {
            virtqueue_unpop(pair->tx, element);
            break;
        }
        pair->waiting = false;
        virtqueue_fill(pair->tx, element, 0);
        sent++;
    }
    virtqueue_flush(pair->tx);
    virtqueue_notify(pair->tx);
    return sent;
}

void virtio_net_transmit(VirtNetPair *pair)
{
    unsigned sent = tx_burst(pair);

    if (pair->waiting || !virtio_device_working(&pair->net->device)) {
        return;
    }
    if (sent == BURST) {
        deferred_schedule(pair->deferred);
        return;
    }
    virtqueue_set_notification(pair->tx, true);
    if (!virtqueue_empty(pair->tx)) {
        virtqueue_set_notification(pair->tx, false);
        deferred_schedule(pair->deferred);
    }
}
