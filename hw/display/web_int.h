/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_DISPLAY_WEB_INT_H
#define HW_DISPLAY_WEB_INT_H
/* web_int.h - web.c listens, web_request.c reads what a connection wants, web_reply.c answers. */
#include <gio/gio.h>

#include "hw/display/web.h"

enum {
    WEB_TOKEN_SIZE = 32,
    WEB_HEAD_MAX = 8192,
    WEB_TIMEOUT_S = 10,
    WEB_THREADS = 24,
    WEB_SOCKETS = 16
};

struct Web {
    WebConfig config;
    char token[WEB_TOKEN_SIZE + 1];
    char *url, *novnc; /* the folder */
    GSocketService *service;
    gint websockets; /* atomic: how many there are */
    GMutex mutex;
    GCond ended;        /* a connection */
    GPtrArray *sockets; /* of GSocket *, of connections that are served */
};

/* The head of a request; all point into the text. */
typedef struct WebRequest {
    char text[WEB_HEAD_MAX + 1];
    size_t size;                     /* of the head */
    const char *path, *query;        /* never NULL */
    const char *host, *origin, *key; /* headers; NULL: not there */
    bool websocket, binary;          /* it is asked for; with frames of bytes */
} WebRequest;

/* Waits for a whole head. False: it does not come, or is none. */
bool web_request_read(WebRequest *request, int socket);
/* Is the token in the query? */
bool web_request_token(const WebRequest *request, const char *token);
/* Does the page that asks come from where it asks? */
bool web_request_same_origin(const WebRequest *request);

/* ---- web_socket.c ---- */

/* The answer to a request for a WebSocket that is granted. */
bool web_socket_greet(const WebRequest *request, GOutputStream *out);
/* Passes on what comes, until one of both ends. */
void web_socket_relay(int web, int stream);

/* Answers a request that is no WebSocket, which has been read. */
void web_reply(Web *web, const WebRequest *request, GOutputStream *out);
void web_reply_status(GOutputStream *out, unsigned status, const char *words);

#endif
