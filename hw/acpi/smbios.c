/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/acpi/smbios.h"
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

enum { /* structure handles */
       HANDLE_BIOS = 0x000,
       HANDLE_SYSTEM = 0x100,
       HANDLE_CHASSIS = 0x300,
       HANDLE_PROCESSOR = 0x400, /* one a socket */
       HANDLE_MEMORY_ARRAY = 0x1000,
       HANDLE_MEMORY_DEVICE = 0x1100,
       HANDLE_MEMORY_MAPPED = 0x1300,
       HANDLE_BOOT = 0x2000,
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
    GByteArray *structures;
    unsigned count;
    size_t largest;
    size_t start; /* of the structure that is being made */
    bool has_text;
};

/* ---- Writing ---- */

static void put(Smbios *smbios, unsigned width, uint64_t value)
{
    value = GUINT64_TO_LE(value);
    g_byte_array_append(smbios->structures, (const guint8 *)&value, width);
}

static void structure_begin(Smbios *smbios, uint8_t type, uint8_t length, uint16_t handle)
{
    smbios->start = smbios->structures->len;
    smbios->has_text = false;
    put(smbios, 1, type);
    put(smbios, 1, length);
    put(smbios, 2, handle);
}

/* Ends the formatted part with the strings that its fields number from 1. */
static void structure_end(Smbios *smbios, ...)
{
    size_t length = smbios->structures->len - smbios->start;
    const char *text;
    va_list texts;

    g_assert(length == smbios->structures->data[smbios->start + 1]);
    va_start(texts, smbios);
    while ((text = va_arg(texts, const char *)) != NULL) {
        g_byte_array_append(smbios->structures, (const guint8 *)text, (guint)strlen(text) + 1);
        smbios->has_text = true;
    }
    va_end(texts);
    put(smbios, smbios->has_text ? 1 : 2, 0);
    smbios->count++;
    smbios->largest = MAX(smbios->largest, smbios->structures->len - smbios->start);
}

/* ---- Structures ---- */

static void add_bios(Smbios *smbios)
{
    structure_begin(smbios, 0, 24, HANDLE_BIOS);
    put(smbios, 1, 1); /* vendor, version */
    put(smbios, 1, 2);
    put(smbios, 2, 0xe800); /* segment */
    put(smbios, 1, 3);      /* date */
    put(smbios, 1, 0);      /* 64 KiB of ROM */
    put(smbios, 8, 0x08);   /* characteristics not supported */
    put(smbios, 1, 0x01);   /* extension: ACPI */
    put(smbios, 1, 0x14);   /* targeted content distribution; a virtual machine */
    put(smbios, 1, 0);      /* release, none of the embedded controller */
    put(smbios, 1, 1);
    put(smbios, 2, 0xffff);
    structure_end(smbios, "doppel", "1", "01/01/2024", NULL);
}

static void add_system(Smbios *smbios, const SmbiosConfig *config)
{
    structure_begin(smbios, 1, 27, HANDLE_SYSTEM);
    put(smbios, 1, 1); /* manufacturer, product, version, no serial number */
    put(smbios, 1, 2);
    put(smbios, 1, 3);
    put(smbios, 1, 0);
    g_byte_array_append(smbios->structures, config->uuid, sizeof(config->uuid));
    put(smbios, 1, 6); /* wake-up: power switch */
    put(smbios, 2, 0);
    structure_end(smbios, "doppel", "Standard PC (i440FX + PIIX)", "pc", NULL);
}

static void add_chassis(Smbios *smbios)
{
    structure_begin(smbios, 3, 22, HANDLE_CHASSIS);
    put(smbios, 1, 1); /* manufacturer */
    put(smbios, 1, 1); /* type: other */
    put(smbios, 1, 2); /* version, no serial number, no asset tag */
    put(smbios, 2, 0);
    put(smbios, 1, 3); /* boot-up, power supply, thermal: safe */
    put(smbios, 1, 3);
    put(smbios, 1, 3);
    put(smbios, 1, 2); /* security: unknown */
    put(smbios, 4, 0);
    put(smbios, 1, 0); /* height, power cords, contained elements, SKU */
    put(smbios, 1, 0);
    put(smbios, 2, 0);
    put(smbios, 1, 0);
    structure_end(smbios, "doppel", "pc", NULL);
}

