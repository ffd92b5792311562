/* SPDX-License-Identifier: GPL-2.0-or-later */
/* char_options.c - properties of a character device, and the short forms that stand for them. */
#include "hw/char/chardev_int.h"

#include <string.h>

void char_error(GError **error, const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list args;

    va_start(args, format);
    message = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, message);
}

GHashTable *char_values_new(const char *backend)
{
    GHashTable *values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

    char_values_set(values, "backend", backend);
    return values;
}

void char_values_set(GHashTable *values, const char *key, const char *value)
{
    g_hash_table_replace(values, g_strdup(key), g_strdup(value));
}

/* Up to a single comma, or the end; *text is left behind it. */
static char *element_read(const char **text)
{
    GString *element = g_string_new(NULL);
    const char *p = *text;

    for (; *p != '\0'; p++) {
        if (*p == ',' && *++p != ',') {
            break;
        }
        g_string_append_c(element, *p);
    }
    *text = p;
    return g_string_free(element, FALSE);
}

/* "key=value,flag,noflag" behind the address. */
static void values_read(GHashTable *values, const char *text)
{
    while (*text != '\0') {
        g_autofree char *element = element_read(&text);
        char *equals = strchr(element, '=');

        if (equals != NULL) {
            *equals = '\0';
            char_values_set(values, element, equals + 1);
        } else if (strcmp(element, "nowait") == 0 || strcmp(element, "nodelay") == 0 ||
                   strcmp(element, "noserver") == 0 || strcmp(element, "notelnet") == 0) {
            bool plain = strcmp(element, "nodelay") == 0; /* a word of its own */

            char_values_set(values, plain ? element : element + 2, plain ? "on" : "off");
        } else {
            char_values_set(values, element, "on");
        }
    }
}

/* HOST:PORT; a host of IPv6 in brackets. */
static bool address_read(GHashTable *values, const char *address, const char *host_key,
                         const char *port_key, GError **error)
{
    const char *colon = strrchr(address, ':');
    g_autofree char *host = NULL;

    if (colon == NULL || colon[1] == '\0') {
        char_error(error, "the address is HOST:PORT");
        return false;
    }
    host = address[0] == '[' && colon > address + 1 && colon[-1] == ']'
               ? g_strndup(address + 1, (gsize)(colon - address - 2))
               : g_strndup(address, (gsize)(colon - address));
    char_values_set(values, host_key, host);
    char_values_set(values, port_key, colon + 1);
    return true;
}

/* udp:[HOST]:PORT[@[HOST]:PORT] */
static bool udp_read(GHashTable *values, const char *address, GError **error)
{
    g_auto(GStrv) ends = g_strsplit(address, "@", 2);

    return address_read(values, ends[0], "host", "port", error) &&
           (ends[1] == NULL || address_read(values, ends[1], "localaddr", "localport", error));
}

typedef struct ShortForm {
    const char *prefix, *backend;
    const char *key; /* where the address goes; NULL: host and port */
    const char *flag;
} ShortForm;

static const ShortForm short_forms[] = {
    { "file:", "file", "path", NULL },
    { "pipe:", "pipe", "path", NULL },
    { "unix:", "socket", "path", NULL },
    { "tcp:", "socket", NULL, NULL },
    { "telnet:", "socket", NULL, "telnet" },
    { "tn3270:", "socket", NULL, "tn3270" },
    { "websocket:", "socket", NULL, "websocket" },
    { "udp:", "udp", NULL, NULL },
    { "vc:", "vc", "size", NULL },
    { "fdset:", "file", "path", NULL },
};

static GHashTable *short_form_read(const ShortForm *form, const char *text, GError **error)
{
    g_autoptr(GHashTable) values = char_values_new(form->backend);
    g_autofree char *address = element_read(&text);
    bool good = true;

    if (form->flag != NULL) {
        char_values_set(values, form->flag, "on");
    }
    if (form->key != NULL) {
        char_values_set(values, form->key, address);
    } else if (strcmp(form->backend, "udp") == 0) {
        good = udp_read(values, address, error);
    } else {
        good = address_read(values, address, "host", "port", error);
    }
    values_read(values, text);
    return good ? g_steal_pointer(&values) : NULL;
}

GHashTable *char_values_of_spec(const char *spec, GError **error)
{
    GHashTable *values = NULL;
    const char *text = spec;
    bool mux = g_str_has_prefix(spec, "mon:");

    text += mux ? strlen("mon:") : 0;
    for (size_t i = 0; i < G_N_ELEMENTS(short_forms) && values == NULL; i++) {
        if (g_str_has_prefix(text, short_forms[i].prefix)) {
            values = short_form_read(&short_forms[i], text + strlen(short_forms[i].prefix), error);
            if (values == NULL) {
                return NULL;
            }
        }
    }
    if (values == NULL) {
        g_autofree char *backend = element_read(&text);
        bool device = g_str_has_prefix(backend, "/dev/");

        values = char_values_new(device ? "serial" : backend);
        if (device) {
            char_values_set(values, "path", backend);
        }
        values_read(values, text);
    }
    if (mux) {
        char_values_set(values, "mux", "on");
    }
    return values;
}

/* ---- Reading them ---- */

const char *char_value(const CharDev *chr, const char *key)
{
    return g_hash_table_lookup(chr->values, key);
}

bool char_values_check(GHashTable *values, const char *const *known, GError **error)
{
    static const char *const common[] = { "backend", "id", "mux", "logfile", "logappend", NULL };
    GHashTableIter iter;
    gpointer key;

    g_hash_table_iter_init(&iter, values);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        if (!g_strv_contains(common, key) && (known == NULL || !g_strv_contains(known, key))) {
            char_error(error, "Invalid parameter '%s'", (const char *)key);
            return false;
        }
    }
    return true;
}

bool char_value_bool(const CharDev *chr, const char *key, bool *value, GError **error)
{
    static const char *const yes[] = { "on", "yes", "true", "y", NULL };
    static const char *const no[] = { "off", "no", "false", "n", NULL };
    const char *text = char_value(chr, key);

    if (text == NULL) {
        return true;
    }
    if (!g_strv_contains(yes, text) && !g_strv_contains(no, text)) {
        char_error(error, "Parameter '%s' expects 'on' or 'off'", key);
        return false;
    }
    *value = g_strv_contains(yes, text);
    return true;
}

bool char_value_number(const CharDev *chr, const char *key, uint64_t max, uint64_t *value,
                       GError **error)
{
    const char *text = char_value(chr, key);
    guint64 number;

    if (text == NULL) {
        return true;
    }
    if (!g_ascii_string_to_unsigned(text, 10, 0, max, &number, NULL)) {
        char_error(error, "Parameter '%s' expects a number, 0 to %" G_GUINT64_FORMAT, key, max);
        return false;
    }
    *value = number;
    return true;
}
