/* SPDX-License-Identifier: GPL-2.0-or-later */
/* property.c - a row a kind: how its field is read from text, written as text, named in help. */
#include "hw/property.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hw/board.h"

typedef struct KindRow {
    const char *type_name; /* in -device NAME,help */
    const char *help;      /* where the property has none of its own */
    unsigned width;        /* integers: bytes */
    const char *range;     /* integers: the type's name in messages */
    bool (*set)(Device *dev, const Property *property, const char *text, GError **error);
    char *(*text)(const Device *dev, const Property *property);
    char *(*init)(const Property *property); /* the default in help; NULL: none */
} KindRow;

static const KindRow kinds[];

static const char *const on_off_auto[] = { "auto", "on", "off", NULL };

/* ---- Fields ---- */

static void *field_of(const Device *dev, const Property *property)
{
    return (char *)dev + property->offset;
}

static uint64_t field_read(const Device *dev, const Property *property)
{
    uint64_t value = 0;

    memcpy(&value, field_of(dev, property), kinds[property->kind].width); /* little-endian */
    return value;
}

static void field_write(Device *dev, const Property *property, uint64_t value)
{
    memcpy(field_of(dev, property), &value, kinds[property->kind].width);
}

static bool fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool fail(GError **error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_propagate_error(error, g_error_new_valist(DEVICE_ERROR, DEVICE_ERROR_VALUE, format, args));
    va_end(args);
    return false;
}

static bool fail_value(GError **error, const Device *dev, const Property *property,
                       const char *text)
{
    return fail(error, "Property '%s.%s' doesn't take value '%s'", dev->type->name, property->name,
                text);
}

/* ---- Switches ---- */

static bool bool_parse(const Property *property, const char *text, bool *on, GError **error)
{
    static const char *const yes[] = { "on", "yes", "true", "y", NULL };
    static const char *const no[] = { "off", "no", "false", "n", NULL };

    if (g_strv_contains(yes, text) || g_strv_contains(no, text)) {
        *on = g_strv_contains(yes, text);
        return true;
    }
    return fail(error, "Parameter '%s' expects 'on' or 'off'", property->name);
}

static bool bool_set(Device *dev, const Property *property, const char *text, GError **error)
{
    return bool_parse(property, text, field_of(dev, property), error);
}

static char *bool_text(const Device *dev, const Property *property)
{
    return g_strdup(*(bool *)field_of(dev, property) ? "true" : "false");
}

static char *bool_init(const Property *property)
{
    return g_strdup(property->init != 0 ? "true" : "false");
}

static void bit_write(Device *dev, const Property *property, bool on)
{
    uint64_t bit = 1ull << property->bit, value = field_read(dev, property);

    field_write(dev, property, on ? value | bit : value & ~bit);
}

static bool bit_set(Device *dev, const Property *property, const char *text, GError **error)
{
    bool on;

    if (!bool_parse(property, text, &on, error)) {
        return false;
    }
    bit_write(dev, property, on);
    return true;
}

static char *bit_text(const Device *dev, const Property *property)
{
    return g_strdup((field_read(dev, property) >> property->bit & 1) != 0 ? "true" : "false");
}

/* ---- Numbers ---- */

static bool integer_parse(const Property *property, const char *text, uint64_t *value,
                          GError **error)
{
    const char *digits = *text == '-' ? text + 1 : text;
    bool hex = g_ascii_strncasecmp(digits, "0x", 2) == 0;
    char *end = NULL;

    errno = 0;
    if (g_ascii_isdigit(*digits)) {
        *value = g_ascii_strtoull(digits, &end, hex ? 16 : 10);
    }
    if (end == NULL || *end != '\0' || errno != 0) {
        return fail(error, "Parameter '%s' expects %s", property->name,
                    property->kind == PROPERTY_U64 ? "uint64" : "integer");
    }
    if (*text == '-') {
        *value = -*value;
    }
    return true;
}

