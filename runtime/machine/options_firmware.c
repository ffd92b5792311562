/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options_firmware.c - what firmware is told: -boot, -fw_cfg, -option-rom, -acpitable, -smbios,
 * -uuid. */
#include "runtime/machine/options_int.h"

#include <stdio.h>
#include <string.h>

#include "hw/firmware_config.h"
#include "hw/rom_files.h"

enum {
    FILE_MAX = 16 << 20,
    OPTION_ROM_MAX = 128 << 10,
    ACPI_HEADER = 36,
    ACPI_CHECKSUM_AT = 9,
    SMBIOS_HEADER = 4,
};

/* ---- -boot ---- */

static bool boot_letters(const char *letters, GError **error)
{
    uint32_t seen = 0;

    for (const char *letter = letters; *letter != '\0'; letter++) {
        if (*letter < 'a' || *letter > 'p') {
            return option_fail(error, OPTIONS_ERROR_VALUE, "Invalid boot device '%c'", *letter);
        }
        if ((seen >> (*letter - 'a') & 1) != 0) {
            return option_fail(error, OPTIONS_ERROR_VALUE, "Boot device '%c' was given twice",
                               *letter);
        }
        seen |= 1u << (*letter - 'a');
        if (strchr("abcdn", *letter) == NULL) {
            return option_fail(error, OPTIONS_ERROR_VALUE, "Invalid boot device for PC: '%c'",
                               *letter);
        }
    }
    return strlen(letters) <= FIRMWARE_BOOT_DEVICES ||
           option_fail(error, OPTIONS_ERROR_VALUE, "Too many boot devices for PC");
}

static bool boot_order(const KeyValues *values, const char *key, char **order, GError **error)
{
    const char *letters = keyval_get(values, key);

    if (letters == NULL) {
        return true;
    }
    if (!boot_letters(letters, error)) {
        return false;
    }
    g_free(*order);
    *order = g_strdup(letters);
    return true;
}

bool options_set_boot_order(Options *options, const char *letters, GError **error)
{
    if (!boot_letters(letters, error)) {
        return false;
    }
    g_free(options->firmware->boot_order);
    options->firmware->boot_order = g_strdup(letters);
    return true;
}

static bool boot_time(const KeyValues *values, const char *key, int32_t *result, GError **error)
{
    const char *text = keyval_get(values, key);
    uint64_t time = 0;

    if (g_strcmp0(text, "-1") == 0) {
        *result = -1;
        return true;
    }
    if (!keyval_number(values, key, UINT16_MAX, &time, error)) {
        return false;
    }
    *result = text != NULL ? (int32_t)time : *result;
    return true;
}

static bool boot_splash(Options *options, const char *path, GError **error)
{
    g_autofree char *data = NULL;
    gsize size;
    const char *name;

    if (path == NULL) {
        return true;
    }
    if (!g_file_get_contents(path, &data, &size, error)) {
        return false;
    }
    name = size > 2 && memcmp(data, "\xff\xd8", 2) == 0 ? "bootsplash.jpg"
           : size > 2 && memcmp(data, "BM", 2) == 0     ? "bootsplash.bmp"
                                                        : NULL;
    return name != NULL
               ? firmware_config_add_file(options->firmware, name,
                                          g_bytes_new_take(g_steal_pointer(&data), size)) ||
                     option_fail(error, OPTIONS_ERROR_VALUE, "splash= is given twice")
               : option_fail(error, OPTIONS_ERROR_VALUE, "%s: neither a JPEG nor a BMP image",
                             path);
}

bool option_boot(Options *options, const char *value, GError **error)
{
    static const char *const known[] = { "order",       "once",           "menu",   "splash",
                                         "splash-time", "reboot-timeout", "strict", NULL };
    g_autoptr(KeyValues) values = keyval_parse(value, "order");
    FirmwareConfig *firmware = options->firmware;

    return keyval_check(values, known, error) &&
           boot_order(values, "order", &firmware->boot_order, error) &&
           boot_order(values, "once", &firmware->boot_once, error) &&
           keyval_bool(values, "menu", &firmware->boot_menu, error) &&
           keyval_bool(values, "strict", &firmware->boot_strict, error) &&
           boot_time(values, "splash-time", &firmware->splash_time, error) &&
           boot_time(values, "reboot-timeout", &firmware->reboot_timeout, error) &&
           boot_splash(options, keyval_get(values, "splash"), error);
}

