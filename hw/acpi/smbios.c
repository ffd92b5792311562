/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/acpi/smbios.h"
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { /* structure handles */
       HANDLE_BIOS = 0x000,
       HANDLE_SYSTEM = 0x100,
       HANDLE_BASEBOARD = 0x200,
       HANDLE_CHASSIS = 0x300,
       HANDLE_PROCESSOR = 0x400, /* one a socket */
       HANDLE_OEM = 0xe00,
       HANDLE_MEMORY_ARRAY = 0x1000,
       HANDLE_MEMORY_DEVICE = 0x1100,
       HANDLE_MEMORY_MAPPED = 0x1300,
       HANDLE_BOOT = 0x2000,
       HANDLE_ONBOARD = 0x2900,
       HANDLE_END = 0x7f00,
       HANDLE_NONE = 0xfffe, /* "not provided" */
};

enum { /* entry point offsets */
       ENTRY_CHECKSUM = 4,
       ENTRY_MAX_STRUCTURE = 8,
       ENTRY_INTERMEDIATE = 16,
       ENTRY_INTERMEDIATE_CHECKSUM = 21,
       ENTRY_LENGTH = 22,
       ENTRY_ADDRESS = 24,
       ENTRY_COUNT = 28,
};

enum {
    MAX_DEVICE_SHIFT = 34, /* a memory device has 16 GiB at most */
    MAX_SOCKETS = 255,
    CPU_SPEED_MHZ = 2000,
    KIB_SHIFT = 10,
    MIB_SHIFT = 20,
};

struct Smbios {
    const SmbiosConfig *config; /* while it is made */
    GByteArray *structures;
    unsigned count;
    size_t largest;
    size_t start;     /* of the structure that is being made */
    GPtrArray *texts; /* its strings, of char * */
    size_t firmware;  /* bytes of a type 0 at the start that is the firmware's own affair */
};

/* ---- Writing ---- */

static void put(Smbios *smbios, unsigned width, uint64_t value)
{
    value = GUINT64_TO_LE(value);
    g_byte_array_append(smbios->structures, (const guint8 *)&value, width);
}

/* The number of a string; 0 stands for none. */
static void put_text(Smbios *smbios, const char *text)
{
    if (text == NULL || *text == '\0') {
        put(smbios, 1, 0);
        return;
    }
    g_ptr_array_add(smbios->texts, g_strdup(text));
    put(smbios, 1, smbios->texts->len);
}

/* What the user says of a field, or else `text`. */
static const char *field(const Smbios *smbios, const char *key, const char *text)
{
    const SmbiosTexts *texts = smbios->config->texts;
    const char *found = texts != NULL && texts->fields != NULL
                            ? g_hash_table_lookup(texts->fields, key)
                            : NULL;

    return found != NULL ? found : text;
}

static void put_field(Smbios *smbios, const char *key, const char *text)
{
    put_text(smbios, field(smbios, key, text));
}

static uint64_t number_field(const Smbios *smbios, const char *key, uint64_t value)
{
    const char *text = field(smbios, key, NULL);

    return text != NULL ? g_ascii_strtoull(text, NULL, 0) : value;
}

static bool has_fields(const Smbios *smbios, const char *type)
{
    const SmbiosTexts *texts = smbios->config->texts;
    GHashTableIter iter;
    gpointer key;

    if (texts == NULL || texts->fields == NULL) {
        return false;
    }
    g_hash_table_iter_init(&iter, texts->fields);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        if (g_str_has_prefix(key, type)) {
            return true;
        }
    }
    return false;
}

/* Is there a structure of this type among the user's own? */
static bool replaced(const Smbios *smbios, uint8_t type)
{
    const SmbiosTexts *texts = smbios->config->texts;

    for (guint i = 0; texts != NULL && texts->binaries != NULL && i < texts->binaries->len; i++) {
        const uint8_t *data = g_bytes_get_data(g_ptr_array_index(texts->binaries, i), NULL);

        if (data[0] == type) {
            return true;
        }
    }
    return false;
}

