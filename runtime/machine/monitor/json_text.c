/* SPDX-License-Identifier: GPL-2.0-or-later */
/* json_text.c - JSON as QEMU writes it: ": " and ", ", every other character than ASCII escaped. */
#include "runtime/machine/monitor/json_stream.h"

#include <math.h>
#include <string.h>

enum { INDENT = 4 };

typedef struct JsonText {
    GString *text;
    bool pretty;
    unsigned depth;
} JsonText;

static void text_node(JsonText *out, JsonNode *node);

static void text_escape(GString *text, gunichar c)
{
    static const char plain[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    const char *at = c != 0 && c < 0x80 ? strchr(plain, (int)c) : NULL;

    if (at != NULL) {
        g_string_append_c(text, '\\');
        g_string_append_c(text, letters[at - plain]);
    } else if (c >= ' ' && c < 0x7f) {
        g_string_append_c(text, (char)c);
    } else if (c > 0xffff) {
        c -= 0x10000;
        g_string_append_printf(text, "\\u%04X\\u%04X", 0xd800 + (c >> 10), 0xdc00 + (c & 0x3ff));
    } else {
        g_string_append_printf(text, "\\u%04X", c);
    }
}

static void text_string(JsonText *out, const char *string)
{
    g_autofree char *valid = g_utf8_make_valid(string, -1);

    g_string_append_c(out->text, '"');
    for (const char *p = valid; *p != '\0'; p = g_utf8_next_char(p)) {
        text_escape(out->text, g_utf8_get_char(p));
    }
    g_string_append_c(out->text, '"');
}

static void text_number(JsonText *out, double number)
{
    char digits[G_ASCII_DTOSTR_BUF_SIZE];

    if (!isfinite(number)) { /* JSON has no word for it */
        number = 0;
    }
    g_string_append(out->text, g_ascii_dtostr(digits, sizeof(digits), number));
}

static void text_value(JsonText *out, JsonNode *node)
{
    switch (json_node_get_value_type(node)) {
    case G_TYPE_STRING:
        text_string(out, json_node_get_string(node));
        break;
    case G_TYPE_BOOLEAN:
        g_string_append(out->text, json_node_get_boolean(node) ? "true" : "false");
        break;
    case G_TYPE_DOUBLE:
        text_number(out, json_node_get_double(node));
        break;
    default:
        g_string_append_printf(out->text, "%" G_GINT64_FORMAT, json_node_get_int(node));
        break;
    }
}

static void text_separate(JsonText *out, bool first)
{
    if (!first) {
        g_string_append(out->text, out->pretty ? "," : ", ");
    }
    if (out->pretty) {
        g_string_append_printf(out->text, "\n%*s", (int)(out->depth * INDENT), "");
    }
}

static void text_end(JsonText *out, bool empty, char bracket)
{
    out->depth--;
    if (out->pretty && !empty) {
        g_string_append_printf(out->text, "\n%*s", (int)(out->depth * INDENT), "");
    }
    g_string_append_c(out->text, bracket);
}

static void text_object(JsonText *out, JsonObject *object)
{
    JsonObjectIter iter;
    const char *name;
    JsonNode *node;
    bool first = true;

    g_string_append_c(out->text, '{');
    out->depth++;
    json_object_iter_init_ordered(&iter, object);
    while (json_object_iter_next_ordered(&iter, &name, &node)) {
        text_separate(out, first);
        text_string(out, name);
        g_string_append(out->text, ": ");
        text_node(out, node);
        first = false;
    }
    text_end(out, first, '}');
}

static void text_array(JsonText *out, JsonArray *array)
{
    guint n = json_array_get_length(array);

    g_string_append_c(out->text, '[');
    out->depth++;
    for (guint i = 0; i < n; i++) {
        text_separate(out, i == 0);
        text_node(out, json_array_get_element(array, i));
    }
    text_end(out, n == 0, ']');
}

static void text_node(JsonText *out, JsonNode *node)
{
    switch (json_node_get_node_type(node)) {
    case JSON_NODE_OBJECT:
        text_object(out, json_node_get_object(node));
        break;
    case JSON_NODE_ARRAY:
        text_array(out, json_node_get_array(node));
        break;
    case JSON_NODE_VALUE:
        text_value(out, node);
        break;
    default:
        g_string_append(out->text, "null");
        break;
    }
}

void json_text(GString *text, JsonNode *node, bool pretty)
{
    JsonText out = { text, pretty, 0 };

    text_node(&out, node);
}
