/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tlb.c - filling and flushing of the shadow TLB.
 *
 * Entries are always of 4 KiB.  INVLPG on a hardware TLB drops the whole large page that the
 * address lies in; so do we: the bank remembers roughly where large pages were, and only if the
 * address may be in one are the live entries searched.
 */
#include "softmmu/tlb.h"
#include "softmmu/window.h"

static const uint64_t PAGE_MASK = ~(uint64_t)(PAGE_SIZE - 1);

/* ---- Entries ---- */

static inline void entry_clear(TlbEntry *entry, unsigned index)
{
    uint64_t invalid = tlb_tag_invalid(index);

    entry->tag[ACCESS_READ] = invalid;
    entry->tag[ACCESS_WRITE] = invalid;
    entry->tag[ACCESS_FETCH] = invalid;
}

static inline void slot_clear(Bank *bank, MmuContext context, unsigned index)
{
    entry_clear(&bank->tlb->set[context][index], index);
    bank->side[context].info[index].gva &= INFO_SLOT;
}

/* Takes the entry that has been put into a slot into the list of its kind. */
static inline void slot_list(TlbSide *side, unsigned index)
{
    TlbInfo *info = &side->info[index];
    uint64_t flag = info->gva & INFO_GLOBAL ? INFO_IN_GLOBAL : INFO_IN_LOCAL;
    TlbList *list = info->gva & INFO_GLOBAL ? &side->global : &side->local;

    if (!(info->gva & flag)) {
        info->gva |= flag;
        list->index[list->count++] = (uint16_t)index;
    }
}

/* ---- Large pages ---- */

static inline void large_note(Bank *bank, uint64_t gva, uint64_t flags)
{
    if (flags & INFO_HUGE) {
        bank->huge |= 1ull << tlb_huge_hash(gva);
    } else if (flags & INFO_LARGE) {
        unsigned hash = tlb_large_hash(gva);

        bank->large[hash / 64] |= 1ull << (hash % 64);
    }
}

static inline bool large_noted(const Bank *bank, uint64_t gva)
{
    unsigned hash = tlb_large_hash(gva);

    return ((bank->large[hash / 64] >> (hash % 64)) & 1) ||
           ((bank->huge >> tlb_huge_hash(gva)) & 1);
}

static void large_forget(Bank *bank)
{
    bank->huge = 0;
    for (unsigned i = 0; i < LARGE_WORDS; i++) {
        bank->large[i] = 0;
    }
}

/* Was the translation made from a large page that holds `gva`? Regions are of 4 MiB, so that a
 * neighbour of 2 MiB may go as well. */
static inline bool large_covers(uint64_t info_gva, uint64_t gva)
{
    uint64_t differ = info_gva ^ gva;

    return ((info_gva & INFO_LARGE) && (differ >> 22) == 0) ||
           ((info_gva & INFO_HUGE) && (differ >> 30) == 0);
}

/* ---- Victims ---- */

static inline void victim_remove(TlbSide *side, unsigned i)
{
    side->victim[i] = side->victim[--side->victims];
}

static void victim_add(TlbSide *side, const TlbEntry *entry, const TlbInfo *info)
{
    unsigned i = side->victims < TLB_VICTIMS ? side->victims++ : side->next_victim++ % TLB_VICTIMS;

    side->victim[i].entry = *entry;
    side->victim[i].info.gva = info->gva & ~(uint64_t)INFO_SLOT;
    side->victim[i].info.gpa = info->gpa;
}

/* Swaps the entry wanted for the one in its slot; false if no victim has it. */
static bool victim_take(Bank *bank, MmuContext context, uint64_t gva, Access access)
{
    TlbSide *side = &bank->side[context];
    unsigned index = tlb_index(gva);

    for (unsigned i = 0; i < side->victims; i++) {
        TlbVictim found = side->victim[i];
        TlbEntry *entry = &bank->tlb->set[context][index];
        TlbInfo *info = &side->info[index];

        if (((found.info.gva ^ gva) & PAGE_MASK) != 0) {
            continue;
        }
        victim_remove(side, i);
        if (!(found.info.gva & (1u << access))) {
            return false; /* the walk makes a better one */
        }
        if (info->gva & INFO_RIGHTS) {
            victim_add(side, entry, info);
        }
        *entry = found.entry;
        info->gva = found.info.gva | (info->gva & INFO_SLOT);
        info->gpa = found.info.gpa;
        slot_list(side, index);
        return true;
    }
    return false;
}

