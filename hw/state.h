/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_STATE_H
#define HW_STATE_H
/* state.h - what of a device survives a snapshot: a table of fields, so that save, load, migration
 * and dumps are one generic routine. */
#include <stddef.h>
#include <stdint.h>

typedef enum StateType {
    STATE_U8,
    STATE_U16,
    STATE_U32,
    STATE_U64,
    STATE_BOOL,
    STATE_BYTES
} StateType;

typedef struct StateField {
    const char *name; /* NULL ends the table */
    StateType type;
    size_t offset;    /* in the device's structure */
    uint32_t count;   /* array elements; bytes for STATE_BYTES */
    uint32_t version; /* of the table in which the field appeared */
} StateField;

typedef struct StateTable {
    const char *name; /* of the device */
    uint32_t version;
    const StateField *fields;
    void (*loaded)(void *device); /* after a load: recompute what is derived; may be NULL */
} StateTable;

/* For loops over the state of many objects; `instance` tells those of one table apart. */
typedef void StateVisit(void *opaque, const StateTable *table, unsigned instance, void *object);

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
