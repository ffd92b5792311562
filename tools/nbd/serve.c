/* SPDX-License-Identifier: GPL-2.0-or-later */
/* serve.c - one image, one export, until the last client leaves or a signal comes. */
#include "tools/nbd/nbd.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hw/block/nbd_server.h"

enum { ACTIVATION_FD = 3 };

typedef struct Service {
    const NbdOptions *options;
    BlockGraph *graph;
    BlockLayer *layer;
    NbdServer *server;
    GMainLoop *loop;
} Service;

/* ---- The image ---- */

static unsigned image_flags(const NbdOptions *options)
{
    const char *cache = options->cache != NULL ? options->cache : "writeback";
    const char *discard = options->discard != NULL ? options->discard : "ignore";
    bool zeroes = options->zeroes != NULL && strcmp(options->zeroes, "off") != 0;
    unsigned flags = options->readonly || options->load != NULL ? BLOCK_READONLY : 0;

    flags |= strcmp(cache, "none") == 0 || strcmp(cache, "directsync") == 0 ? BLOCK_DIRECT : 0;
    flags |= strcmp(cache, "unsafe") == 0 ? BLOCK_NO_FLUSH : 0;
    flags |= strcmp(discard, "unmap") == 0 || strcmp(discard, "on") == 0 ? BLOCK_UNMAP : 0;
    return flags | (zeroes ? BLOCK_ZEROES : 0);
}

/* A name, or "snapshot.id=...", "snapshot.name=...". */
static bool snapshot_show(BlockLayer *layer, const char *words, GError **error)
{
    const char *name = words;

    if (g_str_has_prefix(words, "snapshot.id=")) {
        name = words + strlen("snapshot.id=");
    } else if (g_str_has_prefix(words, "snapshot.name=")) {
        name = words + strlen("snapshot.name=");
    }
    return block_snapshot_load(layer, name, error);
}

/* The export begins at an offset of the image. */
static BlockLayer *image_part(Service *service, BlockLayer *whole, GError **error)
{
    JsonObject *tree = json_object_new();
    BlockLayer *part;

    json_object_set_string_member(tree, "driver", "raw");
    json_object_set_string_member(tree, "file", layer_node_name(whole));
    json_object_set_int_member(tree, "offset", (gint64)service->options->offset);
    part = layer_open(service->graph, tree, image_flags(service->options), error);
    layer_unref(whole);
    return part;
}

static BlockLayer *image_open_top(Service *service, unsigned flags, GError **error)
{
    const NbdOptions *options = service->options;
    JsonObject *tree;

    if (!options->image_opts) {
        return layer_open_file(service->graph, options->image, options->format, flags, error);
    }
    if (options->format != NULL) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION,
                    "--image-opts and -f are mutually exclusive");
        return NULL;
    }
    tree = block_tree_parse(options->image, error);
    return tree != NULL ? layer_open(service->graph, tree, flags, error) : NULL;
}

static bool image_open(Service *service, GError **error)
{
    const NbdOptions *options = service->options;
    unsigned flags = image_flags(options);
    BlockLayer *layer = image_open_top(service, options->snapshot ? flags | BLOCK_READONLY : flags,
                                       error);
    BlockLayer *above;

    if (layer == NULL) {
        g_prefix_error(error, "Failed to blk_new_open '%s': ", options->image);
        return false;
    }
    if (options->load != NULL && !snapshot_show(layer, options->load, error)) {
        g_prefix_error(error, "Failed to load snapshot: ");
        layer_unref(layer);
        return false;
    }
    if (options->snapshot && options->load == NULL) {
        above = layer_open_temporary(service->graph, layer, error);
        if (above == NULL) {
            layer_unref(layer);
            return false;
        }
        layer = above;
    }
    if (options->format == NULL && !options->image_opts && !(flags & BLOCK_READONLY) &&
        strcmp(layer_format(layer), "raw") == 0) {
        fprintf(stderr,
                "doppel-nbd: warning: Image format was not specified for '%s' and probing guessed "
                "raw; clients may turn it into another format (-f raw says that it is raw)\n",
                options->image);
    }
    service->layer = options->offset != 0 ? image_part(service, layer, error) : layer;
    return service->layer != NULL;
}

/* ---- The service ---- */

static void client_left(void *opaque, unsigned clients)
{
    Service *service = opaque;

    if (clients == 0 && !service->options->persistent) {
        g_main_loop_quit(service->loop);
    }
}

static gboolean signalled(gpointer opaque)
{
    g_main_loop_quit(((Service *)opaque)->loop);
    return G_SOURCE_CONTINUE;
}

