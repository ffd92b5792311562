/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options_throttle.c - throttling.* of -drive, and -object throttle-group. */
#include "runtime/machine/options_int.h"

#include <string.h>

static bool value_take(ThrottleConfig *config, const char *key, const KeyValue *pair,
                       GError **error)
{
    uint64_t value;

    if (!number_parse(pair->value, UINT64_MAX, &value)) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "Parameter '%s' expects a number",
                           pair->key);
    }
    return throttle_config_set(config, key, value) ||
           option_fail(error, OPTIONS_ERROR_VALUE, "Invalid parameter '%s'", pair->key);
}

/* What of a key is left behind one of the prefixes; an old word in its new form. NULL: it is none.
 */
static char *key_of(const char *key, const char *const *prefixes)
{
    for (size_t i = 0; prefixes[i] != NULL; i++) {
        if (g_str_has_prefix(key, prefixes[i])) {
            return g_strdup(key + strlen(prefixes[i]));
        }
    }
    return throttle_key_of_old(key);
}

/* Keys that are not the throttle's are left alone. */
static bool config_read(ThrottleConfig *config, const KeyValues *values,
                        const char *const *prefixes, GError **error)
{
    for (guint i = 0; i < values->list->len; i++) {
        const KeyValue *pair = &g_array_index(values->list, KeyValue, i);
        g_autofree char *key = key_of(pair->key, prefixes);

        if (key != NULL && !value_take(config, key, pair, error)) {
            return false;
        }
    }
    return throttle_config_check(config, error);
}

bool drive_throttle_options(DriveOption *drive, KeyValues *values, GError **error)
{
    static const char *const prefixes[] = { "throttling.", NULL };

    drive->throttle_group = g_strdup(keyval_get(values, "throttling.group"));
    for (guint i = values->list->len; i > 0; i--) {
        if (strcmp(g_array_index(values->list, KeyValue, i - 1).key, "throttling.group") == 0) {
            g_array_remove_index(values->list, i - 1);
        }
    }
    drive->throttle = g_new0(ThrottleConfig, 1);
    if (!config_read(drive->throttle, values, prefixes, error)) {
        return false;
    }
    for (guint i = values->list->len; i > 0; i--) {
        g_autofree char *key = key_of(g_array_index(values->list, KeyValue, i - 1).key, prefixes);

        if (key != NULL) {
            g_array_remove_index(values->list, i - 1);
        }
    }
    return true;
}

Throttle *throttle_group_open(const KeyValues *values, GError **error)
{
    static const char *const prefixes[] = { "x-", "limits.", NULL };
    const char *id = keyval_get(values, "id");
    ThrottleConfig config = { 0 };

    for (guint i = 0; i < values->list->len; i++) {
        const char *key = g_array_index(values->list, KeyValue, i).key;
        g_autofree char *word = key_of(key, prefixes);

        if (word == NULL && strcmp(key, "qom-type") != 0 && strcmp(key, "id") != 0) {
            option_fail(error, OPTIONS_ERROR_VALUE, "Property 'throttle-group.%s' not found", key);
            return NULL;
        }
    }
    if (id == NULL) {
        option_fail(error, OPTIONS_ERROR_VALUE, "Parameter 'id' is missing");
        return NULL;
    }
    return config_read(&config, values, prefixes, error) ? throttle_new(id, &config) : NULL;
}
