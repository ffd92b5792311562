/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netdev_tap.c - the words of -netdev tap and bridge. */
#include <stdio.h>
#include <string.h>

#include "runtime/machine/netdev_socket.h"
#include "runtime/machine/options_int.h"

#define SCRIPT      "/etc/qemu-ifup"
#define DOWN_SCRIPT "/etc/qemu-ifdown"

const char *const netdev_tap_keys[] = { "fd",         "fds",    "ifname",  "script",
                                        "downscript", "br",     "helper",  "sndbuf",
                                        "vnet_hdr",   "vhost",  "vhostfd", "vhostfds",
                                        "vhostforce", "queues", "poll-us", NULL };
const char *const netdev_bridge_keys[] = { "br", "helper", NULL };

/* vhost is a way to be faster that needs the kernel's help: without it the network is the same. */
static void vhost_warn(const KeyValues *values)
{
    bool on = false;

    for (guint i = 0; i < values->list->len; i++) {
        const KeyValue *pair = &g_array_index(values->list, KeyValue, i);

        on |= g_str_has_prefix(pair->key, "vhost") && strcmp(pair->value, "off") != 0;
    }
    if (on) {
        fprintf(stderr,
                "doppel: warning: -netdev tap,id=%s: vhost is not there; the network works "
                "without it\r\n",
                keyval_get(values, "id"));
    }
}

static bool combination_check(const KeyValues *values, GError **error)
{
    static const char *const of_new[] = { "ifname", "script", "downscript", "helper", "br", NULL };
    const char *fd = keyval_get(values, "fd"), *fds = keyval_get(values, "fds");
    uint64_t queues = 1;

    if (!keyval_number(values, "queues", 1024, &queues, error)) {
        return false;
    }
    if (queues > 1 || (fds != NULL && strchr(fds, ':') != NULL)) {
        return option_fail(error, OPTIONS_ERROR_REFUSED, "a tap interface has one queue here");
    }
    if (fd != NULL && fds != NULL) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "fd= and fds= cannot be used together");
    }
    for (unsigned i = 0; (fd != NULL || fds != NULL) && of_new[i] != NULL; i++) {
        if (keyval_get(values, of_new[i]) != NULL) {
            return option_fail(error, OPTIONS_ERROR_VALUE,
                               "ifname=, script=, downscript=, br= and helper= are invalid with "
                               "fd=");
        }
    }
    if (keyval_get(values, "helper") != NULL &&
        (keyval_get(values, "ifname") != NULL || keyval_get(values, "script") != NULL ||
         keyval_get(values, "downscript") != NULL)) {
        return option_fail(error, OPTIONS_ERROR_VALUE,
                           "ifname=, script= and downscript= are invalid with helper=");
    }
    return true;
}

/* NULL: none. */
static const char *script_of(const KeyValues *values, const char *key, const char *standard)
{
    const char *script = keyval_get(values, key);

    script = script != NULL ? script : standard;
    return strcmp(script, "no") == 0 || script[0] == '\0' ? NULL : script;
}

NetPort *netdev_tap_open(const NetHost *host, const KeyValues *values, GError **error)
{
    const char *fd = keyval_get(values, "fd"), *size = keyval_get(values, "sndbuf");
    NetTapOptions options = { .id = keyval_get(values, "id"),
                              .ifname = keyval_get(values, "ifname"),
                              .script = script_of(values, "script", SCRIPT),
                              .downscript = script_of(values, "downscript", DOWN_SCRIPT),
                              .helper = keyval_get(values, "helper"),
                              .bridge = keyval_get(values, "br"),
                              .fd = -1 };
    bool vnet_hdr = true;

    if (!combination_check(values, error) || !keyval_bool(values, "vnet_hdr", &vnet_hdr, error)) {
        return NULL;
    }
    if (size != NULL && !size_parse(size, 1, &options.sndbuf)) {
        option_fail(error, OPTIONS_ERROR_VALUE, "Parameter 'sndbuf' expects a size");
        return NULL;
    }
    options.bridge_helper = options.helper != NULL;
    options.no_vnet_hdr = !vnet_hdr;
    options.want_vnet_hdr = vnet_hdr && keyval_get(values, "vnet_hdr") != NULL;
    fd = fd != NULL ? fd : keyval_get(values, "fds");
    if (fd != NULL) {
        options.fd = netdev_fd(host, fd, error);
        if (options.fd < 0) {
            return NULL;
        }
    }
    vhost_warn(values);
    return net_tap_new(host, &options, error);
}

NetPort *netdev_bridge_open(const NetHost *host, const KeyValues *values, GError **error)
{
    const NetTapOptions options = { .id = keyval_get(values, "id"),
                                    .helper = keyval_get(values, "helper"),
                                    .bridge = keyval_get(values, "br"),
                                    .bridge_helper = true,
                                    .fd = -1 };

    return net_tap_new(host, &options, error);
}
