/* SPDX-License-Identifier: GPL-2.0-or-later */
/* info.c - doppel-img info. */
#include "tools/img/img.h"

#include <stdio.h>
#include <string.h>

/* ---- For people ---- */

static void value_print(unsigned depth, const char *key, JsonNode *node);

static void indent(unsigned depth)
{
    printf("%*s", (int)depth * 4, "");
}

/* "lazy-refcounts" is "lazy refcounts" here. */
static char *key_words(const char *key)
{
    return g_strdelimit(g_strdup(key), "-", ' ');
}

static void object_print(unsigned depth, JsonObject *object)
{
    JsonObjectIter iter;
    const char *key;
    JsonNode *node;

    json_object_iter_init_ordered(&iter, object);
    while (json_object_iter_next_ordered(&iter, &key, &node)) {
        g_autofree char *words = key_words(key);

        value_print(depth, words, node);
    }
}

static void array_print(unsigned depth, JsonArray *array)
{
    for (guint i = 0; i < json_array_get_length(array); i++) {
        g_autofree char *key = g_strdup_printf("[%u]", i);

        value_print(depth, key, json_array_get_element(array, i));
    }
}

static void value_print(unsigned depth, const char *key, JsonNode *node)
{
    indent(depth);
    if (JSON_NODE_HOLDS_OBJECT(node)) {
        printf("%s:\n", key);
        object_print(depth + 1, json_node_get_object(node));
    } else if (JSON_NODE_HOLDS_ARRAY(node)) {
        printf("%s:\n", key);
        array_print(depth + 1, json_node_get_array(node));
    } else if (json_node_get_value_type(node) == G_TYPE_BOOLEAN) {
        printf("%s: %s\n", key, json_node_get_boolean(node) ? "true" : "false");
    } else if (json_node_get_value_type(node) == G_TYPE_INT64) {
        printf("%s: %" G_GINT64_FORMAT "\n", key, json_node_get_int(node));
    } else {
        printf("%s: %s\n", key, json_node_get_string(node));
    }
}

static const char *member(JsonObject *info, const char *key)
{
    return json_object_has_member(info, key) ? json_object_get_string_member(info, key) : NULL;
}

static void human_print(BlockLayer *layer, JsonObject *info)
{
    uint64_t size = (uint64_t)json_object_get_int_member(info, "virtual-size");
    g_autofree char *size_words = img_size_words(size);
    const char *backing = member(info, "backing-filename");
    const char *full = member(info, "full-backing-filename");

    printf("image: %s\nfile format: %s\nvirtual size: %s (%" PRIu64 " bytes)\n",
           member(info, "filename"), member(info, "format"), size_words, size);
    if (json_object_has_member(info, "actual-size")) {
        g_autofree char *actual = img_size_words(
            (uint64_t)json_object_get_int_member(info, "actual-size"));

        printf("disk size: %s\n", actual);
    } else {
        printf("disk size: unavailable\n");
    }
    if (json_object_has_member(info, "cluster-size")) {
        printf("cluster_size: %" G_GINT64_FORMAT "\n",
               json_object_get_int_member(info, "cluster-size"));
    }
    if (json_object_get_boolean_member(info, "dirty-flag")) {
        printf("cleanly shut down: no\n");
    }
    if (backing != NULL) {
        printf("backing file: %s", backing);
        if (strcmp(full, backing) != 0) {
            printf(" (actual path: %s)", full);
        }
        printf("\n");
        if (member(info, "backing-filename-format") != NULL) {
            printf("backing file format: %s\n", member(info, "backing-filename-format"));
        }
    }
    img_snapshots_print(layer);
    if (json_object_has_member(info, "format-specific")) {
        printf("Format specific information:\n");
        object_print(1, json_object_get_object_member(
                            json_object_get_object_member(info, "format-specific"), "data"));
    }
}

/* ---- The chain ---- */

typedef struct Info {
    ImgOptions options;
    bool chain;
    JsonArray *all;
    GHashTable *seen;
    unsigned count;
} Info;

/* One image; `next`: the file behind it. */
static bool info_one(Info *info, const char *filename, const char *format, char **next,
                     char **next_format)
{
    BlockGraph *graph = block_graph_new();
    ImgOptions options = info->options;
    BlockLayer *layer;
    JsonObject *object;

    options.format = format;
    options.image_opts = options.image_opts && info->count == 0;
    layer = img_open(graph, &options, filename, BLOCK_READONLY | BLOCK_NO_BACKING | BLOCK_NO_IO);
    if (layer == NULL) {
        block_graph_free(graph);
        return false;
    }
    object = image_info(layer);
    if (!info->options.json) {
        printf("%s", info->count > 0 ? "\n" : "");
        human_print(layer, object);
    }
    *next = g_strdup(member(object, "full-backing-filename"));
    *next_format = g_strdup(layer_backing_format(layer));
    json_array_add_object_element(info->all, object);
    info->count++;
    layer_unref(layer);
    block_graph_free(graph);
    return true;
}

static int info_run(Info *info, const char *filename)
{
    g_autofree char *name = g_strdup(filename);
    g_autofree char *format = g_strdup(info->options.format);

    while (name != NULL) {
        char *next = NULL, *next_format = NULL;

        if (!g_hash_table_add(info->seen, g_strdup(name))) {
            return img_fail("Backing file '%s' creates an infinite loop.", name);
        }
        if (!info_one(info, name, format, &next, &next_format)) {
            return 1;
        }
        g_free(name);
        g_free(format);
        name = info->chain ? next : NULL;
        format = next_format;
        if (!info->chain) {
            g_free(next);
        }
    }
    return 0;
}

int img_info(int argc, char **argv)
{
    static const struct option long_options[] = { IMG_LONG_COMMON,
                                                  { "backing-chain", no_argument, NULL,
                                                    OPT_BACKING_CHAIN },
                                                  { NULL, 0, NULL, 0 } };
    Info info = { 0 };
    bool failed = false;
    int option, status;

    while ((option = getopt_long(argc, argv, "hf:U", long_options, NULL)) != -1) {
        if (option == OPT_BACKING_CHAIN) {
            info.chain = true;
        } else if (!img_option(option, &info.options, &failed)) {
            return img_usage("Expecting one image file name");
        } else if (failed) {
            return 1;
        }
    }
    if (optind != argc - 1) {
        return img_usage("Expecting one image file name");
    }
    info.all = json_array_new();
    info.seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    status = info_run(&info, argv[optind]);
    if (status == 0 && info.options.json) {
        JsonNode *node = json_node_new(info.chain ? JSON_NODE_ARRAY : JSON_NODE_OBJECT);

        if (info.chain) {
            json_node_set_array(node, info.all);
        } else {
            json_node_set_object(node, json_array_get_object_element(info.all, 0));
        }
        img_json_print(node);
    }
    g_hash_table_unref(info.seen);
    json_array_unref(info.all);
    return status;
}
