/* SPDX-License-Identifier: GPL-2.0-or-later */
/* char_socket.c - unix and TCP sockets, telnet, as client or as server of one client at a time; the
 * next one waits in the backlog. */
#include "hw/char/chardev_int.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
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
    char *path;        /* NULL: TCP */
    char *host, *port; /* "" and a number or name */
    int family;        /* AF_UNSPEC, or what ipv4= and ipv6= leave */
    int listener;
    bool unlink_path; /* the listener's, when it goes */
    guint watch;      /* on the listener, or the reconnect timer */
    TelnetState state;
} CharSocket;

/* ---- Addresses ---- */

/* A socket left over from an earlier run gives way; nothing else does. */
static bool unix_make_room(const char *path, GError **error)
{
    struct stat status;

    if (lstat(path, &status) != 0) {
        return true;
    }
    if (!S_ISSOCK(status.st_mode)) {
        char_error(error, "Failed to bind socket to %s: the file is there and is no socket", path);
        return false;
    }
    unlink(path);
    return true;
}

static int unix_open(CharSocket *sock, GError **error)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd;
    int result;

    if (strlen(sock->path) == 0 || strlen(sock->path) >= sizeof(address.sun_path)) {
        char_error(error, "UNIX socket path '%s': it has 1 to %zu bytes", sock->path,
                   sizeof(address.sun_path) - 1);
        return -1;
    }
    if (sock->server && !unix_make_room(sock->path, error)) {
        return -1;
    }
    strcpy(address.sun_path, sock->path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && sock->server) {
        result = bind(fd, (struct sockaddr *)&address, sizeof(address));
        sock->unlink_path = result == 0;
        result = result == 0 ? listen(fd, 1) : result;
    } else {
        result = fd < 0 ? -1 : connect(fd, (struct sockaddr *)&address, sizeof(address));
    }
    if (result != 0) {
        char_error(error,
                   sock->server ? "Failed to bind socket to %s: %s"
                                : "Failed to connect to '%s': %s",
                   sock->path, g_strerror(errno));
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
                                    .ai_family = sock->family,
                                    .ai_flags = sock->server ? AI_PASSIVE : 0 };
    struct addrinfo *list = NULL;
    int fd = -1;
    int result = getaddrinfo(*sock->host != '\0' ? sock->host : NULL, sock->port, &hints, &list);

    if (result != 0) {
        char_error(error, "address resolution failed for %s:%s: %s", sock->host, sock->port,
                   gai_strerror(result));
        return -1;
    }
    for (const struct addrinfo *info = list; info != NULL && fd < 0; info = info->ai_next) {
        fd = tcp_try(sock, info);
    }
    if (fd < 0) {
        char_error(error,
                   sock->server ? "Failed to find an available port on '%s:%s': %s"
                                : "Failed to connect to '%s:%s': %s",
                   sock->host, sock->port, g_strerror(errno));
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

static bool socket_wait(CharDev *chr, GError **error)
{
    CharSocket *sock = chr->state;
    int fd;

    if (!sock->wait) {
        char_socket_hangup(chr);
        return true;
    }
    fprintf(stderr, "doppel: warning: waiting for connection on: %s\n", chr->filename);
    fd = socket_accept(sock);
    if (fd < 0) {
        char_error(error, "cannot accept: %s", g_strerror(errno));
        return false;
    }
    socket_connected(chr, fd);
    return true;
}

static bool socket_serve(CharDev *chr, GError **error)
{
    CharSocket *sock = chr->state;

    sock->listener = socket_open(sock, error);
    return sock->listener >= 0 && socket_wait(chr, error);
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
        unlink(sock->path);
    }
    g_free(sock->path);
    g_free(sock->host);
    g_free(sock->port);
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

/* ---- Properties ---- */

static const char *const socket_known[] = { "path",      "host",      "port",     "to",
                                            "fd",        "server",    "wait",     "reconnect",
                                            "telnet",    "nodelay",   "ipv4",     "ipv6",
                                            "delay",     "websocket", "abstract", "tight",
                                            "tls-creds", "tls-authz", "tn3270",   NULL };

static bool socket_parse_family(CharDev *chr, CharSocket *sock, GError **error)
{
    bool ipv4 = false, ipv6 = false;

    if (!char_value_bool(chr, "ipv4", &ipv4, error) ||
        !char_value_bool(chr, "ipv6", &ipv6, error)) {
        return false;
    }
    sock->family = ipv4 == ipv6 ? AF_UNSPEC : ipv4 ? AF_INET : AF_INET6;
    return true;
}

static bool socket_refuses(CharDev *chr, GError **error)
{
    static const char *const refused[] = { "websocket", "tls-creds", "tls-authz", "abstract",
                                           "tn3270" };

    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
        const char *value = char_value(chr, refused[i]);

        if (value != NULL && strcmp(value, "off") != 0) {
            char_error(error, "'%s' is not supported", refused[i]);
            return true;
        }
    }
    return false;
}

