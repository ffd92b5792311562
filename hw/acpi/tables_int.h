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

void acpi_tables_build(AcpiTables *tables, const AcpiTablesConfig *config);

#endif