/* As QEMU takes them: -1 is the largest of 64 bits, and out of range for fewer. */
static bool unsigned_set(Device *dev, const Property *property, const char *text, GError **error)
{
    const KindRow *kind = &kinds[property->kind];
    uint64_t value;

    if (!integer_parse(property, text, &value, error)) {
        return false;
    }
    if (kind->width < 8 && value >> (8 * kind->width) != 0) {
        return fail(error, "Parameter '%s' expects %s", property->name, kind->range);
    }
    field_write(dev, property, value);
    return true;
}

static char *unsigned_text(const Device *dev, const Property *property)
{
    guint64 value = field_read(dev, property);

    return g_strdup_printf("%" G_GUINT64_FORMAT " (0x%" G_GINT64_MODIFIER "x)", value, value);
}

static char *unsigned_init(const Property *property)
{
    unsigned width = kinds[property->kind].width;

    return g_strdup_printf("%" G_GUINT64_FORMAT,
                           (guint64)property->init << (64 - 8 * width) >> (64 - 8 * width));
}

static bool int_set(Device *dev, const Property *property, const char *text, GError **error)
{
    uint64_t value;

    if (!integer_parse(property, text, &value, error)) {
        return false;
    }
    if ((int64_t)value != (int32_t)value) {
        return fail(error, "Parameter '%s' expects int32_t", property->name);
    }
    field_write(dev, property, value);
    return true;
}

static char *int_text(const Device *dev, const Property *property)
{
    int value = *(int32_t *)field_of(dev, property);

    return g_strdup_printf("%d (0x%x)", value, (unsigned)value);
}

static char *int_init(const Property *property)
{
    return g_strdup_printf("%d", (int)property->init);
}

static bool size_set(Device *dev, const Property *property, const char *text, GError **error)
{
    static const char units[] = "bkmgtpe";
    bool hex = g_ascii_strncasecmp(text, "0x", 2) == 0;
    const char *unit = NULL;
    char *end = NULL;
    uint64_t value = 0;
    unsigned shift = 0;

    errno = 0;
    if (g_ascii_isdigit(*text)) {
        value = g_ascii_strtoull(text, &end, hex ? 16 : 10);
    }
    if (end != NULL && *end != '\0' && !hex) {
        unit = strchr(units, g_ascii_tolower(*end++));
        shift = unit != NULL ? 10 * (unsigned)(unit - units) : 0;
    }
    if (end == NULL || *end != '\0' || errno != 0 || (unit == NULL && end[-1] > '9' && !hex) ||
        value > UINT64_MAX >> shift) {
        return fail(error, "Parameter '%s' expects a size", property->name);
    }
    field_write(dev, property, value << shift);
    return true;
}

/* ---- Words ---- */

static bool string_set(Device *dev, const Property *property, const char *text, GError **error)
{
    char **field = field_of(dev, property);

    (void)error;
    g_free(*field);
    *field = g_strdup(text);
    return true;
}

static char *string_text(const Device *dev, const Property *property)
{
    char *value = *(char **)field_of(dev, property);

    return g_strdup_printf("\"%s\"", value != NULL ? value : "");
}

static char *string_init(const Property *property)
{
    return property->text != NULL ? g_strdup_printf("\"%s\"", property->text) : NULL;
}

static const char *const *enum_values(const Property *property)
{
    return property->kind == PROPERTY_ON_OFF_AUTO ? on_off_auto : property->values;
}

static bool enum_set(Device *dev, const Property *property, const char *text, GError **error)
{
    const char *const *values = enum_values(property);

    for (int i = 0; values[i] != NULL; i++) {
        if (strcmp(values[i], text) == 0) {
            *(int *)field_of(dev, property) = i;
            return true;
        }
    }
    return fail(error, "Parameter '%s' does not accept value '%s'", property->name, text);
}

static char *enum_text(const Device *dev, const Property *property)
{
    return g_strdup_printf("\"%s\"", enum_values(property)[*(int *)field_of(dev, property)]);
}

static char *enum_init(const Property *property)
{
    return g_strdup_printf("\"%s\"", enum_values(property)[property->init]);
}

