/* SPDX-License-Identifier: GPL-2.0-or-later */
/* change.c - doppel-img resize, snapshot, amend. */
#include "tools/img/img.h"

#include <stdio.h>
#include <string.h>
#include <sys/time.h>

/* ---- resize ---- */

static bool mode_parse(const char *word, BlockPreallocation *mode)
{
    static const char *const words[] = { "off", "metadata", "falloc", "full" };

    for (unsigned i = 0; i < G_N_ELEMENTS(words); i++) {
        if (strcmp(words[i], word) == 0) {
            *mode = (BlockPreallocation)i;
            return true;
        }
    }
    img_fail("Invalid preallocation mode '%s'", word);
    return false;
}

static int resize_run(const ImgOptions *options, BlockLayer *layer, const char *text, bool shrink,
                      BlockPreallocation mode)
{
    char sign = *text == '+' || *text == '-' ? *text : 0;
    uint64_t size, now = layer_size(layer), target;
    GError *error = NULL;

    if (!img_size(sign ? text + 1 : text, &size)) {
        return img_fail("Invalid parameter '%s'", text);
    }
    target = sign == '+' ? now + size : sign == '-' ? now - MIN(size, now) : size;
    if (target == 0 && sign != 0) {
        return img_fail("New image size must be positive");
    }
    target = (target + 511) & ~511ull;
    if (target < now && !shrink) {
        img_fail("Use the --shrink option to perform a shrink operation.");
        return img_fail("warning: Shrinking an image will delete all data beyond the shrunken "
                        "image's end. Before performing such an operation, make sure there is no "
                        "important data there.");
    }
    if (target < now && mode != BLOCK_PREALLOC_OFF) {
        return img_fail("Preallocation can only be used for growing images");
    }
    if (!layer_resize(layer, target, mode, &error)) {
        return img_fail_error(error, "%s", "");
    }
    img_say(options, "Image resized.\n");
    return 0;
}

int img_resize(int argc, char **argv)
{
    static const struct option long_options[] = { IMG_LONG_COMMON,
                                                  { "preallocation", required_argument, NULL,
                                                    OPT_PREALLOCATION },
                                                  { "shrink", no_argument, NULL, OPT_SHRINK },
                                                  { NULL, 0, NULL, 0 } };
    BlockPreallocation mode = BLOCK_PREALLOC_OFF;
    ImgOptions options = { 0 };
    const char *size;
    BlockGraph *graph;
    BlockLayer *layer;
    bool failed = false, shrink = false;
    int option, status = 1;

    if (argc < 3) {
        return img_usage("Not enough arguments");
    }
    size = argv[--argc]; /* it may begin with a minus */
    while ((option = getopt_long(argc, argv, "f:hq", long_options, NULL)) != -1) {
        if (option == OPT_SHRINK) {
            shrink = true;
        } else if (option == OPT_PREALLOCATION) {
            if (!mode_parse(optarg, &mode)) {
                return 1;
            }
        } else if (!img_option(option, &options, &failed)) {
            return img_usage("Expecting image file name and size");
        } else if (failed) {
            return 1;
        }
    }
    if (optind != argc - 1) {
        return img_usage("Expecting image file name and size");
    }
    graph = block_graph_new();
    layer = img_open(graph, &options, argv[optind], BLOCK_UNMAP);
    if (layer != NULL) {
        status = resize_run(&options, layer, size, shrink, mode);
    }
    return img_close(graph, layer, true, status);
}

/* ---- snapshot ---- */

static int snapshot_run(BlockLayer *layer, char action, const char *name)
{
    BlockSnapshot snapshot = { .name = (char *)name };
    GError *error = NULL;
    struct timeval now;

    switch (action) {
    case 'c':
        gettimeofday(&now, NULL);
        snapshot.date_s = (uint32_t)now.tv_sec;
        snapshot.date_ns = (uint32_t)now.tv_usec * 1000;
        return block_snapshot_create(layer, &snapshot, &error)
                   ? 0
                   : img_fail_error(error, "Could not create snapshot '%s': ", name);
    case 'a':
        return block_snapshot_apply(layer, name, &error)
                   ? 0
                   : img_fail_error(error, "Could not apply snapshot '%s': ", name);
    case 'd':
        return block_snapshot_delete(layer, name, &error)
                   ? 0
                   : img_fail_error(error, "Could not delete snapshot '%s': ", name);
    default:
        img_snapshots_print(layer);
        return 0;
    }
}

int img_snapshot(int argc, char **argv)
{
    static const struct option long_options[] = { IMG_LONG_COMMON, { NULL, 0, NULL, 0 } };
    ImgOptions options = { 0 };
    const char *name = NULL;
    BlockGraph *graph;
    BlockLayer *layer;
    bool failed = false;
    char action = 0;
    int option, status = 1;

    while ((option = getopt_long(argc, argv, "la:c:d:hqUf:", long_options, NULL)) != -1) {
        if (strchr("lacd", option) != NULL) {
            if (action != 0) {
                return img_usage("Cannot mix '-l', '-a', '-c', '-d'");
            }
            action = (char)option;
            name = optarg;
        } else if (!img_option(option, &options, &failed)) {
            return img_usage("Expecting one image file name");
        } else if (failed) {
            return 1;
        }
    }
    if (optind != argc - 1) {
        return img_usage("Expecting one image file name");
    }
    action = action != 0 ? action : 'l';
    graph = block_graph_new();
    layer = img_open(graph, &options, argv[optind],
                     action == 'l' ? BLOCK_READONLY | BLOCK_NO_BACKING | BLOCK_NO_IO
                                   : BLOCK_NO_BACKING);
    if (layer != NULL) {
        status = snapshot_run(layer, action, name);
    }
    return img_close(graph, layer, action != 'l', status);
}

/* ---- amend ---- */

int img_amend(int argc, char **argv)
{
    static const struct option long_options[] = { IMG_LONG_COMMON,
                                                  { "force", no_argument, NULL, OPT_FORCE },
                                                  { NULL, 0, NULL, 0 } };
    const char *list = NULL;
    ImgOptions options = { 0 };
    BlockGraph *graph;
    BlockLayer *layer;
    GError *error = NULL;
    unsigned flags = BLOCK_NO_BACKING;
    bool failed = false;
    int option, status = 1;

    while ((option = getopt_long(argc, argv, "hf:o:t:pq", long_options, NULL)) != -1) {
        if (option == 'o') {
            list = optarg;
        } else if (option == 't') {
            options.cache = optarg;
        } else if (option == OPT_FORCE) {
            continue;
        } else if (!img_option(option, &options, &failed)) {
            return img_usage("Expecting one image file name");
        } else if (failed) {
            return 1;
        }
    }
    if (list == NULL) {
        return img_usage("Must specify options (-o)");
    }
    if (optind != argc - 1) {
        return img_usage("Expecting one image file name");
    }
    if (!img_cache_flags(options.cache, &flags)) {
        return 1;
    }
    graph = block_graph_new();
    layer = img_open(graph, &options, argv[optind], flags);
    if (layer != NULL) {
        JsonObject *tree = block_tree_parse(list, &error);

        status = tree != NULL && image_amend(layer, tree, &error) ? 0
                                                                  : img_fail_error(error, "%s", "");
        g_clear_pointer(&tree, json_object_unref);
    }
    return img_close(graph, layer, true, status);
}
