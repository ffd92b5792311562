/* SPDX-License-Identifier: GPL-2.0-or-later */
/* char_udp.c - datagrams to one address, and whatever comes to our own. */
#include "hw/char/chardev_int.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const udp_known[] = { "host", "port", "localaddr", "localport",
                                         "ipv4", "ipv6", NULL };

static struct addrinfo *udp_resolve(const char *host, const char *port, bool passive, int family,
                                    GError **error)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM,
                                    .ai_family = family,
                                    .ai_flags = passive ? AI_PASSIVE : 0 };
    struct addrinfo *list = NULL;
    int result = getaddrinfo(host != NULL && *host != '\0' ? host
                             : passive                     ? NULL
                                                           : "localhost",
                             port, &hints, &list);

    if (result != 0) {
        char_error(error, "address resolution failed for %s:%s: %s", host != NULL ? host : "", port,
                   gai_strerror(result));
        return NULL;
    }
    return list;
}

static bool udp_bind(CharDev *chr, int fd, int family, GError **error)
{
    const char *host = char_value(chr, "localaddr"), *port = char_value(chr, "localport");
    struct addrinfo *own;
    bool done;

    if (host == NULL && port == NULL) {
        return true;
    }
    own = udp_resolve(host, port != NULL ? port : "0", true, family, error);
    done = own != NULL && bind(fd, own->ai_addr, own->ai_addrlen) == 0;
    if (own != NULL) {
        if (!done) {
            char_error(error, "Failed to bind socket: %s", g_strerror(errno));
        }
        freeaddrinfo(own);
    }
    return done;
}

static bool char_udp_open(CharDev *chr, GError **error)
{
    const char *host = char_value(chr, "host"), *port = char_value(chr, "port");
    struct addrinfo *peer;
    int fd;

    if (port == NULL) {
        char_error(error, "chardev: udp: remote port not specified");
        return false;
    }
    peer = udp_resolve(host, port, false, AF_UNSPEC, error);
    if (peer == NULL) {
        return false;
    }
    fd = socket(peer->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || !udp_bind(chr, fd, peer->ai_family, error) ||
        connect(fd, peer->ai_addr, peer->ai_addrlen) != 0) {
        if (error != NULL && *error == NULL) {
            char_error(error, "Failed to connect socket: %s", g_strerror(errno));
        }
        freeaddrinfo(peer);
        if (fd >= 0) {
            close(fd);
        }
        return false;
    }
    freeaddrinfo(peer);
    chr->owns_fds = chr->datagrams = true;
    chr->filename = g_strdup_printf("udp:%s:%s", host != NULL ? host : "", port);
    char_connect(chr, fd, fd);
    return true;
}

const CharDriver char_udp = { .name = "udp", .known = udp_known, .open = char_udp_open };
