/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options_block.c - what -drive, -blockdev and -add-fd say about images. */
#include "runtime/machine/options_int.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "hw/block/layer.h"

/* ---- -drive ---- */

static bool on_error(const KeyValues *values, const char *key, BlockOnError *result, GError **error)
{
    static const char *const words[] = {
        [BLOCK_ON_ERROR_REPORT] = "report",
        [BLOCK_ON_ERROR_IGNORE] = "ignore",
        [BLOCK_ON_ERROR_ENOSPC] = "enospc",
        [BLOCK_ON_ERROR_STOP] = "stop",
    };
    const char *value = keyval_get(values, key);
    bool read = strcmp(key, "rerror") == 0;

    *result = read ? BLOCK_ON_ERROR_REPORT : BLOCK_ON_ERROR_ENOSPC;
    for (unsigned i = 0; value != NULL && i < G_N_ELEMENTS(words); i++) {
        if (strcmp(words[i], value) == 0 && !(read && i == BLOCK_ON_ERROR_ENOSPC)) {
            *result = (BlockOnError)i;
            return true;
        }
    }
    return value == NULL || option_fail(error, OPTIONS_ERROR_VALUE, "'%s' invalid %s error action",
                                        value, read ? "read" : "write");
}

static bool detect_zeroes(const KeyValues *values, BlockDetectZeroes *result, GError **error)
{
    static const char *const words[] = { "off", "on", "unmap" };
    const char *value = keyval_get(values, "detect-zeroes");

    for (unsigned i = 0; value != NULL && i < G_N_ELEMENTS(words); i++) {
        if (strcmp(words[i], value) == 0) {
            *result = (BlockDetectZeroes)i;
            return true;
        }
    }
    return value == NULL ||
           option_fail(error, OPTIONS_ERROR_VALUE, "Invalid parameter '%s'", value);
}

static bool aio_check(const KeyValues *values, GError **error)
{
    static const char *const words[] = { "threads", "native", "io_uring", NULL };
    const char *value = keyval_get(values, "aio");

    return value == NULL || g_strv_contains(words, value) ||
           option_fail(error, OPTIONS_ERROR_VALUE, "Invalid parameter '%s'", value);
}

/* Keys that describe layers, as -blockdev has them: "file.driver", "backing.file.filename". */
static bool is_of_tree(const char *key)
{
    static const char *const names[] = { "driver",         "node-name",           "backing",
                                         "l2-cache-size",  "refcount-cache-size", "cache-size",
                                         "overlap-check",  "lazy-refcounts",      "offset",
                                         "size",           "throttle-group",      "force-share",
                                         "auto-read-only", "data-file",           NULL };

    return g_strv_contains(names, key) || g_str_has_prefix(key, "file.") ||
           g_str_has_prefix(key, "backing.") || g_str_has_prefix(key, "data-file.");
}

static bool tree_take(DriveOption *drive, KeyValues *values, GError **error)
{
    g_autoptr(JsonObject) tree = json_object_new();

    for (guint i = 0; i < values->list->len; i++) {
        const KeyValue *pair = &g_array_index(values->list, KeyValue, i);

        if (is_of_tree(pair->key) && !block_tree_set(tree, pair->key, pair->value, error)) {
            return false;
        }
    }
    for (guint i = values->list->len; i > 0; i--) {
        if (is_of_tree(g_array_index(values->list, KeyValue, i - 1).key)) {
            g_array_remove_index(values->list, i - 1);
        }
    }
    if (json_object_get_size(tree) == 0) {
        return true;
    }
    if (drive->format != NULL) {
        json_object_set_string_member(tree, "driver", drive->format);
    }
    if (drive->file != NULL) {
        json_object_set_string_member(tree, "filename", drive->file);
    }
    drive->tree = g_steal_pointer(&tree);
    return true;
}

bool drive_block_options(DriveOption *drive, KeyValues *values, GError **error)
{
    drive->serial = g_strdup(keyval_get(values, "serial"));
    return drive_throttle_options(drive, values, error) && tree_take(drive, values, error) &&
           on_error(values, "werror", &drive->werror, error) &&
           on_error(values, "rerror", &drive->rerror, error) && aio_check(values, error) &&
           detect_zeroes(values, &drive->detect_zeroes, error) &&
           keyval_bool(values, "copy-on-read", &drive->copy_on_read, error);
}

/* ---- -blockdev ---- */

static void blockdev_free(gpointer data)
{
    BlockdevOption *option = data;

    g_free(option->words);
    json_object_unref(option->tree);
    g_free(option);
}

bool option_blockdev(Options *options, const char *value, GError **error)
{
    g_autoptr(GError) wrong = NULL;
    JsonObject *tree = NULL;
    BlockdevOption *option;

    if (*value == '{') {
        tree = block_json_parse(value, &wrong);
    } else { /* the first may be the driver's name alone */
        g_autofree char *text = value[strcspn(value, "=,")] == '='
                                    ? g_strdup(value)
                                    : g_strconcat("driver=", value, NULL);

        tree = block_tree_parse(text, &wrong);
    }
    if (tree == NULL) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "%s", wrong->message);
    }
    option = g_new0(BlockdevOption, 1);
    option->words = g_strdup_printf("-blockdev %s", value);
    option->tree = tree;
    g_ptr_array_add(options->blockdevs, option);
    return true;
}

void options_block_init(Options *options)
{
    options->blockdevs = g_ptr_array_new_with_free_func(blockdev_free);
}

void options_block_clear(Options *options)
{
    g_ptr_array_unref(options->blockdevs);
}
