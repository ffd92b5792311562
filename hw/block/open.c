/* SPDX-License-Identifier: GPL-2.0-or-later */
/* open.c - from options to layers: file names, trees of options, backing chains. */
#include "hw/block/block_int.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { LAYERS_MAX = 1000 }; /* a chain that makes more is a loop */

/* File names that begin with a scheme. */
static const struct {
    const char *scheme, *driver;
} protocol_schemes[] = { { "null-co", "null-co" }, { "nbd", "nbd" },       { "nbds", "nbd" },
                         { "nbd+unix", "nbd" },    { "nbds+unix", "nbd" }, { "http", "http" },
                         { "https", "https" } };

/* ---- Options ---- */

char *option_string(JsonObject *options, const char *key)
{
    JsonNode *node = json_object_get_member(options, key);
    char *value = NULL;

    if (node == NULL || !JSON_NODE_HOLDS_VALUE(node)) {
        return NULL;
    }
    switch (json_node_get_value_type(node)) {
    case G_TYPE_STRING:
        value = g_strdup(json_node_get_string(node));
        break;
    case G_TYPE_BOOLEAN:
        value = g_strdup(json_node_get_boolean(node) ? "on" : "off");
        break;
    case G_TYPE_INT64:
        value = g_strdup_printf("%" G_GINT64_FORMAT, json_node_get_int(node));
        break;
    default:
        return NULL; /* stays, and is refused as unknown */
    }
    json_object_remove_member(options, key);
    return value;
}

bool option_bool(JsonObject *options, const char *key, bool *value, GError **error)
{
    static const char *const yes[] = { "on", "yes", "true", "y", NULL };
    static const char *const no[] = { "off", "no", "false", "n", NULL };
    g_autofree char *text = option_string(options, key);

    if (text == NULL) {
        return true;
    }
    if (!g_strv_contains(yes, text) && !g_strv_contains(no, text)) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION, "Parameter '%s' expects 'on' or 'off'",
                    key);
        return false;
    }
    *value = g_strv_contains(yes, text);
    return true;
}

bool option_size(JsonObject *options, const char *key, uint64_t *value, GError **error)
{
    static const char suffixes[] = "bkmgtpe";
    g_autofree char *text = option_string(options, key);
    const char *suffix;
    char *end = NULL;
    uint64_t number;
    unsigned shift = 0;

    if (text == NULL) {
        return true;
    }
    errno = 0;
    number = g_ascii_strtoull(text, &end, 0);
    if (errno == 0 && end != text && *end != '\0' &&
        (suffix = strchr(suffixes, g_ascii_tolower(*end))) != NULL) {
        shift = (unsigned)(suffix - suffixes) * 10;
        end++;
    }
    if (errno != 0 || end == text || *end != '\0' || *text == '-' ||
        (number << shift) >> shift != number) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION, "Parameter '%s' expects a size", key);
        return false;
    }
    *value = number << shift;
    return true;
}

static bool option_flag(JsonObject *options, const char *key, unsigned flag, unsigned *flags,
                        GError **error)
{
    bool set = (*flags & flag) != 0;

    if (!option_bool(options, key, &set, error)) {
        return false;
    }
    *flags = set ? *flags | flag : *flags & ~flag;
    return true;
}

static bool cache_flags(JsonObject *options, unsigned *flags, GError **error)
{
    JsonNode *cache = json_object_get_member(options, "cache");
    JsonObject *object;

    if (cache == NULL || !JSON_NODE_HOLDS_OBJECT(cache)) {
        return true;
    }
    object = json_node_get_object(cache);
    if (!option_flag(object, "direct", BLOCK_DIRECT, flags, error) ||
        !option_flag(object, "no-flush", BLOCK_NO_FLUSH, flags, error)) {
        return false;
    }
    if (json_object_get_size(object) == 0) {
        json_object_remove_member(options, "cache");
    }
    return true;
}

