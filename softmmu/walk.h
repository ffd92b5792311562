/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTMMU_WALK_H
#define SOFTMMU_WALK_H
/* walk.h - page-table walks of every paging mode (SDM vol. 3 chapter 4).
 *
 * Modes: no paging, 32-bit (PSE, PSE-36), PAE with loaded PDPTEs, 4-level with 2 MiB and 1 GiB
 * pages. Compiled with -mgeneral-regs-only.
 *
 * Accessed bits are set in all entries used, and the dirty bit by a write, with compare-exchange,
 * once the access is known to be allowed: a walk that faults changes nothing.  If an entry changed
 * meanwhile the walk starts again.
 */
#include "runtime/cpu/cpu.h"
#include "softmmu/physmap_int.h"

enum { WALK_LEVELS = 4, WALK_HINTS = 2 };

/* A stretch of writable RAM that was found in the map, to be used while the map is at `version`. */
typedef struct WalkHint {
    uint64_t first, size; /* whole pages */
    uint8_t *host;
} WalkHint;

/* What a walk needs besides the CPU; derived from its registers. */
typedef struct Walker {
    PhysMap *map;
    uint64_t version; /* of the map when the hints were found */
    WalkHint hint[WALK_HINTS];
    unsigned next_hint;
    unsigned phys_bits;
    uint64_t cr0, cr4, efer;              /* what the following was derived from */
    uint64_t root_mask;                   /* of CR3: the first table */
    uint64_t address;                     /* address bits of an entry */
    uint64_t reserved[WALK_LEVELS];       /* by level, 0 for the last; entry points to a table */
    uint64_t reserved_large[WALK_LEVELS]; /* entry maps a page; level 0: all pages */
    uint8_t top;                          /* level of the first table; 0xff: no paging */
    uint8_t index_bits, entry_width;      /* 10 and 4, or 9 and 8 */
    bool large[WALK_LEVELS];              /* PS bit means something */
    bool pae;                             /* first tables come from pdpte[] */
    uint64_t pdpte[4];
} Walker;

typedef struct Walk {
    uint64_t gpa;   /* of the 4 KiB page, A20 applied */
    uint8_t rights; /* 1 << Access: allowed from now on with no further walk (dirty bit set) */
    bool global;
    uint8_t shift; /* log2 of the page's size: 12, 21, 22, 30; 12 without paging */
    uint8_t *host; /* of the page if it is writable RAM; NULL: ask phys_map_page */
} Walk;

void walker_init(Walker *walker, PhysMap *map, unsigned phys_bits);

/* false: cpu->fault holds the page fault. */
bool walk(Cpu *cpu, Walker *walker, uint64_t gva, Access access, MmuContext context, Walk *found);

/* The mapping alone: no rights are checked, nothing is changed, devices are not touched. */
bool walk_debug(const Cpu *cpu, Walker *walker, uint64_t gva, uint64_t *gpa);

/* Does a fetch by user code find this page, with no accessed bit left to set? Under paging. Nothing
 * is changed. */
bool walk_finds_code(Cpu *cpu, Walker *walker, uint64_t gva, uint64_t gpa);

/* Loads the PDPTEs at CR3; false: reserved bits, nothing is changed. */
bool walker_load_pdptes(Cpu *cpu, Walker *walker);

/* Host address of a guest physical address in plain writable RAM, or NULL. */
uint8_t *walker_host(Walker *walker, uint64_t gpa);

/* A write by the CPU inside one page of RAM has happened: dirty log, translations. Parks the vector
 * state if somebody must be told. */
void walker_written(Cpu *cpu, PhysMap *map, uint64_t ram_offset, unsigned size);

static inline uint64_t a20_apply(const Cpu *cpu, uint64_t gpa)
{
    return gpa & (0xffffffff00000000ull | cpu->a20_mask);
}

#endif
