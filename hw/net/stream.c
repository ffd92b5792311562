/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stream.c - frames on a stream socket, each behind its length in four bytes, the highest first:
 * -netdev socket with listen= or connect=, -netdev stream, and what passt speaks.
 *
 * Whoever sends more than the socket takes waits; so does the other side, when nobody takes what it
 * has sent. A length that no frame has ends the connection. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "hw/net/net_int.h"
#include "hw/net/net_socket.h"
#include "hw/net/net_watch.h"

enum { LENGTH = 4, IN_MAX = 2 * (LENGTH + NET_FRAME_MAX), VECTORS_MAX = 64 };

typedef struct NetStream {
    NetHost host;
    NetPort *port;
    char *unlink_path; /* of a server's unix socket */
    int listener, fd;  /* -1: none */
    NetWatch *listening, *watch;
    bool connecting; /* of a client */
    bool held;       /* the other end of the cable has no room */
    GByteArray *out; /* what the socket has not taken yet */
    uint32_t in_used;
    uint8_t in[IN_MAX];
} NetStream;

static void stream_disconnect(NetStream *stream);

/* ---- To the socket ---- */

static void watch_update(NetStream *stream)
{
    GIOCondition wanted = 0;

    if (!stream->held && !stream->connecting) {
        wanted |= G_IO_IN;
    }
    if (stream->out->len > 0 || stream->connecting) {
        wanted |= G_IO_OUT;
    }
    net_watch_set(stream->watch, wanted);
}

/* Keeps what is not sent of a frame that has begun. */
static void keep_rest(NetStream *stream, const struct iovec *iov, unsigned n, size_t sent)
{
    for (unsigned i = 0; i < n; i++) {
        size_t skip = MIN(sent, iov[i].iov_len);

        g_byte_array_append(stream->out, (const uint8_t *)iov[i].iov_base + skip,
                            (guint)(iov[i].iov_len - skip));
        sent -= skip;
    }
}

static bool stream_send(NetStream *stream, const struct iovec *iov, unsigned n)
{
    const struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = n };
    size_t size = net_iov_size(iov, n);
    ssize_t sent = sendmsg(stream->fd, &message, MSG_NOSIGNAL);

    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        stream_disconnect(stream);
        return true;
    }
    if (sent <= 0) {
        return false;
    }
    if ((size_t)sent < size) {
        keep_rest(stream, iov, n, (size_t)sent);
        watch_update(stream);
    }
    return true;
}

static bool stream_receive(void *opaque, const struct iovec *iov, unsigned n,
                           const NetOffload *offload)
{
    NetStream *stream = opaque;
    size_t size = net_iov_size(iov, n);
    uint8_t length[LENGTH];
    g_autofree uint8_t *flat = NULL;
    struct iovec list[VECTORS_MAX + 1] = { { length, LENGTH } };

    (void)offload; /* it takes nothing unfinished */
    if (stream->fd < 0 || stream->connecting || size > NET_FRAME_MAX) {
        return true;
    }
    if (stream->out->len > 0) {
        return false;
    }
    net_put32(length, (uint32_t)size);
    if (n > VECTORS_MAX) {
        flat = g_malloc(size);
        net_iov_flatten(iov, n, flat);
        list[1] = (struct iovec){ flat, size };
        n = 1;
    } else {
        memcpy(list + 1, iov, n * sizeof(*iov));
    }
    if (!stream_send(stream, list, n + 1)) {
        keep_rest(stream, list, n + 1, 0); /* the one that is on its way */
        watch_update(stream);
    }
    return true;
}

static void stream_flush(NetStream *stream)
{
    ssize_t sent = send(stream->fd, stream->out->data, stream->out->len, MSG_NOSIGNAL);

    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        stream_disconnect(stream);
        return;
    }
    g_byte_array_remove_range(stream->out, 0, (guint)MAX(sent, 0));
    if (stream->out->len == 0) {
        net_port_ready(stream->port);
    }
}

/* ---- From the socket ---- */

