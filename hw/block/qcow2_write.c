/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qcow2_write.c - writing: in place, or to new clusters that take over what they cover in part. */
#include "hw/block/qcow2_int.h"

#include <errno.h>

enum { PIECE_MAX = 32 << 20 };

/* A part of a request that is one transfer. */
typedef struct Piece {
    uint64_t offset, size; /* of the guest's data */
    Qcow2Claim claim;
    bool in_place;
    bool new_host;  /* clusters were allocated */
    bool fresh;     /* they read as zeros */
    uint64_t host;  /* of the first byte of `first` */
    uint64_t first; /* guest offset of the first cluster */
    uint64_t clusters;
    uint64_t from, to; /* what becomes allocated: whole subclusters around the data */
} Piece;

/* ---- Choosing ---- */

static bool cluster_needs_host(Qcow2 *q, uint64_t offset, bool *plain, int *error)
{
    Qcow2Mapping mapping;

    *error = qcow2_map(q, offset, 1, &mapping);
    if (*error != 0) {
        return false;
    }
    *plain = mapping.kind != QCOW2_IS_COMPRESSED && !mapping.has_host;
    return mapping.kind == QCOW2_IS_COMPRESSED || !mapping.has_host || !mapping.copied;
}

static uint64_t round_down(uint64_t value, uint64_t unit)
{
    return value & ~(unit - 1);
}

static uint64_t round_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) & ~(unit - 1);
}

/* New clusters for as much of the piece as needs them, beginning with its first. */
static int piece_allocate(Qcow2 *q, Piece *piece)
{
    uint64_t last = round_down(piece->offset + piece->size - 1, q->cluster_size);
    uint64_t table_end = round_up(piece->first + 1, 1ull << (q->cluster_bits + q->l2_bits));
    uint64_t high_water, end = piece->first, got;
    bool plain_first = false, plain_last = false, plain = false;
    int error = 0;

    while (end <= last && end < table_end && cluster_needs_host(q, end, &plain, &error)) {
        plain_first = end == piece->first ? plain : plain_first;
        end += q->cluster_size;
    }
    error = error == 0 ? qcow2_l2_make(q, piece->first) : error;
    if (error != 0) {
        return error;
    }
    high_water = q->high_water;
    got = (end - piece->first) >> q->cluster_bits;
    if (q->layer.data_file != NULL) {
        piece->host = piece->first;
    } else {
        error = qcow2_alloc_some(q, &got, &piece->host);
        piece->fresh = piece->host >= high_water;
    }
    if (error != 0) {
        return error;
    }
    piece->new_host = true;
    piece->new_host = true;
    piece->clusters = got;
    end = piece->first + (got << q->cluster_bits);
    piece->size = MIN(piece->size, end - piece->offset);
    cluster_needs_host(q, end - q->cluster_size, &plain_last, &error);
    piece->from = plain_first ? round_down(piece->offset, q->subcluster_size) : piece->first;
    piece->to = plain_last ? round_up(piece->offset + piece->size, q->subcluster_size) : end;
    return error;
}

/* The cluster is there and ours, but the subcluster is not in use: the first of the piece's. */
static int piece_keep_host(Qcow2 *q, Piece *piece, const Qcow2Mapping *mapping)
{
    uint64_t end;
    Qcow2Mapping last;
    int error = qcow2_l2_make(q, piece->first);

    piece->host = mapping->host - (piece->offset - piece->first);
    piece->clusters = 1;
    piece->size = MIN(piece->size, piece->first + q->cluster_size - piece->offset);
    end = piece->offset + piece->size;
    error = error == 0 ? qcow2_map(q, end - 1, 1, &last) : error;
    piece->from = round_down(piece->offset, q->subcluster_size);
    piece->to = error == 0 && last.kind == QCOW2_NORMAL ? end : round_up(end, q->subcluster_size);
    return error;
}

static void piece_shrink_claim(Qcow2 *q, Piece *piece)
{
    piece->claim.end = qcow2_clusters(q, piece->offset + piece->size);
    g_cond_broadcast(&q->claims_changed);
}

/* Claims clusters and decides where the beginning of the rest of a request goes. */
static int piece_prepare(Qcow2 *q, Piece *piece, uint64_t offset, uint64_t size)
{
    Qcow2Mapping mapping;
    int error;

    *piece = (Piece){ .offset = offset, .size = MIN(size, PIECE_MAX) };
    piece->first = round_down(offset, q->cluster_size);
    piece->claim.first = offset >> q->cluster_bits;
    piece->claim.end = qcow2_clusters(q, offset + piece->size);
    qcow2_claim_locked(q, &piece->claim);
    error = qcow2_map(q, offset, piece->size, &mapping);
    if (error == 0 && (mapping.kind != QCOW2_NORMAL || !mapping.copied)) {
        qcow2_release_locked(q, &piece->claim);
        piece->claim.exclusive = true;
        qcow2_claim_locked(q, &piece->claim);
        error = qcow2_map(q, offset, piece->size, &mapping);
    }
    if (error != 0) {
        return error;
    }
    if (mapping.kind == QCOW2_NORMAL && mapping.copied) {
        piece->in_place = true;
        piece->claim.exclusive = false;
        piece->host = mapping.host - (offset - piece->first);
        piece->size = mapping.size;
        piece->from = offset;
        piece->to = offset + piece->size;
    } else if (mapping.kind != QCOW2_IS_COMPRESSED && mapping.has_host && mapping.copied) {
        error = piece_keep_host(q, piece, &mapping);
    } else {
        error = piece_allocate(q, piece);
    }
    piece_shrink_claim(q, piece);
    return error;
}

