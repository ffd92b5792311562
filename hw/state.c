/* SPDX-License-Identifier: GPL-2.0-or-later */
/* state.c - states of devices as bytes, and back.
 *
 *   table: version (4 bytes), fields, 0, parts, 0
 *   field: length of the name (1), name, type (1), count (4), elements
 *   part:  length of the name (1), name, table
 *
 * Numbers are little-endian. What is read is checked against the table, never trusted. */
#include "hw/state.h"

#include <string.h>

G_DEFINE_QUARK(state - error - quark, state_error)

enum { NAME_MAX_LENGTH = 255, DEPTH_MAX = 4 };

static const uint8_t widths[] = {
    [STATE_U8] = 1,   [STATE_U16] = 2,   [STATE_U32] = 4,    [STATE_U64] = 8,
    [STATE_BOOL] = 1, [STATE_BYTES] = 1, [STATE_BUFFER] = 1,
};
_Static_assert(sizeof(bool) == 1, "widths");
_Static_assert(G_BYTE_ORDER == G_LITTLE_ENDIAN, "elements are copied as they are");

/* ---- Saving ---- */

static void put_number(GByteArray *out, uint32_t value, unsigned width)
{
    g_byte_array_append(out, (const guint8 *)&value, width);
}

static void put_name(GByteArray *out, const char *name)
{
    size_t length = strlen(name);

    g_assert(length > 0 && length <= NAME_MAX_LENGTH);
    put_number(out, (uint32_t)length, 1);
    g_byte_array_append(out, (const guint8 *)name, (guint)length);
}

static void field_save(const StateField *field, const void *device, GByteArray *out)
{
    const uint8_t *data = (const uint8_t *)device + field->offset;
    uint32_t count = field->count;

    if (field->type == STATE_BUFFER) {
        const GByteArray *buffer = *(GByteArray *const *)(const void *)data;

        g_assert(buffer->len <= field->count);
        data = buffer->data;
        count = buffer->len;
    }
    put_name(out, field->name);
    put_number(out, field->type, 1);
    put_number(out, count, 4);
    g_byte_array_append(out, data, count * widths[field->type]);
}

static void table_save(const StateTable *table, const void *device, GByteArray *out)
{
    put_number(out, table->version, 4);
    for (const StateField *field = table->fields; field->name != NULL; field++) {
        field_save(field, device, out);
    }
    put_number(out, 0, 1);
    for (unsigned i = 0; table->parts != NULL && table->parts[i] != NULL; i++) {
        const StateTable *part = table->parts[i];

        if (part->needed == NULL || part->needed(device)) {
            put_name(out, part->name);
            table_save(part, device, out);
        }
    }
    put_number(out, 0, 1);
}

void state_save(const StateTable *table, void *device, GByteArray *out)
{
    if (table->saving != NULL) {
        table->saving(device);
    }
    table_save(table, device, out);
}

/* ---- Loading ---- */

typedef struct Reader {
    const uint8_t *at, *end;
} Reader;

static bool fail(GError **error, StateError code, const StateTable *table, const char *what)
{
    g_set_error(error, STATE_ERROR, code, "state of '%s': %s", table->name, what);
    return false;
}

static bool take(Reader *reader, void *data, size_t size)
{
    if ((size_t)(reader->end - reader->at) < size) {
        return false;
    }
    memcpy(data, reader->at, size);
    reader->at += size;
    return true;
}

/* `name` has room for NAME_MAX_LENGTH and a zero; "" at the end of a list. */
static bool take_name(Reader *reader, char *name)
{
    uint8_t length;

    if (!take(reader, &length, 1) || !take(reader, name, length)) {
        return false;
    }
    name[length] = '\0';
    return true;
}

static bool bytes_load(const StateField *field, void *device, uint32_t count, Reader *reader)
{
    uint8_t *data = (uint8_t *)device + field->offset;

    if (field->type == STATE_BUFFER) {
        GByteArray *buffer = *(GByteArray **)(void *)data;

        if (count > field->count || (size_t)(reader->end - reader->at) < count) {
            return false;
        }
        g_byte_array_set_size(buffer, count);
        return take(reader, buffer->data, count);
    }
    if (count != field->count || !take(reader, data, (size_t)count * widths[field->type])) {
        return false;
    }
    for (uint32_t i = 0; field->type == STATE_BOOL && i < count; i++) {
        data[i] = data[i] != 0;
    }
    return true;
}

