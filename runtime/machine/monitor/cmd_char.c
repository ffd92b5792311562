/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_char.c - commands about character devices. */
#include <string.h>

#include "runtime/machine/machine_int.h"
#include "runtime/machine/monitor/monitor_rows.h"

enum { READ_MAX = 1 << 20 };

static CharDev *call_chardev(MonitorCall *call, const char *name, GError **error)
{
    const char *id = call_str(call, name);
    CharDev *chr = machine_chardev(call->machine, id);

    if (chr == NULL) {
        monitor_fail(error, MONITOR_ERROR_GENERIC, "Chardev '%s' not found", id);
    }
    return chr;
}

static bool run_query_chardev(MonitorCall *call, GError **error)
{
    JsonArray *array = call_array(call);

    (void)error;
    for (guint i = 0; i < call->machine->chardevs->len; i++) {
        const CharDev *chr = g_ptr_array_index(call->machine->chardevs, i);
        JsonObject *object = json_array_new_object(array);
        g_autofree char *filename = chardev_filename(chr);

        json_object_set_boolean_member(object, "frontend-open", chardev_is_used(chr));
        json_object_set_string_member(object, "filename", filename);
        json_object_set_string_member(object, "label", chardev_label(chr));
    }
    return true;
}

static void show_chardev(MonitorCall *call)
{
    for (guint i = 0; i < call->machine->chardevs->len; i++) {
        const CharDev *chr = g_ptr_array_index(call->machine->chardevs, i);
        g_autofree char *filename = chardev_filename(chr);

        g_string_append_printf(call->text, "%s: filename=%s\n", chardev_label(chr), filename);
    }
}

static void add_kind(const char *kind, void *opaque)
{
    json_object_set_string_member(json_array_new_object(opaque), "name", kind);
}

static bool run_query_backends(MonitorCall *call, GError **error)
{
    (void)error;
    chardev_each_kind(add_kind, call_array(call));
    return true;
}

/* ---- More and fewer ---- */

static void property_set(GHashTable *properties, const char *name, JsonNode *node)
{
    char *text;

    if (!JSON_NODE_HOLDS_VALUE(node)) {
        return;
    }
    switch (json_node_get_value_type(node)) {
    case G_TYPE_STRING:
        text = g_strdup(json_node_get_string(node));
        break;
    case G_TYPE_BOOLEAN:
        text = g_strdup(json_node_get_boolean(node) ? "on" : "off");
        break;
    default:
        text = g_strdup_printf("%" G_GINT64_FORMAT, json_node_get_int(node));
        break;
    }
    g_hash_table_replace(properties, g_strdup(name), text);
}

/* QMP's tree of a backend is flat on the command line: addr.data.path is path. */
static void properties_flatten(GHashTable *properties, JsonObject *object)
{
    JsonObjectIter iter;
    const char *name;
    JsonNode *node;

    json_object_iter_init(&iter, object);
    while (json_object_iter_next(&iter, &name, &node)) {
        if (JSON_NODE_HOLDS_OBJECT(node)) {
            properties_flatten(properties, json_node_get_object(node));
        } else if (strcmp(name, "type") != 0) {
            bool device = strcmp(name, "device") == 0 || strcmp(name, "out") == 0;

            property_set(properties, device ? "path" : name, node);
        }
    }
}

static bool chardev_add(MonitorCall *call, GHashTable *properties, const char *id, GError **error)
{
    CharDev *chr = machine_add_chardev(call->machine, properties, id, error);
    g_autofree char *filename = chr != NULL ? chardev_filename(chr) : NULL;

    if (chr == NULL) {
        return false;
    }
    if (g_str_has_prefix(filename, "pty:")) {
        json_object_set_string_member(call_object(call), "pty", filename + strlen("pty:"));
    } else {
        call_object(call);
    }
    return true;
}

static bool run_chardev_add(MonitorCall *call, GError **error)
{
    JsonObject *backend = json_object_get_object_member(call->args, "backend");
    g_autoptr(GHashTable)
        properties = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    bool socket = strcmp(json_object_get_string_member(backend, "type"), "socket") == 0;

    properties_flatten(properties, json_object_get_object_member(backend, "data"));
    g_hash_table_replace(properties, g_strdup("backend"),
                         g_strdup(json_object_get_string_member(backend, "type")));
    if (socket && !g_hash_table_contains(properties, "server")) { /* QMP's default is the other */
        g_hash_table_replace(properties, g_strdup("server"), g_strdup("on"));
    }
    return chardev_add(call, properties, call_str(call, "id"), error);
}

