/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mmu.c - guest linear accesses that the inline check did not serve, and what the architecture's
 * TLB operations do.
 *
 * An access that crosses a page has both pages proven before either is touched.  A crossing at the
 * top of 4 GiB wraps outside 64-bit mode.
 */
#include "softmmu/mmu.h"

#include "softmmu/tlb.h"

/* ---- Parts of an access that lie in one page ---- */

/* Single moves for the widths of single moves: other vCPUs see such an access whole. */
static inline void bytes_copy(void *to, const void *from, unsigned n)
{
    uint8_t *t = to;
    const uint8_t *f = from;

    for (; n >= 8; n -= 8, t += 8, f += 8) {
        __builtin_memcpy(t, f, 8);
    }
    if (n & 4) {
        __builtin_memcpy(t, f, 4);
        t += 4;
        f += 4;
    }
    if (n & 2) {
        __builtin_memcpy(t, f, 2);
        t += 2;
        f += 2;
    }
    if (n & 1) {
        *t = *f;
    }
}

static inline unsigned page_offset(uint64_t gva)
{
    return (unsigned)(gva & (PAGE_SIZE - 1));
}

/* Bytes of an access that lie before the end of its first page. */
static inline unsigned page_part(uint64_t gva, unsigned width)
{
    unsigned left = PAGE_SIZE - page_offset(gva);

    return width < left ? width : left;
}

static inline uint64_t page_next(const Cpu *cpu, uint64_t gva)
{
    uint64_t next = (gva | (PAGE_SIZE - 1)) + 1;

    return next == 1ull << 32 && !(cpu->mode & MODE_CS64) ? 0 : next;
}

static void mmio_read(Cpu *cpu, uint64_t gpa, uint8_t *value, unsigned n)
{
    cpu_vector_park(cpu);
    while (n > 0) {
        unsigned room = 8 - (unsigned)(gpa & 7), chunk = n < room ? n : room;
        uint64_t word = phys_map_mmio_read(cpu->mmu->map, gpa, chunk);

        bytes_copy(value, &word, chunk);
        gpa += chunk;
        value += chunk;
        n -= chunk;
    }
}

static void mmio_write(Cpu *cpu, uint64_t gpa, const uint8_t *value, unsigned n)
{
    cpu_vector_park(cpu);
    while (n > 0) {
        unsigned room = 8 - (unsigned)(gpa & 7), chunk = n < room ? n : room;
        uint64_t word = 0;

        bytes_copy(&word, value, chunk);
        phys_map_mmio_write(cpu->mmu->map, gpa, chunk, word);
        gpa += chunk;
        value += chunk;
        n -= chunk;
    }
}

static inline void part_read(Cpu *cpu, const PageRef *page, uint64_t gva, uint8_t *value,
                             unsigned n)
{
    if (page->flags & INFO_HOST) {
        bytes_copy(value, page->host + page_offset(gva), n);
    } else {
        mmio_read(cpu, page->gpa + page_offset(gva), value, n);
    }
}

/* `n` bytes of a RAM page have been written, or will be at once: tells who watches it; if nobody
 * does (any more), later writes may go inline. */
static inline void part_written(Cpu *cpu, const PageRef *page, uint64_t gva, unsigned n)
{
    SoftMmu *mmu = cpu->mmu;
    uint64_t ram_offset = (uint64_t)(page->host - mmu->walker.map->ram) + page_offset(gva);

    if (mmu->shared) { /* between the write and the look at what is watched */
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    }
    if (code_pages_trapped(&mmu->map->code, ram_offset)) {
        walker_written(cpu, mmu->map, ram_offset, n);
    } else if (((page->entry->tag[ACCESS_WRITE] ^ gva) & ~(uint64_t)(PAGE_SIZE - 1)) != 0) {
        tlb_allow_write(mmu, page->entry, gva);
    }
}

static inline void part_write(Cpu *cpu, const PageRef *page, uint64_t gva, const uint8_t *value,
                              unsigned n)
{
    if (page->flags & INFO_RAM) {
        bytes_copy(page->host + page_offset(gva), value, n);
        part_written(cpu, page, gva, n);
    } else if (!(page->flags & INFO_HOST)) {
        mmio_write(cpu, page->gpa + page_offset(gva), value, n);
    } /* ROM and write-protected RAM: goes nowhere */
}

