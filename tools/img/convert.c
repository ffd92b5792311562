/* SPDX-License-Identifier: GPL-2.0-or-later */
/* convert.c - doppel-img convert: the options. convert_copy.c does it. */
#include "tools/img/convert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Sources ---- */

static bool snapshot_take(BlockLayer *layer, const char *param)
{
    GError *error = NULL;
    const char *name = param;
    g_autofree char *word = NULL;

    if (g_str_has_prefix(param, "snapshot.")) {
        const char *equals = strchr(param, '=');

        word = equals != NULL ? g_strndup(equals + 1, strcspn(equals + 1, ",")) : g_strdup("");
        name = word;
    }
    if (!block_snapshot_load(layer, name, &error)) {
        img_fail_error(error, "Failed to load snapshot: ");
        return false;
    }
    return true;
}

static bool sources_open(Convert *convert, int count, char **names)
{
    unsigned flags = BLOCK_READONLY;

    if (!img_cache_flags(convert->options.source_cache, &flags)) {
        return false;
    }
    for (int i = 0; i < count; i++) {
        BlockLayer *layer = img_open(convert->graph, &convert->options, names[i], flags);

        if (layer == NULL ||
            (convert->snapshot != NULL && !snapshot_take(layer, convert->snapshot))) {
            layer_unref(layer);
            return false;
        }
        g_ptr_array_add(convert->sources, layer);
        convert->size += layer_size(layer);
    }
    return true;
}

/* ---- Target ---- */

static bool target_create(Convert *convert, const char *name)
{
    BlockCreate *create = &convert->image.create;
    GError *error = NULL;

    if (!convert->image.has_size) {
        create->size = convert->size;
    }
    if (convert->backing != NULL) {
        create->backing_file = convert->backing;
        create->backing_format = convert->backing_format;
    }
    if (convert->compress && strcmp(convert->format, "qcow2") != 0) {
        img_fail("Compression not supported for this file format");
        return false;
    }
    if (convert->compress && create->preallocation != BLOCK_PREALLOC_OFF) {
        img_fail("Compression and preallocation not supported at the same time");
        return false;
    }
    if (create->backing_file != NULL && create->backing_format == NULL) {
        img_fail("backing format must be specified for backing file '%s'", create->backing_file);
        return false;
    }
    if (!image_create(convert->graph, name, convert->format, create, &error)) {
        img_fail_error(error, "%s: error while converting %s: ", name, convert->format);
        return false;
    }
    return true;
}

static bool target_open(Convert *convert, const char *name)
{
    const char *cache = convert->options.cache != NULL ? convert->options.cache : "unsafe";
    ImgOptions options = { .format = convert->format, .image_opts = convert->target_image_opts };
    unsigned flags = BLOCK_UNMAP;

    if (!img_cache_flags(cache, &flags)) {
        return false;
    }
    if (!convert->into_existing && !target_create(convert, name)) {
        return false;
    }
    if (convert->into_existing && !convert->has_format) {
        options.format = NULL;
    }
    convert->target = img_open(convert->graph, &options, name, flags);
    if (convert->target == NULL) {
        return false;
    }
    if (layer_size(convert->target) < convert->size) {
        img_fail("output file is smaller than input file");
        return false;
    }
    return true;
}

/* ---- Options ---- */

static const struct option long_options[] = {
    IMG_LONG_COMMON,
    { "target-image-opts", no_argument, NULL, OPT_TARGET_IMAGE_OPTS },
    { "target-is-zero", no_argument, NULL, OPT_TARGET_IS_ZERO },
    { "salvage", no_argument, NULL, OPT_SALVAGE },
    { "bitmaps", no_argument, NULL, OPT_BITMAPS },
    { NULL, 0, NULL, 0 },
};

static bool number(const char *text, unsigned long least, unsigned long most, unsigned *value)
{
    char *end = NULL;
    unsigned long read = strtoul(text, &end, 10);

    if (*text == '\0' || *end != '\0' || read < least || read > most) {
        return false;
    }
    *value = (unsigned)read;
    return true;
}