/* The options that every layer has. */
static bool common_flags(JsonObject *options, unsigned *flags, GError **error)
{
    g_autofree char *discard = option_string(options, "discard");
    g_autofree char *zeroes = option_string(options, "detect-zeroes");

    if (discard != NULL && strcmp(discard, "unmap") != 0 && strcmp(discard, "on") != 0 &&
        strcmp(discard, "ignore") != 0 && strcmp(discard, "off") != 0) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION, "Invalid discard option: '%s'",
                    discard);
        return false;
    }
    if (discard != NULL) {
        bool unmap = strcmp(discard, "unmap") == 0 || strcmp(discard, "on") == 0;

        *flags = unmap ? *flags | BLOCK_UNMAP : *flags & ~(unsigned)BLOCK_UNMAP;
    }
    if (zeroes != NULL && strcmp(zeroes, "off") != 0 && strcmp(zeroes, "on") != 0 &&
        strcmp(zeroes, "unmap") != 0) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION, "Invalid parameter '%s'", zeroes);
        return false;
    }
    if (zeroes != NULL && strcmp(zeroes, "off") != 0) {
        *flags |= BLOCK_ZEROES;
    }
    return option_flag(options, "read-only", BLOCK_READONLY, flags, error) &&
           option_flag(options, "auto-read-only", BLOCK_AUTO_READONLY, flags, error) &&
           option_flag(options, "force-share", BLOCK_SHARE, flags, error) &&
           cache_flags(options, flags, error);
}

static bool nothing_left(const BlockDriver *driver, JsonObject *options, GError **error)
{
    g_autoptr(GList) left = json_object_get_members(options);

    if (left == NULL) {
        return true;
    }
    g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION,
                "Block %s '%s' does not support the option '%s'",
                driver->protocol ? "protocol" : "format", driver->name, (const char *)left->data);
    return false;
}

/* ---- File names ---- */

/* "nbd:..." has one, "./a:b" and "a/b:c" have not. */
static size_t scheme_length(const char *name)
{
    size_t length = strcspn(name, ":/");

    return name[length] == ':' ? length : 0;
}

char *block_filename_relative(const char *from, const char *name)
{
    const char *slash = strrchr(from, '/');

    if (g_path_is_absolute(name) || scheme_length(name) > 0 || slash == NULL) {
        return g_strdup(name);
    }
    return g_strdup_printf("%.*s%s", (int)(slash - from + 1), from, name);
}

static JsonObject *tree_of_path(const char *path)
{
    JsonObject *tree = json_object_new();
    struct stat st;
    bool device = stat(path, &st) == 0 && S_ISBLK(st.st_mode);

    json_object_set_string_member(tree, "driver", device ? "host_device" : "file");
    json_object_set_string_member(tree, "filename", path);
    return tree;
}

/* The options of a protocol that a file name stands for. */
static JsonObject *tree_of_filename(const char *filename, GError **error)
{
    size_t scheme = scheme_length(filename);
    g_autofree char *name = g_strndup(filename, scheme);
    const char *rest = filename + scheme + 1;
    JsonObject *tree;

    if (scheme == 0) {
        return tree_of_path(filename);
    }
    if (strcmp(name, "json") == 0) {
        return block_json_parse(rest, error);
    }
    if (strcmp(name, "file") == 0) {
        return tree_of_path(rest);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(protocol_schemes); i++) {
        if (strcmp(protocol_schemes[i].scheme, name) == 0) {
            tree = json_object_new();
            json_object_set_string_member(tree, "driver", protocol_schemes[i].driver);
            json_object_set_string_member(tree, "filename", filename);
            return tree;
        }
    }
    g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN, "Unknown protocol '%s'", name);
    return NULL;
}

BlockLayer *layer_open_protocol(BlockGraph *graph, const char *filename, unsigned flags,
                                GError **error)
{
    JsonObject *tree = tree_of_filename(filename, error);

    return tree != NULL ? layer_open(graph, tree, flags, error) : NULL;
}

