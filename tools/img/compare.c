/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compare.c - doppel-img compare. Status: 0 identical, 1 different, 2 not opened, 3 and 4 errors.
 */
#include "tools/img/img.h"

#include <stdio.h>
#include <string.h>

enum { PIECE = 2 << 20, STATUS_DIFFERENT = 1, STATUS_OPEN = 2, STATUS_EXTENT = 3, STATUS_IO = 4 };
enum { WORKERS = 4, PIECES = 8 /* at once */ };

typedef struct Compare {
    ImgOptions options;
    BlockLayer *layer[2];
    const char *name[2], *format[2];
    bool strict;
    uint64_t all;
    GThreadPool *workers;
    GMutex lock; /* of what is busy */
    GCond changed;
} Compare;

static int different(const Compare *compare, uint64_t at)
{
    img_say(&compare->options, "Content mismatch at offset %" PRIu64 "!\n", at);
    return STATUS_DIFFERENT;
}

/* Read and compared on a thread; looked at in order on the main one. */
typedef struct Piece {
    uint64_t at, size;
    uint8_t *data[2];
    unsigned failed; /* which of them could not be read */
    int error;       /* why; 0: both could */
    uint64_t same;   /* bytes before the first sector that differs */
    bool busy;       /* compare->lock */
} Piece;

static int piece_error(const Compare *compare, unsigned n, uint64_t at, int error)
{
    img_fail("Error while reading offset %" PRIu64 " of %s: %s", at, compare->name[n],
             g_strerror(error));
    return STATUS_IO;
}

static void piece_work(gpointer data, gpointer user_data)
{
    Compare *compare = user_data;
    Piece *piece = data;

    piece->error = 0;
    piece->same = 0;
    for (unsigned n = 0; n < 2 && piece->error == 0; n++) {
        piece->failed = n;
        piece->error = layer_pread(compare->layer[n], piece->at, piece->data[n], piece->size);
    }
    while (piece->error == 0 && piece->same < piece->size) {
        uint64_t part = MIN(512, piece->size - piece->same);

        if (memcmp(piece->data[0] + piece->same, piece->data[1] + piece->same, part) != 0) {
            break;
        }
        piece->same += part;
    }
    g_mutex_lock(&compare->lock);
    piece->busy = false;
    g_cond_signal(&compare->changed);
    g_mutex_unlock(&compare->lock);
}

/* What has come of it; the piece may be used again. */
static int piece_finish(Compare *compare, Piece *piece)
{
    uint64_t size = piece->size;

    g_mutex_lock(&compare->lock);
    while (piece->busy) {
        g_cond_wait(&compare->changed, &compare->lock);
    }
    g_mutex_unlock(&compare->lock);
    piece->size = 0;
    if (size == 0) {
        return 0;
    }
    if (piece->error != 0) {
        return piece_error(compare, piece->failed, piece->at, piece->error);
    }
    return piece->same < size ? different(compare, piece->at + piece->same) : 0;
}

static void piece_start(Compare *compare, Piece *piece, uint64_t at, uint64_t size)
{
    piece->at = at;
    piece->size = size;
    piece->busy = true;
    for (unsigned n = 0; n < 2; n++) {
        piece->data[n] = piece->data[n] != NULL ? piece->data[n] : g_malloc(PIECE);
    }
    g_thread_pool_push(compare->workers, piece, NULL);
}

/* What both have in common. */
static int common_pieces(Compare *compare, uint64_t size, Piece *pieces)
{
    unsigned next = 0;
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
            for (unsigned i = 0; i < PIECES && status == 0; i++) { /* what differs before that */
                status = piece_finish(compare, &pieces[(next + i) % PIECES]);
            }
            if (status != 0) {
                return status;
            }
            img_say(&compare->options, "Strict mode: Offset %" PRIu64 " block status mismatch!\n",
                    at);
            return STATUS_DIFFERENT;
        }
        if (!extent[0].zero || !extent[1].zero) {
            length = MIN(length, PIECE);
            status = piece_finish(compare, &pieces[next]);
            if (status == 0) {
                piece_start(compare, &pieces[next], at, length);
                next = (next + 1) % PIECES;
            }
        }
        at += length;
        img_progress(&compare->options, at, compare->all);
    }
    for (unsigned i = 0; i < PIECES && status == 0; i++) {
        status = piece_finish(compare, &pieces[(next + i) % PIECES]);
    }
    return status;
}

static int common_compare(Compare *compare, uint64_t size)
{
    Piece pieces[PIECES] = { 0 };
    int status;

    g_mutex_init(&compare->lock);
    g_cond_init(&compare->changed);
    compare->workers = g_thread_pool_new(piece_work, compare, WORKERS, FALSE, NULL);
    status = common_pieces(compare, size, pieces);
    g_thread_pool_free(compare->workers, FALSE, TRUE);
    for (unsigned i = 0; i < PIECES; i++) {
        g_free(pieces[i].data[0]);
        g_free(pieces[i].data[1]);
    }
    g_cond_clear(&compare->changed);
    g_mutex_clear(&compare->lock);
    return status;
}

static int rest_is_zero(const Compare *compare, unsigned n, uint64_t at, uint64_t size,
                        uint8_t *data)
{
    static const uint8_t zeros[512];
    int error = layer_pread(compare->layer[n], at, data, size);

    if (error != 0) {
        return piece_error(compare, n, at, error);
    }
    for (uint64_t i = 0; i < size; i += sizeof(zeros)) {
        if (memcmp(data + i, zeros, MIN(sizeof(zeros), size - i)) != 0) {
            return different(compare, at + i);
        }
    }
    return 0;
}

/* What only the longer one has must be zeros. */
static int rest_compare(const Compare *compare, unsigned n, uint64_t from)
{
    g_autofree uint8_t *data = g_malloc(PIECE);
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
            status = rest_is_zero(compare, n, at, length, data);
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
        compare.layer[n] = img_open(graph, &options, compare.name[n], flags);
        if (compare.layer[n] == NULL) {
            break;
        }
    }
    if (compare.layer[1] != NULL) {
        status = compare_run(&compare);
    }
    layer_unref(compare.layer[0]);
    return img_close(graph, compare.layer[1], false, status);
}
