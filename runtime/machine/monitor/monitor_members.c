/* SPDX-License-Identifier: GPL-2.0-or-later */
/* monitor_members.c - the notation of members, and whether a client's values are what it says. */
#include "runtime/machine/monitor/monitor_int.h"

#include <string.h>

bool member_next(const char **at, Member *member)
{
    const char *p = *at;
    size_t n, colon;

    memset(member, 0, sizeof(*member));
    if (p == NULL) {
        return false;
    }
    p += strspn(p, " ");
    n = strcspn(p, " ");
    *at = p + n;
    if (n == 0) {
        return false;
    }
    if (strncmp(p, "...", n) == 0) {
        member->open = true;
        return true;
    }
    member->optional = *p == '*';
    p += member->optional;
    n -= member->optional;
    colon = strcspn(p, ":");
    g_assert(colon < n && n - colon - 1 < sizeof(member->type));
    memcpy(member->type, p + colon + 1, n - colon - 1);
    if (colon > 2 && p[colon - 2] == '/') {
        member->flag = p[colon - 1];
        colon -= 2;
    }
    g_assert(colon < sizeof(member->name));
    memcpy(member->name, p, colon);
    return true;
}

static bool wrong_type(const char *name, const char *expected, GError **error)
{
    return monitor_fail(error, MONITOR_ERROR_GENERIC,
                        "Invalid parameter type for '%s', expected: %s", name, expected);
}

static bool is_value(JsonNode *node, GType type)
{
    return JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == type;
}

typedef struct BuiltinType {
    const char *name, *word; /* what QEMU's messages call it */
    GType type;
} BuiltinType;

/* The types that are one value; false if it is none of them. */
static bool builtin_find(const char *name, BuiltinType *found)
{
    const BuiltinType types[] = {
        { "str", "string", G_TYPE_STRING },    { "rest", "string", G_TYPE_STRING },
        { "format", "string", G_TYPE_STRING }, { "int", "integer", G_TYPE_INT64 },
        { "size", "uint64", G_TYPE_INT64 },    { "bool", "boolean", G_TYPE_BOOLEAN },
        { "number", "number", G_TYPE_DOUBLE },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        if (strcmp(types[i].name, name) == 0) {
            *found = types[i];
            return true;
        }
    }
    return false;
}

static bool array_check(const char *type, const char *name, JsonNode *node, GError **error)
{
    g_autofree char *element = g_strndup(type + 1, strlen(type) - 2);
    JsonArray *array;

    if (!JSON_NODE_HOLDS_ARRAY(node)) {
        return wrong_type(name, "array", error);
    }
    array = json_node_get_array(node);
    for (guint i = 0; i < json_array_get_length(array); i++) {
        if (!type_check(element, name, json_array_get_element(array, i), error)) {
            return false;
        }
    }
    return true;
}

static bool enum_check(const MonitorType *type, const char *name, JsonNode *node, GError **error)
{
    g_auto(GStrv) values = g_strsplit(type->values, " ", -1);

    if (!is_value(node, G_TYPE_STRING)) {
        return wrong_type(name, "string", error);
    }
    return g_strv_contains((const char *const *)values, json_node_get_string(node)) ||
           monitor_fail(error, MONITOR_ERROR_GENERIC, "Parameter '%s' does not accept value '%s'",
                        name, json_node_get_string(node));
}

bool type_check(const char *type, const char *name, JsonNode *node, GError **error)
{
    BuiltinType builtin;
    const MonitorType *row;

    if (strcmp(type, "any") == 0) {
        return true;
    }
    if (*type == '[') {
        return array_check(type, name, node, error);
    }
    if (builtin_find(type, &builtin)) {
        bool integer = builtin.type == G_TYPE_DOUBLE && is_value(node, G_TYPE_INT64);

        return integer || is_value(node, builtin.type) || wrong_type(name, builtin.word, error);
    }
    row = monitor_type_find(type);
    g_assert(row != NULL);
    if (row->values != NULL) {
        return enum_check(row, name, node, error);
    }
    return JSON_NODE_HOLDS_OBJECT(node)
               ? members_check(row->members, json_node_get_object(node), error)
               : wrong_type(name, "object", error);
}

bool members_check(const char *members, JsonObject *object, GError **error)
{
    g_autoptr(GList) given = json_object_get_members(object);
    bool open = false;
    Member member;

    while (member_next(&members, &member)) {
        JsonNode *node;
        GList *link;

        if (member.open || strcmp(member.type, "options") == 0) {
            open = true;
            continue;
        }
        node = json_object_get_member(object, member.name);
        if (node == NULL && !member.optional) {
            return monitor_fail(error, MONITOR_ERROR_GENERIC, "Parameter '%s' is missing",
                                member.name);
        }
        if (node != NULL && !type_check(member.type, member.name, node, error)) {
            return false;
        }
        link = g_list_find_custom(given, member.name, (GCompareFunc)strcmp);
        given = link != NULL ? g_list_delete_link(given, link) : given;
    }
    return given == NULL || open ||
           monitor_fail(error, MONITOR_ERROR_GENERIC, "Parameter '%s' is unexpected",
                        (const char *)given->data);
}
