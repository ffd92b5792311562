/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_NETDEV_SOCKET_H
#define RUNTIME_MACHINE_NETDEV_SOCKET_H
/* netdev_socket.h - the words of the host ends that are sockets or interfaces of the host. */
#include "hw/net/netdev.h"
#include "runtime/machine/keyval.h"

typedef NetPort *NetdevOpen(const NetHost *host, const KeyValues *values, GError **error);

NetdevOpen netdev_socket_open, netdev_stream_open, netdev_dgram_open; /* netdev_socket.c */
NetdevOpen netdev_tap_open, netdev_bridge_open;                       /* netdev_tap.c */
extern const char *const netdev_socket_keys[],
    *const netdev_stream_keys[], *const netdev_dgram_keys[], *const netdev_tap_keys[],
                                                                 *const netdev_bridge_keys[];

/* A number, or the name under which a client has given it to us; -1: neither. */
int netdev_fd(const NetHost *host, const char *word, GError **error);

#endif
