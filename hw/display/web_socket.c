/* SPDX-License-Identifier: GPL-2.0-or-later */
/* web_socket.c - a WebSocket (RFC 6455) on one side, a stream of bytes on the other.
 *
 * Frames are passed on as they come, piece by piece, so that no length that a client names makes us
 * keep anything. A client that does not take what it is sent for ten seconds is let go. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hw/display/web_int.h"

#define WEB_SOCKET_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

enum { PIECE = 16384, HEAD_MAX = 14, CONTROL_MAX = 125, SEND_TIMEOUT_MS = 10000 };
enum {
    OP_BINARY = 2,
    OP_CLOSE = 8,
    OP_PING = 9,
    OP_CONTROL = 8, /* this bit */
    FIN = 0x80,
    MASKED = 0x80,
};

typedef struct Relay {
    int web, stream;
    uint8_t head[HEAD_MAX]; /* of the frame that comes in */
    unsigned have, opcode;
    uint64_t left; /* of its payload */
    unsigned at;   /* in the mask */
    uint8_t control[CONTROL_MAX];
    unsigned n_control;
} Relay;

/* ---- Out ---- */

static bool send_all(int fd, const uint8_t *data, size_t n)
{
    while (n > 0) {
        struct pollfd polled = { .fd = fd, .events = POLLOUT };
        ssize_t sent = send(fd, data, n, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent > 0) {
            data += sent;
            n -= (size_t)sent;
        } else if (sent == 0 || (errno != EAGAIN && errno != EINTR) ||
                   poll(&polled, 1, SEND_TIMEOUT_MS) <= 0) {
            return false;
        }
    }
    return true;
}

/* `frame` has four bytes of room before the payload. */
static bool send_frame(const Relay *relay, unsigned opcode, uint8_t *frame, size_t n)
{
    uint8_t *start = frame + (n <= CONTROL_MAX ? 2 : 0);

    start[0] = (uint8_t)(FIN | opcode);
    if (n <= CONTROL_MAX) {
        start[1] = (uint8_t)n;
    } else {
        start[1] = CONTROL_MAX + 1;
        start[2] = (uint8_t)(n >> 8);
        start[3] = (uint8_t)n;
    }
    return send_all(relay->web, start, (size_t)(frame + 4 - start) + n);
}

static bool stream_ready(Relay *relay)
{
    uint8_t frame[4 + PIECE];
    ssize_t n = recv(relay->stream, frame + 4, PIECE, MSG_DONTWAIT);

    if (n > 0) {
        return send_frame(relay, OP_BINARY, frame, (size_t)n);
    }
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* ---- In ---- */

static unsigned head_size(const Relay *relay)
{
    unsigned length = relay->head[1] & 0x7f;

    return relay->have < 2 ? 2 : 2 + (length == 126 ? 2 : length == 127 ? 8 : 0) + 4;
}

/* The head is complete. Clients mask what they send; control frames are short. */
static bool head_take(Relay *relay)
{
    unsigned length = relay->head[1] & 0x7f, bytes = length == 126 ? 2 : length == 127 ? 8 : 0;

    relay->opcode = relay->head[0] & 0x0f;
    relay->left = bytes == 0 ? length : 0;
    for (unsigned i = 0; i < bytes; i++) {
        relay->left = relay->left << 8 | relay->head[2 + i];
    }
    relay->at = relay->n_control = 0;
    return (relay->head[1] & MASKED) && relay->opcode != OP_CLOSE &&
           (!(relay->opcode & OP_CONTROL) || relay->left <= CONTROL_MAX);
}

static bool payload_end(Relay *relay)
{
    uint8_t frame[4 + CONTROL_MAX];

    relay->have = 0;
    if (relay->opcode != OP_PING) {
        return true;
    }
    memcpy(frame + 4, relay->control, relay->n_control);
    return send_frame(relay, OP_PING + 1, frame, relay->n_control);
}

static bool payload_take(Relay *relay, uint8_t *data, size_t n)
{
    const uint8_t *mask = relay->head + head_size(relay) - 4;

    for (size_t i = 0; i < n; i++) {
        data[i] ^= mask[relay->at++ & 3];
    }
    relay->left -= n;
    if (!(relay->opcode & OP_CONTROL)) {
        return send_all(relay->stream, data, n);
    }
    memcpy(relay->control + relay->n_control, data, n); /* head_take has looked at the length */
    relay->n_control += (unsigned)n;
    return true;
}

static bool bytes_take(Relay *relay, uint8_t *data, size_t n)
{
    while (n > 0) {
        bool in_head = relay->have < 2 || relay->have < head_size(relay);
        size_t part = in_head ? 1 : (size_t)MIN(relay->left, (uint64_t)n);

        if (in_head) {
            relay->head[relay->have++] = *data;
            if (relay->have >= 2 && relay->have == head_size(relay) && !head_take(relay)) {
                return false;
            }
        } else if (!payload_take(relay, data, part)) {
            return false;
        }
        data += part;
        n -= part;
        if (relay->have >= 2 && relay->have == head_size(relay) && relay->left == 0 &&
            !payload_end(relay)) {
            return false;
        }
    }
    return true;
}

static bool web_ready(Relay *relay)
{
    uint8_t data[PIECE];
    ssize_t n = recv(relay->web, data, sizeof(data), MSG_DONTWAIT);

    return n > 0 ? bytes_take(relay, data, (size_t)n)
                 : n < 0 && (errno == EAGAIN || errno == EINTR);
}

void web_socket_relay(int web, int stream)
{
    Relay relay = { .web = web, .stream = stream };
    bool alive = true;

    while (alive) {
        struct pollfd polled[2] = { { .fd = web, .events = POLLIN },
                                    { .fd = stream, .events = POLLIN } };

        if (poll(polled, 2, -1) < 0) {
            alive = errno == EINTR;
            continue;
        }
        alive = (polled[0].revents == 0 || web_ready(&relay)) &&
                (polled[1].revents == 0 || stream_ready(&relay));
    }
}

/* ---- The handshake ---- */

bool web_socket_greet(const WebRequest *request, GOutputStream *out)
{
    g_autofree char *joined = g_strconcat(request->key, WEB_SOCKET_GUID, NULL);
    g_autofree char *accept = NULL, *reply = NULL;
    GChecksum *sha1 = g_checksum_new(G_CHECKSUM_SHA1);
    guint8 digest[20];
    gsize size = sizeof(digest);

    g_checksum_update(sha1, (const guchar *)joined, -1);
    g_checksum_get_digest(sha1, digest, &size);
    g_checksum_free(sha1);
    accept = g_base64_encode(digest, size);
    reply = g_strdup_printf("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                            "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n",
                            accept, request->binary ? "Sec-WebSocket-Protocol: binary\r\n" : "");
    return g_output_stream_write_all(out, reply, strlen(reply), NULL, NULL, NULL);
}
