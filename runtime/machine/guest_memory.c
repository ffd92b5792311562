/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/machine/guest_memory.h"

#include "softmmu/mmu.h"

enum { PRESENT = 1, WRITABLE = 2, USER = 4, LARGE = 0x80 };

typedef void MemoryPiece(PhysMap *map, uint64_t gpa, void *data, uint64_t size);

static bool each_piece(Cpu *cpu, PhysMap *map, uint64_t gva, uint8_t *data, uint64_t size,
                       MemoryPiece *piece)
{
    while (size != 0) {
        uint64_t left = PAGE_SIZE - gva % PAGE_SIZE, gpa;
        uint64_t n = left < size ? left : size;

        if (!mmu_translate_debug(cpu, gva, &gpa)) {
            return false;
        }
        piece(map, gpa, data, n);
        gva += n;
        data += n;
        size -= n;
    }
    return true;
}

static void piece_read(PhysMap *map, uint64_t gpa, void *data, uint64_t size)
{
    phys_map_read(map, gpa, data, size);
}

static void piece_write(PhysMap *map, uint64_t gpa, void *data, uint64_t size)
{
    phys_map_write(map, gpa, data, size);
}

bool guest_memory_read(Cpu *cpu, PhysMap *map, uint64_t gva, void *data, uint64_t size)
{
    return each_piece(cpu, map, gva, data, size, piece_read);
}

bool guest_memory_write(Cpu *cpu, PhysMap *map, uint64_t gva, const void *data, uint64_t size)
{
    return each_piece(cpu, map, gva, (uint8_t *)data, size, piece_write);
}

/* ---- Tables ---- */

typedef struct Tables {
    PhysMap *map;
    GuestPageEach *each;
    void *opaque;
    unsigned width, index_bits; /* of an entry in bytes; of a table's index */
    bool long_mode;
    bool large; /* PS means something */
} Tables;

static uint64_t address_mask(const Tables *tables)
{
    return tables->width == 4 ? 0xfffff000u : 0x000ffffffffff000ull;
}

static void table_walk(const Tables *tables, uint64_t table, unsigned level, uint64_t base,
                       uint64_t rights);

static void entry_walk(const Tables *tables, uint64_t entry, unsigned level, uint64_t gva,
                       uint64_t rights)
{
    unsigned shift = PAGE_SHIFT + level * tables->index_bits;
    GuestPage page = { .gva = gva, .size = 1ull << shift, .entry = entry };

    rights &= entry;
    if (level != 0 && !(tables->large && (entry & LARGE) && level <= 2)) {
        table_walk(tables, entry & address_mask(tables), level - 1, gva, rights);
        return;
    }
    page.gpa = entry & address_mask(tables) & ~(page.size - 1);
    page.user = rights & USER;
    page.writable = rights & WRITABLE;
    tables->each(tables->opaque, &page);
}

/* `level` 0: its entries map 4 KiB. */
static void table_walk(const Tables *tables, uint64_t table, unsigned level, uint64_t base,
                       uint64_t rights)
{
    unsigned shift = PAGE_SHIFT + level * tables->index_bits;
    unsigned n = tables->index_bits == 9 && level == 2 && !tables->long_mode
                     ? 4
                     : 1u << tables->index_bits;
    g_autofree uint8_t *entries = g_malloc0(PAGE_SIZE);

    phys_map_read(tables->map, table, entries, (uint64_t)n * tables->width);
    for (unsigned i = 0; i < n; i++) {
        uint64_t entry = guest_load(entries + i * tables->width, tables->width);
        uint64_t gva = base | (uint64_t)i << shift;

        if (level == 3 && i >= 256) {
            gva |= 0xffff000000000000ull;
        }
        if (entry & PRESENT) {
            bool top = tables->width == 8 && !tables->long_mode && level == 2; /* a PDPTE of PAE */

            entry_walk(tables, top ? (entry | WRITABLE | USER) & ~(uint64_t)LARGE : entry, level,
                       gva, rights);
        }
    }
}

void guest_memory_pages(const Cpu *cpu, PhysMap *map, GuestPageEach *each, void *opaque)
{
    bool pae = cpu->cr4 & CR4_PAE, lma = cpu->efer & EFER_LMA;
    const Tables tables = { .map = map,
                            .each = each,
                            .opaque = opaque,
                            .width = pae ? 8 : 4,
                            .index_bits = pae ? 9 : 10,
                            .long_mode = lma,
                            .large = pae || (cpu->cr4 & CR4_PSE) };
    uint64_t root = lma ? cpu->cr3 & 0x000ffffffffff000ull : cpu->cr3 & (pae ? ~31u : ~4095u);

    if (cpu->cr0 & CR0_PG) {
        table_walk(&tables, root, lma ? 3 : pae ? 2 : 1, 0, WRITABLE | USER);
    }
}
