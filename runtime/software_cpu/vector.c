/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vector.c - MMX, SSE and AVX instructions: preconditions, operands, results. */
#include "runtime/software_cpu/host_traits.h"
#include "runtime/software_cpu/vector_int.h"

static Step fault(Cpu *cpu, Vector vector)
{
    cpu_fault(cpu, vector);
    return STEP_FAULT;
}

/* SDM vol. 3 table 14-1: which of #UD and #NM, once the mode has said that it is one. */
static Step sse_fault(Cpu *cpu)
{
    bool undefined = (cpu->cr0 & CR0_EM) || !(cpu->cr4 & CR4_OSFXSR);

    return fault(cpu, undefined ? VECTOR_UD : VECTOR_NM);
}

static Step avx_fault(Cpu *cpu)
{
    bool enabled = (cpu->cr4 & CR4_OSXSAVE) && (cpu->xcr0 & 6) == 6;
    bool allowed = (cpu->mode & (MODE_PE | MODE_VM)) == MODE_PE;

    return fault(cpu, enabled && allowed ? VECTOR_NM : VECTOR_UD);
}

Step vector_begin(Cpu *cpu, unsigned uses)
{
    if (uses & USES_BAD) {
        return fault(cpu, VECTOR_UD);
    }
    if ((uses & USES_AVX) && ((cpu->mode & (MODE_NO_AVX | MODE_VM)) || !(cpu->mode & MODE_PE))) {
        return avx_fault(cpu);
    }
    if ((uses & USES_SSE) && (cpu->mode & MODE_NO_SSE)) {
        return sse_fault(cpu);
    }
    if (uses & USES_MMX) {
        if (cpu->mode & MODE_NO_FPU) {
            return fault(cpu, cpu->cr0 & CR0_EM ? VECTOR_UD : VECTOR_NM);
        }
        return x87_wait(cpu);
    }
    return STEP_NEXT;
}

/* ---- Memory ---- */

bool vector_memory_read(Cpu *cpu, uint64_t linear, void *to, unsigned n)
{
    for (unsigned done = 0; done < n; done += 64) {
        unsigned width = n - done < 64 ? n - done : 64;

        if (!mmu_read_slow(cpu, linear + done, (uint8_t *)to + done, width)) {
            return false;
        }
    }
    return true;
}

bool vector_memory_write(Cpu *cpu, uint64_t linear, const void *from, unsigned n)
{
    for (unsigned done = 0; done < n; done += 64) {
        unsigned width = n - done < 64 ? n - done : 64;

        if (!mmu_write_slow(cpu, linear + done, (const uint8_t *)from + done, width)) {
            return false;
        }
    }
    return true;
}

bool vector_linear_aligned(Cpu *cpu, const Insn *insn, unsigned width, unsigned align,
                           Access access, uint64_t *linear)
{
    if (!operand_linear(cpu, insn, width, access, linear)) {
        return false;
    }
    if (*linear & (align - 1)) {
        cpu_fault_error(cpu, VECTOR_GP, 0);
        return false;
    }
    return true;
}

static bool is_cvt_store(const Insn *insn)
{
    return insn->mnemonic == ZYDIS_MNEMONIC_VCVTPS2PH;
}

static bool is_unaligned_move(const Insn *insn)
{
    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_MOVUPS:
    case ZYDIS_MNEMONIC_MOVUPD:
    case ZYDIS_MNEMONIC_MOVDQU:
    case ZYDIS_MNEMONIC_LDDQU:
    case ZYDIS_MNEMONIC_VMOVUPS:
    case ZYDIS_MNEMONIC_VMOVUPD:
    case ZYDIS_MNEMONIC_VMOVDQU:
    case ZYDIS_MNEMONIC_VLDDQU:
        return true;
    default:
        return false;
    }
}

/* Of operands that need no alignment the host decides whether the check of it sees them. */
static bool alignment_checked(Cpu *cpu, const Insn *insn, unsigned width, uint64_t linear)
{
    bool move = is_unaligned_move(insn);
    HostTrait trait = width == 16 ? (move ? HOST_MOVE16_ALIGN : HOST_VECTOR16_ALIGN)
                                  : (move ? HOST_MOVE32_ALIGN : HOST_VECTOR32_ALIGN);

    if (!(cpu->mode & MODE_ALIGN) || (width != 16 && width != 32) || (linear & (width - 1)) == 0 ||
        !host_trait(cpu, trait)) {
        return true;
    }
    cpu_fault_error(cpu, VECTOR_AC, 0);
    return false;
}

