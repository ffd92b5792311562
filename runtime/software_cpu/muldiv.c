/* SPDX-License-Identifier: GPL-2.0-or-later */
/* muldiv.c - multiplication and division.  A quotient that does not fit is found before the host
 * divides, so that nothing here can trap. */
#include "runtime/software_cpu/integer.h"

/* One-operand form: RDX:RAX (AX with 1 byte), `low` and `high` in and out. */
#define NATIVE_WIDENING(name, op)                                                                  \
    static void name(unsigned width, uint64_t *low, uint64_t *high, uint64_t b, uint64_t *flags)   \
    {                                                                                              \
        if (width == 4) {                                                                          \
            __asm__(FLAGS_LOAD "movq %1, %%rax\n\t" op "l %k3\n\tmovq %%rax, %1" FLAGS_STORE       \
                    : "+&a"(*flags), "+&r"(*low), "+&d"(*high)                                     \
                    : "r"(b)                                                                       \
                    : "cc");                                                                       \
        } else if (width == 8) {                                                                   \
            __asm__(FLAGS_LOAD "movq %1, %%rax\n\t" op "q %3\n\tmovq %%rax, %1" FLAGS_STORE        \
                    : "+&a"(*flags), "+&r"(*low), "+&d"(*high)                                     \
                    : "r"(b)                                                                       \
                    : "cc");                                                                       \
        } else if (width == 1) {                                                                   \
            __asm__(FLAGS_LOAD "movq %1, %%rax\n\t" op "b %b3\n\tmovq %%rax, %1" FLAGS_STORE       \
                    : "+&a"(*flags), "+&r"(*low), "+&d"(*high)                                     \
                    : "r"(b)                                                                       \
                    : "cc");                                                                       \
        } else {                                                                                   \
            __asm__(FLAGS_LOAD "movq %1, %%rax\n\t" op "w %w3\n\tmovq %%rax, %1" FLAGS_STORE       \
                    : "+&a"(*flags), "+&r"(*low), "+&d"(*high)                                     \
                    : "r"(b)                                                                       \
                    : "cc");                                                                       \
        }                                                                                          \
    }

NATIVE_WIDENING(op_mul, "mul")
NATIVE_WIDENING(op_imul, "imul")
NATIVE_WIDENING(op_div, "div")
NATIVE_WIDENING(op_idiv, "idiv")
NATIVE_WIDE(op_imul_low, "imul")

typedef void (*WideningFn)(unsigned width, uint64_t *low, uint64_t *high, uint64_t b,
                           uint64_t *flags);

static Step widening_exec(Cpu *cpu, const Insn *insn, WideningFn fn, uint64_t b)
{
    uint64_t flags = flags_get(cpu);

    fn(insn->op[0].width, &cpu->gpr[RAX], &cpu->gpr[RDX], b, &flags);
    flags_set(cpu, flags);
    return STEP_NEXT;
}

Step exec_mul(Cpu *cpu, const Insn *insn)
{
    uint64_t b;

    if (!source_read(cpu, insn, 0, &b)) {
        return STEP_FAULT;
    }
    return widening_exec(cpu, insn, op_mul, b);
}

Step exec_imul(Cpu *cpu, const Insn *insn)
{
    unsigned width = insn->op[0].width;
    uint64_t a, b, flags = flags_get(cpu);

    if (insn->n_operands == 1) {
        if (!source_read(cpu, insn, 0, &b)) {
            return STEP_FAULT;
        }
        return widening_exec(cpu, insn, op_imul, b);
    }
    if (insn->n_operands == 2) {
        return binary_exec(cpu, insn, op_imul_low);
    }
    if (!source_read(cpu, insn, 1, &a)) {
        return STEP_FAULT;
    }
    gpr_write(cpu, insn->op[0].reg, width, op_imul_low(width, a, (uint64_t)insn->imm, &flags));
    flags_set(cpu, flags);
    return STEP_NEXT;
}

static bool div_overflows(const Cpu *cpu, unsigned width, uint64_t divisor)
{
    uint64_t high = width == 1 ? cpu->gpr[RAX] >> 8 & 0xff : gpr_read(cpu, RDX, width);

    return high >= divisor; /* a divisor of 0 as well */
}

Step exec_div(Cpu *cpu, const Insn *insn)
{
    uint64_t b;

    if (!operand_read(cpu, insn, 0, &b)) {
        return STEP_FAULT;
    }
    if (div_overflows(cpu, insn->op[0].width, b)) {
        cpu_fault(cpu, VECTOR_DE);
        return STEP_FAULT;
    }
    return widening_exec(cpu, insn, op_div, b);
}

/* By magnitudes: the quotient must be below 2^(bits - 1), or be just that and negative. */
static bool idiv_overflows(const Cpu *cpu, unsigned width, uint64_t operand)
{
    int64_t divisor = sign_extend(operand, width);
    uint64_t magnitude = divisor < 0 ? 0 - (uint64_t)divisor : (uint64_t)divisor;
    unsigned __int128 dividend, top = (unsigned __int128)1 << (width * 8 - 1);
    bool negative;

    if (width == 1) {
        dividend = (unsigned __int128)(__int128)sign_extend(cpu->gpr[RAX], 2);
    } else {
        dividend = (unsigned __int128)(__int128)sign_extend(cpu->gpr[RDX], width);
        dividend = dividend << (width * 8) | gpr_read(cpu, RAX, width);
    }
    negative = dividend >> 127;
    if (negative) {
        dividend = 0 - dividend;
    }
    if (divisor == 0) {
        return true;
    }
    /* quotient >= limit exactly when dividend >= limit * magnitude */
    return dividend >= (top + (negative != (divisor < 0))) * magnitude;
}

Step exec_idiv(Cpu *cpu, const Insn *insn)
{
    uint64_t b;

    if (!operand_read(cpu, insn, 0, &b)) {
        return STEP_FAULT;
    }
    if (idiv_overflows(cpu, insn->op[0].width, b)) {
        cpu_fault(cpu, VECTOR_DE);
        return STEP_FAULT;
    }
    return widening_exec(cpu, insn, op_idiv, b);
}

/* High half, low half: the high one is what stays where both are one register. */
Step exec_mulx(Cpu *cpu, const Insn *insn)
{
    unsigned width = insn->op[0].width;
    unsigned __int128 product;
    uint64_t b;

    if (!vex_allowed(cpu) || !operand_read(cpu, insn, 2, &b)) {
        return STEP_FAULT;
    }
    product = (unsigned __int128)gpr_read(cpu, RDX, width) * b;
    gpr_write(cpu, insn->op[1].reg, width, (uint64_t)product);
    gpr_write(cpu, insn->op[0].reg, width, (uint64_t)(product >> (width * 8)));
    return STEP_NEXT;
}
