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
    /* The descriptor that a client gave us under this name; -1: there is none. NULL: none at all.
     */
    int (*take_fd)(void *opaque, const char *name);
    /* Something for QMP: `data` is an a{sv} without a reference. NULL: nobody listens. */
    void (*event)(void *opaque, const char *name, GVariant *data);
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

/* ---- Sockets: other machines, switches, passt ---- */

typedef enum NetAddressKind {
    NET_ADDRESS_NONE,
    NET_ADDRESS_INET,
    NET_ADDRESS_UNIX,
    NET_ADDRESS_FD
} NetAddressKind;

typedef struct NetAddress { /* borrowed words */
    NetAddressKind kind;
    const char *host, *port; /* host NULL or "": all of ours, or this machine */
    unsigned to;             /* the last port that will do for a server; 0: only the one */
    bool no_ipv4, no_ipv6;
    const char *path; /* of a unix socket; abstract: without its NUL */
    bool abstract;
    int fd; /* ours from now on */
} NetAddress;

/* Frames on a stream, each behind its length. A server takes one client at a time, and the next one
 * when that has gone; the link is up while there is one. `kind`: "socket" or "stream". */
NetPort *net_stream_new(const NetHost *host, const char *kind, const char *id,
                        const NetAddress *address, bool server, GError **error);
/* A frame a datagram. `remote` may be a multicast group, and `local` then the address of ours that
 * has it; what we send there does not come back to us. `remote` of no kind: an FD that is connected
 * or has a group. `kind`: "socket" or "dgram". */
NetPort *net_dgram_new(const NetHost *host, const char *kind, const char *id,
                       const NetAddress *local, const NetAddress *remote, GError **error);

/* ---- tap: an interface of the host's kernel ---- */

typedef struct NetTapOptions { /* NULL: not given */
    const char *id, *ifname, *script, *downscript, *helper, *bridge;
    int fd;             /* of an interface that was set up; -1: make one */
    bool bridge_helper; /* the helper makes it, and puts it on the bridge */
    bool no_vnet_hdr, want_vnet_hdr;
    uint64_t sndbuf; /* bytes that may wait; 0: no bound */
} NetTapOptions;

NetPort *net_tap_new(const NetHost *host, const NetTapOptions *options, GError **error);

/* ---- dump: what passes a port, into a pcap file ---- */

typedef struct NetDump NetDump;
NetDump *net_dump_new(NetPort *port, const char *path, uint32_t maxlen, GError **error);
void net_dump_free(NetDump *dump); /* the port may have gone */

#endif
