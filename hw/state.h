/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_STATE_H
#define HW_STATE_H
/* state.h - what of a device survives a snapshot: a table of fields, so that save, load, migration
 * and dumps are one generic routine.
 *
 * A table says its version; a field says since which version it is there.  A state of an older
 * version is taken, with the younger fields as they are in the device; one of a newer version, or
 * with fields that the table does not know, is refused. */
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum StateType {
    STATE_U8,
    STATE_U16,
    STATE_U32,
    STATE_U64,
    STATE_BOOL,
    STATE_BYTES,
    STATE_BUFFER, /* GByteArray *, of 0 to `count` bytes; the pointer is never NULL */
} StateType;

typedef struct StateField {
    const char *name; /* NULL ends the table */
    StateType type;
    size_t offset;    /* in the device's structure */
    uint32_t count;   /* array elements; bytes for STATE_BYTES; most bytes for STATE_BUFFER */
    uint32_t version; /* of the table in which the field appeared */
} StateField;

typedef struct StateTable StateTable;
struct StateTable {
    const char *name; /* of the device */
    uint32_t version;
    const StateField *fields;
    void (*saving)(void *device); /* before a save: brings the fields up to date; may be NULL */
    /* After a load, when the fields of all devices are there: checks what the guest cannot be
     * trusted with, recomputes what is derived, drives wires.  May be NULL. */
    void (*loaded)(void *device);
    /* Parts that are saved only if they are needed, of the same structure; NULL ends them. Where
     * one is absent its fields become zero. */
    const StateTable *const *parts;
    bool (*needed)(const void *device); /* of a part */
};

/* For loops over the state of many objects; `instance` tells those of one table apart. */
typedef void StateVisit(void *opaque, const StateTable *table, unsigned instance, void *object);

/* Appends the state of `device`, in an order of bytes that does not depend on the host. */
void state_save(const StateTable *table, void *device, GByteArray *out);
/* Takes all of `data`. On failure the device's fields are undefined, within their types. Does not
 * call `loaded`: state_loaded does, once every device has its fields. */
bool state_load(const StateTable *table, void *device, const uint8_t *data, size_t size,
                GError **error);
void state_loaded(const StateTable *table, void *device);

#define STATE_ERROR state_error_quark()
GQuark state_error_quark(void);
typedef enum StateError { STATE_ERROR_FORM, STATE_ERROR_VERSION, STATE_ERROR_MISSING } StateError;

#define STATE_FIELD(type_, device, field)                                                          \
    {                                                                                              \
        .name = #field, .type = type_, .offset = offsetof(device, field), .count = 1, .version = 1 \
    }
#define STATE_ARRAY(type_, device, field)                                                          \
    {                                                                                              \
        .name = #field, .type = type_, .offset = offsetof(device, field),                          \
        .count = sizeof(((device *)0)->field) / sizeof(((device *)0)->field[0]), .version = 1      \
    }

#endif
