/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dgram.c - a frame a datagram: -netdev socket with mcast= or udp=, -netdev dgram.
 *
 * To a multicast group we send from a socket of its own, so that what comes back of it can be told
 * from what others on this host send. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>
#include "hw/net/net_int.h"
#include "hw/net/net_socket.h"
#include "hw/net/net_watch.h"

enum { BURST = 64, VECTORS_MAX = 64 };

typedef struct NetDgram {
    NetHost host;
    NetPort *port;
    int fd, out; /* that receives, and that sends: the same but for a group */
    NetWatch *watch, *out_watch;
    bool held, full;   /* the cable, the socket has no room */
    NetSockaddr to;    /* size 0: the socket is connected */
    NetSockaddr own;   /* where what we send to a group comes from; size 0: no group */
    char *unlink_path; /* of a unix socket of ours */
    size_t kept;       /* bytes of a frame that the cable has not taken */
    uint8_t frame[NET_FRAME_MAX];
} NetDgram;

static void watch_update(NetDgram *dgram)
{
    GIOCondition in = dgram->held ? 0 : G_IO_IN, out = dgram->full ? G_IO_OUT : 0;

    if (dgram->out_watch != NULL) {
        net_watch_set(dgram->out_watch, out);
        net_watch_set(dgram->watch, in);
    } else {
        net_watch_set(dgram->watch, in | out);
    }
}

/* ---- To the socket ---- */

/* What cannot be sent for any other reason than that there is no room now is lost. */
static bool dgram_receive(void *opaque, const struct iovec *iov, unsigned n,
                          const NetOffload *offload)
{
    NetDgram *dgram = opaque;
    size_t size = net_iov_size(iov, n);
    g_autofree uint8_t *flat = NULL;
    struct iovec whole;
    struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = n };

    (void)offload;
    if (size > NET_FRAME_MAX) {
        return true;
    }
    if (n > VECTORS_MAX) {
        flat = g_malloc(size);
        net_iov_flatten(iov, n, flat);
        whole = (struct iovec){ flat, size };
        message.msg_iov = &whole;
        message.msg_iovlen = 1;
    }
    if (dgram->to.size != 0) {
        message.msg_name = &dgram->to.any;
        message.msg_namelen = dgram->to.size;
    }
    if (sendmsg(dgram->out, &message, MSG_NOSIGNAL) < 0 && errno == EAGAIN) {
        dgram->full = true;
        watch_update(dgram);
        return false;
    }
    return true;
}

/* ---- From the socket ---- */

static bool is_own(const NetDgram *dgram, const NetSockaddr *from)
{
    const struct sockaddr_in *one = (const struct sockaddr_in *)&dgram->own.any;
    const struct sockaddr_in *other = (const struct sockaddr_in *)&from->any;

    return dgram->own.size != 0 && from->any.sa_family == AF_INET &&
           one->sin_port == other->sin_port && one->sin_addr.s_addr == other->sin_addr.s_addr;
}

static bool kept_deliver(NetDgram *dgram)
{
    static const NetOffload none = { 0 };
    const struct iovec iov = { dgram->frame, dgram->kept };

    dgram->held = dgram->kept >= NET_ETH_HEADER &&
                  net_send(dgram->port, &iov, 1, &none) == NET_WAIT;
    if (!dgram->held) {
        dgram->kept = 0;
    }
    return !dgram->held;
}

static void dgram_read(NetDgram *dgram)
{
    for (unsigned i = 0; i < BURST && !dgram->held; i++) {
        NetSockaddr from = { .size = sizeof(from.storage) };
        ssize_t got = recvfrom(dgram->fd, dgram->frame, sizeof(dgram->frame), MSG_TRUNC, &from.any,
                               &from.size);

        if (got < 0) {
            break; /* nothing more, or nobody was there */
        }
        if ((size_t)got <= sizeof(dgram->frame) && !is_own(dgram, &from)) {
            dgram->kept = (size_t)got;
            kept_deliver(dgram);
        }
    }
}

static void dgram_ready(void *opaque, GIOCondition condition)
{
    NetDgram *dgram = opaque;

    if (dgram->full && (condition & (G_IO_OUT | G_IO_ERR)) != 0) {
        dgram->full = false;
        net_port_ready(dgram->port);
    }
    if ((condition & (G_IO_IN | G_IO_ERR)) != 0 && !dgram->held) {
        dgram_read(dgram);
    }
    watch_update(dgram);
}

static void dgram_out_ready(void *opaque, GIOCondition condition)
{
    (void)condition;
    dgram_ready(opaque, G_IO_OUT);
}

static void dgram_room(void *opaque)
{
    NetDgram *dgram = opaque;

    if (kept_deliver(dgram)) {
        watch_update(dgram);
    }
}

/* ---- The port ---- */