/* Delivers the frames that are whole; false: the connection is no more. */
static bool frames_deliver(NetStream *stream)
{
    static const NetOffload none = { 0 };
    uint32_t at = 0, size = 0;
    NetSent sent;

    stream->held = false;
    while (stream->in_used - at >= LENGTH) {
        size = net_get32(stream->in + at);
        if (size > NET_FRAME_MAX) {
            stream_disconnect(stream);
            return false;
        }
        if (stream->in_used - at - LENGTH < size) {
            break;
        }
        const struct iovec iov = { stream->in + at + LENGTH, size };

        sent = size >= NET_ETH_HEADER ? net_send(stream->port, &iov, 1, &none) : NET_SENT;
        if (stream->fd < 0) { /* an answer to it could not be sent */
            return false;
        }
        if (sent == NET_WAIT) {
            stream->held = true;
            break;
        }
        at += LENGTH + size;
    }
    memmove(stream->in, stream->in + at, stream->in_used - at);
    stream->in_used -= at;
    return true;
}

static void stream_read(NetStream *stream)
{
    ssize_t got = recv(stream->fd, stream->in + stream->in_used,
                       sizeof(stream->in) - stream->in_used, 0);

    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
        stream_disconnect(stream);
        return;
    }
    stream->in_used += (uint32_t)MAX(got, 0);
    frames_deliver(stream);
}

static void stream_room(void *opaque)
{
    NetStream *stream = opaque;

    if (stream->fd >= 0 && frames_deliver(stream)) {
        watch_update(stream);
    }
}

/* ---- Connections ---- */

static GVariant *address_variant(int fd)
{
    NetSockaddr at = { .size = sizeof(at.storage) };
    g_autofree char *text = NULL;
    char *colon;

    if (getpeername(fd, &at.any, &at.size) != 0) {
        at.any.sa_family = AF_UNIX;
        at.size = 0;
    }
    text = net_sockaddr_text(&at);
    colon = strrchr(text, ':');
    if (at.any.sa_family == AF_UNIX || colon == NULL) {
        return g_variant_new_parsed("{'type': <'unix'>, 'path': <%s>}",
                                    colon != NULL ? strchr(text, ':') + 1 : text);
    }
    *colon = '\0';
    return g_variant_new_parsed("{'type': <'inet'>, 'host': <%s>, 'port': <%s>}", text, colon + 1);
}

/* Only of -netdev stream. */
static void stream_event(const NetStream *stream, bool connected)
{
    const NetHost *host = &stream->host;
    const char *id = net_port_id(stream->port);
    GVariant *data;

    if (host->event == NULL || strcmp(net_port_kind(stream->port), "stream") != 0) {
        return;
    }
    data = connected ? g_variant_new_parsed("{'netdev-id': <%s>, 'addr': <%@a{sv}>}", id,
                                            address_variant(stream->fd))
                     : g_variant_new_parsed("{'netdev-id': <%s>}", id);
    g_variant_ref_sink(data);
    host->event(host->opaque, connected ? "NETDEV_STREAM_CONNECTED" : "NETDEV_STREAM_DISCONNECTED",
                data);
    g_variant_unref(data);
}

static void connect_ended(NetStream *stream)
{
    int code = 0;
    socklen_t size = sizeof(code);

    getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &code, &size);
    if (code != 0) {
        fprintf(stderr, "doppel: warning: netdev %s: can't connect: %s\r\n",
                net_port_id(stream->port), g_strerror(code));
        stream_disconnect(stream);
        return;
    }
    stream->connecting = false;
    net_port_set_link(stream->port, true);
    stream_event(stream, true);
}

static void stream_ready(void *opaque, GIOCondition condition)
{
    NetStream *stream = opaque;

    if (stream->connecting) {
        connect_ended(stream);
    }
    if (stream->fd >= 0 && stream->out->len > 0 && (condition & G_IO_OUT) != 0) {
        stream_flush(stream);
    }
    if (stream->fd >= 0 && !stream->held && (condition & (G_IO_IN | G_IO_HUP | G_IO_ERR)) != 0) {
        stream_read(stream);
    }
    if (stream->fd >= 0) {
        watch_update(stream);
    }
}

