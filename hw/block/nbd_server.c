/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nbd_server.c - the sockets of an NBD server, and its clients from accept to their end.
 *
 * The main thread accepts. A client's first thread makes the handshake and starts the others; when
 * the last of them has ended, the main thread is told, joins them and lets go of the export. */
#include "hw/block/nbd_server_int.h"

#include <errno.h>
#include <glib-unix.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 16 };

static void executor_lock(const NbdServer *server)
{
    if (server->host.executor.lock != NULL) {
        server->host.executor.lock(server->host.executor.opaque);
    }
}

static void executor_unlock(const NbdServer *server)
{
    if (server->host.executor.unlock != NULL) {
        server->host.executor.unlock(server->host.executor.opaque);
    }
}

/* ---- Clients ---- */

void nbd_client_cut(NbdClient *client)
{
    shutdown(client->fd, SHUT_RDWR);
}

/* The last one out tells the main thread, which may free the client at once. */
static void thread_leaves(NbdClient *client)
{
    NbdServer *server = client->server;

    g_mutex_lock(&server->lock);
    if (--client->running == 0) {
        nbd_client_cut(client); /* its peer need not wait for us to look */
        g_source_set_ready_time(server->ended, 0);
        g_cond_broadcast(&server->left);
    }
    g_mutex_unlock(&server->lock);
}

static gpointer client_work(gpointer data)
{
    NbdClient *client = data;

    nbd_transmit(client);
    thread_leaves(client);
    return NULL;
}

static void client_start_others(NbdClient *client)
{
    g_mutex_lock(&client->server->lock); /* until all are there, nobody joins */
    for (unsigned i = 1; i < NBD_WORKERS; i++) {
        client->threads[i] = g_thread_try_new("nbd", client_work, client, NULL);
        client->running += client->threads[i] != NULL;
    }
    g_mutex_unlock(&client->server->lock);
}

static gpointer client_first(gpointer data)
{
    NbdClient *client = data;

    if (nbd_negotiate(client)) {
        client->deadline = 0;
        client_start_others(client);
        nbd_transmit(client);
    }
    thread_leaves(client);
    return NULL;
}

static void client_free(NbdClient *client)
{
    for (unsigned i = 0; i < NBD_WORKERS; i++) {
        if (client->threads[i] != NULL) {
            g_thread_join(client->threads[i]);
        }
    }
    close(client->fd);
    g_mutex_clear(&client->receive);
    g_mutex_clear(&client->send);
    g_mutex_clear(&client->large);
    g_free(client);
}

/* Takes `fd` over. */
static void client_new(NbdServer *server, int fd)
{
    NbdClient *client = g_new0(NbdClient, 1);
    int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* a UNIX socket has none */
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    client->server = server;
    client->fd = fd;
    client->deadline = g_get_monotonic_time() + NBD_HANDSHAKE_S * G_USEC_PER_SEC;
    client->running = 1;
    g_mutex_init(&client->receive);
    g_mutex_init(&client->send);
    g_mutex_init(&client->large);
    client->threads[0] = g_thread_try_new("nbd", client_first, client, NULL);
    if (client->threads[0] == NULL) {
        client_free(client);
        return;
    }
    g_mutex_lock(&server->lock);
    g_ptr_array_add(server->clients, client);
    g_mutex_unlock(&server->lock);
}

/* One whose threads have ended; NULL: there is none. */
static NbdClient *client_take_ended(NbdServer *server, bool *had_export)
{
    NbdClient *found = NULL;

    g_mutex_lock(&server->lock);
    for (guint i = 0; i < server->clients->len && found == NULL; i++) {
        NbdClient *client = g_ptr_array_index(server->clients, i);

        found = client->running == 0 ? client : NULL;
    }
    if (found != NULL) {
        *had_export = found->export != NULL && found->deadline == 0;
        nbd_export_leave_locked(found);
        g_ptr_array_remove(server->clients, found);
    }
    g_mutex_unlock(&server->lock);
    return found;
}

static void clients_sweep(NbdServer *server)
{
    NbdClient *client;
    bool had_export = false, some_had = false;

    while ((client = client_take_ended(server, &had_export)) != NULL) {
        client_free(client);
        some_had |= had_export;
    }
    nbd_exports_sweep(server);
    if (some_had && server->host.left != NULL) {
        server->host.left(server->host.opaque, server->clients->len);
    }
}

static void clients_cut_all(NbdServer *server)
{
    g_mutex_lock(&server->lock);
    for (guint i = 0; i < server->clients->len; i++) {
        NbdClient *client = g_ptr_array_index(server->clients, i);

        nbd_client_cut(client);
        while (client->running > 0) { /* the list is the main thread's to change */
            g_cond_wait(&server->left, &server->lock);
        }
    }
    g_mutex_unlock(&server->lock);
    clients_sweep(server);
}

/* ---- The main thread is told ---- */

typedef struct EndedSource {
    GSource source;
    NbdServer *server;
} EndedSource;

static gboolean ended_dispatch(GSource *source, GSourceFunc callback, gpointer user_data)
{
    NbdServer *server = ((EndedSource *)source)->server;

    (void)callback, (void)user_data;
    g_source_set_ready_time(source, -1);
    executor_lock(server);
    clients_sweep(server);
    executor_unlock(server);
    return G_SOURCE_CONTINUE;
}

static GSource *ended_new(NbdServer *server)
{
    static GSourceFuncs functions = { .dispatch = ended_dispatch };
    GSource *source = g_source_new(&functions, sizeof(EndedSource));

    ((EndedSource *)source)->server = server;
    g_source_attach(source, server->host.executor.context);
    return source;
}

