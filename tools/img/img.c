/* SPDX-License-Identifier: GPL-2.0-or-later */
/* img.c - what the commands of doppel-img share: see img.h. */
#include "tools/img/img.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- Words ---- */

static void say_to(FILE *file, const char *format, va_list list)
{
    fputs("doppel-img: ", file);
    vfprintf(file, format, list);
    fputc('\n', file);
}

int img_fail(const char *format, ...)
{
    va_list list;

    fflush(stdout);
    va_start(list, format);
    say_to(stderr, format, list);
    va_end(list);
    return 1;
}

int img_usage(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    say_to(stderr, format, list);
    va_end(list);
    fputs("Try 'doppel-img --help' for more information\n", stderr);
    return 1;
}

int img_fail_error(GError *error, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list list;

    va_start(list, format);
    text = g_strdup_vprintf(format, list);
    va_end(list);
    img_fail("%s%s", text, error != NULL ? error->message : "unknown error");
    g_clear_error(&error);
    return 1;
}

void img_say(const ImgOptions *options, const char *format, ...)
{
    va_list list;

    if (!options->quiet) {
        va_start(list, format);
        vprintf(format, list);
        va_end(list);
    }
}

void img_progress(const ImgOptions *options, uint64_t done, uint64_t all)
{
    if (options->progress && !options->quiet) {
        printf("    (%3.2f/100%%)%s", all != 0 ? 100.0 * (double)done / (double)all : 100.0,
               done == all ? "\n" : "\r");
        fflush(stdout);
    }
}

char *img_size_words(uint64_t size)
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    double value = (double)size;
    unsigned unit = 0;

    while (value >= 1000.0 && unit + 1 < G_N_ELEMENTS(units)) {
        value /= 1024.0;
        unit++;
    }
    return g_strdup_printf("%0.3g %s", value, units[unit]);
}

void img_json_print(JsonNode *node)
{
    g_autoptr(JsonGenerator) generator = json_generator_new();
    g_autofree char *text = NULL;

    json_generator_set_pretty(generator, TRUE);
    json_generator_set_indent(generator, 4);
    json_generator_set_root(generator, node);
    text = json_generator_to_data(generator, NULL);
    for (const char *at = text; *at != '\0'; at++) { /* no space before a colon */
        if (strncmp(at, "\" : ", 4) == 0) {
            fputs("\": ", stdout);
            at += 3;
        } else {
            putchar(*at);
        }
    }
    putchar('\n');
    json_node_unref(node);
}

/* ---- Options ---- */

bool img_option(int option, ImgOptions *options, bool *failed)
{
    switch (option) {
    case 'U':
        options->share = true;
        return true;
    case 'q':
        options->quiet = true;
        return true;
    case 'p':
        options->progress = true;
        return true;
    case 'f':
        options->format = optarg;
        return true;
    case OPT_IMAGE_OPTS:
        options->image_opts = true;
        return true;
    case OPT_OUTPUT:
        options->output = optarg;
        options->json = strcmp(optarg, "json") == 0;
        *failed = !options->json && strcmp(optarg, "human") != 0;
        if (*failed) {
            img_fail("--output must be used with human or json as argument.");
        }
        return true;
    case OPT_OBJECT:
        img_fail("--object: secrets are not needed, since encrypted images are not supported");
        *failed = true;
        return true;
    default:
        *failed = true;
        return false;
    }
}

bool img_size(const char *text, uint64_t *size)
{
    static const char suffixes[] = "bkmgtpe";
    const char *suffix;
    char *end = NULL;
    double number = g_ascii_strtod(text, &end), scale = 1.0;
    uint64_t whole;

    if (end == text || !g_ascii_isdigit(*text) || number < 0) {
        return false;
    }
    if (*end != '\0') {
        suffix = strchr(suffixes, g_ascii_tolower(*end));
        if (suffix == NULL || end[1] != '\0') {
            return false;
        }
        scale = (double)(1ull << (unsigned)(suffix - suffixes) * 10);
    }
    if (number * scale >= 9223372036854775808.0) {
        return false;
    }
    whole = g_ascii_strtoull(text, &end, 10);
    *size = *end == '.' ? (uint64_t)(number * scale) : whole * (uint64_t)scale;
    return true;
}

bool img_size_or_say(const char *text, uint64_t *size)
{
    if (img_size(text, size)) {
        return true;
    }
    img_fail("Invalid image size specified. You may use k, M, G, T, P or E suffixes for");
    img_fail("kilobytes, megabytes, gigabytes, terabytes, petabytes and exabytes.");
    return false;
}

bool img_cache_flags(const char *cache, unsigned *flags)
{
    static const char *const modes[] = { "writeback", "writethrough", "none", "directsync", NULL };

    if (cache != NULL && strcmp(cache, "unsafe") == 0) {
        *flags |= BLOCK_NO_FLUSH;
    } else if (cache != NULL && !g_strv_contains(modes, cache)) {
        img_fail("Invalid cache option: %s", cache);
        return false;
    }
    return true;
}

/* ---- Images ---- */

BlockLayer *img_open(BlockGraph *graph, const ImgOptions *options, const char *filename,
                     unsigned flags)
{
    GError *error = NULL;
    BlockLayer *layer;

    flags |= options->share ? BLOCK_SHARE : 0;
    if (options->image_opts) {
        JsonObject *tree = block_tree_parse(filename, &error);

        layer = tree != NULL ? layer_open(graph, tree, flags, &error) : NULL;
    } else {
        layer = layer_open_file(graph, filename, options->format, flags, &error);
    }
    if (layer == NULL) {
        img_fail_error(error, "Could not open '%s': ", filename);
    }
    return layer;
}

int img_close(BlockGraph *graph, BlockLayer *layer, bool written, int status)
{
    int failed = written && layer != NULL ? layer_flush(layer) : 0;

    if (failed != 0 && status == 0) {
        status = img_fail("Could not write out the image: %s", g_strerror(failed));
    }
    layer_unref(layer);
    block_graph_free(graph);
    return status;
}

void img_snapshots_print(BlockLayer *layer)
{
    GArray *list = block_snapshot_list(layer);

    if (list->len > 0) {
        printf("Snapshot list:\n%-10s%-17s%8s%20s%13s%11s\n", "ID", "TAG", "VM SIZE", "DATE",
               "VM CLOCK", "ICOUNT");
    }
    for (guint i = 0; i < list->len; i++) {
        const BlockSnapshot *snapshot = &g_array_index(list, BlockSnapshot, i);
        g_autoptr(GDateTime) date = g_date_time_new_from_unix_local(snapshot->date_s);
        g_autofree char *when = g_date_time_format(date, "%Y-%m-%d %H:%M:%S");
        g_autofree char *size = img_size_words(snapshot->vm_state_size);
        uint64_t s = snapshot->vm_clock_ns / 1000000000,
                 ms = snapshot->vm_clock_ns / 1000000 % 1000;
        g_autofree char *clock = g_strdup_printf("%02d:%02d:%02d.%03d", (int)(s / 3600),
                                                 (int)(s / 60 % 60), (int)(s % 60), (int)ms);
        g_autofree char *icount = snapshot->icount != UINT64_MAX
                                      ? g_strdup_printf("%" PRIu64, snapshot->icount)
                                      : g_strdup("");

        printf("%-9s %-16s %8s%20s%13s%11s\n", snapshot->id, snapshot->name, size, when, clock,
               icount);
    }
    block_snapshot_list_free(list);
}
