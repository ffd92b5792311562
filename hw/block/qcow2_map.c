/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qcow2_map.c - from guest offsets to places in the file, by L1 and L2 tables. */
#include "hw/block/qcow2_int.h"

#include <errno.h>
#include <string.h>

/* ---- L2 tables ---- */

static uint64_t table_size(const Qcow2 *q)
{
    return q->cluster_size;
}

static uint64_t entry_place(const Qcow2 *q, uint64_t table, uint64_t offset)
{
    uint64_t index = offset >> q->cluster_bits & ((1ull << q->l2_bits) - 1);

    return table + index * q->entry_size;
}

/* The table's place; 0: there is none. */
static int table_find(Qcow2 *q, uint64_t offset, uint64_t *table)
{
    uint64_t index = qcow2_l1_index(q, offset);

    *table = index < q->l1_entries ? q->l1[index] & QCOW2_OFFSET : 0;
    if (*table % q->cluster_size != 0) {
        return qcow2_damaged(q, "L2 table is not aligned", *table);
    }
    return 0;
}

/* ---- Entries ---- */

void qcow2_compressed_place(const Qcow2 *q, uint64_t entry, uint64_t *offset, uint64_t *size)
{
    unsigned shift = 62 - (q->cluster_bits - 8);

    *offset = entry & ((1ull << shift) - 1);
    *size = ((entry >> shift & ((1ull << (q->cluster_bits - 8)) - 1)) + 1) * 512 - (*offset & 511);
}

static Qcow2Kind subcluster_kind(const Qcow2 *q, uint64_t entry, uint64_t bitmap, unsigned sub)
{
    if (entry & QCOW2_COMPRESSED) {
        return QCOW2_IS_COMPRESSED;
    }
    if (q->entry_size == 8) {
        if (q->version >= 3 && (entry & QCOW2_ZERO)) {
            return QCOW2_IS_ZERO;
        }
        /* Offset 0 of a data file is data if it says so by being copied. */
        return (entry & QCOW2_OFFSET) != 0 || (q->layer.data_file != NULL && (entry & QCOW2_COPIED))
                   ? QCOW2_NORMAL
                   : QCOW2_UNALLOCATED;
    }
    if (bitmap >> (32 + sub) & 1) {
        return QCOW2_IS_ZERO;
    }
    return bitmap >> sub & 1 ? QCOW2_NORMAL : QCOW2_UNALLOCATED;
}

static int entry_check(Qcow2 *q, uint64_t entry, uint64_t bitmap)
{
    if (entry & QCOW2_COMPRESSED) {
        return q->layer.data_file != NULL ? qcow2_damaged(q, "compressed cluster", entry) : 0;
    }
    if ((entry & QCOW2_OFFSET) % q->cluster_size != 0) {
        return qcow2_damaged(q, "data cluster is not aligned", entry & QCOW2_OFFSET);
    }
    if (q->entry_size == 16 && ((bitmap >> 32) & bitmap & 0xffffffff) != 0) {
        return qcow2_damaged(q, "subcluster is both data and zero", entry & QCOW2_OFFSET);
    }
    if (q->entry_size == 16 && (uint32_t)bitmap != 0 && (entry & QCOW2_OFFSET) == 0 &&
        (q->layer.data_file == NULL || !(entry & QCOW2_COPIED))) {
        return qcow2_damaged(q, "subclusters without a cluster", 0);
    }
    return 0;
}

static void mapping_start(const Qcow2 *q, Qcow2Mapping *mapping, uint64_t offset)
{
    uint64_t in_cluster = offset & (q->cluster_size - 1);

    mapping->kind = subcluster_kind(q, mapping->entry, mapping->bitmap,
                                    (unsigned)(in_cluster / q->subcluster_size));
    mapping->has_host = mapping->kind != QCOW2_IS_COMPRESSED &&
                        ((mapping->entry & QCOW2_OFFSET) != 0 ||
                         (q->layer.data_file != NULL && (mapping->entry & QCOW2_COPIED)));
    mapping->copied = (mapping->entry & QCOW2_COPIED) != 0;
    mapping->host = (mapping->entry & QCOW2_OFFSET) + in_cluster;
}

/* Does the next cluster or subcluster go on where the mapping ends? */
static bool mapping_goes_on(const Qcow2 *q, const Qcow2Mapping *mapping, uint64_t offset,
                            uint64_t entry, uint64_t bitmap)
{
    Qcow2Mapping next = { .entry = entry, .bitmap = bitmap };

    if (mapping->kind == QCOW2_IS_COMPRESSED) {
        return false;
    }
    mapping_start(q, &next, offset + mapping->size);
    return next.kind == mapping->kind && next.has_host == mapping->has_host &&
           (!next.has_host ||
            (next.copied == mapping->copied && next.host == mapping->host + mapping->size));
}

