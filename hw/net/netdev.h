/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_NET_NETDEV_H
#define HW_NET_NETDEV_H
/* netdev.h - host ends of networks: -netdev TYPE. Each is a NetPort that a NIC or a hub is
 * connected to; net_port_free() ends it. Made and freed with the device lock held; they work on the
 * main thread. */
#include "hw/clock.h"
#include "hw/net/net.h"

typedef struct NetHost { /* what they need of the machine; copied */
    Clock *clock;
    void (*lock)(void *opaque); /* the device lock */
    void (*unlock)(void *opaque);
    void *opaque;
} NetHost;

#define NET_ERROR net_error_quark()
GQuark net_error_quark(void);
typedef enum NetError {
    NET_ERROR_VALUE, /* an option cannot be what it is */
    NET_ERROR_RULE,  /* a forwarding rule */
    NET_ERROR_HOST,  /* the host refuses */
    NET_ERROR_PARTS, /* something is not installed */
} NetError;

/* ---- user: a network of its own, by libslirp ---- */

typedef struct NetUserOptions { /* words as on the command line; NULL: the default */
    const char *id;
    bool no_ipv4, no_ipv6, restricted;
    const char *net, *host, *dhcpstart, *dns;
    const char *ipv6_prefix, *ipv6_host, *ipv6_dns;
    unsigned ipv6_prefix_length; /* 0: 64 */
    const char *hostname, *domainname;
    const char *tftp, *bootfile, *tftp_server_name;
    const char *smb, *smbserver;
    const char *const *dnssearch, *const *hostfwd, *const *guestfwd; /* NULL ends them */
} NetUserOptions;

NetPort *net_user_new(const NetHost *host, const NetUserOptions *options, GError **error);
bool net_is_user(const NetPort *port);
/* "tcp:[HOST]:PORT-[GUEST]:PORT". */
bool net_user_add_hostfwd(NetPort *port, const char *rule, GError **error);
/* "tcp:[HOST]:PORT". */
bool net_user_remove_hostfwd(NetPort *port, const char *rule, GError **error);
char *net_user_info(NetPort *port); /* connections, for `info usernet`; caller frees */

#endif