/* ---- Whole accesses ---- */

/* The one or two pages of an access; *first is the part in the first. */
static inline bool pages_of(Cpu *cpu, MmuContext context, uint64_t gva, unsigned width,
                            Access access, PageRef page[2], unsigned *first)
{
    *first = page_part(gva, width);
    if (!tlb_page(cpu, context, gva, access, &page[0])) {
        return false;
    }
    return *first == width || tlb_page(cpu, context, page_next(cpu, gva), access, &page[1]);
}

static inline bool access_read(Cpu *cpu, MmuContext context, uint64_t gva, uint8_t *value,
                               unsigned width, Access access)
{
    PageRef page[2];
    unsigned first;

    if (!pages_of(cpu, context, gva, width, access, page, &first)) {
        return false;
    }
    part_read(cpu, &page[0], gva, value, first);
    if (first != width) {
        part_read(cpu, &page[1], page_next(cpu, gva), value + first, width - first);
    }
    return true;
}

static inline bool access_write(Cpu *cpu, MmuContext context, uint64_t gva, const uint8_t *value,
                                unsigned width)
{
    PageRef page[2];
    unsigned first;

    if (!pages_of(cpu, context, gva, width, ACCESS_WRITE, page, &first)) {
        return false;
    }
    part_write(cpu, &page[0], gva, value, first);
    if (first != width) {
        part_write(cpu, &page[1], page_next(cpu, gva), value + first, width - first);
    }
    return true;
}

bool mmu_read_slow(Cpu *cpu, uint64_t gva, void *value, unsigned width)
{
    return access_read(cpu, cpu->context, gva, value, width, ACCESS_READ);
}

bool mmu_write_slow(Cpu *cpu, uint64_t gva, const void *value, unsigned width)
{
    return access_write(cpu, cpu->context, gva, value, width);
}

bool mmu_system_read(Cpu *cpu, uint64_t gva, void *value, unsigned width)
{
    return access_read(cpu, MMU_KERNEL, gva, value, width, ACCESS_READ);
}

bool mmu_system_write(Cpu *cpu, uint64_t gva, const void *value, unsigned width)
{
    return access_write(cpu, MMU_KERNEL, gva, value, width);
}

bool mmu_context_write(Cpu *cpu, MmuContext context, uint64_t gva, const void *value,
                       unsigned width)
{
    return access_write(cpu, context, gva, value, width);
}

bool mmu_context_probe(Cpu *cpu, MmuContext context, uint64_t gva, unsigned width, Access access)
{
    PageRef page[2];
    unsigned first;

    return pages_of(cpu, context, gva, width, access, page, &first);
}

bool mmu_probe(Cpu *cpu, uint64_t gva, unsigned width, Access access)
{
    return mmu_context_probe(cpu, cpu->context, gva, width, access);
}

uint8_t *mmu_host(Cpu *cpu, uint64_t gva, unsigned width, Access access, bool *fault)
{
    PageRef page;

    *fault = false;
    if (page_part(gva, width) != width) {
        return NULL;
    }
    if (!tlb_page(cpu, cpu->context, gva, access, &page)) {
        *fault = true;
        return NULL;
    }
    if (!(page.flags & (access == ACCESS_WRITE ? INFO_RAM : INFO_HOST))) {
        return NULL;
    }
    return page.host + page_offset(gva);
}

void mmu_host_written(Cpu *cpu, const uint8_t *host, unsigned width)
{
    SoftMmu *mmu = cpu->mmu;
    uint64_t ram_offset = (uint64_t)(host - mmu->map->ram);

    if (mmu->shared) {
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    }
    if (code_pages_trapped(&mmu->map->code, ram_offset)) {
        walker_written(cpu, mmu->map, ram_offset, width);
    }
}

