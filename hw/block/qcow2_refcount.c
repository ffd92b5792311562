/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qcow2_refcount.c - how often each cluster is referred to, and finding those that are not.
 *
 * A refcount block that is made lies in the first cluster of those it describes: all of them are
 * free, since there was no block.  Only where the table itself must grow are several made at once,
 * behind all that the old one could describe. */
#include "hw/block/qcow2_int.h"

#include <errno.h>
#include <string.h>

enum { FREES_MAX = 4096 };

/* ---- Counts ---- */

uint64_t qcow2_refcount_max(const Qcow2 *q)
{
    return q->refcount_order == 6 ? UINT64_MAX : (1ull << (1u << q->refcount_order)) - 1;
}

uint64_t qcow2_refcount_load(const uint8_t *block, unsigned order, uint64_t index)
{
    unsigned bits = 1u << order, shift;

    switch (order) {
    case 3:
        return block[index];
    case 4:
        return get_be16(block + index * 2);
    case 5:
        return get_be32(block + index * 4);
    case 6:
        return get_be64(block + index * 8);
    default:
        shift = (unsigned)(index * bits % 8);
        return block[index * bits / 8] >> shift & ((1u << bits) - 1);
    }
}

void qcow2_refcount_store(uint8_t *block, unsigned order, uint64_t index, uint64_t value)
{
    unsigned bits = 1u << order, shift, mask;
    uint8_t *at;

    switch (order) {
    case 3:
        block[index] = (uint8_t)value;
        break;
    case 4:
        put_be16(block + index * 2, (uint16_t)value);
        break;
    case 5:
        put_be32(block + index * 4, (uint32_t)value);
        break;
    case 6:
        put_be64(block + index * 8, value);
        break;
    default:
        shift = (unsigned)(index * bits % 8);
        mask = (1u << bits) - 1;
        at = block + index * bits / 8;
        *at = (uint8_t)((*at & ~(mask << shift)) | (value & mask) << shift);
    }
}

/* Counts in a refcount block, as a power of 2. */
static unsigned block_bits(const Qcow2 *q)
{
    return q->cluster_bits + 3 - q->refcount_order;
}

/* The unit of the cache that holds the count of `cluster`; NULL entry: there is no block. */
static int count_find(Qcow2 *q, uint64_t cluster, Qcow2Entry **entry, uint8_t **unit,
                      uint64_t *index)
{
    uint64_t block = cluster >> block_bits(q);
    uint64_t per_unit = (uint64_t)q->refcount_cache.unit << 3 >> q->refcount_order;
    uint64_t in_block = cluster & ((1ull << block_bits(q)) - 1), offset;

    *entry = NULL;
    if (block >= q->reftable_entries || q->reftable[block] == 0) {
        return 0;
    }
    offset = q->reftable[block];
    if (offset % q->cluster_size != 0 || offset > (uint64_t)INT64_MAX - q->cluster_size) {
        return qcow2_damaged(q, "refcount block is not aligned", offset);
    }
    *index = in_block % per_unit;
    return qcow2_cache_get(&q->refcount_cache,
                           offset + in_block / per_unit * q->refcount_cache.unit, entry, unit);
}

int qcow2_refcount_get(Qcow2 *q, uint64_t cluster, uint64_t *count)
{
    Qcow2Entry *entry;
    uint64_t index;
    uint8_t *unit;
    int error = count_find(q, cluster, &entry, &unit, &index);

    *count = error == 0 && entry != NULL ? qcow2_refcount_load(unit, q->refcount_order, index) : 0;
    return error;
}

/* ---- Refcount blocks and their table ---- */

static int block_write_counts(Qcow2 *q, uint64_t offset, uint64_t first, uint64_t from,
                              uint64_t end)
{
    g_autofree uint8_t *block = g_malloc0(q->cluster_size);
    uint64_t counts = 1ull << block_bits(q);

    for (uint64_t i = MAX(first, from); i < MIN(first + counts, end); i++) {
        qcow2_refcount_store(block, q->refcount_order, i - first, 1);
    }
    qcow2_cache_forget(&q->refcount_cache, offset, q->cluster_size);
    return layer_pwrite(q->layer.file, offset, block, q->cluster_size);
}