/* False: the user has one. */
static bool structure_begin(Smbios *smbios, uint8_t type, uint8_t length, uint16_t handle)
{
    if (replaced(smbios, type)) {
        return false;
    }
    smbios->start = smbios->structures->len;
    g_ptr_array_set_size(smbios->texts, 0);
    put(smbios, 1, type);
    put(smbios, 1, length);
    put(smbios, 2, handle);
    return true;
}

/* Ends the formatted part with the strings that its fields number. */
static void structure_end(Smbios *smbios)
{
    size_t length = smbios->structures->len - smbios->start;

    g_assert(length == smbios->structures->data[smbios->start + 1]);
    for (guint i = 0; i < smbios->texts->len; i++) {
        const char *text = g_ptr_array_index(smbios->texts, i);

        g_byte_array_append(smbios->structures, (const guint8 *)text, (guint)strlen(text) + 1);
    }
    put(smbios, smbios->texts->len != 0 ? 1 : 2, 0);
    smbios->count++;
    smbios->largest = MAX(smbios->largest, smbios->structures->len - smbios->start);
}

/* ---- Structures ---- */

static void add_bios(Smbios *smbios)
{
    bool uefi = strcmp(field(smbios, "0.uefi", "off"), "on") == 0;
    unsigned major = 0, minor = 0;

    if (!structure_begin(smbios, 0, 24, HANDLE_BIOS)) {
        return;
    }
    put_field(smbios, "0.vendor", "doppel");
    put_field(smbios, "0.version", "0");
    put(smbios, 2, 0xe800); /* segment */
    put_field(smbios, "0.date", "01/01/2024");
    put(smbios, 1, 0);    /* 64 KiB of ROM */
    put(smbios, 8, 0x08); /* characteristics not supported */
    put(smbios, 1, 0);
    put(smbios, 1, uefi ? 0x1c : 0x14); /* targeted content distribution; a virtual machine; UEFI */
    sscanf(field(smbios, "0.release", "0.0"), "%u.%u", &major, &minor);
    put(smbios, 1, major);
    put(smbios, 1, minor);
    put(smbios, 2, 0xffff); /* no embedded controller */
    structure_end(smbios);
    smbios->firmware = has_fields(smbios, "0.") ? 0 : smbios->structures->len;
}

static void add_system(Smbios *smbios)
{
    const SmbiosConfig *config = smbios->config;

    if (!structure_begin(smbios, 1, 27, HANDLE_SYSTEM)) {
        return;
    }
    put_field(smbios, "1.manufacturer", "QEMU");
    put_field(smbios, "1.product", config->product);
    put_field(smbios, "1.version", config->version);
    put_field(smbios, "1.serial", NULL);
    g_byte_array_append(smbios->structures, config->uuid, sizeof(config->uuid));
    put(smbios, 1, 6); /* wake-up: power switch */
    put_field(smbios, "1.sku", NULL);
    put_field(smbios, "1.family", NULL);
    structure_end(smbios);
}

static void add_baseboard(Smbios *smbios)
{
    if (!has_fields(smbios, "2.") || !structure_begin(smbios, 2, 15, HANDLE_BASEBOARD)) {
        return;
    }
    put_field(smbios, "2.manufacturer", "QEMU");
    put_field(smbios, "2.product", smbios->config->product);
    put_field(smbios, "2.version", smbios->config->version);
    put_field(smbios, "2.serial", NULL);
    put_field(smbios, "2.asset", NULL);
    put(smbios, 1, 1); /* hosting board */
    put_field(smbios, "2.location", NULL);
    put(smbios, 2, HANDLE_CHASSIS);
    put(smbios, 1, 0x0a); /* motherboard, which contains nothing that is told */
    put(smbios, 1, 0);
    structure_end(smbios);
}