bool mmu_fill(Cpu *cpu, uint64_t gva, unsigned width, Access own, Access access)
{
    PageRef page;

    if (page_part(gva, width) != width || !address_canonical(gva) ||
        !tlb_page(cpu, cpu->context, gva, own, &page)) {
        return false;
    }
    if (own == ACCESS_WRITE && (page.flags & INFO_RAM)) {
        tlb_allow_write(cpu->mmu, page.entry, gva);
    }
    return (page.entry->tag[access] ^ gva) < PAGE_SIZE;
}

/* ---- Compare-exchange ---- */

#define HOST_CMPXCHG(suffix, type)                                                                 \
    static inline bool host_cmpxchg_##suffix(uint8_t *host, void *expected, const void *desired)   \
    {                                                                                              \
        type old, new;                                                                             \
        bool done;                                                                                 \
                                                                                                   \
        __builtin_memcpy(&old, expected, sizeof(old));                                             \
        __builtin_memcpy(&new, desired, sizeof(new));                                              \
        __asm__ volatile("lock cmpxchg" #suffix " %[new], %[memory]"                               \
                         : "=@ccz"(done), "+a"(old), [memory] "+m"(*(type(*)[1])host)              \
                         : [new] "r"(new)                                                          \
                         : "memory");                                                              \
        __builtin_memcpy(expected, &old, sizeof(old));                                             \
        return done;                                                                               \
    }
HOST_CMPXCHG(b, uint8_t)
HOST_CMPXCHG(w, uint16_t)
HOST_CMPXCHG(l, uint32_t)
HOST_CMPXCHG(q, uint64_t)

static inline bool host_cmpxchg_16(uint8_t *host, void *expected, const void *desired)
{
    uint64_t old[2], new[2];
    bool done;

    __builtin_memcpy(old, expected, sizeof(old));
    __builtin_memcpy(new, desired, sizeof(new));
    __asm__ volatile("lock cmpxchg16b %[memory]"
                     : "=@ccz"(done), "+a"(old[0]),
                       "+d"(old[1]), [memory] "+m"(*(uint64_t(*)[2])host)
                     : "b"(new[0]), "c"(new[1])
                     : "memory");
    __builtin_memcpy(expected, old, sizeof(old));
    return done;
}

static bool host_cmpxchg(uint8_t *host, unsigned width, void *expected, const void *desired)
{
    switch (width) {
    case 1:
        return host_cmpxchg_b(host, expected, desired);
    case 2:
        return host_cmpxchg_w(host, expected, desired);
    case 4:
        return host_cmpxchg_l(host, expected, desired);
    case 8:
        return host_cmpxchg_q(host, expected, desired);
    default:
        return host_cmpxchg_16(host, expected, desired);
    }
}

static bool bytes_equal(const uint8_t *a, const uint8_t *b, unsigned n)
{
    uint8_t differ = 0;

    for (unsigned i = 0; i < n; i++) {
        differ |= a[i] ^ b[i];
    }
    return differ == 0;
}

/* What compare-exchange compares with. */
typedef enum Compare {
    COMPARE_ALL,
    COMPARE_MEMORY, /* registers of devices count as equal, and are not read */
} Compare;

static void part_found(Cpu *cpu, const PageRef *page, uint64_t gva, uint8_t *found, unsigned n,
                       Compare compare)
{
    if (compare == COMPARE_ALL || (page->flags & INFO_HOST)) {
        part_read(cpu, page, gva, found, n);
    }
}

/* Devices, ROM, page crossings: under the device lock, which all accesses of this kind take, and
 * while no other CPU runs. */
static bool cmpxchg_locked(Cpu *cpu, const PageRef page[2], uint64_t gva, unsigned width,
                           uint8_t *expected, const uint8_t *desired, Compare compare)
{
    unsigned first = page_part(gva, width);
    uint64_t next = page_next(cpu, gva);
    uint8_t found[16];
    bool same;

    cpu_vector_park(cpu);
    if (cpu->mmu->shared && cpu->bus->alone_begin != NULL) {
        cpu->bus->alone_begin(cpu);
    }
    phys_map_lock(cpu->mmu->map);
    bytes_copy(found, expected, width);
    part_found(cpu, &page[0], gva, found, first, compare);
    if (first != width) {
        part_found(cpu, &page[1], next, found + first, width - first, compare);
    }
    same = bytes_equal(found, expected, width);
    if (same) {
        part_write(cpu, &page[0], gva, desired, first);
        if (first != width) {
            part_write(cpu, &page[1], next, desired + first, width - first);
        }
    } else {
        bytes_copy(expected, found, width);
    }
    phys_map_unlock(cpu->mmu->map);
    if (cpu->mmu->shared && cpu->bus->alone_end != NULL) {
        cpu->bus->alone_end(cpu);
    }
    return same;
}

