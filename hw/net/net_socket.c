/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/net/net_socket.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CONNECT_WAIT_MS = 200 };

static int fail(GError **error, const char *what, const char *where, int code)
{
    g_set_error(error, NET_ERROR, NET_ERROR_HOST, "%s %s: %s", what, where, g_strerror(code));
    return -1;
}

/* Closes `fd`. */
static int fail_close(GError **error, const char *what, const NetSockaddr *at, int fd)
{
    int code = errno;
    g_autofree char *where = net_sockaddr_text(at);

    if (fd >= 0) {
        close(fd);
    }
    return fail(error, what, where, code);
}

/* ---- Addresses ---- */

static bool resolve_unix(const NetAddress *address, NetSockaddr *to, GError **error)
{
    size_t length = strlen(address->path), start = address->abstract ? 1 : 0;

    if (length + start >= sizeof(to->un.sun_path)) {
        g_set_error(error, NET_ERROR, NET_ERROR_VALUE, "the path '%s' is too long for a socket",
                    address->path);
        return false;
    }
    memset(to, 0, sizeof(*to));
    to->un.sun_family = AF_UNIX;
    memcpy(to->un.sun_path + start, address->path, length);
    to->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + start + length +
                           (address->abstract ? 0 : 1));
    return true;
}

bool net_address_resolve(const NetAddress *address, int type, bool passive, NetSockaddr *to,
                         GError **error)
{
    bool named = address->host != NULL && address->host[0] != '\0';
    const char *host = named ? address->host : passive ? NULL : "localhost";
    struct addrinfo hints = { .ai_socktype = type,
                              .ai_family = address->no_ipv6   ? AF_INET
                                           : address->no_ipv4 ? AF_INET6
                                                              : AF_UNSPEC,
                              .ai_flags = passive ? AI_PASSIVE : 0 };
    struct addrinfo *list;
    int result;

    if (address->kind == NET_ADDRESS_UNIX) {
        return resolve_unix(address, to, error);
    }
    if (!named && !address->no_ipv4) {
        hints.ai_family = AF_INET;
    }
    result = getaddrinfo(host, address->port, &hints, &list);
    if (result != 0) {
        g_set_error(error, NET_ERROR, NET_ERROR_VALUE, "address resolution failed for %s:%s: %s",
                    named ? address->host : "", address->port, gai_strerror(result));
        return false;
    }
    memset(to, 0, sizeof(*to));
    memcpy(&to->storage, list->ai_addr, list->ai_addrlen);
    to->size = list->ai_addrlen;
    freeaddrinfo(list);
    return true;
}

bool net_sockaddr_is_group(const NetSockaddr *at)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)&at->any;

    return at->any.sa_family == AF_INET && IN_MULTICAST(ntohl(in->sin_addr.s_addr));
}

char *net_sockaddr_text(const NetSockaddr *at)
{
    char host[NI_MAXHOST], port[NI_MAXSERV];

    if (at->any.sa_family == AF_UNIX) {
        size_t used = at->size > offsetof(struct sockaddr_un, sun_path)
                          ? at->size - offsetof(struct sockaddr_un, sun_path)
                          : 0;

        return used > 1 && at->un.sun_path[0] == '\0'
                   ? g_strdup_printf("unix:@%.*s", (int)used - 1, at->un.sun_path + 1)
                   : g_strdup_printf("unix:%.*s", (int)used, at->un.sun_path);
    }
    if (getnameinfo(&at->any, at->size, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        return g_strdup("unknown");
    }
    return g_strdup_printf("%s:%s", host, port);
}

/* ---- Streams ---- */

static int socket_new(const NetSockaddr *at, int type)
{
    return socket(at->any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* Port by port up to the last one that will do. */
static bool bind_range(int fd, NetSockaddr *at, unsigned to)
{
    in_port_t *port = at->any.sa_family == AF_INET6 ? &((struct sockaddr_in6 *)&at->any)->sin6_port
                                                    : &((struct sockaddr_in *)&at->any)->sin_port;

    while (bind(fd, &at->any, at->size) != 0) {
        if (errno != EADDRINUSE || at->any.sa_family == AF_UNIX || ntohs(*port) >= to) {
            return false;
        }
        *port = htons((uint16_t)(ntohs(*port) + 1));
    }
    return true;
}

void net_socket_clear(const NetAddress *address)
{
    struct stat st;

    if (address->kind == NET_ADDRESS_UNIX && !address->abstract && lstat(address->path, &st) == 0 &&
        S_ISSOCK(st.st_mode)) {
        unlink(address->path);
    }
}

int net_socket_listen(const NetAddress *address, GError **error)
{
    NetSockaddr at;
    int fd, on = 1;

    if (!net_address_resolve(address, SOCK_STREAM, true, &at, error)) {
        return -1;
    }
    net_socket_clear(address);
    fd = socket_new(&at, SOCK_STREAM);
    if (fd < 0) {
        return fail_close(error, "can't create socket for", &at, -1);
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (!bind_range(fd, &at, address->to) || listen(fd, 1) != 0) {
        return fail_close(error, "can't bind to", &at, fd);
    }
    return fd;
}

/* What is refused at once is an error at once; 0 if it is not known yet. */
static int connect_soon(int fd, bool *connecting)
{
    struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };
    int code = 0;
    socklen_t size = sizeof(code);

    *connecting = poll(&poll_fd, 1, CONNECT_WAIT_MS) <= 0;
    if (!*connecting) {
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size);
    }
    return code;
}

int net_socket_connect(const NetAddress *address, bool *connecting, GError **error)
{
    NetSockaddr at;
    int fd, on = 1;

    if (!net_address_resolve(address, SOCK_STREAM, false, &at, error)) {
        return -1;
    }
    fd = socket_new(&at, SOCK_STREAM);
    *connecting = false;
    if (fd >= 0 && connect(fd, &at.any, at.size) != 0) {
        errno = errno == EINPROGRESS ? connect_soon(fd, connecting) : errno;
        if (errno != 0) {
            return fail_close(error, "can't connect to", &at, fd);
        }
    }
    if (fd < 0) {
        return fail_close(error, "can't create socket for", &at, -1);
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

bool net_socket_take(int fd, int type, GError **error)
{
    int found = 0;
    socklen_t size = sizeof(found);

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &found, &size) != 0 || found != type) {
        g_set_error(error, NET_ERROR, NET_ERROR_VALUE, "fd=%d is not a %s socket", fd,
                    type == SOCK_STREAM ? "stream" : "datagram");
        return false;
    }
    return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0 &&
           fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

/* ---- Datagrams ---- */

int net_socket_bind(const NetSockaddr *at, bool shared, GError **error)
{
    int fd = socket_new(at, SOCK_DGRAM), on = 1;

    if (fd < 0) {
        return fail_close(error, "can't create socket for", at, -1);
    }
    if (shared) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    }
    if (bind(fd, &at->any, at->size) != 0) {
        return fail_close(error, "can't bind to", at, fd);
    }
    return fd;
}

int net_socket_join(const NetSockaddr *group, const NetSockaddr *own, GError **error)
{
    struct ip_mreq request = {
        .imr_multiaddr = ((const struct sockaddr_in *)&group->any)->sin_addr,
        .imr_interface.s_addr = INADDR_ANY,
    };
    int fd = net_socket_bind(group, true, error);

    if (fd < 0) {
        return -1;
    }
    if (own != NULL) {
        request.imr_interface = ((const struct sockaddr_in *)&own->any)->sin_addr;
    }
    if (setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof(request)) != 0) {
        return fail_close(error, "can't add socket to multicast group", group, fd);
    }
    return fd;
}
