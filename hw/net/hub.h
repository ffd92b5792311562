/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_NET_HUB_H
#define HW_NET_HUB_H
/* hub.h - joins any number of ports: what comes in at one goes out at all others.  Who has no room
 * loses the packet, as behind a hub of wires. */
#include "hw/net/net.h"

typedef struct NetHub NetHub;

NetHub *net_hub_new(unsigned number);
void net_hub_free(NetHub *hub); /* and its ports */
unsigned net_hub_number(const NetHub *hub);
/* A new port of it. `id` may be NULL. Freeing the port takes it off the hub. */
NetPort *net_hub_add_port(NetHub *hub, const char *id);

#endif
