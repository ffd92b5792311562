/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vector_fault.c - what an instruction whose memory operand faults leaves in the x87 state, MXCSR
 * and memory.  CPUs differ, for some compute before they look at the address: see host_traits.def.
 */
#include "runtime/software_cpu/host_traits.h"
#include "runtime/software_cpu/x87_int.h"

enum { X87_EMPTY = 0xffff, X87_TOP = 0x3800, X87_FLAGS = 0x7f };

typedef struct __attribute__((aligned(16))) FxImage {
    uint8_t bytes[512];
} FxImage;

static void fx_save(FxImage *image)
{
    __asm__ volatile("fxsave64 %0" : "=m"(*image));
}

static void fx_load(const FxImage *image)
{
    __asm__ volatile("fnclex\n\tfxrstor64 %0" : : "m"(*image));
}

/* ---- x87 stores ---- */

static bool store_errs_first(const Cpu *cpu, const Fault *fault)
{
    switch (fault->vector) {
    case VECTOR_PF:
        return host_trait(cpu, HOST_X87_STORE_PAGE);
    case VECTOR_AC:
        return host_trait(cpu, HOST_X87_STORE_ALIGN);
    default:
        return host_trait(cpu, HOST_X87_STORE_SEGMENT);
    }
}

/* Ten bytes over the end of a page behind which none can be written. */
static void store_partly(Cpu *cpu, const Insn *insn, uint64_t linear, const uint8_t *bytes)
{
    const uint16_t *table = insn->opcode == 0xdf ? cpu->traits->fbstp : cpu->traits->fstp;
    unsigned before = PAGE_SIZE - (linear & (PAGE_SIZE - 1));

    if (before >= HOST_TEN_BYTES || !mmu_probe(cpu, linear, before, ACCESS_WRITE)) {
        return;
    }
    for (unsigned i = 0; i < before; i++) {
        if (table[before] >> i & 1) {
            mmu_write(cpu, linear + i, 1, bytes[i]);
        }
    }
}

static void status_flags_set(uint16_t flags)
{
    X87Env env;

    __asm__ volatile("fnstenv %0" : "=m"(env));
    env.status |= flags;
    __asm__ volatile("fldenv %0" : : "m"(env));
}

/* The store runs for its errors alone, and is taken back unless they come first. */
static Step x87_store_fault(Cpu *cpu, const Insn *insn, const VectorPlan *plan, uint64_t linear)
{
    ThunkContext *context = thunk_context(cpu);
    Fault fault = cpu->fault;
    uint16_t errors;
    FxImage before;

    cpu_vector_load(cpu);
    fx_save(&before);
    if (!thunk_run(cpu, plan->run, context->bounce)) {
        return STEP_FAULT;
    }
    errors = x87_status() & X87_FLAGS;
    if (x87_store_suppressed()) {
        if (store_errs_first(cpu, &fault)) {
            return STEP_NEXT;
        }
        fx_load(&before);
    } else {
        fx_load(&before);
        if (fault.vector == VECTOR_PF && host_trait(cpu, HOST_X87_STORE_FLAGS)) {
            status_flags_set(errors);
        }
        if (fault.vector == VECTOR_PF && plan->mem_width == HOST_TEN_BYTES) {
            store_partly(cpu, insn, linear, context->bounce);
        }
    }
    cpu->fault = fault;
    return STEP_FAULT;
}

/* ---- MMX: the x87 registers become MMX's before memory is looked at ---- */

static void mmx_enter(Cpu *cpu, bool store)
{
    unsigned how = host_trait(cpu, store ? HOST_MMX_STORE : HOST_MMX_LOAD);
    X87Env env;

    if (how == HOST_MMX_BEFORE) {
        return;
    }
    cpu_vector_load(cpu);
    __asm__ volatile("fnstenv %0" : "=m"(env));
    env.status &= ~(uint32_t)X87_TOP;
    env.tags = how == HOST_MMX_VALID ? env.tags & ~(uint32_t)X87_EMPTY : env.tags;
    __asm__ volatile("fldenv %0" : : "m"(env));
}

/* ---- VCVTPS2PH ---- */

static Step cvt_store_fault(Cpu *cpu, const VectorPlan *plan)
{
    Fault fault = cpu->fault;
    uint32_t before;
    bool raises;

    cpu_vector_load(cpu);
    __asm__ volatile("stmxcsr %0" : "=m"(before));
    raises = !thunk_run(cpu, plan->run, thunk_context(cpu)->bounce);
    if (raises && host_trait(cpu, HOST_CVT_STORE_ORDER)) {
        return STEP_FAULT;
    }
    if (raises || !host_trait(cpu, HOST_CVT_STORE_FLAGS)) {
        __asm__ volatile("ldmxcsr %0" : : "m"(before));
    }
    cpu->fault = fault;
    return STEP_FAULT;
}

Step vector_fault(Cpu *cpu, const Insn *insn, const VectorPlan *plan, uint64_t linear)
{
    if (cpu->traits == NULL) {
        return STEP_FAULT;
    }
    if (plan->uses & USES_MMX) {
        mmx_enter(cpu, plan->mem_write);
    } else if ((plan->uses & USES_X87) && plan->mem_write && !cpu->ignne) {
        return x87_store_fault(cpu, insn, plan, linear);
    } else if (insn->mnemonic == ZYDIS_MNEMONIC_VCVTPS2PH && plan->mem_write &&
               cpu->fault.vector == VECTOR_PF) {
        return cvt_store_fault(cpu, plan);
    }
    return STEP_FAULT;
}
