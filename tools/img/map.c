/* SPDX-License-Identifier: GPL-2.0-or-later */
/* map.c - doppel-img map, measure. */
#include "tools/img/img.h"

#include <stdio.h>
#include <string.h>

/* ---- map ---- */

typedef struct Run {
    uint64_t start, size;
    BlockExtent extent;
    unsigned depth;
} Run;

static bool runs_join(const Run *one, const Run *two)
{
    const BlockExtent *a = &one->extent, *b = &two->extent;

    return one->depth == two->depth && a->allocated == b->allocated && a->zero == b->zero &&
           a->data == b->data && a->compressed == b->compressed && a->file == b->file &&
           (a->file == NULL || a->file_offset + one->size == b->file_offset);
}

static const char *yes(bool value)
{
    return value ? "true" : "false";
}

static bool run_print(const Run *run, bool json, bool last)
{
    const BlockExtent *extent = &run->extent;

    if (json) {
        printf("{ \"start\": %" PRIu64 ", \"length\": %" PRIu64
               ", \"depth\": %u, \"present\": %s, \"zero\": %s, \"data\": %s",
               run->start, run->size, run->depth, yes(extent->allocated), yes(extent->zero),
               yes(extent->data));
        if (extent->file != NULL) {
            printf(", \"offset\": %" PRIu64, extent->file_offset);
        }
        printf("}%s", last ? "]\n" : ",\n");
        return true;
    }
    if (!extent->data || extent->zero) {
        return true;
    }
    if (extent->file == NULL) {
        img_fail("File contains external, encrypted or compressed clusters.");
        return false;
    }
    printf("%#-16" PRIx64 "%#-16" PRIx64 "%#-16" PRIx64 "%s\n", run->start, run->size,
           extent->file_offset, layer_filename(extent->file));
    return true;
}

static int map_run(BlockLayer *layer, bool json, uint64_t from, uint64_t to)
{
    Run run = { 0 };

    printf(json ? "[" : "%-16s%-16s%-16s%s\n", "Offset", "Length", "Mapped to", "File");
    for (uint64_t at = from; at < to;) {
        Run next = { .start = at };
        int failed = layer_extent_above(layer, NULL, at, to - at, &next.extent, &next.depth);

        if (failed != 0) {
            return img_fail("Failed to read image metadata: %s", g_strerror(failed));
        }
        if (layer_backing(layer) == NULL || !next.extent.allocated) {
            next.depth = next.extent.allocated ? next.depth : 0;
        }
        next.size = next.extent.size;
        at += next.size;
        if (run.size != 0 && runs_join(&run, &next)) {
            run.size += next.size;
            continue;
        }
        if (run.size != 0 && !run_print(&run, json, false)) {
            return 1;
        }
        run = next;
    }
    if (run.size != 0) {
        return run_print(&run, json, true) ? 0 : 1;
    }
    printf("%s", json ? "]\n" : "");
    return 0;
}

int img_map(int argc, char **argv)
{
    static const struct option long_options[] = { IMG_LONG_COMMON,
                                                  { "start-offset", required_argument, NULL, 's' },
                                                  { "max-length", required_argument, NULL, 'l' },
                                                  { NULL, 0, NULL, 0 } };
    ImgOptions options = { 0 };
    uint64_t start = 0, length = UINT64_MAX, size;
    BlockGraph *graph;
    BlockLayer *layer;
    bool failed = false;
    int option, status = 1;

    while ((option = getopt_long(argc, argv, "hf:s:l:U", long_options, NULL)) != -1) {
        if (option == 's' || option == 'l') {
            if (!img_size_or_say(optarg, option == 's' ? &start : &length)) {
                return 1;
            }
        } else if (!img_option(option, &options, &failed)) {
            return img_usage("Expecting one image file name");
        } else if (failed) {
            return 1;
        }
    }
    if (optind != argc - 1) {
        return img_usage("Expecting one image file name");
    }
    graph = block_graph_new();
    layer = img_open(graph, &options, argv[optind], BLOCK_READONLY);
    if (layer != NULL) {
        size = layer_size(layer);
        start = MIN(start, size);
        status = map_run(layer, options.json, start, start + MIN(length, size - start));
    }
    return img_close(graph, layer, false, status);
}

