/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dd.c - doppel-img dd, bench. */
#include "tools/img/img.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- dd ---- */

typedef struct Dd {
    ImgOptions options;
    const char *in, *out, *format;
    uint64_t block, count, skip;
    bool counted;
} Dd;

static int operand_take(Dd *dd, const char *word)
{
    const char *value = strchr(word, '=');
    uint64_t size = 0;

    if (value == NULL) {
        return img_fail("unrecognized operand %s", word);
    }
    value++;
    if (g_str_has_prefix(word, "if=")) {
        dd->in = value;
        return 0;
    }
    if (g_str_has_prefix(word, "of=")) {
        dd->out = value;
        return 0;
    }
    if (!img_size(value, &size)) {
        return img_fail("invalid number: '%s'", value);
    }
    if (g_str_has_prefix(word, "bs=")) {
        dd->block = size;
        return size != 0 && size <= 1 << 30 ? 0 : img_fail("invalid number: '%s'", value);
    }
    if (g_str_has_prefix(word, "count=")) {
        dd->count = size;
        dd->counted = true;
        return 0;
    }
    if (g_str_has_prefix(word, "skip=")) {
        dd->skip = size;
        return 0;
    }
    return img_fail("unrecognized operand %s", word);
}

static int dd_copy(const Dd *dd, BlockLayer *from, BlockLayer *to, uint64_t start, uint64_t size)
{
    g_autofree uint8_t *data = g_malloc(dd->block + 512);

    for (uint64_t at = 0; at < size; at += dd->block) {
        uint64_t part = MIN(dd->block, size - at);
        int failed = layer_pread(from, start + at, data, part);

        if (failed != 0) {
            return img_fail("error while reading from input image file: %s", g_strerror(failed));
        }
        memset(data + part, 0, -part & 511); /* the last sector is written whole */
        failed = layer_pwrite(to, at, data, (part + 511) & ~511ull);
        if (failed != 0) {
            return img_fail("error while writing to output image file: %s", g_strerror(failed));
        }
    }
    return 0;
}

static int dd_run(const Dd *dd, BlockGraph *graph)
{
    ImgOptions to_options = { .format = dd->format };
    BlockLayer *from = img_open(graph, &dd->options, dd->in, BLOCK_READONLY), *to = NULL;
    uint64_t start = 0, size = 0;
    GError *error = NULL;
    int status = from == NULL;

    if (status == 0) {
        BlockCreate create = { 0 };

        size = layer_size(from);
        if (dd->counted && dd->count < size / dd->block + 1) {
            size = MIN(size, dd->count * dd->block); /* what is skipped counts, too */
        }
        start = dd->skip > size / dd->block ? size : dd->skip * dd->block;
        size -= start;
        create.size = (size + 511) & ~511ull;
        if (!image_create(graph, dd->out, dd->format, &create, &error)) {
            status = img_fail_error(error, "%s: error while creating output image: ", dd->out);
        }
    }
    if (status == 0) {
        to = img_open(graph, &to_options, dd->out, 0);
        status = to == NULL ? 1 : dd_copy(dd, from, to, start, size);
    }
    layer_unref(from);
    return img_close(graph, to, true, status);
}

int img_dd(int argc, char **argv)
{
    static const struct option long_options[] = { IMG_LONG_COMMON, { NULL, 0, NULL, 0 } };
    Dd dd = { .format = "raw", .block = 512 };
    bool failed = false;
    int option;

    while ((option = getopt_long(argc, argv, "hf:O:U", long_options, NULL)) != -1) {
        if (option == 'O') {
            dd.format = optarg;
        } else if (!img_option(option, &dd.options, &failed)) {
            return img_usage("Must specify both input and output file names");
        } else if (failed) {
            return 1;
        }
    }
    for (int i = optind; i < argc; i++) {
        if (operand_take(&dd, argv[i]) != 0) {
            return 1;
        }
    }
    if (dd.in == NULL || dd.out == NULL) {
        return img_fail("Must specify both input and output file names");
    }
    return dd_run(&dd, block_graph_new());
}

/* ---- bench ---- */

typedef struct Bench {
    ImgOptions options;
    uint64_t count, depth, size, step, offset, flush_interval, pattern;
    bool write;
    uint64_t image, next, left, flush_left; /* while it runs */
    int in_flight, failed;
    BlockNode *node;
    struct iovec iov;
} Bench;

static void bench_done(void *opaque, int error);

