/* SPDX-License-Identifier: GPL-2.0-or-later */
/* monitor_nbd.c - commands about the NBD server: where it listens, what it exports. */
#include <string.h>
#include <unistd.h>

#include "runtime/machine/monitor/monitor_block.h"

#include "hw/block/blockdev.h"
#include "hw/block/nbd_server.h"

static NbdServer *server_of(MonitorCall *call, GError **error)
{
    NbdServer *server = machine_nbd(call->machine);

    if (!nbd_server_is_listening(server)) {
        monitor_fail(error, MONITOR_ERROR_GENERIC, "NBD server not running");
        return NULL;
    }
    return server;
}

/* ---- Start and stop ---- */

static const char *member(JsonObject *object, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);

    return node != NULL && JSON_NODE_HOLDS_VALUE(node) &&
                   json_node_get_value_type(node) == G_TYPE_STRING
               ? json_node_get_string(node)
               : NULL;
}

/* A descriptor that getfd has named, or a number. */
static bool listen_fd(MonitorCall *call, NbdServer *server, const char *name, GError **error)
{
    int fd = monitors_take_fd(call->machine->monitors, name);

    if (fd < 0) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC, "File descriptor named '%s' not found",
                            name);
    }
    if (!nbd_server_listen_fd(server, fd, error)) {
        close(fd);
        return false;
    }
    return true;
}

static bool listen_at(MonitorCall *call, NbdServer *server, JsonObject *address, GError **error)
{
    const char *type = member(address, "type"), *text;
    JsonNode *data = json_object_get_member(address, "data");

    if (type == NULL || data == NULL || !JSON_NODE_HOLDS_OBJECT(data)) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC, "Parameter 'addr.type' is missing");
    }
    address = json_node_get_object(data);
    if (strcmp(type, "inet") == 0) {
        text = member(address, "port");
        return text != NULL ? nbd_server_listen_inet(server, member(address, "host"), text, error)
                            : monitor_fail(error, MONITOR_ERROR_GENERIC,
                                           "Parameter 'addr.data.port' is missing");
    }
    if (strcmp(type, "unix") == 0) {
        text = member(address, "path");
        return text != NULL ? nbd_server_listen_unix(server, text, error)
                            : monitor_fail(error, MONITOR_ERROR_GENERIC,
                                           "Parameter 'addr.data.path' is missing");
    }
    if (strcmp(type, "fd") == 0 && (text = member(address, "str")) != NULL) {
        return listen_fd(call, server, text, error);
    }
    return monitor_fail(error, MONITOR_ERROR_GENERIC,
                        "Parameter 'addr.type' does not accept value '%s'", type);
}

static bool may_start(MonitorCall *call, GError **error)
{
    if (nbd_server_is_listening(machine_nbd(call->machine))) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC, "NBD server already running");
    }
    return !(call_has(call, "tls-creds") || call_has(call, "tls-authz")) ||
           monitor_fail(error, MONITOR_ERROR_GENERIC, "TLS is not supported");
}

static bool run_start(MonitorCall *call, GError **error)
{
    JsonNode *address = json_object_get_member(call->args, "addr");
    NbdServer *server = machine_nbd(call->machine);

    if (!may_start(call, error)) {
        return false;
    }
    if (!JSON_NODE_HOLDS_OBJECT(address)) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC,
                            "Invalid parameter type for 'addr', expected: object");
    }
    nbd_server_set_clients(server,
                           (unsigned)CLAMP(call_int(call, "max-connections", 0), 0, G_MAXINT));
    return listen_at(call, server, json_node_get_object(address), error);
}

static bool run_stop(MonitorCall *call, GError **error)
{
    NbdServer *server = server_of(call, error);

    if (server != NULL) {
        nbd_server_stop(server);
    }
    return server != NULL;
}

/* ---- Exports ---- */

