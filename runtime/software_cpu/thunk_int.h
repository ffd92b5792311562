/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTWARE_CPU_THUNK_INT_H
#define SOFTWARE_CPU_THUNK_INT_H
/* thunk_int.h - between thunk.c, thunk_encode.c and the vector families. */
#include "runtime/software_cpu/software_cpu_int.h"
#include "runtime/software_cpu/thunk.h"

enum { THUNK_NO_REG = 0xff, THUNK_BOUNCE = 64 };

/* What an instruction needs of the CPU, and what a thunk passes. */
enum {
    USES_X87 = 1u << 0,
    USES_MMX = 1u << 1,
    USES_SSE = 1u << 2,
    USES_AVX = 1u << 3,
    USES_FLAGS_IN = 1u << 4,
    USES_FLAGS_OUT = 1u << 5,
    USES_LENGTHS = 1u << 6,   /* PCMPESTRx: RAX and RDX */
    USES_INDEX_OUT = 1u << 7, /* PCMPxSTRI: RCX */
    USES_GPR_IN = 1u << 8,
    USES_GPR_OUT = 1u << 9,
    USES_BAD = 1u << 10, /* an encoding that has no thunk: #UD */
};

/* What passes between C and a thunk; thunks know the offsets. */
typedef struct ThunkContext {
    uint8_t bounce[THUNK_BOUNCE] __attribute__((aligned(64)));
    uint64_t in;      /* goes to RAX */
    uint64_t lengths; /* goes to RDX */
    uint64_t out;     /* RAX or RCX afterwards */
    uint64_t flags;   /* arithmetic flags in, RFLAGS out */
    bool faulted;     /* cpu->fault was set by thunk_fixup */
} ThunkContext;

typedef void (*ThunkCode)(ThunkContext *context, void *operand);

/* The instruction as it stands in a thunk. Equal instructions have equal bytes; unused ones are
 * zero. */
typedef struct ThunkInsn {
    uint8_t bytes[16];
    uint8_t length;
    uint16_t uses;
} ThunkInsn;

/* How to execute an instruction: found by its bytes, so computed once. */
typedef struct VectorPlan {
    uint64_t key[2]; /* Insn.bytes, and the code width in the byte that is always free */
    ThunkCode run;
    uint16_t uses;
    uint8_t mem_width; /* 0: no memory operand */
    bool mem_write;
    uint8_t align_mask; /* of the linear address: #GP(0) */
    uint8_t gpr_in, gpr_out, gpr_out_width;
} VectorPlan;

/* Where the host's XSAVE puts a component, in the standard format. */
enum { XSAVE_COMPONENTS = 10 };
typedef struct XsaveComponent {
    uint16_t offset, size; /* size 0: the host has no such component */
    bool align;            /* to 64 bytes, in the compacted format */
} XsaveComponent;

/* thunk_encode.c */
void thunk_encode(ThunkInsn *to, const Insn *insn, unsigned uses);
enum { THUNK_MAX_CODE = 64 };
/* The whole thunk around it: number of bytes written. */
unsigned thunk_emit(uint8_t *code, const ThunkInsn *insn);

/* thunk.c */
ThunkContext *thunk_context(Cpu *cpu);
/* Valid until the next call of either. */
ThunkCode thunk_find(Cpu *cpu, const ThunkInsn *insn);
const VectorPlan *thunk_plan(Cpu *cpu, const Insn *insn);
/* Runs it on the live vector state; false: cpu->fault was set, no register of the guest changed. */
bool thunk_run(Cpu *cpu, ThunkCode code, void *operand);

/* Component 2 to XSAVE_COMPONENTS - 1 of cpu->xsave. */
const XsaveComponent *thunk_xsave_component(Cpu *cpu, unsigned i);

/* vector_plan.c */
void vector_plan_make(VectorPlan *plan, const Insn *insn, ThunkInsn *thunk);

#endif
