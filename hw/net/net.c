/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/net/net.h"
#include <stdio.h>
#include <string.h>
#include "hw/net/net_int.h"

/* net.c - ports and the cables between them. */

enum { INBOX_MAX = 512 }; /* packets that wait at a port */

typedef struct Packet {
    NetOffload offload;
    size_t size;
    uint8_t data[];
} Packet;

struct NetTap {
    NetPort *port;
    NetTapSee *see;
    void *opaque;
};

struct NetPort {
    char *kind, *id;
    const NetPortOps *ops;
    void *opaque;
    NetPort *peer;
    unsigned takes;
    bool link;
    bool delivering; /* from the inbox: what is sent meanwhile queues up behind it */
    bool waiting;    /* its owner was told to wait */
    GQueue inbox;    /* of Packet */
    GSList *taps;    /* of NetTap */
};

/* ---- Coming and going ---- */

NetPort *net_port_new(const char *kind, const char *id, const NetPortOps *ops, void *opaque)
{
    NetPort *port = g_new0(NetPort, 1);

    port->kind = g_strdup(kind);
    port->id = g_strdup(id);
    port->ops = ops;
    port->opaque = opaque;
    port->link = true;
    g_queue_init(&port->inbox);
    return port;
}

void net_port_free(NetPort *port)
{
    if (port == NULL) {
        return;
    }
    net_disconnect(port);
    net_port_purge(port);
    for (GSList *at = port->taps; at != NULL; at = at->next) {
        ((NetTap *)at->data)->port = NULL;
    }
    g_slist_free(port->taps);
    if (port->ops->free != NULL) {
        port->ops->free(port->opaque);
    }
    g_free(port->kind);
    g_free(port->id);
    g_free(port);
}

const char *net_port_kind(const NetPort *port)
{
    return port->kind;
}

const char *net_port_id(const NetPort *port)
{
    return port->id;
}

void *net_port_opaque(const NetPort *port)
{
    return port->opaque;
}

NetPort *net_port_peer(const NetPort *port)
{
    return port->peer;
}

char *net_port_describe(const NetPort *port)
{
    return port->ops->describe != NULL ? port->ops->describe(port->opaque) : g_strdup("");
}

static void port_changed(NetPort *port)
{
    if (port->ops->changed != NULL) {
        port->ops->changed(port->opaque);
    }
}

void net_connect(NetPort *one, NetPort *other)
{
    g_assert(one->peer == NULL && other->peer == NULL && one != other);
    one->peer = other;
    other->peer = one;
    port_changed(one);
    port_changed(other);
}

void net_disconnect(NetPort *port)
{
    NetPort *peer = port->peer;

    if (peer == NULL) {
        return;
    }
    port->peer = peer->peer = NULL;
    net_port_purge(port);
    net_port_purge(peer);
    port_changed(peer);
    port_changed(port);
}

void net_port_set_takes(NetPort *port, unsigned takes)
{
    if (port->takes != takes) {
        port->takes = takes;
        if (port->peer != NULL) {
            port_changed(port->peer);
        }
    }
}

unsigned net_peer_takes(const NetPort *port)
{
    return port->peer != NULL ? port->peer->takes : 0;
}

void net_port_set_link(NetPort *port, bool up)
{
    if (port->link == up) {
        return;
    }
    port->link = up;
    port_changed(port);
    if (port->peer != NULL) {
        port_changed(port->peer);
    }
}

bool net_port_link(const NetPort *port)
{
    return port->link;
}

bool net_link_up(const NetPort *port)
{
    return port->link && port->peer != NULL && port->peer->link;
}

/* ---- Taps ---- */

NetTap *net_port_add_tap(NetPort *port, NetTapSee *see, void *opaque)
{
    NetTap *tap = g_new0(NetTap, 1);

    tap->port = port;
    tap->see = see;
    tap->opaque = opaque;
    port->taps = g_slist_append(port->taps, tap);
    return tap;
}

void net_tap_free(NetTap *tap)
{
    if (tap != NULL) {
        if (tap->port != NULL) {
            tap->port->taps = g_slist_remove(tap->port->taps, tap);
        }
        g_free(tap);
    }
}

static void port_show(const NetPort *port, bool out, const struct iovec *iov, unsigned n,
                      const NetOffload *offload)
{
    for (GSList *at = port->taps; at != NULL; at = at->next) {
        const NetTap *tap = at->data;

        tap->see(tap->opaque, out, iov, n, offload);
    }
}

/* ---- The inbox ---- */

size_t net_iov_size(const struct iovec *iov, unsigned n)
{
    size_t size = 0;

    for (unsigned i = 0; i < n; i++) {
        size += iov[i].iov_len;
    }
    return size;
}

void net_iov_flatten(const struct iovec *iov, unsigned n, uint8_t *data)
{
    for (unsigned i = 0; i < n; i++) {
        if (iov[i].iov_len > 0) {
            memcpy(data, iov[i].iov_base, iov[i].iov_len);
            data += iov[i].iov_len;
        }
    }
}

