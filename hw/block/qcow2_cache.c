/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qcow2_cache.c - a bounded number of pieces of L2 tables or refcount blocks in memory. */
#include "hw/block/qcow2_int.h"

#include <string.h>

void qcow2_cache_open(Qcow2Cache *cache, Qcow2 *owner, bool is_l2, uint32_t unit, uint64_t bytes)
{
    cache->owner = owner;
    cache->is_l2 = is_l2;
    cache->unit = unit;
    cache->max = MAX(bytes / unit, 8);
    cache->by_offset = g_hash_table_new(g_int64_hash, g_int64_equal);
    cache->dirty = g_hash_table_new(NULL, NULL);
    g_queue_init(&cache->order);
}

static void entry_drop(Qcow2Cache *cache, Qcow2Entry *entry)
{
    g_hash_table_remove(cache->dirty, entry);
    g_hash_table_remove(cache->by_offset, &entry->offset);
    g_queue_unlink(&cache->order, &entry->link);
    g_free(entry);
}

void qcow2_cache_close(Qcow2Cache *cache)
{
    if (cache->by_offset == NULL) {
        return;
    }
    while (cache->order.head != NULL) {
        entry_drop(cache, cache->order.head->data);
    }
    g_clear_pointer(&cache->dirty, g_hash_table_unref);
    g_clear_pointer(&cache->by_offset, g_hash_table_unref);
}

/* Room for one more. L2 tables go to disk in their order only. */
static int cache_make_room(Qcow2Cache *cache)
{
    Qcow2Entry *last;
    int error = 0;

    if (cache->order.length < cache->max) {
        return 0;
    }
    last = cache->order.tail->data;
    if (last->dirty) {
        error = cache->is_l2 ? qcow2_sync_locked(cache->owner) : qcow2_cache_write(cache);
    }
    if (error == 0) {
        entry_drop(cache, cache->order.tail->data);
    }
    return error;
}

int qcow2_cache_get(Qcow2Cache *cache, uint64_t offset, Qcow2Entry **entry, uint8_t **at)
{
    uint64_t start = offset - offset % cache->unit;
    Qcow2Entry *found = g_hash_table_lookup(cache->by_offset, &start);
    int error;

    if (found != NULL) {
        g_queue_unlink(&cache->order, &found->link);
    } else {
        error = cache_make_room(cache);
        if (error != 0) {
            return error;
        }
        found = g_malloc(sizeof(*found) + cache->unit);
        *found = (Qcow2Entry){ .offset = start, .link.data = found };
        error = layer_pread(cache->owner->layer.file, start, found->data, cache->unit);
        if (error != 0) {
            g_free(found);
            return error;
        }
        g_hash_table_insert(cache->by_offset, &found->offset, found);
    }
    g_queue_push_head_link(&cache->order, &found->link);
    *entry = found;
    *at = found->data + (offset - start);
    return 0;
}

void qcow2_cache_dirty(Qcow2Cache *cache, Qcow2Entry *entry)
{
    entry->dirty = true;
    g_hash_table_add(cache->dirty, entry);
}

int qcow2_cache_write(Qcow2Cache *cache)
{
    GHashTableIter iter;
    gpointer key;
    int error = 0;

    g_hash_table_iter_init(&iter, cache->dirty);
    while (error == 0 && g_hash_table_iter_next(&iter, &key, NULL)) {
        Qcow2Entry *entry = key;

        error = layer_pwrite(cache->owner->layer.file, entry->offset, entry->data, cache->unit);
        if (error == 0) {
            entry->dirty = false;
            g_hash_table_iter_remove(&iter);
        }
    }
    return error;
}

void qcow2_cache_forget(Qcow2Cache *cache, uint64_t offset, uint64_t size)
{
    for (uint64_t at = offset; at < offset + size; at += cache->unit) {
        Qcow2Entry *entry = g_hash_table_lookup(cache->by_offset, &at);

        if (entry != NULL) {
            entry_drop(cache, entry);
        }
    }
}
