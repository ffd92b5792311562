/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shift.c - shifts and rotates. The count's mask, the flags of a zero count and the results that
 * the manual leaves undefined come from the host's instruction. */
#include "runtime/software_cpu/integer.h"

NATIVE_SHIFT(op_rol, "rol")
NATIVE_SHIFT(op_ror, "ror")
NATIVE_SHIFT(op_rcl, "rcl")
NATIVE_SHIFT(op_rcr, "rcr")

Step exec_shl(Cpu *cpu, const Insn *insn)
{
    return binary_exec(cpu, insn, op_shl);
}

Step exec_shr(Cpu *cpu, const Insn *insn)
{
    return binary_exec(cpu, insn, op_shr);
}

Step exec_sar(Cpu *cpu, const Insn *insn)
{
    return binary_exec(cpu, insn, op_sar);
}

Step exec_rol(Cpu *cpu, const Insn *insn)
{
    return binary_exec(cpu, insn, op_rol);
}

Step exec_ror(Cpu *cpu, const Insn *insn)
{
    return binary_exec(cpu, insn, op_ror);
}

Step exec_rcl(Cpu *cpu, const Insn *insn)
{
    return binary_exec(cpu, insn, op_rcl);
}

Step exec_rcr(Cpu *cpu, const Insn *insn)
{
    return binary_exec(cpu, insn, op_rcr);
}

typedef uint64_t (*DoubleShiftFn)(unsigned width, uint64_t a, uint64_t b, uint64_t count,
                                  uint64_t *flags);

#define NATIVE_DOUBLE_SHIFT(name, op)                                                              \
    static uint64_t name(unsigned width, uint64_t a, uint64_t b, uint64_t count, uint64_t *flags)  \
    {                                                                                              \
        if (width == 4) {                                                                          \
            __asm__(FLAGS_LOAD op "l %%cl, %k2, %k1" FLAGS_STORE                                   \
                    : "+&a"(*flags), "+&r"(a)                                                      \
                    : "r"(b), "c"(count)                                                           \
                    : "cc");                                                                       \
        } else if (width == 8) {                                                                   \
            __asm__(FLAGS_LOAD op "q %%cl, %2, %1" FLAGS_STORE                                     \
                    : "+&a"(*flags), "+&r"(a)                                                      \
                    : "r"(b), "c"(count)                                                           \
                    : "cc");                                                                       \
        } else {                                                                                   \
            __asm__(FLAGS_LOAD op "w %%cl, %w2, %w1" FLAGS_STORE                                   \
                    : "+&a"(*flags), "+&r"(a)                                                      \
                    : "r"(b), "c"(count)                                                           \
                    : "cc");                                                                       \
        }                                                                                          \
        return a;                                                                                  \
    }

NATIVE_DOUBLE_SHIFT(op_shld, "shld")
NATIVE_DOUBLE_SHIFT(op_shrd, "shrd")

static Step double_shift(Cpu *cpu, const Insn *insn, DoubleShiftFn fn)
{
    const Operand *op = &insn->op[0];
    uint64_t b, count, flags = flags_get(cpu);
    Rmw rmw;

    operand_read(cpu, insn, 1, &b);
    operand_read(cpu, insn, 2, &count);
    if (!operand_rmw_begin(cpu, insn, &rmw) ||
        !operand_rmw_end(cpu, insn, &rmw, fn(op->width, rmw.value, b, count, &flags))) {
        return STEP_FAULT;
    }
    flags_set(cpu, flags);
    return STEP_NEXT;
}

Step exec_shld(Cpu *cpu, const Insn *insn)
{
    return double_shift(cpu, insn, op_shld);
}

Step exec_shrd(Cpu *cpu, const Insn *insn)
{
    return double_shift(cpu, insn, op_shrd);
}
