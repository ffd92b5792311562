/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmi.c - BMI1 and BMI2 (SDM vol. 2): VEX forms on general registers, 4 or 8 bytes wide. MULX is in
 * muldiv.c. */
#include "runtime/software_cpu/integer.h"

/* A three-operand form: a op b, or with one source the b is not used. */
#define NATIVE_VEX(name, op, a_b32, a_b64)                                                         \
    static uint64_t name(unsigned width, uint64_t a, uint64_t b, uint64_t *flags)                  \
    {                                                                                              \
        uint64_t result;                                                                           \
                                                                                                   \
        if (width == 4) {                                                                          \
            __asm__(FLAGS_LOAD op "l " a_b32 ", %k1" FLAGS_STORE                                   \
                    : "+&a"(*flags), "=&r"(result)                                                 \
                    : "r"(a), "r"(b)                                                               \
                    : "cc");                                                                       \
        } else {                                                                                   \
            __asm__(FLAGS_LOAD op "q " a_b64 ", %1" FLAGS_STORE                                    \
                    : "+&a"(*flags), "=&r"(result)                                                 \
                    : "r"(a), "r"(b)                                                               \
                    : "cc");                                                                       \
        }                                                                                          \
        return result;                                                                             \
    }

NATIVE_VEX(op_andn, "andn", "%k3, %k2", "%3, %2")
NATIVE_VEX(op_bextr, "bextr", "%k3, %k2", "%3, %2")
NATIVE_VEX(op_bzhi, "bzhi", "%k3, %k2", "%3, %2")
NATIVE_VEX(op_pdep, "pdep", "%k3, %k2", "%3, %2")
NATIVE_VEX(op_pext, "pext", "%k3, %k2", "%3, %2")
NATIVE_VEX(op_sarx, "sarx", "%k3, %k2", "%3, %2")
NATIVE_VEX(op_shlx, "shlx", "%k3, %k2", "%3, %2")
NATIVE_VEX(op_shrx, "shrx", "%k3, %k2", "%3, %2")
NATIVE_VEX(op_blsi, "blsi", "%k2", "%2")
NATIVE_VEX(op_blsmsk, "blsmsk", "%k2", "%2")
NATIVE_VEX(op_blsr, "blsr", "%k2", "%2")

/* op[0] = fn(op[1], op[2]) */
static Step vex_exec(Cpu *cpu, const Insn *insn, BinaryFn fn)
{
    uint64_t a, b = 0, flags = flags_get(cpu);

    if (!vex_allowed(cpu) || !operand_read(cpu, insn, 1, &a) ||
        (insn->n_operands > 2 && !operand_read(cpu, insn, 2, &b))) {
        return STEP_FAULT;
    }
    cpu->gpr[insn->op[0].reg] = fn(insn->op[0].width, a, b, &flags);
    flags_set(cpu, flags);
    return STEP_NEXT;
}

Step exec_andn(Cpu *cpu, const Insn *insn)
{
    return vex_exec(cpu, insn, op_andn);
}

Step exec_bextr(Cpu *cpu, const Insn *insn)
{
    return vex_exec(cpu, insn, op_bextr);
}

Step exec_bzhi(Cpu *cpu, const Insn *insn)
{
    return vex_exec(cpu, insn, op_bzhi);
}

Step exec_pdep(Cpu *cpu, const Insn *insn)
{
    return vex_exec(cpu, insn, op_pdep);
}

Step exec_pext(Cpu *cpu, const Insn *insn)
{
    return vex_exec(cpu, insn, op_pext);
}

Step exec_sarx(Cpu *cpu, const Insn *insn)
{
    return vex_exec(cpu, insn, op_sarx);
}

Step exec_shlx(Cpu *cpu, const Insn *insn)
{
    return vex_exec(cpu, insn, op_shlx);
}

Step exec_shrx(Cpu *cpu, const Insn *insn)
{
    return vex_exec(cpu, insn, op_shrx);
}

Step exec_blsi(Cpu *cpu, const Insn *insn)
{
    return vex_exec(cpu, insn, op_blsi);
}

Step exec_blsmsk(Cpu *cpu, const Insn *insn)
{
    return vex_exec(cpu, insn, op_blsmsk);
}

Step exec_blsr(Cpu *cpu, const Insn *insn)
{
    return vex_exec(cpu, insn, op_blsr);
}

Step exec_rorx(Cpu *cpu, const Insn *insn)
{
    unsigned width = insn->op[0].width;
    unsigned bits = width * 8, count = (unsigned)insn->imm & (bits - 1);
    uint64_t value;

    if (!vex_allowed(cpu) || !operand_read(cpu, insn, 1, &value)) {
        return STEP_FAULT;
    }
    if (count != 0) {
        value = value >> count | value << (bits - count);
    }
    gpr_write(cpu, insn->op[0].reg, width, value);
    return STEP_NEXT;
}