static void add_chassis(Smbios *smbios)
{
    if (!structure_begin(smbios, 3, 22, HANDLE_CHASSIS)) {
        return;
    }
    put_field(smbios, "3.manufacturer", "QEMU");
    put(smbios, 1, 1); /* type: other */
    put_field(smbios, "3.version", smbios->config->version);
    put_field(smbios, "3.serial", NULL);
    put_field(smbios, "3.asset", NULL);
    put(smbios, 1, 3); /* boot-up, power supply, thermal: safe */
    put(smbios, 1, 3);
    put(smbios, 1, 3);
    put(smbios, 1, 2); /* security: unknown */
    put(smbios, 4, 0);
    put(smbios, 1, 0); /* height, power cords, contained elements */
    put(smbios, 1, 0);
    put(smbios, 2, 0);
    put_field(smbios, "3.sku", NULL);
    structure_end(smbios);
}

static void add_processor(Smbios *smbios, unsigned i)
{
    const SmbiosConfig *config = smbios->config;
    unsigned cores = MAX(config->cores, 1u), threads = cores * MAX(config->threads, 1u);
    g_autofree char *socket = g_strdup_printf("%s%2x", field(smbios, "4.sock_pfx", "CPU"), i);

    if (!structure_begin(smbios, 4, 42, (uint16_t)(HANDLE_PROCESSOR + i))) {
        return;
    }
    put_text(smbios, socket);
    put(smbios, 1, 3); /* central processor */
    put(smbios, 1, 1); /* family: other */
    put_field(smbios, "4.manufacturer", "QEMU");
    put(smbios, 4, config->cpu_signature);
    put(smbios, 4, config->cpu_features);
    put_field(smbios, "4.version", config->version);
    put(smbios, 1, 0); /* voltage */
    put(smbios, 2, 0); /* external clock */
    put(smbios, 2, number_field(smbios, "4.max-speed", CPU_SPEED_MHZ));
    put(smbios, 2, number_field(smbios, "4.current-speed", CPU_SPEED_MHZ));
    put(smbios, 1, 0x41);   /* populated, enabled */
    put(smbios, 1, 1);      /* upgrade: other */
    put(smbios, 2, 0xffff); /* no cache structures */
    put(smbios, 2, 0xffff);
    put(smbios, 2, 0xffff);
    put_field(smbios, "4.serial", NULL);
    put_field(smbios, "4.asset", NULL);
    put_field(smbios, "4.part", NULL);
    put(smbios, 1, MIN(cores, 255)); /* of which as many are enabled */
    put(smbios, 1, MIN(cores, 255));
    put(smbios, 1, MIN(threads, 255));
    put(smbios, 2, 0x02); /* characteristics unknown */
    put(smbios, 2, 1);    /* family 2: other */
    structure_end(smbios);
}

static void add_oem(Smbios *smbios)
{
    const SmbiosTexts *texts = smbios->config->texts;
    guint n = texts != NULL && texts->oem != NULL ? texts->oem->len : 0;

    if (n == 0 || !structure_begin(smbios, 11, 5, HANDLE_OEM)) {
        return;
    }
    put(smbios, 1, n);
    for (guint i = 0; i < n; i++) {
        g_ptr_array_add(smbios->texts, g_strdup(g_ptr_array_index(texts->oem, i)));
    }
    structure_end(smbios);
}

static void add_onboard(Smbios *smbios)
{
    const SmbiosTexts *texts = smbios->config->texts;

    for (guint i = 0; texts != NULL && texts->devices != NULL && i < texts->devices->len; i++) {
        const SmbiosOnboard *device = g_ptr_array_index(texts->devices, i);

        if (!structure_begin(smbios, 41, 11, (uint16_t)(HANDLE_ONBOARD + i))) {
            return;
        }
        put_text(smbios, device->designation);
        put(smbios, 1, 0x80u | device->kind); /* enabled */
        put(smbios, 1, device->instance);
        put(smbios, 2, 0); /* segment, bus */
        put(smbios, 1, 0);
        put(smbios, 1, device->devfn);
        structure_end(smbios);
    }
}

