/* SPDX-License-Identifier: GPL-2.0-or-later */
/* job_copy.c - the copying of jobs, each on a thread of its own. */
#include "hw/block/bitmap.h"
#include "hw/block/job_int.h"

#include <errno.h>
#include <string.h>

/* ---- Grains ---- */

bool job_bit(const Job *job, uint64_t grain)
{
    return job->bits[grain / 64] >> (grain % 64) & 1;
}

void job_bits_set(Job *job, uint64_t offset, uint64_t size, bool on)
{
    uint64_t end = MIN((offset + size + JOB_GRAIN - 1) / JOB_GRAIN, job->grains);

    for (uint64_t i = offset / JOB_GRAIN; i < end; i++) {
        if (on) {
            job->bits[i / 64] |= 1ull << (i % 64);
        } else {
            job->bits[i / 64] &= ~(1ull << (i % 64));
        }
    }
}

bool job_bits_next(const Job *job, uint64_t from, uint64_t *grain)
{
    for (uint64_t n = 0, i = from % MAX(job->grains, 1); n < job->grains; n++) {
        if (i % 64 == 0 && i + 64 <= job->grains && job->bits[i / 64] == 0) {
            n += 63;
            i = (i + 64) % job->grains;
            continue;
        }
        if (job_bit(job, i)) {
            *grain = i;
            return true;
        }
        i = (i + 1) % job->grains;
    }
    return false;
}

/* ---- Pace ---- */

bool job_is_mirror(const Job *job)
{
    return job->kind == JOB_MIRROR || (job->kind == JOB_COMMIT && job->overlay == NULL);
}

bool job_may_go_on(Job *job, uint64_t size)
{
    gint64 until;
    bool go;

    g_mutex_lock(&job->lock);
    until = job->speed > 0 ? g_get_monotonic_time() + (gint64)(size * 1000000 / job->speed) : 0;
    while (!job->cancel && until > 0 && g_cond_wait_until(&job->changed, &job->lock, until)) {
        until = job->speed > 0 ? until : 0;
    }
    while (job->pause && !job->cancel) {
        job->parked = true;
        g_cond_wait(&job->changed, &job->lock);
    }
    job->parked = false;
    go = !job->cancel;
    g_mutex_unlock(&job->lock);
    return go;
}

/* An error of the host: go on as if nothing were (0), end (the error), or wait and try again. */
static int job_failed(Job *job, int error, bool *again)
{
    bool stop = job->on_error == BLOCK_ON_ERROR_STOP ||
                (job->on_error == BLOCK_ON_ERROR_ENOSPC && error == ENOSPC);

    *again = stop;
    if (job->on_error == BLOCK_ON_ERROR_IGNORE) {
        return 0;
    }
    if (!stop) {
        return error;
    }
    g_mutex_lock(&job->lock);
    job->pause = true;
    g_mutex_unlock(&job->lock);
    job_post(job);
    return 0;
}

static void job_progress(Job *job, uint64_t size)
{
    g_mutex_lock(&job->lock);
    job->done = MIN(job->done + size, job->all);
    g_mutex_unlock(&job->lock);
}

/* ---- Pieces ---- */

static int data_copy(BlockLayer *from, BlockLayer *to, uint64_t offset, uint64_t size)
{
    g_autofree uint8_t *data = g_try_malloc(size);
    int error = data == NULL ? ENOMEM : layer_pread(from, offset, data, size);

    if (error != 0) {
        return error;
    }
    return buffer_is_zero(data, size) ? layer_write_zeroes(to, offset, size, true)
                                      : layer_pwrite(to, offset, data, size);
}

/* Commit of what lies below the top: nobody else writes there. */
static int commit_piece(Job *job, uint64_t offset, uint64_t *size)
{
    BlockExtent extent;
    unsigned depth;
    int error = layer_extent_above(job->source, job->base, offset, *size, &extent, &depth);

    if (error != 0) {
        return error;
    }
    *size = extent.size;
    if (!extent.allocated) {
        return 0;
    }
    return extent.zero ? layer_write_zeroes(job->base, offset, *size, true)
                       : data_copy(job->source, job->base, offset, *size);
}

/* Stream: nobody else is inside, so what is not allocated stays so until it is written. */
static int stream_piece(Job *job, uint64_t offset, uint64_t *size)
{
    BlockExtent own, behind;
    unsigned depth;
    int error = layer_extent(job->source, offset, *size, &own);

    if (error != 0) {
        return error;
    }
    *size = own.size;
    if (own.allocated || layer_skip_filters(job->source)->backing == NULL) {
        return 0;
    }
    error = layer_extent_above(layer_skip_filters(job->source)->backing, job->base, offset, *size,
                               &behind, &depth);
    *size = error == 0 ? behind.size : *size;
    if (error != 0 || !behind.allocated) {
        return error;
    }
    return data_copy(job->source, job->source, offset, *size);
}

