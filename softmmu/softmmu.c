/* SPDX-License-Identifier: GPL-2.0-or-later */
/* softmmu.c - construction of a vCPU's soft MMU. */
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#include "softmmu/mmu.h"

#include <sys/mman.h>

#include "softmmu/tlb.h"
#include "softmmu/window.h"

typedef struct BankMemory {
    TlbBank tlb;
    TlbSide side[MMU_CONTEXTS];
} __attribute__((aligned(PAGE_SIZE))) BankMemory;

/* Zeroed memory that takes up none until it is touched. */
static void *memory_map(size_t size)
{
    void *map = mmap(NULL, size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (map == MAP_FAILED) {
        g_error("no address space for a TLB");
    }
    return map;
}

static size_t writers_size(const PhysMap *map)
{
    return (size_t)(map->ram_size >> PAGE_SHIFT) * sizeof(uint32_t);
}

SoftMmu *soft_mmu_new(Cpu *cpu, PhysMap *map)
{
    SoftMmu *mmu = g_new0(SoftMmu, 1);
    BankMemory *memory = memory_map(TLB_BANKS * sizeof(BankMemory));

    mmu->cpu = cpu;
    mmu->map = map;
    mmu->global_first = UINT64_MAX;
    walker_init(&mmu->walker, map, MMU_PHYS_BITS);
    mmu->writers = memory_map(writers_size(map));
    for (unsigned i = 0; i < TLB_BANKS; i++) {
        mmu->bank[i].tlb = &memory[i].tlb;
        mmu->bank[i].side = memory[i].side;
    }
    cpu->mmu = mmu;
    tlb_system_code_flush(mmu);
    tlb_select(mmu, 0);
    mmu_mode_changed(cpu);
    return mmu;
}

void soft_mmu_free(SoftMmu *mmu)
{
    if (mmu == NULL) {
        return;
    }
    window_free(mmu->window);
    munmap(mmu->bank[0].tlb, TLB_BANKS * sizeof(BankMemory));
    munmap(mmu->writers, writers_size(mmu->map));
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
