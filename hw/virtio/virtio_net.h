/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_VIRTIO_VIRTIO_NET_H
#define HW_VIRTIO_VIRTIO_NET_H
/* virtio_net.h - the virtio network device (virtio 1.2, section 5.1): several queue pairs,
 * mergeable buffers, checksums and TCP segmentation left to the other side both ways, filters, a
 * control queue. */
#include "hw/deferred.h"
#include "hw/net/net.h"
#include "hw/virtio/virtio.h"

enum {
    VIRTIO_NET_PAIRS_MAX = 16,
    VIRTIO_NET_PAIRS_DEFAULT = 4,
    VIRTIO_NET_MACS = 64,
    VIRTIO_NET_VLAN_WORDS = 4096 / 32
};

typedef struct VirtNetOptions {
    uint8_t mac[NET_MAC];
    unsigned pairs; /* queue pairs, at least 1 */
    uint16_t rx_queue_size, tx_queue_size;
    uint16_t mtu;     /* host_mtu=; 0: none told */
    uint64_t without; /* feature bits that are switched off */
} VirtNetOptions;

/* What the driver wants to receive: set by the control queue. */
typedef struct VirtNetFilter {
    uint8_t promisc, all_multi, all_uni, no_multi, no_uni, no_bcast;
    uint8_t uni_overflow, multi_overflow;
    uint32_t n_uni, n_macs; /* the first n_uni of `mac` are not multicast */
    uint8_t mac[VIRTIO_NET_MACS][NET_MAC];
    uint32_t vlan[VIRTIO_NET_VLAN_WORDS];
} VirtNetFilter;

typedef struct VirtNet VirtNet;

typedef struct VirtNetPair {
    VirtNet *net;
    VirtQueue *rx, *tx;
    Deferred *deferred; /* sends what the driver has queued */
    bool waiting;       /* for room on the cable */
} VirtNetPair;

struct VirtNet {
    VirtDevice device;
    VirtNetOptions options;
    NetPort *port;        /* its own */
    uint8_t mac[NET_MAC]; /* the driver may change it */
    VirtNetFilter filter;
    uint16_t pairs_in_use;
    uint8_t announcing;
    uint8_t link;  /* as last told */
    uint32_t turn; /* the pair that receives next */
    VirtNetPair pair[VIRTIO_NET_PAIRS_MAX];
};

/* `kind` is the name of the device that holds it. */
void virtio_net_init(VirtNet *net, PhysMap *map, const VirtNetOptions *options, const char *kind,
                     const char *id);
void virtio_net_fini(VirtNet *net);
/* Asks the driver to tell the network where it is now (after a migration). */
void virtio_net_announce(VirtNet *net);

#endif
