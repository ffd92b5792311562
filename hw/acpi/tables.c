/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/acpi/tables.h"
#include <string.h>
#include "hw/acpi/tables_int.h"

/* tables.c - life and placement of the ACPI tables, and the loader script for firmware (QEMU's
 * docs: the fw_cfg file etc/table-loader is an array of 128-byte commands). */

enum {
    LOADER_ALLOCATE = 1,
    LOADER_ADD_POINTER = 2,
    LOADER_ADD_CHECKSUM = 3,
    LOADER_ZONE_HIGH = 1,
    LOADER_ZONE_FSEG = 2,
    LOADER_ENTRY_SIZE = 128,
    RSDP_ALIGN = 16,
};

static const char *const piece_files[PIECES] = {
    [PIECE_TABLES] = "etc/acpi/tables",
    [PIECE_RSDP] = "etc/acpi/rsdp",
};

AcpiTables *acpi_tables_new(const AcpiTablesConfig *config)
{
    AcpiTables *tables = g_new0(AcpiTables, 1);

    for (unsigned i = 0; i < PIECES; i++) {
        tables->piece[i] = g_byte_array_new();
    }
    tables->pointers = g_array_new(false, false, sizeof(AcpiPointer));
    tables->checksums = g_array_new(false, false, sizeof(AcpiChecksum));
    acpi_tables_build(tables, config);
    return tables;
}

void acpi_tables_free(AcpiTables *tables)
{
    for (unsigned i = 0; i < PIECES; i++) {
        g_byte_array_unref(tables->piece[i]);
    }
    g_array_unref(tables->pointers);
    g_array_unref(tables->checksums);
    g_free(tables);
}

uint64_t acpi_tables_size(const AcpiTables *tables)
{
    return tables->piece[PIECE_TABLES]->len;
}

void acpi_tables_place(const AcpiTables *tables, uint64_t base, void *copy, void *rsdp)
{
    uint8_t *piece[PIECES] = { [PIECE_TABLES] = copy, [PIECE_RSDP] = rsdp };

    for (unsigned i = 0; i < PIECES; i++) {
        memcpy(piece[i], tables->piece[i]->data, tables->piece[i]->len);
    }
    for (guint i = 0; i < tables->pointers->len; i++) {
        const AcpiPointer *pointer = &g_array_index(tables->pointers, AcpiPointer, i);
        uint64_t value = 0;

        memcpy(&value, piece[pointer->piece] + pointer->offset, pointer->width);
        value += base;
        memcpy(piece[pointer->piece] + pointer->offset, &value, pointer->width);
    }
    for (guint i = 0; i < tables->checksums->len; i++) {
        const AcpiChecksum *sum = &g_array_index(tables->checksums, AcpiChecksum, i);
        uint8_t *bytes = piece[sum->piece], total = 0;

        bytes[sum->offset] = 0;
        for (uint32_t j = 0; j < sum->length; j++) {
            total = (uint8_t)(total + bytes[sum->start + j]);
        }
        bytes[sum->offset] = (uint8_t)-total;
    }
}

/* ---- The loader script ---- */

static void loader_number(uint8_t *entry, unsigned offset, uint32_t value)
{
    value = GUINT32_TO_LE(value);
    memcpy(entry + offset, &value, sizeof(value));
}

static uint8_t *loader_entry(GByteArray *script, uint32_t command)
{
    guint at = script->len;

    g_byte_array_set_size(script, at + LOADER_ENTRY_SIZE);
    memset(script->data + at, 0, LOADER_ENTRY_SIZE);
    loader_number(script->data + at, 0, command);
    return script->data + at;
}

static void loader_file(uint8_t *entry, unsigned offset, AcpiPiece piece)
{
    g_strlcpy((char *)entry + offset, piece_files[piece], FWCFG_NAME_SIZE);
}

static void loader_allocate(GByteArray *script, AcpiPiece piece, uint32_t align, uint8_t zone)
{
    uint8_t *entry = loader_entry(script, LOADER_ALLOCATE);

    loader_file(entry, 4, piece);
    loader_number(entry, 60, align);
    entry[64] = zone;
}

void acpi_tables_publish(const AcpiTables *tables, FwCfg *fw)
{
    g_autoptr(GByteArray) script = g_byte_array_new();

    loader_allocate(script, PIECE_RSDP, RSDP_ALIGN, LOADER_ZONE_FSEG);
    loader_allocate(script, PIECE_TABLES, ACPI_TABLES_ALIGN, LOADER_ZONE_HIGH);
    for (guint i = 0; i < tables->pointers->len; i++) {
        const AcpiPointer *pointer = &g_array_index(tables->pointers, AcpiPointer, i);
        uint8_t *entry = loader_entry(script, LOADER_ADD_POINTER);

        loader_file(entry, 4, pointer->piece);
        loader_file(entry, 60, PIECE_TABLES);
        loader_number(entry, 116, pointer->offset);
        entry[120] = pointer->width;
    }
    for (guint i = 0; i < tables->checksums->len; i++) {
        const AcpiChecksum *sum = &g_array_index(tables->checksums, AcpiChecksum, i);
        uint8_t *entry = loader_entry(script, LOADER_ADD_CHECKSUM);

        loader_file(entry, 4, sum->piece);
        loader_number(entry, 60, sum->offset);
        loader_number(entry, 64, sum->start);
        loader_number(entry, 68, sum->length);
    }
    for (unsigned i = 0; i < PIECES; i++) {
        fwcfg_set_file(fw, piece_files[i], tables->piece[i]->data, tables->piece[i]->len);
    }
    fwcfg_set_file(fw, "etc/table-loader", script->data, script->len);
}
