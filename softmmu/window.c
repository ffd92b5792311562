/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#include "softmmu/window.h"

#include <sys/mman.h>

#include "softmmu/host_call.h"

enum {
    CHUNKS = 24,
    CHUNKS_A_BANK = 8,
    CHUNK_PAGES = 1 << 20, /* 4 GiB */
    GUARD_PAGES = 32,      /* more than an access and what shares its check can reach */
    WINDOW_PAGES = 1 << 14,
    PROCESS_PAGES = 28000, /* a process has 65,530 mappings, a page alone takes two */
    HASH = 1 << 13,
    GROUP = 16,         /* pages that are mapped together if the TLB has them */
    CREDIT_START = 256, /* of which each is worth some microseconds */
    CREDIT_MAX = 2048,
    CREDIT_TICK = 32,           /* every 4 ms */
    PAUSE_MIN = 8,              /* ticks without a window when all credit is spent */
    PAUSE_MAX = 512,            /* it doubles while much of it goes for nothing */
    PAUSE_CREDIT = 256,         /* behind a pause */
    REFUSED_PATIENCE = 1 << 20, /* misses until C is asked again, if no tick comes first */
    BACKOFF_MAX = 1 << 10,      /* misses between two calls in a tick, before it thrashes */
};
static const uint64_t GUARD = (uint64_t)GUARD_PAGES << PAGE_SHIFT;
static const uint64_t CHUNK_STRIDE = (uint64_t)(CHUNK_PAGES + GUARD_PAGES) << PAGE_SHIFT;
static const uint64_t RESERVED = GUARD + CHUNKS * CHUNK_STRIDE; /* a guard in front, too */
static const uint64_t PAGE_MASK = ~(uint64_t)(PAGE_SIZE - 1);

/* Numbers of pages are 1 to WINDOW_PAGES - 1; 0: none. */
typedef struct WindowPage {
    uint32_t where; /* chunk * CHUNK_PAGES + page in it */
    uint32_t ram_page;
    uint16_t next_where, next_ram; /* of its hash chains */
    uint16_t next;                 /* of its chunk, or free */
    bool writable;
} WindowPage;

typedef struct Chunk {
    Bank *bank;                     /* NULL: free */
    uint64_t used;                  /* SoftMmu.clock when it was entered last */
    uint32_t high;                  /* gva >> 32 */
    uint32_t first_page, last_page; /* all mapped pages are in here */
    uint16_t pages;                 /* the first, in no order */
} Chunk;

struct Window {
    Cpu *cpu;
    PhysMap *map;
    uint8_t *base;
    Chunk chunk[CHUNKS];
    int32_t credit;
    uint32_t lost;                 /* of the credit spent since the last pause */
    uint32_t pause, next_pause;    /* ticks */
    bool entered;                  /* some slot has a chunk, or refuses to ask for one */
    uint32_t backoff[JIT_WINDOWS]; /* next patience of each slot */
    unsigned mapped, limit;        /* pages */
    uint16_t free, fresh;          /* list; the first that was never used */
    uint16_t by_where[HASH], by_ram[HASH];
    WindowPage page[WINDOW_PAGES];
};

Window *window_new(Cpu *cpu, PhysMap *map)
{
    uint8_t *base = mmap(NULL, RESERVED, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
                         0);
    Window *window;

    if (base == MAP_FAILED) {
        return NULL;
    }
    window = g_new0(Window, 1);
    window->cpu = cpu;
    window->map = map;
    window->base = base + GUARD;
    window->fresh = 1;
    window->credit = CREDIT_START;
    window->next_pause = PAUSE_MIN;
    return window;
}

void window_free(Window *window)
{
    if (window != NULL) {
        munmap(window->base - GUARD, RESERVED);
        g_free(window);
    }
}

/* ---- The pages ---- */

static inline unsigned hash_of(uint32_t key)
{
    return (key * 0x9e3779b1u) >> (32 - 13);
}
_Static_assert(HASH == 1 << 13, "hash_of");

