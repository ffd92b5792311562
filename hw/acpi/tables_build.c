/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/acpi/tables_int.h"
#include <string.h>
#include "hw/acpi/pm.h"
#include "hw/hpet.h"
#include "hw/ioapic.h"

/* The build compiles dsdt.asl to `dsdt_aml_code`, dsdt_q35.asl to `dsdt_q35_aml_code`. */
#include "dsdt.hex"
#include "dsdt_q35.hex"

enum {
    FACS_SIZE = 64,
    FADT_SIZE = 244,
    TABLES_MAX = 8, /* of the board's own */
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

/* ---- Tables ---- */

static uint32_t build_facs(AcpiTables *tables)
{
    GByteArray *out = tables->piece[PIECE_TABLES];
    uint32_t start = out->len;

    acpi_put_text(out, "FACS"); /* at 0: must be aligned to 64 */
    acpi_put(out, 4, FACS_SIZE);
    for (unsigned i = 8; i < FACS_SIZE; i++) {
        acpi_put(out, 1, i == 32); /* version 1 */
    }
    return start;
}

/* The compiler has made its header and checksum. */
static uint32_t build_dsdt(AcpiTables *tables, bool q35)
{
    GByteArray *out = tables->piece[PIECE_TABLES];
    uint32_t start = out->len;

    if (q35) {
        g_byte_array_append(out, dsdt_q35_aml_code, sizeof(dsdt_q35_aml_code));
    } else {
        g_byte_array_append(out, dsdt_aml_code, sizeof(dsdt_aml_code));
    }
    return start;
}

static uint32_t gpe_base(bool q35)
{
    return ACPI_PM_BASE + (q35 ? ACPI_ICH9_GPE0 : ACPI_GPE0);
}

static unsigned gpe_size(bool q35)
{
    return q35 ? 16 : 4;
}

static void build_fadt_v1(AcpiTables *tables, uint32_t facs, uint32_t dsdt, bool q35)
{
    GByteArray *out = tables->piece[PIECE_TABLES];

    acpi_put_pointer(tables, PIECE_TABLES, 4, facs);
    acpi_put_pointer(tables, PIECE_TABLES, 4, dsdt);
    acpi_put(out, 1, 1); /* was INT_MODEL: multiple APIC */
    acpi_put(out, 1, 0); /* preferred profile: unspecified */
    acpi_put(out, 2, ACPI_PM_SCI_IRQ);
    acpi_put(out, 4, ACPI_PM_SMI_CMD);
    acpi_put(out, 1, ACPI_PM_ENABLE);
    acpi_put(out, 1, ACPI_PM_DISABLE);
    acpi_put(out, 2, 0); /* S4BIOS_REQ, PSTATE_CNT */
    acpi_put(out, 4, ACPI_PM_BASE + ACPI_PM1_EVT);
    acpi_put(out, 4, 0);
    acpi_put(out, 4, ACPI_PM_BASE + ACPI_PM1_CNT);
    acpi_put(out, 4, 0);
    acpi_put(out, 4, 0); /* PM2_CNT */
    acpi_put(out, 4, ACPI_PM_BASE + ACPI_PM_TIMER);
    acpi_put(out, 4, gpe_base(q35));
    acpi_put(out, 4, 0);
    acpi_put(out, 1, 4); /* lengths: PM1_EVT, PM1_CNT, PM2_CNT, PM_TMR, GPE0, GPE1; GPE1's base */
    acpi_put(out, 1, 2);
    acpi_put(out, 1, 0);
    acpi_put(out, 1, 4);
    acpi_put(out, 1, gpe_size(q35));
    acpi_put(out, 1, 0);
    acpi_put(out, 1, 0);
    acpi_put(out, 1, 0);      /* CST_CNT */
    acpi_put(out, 2, 0x0fff); /* no C2 */
    acpi_put(out, 2, 0x0fff); /* no C3 */
    acpi_put(out, 4, 0);      /* FLUSH_SIZE, FLUSH_STRIDE */
    acpi_put(out, 2, 0);      /* duty cycle */
    acpi_put(out, 1, 0);      /* day and month alarms, century */
    acpi_put(out, 1, 0);
    acpi_put(out, 1, 0x32);
    acpi_put(out, 2, BOOT_LEGACY_DEVICES | BOOT_8042);
    acpi_put(out, 1, 0);
    acpi_put(out, 4, FADT_WBINVD | FADT_C1 | FADT_NO_SLEEP_BUTTON | FADT_RESET_REGISTER);
}

static uint32_t build_fadt(AcpiTables *tables, uint32_t facs, uint32_t dsdt, bool q35)
{
    GByteArray *out = tables->piece[PIECE_TABLES];
    uint32_t start = acpi_table_begin(tables, "FACP", 3);

    build_fadt_v1(tables, facs, dsdt, q35);
    acpi_put_address(out, ADDRESS_IO, 8, RESET_PORT);
    acpi_put(out, 1, RESET_VALUE);
    acpi_put(out, 3, 0);
    acpi_put(out, 8, 0); /* X_FIRMWARE_CTRL: the 32-bit one holds, as the FACS is below 4 GiB */
    acpi_put_pointer(tables, PIECE_TABLES, 8, dsdt);
    acpi_put_address(out, ADDRESS_IO, 32, ACPI_PM_BASE + ACPI_PM1_EVT);
    acpi_put_address(out, ADDRESS_IO, 0, 0);
    acpi_put_address(out, ADDRESS_IO, 16, ACPI_PM_BASE + ACPI_PM1_CNT);
    acpi_put_address(out, ADDRESS_IO, 0, 0);
    acpi_put_address(out, ADDRESS_IO, 0, 0);
    acpi_put_address(out, ADDRESS_IO, 32, ACPI_PM_BASE + ACPI_PM_TIMER);
    acpi_put_address(out, ADDRESS_IO, (uint8_t)(8 * gpe_size(q35)), gpe_base(q35));
    acpi_put_address(out, ADDRESS_IO, 0, 0);
    g_assert(out->len - start == FADT_SIZE);
    acpi_table_end(tables, start);
    return start;
}

static void madt_override(GByteArray *out, uint8_t irq, uint32_t gsi, uint16_t flags)
{
    acpi_put(out, 1, 2);
    acpi_put(out, 1, 10);
    acpi_put(out, 1, 0); /* ISA */
    acpi_put(out, 1, irq);
    acpi_put(out, 4, gsi);
    acpi_put(out, 2, flags);
}

void acpi_put_local_apic(GByteArray *out, unsigned cpu, uint32_t apic_id, bool enabled)
{
    acpi_put(out, 1, 0);
    acpi_put(out, 1, 8);
    acpi_put(out, 1, cpu);
    acpi_put(out, 1, apic_id);
    acpi_put(out, 4, enabled);
}

static uint32_t build_madt(AcpiTables *tables, const AcpiTablesConfig *config)
{
    static const uint8_t level_irqs[] = { 5, 9, 10, 11 }; /* PIRQs and the SCI */
    GByteArray *out = tables->piece[PIECE_TABLES];
    uint32_t start = acpi_table_begin(tables, "APIC", 3);

    acpi_put(out, 4, LAPIC_DEFAULT_BASE);
    acpi_put(out, 4, 1); /* there is a pair of 8259s, too */
    for (unsigned i = 0; i < MAX(config->max_cpus, config->cpus); i++) {
        acpi_put_local_apic(out, i, acpi_apic_id(config, i), acpi_cpu_there(config, i));
    }
    acpi_put(out, 1, 1); /* I/O APIC: ID, base, first GSI */
    acpi_put(out, 1, 12);
    acpi_put(out, 2, 0);
    acpi_put(out, 4, IOAPIC_BASE);
    acpi_put(out, 4, 0);
    madt_override(out, 0, 2, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(level_irqs); i++) {
        madt_override(out, level_irqs[i], level_irqs[i], 0x000d); /* active high, level */
    }
    acpi_put(out, 1, 4); /* NMI: LINT1 of all */
    acpi_put(out, 1, 6);
    acpi_put(out, 1, 0xff);
    acpi_put(out, 2, 0);
    acpi_put(out, 1, LAPIC_LINT1);
    acpi_table_end(tables, start);
    return start;
}

static uint32_t build_hpet(AcpiTables *tables)
{
    GByteArray *out = tables->piece[PIECE_TABLES];
    uint32_t start = acpi_table_begin(tables, "HPET", 1);

    acpi_put(out, 4, HPET_ID);
    acpi_put_address(out, ADDRESS_MEMORY, 0, HPET_BASE);
    acpi_put(out, 1, 0); /* number */
    acpi_put(out, 2, 0); /* minimum tick: unspecified */
    acpi_put(out, 1, 0);
    acpi_table_end(tables, start);
    return start;
}

static uint32_t build_mcfg(AcpiTables *tables)
{
    GByteArray *out = tables->piece[PIECE_TABLES];
    uint32_t start = acpi_table_begin(tables, "MCFG", 1);

    acpi_put(out, 8, 0);
    acpi_put(out, 8, ACPI_ECAM_BASE);
    acpi_put(out, 2, 0); /* segment; buses 0 to 255 */
    acpi_put(out, 1, 0);
    acpi_put(out, 1, 255);
    acpi_put(out, 4, 0);
    acpi_table_end(tables, start);
    return start;
}

/* \CFGB, and the processors: what dsdt.asl leaves open. */
static uint32_t build_ssdt(AcpiTables *tables, const AcpiTablesConfig *config)
{
    GByteArray *out = tables->piece[PIECE_TABLES];
    uint32_t start = acpi_table_begin(tables, "SSDT", 1);

    acpi_put(out, 1, 0x08); /* Name (CFGB, dword) */
    acpi_put_text(out, "CFGB");
    acpi_put(out, 1, 0x0c);
    acpi_put(out, 4, config->serial | (unsigned)config->hpet << 4 | (unsigned)config->pvpanic << 5);
    acpi_put_cpus(out, config);
    acpi_table_end(tables, start);
    return start;
}

static void build_root(AcpiTables *tables, const char *signature, unsigned width,
                       const uint32_t *table, unsigned n, uint32_t *start)
{
    *start = acpi_table_begin(tables, signature, 1);
    for (unsigned i = 0; i < n; i++) {
        acpi_put_pointer(tables, PIECE_TABLES, width, table[i]);
    }
    acpi_table_end(tables, *start);
}

static void build_rsdp(AcpiTables *tables, uint32_t rsdt, uint32_t xsdt)
{
    GByteArray *out = tables->piece[PIECE_RSDP];

    acpi_put_text(out, "RSD PTR ");
    acpi_put(out, 1, 0); /* checksum of the first 20 bytes */
    acpi_put_text(out, "BOCHS ");
    acpi_put(out, 1, 2);
    acpi_put_pointer(tables, PIECE_RSDP, 4, rsdt);
    acpi_put(out, 4, ACPI_RSDP_SIZE);
    acpi_put_pointer(tables, PIECE_RSDP, 8, xsdt);
    acpi_put(out, 4, 0); /* checksum of all */
    g_assert(out->len == ACPI_RSDP_SIZE);
    acpi_add_checksum(tables, PIECE_RSDP, 8, 0, 20);
    acpi_add_checksum(tables, PIECE_RSDP, 32, 0, ACPI_RSDP_SIZE);
}

/* A finished one. */
static uint32_t add_table(AcpiTables *tables, GBytes *table)
{
    GByteArray *out = tables->piece[PIECE_TABLES];
    gsize size;
    const guint8 *data = g_bytes_get_data(table, &size);
    uint32_t start;

    while (out->len % 16 != 0) {
        acpi_put(out, 1, 0);
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
    dsdt = build_dsdt(tables, config->q35);
    table[n++] = build_fadt(tables, facs, dsdt, config->q35);
    table[n++] = build_ssdt(tables, config);
    table[n++] = build_madt(tables, config);
    if (config->hpet) {
        table[n++] = build_hpet(tables);
    }
    if (config->q35) {
        table[n++] = build_mcfg(tables);
    }
    if (config->numa != NULL) {
        table[n++] = acpi_build_srat(tables, config);
        if (config->numa->distance != NULL) {
            table[n++] = acpi_build_slit(tables, config);
        }
    }
    g_assert(n <= TABLES_MAX);
    for (guint i = 0; i < extra; i++) {
        table[n++] = add_table(tables, g_ptr_array_index(config->more, i));
    }
    build_root(tables, "RSDT", 4, table, n, &rsdt);
    build_root(tables, "XSDT", 8, table, n, &xsdt);
    build_rsdp(tables, rsdt, xsdt);
}
