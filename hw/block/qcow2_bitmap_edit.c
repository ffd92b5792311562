/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qcow2_bitmap_edit.c - dirty bitmaps are added, removed, cleared, switched on and off. */
#include "hw/block/image.h"
#include "hw/block/qcow2_check_int.h"

#include <errno.h>

enum { EXTENSION_BITMAPS = 0x23852875, IN_USE = 1, AUTO = 2, NAME_MAX_SIZE = 1023 };

static bool fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool fail(GError **error, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    if (error != NULL) {
        *error = g_error_new_valist(BLOCK_ERROR, BLOCK_ERROR_OPTION, format, list);
    }
    va_end(list);
    return false;
}

/* ---- The directory ---- */

static void entry_put(GByteArray *out, const Qcow2Bitmap *bitmap)
{
    static const uint8_t padding[8];
    uint8_t head[24] = { 0 };
    uint16_t name = (uint16_t)strlen(bitmap->name);

    put_be64(head, bitmap->table_offset);
    put_be32(head + 8, bitmap->table_entries);
    put_be32(head + 12, bitmap->flags);
    head[16] = 1; /* tracks what is dirty */
    head[17] = (uint8_t)bitmap->granularity_bits;
    put_be16(head + 18, name);
    g_byte_array_append(out, head, sizeof(head));
    g_byte_array_append(out, (const guint8 *)bitmap->name, name);
    g_byte_array_append(out, padding, -out->len & 7);
}

static void extension_set(Qcow2 *q, uint32_t count, uint64_t offset, uint64_t size)
{
    Qcow2Extension extension = { EXTENSION_BITMAPS, 24, NULL };

    for (guint i = 0; i < q->extensions->len; i++) {
        if (g_array_index(q->extensions, Qcow2Extension, i).type == EXTENSION_BITMAPS) {
            g_free(g_array_index(q->extensions, Qcow2Extension, i).data);
            g_array_remove_index(q->extensions, i);
            break;
        }
    }
    q->autoclear &= ~(uint64_t)QCOW2_BITMAPS;
    if (count > 0) {
        extension.data = g_malloc0(24);
        put_be32(extension.data, count);
        put_be64(extension.data + 8, size);
        put_be64(extension.data + 16, offset);
        g_array_append_val(q->extensions, extension);
        q->autoclear |= QCOW2_BITMAPS;
    }
}

/* A new directory; the old one goes when nothing refers to it. */
static int directory_write(Qcow2 *q, const GArray *list)
{
    g_autoptr(GByteArray) out = g_byte_array_new();
    uint64_t old, old_size, offset = 0;
    uint32_t old_count;
    bool had = qcow2_bitmaps_place(q, &old, &old_size, &old_count);
    int error = 0;

    for (guint i = 0; i < list->len; i++) {
        entry_put(out, &g_array_index(list, Qcow2Bitmap, i));
    }
    if (list->len > 0) {
        error = qcow2_alloc(q, out->len, &offset);
        error = error == 0 ? layer_pwrite(q->layer.file, offset, out->data, out->len) : error;
    }
    error = error == 0 ? qcow2_sync_locked(q) : error;
    error = error == 0 ? layer_flush(q->layer.file) : error;
    if (error != 0) {
        return error;
    }
    extension_set(q, list->len, offset, out->len);
    error = qcow2_header_write(q);
    error = error == 0 ? layer_flush(q->layer.file) : error;
    if (error == 0 && had) {
        qcow2_free_later(q, old, old_size, false);
    }
    return error;
}

/* ---- Tables ---- */

static int table_make(Qcow2 *q, Qcow2Bitmap *bitmap)
{
    uint64_t bits = (q->layer.size + (1ull << bitmap->granularity_bits) - 1) >>
                    bitmap->granularity_bits;
    g_autofree void *zeros = NULL;
    uint64_t size;
    int error;

    bitmap->table_entries = (uint32_t)qcow2_clusters(q, (bits + 7) / 8);
    size = MAX(bitmap->table_entries, 1) * 8ull;
    zeros = g_malloc0(size);
    error = qcow2_alloc(q, size, &bitmap->table_offset);
    return error == 0 ? layer_pwrite(q->layer.file, bitmap->table_offset, zeros, size) : error;
}

