/* SPDX-License-Identifier: GPL-2.0-or-later */
/* web_request.c - as much of HTTP/1.1 (RFC 9112) as GET and WebSockets need. */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "hw/display/web_int.h"

static bool head_read(WebRequest *request, int socket)
{
    int64_t end = g_get_monotonic_time() + WEB_TIMEOUT_S * G_USEC_PER_SEC;
    size_t have = 0;

    while (have < WEB_HEAD_MAX && g_get_monotonic_time() < end) {
        struct pollfd polled = { .fd = socket, .events = POLLIN };
        const char *last;
        ssize_t n;

        if (poll(&polled, 1, 1000) == 0) {
            continue;
        }
        n = recv(socket, request->text + have, WEB_HEAD_MAX - have, MSG_DONTWAIT);
        if (n <= 0) {
            return false;
        }
        have += (size_t)n;
        request->text[have] = '\0';
        last = strstr(request->text, "\r\n\r\n");
        if (last != NULL) { /* nothing may follow before the answer */
            request->size = (size_t)(last - request->text) + 4;
            return request->size == have;
        }
    }
    return false;
}

static void header_take(WebRequest *request, char *line)
{
    char *colon = strchr(line, ':');
    const char *value;

    if (colon == NULL) {
        return;
    }
    *colon = '\0';
    value = g_strstrip(colon + 1);
    if (g_ascii_strcasecmp(line, "host") == 0) {
        request->host = value;
    } else if (g_ascii_strcasecmp(line, "origin") == 0) {
        request->origin = value;
    } else if (g_ascii_strcasecmp(line, "upgrade") == 0) {
        request->websocket = g_ascii_strcasecmp(value, "websocket") == 0;
    } else if (g_ascii_strcasecmp(line, "sec-websocket-key") == 0) {
        request->key = value;
    } else if (g_ascii_strcasecmp(line, "sec-websocket-protocol") == 0) {
        request->binary = strstr(value, "binary") != NULL;
    }
}

/* GET PATH?QUERY HTTP/1.x */
static bool line_take(WebRequest *request, char *line)
{
    char *path = strchr(line, ' '), *version = path != NULL ? strchr(path + 1, ' ') : NULL;
    char *query;

    if (version == NULL || strncmp(line, "GET ", 4) != 0 ||
        strncmp(version + 1, "HTTP/1.", 7) != 0) {
        return false;
    }
    *version = '\0';
    request->path = path + 1;
    query = strchr(path + 1, '?');
    request->query = query != NULL ? query + 1 : "";
    if (query != NULL) {
        *query = '\0';
    }
    return request->path[0] == '/';
}

bool web_request_read(WebRequest *request, int socket)
{
    char *line, *next;

    if (!head_read(request, socket)) {
        return false;
    }
    request->text[request->size - 2] = '\0'; /* ends with the last line */
    for (line = request->text; *line != '\0'; line = next) {
        next = strstr(line, "\r\n");
        if (next == NULL) {
            return false; /* a NUL in the middle */
        }
        *next = '\0';
        next += 2;
        if (line == request->text) {
            if (!line_take(request, line)) {
                return false;
            }
        } else {
            header_take(request, line);
        }
    }
    return request->path != NULL;
}

/* Takes the same time wherever they differ. */
static bool same_text(const char *a, const char *b, size_t n)
{
    unsigned differ = 0;

    for (size_t i = 0; i < n; i++) {
        differ |= (unsigned)(a[i] ^ b[i]);
    }
    return differ == 0;
}

bool web_request_token(const WebRequest *request, const char *token)
{
    static const char name[] = "token=";
    const char *at = request->query;
    size_t length;

    while (strncmp(at, name, strlen(name)) != 0) {
        at = strchr(at, '&');
        if (at == NULL) {
            return false;
        }
        at++;
    }
    at += strlen(name);
    length = strcspn(at, "&");
    return length == WEB_TOKEN_SIZE && same_text(at, token, WEB_TOKEN_SIZE);
}

bool web_request_same_origin(const WebRequest *request)
{
    const char *origin = request->origin;

    if (origin == NULL || request->host == NULL || !g_str_has_prefix(origin, "http")) {
        return false;
    }
    origin += strlen("http");
    origin += *origin == 's';
    return g_str_has_prefix(origin, "://") && strcmp(origin + 3, request->host) == 0;
}
