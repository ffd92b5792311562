/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bitmap.c - dirty bitmaps: see bitmap.h. */
#include "hw/block/bitmap.h"

#include <string.h>

#include "hw/block/block_int.h"

enum { GRANULARITY = 64 << 10, GRANULARITY_MIN = 512, GRANULARITY_MAX = 1 << 30, NAME_SIZE = 1023 };

struct BlockBitmap {
    BlockWatch watch; /* first */
    BlockLayer *layer;
    BlockBitmap *next;
    char *name;
    uint32_t granularity;
    unsigned holders;
    GMutex lock; /* of what follows */
    bool enabled;
    uint64_t *bits, count; /* words are allocated for `count` bits */
    uint64_t *frozen;      /* as many; NULL: no job uses it */
};

struct BlockBitmapKept {
    bool enabled;
    uint64_t *bits, count;
};

/* ---- Bits: the lock is held ---- */

static size_t words_of(uint64_t count)
{
    return (size_t)(count / 64 + 1);
}

/* The disk may have grown. */
static void room_make(BlockBitmap *bitmap, uint64_t count)
{
    size_t old = words_of(bitmap->count), new = words_of(count);

    if (count <= bitmap->count) {
        return;
    }
    bitmap->bits = g_renew(uint64_t, bitmap->bits, new);
    memset(bitmap->bits + old, 0, (new - old) * sizeof(uint64_t));
    if (bitmap->frozen != NULL) {
        bitmap->frozen = g_renew(uint64_t, bitmap->frozen, new);
        memset(bitmap->frozen + old, 0, (new - old) * sizeof(uint64_t));
    }
    bitmap->count = count;
}

static void bits_set(BlockBitmap *bitmap, uint64_t offset, uint64_t size)
{
    uint64_t end = (offset + size - 1) / bitmap->granularity + 1;

    room_make(bitmap, end);
    for (uint64_t i = offset / bitmap->granularity; i < end; i++) {
        bitmap->bits[i / 64] |= 1ull << (i % 64);
    }
}

static bool bit_is_set(const BlockBitmap *bitmap, uint64_t i)
{
    uint64_t word = 0;

    if (i < bitmap->count) {
        word = bitmap->bits[i / 64] | (bitmap->frozen != NULL ? bitmap->frozen[i / 64] : 0);
    }
    return word >> (i % 64) & 1;
}

static uint64_t dirty_bytes(const BlockBitmap *bitmap)
{
    uint64_t n = 0;

    for (uint64_t i = 0; i < bitmap->count; i++) {
        n += bit_is_set(bitmap, i);
    }
    return n * bitmap->granularity;
}

static void changed(BlockWatch *watch, uint64_t offset, uint64_t size)
{
    BlockBitmap *bitmap = (BlockBitmap *)watch;

    g_mutex_lock(&bitmap->lock);
    if (bitmap->enabled && size > 0) {
        bits_set(bitmap, offset, size);
    }
    g_mutex_unlock(&bitmap->lock);
}

/* ---- Life ---- */

static bool fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool fail(GError **error, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    g_propagate_error(error, g_error_new_valist(BLOCK_ERROR, BLOCK_ERROR_OPTION, format, list));
    va_end(list);
    return false;
}

BlockBitmap *block_bitmap_find(BlockLayer *layer, const char *name, GError **error)
{
    BlockBitmap *bitmap = layer->bitmaps;

    while (bitmap != NULL && strcmp(bitmap->name, name) != 0) {
        bitmap = bitmap->next;
    }
    if (bitmap == NULL) {
        fail(error, "Dirty bitmap '%s' not found", name);
    }
    return bitmap;
}

bool block_bitmap_add(BlockLayer *layer, const char *name, uint32_t granularity, bool enabled,
                      GError **error)
{
    BlockBitmap *bitmap;

    granularity = granularity != 0 ? granularity : GRANULARITY;
    if (*name == '\0' || strlen(name) > NAME_SIZE) {
        return fail(error, "Bitmap name is empty or too long");
    }
    if (granularity < GRANULARITY_MIN || granularity > GRANULARITY_MAX ||
        (granularity & (granularity - 1)) != 0) {
        return fail(error, "Granularity must be a power of 2 from 512 to 1 GiB");
    }
    if (block_bitmap_find(layer, name, NULL) != NULL) {
        return fail(error, "Bitmap already exists: %s", name);
    }
    bitmap = g_new0(BlockBitmap, 1);
    bitmap->layer = layer;
    bitmap->name = g_strdup(name);
    bitmap->granularity = granularity;
    bitmap->enabled = enabled;
    bitmap->bits = g_new0(uint64_t, 1);
    bitmap->watch.after = changed;
    g_mutex_init(&bitmap->lock);
    room_make(bitmap, layer->size / granularity + 1);
    bitmap->next = layer->bitmaps;
    layer->bitmaps = bitmap;
    graph_close_gate(layer->graph);
    layer_watch(layer, &bitmap->watch);
    graph_open_gate(layer->graph);
    return true;
}

static void bitmap_free(BlockBitmap *bitmap)
{
    g_mutex_clear(&bitmap->lock);
    g_free(bitmap->frozen);
    g_free(bitmap->bits);
    g_free(bitmap->name);
    g_free(bitmap);
}

void block_bitmaps_free(BlockLayer *layer)
{
    BlockBitmap *next;

    for (BlockBitmap *bitmap = layer->bitmaps; bitmap != NULL; bitmap = next) {
        next = bitmap->next;
        layer_unwatch(layer, &bitmap->watch);
        bitmap_free(bitmap);
    }
    layer->bitmaps = NULL;
}

