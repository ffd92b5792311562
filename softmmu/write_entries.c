/* SPDX-License-Identifier: GPL-2.0-or-later */
/* write_entries.c - the entries by which translated code may write to a page of RAM.
 *
 * When the page comes to hold code they have to go, and there are banks of thousands to look in.
 * Mostly there is just one; so its place is noted for the page, until another is made while that
 * one is still in use.  What is noted may be out of date, but no entry is ever missing.
 *
 * Of CPUs that run at the same time one may make a page hold code while another is about to get an
 * entry. The first marks the page and then looks for notes, the other makes its note and then looks
 * for the mark, both with a full fence between: so one of them at least sees the other. */
#include "softmmu/tlb.h"
#include "softmmu/window.h"

/* SoftMmu.writers: the number of the one place, from 1 on; 0: none */
#define SEVERAL UINT32_MAX
enum { BANK_PLACES = MMU_CONTEXTS * TLB_ENTRIES };

typedef struct Place {
    Bank *bank;
    MmuContext context;
    unsigned index;
} Place;

static uint32_t place_number(const SoftMmu *mmu, const TlbEntry *entry)
{
    const TlbEntry *first = (const TlbEntry *)mmu->current->tlb->set;

    return (uint32_t)(mmu->current - mmu->bank) * BANK_PLACES + (uint32_t)(entry - first) + 1;
}

static Place place_of(SoftMmu *mmu, uint32_t number)
{
    uint32_t n = number - 1;

    return (Place){ .bank = &mmu->bank[n / BANK_PLACES],
                    .context = n / TLB_ENTRIES % MMU_CONTEXTS,
                    .index = n % TLB_ENTRIES };
}

/* Is an entry of the page there that allows writing, or may one come back from the victims? */
static bool place_in_use(const Place *place, const uint8_t *host)
{
    const TlbEntry *entry = &place->bank->tlb->set[place->context][place->index];
    const TlbSide *side = &place->bank->side[place->context];

    for (unsigned i = 0; i < side->victims; i++) {
        if (side->victim[i].entry.host == host) {
            return true;
        }
    }
    return entry->host == host && entry->tag[ACCESS_WRITE] != tlb_tag_invalid(place->index);
}

void tlb_allow_write(SoftMmu *mmu, TlbEntry *entry, uint64_t gva)
{
    uint64_t ram_offset = (uint64_t)(entry->host - mmu->walker.map->ram);
    uint32_t *writer = &mmu->writers[ram_offset >> PAGE_SHIFT];
    uint32_t number = place_number(mmu, entry);

    if (code_pages_trapped(&mmu->map->code, ram_offset)) {
        return;
    }
    if (*writer != 0 && *writer != SEVERAL && *writer != number) {
        Place other = place_of(mmu, *writer);

        number = place_in_use(&other, entry->host) ? SEVERAL : number;
    }
    __atomic_store_n(writer, *writer == SEVERAL ? SEVERAL : number, __ATOMIC_RELAXED);
    if (mmu->shared) {
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if (code_pages_trapped(&mmu->map->code, ram_offset)) {
            return;
        }
    }
    entry->tag[ACCESS_WRITE] = gva & ~(uint64_t)(PAGE_SIZE - 1);
}

static void slot_drop_write(const Place *place, const uint8_t *host)
{
    TlbEntry *entry = &place->bank->tlb->set[place->context][place->index];

    if (entry->host == host) {
        entry->tag[ACCESS_WRITE] = tlb_tag_invalid(place->index);
    }
}

static void victims_drop_write(TlbSide *side, const uint8_t *host)
{
    for (unsigned i = 0; i < side->victims; i++) {
        TlbVictim *victim = &side->victim[i];

        if (victim->entry.host == host) {
            victim->entry.tag[ACCESS_WRITE] = tlb_tag_invalid(tlb_index(victim->info.gva));
        }
    }
}

static void list_drop_write(Bank *bank, MmuContext context, const TlbList *list,
                            const uint8_t *host)
{
    for (uint32_t i = 0; i < list->count; i++) {
        slot_drop_write(&(Place){ bank, context, list->index[i] }, host);
    }
}

static void all_drop_write(SoftMmu *mmu, const uint8_t *host)
{
    for (Bank *bank = mmu->bank; bank < mmu->bank + TLB_BANKS; bank++) {
        for (MmuContext context = 0; bank->ready && context < MMU_CONTEXTS; context++) {
            TlbSide *side = &bank->side[context];

            list_drop_write(bank, context, &side->local, host);
            list_drop_write(bank, context, &side->global, host);
            victims_drop_write(side, host);
        }
    }
}

void tlb_drop_write(SoftMmu *mmu, uint64_t ram_offset)
{
    uint32_t *writer = &mmu->writers[ram_offset >> PAGE_SHIFT];
    const uint8_t *host = mmu->map->ram + (ram_offset & ~(uint64_t)(PAGE_SIZE - 1));

    if (*writer == 0) {
        return;
    }
    if (mmu->window != NULL) {
        window_drop_write(mmu->window, ram_offset);
    }
    if (*writer == SEVERAL) {
        all_drop_write(mmu, host);
    } else {
        Place place = place_of(mmu, *writer);

        slot_drop_write(&place, host);
        victims_drop_write(&place.bank->side[place.context], host);
    }
    *writer = 0;
}

bool tlb_may_write(const SoftMmu *mmu, uint64_t ram_offset)
{
    return __atomic_load_n(&mmu->writers[ram_offset >> PAGE_SHIFT], __ATOMIC_SEQ_CST) != 0;
}
