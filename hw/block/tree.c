/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tree.c - trees of options from "driver=qcow2,file.driver=file,file.filename=x" or from JSON. */
#include "hw/block/block_int.h"

#include <string.h>

JsonObject *block_json_parse(const char *text, GError **error)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    g_autoptr(GError) wrong = NULL;
    JsonNode *root;

    if (!json_parser_load_from_data(parser, text, -1, &wrong)) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION, "Could not parse the JSON options: %s",
                    wrong->message);
        return NULL;
    }
    root = json_parser_get_root(parser);
    if (root == NULL || !JSON_NODE_HOLDS_OBJECT(root)) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION, "Invalid JSON object given");
        return NULL;
    }
    return json_object_ref(json_node_get_object(root));
}

/* Up to a single comma; two are one of the value's own. */
static char *element_take(const char **at)
{
    GString *element = g_string_new(NULL);

    for (; **at != '\0'; (*at)++) {
        if (**at == ',' && (*at)[1] != ',') {
            (*at)++;
            break;
        }
        *at += **at == ',';
        g_string_append_c(element, **at);
    }
    return g_string_free(element, FALSE);
}

bool block_tree_set(JsonObject *tree, const char *key, const char *value, GError **error)
{
    const char *dot = strchr(key, '.');
    g_autofree char *name = dot != NULL ? g_strndup(key, (gsize)(dot - key)) : NULL;
    JsonNode *node;

    if (dot == NULL) {
        json_object_set_string_member(tree, key, value);
        return true;
    }
    node = json_object_get_member(tree, name);
    if (node == NULL) {
        json_object_set_object_member(tree, name, json_object_new());
        node = json_object_get_member(tree, name);
    }
    if (!JSON_NODE_HOLDS_OBJECT(node)) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION,
                    "Cannot mix '%s' and '%s' as they have incompatible types", name, key);
        return false;
    }
    return block_tree_set(json_node_get_object(node), dot + 1, value, error);
}

JsonObject *block_tree_parse(const char *text, GError **error)
{
    g_autoptr(JsonObject) tree = NULL;
    const char *at = text;

    if (*text == '{') {
        return block_json_parse(text, error);
    }
    tree = json_object_new();
    while (*at != '\0') {
        g_autofree char *element = element_take(&at);
        char *equals = strchr(element, '=');

        if (*element == '\0') {
            continue;
        }
        if (equals == element || *element == '.') {
            g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION, "Invalid parameter '%s'", element);
            return NULL;
        }
        if (equals != NULL) {
            *equals = '\0';
        }
        if (!block_tree_set(tree, element, equals != NULL ? equals + 1 : "on", error)) {
            return NULL;
        }
    }
    return g_steal_pointer(&tree);
}