static void add_memory_array(Smbios *smbios, uint64_t ram, unsigned devices)
{
    bool large = ram >> KIB_SHIFT >= 0x80000000;

    if (!structure_begin(smbios, 16, 23, HANDLE_MEMORY_ARRAY)) {
        return;
    }
    put(smbios, 1, 1); /* location: other; system memory; error correction: multi-bit */
    put(smbios, 1, 3);
    put(smbios, 1, 6);
    put(smbios, 4, large ? 0x80000000 : ram >> KIB_SHIFT);
    put(smbios, 2, HANDLE_NONE);
    put(smbios, 2, devices);
    put(smbios, 8, large ? ram : 0);
    structure_end(smbios);
}

static void add_memory_device(Smbios *smbios, unsigned i, uint64_t size)
{
    uint64_t mib = size >> MIB_SHIFT, speed = number_field(smbios, "17.speed", 0);
    g_autofree char *locator = g_strdup_printf("%s %u", field(smbios, "17.loc_pfx", "DIMM"), i);

    if (!structure_begin(smbios, 17, 40, (uint16_t)(HANDLE_MEMORY_DEVICE + i))) {
        return;
    }
    put(smbios, 2, HANDLE_MEMORY_ARRAY);
    put(smbios, 2, HANDLE_NONE);
    put(smbios, 2, 0xffff); /* widths: unknown */
    put(smbios, 2, 0xffff);
    put(smbios, 2, mib == 0 ? 0x8000 | size >> KIB_SHIFT : mib < 0x7fff ? mib : 0x7fff);
    put(smbios, 1, 9); /* DIMM, in no set */
    put(smbios, 1, 0);
    put_text(smbios, locator);
    put_field(smbios, "17.bank", NULL);
    put(smbios, 1, 7); /* RAM, other */
    put(smbios, 2, 2);
    put(smbios, 2, speed);
    put_field(smbios, "17.manufacturer", "QEMU");
    put_field(smbios, "17.serial", NULL);
    put_field(smbios, "17.asset", NULL);
    put_field(smbios, "17.part", NULL);
    put(smbios, 1, 0); /* rank */
    put(smbios, 4, mib < 0x7fff ? 0 : mib);
    put(smbios, 2, speed);
    put(smbios, 6, 0); /* voltages */
    structure_end(smbios);
}

static void add_mapped(Smbios *smbios, unsigned i, uint64_t start, uint64_t size)
{
    uint64_t last = start + size - 1;
    bool wide = last >> KIB_SHIFT >= UINT32_MAX;

    if (!structure_begin(smbios, 19, 31, (uint16_t)(HANDLE_MEMORY_MAPPED + i))) {
        return;
    }
    put(smbios, 4, wide ? UINT32_MAX : start >> KIB_SHIFT);
    put(smbios, 4, wide ? UINT32_MAX : last >> KIB_SHIFT);
    put(smbios, 2, HANDLE_MEMORY_ARRAY);
    put(smbios, 1, 1); /* partition width */
    put(smbios, 8, wide ? start : 0);
    put(smbios, 8, wide ? last : 0);
    structure_end(smbios);
}

static void add_memory(Smbios *smbios)
{
    const SmbiosConfig *config = smbios->config;
    uint64_t ram = config->low_ram + config->high_ram, most = 1ull << MAX_DEVICE_SHIFT;
    unsigned devices = (unsigned)((ram + most - 1) >> MAX_DEVICE_SHIFT);

    add_memory_array(smbios, ram, devices);
    for (unsigned i = 0; i < devices; i++) {
        add_memory_device(smbios, i, MIN(most, ram - i * most));
    }
    add_mapped(smbios, 0, 0, config->low_ram);
    if (config->high_ram != 0) {
        add_mapped(smbios, 1, 1ull << 32, config->high_ram);
    }
}

