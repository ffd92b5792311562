/* SPDX-License-Identifier: GPL-2.0-or-later */
/* convert_copy.c - copies pieces on several threads.
 *
 * A piece is a range of the target. Whoever is free takes the next; reading and compressing go on
 * at once. Without -W pieces are written in their order, so that a target grows from its beginning
 * to its end. */
#include "tools/img/convert.h"

#include <errno.h>
#include <string.h>

enum { PIECE = 2 << 20, WORKERS_MIN = 4, WORKERS_MAX = 8 };

typedef struct Copy {
    Convert *convert;
    BlockLayer *backing; /* of the target: what it shows is not copied */
    bool zero;           /* the target reads as zeros where nothing is written */
    uint32_t unit;       /* of compressed writes */
    GMutex lock;         /* of what follows */
    GCond changed;
    uint64_t next;    /* piece to be taken */
    uint64_t written; /* all before it are, without -W */
    uint64_t done;    /* bytes */
    bool failed;
} Copy;

/* ---- Where a piece comes from ---- */

/* The source of a place, and where it lies in it. */
static BlockLayer *source_of(const Convert *convert, uint64_t at, uint64_t *in, uint64_t *left)
{
    for (guint i = 0; i < convert->sources->len; i++) {
        BlockLayer *layer = g_ptr_array_index(convert->sources, i);

        if (at < layer_size(layer)) {
            *in = at;
            *left = layer_size(layer) - at;
            return layer;
        }
        at -= layer_size(layer);
    }
    g_assert_not_reached();
}

typedef enum Content { CONTENT_DATA, CONTENT_ZERO, CONTENT_BACKING } Content;

static int content_of(const Copy *copy, uint64_t at, uint64_t size, Content *content,
                      uint64_t *length)
{
    uint64_t in, left;
    BlockLayer *source = source_of(copy->convert, at, &in, &left);
    BlockExtent extent;
    unsigned depth;
    int error;

    if (copy->backing != NULL) { /* only what the source's own layer has */
        error = layer_extent(source, in, MIN(size, left), &extent);
        *content = !extent.allocated ? CONTENT_BACKING : extent.zero ? CONTENT_ZERO : CONTENT_DATA;
    } else {
        error = layer_extent_above(source, NULL, in, MIN(size, left), &extent, &depth);
        *content = extent.zero ? CONTENT_ZERO : CONTENT_DATA;
    }
    *length = extent.size;
    return error;
}

static int source_read(const Copy *copy, uint64_t at, uint8_t *data, uint64_t size)
{
    uint64_t in, left;
    BlockLayer *source = source_of(copy->convert, at, &in, &left);
    int error = layer_pread(source, in, data, size);

    for (uint64_t i = 0; error != 0 && copy->convert->salvage && i < size; i += 512) {
        if (layer_pread(source, in + i, data + i, MIN(512, size - i)) != 0) {
            memset(data + i, 0, MIN(512, size - i));
        }
        error = i + 512 >= size ? 0 : error;
    }
    return error;
}

/* ---- Writing ---- */

static bool is_zero(const uint8_t *data, uint64_t size)
{
    return size == 0 || (data[0] == 0 && memcmp(data, data + 1, size - 1) == 0);
}

static int write_zero(const Copy *copy, uint64_t at, uint64_t size)
{
    if (copy->convert->sparse_off && !copy->convert->compress) {
        g_autofree void *zeros = g_malloc0(size);

        return layer_pwrite(copy->convert->target, at, zeros, size);
    }
    return copy->zero ? 0 : layer_write_zeroes(copy->convert->target, at, size, true);
}

/* Runs of zeros of the sparse size make holes. */
static int write_sparse(const Copy *copy, uint64_t at, const uint8_t *data, uint64_t size)
{
    uint64_t unit = copy->convert->sparse, from = 0, to;
    int error = 0;

    if (copy->convert->sparse_off) {
        return layer_pwrite(copy->convert->target, at, data, size);
    }
    while (from < size && error == 0) {
        bool zero = is_zero(data + from, MIN(unit, size - from));

        for (to = from; to < size && is_zero(data + to, MIN(unit, size - to)) == zero; to += unit) {
        }
        to = MIN(to, size);
        error = zero ? write_zero(copy, at + from, to - from)
                     : layer_pwrite(copy->convert->target, at + from, data + from, to - from);
        from = to;
    }
    return error;
}

static int write_compressed(const Copy *copy, uint64_t at, const uint8_t *data, uint64_t size)
{
    int error = 0;

    for (uint64_t from = 0; from < size && error == 0; from += copy->unit) {
        uint64_t part = MIN(copy->unit, size - from);

        error = is_zero(data + from, part)
                    ? write_zero(copy, at + from, part)
                    : layer_write_compressed(copy->convert->target, at + from, data + from, part);
    }
    return error;
}

/* ---- Pieces ---- */

