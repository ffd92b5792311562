/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_NET_NET_H
#define HW_NET_NET_H
/* net.h - networks: a port is one end of a cable - a NIC's, or a host end's - and what is sent at
 * one comes in at the other.
 *
 * A packet is an Ethernet frame without its check sequence, in vectors that are the sender's and
 * good for the call.  A receiver that has no room refuses; the cable then keeps the packet, and the
 * ones behind it up to a bound, until the receiver says that it is ready, and tells the sender to
 * wait.
 *
 * Senders may leave checksums and segmentation undone and say so (NetOffload); where the receiver
 * cannot take that, the cable does it.  A packet never comes out unfinished without being said to
 * be.
 *
 * All calls with the device lock held. */
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

typedef struct NetPort NetPort;

enum { NET_ETH_HEADER = 14, NET_FRAME_MAX = 65550, NET_MAC = 6 };

enum { NET_FLAG_NEEDS_CSUM = 1, NET_FLAG_DATA_VALID = 2 };
enum {
    NET_GSO_NONE = 0,
    NET_GSO_TCPV4 = 1,
    NET_GSO_UDP = 3,
    NET_GSO_TCPV6 = 4,
    NET_GSO_ECN = 0x80
};

/* What is still to be done to a packet: as the header that virtio puts before one. */
typedef struct NetOffload {
    uint8_t flags; /* NET_FLAG_* */
    uint8_t gso_type;
    uint16_t header_size; /* of all headers, for GSO; a hint */
    uint16_t gso_size;    /* payload of a segment */
    uint16_t csum_start;  /* sum from here to the end ... */
    uint16_t csum_offset; /* ... goes here, counted from csum_start */
} NetOffload;

enum { /* what a receiver takes unfinished: a set */
       NET_TAKES_CSUM = 1 << 0,
       NET_TAKES_TSO4 = 1 << 1,
       NET_TAKES_TSO6 = 1 << 2,
       NET_TAKES_ECN = 1 << 3,
};

typedef struct NetPortOps {
    /* False: no room; the cable keeps it until net_port_ready(). */
    bool (*receive)(void *opaque, const struct iovec *iov, unsigned n, const NetOffload *offload);
    /* After net_send() said to wait: there is room again. May be NULL. */
    void (*room)(void *opaque);
    /* The other end has changed: link, what it takes, or that it is there at all. May be NULL. */
    void (*changed)(void *opaque);
    /* For `info network`; caller frees. May be NULL. */
    char *(*describe)(void *opaque);
    void (*free)(void *opaque); /* of a host end that the network owns; may be NULL */
} NetPortOps;

/* `kind` is "user", "virtio-net-pci", ...; `id` may be NULL. */
NetPort *net_port_new(const char *kind, const char *id, const NetPortOps *ops, void *opaque);
void net_port_free(NetPort *port); /* disconnects; what is queued for it goes */

const char *net_port_kind(const NetPort *port);
const char *net_port_id(const NetPort *port);
void *net_port_opaque(const NetPort *port);
NetPort *net_port_peer(const NetPort *port); /* NULL: not connected */
char *net_port_describe(const NetPort *port);
/* A cable between two that have none. */
void net_connect(NetPort *one, NetPort *other);
void net_disconnect(NetPort *port);

void net_port_set_takes(NetPort *port, unsigned takes); /* 0 at first */
/* Does the other end take these (or does the cable, at the cost of doing it)? */
unsigned net_peer_takes(const NetPort *port);
/* set_link: packets to and from an end whose link is down are lost. */
void net_port_set_link(NetPort *port, bool up);
bool net_port_link(const NetPort *port);
bool net_link_up(const NetPort *port); /* of both ends, and there is another one */

typedef enum NetSent { NET_SENT, NET_WAIT } NetSent;

/* NET_WAIT: the packet was not taken; `room` will be called. Packets to nobody are lost. */
NetSent net_send(NetPort *from, const struct iovec *iov, unsigned n, const NetOffload *offload);
/* There is room again: delivers what waits. */
void net_port_ready(NetPort *port);
/* What waits for the port is lost: it was reset. */
void net_port_purge(NetPort *port);

/* Sees every packet that passes a port; `out`: sent by it. Whoever has added it frees it, also when
 * the port has gone. */
typedef struct NetTap NetTap;
typedef void NetTapSee(void *opaque, bool out, const struct iovec *iov, unsigned n,
                       const NetOffload *offload);
NetTap *net_port_add_tap(NetPort *port, NetTapSee *see, void *opaque);
void net_tap_free(NetTap *tap);

/* ---- Addresses ---- */

bool net_mac_parse(const char *text, uint8_t mac[NET_MAC]);
char *net_mac_text(const uint8_t mac[NET_MAC]);

/* ---- Finishing packets ---- */

/* A checksum that was left undone, in a packet in one piece. False: it cannot be where it is said.
 */
bool net_finish_csum(uint8_t *packet, size_t size, const NetOffload *offload);
/* Makes a large TCP packet one that is right as it is: lengths and sums of all of it. */
bool net_finish_large(uint8_t *packet, size_t size);
/* Cuts a TCP packet in one piece into segments, finished; `each` gets them. False: it is not what
 * it is said to be. Stops early when `each` says false. */
bool net_segment(const uint8_t *packet, size_t size, const NetOffload *offload,
                 bool (*each)(void *opaque, const struct iovec *iov, unsigned n), void *opaque);
/* The Internet checksum's running sum, and its end. */
uint32_t net_csum_add(uint32_t sum, const uint8_t *data, size_t size);
uint16_t net_csum_fold(uint32_t sum);

#endif
