/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio_vsock_connection.c - one connection: a unix socket, and credit both ways. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "hw/net/net_socket.h"
#include "hw/virtio/virtio_vsock_int.h"

enum { READS = 16 /* packets at a time */ };

static uint64_t key_of(uint32_t guest_port, uint32_t host_port)
{
    return (uint64_t)guest_port << 32 | host_port;
}

VsockConnection *vsock_connection_find(const VirtVsock *vsock, uint32_t guest_port,
                                       uint32_t host_port)
{
    const uint64_t key = key_of(guest_port, host_port);

    return g_hash_table_lookup(vsock->connections, &key);
}

void vsock_connection_free(VsockConnection *connection)
{
    g_hash_table_remove(connection->vsock->connections, &connection->key);
    net_watch_free(connection->watch);
    close(connection->fd);
    g_byte_array_unref(connection->out);
    g_free(connection);
}

/* Both sides are told. */
static void connection_abort(VsockConnection *connection)
{
    vsock_packet_for(connection, VSOCK_RST, 0);
    vsock_connection_free(connection);
}

static void watch_update(VsockConnection *connection)
{
    const VirtVsock *vsock = connection->vsock;
    bool credit = connection->peer_alloc != connection->sent - connection->peer_taken;
    bool read = !connection->asked && !connection->host_done && credit && !vsock->starved &&
                (connection->guest_done & VSOCK_NO_MORE_IN) == 0;

    net_watch_set(connection->watch,
                  (read ? G_IO_IN : 0) | (connection->out->len > 0 ? G_IO_OUT : 0));
}

/* ---- To the host ---- */

/* All that the guest has sent is with the host: what is left to be done then. False: it is freed.
 */
static bool connection_drained(VsockConnection *connection)
{
    const unsigned both = VSOCK_NO_MORE_IN | VSOCK_NO_MORE_OUT;

    if ((connection->guest_done & both) == both) {
        connection_abort(connection);
        return false;
    }
    if ((connection->guest_done & VSOCK_NO_MORE_OUT) != 0) {
        shutdown(connection->fd, SHUT_WR);
    }
    return true;
}

/* The guest may send more. */
static void credit_tell(VsockConnection *connection)
{
    if (connection->taken - connection->told >= VSOCK_BUFFER / 2 &&
        connection->vsock->packets.length < VSOCK_PACKETS_MAX) {
        vsock_packet_for(connection, VSOCK_CREDIT_UPDATE, 0);
    }
}

/* False: it is freed. */
static bool out_flush(VsockConnection *connection)
{
    ssize_t sent = send(connection->fd, connection->out->data, connection->out->len,
                        MSG_NOSIGNAL | MSG_DONTWAIT);

    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        connection_abort(connection);
        return false;
    }
    if (sent > 0) {
        g_byte_array_remove_range(connection->out, 0, (guint)sent);
        connection->taken += (uint32_t)sent;
        credit_tell(connection);
    }
    return connection->out->len > 0 || connection_drained(connection);
}

void vsock_connection_linger(VsockConnection *connection, gint64 deadline)
{
    struct pollfd wait = { .fd = connection->fd, .events = POLLOUT };
    gint64 left;

    while (connection->out->len > 0 && (left = deadline - g_get_monotonic_time()) > 0) {
        ssize_t sent = poll(&wait, 1, (int)(left / 1000) + 1) > 0
                           ? send(connection->fd, connection->out->data, connection->out->len,
                                  MSG_NOSIGNAL | MSG_DONTWAIT)
                           : 0;

        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            break;
        }
        g_byte_array_remove_range(connection->out, 0, (guint)MAX(sent, 0));
    }
}

/* ---- To the guest ---- */

/* False: it is freed. */
static bool connection_read(VsockConnection *connection)
{
    int got = 1;

    for (unsigned i = 0; i < READS && got > 0; i++) {
        if (connection->peer_alloc == connection->sent - connection->peer_taken) {
            return true;
        }
        got = vsock_packet_read(connection);
    }
    if (got == 0) {
        connection->host_done = true;
        vsock_packet_for(connection, VSOCK_SHUTDOWN, VSOCK_NO_MORE_OUT);
    } else if (got < 0 && got != -EAGAIN && got != -EINTR) {
        connection_abort(connection);
        return false;
    }
    return true;
}

static void connection_ready(void *opaque, GIOCondition condition)
{
    VsockConnection *connection = opaque;

    if (connection->out->len > 0 && (condition & (G_IO_OUT | G_IO_ERR | G_IO_HUP)) != 0 &&
        !out_flush(connection)) {
        return;
    }
    if (!connection->asked && !connection->host_done &&
        (condition & (G_IO_IN | G_IO_HUP | G_IO_ERR)) != 0 && !connection_read(connection)) {
        return;
    }
    watch_update(connection);
}

