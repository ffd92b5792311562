/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio_vsock_host.c - callers on the host: who connects to the socket and says "CONNECT PORT". */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "hw/net/net_socket.h"
#include "hw/virtio/virtio_vsock_int.h"

enum { LINE_MAX_BYTES = 32 };
#define COMMAND "CONNECT "

typedef struct VsockCaller {
    VirtVsock *vsock;
    int fd;
    NetWatch *watch;
    unsigned used;
    char line[LINE_MAX_BYTES];
} VsockCaller;

/* `keep`: its descriptor is somebody else's now. */
static void caller_free(VsockCaller *caller, bool keep)
{
    g_hash_table_remove(caller->vsock->callers, caller);
    net_watch_free(caller->watch);
    if (!keep) {
        close(caller->fd);
    }
    g_free(caller);
}

static bool line_parse(const char *line, uint32_t *port)
{
    char *end;
    guint64 value;

    if (!g_str_has_prefix(line, COMMAND) || !g_ascii_isdigit(line[strlen(COMMAND)])) {
        return false;
    }
    value = g_ascii_strtoull(line + strlen(COMMAND), &end, 10);
    *port = (uint32_t)value;
    return *end == '\0' && value <= UINT32_MAX;
}

static uint32_t port_choose(VirtVsock *vsock, uint32_t guest_port)
{
    do {
        vsock->next_port = vsock->next_port == UINT32_MAX ? (uint32_t)VSOCK_FIRST_PORT
                                                          : vsock->next_port + 1;
    } while (vsock_connection_find(vsock, guest_port, vsock->next_port) != NULL);
    return vsock->next_port;
}

static void caller_connect(VsockCaller *caller)
{
    VirtVsock *vsock = caller->vsock;
    VsockConnection *connection;
    uint32_t port;
    int fd = caller->fd;

    if (!line_parse(caller->line, &port) || !virtio_device_working(&vsock->device)) {
        caller_free(caller, false);
        return;
    }
    caller_free(caller, true);
    connection = vsock_connection_new(vsock, port, port_choose(vsock, port), fd);
    if (connection != NULL) {
        connection->asked = true;
        vsock_packet_for(connection, VSOCK_REQUEST, 0);
    }
}

/* Byte by byte: what follows the line is for the guest. */
static void caller_ready(void *opaque, GIOCondition condition)
{
    VsockCaller *caller = opaque;

    (void)condition;
    for (;;) {
        ssize_t got = recv(caller->fd, caller->line + caller->used, 1, MSG_DONTWAIT);

        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (got <= 0 || caller->used + 1 == sizeof(caller->line)) {
            caller_free(caller, false);
            return;
        }
        if (caller->line[caller->used] == '\n') {
            caller->line[caller->used] = '\0';
            caller_connect(caller);
            return;
        }
        caller->used++;
    }
}

static void host_accept(void *opaque, GIOCondition condition)
{
    VirtVsock *vsock = opaque;
    int fd = accept4(vsock->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    VsockCaller *caller;

    (void)condition;
    if (fd < 0) {
        return;
    }
    if (g_hash_table_size(vsock->callers) >= VSOCK_CALLERS_MAX) {
        close(fd);
        return;
    }
    caller = g_new0(VsockCaller, 1);
    caller->vsock = vsock;
    caller->fd = fd;
    caller->watch = net_watch_new(&vsock->host, fd, caller_ready, caller);
    g_hash_table_add(vsock->callers, caller);
    net_watch_set(caller->watch, G_IO_IN);
}

bool vsock_listen(VirtVsock *vsock, GError **error)
{
    const NetAddress address = { .kind = NET_ADDRESS_UNIX, .path = vsock->path };
    bool connecting;
    int other = net_socket_connect(&address, &connecting, NULL);

    if (other >= 0) {
        close(other);
        g_set_error(error, NET_ERROR, NET_ERROR_HOST,
                    "vhost-vsock: unable to set guest cid: Address already in use (%s)",
                    vsock->path);
        return false;
    }
    vsock->listener = net_socket_listen(&address, error);
    if (vsock->listener < 0) {
        return false;
    }
    vsock->accept = net_watch_new(&vsock->host, vsock->listener, host_accept, vsock);
    net_watch_set(vsock->accept, G_IO_IN);
    return true;
}

void vsock_host_clear(VirtVsock *vsock)
{
    GHashTableIter iter;
    gpointer caller;

    g_hash_table_iter_init(&iter, vsock->callers);
    while (g_hash_table_iter_next(&iter, &caller, NULL)) {
        caller_free(caller, false);
        g_hash_table_iter_init(&iter, vsock->callers);
    }
    if (vsock->listener >= 0) {
        net_watch_free(vsock->accept);
        close(vsock->listener);
        unlink(vsock->path);
    }
}