/* Where the thunk finds its operand: the guest's RAM itself, or the bounce buffer. NULL: fault. */
static uint8_t *operand_host(Cpu *cpu, const Insn *insn, const VectorPlan *plan, uint64_t *linear)
{
    Access access = plan->mem_write ? ACCESS_WRITE : ACCESS_READ;
    uint8_t *bounce = thunk_context(cpu)->bounce;
    uint8_t *host;
    bool ready;

    if (is_cvt_store(insn) && host_trait(cpu, HOST_CVT_STORE_ALIGN)) {
        if (!segment_linear_unaligned(cpu, (SegmentName)insn->mem.segment,
                                      operand_offset(cpu, insn), plan->mem_width, access, linear)) {
            return NULL;
        }
    } else if (!vector_linear_aligned(cpu, insn, plan->mem_width, plan->align_mask + 1u, access,
                                      linear)) {
        return NULL;
    }
    if (!alignment_checked(cpu, insn, plan->mem_width, *linear)) {
        return NULL;
    }
    host = mmu_hit(cpu, *linear, plan->mem_width, access);
    if (host != NULL) {
        return host;
    }
    ready = plan->mem_write ? mmu_probe(cpu, *linear, plan->mem_width, ACCESS_WRITE)
                            : mmu_read_slow(cpu, *linear, bounce, plan->mem_width);
    return ready ? bounce : NULL;
}

/* ---- Execution ---- */

static void registers_in(Cpu *cpu, ThunkContext *context, const VectorPlan *plan)
{
    if (plan->gpr_in != THUNK_NO_REG) {
        context->in = cpu->gpr[plan->gpr_in];
        context->lengths = cpu->gpr[RDX];
    }
    if (plan->uses & USES_FLAGS_IN) {
        context->flags = (cpu->rflags & FLAGS_ARITH) | FLAG_1;
    }
}

static void registers_out(Cpu *cpu, const ThunkContext *context, const VectorPlan *plan)
{
    if (plan->gpr_out != THUNK_NO_REG) {
        gpr_write(cpu, plan->gpr_out, plan->gpr_out_width, context->out);
    }
    if (plan->uses & USES_FLAGS_OUT) {
        cpu->rflags = (cpu->rflags & ~(uint64_t)FLAGS_ARITH) | (context->flags & FLAGS_ARITH);
    }
}

Step vector_execute(Cpu *cpu, const Insn *insn, const VectorPlan *plan)
{
    ThunkContext *context = thunk_context(cpu);
    uint8_t *operand = context->bounce;
    uint64_t linear = 0;
    bool done;

    if (plan->mem_width != 0) {
        operand = operand_host(cpu, insn, plan, &linear);
        if (operand == NULL) {
            return vector_fault(cpu, insn, plan, linear);
        }
    }
    registers_in(cpu, context, plan);
    if (cpu->ignne && (plan->uses & (USES_X87 | USES_MMX))) {
        done = x87_run_ignoring(cpu, plan->run, operand);
    } else {
        done = thunk_run(cpu, plan->run, operand);
    }
    if (!done) {
        return STEP_FAULT;
    }
    if (plan->mem_write && operand == context->bounce &&
        !((plan->uses & USES_X87) && x87_store_suppressed()) &&
        !mmu_write_slow(cpu, linear, operand, plan->mem_width)) {
        return STEP_FAULT;
    }
    registers_out(cpu, context, plan);
    return STEP_NEXT;
}

Step exec_vector(Cpu *cpu, const Insn *insn)
{
    const VectorPlan *plan = thunk_plan(cpu, insn);
    Step step = vector_begin(cpu, plan->uses);

    return step == STEP_NEXT ? vector_execute(cpu, insn, plan) : step;
}

/* ---- MXCSR: it is in the host's register while the vector state is live ---- */

static unsigned uses_of_mxcsr(const Insn *insn)
{
    return insn->encoding == ENCODING_VEX ? USES_AVX : USES_SSE;
}

Step exec_ldmxcsr(Cpu *cpu, const Insn *insn)
{
    Step step = vector_begin(cpu, uses_of_mxcsr(insn));
    uint64_t value;
    uint32_t mxcsr;

    if (step != STEP_NEXT) {
        return step;
    }
    if (!operand_read(cpu, insn, 0, &value)) {
        return STEP_FAULT;
    }
    mxcsr = (uint32_t)value;
    if (mxcsr & ~(uint32_t)MXCSR_MASK) {
        cpu_fault_error(cpu, VECTOR_GP, 0);
        return STEP_FAULT;
    }
    cpu_vector_load(cpu);
    __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
    return STEP_NEXT;
}

Step exec_stmxcsr(Cpu *cpu, const Insn *insn)
{
    Step step = vector_begin(cpu, uses_of_mxcsr(insn));
    uint32_t mxcsr;

    if (step != STEP_NEXT) {
        return step;
    }
    cpu_vector_load(cpu);
    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    return operand_write(cpu, insn, 0, mxcsr) ? STEP_NEXT : STEP_FAULT;
}
