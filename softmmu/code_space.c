/* SPDX-License-Identifier: GPL-2.0-or-later */
/* code_space.c - names of the translations that fetches have.
 *
 * The engine keeps what it knows of code by address under such a name, and a new name makes it
 * forget all of it.  An operating system's own code lies in global pages, which stay when CR3 is
 * written; so supervisor code has a name of its own, for all address spaces, until it is fetched
 * from a page that is not global.  From then on, and until everything is flushed, its name is that
 * of the address space.
 *
 * Most flushes have nothing to do with code, or leave it where it was: fork, munmap, and mprotect
 * of code that stays executable, which compilers at run time do for each function.  So the pages of
 * user code are looked for in the page tables then, and the name stays if all are found.  That
 * costs some 50 ns each; if flushes come too fast for that, a new name makes the list short again.
 */
#include "softmmu/tlb.h"

#include <x86intrin.h>

enum {
    CHECK_FREELY = 16, /* pages */
    CHECK_TICKS = 1500 /* since the last flush of everything, for each page that is looked for */
};

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

static void large_add(uint64_t *large, uint64_t *huge, uint64_t page)
{
    if (page & INFO_HUGE) {
        bit_set(huge, tlb_huge_hash(page));
    } else if (page & INFO_LARGE) {
        bit_set(large, tlb_large_hash(page));
    }
}

static bool large_has(const uint64_t *large, uint64_t huge, uint64_t gva)
{
    return bit_test(large, tlb_large_hash(gva)) || bit_test(&huge, tlb_huge_hash(gva));
}

static void large_clear(uint64_t *large, uint64_t *huge)
{
    for (unsigned i = 0; i < LARGE_WORDS; i++) {
        large[i] = 0;
    }
    *huge = 0;
}

/* ---- Notes of the system's code ---- */

static void notes_add(CodeNotes *notes, uint64_t page)
{
    bit_set(notes->page, page_hash(page));
    large_add(notes->large, &notes->huge, page);
}

static bool notes_have(const CodeNotes *notes, uint64_t gva)
{
    return bit_test(notes->page, page_hash(gva)) || large_has(notes->large, notes->huge, gva);
}

static void notes_clear(CodeNotes *notes)
{
    for (unsigned i = 0; i < CODE_WORDS; i++) {
        notes->page[i] = 0;
    }
    large_clear(notes->large, &notes->huge);
}

/* ---- The list of an address space ---- */

/* The page's slot, or the one where it belongs. */
static CodePage *list_slot(CodeList *list, uint64_t gva)
{
    uint64_t page = gva >> PAGE_SHIFT;
    unsigned at = (unsigned)((page * 0x9e3779b97f4a7c15u) >> 52);

    while (list->slot[at].gva != 0 && list->slot[at].gva >> PAGE_SHIFT != page) {
        at = (at + 1) % CODE_SLOTS;
    }
    return &list->slot[at];
}
_Static_assert(CODE_SLOTS == 1 << (64 - 52), "list_slot");

static void list_clear(CodeList *list)
{
    for (unsigned i = 0; i < list->count; i++) {
        list->slot[list->used[i]].gva = 0;
    }
    list->count = 0;
    large_clear(list->large, &list->huge);
    list->system = false;
}

static void list_add(CodeList *list, CodePage *slot, uint64_t page, uint64_t gpa)
{
    *slot = (CodePage){ .gva = page, .gpa = gpa };
    list->used[list->count++] = (uint16_t)(slot - list->slot);
    large_add(list->large, &list->huge, page);
}

static bool page_stays(SoftMmu *mmu, const CodePage *page)
{
    return walk_finds_code(mmu->cpu, &mmu->walker, page->gva & ~(uint64_t)(PAGE_SIZE - 1),
                           page->gpa);
}

static bool list_stays(SoftMmu *mmu, CodeList *list)
{
    uint64_t now = __rdtsc(), ticks = now - list->checked;

    list->checked = now;
    if (list->system || (list->count > CHECK_FREELY && ticks / CHECK_TICKS < list->count)) {
        return false;
    }
    for (unsigned i = 0; i < list->count; i++) {
        if (!page_stays(mmu, &list->slot[list->used[i]])) {
            return false;
        }
    }
    return true;
}

/* ---- Names ---- */

void tlb_spaces_publish(SoftMmu *mmu)
{
    mmu->cpu->space = mmu->current->space;
    mmu->cpu->system_space = mmu->system_local ? mmu->current->space : mmu->system_space;
}

void tlb_code_note(Cpu *cpu, uint64_t page, uint64_t gpa)
{
    SoftMmu *mmu = cpu->mmu;
    CodeList *list = &mmu->current->code;
    bool system = cpu_cpl(cpu) != 3;
    CodePage *slot;

    if (system && !mmu->system_local && (page & INFO_GLOBAL)) {
        notes_add(&mmu->system_code, page);
        return;
    }
    slot = list_slot(list, page);
    if (slot->gva == 0 ? list->count == CODE_PAGES : slot->gpa != gpa) {
        tlb_code_flush(mmu, mmu->current);
        slot = list_slot(list, page);
    }
    if (slot->gva == 0) {
        list_add(list, slot, page, gpa);
    }
    list->system |= system;
    if (system && !mmu->system_local) {
        mmu->system_local = true;
        tlb_spaces_publish(mmu);
    }
}

void tlb_code_flush(SoftMmu *mmu, Bank *bank)
{
    bank->space = ++mmu->last_space;
    list_clear(&bank->code);
    if (mmu->current != NULL) {
        tlb_spaces_publish(mmu);
    }
}

void tlb_code_check(SoftMmu *mmu, Bank *bank)
{
    if (bank != mmu->current || !list_stays(mmu, &bank->code)) {
        tlb_code_flush(mmu, bank);
    }
}

void tlb_code_flush_address(SoftMmu *mmu, Bank *bank, uint64_t gva)
{
    const CodePage *page = list_slot(&bank->code, gva);

    if (page->gva != 0 && (bank != mmu->current || !page_stays(mmu, page))) {
        tlb_code_flush(mmu, bank);
    } else if (large_has(bank->code.large, bank->code.huge, gva)) {
        tlb_code_check(mmu, bank);
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
