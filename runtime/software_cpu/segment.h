/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTWARE_CPU_SEGMENT_H
#define SOFTWARE_CPU_SEGMENT_H
/* segment.h - descriptors, stack frames and far transfers, as the files that switch segments,
 * privilege or task share them (SDM vol. 3 chapters 3, 5, 6 and 8).
 *
 * Everything that may fault here records the fault and returns false; only descriptor_mark_accessed
 * and frame_push change memory, and nothing but the functions that say so changes registers.
 */
#include "runtime/software_cpu/system.h"

/* ---- Descriptors (segment.c) ---- */

enum { /* the type field of a system descriptor (S clear) */
       TYPE_TSS16 = 1,
       TYPE_LDT = 2,
       TYPE_TSS16_BUSY = 3,
       TYPE_CALL_GATE16 = 4,
       TYPE_TASK_GATE = 5,
       TYPE_INTERRUPT_GATE16 = 6,
       TYPE_TRAP_GATE16 = 7,
       TYPE_TSS32 = 9, /* 64-bit in long mode, as all below */
       TYPE_TSS32_BUSY = 11,
       TYPE_CALL_GATE32 = 12,
       TYPE_INTERRUPT_GATE32 = 14,
       TYPE_TRAP_GATE32 = 15,
       TYPE_BUSY = 2,   /* the bit that tells a busy TSS */
       TYPE_BITS32 = 8, /* the bit that tells 32-bit gates and TSSs */
       TYPE_TRAP = 1,   /* the bit that tells trap gates from interrupt gates */
       SELECTOR_RPL = 3,
       SELECTOR_LDT = 4,
};

typedef struct Descriptor {
    uint64_t linear; /* where it lies */
    uint32_t low, high;
    uint32_t upper; /* bits 32 to 63 of base or offset: 16-byte system descriptors, else 0 */
    uint16_t selector;
    uint16_t attr; /* ATTR_* */
} Descriptor;

static inline unsigned attr_dpl(uint16_t attr)
{
    return (attr & ATTR_DPL) >> ATTR_DPL_SHIFT;
}

/* The type of a system descriptor; code and data are 16 and above. */
static inline unsigned attr_type(uint16_t attr)
{
    return attr & (ATTR_S | ATTR_TYPE);
}

static inline bool attr_is_code(uint16_t attr)
{
    return (attr & (ATTR_S | ATTR_CODE)) == (ATTR_S | ATTR_CODE);
}

static inline bool attr_is_conforming(uint16_t attr)
{
    return (attr & (ATTR_S | ATTR_CODE | ATTR_DC)) == (ATTR_S | ATTR_CODE | ATTR_DC);
}

static inline bool attr_is_stack(uint16_t attr)
{
    return (attr & (ATTR_S | ATTR_CODE | ATTR_RW)) == (ATTR_S | ATTR_RW);
}

static inline bool selector_is_null(uint16_t selector)
{
    return (selector & ~SELECTOR_RPL) == 0;
}

/* Linear addresses have 32 bits outside long mode. */
static inline uint64_t linear_wrap(const Cpu *cpu, uint64_t linear)
{
    return cpu->mode & MODE_LMA ? linear : (uint32_t)linear;
}

/* Protected mode, virtual-8086 mode not included. */
static inline bool mode_is_protected(const Cpu *cpu)
{
    return (cpu->mode & (MODE_PE | MODE_VM)) == MODE_PE;
}

static inline bool fault_raise(Cpu *cpu, Vector vector, uint32_t error)
{
    cpu_fault_error(cpu, vector, error);
    return false;
}

/* Names the selector in the error code; `ext`: 1 while an event from outside is delivered. */
static inline bool fault_selector(Cpu *cpu, Vector vector, uint16_t selector, uint32_t ext)
{
    return fault_raise(cpu, vector, (selector & ~(uint32_t)SELECTOR_RPL) | ext);
}

/* As mmu_hit, with the rights of `context`. */
static inline uint8_t *context_hit(const Cpu *cpu, MmuContext context, uint64_t gva, unsigned width,
                                   Access access)
{
    const TlbEntry *entry = (const TlbEntry *)((const uint8_t *)cpu->tlb->set[context] +
                                               ((gva >> TLB_INDEX_SHIFT) & TLB_INDEX_MASK));
    uint64_t offset = gva ^ entry->tag[access];

    return offset <= PAGE_SIZE - width ? entry->host + offset : NULL;
}

/* Guest memory at any alignment. */
typedef volatile uint16_t __attribute__((aligned(1), may_alias)) GuestWord;
typedef volatile uint32_t __attribute__((aligned(1), may_alias)) GuestDword;
typedef volatile uint64_t __attribute__((aligned(1), may_alias)) GuestQword;

/* mmu_system_read of 8 bytes. */
static inline bool system_read8(Cpu *cpu, uint64_t gva, uint64_t *value)
{
    const uint8_t *host = context_hit(cpu, MMU_KERNEL, gva, 8, ACCESS_READ);

    if (host == NULL) {
        return mmu_system_read(cpu, gva, value, 8);
    }
    *value = *(const GuestQword *)host;
    return true;
}

typedef enum Lookup { LOOKUP_OK, LOOKUP_OUTSIDE, LOOKUP_FAULT } Lookup;

/* Reads the descriptor. LOOKUP_OUTSIDE: the selector is beyond its table, or there is no LDT; no
 * fault is recorded. Null selectors are for the caller. */
