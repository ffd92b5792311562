/* SPDX-License-Identifier: GPL-2.0-or-later */
/* code_space.c - names of the translations that fetches have.
 *
 * The engine keeps what it knows of code by address under such a name, and a new name makes it
 * forget all of it.  An operating system's own code lies in global pages, which stay when CR3 is
 * written; so supervisor code has a name of its own, for all address spaces, until it is fetched
 * from a page that is not global.  From then on, and until everything is flushed, its name is that
 * of the address space.
 */
#include "softmmu/tlb.h"

static inline unsigned page_hash(uint64_t gva)
{
    uint64_t page = gva >> PAGE_SHIFT;

    return (unsigned)(page ^ (page >> 11)) % (CODE_WORDS * 64);
}

static inline void bit_set(uint64_t *words, unsigned bit)
{
    words[bit / 64] |= 1ull << (bit % 64);
}

static inline bool bit_test(const uint64_t *words, unsigned bit)
{
    return words[bit / 64] >> (bit % 64) & 1;
}

static void notes_add(CodeNotes *notes, uint64_t page)
{
    bit_set(notes->page, page_hash(page));
    if (page & INFO_HUGE) {
        bit_set(&notes->huge, tlb_huge_hash(page));
    } else if (page & INFO_LARGE) {
        bit_set(notes->large, tlb_large_hash(page));
    }
}

static bool notes_have(const CodeNotes *notes, uint64_t gva)
{
    return bit_test(notes->page, page_hash(gva)) || bit_test(notes->large, tlb_large_hash(gva)) ||
           bit_test(&notes->huge, tlb_huge_hash(gva));
}

static void notes_clear(CodeNotes *notes)
{
    for (unsigned i = 0; i < CODE_WORDS; i++) {
        notes->page[i] = 0;
    }
    for (unsigned i = 0; i < LARGE_WORDS; i++) {
        notes->large[i] = 0;
    }
    notes->huge = 0;
}

void tlb_spaces_publish(SoftMmu *mmu)
{
    mmu->cpu->space = mmu->current->space;
    mmu->cpu->system_space = mmu->system_local ? mmu->current->space : mmu->system_space;
}

void tlb_code_note(Cpu *cpu, uint64_t page)
{
    SoftMmu *mmu = cpu->mmu;
    bool system = cpu_cpl(cpu) != 3;

    if (system && !mmu->system_local && (page & INFO_GLOBAL)) {
        notes_add(&mmu->system_code, page);
        return;
    }
    notes_add(&mmu->current->code, page);
    if (system && !mmu->system_local) {
        mmu->system_local = true;
        tlb_spaces_publish(mmu);
    }
}

void tlb_code_flush(SoftMmu *mmu, Bank *bank)
{
    bank->space = ++mmu->last_space;
    notes_clear(&bank->code);
    if (mmu->current != NULL) {
        tlb_spaces_publish(mmu);
    }
}

void tlb_code_flush_address(SoftMmu *mmu, Bank *bank, uint64_t gva)
{
    if (notes_have(&bank->code, gva)) {
        tlb_code_flush(mmu, bank);
    }
}

void tlb_system_code_flush(SoftMmu *mmu)
{
    mmu->system_space = ++mmu->last_space;
    notes_clear(&mmu->system_code);
    mmu->system_local = false;
}

void tlb_system_code_flush_address(SoftMmu *mmu, uint64_t gva)
{
    if (notes_have(&mmu->system_code, gva)) {
        mmu->system_space = ++mmu->last_space;
        notes_clear(&mmu->system_code);
        tlb_spaces_publish(mmu);
    }
}