static bool socket_parse(CharDev *chr, CharSocket *sock, GError **error)
{
    uint64_t reconnect = 0;

    if (socket_refuses(chr, error) || !char_value_bool(chr, "server", &sock->server, error)) {
        return false;
    }
    sock->wait = sock->server;
    sock->path = g_strdup(char_value(chr, "path"));
    sock->host = g_strdup(char_value(chr, "host"));
    sock->port = g_strdup(char_value(chr, "port"));
    sock->tcp = sock->path == NULL;
    if (!char_value_bool(chr, "wait", &sock->wait, error) ||
        !char_value_bool(chr, "telnet", &sock->telnet, error) ||
        !char_value_bool(chr, "nodelay", &sock->nodelay, error) ||
        !char_value_number(chr, "reconnect", RECONNECT_MAX, &reconnect, error) ||
        !socket_parse_family(chr, sock, error)) {
        return false;
    }
    sock->reconnect = reconnect;
    if (!sock->server && char_value(chr, "wait") != NULL && sock->wait) {
        char_error(error, "'wait' option is incompatible with socket in client connect mode");
        return false;
    }
    if (sock->server && reconnect != 0) {
        char_error(error, "'reconnect' option is incompatible with 'server'");
        return false;
    }
    if (sock->tcp && char_value(chr, "fd") == NULL && sock->port == NULL) {
        char_error(error, "chardev: socket: no %s given",
                   sock->host != NULL ? "port" : "path, host and port, or fd");
        return false;
    }
    return true;
}

static void socket_name(CharDev *chr, const CharSocket *sock)
{
    const char *server = sock->server ? ",server=on" : "";

    if (char_value(chr, "fd") != NULL) {
        chr->filename = g_strdup_printf("fd:%s%s", char_value(chr, "fd"), server);
    } else if (!sock->tcp) {
        chr->filename = g_strdup_printf("unix:%s%s", sock->path, server);
    } else {
        chr->filename = g_strdup_printf("%s:%s:%s%s", sock->telnet ? "telnet" : "tcp",
                                        sock->host != NULL ? sock->host : "", sock->port, server);
    }
}

/* A descriptor that was there when the process began: a listener, or a connection. */
static bool socket_inherit(CharDev *chr, CharSocket *sock, GError **error)
{
    int domain = AF_UNSPEC;
    socklen_t length = sizeof(domain);
    uint64_t fd = 0;
    struct stat status;

    if (!char_value_number(chr, "fd", INT_MAX, &fd, error)) {
        return false;
    }
    if (fstat((int)fd, &status) != 0 || !S_ISSOCK(status.st_mode)) {
        char_error(error, "File descriptor '%d' is not a socket", (int)fd);
        return false;
    }
    fcntl((int)fd, F_SETFD, FD_CLOEXEC);
    sock->tcp = getsockopt((int)fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) != 0 ||
                domain != AF_UNIX;
    chr->takes_fds = !sock->tcp;
    if (!sock->server) {
        socket_connected(chr, (int)fd);
        return true;
    }
    sock->listener = (int)fd;
    return socket_wait(chr, error);
}

static bool char_socket_open(CharDev *chr, GError **error)
{
    CharSocket *sock = g_new0(CharSocket, 1);
    bool ok;

    sock->listener = -1;
    chr->state = sock;
    chr->socket = chr->owns_fds = true;
    ok = socket_parse(chr, sock, error);
    if (ok) {
        chr->takes_fds = !sock->tcp;
        socket_name(chr, sock);
        ok = char_value(chr, "fd") != NULL ? socket_inherit(chr, sock, error)
             : sock->server                ? socket_serve(chr, error)
                                           : socket_call(chr, error);
    }
    if (!ok) {
        char_socket_close(chr);
    }
    return ok;
}

const CharDriver char_socket = { .name = "socket",
                                 .known = socket_known,
                                 .open = char_socket_open,
                                 .close = char_socket_close,
                                 .hangup = char_socket_hangup,
                                 .filter = char_socket_filter,
                                 .send = char_socket_send };