Lookup descriptor_look_up(Cpu *cpu, uint16_t selector, Descriptor *descriptor);
/* As above, where a selector beyond its table is `vector` with the selector as error code. */
bool descriptor_fetch(Cpu *cpu, uint16_t selector, Vector vector, uint32_t ext,
                      Descriptor *descriptor);
/* Long mode: reads the second half of a system descriptor; `vector` where it is malformed. */
bool descriptor_fetch_upper(Cpu *cpu, Descriptor *descriptor, Vector vector);
/* Sets the accessed bit in memory and in `descriptor`. */
bool descriptor_mark_accessed(Cpu *cpu, Descriptor *descriptor);
/* The hidden part of a segment register. */
void descriptor_unpack(const Descriptor *descriptor, Segment *segment);

static inline uint64_t gate_offset(const Descriptor *gate)
{
    uint64_t offset = gate->low & 0xffff;

    if (gate->attr & TYPE_BITS32) {
        offset |= (gate->high & 0xffff0000u) | (uint64_t)gate->upper << 32;
    }
    return offset;
}

/* A null selector in a data segment register. */
void segment_set_null(Cpu *cpu, SegmentName name, uint16_t selector);
/* Can a transfer go to `offset` of the code segment? #GP(error) otherwise. */
bool code_offset_check(Cpu *cpu, const Segment *cs, uint64_t offset, uint32_t error);

/* ---- Stack frames (frame.c) ---- */

/* A stack that a frame is built on: the current one, or that of an inner privilege. */
typedef struct FrameStack {
    Segment ss;
    uint64_t sp;        /* the whole register */
    MmuContext context; /* rights of the stores */
    unsigned width;     /* of the stack pointer: 2, 4, 8 */
    uint32_t error;     /* of the #SS when the frame does not fit */
} FrameStack;

/* The current stack; `error` of #SS. */
FrameStack frame_stack_current(const Cpu *cpu, uint32_t error);
/* The stack that the TSS names for privilege `cpl`: #TS, #SS, #NP by the rules of privilege
 * changes. Long mode: SS is null. */
bool frame_stack_inner(Cpu *cpu, unsigned cpl, uint32_t ext, FrameStack *stack);
/* Long mode: a stack pointer out of the TSS at `offset` (RSPn, ISTn). */
bool frame_stack_long(Cpu *cpu, unsigned offset, unsigned cpl, uint32_t ext, FrameStack *stack);
/* Pushes slots[0] first, `width` bytes each; moves stack->sp. All of it or nothing. */
bool frame_push(Cpu *cpu, FrameStack *stack, unsigned width, const uint64_t *slots, unsigned n);
/* Makes it the current stack; the caller updates the mode. */
void frame_stack_commit(Cpu *cpu, const FrameStack *stack);
/* Reads n slots at SS:SP + skip of the current stack; slots[0] has the lowest address. */
bool frame_read(Cpu *cpu, uint64_t skip, unsigned width, uint64_t *slots, unsigned n);

/* ---- Far transfers (far.c) ---- */

Step exec_jmp_far(Cpu *cpu, const Insn *insn);
Step exec_call_far(Cpu *cpu, const Insn *insn);
Step exec_ret_far(Cpu *cpu, const Insn *insn);
Step exec_mov_segment(Cpu *cpu, const Insn *insn); /* segment.c */

/* A far pointer as `insn`'s operand i: memory, or immediate. */
typedef struct FarPointer {
    uint64_t offset;
    uint16_t selector;
} FarPointer;
bool far_pointer_read(Cpu *cpu, const Insn *insn, unsigned i, FarPointer *pointer);

/* What RET and IRET return to. */
typedef struct FarReturn {
    Segment cs, ss;
    uint64_t rip;
    uint64_t rsp;
    unsigned cpl;
} FarReturn;
/* Checks the code segment `selector` and the offset. */
bool far_return_code(Cpu *cpu, uint16_t selector, uint64_t rip, FarReturn *target);
/* Checks the stack segment; after far_return_code. */
bool far_return_stack(Cpu *cpu, uint16_t selector, uint64_t rsp, FarReturn *target);
/* Loads SS:RSP, where `stack`, and CS:RIP, and drops data segments that the new privilege may not
 * have. The caller sets flags and updates the mode. */
void far_return_commit(Cpu *cpu, const FarReturn *target, bool stack);

/* ---- Tasks (task.c) ---- */

typedef enum TaskCause { TASK_JMP, TASK_CALL, TASK_IRET, TASK_INTERRUPT } TaskCause;

/* The TSS descriptor that a task gate names. */
bool task_gate_fetch(Cpu *cpu, const Descriptor *gate, uint32_t ext, Descriptor *tss);
typedef struct TaskSwitch {
    TaskCause cause;
    uint64_t rip, flags;   /* saved as those of the old task */
    uint32_t ext;          /* EXT bit of error codes */
    const uint32_t *error; /* pushed on the new task's stack; NULL: none */
} TaskSwitch;
/* Switches to the task of `tss`, whose descriptor's type and privilege were checked. False: a
 * fault was recorded, of the old task if nothing has changed, of the new one otherwise, or it is
 * the #DB trap of the new task's T flag. */
bool task_switch(Cpu *cpu, const Descriptor *tss, const TaskSwitch *how);
/* IRET with NT: back to the task that the back link names. */
bool task_return(Cpu *cpu, uint64_t rip);

#endif
