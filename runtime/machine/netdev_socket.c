/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netdev_socket.c - the words of -netdev socket, stream and dgram. */
#include "runtime/machine/netdev_socket.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/machine/options_int.h"

const char *const netdev_socket_keys[] = { "fd",  "listen",    "connect", "mcast",
                                           "udp", "localaddr", NULL };
const char *const netdev_stream_keys[] = { "server",    "addr.type",       "addr.host",
                                           "addr.port", "addr.to",         "to",
                                           "addr.ipv4", "addr.ipv6",       "addr.numeric",
                                           "addr.path", "addr.abstract",   "addr.tight",
                                           "addr.str",  "addr.keep-alive", NULL };
const char *const netdev_dgram_keys[] = { "local.type",  "local.host",      "local.port",
                                          "local.path",  "local.str",       "local.abstract",
                                          "remote.type", "remote.host",     "remote.port",
                                          "remote.path", "remote.abstract", NULL };

int netdev_fd(const NetHost *host, const char *word, GError **error)
{
    uint64_t number;
    int fd = -1;

    if (g_ascii_isdigit(word[0])) {
        if (number_parse(word, INT32_MAX, &number) && fcntl((int)number, F_GETFD) >= 0) {
            return (int)number;
        }
    } else if (host->take_fd != NULL) {
        fd = host->take_fd(host->opaque, word);
    }
    if (fd < 0) {
        option_fail(error, OPTIONS_ERROR_VALUE, "no file descriptor '%s' is open here", word);
    }
    return fd;
}

/* ---- socket ---- */

/* "[HOST]:PORT", the host maybe in brackets; `words` keeps the parts. */
static bool host_port(const char *text, NetAddress *address, char **words, GError **error)
{
    char *colon;

    *words = g_strdup(text);
    colon = strrchr(*words, ':');
    if (colon == NULL || colon[1] == '\0') {
        return option_fail(error, OPTIONS_ERROR_VALUE,
                           "host address '%s' doesn't contain ':' "
                           "separating host from port",
                           text);
    }
    *colon = '\0';
    *address = (NetAddress){ .kind = NET_ADDRESS_INET, .host = *words, .port = colon + 1 };
    if (address->host[0] == '[' && colon[-1] == ']') {
        colon[-1] = '\0';
        address->host++;
    }
    return true;
}

static bool is_stream(int fd)
{
    int type = 0;
    socklen_t size = sizeof(type);

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

static NetPort *socket_of_fd(const NetHost *host, const char *id, const char *word, GError **error)
{
    NetAddress address = { .kind = NET_ADDRESS_FD, .fd = netdev_fd(host, word, error) },
               none = { 0 };

    if (address.fd < 0) {
        return NULL;
    }
    return is_stream(address.fd) ? net_stream_new(host, "socket", id, &address, false, error)
                                 : net_dgram_new(host, "socket", id, &address, &none, error);
}

/* mcast= and udp=. */
static NetPort *socket_datagrams(const NetHost *host, const KeyValues *values, const char *text,
                                 GError **error)
{
    const char *own = keyval_get(values, "localaddr"), *id = keyval_get(values, "id");
    g_autofree char *remote_words = NULL, *local_words = NULL;
    bool mcast = keyval_get(values, "mcast") != NULL;
    NetAddress remote, local = { 0 };

    if (!host_port(text, &remote, &remote_words, error)) {
        return NULL;
    }
    if (own == NULL && !mcast) {
        option_fail(error, OPTIONS_ERROR_VALUE, "localaddr= is mandatory with udp=");
        return NULL;
    }
    if (own != NULL && mcast) {
        local = (NetAddress){ .kind = NET_ADDRESS_INET, .host = own, .port = "0" };
    } else if (own != NULL && !host_port(own, &local, &local_words, error)) {
        return NULL;
    }
    return net_dgram_new(host, "socket", id, &local, &remote, error);
}

NetPort *netdev_socket_open(const NetHost *host, const KeyValues *values, GError **error)
{
    static const char *const ways[] = { "fd", "listen", "connect", "mcast", "udp" };
    const char *id = keyval_get(values, "id"), *text = NULL, *way = NULL;
    g_autofree char *words = NULL;
    NetAddress address;
    unsigned given = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(ways); i++) {
        if (keyval_get(values, ways[i]) != NULL) {
            given++;
            way = ways[i];
            text = keyval_get(values, way);
        }
    }
    if (given != 1) {
        option_fail(error, OPTIONS_ERROR_VALUE,
                    "exactly one of listen=, connect=, mcast= or udp= is required");
        return NULL;
    }
    if (strcmp(way, "mcast") == 0 || strcmp(way, "udp") == 0) {
        return socket_datagrams(host, values, text, error);
    }
    if (keyval_get(values, "localaddr") != NULL) {
        option_fail(error, OPTIONS_ERROR_VALUE, "localaddr= is only valid with mcast= or udp=");
        return NULL;
    }
    if (strcmp(way, "fd") == 0) {
        return socket_of_fd(host, id, text, error);
    }
    return host_port(text, &address, &words, error)
               ? net_stream_new(host, "socket", id, &address, strcmp(way, "listen") == 0, error)
               : NULL;
}