static int table_free(Qcow2 *q, const Qcow2Bitmap *bitmap)
{
    g_autofree uint64_t *table = NULL;
    int error = qcow2_table_read(q, bitmap->table_offset, bitmap->table_entries, &table);

    for (uint32_t i = 0; error == 0 && i < bitmap->table_entries; i++) {
        if ((table[i] & QCOW2_OFFSET) != 0) {
            qcow2_free_later(q, table[i] & QCOW2_OFFSET, q->cluster_size, false);
        }
    }
    if (error == 0) {
        qcow2_free_later(q, bitmap->table_offset, MAX(bitmap->table_entries, 1) * 8ull, false);
    }
    return error;
}

/* ---- Actions ---- */

static int bitmap_find(const GArray *list, const char *name)
{
    for (guint i = 0; i < list->len; i++) {
        if (strcmp(g_array_index(list, Qcow2Bitmap, i).name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static int bitmap_add(Qcow2 *q, GArray *list, const char *name, uint64_t granularity)
{
    Qcow2Bitmap bitmap = { .flags = AUTO, .name = g_strdup(name) };
    int error;

    granularity = granularity != 0 ? granularity : CLAMP(q->cluster_size, 4096, 65536);
    bitmap.granularity_bits = (unsigned)__builtin_ctzll(granularity);
    error = table_make(q, &bitmap);
    g_array_append_val(list, bitmap);
    return error == 0 ? directory_write(q, list) : error;
}

static int bitmap_change(Qcow2 *q, GArray *list, int index, ImageBitmapAction action)
{
    Qcow2Bitmap *bitmap = &g_array_index(list, Qcow2Bitmap, index);
    Qcow2Bitmap old = *bitmap;
    int error = 0;

    switch (action) {
    case IMAGE_BITMAP_REMOVE:
        old.name = NULL;
        g_array_remove_index(list, (guint)index);
        break;
    case IMAGE_BITMAP_CLEAR:
        error = table_make(q, bitmap);
        break;
    case IMAGE_BITMAP_ENABLE:
        bitmap->flags |= AUTO;
        break;
    default:
        bitmap->flags &= ~(uint32_t)AUTO;
    }
    error = error == 0 ? directory_write(q, list) : error;
    if (error == 0 && (action == IMAGE_BITMAP_REMOVE || action == IMAGE_BITMAP_CLEAR)) {
        error = table_free(q, &old);
    }
    return error;
}

static bool action_check(const Qcow2 *q, const GArray *list, int index, ImageBitmapAction action,
                         const char *name, uint64_t granularity, GError **error)
{
    if (action != IMAGE_BITMAP_ADD && index < 0) {
        return fail(error, "Dirty bitmap '%s' not found", name);
    }
    if (action != IMAGE_BITMAP_ADD && action != IMAGE_BITMAP_REMOVE &&
        (g_array_index(list, Qcow2Bitmap, index).flags & IN_USE)) {
        return fail(error, "Bitmap '%s' is inconsistent and cannot be used", name);
    }
    if (action != IMAGE_BITMAP_ADD) {
        return true;
    }
    if (index >= 0) {
        return fail(error, "Bitmap already exists: %s", name);
    }
    if (*name == '\0' || strlen(name) > NAME_MAX_SIZE) {
        return fail(error, "Bitmap name is empty or too long");
    }
    if (granularity != 0 &&
        ((granularity & (granularity - 1)) != 0 || granularity < 512 || granularity > 1ull << 31)) {
        return fail(error, "Granularity must be a power of two between 512 and 2 GiB");
    }
    return q->version >= 3 || fail(error, "Cannot store dirty bitmaps in qcow2 v2 files");
}

bool image_bitmap(BlockLayer *layer, ImageBitmapAction action, const char *name,
                  uint64_t granularity, GError **error)
{
    Qcow2 *q = qcow2_of(layer);
    GArray *list;
    int index, failed;
    bool good;

    if (layer->driver != &qcow2_driver) {
        return fail(error, "Image format '%s' has no bitmaps", layer->driver->name);
    }
    g_mutex_lock(&q->lock);
    qcow2_quiesce_locked(q);
    list = qcow2_bitmaps_read(q);
    index = bitmap_find(list, name);
    good = action_check(q, list, index, action, name, granularity, error);
    if (good) {
        q->started = true; /* the guest's data does not change: bitmaps stay good */
        failed = action == IMAGE_BITMAP_ADD ? bitmap_add(q, list, name, granularity)
                                            : bitmap_change(q, list, index, action);
        q->started = false;
        failed = failed == 0 ? qcow2_sync_locked(q) : failed;
        good = failed == 0 || fail(error, "%s", g_strerror(failed));
    }
    g_mutex_unlock(&q->lock);
    g_array_unref(list);
    return good;
}