/* -1: no option of convert's own; 0: taken; 1: wrong. */
static int option_take(Convert *convert, int option)
{
    uint64_t sparse;

    switch (option) {
    case 'O':
        convert->format = optarg;
        convert->has_format = true;
        return 0;
    case 'B':
        convert->backing = optarg;
        return 0;
    case 'F':
        convert->backing_format = optarg;
        return 0;
    case 'c':
        convert->compress = true;
        return 0;
    case 'C': /* copy offloading: the copy is the same */
        return 0;
    case 'W':
        convert->any_order = true;
        return 0;
    case 'n':
        convert->into_existing = true;
        return 0;
    case 'l':
        convert->snapshot = optarg;
        return 0;
    case 't':
        convert->options.cache = optarg;
        return 0;
    case 'T':
        convert->options.source_cache = optarg;
        return 0;
    case 'o':
        g_ptr_array_add(convert->lists, optarg);
        return 0;
    case 'm':
        return number(optarg, 1, 16, &convert->workers)
                   ? 0
                   : img_fail("Invalid number of coroutines. Allowed number of coroutines is "
                              "between 1 and 16");
    case 'S':
        if (!img_size(optarg, &sparse) || sparse % 512 != 0 || sparse > 1 << 30) {
            return img_fail("Invalid buffer size for sparse output specified. Valid sizes are "
                            "multiples of 512 up to 1073741824. Select 0 to disable sparse "
                            "detection (fully allocates output).");
        }
        convert->sparse = (uint32_t)sparse;
        convert->sparse_off = sparse == 0;
        return 0;
    case 'r':
        return img_fail("-r: rate limits are not supported");
    case OPT_TARGET_IMAGE_OPTS:
        convert->target_image_opts = true;
        return 0;
    case OPT_TARGET_IS_ZERO:
        convert->target_is_zero = true;
        return 0;
    case OPT_SALVAGE:
        convert->salvage = true;
        return 0;
    case OPT_BITMAPS:
        return img_fail("--bitmaps is not supported");
    default:
        return -1;
    }
}

static int options_take(Convert *convert, int argc, char **argv)
{
    bool failed = false;
    int option;

    while ((option = getopt_long(argc, argv, "hf:O:B:CcF:o:l:S:pt:T:qnm:WUr:", long_options,
                                 NULL)) != -1) {
        int taken = option_take(convert, option);

        if (taken == 1) {
            return 1;
        }
        if (taken < 0 && !img_option(option, &convert->options, &failed)) {
            return img_usage("Must specify image file name");
        }
        if (failed) {
            return 1;
        }
    }
    if (convert->any_order && convert->workers == 0) {
        convert->workers = 8;
    }
    if (convert->into_existing && convert->lists->len > 0) {
        convert->lists->len = 0;
        img_fail("warning: -o has no effect when skipping image creation");
    }
    if (convert->target_is_zero && !convert->into_existing) {
        return img_fail("--target-is-zero requires use of -n flag");
    }
    if (convert->target_image_opts && !convert->into_existing) {
        return img_fail("--target-image-opts requires use of -n flag");
    }
    return argc - optind < 2 ? img_fail("Must specify image file name") : 0;
}

static int convert_run(Convert *convert, int argc, char **argv)
{
    const char *target = argv[argc - 1];
    GError *error = NULL;

    for (guint i = 0; i < convert->lists->len; i++) {
        const char *list = g_ptr_array_index(convert->lists, i);

        if (strcmp(list, "help") == 0) {
            img_create_help(convert->format);
            return 0;
        }
        if (!img_create_parse(&convert->image, convert->format, list, &error)) {
            return img_fail_error(error, "%s", "");
        }
    }
    if (!convert->into_existing && strcmp(convert->format, "raw") != 0 &&
        strcmp(convert->format, "qcow2") != 0) {
        return img_fail("Unknown file format '%s'", convert->format);
    }
    if (!sources_open(convert, argc - 1 - optind, argv + optind) || !target_open(convert, target)) {
        return 1;
    }
    return convert_copy(convert) ? 0 : 1;
}

int img_convert(int argc, char **argv)
{
    Convert convert = { .format = "raw", .sparse = 4096 };
    int status;

    convert.lists = g_ptr_array_new();
    convert.graph = block_graph_new();
    convert.sources = g_ptr_array_new_with_free_func((GDestroyNotify)layer_unref);
    status = options_take(&convert, argc, argv);
    status = status == 0 ? convert_run(&convert, argc, argv) : status;
    g_ptr_array_unref(convert.sources);
    status = img_close(convert.graph, convert.target, true, status);
    img_create_clear(&convert.image);
    g_ptr_array_unref(convert.lists);
    return status;
}
