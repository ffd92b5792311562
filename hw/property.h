/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_PROPERTY_H
#define HW_PROPERTY_H
/* property.h - what can be set of a device: rows that -device, -global, -device help, `info qtree`
 * and qom-get all read.
 *
 * A property is a field of the device's structure.  It has its default when the device is made, is
 * set from text (the command line) or from a link (the board), and does not change after create().
 */
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct Device;

typedef enum PropertyKind { /* and the type of the field */
                            PROPERTY_BOOL,
                            PROPERTY_BIT,   /* uint32_t, bit number `bit` */
                            PROPERTY_BIT64, /* uint64_t, likewise */
                            PROPERTY_U8,
                            PROPERTY_U16,
                            PROPERTY_U32,
                            PROPERTY_U64,
                            PROPERTY_INT,         /* int32_t */
                            PROPERTY_SIZE,        /* uint64_t; K, M, G, T are understood */
                            PROPERTY_STRING,      /* char *, NULL: not given; the device's own */
                            PROPERTY_ENUM,        /* int, index in `values` */
                            PROPERTY_ON_OFF_AUTO, /* OnOffAuto */
                            PROPERTY_MAC,         /* uint8_t[6] */
                            PROPERTY_SLOT,        /* int32_t devfn, -1: any; slot[.function] */
                            PROPERTY_DRIVE,       /* pointers to host ends, NULL: not given */
                            PROPERTY_CHARDEV,
                            PROPERTY_NETDEV,
                            PROPERTY_AUDIODEV,
                            PROPERTY_OBJECT, /* -object; `object` names what it has to be */
                            PROPERTY_LINK    /* `bytes` that only the board can set; not shown */
} PropertyKind;

typedef enum OnOffAuto { ON_OFF_AUTO_AUTO, ON_OFF_AUTO_ON, ON_OFF_AUTO_OFF } OnOffAuto;

typedef struct Property {
    const char *name; /* NULL ends the table */
    PropertyKind kind;
    size_t offset;
    int64_t init;              /* numbers, bits, enums, slots */
    const char *text;          /* strings */
    unsigned bit;              /* BIT, BIT64 */
    const char *const *values; /* ENUM: NULL ends them */
    const char *enum_name;     /* ENUM: the type's name in help; NULL: "enum" */
    const char *object;        /* OBJECT: "memory-backend", "rng", ... */
    size_t bytes;              /* LINK */
    bool no_default;           /* help tells no default */
    const char *help;
} Property;

/* Rows in short. `field` is of the structure `type`. */
#define PROPERTY_ROW(name_, kind_, type, field, ...)                                               \
    {                                                                                              \
        .name = name_, .kind = kind_, .offset = offsetof(type, field), __VA_ARGS__                 \
    }
#define PROPERTY_LINK_ROW(name_, type, field)                                                      \
    {                                                                                              \
        .name = name_, .kind = PROPERTY_LINK, .offset = offsetof(type, field),                     \
        .bytes = sizeof(((type *)0)->field)                                                        \
    }

void property_set_default(struct Device *dev, const Property *property);
void property_clear(struct Device *dev, const Property *property); /* frees what it holds */
/* False, with a message in QEMU's words, leaves the field as it was. */
bool property_set_text(struct Device *dev, const Property *property, const char *text,
                       GError **error);
/* The board's way: `link` is a host end's address, or that of `bytes` to copy. */
void property_set_link(struct Device *dev, const Property *property, const void *link);
/* The value as `info qtree` shows it; NULL for what is not shown. Caller frees. */
char *property_text(const struct Device *dev, const Property *property);

/* The value itself, for programs: a boolean, an unsigned or signed number of 64 bits, or a string;
 * NULL for what is not shown. Floating. */
GVariant *property_value(const struct Device *dev, const Property *property);

bool property_is_host_end(const Property *property);
/* For help: the type in QEMU's words, the default (NULL: none), the words behind it ("" if none).
 */
const char *property_type_name(const Property *property);
char *property_default_text(const Property *property);
const char *property_help(const Property *property);

#endif