/* ---- stream and dgram: addresses by their type ---- */

static const char *part(const KeyValues *values, const char *prefix, const char *name)
{
    g_autofree char *key = g_strconcat(prefix, ".", name, NULL);

    return keyval_get(values, key);
}

static bool part_bool(const KeyValues *values, const char *prefix, const char *name, bool *result,
                      GError **error)
{
    g_autofree char *key = g_strconcat(prefix, ".", name, NULL);

    return keyval_bool(values, key, result, error);
}

static bool missing(const char *prefix, const char *name, GError **error)
{
    return option_fail(error, OPTIONS_ERROR_VALUE, "Parameter '%s.%s' is missing", prefix, name);
}

static bool inet_parse(const KeyValues *values, const char *prefix, NetAddress *address,
                       GError **error)
{
    bool ipv4 = true, ipv6 = true;
    uint64_t to = 0;

    address->kind = NET_ADDRESS_INET;
    address->host = part(values, prefix, "host");
    address->port = part(values, prefix, "port");
    if (address->host == NULL) {
        return missing(prefix, "host", error);
    }
    if (!part_bool(values, prefix, "ipv4", &ipv4, error) ||
        !part_bool(values, prefix, "ipv6", &ipv6, error) ||
        !keyval_number(values, "to", 65535, &to, error) ||
        !keyval_number(values, "addr.to", 65535, &to, error)) {
        return false;
    }
    address->no_ipv4 = !ipv4;
    address->no_ipv6 = !ipv6;
    address->to = (unsigned)to;
    return true;
}

/* Leaves NET_ADDRESS_NONE where there are no words of it. */
static bool address_parse(const NetHost *host, const KeyValues *values, const char *prefix,
                          NetAddress *address, GError **error)
{
    const char *type = part(values, prefix, "type"), *word;

    *address = (NetAddress){ 0 };
    if (type == NULL) {
        return true;
    }
    if (strcmp(type, "inet") == 0) {
        return inet_parse(values, prefix, address, error);
    }
    if (strcmp(type, "unix") == 0) {
        address->kind = NET_ADDRESS_UNIX;
        address->path = part(values, prefix, "path");
        return address->path != NULL
                   ? part_bool(values, prefix, "abstract", &address->abstract, error)
                   : missing(prefix, "path", error);
    }
    if (strcmp(type, "fd") == 0) {
        address->kind = NET_ADDRESS_FD;
        word = part(values, prefix, "str");
        address->fd = word != NULL ? netdev_fd(host, word, error) : -1;
        return word != NULL ? address->fd >= 0 : missing(prefix, "str", error);
    }
    return option_fail(error, OPTIONS_ERROR_VALUE,
                       "Parameter '%s.type' does not accept value '%s': inet, unix or fd", prefix,
                       type);
}

NetPort *netdev_stream_open(const NetHost *host, const KeyValues *values, GError **error)
{
    NetAddress address;
    bool server = false;

    if (!keyval_bool(values, "server", &server, error) ||
        !address_parse(host, values, "addr", &address, error)) {
        return NULL;
    }
    if (address.kind == NET_ADDRESS_NONE || (address.kind == NET_ADDRESS_INET && !address.port)) {
        missing("addr", address.kind == NET_ADDRESS_NONE ? "type" : "port", error);
        return NULL;
    }
    return net_stream_new(host, "stream", keyval_get(values, "id"), &address, server, error);
}

static bool dgram_check(NetAddress *local, const NetAddress *remote, GError **error)
{
    if (local->kind == NET_ADDRESS_NONE && remote->kind == NET_ADDRESS_NONE) {
        return option_fail(error, OPTIONS_ERROR_VALUE,
                           "dgram requires local= or remote= parameter");
    }
    if (remote->kind == NET_ADDRESS_FD) {
        return option_fail(error, OPTIONS_ERROR_VALUE,
                           "don't know how to send to a file descriptor");
    }
    if (remote->kind == NET_ADDRESS_INET && remote->port == NULL) {
        return missing("remote", "port", error);
    }
    if (remote->kind == NET_ADDRESS_NONE && local->kind != NET_ADDRESS_FD) {
        return option_fail(error, OPTIONS_ERROR_VALUE,
                           "type=inet and type=unix require remote= parameter");
    }
    if (remote->kind == NET_ADDRESS_UNIX && local->kind == NET_ADDRESS_NONE) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "type=unix requires local= parameter");
    }
    if (local->kind == NET_ADDRESS_INET && local->port == NULL) {
        local->port = "0"; /* a group has its own */
    }
    return true;
}

NetPort *netdev_dgram_open(const NetHost *host, const KeyValues *values, GError **error)
{
    NetAddress local, remote;

    if (!address_parse(host, values, "local", &local, error) ||
        !address_parse(host, values, "remote", &remote, error) ||
        !dgram_check(&local, &remote, error)) {
        return NULL;
    }
    return net_dgram_new(host, "dgram", keyval_get(values, "id"), &local, &remote, error);
}