static void stream_connected(NetStream *stream, int fd, bool connecting)
{
    stream->fd = fd;
    stream->connecting = connecting;
    stream->watch = net_watch_new(&stream->host, fd, stream_ready, stream);
    watch_update(stream);
    net_port_set_link(stream->port, !connecting);
    if (!connecting) {
        stream_event(stream, true);
    }
}

static void stream_disconnect(NetStream *stream)
{
    bool was = !stream->connecting;

    g_clear_pointer(&stream->watch, net_watch_free);
    close(stream->fd);
    stream->fd = -1;
    stream->in_used = 0;
    stream->held = stream->connecting = false;
    g_byte_array_set_size(stream->out, 0);
    net_port_set_link(stream->port, false);
    if (was) {
        stream_event(stream, false);
    }
    if (stream->listening != NULL) {
        net_watch_set(stream->listening, G_IO_IN);
    }
}

static void stream_accept(void *opaque, GIOCondition condition)
{
    NetStream *stream = opaque;
    int fd = accept4(stream->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)condition;
    if (fd >= 0) {
        net_watch_set(stream->listening, 0);
        stream_connected(stream, fd, false);
    }
}

/* ---- The port ---- */

static char *stream_describe(void *opaque)
{
    const NetStream *stream = opaque;
    NetSockaddr at = { .size = sizeof(at.storage) };
    bool connected = stream->fd >= 0 && !stream->connecting;
    g_autofree char *text = NULL;

    if (!connected && stream->listener < 0) {
        return g_strdup("not connected");
    }
    if (connected ? getpeername(stream->fd, &at.any, &at.size) != 0
                  : getsockname(stream->listener, &at.any, &at.size) != 0) {
        return g_strdup("");
    }
    text = net_sockaddr_text(&at);
    return g_strdup_printf("%s %s",
                           !connected              ? "listening on"
                           : stream->listener >= 0 ? "connection from"
                                                   : "connected to",
                           text);
}

static void stream_free(void *opaque)
{
    NetStream *stream = opaque;

    net_watch_free(stream->watch);
    net_watch_free(stream->listening);
    if (stream->fd >= 0) {
        close(stream->fd);
    }
    if (stream->listener >= 0) {
        close(stream->listener);
    }
    if (stream->unlink_path != NULL) {
        unlink(stream->unlink_path);
    }
    g_byte_array_unref(stream->out);
    g_free(stream->unlink_path);
    g_free(stream);
}

static const NetPortOps stream_ops = {
    .receive = stream_receive,
    .room = stream_room,
    .describe = stream_describe,
    .free = stream_free,
};

static bool is_listening(int fd)
{
    int on = 0;
    socklen_t size = sizeof(on);

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &size) == 0 && on != 0;
}

static bool stream_open(NetStream *stream, const NetAddress *address, bool server, GError **error)
{
    bool connecting = false;
    int fd;

    if (address->kind == NET_ADDRESS_FD) {
        if (!net_socket_take(address->fd, SOCK_STREAM, error)) {
            return false;
        }
        fd = address->fd;
        server = is_listening(fd);
    } else if (server) {
        fd = net_socket_listen(address, error);
        if (fd >= 0 && address->kind == NET_ADDRESS_UNIX && !address->abstract) {
            stream->unlink_path = g_strdup(address->path);
        }
    } else {
        fd = net_socket_connect(address, &connecting, error);
    }
    if (fd < 0) {
        return false;
    }
    if (server) {
        stream->listener = fd;
        stream->listening = net_watch_new(&stream->host, fd, stream_accept, stream);
        net_watch_set(stream->listening, G_IO_IN);
        net_port_set_link(stream->port, false);
    } else {
        stream_connected(stream, fd, connecting);
    }
    return true;
}

NetPort *net_stream_new(const NetHost *host, const char *kind, const char *id,
                        const NetAddress *address, bool server, GError **error)
{
    NetStream *stream = g_new0(NetStream, 1);

    stream->host = *host;
    stream->listener = stream->fd = -1;
    stream->out = g_byte_array_new();
    stream->port = net_port_new(kind, id, &stream_ops, stream);
    if (!stream_open(stream, address, server, error)) {
        net_port_free(stream->port);
        return NULL;
    }
    return stream->port;
}
