/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lower_div.c - DIV and IDIV. The common causes of #DE are looked for beforehand: a host signal
 * costs a hundred times the compare.  What is left (overflow of IDIV, of byte DIV) is caught as a
 * signal. */
#include "translator/lower.h"

static void compare_divisor(Xlat *x, const Insn *insn, unsigned width, bool with_zero)
{
    const Operand *op = &insn->op[0];
    Address at = memory_at(x);
    Opcode cmp = { .code = width == 1 ? 0x3a : 0x3b, .width = (uint8_t)width };

    if (with_zero) {
        if (op->kind == OPERAND_MEM) {
            emit_op_rm(&x->e,
                       &(Opcode){ .code = width == 1 ? 0x80 : 0x83, .width = (uint8_t)width },
                       ALU_CMP, &at);
            emit_u8(&x->e, 0);
        } else {
            unsigned host = (unsigned)host_register(op->reg);

            emit_op_rr(&x->e,
                       &(Opcode){ .code = width == 1 ? 0x84 : 0x85,
                                  .width = (uint8_t)width,
                                  .byte_reg = true,
                                  .byte_rm = true },
                       host, host); /* test */
        }
    } else if (op->kind == OPERAND_MEM) {
        emit_op_rm(&x->e, &cmp, HOST_RDX, &at);
    } else {
        emit_op_rr(&x->e, &cmp, HOST_RDX, (unsigned)host_register(op->reg));
    }
}

bool lower_div(Xlat *x, const Insn *insn)
{
    const Operand *op = &insn->op[0];
    unsigned width = op->width;
    bool with_zero = insn->mnemonic == ZYDIS_MNEMONIC_IDIV || width == 1;
    Recode to = { -1, -1, -1, -1, T0 };

    if (op->kind == OPERAND_MEM) {
        if (!memory_operand(x, insn)) {
            return false;
        }
    } else if (op->kind != OPERAND_GPR || host_register(op->reg) == IN_MEMORY) {
        return lower_identity(x, insn);
    } else {
        to.rm = host_register(op->reg);
    }
    flags_spoil(x);
    window_point(x);
    compare_divisor(x, insn, width, with_zero);
    late_add(x, &(Late){ .kind = LATE_SLOW,
                         .insn = (uint16_t)x->current,
                         .place = emit_jcc(&x->e, with_zero ? CC_E : CC_NB) });
    if (x->live_in[x->current] != 0) {
        flags_need_host(x); /* it may leave some as they were */
    }
    fault_point(x);
    recode(x, insn, &to);
    flags_written(x);
    return true;
}
