/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_ACPI_TABLES_INT_H
#define HW_ACPI_TABLES_INT_H
/* tables_int.h - tables.c places and publishes what tables_build.c makes. */
#include "hw/acpi/tables.h"

enum { ACPI_HEADER_SIZE = 36 };

/* The two pieces that are placed apart: the RSDP in the F segment, all else in RAM. */
typedef enum AcpiPiece { PIECE_TABLES, PIECE_RSDP, PIECES } AcpiPiece;

typedef struct AcpiPointer { /* holds an offset in PIECE_TABLES until placed */
    AcpiPiece piece;
    uint32_t offset;
    uint8_t width;
} AcpiPointer;

typedef struct AcpiChecksum { /* the byte that makes a range sum to zero */
    AcpiPiece piece;
    uint32_t offset, start, length;
} AcpiChecksum;

struct AcpiTables {
    GByteArray *piece[PIECES];
    GArray *pointers;  /* AcpiPointer */
    GArray *checksums; /* AcpiChecksum, in the order in which they are computed */
};

/* table_write.c: at the end of a piece. */
void acpi_put(GByteArray *out, unsigned width, uint64_t value);
void acpi_put_text(GByteArray *out, const char *text);
void acpi_put_pointer(AcpiTables *tables, AcpiPiece piece, unsigned width, uint32_t target);
void acpi_put_address(GByteArray *out, uint8_t space, uint8_t bits, uint64_t address);
void acpi_add_checksum(AcpiTables *tables, AcpiPiece piece, uint32_t offset, uint32_t start,
                       uint32_t length);
uint32_t acpi_table_begin(AcpiTables *tables, const char *signature, uint8_t revision);
void acpi_table_end(AcpiTables *tables, uint32_t start);

/* tables_build.c: an entry of the MADT. */
void acpi_put_local_apic(GByteArray *out, unsigned cpu, uint32_t apic_id, bool enabled);
/* cpu_aml.c */
void acpi_put_cpus(GByteArray *out, const AcpiTablesConfig *config);
/* numa_tables.c: where they begin. */
uint32_t acpi_build_srat(AcpiTables *tables, const AcpiTablesConfig *config);
uint32_t acpi_build_slit(AcpiTables *tables, const AcpiTablesConfig *config);

static inline uint32_t acpi_apic_id(const AcpiTablesConfig *config, unsigned cpu)
{
    return config->apic_ids != NULL ? config->apic_ids[cpu] : cpu;
}

static inline bool acpi_cpu_there(const AcpiTablesConfig *config, unsigned cpu)
{
    return config->cpu_there != NULL ? config->cpu_there[cpu] : cpu < config->cpus;
}

void acpi_tables_build(AcpiTables *tables, const AcpiTablesConfig *config);

#endif