/* ---- measure ---- */

static int measured(const ImgOptions *options, uint64_t required, uint64_t full)
{
    if (options->json) {
        JsonObject *object = json_object_new();
        JsonNode *node = json_node_new(JSON_NODE_OBJECT);

        json_object_set_int_member(object, "required", (gint64)required);
        json_object_set_int_member(object, "fully-allocated", (gint64)full);
        json_node_take_object(node, object);
        img_json_print(node);
    } else {
        printf("required size: %" PRIu64 "\nfully allocated size: %" PRIu64 "\n", required, full);
    }
    return 0;
}

/* Bytes in clusters that hold data. */
static int data_count(BlockLayer *layer, uint64_t cluster, uint64_t *data)
{
    uint64_t next = 0;

    *data = 0;
    for (uint64_t at = 0; at < layer_size(layer);) {
        BlockExtent extent;
        unsigned depth;
        int failed = layer_extent_above(layer, NULL, at, layer_size(layer) - at, &extent, &depth);

        if (failed != 0) {
            return img_fail("Failed to read image metadata: %s", g_strerror(failed));
        }
        if (extent.data && !extent.zero) {
            uint64_t first = MAX(at / cluster * cluster, next);

            next = (at + extent.size + cluster - 1) / cluster * cluster;
            *data += next - MIN(first, next);
        }
        at += extent.size;
    }
    return 0;
}

static int measure_run(const ImgOptions *options, ImgCreate *create, const char *format,
                       const char *filename)
{
    BlockGraph *graph = block_graph_new();
    BlockLayer *layer = NULL;
    uint64_t data = 0,
             cluster = create->create.cluster_size != 0 ? create->create.cluster_size : 65536;
    bool raw = strcmp(format, "raw") == 0;
    int status = 0;

    if (filename != NULL) {
        layer = img_open(graph, options, filename, BLOCK_READONLY);
        status = layer == NULL;
    }
    if (status == 0 && layer != NULL) {
        create->create.size = layer_size(layer);
        status = data_count(layer, raw ? 512 : cluster, &data);
    }
    if (status == 0 && create->create.preallocation > BLOCK_PREALLOC_METADATA) {
        data = create->create.size;
    }
    if (status == 0) {
        uint64_t full = raw ? create->create.size
                            : image_measure(&create->create, create->create.size);

        status = measured(options,
                          raw ? (layer != NULL ? data : create->create.size)
                              : image_measure(&create->create, data),
                          full);
    }
    return img_close(graph, layer, false, status);
}

int img_measure(int argc, char **argv)
{
    static const struct option long_options[] = { IMG_LONG_COMMON,
                                                  { "size", required_argument, NULL, OPT_SIZE },
                                                  { NULL, 0, NULL, 0 } };
    const char *format = "raw", *list = "";
    ImgOptions options = { 0 };
    ImgCreate create = { 0 };
    GError *error = NULL;
    bool failed = false, sized = false;
    int option, status = 0;

    while ((option = getopt_long(argc, argv, "hf:o:O:l:U", long_options, NULL)) != -1) {
        if (option == 'O') {
            format = optarg;
        } else if (option == 'o') {
            list = optarg;
        } else if (option == 'l') {
            return img_fail("measure -l is not supported; measure the snapshot's copy");
        } else if (option == OPT_SIZE) {
            sized = true;
            if (!img_size_or_say(optarg, &create.create.size)) {
                return 1;
            }
        } else if (!img_option(option, &options, &failed)) {
            return img_usage("Expecting image file name or --size");
        } else if (failed) {
            return 1;
        }
    }
    if (argc - optind > 1 || (argc - optind == 1) == sized) {
        return img_fail("Either --size N or one filename must be specified.");
    }
    if (strcmp(format, "raw") != 0 && strcmp(format, "qcow2") != 0) {
        return img_fail("Unknown file format '%s'", format);
    }
    if (!img_create_parse(&create, format, list, &error)) {
        status = img_fail_error(error, "%s", "");
    } else {
        status = measure_run(&options, &create, format, sized ? NULL : argv[optind]);
    }
    img_create_clear(&create);
    return status;
}
