/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/acpi/tables_int.h"
#include <string.h>
#include "hw/acpi/pm.h"
#include "hw/hpet.h"
#include "hw/ioapic.h"

/* The build compiles dsdt.asl to `dsdt_aml_code`. */
#include "dsdt.hex"

enum {
    FACS_SIZE = 64,
    FADT_SIZE = 244,
    CHECKSUM_OFFSET = 9,
    TABLES_MAX = 8,       /* of the board's own */
    AML_MAX_PKG_SIZE = 4, /* bytes of a package length */
};

enum { /* FADT */
       FADT_WBINVD = 1u << 0,
       FADT_C1 = 1u << 2,
       FADT_NO_SLEEP_BUTTON = 1u << 5,
       FADT_RESET_REGISTER = 1u << 10,
       BOOT_LEGACY_DEVICES = 1u << 0,
       BOOT_8042 = 1u << 1,
       RESET_PORT = 0xcf9,
       RESET_VALUE = 0x06,
       ADDRESS_IO = 1, /* generic address spaces */
       ADDRESS_MEMORY = 0,
};

/* ---- Writing ---- */

static void put(GByteArray *out, unsigned width, uint64_t value)
{
    value = GUINT64_TO_LE(value);
    g_byte_array_append(out, (const guint8 *)&value, width);
}

static void put_text(GByteArray *out, const char *text)
{
    g_byte_array_append(out, (const guint8 *)text, (guint)strlen(text));
}

static void put_pointer(AcpiTables *tables, AcpiPiece piece, unsigned width, uint32_t target)
{
    AcpiPointer pointer = { piece, tables->piece[piece]->len, (uint8_t)width };

    g_array_append_val(tables->pointers, pointer);
    put(tables->piece[piece], width, target);
}

static void put_address(GByteArray *out, uint8_t space, uint8_t bits, uint64_t address)
{
    put(out, 1, space);
    put(out, 1, bits);
    put(out, 1, 0); /* bit offset */
    put(out, 1, 0); /* access size: undefined, legacy */
    put(out, 8, address);
}

static void add_checksum(AcpiTables *tables, AcpiPiece piece, uint32_t offset, uint32_t start,
                         uint32_t length)
{
    AcpiChecksum sum = { piece, offset, start, length };

    g_array_append_val(tables->checksums, sum);
}

static uint32_t table_begin(AcpiTables *tables, const char *signature, uint8_t revision)
{
    GByteArray *out = tables->piece[PIECE_TABLES];
    uint32_t start;

    while (out->len % 16 != 0) {
        put(out, 1, 0);
    }
    start = out->len;
    put_text(out, signature);
    put(out, 4, 0); /* length and checksum: see table_end */
    put(out, 1, revision);
    put(out, 1, 0);
    put_text(out, "BOCHS ");
    put_text(out, "BXPC    ");
    put(out, 4, 1);
    put_text(out, "BXPC");
    put(out, 4, 1);
    return start;
}

static void table_end(AcpiTables *tables, uint32_t start)
{
    GByteArray *out = tables->piece[PIECE_TABLES];
    uint32_t length = out->len - start, little = GUINT32_TO_LE(length);

    memcpy(out->data + start + 4, &little, sizeof(little));
    add_checksum(tables, PIECE_TABLES, start + CHECKSUM_OFFSET, start, length);
}

/* ---- Tables ---- */

static uint32_t build_facs(AcpiTables *tables)
{
    GByteArray *out = tables->piece[PIECE_TABLES];
    uint32_t start = out->len;

    put_text(out, "FACS"); /* at 0: must be aligned to 64 */
    put(out, 4, FACS_SIZE);
    for (unsigned i = 8; i < FACS_SIZE; i++) {
        put(out, 1, i == 32); /* version 1 */
    }
    return start;
}

/* The compiler has made its header and checksum. */
static uint32_t build_dsdt(AcpiTables *tables)
{
    GByteArray *out = tables->piece[PIECE_TABLES];
    uint32_t start = out->len;

    g_byte_array_append(out, dsdt_aml_code, sizeof(dsdt_aml_code));
    return start;
}

