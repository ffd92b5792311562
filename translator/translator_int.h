/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRANSLATOR_TRANSLATOR_INT_H
#define TRANSLATOR_TRANSLATOR_INT_H
/* translator_int.h - a translation in progress, shared by the files of this folder. */
#include "runtime/cpu/cpu.h"
#include "translator/emit.h"
#include "translator/insn_rows.h"
#include "translator/translate.h"
#include <Zydis/Mnemonic.h>

enum {
    T0 = 10, /* scratch; address of the current memory operand */
    T1 = 11, /* scratch */
    HOST_GUEST_RSP = 9,
    HOST_GUEST_R9 = 15,
    IN_MEMORY = -1, /* host_register of a guest register that has none */
};

typedef enum LateKind {
    LATE_SLOW,
    LATE_FILL,
    LATE_REFILL,
    LATE_WINDOW,
    LATE_WINDOW_ENTRY,
    LATE_DISPATCH,
    LATE_DISPATCH_SAVED,
    LATE_ENTRY,
    LATE_VECTOR,
    LATE_OUTER,
    LATE_LINK,
    LATE_RETURN,
    LATE_FAR,
    LATE_FAR_MISS,
    LATE_MISS
} LateKind;

/* Out-of-line parts, emitted behind the body. */
typedef struct Late {
    LateKind kind;
    uint32_t place; /* displacement that leads here */
    uint16_t insn;  /* LATE_SLOW, LATE_FILL, LATE_REFILL, LATE_WINDOW: index */
    uint8_t page;   /* LATE_REFILL, LATE_WINDOW*: slot */
    uint16_t width; /* LATE_FILL, LATE_REFILL, LATE_WINDOW */
    Access access;  /* LATE_FILL, LATE_REFILL, LATE_WINDOW */
    uint32_t back;  /* LATE_REFILL, LATE_WINDOW, LATE_VECTOR: host code behind the check;
                     * LATE_WINDOW_ENTRY: of it */
    uint16_t page_offset;
    uint8_t exit;        /* LATE_LINK, LATE_RETURN, LATE_FAR_MISS: index */
    uint8_t base;        /* LATE_WINDOW*: what is added to T0, and `target`; or HOST_NONE */
    bool in_host, saved; /* LATE_FAR: where the flags are */
    int32_t target;      /* LATE_FAR: page offset outside 0 to 4095; LATE_WINDOW: displacement */
} Late;

enum { MAX_LATE = BLOCK_MAX_INSNS * 6 + 8 };

/* share.c: accesses that share a check. */
typedef struct Share {
    bool member;
    bool reload; /* T0 is not the range's host address any more: take it from the slot */
    uint8_t range;
    uint8_t index, scale; /* of a look-up in a table: guest register, or MEM_NO_REG */
    int32_t disp;         /* from the range's lowest byte */
} Share;

/* Bytes near one address, [base + index * scale], that are checked together. */
typedef struct Range {
    MemOperand mem;      /* disp: of the lowest byte, at the first access; from the page's start
                          * where the base is MEM_RIP */
    uint8_t first, last; /* instructions */
    uint8_t members;
    bool table;  /* has look-ups in a table */
    bool keep;   /* even if it has one member */
    int8_t slot; /* of Cpu.jit_host, or SLOT_NONE */
    int8_t page; /* slot of Cpu.jit_page, or SLOT_NONE */
    bool open;   /* while planning: its registers are known */
    Access access;
    int32_t delta; /* while planning: by how much the address has changed since the first access */
    int32_t high;
} Range;

enum { MAX_RANGES = 32, SLOT_NONE = -1 };

/* Instructions in which a range is in use: if a check fails and the TLB cannot be filled so that it
 * will not, the rest runs on the software CPU. */
typedef struct Region {
    uint8_t first, last;
} Region;

typedef struct Xlat {
    Emitter e;
    const TranslateInput *in;
    TranslateOutput *out;
    uint32_t mode;
    unsigned n; /* instructions */
    Insn insn[BLOCK_MAX_INSNS];
    uint16_t offset[BLOCK_MAX_INSNS + 1];  /* page offset of each; [n]: behind the last */
    uint16_t live_in[BLOCK_MAX_INSNS + 1]; /* FL_*: flags that must be right before each */
    bool plain[BLOCK_MAX_INSNS];           /* enabled in the CPU model */
    bool vector;                           /* some instruction uses vectors */
    unsigned current;
    Share share[BLOCK_MAX_INSNS];
    Range range[MAX_RANGES];
    unsigned n_ranges;
    Region region[MAX_RANGES];
    unsigned n_regions;
    uint8_t region_of[BLOCK_MAX_INSNS]; /* 0: none; else its index + 1 */
    unsigned n_pages;    /* slots of Cpu.jit_page that are in use: the block loops to its start */
    bool pages_lost;     /* something in the body calls C and comes back */
    uint32_t loop_start; /* behind the entries: with the pages known, or the flags saved */
    /* The memory operand behind its check: [T0 + mem_index * mem_scale + mem_disp]. */
    int32_t mem_disp;
    uint8_t mem_index, mem_scale;
    /* Where the guest's arithmetic flags are; both may be true. Meaningful only while live. */
    bool in_host, saved;
    bool ended; /* the last instruction has emitted its own exits */
    Late late[MAX_LATE];
    unsigned n_late;
} Xlat;