static void add_processor(Smbios *smbios, const SmbiosConfig *config, unsigned i)
{
    char socket[16];

    g_snprintf(socket, sizeof(socket), "CPU %u", i);
    structure_begin(smbios, 4, 42, (uint16_t)(HANDLE_PROCESSOR + i));
    put(smbios, 1, 1); /* socket */
    put(smbios, 1, 3); /* central processor */
    put(smbios, 1, 1); /* family: other */
    put(smbios, 1, 2); /* manufacturer */
    put(smbios, 8, 0); /* ID: CPUID has it */
    put(smbios, 1, 3); /* version */
    put(smbios, 1, 0); /* voltage */
    put(smbios, 2, 0); /* external clock */
    put(smbios, 2, CPU_SPEED_MHZ);
    put(smbios, 2, CPU_SPEED_MHZ);
    put(smbios, 1, 0x41);   /* populated, enabled */
    put(smbios, 1, 1);      /* upgrade: other */
    put(smbios, 2, 0xffff); /* no cache structures */
    put(smbios, 2, 0xffff);
    put(smbios, 2, 0xffff);
    put(smbios, 3, 0); /* serial number, asset tag, part number */
    put(smbios, 1, 1); /* cores, enabled cores, threads */
    put(smbios, 1, 1);
    put(smbios, 1, 1);
    put(smbios, 2, 0x02); /* characteristics unknown */
    put(smbios, 2, 1);    /* family 2: other */
    structure_end(smbios, socket, "doppel",
                  config->cpu_version != NULL && config->cpu_version[0] != '\0'
                      ? config->cpu_version
                      : "doppel",
                  NULL);
}

static void add_memory_array(Smbios *smbios, uint64_t ram, unsigned devices)
{
    bool large = ram >> KIB_SHIFT >= 0x80000000;

    structure_begin(smbios, 16, 23, HANDLE_MEMORY_ARRAY);
    put(smbios, 1, 1); /* location: other; system memory; error correction: multi-bit */
    put(smbios, 1, 3);
    put(smbios, 1, 6);
    put(smbios, 4, large ? 0x80000000 : ram >> KIB_SHIFT);
    put(smbios, 2, HANDLE_NONE);
    put(smbios, 2, devices);
    put(smbios, 8, large ? ram : 0);
    structure_end(smbios, NULL);
}

static void add_memory_device(Smbios *smbios, unsigned i, uint64_t size)
{
    uint64_t mib = size >> MIB_SHIFT;
    char locator[16];

    g_snprintf(locator, sizeof(locator), "DIMM %u", i);
    structure_begin(smbios, 17, 40, (uint16_t)(HANDLE_MEMORY_DEVICE + i));
    put(smbios, 2, HANDLE_MEMORY_ARRAY);
    put(smbios, 2, HANDLE_NONE);
    put(smbios, 2, 0xffff); /* widths: unknown */
    put(smbios, 2, 0xffff);
    put(smbios, 2, mib == 0 ? 0x8000 | size >> KIB_SHIFT : mib < 0x7fff ? mib : 0x7fff);
    put(smbios, 1, 9); /* DIMM, in no set */
    put(smbios, 1, 0);
    put(smbios, 1, 1); /* locator, no bank */
    put(smbios, 1, 0);
    put(smbios, 1, 7); /* RAM, other */
    put(smbios, 2, 2);
    put(smbios, 2, 0); /* speed */
    put(smbios, 1, 2); /* manufacturer, no serial number, asset tag, part number */
    put(smbios, 3, 0);
    put(smbios, 1, 0); /* rank */
    put(smbios, 4, mib < 0x7fff ? 0 : mib);
    put(smbios, 2, 0); /* configured speed, voltages */
    put(smbios, 6, 0);
    structure_end(smbios, locator, "doppel", NULL);
}

