/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bitmap.c - doppel-img bitmap. */
#include "tools/img/img.h"

#include <string.h>

enum { ACTIONS_MAX = 16 };

int img_bitmap(int argc, char **argv)
{
    static const struct option long_options[] = { IMG_LONG_COMMON,
                                                  { "add", no_argument, NULL, OPT_ADD },
                                                  { "remove", no_argument, NULL, OPT_REMOVE },
                                                  { "clear", no_argument, NULL, OPT_CLEAR },
                                                  { "enable", no_argument, NULL, OPT_ENABLE },
                                                  { "disable", no_argument, NULL, OPT_DISABLE },
                                                  { "merge", required_argument, NULL, OPT_MERGE },
                                                  { NULL, 0, NULL, 0 } };
    ImageBitmapAction actions[ACTIONS_MAX];
    unsigned n = 0;
    uint64_t granularity = 0;
    ImgOptions options = { 0 };
    BlockGraph *graph;
    BlockLayer *layer;
    GError *error = NULL;
    bool failed = false;
    int option, status = 0;

    while ((option = getopt_long(argc, argv, "hf:g:b:F:", long_options, NULL)) != -1) {
        if (option >= OPT_ADD && option <= OPT_DISABLE) {
            if (n == ACTIONS_MAX) {
                return img_usage("Too many actions");
            }
            actions[n++] = (ImageBitmapAction)(option - OPT_ADD);
        } else if (option == OPT_MERGE || option == 'b' || option == 'F') {
            return img_fail("--merge is not supported");
        } else if (option == 'g') {
            if (!img_size(optarg, &granularity)) {
                return img_fail("Invalid granularity specified: '%s'", optarg);
            }
        } else if (!img_option(option, &options, &failed)) {
            return img_usage("Expecting filename and bitmap name");
        } else if (failed) {
            return 1;
        }
    }
    if (optind != argc - 2) {
        return img_usage("Expecting filename and bitmap name");
    }
    if (n == 0) {
        return img_fail("Need at least one of --add, --remove, --clear, --enable, --disable, or "
                        "--merge");
    }
    if (granularity != 0 && actions[0] != IMAGE_BITMAP_ADD) {
        return img_fail("granularity only supported with --add");
    }
    graph = block_graph_new();
    layer = img_open(graph, &options, argv[optind], BLOCK_NO_BACKING);
    status = layer == NULL;
    for (unsigned i = 0; i < n && status == 0; i++) {
        if (!image_bitmap(layer, actions[i], argv[optind + 1], granularity, &error)) {
            status = img_fail_error(error, "Operation %s on bitmap %s failed: ",
                                    long_options[5 + actions[i]].name, argv[optind + 1]);
        }
    }
    return img_close(graph, layer, true, status);
}
