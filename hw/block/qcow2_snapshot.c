/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qcow2_snapshot.c - internal snapshots: the table of them, making, deleting, going back.
 *
 * What a crash between two steps leaves is at worst clusters that nobody refers to, and marks of
 * "ours alone" that do not go with the refcounts.  So the image is marked dirty meanwhile, and
 * whoever opens it then counts anew; version 2 has no such mark, and there it takes a check to mend
 * them. */
#include "hw/block/qcow2_int.h"

#include <errno.h>
#include <stdlib.h>

enum { ENTRY_SIZE = 40, EXTRA_KNOWN = 24, EXTRA_MAX = 1024, TABLE_MAX = 64 << 20 };

/* ---- The table ---- */

static void snapshot_clear(Qcow2Snapshot *snapshot)
{
    g_free(snapshot->id);
    g_free(snapshot->name);
    g_free(snapshot->extra_unknown);
}

void qcow2_snapshots_free(GArray *snapshots)
{
    for (guint i = 0; i < snapshots->len; i++) {
        snapshot_clear(&g_array_index(snapshots, Qcow2Snapshot, i));
    }
    g_array_free(snapshots, TRUE);
}

static bool fail(GError **error, const char *words)
{
    g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_FORMAT, "%s", words);
    return false;
}

static void extra_take(const Qcow2 *q, Qcow2Snapshot *snapshot, const uint8_t *extra)
{
    snapshot->disk_size = q->layer.size;
    snapshot->icount = UINT64_MAX;
    if (snapshot->extra_size >= 8) {
        snapshot->vm_state_size = get_be64(extra);
    }
    if (snapshot->extra_size >= 16) {
        snapshot->disk_size = get_be64(extra + 8);
    }
    if (snapshot->extra_size >= EXTRA_KNOWN) {
        snapshot->icount = get_be64(extra + 16);
        snapshot->extra_unknown_size = snapshot->extra_size - EXTRA_KNOWN;
        snapshot->extra_unknown = g_memdup2(extra + EXTRA_KNOWN, snapshot->extra_unknown_size);
    }
}

static bool snapshot_read(Qcow2 *q, Qcow2Snapshot *snapshot, uint64_t *at, GError **error)
{
    g_autofree uint8_t *rest = NULL;
    uint8_t head[ENTRY_SIZE];
    uint32_t id_size, name_size;

    if (layer_pread(q->layer.file, *at, head, sizeof(head)) != 0) {
        return fail(error, "Failed to read snapshot table");
    }
    snapshot->l1_offset = get_be64(head);
    snapshot->l1_entries = get_be32(head + 8);
    id_size = get_be16(head + 12);
    name_size = get_be16(head + 14);
    snapshot->date_s = get_be32(head + 16);
    snapshot->date_ns = get_be32(head + 20);
    snapshot->vm_clock_ns = get_be64(head + 24);
    snapshot->vm_state_size = get_be32(head + 32);
    snapshot->extra_size = get_be32(head + 36);
    if (snapshot->extra_size > EXTRA_MAX) {
        return fail(error, "Too much extra metadata in snapshot table entry");
    }
    rest = g_malloc0(snapshot->extra_size + id_size + name_size + 1);
    if (layer_pread(q->layer.file, *at + ENTRY_SIZE, rest,
                    snapshot->extra_size + id_size + name_size) != 0) {
        return fail(error, "Failed to read snapshot table");
    }
    extra_take(q, snapshot, rest);
    snapshot->id = g_strndup((char *)rest + snapshot->extra_size, id_size);
    snapshot->name = g_strndup((char *)rest + snapshot->extra_size + id_size, name_size);
    *at += (ENTRY_SIZE + snapshot->extra_size + id_size + name_size + 7) & ~7u;
    return true;
}

bool qcow2_snapshots_read(Qcow2 *q, GError **error)
{
    uint64_t at = q->snapshots_offset;

    for (guint i = 0; i < q->snapshots->len; i++) {
        Qcow2Snapshot *snapshot = &g_array_index(q->snapshots, Qcow2Snapshot, i);

        if (!snapshot_read(q, snapshot, &at, error)) {
            return false;
        }
        if (at - q->snapshots_offset > TABLE_MAX) {
            return fail(error, "Snapshot table is too large");
        }
        if ((uint64_t)snapshot->l1_entries * 8 > QCOW2_MAX_TABLE ||
            snapshot->l1_offset % q->cluster_size != 0) {
            return fail(error, "Snapshot L1 table offset invalid or too large");
        }
    }
    q->snapshots_size = at - q->snapshots_offset;
    return true;
}

