/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nbd_wire.c - whole transfers on the socket of an NBD client. */
#include "hw/block/nbd_server_int.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

/* During the handshake: is there something to do before the deadline? */
static bool wire_wait(const NbdClient *client, short events)
{
    struct pollfd poll_fd = { client->fd, events, 0 };
    gint64 left;
    int ready;

    if (client->deadline == 0) {
        return true;
    }
    do {
        left = (client->deadline - g_get_monotonic_time()) / 1000;
        ready = left > 0 ? poll(&poll_fd, 1, (int)left) : 0;
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

bool nbd_receive(NbdClient *client, void *data, size_t size)
{
    uint8_t *at = data;

    while (size > 0) {
        ssize_t n = wire_wait(client, POLLIN) ? recv(client->fd, at, size, 0) : 0;

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        at += n;
        size -= (size_t)n;
    }
    return true;
}

bool nbd_skip(NbdClient *client, uint64_t size)
{
    uint8_t bucket[16 << 10];

    while (size > 0) {
        size_t part = MIN(size, sizeof(bucket));

        if (!nbd_receive(client, bucket, part)) {
            return false;
        }
        size -= part;
    }
    return true;
}

bool nbd_send(NbdClient *client, const struct iovec *iov, int n)
{
    uint64_t size = iov_size(iov, n);
    g_autofree struct iovec *left = g_new(struct iovec, n + 1);
    /* The handshake's sends are few and short, but a client need not read them. */
    int flags = MSG_NOSIGNAL | (client->deadline != 0 ? MSG_DONTWAIT : 0);

    for (uint64_t done = 0; done < size;) {
        struct msghdr message = { .msg_iov = left };
        ssize_t sent;

        message.msg_iovlen = (size_t)iov_slice(iov, n, done, size - done, left);
        sent = wire_wait(client, POLLOUT) ? sendmsg(client->fd, &message, flags) : -1;
        if (sent < 0 && (errno == EINTR || errno == EAGAIN) && wire_wait(client, POLLOUT)) {
            continue;
        }
        if (sent <= 0) {
            return false;
        }
        done += (uint64_t)sent;
    }
    return true;
}
