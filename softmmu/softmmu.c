/* SPDX-License-Identifier: GPL-2.0-or-later */
/* softmmu.c - construction of a vCPU's soft MMU.
 *
 * The banks and what C keeps of them lie in one stretch of memory aligned for huge pages: every
 * guest access reads an entry, at random, and the host's TLB should not miss on it.
 */
#define _GNU_SOURCE /* madvise */
#include "softmmu/mmu.h"

#include <sys/mman.h>

#include "softmmu/tlb.h"

enum { HUGE_PAGE = 2 << 20 };

typedef struct BankMemory {
    TlbBank tlb;
    TlbSide side[MMU_CONTEXTS];
} __attribute__((aligned(PAGE_SIZE))) BankMemory;

static const size_t BANKS_SIZE = (TLB_BANKS * sizeof(BankMemory) + HUGE_PAGE - 1) &
                                 ~(size_t)(HUGE_PAGE - 1);

/* Zeroed address space, aligned to huge pages. */
static void *banks_map(void)
{
    uint8_t *map = mmap(NULL, BANKS_SIZE + HUGE_PAGE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    size_t skip;

    if (map == MAP_FAILED) {
        g_error("no address space for a TLB");
    }
    skip = -(uintptr_t)map & (HUGE_PAGE - 1);
    if (skip != 0) {
        munmap(map, skip);
    }
    if (skip != HUGE_PAGE) {
        munmap(map + skip + BANKS_SIZE, HUGE_PAGE - skip);
    }
    madvise(map + skip, BANKS_SIZE, MADV_HUGEPAGE);
    return map + skip;
}

static size_t written_size(const PhysMap *map)
{
    return (size_t)((map->ram_size >> PAGE_SHIFT) / 64 + 1) * sizeof(uint64_t);
}

SoftMmu *soft_mmu_new(Cpu *cpu, PhysMap *map)
{
    SoftMmu *mmu = g_new0(SoftMmu, 1);
    BankMemory *memory = banks_map();

    mmu->cpu = cpu;
    mmu->map = map;
    mmu->global_first = UINT64_MAX;
    walker_init(&mmu->walker, map, MMU_PHYS_BITS);
    mmu->written = mmap(NULL, written_size(map), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mmu->written == MAP_FAILED) {
        g_error("no address space for a TLB");
    }
    for (unsigned i = 0; i < TLB_BANKS; i++) {
        mmu->bank[i].tlb = &memory[i].tlb;
        mmu->bank[i].side = memory[i].side;
    }
    cpu->mmu = mmu;
    tlb_select(mmu, 0);
    mmu_mode_changed(cpu);
    return mmu;
}

void soft_mmu_free(SoftMmu *mmu)
{
    if (mmu == NULL) {
        return;
    }
    munmap(mmu->bank[0].tlb, BANKS_SIZE);
    munmap(mmu->written, written_size(mmu->map));
    mmu->cpu->mmu = NULL;
    mmu->cpu->tlb = NULL;
    g_free(mmu);
}

PhysMap *soft_mmu_map(SoftMmu *mmu)
{
    return mmu->map;
}

void soft_mmu_set_phys_bits(SoftMmu *mmu, unsigned phys_bits)
{
    g_assert(phys_bits >= 32 && phys_bits <= 52);
    mmu->walker.phys_bits = phys_bits;
    mmu->walker.cr0 = ~mmu->walker.cr0; /* derive afresh */
    mmu_flush_all(mmu->cpu);
}

const MmuStats *mmu_stats(const SoftMmu *mmu)
{
    return &mmu->stats;
}
