/* SPDX-License-Identifier: GPL-2.0-or-later */
/* property_value.c - a property's value as programs take it: typed, without decoration. */
#include <string.h>

#include "hw/board.h"

static uint64_t number_read(const void *field, PropertyKind kind)
{
    static const uint8_t widths[] = {
        [PROPERTY_BIT] = 4, [PROPERTY_BIT64] = 8, [PROPERTY_U8] = 1,   [PROPERTY_U16] = 2,
        [PROPERTY_U32] = 4, [PROPERTY_U64] = 8,   [PROPERTY_SIZE] = 8,
    };
    uint64_t value = 0;

    memcpy(&value, field, widths[kind]); /* little-endian */
    return value;
}

/* What is shown in quotation marks, without them. */
static GVariant *quoted_value(const Device *dev, const Property *property)
{
    char *text = property_text(dev, property);
    size_t n = strlen(text);

    if (n >= 2 && text[0] == '"') {
        text[n - 1] = '\0';
        memmove(text, text + 1, n - 1);
    }
    return g_variant_new_take_string(text);
}

GVariant *property_value(const Device *dev, const Property *property)
{
    const void *field = (const char *)dev + property->offset;

    switch (property->kind) {
    case PROPERTY_BOOL:
        return g_variant_new_boolean(*(const bool *)field);
    case PROPERTY_BIT:
    case PROPERTY_BIT64:
        return g_variant_new_boolean((number_read(field, property->kind) >> property->bit & 1) !=
                                     0);
    case PROPERTY_U8:
    case PROPERTY_U16:
    case PROPERTY_U32:
    case PROPERTY_U64:
    case PROPERTY_SIZE:
        return g_variant_new_uint64(number_read(field, property->kind));
    case PROPERTY_INT:
    case PROPERTY_SLOT:
        return g_variant_new_int64(*(const int32_t *)field);
    case PROPERTY_LINK:
        return NULL;
    default:
        return quoted_value(dev, property);
    }
}
