/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options_plug.c - -device and -global: what is plugged in once the board is there. */
#include "runtime/machine/machine_int.h"
#include "runtime/machine/options_int.h"

#include <json-glib/json-glib.h>
#include <stdio.h>
#include <string.h>

#include "hw/board.h"

static void device_option_free(gpointer data)
{
    DeviceOption *option = data;

    g_free(option->words);
    g_free(option->driver);
    keyval_free(option->values);
    g_free(option);
}

static void global_clear(gpointer data)
{
    BoardGlobal *global = data;

    g_free(global->driver);
    g_free(global->property);
    g_free(global->value);
}

void options_plug_init(Options *options)
{
    options->devices = g_ptr_array_new_with_free_func(device_option_free);
    options->globals = g_array_new(FALSE, FALSE, sizeof(BoardGlobal));
    g_array_set_clear_func(options->globals, global_clear);
}

void options_plug_clear(Options *options)
{
    g_ptr_array_free(options->devices, TRUE);
    g_array_unref(options->globals);
}

bool options_have_device(const Options *options, const char *driver)
{
    for (guint i = 0; i < options->devices->len; i++) {
        const DeviceOption *option = g_ptr_array_index(options->devices, i);

        if (strcmp(option->driver, driver) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- -device ---- */

/* Takes `values`. */
void options_plug(Options *options, const char *words, const char *driver, KeyValues *values)
{
    DeviceOption *option = g_new0(DeviceOption, 1);
    GArray *list = values->list;

    option->words = g_strdup(words);
    option->driver = g_strdup(driver);
    option->values = values;
    for (guint i = list->len; i > 0; i--) {
        if (strcmp(g_array_index(list, KeyValue, i - 1).key, "driver") == 0) {
            g_array_remove_index(list, i - 1);
        }
    }
    g_ptr_array_add(options->devices, option);
}

void options_plug_drive(Options *options, const char *words, const char *driver, const char *id)
{
    g_autofree char *text = g_strconcat("drive=", id, NULL);

    options_plug(options, words, driver, keyval_parse(text, NULL));
}

void options_plug_first(Options *options, const char *words, const char *driver, const char *text)
{
    options_plug(options, words, driver, keyval_parse(text, NULL));
    g_ptr_array_insert(options->devices, 0,
                       g_ptr_array_steal_index(options->devices, (guint)options->devices->len - 1));
}

char *options_json_text(JsonNode *node)
{
    if (!JSON_NODE_HOLDS_VALUE(node)) {
        return NULL;
    }
    switch (json_node_get_value_type(node)) {
    case G_TYPE_BOOLEAN:
        return g_strdup(json_node_get_boolean(node) ? "on" : "off");
    case G_TYPE_INT64:
        return g_strdup_printf("%" G_GINT64_FORMAT, json_node_get_int(node));
    case G_TYPE_STRING:
        return g_strdup(json_node_get_string(node));
    default:
        return NULL;
    }
}

static bool json_values(JsonObject *object, KeyValues *values, GError **error)
{
    JsonObjectIter iter;
    const char *key;
    JsonNode *node;

    json_object_iter_init(&iter, object);
    while (json_object_iter_next(&iter, &key, &node)) {
        KeyValue pair = { .key = g_strdup(key), .value = options_json_text(node) };

        g_array_append_val(values->list, pair);
        if (pair.value == NULL) {
            return option_fail(error, OPTIONS_ERROR_VALUE,
                               "Parameter '%s' expects a string, a number or a boolean", key);
        }
    }
    return true;
}

/* {"driver":...}; NULL: the error is set. */
static KeyValues *json_parse(const char *text, GError **error)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    g_autoptr(KeyValues) values = keyval_parse("", NULL);
    g_autoptr(GError) reason = NULL;

    if (!json_parser_load_from_data(parser, text, -1, &reason)) {
        option_fail(error, OPTIONS_ERROR_VALUE, "JSON parse error, %s", reason->message);
        return NULL;
    }
    if (!JSON_NODE_HOLDS_OBJECT(json_parser_get_root(parser))) {
        option_fail(error, OPTIONS_ERROR_VALUE, "a JSON object is expected");
        return NULL;
    }
    if (!json_values(json_node_get_object(json_parser_get_root(parser)), values, error)) {
        return NULL;
    }
    return g_steal_pointer(&values);
}

static bool device_help(const char *driver, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);

    if (driver == NULL) {
        device_types_help(text);
    } else if (!device_type_help(text, driver, error)) {
        return false;
    }
    fputs(text->str, stdout);
    return option_help_shown(error);
}

/* NAME,help: a key alone, wherever it stands. */
static bool asks_for_help(const KeyValues *values)
{
    for (guint i = 0; i < values->list->len; i++) {
        const KeyValue *pair = &g_array_index(values->list, KeyValue, i);

        if (pair->bare && option_is_help(pair->key)) {
            return true;
        }
    }
    return false;
}

bool option_device(Options *options, const char *value, GError **error)
{
    g_autoptr(KeyValues) values = NULL;
    g_autofree char *words = g_strconcat("-device ", value, NULL);
    const char *driver;

    if (option_is_help(value)) {
        return device_help(NULL, error);
    }
    values = *value == '{' ? json_parse(value, error) : keyval_parse(value, "driver");
    if (values == NULL) {
        return false;
    }
    driver = keyval_get(values, "driver");
    if (driver == NULL || *driver == '\0') {
        return option_fail(error, OPTIONS_ERROR_VALUE, "Parameter 'driver' is missing");
    }
    if (asks_for_help(values)) {
        return device_help(driver, error);
    }
    if (device_type_find(driver) == NULL && !device_type_is_cpu(driver)) {
        return option_fail(error, OPTIONS_ERROR_UNKNOWN, "'%s' is not a valid device model name",
                           driver);
    }
    options_plug(options, words, driver, g_steal_pointer(&values));
    return true;
}

bool option_debugcon(Options *options, const char *value, GError **error)
{
    g_autofree char *words = g_strconcat("-debugcon ", value, NULL), *text = NULL;
    const char *id = "debugcon";

    if (g_str_has_prefix(value, "chardev:")) {
        id = value + strlen("chardev:");
    } else if (options_chardev(options, id) != NULL) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "there is a chardev '%s' already", id);
    } else if (!options_add_chardev(options, words, id, value, error)) {
        return false;
    }
    text = g_strconcat("chardev=", id, NULL);
    options_plug(options, words, "isa-debugcon", keyval_parse(text, NULL));
    return true;
}

/* ---- -global ---- */

bool option_global(Options *options, const char *value, GError **error)
{
    g_autoptr(KeyValues) values = keyval_parse(value, NULL);
    const char *driver = keyval_get(values, "driver"), *property = keyval_get(values, "property");
    const char *setting = keyval_get(values, "value");
    const char *equals = strchr(value, '='), *dot = strchr(value, '.');
    BoardGlobal global;

    if (equals != NULL && dot != NULL && dot < equals && dot != value && equals != dot + 1) {
        global.driver = g_strndup(value, (gsize)(dot - value));
        global.property = g_strndup(dot + 1, (gsize)(equals - dot - 1));
        global.value = g_strdup(equals + 1);
    } else if (driver != NULL && property != NULL && setting != NULL) {
        global.driver = g_strdup(driver);
        global.property = g_strdup(property);
        global.value = g_strdup(setting);
    } else {
        return option_fail(error, OPTIONS_ERROR_VALUE,
                           "options 'driver', 'property', and 'value' are required, or "
                           "NAME.PROPERTY=VALUE");
    }
    g_array_append_val(options->globals, global);
    return true;
}
