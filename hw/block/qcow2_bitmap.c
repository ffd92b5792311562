/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qcow2_bitmap.c - dirty bitmaps that an image keeps: their directory. */
#include "hw/block/qcow2_check_int.h"

#include <errno.h>

enum {
    EXTENSION_BITMAPS = 0x23852875,
    ENTRY_SIZE = 24,
    IN_USE = 1,
    AUTO = 2,
    DIRECTORY_MAX = 64 << 20,
};

static void bitmap_clear(Qcow2Bitmap *bitmap)
{
    g_free(bitmap->name);
}

static const Qcow2Extension *bitmaps_extension(const Qcow2 *q)
{
    for (guint i = 0; i < q->extensions->len; i++) {
        const Qcow2Extension *extension = &g_array_index(q->extensions, Qcow2Extension, i);

        if (extension->type == EXTENSION_BITMAPS && extension->size >= 24) {
            return extension;
        }
    }
    return NULL;
}

bool qcow2_bitmaps_place(const Qcow2 *q, uint64_t *offset, uint64_t *size, uint32_t *count)
{
    const Qcow2Extension *extension = q->autoclear & QCOW2_BITMAPS ? bitmaps_extension(q) : NULL;

    if (extension == NULL) {
        return false;
    }
    *count = get_be32(extension->data);
    *size = get_be64(extension->data + 8);
    *offset = get_be64(extension->data + 16);
    return *size <= DIRECTORY_MAX && *offset <= INT64_MAX - *size && *offset % q->cluster_size == 0;
}

GArray *qcow2_bitmaps_read(Qcow2 *q)
{
    GArray *list = g_array_new(FALSE, TRUE, sizeof(Qcow2Bitmap));
    g_autofree uint8_t *directory = NULL;
    uint64_t offset, size, at = 0;
    uint32_t count;

    g_array_set_clear_func(list, (GDestroyNotify)bitmap_clear);
    if (!qcow2_bitmaps_place(q, &offset, &size, &count)) {
        return list;
    }
    directory = g_malloc0(size + 1);
    if (layer_pread(q->layer.file, offset, directory, size) != 0) {
        return list;
    }
    for (uint32_t i = 0; i < count && at + ENTRY_SIZE <= size; i++) {
        const uint8_t *entry = directory + at;
        uint32_t name = get_be16(entry + 18), extra = get_be32(entry + 20);
        Qcow2Bitmap bitmap = { .at = offset + at,
                               .table_offset = get_be64(entry),
                               .table_entries = get_be32(entry + 8),
                               .flags = get_be32(entry + 12),
                               .granularity_bits = entry[17] };

        if (extra > size || at + ENTRY_SIZE + extra + name > size) {
            break;
        }
        bitmap.name = g_strndup((const char *)entry + ENTRY_SIZE + extra, name);
        g_array_append_val(list, bitmap);
        at += (ENTRY_SIZE + extra + name + 7) & ~7u;
    }
    return list;
}

static void table_count(Qcow2 *q, Check *check, const Qcow2Bitmap *bitmap)
{
    g_autofree uint64_t *table = NULL;

    if ((uint64_t)bitmap->table_entries * 8 > QCOW2_MAX_TABLE ||
        qcow2_table_read(q, bitmap->table_offset, bitmap->table_entries, &table) != 0) {
        check->result->corruptions++;
        return;
    }
    check_count(check, bitmap->table_offset, (uint64_t)bitmap->table_entries * 8);
    for (uint32_t i = 0; i < bitmap->table_entries; i++) {
        if ((table[i] & QCOW2_OFFSET) != 0) {
            check_count(check, table[i] & QCOW2_OFFSET, q->cluster_size);
        }
    }
}

void qcow2_bitmaps_count(Qcow2 *q, Check *check)
{
    g_autoptr(GArray) list = qcow2_bitmaps_read(q);
    uint64_t offset, size;
    uint32_t count;

    if (qcow2_bitmaps_place(q, &offset, &size, &count)) {
        check_count(check, offset, size);
    }
    for (guint i = 0; i < list->len; i++) {
        table_count(q, check, &g_array_index(list, Qcow2Bitmap, i));
    }
}

int qcow2_bitmaps_leave(Qcow2 *q)
{
    g_autoptr(GArray) list = qcow2_bitmaps_read(q);
    int error = 0;

    for (guint i = 0; i < list->len && error == 0; i++) {
        const Qcow2Bitmap *bitmap = &g_array_index(list, Qcow2Bitmap, i);
        uint8_t flags[4];

        if (!(bitmap->flags & AUTO) || (bitmap->flags & IN_USE)) {
            continue;
        }
        put_be32(flags, bitmap->flags | IN_USE);
        error = layer_pwrite(q->layer.file, bitmap->at + 12, flags, sizeof(flags));
    }
    return error == 0 && list->len > 0 ? layer_flush(q->layer.file) : error;
}
