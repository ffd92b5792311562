/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRANSLATOR_TRANSLATE_H
#define TRANSLATOR_TRANSLATE_H
/* translate.h - one block of guest code to host code.
 *
 * The way of a block: scan.c collects instructions up to a control transfer, the page's end or a
 * cap; annotate.c finds which arithmetic flags are live where; each instruction's lowering
 * (insns.def, lower_*.c) emits host code; block.c adds entries, exits and out-of-line parts.
 *
 * Host code of a block:
 *     indirect entry   rip ^ salt in T0, guest flags in Cpu.jit_flags: sets Cpu.code_base, restores
 *                      the flags if the block reads them
 *     loop entry       guest flags in host flags: looks at Cpu.attention
 *     main entry       guest flags in host flags
 *     body, exits, out-of-line parts
 * A block with vector instructions has its loop and main entry for those who know that the guest's
 * vector state is in the host's registers: at its exits it is, and so for C that has loaded it. The
 * other entries look, and there is one more for blocks without such instructions.
 *
 * Register convention in translated code: the host's stack pointer is the Cpu; every guest register
 * has its own number in the host, but RSP is in R9, R9 in R15, and R10, R11 and R15 are in memory;
 * R10 (T0) and R11 (T1) are scratch; GS leads to the TLB.  The guest's DF, IF and other system
 * flags are in Cpu.rflags.  Vector and x87 state is the guest's, or parked.
 *
 * Nothing in the code depends on the guest virtual address of the page: see Cpu.code_base.
 */
#include "translator/insn.h"

enum {
    BLOCK_MAX_INSNS = 48,
    BLOCK_MAX_EXITS = 3,
    BLOCK_MAX_FAULTS = BLOCK_MAX_INSNS * 2,
    BLOCK_MAX_HOST = 16384, /* bytes that one block's code never exceeds */
};

/* Behind the call by which an exit comes to C. The place of such a record tells whose it is. */
typedef struct __attribute__((packed)) Site {
    uint16_t page_offset; /* of the target; JIT_STUB_INDIRECT and FAR: of the branch */
    uint8_t exit;         /* number, of exits that may be chained */
    bool far;             /* begins a FarSite */
} Site;

/* Behind a call of JIT_STUB_FAR or JIT_STUB_FAR_LINK. */
typedef struct __attribute__((packed)) FarSite {
    Site site;
    int32_t target; /* page offset */
} FarSite;

/* Behind a call of JIT_STUB_CALLOUT or JIT_STUB_CALLOUT_SAVED. */
typedef struct __attribute__((packed)) CallSite {
    uint16_t page_offset; /* of the instruction; CALL_SITE_LAST: no code behind it in the block */
    uint8_t fixed;        /* its number in insn_fixed.h, or 0 */
    int16_t resume;       /* host code of the next instruction, relative to this record */
} CallSite;
enum { CALL_SITE_LAST = 0x8000, CALL_SITE_VECTOR = 0x4000 /* of a block that uses vectors */ };

/* Behind a call of JIT_STUB_FILL, with the linear address in T0 and the guest's flags saved. */
typedef struct __attribute__((packed)) FillSite {
    uint16_t page_offset; /* of the instruction */
    uint16_t width;
    uint8_t access, own; /* Access: that the check is for; of the instruction itself */
    uint8_t insns;       /* to the end of the region */
    bool vector;         /* the block uses vectors */
    int16_t retry, next; /* host code of the instruction, and of what follows the region (0: nothing
                          * does), relative to this record */
} FillSite;

/* Behind a call of JIT_STUB_WINDOW, with the linear address in T0 and the guest's flags saved. */
typedef struct __attribute__((packed)) WindowSite {
    uint16_t page_offset; /* of the block */
    uint8_t slot;         /* of Cpu.jit_window */
    bool entry;           /* of a loop, which cannot go on without the chunk */
    bool vector;          /* the block uses vectors */
    int16_t retry;        /* host code that looks again, relative to this record */
} WindowSite;

/* Behind a call of JIT_STUB_VECTOR. */
typedef struct __attribute__((packed)) VectorSite {
    int16_t resume; /* host code that needs them, relative to this record */
} VectorSite;

/* Where an instruction that may raise a host signal begins: in order of `host`. */
typedef struct FaultPoint {
    uint16_t host;        /* offset of the instruction's first byte in the block's code */
    uint16_t page_offset; /* bit 15: guest flags are in Cpu.jit_flags */
} FaultPoint;
enum { FAULT_POINT_SAVED = 0x8000 };

