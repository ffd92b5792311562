/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check.c - doppel-img check. Status: 0 good, 1 not checked, 2 damaged, 3 leaks, 63 no check. */
#include "tools/img/img.h"

#include <stdio.h>
#include <string.h>

enum { STATUS_DAMAGED = 2, STATUS_LEAKS = 3, STATUS_NONE = 63 };

static void line_print(void *opaque, const char *line)
{
    const ImgOptions *options = opaque;

    if (!options->quiet) {
        fprintf(options->json ? stderr : stdout, "%s\n", line);
    }
}

static void human_print(const ImgOptions *options, const BlockCheck *result)
{
    if (result->corruptions == 0 && result->leaks == 0 && result->check_errors == 0) {
        img_say(options, "No errors were found on the image.\n");
    } else {
        if (result->corruptions != 0) {
            img_say(options,
                    "\n%" PRIu64 " errors were found on the image.\nData may be corrupted, or "
                    "further writes to the image may corrupt it.\n",
                    result->corruptions);
        }
        if (result->leaks != 0) {
            img_say(options,
                    "\n%" PRIu64 " leaked clusters were found on the image.\nThis means waste of "
                    "disk space, but no harm to data.\n",
                    result->leaks);
        }
        if (result->check_errors != 0) {
            img_say(options, "\n%" PRIu64 " internal errors have occurred during the check.\n",
                    result->check_errors);
        }
    }
    if (result->total_clusters != 0 && result->allocated_clusters != 0) {
        double allocated = (double)result->allocated_clusters;

        img_say(options,
                "%" PRIu64 "/%" PRIu64
                " = %0.2f%% allocated, %0.2f%% fragmented, %0.2f%% compressed clusters\n",
                result->allocated_clusters, result->total_clusters,
                allocated * 100.0 / (double)result->total_clusters,
                (double)result->fragmented_clusters * 100.0 / allocated,
                (double)result->compressed_clusters * 100.0 / allocated);
    }
    if (result->image_end_offset > 0) {
        img_say(options, "Image end offset: %" PRIu64 "\n", result->image_end_offset);
    }
}

static void json_print(const BlockCheck *result, const BlockCheck *fixed, const char *filename,
                       const char *format)
{
    const struct {
        const char *key;
        uint64_t value;
        bool always;
    } rows[] = {
        { "image-end-offset", result->image_end_offset, true },
        { "total-clusters", result->total_clusters, true },
        { "check-errors", result->check_errors, true },
        { "corruptions", result->corruptions, false },
        { "leaks", result->leaks, false },
        { "corruptions-fixed", fixed->corruptions_fixed, false },
        { "leaks-fixed", fixed->leaks_fixed, false },
        { "allocated-clusters", result->allocated_clusters, false },
        { "fragmented-clusters", result->fragmented_clusters, false },
        { "compressed-clusters", result->compressed_clusters, false },
    };
    JsonObject *object = json_object_new();
    JsonNode *node = json_node_new(JSON_NODE_OBJECT);

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (rows[i].always || rows[i].value != 0) {
            json_object_set_int_member(object, rows[i].key, (gint64)rows[i].value);
        }
    }
    json_object_set_string_member(object, "filename", filename);
    json_object_set_string_member(object, "format", format);
    json_node_take_object(node, object);
    img_json_print(node);
}

static int check_layer(const ImgOptions *options, BlockLayer *layer, const char *filename,
                       unsigned fix)
{
    BlockCheck result = { .report = line_print, .opaque = (void *)options }, fixed = { 0 };
    GError *error = NULL;
    bool good = image_check(layer, fix, &result, &error);

    if (good && (result.corruptions_fixed != 0 || result.leaks_fixed != 0)) {
        fixed = result;
        if (!options->json) {
            img_say(options,
                    "The following inconsistencies were found and repaired:\n\n"
                    "    %" PRIu64 " leaked clusters\n    %" PRIu64 " corruptions\n\n"
                    "Double checking the fixed image now...\n",
                    result.leaks_fixed, result.corruptions_fixed);
        }
        result = (BlockCheck){ .report = line_print, .opaque = (void *)options };
        good = image_check(layer, 0, &result, &error);
    }
    if (!good) {
        bool none = g_error_matches(error, BLOCK_ERROR, BLOCK_ERROR_OPTION);

        img_fail_error(error, none ? "" : "Check failed: ");
        return none ? STATUS_NONE : 1;
    }
    if (options->json) {
        json_print(&result, &fixed, filename, layer_format(layer));
    } else {
        human_print(options, &result);
    }
    return result.check_errors != 0  ? 1
           : result.corruptions != 0 ? STATUS_DAMAGED
           : result.leaks != 0       ? STATUS_LEAKS
                                     : 0;
}

int img_check(int argc, char **argv)
{
    static const struct option long_options[] = { IMG_LONG_COMMON,
                                                  { "repair", required_argument, NULL, 'r' },
                                                  { NULL, 0, NULL, 0 } };
    ImgOptions options = { 0 };
    BlockGraph *graph;
    BlockLayer *layer;
    unsigned fix = 0, flags = BLOCK_CHECKING | BLOCK_NO_BACKING;
    bool failed = false;
    int option, status;

    while ((option = getopt_long(argc, argv, "hf:r:T:qU", long_options, NULL)) != -1) {
        if (option == 'r' && strcmp(optarg, "leaks") == 0) {
            fix = BLOCK_FIX_LEAKS;
        } else if (option == 'r' && strcmp(optarg, "all") == 0) {
            fix = BLOCK_FIX_LEAKS | BLOCK_FIX_ERRORS;
        } else if (option == 'r') {
            return img_usage("--repair=%s: expected 'leaks' or 'all'", optarg);
        } else if (option == 'T') {
            options.cache = optarg;
        } else if (!img_option(option, &options, &failed)) {
            return img_usage("Expecting one image file name");
        } else if (failed) {
            return 1;
        }
    }
    if (optind != argc - 1) {
        return img_usage("Expecting one image file name");
    }
    if (!img_cache_flags(options.cache, &flags)) {
        return 1;
    }
    graph = block_graph_new();
    layer = img_open(graph, &options, argv[optind], fix != 0 ? flags : flags | BLOCK_READONLY);
    status = layer != NULL ? check_layer(&options, layer, argv[optind], fix) : 1;
    return img_close(graph, layer, fix != 0, status);
}
