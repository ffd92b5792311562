/* SPDX-License-Identifier: GPL-2.0-or-later */
/* user_config.c - the addresses of a user network, from the words of -netdev user, with QEMU's
 * defaults. */
#include <arpa/inet.h>
#include <string.h>
#include "hw/net/user_int.h"

enum { NET_DEFAULT = 0x0a000200, MASK_DEFAULT = 0xffffff00 }; /* 10.0.2.0/24 */
enum { HOST_PART_HOST = 2, HOST_PART_DNS = 3, HOST_PART_DHCP = 15 };
enum { HOSTNAME_MAX = 33, TFTP_SERVER_MAX = 255, BOOTFILE_MAX = 127, DOMAIN_MAX = 255 };

static bool fail(GError **error, const char *what, const char *value)
{
    g_set_error(error, NET_ERROR, NET_ERROR_VALUE, "%s (%s)", what, value);
    return false;
}

/* The mask that a network without one has, by its class. */
static uint32_t class_mask(uint32_t net)
{
    return (net & 0x80000000) == 0            ? 0xff000000
           : (net & 0xfff00000) == 0xac100000 ? 0xfff00000
           : (net & 0xc0000000) == 0x80000000 ? 0xffff0000
           : (net & 0xffff0000) == 0xc0a80000 ? 0xffff0000
           : (net & 0xffff0000) == 0xc6120000 ? 0xfffe0000
           : (net & 0xe0000000) == 0xe0000000 ? 0xf0000000
                                              : 0xffffff00;
}

/* ADDRESS, ADDRESS/BITS or ADDRESS/MASK. */
static bool parse_net(const char *text, uint32_t *net, uint32_t *mask)
{
    g_auto(GStrv) part = g_strsplit(text, "/", 2);
    struct in_addr address;

    if (part[0] == NULL || inet_pton(AF_INET, part[0], &address) != 1) {
        return false;
    }
    *net = ntohl(address.s_addr);
    if (part[1] == NULL) {
        *mask = class_mask(*net);
    } else if (inet_pton(AF_INET, part[1], &address) == 1) {
        *mask = ntohl(address.s_addr);
    } else {
        char *end;
        unsigned long bits = strtoul(part[1], &end, 10);

        if (*part[1] == 0 || *end != 0 || bits < 4 || bits > 32) {
            return false;
        }
        *mask = UINT32_MAX << (32 - bits);
    }
    *net &= *mask;
    return true;
}

/* An address in the network; where `text` is NULL, the one with this host part. */
static bool parse_host(const char *text, const SlirpConfig *config, uint32_t part,
                       struct in_addr *address)
{
    uint32_t net = ntohl(config->vnetwork.s_addr), mask = ntohl(config->vnetmask.s_addr);

    if (text == NULL) {
        address->s_addr = htonl(net | (part & ~mask));
        return true;
    }
    return inet_pton(AF_INET, text, address) == 1 && (ntohl(address->s_addr) & mask) == net;
}

static bool config_ipv4(SlirpConfig *config, const NetUserOptions *options, GError **error)
{
    uint32_t net = NET_DEFAULT, mask = MASK_DEFAULT;

    config->in_enabled = !options->no_ipv4;
    if (options->net != NULL && !parse_net(options->net, &net, &mask)) {
        return fail(error, "Failed to parse network", options->net);
    }
    config->vnetwork.s_addr = htonl(net);
    config->vnetmask.s_addr = htonl(mask);
    if (!parse_host(options->host, config, HOST_PART_HOST, &config->vhost)) {
        return fail(error, "Host must be an address of the network", options->host);
    }
    if (!parse_host(options->dns, config, HOST_PART_DNS, &config->vnameserver) ||
        config->vnameserver.s_addr == config->vhost.s_addr) {
        return fail(error, "DNS must be an address of the network, and not the host's",
                    options->dns != NULL ? options->dns : "");
    }
    if (!parse_host(options->dhcpstart, config, HOST_PART_DHCP, &config->vdhcp_start) ||
        config->vdhcp_start.s_addr == config->vhost.s_addr ||
        config->vdhcp_start.s_addr == config->vnameserver.s_addr) {
        return fail(error, "DHCP must start at an address of the network that is free",
                    options->dhcpstart != NULL ? options->dhcpstart : "");
    }
    return true;
}

static bool parse_ipv6(const char *text, const char *initial, struct in6_addr *address)
{
    return inet_pton(AF_INET6, text != NULL ? text : initial, address) == 1;
}

/* The prefix, then what identifies a host in it. */
static bool host_ipv6(const char *text, const SlirpConfig *config, uint8_t part,
                      struct in6_addr *address)
{
    unsigned bytes = config->vprefix_len / 8;

    if (text != NULL) {
        return inet_pton(AF_INET6, text, address) == 1 &&
               memcmp(address, &config->vprefix_addr6, bytes) == 0;
    }
    *address = config->vprefix_addr6;
    address->s6_addr[15] |= part;
    return true;
}

static bool config_ipv6(SlirpConfig *config, const NetUserOptions *options, GError **error)
{
    config->in6_enabled = !options->no_ipv6;
    if (!parse_ipv6(options->ipv6_prefix, "fec0::", &config->vprefix_addr6)) {
        return fail(error, "Failed to parse IPv6 prefix", options->ipv6_prefix);
    }
    if (options->ipv6_prefix_length > 126) {
        return fail(error, "Invalid IPv6 prefix", "the length is 0 to 126");
    }
    config->vprefix_len = options->ipv6_prefix_length != 0 ? (uint8_t)options->ipv6_prefix_length
                                                           : 64;
    if (!host_ipv6(options->ipv6_host, config, HOST_PART_HOST, &config->vhost6)) {
        return fail(error, "IPv6 host must be an address of the prefix", options->ipv6_host);
    }
    if (!host_ipv6(options->ipv6_dns, config, HOST_PART_DNS, &config->vnameserver6)) {
        return fail(error, "IPv6 DNS must be an address of the prefix", options->ipv6_dns);
    }
    return true;
}

static bool config_names(SlirpConfig *config, const NetUserOptions *options, GError **error)
{
    const struct {
        const char *value, *what;
        size_t max;
    } rows[] = {
        { options->hostname, "hostname is too long", HOSTNAME_MAX },
        { options->domainname, "domainname is too long", DOMAIN_MAX },
        { options->bootfile, "bootfile is too long", BOOTFILE_MAX },
        { options->tftp_server_name, "tftp-server-name is too long", TFTP_SERVER_MAX },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (rows[i].value != NULL && strlen(rows[i].value) > rows[i].max) {
            return fail(error, rows[i].what, rows[i].value);
        }
    }
    if (options->domainname != NULL && *options->domainname == 0) {
        return fail(error, "'domainname' parameter cannot be empty", "");
    }
    config->vhostname = options->hostname;
    config->vdomainname = options->domainname;
    config->tftp_server_name = options->tftp_server_name;
    config->tftp_path = options->tftp;
    config->bootfile = options->bootfile;
    config->vdnssearch = (const char **)(uintptr_t)options->dnssearch;
    return true;
}

bool user_config(SlirpConfig *config, const NetUserOptions *options, GError **error)
{
    *config = (SlirpConfig){ .version = 1, .restricted = options->restricted };
    if (options->no_ipv4 && options->no_ipv6) {
        return fail(error, "IPv4 and IPv6 disabled", "one of them is needed");
    }
    return config_ipv4(config, options, error) && config_ipv6(config, options, error) &&
           config_names(config, options, error);
}