/* ---- Addresses ---- */

static bool mac_set(Device *dev, const Property *property, const char *text, GError **error)
{
    uint8_t mac[6];
    const char *p = text;

    for (unsigned i = 0; i < sizeof(mac); i++, p += 2) {
        if (i != 0 && *p != ':' && *p != '-') {
            return fail_value(error, dev, property, text);
        }
        p += i != 0;
        if (!g_ascii_isxdigit(p[0]) || !g_ascii_isxdigit(p[1])) {
            return fail_value(error, dev, property, text);
        }
        mac[i] = (uint8_t)(g_ascii_xdigit_value(p[0]) << 4 | g_ascii_xdigit_value(p[1]));
    }
    if (*p != '\0') {
        return fail_value(error, dev, property, text);
    }
    memcpy(field_of(dev, property), mac, sizeof(mac));
    return true;
}

static char *mac_text(const Device *dev, const Property *property)
{
    const uint8_t *mac = field_of(dev, property);

    return g_strdup_printf("\"%02x:%02x:%02x:%02x:%02x:%02x\"", mac[0], mac[1], mac[2], mac[3],
                           mac[4], mac[5]);
}

/* SLOT or SLOT.FUNCTION in hexadecimal, or the two as one number (JSON). */
static bool slot_set(Device *dev, const Property *property, const char *text, GError **error)
{
    guint64 slot = 0, function = 0;
    char *end = NULL;

    if (g_ascii_isxdigit(*text)) { /* "0x" may stand before either */
        slot = g_ascii_strtoull(text, &end, 16);
    }
    if (end != NULL && *end == '.' && g_ascii_isxdigit(end[1])) {
        function = g_ascii_strtoull(end + 1, &end, 16);
    }
    if (end == NULL || *end != '\0' || slot > 31 || function > 7) {
        return fail_value(error, dev, property, text);
    }
    *(int32_t *)field_of(dev, property) = (int32_t)(slot << 3 | function);
    return true;
}

static char *slot_text(const Device *dev, const Property *property)
{
    int devfn = *(int32_t *)field_of(dev, property);

    return devfn < 0 ? g_strdup("<unset>") : g_strdup_printf("%02x.%x", devfn >> 3, devfn & 7);
}

/* ---- Host ends ---- */

static void host_end_store(Device *dev, const Property *property, void *host_end)
{
    void **field = field_of(dev, property);

    if (*field != NULL) {
        board_release(dev->board, dev, *field);
    }
    *field = host_end;
}

static bool host_end_set(Device *dev, const Property *property, const char *text, GError **error)
{
    void *host_end = board_claim(dev->board, dev, property, text, error);

    if (host_end == NULL) {
        return false;
    }
    host_end_store(dev, property, host_end);
    return true;
}

static char *host_end_text(const Device *dev, const Property *property)
{
    const char *id = g_hash_table_lookup(dev->words, property->name);

    return g_strdup_printf("\"%s\"", id != NULL ? id : "");
}

/* ---- The rows ---- */

#define UNSIGNED(bits)                                                                             \
    .type_name = "uint" #bits, .width = bits / 8, .range = "uint" #bits "_t", .set = unsigned_set, \
    .text = unsigned_text, .init = unsigned_init
#define HOST_END(text_)                                                                            \
    .type_name = "str", .help = text_, .set = host_end_set, .text = host_end_text