/* A lowering emits the instruction x->insn[x->current], or returns false: run it by callout. */
typedef bool (*LowerFn)(Xlat *x, const Insn *insn);

typedef struct InsnRow {
    LowerFn lower;
    uint16_t written, read;
} InsnRow;
extern const InsnRow insn_rows[ZYDIS_MNEMONIC_MAX_VALUE + 1];

/* Guest register to host register, or IN_MEMORY. */
static inline int host_register(unsigned gpr)
{
    if (gpr == RSP) {
        return HOST_GUEST_RSP;
    }
    if (gpr == R9) {
        return HOST_GUEST_R9;
    }
    return gpr == R10 || gpr == R11 || gpr == R15 ? IN_MEMORY : (int)gpr;
}

static inline bool code_is_16(const Xlat *x)
{
    return !(x->mode & (MODE_CS32 | MODE_CS64));
}

/* Real or virtual-8086 mode, where segment registers need no descriptors. */
static inline bool segments_are_real(const Xlat *x)
{
    return (x->mode & (MODE_PE | MODE_VM)) != MODE_PE;
}

static inline int32_t segment_field(unsigned name, size_t field)
{
    return (int32_t)(offsetof(Cpu, seg) + name * sizeof(Segment) + field);
}

static inline int32_t gpr_slot(unsigned gpr)
{
    return (int32_t)(offsetof(Cpu, gpr) + gpr * 8);
}

/* scan.c */
void scan_block(Xlat *x);
/* Flags that the code at `page_offset` of this page may read before it writes them, by a short
 * scan; FL_ALL if that cannot be told. Adds what was looked at to out->chunks. */
unsigned scan_live_in(Xlat *x, unsigned page_offset);
bool insn_ends_block(const Insn *insn);
/* It ends a block only since what comes behind it is in another mode. */
bool insn_changes_mode_only(const Insn *insn);

/* annotate.c */
/* The row's flags, made exact where they depend on an immediate count. */
typedef struct InsnFlags {
    uint16_t written, read;
    bool spoils; /* may change others, too: what it leaves undefined is the host's to decide */
} InsnFlags;
InsnFlags insn_flags(const Insn *insn);
void annotate_flags(Xlat *x);
/* Are the flags that the block is entered with live, left alone by all of it, and to be saved on
 * the way? */
bool flags_pass_through(const Xlat *x);

/* flags.c: keeping guest flags right around code that spoils the host's */
void flags_spoil(Xlat *x);      /* the next host code changes host flags */
void flags_need_host(Xlat *x);  /* the next host code reads or partly changes guest flags */
void flags_need_saved(Xlat *x); /* an exit that leaves them in jit_flags */
void flags_written(Xlat *x);    /* the instruction has left its flags in the host's */

/* memory.c: effective addresses and the inline TLB */
/* Can the operand be reached by its linear address: false: its segment needs C. */
bool memory_reaches(const Xlat *x, const Insn *insn, Access access);
/* The same for any access through a segment register. */
bool segment_reaches(const Xlat *x, unsigned segment, Access access);
/* Has an access through the segment to be checked against its limit? */
bool segment_bounded(const Xlat *x, unsigned segment);
/* T0 = linear address for T0 = offset, of 16 or 32 bits by `address_width`, in a segment that
 * segment_reaches; outside its limit the software CPU runs the instruction. Spoils T1 and, where
 * the segment is bounded, flags. */
void segment_address(Xlat *x, unsigned segment, unsigned width, unsigned address_width);
/* T0 = linear address of the memory operand; false: it cannot be reached so. */
bool memory_address(Xlat *x, const Insn *insn, unsigned width, Access access);
/* T0 = offset of the operand in its segment, for LEA. */
void memory_offset(Xlat *x, const Insn *insn, unsigned to);
/* `to` = base + index * scale + disp, `width` 4 or 8; T0 and T1 stand for registers in memory. With
 * base MEM_RIP disp is from the page's start. */
void memory_effective(Xlat *x, const MemOperand *mem, unsigned to, unsigned width);
/* T0 = host address for T0 = linear address; spoils T1 and flags. */
void memory_check(Xlat *x, unsigned width, Access access);
/* The same by a slot of Cpu.jit_page, filled from the TLB if it holds another page. */
void memory_check_page(Xlat *x, unsigned width, Access access, unsigned slot);

/* The look-up of memory_check alone, where flags may be spoilt. */
void memory_look_up(Xlat *x, unsigned width, Access access);

/* T0 = linear address again, where a check by the TLB has failed. */
void memory_restore_address(Xlat *x, Access access);
/* The out-of-line part of memory_check_page. */
void memory_refill_page(Xlat *x, const Late *late);

/* The operand behind its check. */
Address memory_at(const Xlat *x);
/* MOV from and to it; `width` 2, 4 or 8. */
void memory_load(Xlat *x, unsigned width, unsigned to);
void memory_store(Xlat *x, unsigned width, unsigned from);

