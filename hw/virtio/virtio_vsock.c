/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio_vsock.c - the device: packets in its queues.
 *
 * Packets without data wait in a list until the guest has buffers; while the list is long, nothing
 * of the guest's is looked at. Data stays in the host's socket until there is a buffer for it. */
#include "hw/virtio/virtio_vsock.h"
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include "hw/virtio/virtio_vsock_int.h"

enum { CFG_BYTES = 8, READ_MAX = 64 << 10, EVENT_TRANSPORT_RESET = 0, LINGER_MS = 2000 };

static VirtVsock *vsock_of(VirtDevice *device)
{
    return (VirtVsock *)((char *)device - offsetof(VirtVsock, device));
}

/* ---- To the guest ---- */

static void packets_send(VirtVsock *vsock)
{
    VirtQueue *queue = &vsock->device.queue[VSOCK_RX];
    VirtElement *element;

    while (vsock->packets.length > 0 && (element = virtqueue_pop(queue)) != NULL) {
        g_autofree VsockPacket *packet = g_queue_pop_head(&vsock->packets);
        size_t size = iov_from_buffer(element->in, element->n_in, 0, packet, sizeof(*packet));

        virtqueue_push(queue, element, (uint32_t)size);
    }
    virtqueue_notify(queue);
    vsock->starved |= vsock->packets.length > 0;
}

static void packet_queue(VirtVsock *vsock, const VsockPacket *packet)
{
    g_queue_push_tail(&vsock->packets, g_memdup2(packet, sizeof(*packet)));
    packets_send(vsock);
}

static VsockPacket packet_of(VsockConnection *connection, uint16_t op, uint32_t flags)
{
    connection->told = connection->taken;
    return (VsockPacket){ .src_cid = VSOCK_HOST_CID,
                          .dst_cid = connection->vsock->cid,
                          .src_port = connection->host_port,
                          .dst_port = connection->guest_port,
                          .type = VSOCK_STREAM,
                          .op = op,
                          .flags = flags,
                          .buf_alloc = VSOCK_BUFFER,
                          .fwd_cnt = connection->taken };
}

void vsock_packet_for(VsockConnection *connection, uint16_t op, uint32_t flags)
{
    const VsockPacket packet = packet_of(connection, op, flags);

    packet_queue(connection->vsock, &packet);
}

void vsock_refuse(VirtVsock *vsock, const VsockPacket *of)
{
    const VsockPacket packet = { .src_cid = of->dst_cid,
                                 .dst_cid = vsock->cid,
                                 .src_port = of->dst_port,
                                 .dst_port = of->src_port,
                                 .type = of->type,
                                 .op = VSOCK_RST };

    if (of->op != VSOCK_RST) {
        packet_queue(vsock, &packet);
    }
}

/* Reads behind the header; what recvmsg() says, or -errno. */
static ssize_t element_read(const VirtElement *element, int fd, uint32_t room)
{
    g_autofree struct iovec *iov = g_new(struct iovec, element->n_in + 1);
    unsigned n = iov_part(element->in, element->n_in, sizeof(VsockPacket), room, iov);
    struct msghdr message = { .msg_iov = iov, .msg_iovlen = MIN(n, IOV_MAX) };
    ssize_t got = recvmsg(fd, &message, MSG_DONTWAIT);

    return got >= 0 ? got : -errno;
}

int vsock_packet_read(VsockConnection *connection)
{
    VirtVsock *vsock = connection->vsock;
    VirtQueue *queue = &vsock->device.queue[VSOCK_RX];
    uint32_t credit = connection->peer_alloc - (connection->sent - connection->peer_taken);
    VirtElement *element = vsock->packets.length == 0 ? virtqueue_pop(queue) : NULL;
    VsockPacket packet;
    ssize_t got;

    if (element == NULL) {
        vsock->starved = true;
        return -EAGAIN;
    }
    if (element->in_size <= sizeof(packet)) {
        virtqueue_drop(element);
        virtio_device_broken(&vsock->device, VSOCK_RX, "a buffer that holds no packet");
        return -EAGAIN;
    }
    got = element_read(element, connection->fd,
                       MIN(MIN(element->in_size - (uint32_t)sizeof(packet), credit), READ_MAX));
    if (got <= 0) {
        virtqueue_unpop(queue, element);
        return (int)got;
    }
    packet = packet_of(connection, VSOCK_RW, 0);
    packet.size = (uint32_t)got;
    connection->sent += (uint32_t)got;
    iov_from_buffer(element->in, element->n_in, 0, &packet, sizeof(packet));
    virtqueue_push(queue, element, (uint32_t)(sizeof(packet) + (size_t)got));
    virtqueue_notify(queue);
    return (int)got;
}

/* ---- From the guest ---- */

static void packet_take(VirtVsock *vsock, const VsockPacket *packet, const VirtElement *element)
{
    VsockConnection *connection = vsock_connection_find(vsock, packet->src_port, packet->dst_port);

    if (packet->src_cid != vsock->cid || packet->dst_cid != VSOCK_HOST_CID ||
        packet->type != VSOCK_STREAM || packet->size > element->out_size - sizeof(*packet)) {
        vsock_refuse(vsock, packet);
    } else if (connection != NULL) {
        vsock_connection_take(connection, packet, element);
    } else if (packet->op == VSOCK_REQUEST) {
        vsock_connection_request(vsock, packet);
    } else {
        vsock_refuse(vsock, packet);
    }
}