static void snapshot_put(GByteArray *out, const Qcow2Snapshot *snapshot)
{
    static const uint8_t padding[8];
    uint8_t head[ENTRY_SIZE + EXTRA_KNOWN] = { 0 };
    uint16_t id_size = (uint16_t)strlen(snapshot->id), name_size = (uint16_t)strlen(snapshot->name);

    put_be64(head, snapshot->l1_offset);
    put_be32(head + 8, snapshot->l1_entries);
    put_be16(head + 12, id_size);
    put_be16(head + 14, name_size);
    put_be32(head + 16, snapshot->date_s);
    put_be32(head + 20, snapshot->date_ns);
    put_be64(head + 24, snapshot->vm_clock_ns);
    put_be32(head + 32,
             snapshot->vm_state_size > UINT32_MAX ? 0 : (uint32_t)snapshot->vm_state_size);
    put_be32(head + 36, EXTRA_KNOWN + snapshot->extra_unknown_size);
    put_be64(head + 40, snapshot->vm_state_size);
    put_be64(head + 48, snapshot->disk_size);
    put_be64(head + 56, snapshot->icount);
    g_byte_array_append(out, head, sizeof(head));
    g_byte_array_append(out, snapshot->extra_unknown, snapshot->extra_unknown_size);
    g_byte_array_append(out, (const guint8 *)snapshot->id, id_size);
    g_byte_array_append(out, (const guint8 *)snapshot->name, name_size);
    g_byte_array_append(out, padding, -out->len & 7);
}

int qcow2_snapshots_write(Qcow2 *q)
{
    g_autoptr(GByteArray) out = g_byte_array_new();
    uint64_t old = q->snapshots_offset, old_size = q->snapshots_size, new = 0;
    int error = 0;

    for (guint i = 0; i < q->snapshots->len; i++) {
        snapshot_put(out, &g_array_index(q->snapshots, Qcow2Snapshot, i));
    }
    if (out->len > 0) {
        error = qcow2_alloc(q, out->len, &new);
        error = error == 0 ? layer_pwrite(q->layer.file, new, out->data, out->len) : error;
    }
    error = error == 0 ? qcow2_cache_write(&q->refcount_cache) : error;
    error = error == 0 ? layer_flush(q->layer.file) : error;
    if (error != 0) {
        return error;
    }
    q->snapshots_offset = new;
    q->snapshots_size = out->len;
    error = qcow2_header_write(q);
    error = error == 0 ? layer_flush(q->layer.file) : error;
    if (error == 0 && old_size > 0) {
        qcow2_free_later(q, old, old_size, false);
    }
    return error;
}

/* ---- Making, deleting, going back: the lock is held, all is synced ---- */

static int l1_copy(Qcow2 *q, uint64_t *offset)
{
    g_autofree uint8_t *table = g_malloc0((size_t)q->l1_entries * 8 + 8);
    int error = 0;

    *offset = 0;
    if (q->l1_entries == 0) {
        return 0;
    }
    error = qcow2_alloc(q, (uint64_t)q->l1_entries * 8, offset);
    for (uint32_t i = 0; i < q->l1_entries; i++) {
        put_be64(table + (size_t)i * 8, q->l1[i] & ~QCOW2_COPIED);
    }
    return error == 0 ? layer_pwrite(q->layer.file, *offset, table, (size_t)q->l1_entries * 8)
                      : error;
}

static char *free_id(const Qcow2 *q)
{
    unsigned long highest = 0;

    for (guint i = 0; i < q->snapshots->len; i++) {
        highest = MAX(highest, strtoul(g_array_index(q->snapshots, Qcow2Snapshot, i).id, NULL, 10));
    }
    return g_strdup_printf("%lu", highest + 1);
}

static int snapshot_create(Qcow2 *q, const BlockSnapshot *what)
{
    Qcow2Snapshot snapshot = { .date_s = what->date_s,
                               .date_ns = what->date_ns,
                               .vm_clock_ns = what->vm_clock_ns,
                               .vm_state_size = what->vm_state_size,
                               .icount = what->icount,
                               .disk_size = q->layer.size,
                               .l1_entries = q->l1_entries };
    int error = qcow2_tree_add(q, q->l1, q->l1_entries, 1);

    if (error != 0) {
        return error; /* too many references: those that were raised are leaks */
    }
    error = qcow2_cache_write(&q->refcount_cache);
    error = error == 0 ? layer_flush(q->layer.file) : error;
    error = error == 0 ? qcow2_tree_flags(q) : error;
    error = error == 0 ? l1_copy(q, &snapshot.l1_offset) : error;
    if (error == 0) {
        snapshot.id = free_id(q);
        snapshot.name = g_strdup(what->name);
        g_array_append_val(q->snapshots, snapshot);
        error = qcow2_snapshots_write(q);
    }
    return error;
}

