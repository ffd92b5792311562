/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/machine/keyval.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "runtime/machine/options.h"

static void keyval_clear(gpointer element)
{
    KeyValue *pair = element;

    g_free(pair->key);
    g_free(pair->value);
}

/* Reads up to a single comma, or the end; *text is left behind it. */
static char *element_read(const char **text)
{
    GString *element = g_string_new(NULL);
    const char *p = *text;

    while (*p != '\0') {
        if (*p == ',') {
            p++;
            if (*p != ',') {
                break;
            }
        }
        g_string_append_c(element, *p++);
    }
    *text = p;
    return g_string_free(element, FALSE);
}

/* Where the key ends: at '=' before any comma. NULL: there is no key. */
static const char *key_end(const char *text)
{
    size_t n = strcspn(text, "=,");

    return text[n] == '=' ? text + n : NULL;
}

KeyValues *keyval_parse(const char *text, const char *implied)
{
    KeyValues *values = g_new0(KeyValues, 1);
    bool first = true;

    values->list = g_array_new(FALSE, TRUE, sizeof(KeyValue));
    g_array_set_clear_func(values->list, keyval_clear);
    while (*text != '\0') {
        const char *end = key_end(text);
        KeyValue pair = { 0 };

        if (end != NULL) {
            pair.key = g_strndup(text, (gsize)(end - text));
            text = end + 1;
            pair.value = element_read(&text);
        } else if (first && implied != NULL) {
            pair.key = g_strdup(implied);
            pair.value = element_read(&text);
            pair.implied = true;
        } else {
            pair.key = element_read(&text);
            pair.value = g_strdup("on");
            pair.bare = true;
        }
        g_array_append_val(values->list, pair);
        first = false;
    }
    return values;
}

void keyval_free(KeyValues *values)
{
    g_array_free(values->list, TRUE);
    g_free(values);
}

const char *keyval_get(const KeyValues *values, const char *key)
{
    for (guint i = values->list->len; i > 0; i--) {
        const KeyValue *pair = &g_array_index(values->list, KeyValue, i - 1);

        if (strcmp(pair->key, key) == 0) {
            return pair->value;
        }
    }
    return NULL;
}

bool keyval_check(const KeyValues *values, const char *const *known, GError **error)
{
    for (guint i = 0; i < values->list->len; i++) {
        const KeyValue *pair = &g_array_index(values->list, KeyValue, i);

        if (!g_strv_contains(known, pair->key)) {
            g_set_error(error, OPTIONS_ERROR, OPTIONS_ERROR_VALUE, "unknown parameter '%s'",
                        pair->key);
            return false;
        }
    }
    return true;
}

bool keyval_bool(const KeyValues *values, const char *key, bool *result, GError **error)
{
    static const char *const yes[] = { "on", "yes", "true", "y", NULL };
    static const char *const no[] = { "off", "no", "false", "n", NULL };
    const char *value = keyval_get(values, key);

    if (value == NULL) {
        return true;
    }
    if (g_strv_contains(yes, value)) {
        *result = true;
        return true;
    }
    if (g_strv_contains(no, value)) {
        *result = false;
        return true;
    }
    g_set_error(error, OPTIONS_ERROR, OPTIONS_ERROR_VALUE, "%s=%s: expected on or off", key, value);
    return false;
}

bool number_parse(const char *text, uint64_t max, uint64_t *value)
{
    char *end;
    guint64 n;

    if (!g_ascii_isdigit(*text)) {
        return false;
    }
    errno = 0;
    n = g_ascii_strtoull(text, &end, g_str_has_prefix(text, "0x") ? 16 : 10);
    if (errno != 0 || *end != '\0' || end == text || n > max) {
        return false;
    }
    *value = n;
    return true;
}

bool range_parse(const char *text, uint64_t max, uint64_t *first, uint64_t *last)
{
    g_auto(GStrv) ends = g_strsplit(text, "-", 2);

    if (ends[0] == NULL || !number_parse(ends[0], max, first)) {
        return false;
    }
    *last = *first;
    return ends[1] == NULL || (number_parse(ends[1], max, last) && *last >= *first);
}

bool keyval_number(const KeyValues *values, const char *key, uint64_t max, uint64_t *result,
                   GError **error)
{
    const char *value = keyval_get(values, key);

    if (value == NULL || number_parse(value, max, result)) {
        return true;
    }
    g_set_error(error, OPTIONS_ERROR, OPTIONS_ERROR_VALUE, "%s=%s: invalid number", key, value);
    return false;
}

/* The unit that a suffix stands for, 0 for none that is known. */
static uint64_t suffix_unit(const char *suffix, uint64_t unit)
{
    static const char suffixes[] = "bkmgtpe";
    const char *at;

    if (*suffix == '\0') {
        return unit;
    }
    at = strchr(suffixes, g_ascii_tolower(*suffix));
    if (at == NULL || suffix[1] != '\0') {
        return 0;
    }
    return 1ull << (10 * (at - suffixes));
}

bool size_parse(const char *text, uint64_t unit, uint64_t *size)
{
    bool hex = g_str_has_prefix(text, "0x") || g_str_has_prefix(text, "0X");
    guint64 whole;
    double fraction = 0;
    char *end;

    if (!g_ascii_isdigit(*text)) {
        return false;
    }
    errno = 0;
    whole = g_ascii_strtoull(text, &end, hex ? 16 : 10);
    if (errno != 0) {
        return false;
    }
    if (*end == '.' && !hex) {
        for (double digit = 0.1; g_ascii_isdigit(*++end); digit /= 10) {
            fraction += digit * g_ascii_digit_value(*end);
        }
    }
    unit = suffix_unit(end, unit);
    if (unit == 0 || whole > UINT64_MAX / unit) {
        return false;
    }
    *size = whole * unit + (uint64_t)(fraction * (double)unit);
    return *size >= whole * unit;
}
