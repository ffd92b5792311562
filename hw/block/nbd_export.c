/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nbd_export.c - exports of an NBD server: added, found, removed. */
#include "hw/block/bitmap.h"
#include "hw/block/nbd_server_int.h"

#include <string.h>

enum { /* what a client is told */
       HAS_FLAGS = 1,
       READ_ONLY = 2,
       SEND_FLUSH = 4,
       SEND_FUA = 8,
       SEND_TRIM = 32,
       SEND_WRITE_ZEROES = 64,
       SEND_DF = 128,
       CAN_MULTI_CONN = 256
};

uint64_t nbd_export_size(const NbdExport *export)
{
    return export->layer->size & ~(uint64_t)(BLOCK_SECTOR - 1);
}

/* One flush covers what all connections have written. */
uint16_t nbd_export_flags(const NbdClient *client, const NbdExport *export)
{
    uint16_t flags = HAS_FLAGS | SEND_FLUSH | SEND_FUA | CAN_MULTI_CONN;

    flags |= export->writable ? SEND_TRIM | SEND_WRITE_ZEROES : READ_ONLY;
    return flags | (client->structured ? SEND_DF : 0);
}

/* ---- For clients ---- */

static NbdExport *find_by_name(const NbdServer *server, const char *name)
{
    for (guint i = 0; i < server->exports->len; i++) {
        NbdExport *export = g_ptr_array_index(server->exports, i);

        if (!export->removed && strcmp(export->name, name) == 0) {
            return export;
        }
    }
    return NULL;
}

void nbd_export_leave_locked(NbdClient *client)
{
    if (client->export != NULL) {
        client->export->clients--;
        if (client->export->removed) {
            g_source_set_ready_time(client->server->ended, 0);
        }
        client->export = NULL;
        client->n_contexts = 0;
    }
}

bool nbd_export_choose(NbdClient *client, const char *name)
{
    NbdServer *server = client->server;
    NbdExport *export;

    g_mutex_lock(&server->lock);
    export = find_by_name(server, name);
    if (export != NULL && export != client->export) {
        nbd_export_leave_locked(client);
        client->export = export;
        export->clients++;
    }
    g_mutex_unlock(&server->lock);
    return export != NULL;
}

/* ---- Adding ---- */

static NbdExport *find_by_id(const NbdServer *server, const char *id)
{
    for (guint i = 0; i < server->exports->len; i++) {
        NbdExport *export = g_ptr_array_index(server->exports, i);

        if (strcmp(export->id, id) == 0) {
            return export;
        }
    }
    return NULL;
}

static bool fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool fail(GError **error, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    if (error != NULL) {
        *error = g_error_new_valist(BLOCK_ERROR, BLOCK_ERROR_OPTION, format, list);
    }
    va_end(list);
    return false;
}

static bool options_check(const NbdServer *server, const NbdExportOptions *options, GError **error)
{
    if (find_by_id(server, options->id) != NULL) {
        return fail(error, "Block export id '%s' is already in use", options->id);
    }
    if (strlen(options->name) > NBD_NAME_MAX) {
        return fail(error, "export name '%s' too long", options->name);
    }
    if (options->description != NULL && strlen(options->description) > NBD_NAME_MAX) {
        return fail(error, "description '%s' too long", options->description);
    }
    if (find_by_name(server, options->name) != NULL) {
        return fail(error, "NBD server already has export named '%s'", options->name);
    }
    for (size_t i = 0; options->bitmaps != NULL && options->bitmaps[i] != NULL; i++) {
        if (block_bitmap_find(options->layer, options->bitmaps[i], error) == NULL) {
            return false;
        }
    }
    if (options->writable && layer_is_readonly(options->layer)) {
        return fail(error, "Cannot export read-only node as writable");
    }
    return true;
}

