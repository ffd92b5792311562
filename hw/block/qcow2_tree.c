/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qcow2_tree.c - an L1 table with all L2 tables and clusters below it, as a whole. With the lock
 * held, after a sync, nobody inside. */
#include "hw/block/qcow2_int.h"

#include <errno.h>

int qcow2_table_read(Qcow2 *q, uint64_t offset, uint64_t entries, uint64_t **table)
{
    uint64_t *read = g_try_malloc0(entries * 8 + 8);
    int error = read == NULL ? ENOMEM : layer_pread(q->layer.file, offset, read, entries * 8);

    if (error != 0) {
        g_free(read);
        return error;
    }
    for (uint64_t i = 0; i < entries; i++) {
        read[i] = GUINT64_FROM_BE(read[i]);
    }
    *table = read;
    return 0;
}

static int entry_add(Qcow2 *q, uint64_t entry, int64_t delta)
{
    uint64_t offset, size;

    if (entry & QCOW2_COMPRESSED) {
        qcow2_compressed_place(q, entry, &offset, &size);
        return qcow2_refcount_add(q, offset, size, delta);
    }
    if ((entry & QCOW2_OFFSET) != 0 && q->layer.data_file == NULL) {
        return qcow2_refcount_add(q, entry & QCOW2_OFFSET, q->cluster_size, delta);
    }
    return 0;
}

int qcow2_tree_add(Qcow2 *q, const uint64_t *l1, uint64_t entries, int64_t delta)
{
    unsigned step = q->entry_size / 8;
    int error = 0;

    for (uint64_t i = 0; i < entries && error == 0; i++) {
        uint64_t offset = l1[i] & QCOW2_OFFSET;
        g_autofree uint64_t *l2 = NULL;

        if (offset == 0) {
            continue;
        }
        error = qcow2_table_read(q, offset, q->cluster_size / 8, &l2);
        for (uint64_t j = 0; j < q->cluster_size / 8 && error == 0; j += step) {
            error = entry_add(q, l2[j], delta);
        }
        error = error == 0 ? qcow2_refcount_add(q, offset, q->cluster_size, delta) : error;
        if (delta < 0) {
            qcow2_cache_forget(&q->l2_cache, offset, q->cluster_size);
        }
    }
    return error;
}

static int flag_set(Qcow2 *q, uint64_t *entry, bool *changed)
{
    uint64_t count, old = *entry;
    int error;

    if ((old & QCOW2_COMPRESSED) || (old & QCOW2_OFFSET) == 0) {
        return 0;
    }
    error = qcow2_refcount_get(q, (old & QCOW2_OFFSET) >> q->cluster_bits, &count);
    *entry = count == 1 ? old | QCOW2_COPIED : old & ~QCOW2_COPIED;
    *changed |= *entry != old;
    return error;
}

static int l2_flags(Qcow2 *q, uint64_t offset)
{
    unsigned step = q->entry_size / 8;
    g_autofree uint64_t *l2 = NULL;
    bool changed = false;
    int error = qcow2_table_read(q, offset, q->cluster_size / 8, &l2);

    for (uint64_t j = 0; j < q->cluster_size / 8 && error == 0; j += step) {
        error = flag_set(q, &l2[j], &changed);
    }
    if (error != 0 || !changed) {
        return error;
    }
    for (uint64_t j = 0; j < q->cluster_size / 8; j++) {
        l2[j] = GUINT64_TO_BE(l2[j]);
    }
    qcow2_cache_forget(&q->l2_cache, offset, q->cluster_size);
    return layer_pwrite(q->layer.file, offset, l2, q->cluster_size);
}

int qcow2_tree_flags(Qcow2 *q)
{
    bool changed = false;
    int error = 0;

    for (uint32_t i = 0; i < q->l1_entries && error == 0; i++) {
        uint64_t offset = q->l1[i] & QCOW2_OFFSET;

        if (offset != 0 && q->layer.data_file == NULL) {
            error = l2_flags(q, offset);
        }
        error = error == 0 ? flag_set(q, &q->l1[i], &changed) : error;
    }
    return error == 0 && changed ? qcow2_l1_write(q) : error;
}
