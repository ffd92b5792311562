/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTMMU_TLB_H
#define SOFTMMU_TLB_H
/* tlb.h - the shadow TLB: what C keeps beside the entries that translated code sees (cpu.h).
 *
 * A bank belongs to a PCID; there are TLB_BANKS, the least recently used gives way.  For every
 * entry C has a TlbInfo: what page it is and which accesses the walk has allowed, also where the
 * tag is invalid because every access must come to C (MMIO, watched pages).  So those need no new
 * walk.
 *
 * Each set has two lists of the entries filled since the last flush, for local and global ones; an
 * entry may be in both after its slot changed hands, and is in each at most once (INFO_IN_*).
 * Flushing goes through the lists.  Entries pushed out by a conflict go to a few victims.
 *
 * Global entries are made per bank, stay when a bank is flushed of local ones or changes its PCID,
 * and are dropped from every bank by a flush of their page.
 *
 * Compiled with -mgeneral-regs-only.
 */
#include "softmmu/mmu.h"
#include "softmmu/walk.h"

enum {
    TLB_BANKS = 8,
    TLB_VICTIMS = 8,
    LARGE_WORDS = 8,
    CODE_WORDS = 256,
    CODE_SLOTS = 4096,
    CODE_PAGES = CODE_SLOTS / 2,
};

enum { /* low bits of TlbInfo.gva; bits 0 to 2 are rights, 1 << Access */
       INFO_RIGHTS = 0x007,
       INFO_GLOBAL = 0x008,
       INFO_LARGE = 0x010, /* from a page of 2 or 4 MiB */
       INFO_HUGE = 0x020,  /* from a page of 1 GiB */
       INFO_RAM = 0x040,   /* writable RAM: TlbEntry.host may be written */
       INFO_HOST = 0x080,  /* TlbEntry.host may be read: RAM, ROM */
       INFO_IN_LOCAL = 0x100,
       INFO_IN_GLOBAL = 0x200,
       INFO_SLOT = INFO_IN_LOCAL | INFO_IN_GLOBAL, /* the slot's, not the translation's */
};

typedef struct TlbInfo {
    uint64_t gva; /* page base | INFO_*; no rights: empty */
    uint64_t gpa; /* page base */
} TlbInfo;

typedef struct TlbVictim {
    TlbEntry entry;
    TlbInfo info;
} TlbVictim;

typedef struct TlbList {
    uint32_t count;
    uint16_t index[TLB_ENTRIES];
} TlbList;

typedef struct TlbSide { /* C's side of a set */
    TlbInfo info[TLB_ENTRIES];
    TlbList local, global;
    unsigned victims, next_victim; /* in use: the first `victims` */
    TlbVictim victim[TLB_VICTIMS];
} TlbSide;

/* Pages that code was fetched from, and regions of 4 MiB and 1 GiB around those that were parts of
 * large pages: hashes that may say yes too often. */
typedef struct CodeNotes {
    uint64_t page[CODE_WORDS], large[LARGE_WORDS], huge;
} CodeNotes;

/* Where pages were found that code was fetched from: user code's, unless `system`. */
typedef struct CodePage {
    uint64_t gva; /* page base | INFO_*; 0: a free slot */
    uint64_t gpa; /* page base */
} CodePage;

typedef struct CodeList {
    CodePage slot[CODE_SLOTS]; /* by hash */
    uint16_t used[CODE_PAGES]; /* slots */
    unsigned count;
    uint64_t large[LARGE_WORDS], huge; /* as in CodeNotes */
    bool system;
    uint64_t checked; /* time stamp counter when all were looked for, or given up, last */
} CodeList;

typedef struct Bank {
    TlbBank *tlb;
    TlbSide *side; /* MMU_CONTEXTS of them */
    uint64_t used; /* SoftMmu.clock when it was selected last */
    uint16_t pcid;
    bool ready; /* entries have been set up; otherwise the bank has never been used */
    /* Regions of 4 MiB, and of 1 GiB, that large pages were entered from: a hash that may say yes
     * too often. */
    uint64_t large[LARGE_WORDS];
    uint64_t huge;
    /* Cpu.space while this bank is selected: a new number whenever a page that code was fetched
     * from has another translation. */
    uint64_t space;
    CodeList code;
    struct Window *window; /* window.h; NULL: none of its pages are mapped there */
    uint32_t window_pages;
} Bank;