/* Waits until all pieces before are written. */
static bool turn_wait(Copy *copy, uint64_t piece)
{
    bool failed;

    g_mutex_lock(&copy->lock);
    while (!copy->convert->any_order && !copy->convert->compress && copy->written != piece &&
           !copy->failed) {
        g_cond_wait(&copy->changed, &copy->lock);
    }
    failed = copy->failed;
    g_mutex_unlock(&copy->lock);
    return !failed;
}

typedef struct Stretch {
    uint64_t at, size;
    Content content;
} Stretch;

static int piece_read(const Copy *copy, uint64_t from, uint64_t to, uint8_t *data,
                      GArray *stretches)
{
    int error = 0;

    for (uint64_t at = from; at < to && error == 0;) {
        Stretch stretch = { .at = at };

        error = content_of(copy, at, to - at, &stretch.content, &stretch.size);
        if (error == 0 && stretch.content == CONTENT_DATA) {
            error = source_read(copy, at, data + (at - from), stretch.size);
        } else if (error == 0 && copy->convert->compress) {
            /* A cluster is compressed as a whole. */
            memset(data + (at - from), 0, stretch.size);
            if (stretch.content == CONTENT_BACKING) {
                error = source_read(copy, at, data + (at - from), stretch.size);
            }
        }
        g_array_append_val(stretches, stretch);
        at += stretch.size;
    }
    return error;
}

static int piece_write(const Copy *copy, uint64_t from, uint64_t to, const uint8_t *data,
                       const GArray *stretches)
{
    bool only_backing = true;
    int error = 0;

    for (guint i = 0; i < stretches->len; i++) {
        only_backing &= g_array_index(stretches, Stretch, i).content == CONTENT_BACKING;
    }
    if (copy->convert->compress) {
        return only_backing ? 0 : write_compressed(copy, from, data, to - from);
    }
    for (guint i = 0; i < stretches->len && error == 0; i++) {
        const Stretch *stretch = &g_array_index(stretches, Stretch, i);

        if (stretch->content == CONTENT_ZERO) {
            error = write_zero(copy, stretch->at, stretch->size);
        } else if (stretch->content == CONTENT_DATA) {
            error = write_sparse(copy, stretch->at, data + (stretch->at - from), stretch->size);
        }
    }
    return error;
}

static void piece_done(Copy *copy, uint64_t piece, uint64_t size, const char *what, int error)
{
    g_mutex_lock(&copy->lock);
    if (error != 0 && !copy->failed) {
        copy->failed = true;
        img_fail("error while %s at byte %" PRIu64 ": %s", what, piece * PIECE, g_strerror(error));
    }
    copy->written = MAX(copy->written, piece + 1);
    copy->done += size;
    img_progress(&copy->convert->options, copy->done, copy->convert->size);
    g_cond_broadcast(&copy->changed);
    g_mutex_unlock(&copy->lock);
}

static void piece_copy(Copy *copy, uint64_t piece, uint8_t *data)
{
    uint64_t from = piece * PIECE, to = MIN(from + PIECE, copy->convert->size);
    g_autoptr(GArray) stretches = g_array_new(FALSE, FALSE, sizeof(Stretch));
    int error = piece_read(copy, from, to, data, stretches);
    const char *what = "reading";

    if (turn_wait(copy, piece) && error == 0) {
        what = "writing";
        error = piece_write(copy, from, to, data, stretches);
    }
    piece_done(copy, piece, to - from, what, error);
}

static gpointer worker_run(gpointer opaque)
{
    g_autofree uint8_t *data = g_malloc(PIECE);
    Copy *copy = opaque;

    for (;;) {
        uint64_t piece;
        bool failed;

        g_mutex_lock(&copy->lock);
        piece = copy->next++;
        failed = copy->failed;
        g_mutex_unlock(&copy->lock);
        if (failed || piece * PIECE >= copy->convert->size) {
            return NULL;
        }
        piece_copy(copy, piece, data);
    }
}

bool convert_copy(Convert *convert)
{
    /* More than there are processors: some wait for the disk. */
    unsigned workers = convert->workers != 0
                           ? convert->workers
                           : CLAMP(g_get_num_processors(), WORKERS_MIN, WORKERS_MAX);
    Copy copy = { .convert = convert };
    GThread *threads[16];

    copy.backing = convert->backing != NULL || convert->image.create.backing_file != NULL
                       ? layer_backing(convert->target)
                       : NULL;
    copy.zero = copy.backing == NULL && (!convert->into_existing || convert->target_is_zero);
    copy.unit = image_cluster_size(convert->target);
    g_mutex_init(&copy.lock);
    g_cond_init(&copy.changed);
    img_progress(&convert->options, 0, convert->size);
    for (unsigned i = 0; i < workers; i++) {
        threads[i] = g_thread_new("convert", worker_run, &copy);
    }
    for (unsigned i = 0; i < workers; i++) {
        g_thread_join(threads[i]);
    }
    g_cond_clear(&copy.changed);
    g_mutex_clear(&copy.lock);
    return !copy.failed;
}