void vsock_connections_resume(VirtVsock *vsock)
{
    GHashTableIter iter;
    gpointer connection;

    g_hash_table_iter_init(&iter, vsock->connections);
    while (g_hash_table_iter_next(&iter, NULL, &connection)) {
        watch_update(connection);
    }
}

/* ---- Coming ---- */

VsockConnection *vsock_connection_new(VirtVsock *vsock, uint32_t guest_port, uint32_t host_port,
                                      int fd)
{
    VsockConnection *connection;

    if (vsock_connection_find(vsock, guest_port, host_port) != NULL ||
        g_hash_table_size(vsock->connections) >= VSOCK_CONNECTIONS_MAX) {
        close(fd);
        return NULL;
    }
    connection = g_new0(VsockConnection, 1);
    connection->vsock = vsock;
    connection->guest_port = guest_port;
    connection->host_port = host_port;
    connection->key = key_of(guest_port, host_port);
    connection->fd = fd;
    connection->out = g_byte_array_new();
    connection->watch = net_watch_new(&vsock->host, fd, connection_ready, connection);
    g_hash_table_insert(vsock->connections, &connection->key, connection);
    return connection;
}

void vsock_connection_request(VirtVsock *vsock, const VsockPacket *packet)
{
    g_autofree char *path = g_strdup_printf("%s_%u", vsock->path, packet->dst_port);
    const NetAddress address = { .kind = NET_ADDRESS_UNIX, .path = path };
    VsockConnection *connection = NULL;
    bool connecting;
    int fd = net_socket_connect(&address, &connecting, NULL);

    if (fd >= 0) {
        connection = vsock_connection_new(vsock, packet->src_port, packet->dst_port, fd);
    }
    if (connection == NULL) {
        vsock_refuse(vsock, packet);
        return;
    }
    connection->peer_alloc = packet->buf_alloc;
    connection->peer_taken = packet->fwd_cnt;
    vsock_packet_for(connection, VSOCK_RESPONSE, 0);
    watch_update(connection);
}

/* ---- Packets of the guest's ---- */

/* The caller on the host is told that the guest has taken it. */
static void connection_answered(VsockConnection *connection)
{
    char text[32];
    int size = snprintf(text, sizeof(text), "OK %u\n", connection->host_port);

    connection->asked = false;
    if (send(connection->fd, text, (size_t)size, MSG_NOSIGNAL | MSG_DONTWAIT) != size) {
        connection_abort(connection);
        return;
    }
    watch_update(connection);
}

static void data_take(VsockConnection *connection, const VsockPacket *packet,
                      const VirtElement *element)
{
    guint before = connection->out->len;

    if (packet->size > VSOCK_BUFFER - before || connection->asked ||
        (connection->guest_done & VSOCK_NO_MORE_OUT) != 0) {
        connection_abort(connection); /* more than it was given credit for */
        return;
    }
    g_byte_array_set_size(connection->out, before + packet->size);
    iov_to_buffer(element->out, element->n_out, sizeof(*packet), connection->out->data + before,
                  packet->size);
    if (connection->out->len > 0 && !out_flush(connection)) {
        return;
    }
    watch_update(connection);
}

static void shutdown_take(VsockConnection *connection, uint32_t flags)
{
    connection->guest_done |= flags & (VSOCK_NO_MORE_IN | VSOCK_NO_MORE_OUT);
    if (connection->out->len > 0 || connection_drained(connection)) {
        watch_update(connection);
    }
}

void vsock_connection_take(VsockConnection *connection, const VsockPacket *packet,
                           const VirtElement *element)
{
    connection->peer_alloc = packet->buf_alloc;
    connection->peer_taken = packet->fwd_cnt;
    /* It cannot have taken what was not sent, nor give back what is on its way. */
    if (connection->sent - connection->peer_taken > connection->peer_alloc) {
        connection->peer_alloc = connection->sent - connection->peer_taken;
    }
    switch (packet->op) {
    case VSOCK_RESPONSE:
        if (connection->asked) {
            connection_answered(connection);
        } else {
            connection_abort(connection);
        }
        break;
    case VSOCK_RST:
        vsock_connection_free(connection);
        break;
    case VSOCK_SHUTDOWN:
        shutdown_take(connection, packet->flags);
        break;
    case VSOCK_RW:
        data_take(connection, packet, element);
        break;
    case VSOCK_CREDIT_UPDATE:
        watch_update(connection);
        break;
    case VSOCK_CREDIT_REQUEST:
        vsock_packet_for(connection, VSOCK_CREDIT_UPDATE, 0);
        break;
    default:
        connection_abort(connection);
        break;
    }
}
