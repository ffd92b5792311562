/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dump.c - a pcap file (version 2.4, Ethernet) of what passes a port, with the host's time. Packets
 * are as they pass: what a sender has left undone is undone there, too. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include "hw/net/net_int.h"
#include "hw/net/netdev.h"

enum { MAGIC = (int)0xa1b2c3d4, MAJOR = 2, MINOR = 4, ETHERNET = 1, VECTORS_MAX = 64 };

struct NetDump {
    NetTap *tap;
    int fd;
    uint32_t maxlen;
};

typedef struct FileHead {
    uint32_t magic;
    uint16_t major, minor;
    uint32_t zone, accuracy, maxlen, link;
} FileHead;

typedef struct PacketHead {
    uint32_t seconds, microseconds, kept, size;
} PacketHead;

static void dump_see(void *opaque, bool out, const struct iovec *iov, unsigned n,
                     const NetOffload *offload)
{
    const NetDump *dump = opaque;
    gint64 now = g_get_real_time();
    size_t size = net_iov_size(iov, n), left = MIN(size, dump->maxlen);
    PacketHead head = { (uint32_t)(now / G_USEC_PER_SEC), (uint32_t)(now % G_USEC_PER_SEC),
                        (uint32_t)left, (uint32_t)size };
    struct iovec list[VECTORS_MAX + 1] = { { &head, sizeof(head) } };
    g_autofree uint8_t *flat = NULL;
    unsigned used = 1;

    (void)out, (void)offload;
    if (n > VECTORS_MAX) {
        flat = g_malloc(size);
        net_iov_flatten(iov, n, flat);
        list[used++] = (struct iovec){ flat, left };
    } else {
        for (unsigned i = 0; i < n && left > 0; i++) {
            list[used] = (struct iovec){ iov[i].iov_base, MIN(iov[i].iov_len, left) };
            left -= list[used++].iov_len;
        }
    }
    (void)!writev(dump->fd, list, (int)used); /* a full disk ends no network */
}

NetDump *net_dump_new(NetPort *port, const char *path, uint32_t maxlen, GError **error)
{
    const FileHead head = { (uint32_t)MAGIC, MAJOR, MINOR, 0, 0, maxlen, ETHERNET };
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_APPEND | O_CLOEXEC, 0644);
    NetDump *dump;

    if (fd < 0 || write(fd, &head, sizeof(head)) != sizeof(head)) {
        g_set_error(error, NET_ERROR, NET_ERROR_HOST, "net dump: can't open %s: %s", path,
                    g_strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return NULL;
    }
    dump = g_new0(NetDump, 1);
    dump->fd = fd;
    dump->maxlen = maxlen;
    dump->tap = net_port_add_tap(port, dump_see, dump);
    return dump;
}

void net_dump_free(NetDump *dump)
{
    net_tap_free(dump->tap);
    close(dump->fd);
    g_free(dump);
}