static bool run_add(MonitorCall *call, GError **error)
{
    NbdServer *server = server_of(call, error);
    const char *device = call_str(call, "device"), *bitmap = call_str(call, "bitmap");
    const char *const bitmaps[] = { bitmap, NULL };
    NbdExportOptions options = { .name = call_str(call, "name"),
                                 .description = call_str(call, "description"),
                                 .writable = call_bool(call, "writable", false),
                                 .bitmaps = bitmaps };

    options.name = options.name != NULL ? options.name : device;
    options.id = options.name;
    options.layer = server != NULL ? monitor_block_find(call, device, NULL, error) : NULL;
    return options.layer != NULL && nbd_export_add(server, &options, error);
}

static bool remove_export(NbdServer *server, const char *id, const char *mode, GError **error)
{
    if (mode != NULL && strcmp(mode, "safe") != 0 && strcmp(mode, "hard") != 0) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC,
                            "Parameter 'mode' does not accept value '%s'", mode);
    }
    return nbd_export_remove(server, id, g_strcmp0(mode, "hard") == 0, error);
}

static bool run_remove(MonitorCall *call, GError **error)
{
    NbdServer *server = server_of(call, error);
    const char *name = call_str(call, "name");
    const char *id = server != NULL ? nbd_export_id(server, name) : NULL;

    if (server == NULL) {
        return false;
    }
    if (id == NULL) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC, "Export '%s' is not found", name);
    }
    return remove_export(server, id, call_str(call, "mode"), error);
}

/* Names of bitmaps; those of other nodes, which are objects, are not offered. NULL: refused. */
static char **bitmap_names(MonitorCall *call, GError **error)
{
    JsonNode *node = json_object_get_member(call->args, "bitmaps");
    JsonArray *array = node != NULL && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node)
                                                                   : NULL;
    guint n = array != NULL ? json_array_get_length(array) : 0;
    char **names = g_new0(char *, n + 1);

    for (guint i = 0; i < n; i++) {
        JsonNode *one = json_array_get_element(array, i);

        if (!JSON_NODE_HOLDS_VALUE(one) || json_node_get_value_type(one) != G_TYPE_STRING) {
            monitor_fail(error, MONITOR_ERROR_GENERIC,
                         "Parameter 'bitmaps': only names of bitmaps of the node are supported");
            g_strfreev(names);
            return NULL;
        }
        names[i] = g_strdup(json_node_get_string(one));
    }
    return names;
}

static bool export_type(MonitorCall *call, GError **error)
{
    const char *type = call_str(call, "type");

    if (strcmp(type, "nbd") != 0) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC,
                            "Parameter 'type' does not accept value '%s'", type);
    }
    return !call_has(call, "iothread") ||
           monitor_fail(error, MONITOR_ERROR_GENERIC,
                        "iothread is not supported: an export has threads of its own");
}

static bool run_export_add(MonitorCall *call, GError **error)
{
    NbdServer *server = export_type(call, error) ? server_of(call, error) : NULL;
    const char *node = call_str(call, "node-name");
    g_auto(GStrv) bitmaps = server != NULL ? bitmap_names(call, error) : NULL;
    NbdExportOptions options = { .id = call_str(call, "id"),
                                 .name = call_has(call, "name") ? call_str(call, "name") : node,
                                 .description = call_str(call, "description"),
                                 .writable = call_bool(call, "writable", false),
                                 .writethrough = call_bool(call, "writethrough", false),
                                 .allocation_depth = call_bool(call, "allocation-depth", false),
                                 .bitmaps = (const char *const *)bitmaps };

    options.layer = bitmaps != NULL ? monitor_block_find(call, node, NULL, error) : NULL;
    return options.layer != NULL && nbd_export_add(server, &options, error);
}

static bool run_export_del(MonitorCall *call, GError **error)
{
    return remove_export(machine_nbd(call->machine), call_str(call, "id"), call_str(call, "mode"),
                         error);
}

static void export_each(const NbdExportInfo *info, void *opaque)
{
    JsonObject *object = json_array_new_object(opaque);

    json_object_set_string_member(object, "id", info->id);
    json_object_set_string_member(object, "type", "nbd");
    json_object_set_string_member(object, "node-name", info->node_name);
    json_object_set_boolean_member(object, "shutting-down", info->shutting_down);
}

