/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vnc_listen.c - addresses, and the thread that accepts connections. */
#define _GNU_SOURCE /* accept4, pipe2 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "hw/display/vnc_int.h"

enum { VNC_PORT = 5900, PORT_LAST = 65535, BACKLOG = 8 };

static bool listen_fail(GError **error, const char *address, const char *reason)
{
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%s: %s", address, reason);
    return false;
}

static int socket_listen(const struct sockaddr *address, socklen_t length)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (address->sa_family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
    }
    if (bind(fd, address, length) != 0 || listen(fd, BACKLOG) != 0) {
        int reason = errno;

        close(fd);
        errno = reason;
        return -1;
    }
    return fd;
}

/* ---- TCP ---- */

/* On every address that the name has; none or all. */
static bool listen_all(Vnc *vnc, const struct addrinfo *list)
{
    bool any = false;

    for (const struct addrinfo *at = list; at != NULL; at = at->ai_next) {
        int fd = vnc->n_listeners < VNC_LISTENERS ? socket_listen(at->ai_addr, at->ai_addrlen) : -1;

        if (fd >= 0) {
            vnc->listeners[vnc->n_listeners++] = fd;
            any = true;
        } else if (errno == EADDRINUSE) {
            while (vnc->n_listeners > 0) {
                close(vnc->listeners[--vnc->n_listeners]);
            }
            errno = EADDRINUSE;
            return false;
        }
    }
    return any;
}

static void note_address(Vnc *vnc, const char *host)
{
    struct sockaddr_storage name;
    socklen_t length = sizeof(name);
    char text[NI_MAXHOST], port[NI_MAXSERV];

    if (getsockname(vnc->listeners[0], (struct sockaddr *)&name, &length) != 0 ||
        getnameinfo((struct sockaddr *)&name, length, text, sizeof(text), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        return;
    }
    vnc->address = g_strdup_printf(strchr(text, ':') != NULL ? "[%s]:%s" : "%s:%s",
                                   *host ? text : "0.0.0.0", port);
}

static bool listen_tcp(Vnc *vnc, const char *address, const char *host, unsigned first,
                       unsigned last, GError **error)
{
    const struct addrinfo hints = { .ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM };

    for (unsigned port = first; port <= last; port++) {
        g_autofree char *service = g_strdup_printf("%u", port);
        struct addrinfo *list;
        int failed = getaddrinfo(*host ? host : NULL, service, &hints, &list);
        bool done;

        if (failed != 0) {
            return listen_fail(error, address, gai_strerror(failed));
        }
        done = listen_all(vnc, list);
        freeaddrinfo(list);
        if (done) {
            note_address(vnc, host);
            return true;
        }
        if (errno != EADDRINUSE) {
            break;
        }
    }
    return listen_fail(error, address, g_strerror(errno));
}

/* "HOST:DISPLAY", with an IPv6 address in brackets. */
static bool listen_display(Vnc *vnc, const char *address, unsigned to, GError **error)
{
    const char *colon = strrchr(address, ':');
    g_autofree char *host = colon != NULL ? g_strndup(address, (gsize)(colon - address)) : NULL;
    guint64 display;
    size_t length;

    if (colon == NULL ||
        !g_ascii_string_to_unsigned(colon + 1, 10, 0, PORT_LAST - VNC_PORT, &display, NULL)) {
        return listen_fail(error, address, "expected HOST:DISPLAY, unix:PATH or none");
    }
    length = strlen(host);
    if (length >= 2 && host[0] == '[' && host[length - 1] == ']') {
        host[length - 1] = '\0';
        memmove(host, host + 1, length - 1);
    }
    return listen_tcp(vnc, address, host, VNC_PORT + (unsigned)display,
                      VNC_PORT + MAX((unsigned)display, MIN(to, (unsigned)PORT_LAST - VNC_PORT)),
                      error);
}

static bool listen_unix(Vnc *vnc, const char *address, GError **error)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    const char *path = address + strlen("unix:");
    int fd;

    if (*path == '\0' || strlen(path) >= sizeof(name.sun_path)) {
        return listen_fail(error, address, "no path for a socket");
    }
    strcpy(name.sun_path, path);
    unlink(path);
    fd = socket_listen((struct sockaddr *)&name, sizeof(name));
    if (fd < 0) {
        return listen_fail(error, address, g_strerror(errno));
    }
    vnc->listeners[vnc->n_listeners++] = fd;
    vnc->unix_path = g_strdup(path);
    vnc->address = g_strdup(address);
    return true;
}

/* ---- Accepting ---- */

static void *accept_run(void *opaque)
{
    Vnc *vnc = opaque;
    struct pollfd polled[VNC_LISTENERS + 1];

    while (!atomic_load(&vnc->stop)) {
        for (unsigned i = 0; i < vnc->n_listeners; i++) {
            polled[i] = (struct pollfd){ .fd = vnc->listeners[i], .events = POLLIN };
        }
        polled[vnc->n_listeners] = (struct pollfd){ .fd = vnc->wake[0], .events = POLLIN };
        if (poll(polled, vnc->n_listeners + 1, -1) < 0 && errno != EINTR) {
            break;
        }
        for (unsigned i = 0; i < vnc->n_listeners && !atomic_load(&vnc->stop); i++) {
            int fd = polled[i].revents & POLLIN
                         ? accept4(vnc->listeners[i], NULL, NULL, SOCK_CLOEXEC)
                         : -1;

            if (fd >= 0) {
                vnc_client_new(vnc, fd, NULL);
            }
        }
    }
    return NULL;
}

bool vnc_listen(Vnc *vnc, const char *address, unsigned to, GError **error)
{
    bool listens = g_str_has_prefix(address, "unix:") ? listen_unix(vnc, address, error)
                   : strcmp(address, "none") == 0     ? true
                                                      : listen_display(vnc, address, to, error);

    if (!listens || vnc->n_listeners == 0) {
        return listens;
    }
    if (pipe2(vnc->wake, O_CLOEXEC) != 0 ||
        pthread_create(&vnc->accepting, NULL, accept_run, vnc) != 0) {
        return listen_fail(error, address, "no pipe or thread to be had");
    }
    vnc->accepts = true;
    return true;
}

void vnc_listen_close(Vnc *vnc)
{
    char byte = 0;

    if (vnc->accepts && write(vnc->wake[1], &byte, 1) == 1) {
        pthread_join(vnc->accepting, NULL);
    }
    for (unsigned i = 0; i < vnc->n_listeners; i++) {
        close(vnc->listeners[i]);
    }
    if (vnc->unix_path != NULL) {
        unlink(vnc->unix_path);
        g_free(vnc->unix_path);
    }
    for (unsigned i = 0; i < 2; i++) {
        if (vnc->wake[i] >= 0) {
            close(vnc->wake[i]);
        }
    }
}
