/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qcow2_repair.c - mends what a check has found. */
#include "hw/block/qcow2_check_int.h"

#include <errno.h>

static uint64_t counts_per_block(const Qcow2 *q)
{
    return (uint64_t)q->cluster_size * 8 >> q->refcount_order;
}

bool check_mend_count(Check *check, uint64_t cluster, uint64_t count)
{
    Qcow2 *q = check->q;
    uint64_t block = cluster / counts_per_block(q), now;

    if (block >= q->reftable_entries || q->reftable[block] == 0 || count > qcow2_refcount_max(q) ||
        qcow2_refcount_get(q, cluster, &now) != 0) {
        return false;
    }
    return qcow2_refcount_add(q, cluster << q->cluster_bits, 1, (int64_t)(count - now)) == 0;
}

static int counts_write(Check *check, uint64_t block, uint64_t offset)
{
    Qcow2 *q = check->q;
    g_autofree uint8_t *data = g_malloc0(q->cluster_size);
    uint64_t first = block * counts_per_block(q);

    for (uint64_t i = 0; i < counts_per_block(q) && first + i < check->clusters; i++) {
        uint64_t count = MIN(check->counts[first + i], qcow2_refcount_max(q));

        qcow2_refcount_store(data, q->refcount_order, i, count);
    }
    return layer_pwrite(q->layer.file, offset, data, q->cluster_size);
}

/* Table and blocks anew, behind all that is in the file. */
static int refcounts_rebuild(Check *check)
{
    Qcow2 *q = check->q;
    uint64_t old = check->clusters, blocks = 0, clusters = 0, before;
    uint64_t *table;
    int error = 0;

    do {
        before = blocks + clusters;
        blocks = (old + before + counts_per_block(q) - 1) / counts_per_block(q);
        clusters = qcow2_clusters(q, blocks * 8);
    } while (blocks + clusters != before);
    if (clusters << q->cluster_bits > QCOW2_MAX_REFTABLE) {
        return EFBIG;
    }
    check->counts = g_renew(uint32_t, check->counts, old + before + 1);
    check_walk(check); /* without what is to be replaced */
    for (uint64_t i = old; i < old + before; i++) {
        check->counts[i] = 1;
    }
    check->clusters = old + before;
    table = g_malloc0(clusters << q->cluster_bits);
    for (uint64_t i = 0; i < blocks && error == 0; i++) {
        put_be64(table + i, (old + clusters + i) << q->cluster_bits);
        error = counts_write(check, i, (old + clusters + i) << q->cluster_bits);
    }
    error = error == 0 ? layer_pwrite(q->layer.file, old << q->cluster_bits, table,
                                      clusters << q->cluster_bits)
                       : error;
    error = error == 0 ? layer_flush(q->layer.file) : error;
    g_free(q->reftable);
    q->reftable = table;
    q->reftable_entries = clusters << q->cluster_bits >> 3;
    for (uint64_t i = 0; i < q->reftable_entries; i++) {
        table[i] = GUINT64_FROM_BE(table[i]);
    }
    q->reftable_offset = old << q->cluster_bits;
    q->reftable_clusters = (uint32_t)clusters;
    q->high_water = MAX(q->high_water, (old + before) << q->cluster_bits);
    qcow2_cache_forget(&q->refcount_cache, 0, (old + before) << q->cluster_bits);
    return error == 0 ? qcow2_header_write(q) : error;
}

int check_repair(Check *check)
{
    Qcow2 *q = check->q;
    BlockCheck *result = check->result;
    uint64_t found = result->corruptions, leaks = result->leaks;
    int error = 0;

    if (check->rebuild && (check->fix & BLOCK_FIX_ERRORS)) {
        BlockCheck again = { 0 };

        check->result = &again; /* what is found once more was reported */
        error = refcounts_rebuild(check);
        check->result = result;
        result->corruptions_fixed = found - MIN(found, again.corruptions);
        result->leaks_fixed = leaks;
    }
    if (error == 0 && check->fix != 0 && found + leaks > 0) {
        error = qcow2_cache_write(&q->refcount_cache);
        error = error == 0 ? qcow2_tree_flags(q) : error;
        result->corruptions_fixed = MIN(found, result->corruptions_fixed + check->flags_wrong);
    }
    if (error == 0 && check->fix != 0) {
        error = qcow2_sync_locked(q);
        error = error == 0 ? layer_flush(q->layer.file) : error;
    }
    if (error == 0 && (check->fix & BLOCK_FIX_ERRORS) && q->version >= 3 &&
        (q->incompatible & (QCOW2_DIRTY | QCOW2_CORRUPT)) &&
        result->corruptions == result->corruptions_fixed && result->check_errors == 0) {
        q->incompatible &= ~(uint64_t)(QCOW2_DIRTY | QCOW2_CORRUPT);
        error = qcow2_features_write(q);
        error = error == 0 ? layer_flush(q->layer.file) : error;
    }
    return error;
}