/* ---- -fw_cfg, -option-rom ---- */

static GBytes *file_bytes(const char *path, size_t most, GError **error)
{
    RomFiles *files = rom_files_new(NULL);
    g_autofree char *whole = strchr(path, '/') != NULL ? g_strdup(path)
                                                       : g_strconcat("./", path, NULL);
    size_t size;
    uint8_t *data = rom_files_load(files, whole, most, &size, error);

    rom_files_free(files);
    return data != NULL ? g_bytes_new_take(data, size) : NULL;
}

bool option_fw_cfg(Options *options, const char *value, GError **error)
{
    static const char *const known[] = { "name", "file", "string", NULL };
    g_autoptr(KeyValues) values = keyval_parse(value, "name");
    const char *name = keyval_get(values, "name"), *path = keyval_get(values, "file");
    const char *text = keyval_get(values, "string");
    GBytes *data;

    if (!keyval_check(values, known, error)) {
        return false;
    }
    if (name == NULL || *name == '\0' || (path == NULL) == (text == NULL)) {
        return option_fail(error, OPTIONS_ERROR_VALUE,
                           "name= is needed, and one of file= and string=");
    }
    if (strlen(name) >= FWCFG_NAME_SIZE) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "name too long (max. %d char)",
                           FWCFG_NAME_SIZE - 1);
    }
    data = path != NULL ? file_bytes(path, FILE_MAX, error) : g_bytes_new(text, strlen(text));
    if (data == NULL) {
        return false;
    }
    if (!g_str_has_prefix(name, "opt/")) {
        g_ptr_array_add(options->notes,
                        g_strdup_printf("warning: externally provided fw_cfg item names should be "
                                        "prefixed with \"opt/\": %s",
                                        name));
    }
    return firmware_config_add_file(options->firmware, name, data) ||
           option_fail(error, OPTIONS_ERROR_VALUE, "duplicate fw_cfg file name: %s", name);
}

bool option_option_rom(Options *options, const char *value, GError **error)
{
    g_autoptr(KeyValues) values = keyval_parse(value, "romfile");
    const char *path = keyval_get(values, "romfile");
    g_autofree char *base = NULL, *name = NULL;
    GBytes *data;

    if (path == NULL) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "Option ROM file is not specified");
    }
    base = g_path_get_basename(path);
    name = g_strconcat("genroms/", base, NULL);
    data = file_bytes(path, OPTION_ROM_MAX, error);
    return data != NULL && (firmware_config_add_file(options->firmware, name, data) ||
                            option_fail(error, OPTIONS_ERROR_VALUE, "%s is given twice", base));
}

/* ---- -acpitable ---- */

/* A text for a field of the header, filled up with zeros. */
static bool acpi_text(const KeyValues *values, const char *key, uint8_t *field, size_t size,
                      GError **error)
{
    const char *text = keyval_get(values, key);

    if (text == NULL) {
        return true;
    }
    if (strlen(text) > size) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "%s=%s: longer than %zu characters", key,
                           text, size);
    }
    memset(field, 0, size);
    memcpy(field, text, strlen(text));
    return true;
}

static bool acpi_number(const KeyValues *values, const char *key, uint8_t *field, unsigned width,
                        GError **error)
{
    uint64_t value = 0;

    memcpy(&value, field, width);
    if (!keyval_number(values, key, width == 1 ? UINT8_MAX : UINT32_MAX, &value, error)) {
        return false;
    }
    memcpy(field, &value, width);
    return true;
}

static bool acpi_header(const KeyValues *values, uint8_t *header, GError **error)
{
    return acpi_text(values, "sig", header, 4, error) &&
           acpi_number(values, "rev", header + 8, 1, error) &&
           acpi_text(values, "oem_id", header + 10, 6, error) &&
           acpi_text(values, "oem_table_id", header + 16, 8, error) &&
           acpi_number(values, "oem_rev", header + 24, 4, error) &&
           acpi_text(values, "asl_compiler_id", header + 28, 4, error) &&
           acpi_number(values, "asl_compiler_rev", header + 32, 4, error);
}