static const KindRow kinds[] = {
    [PROPERTY_BOOL] = { "bool", .set = bool_set, .text = bool_text, .init = bool_init },
    [PROPERTY_BIT] = { "bool", .help = "on/off", .width = 4, .set = bit_set, .text = bit_text,
                       .init = bool_init },
    [PROPERTY_BIT64] = { "bool", .help = "on/off", .width = 8, .set = bit_set, .text = bit_text,
                         .init = bool_init },
    [PROPERTY_U8] = { UNSIGNED(8) },
    [PROPERTY_U16] = { UNSIGNED(16) },
    [PROPERTY_U32] = { UNSIGNED(32) },
    [PROPERTY_U64] = { UNSIGNED(64) },
    [PROPERTY_INT] = { "int32", .width = 4, .set = int_set, .text = int_text, .init = int_init },
    [PROPERTY_SIZE] = { "size", .width = 8, .set = size_set, .text = unsigned_text,
                        .init = unsigned_init },
    [PROPERTY_STRING] = { "str", .set = string_set, .text = string_text, .init = string_init },
    [PROPERTY_ENUM] = { "enum", .set = enum_set, .text = enum_text, .init = enum_init },
    [PROPERTY_ON_OFF_AUTO] = { "OnOffAuto", .help = "on/off/auto", .set = enum_set,
                               .text = enum_text, .init = enum_init },
    [PROPERTY_MAC] = { "str", .help = "Ethernet 6-byte MAC Address, example: 52:54:00:12:34:56",
                       .set = mac_set, .text = mac_text },
    [PROPERTY_SLOT] = { "int32", .help = "Slot and optional function number, example: 06.0 or 06",
                        .set = slot_set, .text = slot_text, .init = int_init },
    [PROPERTY_DRIVE] = { HOST_END("Node name or ID of a block device to use as a backend") },
    [PROPERTY_CHARDEV] = { HOST_END("ID of a chardev to use as a backend") },
    [PROPERTY_NETDEV] = { HOST_END("ID of a netdev to use as a backend") },
    [PROPERTY_AUDIODEV] = { HOST_END("ID of an audiodev to use as a backend") },
    [PROPERTY_OBJECT] = { "link", .set = host_end_set, .text = host_end_text },
    [PROPERTY_LINK] = { "link" },
};

bool property_is_host_end(const Property *property)
{
    return kinds[property->kind].set == host_end_set;
}

void property_set_default(Device *dev, const Property *property)
{
    switch (property->kind) {
    case PROPERTY_BOOL:
        *(bool *)field_of(dev, property) = property->init != 0;
        break;
    case PROPERTY_BIT:
    case PROPERTY_BIT64:
        bit_write(dev, property, property->init != 0);
        break;
    case PROPERTY_STRING:
        *(char **)field_of(dev, property) = g_strdup(property->text);
        break;
    case PROPERTY_ENUM:
    case PROPERTY_ON_OFF_AUTO:
    case PROPERTY_SLOT:
        *(int32_t *)field_of(dev, property) = (int32_t)property->init;
        break;
    default:
        if (kinds[property->kind].width != 0) {
            field_write(dev, property, (uint64_t)property->init);
        }
        break;
    }
}

void property_clear(Device *dev, const Property *property)
{
    if (property->kind == PROPERTY_STRING) {
        g_clear_pointer((char **)field_of(dev, property), g_free);
    } else if (property_is_host_end(property)) {
        host_end_store(dev, property, NULL);
    }
}

bool property_set_text(Device *dev, const Property *property, const char *text, GError **error)
{
    g_assert(kinds[property->kind].set != NULL);
    return kinds[property->kind].set(dev, property, text, error);
}

void property_set_link(Device *dev, const Property *property, const void *link)
{
    if (property->kind == PROPERTY_LINK) {
        memcpy(field_of(dev, property), link, property->bytes);
        return;
    }
    g_assert(property_is_host_end(property));
    g_hash_table_insert(dev->board->claimed, (void *)link, dev);
    host_end_store(dev, property, (void *)link);
}

char *property_text(const Device *dev, const Property *property)
{
    return kinds[property->kind].text != NULL ? kinds[property->kind].text(dev, property) : NULL;
}

const char *property_type_name(const Property *property)
{
    if (property->kind == PROPERTY_ENUM && property->enum_name != NULL) {
        return property->enum_name;
    }
    return kinds[property->kind].type_name;
}

char *property_default_text(const Property *property)
{
    const KindRow *kind = &kinds[property->kind];

    return property->no_default || kind->init == NULL ? NULL : kind->init(property);
}

const char *property_help(const Property *property)
{
    return property->help != NULL ? property->help : kinds[property->kind].help;
}