static uint8_t *page_host(const Window *window, uint32_t where)
{
    return window->base + where / CHUNK_PAGES * CHUNK_STRIDE +
           ((uint64_t)(where % CHUNK_PAGES) << PAGE_SHIFT);
}

static WindowPage *page_find(Window *window, uint32_t where)
{
    uint16_t n = window->by_where[hash_of(where)];

    while (n != 0 && window->page[n].where != where) {
        n = window->page[n].next_where;
    }
    return n != 0 ? &window->page[n] : NULL;
}

static bool unmap(uint8_t *host, uint64_t size)
{
    return host_call(__NR_mmap, host, size, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) >= 0;
}

/* Takes the page out of the hash chains. */
static void page_forget(Window *window, uint16_t n)
{
    WindowPage *page = &window->page[n];
    uint16_t *link = &window->by_where[hash_of(page->where)];

    while (*link != n) {
        link = &window->page[*link].next_where;
    }
    *link = page->next_where;
    link = &window->by_ram[hash_of(page->ram_page)];
    while (*link != n) {
        link = &window->page[*link].next_ram;
    }
    *link = page->next_ram;
}

static void page_release(Window *window, Bank *bank, uint16_t n)
{
    page_forget(window, n);
    window->page[n].next = window->free;
    window->free = n;
    window->cpu->mmu->stats.window_drops++;
    window->mapped--;
    bank->window_pages--;
}

static void page_enter(Window *window, Chunk *chunk, uint32_t where, uint32_t ram_page,
                       bool writable)
{
    uint16_t n = window->free != 0 ? window->free : window->fresh++;
    WindowPage *page = &window->page[n];
    uint16_t *by_where = &window->by_where[hash_of(where)];
    uint16_t *by_ram = &window->by_ram[hash_of(ram_page)];
    uint32_t in_chunk = where % CHUNK_PAGES;

    if (window->free != 0) {
        window->free = page->next;
    }
    *page = (WindowPage){ .where = where,
                          .ram_page = ram_page,
                          .next_where = *by_where,
                          .next_ram = *by_ram,
                          .next = chunk->pages,
                          .writable = writable };
    if (chunk->pages == 0 || in_chunk < chunk->first_page) {
        chunk->first_page = in_chunk;
    }
    if (chunk->pages == 0 || in_chunk > chunk->last_page) {
        chunk->last_page = in_chunk;
    }
    *by_where = n;
    *by_ram = n;
    chunk->pages = n;
    window->mapped++;
    chunk->bank->window_pages++;
}

/* ---- Credit ---- */

void window_leave(Cpu *cpu)
{
    Window *window = cpu->mmu->window;

    if (!window->entered) {
        return;
    }
    window->entered = false;
    for (unsigned i = 0; i < JIT_WINDOWS; i++) {
        cpu->jit_window[i].chunk = JIT_WINDOW_NONE;
        cpu->jit_window[i].delta = JIT_PAGE_NONE;
        cpu->jit_window[i].patience = 0;
    }
}

static void pause_begin(Window *window)
{
    window_leave(window->cpu);
    window->pause = window->next_pause;
    if (window->lost > PAUSE_CREDIT / 4) {
        window->next_pause = MIN(window->next_pause * 2, (uint32_t)PAUSE_MAX);
    } else {
        window->next_pause = PAUSE_MIN;
    }
    window->lost = 0;
}

static void credit_spend(Window *window, int32_t credits)
{
    if (window->credit > 0) {
        window->credit -= credits;
        if (window->credit <= 0) {
            pause_begin(window);
        }
    }
}

/* For something that undoes a mapping, or did not lead to one. */
static void credit_lose(Window *window, int32_t credits)
{
    window->lost += (uint32_t)credits;
    credit_spend(window, credits);
}

/* ---- Flushes ---- */

static void chunk_release(Window *window, Chunk *chunk)
{
    while (chunk->pages != 0) {
        uint16_t n = chunk->pages;

        chunk->pages = window->page[n].next;
        page_release(window, chunk->bank, n);
    }
}