static void build_fadt_v1(AcpiTables *tables, uint32_t facs, uint32_t dsdt)
{
    GByteArray *out = tables->piece[PIECE_TABLES];

    put_pointer(tables, PIECE_TABLES, 4, facs);
    put_pointer(tables, PIECE_TABLES, 4, dsdt);
    put(out, 1, 1); /* was INT_MODEL: multiple APIC */
    put(out, 1, 0); /* preferred profile: unspecified */
    put(out, 2, ACPI_PM_SCI_IRQ);
    put(out, 4, ACPI_PM_SMI_CMD);
    put(out, 1, ACPI_PM_ENABLE);
    put(out, 1, ACPI_PM_DISABLE);
    put(out, 2, 0); /* S4BIOS_REQ, PSTATE_CNT */
    put(out, 4, ACPI_PM_BASE + ACPI_PM1_EVT);
    put(out, 4, 0);
    put(out, 4, ACPI_PM_BASE + ACPI_PM1_CNT);
    put(out, 4, 0);
    put(out, 4, 0); /* PM2_CNT */
    put(out, 4, ACPI_PM_BASE + ACPI_PM_TIMER);
    put(out, 4, ACPI_PM_BASE + ACPI_GPE0);
    put(out, 4, 0);
    put(out, 1, 4); /* lengths: PM1_EVT, PM1_CNT, PM2_CNT, PM_TMR, GPE0, GPE1; GPE1's base */
    put(out, 1, 2);
    put(out, 1, 0);
    put(out, 1, 4);
    put(out, 1, 4);
    put(out, 1, 0);
    put(out, 1, 0);
    put(out, 1, 0);      /* CST_CNT */
    put(out, 2, 0x0fff); /* no C2 */
    put(out, 2, 0x0fff); /* no C3 */
    put(out, 4, 0);      /* FLUSH_SIZE, FLUSH_STRIDE */
    put(out, 2, 0);      /* duty cycle */
    put(out, 1, 0);      /* day and month alarms, century */
    put(out, 1, 0);
    put(out, 1, 0x32);
    put(out, 2, BOOT_LEGACY_DEVICES | BOOT_8042);
    put(out, 1, 0);
    put(out, 4, FADT_WBINVD | FADT_C1 | FADT_NO_SLEEP_BUTTON | FADT_RESET_REGISTER);
}

static uint32_t build_fadt(AcpiTables *tables, uint32_t facs, uint32_t dsdt)
{
    GByteArray *out = tables->piece[PIECE_TABLES];
    uint32_t start = table_begin(tables, "FACP", 3);

    build_fadt_v1(tables, facs, dsdt);
    put_address(out, ADDRESS_IO, 8, RESET_PORT);
    put(out, 1, RESET_VALUE);
    put(out, 3, 0);
    put(out, 8, 0); /* X_FIRMWARE_CTRL: the 32-bit one holds, as the FACS is below 4 GiB */
    put_pointer(tables, PIECE_TABLES, 8, dsdt);
    put_address(out, ADDRESS_IO, 32, ACPI_PM_BASE + ACPI_PM1_EVT);
    put_address(out, ADDRESS_IO, 0, 0);
    put_address(out, ADDRESS_IO, 16, ACPI_PM_BASE + ACPI_PM1_CNT);
    put_address(out, ADDRESS_IO, 0, 0);
    put_address(out, ADDRESS_IO, 0, 0);
    put_address(out, ADDRESS_IO, 32, ACPI_PM_BASE + ACPI_PM_TIMER);
    put_address(out, ADDRESS_IO, 32, ACPI_PM_BASE + ACPI_GPE0);
    put_address(out, ADDRESS_IO, 0, 0);
    g_assert(out->len - start == FADT_SIZE);
    table_end(tables, start);
    return start;
}

static void madt_override(GByteArray *out, uint8_t irq, uint32_t gsi, uint16_t flags)
{
    put(out, 1, 2);
    put(out, 1, 10);
    put(out, 1, 0); /* ISA */
    put(out, 1, irq);
    put(out, 4, gsi);
    put(out, 2, flags);
}

static uint32_t build_madt(AcpiTables *tables, const AcpiTablesConfig *config)
{
    static const uint8_t level_irqs[] = { 5, 9, 10, 11 }; /* PIRQs and the SCI */
    GByteArray *out = tables->piece[PIECE_TABLES];
    uint32_t start = table_begin(tables, "APIC", 3);

    put(out, 4, LAPIC_DEFAULT_BASE);
    put(out, 4, 1); /* there is a pair of 8259s, too */
    for (unsigned i = 0; i < config->cpus; i++) {
        put(out, 1, 0); /* local APIC: processor ID, APIC ID, enabled */
        put(out, 1, 8);
        put(out, 1, i);
        put(out, 1, config->apic_ids != NULL ? config->apic_ids[i] : i);
        put(out, 4, 1);
    }
    put(out, 1, 1); /* I/O APIC: ID, base, first GSI */
    put(out, 1, 12);
    put(out, 2, 0);
    put(out, 4, IOAPIC_BASE);
    put(out, 4, 0);
    madt_override(out, 0, 2, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(level_irqs); i++) {
        madt_override(out, level_irqs[i], level_irqs[i], 0x000d); /* active high, level */
    }
    put(out, 1, 4); /* NMI: LINT1 of all */
    put(out, 1, 6);
    put(out, 1, 0xff);
    put(out, 2, 0);
    put(out, 1, LAPIC_LINT1);
    table_end(tables, start);
    return start;
}