static const char *layer_probe(BlockLayer *file, GError **error)
{
    uint8_t head[BLOCK_HEAD] = { 0 };
    int failed = layer_pread(file, 0, head, MIN(sizeof(head), file->size));

    if (failed != 0) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN,
                    "Could not read image for determining its format: %s", g_strerror(failed));
        return NULL;
    }
    return format_probe(head, MIN(sizeof(head), file->size));
}

BlockLayer *layer_open_file(BlockGraph *graph, const char *filename, const char *format,
                            unsigned flags, GError **error)
{
    JsonObject *tree = tree_of_filename(filename, error);
    const BlockDriver *driver;
    BlockLayer *file, *layer;

    if (tree == NULL) {
        return NULL;
    }
    if (format == NULL && json_object_has_member(tree, "driver")) {
        g_autofree char *name = option_string(tree, "driver");

        driver = format_driver(name, error);
        json_object_set_string_member(tree, "driver", name);
        if (driver == NULL || !driver->protocol) {
            layer = driver != NULL ? layer_open(graph, tree, flags, error) : NULL;
            if (driver == NULL) {
                json_object_unref(tree);
            }
            return layer;
        }
    }
    file = layer_open(graph, tree, flags & BLOCK_INHERITED, error);
    if (file == NULL) {
        return NULL;
    }
    if (format == NULL) {
        format = layer_probe(file, error);
    }
    driver = format != NULL ? format_driver(format, error) : NULL;
    layer = driver != NULL ? layer_open_above(graph, driver, file, NULL, flags, error) : NULL;
    if (layer == NULL) {
        layer_unref(file);
    }
    return layer;
}

/* ---- Trees ---- */

BlockLayer *layer_open_child(BlockGraph *graph, JsonObject *options, const char *key,
                             unsigned flags, GError **error)
{
    JsonNode *node = json_object_get_member(options, key);
    JsonObject *tree;
    BlockLayer *layer;

    if (node == NULL) {
        return NULL;
    }
    if (JSON_NODE_HOLDS_OBJECT(node)) {
        tree = json_object_ref(json_node_get_object(node));
        json_object_remove_member(options, key);
        return layer_open(graph, tree, flags & BLOCK_INHERITED, error);
    }
    if (JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING) {
        g_autofree char *name = option_string(options, key);

        layer = graph_find_layer(graph, name);
        if (layer != NULL) {
            return layer_ref(layer);
        }
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION,
                    "Cannot find device='' nor node-name='%s'", name);
        return NULL;
    }
    g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION,
                "A block device must be specified for \"%s\"", key);
    return NULL;
}

bool layer_open_backing(BlockLayer *layer, GError **error)
{
    g_autofree char *path = block_filename_relative(layer->filename, layer->backing_file);
    unsigned flags = (layer->flags & (BLOCK_NO_FLUSH | BLOCK_SHARE | BLOCK_DIRECT)) |
                     BLOCK_READONLY;

    if (graph_layers(layer->graph)->len > LAYERS_MAX) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN, "the backing chain of '%s' does not end",
                    layer->filename);
        return false;
    }
    layer->backing = layer_open_file(layer->graph, path, layer->backing_format, flags, error);
    if (layer->backing == NULL) {
        g_prefix_error(error, "Could not open backing file: ");
    }
    return layer->backing != NULL;
}

/* backing: null is none, a name or options are taken instead of what the image says. */
static bool backing_from_options(BlockLayer *layer, JsonObject *options, GError **error)
{
    unsigned flags = (layer->flags & (BLOCK_NO_FLUSH | BLOCK_SHARE | BLOCK_DIRECT)) |
                     BLOCK_READONLY;
    JsonNode *node = json_object_get_member(options, "backing");
    GError *failed = NULL;

    if (node != NULL &&
        (JSON_NODE_HOLDS_NULL(node) ||
         (JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING &&
          *json_node_get_string(node) == '\0'))) {
        json_object_remove_member(options, "backing");
        return true;
    }
    layer->backing = layer_open_child(layer->graph, options, "backing", flags, &failed);
    if (failed != NULL) {
        g_propagate_error(error, failed);
        return false;
    }
    return layer->backing != NULL || layer->backing_file == NULL ||
           (layer->flags & (BLOCK_NO_BACKING | BLOCK_NO_IO)) || layer_open_backing(layer, error);
}

