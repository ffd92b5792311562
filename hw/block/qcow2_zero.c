/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qcow2_zero.c - zeros without data, and discarding. */
#include "hw/block/qcow2_int.h"

#include <errno.h>

enum { PART_MAX = 64 << 20 };

typedef enum Clear {
    CLEAR_ZERO,
    CLEAR_ZERO_UNMAP,
    CLEAR_DISCARD,
    CLEAR_DROP, /* behind the end of an image that shrinks: nothing is left */
} Clear;

/* Would what is behind show through an entry that says nothing? */
static bool backing_shows(const Qcow2 *q, uint64_t offset)
{
    return q->layer.backing_file != NULL &&
           (q->layer.backing == NULL || offset < q->layer.backing->size);
}

/* A whole cluster; false: this version of the format cannot say it. */
static bool cluster_cleared(const Qcow2 *q, Clear how, uint64_t offset, uint64_t old,
                            uint64_t *entry, uint64_t *bitmap)
{
    bool keeps = how == CLEAR_ZERO && !(old & QCOW2_COMPRESSED) &&
                 ((old & QCOW2_OFFSET) != 0 || q->layer.data_file != NULL) && (old & QCOW2_COPIED);

    *bitmap = 0;
    if (how == CLEAR_DROP) {
        *entry = 0;
        return true;
    }
    if (q->version < 3) {
        *entry = 0;
        return !backing_shows(q, offset) && q->layer.backing == NULL;
    }
    if (how == CLEAR_DISCARD && q->layer.backing == NULL && q->layer.backing_file == NULL) {
        *entry = 0;
        return true;
    }
    *entry = keeps ? (old & (QCOW2_OFFSET | QCOW2_COPIED)) : 0;
    if (q->entry_size == 16) {
        *bitmap = 0xffffffffull << 32;
    } else {
        *entry |= QCOW2_ZERO;
    }
    return true;
}

static int cluster_clear(Qcow2 *q, Clear how, uint64_t offset)
{
    uint64_t old, entry, bitmap;
    Qcow2Entry *cached;
    uint8_t *at;
    int error = qcow2_entry_for_write(q, offset, &cached, &at);

    if (error != 0) {
        return error;
    }
    old = get_be64(at);
    if (!cluster_cleared(q, how, offset, old, &entry, &bitmap)) {
        return how == CLEAR_DISCARD ? 0 : ENOTSUP;
    }
    put_be64(at, entry);
    if (q->entry_size == 16) {
        put_be64(at + 8, bitmap);
    }
    qcow2_cache_dirty(&q->l2_cache, cached);
    if ((entry & QCOW2_OFFSET) == 0) {
        qcow2_entry_free(q, old, true);
    }
    return 0;
}

/* Whole subclusters of one cluster, extended L2 only. */
static int subclusters_clear(Qcow2 *q, uint64_t offset, uint64_t size)
{
    unsigned first = (unsigned)((offset & (q->cluster_size - 1)) / q->subcluster_size);
    unsigned count = (unsigned)(size / q->subcluster_size);
    uint64_t mask = ((1ull << count) - 1) << first, bitmap;
    Qcow2Entry *cached;
    uint8_t *at;
    int error = qcow2_entry_for_write(q, offset, &cached, &at);

    if (error != 0) {
        return error;
    }
    if (get_be64(at) & QCOW2_COMPRESSED) {
        return ENOTSUP;
    }
    bitmap = get_be64(at + 8);
    put_be64(at + 8, (bitmap & ~mask) | mask << 32);
    qcow2_cache_dirty(&q->l2_cache, cached);
    return 0;
}

static int clear_locked(Qcow2 *q, Clear how, uint64_t offset, uint64_t end)
{
    int error = 0;

    while (offset < end && error == 0) {
        Qcow2Mapping mapping;
        uint64_t next = MIN(end, (offset | (q->cluster_size - 1)) + 1);
        bool whole = offset % q->cluster_size == 0 &&
                     (next % q->cluster_size == 0 || next == q->layer.size);

        error = qcow2_map(q, offset, end - offset, &mapping);
        if (error == 0 && !mapping.has_host && how != CLEAR_DROP &&
            (mapping.kind == QCOW2_IS_ZERO ||
             (mapping.kind == QCOW2_UNALLOCATED && q->layer.backing == NULL &&
              q->layer.backing_file == NULL))) {
            next = offset + mapping.size; /* reads as zeros already, and holds nothing */
        } else if (error == 0 && whole) {
            error = cluster_clear(q, how, offset);
        } else if (error == 0 && how < CLEAR_DISCARD) {
            error = subclusters_clear(q, offset, next - offset);
        }
        offset = next;
    }
    return error;
}