static uint32_t build_hpet(AcpiTables *tables)
{
    GByteArray *out = tables->piece[PIECE_TABLES];
    uint32_t start = table_begin(tables, "HPET", 1);

    put(out, 4, HPET_ID);
    put_address(out, ADDRESS_MEMORY, 0, HPET_BASE);
    put(out, 1, 0); /* number */
    put(out, 2, 0); /* minimum tick: unspecified */
    put(out, 1, 0);
    table_end(tables, start);
    return start;
}

/* A package length counts its own bytes; always in the four-byte form for simplicity. */
static void aml_patch_length(GByteArray *out, uint32_t at)
{
    uint32_t length = out->len - at;

    out->data[at] = (uint8_t)(0xc0 | (length & 0xf));
    for (unsigned i = 1; i < AML_MAX_PKG_SIZE; i++) {
        out->data[at + i] = (uint8_t)(length >> (8 * i - 4));
    }
}

/* \CFGB, and the processors: what dsdt.asl leaves open. */
static uint32_t build_ssdt(AcpiTables *tables, const AcpiTablesConfig *config)
{
    GByteArray *out = tables->piece[PIECE_TABLES];
    uint32_t start = table_begin(tables, "SSDT", 1), length_at;

    put(out, 1, 0x08); /* Name (CFGB, dword) */
    put_text(out, "CFGB");
    put(out, 1, 0x0c);
    put(out, 4, config->serial | (config->hpet ? 1u << 4 : 0));
    put(out, 1, 0x10); /* Scope (\_PR) */
    length_at = out->len;
    put(out, AML_MAX_PKG_SIZE, 0);
    put_text(out, "\\_PR_");
    for (unsigned i = 0; i < config->cpus; i++) {
        char name[8];

        g_snprintf(name, sizeof(name), "C%03X", i & 0xfff);
        put(out, 2, 0x835b); /* Processor (name, ID, no register block) */
        put(out, 1, 11);
        put_text(out, name);
        put(out, 1, i);
        put(out, 4, 0);
        put(out, 1, 0);
    }
    aml_patch_length(out, length_at);
    table_end(tables, start);
    return start;
}

static void build_root(AcpiTables *tables, const char *signature, unsigned width,
                       const uint32_t *table, unsigned n, uint32_t *start)
{
    *start = table_begin(tables, signature, 1);
    for (unsigned i = 0; i < n; i++) {
        put_pointer(tables, PIECE_TABLES, width, table[i]);
    }
    table_end(tables, *start);
}

static void build_rsdp(AcpiTables *tables, uint32_t rsdt, uint32_t xsdt)
{
    GByteArray *out = tables->piece[PIECE_RSDP];

    put_text(out, "RSD PTR ");
    put(out, 1, 0); /* checksum of the first 20 bytes */
    put_text(out, "BOCHS ");
    put(out, 1, 2);
    put_pointer(tables, PIECE_RSDP, 4, rsdt);
    put(out, 4, ACPI_RSDP_SIZE);
    put_pointer(tables, PIECE_RSDP, 8, xsdt);
    put(out, 4, 0); /* checksum of all */
    g_assert(out->len == ACPI_RSDP_SIZE);
    add_checksum(tables, PIECE_RSDP, 8, 0, 20);
    add_checksum(tables, PIECE_RSDP, 32, 0, ACPI_RSDP_SIZE);
}

/* A finished one. */
static uint32_t add_table(AcpiTables *tables, GBytes *table)
{
    GByteArray *out = tables->piece[PIECE_TABLES];
    gsize size;
    const guint8 *data = g_bytes_get_data(table, &size);
    uint32_t start;

    while (out->len % 16 != 0) {
        put(out, 1, 0);
    }
    start = out->len;
    g_byte_array_append(out, data, (guint)size);
    return start;
}

void acpi_tables_build(AcpiTables *tables, const AcpiTablesConfig *config)
{
    guint extra = config->more != NULL ? config->more->len : 0;
    g_autofree uint32_t *table = g_new(uint32_t, TABLES_MAX + extra);
    uint32_t facs, dsdt, rsdt, xsdt;
    unsigned n = 0;

    facs = build_facs(tables);
    dsdt = build_dsdt(tables);
    table[n++] = build_fadt(tables, facs, dsdt);
    table[n++] = build_ssdt(tables, config);
    table[n++] = build_madt(tables, config);
    if (config->hpet) {
        table[n++] = build_hpet(tables);
    }
    g_assert(n <= TABLES_MAX);
    for (guint i = 0; i < extra; i++) {
        table[n++] = add_table(tables, g_ptr_array_index(config->more, i));
    }
    build_root(tables, "RSDT", 4, table, n, &rsdt);
    build_root(tables, "XSDT", 8, table, n, &xsdt);
    build_rsdp(tables, rsdt, xsdt);
}
