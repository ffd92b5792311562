/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tap.c - an interface of the host's kernel: what the guest sends comes in there, and the other way
 * round.
 *
 * Where the kernel has the header of virtio-net before each frame, checksums and segmentation are
 * left to it, or to the guest. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>
#include "hw/net/net_int.h"
#include "hw/net/net_watch.h"
#include "hw/net/tap_int.h"

enum { BURST = 64, VECTORS_MAX = 64 };

_Static_assert(sizeof(NetOffload) == 10, "as the header of virtio-net");

typedef struct NetTapPort {
    NetHost host;
    NetPort *port;
    NetWatch *watch;
    int fd;
    char ifname[IFNAMSIZ];
    char *downscript; /* NULL: none */
    bool vnet_hdr;
    bool held, full;
    NetOffload offload; /* of the frame that is kept */
    size_t kept;        /* bytes of a frame that the cable has not taken */
    uint8_t frame[NET_FRAME_MAX];
} NetTapPort;

static void watch_update(NetTapPort *tap)
{
    net_watch_set(tap->watch, (tap->held ? 0 : G_IO_IN) | (tap->full ? G_IO_OUT : 0));
}

static bool tap_receive(void *opaque, const struct iovec *iov, unsigned n,
                        const NetOffload *offload)
{
    NetTapPort *tap = opaque;
    struct iovec list[VECTORS_MAX + 1] = { { (void *)(uintptr_t)offload, sizeof(*offload) } };
    size_t size = net_iov_size(iov, n);
    g_autofree uint8_t *flat = NULL;
    ssize_t written;

    if (size > NET_FRAME_MAX) {
        return true;
    }
    if (n > VECTORS_MAX) {
        flat = g_malloc(size);
        net_iov_flatten(iov, n, flat);
        list[1] = (struct iovec){ flat, size };
        n = 1;
    } else {
        memcpy(list + 1, iov, n * sizeof(*iov));
    }
    written = writev(tap->fd, tap->vnet_hdr ? list : list + 1, (int)(tap->vnet_hdr ? n + 1 : n));
    if (written < 0 && errno == EAGAIN) {
        tap->full = true;
        watch_update(tap);
        return false;
    }
    return true; /* an interface that is down loses it */
}

static bool kept_deliver(NetTapPort *tap)
{
    const struct iovec iov = { tap->frame, tap->kept };

    tap->held = tap->kept >= NET_ETH_HEADER &&
                net_send(tap->port, &iov, 1, &tap->offload) == NET_WAIT;
    if (!tap->held) {
        tap->kept = 0;
    }
    return !tap->held;
}

static void tap_read(NetTapPort *tap)
{
    const struct iovec list[2] = { { &tap->offload, sizeof(tap->offload) },
                                   { tap->frame, sizeof(tap->frame) } };
    size_t header = tap->vnet_hdr ? sizeof(tap->offload) : 0;

    for (unsigned i = 0; i < BURST && !tap->held; i++) {
        ssize_t got;

        tap->offload = (NetOffload){ 0 };
        got = readv(tap->fd, tap->vnet_hdr ? list : list + 1, tap->vnet_hdr ? 2 : 1);
        if (got <= (ssize_t)header) {
            break;
        }
        tap->kept = (size_t)got - header;
        kept_deliver(tap);
    }
}

static void tap_ready(void *opaque, GIOCondition condition)
{
    NetTapPort *tap = opaque;

    if (tap->full && (condition & (G_IO_OUT | G_IO_ERR)) != 0) {
        tap->full = false;
        net_port_ready(tap->port);
    }
    if ((condition & G_IO_IN) != 0 && !tap->held) {
        tap_read(tap);
    }
    if ((condition & (G_IO_ERR | G_IO_HUP)) != 0) { /* the interface is gone */
        net_watch_set(tap->watch, 0);
        net_port_set_link(tap->port, false);
        return;
    }
    watch_update(tap);
}

static void tap_room(void *opaque)
{
    NetTapPort *tap = opaque;

    if (kept_deliver(tap)) {
        watch_update(tap);
    }
}

static char *tap_describe(void *opaque)
{
    const NetTapPort *tap = opaque;

    return g_strdup_printf("ifname=%s", tap->ifname);
}

static void tap_free(void *opaque)
{
    NetTapPort *tap = opaque;

    net_watch_free(tap->watch);
    if (tap->downscript != NULL) {
        tap_script(tap->downscript, tap->ifname, NULL);
    }
    if (tap->fd >= 0) {
        close(tap->fd);
    }
    g_free(tap->downscript);
    g_free(tap);
}

static const NetPortOps tap_ops = {
    .receive = tap_receive,
    .room = tap_room,
    .describe = tap_describe,
    .free = tap_free,
};

/* ---- Setting up ---- */

/* What the kernel may leave to us it may leave to the cable. */
static void offloads_set(NetTapPort *tap)
{
    int size = sizeof(NetOffload);

    if (tap->vnet_hdr && ioctl(tap->fd, TUNSETVNETHDRSZ, &size) == 0 &&
        ioctl(tap->fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN) == 0) {
        net_port_set_takes(tap->port,
                           NET_TAKES_CSUM | NET_TAKES_TSO4 | NET_TAKES_TSO6 | NET_TAKES_ECN);
    }
}

static bool tap_interface(NetTapPort *tap, const NetTapOptions *options, GError **error)
{
    struct ifreq request = { 0 };

    if (ioctl(tap->fd, TUNGETIFF, &request) != 0) {
        g_set_error(error, NET_ERROR, NET_ERROR_VALUE, "fd=%d is not a tap interface: %s", tap->fd,
                    g_strerror(errno));
        return false;
    }
    g_strlcpy(tap->ifname, request.ifr_name, sizeof(tap->ifname));
    tap->vnet_hdr = ((unsigned short)request.ifr_flags & IFF_VNET_HDR) != 0;
    if (options->want_vnet_hdr && !tap->vnet_hdr) {
        g_set_error(error, NET_ERROR, NET_ERROR_HOST,
                    "vnet_hdr=1 requested, but no kernel support for IFF_VNET_HDR available");
        return false;
    }
    if (options->sndbuf != 0) {
        int bytes = (int)MIN(options->sndbuf, G_MAXINT);

        ioctl(tap->fd, TUNSETSNDBUF, &bytes);
    }
    return fcntl(tap->fd, F_SETFL, O_NONBLOCK | O_RDWR) == 0;
}

NetPort *net_tap_new(const NetHost *host, const NetTapOptions *options, GError **error)
{
    NetTapPort *tap = g_new0(NetTapPort, 1);
    bool ours = options->fd < 0 && !options->bridge_helper;

    tap->host = *host;
    tap->port = net_port_new(options->bridge_helper && options->helper == NULL ? "bridge" : "tap",
                             options->id, &tap_ops, tap);
    tap->fd = options->fd >= 0 ? options->fd : tap_open(options, error);
    if (tap->fd < 0 || !tap_interface(tap, options, error) ||
        (ours && options->script != NULL && !tap_script(options->script, tap->ifname, error))) {
        net_port_free(tap->port);
        return NULL;
    }
    if (ours) {
        tap->downscript = g_strdup(options->downscript);
    }
    offloads_set(tap);
    tap->watch = net_watch_new(host, tap->fd, tap_ready, tap);
    watch_update(tap);
    return tap->port;
}