static void add_binaries(Smbios *smbios)
{
    const SmbiosTexts *texts = smbios->config->texts;

    for (guint i = 0; texts != NULL && texts->binaries != NULL && i < texts->binaries->len; i++) {
        gsize size;
        const uint8_t *data = g_bytes_get_data(g_ptr_array_index(texts->binaries, i), &size);

        g_byte_array_append(smbios->structures, data, (guint)size);
        smbios->count++;
        smbios->largest = MAX(smbios->largest, size);
    }
}

Smbios *smbios_new(const SmbiosConfig *config)
{
    Smbios *smbios = g_new0(Smbios, 1);

    smbios->config = config;
    smbios->structures = g_byte_array_new();
    smbios->texts = g_ptr_array_new_with_free_func(g_free);
    add_bios(smbios);
    add_system(smbios);
    add_baseboard(smbios);
    add_chassis(smbios);
    for (unsigned i = 0; i < MAX(config->sockets, 1u) && i < MAX_SOCKETS; i++) {
        add_processor(smbios, i);
    }
    add_oem(smbios);
    add_memory(smbios);
    if (structure_begin(smbios, 32, 11, HANDLE_BOOT)) {
        put(smbios, 6, 0);
        put(smbios, 1, 0); /* no errors detected */
        structure_end(smbios);
    }
    add_onboard(smbios);
    add_binaries(smbios);
    if (structure_begin(smbios, 127, 4, HANDLE_END)) {
        structure_end(smbios);
    }
    smbios->config = NULL;
    return smbios;
}

void smbios_free(Smbios *smbios)
{
    g_byte_array_unref(smbios->structures);
    g_ptr_array_unref(smbios->texts);
    g_free(smbios);
}

/* ---- Placing ---- */

size_t smbios_size(const Smbios *smbios)
{
    return smbios->structures->len;
}

static uint8_t sum_to_zero(const uint8_t *bytes, size_t n)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < n; i++) {
        sum = (uint8_t)(sum + bytes[i]);
    }
    return (uint8_t)-sum;
}

static void put_word(uint8_t *bytes, uint32_t value, unsigned width)
{
    for (unsigned i = 0; i < width; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
}

/* For the structures from byte `skip` on. */
static void smbios_entry(const Smbios *smbios, size_t skip, uint32_t address, uint8_t *entry)
{
    memset(entry, 0, SMBIOS_ENTRY_SIZE);
    memcpy(entry, "_SM_", 4);
    entry[5] = SMBIOS_ENTRY_SIZE;
    entry[6] = 2; /* version 2.8 */
    entry[7] = 8;
    put_word(entry + ENTRY_MAX_STRUCTURE, (uint32_t)smbios->largest, 2);
    memcpy(entry + ENTRY_INTERMEDIATE, "_DMI_", 5);
    put_word(entry + ENTRY_LENGTH, (uint32_t)(smbios->structures->len - skip), 2);
    put_word(entry + ENTRY_ADDRESS, address, 4);
    put_word(entry + ENTRY_COUNT, smbios->count - (skip != 0), 2);
    entry[30] = 0x28;
    entry[ENTRY_INTERMEDIATE_CHECKSUM] = sum_to_zero(entry + ENTRY_INTERMEDIATE,
                                                     SMBIOS_ENTRY_SIZE - ENTRY_INTERMEDIATE);
    entry[ENTRY_CHECKSUM] = sum_to_zero(entry, SMBIOS_ENTRY_SIZE);
}

void smbios_place(const Smbios *smbios, uint32_t address, void *entry, void *structures)
{
    smbios_entry(smbios, 0, address, entry);
    memcpy(structures, smbios->structures->data, smbios->structures->len);
}

void smbios_publish(const Smbios *smbios, FwCfg *fw)
{
    uint8_t entry[SMBIOS_ENTRY_SIZE];

    smbios_entry(smbios, smbios->firmware, 0, entry);
    fwcfg_set_file(fw, "etc/smbios/smbios-anchor", entry, sizeof(entry));
    fwcfg_set_file(fw, "etc/smbios/smbios-tables", smbios->structures->data + smbios->firmware,
                   smbios->structures->len - smbios->firmware);
}