/* ---- Data ---- */

/* Is it known to read as zeros, without looking at data? */
static bool range_is_zero(Qcow2 *q, uint64_t from, uint64_t to)
{
    bool zero = true;

    g_mutex_lock(&q->lock);
    while (from < to && zero) {
        Qcow2Mapping mapping;

        zero = qcow2_map(q, from, to - from, &mapping) == 0 &&
               (mapping.kind == QCOW2_IS_ZERO ||
                (mapping.kind == QCOW2_UNALLOCATED &&
                 (q->layer.backing == NULL || from >= q->layer.backing->size)));
        from += mapping.size;
    }
    g_mutex_unlock(&q->lock);
    return zero;
}

/* The guest's data with what new clusters take over before and behind it. */
static int piece_write(Qcow2 *q, const Piece *piece, const struct iovec *data, int n)
{
    uint64_t head = piece->offset - piece->from;
    uint64_t tail = piece->to - (piece->offset + piece->size);
    uint64_t host = piece->host + (piece->offset - piece->first);
    g_autofree struct iovec *iov = NULL;
    g_autofree uint8_t *around = NULL;
    int error = 0;

    if (head + tail == 0 || (piece->fresh && range_is_zero(q, piece->from, piece->offset) &&
                             range_is_zero(q, piece->offset + piece->size, piece->to))) {
        return layer_write(qcow2_data(q), host, data, n);
    }
    around = g_try_malloc(head + tail);
    if (around == NULL) {
        return ENOMEM;
    }
    iov = g_new(struct iovec, n + 2);
    iov[0] = (struct iovec){ around, head };
    iov[n + 1] = (struct iovec){ around + head, tail };
    memcpy(iov + 1, data, sizeof(*iov) * (size_t)n);
    if (head > 0) {
        error = qcow2_read_claimed(q, piece->from, &iov[0], 1);
    }
    if (error == 0 && tail > 0) {
        error = qcow2_read_claimed(q, piece->offset + piece->size, &iov[n + 1], 1);
    }
    return error == 0 ? layer_write(qcow2_data(q), host - head, iov, n + 2) : error;
}

/* ---- Tables ---- */

static uint64_t subcluster_mask(const Qcow2 *q, const Piece *piece, uint64_t cluster)
{
    uint64_t from = MAX(piece->from, cluster) - cluster;
    uint64_t to = MIN(piece->to, cluster + q->cluster_size) - cluster;
    unsigned first = (unsigned)(from / q->subcluster_size);
    unsigned end = (unsigned)((to + q->subcluster_size - 1) / q->subcluster_size);

    return (1ull << end) - (1ull << first);
}

static int cluster_link(Qcow2 *q, const Piece *piece, uint64_t i)
{
    uint64_t cluster = piece->first + (i << q->cluster_bits), old;
    uint64_t host = piece->host + (i << q->cluster_bits);
    Qcow2Entry *entry;
    uint8_t *at;
    int error = qcow2_entry_for_write(q, cluster, &entry, &at);

    if (error != 0) {
        return error;
    }
    old = get_be64(at);
    put_be64(at, host | QCOW2_COPIED);
    if (q->entry_size == 16) {
        uint64_t bitmap = old & QCOW2_COMPRESSED ? 0 : get_be64(at + 8);
        uint64_t mask = subcluster_mask(q, piece, cluster);

        put_be64(at + 8, (bitmap | mask) & ~(mask << 32));
    }
    qcow2_cache_dirty(&q->l2_cache, entry);
    if (piece->new_host) {
        qcow2_entry_free(q, old, false);
    }
    return 0;
}

/* After the data: the tables say where it is. */
static int piece_link(Qcow2 *q, const Piece *piece)
{
    int error = 0;

    for (uint64_t i = 0; i < piece->clusters && error == 0; i++) {
        error = cluster_link(q, piece, i);
    }
    return error;
}

static int write_some(Qcow2 *q, uint64_t offset, const struct iovec *iov, int n, uint64_t skip,
                      uint64_t *done)
{
    g_autofree struct iovec *part = g_new(struct iovec, n + 1);
    Piece piece;
    int parts, error;

    g_mutex_lock(&q->lock);
    error = qcow2_start_locked(q);
    if (error != 0) {
        g_mutex_unlock(&q->lock);
        return error;
    }
    error = piece_prepare(q, &piece, offset + skip, iov_size(iov, n) - skip);
    if (error == 0) {
        g_mutex_unlock(&q->lock);
        parts = iov_slice(iov, n, skip, piece.size, part);
        error = piece_write(q, &piece, part, parts);
        g_mutex_lock(&q->lock);
        if (error == 0 && !piece.in_place) {
            error = piece_link(q, &piece);
        } else if (error != 0 && piece.new_host && q->layer.data_file == NULL) {
            qcow2_free_unused(q, piece.host, piece.clusters << q->cluster_bits);
        }
    }
    qcow2_release_locked(q, &piece.claim);
    g_mutex_unlock(&q->lock);
    *done = piece.size;
    return error;
}

int qcow2_write(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n)
{
    Qcow2 *q = qcow2_of(layer);
    uint64_t size = iov_size(iov, n), part = 0;
    int error = 0;

    for (uint64_t done = 0; done < size && error == 0; done += part) {
        error = write_some(q, offset, iov, n, done, &part);
    }
    return error;
}
