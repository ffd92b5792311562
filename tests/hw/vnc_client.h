/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_HW_VNC_CLIENT_H
#define TESTS_HW_VNC_CLIENT_H
/* vnc_client.h - as much of RFB 3.8 as a test of a server needs. Failures are the test's. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { RFB_RAW = 0, RFB_NEW_SIZE = -223, RFB_EXT_SIZE = -308, RFB_POINTER = -257, RFB_KEYS = -258 };
enum { CLIENT_PIXELS = 1 << 20 };

typedef struct Client {
    int fd;
    unsigned width, height;
    unsigned rects, pseudo_keys, pseudo_pointer, pseudo_pointer_x, sizes; /* seen */
    unsigned x, y, w, h; /* of the last raw rectangle */
    uint32_t *pixels;    /* as the server has them: red in the lowest byte */
} Client;

static inline void client_timeout(int fd, int seconds)
{
    struct timeval tv = { .tv_sec = seconds };

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

static inline int client_socket(const char *address)
{
    int fd;

    if (strncmp(address, "unix:", 5) == 0) {
        struct sockaddr_un name = { .sun_family = AF_UNIX };

        strcpy(name.sun_path, address + 5);
        fd = socket(AF_UNIX, SOCK_STREAM, 0);
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    } else {
        struct sockaddr_in name = { .sin_family = AF_INET,
                                    .sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1)),
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

        fd = socket(AF_INET, SOCK_STREAM, 0);
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    }
    client_timeout(fd, 20);
    return fd;
}

/* false: the server has hung up. */
static inline bool client_get(Client *client, void *data, size_t n)
{
    uint8_t *at = data;

    while (n > 0) {
        ssize_t got = recv(client->fd, at, n, 0);

        if (got <= 0) {
            ck_assert_msg(got == 0 || errno == ECONNRESET || errno == EPIPE, "%s", strerror(errno));
            return false;
        }
        at += got;
        n -= (size_t)got;
    }
    return true;
}

static inline void client_put(Client *client, const void *data, size_t n)
{
    ck_assert_int_eq(send(client->fd, data, n, MSG_NOSIGNAL), (ssize_t)n);
}

static inline unsigned client_get16(Client *client)
{
    uint8_t b[2];

    ck_assert(client_get(client, b, 2));
    return b[0] << 8 | b[1];
}

static inline uint32_t client_get32(Client *client)
{
    uint32_t high = client_get16(client);

    return high << 16 | client_get16(client);
}

/* Up to the choice of security; the types offered, 0: hung up. */
static inline unsigned client_hello(Client *client)
{
    uint8_t text[12], n, types[255];

    if (!client_get(client, text, 12)) {
        return 0;
    }
    ck_assert_mem_eq(text, "RFB 003.", 8);
    client_put(client, "RFB 003.008\n", 12);
    if (!client_get(client, &n, 1) || n == 0 || !client_get(client, types, n)) {
        return 0;
    }
    client_put(client, types, 1);
    return types[0];
}

static inline void client_init(Client *client, bool shared)
{
    uint8_t flag = shared, rest[16], name[256];
    uint32_t length;

    client_put(client, &flag, 1);
    client->width = client_get16(client);
    client->height = client_get16(client);
    ck_assert(client_get(client, rest, 16));
    length = client_get32(client);
    ck_assert_uint_lt(length, sizeof(name));
    ck_assert(client_get(client, name, length));
    client->pixels = calloc(CLIENT_PIXELS, 4);
}

static inline Client client_open(const char *address, bool shared)
{
    Client client = { .fd = client_socket(address) };

    ck_assert_uint_eq(client_hello(&client), 1); /* no authentication */
    ck_assert_uint_eq(client_get32(&client), 0);
    client_init(&client, shared);
    return client;
}

static inline void client_close(Client *client)
{
    close(client->fd);
    free(client->pixels);
    client->pixels = NULL;
}

static inline void client_encodings(Client *client, const int *list, unsigned n)
{
    uint8_t message[4 + 16 * 4] = { 2, 0, 0, (uint8_t)n };

    ck_assert_uint_le(n, 16);
    for (unsigned i = 0; i < n; i++) {
        uint32_t value = htonl((uint32_t)list[i]);

        memcpy(message + 4 + 4 * i, &value, 4);
    }
    client_put(client, message, 4 + 4 * n);
}

static inline void client_request(Client *client, bool incremental)
{
    uint8_t message[10] = { 3, incremental };

    message[6] = (uint8_t)(client->width >> 8);
    message[7] = (uint8_t)client->width;
    message[8] = (uint8_t)(client->height >> 8);
    message[9] = (uint8_t)client->height;
    client_put(client, message, sizeof(message));
}

static inline void client_key(Client *client, uint32_t symbol, bool down)
{
    uint8_t message[8] = { 4, down };
    uint32_t value = htonl(symbol);

    memcpy(message + 4, &value, 4);
    client_put(client, message, 8);
}

static inline void client_extended_key(Client *client, uint32_t key, bool down)
{
    uint8_t message[12] = { 255, 0, 0, down, 0, 0, 0, 0x41 };
    uint32_t value = htonl(key);

    memcpy(message + 8, &value, 4);
    client_put(client, message, 12);
}

static inline void client_pointer(Client *client, unsigned buttons, unsigned x, unsigned y)
{
    uint8_t message[6] = { 5,          (uint8_t)buttons,  (uint8_t)(x >> 8),
                           (uint8_t)x, (uint8_t)(y >> 8), (uint8_t)y };

    client_put(client, message, 6);
}

static inline void client_raw(Client *client)
{
    for (unsigned y = 0; y < client->h; y++) {
        ck_assert_uint_lt((client->y + y + 1) * client->width, CLIENT_PIXELS);
        ck_assert(client_get(client, client->pixels + (client->y + y) * client->width + client->x,
                             client->w * 4));
    }
}

static inline void client_rect(Client *client)
{
    unsigned x = client_get16(client), y = client_get16(client);
    unsigned w = client_get16(client), h = client_get16(client);
    int encoding = (int)client_get32(client);
    uint8_t screens[4 + 16 * 4];

    client->rects++;
    switch (encoding) {
    case RFB_RAW:
        client->x = x, client->y = y, client->w = w, client->h = h;
        client_raw(client);
        break;
    case RFB_EXT_SIZE:
        ck_assert(client_get(client, screens, 4));
        ck_assert_uint_le(screens[0], 4);
        ck_assert(client_get(client, screens, screens[0] * 16u));
        /* fall through */
    case RFB_NEW_SIZE:
        client->width = w;
        client->height = h;
        client->sizes++;
        break;
    case RFB_KEYS:
        client->pseudo_keys++;
        break;
    case RFB_POINTER:
        client->pseudo_pointer++;
        client->pseudo_pointer_x = x;
        break;
    default:
        ck_abort_msg("encoding %d was not asked for", encoding);
    }
}

/* One message from the server; false: it has hung up. */
static inline bool client_message(Client *client)
{
    uint8_t type;

    do {
        if (!client_get(client, &type, 1)) {
            return false;
        }
    } while (type == 2); /* bell */
    ck_assert_uint_eq(type, 0);
    ck_assert(client_get(client, &type, 1));
    for (unsigned n = client_get16(client); n > 0; n--) {
        client_rect(client);
    }
    return true;
}

static inline bool client_waits(Client *client, int ms)
{
    struct pollfd polled = { .fd = client->fd, .events = POLLIN };

    return poll(&polled, 1, ms) > 0;
}

#endif
