/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qcow2_io.c - reading, and what lies where. */
#include "hw/block/qcow2_int.h"

#include <errno.h>

static int read_mapped(Qcow2 *q, const Qcow2Mapping *mapping, uint64_t offset,
                       const struct iovec *iov, int n)
{
    switch (mapping->kind) {
    case QCOW2_NORMAL:
        return layer_read(qcow2_data(q), mapping->host, iov, n);
    case QCOW2_IS_COMPRESSED:
        return qcow2_read_compressed(q, mapping->entry, offset & (q->cluster_size - 1), iov, n);
    case QCOW2_UNALLOCATED:
        if (q->layer.backing != NULL) {
            return layer_read(q->layer.backing, offset, iov, n);
        }
        break;
    case QCOW2_IS_ZERO:
        break;
    }
    iov_zero(iov, n);
    return 0;
}

int qcow2_read_claimed(Qcow2 *q, uint64_t offset, const struct iovec *iov, int n)
{
    uint64_t size = iov_size(iov, n);
    g_autofree struct iovec *part = g_new(struct iovec, n + 1);
    int error = 0;

    for (uint64_t done = 0; done < size && error == 0;) {
        Qcow2Mapping mapping;

        g_mutex_lock(&q->lock);
        error = qcow2_map(q, offset + done, size - done, &mapping);
        g_mutex_unlock(&q->lock);
        if (error == 0) {
            int parts = iov_slice(iov, n, done, mapping.size, part);

            error = read_mapped(q, &mapping, offset + done, part, parts);
            done += mapping.size;
        }
    }
    return error;
}

int qcow2_read(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n)
{
    Qcow2 *q = qcow2_of(layer);
    uint64_t size = iov_size(iov, n);
    Qcow2Claim claim = { offset >> q->cluster_bits, qcow2_clusters(q, offset + size), false, NULL };
    int error;

    g_mutex_lock(&q->lock);
    qcow2_claim_locked(q, &claim);
    g_mutex_unlock(&q->lock);
    error = qcow2_read_claimed(q, offset, iov, n);
    g_mutex_lock(&q->lock);
    qcow2_release_locked(q, &claim);
    g_mutex_unlock(&q->lock);
    return error;
}

/* Neighbours that are alike to whoever asks are one extent. */
static bool extents_join(const BlockExtent *one, const BlockExtent *two)
{
    return one->allocated == two->allocated && one->zero == two->zero && one->data == two->data &&
           one->compressed == two->compressed && one->file == two->file &&
           (one->file == NULL || one->file_offset + one->size == two->file_offset);
}

static void extent_of(const Qcow2 *q, const Qcow2Mapping *mapping, BlockExtent *extent)
{
    *extent = (BlockExtent){
        .size = mapping->size,
        .allocated = mapping->kind != QCOW2_UNALLOCATED,
        .zero = mapping->kind == QCOW2_IS_ZERO,
        .data = mapping->kind == QCOW2_NORMAL || mapping->kind == QCOW2_IS_COMPRESSED,
        .compressed = mapping->kind == QCOW2_IS_COMPRESSED,
    };
    if (mapping->has_host && mapping->kind != QCOW2_UNALLOCATED) {
        extent->file = qcow2_data(q);
        extent->file_offset = mapping->host;
    }
}

int qcow2_extent(BlockLayer *layer, uint64_t offset, uint64_t size, BlockExtent *extent)
{
    Qcow2 *q = qcow2_of(layer);
    Qcow2Mapping mapping;
    BlockExtent next;
    int error;

    g_mutex_lock(&q->lock);
    error = qcow2_map(q, offset, size, &mapping);
    if (error == 0) {
        extent_of(q, &mapping, extent);
    }
    while (error == 0 && extent->size < size) {
        if (qcow2_map(q, offset + extent->size, size - extent->size, &mapping) != 0) {
            break;
        }
        extent_of(q, &mapping, &next);
        if (!extents_join(extent, &next)) {
            break;
        }
        extent->size += next.size;
    }
    g_mutex_unlock(&q->lock);
    return error;
}
