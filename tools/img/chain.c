/* SPDX-License-Identifier: GPL-2.0-or-later */
/* chain.c - doppel-img rebase, commit: images and what is behind them. */
#include "tools/img/img.h"

#include <stdio.h>
#include <string.h>

enum { PIECE = 2 << 20 };

/* ---- rebase ---- */

typedef struct Rebase {
    ImgOptions options;
    const char *backing, *backing_format;
    bool unsafe;
    BlockLayer *image, *next; /* next: the new backing file, NULL: none */
} Rebase;

/* Where old and new differ, the image takes over what it has shown. */
static int piece_rebase(const Rebase *rebase, uint64_t at, uint64_t size, uint8_t *old,
                        uint8_t *new)
{
    int failed = layer_pread(rebase->image, at, old, size);

    memset(new, 0, size);
    if (failed == 0 && rebase->next != NULL) {
        failed = layer_pread(rebase->next, at, new, size);
    }
    for (uint64_t from = 0; from < size && failed == 0;) {
        uint64_t to = from;

        while (to < size && memcmp(old + to, new + to, 512) != 0) {
            to += 512;
        }
        if (to > from) {
            failed = layer_pwrite(rebase->image, at + from, old + from, to - from);
        }
        from = to + 512;
    }
    return failed;
}

static int rebase_copy(const Rebase *rebase)
{
    uint64_t all = layer_size(rebase->image);
    g_autofree uint8_t *old = g_malloc(PIECE);
    g_autofree uint8_t *new = g_malloc(PIECE);

    for (uint64_t at = 0; at < all;) {
        BlockExtent extent;
        int failed = layer_extent(rebase->image, at, MIN(PIECE, all - at), &extent);

        if (failed == 0 && !extent.allocated) {
            failed = piece_rebase(rebase, at, extent.size, old, new);
        }
        if (failed != 0) {
            return img_fail("error while rebasing at byte %" PRIu64 ": %s", at, g_strerror(failed));
        }
        at += extent.size;
        img_progress(&rebase->options, at, all);
    }
    return 0;
}

static int rebase_run(Rebase *rebase, BlockGraph *graph)
{
    const char *name = *rebase->backing != '\0' ? rebase->backing : NULL;
    GError *error = NULL;
    int status = 0;

    if (name != NULL && rebase->backing_format == NULL) {
        img_fail("warning: Deprecated use of backing file without explicit backing format");
    }
    if (!rebase->unsafe && name != NULL) {
        g_autofree char *path = block_filename_relative(layer_filename(rebase->image),
                                                        rebase->backing);

        rebase->next = layer_open_file(graph, path, rebase->backing_format,
                                       BLOCK_READONLY | (rebase->options.share ? BLOCK_SHARE : 0),
                                       &error);
        if (rebase->next == NULL) {
            return img_fail_error(error, "Could not open new backing file '%s': ", path);
        }
    }
    status = rebase->unsafe ? 0 : rebase_copy(rebase);
    if (status == 0 && layer_flush(rebase->image) != 0) {
        status = img_fail("Could not write out the image");
    }
    if (status == 0 && !image_set_backing(rebase->image, name, rebase->backing_format, &error)) {
        status = img_fail_error(error, "%s", "");
    }
    layer_unref(rebase->next);
    return status;
}

int img_rebase(int argc, char **argv)
{
    static const struct option long_options[] = { IMG_LONG_COMMON, { NULL, 0, NULL, 0 } };
    Rebase rebase = { 0 };
    BlockGraph *graph;
    unsigned flags = 0;
    bool failed = false;
    int option, status = 1;

    while ((option = getopt_long(argc, argv, "hf:F:b:upt:T:qU", long_options, NULL)) != -1) {
        if (option == 'F') {
            rebase.backing_format = optarg;
        } else if (option == 'b') {
            rebase.backing = optarg;
        } else if (option == 'u') {
            rebase.unsafe = true;
        } else if (option == 't' || option == 'T') {
            rebase.options.cache = option == 't' ? optarg : rebase.options.cache;
        } else if (!img_option(option, &rebase.options, &failed)) {
            return img_usage("Expecting one image file name");
        } else if (failed) {
            return 1;
        }
    }
    if (optind != argc - 1) {
        return img_usage("Expecting one image file name");
    }
    if (rebase.backing == NULL && !rebase.unsafe) {
        return img_usage("Must specify backing file (-b) or use unsafe mode (-u)");
    }
    rebase.backing = rebase.backing != NULL ? rebase.backing : "";
    if (!img_cache_flags(rebase.options.cache, &flags)) {
        return 1;
    }
    graph = block_graph_new();
    rebase.image = img_open(graph, &rebase.options, argv[optind],
                            flags | (rebase.unsafe ? BLOCK_NO_BACKING : 0));
    if (rebase.image != NULL) {
        status = rebase_run(&rebase, graph);
    }
    return img_close(graph, rebase.image, true, status);
}

