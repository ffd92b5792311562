/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_ACPI_TABLES_H
#define HW_ACPI_TABLES_H
/* tables.h - the ACPI tables of the board (ACPI 6.3 chapter 5): RSDP, RSDT, XSDT, FADT revision 3,
 * FACS, DSDT, an SSDT, MADT, HPET, SRAT, SLIT.
 *
 * They are built without an address.  Firmware places them by the loader script that fw_cfg has
 * with them; without firmware acpi_tables_place does. */
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include "hw/fwcfg.h"
#include "hw/numa.h"

typedef struct AcpiTables AcpiTables;

typedef struct AcpiTablesConfig {
    unsigned cpus, max_cpus;    /* that are there, and may be; 0: no more */
    const bool *cpu_there;      /* NULL: the first ones are */
    const uint32_t *apic_ids;   /* of all that may be, below 255; NULL: their numbers */
    const NumaNodes *numa;      /* NULL: there are no nodes */
    uint64_t low_ram, high_ram; /* for these: bytes from 0, and from 4 GiB */
    unsigned serial;            /* a bit for each of COM1 to COM4 */
    bool hpet, pvpanic;
    const GPtrArray *more; /* of GBytes: the user's tables, with headers; NULL: none */
    bool q35; /* another DSDT, other places, and the configuration space in memory (MCFG) */
} AcpiTablesConfig;

enum { ACPI_RSDP_SIZE = 36, ACPI_TABLES_ALIGN = 64 };
#define ACPI_ECAM_BASE 0xb0000000u /* where firmware puts the Q35's configuration space */

AcpiTables *acpi_tables_new(const AcpiTablesConfig *config);
void acpi_tables_free(AcpiTables *tables);

uint64_t acpi_tables_size(const AcpiTables *tables); /* all but the RSDP */
/* Fills in addresses and checksums for tables at `base` (a multiple of ACPI_TABLES_ALIGN, below
 * 4 GiB) into copies: acpi_tables_size and ACPI_RSDP_SIZE bytes. */
void acpi_tables_place(const AcpiTables *tables, uint64_t base, void *copy, void *rsdp);
/* Files etc/acpi/rsdp, etc/acpi/tables and etc/table-loader. */
void acpi_tables_publish(const AcpiTables *tables, FwCfg *fw);

#endif
