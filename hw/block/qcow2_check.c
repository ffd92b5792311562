/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qcow2_check.c - counts all references of an image and compares them with its refcounts. */
#include "hw/block/qcow2_check_int.h"

#include <errno.h>

static void report(Check *check, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void report(Check *check, const char *format, ...)
{
    g_autofree char *line = NULL;
    va_list list;

    if (check->result->report == NULL) {
        return;
    }
    va_start(list, format);
    line = g_strdup_vprintf(format, list);
    va_end(list);
    check->result->report(check->result->opaque, line);
}

/* ---- Counting ---- */

void check_count(Check *check, uint64_t offset, uint64_t size)
{
    const Qcow2 *q = check->q;
    uint64_t first = offset >> q->cluster_bits, end;

    if (size == 0) {
        return;
    }
    end = qcow2_clusters(q, offset + size);
    if (offset > INT64_MAX - size || end > check->clusters) {
        report(check,
               "ERROR: counting reference for region exceeding the end of the file by one cluster "
               "or more: offset 0x%" PRIx64 " size 0x%" PRIx64,
               offset, size);
        check->result->corruptions++;
        return;
    }
    for (uint64_t i = first; i < end; i++) {
        check->counts[i] += check->counts[i] < UINT32_MAX;
    }
}

static void check_copied(Check *check, uint64_t entry, const char *what)
{
    Qcow2 *q = check->q;
    uint64_t count = 0;

    if (qcow2_refcount_get(q, (entry & QCOW2_OFFSET) >> q->cluster_bits, &count) != 0) {
        return;
    }
    if ((count == 1) != ((entry & QCOW2_COPIED) != 0)) {
        report(check, "%s OFLAG_COPIED %s: entry=%" PRIx64 " refcount=%" PRIu64,
               check->fix & BLOCK_FIX_ERRORS ? "Repairing" : "ERROR", what, entry, count);
        check->result->corruptions++;
        check->flags_wrong++;
    }
}

static void check_entry(Check *check, uint64_t entry, bool active, uint64_t *next)
{
    Qcow2 *q = check->q;
    uint64_t offset, size;

    if (entry & QCOW2_COMPRESSED) {
        qcow2_compressed_place(q, entry, &offset, &size);
        check_count(check, offset, size);
        check->result->allocated_clusters += active;
        check->result->compressed_clusters += active;
        check->result->fragmented_clusters += active; /* each is on its own */
        return;
    }
    offset = entry & QCOW2_OFFSET;
    if (q->incompatible & QCOW2_DATA_FILE) {
        check->result->allocated_clusters += active && (entry & QCOW2_COPIED) != 0;
        return;
    }
    if (offset == 0) {
        return;
    }
    if (offset % q->cluster_size != 0) {
        report(check,
               "ERROR offset=%" PRIx64 ": Cluster is not properly aligned; L2 entry "
               "corrupted.",
               offset);
        check->result->corruptions++;
        return;
    }
    check_count(check, offset, q->cluster_size);
    if (active) {
        check->result->allocated_clusters++;
        check->result->fragmented_clusters += *next != 0 && *next != offset;
        *next = offset + q->cluster_size;
        check_copied(check, entry, "data cluster");
    }
}

static void check_tree(Check *check, const uint64_t *l1, uint64_t entries, bool active)
{
    Qcow2 *q = check->q;
    unsigned step = q->entry_size / 8;
    uint64_t next = 0;

    for (uint64_t i = 0; i < entries; i++) {
        uint64_t offset = l1[i] & QCOW2_OFFSET;
        g_autofree uint64_t *l2 = NULL;

        if (offset == 0) {
            continue;
        }
        if (offset % q->cluster_size != 0) {
            report(check,
                   "ERROR l2_offset=%" PRIx64 ": Table is not cluster aligned; L1 entry "
                   "corrupted",
                   offset);
            check->result->corruptions++;
            continue;
        }
        check_count(check, offset, q->cluster_size);
        if (active) {
            check_copied(check, l1[i], "L2 cluster");
        }
        if (qcow2_table_read(q, offset, q->cluster_size / 8, &l2) != 0) {
            check->result->check_errors++;
            continue;
        }
        for (uint64_t j = 0; j < q->cluster_size / 8; j += step) {
            check_entry(check, l2[j], active, &next);
        }
    }
}

static void check_snapshots(Check *check)
{
    Qcow2 *q = check->q;

    for (guint i = 0; i < q->snapshots->len; i++) {
        const Qcow2Snapshot *snapshot = &g_array_index(q->snapshots, Qcow2Snapshot, i);
        g_autofree uint64_t *l1 = NULL;

        if (qcow2_table_read(q, snapshot->l1_offset, snapshot->l1_entries, &l1) != 0) {
            check->result->check_errors++;
            continue;
        }
        check_count(check, snapshot->l1_offset, (uint64_t)snapshot->l1_entries * 8);
        check_tree(check, l1, snapshot->l1_entries, false);
    }
    check_count(check, q->snapshots_offset, q->snapshots_size);
}

static void check_reftable(Check *check)
{
    const Qcow2 *q = check->q;

    check_count(check, q->reftable_offset, (uint64_t)q->reftable_clusters << q->cluster_bits);
    for (uint64_t i = 0; i < q->reftable_entries; i++) {
        uint64_t offset = q->reftable[i];

        if (offset == 0) {
            continue;
        }
        if (offset % q->cluster_size != 0 || offset >> q->cluster_bits >= check->clusters) {
            report(check, "ERROR refcount block %" PRIu64 " is %s", i,
                   offset % q->cluster_size != 0 ? "not cluster aligned; refcount table entry "
                                                   "corrupted"
                                                 : "outside image");
            check->result->corruptions++;
            check->rebuild = true;
            continue;
        }
        check_count(check, offset, q->cluster_size);
        if (check->counts[offset >> q->cluster_bits] != 1) {
            report(check, "ERROR refcount block %" PRIu64 " refcount=%u", i,
                   check->counts[offset >> q->cluster_bits]);
            check->result->corruptions++;
            check->rebuild = true;
        }
    }
}

/* All that is not the refcounts' own. */
void check_walk(Check *check)
{
    Qcow2 *q = check->q;

    memset(check->counts, 0, check->clusters * sizeof(*check->counts));
    check_count(check, 0, q->cluster_size);
    check_count(check, q->l1_offset, (uint64_t)q->l1_entries * 8);
    check_tree(check, q->l1, q->l1_entries, true);
    check_snapshots(check);
    qcow2_bitmaps_count(q, check);
}

/* ---- Comparing ---- */

static void check_compare(Check *check)
{
    Qcow2 *q = check->q;

    for (uint64_t i = 0; i < check->clusters; i++) {
        uint64_t disk, counted = check->counts[i];
        const char *prefix;
        bool mends;

        if (qcow2_refcount_get(q, i, &disk) != 0) {
            report(check, "Can't get refcount for cluster %" PRIu64, i);
            check->result->check_errors++;
            check->rebuild = true;
            continue;
        }
        if (disk == counted) {
            continue;
        }
        mends = (check->fix & (disk > counted ? BLOCK_FIX_LEAKS : BLOCK_FIX_ERRORS)) != 0;
        prefix = mends ? "Repairing" : disk > counted ? "Leaked" : "ERROR";
        report(check, "%s cluster %" PRIu64 " refcount=%" PRIu64 " reference=%" PRIu64, prefix, i,
               disk, counted);
        if (disk > counted) {
            check->result->leaks++;
        } else {
            check->result->corruptions++;
        }
        if (mends && !check->rebuild && !check_mend_count(check, i, counted)) {
            check->rebuild = true; /* there is no block that could hold it */
        } else if (mends) {
            *(disk > counted ? &check->result->leaks_fixed
                             : &check->result->corruptions_fixed) += 1;
        }
    }
}

static void check_finish(Check *check)
{
    BlockCheck *result = check->result;
    uint64_t last = check->clusters;

    while (last > 0 && check->counts[last - 1] == 0) {
        last--;
    }
    result->image_end_offset = last << check->q->cluster_bits;
    result->total_clusters = qcow2_clusters(check->q, check->q->layer.size);
}

bool qcow2_check(BlockLayer *layer, unsigned fix, BlockCheck *result, GError **error)
{
    Qcow2 *q = qcow2_of(layer);
    Check check = { .q = q, .fix = fix, .result = result };
    int failed;

    check.clusters = qcow2_clusters(q, layer->file->size);
    check.counts = g_try_new0(uint32_t, check.clusters + 1);
    if (check.counts == NULL) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_IO, "no memory for %" PRIu64 " refcounts",
                    check.clusters);
        return false;
    }
    g_mutex_lock(&q->lock);
    qcow2_quiesce_locked(q);
    failed = (layer->flags & BLOCK_READONLY) == 0 ? qcow2_sync_locked(q) : 0;
    failed = failed == 0 && q->frees->len == 0 ? failed : qcow2_sync_locked(q);
    check_walk(&check);
    check_reftable(&check);
    check_compare(&check);
    check_finish(&check);
    failed = failed == 0 ? check_repair(&check) : failed;
    g_mutex_unlock(&q->lock);
    g_free(check.counts);
    if (failed != 0) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_IO, "%s", g_strerror(failed));
    }
    return failed == 0;
}
