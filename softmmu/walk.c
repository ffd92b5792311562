/* SPDX-License-Identifier: GPL-2.0-or-later */
/* walk.c - page-table walks (SDM vol. 3 sections 4.3 to 4.9).
 *
 * Deviations: 5-level paging and protection keys are not offered by CPUID and not modelled.
 * Memory types (PAT, PCD, PWT) have no effect.
 */
#include "softmmu/walk.h"

enum {
    PTE_P = 1u << 0,
    PTE_RW = 1u << 1,
    PTE_US = 1u << 2,
    PTE_A = 1u << 5,
    PTE_D = 1u << 6,
    PTE_PS = 1u << 7,
    PTE_G = 1u << 8,

    ERROR_P = 1u << 0,
    ERROR_W = 1u << 1,
    ERROR_U = 1u << 2,
    ERROR_RSVD = 1u << 3,
    ERROR_I = 1u << 4,

    NO_PAGING = 0xff,
};
#define PTE_XD (1ull << 63)

/* Bits [low, high] set; an empty range is zero. */
static uint64_t bits(unsigned low, unsigned high)
{
    return low > high ? 0 : (UINT64_MAX >> (63 - high)) & (UINT64_MAX << low);
}

/* ---- The mode, derived ---- */

static void walker_set_32bit(Walker *walker, uint64_t cr4)
{
    walker->top = 1;
    walker->index_bits = 10;
    walker->entry_width = 4;
    walker->address = bits(12, 31);
    walker->root_mask = bits(12, 31);
    walker->large[1] = (cr4 & CR4_PSE) != 0;
    /* PSE-36: bits 13 to 20 are physical address bits 32 to 39, as far as there are. */
    walker->reserved_large[1] = bits(21, 21) | bits(walker->phys_bits - 32 + 13, 20);
}

static void walker_set_64bit_entries(Walker *walker, uint64_t efer)
{
    uint64_t high = walker->pae ? bits(walker->phys_bits, 62) : bits(walker->phys_bits, 51);

    if (!(efer & EFER_NXE)) {
        high |= PTE_XD;
    }
    walker->index_bits = 9;
    walker->entry_width = 8;
    walker->address = bits(12, walker->phys_bits - 1);
    walker->large[1] = true;
    for (unsigned level = 0; level < WALK_LEVELS; level++) {
        walker->reserved[level] = walker->reserved_large[level] = high;
    }
    walker->reserved_large[1] |= bits(13, 20);
    if (walker->pae) {
        walker->top = 1;
        return;
    }
    walker->top = 3;
    walker->root_mask = walker->address;
    walker->large[2] = true;
    walker->reserved_large[2] |= bits(13, 29);
    walker->reserved[3] |= PTE_PS;
}

static void walker_update(const Cpu *cpu, Walker *walker)
{
    walker->cr0 = cpu->cr0;
    walker->cr4 = cpu->cr4;
    walker->efer = cpu->efer;
    walker->pae = false;
    walker->top = NO_PAGING;
    for (unsigned level = 0; level < WALK_LEVELS; level++) {
        walker->large[level] = false;
        walker->reserved[level] = walker->reserved_large[level] = 0;
    }
    if (!(cpu->cr0 & CR0_PG)) {
        return;
    }
    if (cpu->cr4 & CR4_PAE) {
        walker->pae = !(cpu->efer & EFER_LMA);
        walker_set_64bit_entries(walker, cpu->efer);
    } else {
        walker_set_32bit(walker, cpu->cr4);
    }
}

static inline bool walker_current(const Cpu *cpu, const Walker *walker)
{
    return ((cpu->cr0 ^ walker->cr0) | (cpu->cr4 ^ walker->cr4) | (cpu->efer ^ walker->efer)) == 0;
}

void walker_init(Walker *walker, PhysMap *map, unsigned phys_bits)
{
    *walker = (Walker){ .map = map, .phys_bits = phys_bits, .top = NO_PAGING };
}

/* ---- Tables in memory ---- */