static bool layer_start(BlockLayer *layer, JsonObject *options, GError **error)
{
    if (!graph_add_layer(layer->graph, layer, error)) {
        return false;
    }
    if (!layer->driver->open(layer, options, error)) {
        graph_remove_layer(layer->graph, layer);
        return false;
    }
    return true;
}

/* Undoes layer_new; the children stay with whoever gave them. */
static void layer_drop(BlockLayer *layer)
{
    g_free(layer->node_name);
    g_free(layer->filename);
    g_free(layer->backing_file);
    g_free(layer->backing_format);
    g_free(layer);
}

BlockLayer *layer_open_above(BlockGraph *graph, const BlockDriver *driver, BlockLayer *file,
                             JsonObject *options, unsigned flags, GError **error)
{
    g_autoptr(JsonObject) all = options != NULL ? json_object_ref(options) : json_object_new();
    g_autofree char *node_name = option_string(all, "node-name");
    BlockLayer *layer = layer_new(graph, driver, node_name, file->filename, flags);

    if (file->flags & BLOCK_READONLY) {
        layer->flags |= BLOCK_READONLY;
    }
    layer->file = file;
    if (!layer_start(layer, all, error)) {
        layer_drop(layer);
        return NULL;
    }
    if (!backing_from_options(layer, all, error) || !nothing_left(driver, all, error)) {
        layer_ref(file); /* the caller's */
        layer_unref(layer);
        return NULL;
    }
    return layer;
}

static BlockLayer *open_protocol(BlockGraph *graph, const BlockDriver *driver, JsonObject *options,
                                 unsigned flags, GError **error)
{
    g_autofree char *node_name = option_string(options, "node-name");
    BlockLayer *layer = layer_new(graph, driver, node_name, NULL, flags);

    if (!layer_start(layer, options, error)) {
        layer_drop(layer);
        return NULL;
    }
    if (!nothing_left(driver, options, error)) {
        layer_unref(layer);
        return NULL;
    }
    return layer;
}

static BlockLayer *child_file(BlockGraph *graph, JsonObject *options, unsigned flags,
                              GError **error)
{
    g_autofree char *filename = NULL;

    if (json_object_has_member(options, "file")) {
        return layer_open_child(graph, options, "file", flags, error);
    }
    filename = option_string(options, "filename");
    if (filename != NULL) {
        return layer_open_protocol(graph, filename, flags & BLOCK_INHERITED, error);
    }
    g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION,
                "A block device must be specified for \"file\"");
    return NULL;
}

BlockLayer *layer_open(BlockGraph *graph, JsonObject *tree, unsigned flags, GError **error)
{
    g_autoptr(JsonObject) options = tree;
    g_autofree char *name = option_string(options, "driver");
    const BlockDriver *driver = NULL;
    BlockLayer *file, *layer;

    if (!common_flags(options, &flags, error)) {
        return NULL;
    }
    if (name != NULL && (driver = format_driver(name, error)) == NULL) {
        return NULL;
    }
    if (driver != NULL && driver->protocol) {
        return open_protocol(graph, driver, options, flags, error);
    }
    file = child_file(graph, options, flags, error);
    if (file == NULL) {
        return NULL;
    }
    if (driver == NULL) { /* as -drive and backing files may leave it */
        const char *probed = layer_probe(file, error);

        driver = probed != NULL ? format_driver(probed, error) : NULL;
    }
    layer = driver != NULL ? layer_open_above(graph, driver, file, options, flags, error) : NULL;
    if (layer == NULL) {
        layer_unref(file);
    }
    return layer;
}
