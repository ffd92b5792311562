/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/net/hub.h"

typedef struct HubPort {
    NetHub *hub;
    NetPort *port;
} HubPort;

struct NetHub {
    unsigned number;
    GPtrArray *ports; /* of HubPort */
};

static bool hub_receive(void *opaque, const struct iovec *iov, unsigned n,
                        const NetOffload *offload)
{
    const HubPort *from = opaque;
    const NetHub *hub = from->hub;

    for (guint i = 0; i < hub->ports->len; i++) {
        const HubPort *to = g_ptr_array_index(hub->ports, i);

        if (to != from) {
            net_send(to->port, iov, n, offload);
        }
    }
    return true;
}

static char *hub_describe(void *opaque)
{
    return g_strdup_printf("hubid=%u", ((const HubPort *)opaque)->hub->number);
}

static void hub_port_free(void *opaque)
{
    HubPort *port = opaque;

    g_ptr_array_remove(port->hub->ports, port);
    g_free(port);
}

/* Unfinished packets pass: each receiver's cable does what that one needs. */
static const NetPortOps hub_ops = {
    .receive = hub_receive,
    .describe = hub_describe,
    .free = hub_port_free,
};

NetHub *net_hub_new(unsigned number)
{
    NetHub *hub = g_new0(NetHub, 1);

    hub->number = number;
    hub->ports = g_ptr_array_new();
    return hub;
}

void net_hub_free(NetHub *hub)
{
    while (hub->ports->len > 0) {
        net_port_free(((HubPort *)g_ptr_array_index(hub->ports, 0))->port);
    }
    g_ptr_array_unref(hub->ports);
    g_free(hub);
}

unsigned net_hub_number(const NetHub *hub)
{
    return hub->number;
}

NetPort *net_hub_add_port(NetHub *hub, const char *id)
{
    HubPort *port = g_new0(HubPort, 1);

    port->hub = hub;
    port->port = net_port_new("hubport", id, &hub_ops, port);
    net_port_set_takes(port->port,
                       NET_TAKES_CSUM | NET_TAKES_TSO4 | NET_TAKES_TSO6 | NET_TAKES_ECN);
    g_ptr_array_add(hub->ports, port);
    return port->port;
}
