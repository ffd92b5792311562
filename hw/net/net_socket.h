/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_NET_NET_SOCKET_H
#define HW_NET_NET_SOCKET_H
/* net_socket.h - sockets from addresses. Non-blocking, close-on-exec, the caller's; -1 with an
 * error. */
#include <sys/socket.h>
#include <sys/un.h>
#include "hw/net/netdev.h"

typedef struct NetSockaddr {
    union {
        struct sockaddr any;
        struct sockaddr_un un;
        struct sockaddr_storage storage;
    };
    socklen_t size;
} NetSockaddr;

/* `type`: SOCK_STREAM or SOCK_DGRAM; `passive`: ours, to be bound. */
bool net_address_resolve(const NetAddress *address, int type, bool passive, NetSockaddr *to,
                         GError **error);
bool net_sockaddr_is_group(const NetSockaddr *at);
char *net_sockaddr_text(const NetSockaddr *at); /* g_free */

/* Removes a unix socket that somebody has left at an address of ours. */
void net_socket_clear(const NetAddress *address);
int net_socket_listen(const NetAddress *address, GError **error);
/* *connecting: it is not yet; writable when it is known. */
int net_socket_connect(const NetAddress *address, bool *connecting, GError **error);
int net_socket_bind(const NetSockaddr *at, bool shared, GError **error); /* datagrams */
/* Bound to the group; `own` NULL: by any interface. */
int net_socket_join(const NetSockaddr *group, const NetSockaddr *own, GError **error);
/* Takes a descriptor that was handed over. */
bool net_socket_take(int fd, int type, GError **error);

#endif
