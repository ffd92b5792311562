/* SPDX-License-Identifier: GPL-2.0-or-later */
/* table_write.c - fields of tables, their heads and checksums. */
#include "hw/acpi/tables_int.h"

#include <string.h>

enum { CHECKSUM_OFFSET = 9 };

void acpi_put(GByteArray *out, unsigned width, uint64_t value)
{
    value = GUINT64_TO_LE(value);
    g_byte_array_append(out, (const guint8 *)&value, width);
}

void acpi_put_text(GByteArray *out, const char *text)
{
    g_byte_array_append(out, (const guint8 *)text, (guint)strlen(text));
}

void acpi_put_pointer(AcpiTables *tables, AcpiPiece piece, unsigned width, uint32_t target)
{
    AcpiPointer pointer = { piece, tables->piece[piece]->len, (uint8_t)width };

    g_array_append_val(tables->pointers, pointer);
    acpi_put(tables->piece[piece], width, target);
}

void acpi_put_address(GByteArray *out, uint8_t space, uint8_t bits, uint64_t address)
{
    acpi_put(out, 1, space);
    acpi_put(out, 1, bits);
    acpi_put(out, 1, 0); /* bit offset */
    acpi_put(out, 1, 0); /* access size: undefined, legacy */
    acpi_put(out, 8, address);
}

void acpi_add_checksum(AcpiTables *tables, AcpiPiece piece, uint32_t offset, uint32_t start,
                       uint32_t length)
{
    AcpiChecksum sum = { piece, offset, start, length };

    g_array_append_val(tables->checksums, sum);
}

uint32_t acpi_table_begin(AcpiTables *tables, const char *signature, uint8_t revision)
{
    GByteArray *out = tables->piece[PIECE_TABLES];
    uint32_t start;

    while (out->len % 16 != 0) {
        acpi_put(out, 1, 0);
    }
    start = out->len;
    acpi_put_text(out, signature);
    acpi_put(out, 4, 0); /* length and checksum: see acpi_table_end */
    acpi_put(out, 1, revision);
    acpi_put(out, 1, 0);
    acpi_put_text(out, "BOCHS ");
    acpi_put_text(out, "BXPC    ");
    acpi_put(out, 4, 1);
    acpi_put_text(out, "BXPC");
    acpi_put(out, 4, 1);
    return start;
}

void acpi_table_end(AcpiTables *tables, uint32_t start)
{
    GByteArray *out = tables->piece[PIECE_TABLES];
    uint32_t length = out->len - start, little = GUINT32_TO_LE(length);

    memcpy(out->data + start + 4, &little, sizeof(little));
    acpi_add_checksum(tables, PIECE_TABLES, start + CHECKSUM_OFFSET, start, length);
}
