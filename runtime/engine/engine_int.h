/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_ENGINE_ENGINE_INT_H
#define RUNTIME_ENGINE_ENGINE_INT_H
/* engine_int.h - blocks and the translation cache, for the engine's own files. */
#include "runtime/engine/engine.h"
#include "runtime/engine/engine_lock.h"
#include "runtime/engine/policy.h"
#include "runtime/engine/turn.h"
#include "softmmu/host_mapping.h"
#include "translator/insn_fixed.h"
#include "translator/translate.h"
#include <pthread.h>

enum {
    NO_BLOCK = 0,     /* block numbers start at 1 */
    EXIT_NUMBERS = 4, /* of a block, in Block.incoming */
    RETURN_PLACES = 1 << 14,
};
_Static_assert(BLOCK_MAX_INSNS <= UINT8_MAX, "Block.insns");
_Static_assert((int)BLOCK_MAX_EXITS <= (int)EXIT_NUMBERS, "every exit has a number");

/* Neighbours in the list of exits that are chained to one block, as Block.incoming; 0: none. */
typedef struct ExitLink {
    uint32_t next, previous;
} ExitLink;

/* A translated block. Lists hold block numbers. What is wanted to find and to chain one is in its
 * first cache line. */
typedef struct Block {
    const uint8_t *page; /* host address of its guest page: the identity of the physical page */
    uint64_t origin;     /* CS:IP that it is good for alone: code_origin */
    uint32_t mode;
    uint16_t page_offset, guest_size;
    uint32_t code; /* offset in the cache */
    uint32_t saved_entry, loop_entry, main_entry;
    uint32_t indirect; /* offset in the cache that indirect branches lead to: the block's start, or
                        * behind the CALL that returns to it, so that RET is predicted */
    uint32_t incoming; /* first exit chained to this block: block * EXIT_NUMBERS + exit */
    uint32_t exit_to[BLOCK_MAX_EXITS]; /* block an exit is chained to */
    uint8_t insns;
    bool vector; /* uses vectors: at its loop and main entry they are loaded */
    bool valid;
    bool window;                             /* goes through the host-mapped window */
    uint64_t ram_offset;                     /* of the page; UINT64_MAX: ROM */
    uint64_t chunks;                         /* 64-byte chunks of the page that it depends on */
    ExitLink incoming_link[BLOCK_MAX_EXITS]; /* of this block's exits */
    BlockExit exit[BLOCK_MAX_EXITS];
    uint32_t page_next, page_previous;
    uint32_t host_size;
    uint32_t outer_entry;      /* where `vector`: for others */
    uint32_t faults, n_faults; /* FaultPoints: offset in the cache, number */
} Block;
_Static_assert(offsetof(Block, ram_offset) <= 64, "one cache line");

/* Where a block is found by its name: block_table.c. */
typedef struct BlockSlot {
    uint32_t tag;
    uint32_t block; /* NO_BLOCK: free */
} BlockSlot;

/* A part of the cache that is filled in order and emptied as a whole. */
typedef struct CacheUnit {
    uint32_t start, used;     /* bytes: offset in the cache, filled */
    uint32_t first, n_blocks; /* number of its first block; blocks, dropped ones included */
} CacheUnit;

enum { NO_X87_ERROR = 0xffff };

/* What belongs to one vCPU. */
typedef struct EngineCpu {
    Cpu *cpu;
    Engine *engine;
    TurnPlace place;
    uint32_t inside; /* atomic, a futex: see engine_lock.h */
    struct Ibtc *ibtc;
    struct Focus *focus;   /* heat.c */
    uint32_t retranslate;  /* a block that is to be translated afresh, or NO_BLOCK */
    uint16_t fault_offset; /* page offset of the instruction that raised a host signal */
    uint16_t x87_offset;   /* of the one with the x87 error that did, or NO_X87_ERROR */
    uint64_t x87_dp;       /* and where the host says that its operand was */
    /* What is counted without the lock: dispatches, ibtc_misses, callouts, interpreted. */
    EngineStats stats;
    uint64_t *callout_counts;
} EngineCpu;

typedef struct PendingRange { /* of RAM that was written */
    uint64_t ram_offset, size;
} PendingRange;