/* The data file holds what its guest sees, and a raw one all of it. */
static int data_file_clear(Qcow2 *q, Clear how, uint64_t offset, uint64_t size)
{
    if (q->layer.data_file == NULL) {
        return 0;
    }
    if (q->autoclear & QCOW2_RAW_DATA) {
        return layer_write_zeroes(q->layer.data_file, offset, size, how != CLEAR_ZERO);
    }
    return how != CLEAR_ZERO && (q->layer.flags & BLOCK_UNMAP)
               ? layer_discard(q->layer.data_file, offset, size)
               : 0;
}

/* Aligned to clusters, or to subclusters for zeros. */
static int range_clear(Qcow2 *q, Clear how, uint64_t offset, uint64_t end)
{
    int error = 0;

    for (uint64_t at = offset; at < end && error == 0;) {
        uint64_t next = MIN(end, (at | (PART_MAX - 1)) + 1);
        Qcow2Claim claim = { at >> q->cluster_bits, qcow2_clusters(q, next), true, NULL };

        g_mutex_lock(&q->lock);
        qcow2_claim_locked(q, &claim);
        error = qcow2_start_locked(q);
        error = error == 0 ? clear_locked(q, how, at, next) : error;
        if (error == 0 && q->layer.data_file != NULL) {
            g_mutex_unlock(&q->lock);
            error = data_file_clear(q, how, at, next - at);
            g_mutex_lock(&q->lock);
        }
        qcow2_release_locked(q, &claim);
        g_mutex_unlock(&q->lock);
        at = next;
    }
    return error;
}

static int zeros_write(Qcow2 *q, uint64_t offset, uint64_t size)
{
    g_autofree void *zeros = g_try_malloc0(size + 1);
    const struct iovec iov = { zeros, size };

    if (zeros == NULL) {
        return ENOMEM;
    }
    return size > 0 ? qcow2_write(&q->layer, offset, &iov, 1) : 0;
}

int qcow2_write_zeroes(BlockLayer *layer, uint64_t offset, uint64_t size, bool unmap)
{
    Qcow2 *q = qcow2_of(layer);
    uint64_t unit = q->version < 3 ? q->cluster_size : q->subcluster_size, end = offset + size;
    uint64_t first = (offset + unit - 1) & ~(unit - 1);
    uint64_t last = end == layer->size ? end : end & ~(unit - 1);
    int error;

    if (first >= last) {
        return zeros_write(q, offset, size);
    }
    if (last == layer->size && last % q->cluster_size != 0 && q->entry_size == 16) {
        /* What lies behind the end belongs to the last cluster. */
        last = (last + unit - 1) & ~(unit - 1);
    }
    error = range_clear(q, unmap ? CLEAR_ZERO_UNMAP : CLEAR_ZERO, first, last);
    if (error == 0) {
        error = zeros_write(q, offset, first - offset);
    }
    return error == 0 && end > last ? zeros_write(q, last, end - last) : error;
}

int qcow2_discard(BlockLayer *layer, uint64_t offset, uint64_t size)
{
    Qcow2 *q = qcow2_of(layer);
    uint64_t mask = q->cluster_size - 1, end = offset + size;
    uint64_t first = (offset + mask) & ~mask;
    uint64_t last = end == layer->size ? end : end & ~mask;

    return first < last ? range_clear(q, CLEAR_DISCARD, first, last) : 0;
}

int qcow2_drop(Qcow2 *q, uint64_t offset)
{
    uint64_t mask = q->cluster_size - 1, first = (offset + mask) & ~mask;

    return first < q->layer.size ? range_clear(q, CLEAR_DROP, first, q->layer.size) : 0;
}

int qcow2_drop_range(Qcow2 *q, uint64_t offset, uint64_t end)
{
    return range_clear(q, CLEAR_DROP, offset, end);
}
