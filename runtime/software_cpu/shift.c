/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shift.c - shifts and rotates. The count's mask, the flags of a zero count and whatever the manual
 * leaves undefined come from the host's instruction: by one, by CL or by the same immediate. */
#include "runtime/software_cpu/shift.h"

NATIVE_SHIFT(op_rol, "rol")
NATIVE_SHIFT(op_ror, "ror")
NATIVE_SHIFT(op_rcl, "rcl")
NATIVE_SHIFT(op_rcr, "rcr")

#define SHIFT(name, place)                                                                         \
    NATIVE_UNARY(op_##name##_one, #name)                                                           \
                                                                                                   \
    static uint64_t op_##name##_by(unsigned width, uint64_t a, uint64_t count, uint64_t *flags)    \
    {                                                                                              \
        return shift_by(place, width, a, count, flags);                                            \
    }                                                                                              \
                                                                                                   \
    Step exec_##name(Cpu *cpu, const Insn *insn)                                                   \
    {                                                                                              \
        switch (insn->opcode & 0xfe) {                                                             \
        case 0xc0:                                                                                 \
            return binary_exec(cpu, insn, op_##name##_by);                                         \
        case 0xd0:                                                                                 \
            return unary_exec(cpu, insn, op_##name##_one);                                         \
        default:                                                                                   \
            return binary_exec(cpu, insn, op_##name);                                              \
        }                                                                                          \
    }
SHIFT(rol, SHIFT_ROL)
SHIFT(ror, SHIFT_ROR)
SHIFT(rcl, SHIFT_RCL)
SHIFT(rcr, SHIFT_RCR)
SHIFT(shl, SHIFT_SHL)
SHIFT(shr, SHIFT_SHR)
SHIFT(sar, SHIFT_SAR)

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

/* The entries of host_double_shifts for SHLD (0), SHRD (1). */
static uint64_t double_shift_by(unsigned place, unsigned width, uint64_t a, uint64_t b,
                                uint64_t count, uint64_t *flags)
{
    unsigned table = place * 3 + (width == 2 ? 0 : width == 4 ? 1 : 2);
    const uint8_t *code = host_double_shifts + (table * 256 + (count & 0xff)) * 8;

    __asm__(FLAGS_LOAD SHIFT_JUMP FLAGS_STORE
            : "+a"(*flags), "+d"(a), "+c"(code)
            : "D"(b)
            : "rsi", "cc");
    return a;
}

static uint64_t op_shld_by(unsigned width, uint64_t a, uint64_t b, uint64_t count, uint64_t *flags)
{
    return double_shift_by(0, width, a, b, count, flags);
}

static uint64_t op_shrd_by(unsigned width, uint64_t a, uint64_t b, uint64_t count, uint64_t *flags)
{
    return double_shift_by(1, width, a, b, count, flags);
}

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
    return double_shift(cpu, insn, insn->op[2].kind == OPERAND_IMM ? op_shld_by : op_shld);
}

Step exec_shrd(Cpu *cpu, const Insn *insn)
{
    return double_shift(cpu, insn, insn->op[2].kind == OPERAND_IMM ? op_shrd_by : op_shrd);
}