static uint8_t *hint_find(Walker *walker, uint64_t gpa)
{
    uint64_t version = __atomic_load_n(&walker->map->version, __ATOMIC_ACQUIRE);
    PhysSegment segment;
    WalkHint *hint;

    if (version != walker->version) {
        for (unsigned i = 0; i < WALK_HINTS; i++) {
            walker->hint[i].size = 0;
        }
        walker->version = version;
    }
    phys_map_find(walker->map, gpa, &segment);
    if (segment.kind != PHYS_RAM || !segment.writable ||
        ((segment.offset ^ segment.first) & (PAGE_SIZE - 1)) != 0) {
        return NULL;
    }
    uint64_t first = (segment.first + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
    uint64_t end = (segment.last + 1) & ~(uint64_t)(PAGE_SIZE - 1);

    if (gpa < first || gpa >= end) {
        return NULL;
    }
    hint = &walker->hint[walker->next_hint++ % WALK_HINTS];
    *hint = (WalkHint){ first, end - first, segment.host + (first - segment.first) };
    return hint->host + (gpa - first);
}

static inline uint8_t *host_find(Walker *walker, uint64_t gpa)
{
    if (__atomic_load_n(&walker->map->version, __ATOMIC_ACQUIRE) == walker->version) {
        for (unsigned i = 0; i < WALK_HINTS; i++) {
            uint64_t at = gpa - walker->hint[i].first;

            if (at < walker->hint[i].size) {
                return walker->hint[i].host + at;
            }
        }
    }
    return hint_find(walker, gpa);
}

uint8_t *walker_host(Walker *walker, uint64_t gpa)
{
    return host_find(walker, gpa);
}

void walker_written(Cpu *cpu, PhysMap *map, uint64_t ram_offset, unsigned size)
{
    if (code_pages_hit(&map->code, ram_offset, size)) {
        cpu_vector_park(cpu);
    }
    code_pages_written(map, ram_offset, size);
}

typedef struct WalkStep {
    uint8_t *host; /* NULL: not in plain RAM */
    uint64_t gpa;
    uint64_t entry;
} WalkStep;

static void step_read(Cpu *cpu, Walker *walker, uint64_t gpa, WalkStep *step)
{
    step->gpa = gpa;
    step->host = host_find(walker, gpa);
    if (step->host == NULL) {
        cpu_vector_park(cpu);
        step->entry = phys_map_mmio_read(walker->map, gpa, walker->entry_width);
    } else if (walker->entry_width == 8) {
        step->entry = __atomic_load_n((uint64_t *)step->host, __ATOMIC_RELAXED);
    } else {
        step->entry = __atomic_load_n((uint32_t *)step->host, __ATOMIC_RELAXED);
    }
}

/* false: the entry has changed since it was read. */
static bool step_set(Cpu *cpu, Walker *walker, WalkStep *step, uint64_t set)
{
    uint64_t value = step->entry | set;
    bool done;

    if (value == step->entry) {
        return true;
    }
    if (step->host == NULL) {
        cpu_vector_park(cpu);
        phys_map_mmio_write(walker->map, step->gpa, walker->entry_width, value);
        return true;
    }
    if (walker->entry_width == 8) {
        done = __atomic_compare_exchange_n((uint64_t *)step->host, &step->entry, value, false,
                                           __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
    } else {
        uint32_t expected = (uint32_t)step->entry;

        done = __atomic_compare_exchange_n((uint32_t *)step->host, &expected, (uint32_t)value,
                                           false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
    }
    if (done) {
        uint64_t ram_offset = (uint64_t)(step->host - walker->map->ram);

        if (code_pages_trapped(&walker->map->code, ram_offset)) {
            walker_written(cpu, walker->map, ram_offset, walker->entry_width);
        }
    }
    return done;
}

/* ---- Rights ---- */

/* `all`: AND of the entries used; `any`: OR of them. Returns bits 1 << Access. */
static unsigned rights_of(const Cpu *cpu, MmuContext context, uint64_t all, uint64_t any)
{
    unsigned rights = 1u << ACCESS_READ;
    bool fetch = !(any & PTE_XD); /* with NXE clear the bit was reserved: not set */

    if (context == MMU_USER) {
        if (!(all & PTE_US)) {
            return 0;
        }
        rights |= all & PTE_RW ? 1u << ACCESS_WRITE : 0;
        return rights | (fetch ? 1u << ACCESS_FETCH : 0);
    }
    if (all & PTE_US) {
        fetch = fetch && !(cpu->cr4 & CR4_SMEP);
        if ((cpu->cr4 & CR4_SMAP) && context == MMU_KERNEL) {
            return fetch ? 1u << ACCESS_FETCH : 0;
        }
    }
    rights |= (all & PTE_RW) || !(cpu->cr0 & CR0_WP) ? 1u << ACCESS_WRITE : 0;
    return rights | (fetch ? 1u << ACCESS_FETCH : 0);
}

static void page_fault(Cpu *cpu, uint64_t gva, Access access, MmuContext context, uint32_t error)
{
    if (access == ACCESS_WRITE) {
        error |= ERROR_W;
    }
    if (context == MMU_USER) {
        error |= ERROR_U;
    }
    if (access == ACCESS_FETCH &&
        ((cpu->cr4 & CR4_SMEP) || ((cpu->cr4 & CR4_PAE) && (cpu->efer & EFER_NXE)))) {
        error |= ERROR_I;
    }
    cpu_fault_error(cpu, VECTOR_PF, error);
    cpu->fault.address = gva;
}

/* ---- The walk ---- */

/* Log2 of the bytes that an entry at `level` spans. */
static inline unsigned level_shift(const Walker *walker, unsigned level)
{
    return PAGE_SHIFT + level * walker->index_bits;
}

static inline uint64_t entry_gpa(const Cpu *cpu, const Walker *walker, uint64_t table,
                                 unsigned level, uint64_t gva)
{
    uint64_t index = (gva >> level_shift(walker, level)) & ((1u << walker->index_bits) - 1);

    return a20_apply(cpu, table + index * walker->entry_width);
}

/* Physical address of the 4 KiB page of `gva`, from the entry at `level` that maps it. */
static inline uint64_t leaf_gpa(const Cpu *cpu, const Walker *walker, uint64_t entry,
                                unsigned level, uint64_t gva)
{
    uint64_t in_page = (1ull << level_shift(walker, level)) - 1;
    uint64_t base = entry & walker->address & ~in_page;

    if (level == 1 && walker->entry_width == 4) {
        base |= (entry & bits(13, 20)) << (32 - 13);
    }
    return a20_apply(cpu, base | (gva & in_page & ~(uint64_t)(PAGE_SIZE - 1)));
}

static bool walk_root(const Cpu *cpu, const Walker *walker, uint64_t gva, uint64_t *table)
{
    if (walker->pae) {
        uint64_t pdpte = walker->pdpte[(gva >> 30) & 3];

        *table = pdpte & walker->address;
        return pdpte & PTE_P;
    }
    *table = cpu->cr3 & walker->root_mask;
    return true;
}

static void walk_unpaged(const Cpu *cpu, Walker *walker, uint64_t gva, Walk *found)
{
    found->gpa = a20_apply(cpu, gva & 0xfffff000u);
    found->rights = (1u << ACCESSES) - 1;
    found->global = false;
    found->shift = PAGE_SHIFT;
    found->host = host_find(walker, found->gpa);
}

typedef enum WalkResult { WALK_DONE, WALK_FAULT, WALK_AGAIN } WalkResult;

/* Sets A in the entries used, D in the one at `level` that maps the page; false: one has changed.
 */
static bool steps_set(Cpu *cpu, Walker *walker, WalkStep *step, unsigned level, Access access)
{
    for (unsigned i = walker->top; i > level; i--) {
        if (!step_set(cpu, walker, &step[i], PTE_A)) {
            return false;
        }
    }
    return step_set(cpu, walker, &step[level], access == ACCESS_WRITE ? PTE_A | PTE_D : PTE_A);
}

typedef struct Descent {
    WalkStep step[WALK_LEVELS];
    unsigned level;    /* of the entry that maps the page */
    uint64_t all, any; /* AND and OR of the entries used */
} Descent;

/* Down to the entry that maps the page; false: *error is a page fault's, as far as known here. */
static bool descend(Cpu *cpu, Walker *walker, uint64_t gva, Descent *down, uint32_t *error)
{
    uint64_t table;

    *error = 0;
    down->all = UINT64_MAX;
    down->any = 0;
    if (!walk_root(cpu, walker, gva, &table)) {
        return false;
    }
    for (unsigned level = walker->top;; level--) {
        WalkStep *step = &down->step[level];
        bool leaf;

        step_read(cpu, walker, entry_gpa(cpu, walker, table, level, gva), step);
        if (!(step->entry & PTE_P)) {
            return false;
        }
        leaf = level == 0 || ((step->entry & PTE_PS) && walker->large[level]);
        if (step->entry & (leaf ? walker->reserved_large[level] : walker->reserved[level])) {
            *error = ERROR_P | ERROR_RSVD;
            return false;
        }
        down->all &= step->entry;
        down->any |= step->entry;
        if (leaf) {
            down->level = level;
            return true;
        }
        table = step->entry & walker->address;
    }
}

static WalkResult walk_once(Cpu *cpu, Walker *walker, uint64_t gva, Access access,
                            MmuContext context, Walk *found)
{
    Descent down;
    uint64_t entry;
    uint32_t error;
    unsigned rights;

    if (!descend(cpu, walker, gva, &down, &error)) {
        page_fault(cpu, gva, access, context, error);
        return WALK_FAULT;
    }
    entry = down.step[down.level].entry;
    rights = rights_of(cpu, context, down.all, down.any);
    if (!(rights & (1u << access))) {
        page_fault(cpu, gva, access, context, ERROR_P);
        return WALK_FAULT;
    }
    if (!steps_set(cpu, walker, down.step, down.level, access)) {
        return WALK_AGAIN;
    }
    if (access != ACCESS_WRITE && !(entry & PTE_D)) {
        rights &= ~(1u << ACCESS_WRITE); /* the first write has to set it */
    }
    found->gpa = leaf_gpa(cpu, walker, entry, down.level, gva);
    found->rights = (uint8_t)rights;
    found->global = (entry & PTE_G) && (cpu->cr4 & CR4_PGE);
    found->shift = (uint8_t)level_shift(walker, down.level);
    found->host = host_find(walker, found->gpa);
    return WALK_DONE;
}

bool walk(Cpu *cpu, Walker *walker, uint64_t gva, Access access, MmuContext context, Walk *found)
{
    WalkResult result;

    if (!walker_current(cpu, walker)) {
        walker_update(cpu, walker);
    }
    if (walker->top == NO_PAGING) {
        walk_unpaged(cpu, walker, gva, found);
        return true;
    }
    do {
        result = walk_once(cpu, walker, gva, access, context, found);
    } while (result == WALK_AGAIN);
    return result == WALK_DONE;
}

bool walk_finds_code(Cpu *cpu, Walker *walker, uint64_t gva, uint64_t gpa)
{
    Descent down;
    uint32_t error;

    if (!walker_current(cpu, walker)) {
        walker_update(cpu, walker);
    }
    return walker->top != NO_PAGING && descend(cpu, walker, gva, &down, &error) &&
           (down.all & PTE_A) &&
           (rights_of(cpu, MMU_USER, down.all, down.any) & (1u << ACCESS_FETCH)) &&
           leaf_gpa(cpu, walker, down.step[down.level].entry, down.level, gva) == gpa;
}

static bool debug_read(const PhysMap *map, uint64_t gpa, unsigned width, uint64_t *entry)
{
    PhysSegment segment;

    phys_map_find(map, gpa, &segment);
    if (segment.host == NULL || segment.last - gpa < width - 1) {
        return false;
    }
    *entry = width == 8 ? *(const uint64_t *)(segment.host + (gpa - segment.first))
                        : *(const uint32_t *)(segment.host + (gpa - segment.first));
    return true;
}

bool walk_debug(const Cpu *cpu, Walker *walker, uint64_t gva, uint64_t *gpa)
{
    uint64_t table, entry;
    unsigned level;

    walker_update(cpu, walker);
    if (walker->top == NO_PAGING) {
        *gpa = a20_apply(cpu, gva & UINT32_MAX);
        return true;
    }
    if (!walk_root(cpu, walker, gva, &table)) {
        return false;
    }
    for (level = walker->top;; level--) {
        uint64_t at = entry_gpa(cpu, walker, table, level, gva);

        if (!debug_read(walker->map, at, walker->entry_width, &entry) || !(entry & PTE_P)) {
            return false;
        }
        if (level == 0 || ((entry & PTE_PS) && walker->large[level])) {
            break;
        }
        table = entry & walker->address;
    }
    *gpa = leaf_gpa(cpu, walker, entry, level, gva) | (gva & (PAGE_SIZE - 1));
    return true;
}

bool walker_load_pdptes(Cpu *cpu, Walker *walker)
{
    uint64_t gpa = a20_apply(cpu, cpu->cr3 & 0xffffffe0u);
    uint64_t reserved = bits(1, 2) | bits(5, 8) | bits(walker->phys_bits, 63);
    uint64_t pdpte[4];

    for (unsigned i = 0; i < 4; i++) {
        const uint8_t *host = host_find(walker, gpa + i * 8);

        if (host != NULL) {
            pdpte[i] = *(const uint64_t *)host;
        } else {
            cpu_vector_park(cpu);
            pdpte[i] = phys_map_mmio_read(walker->map, gpa + i * 8, 8);
        }
        if ((pdpte[i] & PTE_P) && (pdpte[i] & reserved)) {
            return false;
        }
    }
    for (unsigned i = 0; i < 4; i++) {
        walker->pdpte[i] = pdpte[i];
    }
    return true;
}