/* data=: files one after the other, to come behind a new header; file=: a table with its own. */
static bool acpi_body(const KeyValues *values, GByteArray *table, GError **error)
{
    static const uint8_t fresh[ACPI_HEADER] = "QEMU\0\0\0\0\1\0QEMUQEQEMUQEMU\1\0\0\0QEMU\1\0\0\0";
    const char *list = keyval_get(values, "data"), *file = keyval_get(values, "file");
    g_auto(GStrv) paths = g_strsplit(list != NULL ? list : file != NULL ? file : "", ":", -1);

    if ((list == NULL) == (file == NULL)) {
        return option_fail(error, OPTIONS_ERROR_VALUE,
                           "exactly one of file= and data= has to be given");
    }
    if (list != NULL) {
        g_byte_array_append(table, fresh, sizeof(fresh));
    }
    for (char **path = paths; *path != NULL; path++) {
        g_autoptr(GBytes) data = file_bytes(*path, FILE_MAX, error);
        gsize size;
        const uint8_t *bytes;

        if (data == NULL) {
            return false;
        }
        bytes = g_bytes_get_data(data, &size);
        g_byte_array_append(table, bytes, (guint)size);
    }
    return table->len >= ACPI_HEADER ||
           option_fail(error, OPTIONS_ERROR_VALUE, "ACPI table is too short");
}

bool option_acpitable(Options *options, const char *value, GError **error)
{
    static const char *const known[] = { "sig",          "rev",
                                         "oem_id",       "oem_rev",
                                         "oem_table_id", "asl_compiler_id",
                                         "data",         "asl_compiler_rev",
                                         "file",         NULL };
    g_autoptr(KeyValues) values = keyval_parse(value, NULL);
    GByteArray *table = g_byte_array_new();
    uint32_t length;
    uint8_t sum = 0;

    if (!keyval_check(values, known, error) || !acpi_body(values, table, error) ||
        !acpi_header(values, table->data, error)) {
        g_byte_array_unref(table);
        return false;
    }
    length = GUINT32_TO_LE(table->len);
    memcpy(table->data + 4, &length, sizeof(length));
    table->data[ACPI_CHECKSUM_AT] = 0;
    for (guint i = 0; i < table->len; i++) {
        sum = (uint8_t)(sum + table->data[i]);
    }
    table->data[ACPI_CHECKSUM_AT] = (uint8_t)-sum;
    g_ptr_array_add(options->firmware->acpi, g_byte_array_free_to_bytes(table));
    return true;
}

/* ---- -smbios ---- */

typedef struct SmbiosType {
    unsigned type;
    const char *keys[12]; /* NULL ends them */
} SmbiosType;

static const SmbiosType smbios_types[] = {
    { 0, { "vendor", "version", "date", "release", "uefi" } },
    { 1, { "manufacturer", "product", "version", "serial", "uuid", "sku", "family" } },
    { 2, { "manufacturer", "product", "version", "serial", "asset", "location" } },
    { 3, { "manufacturer", "version", "serial", "asset", "sku" } },
    { 4,
      { "sock_pfx", "manufacturer", "version", "serial", "asset", "part", "max-speed",
        "current-speed" } },
    { 11, { "value", "path" } },
    { 17, { "loc_pfx", "bank", "manufacturer", "serial", "asset", "part", "speed" } },
    { 41, { "designation", "kind", "instance", "pcidev" } },
};

/* 32 hexadecimal digits, with dashes anywhere between bytes. */
static bool uuid_parse(const char *text, uint8_t uuid[16])
{
    unsigned n = 0;

    while (*text != '\0') {
        if (*text == '-') {
            text++;
        } else if (n < 16 && g_ascii_isxdigit(text[0]) && g_ascii_isxdigit(text[1])) {
            uuid[n++] = (uint8_t)(g_ascii_xdigit_value(text[0]) << 4 |
                                  g_ascii_xdigit_value(text[1]));
            text += 2;
        } else {
            return false;
        }
    }
    return n == 16;
}

bool option_uuid(Options *options, const char *value, GError **error)
{
    const uint8_t *u = options->firmware->uuid;

    if (!uuid_parse(value, options->firmware->uuid)) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "failed to parse UUID string: wrong format");
    }
    g_free(options->uuid);
    options->uuid = g_strdup_printf(
        "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0], u[1], u[2],
        u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14], u[15]);
    return true;
}