struct Engine {
    PhysMap *map;
    EngineOptions options;
    /* The cache: one memfd mapped twice (code_memory.c). */
    uint8_t *rw;
    const uint8_t *rx;
    size_t size;
    HostMapping writable, executable;
    int fd;
    const CachePolicy *policy;
    void *policy_state;
    CacheUnit *unit;
    unsigned n_units;
    size_t unit_size;
    uint32_t unit_blocks; /* room of a unit's part of the block table */
    CacheUnit *filling;   /* the unit of the block that is being translated */
    Block *block;         /* reserved address space */
    uint32_t *place;      /* for each 512 bytes of the cache, the block that holds the first */
    BlockSlot *slot;      /* block_table.c */
    uint32_t slot_mask;
    uint32_t returns[RETURN_PLACES]; /* the last block with a CALL before an address: chain.c */
    uint32_t *page_first;            /* first block of each RAM page; address space reserved */
    uint64_t generation;             /* changes whenever any translation is dropped */
    uint16_t next_salt;              /* names of address spaces and modes, of all CPUs: ibtc.c */
    struct Unshared *unshared; /* unshared.c: code whose accesses have TLB checks of their own */
    struct Heat *heat;         /* heat.c */
    /* Invalidations from other threads, until the vCPU synchronises. */
    bool pending_lock; /* spins: held for a few instructions */
    PendingRange pending[64];
    unsigned n_pending; /* more than there is room for: everything */
    GPtrArray *cpus;    /* of EngineCpu, owned */
    bool parallel;      /* CPUs run guest code at the same time: engine_lock.h; else: */
    Turn turn;          /* whose CPU runs guest code */
    EngineLock lock;
    EngineStats stats; /* of the cache */
    EngineStats total; /* of all, when it was asked for last */
    uint64_t *total_counts;
    struct InsnCache *insns;     /* block_make.c: instructions decoded lately */
    Insn fixed[2][INSN_FIXED];   /* decoded for 32-bit and for 64-bit code */
    struct EngineReport *report; /* engine_report.h; NULL: nothing is asked for */
    uint32_t traced;             /* LogItem: something has to be logged while code runs */
    bool unchained; /* every block is left through the dispatcher, to be logged or verified */
    struct Verify *verify; /* verify.h; NULL: off */
};

/* cache.c */
bool cache_open(Engine *engine, GError **error);
void cache_close(Engine *engine);
void cache_flush(Engine *engine);
/* Drops the blocks that depend on these bytes of RAM; vCPU thread. */
void cache_invalidate(Engine *engine, uint64_t ram_offset, uint64_t size);
/* A place for one more block of that name, and BLOCK_MAX_HOST bytes at its `code`; may drop other
 * blocks. The vector state must be parked. */
Block *block_reserve(Engine *engine, const uint8_t *page, unsigned page_offset, uint32_t mode,
                     uint64_t origin);
/* Enters the block that block_reserve gave last; its ram_offset is set. */
void block_commit(Engine *engine, Block *block, const TranslateOutput *out);
void block_drop(Engine *engine, Block *block);
Block *block_at_host(Engine *engine, const uint8_t *host);

/* code_memory.c: W^X by two mappings of `size` bytes */
bool code_memory_open(Engine *engine); /* false: errno */
void code_memory_close(Engine *engine);
/* A block is about to be put there. */
void code_memory_want(Engine *engine, uint32_t at);

/* block_table.c */
bool block_table_open(Engine *engine, uint32_t blocks);
void block_table_close(Engine *engine);
Block *block_find(Engine *engine, const uint8_t *page, unsigned page_offset, uint32_t mode,
                  uint64_t origin);
void block_table_add(Engine *engine, const Block *block);
void block_table_remove(Engine *engine, const Block *block);
void block_table_clear(Engine *engine);

/* chain.c */
void block_link(Engine *engine, Block *from, unsigned exit, Block *to);
void block_unlink_incoming(Engine *engine, Block *block);
void block_unlink_outgoing(Engine *engine, Block *block);
/* Chains the place behind a new block's CALL with the block that it returns to, or that place of
 * another with the new block. */
void block_link_returns(Engine *engine, Block *block);
/* The block that the place behind the block's CALL is chained with, or NULL. */
const Block *block_returned_to(const Engine *engine, const Block *block);
/* What still jumps to the block's indirect entry comes out at the dispatcher. */
void block_redirect_entry(Engine *engine, const Block *block);
/* Chains a far exit, from code at `base` in address space and mode `salt`; what it was chained to
 * before is given up. */
void block_link_far(Engine *engine, Block *from, unsigned exit, Block *to, uint64_t base,
                    uint64_t salt);

/* ibtc.c: the indirect-branch caches, one for each of the address spaces and modes used last */
struct Ibtc *ibtc_new(void);
void ibtc_free(struct Ibtc *ibtc);
/* Makes that of the Cpu's space and mode current: Cpu.jit_ibtc and jit_salt. May drop all blocks;
 * with the lock. */
