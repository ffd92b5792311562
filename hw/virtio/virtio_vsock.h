/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_VIRTIO_VIRTIO_VSOCK_H
#define HW_VIRTIO_VIRTIO_VSOCK_H
/* virtio_vsock.h - stream sockets between guest and host (virtio 1.2, section 5.10). The host's
 * side are unix sockets, as Firecracker has them:
 *
 * - A guest that connects to port P of the host (CID 2) reaches whoever listens on PATH_P.
 * - Who connects to PATH on the host and says "CONNECT P\n" reaches port P of the guest, and is
 * told "OK N\n", with the number of a port on the host's side, when the guest has taken it. */
#include "hw/deferred.h"
#include "hw/net/net_watch.h"
#include "hw/virtio/virtio.h"

enum { VSOCK_HOST_CID = 2, VSOCK_QUEUE_SIZE = 128, VSOCK_QUEUES = 3 };

typedef struct VsockPacket { /* a packet's header, as it is in the queues */
    uint64_t src_cid, dst_cid;
    uint32_t src_port, dst_port, size;
    uint16_t type, op;
    uint32_t flags, buf_alloc, fwd_cnt;
} __attribute__((packed)) VsockPacket;
_Static_assert(sizeof(VsockPacket) == 44, "as on the wire");

typedef struct VirtVsock {
    VirtDevice device;
    uint64_t cid;
    char *path;
    NetHost host; /* the device lock */
    int listener; /* -1: none */
    NetWatch *accept;
    GHashTable *connections; /* of VsockConnection, by their ports */
    GHashTable *callers;     /* of VsockCaller: they have not said yet what they want */
    GQueue packets;          /* of VsockPacket, that wait for buffers of the guest */
    uint32_t next_port;
    Deferred *gone; /* tells the guest that all connections are */
    bool starved;   /* somebody has something for the guest, and there are no buffers */
} VirtVsock;

/* False: nobody can listen at the path. */
bool virtio_vsock_init(VirtVsock *vsock, PhysMap *map, uint64_t cid, const char *path,
                       GError **error);
/* Before it goes: gives the host a moment to take what the guest has sent. */
void virtio_vsock_linger(VirtVsock *vsock);
void virtio_vsock_clear(VirtVsock *vsock); /* after the transport has let go of it */
/* After a load: connections are gone, and the guest is told so. */
void virtio_vsock_loaded(VirtVsock *vsock);

#endif