bool block_bitmap_is_free(const BlockBitmap *bitmap, GError **error)
{
    return bitmap->holders == 0 ||
           fail(error, "Bitmap '%s' is currently in use by another operation and cannot be used",
                bitmap->name);
}

bool block_bitmap_remove(BlockBitmap *bitmap, GError **error)
{
    BlockLayer *layer = bitmap->layer;
    BlockBitmap **link = &layer->bitmaps;

    if (!block_bitmap_is_free(bitmap, error)) {
        return false;
    }
    while (*link != bitmap) {
        link = &(*link)->next;
    }
    *link = bitmap->next;
    graph_close_gate(layer->graph);
    layer_unwatch(layer, &bitmap->watch);
    graph_open_gate(layer->graph);
    bitmap_free(bitmap);
    return true;
}

void block_bitmap_hold(BlockBitmap *bitmap)
{
    bitmap->holders++;
}

void block_bitmap_release(BlockBitmap *bitmap)
{
    bitmap->holders--;
}

/* ---- Changes ---- */

bool block_bitmap_clear(BlockBitmap *bitmap, GError **error)
{
    if (!block_bitmap_is_free(bitmap, error)) {
        return false;
    }
    g_mutex_lock(&bitmap->lock);
    memset(bitmap->bits, 0, words_of(bitmap->count) * sizeof(uint64_t));
    g_mutex_unlock(&bitmap->lock);
    return true;
}

bool block_bitmap_enable(BlockBitmap *bitmap, bool enabled, GError **error)
{
    if (!block_bitmap_is_free(bitmap, error)) {
        return false;
    }
    g_mutex_lock(&bitmap->lock);
    bitmap->enabled = enabled;
    g_mutex_unlock(&bitmap->lock);
    return true;
}

bool block_bitmap_merge(BlockBitmap *target, BlockBitmap *source, GError **error)
{
    uint64_t size = target->layer->size, length;

    if (!block_bitmap_is_free(target, error) || !block_bitmap_is_free(source, error)) {
        return false;
    }
    if (source->layer->size != size) {
        return fail(error,
                    "Bitmaps are of different sizes (destination size is %" PRIu64
                    " and source size is %" PRIu64 ") and can't be merged",
                    size, source->layer->size);
    }
    for (uint64_t at = 0; at < size && source != target; at += length) {
        if (block_bitmap_run(source, at, size - at, &length)) {
            g_mutex_lock(&target->lock);
            bits_set(target, at, length);
            g_mutex_unlock(&target->lock);
        }
    }
    return true;
}

BlockBitmapKept *block_bitmap_keep(BlockBitmap *bitmap)
{
    BlockBitmapKept *kept = g_new(BlockBitmapKept, 1);

    g_mutex_lock(&bitmap->lock);
    kept->enabled = bitmap->enabled;
    kept->count = bitmap->count;
    kept->bits = g_memdup2(bitmap->bits, words_of(bitmap->count) * sizeof(uint64_t));
    g_mutex_unlock(&bitmap->lock);
    return kept;
}

/* What was changed since stays dirty, if it was to be noted. */
void block_bitmap_put_back(BlockBitmap *bitmap, const BlockBitmapKept *kept)
{
    g_mutex_lock(&bitmap->lock);
    bitmap->enabled = kept->enabled;
    memset(bitmap->bits, 0, words_of(bitmap->count) * sizeof(uint64_t));
    memcpy(bitmap->bits, kept->bits, words_of(kept->count) * sizeof(uint64_t));
    g_mutex_unlock(&bitmap->lock);
}

void block_bitmap_kept_free(BlockBitmapKept *kept)
{
    if (kept != NULL) {
        g_free(kept->bits);
        g_free(kept);
    }
}

/* ---- Looking ---- */

bool block_bitmap_run(BlockBitmap *bitmap, uint64_t offset, uint64_t size, uint64_t *length)
{
    uint64_t i = offset / bitmap->granularity, end = offset + size;
    bool dirty;

    g_mutex_lock(&bitmap->lock);
    dirty = bit_is_set(bitmap, i);
    do {
        i++;
    } while (i * bitmap->granularity < end && bit_is_set(bitmap, i) == dirty);
    g_mutex_unlock(&bitmap->lock);
    *length = MIN(i * bitmap->granularity, end) - offset;
    return dirty;
}

void block_bitmaps_each(BlockLayer *layer, BlockBitmapEach *each, void *opaque)
{
    for (BlockBitmap *bitmap = layer->bitmaps; bitmap != NULL; bitmap = bitmap->next) {
        BlockBitmapInfo info = { .name = bitmap->name, .granularity = bitmap->granularity };

        g_mutex_lock(&bitmap->lock);
        info.dirty = dirty_bytes(bitmap);
        info.enabled = bitmap->enabled;
        info.busy = bitmap->holders > 0;
        g_mutex_unlock(&bitmap->lock);
        each(&info, opaque);
    }
}

/* ---- Jobs ---- */

void block_bitmap_freeze(BlockBitmap *bitmap)
{
    g_mutex_lock(&bitmap->lock);
    bitmap->frozen = bitmap->bits;
    bitmap->bits = g_new0(uint64_t, words_of(bitmap->count));
    g_mutex_unlock(&bitmap->lock);
    block_bitmap_hold(bitmap);
}

void block_bitmap_thaw(BlockBitmap *bitmap, bool merge)
{
    g_mutex_lock(&bitmap->lock);
    for (size_t i = 0; merge && i < words_of(bitmap->count); i++) {
        bitmap->bits[i] |= bitmap->frozen[i];
    }
    g_clear_pointer(&bitmap->frozen, g_free);
    g_mutex_unlock(&bitmap->lock);
    block_bitmap_release(bitmap);
}