/* window.c, for blocks that go through the window */
/* Can the instruction's operand be accessed so? */
bool window_usable(const Xlat *x, const Insn *insn);
/* Address and check of an operand: as memory_check leaves it, but that the access needs a fault
 * point, and that T0 need not be all of its address (memory_at). Spoils T1 and flags. */
/* Can the operand be direct: its base register is added to T0 by the access itself? */
bool window_is_direct(const MemOperand *mem);
void window_operand(Xlat *x, const MemOperand *mem, unsigned width, Access access, bool direct);
void window_late(Xlat *x, const Late *late);
/* The same in two parts, for an operand of a loop that stays near where the last turn found it: the
 * check in front of the loop, and what is left to be done in it. `page`: slot of Cpu.jit_page,
 * which keeps the distance. */
void window_enter(Xlat *x, const MemOperand *mem, unsigned page, bool direct);
void window_operand_known(Xlat *x, const MemOperand *mem, unsigned page, bool direct);
void window_late_entry(Xlat *x, const Late *late);
/* A fault point, if the block goes through the window. */
void window_point(Xlat *x);

/* register_use.c */
bool register_written(const Insn *insn, unsigned gpr); /* as an operand */
bool register_written_hidden(const Insn *insn, unsigned gpr);
/* Does the instruction change `gpr`, but by a constant: by which? */
bool register_changes(const Xlat *x, const Insn *insn, unsigned gpr, int32_t *by);

/* share.c */
void share_plan(Xlat *x);
/* Does the instruction, which shares a check, write? */
bool share_writes(const Xlat *x, unsigned i);
/* The current instruction's access, if it shares a check: T0 and mem_disp are ready. */
bool share_access(Xlat *x);
void share_break(Xlat *x, unsigned i);
/* In front of a loop: empties the slots of Cpu.jit_page that are in use, or fills them for a block
 * that goes through the window, whose flags then are dead. Spoils T0 and T1. */
void share_enter_loop(Xlat *x);

/* translate.c */
void lower_insn(Xlat *x, unsigned i);

/* recode.c */
/* The instruction itself with its registers substituted: -1 keeps the guest's number. With a memory
 * operand it accesses [mem_base]. */
typedef struct Recode {
    int reg, rm, vvvv, opcode_reg;
    unsigned mem_base;
} Recode;
void recode(Xlat *x, const Insn *insn, const Recode *to);

/* exits.c */
uint32_t exit_jmp(Xlat *x); /* an exit's jump: the place of its displacement */
void exit_direct(Xlat *x, int32_t target, int cc); /* cc -1: always; target is a page offset */
void exit_indirect(Xlat *x);                       /* rip in T0 */
/* The same in two steps: what can fail, before anything is changed, and the jump. */
void exit_indirect_look_up(Xlat *x); /* rip in T0 */
void exit_indirect_looked_up(Xlat *x);
/* What follows is where a CALL goes: the host calls it, so that the host's RET of exit_return is
 * predicted to come back. */
void exit_call(Xlat *x);
void exit_return(Xlat *x);                                           /* rip in T0 */
void exit_always_by_branch(Xlat *x, uint32_t place, int32_t target); /* place: a pending branch */
void callout(Xlat *x, const Insn *insn);
void late_add(Xlat *x, const Late *late);
void late_emit(Xlat *x);
/* On a condition in host flags (the guest's are saved) the software CPU runs the instruction. */
void late_slow_if(Xlat *x, unsigned cc);
/* Are direct exits chained, or does every one go through C: segment limits? */
bool flow_chained(const Xlat *x);

/* flow.c: where direct branches lead */
/* Is the branch one whose target, if it is direct, is inside the limit? `end`: page offset of what
 * is behind it. */
bool flow_usable(const Xlat *x, const Insn *insn, int32_t end);
/* Page offset of a direct branch's target. */
int32_t flow_target(const Xlat *x, const Insn *insn, int32_t end);
/* Is the target in the page, so that who is there already need not look where it is? */
bool flow_near(const Xlat *x, int32_t target);
/* 16-bit code, by its whole address: an exit to a page offset that is not near, or to CS:IP of
 * which the indirect-branch cache knows. */
void exit_far16(Xlat *x, int32_t target);
void exit_known16(Xlat *x, uint64_t key);
/* T0 = what the cache knows CS:IP by, for T0 = rip, of which 16 bits count; spoils T1 and flags. */
void exit_key16(Xlat *x);
/* [CPU's field], called: a stub, with its record behind the call. */
void stub_call(Xlat *x, JitStub stub, const Site *site);
void stub_call_window(Xlat *x, WindowSite *site, uint32_t retry); /* fills in the rest */

/* vector_entry.c */
/* The state is loaded if it is parked; spoils host flags, the guest's are saved or dead. */
void vector_check(Xlat *x);
/* Out of line: what vector_check does where it is, and the outer entry, where flags live on. */
void vector_late(Xlat *x, const Late *late);
void vector_late_outer(Xlat *x);

#endif