/* ---- Listening ---- */

/* More clients than may be are turned away at once. */
static gboolean listener_ready(gint fd, GIOCondition condition, gpointer data)
{
    NbdServer *server = data;
    int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

    (void)condition;
    if (client < 0) {
        return G_SOURCE_CONTINUE;
    }
    executor_lock(server);
    if (server->clients->len >= server->most) {
        close(client);
    } else {
        client_new(server, client);
    }
    executor_unlock(server);
    return G_SOURCE_CONTINUE;
}

static void listener_add(NbdServer *server, int fd)
{
    GSource *source = g_unix_fd_source_new(fd, G_IO_IN);

    g_source_set_callback(source, G_SOURCE_FUNC(listener_ready), server, NULL);
    g_source_attach(source, server->host.executor.context);
    g_ptr_array_add(server->listeners, source);
    g_array_append_val(server->fds, fd);
}

bool nbd_server_listen_fd(NbdServer *server, int fd, GError **error)
{
    int listens = 0;
    socklen_t size = sizeof(listens);

    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || !listens) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION,
                    "File descriptor %d is no socket that listens", fd);
        return false;
    }
    g_unix_set_fd_nonblocking(fd, TRUE, NULL);
    listener_add(server, fd);
    return true;
}

static int socket_bound(int family, const struct sockaddr *address, socklen_t size)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1, failed;

    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    }
    if (bind(fd, address, size) == 0 && listen(fd, BACKLOG) == 0) {
        return fd;
    }
    failed = errno;
    close(fd);
    errno = failed;
    return -1;
}

bool nbd_server_listen_inet(NbdServer *server, const char *host, const char *port, GError **error)
{
    const struct addrinfo hints = { .ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM };
    g_autofree char *standard = g_strdup_printf("%d", NBD_PORT);
    struct addrinfo *list = NULL;
    int found, failed = 0;
    bool any = false;

    host = host != NULL && *host != '\0' ? host : NULL;
    port = port != NULL && *port != '\0' ? port : standard;
    found = getaddrinfo(host, port, &hints, &list);
    if (found != 0) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION,
                    "address resolution failed for %s:%s: %s", host != NULL ? host : "", port,
                    gai_strerror(found));
        return false;
    }
    for (const struct addrinfo *at = list; at != NULL; at = at->ai_next) {
        int fd = socket_bound(at->ai_family, at->ai_addr, at->ai_addrlen);

        failed = fd < 0 ? errno : failed;
        if (fd >= 0) {
            listener_add(server, fd);
            any = true;
        }
    }
    freeaddrinfo(list);
    if (!any) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN, "Failed to bind socket: %s",
                    g_strerror(failed));
    }
    return any;
}

bool nbd_server_listen_unix(NbdServer *server, const char *path, GError **error)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct stat st;
    int fd;

    if (strlen(path) >= sizeof(address.sun_path)) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION, "UNIX socket path '%s' is too long",
                    path);
        return false;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode)) {
        unlink(path); /* of one that is gone */
    }
    fd = socket_bound(AF_UNIX, (const struct sockaddr *)&address, sizeof(address));
    if (fd < 0) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN, "Failed to bind socket to %s: %s", path,
                    g_strerror(errno));
        return false;
    }
    g_ptr_array_add(server->paths, g_strdup(path));
    listener_add(server, fd);
    return true;
}

void nbd_server_set_clients(NbdServer *server, unsigned most)
{
    server->most = most > 0 ? most : NBD_CLIENTS;
}

bool nbd_server_is_listening(const NbdServer *server)
{
    return server->listeners->len > 0;
}

void nbd_server_stop(NbdServer *server)
{
    for (guint i = 0; i < server->listeners->len; i++) {
        g_source_destroy(g_ptr_array_index(server->listeners, i));
        g_source_unref(g_ptr_array_index(server->listeners, i));
        close(g_array_index(server->fds, int, i));
    }
    for (guint i = 0; i < server->paths->len; i++) {
        unlink(g_ptr_array_index(server->paths, i));
    }
    g_ptr_array_set_size(server->listeners, 0);
    g_ptr_array_set_size(server->paths, 0);
    g_array_set_size(server->fds, 0);
    clients_cut_all(server);
    while (server->exports->len > 0) {
        const NbdExport *export = g_ptr_array_index(server->exports, 0);

        nbd_export_remove(server, export->id, true, NULL);
    }
}

/* ---- Life ---- */

NbdServer *nbd_server_new(BlockGraph *graph, const NbdServerHost *host)
{
    NbdServer *server = g_new0(NbdServer, 1);

    server->graph = graph;
    server->host = *host;
    server->listeners = g_ptr_array_new();
    server->fds = g_array_new(FALSE, FALSE, sizeof(int));
    server->paths = g_ptr_array_new_with_free_func(g_free);
    server->exports = g_ptr_array_new();
    server->clients = g_ptr_array_new();
    server->most = NBD_CLIENTS;
    g_mutex_init(&server->lock);
    g_cond_init(&server->left);
    server->ended = ended_new(server);
    return server;
}

void nbd_server_free(NbdServer *server)
{
    if (server == NULL) {
        return;
    }
    nbd_server_stop(server);
    g_source_destroy(server->ended);
    g_source_unref(server->ended);
    g_ptr_array_unref(server->listeners);
    g_ptr_array_unref(server->paths);
    g_ptr_array_unref(server->exports);
    g_ptr_array_unref(server->clients);
    g_array_unref(server->fds);
    g_cond_clear(&server->left);
    g_mutex_clear(&server->lock);
    g_free(server);
}