static void inbox_put(NetPort *port, const struct iovec *iov, unsigned n, const NetOffload *offload)
{
    size_t size = net_iov_size(iov, n);
    Packet *packet = g_malloc(sizeof(*packet) + size);

    packet->offload = *offload;
    packet->size = size;
    net_iov_flatten(iov, n, packet->data);
    g_queue_push_tail(&port->inbox, packet);
}

static bool port_idle(const NetPort *port)
{
    return port->inbox.length == 0 && !port->delivering;
}

static void port_deliver(NetPort *port, const struct iovec *iov, unsigned n,
                         const NetOffload *offload)
{
    if (!port_idle(port) || !port->ops->receive(port->opaque, iov, n, offload)) {
        inbox_put(port, iov, n, offload);
    }
}

void net_port_purge(NetPort *port)
{
    Packet *packet;
    NetPort *peer = port->peer;

    while ((packet = g_queue_pop_head(&port->inbox)) != NULL) {
        g_free(packet);
    }
    if (peer != NULL && peer->waiting) {
        net_port_ready(port);
    }
}

static void tell_of_room(NetPort *peer)
{
    if (peer != NULL && peer->waiting) {
        peer->waiting = false;
        if (peer->ops->room != NULL) {
            peer->ops->room(peer->opaque);
        }
    }
}

void net_port_ready(NetPort *port)
{
    Packet *packet;

    if (port->delivering) {
        return;
    }
    port->delivering = true;
    while ((packet = g_queue_peek_head(&port->inbox)) != NULL) {
        const struct iovec iov = { packet->data, packet->size };

        if (port->link && !port->ops->receive(port->opaque, &iov, 1, &packet->offload)) {
            break;
        }
        /* Receiving may have purged the inbox. */
        if (g_queue_peek_head(&port->inbox) == packet) {
            g_free(g_queue_pop_head(&port->inbox));
        }
    }
    port->delivering = false;
    if (port->inbox.length < INBOX_MAX / 2) {
        tell_of_room(port->peer);
    }
}

/* ---- Sending ---- */

static bool receiver_takes(const NetPort *port, const NetOffload *offload)
{
    unsigned needs = 0;

    if ((offload->flags & NET_FLAG_NEEDS_CSUM) != 0) {
        needs |= NET_TAKES_CSUM;
    }
    switch (offload->gso_type & ~NET_GSO_ECN) {
    case NET_GSO_NONE:
        break;
    case NET_GSO_TCPV4:
        needs |= NET_TAKES_TSO4;
        break;
    case NET_GSO_TCPV6:
        needs |= NET_TAKES_TSO6;
        break;
    default:
        return false;
    }
    if ((offload->gso_type & NET_GSO_ECN) != 0) {
        needs |= NET_TAKES_ECN;
    }
    return (port->takes & needs) == needs;
}

static bool deliver_segment(void *opaque, const struct iovec *iov, unsigned n)
{
    static const NetOffload none = { 0 };

    port_deliver(opaque, iov, n, &none);
    return true;
}

/* Does what the receiver cannot; what is not as it is said to be is lost. */
static void send_finished(NetPort *port, const struct iovec *iov, unsigned n,
                          const NetOffload *offload)
{
    const NetOffload none = { 0 };
    size_t size = net_iov_size(iov, n);
    g_autofree uint8_t *packet = NULL;

    if (size > NET_FRAME_MAX) {
        return;
    }
    packet = g_malloc(size);
    net_iov_flatten(iov, n, packet);
    if (offload->gso_type != NET_GSO_NONE) {
        net_segment(packet, size, offload, deliver_segment, port);
    } else if (net_finish_csum(packet, size, offload)) {
        const struct iovec whole = { packet, size };

        port_deliver(port, &whole, 1, &none);
    }
}

NetSent net_send(NetPort *from, const struct iovec *iov, unsigned n, const NetOffload *offload)
{
    NetPort *to = from->peer;

    if (!net_link_up(from)) {
        return NET_SENT;
    }
    if (to->inbox.length >= INBOX_MAX) {
        from->waiting = true;
        return NET_WAIT;
    }
    if (from->taps != NULL) {
        port_show(from, true, iov, n, offload);
    }
    if (to->taps != NULL) {
        port_show(to, false, iov, n, offload);
    }
    if (receiver_takes(to, offload)) {
        port_deliver(to, iov, n, offload);
    } else {
        send_finished(to, iov, n, offload);
    }
    return NET_SENT;
}

/* ---- Addresses ---- */

bool net_mac_parse(const char *text, uint8_t mac[NET_MAC])
{
    for (unsigned i = 0; i < NET_MAC; i++) {
        char *end;
        unsigned long value;

        if (!g_ascii_isxdigit(*text)) {
            return false;
        }
        value = strtoul(text, &end, 16);
        if (value > 0xff || end - text > 2 ||
            (i + 1 < NET_MAC ? *end != ':' && *end != '-' : *end != 0)) {
            return false;
        }
        mac[i] = (uint8_t)value;
        text = end + 1;
    }
    return true;
}

char *net_mac_text(const uint8_t mac[NET_MAC])
{
    return g_strdup_printf("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
                           mac[5]);
}