static int reftable_entry_write(Qcow2 *q, uint64_t block)
{
    uint8_t value[8];

    put_be64(value, q->reftable[block]);
    return layer_pwrite(q->layer.file, q->reftable_offset + block * 8, value, sizeof(value));
}

static int block_make(Qcow2 *q, uint64_t block)
{
    uint64_t first = block << block_bits(q), offset = first << q->cluster_bits;
    int error;

    if (qcow2_overlaps_metadata(q, offset, q->cluster_size)) {
        return qcow2_damaged(q, "a refcount block would lie on other tables", offset);
    }
    error = block_write_counts(q, offset, first, first, first + 1);
    error = error == 0 ? layer_flush(q->layer.file) : error;
    if (error != 0) {
        return error;
    }
    q->reftable[block] = offset;
    q->high_water = MAX(q->high_water, offset + q->cluster_size);
    error = reftable_entry_write(q, block);
    if (error != 0) {
        q->reftable[block] = 0;
    }
    return error;
}

/* A table of `clusters` at `start`, and behind it the blocks that describe both. */
static int reftable_place(Qcow2 *q, uint64_t *table, uint64_t start, uint64_t clusters,
                          uint64_t blocks)
{
    uint64_t end = start + clusters + blocks, counts = 1ull << block_bits(q);
    g_autofree uint8_t *image = g_malloc0(clusters << q->cluster_bits);
    int error = 0;

    for (uint64_t i = 0; i < blocks && error == 0; i++) {
        uint64_t index = q->reftable_entries + i;
        uint64_t offset = (start + clusters + i) << q->cluster_bits;

        table[index] = offset;
        error = block_write_counts(q, offset, index * counts, start, end);
    }
    for (uint64_t i = 0; i < clusters << q->cluster_bits >> 3; i++) {
        put_be64(image + i * 8, table[i]);
    }
    if (error == 0) {
        error = layer_pwrite(q->layer.file, start << q->cluster_bits, image,
                             clusters << q->cluster_bits);
    }
    return error == 0 ? layer_flush(q->layer.file) : error;
}

static int reftable_grow(Qcow2 *q)
{
    uint64_t counts = 1ull << block_bits(q), start = q->reftable_entries << block_bits(q);
    uint64_t clusters = q->reftable_clusters + q->reftable_clusters / 2 + 1, blocks = 1;
    uint64_t old = q->reftable_offset, old_size = (uint64_t)q->reftable_clusters << q->cluster_bits;
    uint64_t *table;
    int error;

    while (blocks * counts < clusters + blocks) {
        blocks++;
    }
    while ((clusters << q->cluster_bits >> 3) < q->reftable_entries + blocks) {
        clusters++;
    }
    while (blocks * counts < clusters + blocks) {
        blocks++;
    }
    if (clusters << q->cluster_bits > QCOW2_MAX_REFTABLE) {
        return EFBIG;
    }
    table = g_malloc0(clusters << q->cluster_bits);
    memcpy(table, q->reftable, q->reftable_entries * 8);
    error = reftable_place(q, table, start, clusters, blocks);
    if (error != 0) {
        g_free(table);
        return error;
    }
    g_free(q->reftable);
    q->reftable = table;
    q->reftable_entries = clusters << q->cluster_bits >> 3;
    q->reftable_offset = start << q->cluster_bits;
    q->reftable_clusters = (uint32_t)clusters;
    q->high_water = MAX(q->high_water, (start + clusters + blocks) << q->cluster_bits);
    error = qcow2_header_write(q);
    error = error == 0 ? layer_flush(q->layer.file) : error;
    if (error == 0) {
        qcow2_free_later(q, old, old_size, false);
    }
    return error;
}