struct SoftMmu {
    Cpu *cpu;
    PhysMap *map;
    Bank *current;
    Walker walker;
    MmuStats stats;
    uint64_t clock;
    uint64_t last_space;   /* given to a bank, or to what follows */
    uint64_t system_space; /* Cpu.system_space, unless `system_local` */
    CodeNotes system_code; /* global pages that supervisor code was fetched from */
    bool system_local;     /* some was fetched from another page, since everything was flushed */
    uint64_t global_first, global_last; /* all global entries are in here; first > last: none */
    uint64_t mode;                      /* bits that the entries were made under */
    uint32_t *writers;     /* of each RAM page (write_entries.c); another CPU may read them */
    bool shared;           /* other CPUs use the same memory at the same time */
    struct Window *window; /* window.h; NULL: not opened */
    Bank bank[TLB_BANKS];
};

static inline unsigned tlb_index(uint64_t gva)
{
    return (unsigned)(gva >> PAGE_SHIFT) & (TLB_ENTRIES - 1);
}

static inline unsigned tlb_large_hash(uint64_t gva)
{
    uint64_t region = gva >> 22;

    return (unsigned)(region ^ (region >> 9)) & (LARGE_WORDS * 64 - 1);
}

static inline unsigned tlb_huge_hash(uint64_t gva)
{
    return (unsigned)(gva >> 30) & 63;
}

/* ---- Cpu.space and Cpu.system_space (code_space.c) ---- */

/* Code of the page (TlbInfo.gva and gpa) is about to be run by address. */
void tlb_code_note(Cpu *cpu, uint64_t page, uint64_t gpa);
/* A bank's code gets a new name. */
void tlb_code_flush(SoftMmu *mmu, Bank *bank);
/* It does unless all of it, or of one page, is found in the page tables as it was. */
void tlb_code_check(SoftMmu *mmu, Bank *bank);
void tlb_code_flush_address(SoftMmu *mmu, Bank *bank, uint64_t gva);
/* Those of global pages. */
void tlb_system_code_flush(SoftMmu *mmu);
void tlb_system_code_flush_address(SoftMmu *mmu, uint64_t gva);
/* Another bank has become the current one. */
void tlb_spaces_publish(SoftMmu *mmu);

/* A page of the current address space, as an access through C needs it. Copied: a device that the
 * access reaches may have the TLB flushed. */
typedef struct PageRef {
    TlbEntry *entry;
    uint8_t *host;
    uint64_t gpa;   /* of the page */
    uint64_t flags; /* page base of the gva | INFO_* */
} PageRef;

/* Makes the entry for an access that the present one does not allow: from a victim or by a walk.
 * false: cpu->fault is set. */
bool tlb_miss(Cpu *cpu, SoftMmu *mmu, MmuContext context, uint64_t gva, Access access);

static inline bool tlb_page(Cpu *cpu, MmuContext context, uint64_t gva, Access access,
                            PageRef *page)
{
    SoftMmu *mmu = cpu->mmu;
    unsigned index = tlb_index(gva);
    const TlbInfo *info = &mmu->current->side[context].info[index];

    if ((((info->gva ^ gva) & ~(uint64_t)(PAGE_SIZE - 1)) != 0 || !(info->gva & (1u << access))) &&
        !tlb_miss(cpu, mmu, context, gva, access)) {
        return false;
    }
    page->entry = &mmu->current->tlb->set[context][index];
    page->host = page->entry->host;
    page->gpa = info->gpa;
    page->flags = info->gva;
    return true;
}

/* ---- write_entries.c ---- */

/* Lets translated code write to the page if nobody has to see it. The entry, of the current bank,
 * allows writing. */
void tlb_allow_write(SoftMmu *mmu, TlbEntry *entry, uint64_t gva);
/* Translated code cannot write to the page any more. */
void tlb_drop_write(SoftMmu *mmu, uint64_t ram_offset);
/* Might it? Any thread. */
bool tlb_may_write(const SoftMmu *mmu, uint64_t ram_offset);

/* ---- tlb.c ---- */

/* Makes the bank of `pcid` the current one; local entries of a bank taken from another PCID go. */
void tlb_select(SoftMmu *mmu, uint16_t pcid);
Bank *tlb_bank_find(SoftMmu *mmu, uint16_t pcid); /* NULL: none */

void tlb_flush_local(Bank *bank);
void tlb_flush_bank(Bank *bank); /* global entries too */
void tlb_flush_address(Bank *bank, uint64_t gva);

#endif