static int snapshot_delete(Qcow2 *q, guint index)
{
    Qcow2Snapshot snapshot = g_array_index(q->snapshots, Qcow2Snapshot, index);
    g_autofree uint64_t *l1 = NULL;
    int error = qcow2_table_read(q, snapshot.l1_offset, snapshot.l1_entries, &l1);

    if (error != 0) {
        return error;
    }
    g_array_remove_index(q->snapshots, index);
    error = qcow2_snapshots_write(q);
    error = error == 0 ? qcow2_tree_add(q, l1, snapshot.l1_entries, -1) : error;
    if (error == 0 && snapshot.l1_entries > 0) {
        error = qcow2_refcount_add(q, snapshot.l1_offset, (uint64_t)snapshot.l1_entries * 8, -1);
    }
    error = error == 0 ? qcow2_cache_write(&q->refcount_cache) : error;
    error = error == 0 ? layer_flush(q->layer.file) : error;
    error = error == 0 ? qcow2_tree_flags(q) : error;
    snapshot_clear(&snapshot);
    return error;
}

static int snapshot_apply(Qcow2 *q, const Qcow2Snapshot *snapshot)
{
    uint64_t old_offset = q->l1_offset, old_entries = q->l1_entries, offset = 0;
    g_autofree uint64_t *old = NULL;
    uint64_t *l1 = NULL;
    int error = qcow2_table_read(q, snapshot->l1_offset, snapshot->l1_entries, &l1);

    error = error == 0 ? qcow2_tree_add(q, l1, snapshot->l1_entries, 1) : error;
    if (error != 0) {
        g_free(l1);
        return error;
    }
    if (snapshot->l1_entries > 0) {
        error = qcow2_alloc(q, (uint64_t)snapshot->l1_entries * 8, &offset);
    }
    error = error == 0 ? qcow2_cache_write(&q->refcount_cache) : error;
    if (error != 0) {
        g_free(l1);
        return error;
    }
    old = q->l1;
    q->l1 = l1;
    q->l1_entries = snapshot->l1_entries;
    q->l1_offset = offset;
    q->layer.size = snapshot->disk_size;
    error = qcow2_l1_write(q);
    error = error == 0 ? layer_flush(q->layer.file) : error;
    error = error == 0 ? qcow2_header_write(q) : error;
    error = error == 0 ? layer_flush(q->layer.file) : error;
    error = error == 0 ? qcow2_tree_add(q, old, old_entries, -1) : error;
    if (error == 0 && old_entries > 0) {
        error = qcow2_refcount_add(q, old_offset, old_entries * 8, -1);
    }
    error = error == 0 ? qcow2_cache_write(&q->refcount_cache) : error;
    return error == 0 ? qcow2_tree_flags(q) : error;
}

/* ---- For others ---- */

static Qcow2 *snapshots_of(BlockLayer *layer)
{
    layer = layer_skip_filters(layer);
    return layer->driver == &qcow2_driver ? qcow2_of(layer) : NULL;
}

GArray *block_snapshot_list(BlockLayer *layer)
{
    GArray *list = g_array_new(FALSE, FALSE, sizeof(BlockSnapshot));
    Qcow2 *q = snapshots_of(layer);

    for (guint i = 0; q != NULL && i < q->snapshots->len; i++) {
        const Qcow2Snapshot *from = &g_array_index(q->snapshots, Qcow2Snapshot, i);
        const BlockSnapshot to = { g_strdup(from->id), g_strdup(from->name), from->vm_state_size,
                                   from->disk_size,    from->vm_clock_ns,    from->icount,
                                   from->date_s,       from->date_ns };

        g_array_append_val(list, to);
    }
    return list;
}

void block_snapshot_list_free(GArray *list)
{
    for (guint i = 0; i < list->len; i++) {
        g_free(g_array_index(list, BlockSnapshot, i).id);
        g_free(g_array_index(list, BlockSnapshot, i).name);
    }
    g_array_free(list, TRUE);
}