static inline bool cmpxchg(Cpu *cpu, uint64_t gva, unsigned width, void *expected,
                           const void *desired, Compare compare)
{
    PageRef page[2];
    unsigned first;
    bool done;

    if (!pages_of(cpu, cpu->context, gva, width, ACCESS_WRITE, page, &first)) {
        return true; /* another CPU took the page away since the probe: its loss */
    }
    if (first != width || !(page[0].flags & INFO_RAM) || (width == 16 && (gva & 15) != 0)) {
        return cmpxchg_locked(cpu, page, gva, width, expected, desired, compare);
    }
    done = host_cmpxchg(page[0].host + page_offset(gva), width, expected, desired);
    if (done) {
        part_written(cpu, &page[0], gva, width);
    }
    return done;
}

bool mmu_cmpxchg(Cpu *cpu, uint64_t gva, unsigned width, void *expected, const void *desired)
{
    return cmpxchg(cpu, gva, width, expected, desired, COMPARE_ALL);
}

bool mmu_update(Cpu *cpu, uint64_t gva, unsigned width, void *expected, const void *desired)
{
    return cmpxchg(cpu, gva, width, expected, desired, COMPARE_MEMORY);
}

/* ---- Fetch ---- */

const uint8_t *mmu_fetch(Cpu *cpu, uint64_t gva, uint64_t *gpa, unsigned *left)
{
    PageRef page;

    *left = 0;
    if (!tlb_page(cpu, cpu->context, gva, ACCESS_FETCH, &page)) {
        return NULL;
    }
    *gpa = page.gpa + page_offset(gva);
    *left = PAGE_SIZE - page_offset(gva);
    return page.flags & INFO_HOST ? page.host + page_offset(gva) : NULL;
}

bool mmu_fetch_bytes(Cpu *cpu, uint64_t gva, uint8_t *bytes, unsigned n)
{
    return access_read(cpu, cpu->context, gva, bytes, n, ACCESS_FETCH);
}

bool mmu_code_page(Cpu *cpu, uint64_t gva, uint64_t *ram_offset, const uint8_t **host)
{
    PhysMap *map = cpu->mmu->map;
    PageRef page;

    *ram_offset = 0;
    *host = NULL;
    if (!tlb_page(cpu, cpu->context, gva, ACCESS_FETCH, &page)) {
        return false;
    }
    *ram_offset = UINT64_MAX;
    if (!(page.flags & INFO_HOST)) {
        return false;
    }
    *host = page.host;
    tlb_code_note(cpu, page.flags, page.gpa);
    if (page.host < map->ram || page.host >= map->ram + map->ram_size) {
        return false;
    }
    *ram_offset = (uint64_t)(page.host - map->ram);
    return true;
}

void mmu_drop_write_entries(Cpu *cpu, uint64_t ram_offset)
{
    tlb_drop_write(cpu->mmu, ram_offset);
}

bool mmu_may_write(const Cpu *cpu, uint64_t ram_offset)
{
    return tlb_may_write(cpu->mmu, ram_offset);
}

void mmu_share(Cpu *cpu)
{
    cpu->mmu->shared = true;
}

bool mmu_translate_debug(Cpu *cpu, uint64_t gva, uint64_t *gpa)
{
    return walk_debug(cpu, &cpu->mmu->walker, gva, gpa);
}

bool mmu_load_pdptes(Cpu *cpu)
{
    return walker_load_pdptes(cpu, &cpu->mmu->walker);
}

uint64_t *mmu_pdptes(Cpu *cpu)
{
    return cpu->mmu->walker.pdpte;
}
