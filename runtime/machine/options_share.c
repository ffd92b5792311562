/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options_share.c - -fsdev and -virtfs: kept as they are; machine_share.c makes shares of them. */
#include "runtime/machine/options_int.h"

#include <string.h>

static bool driver_check(const KeyValues *values, GError **error)
{
    const char *driver = keyval_get(values, "fsdriver");

    if (driver == NULL) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "the driver is missing: local");
    }
    if (strcmp(driver, "synth") == 0 || strcmp(driver, "proxy") == 0) {
        return option_fail(error, OPTIONS_ERROR_REFUSED,
                           "fsdriver %s is not there; local shares a folder of the host", driver);
    }
    return strcmp(driver, "local") == 0 ||
           option_fail(error, OPTIONS_ERROR_VALUE, "fsdriver %s not found", driver);
}

/* Refuses two of an id. */
static bool share_add(Options *options, const char *words, KeyValues *values, GError **error)
{
    const char *id = keyval_get(values, "id");
    NetOption *share;

    for (guint i = 0; i < options->shares->len; i++) {
        const NetOption *other = g_ptr_array_index(options->shares, i);

        if (strcmp(keyval_get(other->values, "id"), id) == 0) {
            keyval_free(values);
            return option_fail(error, OPTIONS_ERROR_VALUE, "Duplicate ID '%s' for fsdev", id);
        }
    }
    share = g_new0(NetOption, 1);
    share->words = g_strdup(words);
    share->values = values;
    g_ptr_array_add(options->shares, share);
    return true;
}

bool option_fsdev(Options *options, const char *value, GError **error)
{
    g_autoptr(KeyValues) values = keyval_parse(value, "fsdriver");
    g_autofree char *words = g_strdup_printf("-fsdev %s", value);

    if (!driver_check(values, error)) {
        return false;
    }
    if (keyval_get(values, "id") == NULL) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "fsdev: No id specified");
    }
    return share_add(options, words, g_steal_pointer(&values), error);
}

static void pair_add(KeyValues *values, const char *key, const char *value)
{
    const KeyValue pair = { .key = g_strdup(key), .value = g_strdup(value) };

    g_array_append_val(values->list, pair);
}

/* -fsdev and its -device in one; the tag serves as id where there is none. */
bool option_virtfs(Options *options, const char *value, GError **error)
{
    g_autoptr(KeyValues) values = keyval_parse(value, "fsdriver");
    g_autofree char *words = g_strdup_printf("-virtfs %s", value);
    g_autofree char *tag = g_strdup(keyval_get(values, "mount_tag"));
    g_autofree char *id = NULL;

    if (!driver_check(values, error)) {
        return false;
    }
    if (tag == NULL) {
        return option_fail(error, OPTIONS_ERROR_VALUE,
                           "mount_tag= is missing: -virtfs local,path=FOLDER,mount_tag=TAG,"
                           "security_model=none");
    }
    if (keyval_get(values, "id") == NULL) {
        pair_add(values, "id", tag);
    }
    id = g_strdup(keyval_get(values, "id"));
    for (guint i = values->list->len; i > 0; i--) {
        if (strcmp(g_array_index(values->list, KeyValue, i - 1).key, "mount_tag") == 0) {
            g_array_remove_index(values->list, i - 1);
        }
    }
    if (!share_add(options, words, g_steal_pointer(&values), error)) {
        return false;
    }
    values = keyval_parse("", NULL);
    pair_add(values, "fsdev", id);
    pair_add(values, "mount_tag", tag);
    options_plug(options, words, "virtio-9p-pci", g_steal_pointer(&values));
    return true;
}