static int snapshot_find(const Qcow2 *q, const char *name_or_id)
{
    for (guint i = 0; i < q->snapshots->len; i++) {
        if (strcmp(g_array_index(q->snapshots, Qcow2Snapshot, i).id, name_or_id) == 0) {
            return (int)i;
        }
    }
    for (guint i = 0; i < q->snapshots->len; i++) {
        if (strcmp(g_array_index(q->snapshots, Qcow2Snapshot, i).name, name_or_id) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static int dirty_set(Qcow2 *q, bool dirty)
{
    int error;

    if (q->version < 3) {
        return 0;
    }
    q->incompatible = dirty ? q->incompatible | QCOW2_DIRTY
                            : q->incompatible & ~(uint64_t)QCOW2_DIRTY;
    error = qcow2_features_write(q);
    return error == 0 ? layer_flush(q->layer.file) : error;
}

static bool snapshots_begin(Qcow2 *q, const char *name, int *index, GError **error)
{
    int failed;

    if (q == NULL || q->layer.data_file != NULL) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION,
                    "Operation not supported: the image has no internal snapshots");
        return false;
    }
    if (q->layer.flags & BLOCK_READONLY) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION, "Image is read-only");
        return false;
    }
    *index = name != NULL ? snapshot_find(q, name) : 0;
    if (*index < 0) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION, "snapshot not found");
        return false;
    }
    g_mutex_lock(&q->lock);
    qcow2_quiesce_locked(q);
    failed = qcow2_start_locked(q);
    failed = failed == 0 ? qcow2_sync_locked(q) : failed;
    failed = failed == 0 ? layer_flush(q->layer.file) : failed;
    failed = failed == 0 ? dirty_set(q, true) : failed;
    if (failed != 0) {
        g_mutex_unlock(&q->lock);
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_IO, "%s", g_strerror(failed));
    }
    return failed == 0;
}

static bool snapshots_end(Qcow2 *q, int failed, GError **error)
{
    failed = failed == 0 ? qcow2_sync_locked(q) : failed;
    failed = failed == 0 ? layer_flush(q->layer.file) : failed;
    failed = failed == 0 ? dirty_set(q, false) : failed;
    g_mutex_unlock(&q->lock);
    if (failed != 0) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_IO, "%s",
                    failed == EINVAL ? "a cluster has as many references as it can have"
                                     : g_strerror(failed));
    }
    return failed == 0;
}

bool block_snapshot_create(BlockLayer *layer, const BlockSnapshot *what, GError **error)
{
    Qcow2 *q = snapshots_of(layer);
    int index;

    return snapshots_begin(q, NULL, &index, error) &&
           snapshots_end(q,
                         q->snapshots->len < QCOW2_MAX_SNAPSHOTS ? snapshot_create(q, what) : EFBIG,
                         error);
}

bool block_snapshot_delete(BlockLayer *layer, const char *name_or_id, GError **error)
{
    Qcow2 *q = snapshots_of(layer);
    int index;

    return snapshots_begin(q, name_or_id, &index, error) &&
           snapshots_end(q, snapshot_delete(q, (guint)index), error);
}

bool block_snapshot_apply(BlockLayer *layer, const char *name_or_id, GError **error)
{
    Qcow2 *q = snapshots_of(layer);
    int index;

    return snapshots_begin(q, name_or_id, &index, error) &&
           snapshots_end(q, snapshot_apply(q, &g_array_index(q->snapshots, Qcow2Snapshot, index)),
                         error);
}

static bool snapshot_load(Qcow2 *q, const Qcow2Snapshot *snapshot, GError **error)
{
    uint64_t *l1 = NULL;

    if (qcow2_table_read(q, snapshot->l1_offset, snapshot->l1_entries, &l1) != 0) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_IO, "Failed to load snapshot");
        return false;
    }
    g_free(q->l1);
    q->l1 = l1;
    q->l1_entries = snapshot->l1_entries;
    q->layer.size = snapshot->disk_size;
    return true;
}

bool block_snapshot_load(BlockLayer *layer, const char *name_or_id, GError **error)
{
    Qcow2 *q = snapshots_of(layer);
    int index = q != NULL ? snapshot_find(q, name_or_id) : -1;

    g_assert(layer->flags & BLOCK_READONLY);
    if (index < 0) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION, "snapshot not found");
        return false;
    }
    return snapshot_load(q, &g_array_index(q->snapshots, Qcow2Snapshot, index), error);
}
