/* SPDX-License-Identifier: GPL-2.0-or-later */
/* create.c - doppel-img create. */
#include "tools/img/img.h"

#include <stdio.h>
#include <string.h>

typedef struct Create {
    ImgOptions options;
    ImgCreate image;
    const char *format, *filename, *backing, *backing_format;
    bool unsafe; /* -u: the backing file is not looked at */
} Create;

/* The size, if none was given; and that the backing file is one. */
static bool backing_look(BlockGraph *graph, Create *create, GError **error)
{
    BlockCreate *image = &create->image.create;
    g_autofree char *path = NULL;
    BlockLayer *backing;

    if (image->backing_file == NULL) {
        return true;
    }
    if (image->backing_format == NULL && !create->unsafe) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION,
                    "Backing file specified without backing format");
        return false;
    }
    if (create->unsafe && create->image.has_size) {
        return true;
    }
    path = block_filename_relative(create->filename, image->backing_file);
    backing = layer_open_file(graph, path, image->backing_format,
                              BLOCK_READONLY | BLOCK_NO_BACKING | BLOCK_NO_IO, error);
    if (backing == NULL) {
        g_autofree char *reason = g_strdup((*error)->message);

        g_clear_error(error);
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN, "%s\nCould not open backing image.",
                    reason);
        return false;
    }
    if (!create->image.has_size) {
        image->size = layer_size(backing);
        create->image.has_size = true;
    }
    layer_unref(backing);
    return true;
}

static const char *on_off(bool on)
{
    return on ? "on" : "off";
}

static void formatted(const Create *create)
{
    static const char *const modes[] = { "off", "metadata", "falloc", "full" };
    const BlockCreate *image = &create->image.create;

    printf("Formatting '%s', fmt=%s", create->filename, create->format);
    if (strcmp(create->format, "raw") == 0) {
        printf(" size=%" PRIu64, image->size);
        if (image->preallocation != BLOCK_PREALLOC_OFF) {
            printf(" preallocation=%s", modes[image->preallocation]);
        }
        printf("\n");
        return;
    }
    printf(" cluster_size=%u extended_l2=%s",
           image->cluster_size != 0 ? image->cluster_size : 65536, on_off(image->extended_l2));
    if (image->preallocation != BLOCK_PREALLOC_OFF) {
        printf(" preallocation=%s", modes[image->preallocation]);
    }
    printf(" compression_type=%s size=%" PRIu64, image->zstd ? "zstd" : "zlib", image->size);
    if (image->backing_file != NULL) {
        printf(" backing_file=%s", image->backing_file);
    }
    if (image->backing_format != NULL) {
        printf(" backing_fmt=%s", image->backing_format);
    }
    if (image->data_file != NULL) {
        printf(" data_file=%s data_file_raw=%s", image->data_file, on_off(image->data_file_raw));
    }
    if (create->image.has_compat) {
        printf(" compat=%s", image->compat_v2 ? "0.10" : "1.1");
    }
    printf(" lazy_refcounts=%s refcount_bits=%u\n", on_off(image->lazy_refcounts),
           image->refcount_bits != 0 ? image->refcount_bits : 16);
}

static int create_run(Create *create)
{
    BlockCreate *image = &create->image.create;
    BlockGraph *graph = block_graph_new();
    GError *error = NULL;
    int status = 0;

    if (create->backing != NULL) {
        image->backing_file = create->backing;
    }
    if (create->backing_format != NULL) {
        image->backing_format = create->backing_format;
    }
    if (image->backing_file != NULL && strcmp(create->format, "raw") == 0) {
        status = img_fail("%s: Backing file not supported for file format 'raw'", create->filename);
    } else if (image->backing_file != NULL && strcmp(image->backing_file, create->filename) == 0) {
        status = img_fail("%s: Error: Trying to create an image with the same filename as the "
                          "backing file",
                          create->filename);
    } else if (!backing_look(graph, create, &error)) {
        status = img_fail_error(error, "%s: ", create->filename);
    } else if (!create->image.has_size) {
        status = img_fail("%s: Image creation needs a size parameter", create->filename);
    } else {
        image->size = (image->size + 511) & ~511ull;
        if (!create->options.quiet) {
            formatted(create);
            fflush(stdout);
        }
        if (!image_create(graph, create->filename, create->format, image, &error)) {
            status = img_fail_error(error, "%s: ", create->filename);
        }
    }
    block_graph_free(graph);
    return status;
}

/* 0: go on. */
static int create_options(Create *create, int argc, char **argv, GPtrArray *lists)
{
    static const struct option long_options[] = { IMG_LONG_COMMON, { NULL, 0, NULL, 0 } };
    bool failed = false;
    int option;

    while ((option = getopt_long(argc, argv, "F:b:f:ho:qu6e", long_options, NULL)) != -1) {
        switch (option) {
        case 'F':
            create->backing_format = optarg;
            break;
        case 'b':
            create->backing = optarg;
            break;
        case 'o':
            g_ptr_array_add(lists, optarg);
            break;
        case 'u':
            create->unsafe = true;
            break;
        case 'e':
        case '6':
            return img_fail("option -%c is not supported", option);
        default:
            if (!img_option(option, &create->options, &failed)) {
                return img_usage("Expecting image file name");
            }
            if (failed) {
                return 1;
            }
        }
    }
    create->format = create->options.format != NULL ? create->options.format : "raw";
    return 0;
}

int img_create(int argc, char **argv)
{
    g_autoptr(GPtrArray) lists = g_ptr_array_new();
    Create create = { 0 };
    GError *error = NULL;
    int status = create_options(&create, argc, argv, lists);

    if (status != 0) {
        return status;
    }
    for (guint i = 0; i < lists->len; i++) {
        const char *list = g_ptr_array_index(lists, i);

        if (strcmp(list, "help") == 0 || strcmp(list, "?") == 0) {
            img_create_help(create.format);
            return 0;
        }
    }
    if (optind >= argc) {
        return img_usage("Expecting image file name");
    }
    create.filename = argv[optind++];
    if (strcmp(create.format, "raw") != 0 && strcmp(create.format, "qcow2") != 0) {
        return img_fail("%s: Unknown file format '%s'", create.filename, create.format);
    }
    if (optind < argc && !img_size_or_say(argv[optind], &create.image.create.size)) {
        return 1;
    }
    create.image.has_size = optind < argc;
    if (++optind < argc) {
        return img_usage("Unexpected argument: %s", argv[optind]);
    }
    for (guint i = 0; i < lists->len && status == 0; i++) {
        if (!img_create_parse(&create.image, create.format, g_ptr_array_index(lists, i), &error)) {
            status = img_fail_error(error, "%s: ", create.filename);
        }
    }
    status = status == 0 ? create_run(&create) : status;
    img_create_clear(&create.image);
    return status;
}
