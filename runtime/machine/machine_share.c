/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/machine/machine_share.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "hw/9p/share.h"
#include "runtime/machine/options_int.h"

/* machine_share.c - what -fsdev local says. */

enum { FILES_WANTED = 65536 };

static const char *const known[] = { "fsdriver", "id",    "path",  "security_model", "writeout",
                                     "readonly", "fmode", "dmode", "multidevs",      NULL };

static bool word_find(const KeyValues *values, const char *key, const char *const *words,
                      int *index, GError **error)
{
    const char *word = keyval_get(values, key);

    for (int i = 0; word != NULL && words[i] != NULL; i++) {
        if (strcmp(words[i], word) == 0) {
            *index = i;
            return true;
        }
    }
    return word == NULL ||
           option_fail(error, OPTIONS_ERROR_VALUE, "invalid %s property '%s'", key, word);
}

/* Octal with a leading 0, as QEMU reads it. */
static bool mode_find(const KeyValues *values, const char *key, bool mapped, mode_t *mode,
                      GError **error)
{
    const char *text = keyval_get(values, key);
    char *end;
    long value;

    if (text == NULL) {
        return true;
    }
    if (!mapped) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "%s is only valid for mapped security modes",
                           key);
    }
    value = strtol(text, &end, 0);
    if (*text == '\0' || *end != '\0' || value < 0 || value > 07777) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "Parameter '%s' expects a number", key);
    }
    *mode = (mode_t)value & 0777;
    return true;
}

static bool keys_check(const KeyValues *values, GError **error)
{
    for (guint i = 0; i < values->list->len; i++) {
        const char *key = g_array_index(values->list, KeyValue, i).key;

        if (g_str_has_prefix(key, "throttling.")) {
            return option_fail(error, OPTIONS_ERROR_REFUSED, "shares are not throttled (%s)", key);
        }
        if (!g_strv_contains(known, key)) {
            return option_fail(error, OPTIONS_ERROR_VALUE, "Invalid parameter '%s'", key);
        }
    }
    return true;
}

static Share *local_open(const KeyValues *values, GError **error)
{
    static const char *const models[] = { "passthrough", "none",   "mapped-xattr",
                                          "mapped-file", "mapped", NULL };
    static const char *const multidevs[] = { "warn", "remap", "forbid", NULL };
    static const char *const writeout[] = { "immediate", NULL };
    ShareOptions options = { .fmode = SHARE_FMODE, .dmode = SHARE_DMODE };
    int model = -1, devices = 0, immediate = -1;
    bool mapped;

    if (!keys_check(values, error) || !word_find(values, "security_model", models, &model, error) ||
        !word_find(values, "multidevs", multidevs, &devices, error) ||
        !word_find(values, "writeout", writeout, &immediate, error) ||
        !keyval_bool(values, "readonly", &options.readonly, error)) {
        return NULL;
    }
    options.path = keyval_get(values, "path");
    if (model < 0 || options.path == NULL) {
        option_fail(error, OPTIONS_ERROR_VALUE, "%s property not set",
                    model < 0 ? "security_model" : "path");
        return NULL;
    }
    mapped = model >= SHARE_MAPPED_XATTR;
    options.security = model == 4 ? SHARE_MAPPED_XATTR : (ShareSecurity)model; /* "mapped" */
    options.multidevs = (ShareMultidevs)devices;
    options.writeout = immediate == 0;
    if (!mode_find(values, "fmode", mapped, &options.fmode, error) ||
        !mode_find(values, "dmode", mapped, &options.dmode, error)) {
        return NULL;
    }
    return share_new(&options, error);
}

/* Files that a guest has open are open here. */
static void files_allow(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < FILES_WANTED) {
        limit.rlim_cur = MIN(limit.rlim_max, FILES_WANTED);
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

GHashTable *machine_shares_new(const Options *options, GError **error)
{
    g_autoptr(GHashTable)
        shares = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)share_free);

    if (options->shares->len > 0) {
        files_allow();
    }
    for (guint i = 0; i < options->shares->len; i++) {
        const NetOption *option = g_ptr_array_index(options->shares, i);
        Share *share = local_open(option->values, error);

        if (share == NULL) {
            g_prefix_error(error, "%s: ", option->words);
            return NULL;
        }
        g_hash_table_insert(shares, g_strdup(keyval_get(option->values, "id")), share);
    }
    return g_steal_pointer(&shares);
}

Share *machine_shares_find(GHashTable *shares, const char *id)
{
    return g_hash_table_lookup(shares, id);
}
