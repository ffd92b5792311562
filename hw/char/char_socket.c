/* SPDX-License-Identifier: GPL-2.0-or-later */
/* char_socket.c - unix:, tcp: and telnet:, as client or as server of one client at a time; the next
 * one waits in the backlog. */
#include "hw/char/chardev_int.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    IAC = 255,
    TELNET_DONT = 254,
    TELNET_WILL = 251,
    TELNET_DO = 253,
    TELNET_SB = 250,
    TELNET_BREAK = 243,
    TELNET_SE = 240,
    TELNET_BINARY = 0,
    TELNET_ECHO = 1,
    TELNET_SUPPRESS_GO_AHEAD = 3,
    RECONNECT_MAX = 3600,
};

typedef enum TelnetState {
    TELNET_DATA,
    TELNET_COMMAND,
    TELNET_OPTION,
    TELNET_PARAMETERS,
    TELNET_PARAMETERS_IAC,
} TelnetState;

typedef struct CharSocket {
    bool tcp, server, wait, telnet, nodelay;
    guint64 reconnect; /* seconds, 0: never */
    char *address;     /* path, or host:port */
    int listener;
    bool unlink_path; /* the listener's, when it goes */
    guint watch;      /* on the listener, or the reconnect timer */
    TelnetState state;
} CharSocket;

/* ---- Addresses ---- */

static int unix_open(CharSocket *sock, GError **error)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd;
    int result;

    if (strlen(sock->address) == 0 || strlen(sock->address) >= sizeof(address.sun_path)) {
        char_error(error, "a socket's path has 1 to %zu bytes", sizeof(address.sun_path) - 1);
        return -1;
    }
    strcpy(address.sun_path, sock->address);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && sock->server) {
        unlink(sock->address); /* left over from an earlier run */
        result = bind(fd, (struct sockaddr *)&address, sizeof(address));
        sock->unlink_path = result == 0;
        result = result == 0 ? listen(fd, 1) : result;
    } else {
        result = fd < 0 ? -1 : connect(fd, (struct sockaddr *)&address, sizeof(address));
    }
    if (result != 0) {
        char_error(error, "cannot %s: %s", sock->server ? "listen" : "connect", g_strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    return fd;
}

static int tcp_try(const CharSocket *sock, const struct addrinfo *info)
{
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC, info->ai_protocol);
    int one = 1;
    int result;

    if (fd < 0) {
        return -1;
    }
    if (sock->server) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        result = bind(fd, info->ai_addr, info->ai_addrlen);
        result = result == 0 ? listen(fd, 1) : result;
    } else {
        result = connect(fd, info->ai_addr, info->ai_addrlen);
    }
    if (result != 0) {
        int saved_errno = errno;

        close(fd);
        errno = saved_errno;
        return -1;
    }
    return fd;
}

static int tcp_open(const CharSocket *sock, GError **error)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
                                    .ai_flags = sock->server ? AI_PASSIVE : 0 };
    const char *colon = strrchr(sock->address, ':');
    g_autofree char *host = NULL;
    struct addrinfo *list = NULL;
    int fd = -1;
    int result;

    if (colon == NULL || colon[1] == '\0') {
        char_error(error, "the address is HOST:PORT");
        return -1;
    }
    host = g_strndup(sock->address, (gsize)(colon - sock->address));
    if (host[0] == '[' && g_str_has_suffix(host, "]")) {
        memmove(host, host + 1, strlen(host));
        host[strlen(host) - 1] = '\0';
    }
    result = getaddrinfo(host[0] != '\0' ? host : NULL, colon + 1, &hints, &list);
    if (result != 0) {
        char_error(error, "%s", gai_strerror(result));
        return -1;
    }
    for (const struct addrinfo *info = list; info != NULL && fd < 0; info = info->ai_next) {
        fd = tcp_try(sock, info);
    }
    if (fd < 0) {
        char_error(error, "cannot %s: %s", sock->server ? "listen" : "connect", g_strerror(errno));
    }
    freeaddrinfo(list);
    return fd;
}

static int socket_open(CharSocket *sock, GError **error)
{
    return sock->tcp ? tcp_open(sock, error) : unix_open(sock, error);
}

