/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_VIRTIO_VIRTIO_NET_INT_H
#define HW_VIRTIO_VIRTIO_NET_INT_H
/* virtio_net_int.h - the parts of the network device. */
#include "hw/virtio/virtio_net.h"

enum { /* feature bits */
       NET_F_CSUM = 0,
       NET_F_GUEST_CSUM = 1,
       NET_F_CTRL_GUEST_OFFLOADS = 2,
       NET_F_MTU = 3,
       NET_F_MAC = 5,
       NET_F_GUEST_TSO4 = 7,
       NET_F_GUEST_TSO6 = 8,
       NET_F_GUEST_ECN = 9,
       NET_F_HOST_TSO4 = 11,
       NET_F_HOST_TSO6 = 12,
       NET_F_HOST_ECN = 13,
       NET_F_MRG_RXBUF = 15,
       NET_F_STATUS = 16,
       NET_F_CTRL_VQ = 17,
       NET_F_CTRL_RX = 18,
       NET_F_CTRL_VLAN = 19,
       NET_F_CTRL_RX_EXTRA = 20,
       NET_F_GUEST_ANNOUNCE = 21,
       NET_F_MQ = 22,
       NET_F_CTRL_MAC_ADDR = 23,
};

enum { NET_S_LINK_UP = 1, NET_S_ANNOUNCE = 2 };

/* Before each packet; the last field only with mergeable buffers or virtio 1. */
typedef struct VirtNetHeader {
    NetOffload offload;
    uint16_t num_buffers;
} VirtNetHeader;
_Static_assert(sizeof(VirtNetHeader) == 12 && sizeof(NetOffload) == 10, "as on the wire");

/* Bytes of the header that the driver has agreed to. */
unsigned virtio_net_header_size(const VirtNet *net);

/* virtio_net_rx.c */
bool virtio_net_receive(void *net, const struct iovec *iov, unsigned n, const NetOffload *offload);
bool virtio_net_wanted(const VirtNet *net, const uint8_t *frame); /* by the filters */

/* virtio_net_tx.c */
void virtio_net_transmit(VirtNetPair *pair);

/* virtio_net_ctrl.c */
void virtio_net_control(VirtDevice *device, VirtQueue *queue);
void virtio_net_filter_reset(VirtNet *net);
void virtio_net_set_takes(VirtNet *net, uint64_t offloads); /* feature bits GUEST_* */

#endif