static bool run_query_exports(MonitorCall *call, GError **error)
{
    (void)error;
    nbd_exports_each(machine_nbd(call->machine), export_each, call_array(call));
    return true;
}

/* ---- People ---- */

typedef struct AllDevices {
    NbdServer *server;
    bool writable, good;
    GError **error;
} AllDevices;

static void all_each(BlockNode *node, void *opaque)
{
    AllDevices *all = opaque;
    const char *id = block_id(node);
    const NbdExportOptions options = { .id = id,
                                       .name = id,
                                       .layer = block_top(node),
                                       .writable = all->writable && !block_readonly(node) };

    if (all->good && id != NULL) {
        all->good = nbd_export_add(all->server, &options, all->error);
    }
}

/* "HOST:PORT", "unix:PATH". */
static bool run_hmp_start(MonitorCall *call, GError **error)
{
    const char *uri = call_str(call, "uri"), *colon = strrchr(uri, ':');
    AllDevices all = { machine_nbd(call->machine), call_bool(call, "writable", false), true,
                       error };
    bool good;

    if (all.writable && !call_bool(call, "all", false)) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC, "-w only valid together with -a");
    }
    if (!may_start(call, error)) {
        return false;
    }
    nbd_server_set_clients(all.server, 0);
    if (g_str_has_prefix(uri, "unix:")) {
        good = nbd_server_listen_unix(all.server, uri + strlen("unix:"), error);
    } else {
        g_autofree char *host = colon != NULL ? g_strndup(uri, (gsize)(colon - uri)) : NULL;

        good = colon != NULL
                   ? nbd_server_listen_inet(all.server, host, colon + 1, error)
                   : monitor_fail(error, MONITOR_ERROR_GENERIC, "error parsing address '%s'", uri);
    }
    if (good && call_bool(call, "all", false)) {
        block_graph_each_node(call->machine->graph, all_each, &all);
    }
    if (good && !all.good) {
        nbd_server_stop(all.server);
    }
    return good && all.good;
}

static bool run_hmp_remove(MonitorCall *call, GError **error)
{
    if (call_bool(call, "force", false)) {
        json_object_set_string_member(call->args, "mode", "hard");
    }
    return run_remove(call, error);
}

static const MonitorRow rows[] = {
    { "nbd-server-start", "nbd_server_start",
      "addr:any *tls-creds:str *tls-authz:str *max-connections:int",
      .hmp_args = "*all/a:bool *writable/w:bool uri:str", .run = run_start,
      .hmp_run = run_hmp_start, .help = "serve block devices to NBD clients" },
    { "nbd-server-add", "nbd_server_add",
      "device:str *name:str *description:str *writable:bool *bitmap:str",
      .hmp_args = "*writable/w:bool device:str *name:str", .run = run_add,
      .help = "export a block device through the NBD server" },
    { "nbd-server-remove", "nbd_server_remove", "name:str *mode:str",
      .hmp_args = "*force/f:bool name:str", .run = run_remove, .hmp_run = run_hmp_remove,
      .help = "remove an export of the NBD server" },
    { "nbd-server-stop", "nbd_server_stop", .run = run_stop,
      .help = "stop the NBD server and remove its exports" },
    { "block-export-add",
      .args = "type:str id:str node-name:str *writable:bool *writethrough:bool *iothread:str "
              "*fixed-iothread:bool *name:str *description:str *bitmaps:[any] "
              "*allocation-depth:bool",
      .run = run_export_add, .help = "export a node; its type: nbd" },
    { "block-export-del", .args = "id:str *mode:str", .run = run_export_del,
      .help = "remove an export" },
    { "query-block-exports", .result = "[BlockExportInfo]", .run = run_query_exports,
      .help = "the exports that there are" },
    { 0 },
};

static const MonitorType types[] = {
    { "BlockExportInfo", .members = "id:str type:str node-name:str shutting-down:bool" },
    { 0 },
};

static const MonitorEvent events[] = {
    { "BLOCK_EXPORT_DELETED", "id:str", "an export has gone, and its last client" },
    { 0 },
};

const MonitorTable monitor_nbd_table = { rows, types, events };
