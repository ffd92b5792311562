/* SPDX-License-Identifier: GPL-2.0-or-later */
/* quick.c - frequent instructions compiled once for every form of their operands.
 *
 * A quick function knows kind and width of the operands, and does only what needs no check but the
 * TLB's: wherever a memory operand is not found there, it has done nothing yet and hands the
 * instruction over to the general function of that name, which specifies it.
 */
#include "runtime/software_cpu/quick.h"
#include "runtime/software_cpu/shift.h"

#define INLINE static inline __attribute__((always_inline))

/* Kinds of op[0] and op[1]: register, memory, immediate. */
typedef enum Form { RR, RI, RM, MR, MI, FORMS } Form;

/* ---- Two operands of one width ---- */

/* What is not in memory of op[1]; only the low bytes count. */
INLINE uint64_t direct_source(const Cpu *cpu, const Insn *insn, Form form)
{
    return form == RI || form == MI ? (uint64_t)insn->imm : cpu->gpr[insn->op[1].reg];
}

INLINE Step quick_move(Cpu *cpu, const Insn *insn, BinaryFn fn, ExecFn general, Form form,
                       unsigned width)
{
    uint8_t *host;

    (void)fn;
    if (form == RR || form == RI) {
        gpr_write(cpu, insn->op[0].reg, width, direct_source(cpu, insn, form));
        return STEP_NEXT;
    }
    host = operand_hit(cpu, insn, width, form == RM ? ACCESS_READ : ACCESS_WRITE);
    if (host == NULL) {
        return general(cpu, insn);
    }
    if (form == RM) {
        gpr_write(cpu, insn->op[0].reg, width, guest_load(host, width));
    } else {
        guest_store(host, width, direct_source(cpu, insn, form));
    }
    return STEP_NEXT;
}

/* op[0] = fn(op[0], op[1]) */
INLINE Step quick_binary(Cpu *cpu, const Insn *insn, BinaryFn fn, ExecFn general, Form form,
                         unsigned width)
{
    uint64_t *to = &cpu->gpr[insn->op[0].reg], flags = flags_get(cpu);
    uint8_t *host;

    if (form == RR || form == RI) {
        *to = fn(width, *to, direct_source(cpu, insn, form), &flags);
        flags_set(cpu, flags);
        return STEP_NEXT;
    }
    host = operand_hit(cpu, insn, width, form == RM ? ACCESS_READ : ACCESS_WRITE);
    if (host == NULL) {
        return general(cpu, insn);
    }
    if (form == RM) {
        *to = fn(width, *to, guest_load(host, width), &flags);
    } else {
        guest_store(host, width,
                    fn(width, guest_load(host, width), direct_source(cpu, insn, form), &flags));
    }
    flags_set(cpu, flags);
    return STEP_NEXT;
}

/* fn(op[0], op[1]) for its flags */
INLINE Step quick_compare(Cpu *cpu, const Insn *insn, BinaryFn fn, ExecFn general, Form form,
                          unsigned width)
{
    uint64_t a = cpu->gpr[insn->op[0].reg], b = direct_source(cpu, insn, form), flags;

    if (form != RR && form != RI) {
        const uint8_t *host = operand_hit(cpu, insn, width, ACCESS_READ);

        if (host == NULL) {
            return general(cpu, insn);
        }
        *(form == RM ? &b : &a) = guest_load(host, width);
    }
    fn(width, a, b, &flags);
    flags_set(cpu, flags);
    return STEP_NEXT;
}