/* The process has no mappings left to part with some pages only: all go, which needs none. */
static void all_flush(Window *window)
{
    bool unmapped = unmap(window->base - GUARD, RESERVED);

    g_assert(unmapped);
    for (unsigned i = 0; i < CHUNKS; i++) {
        chunk_release(window, &window->chunk[i]);
    }
}

static void chunk_flush(Window *window, Chunk *chunk)
{
    uint32_t start = (uint32_t)(chunk - window->chunk) * CHUNK_PAGES;

    if (chunk->pages == 0) {
        return;
    }
    if (unmap(page_host(window, start + chunk->first_page),
              (uint64_t)(chunk->last_page - chunk->first_page + 1) << PAGE_SHIFT)) {
        chunk_release(window, chunk);
    } else {
        all_flush(window);
    }
    credit_lose(window, 1);
}

void window_flush(Window *window, Bank *bank)
{
    for (unsigned i = 0; i < CHUNKS; i++) {
        if (window->chunk[i].bank == bank) {
            chunk_flush(window, &window->chunk[i]);
        }
    }
}

static Chunk *chunk_find(Window *window, const Bank *bank, uint64_t gva)
{
    uint32_t high = (uint32_t)(gva >> 32);

    for (unsigned i = 0; i < CHUNKS; i++) {
        if (window->chunk[i].bank == bank && window->chunk[i].high == high) {
            return &window->chunk[i];
        }
    }
    return NULL;
}

static uint32_t where_in(const Window *window, const Chunk *chunk, uint64_t gva)
{
    return (uint32_t)(chunk - window->chunk) * CHUNK_PAGES + (uint32_t)gva / PAGE_SIZE;
}

void window_flush_address(Window *window, Bank *bank, uint64_t gva)
{
    Chunk *chunk = chunk_find(window, bank, gva);
    WindowPage *page;
    uint16_t n, *link;

    if (chunk == NULL || (page = page_find(window, where_in(window, chunk, gva))) == NULL) {
        return;
    }
    credit_lose(window, 1);
    if (!unmap(page_host(window, page->where), PAGE_SIZE)) {
        all_flush(window);
        return;
    }
    n = (uint16_t)(page - window->page);
    link = &chunk->pages;
    while (*link != n) {
        link = &window->page[*link].next;
    }
    *link = page->next;
    page_release(window, bank, n);
}

void window_drop_write(Window *window, uint64_t ram_offset)
{
    uint32_t ram_page = (uint32_t)(ram_offset >> PAGE_SHIFT);

    for (uint16_t n = window->by_ram[hash_of(ram_page)]; n != 0; n = window->page[n].next_ram) {
        WindowPage *page = &window->page[n];

        if (page->ram_page != ram_page || !page->writable) {
            continue;
        }
        credit_lose(window, 1);
        if (host_call(__NR_mprotect, page_host(window, page->where), PAGE_SIZE, PROT_READ, 0, 0,
                      0) < 0) {
            all_flush(window);
            return;
        }
        page->writable = false;
    }
}

/* ---- Chunks that translated code knows ---- */

/* A place for one more chunk of the bank: free, or the one of another bank that was entered least
 * lately. */
static Chunk *chunk_take(Window *window, Bank *bank)
{
    Chunk *best = NULL;
    unsigned own = 0;

    for (unsigned i = 0; i < CHUNKS; i++) {
        Chunk *chunk = &window->chunk[i];

        if (chunk->bank == bank) {
            own++;
        } else if (best == NULL ||
                   (best->bank != NULL && (chunk->bank == NULL || chunk->used < best->used))) {
            best = chunk;
        }
    }
    if (own == CHUNKS_A_BANK) {
        return NULL;
    }
    if (best->bank != NULL) {
        chunk_flush(window, best);
    }
    best->bank = bank;
    return best;
}