static void add_mapped(Smbios *smbios, unsigned i, uint64_t start, uint64_t size)
{
    uint64_t last = start + size - 1;
    bool wide = last >> KIB_SHIFT >= UINT32_MAX;

    structure_begin(smbios, 19, 31, (uint16_t)(HANDLE_MEMORY_MAPPED + i));
    put(smbios, 4, wide ? UINT32_MAX : start >> KIB_SHIFT);
    put(smbios, 4, wide ? UINT32_MAX : last >> KIB_SHIFT);
    put(smbios, 2, HANDLE_MEMORY_ARRAY);
    put(smbios, 1, 1); /* partition width */
    put(smbios, 8, wide ? start : 0);
    put(smbios, 8, wide ? last : 0);
    structure_end(smbios, NULL);
}

static void add_memory(Smbios *smbios, const SmbiosConfig *config)
{
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

Smbios *smbios_new(const SmbiosConfig *config)
{
    Smbios *smbios = g_new0(Smbios, 1);

    smbios->structures = g_byte_array_new();
    add_bios(smbios);
    add_system(smbios, config);
    add_chassis(smbios);
    for (unsigned i = 0; i < config->cpus && i < MAX_SOCKETS; i++) {
        add_processor(smbios, config, i);
    }
    add_memory(smbios, config);
    structure_begin(smbios, 32, 11, HANDLE_BOOT);
    put(smbios, 6, 0);
    put(smbios, 1, 0); /* no errors detected */
    structure_end(smbios, NULL);
    structure_begin(smbios, 127, 4, HANDLE_END);
    structure_end(smbios, NULL);
    return smbios;
}

void smbios_free(Smbios *smbios)
{
    g_byte_array_unref(smbios->structures);
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

static void smbios_entry(const Smbios *smbios, uint32_t address, uint8_t *entry)
{
    memset(entry, 0, SMBIOS_ENTRY_SIZE);
    memcpy(entry, "_SM_", 4);
    entry[5] = SMBIOS_ENTRY_SIZE;
    entry[6] = 2; /* version 2.8 */
    entry[7] = 8;
    put_word(entry + ENTRY_MAX_STRUCTURE, (uint32_t)smbios->largest, 2);
    memcpy(entry + ENTRY_INTERMEDIATE, "_DMI_", 5);
    put_word(entry + ENTRY_LENGTH, smbios->structures->len, 2);
    put_word(entry + ENTRY_ADDRESS, address, 4);
    put_word(entry + ENTRY_COUNT, smbios->count, 2);
    entry[30] = 0x28;
    entry[ENTRY_INTERMEDIATE_CHECKSUM] = sum_to_zero(entry + ENTRY_INTERMEDIATE,
                                                     SMBIOS_ENTRY_SIZE - ENTRY_INTERMEDIATE);
    entry[ENTRY_CHECKSUM] = sum_to_zero(entry, SMBIOS_ENTRY_SIZE);
}

void smbios_place(const Smbios *smbios, uint32_t address, void *entry, void *structures)
{
    smbios_entry(smbios, address, entry);
    memcpy(structures, smbios->structures->data, smbios->structures->len);
}

void smbios_publish(const Smbios *smbios, FwCfg *fw)
{
    uint8_t entry[SMBIOS_ENTRY_SIZE];

    smbios_entry(smbios, 0, entry);
    fwcfg_set_file(fw, "etc/smbios/smbios-anchor", entry, sizeof(entry));
    fwcfg_set_file(fw, "etc/smbios/smbios-tables", smbios->structures->data,
                   smbios->structures->len);
}