static bool field_load(const StateTable *table, void *device, const char *name, Reader *reader,
                       bool *seen, GError **error)
{
    uint32_t count;
    uint8_t type;
    unsigned i = 0;

    while (table->fields[i].name != NULL && strcmp(table->fields[i].name, name) != 0) {
        i++;
    }
    if (table->fields[i].name == NULL) {
        return fail(error, STATE_ERROR_VERSION, table, "a field that is not known");
    }
    if (!take(reader, &type, 1) || !take(reader, &count, 4) || type != table->fields[i].type ||
        !bytes_load(&table->fields[i], device, count, reader)) {
        return fail(error, STATE_ERROR_FORM, table, "a field is cut short, or of another kind");
    }
    seen[i] = true;
    return true;
}

static bool fields_load(const StateTable *table, void *device, uint32_t version, Reader *reader,
                        GError **error)
{
    g_autofree bool *seen = NULL;
    char name[NAME_MAX_LENGTH + 1];
    unsigned n = 0;

    while (table->fields[n].name != NULL) {
        n++;
    }
    seen = g_new0(bool, n + 1);
    while (take_name(reader, name) && *name != '\0') {
        if (!field_load(table, device, name, reader, seen, error)) {
            return false;
        }
    }
    for (unsigned i = 0; i < n; i++) {
        if (!seen[i] && table->fields[i].version <= version) {
            return fail(error, STATE_ERROR_MISSING, table, "a field is missing");
        }
    }
    return true;
}

static void part_clear(const StateTable *part, void *device)
{
    for (const StateField *field = part->fields; field->name != NULL; field++) {
        uint8_t *data = (uint8_t *)device + field->offset;

        if (field->type == STATE_BUFFER) {
            g_byte_array_set_size(*(GByteArray **)(void *)data, 0);
        } else {
            memset(data, 0, (size_t)field->count * widths[field->type]);
        }
    }
}

static bool table_load(const StateTable *table, void *device, Reader *reader, unsigned depth,
                       GError **error);

static bool parts_load(const StateTable *table, void *device, Reader *reader, unsigned depth,
                       GError **error)
{
    char name[NAME_MAX_LENGTH + 1];

    for (unsigned i = 0; table->parts != NULL && table->parts[i] != NULL; i++) {
        part_clear(table->parts[i], device);
    }
    for (;;) {
        unsigned i = 0;

        if (!take_name(reader, name)) {
            return fail(error, STATE_ERROR_FORM, table, "cut short");
        }
        if (*name == '\0') {
            return true;
        }
        while (table->parts != NULL && table->parts[i] != NULL &&
               strcmp(table->parts[i]->name, name) != 0) {
            i++;
        }
        if (table->parts == NULL || table->parts[i] == NULL || depth == DEPTH_MAX) {
            return fail(error, STATE_ERROR_VERSION, table, "a part that is not known");
        }
        if (!table_load(table->parts[i], device, reader, depth + 1, error)) {
            return false;
        }
    }
}

static bool table_load(const StateTable *table, void *device, Reader *reader, unsigned depth,
                       GError **error)
{
    uint32_t version;

    if (!take(reader, &version, 4)) {
        return fail(error, STATE_ERROR_FORM, table, "cut short");
    }
    if (version > table->version) {
        return fail(error, STATE_ERROR_VERSION, table, "of a newer version");
    }
    return fields_load(table, device, version, reader, error) &&
           parts_load(table, device, reader, depth, error);
}

bool state_load(const StateTable *table, void *device, const uint8_t *data, size_t size,
                GError **error)
{
    Reader reader = { data, data + size };

    if (!table_load(table, device, &reader, 0, error)) {
        return false;
    }
    return reader.at == reader.end || fail(error, STATE_ERROR_FORM, table, "too long");
}

void state_loaded(const StateTable *table, void *device)
{
    for (unsigned i = 0; table->parts != NULL && table->parts[i] != NULL; i++) {
        state_loaded(table->parts[i], device);
    }
    if (table->loaded != NULL) {
        table->loaded(device);
    }
}
