/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_ACPI_TABLES_H
#define HW_ACPI_TABLES_H
/* tables.h - the ACPI tables of the board (ACPI 6.3 chapter 5): RSDP, RSDT, XSDT, FADT revision 3,
 * FACS, DSDT, an SSDT, MADT, HPET.
 *
 * They are built without an address.  Firmware places them by the loader script that fw_cfg has
 * with them; without firmware acpi_tables_place does. */
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include "hw/fwcfg.h"

typedef struct AcpiTables AcpiTables;

typedef struct AcpiTablesConfig {
    unsigned cpus;
    const uint32_t *apic_ids; /* of the CPUs, below 255; NULL: 0 to cpus - 1 */
    unsigned serial;          /* a bit for each of COM1 to COM4 */
    bool hpet;
    const GPtrArray *more; /* of GBytes: the user's tables, with headers; NULL: none */
} AcpiTablesConfig;

enum { ACPI_RSDP_SIZE = 36, ACPI_TABLES_ALIGN = 64 };

AcpiTables *acpi_tables_new(const AcpiTablesConfig *config);
void acpi_tables_free(AcpiTables *tables);

uint64_t acpi_tables_size(const AcpiTables *tables); /* all but the RSDP */
/* Fills in addresses and checksums for tables at `base` (a multiple of ACPI_TABLES_ALIGN, below
 * 4 GiB) into copies: acpi_tables_size and ACPI_RSDP_SIZE bytes. */
void acpi_tables_place(const AcpiTables *tables, uint64_t base, void *copy, void *rsdp);
/* Files etc/acpi/rsdp, etc/acpi/tables and etc/table-loader. */
void acpi_tables_publish(const AcpiTables *tables, FwCfg *fw);

#endif