/* ---- Changing counts ---- */

int qcow2_refcount_add(Qcow2 *q, uint64_t offset, uint64_t size, int64_t delta)
{
    uint64_t first = offset >> q->cluster_bits, end = qcow2_clusters(q, offset + size);
    int error = 0;

    for (uint64_t cluster = first; cluster < end && error == 0; cluster++) {
        Qcow2Entry *entry;
        uint64_t index, count;
        uint8_t *unit;

        error = count_find(q, cluster, &entry, &unit, &index);
        if (error != 0) {
            break;
        }
        count = entry != NULL ? qcow2_refcount_load(unit, q->refcount_order, index) : 0;
        if (delta < 0 && count < (uint64_t)-delta) {
            return qcow2_damaged(q, "refcount is too low", cluster << q->cluster_bits);
        }
        if (entry == NULL) {
            return qcow2_damaged(q, "no refcount block", cluster << q->cluster_bits);
        }
        if (delta > 0 && count > qcow2_refcount_max(q) - (uint64_t)delta) {
            return EINVAL;
        }
        qcow2_refcount_store(unit, q->refcount_order, index, count + (uint64_t)delta);
        qcow2_cache_dirty(&q->refcount_cache, entry);
        if (count + (uint64_t)delta == 0) {
            q->free_hint = MIN(q->free_hint, cluster);
            if (q->compressed_at >> q->cluster_bits == cluster) {
                q->compressed_at = 0; /* it may become anybody's */
            }
        }
    }
    return error;
}

bool qcow2_overlaps_metadata(const Qcow2 *q, uint64_t offset, uint64_t size)
{
    const struct {
        uint64_t offset, size;
    } tables[] = {
        { 0, q->cluster_size },
        { q->l1_offset, (uint64_t)q->l1_entries * 8 },
        { q->reftable_offset, (uint64_t)q->reftable_clusters << q->cluster_bits },
        { q->snapshots_offset, q->snapshots_size },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
        if (tables[i].size != 0 && offset < tables[i].offset + tables[i].size &&
            tables[i].offset < offset + size) {
            return true;
        }
    }
    return false;
}

/* The count of a cluster for which there is a refcount block: one is made if need be. */
static int count_for_alloc(Qcow2 *q, uint64_t cluster, uint64_t *count)
{
    uint64_t block = cluster >> block_bits(q);
    int error = 0;

    if (block >= q->reftable_entries) {
        error = reftable_grow(q);
    } else if (q->reftable[block] == 0) {
        error = block_make(q, block);
    }
    return error == 0 ? qcow2_refcount_get(q, cluster, count) : error;
}

/* The first run of at least `least` free clusters, cut at `most`. */
static int run_find(Qcow2 *q, uint64_t least, uint64_t most, uint64_t *first, uint64_t *found)
{
    uint64_t at = q->free_hint, run = 0, count;
    int error = 0;

    while (run < most) {
        error = count_for_alloc(q, at, &count);
        if (error != 0 || (count != 0 && run >= least)) {
            break;
        }
        run = count == 0 ? run + 1 : 0;
        at++;
    }
    *first = at - run;
    *found = run;
    return run >= least ? 0 : error;
}

static int alloc_run(Qcow2 *q, uint64_t least, uint64_t *clusters, uint64_t *offset)
{
    uint64_t first = 0, found = 0;
    int error = qcow2_start_locked(q);

    error = error == 0 ? run_find(q, least, *clusters, &first, &found) : error;
    if (error != 0) {
        return error;
    }
    *offset = first << q->cluster_bits;
    *clusters = found;
    if (qcow2_overlaps_metadata(q, *offset, found << q->cluster_bits)) {
        return qcow2_damaged(q, "tables lie on clusters that are free", *offset);
    }
    error = qcow2_refcount_add(q, *offset, found << q->cluster_bits, 1);
    q->high_water = MAX(q->high_water, (first + found) << q->cluster_bits);
    if (error == 0 && (least == 1 || first == q->free_hint)) {
        q->free_hint = first + found;
    }
    return error;
}

