/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options_json.c - values that are JSON objects, as words of the other form. */
#include "runtime/machine/machine_int.h"
#include "runtime/machine/options_int.h"

#include <json-glib/json-glib.h>
#include <string.h>

enum { DEPTH_MAX = 8 };

static bool words_add(GString *words, const char *key, JsonNode *node, unsigned depth,
                      GError **error);

static void pair_add(GString *words, const char *key, const char *value)
{
    if (words->len != 0) {
        g_string_append_c(words, ',');
    }
    g_string_append_printf(words, "%s=", key);
    for (; *value != '\0'; value++) {
        g_string_append(words, *value == ',' ? "," : "");
        g_string_append_c(words, *value);
    }
}

/* Members of members: "addr.port". A list of QAPI's strings, [{"str": "tcp::22-:22"}], is the key
 * as often. */
static bool object_add(GString *words, const char *prefix, JsonObject *object, unsigned depth,
                       GError **error)
{
    JsonObjectIter iter;
    const char *name;
    JsonNode *node;

    json_object_iter_init_ordered(&iter, object);
    while (json_object_iter_next_ordered(&iter, &name, &node)) {
        g_autofree char *key = prefix == NULL ? g_strdup(name)
                                              : g_strconcat(prefix, ".", name, NULL);

        if (!words_add(words, key, node, depth + 1, error)) {
            return false;
        }
    }
    return true;
}

static bool list_add(GString *words, const char *key, JsonArray *array, unsigned depth,
                     GError **error)
{
    for (guint i = 0; i < json_array_get_length(array); i++) {
        JsonNode *node = json_array_get_element(array, i);

        if (JSON_NODE_HOLDS_OBJECT(node) &&
            json_object_has_member(json_node_get_object(node), "str")) {
            node = json_object_get_member(json_node_get_object(node), "str");
        }
        if (!words_add(words, key, node, depth + 1, error)) {
            return false;
        }
    }
    return true;
}

static bool words_add(GString *words, const char *key, JsonNode *node, unsigned depth,
                      GError **error)
{
    g_autofree char *text = options_json_text(node);

    if (text != NULL) {
        pair_add(words, key, text);
        return true;
    }
    if (depth < DEPTH_MAX && JSON_NODE_HOLDS_OBJECT(node)) {
        return object_add(words, key, json_node_get_object(node), depth, error);
    }
    if (depth < DEPTH_MAX && JSON_NODE_HOLDS_ARRAY(node)) {
        return list_add(words, key, json_node_get_array(node), depth, error);
    }
    return option_fail(error, OPTIONS_ERROR_VALUE,
                       "Parameter '%s' expects a string, a number or a boolean", key);
}

char *options_json_words(const char *json, GError **error)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    g_autoptr(GString) words = g_string_new(NULL);
    g_autoptr(GError) reason = NULL;
    JsonNode *root;

    if (!json_parser_load_from_data(parser, json, -1, &reason)) {
        option_fail(error, OPTIONS_ERROR_VALUE, "JSON parse error, %s", reason->message);
        return NULL;
    }
    root = json_parser_get_root(parser);
    if (root == NULL || !JSON_NODE_HOLDS_OBJECT(root)) {
        option_fail(error, OPTIONS_ERROR_VALUE, "a JSON object is expected");
        return NULL;
    }
    if (!object_add(words, NULL, json_node_get_object(root), 0, error)) {
        return NULL;
    }
    return g_strdup(words->str);
}