bool mmu_window_open(Cpu *cpu, unsigned cpus)
{
    SoftMmu *mmu = cpu->mmu;

    if (mmu->window == NULL) {
        mmu->window = window_new(cpu, mmu->map);
        if (mmu->window == NULL) {
            return false;
        }
        for (unsigned i = 0; i < TLB_BANKS; i++) {
            mmu->bank[i].window = mmu->window;
        }
        mmu->window->entered = true;
        mmu->window->limit = MIN((unsigned)WINDOW_PAGES, PROCESS_PAGES / cpus);
        window_leave(cpu);
    }
    return true;
}

WindowEntry mmu_window_enter(Cpu *cpu, uint64_t gva, unsigned slot)
{
    SoftMmu *mmu = cpu->mmu;
    Window *window = mmu->window;
    JitWindow *known = &cpu->jit_window[slot];
    Chunk *chunk = chunk_find(window, mmu->current, gva);

    if (chunk == NULL && window->credit > 0 && address_canonical(gva)) {
        chunk = chunk_take(window, mmu->current);
        if (chunk != NULL) {
            chunk->high = (uint32_t)(gva >> 32);
        }
    }
    window->entered = true;
    if (chunk == NULL || window->credit <= 0) {
        known->patience = REFUSED_PATIENCE;
        mmu->stats.window_denials++;
        return WINDOW_DENIED;
    }
    mmu->stats.window_enters++;
    chunk->used = mmu->clock;
    known->chunk = chunk->high;
    known->delta = (uint64_t)(uintptr_t)page_host(window, where_in(window, chunk, 0)) -
                   ((uint64_t)chunk->high << 32);
    known->patience = (int32_t)window->backoff[slot];
    if (window->backoff[slot] > BACKOFF_MAX) {
        window->backoff[slot] = 0;
        return WINDOW_THRASHES;
    }
    window->backoff[slot] = window->backoff[slot] * 2 + 1;
    return WINDOW_ENTERED;
}

bool mmu_window_tick(Cpu *cpu)
{
    Window *window = cpu->mmu->window;

    if (window == NULL) {
        return false;
    }
    if (window->pause != 0) {
        if (--window->pause != 0) {
            return false;
        }
        window->credit = PAUSE_CREDIT;
    } else if (window->credit < CREDIT_MAX) {
        window->credit += CREDIT_TICK;
    } else {
        window->next_pause = PAUSE_MIN;
    }
    for (unsigned i = 0; i < JIT_WINDOWS; i++) {
        cpu->jit_window[i].patience = 0;
        window->backoff[i] = 0;
    }
    return true;
}

/* ---- Faults ---- */

/* What the TLB has for user code at the page, if it can be mapped. */
static bool entry_mappable(const SoftMmu *mmu, uint64_t page, uint32_t *ram_page, bool *writable)
{
    unsigned index = tlb_index(page);
    const TlbEntry *entry = &mmu->current->tlb->set[MMU_USER][index];
    uint64_t flags = mmu->current->side[MMU_USER].info[index].gva;

    if (entry->tag[ACCESS_READ] != page || !(flags & INFO_RAM) || (flags & INFO_GLOBAL)) {
        return false;
    }
    *ram_page = (uint32_t)((uint64_t)(entry->host - mmu->map->ram) >> PAGE_SHIFT);
    *writable = entry->tag[ACCESS_WRITE] == page;
    return true;
}

/* Maps pages from `page` on that lie one behind the other in RAM too, with the same rights, `most`
 * of them; the number of pages. */