/* Whoever has started us may have given us the socket. */
static bool is_activated(void)
{
    const char *pid = g_getenv("LISTEN_PID"), *fds = g_getenv("LISTEN_FDS");

    return pid != NULL && fds != NULL && atoi(pid) == getpid() && atoi(fds) == 1;
}

static bool service_listen(Service *service, bool activated, GError **error)
{
    const NbdOptions *options = service->options;

    nbd_server_set_clients(service->server, options->shared);
    if (activated) {
        fcntl(ACTIVATION_FD, F_SETFD, FD_CLOEXEC);
        return nbd_server_listen_fd(service->server, ACTIVATION_FD, error);
    }
    if (options->path != NULL) {
        return nbd_server_listen_unix(service->server, options->path, error);
    }
    return nbd_server_listen_inet(
        service->server, options->bind != NULL ? options->bind : "0.0.0.0", options->port, error);
}

static bool service_export(Service *service, GError **error)
{
    const NbdOptions *options = service->options;
    const char *cache = options->cache;
    const NbdExportOptions export = {
        .id = "export",
        .name = options->name,
        .description = options->description,
        .layer = service->layer,
        .writable = !layer_is_readonly(service->layer),
        .writethrough = g_strcmp0(cache, "writethrough") == 0 ||
                        g_strcmp0(cache, "directsync") == 0,
        .allocation_depth = options->depth,
        .bitmaps = (const char *const *)options->bitmaps->pdata,
    };

    return nbd_export_add(service->server, &export, error);
}

static bool pid_write(const NbdOptions *options, GError **error)
{
    g_autofree char *text = g_strdup_printf("%ld\n", (long)getpid());

    return options->pid_file == NULL || g_file_set_contents(options->pid_file, text, -1, error);
}

static bool service_start(Service *service, bool activated, GError **error)
{
    const NbdServerHost host = { .left = client_left, .opaque = service };

    service->graph = block_graph_new();
    if (!image_open(service, error)) {
        return false;
    }
    service->server = nbd_server_new(service->graph, &host);
    return service_export(service, error) && service_listen(service, activated, error) &&
           pid_write(service->options, error);
}

static int service_stop(Service *service, int status)
{
    int failed = 0;

    nbd_server_free(service->server);
    if (service->layer != NULL) {
        failed = layer_is_readonly(service->layer) ? 0 : layer_flush(service->layer);
        layer_unref(service->layer);
    }
    block_graph_free(service->graph);
    g_main_loop_unref(service->loop);
    return failed != 0 ? nbd_fail("Could not write out the image: %s", g_strerror(failed)) : status;
}

/* ---- --fork ---- */

/* The parent waits until clients can come; the child is to write a byte then. Returns its end of
 * the pipe, or -1 in the parent, with the status. */
static int background(int *status)
{
    int ends[2];
    char byte;
    pid_t child;

    if (pipe(ends) != 0 || (child = fork()) < 0) {
        *status = nbd_fail("Failed to fork: %s", g_strerror(errno));
        return -1;
    }
    if (child == 0) {
        close(ends[0]);
        setsid();
        return ends[1];
    }
    close(ends[1]);
    *status = read(ends[0], &byte, 1) == 1 ? 0 : 1; /* the child has said why */
    close(ends[0]);
    return -1;
}

static void foreground_end(int ready)
{
    int null = open("/dev/null", O_RDWR);

    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    if (null > STDERR_FILENO) {
        close(null);
    }
    if (write(ready, "", 1) == 1) {
        close(ready);
    }
}

int nbd_serve(const NbdOptions *options)
{
    static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
    Service service = { .options = options };
    bool activated = is_activated();
    GError *error = NULL;
    int ready = -1, status = 0;

    if (activated && (options->path != NULL || options->bind != NULL || options->port != NULL)) {
        return nbd_fail("Socket activation and -b, -k or -p are mutually exclusive");
    }
    if (options->fork && (ready = background(&status)) < 0) {
        return status;
    }
    service.loop = g_main_loop_new(NULL, FALSE);
    if (!service_start(&service, activated, &error)) {
        return service_stop(&service, nbd_fail_error(error));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(signals); i++) {
        g_unix_signal_add(signals[i], signalled, &service);
    }
    if (options->fork) {
        foreground_end(ready);
    }
    g_main_loop_run(service.loop);
    if (options->pid_file != NULL) {
        unlink(options->pid_file);
    }
    return service_stop(&service, status);
}
