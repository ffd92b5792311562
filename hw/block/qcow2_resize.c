/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qcow2_resize.c - new images, their size, and clusters allocated before they are used. */
#include "hw/block/qcow2_int.h"

#include <errno.h>

/* ---- Allocating ahead ---- */

static int preallocate_run(Qcow2 *q, uint64_t offset, uint64_t *clusters)
{
    uint64_t host = offset;
    int error = qcow2_l2_make(q, offset);

    if (error == 0 && q->layer.data_file == NULL) {
        error = qcow2_alloc_some(q, clusters, &host);
    }
    for (uint64_t i = 0; i < *clusters && error == 0; i++) {
        Qcow2Entry *entry;
        uint8_t *at;

        error = qcow2_entry_for_write(q, offset + (i << q->cluster_bits), &entry, &at);
        if (error == 0) {
            put_be64(at, (host + (i << q->cluster_bits)) | QCOW2_COPIED);
            if (q->entry_size == 16) {
                put_be64(at + 8, 0); /* a cluster is there, no subcluster is in use */
            }
            qcow2_cache_dirty(&q->l2_cache, entry);
        }
    }
    return error;
}

int qcow2_preallocate(Qcow2 *q, uint64_t from, uint64_t to, BlockPreallocation how)
{
    uint64_t offset = (from + q->cluster_size - 1) & ~(uint64_t)(q->cluster_size - 1);
    int error = 0;

    if (how == BLOCK_PREALLOC_OFF) {
        return 0;
    }
    g_mutex_lock(&q->lock);
    qcow2_quiesce_locked(q);
    error = qcow2_start_locked(q);
    while (offset < to && error == 0) {
        uint64_t span = 1ull << (q->cluster_bits + q->l2_bits);
        uint64_t clusters = qcow2_clusters(q, MIN(to, (offset | (span - 1)) + 1) - offset);

        error = preallocate_run(q, offset, &clusters);
        offset += clusters << q->cluster_bits;
    }
    if (error == 0 && q->layer.file->size < q->high_water &&
        !layer_resize(q->layer.file, q->high_water, BLOCK_PREALLOC_OFF, NULL)) {
        error = EIO;
    }
    g_mutex_unlock(&q->lock);
    return error;
}

/* ---- Size ---- */

static uint64_t l1_entries_for(const Qcow2 *q, uint64_t size)
{
    uint64_t span = 1ull << (q->cluster_bits + q->l2_bits);

    return size / span + (size % span != 0);
}

static bool size_check(const Qcow2 *q, uint64_t size, GError **error)
{
    if (size % BLOCK_SECTOR != 0) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_SIZE, "The new size must be a multiple of 512");
        return false;
    }
    if (q->snapshots->len > 0 && q->version < 3) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION,
                    "Can't resize a v2 image which has snapshots");
        return false;
    }
    return true;
}

/* The last cluster of the old end may hold anything behind it. */
static int tail_zero(Qcow2 *q, uint64_t old, uint64_t size)
{
    uint64_t end = MIN(size, (old + q->cluster_size - 1) & ~(uint64_t)(q->cluster_size - 1));
    g_autofree void *zeros = g_malloc0(q->cluster_size);
    struct iovec iov = { zeros, end > old ? end - old : 0 };
    Qcow2Mapping mapping;
    int error;

    if (iov.iov_len == 0) {
        return 0;
    }
    g_mutex_lock(&q->lock);
    error = qcow2_map(q, old, 1, &mapping);
    g_mutex_unlock(&q->lock);
    if (error != 0 || mapping.kind == QCOW2_IS_ZERO || mapping.kind == QCOW2_UNALLOCATED) {
        return error;
    }
    return qcow2_write(&q->layer, old, &iov, 1);
}

/* A longer backing file must not show through where the image grows. */
static int backing_hide(Qcow2 *q, uint64_t old, uint64_t size)
{
    const BlockLayer *backing = q->layer.backing;
    uint64_t end = backing != NULL ? MIN(size, backing->size) : old;

    return end > old ? layer_write_zeroes(&q->layer, old, end - old, true) : 0;
}

bool qcow2_resize(BlockLayer *layer, uint64_t size, BlockPreallocation how, GError **error)
{
    Qcow2 *q = qcow2_of(layer);
    uint64_t old = layer->size;
    int failed;
    bool grown;

    if (!size_check(q, size, error)) {
        return false;
    }
    failed = qcow2_vm_state_drop(q); /* the disk comes to lie there */
    failed = failed == 0 && size < old ? qcow2_drop(q, size) : failed;
    g_mutex_lock(&q->lock);
    qcow2_quiesce_locked(q);
    failed = failed == 0 ? qcow2_start_locked(q) : failed;
    grown = failed == 0 && qcow2_grow_l1(q, l1_entries_for(q, size), error);
    if (grown) {
        layer->size = size;
        failed = qcow2_sync_locked(q);
        failed = failed == 0 ? qcow2_header_write(q) : failed;
    }
    g_mutex_unlock(&q->lock);
    if (failed == 0 && !grown) {
        return false;
    }
    if (failed == 0 && size > old) {
        failed = tail_zero(q, old, size);
        failed = failed == 0 ? backing_hide(q, old, size) : failed;
        failed = failed == 0 ? qcow2_preallocate(q, old, size, how) : failed;
    }
    if (failed == 0 && layer->data_file != NULL && (q->autoclear & QCOW2_RAW_DATA)) {
        return layer_resize(layer->data_file, size, BLOCK_PREALLOC_OFF, error);
    }
    if (failed != 0) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_IO, "Failed to resize the image: %s",
                    g_strerror(failed));
    }
    return failed == 0;
}