int qcow2_alloc(Qcow2 *q, uint64_t size, uint64_t *offset)
{
    uint64_t clusters = qcow2_clusters(q, size);

    return alloc_run(q, clusters, &clusters, offset);
}

int qcow2_alloc_some(Qcow2 *q, uint64_t *clusters, uint64_t *offset)
{
    return alloc_run(q, 1, clusters, offset);
}

void qcow2_free_unused(Qcow2 *q, uint64_t offset, uint64_t size)
{
    qcow2_refcount_add(q, offset, size, -1);
}

void qcow2_free_later(Qcow2 *q, uint64_t offset, uint64_t size, bool discard)
{
    Qcow2Free *last = q->frees->len > 0 ? &g_array_index(q->frees, Qcow2Free, q->frees->len - 1)
                                        : NULL;
    const Qcow2Free entry = { offset, size, discard };

    if (last != NULL && last->offset + last->size == offset && last->discard == discard &&
        offset % q->cluster_size == 0) {
        last->size += size;
        return;
    }
    g_array_append_val(q->frees, entry);
    if (q->frees->len > FREES_MAX) {
        qcow2_sync_locked(q); /* a failure leaves them where they are */
    }
}

/* Clusters that became free make holes in the file. */
static void free_punch(Qcow2 *q, uint64_t offset, uint64_t size)
{
    uint64_t first = offset >> q->cluster_bits, end = qcow2_clusters(q, offset + size), run = 0;

    for (uint64_t cluster = first; cluster <= end; cluster++) {
        uint64_t count = 1;

        if (cluster < end && qcow2_refcount_get(q, cluster, &count) == 0 && count == 0) {
            run++;
        } else if (run > 0) {
            layer_discard(q->layer.file, (cluster - run) << q->cluster_bits,
                          run << q->cluster_bits);
            run = 0;
        }
    }
}

int qcow2_frees_apply(Qcow2 *q)
{
    GArray *frees = q->frees;
    int error = 0;

    q->frees = g_array_new(FALSE, FALSE, sizeof(Qcow2Free));
    for (guint i = 0; i < frees->len && error == 0; i++) {
        const Qcow2Free *entry = &g_array_index(frees, Qcow2Free, i);

        qcow2_cache_forget(&q->l2_cache, entry->offset & ~(uint64_t)(q->cluster_size - 1),
                           entry->size);
        error = qcow2_refcount_add(q, entry->offset, entry->size, -1);
        if (error == 0 && entry->discard && (q->layer.flags & BLOCK_UNMAP)) {
            free_punch(q, entry->offset, entry->size);
        }
    }
    g_array_free(frees, TRUE);
    return error;
}

int qcow2_alloc_bytes(Qcow2 *q, uint32_t size, uint64_t *offset)
{
    uint64_t at = q->compressed_at, count = 0, fresh;
    uint32_t in_cluster = (uint32_t)(at & (q->cluster_size - 1));
    uint32_t left = in_cluster != 0 ? q->cluster_size - in_cluster : 0;
    int error = 0;

    if (left > 0) {
        error = qcow2_refcount_get(q, at >> q->cluster_bits, &count);
    }
    if (error == 0 && (left == 0 || count == 0 || count >= qcow2_refcount_max(q) || left < size)) {
        error = qcow2_alloc(q, q->cluster_size, &fresh);
        if (error != 0) {
            return error;
        }
        if (left > 0 && count > 0 && count < qcow2_refcount_max(q) &&
            fresh == at - in_cluster + q->cluster_size) {
            error = qcow2_refcount_add(q, at, 1, 1); /* goes on in the next cluster */
        } else {
            at = fresh;
        }
    } else if (error == 0) {
        error = qcow2_refcount_add(q, at, 1, 1);
    }
    *offset = at;
    q->compressed_at = at + size;
    return error;
}