/* All of it within one unit of the cache. */
static int map_in_unit(Qcow2 *q, uint64_t table, uint64_t offset, uint64_t size,
                       Qcow2Mapping *mapping)
{
    uint64_t place = entry_place(q, table, offset);
    uint64_t left = (q->l2_cache.unit - place % q->l2_cache.unit) / q->entry_size;
    uint64_t end;
    Qcow2Entry *cached;
    uint8_t *at;
    int error = qcow2_cache_get(&q->l2_cache, place, &cached, &at);

    if (error != 0) {
        return error;
    }
    mapping->entry = get_be64(at);
    mapping->bitmap = q->entry_size == 16 ? get_be64(at + 8) : 0;
    error = entry_check(q, mapping->entry, mapping->bitmap);
    mapping_start(q, mapping, offset);
    end = MIN(offset + size, ((offset >> q->cluster_bits) + left) << q->cluster_bits);
    mapping->size = q->subcluster_size - (offset & (q->subcluster_size - 1));
    while (error == 0 && offset + mapping->size < end) {
        uint64_t next = offset + mapping->size;
        const uint8_t *other = at + ((next >> q->cluster_bits) - (offset >> q->cluster_bits)) *
                                        q->entry_size;
        uint64_t bitmap = q->entry_size == 16 ? get_be64(other + 8) : 0;

        if (!mapping_goes_on(q, mapping, offset, get_be64(other), bitmap) ||
            entry_check(q, get_be64(other), bitmap) != 0) {
            break;
        }
        mapping->size += q->subcluster_size;
    }
    mapping->size = MIN(mapping->size, end - offset);
    return error;
}

int qcow2_map(Qcow2 *q, uint64_t offset, uint64_t size, Qcow2Mapping *mapping)
{
    uint64_t span = 1ull << (q->cluster_bits + q->l2_bits), table;
    int error = table_find(q, offset, &table);

    memset(mapping, 0, sizeof(*mapping));
    if (error == 0 && table == 0) {
        mapping->kind = QCOW2_UNALLOCATED;
        mapping->size = MIN(size, span - (offset & (span - 1)));
        return 0;
    }
    return error == 0 ? map_in_unit(q, table, offset, size, mapping) : error;
}

/* ---- Tables of our own ---- */

/* A new table with the contents of `old`, or empty. Its clusters of data are shared with whoever
 * has the old one: refcounts have been raised when that happened. */
static int table_copy(Qcow2 *q, uint64_t old, uint64_t new)
{
    g_autofree uint8_t *table = g_malloc0(table_size(q));
    int error = 0;

    for (uint64_t at = 0; old != 0 && at < table_size(q) && error == 0; at += q->l2_cache.unit) {
        Qcow2Entry *entry;
        uint8_t *data;

        error = qcow2_cache_get(&q->l2_cache, old + at, &entry, &data);
        if (error == 0) {
            memcpy(table + at, data, q->l2_cache.unit);
        }
    }
    qcow2_cache_forget(&q->l2_cache, new, table_size(q));
    return error == 0 ? layer_pwrite(q->layer.file, new, table, table_size(q)) : error;
}

int qcow2_l2_make(Qcow2 *q, uint64_t offset)
{
    uint64_t index = qcow2_l1_index(q, offset), old, new;
    int error = qcow2_start_locked(q);

    g_assert(index < q->l1_entries);
    error = error == 0 ? table_find(q, offset, &old) : error;
    if (error != 0 || (old != 0 && (q->l1[index] & QCOW2_COPIED))) {
        return error;
    }
    error = qcow2_alloc(q, table_size(q), &new);
    if (error != 0) {
        return error;
    }
    error = table_copy(q, old, new);
    if (error != 0) {
        qcow2_free_unused(q, new, table_size(q));
        return error;
    }
    q->l1[index] = new | QCOW2_COPIED;
    q->l1_dirty = true;
    if (old != 0) {
        qcow2_free_later(q, old, table_size(q), false);
    }
    return 0;
}

int qcow2_entry_for_write(Qcow2 *q, uint64_t offset, Qcow2Entry **entry, uint8_t **at)
{
    uint64_t table;
    int error = qcow2_l2_make(q, offset);

    error = error == 0 ? table_find(q, offset, &table) : error;
    return error == 0 ? qcow2_cache_get(&q->l2_cache, entry_place(q, table, offset), entry, at)
                      : error;
}

void qcow2_entry_free(Qcow2 *q, uint64_t entry, bool discard)
{
    uint64_t offset, size;

    if (entry & QCOW2_COMPRESSED) {
        qcow2_compressed_place(q, entry, &offset, &size);
        qcow2_free_later(q, offset, size, discard);
    } else if ((entry & QCOW2_OFFSET) != 0 && q->layer.data_file == NULL) {
        qcow2_free_later(q, entry & QCOW2_OFFSET, q->cluster_size, discard);
    }
}

bool qcow2_grow_l1(Qcow2 *q, uint64_t entries, GError **error)
{
    uint64_t old = q->l1_offset, old_size = (uint64_t)q->l1_entries * 8, new = 0;
    uint64_t *table;
    int failed;

    if (entries <= q->l1_entries) {
        return true;
    }
    if (entries * 8 > QCOW2_MAX_TABLE) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_SIZE, "Failed to grow the L1 table: too large");
        return false;
    }
    failed = qcow2_sync_locked(q);
    failed = failed == 0 ? qcow2_alloc(q, entries * 8, &new) : failed;
    failed = failed == 0 ? qcow2_cache_write(&q->refcount_cache) : failed;
    if (failed == 0) {
        table = g_malloc0(entries * 8);
        memcpy(table, q->l1, old_size);
        g_free(q->l1);
        q->l1 = table;
        q->l1_entries = (uint32_t)entries;
        q->l1_offset = new;
        failed = qcow2_l1_write(q);
    }
    failed = failed == 0 ? layer_flush(q->layer.file) : failed;
    failed = failed == 0 ? qcow2_header_write(q) : failed;
    failed = failed == 0 ? layer_flush(q->layer.file) : failed;
    if (failed != 0) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_IO, "Failed to grow the L1 table: %s",
                    g_strerror(failed));
        return false;
    }
    if (old_size > 0) {
        qcow2_free_later(q, old, old_size, false);
    }
    return true;
}
