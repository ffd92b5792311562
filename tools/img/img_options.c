/* SPDX-License-Identifier: GPL-2.0-or-later */
/* img_options.c - "-o name=value,...": options of images that are made. */
#include "tools/img/img.h"

#include <stdio.h>
#include <string.h>

typedef enum Kind {
    KIND_SIZE,
    KIND_BOOL,
    KIND_NUMBER,
    KIND_STRING,
    KIND_COMPAT,
    KIND_COMPRESSION,
    KIND_PREALLOCATION,
    KIND_CLUSTER
} Kind;

static const struct Row {
    const char *name, *help;
    Kind kind;
    size_t offset;
    bool raw; /* raw has it, too */
} rows[] = {
    { "backing_file", "backing_file=<str>     - File name of a base image", KIND_STRING,
      offsetof(BlockCreate, backing_file), false },
    { "backing_fmt", "backing_fmt=<str>      - Image format of the base image", KIND_STRING,
      offsetof(BlockCreate, backing_format), false },
    { "cluster_size", "cluster_size=<size>    - qcow2 cluster size", KIND_CLUSTER,
      offsetof(BlockCreate, cluster_size), false },
    { "compat", "compat=<str>           - Compatibility level (v2 [0.10] or v3 [1.1])", KIND_COMPAT,
      offsetof(BlockCreate, compat_v2), false },
    { "compression_type",
      "compression_type=<str> - Compression method used for image cluster compression",
      KIND_COMPRESSION, offsetof(BlockCreate, zstd), false },
    { "data_file", "data_file=<str>        - File name of an external data file", KIND_STRING,
      offsetof(BlockCreate, data_file), false },
    { "data_file_raw",
      "data_file_raw=<bool (on/off)> - The external data file must stay valid as a raw image",
      KIND_BOOL, offsetof(BlockCreate, data_file_raw), false },
    { "extended_l2", "extended_l2=<bool (on/off)> - Extended L2 tables", KIND_BOOL,
      offsetof(BlockCreate, extended_l2), false },
    { "lazy_refcounts", "lazy_refcounts=<bool (on/off)> - Postpone refcount updates", KIND_BOOL,
      offsetof(BlockCreate, lazy_refcounts), false },
    { "preallocation",
      "preallocation=<str>    - Preallocation mode (allowed values: off, metadata, falloc, full)",
      KIND_PREALLOCATION, offsetof(BlockCreate, preallocation), true },
    { "refcount_bits", "refcount_bits=<num>    - Width of a reference count entry in bits",
      KIND_NUMBER, offsetof(BlockCreate, refcount_bits), false },
    { "size", "size=<size>            - Virtual disk size", KIND_SIZE, offsetof(BlockCreate, size),
      true },
};

void img_create_help(const char *format)
{
    bool raw = strcmp(format, "raw") == 0;

    printf("Supported %s options:\n", format);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (!raw || rows[i].raw) {
            printf("  %s\n", rows[i].help);
        }
    }
    printf("\nThe protocol level may support further options.\n"
           "Specify the target filename to include those options.\n");
}

static bool fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool fail(GError **error, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    *error = g_error_new_valist(BLOCK_ERROR, BLOCK_ERROR_OPTION, format, list);
    va_end(list);
    return false;
}

static bool word_index(const struct Row *row, const char *value, const char *const *words,
                       unsigned *index, GError **error)
{
    for (unsigned i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], value) == 0) {
            *index = i;
            return true;
        }
    }
    return fail(error, "Parameter '%s' does not accept value '%s'", row->name, value);
}

static bool value_set(ImgCreate *create, const struct Row *row, const char *value, GError **error)
{
    static const char *const compat[] = { "1.1", "v3", "0.10", "v2", NULL };
    static const char *const compression[] = { "zlib", "zstd", NULL };
    static const char *const modes[] = { "off", "metadata", "falloc", "full", NULL };
    static const char *const no_yes[] = { "off", "on", NULL };
    void *at = (char *)&create->create + row->offset;
    uint64_t number = 0;
    unsigned index = 0;

    switch (row->kind) {
    case KIND_STRING:
        *(const char **)at = g_strdup(value);
        g_ptr_array_add(create->strings, *(char **)at);
        return true;
    case KIND_BOOL:
        if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0) {
            return fail(error, "Parameter '%s' expects 'on' or 'off'", row->name);
        }
        return word_index(row, value, no_yes, &index, error) && (*(bool *)at = index, true);
    case KIND_COMPAT:
        create->has_compat = true;
        return word_index(row, value, compat, &index, error) && (*(bool *)at = index >= 2, true);
    case KIND_COMPRESSION:
        return word_index(row, value, compression, &index, error) && (*(bool *)at = index, true);
    case KIND_PREALLOCATION:
        return word_index(row, value, modes, &index, error) &&
               (*(BlockPreallocation *)at = (BlockPreallocation)index, true);
    default:
        break;
    }
    if (!img_size(value, &number)) {
        return fail(error, "Parameter '%s' expects a %s", row->name,
                    row->kind == KIND_NUMBER ? "number" : "size");
    }
    if (row->kind == KIND_SIZE) {
        *(uint64_t *)at = number;
        create->has_size = true;
        return true;
    }
    *(uint32_t *)at = (uint32_t)MIN(number, UINT32_MAX);
    return number != 0 || fail(error, row->kind == KIND_CLUSTER
                                          ? "Cluster size must be a power of two between 512 and "
                                            "2048k"
                                          : "Refcount width must be a power of two and may not "
                                            "exceed 64 bits");
}

static bool option_set(ImgCreate *create, const char *format, const char *key, const char *value,
                       GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (strcmp(rows[i].name, key) == 0 && (rows[i].raw || strcmp(format, "raw") != 0)) {
            return value_set(create, &rows[i], value, error);
        }
    }
    if (g_str_has_prefix(key, "encrypt")) {
        return fail(error, "Encryption is not supported");
    }
    return fail(error, "Invalid parameter '%s'", key);
}

bool img_create_parse(ImgCreate *create, const char *format, const char *text, GError **error)
{
    g_autoptr(JsonObject) tree = block_tree_parse(text, error);
    g_autoptr(GList) keys = NULL;
    bool good = tree != NULL;

    if (create->strings == NULL) {
        create->strings = g_ptr_array_new_with_free_func(g_free);
    }
    keys = good ? json_object_get_members(tree) : NULL;
    for (GList *key = keys; key != NULL && good; key = key->next) {
        JsonNode *node = json_object_get_member(tree, key->data);

        good = JSON_NODE_HOLDS_VALUE(node)
                   ? option_set(create, format, key->data, json_node_get_string(node), error)
                   : fail(error, "Invalid parameter '%s'", (const char *)key->data);
    }
    return good;
}

void img_create_clear(ImgCreate *create)
{
    g_clear_pointer(&create->strings, g_ptr_array_unref);
}
