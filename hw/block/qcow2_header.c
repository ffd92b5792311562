/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qcow2_header.c - the header of an image and its extensions (QEMU's docs/interop/qcow2.txt). */
#include "hw/block/qcow2_int.h"

#include <errno.h>
#include <string.h>

enum { /* types of header extensions */
       EXTENSION_END = 0,
       EXTENSION_BACKING_FORMAT = (int)0xe2792aca,
       EXTENSION_FEATURE_NAMES = 0x6803f857,
       EXTENSION_BITMAPS = 0x23852875,
       EXTENSION_DATA_FILE = 0x44415441,
};
enum { /* places in the header */
       AT_VERSION = 4,
       AT_BACKING_OFFSET = 8,
       AT_BACKING_SIZE = 16,
       AT_CLUSTER_BITS = 20,
       AT_SIZE = 24,
       AT_CRYPT = 32,
       AT_L1_ENTRIES = 36,
       AT_L1_OFFSET = 40,
       AT_REFTABLE_OFFSET = 48,
       AT_REFTABLE_CLUSTERS = 56,
       AT_SNAPSHOTS = 60,
       AT_SNAPSHOTS_OFFSET = 64,
       AT_INCOMPATIBLE = 72,
       AT_COMPATIBLE = 80,
       AT_AUTOCLEAR = 88,
       AT_REFCOUNT_ORDER = 96,
       AT_HEADER_SIZE = 100,
       AT_COMPRESSION = 104,
};

static bool fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool fail(GError **error, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    if (error != NULL) {
        *error = g_error_new_valist(BLOCK_ERROR, BLOCK_ERROR_FORMAT, format, list);
    }
    va_end(list);
    return false;
}

/* ---- Reading ---- */

static char *read_string(BlockLayer *file, uint64_t offset, uint32_t size)
{
    g_autofree char *text = g_malloc0(size + 1);

    return layer_pread(file, offset, text, size) == 0 ? g_steal_pointer(&text) : NULL;
}

static bool extension_take(Qcow2 *q, uint32_t type, uint32_t size, uint64_t at, GError **error)
{
    g_autofree uint8_t *data = (uint8_t *)read_string(q->layer.file, at, size);

    if (data == NULL) {
        return fail(error, "Could not read a header extension");
    }
    switch (type) {
    case (uint32_t)EXTENSION_BACKING_FORMAT:
        g_free(q->layer.backing_format);
        q->layer.backing_format = (char *)g_steal_pointer(&data);
        break;
    case EXTENSION_DATA_FILE:
        g_free(q->data_file_name);
        q->data_file_name = (char *)g_steal_pointer(&data);
        break;
    case EXTENSION_FEATURE_NAMES: /* written anew */
        break;
    default: {
        const Qcow2Extension extension = { type, size, g_steal_pointer(&data) };

        g_array_append_val(q->extensions, extension);
    }
    }
    return true;
}

static bool extensions_read(Qcow2 *q, uint64_t end, GError **error)
{
    uint64_t at = q->header_size;

    while (at + 8 <= end) {
        uint8_t head[8];
        uint32_t type, size;

        if (layer_pread(q->layer.file, at, head, sizeof(head)) != 0) {
            return fail(error, "Could not read a header extension");
        }
        type = get_be32(head);
        size = get_be32(head + 4);
        at += 8;
        if (type == EXTENSION_END) {
            break;
        }
        if (size > end - at) {
            return fail(error, "Header extension too large");
        }
        if (!extension_take(q, type, size, at, error)) {
            return false;
        }
        at += (size + 7) & ~7u;
    }
    return true;
}

static bool features_check(const Qcow2 *q, GError **error)
{
    uint64_t unknown = q->incompatible & ~(uint64_t)QCOW2_KNOWN_FEATURES;

    if (unknown != 0) {
        return fail(error, "Unsupported qcow2 feature(s): Unknown incompatible feature: %" PRIx64,
                    unknown);
    }
    if ((q->incompatible & QCOW2_CORRUPT) &&
        !(q->layer.flags & (BLOCK_READONLY | BLOCK_CHECKING))) {
        return fail(error, "qcow2: Image is corrupt; cannot be opened read/write");
    }
    return true;
}

static bool version3_read(Qcow2 *q, const uint8_t *head, GError **error)
{
    if (q->version == 2) {
        q->refcount_order = 4;
        q->header_size = QCOW2_V2_HEADER;
        return true;
    }
    q->incompatible = get_be64(head + AT_INCOMPATIBLE);
    q->compatible = get_be64(head + AT_COMPATIBLE);
    q->autoclear = get_be64(head + AT_AUTOCLEAR);
    q->refcount_order = get_be32(head + AT_REFCOUNT_ORDER);
    q->header_size = get_be32(head + AT_HEADER_SIZE);
    if (q->header_size < 104 || q->header_size % 8 != 0) {
        return fail(error, "qcow2 header too short");
    }
    if (q->header_size > q->cluster_size) {
        return fail(error, "qcow2 header exceeds cluster size");
    }
    if (q->refcount_order > 6) {
        return fail(error, "Reference count entry width too large; may not exceed 64 bits");
    }
    q->compression = q->header_size > AT_COMPRESSION ? head[AT_COMPRESSION] : 0;
    if (q->compression > 1) {
        return fail(error, "qcow2: unknown compression type: %u", q->compression);
    }
    if ((q->compression != 0) != ((q->incompatible & QCOW2_COMPRESSION) != 0)) {
        return fail(error, "qcow2: Compression type incompatible feature bit must %sbe set",
                    q->compression != 0 ? "" : "not ");
    }
    return features_check(q, error);
}

static bool table_is_sound(const Qcow2 *q, uint64_t offset, uint64_t size, uint64_t max)
{
    return size <= max && offset % q->cluster_size == 0 && offset <= INT64_MAX - size;
}

static bool tables_check(Qcow2 *q, const uint8_t *head, GError **error)
{
    uint64_t l1_needed;

    q->l1_entries = get_be32(head + AT_L1_ENTRIES);
    q->l1_offset = get_be64(head + AT_L1_OFFSET);
    q->reftable_offset = get_be64(head + AT_REFTABLE_OFFSET);
    q->reftable_clusters = get_be32(head + AT_REFTABLE_CLUSTERS);
    q->snapshots_offset = get_be64(head + AT_SNAPSHOTS_OFFSET);
    l1_needed = qcow2_l1_index(q, q->layer.size) +
                ((q->layer.size & ((1ull << (q->cluster_bits + q->l2_bits)) - 1)) != 0);
    if (q->reftable_clusters == 0 && !(q->layer.flags & BLOCK_CHECKING)) {
        return fail(error, "Image does not contain a reference count table");
    }
    if (!table_is_sound(q, q->reftable_offset, (uint64_t)q->reftable_clusters << q->cluster_bits,
                        QCOW2_MAX_REFTABLE)) {
        return fail(error, "Reference count table offset invalid or too large");
    }
    if (!table_is_sound(q, q->l1_offset, (uint64_t)q->l1_entries * 8, QCOW2_MAX_TABLE)) {
        return fail(error, "Active L1 table offset invalid or too large");
    }
    if (l1_needed > q->l1_entries) {
        return fail(error, "L1 table is too small");
    }
    if (get_be32(head + AT_SNAPSHOTS) > QCOW2_MAX_SNAPSHOTS ||
        q->snapshots_offset % q->cluster_size != 0) {
        return fail(error, "Snapshot table offset invalid or too large");
    }
    g_array_set_size(q->snapshots, get_be32(head + AT_SNAPSHOTS)); /* read later */
    return true;
}

static bool geometry_check(Qcow2 *q, const uint8_t *head, GError **error)
{
    q->cluster_bits = get_be32(head + AT_CLUSTER_BITS);
    if (q->cluster_bits < 9 || q->cluster_bits > 21) {
        return fail(error, "Unsupported cluster size: 2^%u", q->cluster_bits);
    }
    q->cluster_size = 1u << q->cluster_bits;
    if (!version3_read(q, head, error)) {
        return false;
    }
    if (get_be32(head + AT_CRYPT) != 0) {
        return fail(error, get_be32(head + AT_CRYPT) == 2
                               ? "LUKS encryption of qcow2 images is not supported"
                               : "AES encryption of qcow2 images is not supported");
    }
    q->entry_size = q->incompatible & QCOW2_EXTENDED_L2 ? 16 : 8;
    q->l2_bits = q->cluster_bits - (q->entry_size == 16 ? 4 : 3);
    q->subcluster_size = q->entry_size == 16 ? q->cluster_size / QCOW2_SUBCLUSTERS
                                             : q->cluster_size;
    if (q->subcluster_size < BLOCK_SECTOR) {
        return fail(error, "Unsupported cluster size with extended L2 entries");
    }
    q->layer.size = get_be64(head + AT_SIZE);
    if (q->layer.size > (uint64_t)INT64_MAX - q->cluster_size) {
        return fail(error, "Image is too big");
    }
    return tables_check(q, head, error);
}

bool qcow2_header_read(Qcow2 *q, GError **error)
{
    uint8_t head[QCOW2_V3_HEADER] = { 0 };
    uint64_t backing, end;
    uint32_t size;

    if (layer_pread(q->layer.file, 0, head, sizeof(head)) != 0) {
        return fail(error, "Could not read qcow2 header");
    }
    if (memcmp(head, "QFI\xfb", 4) != 0) {
        return fail(error, "Image is not in qcow2 format");
    }
    q->version = get_be32(head + AT_VERSION);
    if (q->version != 2 && q->version != 3) {
        return fail(error, "Unsupported qcow2 version %u", q->version);
    }
    if (!geometry_check(q, head, error)) {
        return false;
    }
    backing = get_be64(head + AT_BACKING_OFFSET);
    size = get_be32(head + AT_BACKING_SIZE);
    if (backing > q->cluster_size || (backing != 0 && backing < q->header_size)) {
        return fail(error, "Invalid backing file offset");
    }
    end = backing != 0 ? backing : q->cluster_size;
    if (backing != 0 && (size > 1023 || size > q->cluster_size - backing)) {
        return fail(error, "Backing file name too long");
    }
    if (backing != 0 && size != 0) {
        q->layer.backing_file = read_string(q->layer.file, backing, size);
    }
    return extensions_read(q, end, error);
}

/* ---- Writing ---- */

static void extension_put(GByteArray *out, uint32_t type, const void *data, uint32_t size)
{
    static const uint8_t padding[8];
    uint8_t head[8];

    put_be32(head, type);
    put_be32(head + 4, size);
    g_byte_array_append(out, head, sizeof(head));
    g_byte_array_append(out, data, size);
    g_byte_array_append(out, padding, -size & 7);
}

static void feature_names_put(GByteArray *out)
{
    static const struct {
        uint8_t kind, bit;
        char name[46];
    } names[] = {
        { 0, 0, "dirty bit" },
        { 0, 1, "corrupt bit" },
        { 0, 2, "external data file" },
        { 0, 3, "compression type" },
        { 0, 4, "extended L2 entries" },
        { 1, 0, "lazy refcounts" },
        { 2, 0, "bitmaps" },
        { 2, 1, "raw external data" },
    };

    _Static_assert(sizeof(names[0]) == 48, "as on disk");
    extension_put(out, EXTENSION_FEATURE_NAMES, names, sizeof(names));
}

static void fixed_put(const Qcow2 *q, uint8_t *head)
{
    memcpy(head, "QFI\xfb", 4);
    put_be32(head + AT_VERSION, q->version);
    put_be32(head + AT_CLUSTER_BITS, q->cluster_bits);
    put_be64(head + AT_SIZE, q->layer.size);
    put_be32(head + AT_L1_ENTRIES, q->l1_entries);
    put_be64(head + AT_L1_OFFSET, q->l1_offset);
    put_be64(head + AT_REFTABLE_OFFSET, q->reftable_offset);
    put_be32(head + AT_REFTABLE_CLUSTERS, q->reftable_clusters);
    put_be32(head + AT_SNAPSHOTS, q->snapshots->len);
    put_be64(head + AT_SNAPSHOTS_OFFSET, q->snapshots_offset);
    if (q->version >= 3) {
        put_be64(head + AT_INCOMPATIBLE, q->incompatible);
        put_be64(head + AT_COMPATIBLE, q->compatible);
        put_be64(head + AT_AUTOCLEAR, q->autoclear);
        put_be32(head + AT_REFCOUNT_ORDER, q->refcount_order);
        put_be32(head + AT_HEADER_SIZE, QCOW2_V3_HEADER);
        head[AT_COMPRESSION] = (uint8_t)q->compression;
    }
}

/* NULL: it does not fit. */
static GByteArray *header_make(Qcow2 *q, bool names)
{
    g_autoptr(GByteArray) out = g_byte_array_new();
    const BlockLayer *layer = &q->layer;
    uint32_t name = layer->backing_file != NULL ? (uint32_t)strlen(layer->backing_file) : 0;

    g_byte_array_set_size(out, q->header_size);
    memset(out->data, 0, out->len);
    fixed_put(q, out->data);
    if (layer->backing_format != NULL && name != 0) {
        extension_put(out, (uint32_t)EXTENSION_BACKING_FORMAT, layer->backing_format,
                      (uint32_t)strlen(layer->backing_format));
    }
    if (q->data_file_name != NULL) {
        extension_put(out, EXTENSION_DATA_FILE, q->data_file_name,
                      (uint32_t)strlen(q->data_file_name));
    }
    if (names) {
        feature_names_put(out);
    }
    for (guint i = 0; i < q->extensions->len; i++) {
        const Qcow2Extension *extension = &g_array_index(q->extensions, Qcow2Extension, i);

        extension_put(out, extension->type, extension->data, extension->size);
    }
    extension_put(out, EXTENSION_END, "", 0);
    if (name != 0) {
        put_be64(out->data + AT_BACKING_OFFSET, out->len);
        put_be32(out->data + AT_BACKING_SIZE, name);
        g_byte_array_append(out, (const guint8 *)layer->backing_file, name);
    }
    return out->len <= q->cluster_size ? g_steal_pointer(&out) : NULL;
}

int qcow2_header_write(Qcow2 *q)
{
    g_autoptr(GByteArray) out = NULL;

    q->header_size = q->version >= 3 ? QCOW2_V3_HEADER : QCOW2_V2_HEADER;
    out = header_make(q, q->version >= 3);
    if (out == NULL) {
        out = header_make(q, false); /* clusters of 512 bytes have no room for words */
    }
    return out != NULL ? layer_pwrite(q->layer.file, 0, out->data, out->len) : ENOSPC;
}

int qcow2_features_write(Qcow2 *q)
{
    uint8_t bits[24];

    g_assert(q->version >= 3);
    put_be64(bits, q->incompatible);
    put_be64(bits + 8, q->compatible);
    put_be64(bits + 16, q->autoclear);
    return layer_pwrite(q->layer.file, AT_INCOMPATIBLE, bits, sizeof(bits));
}

void qcow2_extensions_free(GArray *extensions)
{
    for (guint i = 0; i < extensions->len; i++) {
        g_free(g_array_index(extensions, Qcow2Extension, i).data);
    }
    g_array_free(extensions, TRUE);
}
