/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qcow2_compress.c - clusters that are compressed: read and written. */
#include "hw/block/qcow2_int.h"

#include <errno.h>

/* ---- Reading ---- */

static int inflate_cluster(Qcow2 *q, uint64_t entry, uint8_t *cluster)
{
    uint64_t offset, size;
    g_autofree uint8_t *data = NULL;
    bool good;
    int error;

    qcow2_compressed_place(q, entry, &offset, &size);
    data = g_malloc(size);
    error = layer_pread(q->layer.file, offset, data, size);
    if (error != 0) {
        return error;
    }
    good = qcow2_inflate(q->codecs, cluster, q->cluster_size, data, size);
    return good ? 0 : EIO;
}

static void from_cluster(const uint8_t *cluster, uint64_t at, const struct iovec *iov, int n)
{
    for (int i = 0; i < n; i++) {
        memcpy(iov[i].iov_base, cluster + at, iov[i].iov_len);
        at += iov[i].iov_len;
    }
}

int qcow2_read_compressed(Qcow2 *q, uint64_t entry, uint64_t in_cluster, const struct iovec *iov,
                          int n)
{
    uint8_t *cluster;
    int error;

    g_mutex_lock(&q->lock);
    if (q->inflated != NULL && q->inflated_at == entry) {
        from_cluster(q->inflated, in_cluster, iov, n);
        g_mutex_unlock(&q->lock);
        return 0;
    }
    g_mutex_unlock(&q->lock);
    if (n == 1 && iov[0].iov_len == q->cluster_size) { /* nobody will ask for the rest of it */
        return inflate_cluster(q, entry, iov[0].iov_base);
    }
    cluster = g_malloc(q->cluster_size);
    error = inflate_cluster(q, entry, cluster);
    if (error != 0) {
        g_free(cluster);
        return error;
    }
    from_cluster(cluster, in_cluster, iov, n);
    g_mutex_lock(&q->lock);
    g_free(q->inflated);
    q->inflated = cluster;
    q->inflated_at = entry;
    g_mutex_unlock(&q->lock);
    return 0;
}

/* ---- Writing ---- */

static int compressed_link(Qcow2 *q, uint64_t offset, uint64_t at, uint32_t size)
{
    unsigned shift = 62 - (q->cluster_bits - 8);
    uint64_t sectors = ((at + size - 1) >> 9) - (at >> 9), old;
    Qcow2Entry *entry;
    uint8_t *place;
    int error = qcow2_entry_for_write(q, offset, &entry, &place);

    if (error != 0) {
        return error;
    }
    old = get_be64(place);
    put_be64(place, QCOW2_COMPRESSED | at | sectors << shift);
    if (q->entry_size == 16) {
        put_be64(place + 8, 0);
    }
    qcow2_cache_dirty(&q->l2_cache, entry);
    qcow2_entry_free(q, old, false);
    if (q->inflated_at == (QCOW2_COMPRESSED | at | sectors << shift)) {
        g_clear_pointer(&q->inflated, g_free); /* the same place, another content */
    }
    return 0;
}

static int compressed_write(Qcow2 *q, uint64_t offset, const uint8_t *data, uint32_t size)
{
    Qcow2Claim claim = { offset >> q->cluster_bits, (offset >> q->cluster_bits) + 1, true, NULL };
    uint64_t at = 0;
    int error;

    g_mutex_lock(&q->lock);
    qcow2_claim_locked(q, &claim);
    error = qcow2_start_locked(q);
    error = error == 0 ? qcow2_l2_make(q, offset) : error;
    error = error == 0 ? qcow2_alloc_bytes(q, size, &at) : error;
    if (error == 0) {
        g_mutex_unlock(&q->lock);
        error = layer_pwrite(q->layer.file, at, data, size);
        g_mutex_lock(&q->lock);
        error = error == 0 ? compressed_link(q, offset, at, size) : error;
    }
    qcow2_release_locked(q, &claim);
    g_mutex_unlock(&q->lock);
    return error;
}

int qcow2_write_compressed(BlockLayer *layer, uint64_t offset, const void *data, uint64_t size)
{
    Qcow2 *q = qcow2_of(layer);
    g_autofree uint8_t *whole = NULL;
    g_autofree uint8_t *out = NULL;
    size_t length;

    if (layer->data_file != NULL) {
        return ENOTSUP;
    }
    if (offset % q->cluster_size != 0 || size > q->cluster_size ||
        (size < q->cluster_size && offset + size != layer->size)) {
        return EINVAL;
    }
    if (size < q->cluster_size) {
        whole = g_malloc0(q->cluster_size);
        memcpy(whole, data, size);
    }
    out = g_malloc(q->cluster_size);
    /* A byte less than the cluster, or it is not worth it. */
    length = qcow2_deflate(q->codecs, out, q->cluster_size - 1, whole != NULL ? whole : data,
                           q->cluster_size);
    if (length == 0) {
        const struct iovec iov = { (void *)data, size };

        return qcow2_write(layer, offset, &iov, 1);
    }
    return compressed_write(q, offset, out, (uint32_t)length);
}