/* ---- Fill ---- */

static inline uint64_t walk_flags(const Walk *found)
{
    uint64_t flags = found->rights;

    if (found->global) {
        flags |= INFO_GLOBAL;
    }
    if (found->shift != PAGE_SHIFT) {
        flags |= found->shift == 30 ? INFO_HUGE : INFO_LARGE;
    }
    return flags;
}

/* The whole page as the guest's tables have it: INVLPG may name any address in it. */
static inline void global_note(SoftMmu *mmu, uint64_t page, unsigned shift)
{
    uint64_t in_page = (1ull << shift) - 1;

    if ((page & ~in_page) < mmu->global_first) {
        mmu->global_first = page & ~in_page;
    }
    if ((page | in_page) > mmu->global_last) {
        mmu->global_last = page | in_page;
    }
}

static void tlb_fill(SoftMmu *mmu, Bank *bank, MmuContext context, uint64_t page, const Walk *found)
{
    unsigned index = tlb_index(page);
    TlbEntry *entry = &bank->tlb->set[context][index];
    TlbSide *side = &bank->side[context];
    TlbInfo *info = &side->info[index];
    uint64_t flags = walk_flags(found);
    uint8_t *host = found->host;

    if (host != NULL) {
        host_mapping_want(&mmu->map->ram_mapping, (uint64_t)(host - mmu->map->ram));
        flags |= INFO_RAM | INFO_HOST;
    } else {
        host = phys_map_page(mmu->map, found->gpa).host;
        flags |= host != NULL ? INFO_HOST : 0;
    }
    if ((info->gva & INFO_RIGHTS) && ((info->gva ^ page) & PAGE_MASK) != 0) {
        victim_add(side, entry, info);
    }
    info->gva = page | flags | (info->gva & INFO_SLOT);
    info->gpa = found->gpa;
    entry_clear(entry, index);
    entry->host = host;
    if (host != NULL) {
        if (flags & (1u << ACCESS_READ)) {
            entry->tag[ACCESS_READ] = page;
        }
        if (flags & (1u << ACCESS_FETCH)) {
            entry->tag[ACCESS_FETCH] = page;
        }
        if ((flags & (1u << ACCESS_WRITE)) && (flags & INFO_RAM)) {
            tlb_allow_write(mmu, entry, page);
        }
    }
    slot_list(side, index);
    large_note(bank, page, flags);
    if (flags & INFO_GLOBAL) {
        global_note(mmu, page, found->shift);
    }
}

bool tlb_miss(Cpu *cpu, SoftMmu *mmu, MmuContext context, uint64_t gva, Access access)
{
    Walk found;

    if (victim_take(mmu->current, context, gva, access)) {
        mmu->stats.victim_hits++;
        return true;
    }
    mmu->stats.walks++;
    if (!walk(cpu, &mmu->walker, gva, access, context, &found)) {
        return false;
    }
    mmu->stats.fills++;
    tlb_fill(mmu, mmu->current, context, gva & PAGE_MASK, &found);
    return true;
}

/* ---- Flush ---- */

static void list_flush(Bank *bank, MmuContext context, TlbList *list, uint64_t in_list, bool global)
{
    TlbSide *side = &bank->side[context];
    uint32_t count = list->count;

    list->count = 0;
    for (uint32_t i = 0; i < count; i++) {
        unsigned index = list->index[i];
        TlbInfo *info = &side->info[index];

        info->gva &= ~in_list;
        if (global || !(info->gva & INFO_GLOBAL)) {
            slot_clear(bank, context, index);
        }
    }
}

/* The bank's pages in the window: user code's, never global. */
static inline void windows_flush(Bank *bank)
{
    if (bank->window_pages != 0) {
        window_flush(bank->window, bank);
    }
}

void tlb_flush_local(Bank *bank)
{
    windows_flush(bank);
    for (MmuContext context = 0; context < MMU_CONTEXTS; context++) {
        TlbSide *side = &bank->side[context];

        list_flush(bank, context, &side->local, INFO_IN_LOCAL, false);
        for (unsigned i = side->victims; i-- > 0;) {
            if (!(side->victim[i].info.gva & INFO_GLOBAL)) {
                victim_remove(side, i);
            }
        }
    }
}

