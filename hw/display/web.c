/* SPDX-License-Identifier: GPL-2.0-or-later */
/* web.c - the server: where it listens, what becomes of a connection. */
#include "hw/display/web.h"

#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hw/display/web_int.h"

#define NOVNC_FOLDER "/usr/share/novnc"

static void token_make(char *token)
{
    uint8_t bytes[WEB_TOKEN_SIZE / 2];

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
        g_error("the host has no random numbers");
    }
    for (size_t i = 0; i < sizeof(bytes); i++) {
        g_snprintf(token + 2 * i, 3, "%02x", bytes[i]);
    }
}

/* ---- Connections ---- */

static char *peer_name(GSocketConnection *connection)
{
    g_autoptr(GSocketAddress) address = g_socket_connection_get_remote_address(connection, NULL);

    return G_IS_INET_SOCKET_ADDRESS(address)
               ? g_inet_address_to_string(
                     g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(address)))
               : g_strdup("");
}

/* The VNC server gets one end of a pair of sockets; this thread passes on what comes. */
static void serve_websocket(Web *web, const WebRequest *request, GSocketConnection *connection)
{
    GOutputStream *out = g_io_stream_get_output_stream(G_IO_STREAM(connection));
    g_autofree char *host = NULL;
    int pair[2];

    if (!web_socket_greet(request, out) ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
        return;
    }
    host = peer_name(connection);
    if (vnc_adopt(web->config.vnc, pair[1], host)) {
        web_socket_relay(g_socket_get_fd(g_socket_connection_get_socket(connection)), pair[0]);
    }
    close(pair[0]);
}

static void take_websocket(Web *web, const WebRequest *request, GSocketConnection *connection)
{
    GOutputStream *out = g_io_stream_get_output_stream(G_IO_STREAM(connection));

    if (!web_request_token(request, web->token)) {
        web_reply_status(out, 403, "the token is missing or wrong");
    } else if (!web_request_same_origin(request)) {
        web_reply_status(out, 403, "not for pages of another origin");
    } else if (request->key == NULL) {
        web_reply_status(out, 400, "the WebSocket has no key");
    } else if (g_atomic_int_add(&web->websockets, 1) >= WEB_SOCKETS) {
        web_reply_status(out, 503, "too many WebSockets");
        g_atomic_int_add(&web->websockets, -1);
    } else {
        serve_websocket(web, request, connection);
        g_atomic_int_add(&web->websockets, -1);
    }
}

static void connection_serve(Web *web, GSocketConnection *connection)
{
    GSocket *socket = g_socket_connection_get_socket(connection);
    GOutputStream *out = g_io_stream_get_output_stream(G_IO_STREAM(connection));
    g_autofree WebRequest *request = g_new0(WebRequest, 1);

    g_socket_set_timeout(socket, WEB_TIMEOUT_S);
    if (!web_request_read(request, g_socket_get_fd(socket))) {
        return;
    }
    if (request->websocket && strcmp(request->path, "/websockify") == 0) {
        take_websocket(web, request, connection);
    } else {
        web_reply(web, request, out);
    }
}

/* On a thread of the service. web_free() waits for those that are in here. */
static gboolean connection_run(GThreadedSocketService *service, GSocketConnection *connection,
                               GObject *source, gpointer opaque)
{
    Web *web = opaque;
    GSocket *socket = g_socket_connection_get_socket(connection);

    (void)service, (void)source;
    g_mutex_lock(&web->mutex);
    g_ptr_array_add(web->sockets, socket);
    g_mutex_unlock(&web->mutex);
    connection_serve(web, connection);
    g_mutex_lock(&web->mutex);
    g_ptr_array_remove_fast(web->sockets, socket);
    g_cond_signal(&web->ended);
    g_mutex_unlock(&web->mutex);
    return TRUE;
}

static void connections_end(Web *web)
{
    g_mutex_lock(&web->mutex);
    for (guint i = 0; i < web->sockets->len; i++) {
        g_socket_shutdown(g_ptr_array_index(web->sockets, i), TRUE, TRUE, NULL);
    }
    while (web->sockets->len != 0) {
        g_cond_wait(&web->ended, &web->mutex);
    }
    g_mutex_unlock(&web->mutex);
}

/* ---- Life ---- */

/* "PORT" or "ADDR:PORT". */
static GSocketAddress *address_parse(const char *words, GError **error)
{
    const char *colon = strrchr(words, ':');
    g_autofree char *host = colon != NULL ? g_strndup(words, (gsize)(colon - words))
                                          : g_strdup("127.0.0.1");
    size_t length = strlen(host);
    guint64 port;
    GSocketAddress *address;

    if (length >= 2 && host[0] == '[' && host[length - 1] == ']') {
        host[length - 1] = '\0';
        memmove(host, host + 1, length - 1);
    }
    if (strcmp(host, "localhost") == 0) {
        strcpy(host, "127.0.0.1");
    }
    if (!g_ascii_string_to_unsigned(colon != NULL ? colon + 1 : words, 10, 0, 65535, &port, NULL) ||
        (address = g_inet_socket_address_new_from_string(*host ? host : "0.0.0.0", (guint)port)) ==
            NULL) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                    "%s: expected ADDRESS:PORT, with the address in numbers", words);
        return NULL;
    }
    return address;
}

static bool web_listen(Web *web, GError **error)
{
    const char *words = web->config.address != NULL ? web->config.address : "127.0.0.1:0";
    g_autoptr(GSocketAddress) address = address_parse(words, error), effective = NULL;
    g_autofree char *host = NULL;

    if (address == NULL) {
        return false;
    }
    web->service = g_threaded_socket_service_new(WEB_THREADS);
    if (!g_socket_listener_add_address(G_SOCKET_LISTENER(web->service), address,
                                       G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL,
                                       &effective, error)) {
        g_prefix_error(error, "%s: ", words);
        return false;
    }
    host = g_inet_address_to_string(
        g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(effective)));
    web->url = g_strdup_printf(
        strchr(host, ':') != NULL ? "http://[%s]:%u/?token=%s" : "http://%s:%u/?token=%s", host,
        g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(effective)), web->token);
    g_signal_connect(web->service, "run", G_CALLBACK(connection_run), web);
    g_socket_service_start(web->service);
    return true;
}

Web *web_new(const WebConfig *config, GError **error)
{
    Web *web = g_new0(Web, 1);

    web->config = *config;
    web->novnc = g_strdup(NOVNC_FOLDER);
    g_mutex_init(&web->mutex);
    g_cond_init(&web->ended);
    web->sockets = g_ptr_array_new();
    token_make(web->token);
    if (!g_file_test(NOVNC_FOLDER "/core/rfb.js", G_FILE_TEST_IS_REGULAR)) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
                    "noVNC is not installed (Debian's package novnc has it)");
        web_free(web);
        return NULL;
    }
    if (!web_listen(web, error)) {
        web_free(web);
        return NULL;
    }
    return web;
}

void web_free(Web *web)
{
    if (web == NULL) {
        return;
    }
    if (web->service != NULL) {
        g_socket_service_stop(web->service);
        g_socket_listener_close(G_SOCKET_LISTENER(web->service));
        g_signal_handlers_disconnect_by_data(web->service, web);
        connections_end(web);
        g_object_unref(web->service);
    }
    g_ptr_array_free(web->sockets, TRUE);
    g_cond_clear(&web->ended);
    g_mutex_clear(&web->mutex);
    g_free(web->novnc);
    g_free(web->url);
    g_free(web);
}

const char *web_url(const Web *web)
{
    return web->url;
}
