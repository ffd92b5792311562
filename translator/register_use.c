/* SPDX-License-Identifier: GPL-2.0-or-later */
/* register_use.c - what an instruction does to a general register. */
#include "translator/translator_int.h"

bool register_written(const Insn *insn, unsigned gpr)
{
    for (unsigned i = 0; i < insn->n_operands; i++) {
        if (insn->op[i].kind == OPERAND_GPR && insn->op[i].reg == gpr && insn->op[i].write) {
            return true;
        }
        if (insn->op[i].kind == OPERAND_GPR_HIGH && insn->op[i].reg == gpr) {
            return true;
        }
    }
    return false;
}

bool register_written_hidden(const Insn *insn, unsigned gpr)
{
    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_MUL:
    case ZYDIS_MNEMONIC_IMUL:
    case ZYDIS_MNEMONIC_DIV:
    case ZYDIS_MNEMONIC_IDIV:
    case ZYDIS_MNEMONIC_CMPXCHG:
    case ZYDIS_MNEMONIC_CMPXCHG8B:
    case ZYDIS_MNEMONIC_CMPXCHG16B:
    case ZYDIS_MNEMONIC_CWD:
    case ZYDIS_MNEMONIC_CDQ:
    case ZYDIS_MNEMONIC_CQO:
    case ZYDIS_MNEMONIC_CBW:
    case ZYDIS_MNEMONIC_CWDE:
    case ZYDIS_MNEMONIC_CDQE:
    case ZYDIS_MNEMONIC_LAHF:
    case ZYDIS_MNEMONIC_FNSTSW:
        return gpr == RAX || gpr == RDX;
    case ZYDIS_MNEMONIC_PCMPESTRI:
    case ZYDIS_MNEMONIC_PCMPISTRI:
    case ZYDIS_MNEMONIC_VPCMPESTRI:
    case ZYDIS_MNEMONIC_VPCMPISTRI:
        return gpr == RCX;
    default:
        return false;
    }
}

bool register_changes(const Xlat *x, const Insn *insn, unsigned gpr, int32_t *by)
{
    unsigned full = x->mode & MODE_CS64 ? 8 : 4;

    *by = 0;
    if (gpr == RSP &&
        (insn->mnemonic == ZYDIS_MNEMONIC_PUSH || insn->mnemonic == ZYDIS_MNEMONIC_POP)) {
        *by = insn->mnemonic == ZYDIS_MNEMONIC_PUSH ? -(int32_t)insn->op_width : insn->op_width;
        return register_written(insn, gpr);
    }
    if (!register_written(insn, gpr)) {
        return register_written_hidden(insn, gpr);
    }
    if (insn->op_width == full &&
        (insn->mnemonic == ZYDIS_MNEMONIC_INC || insn->mnemonic == ZYDIS_MNEMONIC_DEC)) {
        *by = insn->mnemonic == ZYDIS_MNEMONIC_INC ? 1 : -1;
        return insn->op[0].kind != OPERAND_GPR;
    }
    if (insn->mnemonic == ZYDIS_MNEMONIC_LEA) {
        *by = (int32_t)insn->mem.disp;
        return insn->op_width != full || insn->address_width != full || insn->mem.base != gpr ||
               insn->mem.index != MEM_NO_REG;
    }
    if (insn->op_width != full || insn->n_operands != 2 || insn->op[1].kind != OPERAND_IMM ||
        insn->imm != (int32_t)insn->imm || insn->op[0].kind != OPERAND_GPR) {
        return true;
    }
    if (insn->mnemonic == ZYDIS_MNEMONIC_ADD || insn->mnemonic == ZYDIS_MNEMONIC_SUB) {
        *by = insn->mnemonic == ZYDIS_MNEMONIC_ADD ? (int32_t)insn->imm : -(int32_t)insn->imm;
        return false;
    }
    return true;
}
