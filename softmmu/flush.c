/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flush.c - what the architecture's operations invalidate (SDM vol. 3 sections 4.10.4 and 4.10.5).
 */
#include "softmmu/mmu.h"

#include "softmmu/tlb.h"

enum { /* SoftMmu.mode: what entries depend on, gathered in one word */
       ENTRIES_SMM = 1u << 0,
       ENTRIES_A20 = 1u << 1,
       ENTRIES_EFER = EFER_NXE | EFER_LMA,
};
#define ENTRIES_CR0 (CR0_PG | CR0_WP)
#define ENTRIES_CR4 (CR4_PSE | CR4_PAE | CR4_PGE | CR4_PCIDE | CR4_SMEP | CR4_SMAP)
/* Entries made with these clear allow too much when they are set; the other way they allow too
 * little, and an access walks again. */
#define ENTRIES_STRICTER (CR0_WP | (uint64_t)(CR4_SMEP | CR4_SMAP) << 32)

static uint64_t entries_mode(const Cpu *cpu)
{
    return (cpu->cr0 & ENTRIES_CR0) | (cpu->cr4 & ENTRIES_CR4) << 32 | (cpu->efer & ENTRIES_EFER) |
           (cpu->smm ? ENTRIES_SMM : 0) | (cpu->a20_mask & (1u << 20) ? ENTRIES_A20 : 0);
}

static uint16_t current_pcid(const Cpu *cpu)
{
    return cpu->cr4 & CR4_PCIDE ? cpu->cr3 & 0xfff : 0;
}

void mmu_flush_all(Cpu *cpu)
{
    SoftMmu *mmu = cpu->mmu;

    mmu->stats.flushes++;
    for (unsigned i = 0; i < TLB_BANKS; i++) {
        if (mmu->bank[i].ready) {
            tlb_flush_bank(&mmu->bank[i]);
            tlb_code_flush(mmu, &mmu->bank[i]);
        }
    }
    tlb_system_code_flush(mmu);
    mmu->global_first = UINT64_MAX;
    mmu->global_last = 0;
    tlb_select(mmu, current_pcid(cpu));
}

void mmu_flush_nonglobal(Cpu *cpu)
{
    SoftMmu *mmu = cpu->mmu;

    mmu->stats.flushes++;
    for (unsigned i = 0; i < TLB_BANKS; i++) {
        if (mmu->bank[i].ready) {
            tlb_flush_local(&mmu->bank[i]);
            tlb_code_check(mmu, &mmu->bank[i]);
        }
    }
}

void mmu_flush_page(Cpu *cpu, uint64_t gva)
{
    SoftMmu *mmu = cpu->mmu;

    mmu->stats.page_flushes++;
    if (gva < mmu->global_first || gva > mmu->global_last) {
        tlb_code_flush_address(mmu, mmu->current, gva);
        tlb_flush_address(mmu->current, gva);
        return;
    }
    tlb_system_code_flush_address(mmu, gva);
    for (unsigned i = 0; i < TLB_BANKS; i++) {
        tlb_code_flush_address(mmu, &mmu->bank[i], gva);
        tlb_flush_address(&mmu->bank[i], gva);
    }
}

void mmu_cr3_write(Cpu *cpu, bool keep)
{
    SoftMmu *mmu = cpu->mmu;

    tlb_select(mmu, current_pcid(cpu));
    if (!keep) {
        mmu->stats.flushes++;
        tlb_flush_local(mmu->current);
        tlb_code_check(mmu, mmu->current);
    }
}

void mmu_invpcid(Cpu *cpu, unsigned type, uint16_t pcid, uint64_t gva)
{
    SoftMmu *mmu = cpu->mmu;
    Bank *bank = tlb_bank_find(mmu, pcid);

    switch (type) {
    case 0:
        mmu->stats.page_flushes++;
        if (bank != NULL) {
            tlb_code_flush_address(mmu, bank, gva);
            tlb_flush_address(bank, gva);
        }
        break;
    case 1:
        mmu->stats.flushes++;
        if (bank != NULL) {
            tlb_flush_local(bank);
            tlb_code_check(mmu, bank);
        }
        break;
    case 2:
        mmu_flush_all(cpu);
        break;
    default:
        mmu_flush_nonglobal(cpu);
        break;
    }
}

void mmu_mode_changed(Cpu *cpu)
{
    SoftMmu *mmu = cpu->mmu;
    uint64_t mode = entries_mode(cpu), old = mmu->mode;

    mmu->mode = mode;
    if (((mode ^ old) & ~ENTRIES_STRICTER) != 0 || (mode & ~old) != 0) {
        mmu_flush_all(cpu);
    }
}
