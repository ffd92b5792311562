/* SPDX-License-Identifier: GPL-2.0-or-later */
/* misc.c - hints, fences, cache lines, direct stores, BOUND, random numbers. */
#include "runtime/software_cpu/integer.h"

Step exec_nop(Cpu *cpu, const Insn *insn)
{
    (void)cpu;
    (void)insn;
    return STEP_NEXT;
}

Step exec_pause(Cpu *cpu, const Insn *insn)
{
    (void)cpu;
    (void)insn;
    __asm__ volatile("pause");
    return STEP_NEXT;
}

/* All fences, and SERIALIZE: nothing of the guest's is in flight but the host's own accesses. */
Step exec_fence(Cpu *cpu, const Insn *insn)
{
    (void)cpu;
    (void)insn;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return STEP_NEXT;
}

/* CLFLUSH and kin are a byte's load to segmentation and paging. */
Step exec_cache_line(Cpu *cpu, const Insn *insn)
{
    uint64_t linear;

    if (!operand_linear(cpu, insn, 1, ACCESS_READ, &linear) ||
        !mmu_probe(cpu, linear, 1, ACCESS_READ)) {
        return STEP_FAULT;
    }
    return STEP_NEXT;
}

/* The address is in the accumulator; the segment may be overridden. The line is that of the linear
 * address. */
Step exec_clzero(Cpu *cpu, const Insn *insn)
{
    static const uint8_t zero[64];
    uint64_t offset = gpr_read(cpu, RAX, insn->address_width), linear;

    if (!segment_linear(cpu, (SegmentName)insn->mem.segment, offset, 1, ACCESS_WRITE, &linear) ||
        !mmu_write_slow(cpu, linear & ~63ull, zero, sizeof(zero))) {
        return STEP_FAULT;
    }
    return STEP_NEXT;
}

/* The destination is ES:register, 64-byte aligned. */
Step exec_movdir64b(Cpu *cpu, const Insn *insn)
{
    uint64_t offset = gpr_read(cpu, insn->op[0].reg, insn->address_width), from, to;
    uint8_t line[64];

    if (!operand_linear(cpu, insn, sizeof(line), ACCESS_READ, &from) ||
        !segment_linear(cpu, ES, offset, sizeof(line), ACCESS_WRITE, &to)) {
        return STEP_FAULT;
    }
    if (to & 63) {
        cpu_fault_error(cpu, VECTOR_GP, 0);
        return STEP_FAULT;
    }
    if (!mmu_read_slow(cpu, from, line, sizeof(line)) ||
        !mmu_write_slow(cpu, to, line, sizeof(line))) {
        return STEP_FAULT;
    }
    return STEP_NEXT;
}

Step exec_bound(Cpu *cpu, const Insn *insn)
{
    unsigned width = insn->op[0].width;
    uint64_t offset = operand_offset(cpu, insn), linear, lower, upper;
    int64_t index = sign_extend(cpu->gpr[insn->op[0].reg], width);

    if (!segment_linear(cpu, (SegmentName)insn->mem.segment, offset, width, ACCESS_READ, &linear) ||
        !mmu_read(cpu, linear, width, &lower)) {
        return STEP_FAULT;
    }
    offset = (offset + width) & width_mask(insn->address_width);
    if (!segment_linear(cpu, (SegmentName)insn->mem.segment, offset, width, ACCESS_READ, &linear) ||
        !mmu_read(cpu, linear, width, &upper)) {
        return STEP_FAULT;
    }
    if (index < sign_extend(lower, width) || index > sign_extend(upper, width)) {
        cpu_fault(cpu, VECTOR_BR);
        return STEP_FAULT;
    }
    return STEP_NEXT;
}

/* No number: 0 and CF clear. */
static Step random_done(Cpu *cpu, const Insn *insn, uint64_t value, bool valid)
{
    gpr_write(cpu, insn->op[0].reg, insn->op[0].width, valid ? value : 0);
    cpu->rflags = (cpu->rflags & ~(uint64_t)FLAGS_ARITH) | (valid ? FLAG_CF : 0);
    return STEP_NEXT;
}

Step exec_rdrand(Cpu *cpu, const Insn *insn)
{
    uint64_t value;
    bool valid;

    __asm__ volatile("rdrand %0" : "=r"(value), "=@ccc"(valid));
    return random_done(cpu, insn, value, valid);
}

Step exec_rdseed(Cpu *cpu, const Insn *insn)
{
    uint64_t value;
    bool valid;

    __asm__ volatile("rdseed %0" : "=r"(value), "=@ccc"(valid));
    return random_done(cpu, insn, value, valid);
}