static void tx_kick(VirtDevice *device, VirtQueue *queue)
{
    VirtVsock *vsock = vsock_of(device);
    VirtElement *element;

    while (vsock->packets.length < VSOCK_PACKETS_MAX && (element = virtqueue_pop(queue)) != NULL) {
        VsockPacket packet;

        if (iov_to_buffer(element->out, element->n_out, 0, &packet, sizeof(packet)) ==
            sizeof(packet)) {
            packet_take(vsock, &packet, element);
        }
        virtqueue_push(queue, element, 0);
    }
    virtqueue_notify(queue);
}

static void rx_kick(VirtDevice *device, VirtQueue *queue)
{
    VirtVsock *vsock = vsock_of(device);

    (void)queue;
    if (!vsock->starved) {
        return;
    }
    vsock->starved = false;
    packets_send(vsock);
    tx_kick(device, &device->queue[VSOCK_TX]);
    vsock_connections_resume(vsock);
}

/* ---- The device ---- */

static void vsock_config(VirtDevice *device, uint8_t *config)
{
    const uint64_t cid = GUINT64_TO_LE(vsock_of(device)->cid);

    memcpy(config, &cid, sizeof(cid));
}

static void vsock_reset(VirtDevice *device)
{
    VirtVsock *vsock = vsock_of(device);
    GHashTableIter iter;
    gpointer connection;

    g_hash_table_iter_init(&iter, vsock->connections);
    while (g_hash_table_iter_next(&iter, NULL, &connection)) {
        vsock_connection_free(connection);
        g_hash_table_iter_init(&iter, vsock->connections);
    }
    while (vsock->packets.length > 0) {
        g_free(g_queue_pop_head(&vsock->packets));
    }
    vsock->starved = false;
}

static const VirtOps vsock_ops = {
    .name = "vhost-vsock",
    .id = VIRTIO_ID_VSOCK,
    .config_read = vsock_config,
    .reset = vsock_reset,
};

/* On the main thread, when all of the machine is there. */
static void transport_gone(void *opaque)
{
    VirtVsock *vsock = opaque;
    VirtQueue *queue = &vsock->device.queue[VSOCK_EVENT];
    const uint32_t event = GUINT32_TO_LE(EVENT_TRANSPORT_RESET);
    VirtElement *element = virtqueue_pop(queue);

    if (element != NULL) {
        virtqueue_push(
            queue, element,
            (uint32_t)iov_from_buffer(element->in, element->n_in, 0, &event, sizeof(event)));
        virtqueue_notify(queue);
    }
}

static void map_lock(void *map)
{
    phys_map_lock_devices(map);
}

static void map_unlock(void *map)
{
    phys_map_unlock_devices(map);
}

bool virtio_vsock_init(VirtVsock *vsock, PhysMap *map, uint64_t cid, const char *path,
                       GError **error)
{
    vsock->cid = cid;
    vsock->path = g_strdup(path);
    vsock->host = (NetHost){ .lock = map_lock, .unlock = map_unlock, .opaque = map };
    vsock->listener = -1;
    vsock->next_port = VSOCK_FIRST_PORT;
    vsock->connections = g_hash_table_new(g_int64_hash, g_int64_equal);
    vsock->callers = g_hash_table_new(NULL, NULL);
    g_queue_init(&vsock->packets);
    vsock->gone = deferred_new(map, transport_gone, vsock);
    virtio_device_init(&vsock->device, &vsock_ops, map, 0, CFG_BYTES);
    virtio_device_add_queue(&vsock->device, VSOCK_QUEUE_SIZE, rx_kick);
    virtio_device_add_queue(&vsock->device, VSOCK_QUEUE_SIZE, tx_kick);
    virtio_device_add_queue(&vsock->device, VSOCK_QUEUE_SIZE, NULL);
    if (!vsock_listen(vsock, error)) {
        virtio_vsock_clear(vsock);
        return false;
    }
    return true;
}

void virtio_vsock_linger(VirtVsock *vsock)
{
    gint64 deadline = g_get_monotonic_time() + LINGER_MS * 1000;
    GHashTableIter iter;
    gpointer connection;

    g_hash_table_iter_init(&iter, vsock->connections);
    while (g_hash_table_iter_next(&iter, NULL, &connection)) {
        vsock_connection_linger(connection, deadline);
    }
}

void virtio_vsock_clear(VirtVsock *vsock)
{
    vsock_reset(&vsock->device);
    vsock_host_clear(vsock);
    deferred_free(vsock->gone);
    g_hash_table_unref(vsock->connections);
    g_hash_table_unref(vsock->callers);
    g_free(vsock->path);
}

void virtio_vsock_loaded(VirtVsock *vsock)
{
    vsock_reset(&vsock->device);
    deferred_schedule(vsock->gone);
}
