/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compare.c - doppel-img compare. Status: 0 identical, 1 different, 2 not opened, 3 and 4 errors.
 */
#include "tools/img/img.h"

#include <stdio.h>
#include <string.h>

enum { PIECE = 2 << 20, STATUS_DIFFERENT = 1, STATUS_OPEN = 2, STATUS_EXTENT = 3, STATUS_IO = 4 };

typedef struct Compare {
    ImgOptions options;
    BlockLayer *layer[2];
    const char *name[2], *format[2];
    bool strict;
    uint8_t *data[2];
    uint64_t all;
} Compare;

static int different(const Compare *compare, uint64_t at)
{
    img_say(&compare->options, "Content mismatch at offset %" PRIu64 "!\n", at);
    return STATUS_DIFFERENT;
}

static int piece_read(const Compare *compare, unsigned n, uint64_t at, uint64_t size)
{
    int failed = layer_pread(compare->layer[n], at, compare->data[n], size);

    if (failed != 0) {
        img_fail("Error while reading offset %" PRIu64 " of %s: %s", at, compare->name[n],
                 g_strerror(failed));
        return STATUS_IO;
    }
    return 0;
}

static int piece_compare(const Compare *compare, uint64_t at, uint64_t size)
{
    int status = piece_read(compare, 0, at, size);

    status = status == 0 ? piece_read(compare, 1, at, size) : status;
    for (uint64_t i = 0; status == 0 && i < size; i += 512) {
        uint64_t part = MIN(512, size - i);

        if (memcmp(compare->data[0] + i, compare->data[1] + i, part) != 0) {
            status = different(compare, at + i);
        }
    }
    return status;
}

/* What both have in common. */
static int common_compare(const Compare *compare, uint64_t size)
{
    int status = 0;

    for (uint64_t at = 0; at < size && status == 0;) {
        BlockExtent extent[2];
        uint64_t length = size - at;
        unsigned depth;

        for (unsigned n = 0; n < 2; n++) {
            if (layer_extent_above(compare->layer[n], NULL, at, length, &extent[n], &depth) != 0) {
                img_fail("Sector allocation test failed for %s", compare->name[n]);
                return STATUS_EXTENT;
            }
            length = MIN(length, extent[n].size);
        }
        if (compare->strict && extent[0].allocated != extent[1].allocated) {
            img_say(&compare->options, "Strict mode: Offset %" PRIu64 " block status mismatch!\n",
                    at);
            return STATUS_DIFFERENT;
        }
        if (!extent[0].zero || !extent[1].zero) {
            length = MIN(length, PIECE);
            status = piece_compare(compare, at, length);
        }
        at += length;
        img_progress(&compare->options, at, compare->all);
    }
    return status;
}

/* What only the longer one has must be zeros. */
static int rest_compare(const Compare *compare, unsigned n, uint64_t from)
{
    uint64_t size = layer_size(compare->layer[n]);
    int status = 0;

    for (uint64_t at = from; at < size && status == 0;) {
        BlockExtent extent;
        unsigned depth;
        uint64_t length;

        if (layer_extent_above(compare->layer[n], NULL, at, size - at, &extent, &depth) != 0) {
            img_fail("Sector allocation test failed for %s", compare->name[n]);
            return STATUS_EXTENT;
        }
        length = extent.size;
        if (!extent.zero) {
            length = MIN(length, PIECE);
            status = piece_read(compare, n, at, length);
            memset(compare->data[!n], 0, length);
            for (uint64_t i = 0; status == 0 && i < length; i += 512) {
                if (memcmp(compare->data[n] + i, compare->data[!n], MIN(512, length - i)) != 0) {
                    status = different(compare, at + i);
                }
            }
        }
        at += length;
        img_progress(&compare->options, at, compare->all);
    }
    return status;
}

static int compare_run(Compare *compare)
{
    uint64_t size[2] = { layer_size(compare->layer[0]), layer_size(compare->layer[1]) };
    uint64_t common = MIN(size[0], size[1]);
    int status;

    compare->all = MAX(size[0], size[1]);
    if (compare->strict && size[0] != size[1]) {
        img_say(&compare->options, "Strict mode: Image size mismatch!\n");
        return STATUS_DIFFERENT;
    }
    img_progress(&compare->options, 0, compare->all);
    status = common_compare(compare, common);
    if (status == 0 && size[0] != size[1]) {
        img_say(&compare->options, "Warning: Image size mismatch!\n");
        status = rest_compare(compare, size[1] > size[0], common);
    }
    if (status == 0) {
        img_say(&compare->options, "Images are identical.\n");
    }
    return status;
}

int img_compare(int argc, char **argv)
{
    static const struct option long_options[] = { IMG_LONG_COMMON, { NULL, 0, NULL, 0 } };
    Compare compare = { 0 };
    BlockGraph *graph;
    unsigned flags = BLOCK_READONLY;
    bool failed = false;
    int option, status = STATUS_OPEN;

    while ((option = getopt_long(argc, argv, "hf:F:T:pqsU", long_options, NULL)) != -1) {
        if (option == 'F') {
            compare.format[1] = optarg;
        } else if (option == 's') {
            compare.strict = true;
        } else if (option == 'T') {
            compare.options.cache = optarg;
        } else if (!img_option(option, &compare.options, &failed)) {
            img_usage("Expecting two image file names");
            return STATUS_OPEN;
        } else if (failed) {
            return STATUS_OPEN;
        }
    }
    if (optind != argc - 2) {
        img_usage("Expecting two image file names");
        return STATUS_OPEN;
    }
    if (!img_cache_flags(compare.options.cache, &flags)) {
        return STATUS_OPEN;
    }
    compare.format[0] = compare.options.format;
    graph = block_graph_new();
    for (unsigned n = 0; n < 2; n++) {
        ImgOptions options = compare.options;

        options.format = compare.format[n];
        compare.name[n] = argv[optind + (int)n];
        compare.data[n] = g_malloc(PIECE);
        compare.layer[n] = img_open(graph, &options, compare.name[n], flags);
        if (compare.layer[n] == NULL) {
            break;
        }
    }
    if (compare.layer[1] != NULL) {
        status = compare_run(&compare);
    }
    layer_unref(compare.layer[0]);
    g_free(compare.data[0]);
    g_free(compare.data[1]);
    return img_close(graph, compare.layer[1], false, status);
}