bool nbd_export_add(NbdServer *server, const NbdExportOptions *options, GError **error)
{
    NbdExport *export;

    if (!options_check(server, options, error)) {
        return false;
    }
    export = g_new0(NbdExport, 1);
    export->server = server;
    export->id = g_strdup(options->id);
    export->name = g_strdup(options->name);
    export->description = g_strdup(options->description);
    export->layer = layer_ref(options->layer);
    export->writable = options->writable;
    export->writethrough = options->writethrough;
    export->allocation_depth = options->allocation_depth;
    export->bitmaps = options->bitmaps != NULL ? g_strdupv((char **)options->bitmaps)
                                               : g_new0(char *, 1);
    export->origin = layer_ref(options->layer);
    export->dirty = g_ptr_array_new();
    for (size_t i = 0; export->bitmaps[i] != NULL; i++) {
        BlockBitmap *bitmap = block_bitmap_find(export->layer, export->bitmaps[i], NULL);

        block_bitmap_hold(bitmap);
        g_ptr_array_add(export->dirty, bitmap);
    }
    g_mutex_init(&export->partial);
    graph_add_edge(server->graph, &export->layer);
    g_mutex_lock(&server->lock);
    g_ptr_array_add(server->exports, export);
    g_mutex_unlock(&server->lock);
    return true;
}

/* ---- Removing ---- */

static void export_free(NbdExport *export)
{
    NbdServer *server = export->server;

    if (server->host.event != NULL) {
        JsonObject *data = json_object_new();

        json_object_set_string_member(data, "id", export->id);
        server->host.event(server->host.opaque, "BLOCK_EXPORT_DELETED", data);
    }
    for (guint i = 0; i < export->dirty->len; i++) {
        block_bitmap_release(g_ptr_array_index(export->dirty, i));
    }
    g_ptr_array_unref(export->dirty);
    graph_remove_edge(server->graph, &export->layer);
    if (export->writable) {
        layer_flush(export->layer);
    }
    layer_unref(export->layer);
    layer_unref(export->origin);
    g_mutex_clear(&export->partial);
    g_strfreev(export->bitmaps);
    g_free(export->description);
    g_free(export->name);
    g_free(export->id);
    g_free(export);
}

void nbd_exports_sweep(NbdServer *server)
{
    for (guint i = server->exports->len; i > 0; i--) {
        NbdExport *export = g_ptr_array_index(server->exports, i - 1);
        bool goes;

        g_mutex_lock(&server->lock);
        goes = export->removed && export->clients == 0;
        if (goes) {
            g_ptr_array_remove_index(server->exports, i - 1);
        }
        g_mutex_unlock(&server->lock);
        if (goes) {
            export_free(export);
        }
    }
}

bool nbd_export_remove(NbdServer *server, const char *id, bool hard, GError **error)
{
    NbdExport *export = find_by_id(server, id);

    if (export == NULL) {
        return fail(error, "Export '%s' is not found", id);
    }
    g_mutex_lock(&server->lock);
    if (export->clients > 0 && !hard) {
        g_mutex_unlock(&server->lock);
        return fail(error, "export '%s' still in use", id);
    }
    export->removed = true;
    for (guint i = 0; i < server->clients->len; i++) {
        NbdClient *client = g_ptr_array_index(server->clients, i);

        if (client->export == export) {
            nbd_client_cut(client);
        }
    }
    g_mutex_unlock(&server->lock);
    nbd_exports_sweep(server);
    return true;
}

/* ---- Looking ---- */

const char *nbd_export_id(const NbdServer *server, const char *name)
{
    const NbdExport *export = find_by_name(server, name);

    return export != NULL ? export->id : NULL;
}

bool nbd_server_uses(const NbdServer *server, const BlockLayer *layer)
{
    for (guint i = 0; i < server->exports->len; i++) {
        if (((const NbdExport *)g_ptr_array_index(server->exports, i))->layer == layer) {
            return true;
        }
    }
    return false;
}

void nbd_exports_each(const NbdServer *server, NbdExportEach *each, void *opaque)
{
    for (guint i = 0; i < server->exports->len; i++) {
        const NbdExport *export = g_ptr_array_index(server->exports, i);
        const NbdExportInfo info = { export->id, export->name, export->layer->node_name,
                                     export->removed };

        each(&info, opaque);
    }
}
