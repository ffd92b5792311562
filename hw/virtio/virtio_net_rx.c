/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio_net_rx.c - packets from the cable into the driver's buffers. */
#include <string.h>
#include "hw/virtio/virtio_net_int.h"

enum { BUFFERS_MAX = 64, TYPE_VLAN = 0x8100, VLAN_MASK = 0xfff, FRAME_HEAD = 18 };

/* ---- Filters (section 5.1.6.5.1) ---- */

static bool mac_listed(const VirtNetFilter *filter, const uint8_t *mac, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        if (memcmp(filter->mac[i], mac, NET_MAC) == 0) {
            return true;
        }
    }
    return false;
}

bool virtio_net_wanted(const VirtNet *net, const uint8_t *frame)
{
    static const uint8_t broadcast[NET_MAC] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    const VirtNetFilter *filter = &net->filter;
    unsigned type = (unsigned)frame[12] << 8 | frame[13];

    if (filter->promisc) {
        return true;
    }
    if (type == TYPE_VLAN) {
        unsigned id = ((unsigned)frame[14] << 8 | frame[15]) & VLAN_MASK;

        if ((filter->vlan[id / 32] >> id % 32 & 1) == 0) {
            return false;
        }
    }
    if (memcmp(frame, broadcast, NET_MAC) == 0) {
        return !filter->no_bcast;
    }
    if ((frame[0] & 1) != 0) {
        return !filter->no_multi && (filter->all_multi || filter->multi_overflow ||
                                     mac_listed(filter, frame, filter->n_uni, filter->n_macs));
    }
    return !filter->no_uni &&
           (filter->all_uni || filter->uni_overflow || memcmp(frame, net->mac, NET_MAC) == 0 ||
            mac_listed(filter, frame, 0, filter->n_uni));
}

/* ---- Buffers ---- */

typedef struct Source {
    const struct iovec *iov;
    unsigned n;
    size_t skip; /* bytes of the first vector that are done */
} Source;

/* Copies from the packet to `to`, as much as both have; the number of bytes. */
static size_t source_copy(Source *source, const struct iovec *to, unsigned n, size_t offset)
{
    size_t done = 0;

    while (source->n > 0) {
        const struct iovec *iov = source->iov;
        size_t left = iov->iov_len - source->skip;
        size_t copied = iov_from_buffer(to, n, offset + done,
                                        (const uint8_t *)iov->iov_base + source->skip, left);

        done += copied;
        if (copied < left) {
            source->skip += copied;
            break;
        }
        source->iov++;
        source->n--;
        source->skip = 0;
    }
    return done;
}

static void give_back(VirtQueue *queue, VirtElement **element, unsigned n)
{
    while (n > 0) {
        virtqueue_unpop(queue, element[--n]);
    }
}

/* All of a packet, or nothing of it: false if there are not buffers enough. */
static bool rx_store(VirtNet *net, VirtQueue *queue, Source source, VirtNetHeader *header)
{
    VirtElement *element[BUFFERS_MAX];
    uint32_t written[BUFFERS_MAX];
    unsigned n = 0, size = virtio_net_header_size(net);
    bool merge = virtio_device_has(&net->device, NET_F_MRG_RXBUF);

    while (source.n > 0) {
        size_t offset = n == 0 ? size : 0;

        if (n == BUFFERS_MAX || (n > 0 && !merge)) { /* it does not fit: lost */
            give_back(queue, element, n);
            return true;
        }
        element[n] = virtqueue_pop(queue);
        if (element[n] == NULL) {
            give_back(queue, element, n);
            return false;
        }
        if (element[n]->in_size <= offset) {
            virtio_device_broken(&net->device, queue->index, "a buffer without room");
            virtqueue_drop(element[n]);
            give_back(queue, element, n);
            return true;
        }
        written[n] = (uint32_t)(offset +
                                source_copy(&source, element[n]->in, element[n]->n_in, offset));
        n++;
    }
    if (n == 0) {
        return true;
    }
    header->num_buffers = (uint16_t)n;
    iov_from_buffer(element[0]->in, element[0]->n_in, 0, header, size);
    for (unsigned i = 0; i < n; i++) {
        virtqueue_fill(queue, element[i], written[i]);
    }
    virtqueue_flush(queue);
    virtqueue_notify(queue);
    return true;
}

/* The driver is asked to notify only while packets wait for its buffers. */
static bool rx_try(VirtNet *net, VirtQueue *queue, Source source, VirtNetHeader *header)
{
    bool stored = rx_store(net, queue, source, header);

    if (stored && !queue->notification_off) {
        virtqueue_set_notification(queue, false);
    } else if (!stored && queue->notification_off) {
        virtqueue_set_notification(queue, true);
        stored = rx_store(net, queue, source, header);
    }
    return stored;
}

/* Connections stay on a pair; which one follows from addresses and ports. */
static VirtNetPair *rx_pair(VirtNet *net, const uint8_t *frame, size_t size)
{
    uint32_t hash = 0;

    if (net->pairs_in_use <= 1) {
        return &net->pair[0];
    }
    for (size_t i = 26; i + 4 <= size && i < 38; i += 4) { /* IPv4 addresses, TCP or UDP ports */
        uint32_t word;

        memcpy(&word, frame + i, sizeof(word));
        hash = (hash ^ word) * 0x9e3779b1u;
    }
    return &net->pair[(hash >> 16) % net->pairs_in_use];
}

bool virtio_net_receive(void *opaque, const struct iovec *iov, unsigned n,
                        const NetOffload *offload)
{
    VirtNet *net = opaque;
    VirtNetHeader header = { .offload = *offload };
    uint8_t head[40] = { 0 };
    size_t size;

    if (!virtio_device_working(&net->device)) {
        return net->device.broken || (net->device.status & VIRTIO_STATUS_DRIVER_OK) == 0;
    }
    size = iov_to_buffer(iov, n, 0, head, sizeof(head));
    if (size < NET_ETH_HEADER || !virtio_net_wanted(net, head)) {
        return true;
    }
    if (!virtio_device_has(&net->device, NET_F_GUEST_CSUM)) {
        header.offload = (NetOffload){ 0 };
    }
    return rx_try(net, rx_pair(net, head, size)->rx, (Source){ iov, n, 0 }, &header);
}