/* A direct exit; offsets are in the block's host code. To the same page: jumps to its out-of-line
 * LINK call until it is chained. To another page (far): holds for one linear address and address
 * space only, so it compares code_base ^ jit_salt with a guard beforehand, and is chained to the
 * saved entry. Behind a CALL (returns): where the host's RET of the routine that was called is
 * predicted to go; it has rip in T0 and flags in jit_flags, and is chained to the indirect entry of
 * the block that the guest returns to. With `patched_alive` displacements and guard are aligned, so
 * that each is changed by one store. */
typedef struct BlockExit {
    int32_t target;    /* page offset; far: below 0 or from 4096 on */
    uint16_t place;    /* of the 32-bit displacement; 0: no such exit */
    uint16_t unlinked; /* the out-of-line part */
    bool backward;     /* chain to the loop entry, not the main entry */
    bool far;
    bool returns;
    uint16_t guard;      /* far: the 64-bit guard */
    uint16_t miss_place; /* far: displacement of the jump that is taken where the guard differs: */
    uint16_t miss;       /* once chained by the indirect-branch cache, before to `unlinked` */
} BlockExit;
_Static_assert(BLOCK_MAX_HOST <= UINT16_MAX, "offsets in BlockExit");
enum { GUARD_UNLINKED = -1 }; /* no code_base ^ jit_salt */

typedef struct TranslateInput {
    uint32_t mode;        /* MODE_*, of cpu.h */
    uint32_t block;       /* a number that other blocks do not have at this time */
    uint16_t page_offset; /* of the first instruction */
    /* With MODE_CODE16, whose blocks are good for one of each only: base of CS, and rip of the
     * page's first byte, which is below 0 where the segment begins in the page. */
    uint32_t cs_base;
    int32_t ip_base;
    uint8_t *code; /* room for the host code: BLOCK_MAX_HOST bytes, writable view */
    /* Set if the first instruction crosses the page's end: it, decoded; the block is it alone.  The
     * code checks at its entry that the next page still begins with its last bytes. */
    const Insn *crossing;
    bool host_bmi2;       /* the host has RORX and its like */
    bool repeat_restores; /* a repeated search that faults leaves the flags from before it */
    bool push_words;      /* a segment register, pushed 32 bits wide, is two bytes in memory */
    bool self_loops;      /* a block may loop to its own start without coming out of it */
    bool precise_flags;   /* keep flags exact at every instruction that may fault */
    bool host_returns;    /* CALL and RET by the host's: see BlockExit */
    bool patched_alive;   /* exits are changed while other CPUs run the code: see BlockExit */
    bool pause_calls;     /* PAUSE is called out: other CPUs may have to run */
    bool unshared;        /* every access has its own TLB check */
    bool window;          /* user code, under paging, that reaches memory through Cpu.jit_window */
    uint8_t max_insns;    /* 0: BLOCK_MAX_INSNS */
    /* The instruction at a page offset, decoded for `mode`; NULL where it leaves the page.  Valid
     * until the next call. */
    const Insn *(*fetch)(void *opaque, unsigned page_offset);
    /* May the instruction run as itself, as far as the CPU model goes? */
    bool (*enabled)(void *opaque, const Insn *insn);
    void *opaque;
} TranslateInput;

/* For dumps: what annotation found. */
typedef struct InsnNote {
    uint16_t live_in; /* FL_* that are live before the instruction */
    uint8_t group;    /* accesses of one group share a TLB check; 0: none */
    bool callout;     /* runs on the software CPU */
} InsnNote;

typedef struct TranslateOutput {
    uint32_t host_size;
    uint32_t saved_entry;            /* offset; as main_entry, with guest flags in Cpu.jit_flags */
    uint32_t loop_entry, main_entry; /* offsets; the indirect entry is at 0 */
    uint32_t outer_entry; /* where `vector`: as loop_entry, with the state parked or not */
    bool vector;          /* has vector instructions: see below */
    uint16_t guest_size;  /* bytes of guest code */
    uint16_t insns;
    uint16_t live_out; /* FL_* that are right behind the block */
    uint64_t chunks;   /* 64-byte chunks of the page whose bytes the translation depends on */
    BlockExit exit[BLOCK_MAX_EXITS];
    unsigned n_faults;
    FaultPoint fault[BLOCK_MAX_FAULTS];
    /* For dumps: host offset at which each instruction's code begins. */
    uint16_t insn_host[BLOCK_MAX_INSNS + 1];
    uint16_t insn_page_offset[BLOCK_MAX_INSNS + 1];
    InsnNote note[BLOCK_MAX_INSNS];
} TranslateOutput;

/* False if there is no instruction that can be translated at the start (it crosses the page's end):
 * the caller interprets it. Compiled as ordinary code: the vector state must be parked. */
bool translate_block(const TranslateInput *in, TranslateOutput *out);

/* Bytes of the record behind a call instruction of a block, for dumps; 0: it does not call a stub.
 */
unsigned translate_site_size(const uint8_t *call);

#endif