#define QUICK(name, course, fn, form, width)                                                       \
    static Step name##_##form##_##width(Cpu *cpu, const Insn *insn)                                \
    {                                                                                              \
        return course(cpu, insn, fn, exec_##name, form, width);                                    \
    }
#define QUICK_FORMS(name, course, fn, width)                                                       \
    QUICK(name, course, fn, RR, width)                                                             \
    QUICK(name, course, fn, RI, width)                                                             \
    QUICK(name, course, fn, RM, width)                                                             \
    QUICK(name, course, fn, MR, width)                                                             \
    QUICK(name, course, fn, MI, width)
#define QUICK_WIDTHS(name, course, fn)                                                             \
    QUICK_FORMS(name, course, fn, 1)                                                               \
    QUICK_FORMS(name, course, fn, 4)                                                               \
    QUICK_FORMS(name, course, fn, 8)

/* By an immediate count, and by CL. */
#define QUICK_SHIFT_FORMS(name, width)                                                             \
    QUICK(name, quick_binary, op_##name, RR, width)                                                \
    QUICK(name, quick_binary, name##_by, RI, width)                                                \
    QUICK(name, quick_binary, op_##name, RM, width)                                                \
    QUICK(name, quick_binary, op_##name, MR, width)                                                \
    QUICK(name, quick_binary, name##_by, MI, width)
#define QUICK_SHIFT(name, place)                                                                   \
    INLINE uint64_t name##_by(unsigned width, uint64_t a, uint64_t count, uint64_t *flags)         \
    {                                                                                              \
        return shift_by(place, width, a, count, flags);                                            \
    }                                                                                              \
    QUICK_SHIFT_FORMS(name, 1)                                                                     \
    QUICK_SHIFT_FORMS(name, 4)                                                                     \
    QUICK_SHIFT_FORMS(name, 8)

QUICK_WIDTHS(mov, quick_move, NULL)
QUICK_WIDTHS(add, quick_binary, op_add)
QUICK_WIDTHS(or, quick_binary, op_or)
QUICK_WIDTHS(adc, quick_binary, op_adc)
QUICK_WIDTHS(sbb, quick_binary, op_sbb)
QUICK_WIDTHS(and, quick_binary, op_and)
QUICK_WIDTHS(sub, quick_binary, op_sub)
QUICK_WIDTHS(xor, quick_binary, op_xor)
QUICK_SHIFT(shl, SHIFT_SHL)
QUICK_SHIFT(shr, SHIFT_SHR)
QUICK_SHIFT(sar, SHIFT_SAR)
QUICK_WIDTHS(cmp, quick_compare, op_cmp)
QUICK_WIDTHS(test, quick_compare, op_test)

/* ---- Others ---- */

INLINE Step quick_movzx(Cpu *cpu, const Insn *insn, Form form, unsigned from)
{
    uint64_t value = cpu->gpr[insn->op[1].reg] & width_mask(from);

    if (form == RM) {
        const uint8_t *host = operand_hit(cpu, insn, from, ACCESS_READ);

        if (host == NULL) {
            return exec_movzx(cpu, insn);
        }
        value = guest_load(host, from);
    }
    cpu->gpr[insn->op[0].reg] = value;
    return STEP_NEXT;
}

static Step movzx_RR_1(Cpu *cpu, const Insn *insn)
{
    return quick_movzx(cpu, insn, RR, 1);
}

static Step movzx_RR_2(Cpu *cpu, const Insn *insn)
{
    return quick_movzx(cpu, insn, RR, 2);
}

static Step movzx_RM_1(Cpu *cpu, const Insn *insn)
{
    return quick_movzx(cpu, insn, RM, 1);
}

static Step movzx_RM_2(Cpu *cpu, const Insn *insn)
{
    return quick_movzx(cpu, insn, RM, 2);
}

static Step lea_4(Cpu *cpu, const Insn *insn)
{
    cpu->gpr[insn->op[0].reg] = (uint32_t)operand_offset(cpu, insn);
    return STEP_NEXT;
}

static Step lea_8(Cpu *cpu, const Insn *insn)
{
    cpu->gpr[insn->op[0].reg] = operand_offset(cpu, insn);
    return STEP_NEXT;
}

/* The operand size is not 2. */
INLINE Step quick_jcc(Cpu *cpu, const Insn *insn, unsigned condition)
{
    uint64_t target = cpu->rip + insn->length + (uint64_t)insn->imm;

    if (!condition_quick(cpu->rflags, condition)) {
        return STEP_NEXT;
    }
    if (cpu->mode & MODE_CS64 ? !address_canonical(target)
                              : (target = (uint32_t)target) > cpu->seg[CS].limit) {
        return exec_jcc(cpu, insn);
    }
    cpu->rip = target;
    return STEP_JUMP;
}

#define QUICK_JCC(condition)                                                                       \
    static Step jcc_##condition(Cpu *cpu, const Insn *insn)                                        \
    {                                                                                              \
        return quick_jcc(cpu, insn, condition);                                                    \
    }
QUICK_JCC(0)
QUICK_JCC(1)
QUICK_JCC(2)
QUICK_JCC(3)
QUICK_JCC(4)
QUICK_JCC(5)
QUICK_JCC(6)
QUICK_JCC(7)
QUICK_JCC(8)
QUICK_JCC(9)
QUICK_JCC(10)
QUICK_JCC(11)
QUICK_JCC(12)
QUICK_JCC(13)
QUICK_JCC(14)
QUICK_JCC(15)

static const ExecFn jcc[] = { jcc_0, jcc_1, jcc_2,  jcc_3,  jcc_4,  jcc_5,  jcc_6,  jcc_7,
                              jcc_8, jcc_9, jcc_10, jcc_11, jcc_12, jcc_13, jcc_14, jcc_15 };

/* ---- Choice ---- */

typedef struct QuickRow {
    ExecFn general;
    ExecFn quick[3][FORMS]; /* width 1, 4, 8 */
} QuickRow;

#define ROW_FORMS(name, width)                                                                     \
    {                                                                                              \
        name##_RR_##width, name##_RI_##width, name##_RM_##width, name##_MR_##width,                \
            name##_MI_##width                                                                      \
    }
#define ROW(name)                                                                                  \
    {                                                                                              \
        exec_##name,                                                                               \
        {                                                                                          \
            ROW_FORMS(name, 1), ROW_FORMS(name, 4), ROW_FORMS(name, 8)                             \
        }                                                                                          \
    }
static const QuickRow rows[] = {
    ROW(mov), ROW(add), ROW(or),   ROW(adc), ROW(sbb), ROW(and), ROW(sub),
    ROW(xor), ROW(cmp), ROW(test), ROW(shl), ROW(shr), ROW(sar),
};

/* FORMS: another. */
static Form form_of(const Insn *insn)
{
    unsigned to = insn->op[0].kind, from = insn->op[1].kind;

    if (to == OPERAND_GPR) {
        return from == OPERAND_GPR   ? RR
               : from == OPERAND_IMM ? RI
               : from == OPERAND_MEM ? RM
                                     : FORMS;
    }
    if (to == OPERAND_MEM) {
        return from == OPERAND_GPR ? MR : from == OPERAND_IMM ? MI : FORMS;
    }
    return FORMS;
}

static ExecFn quick_row(const Insn *insn, ExecFn exec, Form form)
{
    unsigned width = insn->op[0].width, at = width == 8 ? 2 : width == 4 ? 1 : 0;

    if (width == 2 || (insn->map == 0 && (insn->opcode & 0xfe) == 0xd0) || /* shifts by one */
        (insn->op[1].kind != OPERAND_IMM && insn->op[1].width != width) ||
        (insn->prefix & PREFIX_LOCK)) {
        return exec;
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].general == exec) {
            return rows[i].quick[at][form];
        }
    }
    return exec;
}

ExecFn exec_quick(const Insn *insn, ExecFn exec)
{
    Form form = form_of(insn);

    if (exec == exec_jcc) {
        return insn->op_width != 2 ? jcc[insn->opcode & 15] : exec;
    }
    if (exec == exec_lea) {
        return insn->op[0].width == 8 ? lea_8 : insn->op[0].width == 4 ? lea_4 : exec;
    }
    if (exec == exec_movzx && insn->op[0].width != 2 && (form == RR || form == RM)) {
        static const ExecFn movzx[2][2] = { { movzx_RR_1, movzx_RR_2 },
                                            { movzx_RM_1, movzx_RM_2 } };

        return movzx[form == RM][insn->op[1].width == 2];
    }
    return form != FORMS ? quick_row(insn, exec, form) : exec;
}