static bool hmp_chardev_add(MonitorCall *call, GError **error)
{
    g_autoptr(GHashTable)
        properties = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

    properties_flatten(properties, call->args);
    if (call_str(call, "id") == NULL) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC, "Parameter 'id' is missing");
    }
    return chardev_add(call, properties, call_str(call, "id"), error);
}

static bool run_chardev_remove(MonitorCall *call, GError **error)
{
    return machine_remove_chardev(call->machine, call_str(call, "id"), error);
}

static bool run_chardev_send_break(MonitorCall *call, GError **error)
{
    CharDev *chr = call_chardev(call, "id", error);

    if (chr == NULL) {
        return false;
    }
    chardev_send_break(chr);
    return true;
}

/* ---- ringbuf ---- */

static bool run_ringbuf_read(MonitorCall *call, GError **error)
{
    CharDev *chr = call_chardev(call, "device", error);
    int64_t size = call_int(call, "size", 0);
    bool base64 = g_strcmp0(call_str(call, "format"), "base64") == 0;
    g_autofree uint8_t *data = NULL;
    g_autofree char *text = NULL;
    size_t n;

    if (chr == NULL) {
        return false;
    }
    if (size <= 0) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC, "size must be greater than zero");
    }
    n = (size_t)MIN(size, READ_MAX);
    data = g_malloc0(n + 1);
    if (!chardev_ringbuf_read(chr, data, &n)) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC, "%s is not a ringbuf device",
                            call_str(call, "device"));
    }
    text = base64 ? g_base64_encode(data, n) : g_utf8_make_valid((const char *)data, (gssize)n);
    call->result = json_node_init_string(json_node_alloc(), text);
    return true;
}

static void show_ringbuf(MonitorCall *call)
{
    g_string_append_printf(call->text, "%s\n", json_node_get_string(call->result));
}

static bool run_ringbuf_write(MonitorCall *call, GError **error)
{
    CharDev *chr = call_chardev(call, "device", error);
    const char *data = call_str(call, "data");
    bool base64 = g_strcmp0(call_str(call, "format"), "base64") == 0;
    g_autofree uint8_t *bytes = NULL;
    gsize n = strlen(data);

    if (chr == NULL) {
        return false;
    }
    bytes = base64 ? g_base64_decode(data, &n) : (uint8_t *)g_strdup(data);
    return chardev_ringbuf_write(chr, bytes, n) ||
           monitor_fail(error, MONITOR_ERROR_GENERIC, "%s is not a ringbuf device",
                        call_str(call, "device"));
}

static const MonitorRow rows[] = {
    { "query-chardev", "info chardev", .result = "[ChardevInfo]", .run = run_query_chardev,
      .show = show_chardev, .flags = MONITOR_EMPTY, .help = "show the character devices" },
    { "query-chardev-backends", .result = "[ChardevBackendInfo]", .run = run_query_backends,
      .flags = MONITOR_EMPTY, .help = "kinds of character devices" },
    { "chardev-add", "chardev-add", .args = "id:str backend:ChardevBackend",
      .hmp_args = "backend:options", .result = "ChardevReturn", .run = run_chardev_add,
      .hmp_run = hmp_chardev_add, .flags = MONITOR_EMPTY, .help = "add a character device" },
    { "chardev-remove", "chardev-remove", .args = "id:str", .run = run_chardev_remove,
      .flags = MONITOR_EMPTY, .help = "remove a character device" },
    { "chardev-send-break", "chardev-send-break", .args = "id:str", .run = run_chardev_send_break,
      .flags = MONITOR_EMPTY, .help = "send a break on a character device" },
    { "ringbuf-read", "ringbuf_read", .args = "device:str size:int *format:DataFormat",
      .hmp_args = "device:str size:int", .result = "str", .run = run_ringbuf_read,
      .show = show_ringbuf, .flags = MONITOR_EMPTY,
      .help = "read from a ring buffer character device" },
    { "ringbuf-write", "ringbuf_write", .args = "device:str data:str *format:DataFormat",
      .hmp_args = "device:str data:str", .run = run_ringbuf_write, .flags = MONITOR_EMPTY,
      .help = "write to a ring buffer character device" },
    { 0 },
};

static const MonitorType types[] = {
    { "ChardevInfo", .members = "label:str filename:str frontend-open:bool" },
    { "ChardevBackendInfo", .members = "name:str" },
    { "ChardevBackend", .members = "type:str data:ChardevBackendData" },
    { "ChardevBackendData", .members = "..." },
    { "ChardevReturn", .members = "*pty:str" },
    { "DataFormat", .values = "utf8 base64" },
    { 0 },
};

const MonitorTable monitor_char_table = { .rows = rows, .types = types };