static unsigned run_map(Cpu *cpu, Window *window, Chunk *chunk, uint64_t page, unsigned most)
{
    uint32_t where = where_in(window, chunk, page), first, next;
    PhysRamPlace place;
    bool writable, same;
    unsigned n = 1;
    long result;

    if (page_find(window, where) != NULL || !entry_mappable(cpu->mmu, page, &first, &writable)) {
        return 1;
    }
    place = phys_map_ram_place(window->map, (uint64_t)first << PAGE_SHIFT);
    most = (unsigned)MIN((uint64_t)most, place.size >> PAGE_SHIFT);
    while (n < most && page_find(window, where + n) == NULL &&
           entry_mappable(cpu->mmu, page + (uint64_t)n * PAGE_SIZE, &next, &same) &&
           next == first + n && same == writable) {
        n++;
    }
    result = host_call(__NR_mmap, page_host(window, where), (uint64_t)n << PAGE_SHIFT,
                       writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED | MAP_FIXED,
                       place.fd, (long)place.offset);
    cpu->mmu->stats.window_maps++;
    cpu->mmu->stats.window_pages += n;
    credit_spend(window, 1);
    for (unsigned i = 0; result >= 0 && i < n; i++) {
        page_enter(window, chunk, where + i, first + i, writable);
    }
    return n;
}

static void group_map(Cpu *cpu, Window *window, Chunk *chunk, uint64_t gva)
{
    uint64_t page = gva & ~(uint64_t)(GROUP * PAGE_SIZE - 1);

    if (window->mapped + GROUP >= window->limit) {
        for (unsigned i = 0; i < CHUNKS; i++) {
            chunk_flush(window, &window->chunk[i]);
        }
    }
    for (unsigned n = 0; n < GROUP;) {
        n += run_map(cpu, window, chunk, page + (uint64_t)n * PAGE_SIZE, GROUP - n);
    }
}

/* The TLB lets user code access the page so; it is mapped without the right to. */
static WindowFault page_allow_write(Window *window, WindowPage *page)
{
    credit_spend(window, 1);
    if (host_call(__NR_mprotect, page_host(window, page->where), PAGE_SIZE, PROT_READ | PROT_WRITE,
                  0, 0, 0) < 0) {
        return WINDOW_REFUSED;
    }
    page->writable = true;
    return WINDOW_MAPPED;
}

WindowFault mmu_window_fault(Cpu *cpu, const void *host, Access access)
{
    SoftMmu *mmu = cpu->mmu;
    Window *window = mmu->window;
    uint64_t at = window == NULL ? UINT64_MAX : (uint64_t)((const uint8_t *)host - window->base);
    uint64_t in_chunk = at % CHUNK_STRIDE, gva;
    Chunk *chunk;
    WindowPage *mapped;
    PageRef page;

    if (at >= CHUNKS * CHUNK_STRIDE) {
        return WINDOW_NOT_THERE;
    }
    chunk = &window->chunk[at / CHUNK_STRIDE];
    if (in_chunk >= (uint64_t)CHUNK_PAGES << PAGE_SHIFT || chunk->bank != mmu->current) {
        return WINDOW_REFUSED;
    }
    if (window->credit <= 0) {
        return WINDOW_NO_CREDIT;
    }
    gva = (uint64_t)chunk->high << 32 | in_chunk;
    if (!tlb_page(cpu, MMU_USER, gva, access, &page)) {
        mmu->stats.window_guest_faults++;
        credit_lose(window, 2);
        return WINDOW_GUEST_FAULT;
    }
    if (access == ACCESS_WRITE && (page.flags & INFO_RAM)) {
        tlb_allow_write(mmu, page.entry, gva);
    }
    if (!(page.flags & INFO_RAM) || (page.flags & INFO_GLOBAL) ||
        page.entry->tag[access] != (gva & PAGE_MASK)) {
        mmu->stats.window_refusals++;
        credit_lose(window, 2);
        return WINDOW_REFUSED;
    }
    mapped = page_find(window, where_in(window, chunk, gva));
    if (mapped != NULL && access == ACCESS_WRITE && !mapped->writable &&
        mapped->ram_page == (uint64_t)(page.host - mmu->map->ram) >> PAGE_SHIFT) {
        return page_allow_write(window, mapped);
    }
    if (mapped != NULL) {
        window_flush_address(window, mmu->current, gva);
    }
    group_map(cpu, window, chunk, gva);
    return page_find(window, where_in(window, chunk, gva)) != NULL ? WINDOW_MAPPED : WINDOW_REFUSED;
}
