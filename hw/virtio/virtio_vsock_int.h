/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_VIRTIO_VIRTIO_VSOCK_INT_H
#define HW_VIRTIO_VIRTIO_VSOCK_INT_H
/* virtio_vsock_int.h - connections, and the packets they make. */
#include "hw/virtio/virtio_vsock.h"

enum { VSOCK_RX, VSOCK_TX, VSOCK_EVENT }; /* queues */
enum { VSOCK_STREAM = 1 };
enum {
    VSOCK_REQUEST = 1,
    VSOCK_RESPONSE,
    VSOCK_RST,
    VSOCK_SHUTDOWN,
    VSOCK_RW,
    VSOCK_CREDIT_UPDATE,
    VSOCK_CREDIT_REQUEST
};
enum {
    VSOCK_NO_MORE_IN = 1,
    VSOCK_NO_MORE_OUT = 2
}; /* flags of SHUTDOWN: who sends it will not
      receive, will not send */
enum {
    VSOCK_BUFFER = 256 << 10, /* what we take of a connection before the host has */
    VSOCK_PACKETS_MAX = 256,
    VSOCK_CONNECTIONS_MAX = 1024,
    VSOCK_CALLERS_MAX = 64,
    VSOCK_FIRST_PORT = 1 << 30, /* of callers on the host */
};

typedef struct VsockConnection {
    VirtVsock *vsock;
    uint64_t key; /* both ports */
    uint32_t guest_port, host_port;
    int fd;
    NetWatch *watch;
    bool asked;          /* a caller of the host; the guest has not answered yet */
    unsigned guest_done; /* VSOCK_NO_MORE_*, as the guest has said */
    bool host_done;      /* the host sends no more */
    GByteArray *out;     /* for the host; what its socket has not taken */
    uint32_t taken;      /* bytes that it has taken: our fwd_cnt */
    uint32_t told;       /* what the guest knows of that */
    uint32_t sent;       /* bytes to the guest */
    uint32_t peer_alloc, peer_taken;
} VsockConnection;

/* ---- virtio_vsock.c ---- */

/* Sends when there is a buffer; `connection` NULL: an answer to `of`. */
void vsock_packet_for(VsockConnection *connection, uint16_t op, uint32_t flags);
void vsock_refuse(VirtVsock *vsock, const VsockPacket *of);
/* A packet with what can be read of the descriptor; its size, 0 at the end of the file, -EAGAIN:
 * not now (there is no buffer, or nothing to read), or another -errno. */
int vsock_packet_read(VsockConnection *connection);

/* ---- virtio_vsock_connection.c ---- */

VsockConnection *vsock_connection_find(const VirtVsock *vsock, uint32_t guest_port,
                                       uint32_t host_port);
/* Takes the descriptor. NULL: there are too many, or one is there already. */
VsockConnection *vsock_connection_new(VirtVsock *vsock, uint32_t guest_port, uint32_t host_port,
                                      int fd);
void vsock_connection_free(VsockConnection *connection);
/* A packet of the guest's for it; with data in `element`, behind the header. */
void vsock_connection_take(VsockConnection *connection, const VsockPacket *packet,
                           const VirtElement *element);
/* A guest that connects. */
void vsock_connection_request(VirtVsock *vsock, const VsockPacket *packet);
/* Waits until `deadline` (of g_get_monotonic_time) for the host to take what is there. */
void vsock_connection_linger(VsockConnection *connection, gint64 deadline);
/* There are buffers again. */
void vsock_connections_resume(VirtVsock *vsock);

/* ---- virtio_vsock_host.c ---- */

bool vsock_listen(VirtVsock *vsock, GError **error);
void vsock_host_clear(VirtVsock *vsock); /* callers and the socket */

#endif