static char *dgram_describe(void *opaque)
{
    const NetDgram *dgram = opaque;
    g_autofree char *to = dgram->to.size != 0 ? net_sockaddr_text(&dgram->to) : NULL;

    return to == NULL             ? g_strdup_printf("fd=%d", dgram->fd)
           : dgram->own.size != 0 ? g_strdup_printf("mcast=%s", to)
                                  : g_strdup_printf("udp=%s", to);
}

static void dgram_free(void *opaque)
{
    NetDgram *dgram = opaque;

    net_watch_free(dgram->watch);
    net_watch_free(dgram->out_watch);
    if (dgram->out >= 0 && dgram->out != dgram->fd) {
        close(dgram->out);
    }
    if (dgram->fd >= 0) {
        close(dgram->fd);
    }
    if (dgram->unlink_path != NULL) {
        unlink(dgram->unlink_path);
    }
    g_free(dgram->unlink_path);
    g_free(dgram);
}

static const NetPortOps dgram_ops = {
    .receive = dgram_receive,
    .room = dgram_room,
    .describe = dgram_describe,
    .free = dgram_free,
};

/* A socket that sends to the group, and knows where from. */
static bool group_sender(NetDgram *dgram, const NetSockaddr *own, GError **error)
{
    NetSockaddr at = { .size = sizeof(at.storage) };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd >= 0 && own != NULL) {
        const struct in_addr address = ((const struct sockaddr_in *)&own->any)->sin_addr;

        if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &address, sizeof(address)) != 0) {
            close(fd);
            fd = -1;
        }
    }
    dgram->out = fd;
    if (fd < 0 || connect(fd, &dgram->to.any, dgram->to.size) != 0 ||
        getsockname(fd, &at.any, &at.size) != 0) {
        g_autofree char *text = net_sockaddr_text(&dgram->to);

        g_set_error(error, NET_ERROR, NET_ERROR_HOST, "can't send to multicast group %s: %s", text,
                    g_strerror(errno));
        return false;
    }
    dgram->own = at;
    return true;
}

static bool group_open(NetDgram *dgram, const NetAddress *local, GError **error)
{
    NetSockaddr own;
    bool bound = local->kind == NET_ADDRESS_INET;

    if (local->kind == NET_ADDRESS_FD) {
        if (!net_socket_take(local->fd, SOCK_DGRAM, error)) {
            return false;
        }
        dgram->fd = local->fd;
        return group_sender(dgram, NULL, error);
    }
    if (bound && !net_address_resolve(local, SOCK_DGRAM, true, &own, error)) {
        return false;
    }
    dgram->fd = net_socket_join(&dgram->to, bound ? &own : NULL, error);
    return dgram->fd >= 0 && group_sender(dgram, bound ? &own : NULL, error);
}

static bool single_open(NetDgram *dgram, const NetAddress *local, GError **error)
{
    NetSockaddr own;

    if (local->kind == NET_ADDRESS_FD) {
        if (!net_socket_take(local->fd, SOCK_DGRAM, error)) {
            return false;
        }
        dgram->fd = local->fd;
    } else if (local->kind == NET_ADDRESS_NONE) {
        g_set_error(error, NET_ERROR, NET_ERROR_VALUE,
                    "a local address is needed, but for a multicast group");
        return false;
    } else {
        if (!net_address_resolve(local, SOCK_DGRAM, true, &own, error)) {
            return false;
        }
        net_socket_clear(local);
        dgram->fd = net_socket_bind(&own, local->kind != NET_ADDRESS_UNIX, error);
        if (dgram->fd >= 0 && local->kind == NET_ADDRESS_UNIX && !local->abstract) {
            dgram->unlink_path = g_strdup(local->path);
        }
    }
    dgram->out = dgram->fd;
    return dgram->fd >= 0;
}

static bool dgram_open(NetDgram *dgram, const NetAddress *local, const NetAddress *remote,
                       GError **error)
{
    if (remote->kind != NET_ADDRESS_NONE &&
        !net_address_resolve(remote, SOCK_DGRAM, false, &dgram->to, error)) {
        return false;
    }
    if (dgram->to.size != 0 && net_sockaddr_is_group(&dgram->to)) {
        if (!group_open(dgram, local, error)) {
            return false;
        }
        dgram->out_watch = net_watch_new(&dgram->host, dgram->out, dgram_out_ready, dgram);
    } else if (!single_open(dgram, local, error)) {
        return false;
    }
    dgram->watch = net_watch_new(&dgram->host, dgram->fd, dgram_ready, dgram);
    watch_update(dgram);
    return true;
}

NetPort *net_dgram_new(const NetHost *host, const char *kind, const char *id,
                       const NetAddress *local, const NetAddress *remote, GError **error)
{
    NetDgram *dgram = g_new0(NetDgram, 1);

    dgram->host = *host;
    dgram->fd = dgram->out = -1;
    dgram->port = net_port_new(kind, id, &dgram_ops, dgram);
    if (!dgram_open(dgram, local, remote, error)) {
        net_port_free(dgram->port);
        return NULL;
    }
    return dgram->port;
}