static void bench_issue(Bench *bench)
{
    while (bench->left > 0 && bench->in_flight < (int)bench->depth && bench->failed == 0) {
        bench->left--;
        bench->in_flight++;
        if (bench->write) {
            block_write(bench->node, bench->next, &bench->iov, 1, bench_done, bench);
        } else {
            block_read(bench->node, bench->next, &bench->iov, 1, bench_done, bench);
        }
        bench->next += bench->step;
        if (bench->next > bench->image - bench->size) {
            bench->next = bench->offset;
        }
        if (bench->flush_interval != 0 && --bench->flush_left == 0) {
            bench->flush_left = bench->flush_interval;
            bench->in_flight++;
            block_flush(bench->node, bench_done, bench);
        }
    }
}

static void bench_done(void *opaque, int error)
{
    Bench *bench = opaque;

    bench->in_flight--;
    bench->failed = bench->failed != 0 ? bench->failed : error;
    bench_issue(bench);
}

static int bench_run(Bench *bench, const char *filename)
{
    const BlockOptions options = { .path = filename,
                                   .format = bench->options.format,
                                   .readonly = !bench->write,
                                   .cache = bench->options.cache };
    g_autofree void *data = g_malloc(bench->size);
    GError *error = NULL;
    gint64 start;

    bench->node = block_open(&options, &error);
    if (bench->node == NULL) {
        return img_fail_error(error, "Could not open '%s': ", filename);
    }
    bench->image = block_size(bench->node);
    if (bench->offset + bench->size > bench->image) {
        block_close(bench->node);
        return img_fail("the image is too small");
    }
    printf("Sending %" PRIu64 " %s requests, %" PRIu64 " bytes each, %" PRIu64
           " in parallel (starting at offset %" PRIu64 ", step size %" PRIu64 ")\n",
           bench->count, bench->write ? "write" : "read", bench->size, bench->depth, bench->offset,
           bench->step);
    memset(data, (int)bench->pattern, bench->size);
    bench->iov = (struct iovec){ data, bench->size };
    bench->next = bench->offset;
    bench->left = bench->count;
    bench->flush_left = bench->flush_interval;
    start = g_get_monotonic_time();
    bench_issue(bench);
    block_drain(bench->node);
    if (bench->failed == 0) {
        printf("Run completed in %3.3f seconds.\n", (double)(g_get_monotonic_time() - start) / 1e6);
    }
    block_close(bench->node);
    return bench->failed == 0 ? 0 : img_fail("Failed request: %s", g_strerror(bench->failed));
}

/* Where the value of an option goes; NULL: it has none or is another's. */
static uint64_t *bench_value(Bench *bench, int option)
{
    switch (option) {
    case 'c':
        return &bench->count;
    case 'd':
        return &bench->depth;
    case 'o':
        return &bench->offset;
    case 's':
        return &bench->size;
    case 'S':
        return &bench->step;
    case OPT_PATTERN:
        return &bench->pattern;
    case OPT_FLUSH_INTERVAL:
        return &bench->flush_interval;
    default:
        return NULL;
    }
}

int img_bench(int argc, char **argv)
{
    static const struct option long_options[] = {
        IMG_LONG_COMMON,
        { "pattern", required_argument, NULL, OPT_PATTERN },
        { "flush-interval", required_argument, NULL, OPT_FLUSH_INTERVAL },
        { "no-drain", no_argument, NULL, OPT_NO_DRAIN },
        { NULL, 0, NULL, 0 }
    };
    Bench bench = { .count = 75000, .depth = 64, .size = 4096 };
    bool failed = false;
    int option;

    while ((option = getopt_long(argc, argv, "hc:d:f:ni:o:qs:S:t:wU", long_options, NULL)) != -1) {
        uint64_t *value = bench_value(&bench, option);

        if (value != NULL) {
            if (!img_size(optarg, value)) {
                return img_fail("Invalid value specified: '%s'", optarg);
            }
        } else if (option == 'w') {
            bench.write = true;
        } else if (option == 't') {
            bench.options.cache = optarg;
        } else if (option == 'n' || option == 'i' || option == OPT_NO_DRAIN) {
            continue; /* one way of input and output, which is asynchronous */
        } else if (!img_option(option, &bench.options, &failed)) {
            return img_usage("Expecting one image file name");
        } else if (failed) {
            return 1;
        }
    }
    if (optind != argc - 1) {
        return img_usage("Expecting one image file name");
    }
    if (bench.size == 0 || bench.size % 512 != 0 || bench.offset % 512 != 0 ||
        bench.step % 512 != 0 || bench.depth == 0 || bench.size > 1 << 30) {
        return img_fail("Sizes are multiples of 512");
    }
    bench.step = bench.step != 0 ? bench.step : bench.size;
    return bench_run(&bench, argv[optind]);
}
