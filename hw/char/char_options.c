/* SPDX-License-Identifier: GPL-2.0-or-later */
/* char_options.c - "ADDRESS,key=value,flag,noflag" of a character device's specification. */
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

static bool key_known(const char *key, const char *const *known)
{
    return known != NULL && g_strv_contains(known, key);
}

bool char_options_parse(CharOptions *options, const char *args, const char *const *known,
                        GError **error)
{
    g_auto(GStrv) parts = g_strsplit(args, ",", -1);

    options->address = g_strdup(parts[0] != NULL ? parts[0] : "");
    options->values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    for (unsigned i = 1; parts[0] != NULL && parts[i] != NULL; i++) {
        char *equals = strchr(parts[i], '=');
        const char *key = parts[i];
        const char *value = "on";

        if (equals != NULL) {
            *equals = '\0';
            value = equals + 1;
        } else if (g_str_has_prefix(key, "no") && !key_known(key, known)) {
            key += 2;
            value = "off";
        }
        if (!key_known(key, known)) {
            char_error(error, "unknown option '%s'", parts[i]);
            return false;
        }
        g_hash_table_replace(options->values, g_strdup(key), g_strdup(value));
    }
    return true;
}

void char_options_clear(CharOptions *options)
{
    g_free(options->address);
    g_clear_pointer(&options->values, g_hash_table_unref);
}

bool char_options_bool(const CharOptions *options, const char *key, bool *value, GError **error)
{
    const char *text = g_hash_table_lookup(options->values, key);

    if (text == NULL) {
        return true;
    }
    if (strcmp(text, "on") != 0 && strcmp(text, "off") != 0 && strcmp(text, "yes") != 0 &&
        strcmp(text, "no") != 0) {
        char_error(error, "%s must be on or off, not '%s'", key, text);
        return false;
    }
    *value = strcmp(text, "on") == 0 || strcmp(text, "yes") == 0;
    return true;
}