static int linear_piece(Job *job, uint64_t offset, uint64_t *size)
{
    BlockGraph *graph = job->jobs->graph;
    int error;

    if (job->kind == JOB_STREAM) {
        *size = MIN(*size, JOB_GRAIN * 4); /* all others wait for it */
        graph_close_gate(graph);
        error = stream_piece(job, offset, size);
        graph_open_gate(graph);
        return error;
    }
    graph_enter(graph);
    error = commit_piece(job, offset, size);
    graph_leave(graph);
    return error;
}

static int linear_run(Job *job)
{
    uint64_t offset = 0;
    int error = 0;

    while (offset < job->all && error == 0) {
        uint64_t size = MIN(job->all - offset, JOB_PIECE);
        bool again = false;

        error = linear_piece(job, offset, &size);
        if (error != 0) {
            error = job_failed(job, error, &again);
        }
        if (!again) {
            offset += size;
            job_progress(job, size);
        }
        if (error == 0 && !job_may_go_on(job, size)) {
            error = ECANCELED;
        }
    }
    return error;
}

/* ---- Mirror ---- */

static BlockLayer *mirror_target(const Job *job)
{
    return job->kind == JOB_MIRROR ? job->target : job->base;
}

/* What is marked before it is read is marked again by whoever writes there meanwhile. */
static int mirror_grain(Job *job, uint64_t grain)
{
    uint64_t offset = grain * JOB_GRAIN, size = MIN(JOB_GRAIN, job->all - offset);
    int error;

    g_mutex_lock(&job->lock);
    job_bits_set(job, offset, size, false);
    g_mutex_unlock(&job->lock);
    error = data_copy(job->source, mirror_target(job), offset, size);
    if (error != 0) {
        g_mutex_lock(&job->lock);
        job_bits_set(job, offset, size, true);
        g_mutex_unlock(&job->lock);
    }
    return error;
}

int job_mirror_rest(Job *job)
{
    uint64_t grain = 0;
    int error = 0;

    while (error == 0 && job_bits_next(job, grain, &grain)) {
        error = mirror_grain(job, grain);
    }
    return error == 0 ? layer_flush(mirror_target(job)) : error;
}

/* Marks what has to be copied to begin with. */
static int mirror_mark(Job *job)
{
    BlockLayer *base = job->kind == JOB_COMMIT ? job->base
                       : job->only_top         ? layer_skip_filters(job->source)->backing
                                               : NULL;
    int error = 0;

    for (uint64_t at = 0; at < job->all && error == 0 && !job->only_new;) {
        BlockExtent extent;
        unsigned depth;

        graph_enter(job->jobs->graph);
        error = layer_extent_above(job->source, base, at, job->all - at, &extent, &depth);
        graph_leave(job->jobs->graph);
        if (error == 0 && (extent.allocated || base == NULL)) {
            g_mutex_lock(&job->lock);
            job_bits_set(job, at, extent.size, true);
            g_mutex_unlock(&job->lock);
        }
        at += extent.size;
    }
    return error;
}

/* Sleeps until something is marked, or the end is near; false: it is. */
static bool mirror_wait(Job *job, uint64_t *grain)
{
    bool found, tell;

    g_mutex_lock(&job->lock);
    found = job_bits_next(job, job->cursor, grain);
    tell = !found && !job->ready_told;
    job->ready_told |= !found;
    if (!found) {
        job->done = job->all;
    }
    g_mutex_unlock(&job->lock);
    if (tell) {
        job_post(job);
    }
    g_mutex_lock(&job->lock);
    while (!job->cancel && !job->complete && !(found = job_bits_next(job, job->cursor, grain))) {
        g_cond_wait(&job->changed, &job->lock);
    }
    g_mutex_unlock(&job->lock);
    return found;
}

static int mirror_run(Job *job)
{
    int error = mirror_mark(job);
    uint64_t grain = 0;

    while (error == 0 && mirror_wait(job, &grain)) {
        bool again = false;

        graph_enter(job->jobs->graph);
        error = mirror_grain(job, grain);
        graph_leave(job->jobs->graph);
        if (error != 0) {
            error = job_failed(job, error, &again);
        }
        job->cursor = grain + 1;
        if (!job->ready_told) {
            job_progress(job, JOB_GRAIN);
        }
        if (error == 0 && !job_may_go_on(job, JOB_GRAIN)) {
            break;
        }
    }
    g_mutex_lock(&job->lock);
    /* Cancelled when it was ready: the copy is as of now, and the main thread finishes it. */
    if (error == 0 && job->cancel && (job->force || !job->ready_told)) {
        error = ECANCELED;
    }
    g_mutex_unlock(&job->lock);
    return error;
}