void tlb_flush_bank(Bank *bank)
{
    windows_flush(bank);
    for (MmuContext context = 0; context < MMU_CONTEXTS; context++) {
        TlbSide *side = &bank->side[context];

        list_flush(bank, context, &side->local, INFO_IN_LOCAL, true);
        list_flush(bank, context, &side->global, INFO_IN_GLOBAL, true);
        side->victims = 0;
    }
    large_forget(bank);
}

static void list_flush_large(Bank *bank, MmuContext context, const TlbList *list, uint64_t gva)
{
    TlbSide *side = &bank->side[context];

    for (uint32_t i = 0; i < list->count; i++) {
        unsigned index = list->index[i];
        uint64_t info_gva = side->info[index].gva;

        if (!(info_gva & (INFO_LARGE | INFO_HUGE))) {
            continue;
        }
        if (large_covers(info_gva, gva)) {
            slot_clear(bank, context, index);
        } else {
            large_note(bank, info_gva, info_gva);
        }
    }
}

/* Drops everything made from a large page around `gva`, and notes afresh what large pages are left,
 * so that the next address near it is not searched for again. */
static void bank_flush_large(Bank *bank, uint64_t gva)
{
    windows_flush(bank);
    large_forget(bank);
    for (MmuContext context = 0; context < MMU_CONTEXTS; context++) {
        TlbSide *side = &bank->side[context];

        list_flush_large(bank, context, &side->local, gva);
        list_flush_large(bank, context, &side->global, gva);
        for (unsigned i = side->victims; i-- > 0;) {
            uint64_t info_gva = side->victim[i].info.gva;

            if (large_covers(info_gva, gva)) {
                victim_remove(side, i);
            } else {
                large_note(bank, info_gva, info_gva);
            }
        }
    }
}

void tlb_flush_address(Bank *bank, uint64_t gva)
{
    unsigned index = tlb_index(gva);

    if (!bank->ready) {
        return;
    }
    if (bank->window_pages != 0) {
        window_flush_address(bank->window, bank, gva);
    }
    for (MmuContext context = 0; context < MMU_CONTEXTS; context++) {
        TlbSide *side = &bank->side[context];

        if (((side->info[index].gva ^ gva) & PAGE_MASK) == 0) {
            slot_clear(bank, context, index);
        }
        for (unsigned i = side->victims; i-- > 0;) {
            if (((side->victim[i].info.gva ^ gva) & PAGE_MASK) == 0) {
                victim_remove(side, i);
            }
        }
    }
    if (large_noted(bank, gva)) {
        bank_flush_large(bank, gva);
    }
}

/* ---- Banks ---- */

static void bank_prepare(Bank *bank)
{
    for (MmuContext context = 0; context < MMU_CONTEXTS; context++) {
        for (unsigned index = 0; index < TLB_ENTRIES; index++) {
            slot_clear(bank, context, index);
        }
    }
    bank->ready = true;
}

Bank *tlb_bank_find(SoftMmu *mmu, uint16_t pcid)
{
    for (unsigned i = 0; i < TLB_BANKS; i++) {
        if (mmu->bank[i].ready && mmu->bank[i].pcid == pcid) {
            return &mmu->bank[i];
        }
    }
    return NULL;
}

void tlb_select(SoftMmu *mmu, uint16_t pcid)
{
    Bank *bank = tlb_bank_find(mmu, pcid);

    if (bank == NULL) {
        bank = &mmu->bank[0];
        for (unsigned i = 1; i < TLB_BANKS; i++) {
            if (mmu->bank[i].used < bank->used) {
                bank = &mmu->bank[i];
            }
        }
        if (bank->ready) {
            tlb_flush_local(bank);
        } else {
            bank_prepare(bank);
        }
        bank->pcid = pcid;
        tlb_code_flush(mmu, bank);
    }
    bank->used = ++mmu->clock;
    if (bank != mmu->current) {
        mmu->stats.bank_switches++;
        mmu->current = bank;
        mmu->cpu->tlb = bank->tlb;
        if (mmu->window != NULL) {
            window_leave(mmu->cpu);
        }
    }
    tlb_spaces_publish(mmu);
}