static bool smbios_oem(Options *options, const KeyValues *values, GError **error)
{
    for (guint i = 0; i < values->list->len; i++) {
        const KeyValue *pair = &g_array_index(values->list, KeyValue, i);

        if (strcmp(pair->key, "value") == 0) {
            g_ptr_array_add(options->firmware->smbios.oem, g_strdup(pair->value));
        } else if (strcmp(pair->key, "path") == 0) {
            char *text;

            if (!g_file_get_contents(pair->value, &text, NULL, error)) {
                return false;
            }
            g_ptr_array_add(options->firmware->smbios.oem, text);
        }
    }
    return true;
}

static bool smbios_onboard(Options *options, const KeyValues *values, GError **error)
{
    static const char *const kinds[] = { "invalid", "other",    "unknown",   "video",
                                         "scsi",    "ethernet", "tokenring", "sound",
                                         "pata",    "sata",     "sas",       NULL };
    const char *word = keyval_get(values, "kind"), *name = keyval_get(values, "designation");
    uint64_t instance = 1, kind = 1;
    SmbiosOnboard *device;

    for (kind = 1; word != NULL && kinds[kind] != NULL && strcmp(kinds[kind], word) != 0; kind++) {
    }
    if (kinds[kind] == NULL) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "Invalid parameter '%s'", word);
    }
    if (keyval_get(values, "pcidev") != NULL) {
        return option_fail(error, OPTIONS_ERROR_REFUSED, "pcidev= is not supported");
    }
    if (!keyval_number(values, "instance", UINT8_MAX, &instance, error)) {
        return false;
    }
    device = g_new0(SmbiosOnboard, 1);
    device->designation = g_strdup(name != NULL ? name : "");
    device->kind = (uint8_t)kind;
    device->instance = (uint8_t)instance;
    g_ptr_array_add(options->firmware->smbios.devices, device);
    return true;
}

static bool smbios_fields(Options *options, unsigned type, const KeyValues *values, GError **error)
{
    for (guint i = 0; i < values->list->len; i++) {
        const KeyValue *pair = &g_array_index(values->list, KeyValue, i);

        if (strcmp(pair->key, "type") == 0) {
            continue;
        }
        if (type == 1 && strcmp(pair->key, "uuid") == 0) {
            if (!option_uuid(options, pair->value, error)) {
                return false;
            }
            continue;
        }
        g_hash_table_replace(options->firmware->smbios.fields,
                             g_strdup_printf("%u.%s", type, pair->key), g_strdup(pair->value));
    }
    return true;
}

static bool smbios_file(Options *options, const char *path, GError **error)
{
    GBytes *data = file_bytes(path, UINT16_MAX, error);
    const uint8_t *bytes;
    gsize size;

    if (data == NULL) {
        return false;
    }
    bytes = g_bytes_get_data(data, &size);
    if (size < SMBIOS_HEADER + 2 || bytes[1] < SMBIOS_HEADER || bytes[1] > size - 2 ||
        bytes[size - 1] != 0 || bytes[size - 2] != 0) {
        g_bytes_unref(data);
        return option_fail(error, OPTIONS_ERROR_VALUE, "Cannot read SMBIOS file %s", path);
    }
    g_ptr_array_add(options->firmware->smbios.binaries, data);
    return true;
}

bool option_smbios(Options *options, const char *value, GError **error)
{
    g_autoptr(KeyValues) values = keyval_parse(value, NULL);
    const char *file = keyval_get(values, "file");
    const char *known[G_N_ELEMENTS(smbios_types[0].keys) + 1] = { "type" };
    uint64_t type = UINT64_MAX;
    size_t i = 0;

    if (file != NULL) {
        return smbios_file(options, file, error);
    }
    if (!keyval_number(values, "type", UINT8_MAX, &type, error)) {
        return false;
    }
    while (i < G_N_ELEMENTS(smbios_types) && smbios_types[i].type != type) {
        i++;
    }
    if (i == G_N_ELEMENTS(smbios_types)) {
        return option_fail(error, OPTIONS_ERROR_VALUE,
                           type == UINT64_MAX ? "Must specify type= or file="
                                              : "Don't know how to build fields for SMBIOS type %u",
                           (unsigned)type);
    }
    memcpy(known + 1, smbios_types[i].keys, sizeof(smbios_types[i].keys));
    if (!keyval_check(values, known, error)) {
        return false;
    }
    return type == 11   ? smbios_oem(options, values, error)
           : type == 41 ? smbios_onboard(options, values, error)
                        : smbios_fields(options, (unsigned)type, values, error);
}