/* ---- commit ---- */

typedef struct Commit {
    ImgOptions options;
    const char *base;
    bool keep; /* -d: the image stays as it is */
} Commit;

static BlockLayer *base_find(const Commit *commit, BlockLayer *image, bool *direct)
{
    BlockLayer *base = layer_backing(image);

    *direct = true;
    if (base == NULL) {
        img_fail("Image does not have a backing file");
        return NULL;
    }
    while (commit->base != NULL && base != NULL &&
           strcmp(layer_filename(base), commit->base) != 0) {
        base = layer_backing(base);
        *direct = false;
    }
    if (base == NULL) {
        img_fail("Did not find '%s' in the backing chain of '%s'", commit->base,
                 layer_filename(image));
    }
    return base;
}

static int commit_copy(const Commit *commit, BlockLayer *image, BlockLayer *base)
{
    uint64_t all = layer_size(image);
    g_autofree uint8_t *data = g_malloc(PIECE);
    GError *error = NULL;

    if (all > layer_size(base) && !layer_resize(base, all, BLOCK_PREALLOC_OFF, &error)) {
        return img_fail_error(error, "%s", "");
    }
    for (uint64_t at = 0; at < all;) {
        BlockExtent extent;
        unsigned depth;
        int failed = layer_extent_above(image, base, at, MIN(PIECE, all - at), &extent, &depth);

        if (failed == 0 && extent.allocated && extent.zero) {
            failed = layer_write_zeroes(base, at, extent.size, true);
        } else if (failed == 0 && extent.allocated) {
            failed = layer_pread(image, at, data, extent.size);
            failed = failed == 0 ? layer_pwrite(base, at, data, extent.size) : failed;
        }
        if (failed != 0) {
            return img_fail("Could not commit: %s", g_strerror(failed));
        }
        at += extent.size;
        img_progress(&commit->options, at, all);
    }
    return layer_flush(base) == 0 ? 0 : img_fail("Could not write out the base image");
}

static int commit_run(const Commit *commit, BlockLayer *image)
{
    bool direct;
    BlockLayer *base = base_find(commit, image, &direct);
    GError *error = NULL;
    int status;

    if (base == NULL) {
        return 1;
    }
    if (!layer_reopen(base, 0, &error)) {
        return img_fail_error(error, "Could not open the base image for writing: ");
    }
    status = commit_copy(commit, image, base);
    if (status == 0 && !commit->keep && direct && !image_make_empty(image, &error)) {
        status = img_fail_error(error, "Could not empty the image: ");
    }
    if (status == 0) {
        img_say(&commit->options, "Image committed.\n");
    }
    return status;
}

int img_commit(int argc, char **argv)
{
    static const struct option long_options[] = { IMG_LONG_COMMON, { NULL, 0, NULL, 0 } };
    Commit commit = { 0 };
    BlockGraph *graph;
    BlockLayer *image;
    unsigned flags = BLOCK_UNMAP;
    bool failed = false;
    int option, status = 1;

    while ((option = getopt_long(argc, argv, "hf:t:b:dpqr:", long_options, NULL)) != -1) {
        if (option == 'b') {
            commit.base = optarg;
            commit.keep = true; /* what lies between is of no use afterwards */
        } else if (option == 'd') {
            commit.keep = true;
        } else if (option == 't') {
            commit.options.cache = optarg;
        } else if (option == 'r') {
            return img_fail("-r: rate limits are not supported");
        } else if (!img_option(option, &commit.options, &failed)) {
            return img_usage("Expecting one image file name");
        } else if (failed) {
            return 1;
        }
    }
    if (optind != argc - 1) {
        return img_usage("Expecting one image file name");
    }
    if (!img_cache_flags(commit.options.cache, &flags)) {
        return 1;
    }
    graph = block_graph_new();
    image = img_open(graph, &commit.options, argv[optind], flags);
    if (image != NULL) {
        status = commit_run(&commit, image);
    }
    return img_close(graph, image, true, status);
}