void ibtc_select(Cpu *cpu);
/* The same, but false if there is none yet; needs no lock. */
bool ibtc_select_known(Cpu *cpu);
/* Makes one current that stays empty. */
void ibtc_select_none(Cpu *cpu);
/* Enters the block for Cpu.rip in the current one. */
void ibtc_fill(Cpu *cpu, const Block *block);
/* Where indirect branches to the block, at `rip`, lead has changed. */
void ibtc_renew(Cpu *cpu, uint64_t rip, const Block *block);
/* No CPU's indirect-branch cache leads into this part of the cache any more. */
void ibtc_forget(Engine *engine, uint32_t from, uint32_t size);

/* A piece of code's place in a table of so many, by a hash. */
static inline unsigned code_place(const uint8_t *page, unsigned page_offset, unsigned places)
{
    uint64_t key = ((uint64_t)(uintptr_t)page | page_offset) * 0x9e3779b97f4a7c15ull;

    return (unsigned)(key >> 40) % places;
}

/* heat.c: which code is to go through the window */
struct Heat *heat_new(void);
struct Focus *focus_new(void); /* one CPU's */
bool heat_window(const Engine *engine, const uint8_t *page, unsigned page_offset, uint32_t mode);
/* The block was denied the window: it goes by the TLB until it has been found hot again. */
void heat_cool(Engine *engine, const Block *block);
/* A page that the block accesses cannot be mapped in the window. */
void heat_refused(EngineCpu *self, const Block *block);
/* The block is better off without the window. */
void heat_expel(EngineCpu *self, const Block *block);

/* unshared.c */
struct Unshared *unshared_new(void);
bool unshared_has(const struct Unshared *unshared, const uint8_t *page, unsigned page_offset);
/* A check that the block's accesses share has failed for good; true: too often, the block's code is
 * in the set from now on. */
bool unshared_count(struct Unshared *unshared, const Block *block);

/* block_make.c: translates the code at a page offset; NULL if its first instruction must be
 * interpreted. The vector state must be parked. */
Block *block_make(Cpu *cpu, const uint8_t *page, uint64_t ram_offset, unsigned page_offset);

/* invalidate.c: what other threads asked for in the meantime. */
void engine_synchronise(EngineCpu *self);

static inline uint32_t block_number(const Engine *engine, const Block *block)
{
    return (uint32_t)(block - engine->block);
}

static inline bool block_is(const Block *block, const uint8_t *page, unsigned page_offset,
                            uint32_t mode, uint64_t origin)
{
    return block->page == page && block->page_offset == page_offset && block->mode == mode &&
           block->origin == origin;
}

/* Code of MODE_CODE16 at CS:IP is translated for its place in the segment: the base of CS, and the
 * IP of the page's first byte in the lower half. Others: 0. */
static inline uint64_t code_origin(const Cpu *cpu, unsigned page_offset)
{
    if ((cpu->mode & (MODE_CS32 | MODE_CS64)) || !(cpu->mode & MODE_CODE16)) {
        return 0;
    }
    return cpu->seg[CS].base << 32 | (uint32_t)(cpu->rip - page_offset);
}

/* What the indirect-branch caches know CS:IP by. */
static inline uint64_t code_key(const Cpu *cpu)
{
    return cpu->mode & (MODE_CS32 | MODE_CS64) ? cpu->rip : cpu->seg[CS].base << 32 | cpu->rip;
}

/* engine_report.c: for -d exec and cpu, and int; they park the vector state. */
void engine_trace_run(Cpu *cpu);
void engine_trace_fault(Cpu *cpu, uint64_t rip);

/* engine.c: runs one block from the state in the Cpu and comes back at its end, or where it faults
 * (for verify.c). Not from code that translated code called. */
void engine_run_block(Cpu *cpu, Block *block);

/* stubs.S */
void engine_enter(Cpu *cpu, const void *host);
extern const char engine_leave[], stub_callout[], stub_callout_saved[], stub_dispatch[],
    stub_link[], stub_indirect[], stub_far[], stub_far_link[], stub_fill[], stub_window[],
    stub_vector[], stub_fault[];

/* returns.c, called by stubs.S */
const void *engine_callout(Cpu *cpu, const CallSite *site);
const void *engine_dispatch_at(Cpu *cpu, const Site *site);
const void *engine_link(Cpu *cpu, const Site *site);
const void *engine_indirect(Cpu *cpu, uint64_t key, const Site *site);
const void *engine_fill(Cpu *cpu, uint64_t gva, const FillSite *site);
const void *engine_window(Cpu *cpu, uint64_t gva, const WindowSite *site);
const void *engine_vector(Cpu *cpu, const VectorSite *site);
const void *engine_fault(Cpu *cpu);

#endif