/* ---- Backup ---- */

/* Copies a grain as it is before anything changes it; the lock `copying` is held. */
static int backup_grain(Job *job, uint64_t grain)
{
    uint64_t offset = grain * JOB_GRAIN, size = MIN(JOB_GRAIN, job->all - offset);
    int error = data_copy(job->source, job->target, offset, size);

    if (error == 0) {
        job_bits_set(job, offset, size, false);
        job_progress(job, size);
    }
    return error;
}

/* A guest's write does not fail for the backup's sake: the backup does. */
static int backup_before(BlockWatch *watch, uint64_t offset, uint64_t size)
{
    Job *job = (Job *)watch;
    uint64_t end = MIN((offset + size + JOB_GRAIN - 1) / JOB_GRAIN, job->grains);

    g_mutex_lock(&job->copying);
    for (uint64_t i = offset / JOB_GRAIN; i < end && job->error == 0; i++) {
        if (job_bit(job, i)) {
            job->error = backup_grain(job, i);
        }
    }
    g_mutex_unlock(&job->copying);
    return 0;
}

static void mirror_after(BlockWatch *watch, uint64_t offset, uint64_t size)
{
    Job *job = (Job *)watch;

    g_mutex_lock(&job->lock);
    job_bits_set(job, offset, size, true);
    g_cond_broadcast(&job->changed);
    g_mutex_unlock(&job->lock);
}

static int backup_run(Job *job)
{
    BlockLayer *base = job->only_top ? layer_skip_filters(job->source)->backing : NULL;
    int error = 0;

    for (uint64_t i = 0; i < job->grains && error == 0 && !job->only_new; i++) {
        BlockExtent extent = { .allocated = true };
        unsigned depth;
        bool copies;

        graph_enter(job->jobs->graph);
        g_mutex_lock(&job->copying);
        error = job->error;
        if (error == 0 && base != NULL) {
            error = layer_extent_above(job->source, base, i * JOB_GRAIN, JOB_GRAIN, &extent,
                                       &depth);
            extent.allocated |= extent.size < JOB_GRAIN;
        }
        copies = job_bit(job, i) && extent.allocated;
        if (error == 0 && copies) {
            error = backup_grain(job, i);
        }
        g_mutex_unlock(&job->copying);
        graph_leave(job->jobs->graph);
        if (error == 0 && (copies || i % 64 == 0) && !job_may_go_on(job, JOB_GRAIN)) {
            error = ECANCELED;
        }
    }
    g_mutex_lock(&job->lock);
    while (job->only_new && !job->cancel && job->error == 0) {
        g_cond_wait(&job->changed, &job->lock);
    }
    g_mutex_unlock(&job->lock);
    return error != 0 ? error : job->error;
}

int job_run(Job *job)
{
    if (job_is_mirror(job)) {
        return mirror_run(job);
    }
    return job->kind == JOB_BACKUP ? backup_run(job) : linear_run(job);
}

/* What is dirty now is to be copied; a job counts what it will do. */
static void bitmap_take(Job *job)
{
    uint64_t dirty = 0, length;

    block_bitmap_freeze(job->bitmap);
    for (uint64_t at = 0; at < job->all; at += length) {
        if (block_bitmap_run(job->bitmap, at, job->all - at, &length)) {
            job_bits_set(job, at, length, true);
        }
    }
    for (uint64_t i = 0; i < job->grains; i++) {
        dirty += job_bit(job, i);
    }
    job->done = job->all - MIN(dirty * JOB_GRAIN, job->all);
}

void job_watch_start(Job *job)
{
    job->grains = (job->all + JOB_GRAIN - 1) / JOB_GRAIN;
    job->bits = g_new0(uint64_t, job->grains / 64 + 1);
    if (job->kind == JOB_BACKUP) {
        job_bits_set(job, 0, job->all, job->bitmap == NULL);
        job->watch.before = backup_before;
    } else {
        job->watch.after = mirror_after;
    }
    graph_close_gate(job->jobs->graph);
    if (job->bitmap != NULL) {
        bitmap_take(job);
    }
    layer_watch(job->source, &job->watch);
    graph_open_gate(job->jobs->graph);
    job->watching = true;
}