/* ---- Connections ---- */

static void socket_connected(CharDev *chr, int fd)
{
    static const uint8_t hello[] = {
        IAC, TELNET_WILL, TELNET_ECHO,   IAC, TELNET_WILL, TELNET_SUPPRESS_GO_AHEAD,
        IAC, TELNET_WILL, TELNET_BINARY, IAC, TELNET_DO,   TELNET_BINARY,
    };
    CharSocket *sock = chr->state;
    int one = 1;

    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    if (sock->tcp && sock->nodelay) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    }
    sock->state = TELNET_DATA;
    char_connect(chr, fd, fd);
    if (sock->telnet && sock->server) {
        char_output(chr, hello, sizeof(hello));
    }
}

static int socket_accept(const CharSocket *sock)
{
    int fd;

    do {
        fd = accept4(sock->listener, NULL, NULL, SOCK_CLOEXEC);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

static gboolean socket_incoming(gint fd, GIOCondition condition, gpointer opaque)
{
    CharDev *chr = opaque;
    CharSocket *sock = chr->state;
    int peer;

    (void)fd, (void)condition;
    char_lock(chr);
    peer = socket_accept(sock);
    if (peer >= 0) {
        sock->watch = 0;
        socket_connected(chr, peer);
    }
    char_unlock(chr);
    return peer < 0;
}

static gboolean socket_reconnect(gpointer opaque)
{
    CharDev *chr = opaque;
    CharSocket *sock = chr->state;
    int fd = socket_open(sock, NULL);

    if (fd < 0) {
        return G_SOURCE_CONTINUE;
    }
    char_lock(chr);
    sock->watch = 0;
    socket_connected(chr, fd);
    char_unlock(chr);
    return G_SOURCE_REMOVE;
}

static void char_socket_hangup(CharDev *chr)
{
    CharSocket *sock = chr->state;

    if (sock->watch != 0) {
        return;
    }
    if (sock->server) {
        sock->watch = g_unix_fd_add(sock->listener, G_IO_IN, socket_incoming, chr);
    } else if (sock->reconnect != 0) {
        sock->watch = g_timeout_add((guint)sock->reconnect * 1000, socket_reconnect, chr);
    }
}

static bool socket_serve(CharDev *chr, GError **error)
{
    CharSocket *sock = chr->state;
    int fd;

    sock->listener = socket_open(sock, error);
    if (sock->listener < 0) {
        return false;
    }
    if (sock->wait) {
        fprintf(stderr, "doppel: waiting for connection on: %s\n", chr->spec);
        fd = socket_accept(sock);
        if (fd < 0) {
            char_error(error, "cannot accept: %s", g_strerror(errno));
            return false;
        }
        socket_connected(chr, fd);
    } else {
        char_socket_hangup(chr);
    }
    return true;
}

static bool socket_call(CharDev *chr, GError **error)
{
    CharSocket *sock = chr->state;
    int fd = socket_open(sock, sock->reconnect != 0 ? NULL : error);

    if (fd >= 0) {
        socket_connected(chr, fd);
    } else if (sock->reconnect != 0) {
        char_socket_hangup(chr);
    }
    return fd >= 0 || sock->reconnect != 0;
}

static void char_socket_close(CharDev *chr)
{
    CharSocket *sock = chr->state;

    if (sock->watch != 0) {
        g_source_remove(sock->watch);
    }
    if (sock->listener >= 0) {
        close(sock->listener);
    }
    if (sock->unlink_path) {
        unlink(sock->address);
    }
    g_free(sock->address);
    g_free(sock);
}

/* ---- Telnet (RFC 854, 856) ---- */

/* One byte of input; true if it is data. */
static bool telnet_byte(CharDev *chr, CharSocket *sock, uint8_t byte)
{
    switch (sock->state) {
    case TELNET_DATA:
        if (byte == IAC) {
            sock->state = TELNET_COMMAND;
            return false;
        }
        return true;
    case TELNET_COMMAND:
        sock->state = TELNET_DATA;
        if (byte == TELNET_BREAK) {
            char_event(chr, CHAR_EVENT_BREAK);
        } else if (byte == TELNET_SB) {
            sock->state = TELNET_PARAMETERS;
        } else if (byte >= TELNET_WILL && byte <= TELNET_DONT) {
            sock->state = TELNET_OPTION;
        }
        return byte == IAC;
    case TELNET_OPTION:
        sock->state = TELNET_DATA;
        return false;
    case TELNET_PARAMETERS:
        sock->state = byte == IAC ? TELNET_PARAMETERS_IAC : TELNET_PARAMETERS;
        return false;
    default:
        sock->state = byte == TELNET_SE ? TELNET_DATA : TELNET_PARAMETERS;
        return false;
    }
}

static size_t char_socket_filter(CharDev *chr, uint8_t *data, size_t n)
{
    CharSocket *sock = chr->state;
    size_t kept = 0;

    if (!sock->telnet) {
        return n;
    }
    for (size_t i = 0; i < n; i++) {
        if (telnet_byte(chr, sock, data[i])) {
            data[kept++] = data[i];
        }
    }
    return kept;
}

static void char_socket_send(CharDev *chr, const uint8_t *data, size_t n)
{
    const CharSocket *sock = chr->state;
    size_t begin = 0;

    for (size_t i = 0; sock->telnet && i < n; i++) {
        if (data[i] == IAC) { /* sent twice */
            char_output(chr, data + begin, i + 1 - begin);
            begin = i;
        }
    }
    char_output(chr, data + begin, n - begin);
}

/* ---- Specifications ---- */

static bool socket_parse(CharSocket *sock, const char *args, GError **error)
{
    static const char *const known[] = { "server", "wait",      "telnet", "nodelay", "delay",
                                         "ipv4",   "reconnect", "ipv6",   NULL };
    CharOptions options = { 0 };
    const char *reconnect = NULL;
    bool ok = char_options_parse(&options, args, known, error) &&
              char_options_bool(&options, "server", &sock->server, error);

    sock->wait = sock->server;
    ok = ok && char_options_bool(&options, "wait", &sock->wait, error) &&
         char_options_bool(&options, "telnet", &sock->telnet, error) &&
         char_options_bool(&options, "nodelay", &sock->nodelay, error);
    if (ok) {
        reconnect = g_hash_table_lookup(options.values, "reconnect");
    }
    if (reconnect != NULL &&
        !g_ascii_string_to_unsigned(reconnect, 10, 0, RECONNECT_MAX, &sock->reconnect, NULL)) {
        char_error(error, "reconnect is 0 to %d seconds, not '%s'", RECONNECT_MAX, reconnect);
        ok = false;
    }
    sock->address = g_steal_pointer(&options.address);
    char_options_clear(&options);
    return ok;
}

static bool socket_new(CharDev *chr, const char *args, bool tcp, bool telnet, GError **error)
{
    CharSocket *sock = g_new0(CharSocket, 1);
    bool ok;

    sock->listener = -1;
    sock->tcp = tcp;
    sock->telnet = telnet;
    chr->state = sock;
    chr->socket = chr->owns_fds = true;
    chr->takes_fds = !tcp;
    ok = socket_parse(sock, args, error);
    ok = ok && (sock->server ? socket_serve(chr, error) : socket_call(chr, error));
    if (!ok) {
        char_socket_close(chr);
    }
    return ok;
}

static bool char_unix_open(CharDev *chr, const char *args, GError **error)
{
    return socket_new(chr, args, false, false, error);
}

static bool char_tcp_open(CharDev *chr, const char *args, GError **error)
{
    return socket_new(chr, args, true, false, error);
}

static bool char_telnet_open(CharDev *chr, const char *args, GError **error)
{
    return socket_new(chr, args, true, true, error);
}

#define SOCKET_DRIVER(name_, open_)                                                                \
    {                                                                                              \
        .name = name_, .open = open_, .close = char_socket_close, .hangup = char_socket_hangup,    \
        .filter = char_socket_filter, .send = char_socket_send                                     \
    }
const CharDriver char_unix = SOCKET_DRIVER("unix", char_unix_open);
const CharDriver char_tcp = SOCKET_DRIVER("tcp", char_tcp_open);
const CharDriver char_telnet = SOCKET_DRIVER("telnet", char_telnet_open);
