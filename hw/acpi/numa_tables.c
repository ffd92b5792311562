/* SPDX-License-Identifier: GPL-2.0-or-later */
/* numa_tables.c - SRAT (ACPI 6.3 section 5.2.16) and SLIT (5.2.17): what is near to what.
 *
 * Memory is told as it lies in the guest's address space: the video hole from 640 KiB to 1 MiB and
 * what is between the end of low RAM and 4 GiB belong to no node. */
#include "hw/acpi/tables_int.h"

enum {
    ENTRY_LOCAL_APIC = 0,
    ENTRY_MEMORY = 1,
    LOCAL_APIC_SIZE = 16,
    MEMORY_SIZE = 40,
    ENABLED = 1,
};
#define VIDEO_HOLE     0xa0000ull
#define VIDEO_HOLE_END 0x100000ull
#define HIGH_RAM       (1ull << 32)

static void srat_cpu(GByteArray *out, uint32_t apic_id, unsigned node)
{
    acpi_put(out, 1, ENTRY_LOCAL_APIC);
    acpi_put(out, 1, LOCAL_APIC_SIZE);
    acpi_put(out, 1, node);
    acpi_put(out, 1, apic_id);
    acpi_put(out, 4, ENABLED);
    acpi_put(out, 1, 0); /* local SAPIC EID */
    acpi_put(out, 3, 0); /* the rest of the node's number */
    acpi_put(out, 4, 0); /* clock domain */
}

static void srat_memory(GByteArray *out, uint64_t base, uint64_t size, unsigned node,
                        uint32_t flags)
{
    acpi_put(out, 1, ENTRY_MEMORY);
    acpi_put(out, 1, MEMORY_SIZE);
    acpi_put(out, 4, node);
    acpi_put(out, 2, 0);
    acpi_put(out, 8, base);
    acpi_put(out, 8, size);
    acpi_put(out, 4, 0);
    acpi_put(out, 4, flags);
    acpi_put(out, 8, 0);
}

/* What of [from, to) lies in [first, end), shown `shift` higher; the number of entries. */
static unsigned srat_part(GByteArray *out, uint64_t from, uint64_t to, uint64_t first, uint64_t end,
                          uint64_t shift, unsigned node)
{
    from = MAX(from, first);
    to = MIN(to, end);
    if (from >= to) {
        return 0;
    }
    srat_memory(out, from + shift, to - from, node, ENABLED);
    return 1;
}

uint32_t acpi_build_srat(AcpiTables *tables, const AcpiTablesConfig *config)
{
    GByteArray *out = tables->piece[PIECE_TABLES];
    uint32_t start = acpi_table_begin(tables, "SRAT", 1);
    uint64_t low = config->low_ram, from = 0;
    unsigned entries = 0;

    acpi_put(out, 4, 1); /* reserved, to be 1 */
    acpi_put(out, 8, 0);
    for (unsigned i = 0; i < MAX(config->max_cpus, config->cpus); i++) {
        srat_cpu(out, acpi_apic_id(config, i), config->numa->cpu_node[i]);
    }
    for (unsigned node = 0; node < config->numa->nodes; node++) {
        uint64_t to = from + config->numa->memory[node];

        entries += srat_part(out, from, to, 0, MIN(VIDEO_HOLE, low), 0, node);
        entries += srat_part(out, from, to, VIDEO_HOLE_END, low, 0, node);
        entries += srat_part(out, from, to, low, UINT64_MAX, HIGH_RAM - low, node);
        from = to;
    }
    /* as many as there may be at most, two holes more than nodes: the rest means nothing */
    for (; entries < config->numa->nodes + 2; entries++) {
        srat_memory(out, 0, 0, 0, 0);
    }
    acpi_table_end(tables, start);
    return start;
}

uint32_t acpi_build_slit(AcpiTables *tables, const AcpiTablesConfig *config)
{
    const NumaNodes *numa = config->numa;
    uint32_t start = acpi_table_begin(tables, "SLIT", 1);

    acpi_put(tables->piece[PIECE_TABLES], 8, numa->nodes);
    g_byte_array_append(tables->piece[PIECE_TABLES], numa->distance, numa->nodes * numa->nodes);
    acpi_table_end(tables, start);
    return start;
}
