/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netdev_types.c - the host ends of networks by the words of -netdev. */
#include "runtime/machine/netdev_types.h"

#include <stdio.h>
#include <string.h>

#include "runtime/machine/netdev_socket.h"
#include "runtime/machine/options_int.h"

static GStrv values_of(const KeyValues *values, const char *key)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new();

    for (guint i = 0; i < values->list->len; i++) {
        const KeyValue *pair = &g_array_index(values->list, KeyValue, i);

        if (strcmp(pair->key, key) == 0) {
            g_ptr_array_add(list, g_strdup(pair->value));
        }
    }
    g_ptr_array_add(list, NULL);
    return (GStrv)g_ptr_array_free(g_steal_pointer(&list), FALSE);
}

static NetPort *user_open(const NetHost *host, const KeyValues *values, GError **error)
{
    g_auto(GStrv) hostfwd = values_of(values, "hostfwd"), guestfwd = values_of(values, "guestfwd");
    g_auto(GStrv) dnssearch = values_of(values, "dnssearch");
    const char *prefix = keyval_get(values, "ipv6-prefix");
    bool ipv4 = true, ipv6 = true, restricted = false;
    uint64_t length = 0;
    NetUserOptions options = {
        .id = keyval_get(values, "id"),
        .net = keyval_get(values, "net"),
        .host = keyval_get(values, "host"),
        .dhcpstart = keyval_get(values, "dhcpstart"),
        .dns = keyval_get(values, "dns"),
        .ipv6_prefix = prefix,
        .ipv6_host = keyval_get(values, "ipv6-host"),
        .ipv6_dns = keyval_get(values, "ipv6-dns"),
        .hostname = keyval_get(values, "hostname"),
        .domainname = keyval_get(values, "domainname"),
        .tftp = keyval_get(values, "tftp"),
        .bootfile = keyval_get(values, "bootfile"),
        .tftp_server_name = keyval_get(values, "tftp-server-name"),
        .smb = keyval_get(values, "smb"),
        .smbserver = keyval_get(values, "smbserver"),
        .dnssearch = *dnssearch != NULL ? (const char *const *)dnssearch : NULL,
        .hostfwd = (const char *const *)hostfwd,
        .guestfwd = (const char *const *)guestfwd,
    };

    if (!keyval_bool(values, "ipv4", &ipv4, error) || !keyval_bool(values, "ipv6", &ipv6, error) ||
        !keyval_bool(values, "restrict", &restricted, error) ||
        !keyval_number(values, "ipv6-prefixlen", 126, &length, error)) {
        return NULL;
    }
    /* One that was asked for alone is alone. */
    if (keyval_get(values, "ipv4") != NULL && ipv4 && keyval_get(values, "ipv6") == NULL) {
        ipv6 = false;
    } else if (keyval_get(values, "ipv6") != NULL && ipv6 && keyval_get(values, "ipv4") == NULL) {
        ipv4 = false;
    }
    options.no_ipv4 = !ipv4;
    options.no_ipv6 = !ipv6;
    options.restricted = restricted;
    options.ipv6_prefix_length = (unsigned)length;
    return net_user_new(host, &options, error);
}

static const char *const user_keys[] = {
    "ipv4",        "ipv6",           "restrict",         "net",        "host",      "dhcpstart",
    "dns",         "dnssearch",      "hostname",         "domainname", "tftp",      "bootfile",
    "smb",         "smbserver",      "hostfwd",          "guestfwd",   "ipv6-host", "ipv6-dns",
    "ipv6-prefix", "ipv6-prefixlen", "tftp-server-name", NULL,
};

typedef struct NetdevType {
    const char *name;
    const char *const *keys; /* but type and id */
    NetdevOpen *open;
} NetdevType;

static const NetdevType types[] = {
    { "user", user_keys, user_open },
    { "socket", netdev_socket_keys, netdev_socket_open },
    { "stream", netdev_stream_keys, netdev_stream_open },
    { "dgram", netdev_dgram_keys, netdev_dgram_open },
    { "tap", netdev_tap_keys, netdev_tap_open },
    { "bridge", netdev_bridge_keys, netdev_bridge_open },
};

void netdev_types_print(void)
{
    printf("Available netdev backend types:\nhubport\n");
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        printf("%s\n", types[i].name);
    }
}

static bool keys_known(const KeyValues *values, const char *const *known, GError **error)
{
    for (guint i = 0; i < values->list->len; i++) {
        const char *key = g_array_index(values->list, KeyValue, i).key;

        if (strcmp(key, "type") != 0 && strcmp(key, "id") != 0 && !g_strv_contains(known, key)) {
            return option_fail(error, OPTIONS_ERROR_VALUE, "Invalid parameter '%s'", key);
        }
    }
    return true;
}

NetPort *netdev_open(const NetHost *host, const KeyValues *values, GError **error)
{
    const char *name = keyval_get(values, "type");

    for (size_t i = 0; name != NULL && i < G_N_ELEMENTS(types); i++) {
        if (strcmp(types[i].name, name) == 0) {
            return keys_known(values, types[i].keys, error) ? types[i].open(host, values, error)
                                                            : NULL;
        }
    }
    option_fail(error, OPTIONS_ERROR_VALUE,
                "Parameter 'type' expects a netdev backend type (-netdev help lists them)");
    return NULL;
}
