/* SPDX-License-Identifier: GPL-2.0-or-later */
/* alu.c - addition, subtraction, logic, comparison, exchange-and-add, compare-and-exchange. */
#include "runtime/software_cpu/integer.h"

NATIVE_UNARY(op_inc, "inc")
NATIVE_UNARY(op_dec, "dec")
NATIVE_UNARY(op_neg, "neg")
NATIVE_UNARY(op_not, "not")

Step exec_add(Cpu *cpu, const Insn *insn)
{
    return binary_exec(cpu, insn, op_add);
}

Step exec_or(Cpu *cpu, const Insn *insn)
{
    return binary_exec(cpu, insn, op_or);
}

Step exec_adc(Cpu *cpu, const Insn *insn)
{
    return binary_exec(cpu, insn, op_adc);
}

Step exec_sbb(Cpu *cpu, const Insn *insn)
{
    return binary_exec(cpu, insn, op_sbb);
}

Step exec_and(Cpu *cpu, const Insn *insn)
{
    return binary_exec(cpu, insn, op_and);
}

Step exec_sub(Cpu *cpu, const Insn *insn)
{
    return binary_exec(cpu, insn, op_sub);
}

Step exec_xor(Cpu *cpu, const Insn *insn)
{
    return binary_exec(cpu, insn, op_xor);
}

Step exec_cmp(Cpu *cpu, const Insn *insn)
{
    return compare_exec(cpu, insn, op_cmp);
}

Step exec_test(Cpu *cpu, const Insn *insn)
{
    return compare_exec(cpu, insn, op_test);
}

Step exec_inc(Cpu *cpu, const Insn *insn)
{
    return unary_exec(cpu, insn, op_inc);
}

Step exec_dec(Cpu *cpu, const Insn *insn)
{
    return unary_exec(cpu, insn, op_dec);
}

Step exec_neg(Cpu *cpu, const Insn *insn)
{
    return unary_exec(cpu, insn, op_neg);
}

Step exec_not(Cpu *cpu, const Insn *insn)
{
    return unary_exec(cpu, insn, op_not);
}

Step exec_xadd(Cpu *cpu, const Insn *insn)
{
    unsigned width = insn->op[0].width;
    uint64_t b, flags = flags_get(cpu);
    Rmw rmw;

    operand_read(cpu, insn, 1, &b);
    if (!operand_rmw_begin(cpu, insn, &rmw)) {
        return STEP_FAULT;
    }
    if (insn->op[0].kind == OPERAND_MEM) {
        while (!operand_update(cpu, rmw.linear, width, &rmw.value,
                               op_add(width, rmw.value, b, &flags))) {
        }
        operand_write(cpu, insn, 1, rmw.value);
    } else {
        operand_write(cpu, insn, 1, rmw.value); /* first: both may be one register */
        operand_write(cpu, insn, 0, op_add(width, rmw.value, b, &flags));
    }
    flags_set(cpu, flags);
    return STEP_NEXT;
}

/* A register destination that differs is not written at all, as on the host. */
Step exec_cmpxchg(Cpu *cpu, const Insn *insn)
{
    unsigned width = insn->op[0].width;
    uint64_t desired, found, accumulator = gpr_read(cpu, RAX, width), flags;
    Rmw rmw;

    operand_read(cpu, insn, 1, &desired);
    if (!operand_rmw_begin(cpu, insn, &rmw)) {
        return STEP_FAULT;
    }
    found = rmw.value;
    if (insn->op[0].kind == OPERAND_MEM) {
        found = accumulator;
        operand_cmpxchg(cpu, rmw.linear, width, &found, desired);
    } else if (found == accumulator) {
        operand_write(cpu, insn, 0, desired);
    }
    op_cmp(width, accumulator, found, &flags);
    if (found != accumulator) {
        gpr_write(cpu, RAX, width, found);
    }
    flags_set(cpu, flags);
    return STEP_NEXT;
}

Step exec_cmpxchg8b(Cpu *cpu, const Insn *insn)
{
    uint64_t expected = gpr_read(cpu, RDX, 4) << 32 | gpr_read(cpu, RAX, 4);
    uint64_t desired = gpr_read(cpu, RCX, 4) << 32 | gpr_read(cpu, RBX, 4);
    Rmw rmw;

    if (!operand_rmw_begin(cpu, insn, &rmw)) {
        return STEP_FAULT;
    }
    cpu->rflags |= FLAG_ZF;
    if (!operand_cmpxchg(cpu, rmw.linear, 8, &expected, desired)) {
        cpu->rflags &= ~(uint64_t)FLAG_ZF;
        gpr_write(cpu, RAX, 4, expected);
        gpr_write(cpu, RDX, 4, expected >> 32);
    }
    return STEP_NEXT;
}

Step exec_cmpxchg16b(Cpu *cpu, const Insn *insn)
{
    uint64_t expected[2] = { cpu->gpr[RAX], cpu->gpr[RDX] };
    const uint64_t desired[2] = { cpu->gpr[RBX], cpu->gpr[RCX] };
    uint64_t linear;

    if (!operand_linear(cpu, insn, 16, ACCESS_WRITE, &linear)) {
        return STEP_FAULT;
    }
    if (linear & 15) {
        cpu_fault_error(cpu, VECTOR_GP, 0);
        return STEP_FAULT;
    }
    if (!mmu_probe(cpu, linear, 16, ACCESS_WRITE)) {
        return STEP_FAULT;
    }
    cpu->rflags |= FLAG_ZF;
    if (!mmu_cmpxchg(cpu, linear, 16, expected, desired)) {
        cpu->rflags &= ~(uint64_t)FLAG_ZF;
        cpu->gpr[RAX] = expected[0];
        cpu->gpr[RDX] = expected[1];
    }
    return STEP_NEXT;
}

bool insn_lock_valid(const Insn *insn)
{
    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_ADD:
    case ZYDIS_MNEMONIC_ADC:
    case ZYDIS_MNEMONIC_AND:
    case ZYDIS_MNEMONIC_BTC:
    case ZYDIS_MNEMONIC_BTR:
    case ZYDIS_MNEMONIC_BTS:
    case ZYDIS_MNEMONIC_CMPXCHG:
    case ZYDIS_MNEMONIC_CMPXCHG8B:
    case ZYDIS_MNEMONIC_CMPXCHG16B:
    case ZYDIS_MNEMONIC_DEC:
    case ZYDIS_MNEMONIC_INC:
    case ZYDIS_MNEMONIC_NEG:
    case ZYDIS_MNEMONIC_NOT:
    case ZYDIS_MNEMONIC_OR:
    case ZYDIS_MNEMONIC_SBB:
    case ZYDIS_MNEMONIC_SUB:
    case ZYDIS_MNEMONIC_XADD:
    case ZYDIS_MNEMONIC_XCHG:
    case ZYDIS_MNEMONIC_XOR:
        return insn->op[0].kind == OPERAND_MEM ||
               (insn->mnemonic == ZYDIS_MNEMONIC_XCHG && insn->op[1].kind == OPERAND_MEM);
    default:
        return false;
    }
}
