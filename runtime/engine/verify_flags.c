/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verify_flags.c - the arithmetic flags that instructions leave undefined: SDM vol. 2, "Flags
 * Affected" of each one's section, as far as they are translated in line. */
#include <Zydis/Mnemonic.h>

#include "runtime/engine/verify_int.h"

enum { CF = FLAG_CF, PF = FLAG_PF, AF = FLAG_AF, ZF = FLAG_ZF, SF = FLAG_SF, OF = FLAG_OF };

/* Flags of the instruction that are undefined, and those that it defines at any rate. */
typedef struct FlagEffect {
    uint32_t undefined, defined;
} FlagEffect;

static bool shift_count_is_one(const Insn *insn)
{
    const Operand *last = &insn->op[insn->n_operands - 1];

    return last->kind == OPERAND_IMM && insn->imm == 1;
}

/* Worst case over the count: nothing is certain to be written by a count in CL. */
static FlagEffect shift_effect(const Insn *insn, uint32_t undefined)
{
    if (shift_count_is_one(insn)) {
        return (FlagEffect){ undefined & (uint32_t) ~(CF | OF), FLAGS_ARITH & ~undefined };
    }
    return (FlagEffect){ undefined | OF | (insn->op[0].width < 4 ? CF : 0), 0 };
}

static FlagEffect insn_effect(const Insn *insn)
{
    uint32_t undefined;

    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_AND:
    case ZYDIS_MNEMONIC_OR:
    case ZYDIS_MNEMONIC_XOR:
    case ZYDIS_MNEMONIC_TEST:
        undefined = AF;
        break;
    case ZYDIS_MNEMONIC_ANDN:
    case ZYDIS_MNEMONIC_BLSI:
    case ZYDIS_MNEMONIC_BLSMSK:
    case ZYDIS_MNEMONIC_BLSR:
    case ZYDIS_MNEMONIC_BZHI:
        undefined = AF | PF;
        break;
    case ZYDIS_MNEMONIC_BEXTR:
        undefined = AF | SF | PF;
        break;
    case ZYDIS_MNEMONIC_BSF:
    case ZYDIS_MNEMONIC_BSR:
        undefined = CF | OF | SF | AF | PF;
        break;
    case ZYDIS_MNEMONIC_LZCNT:
    case ZYDIS_MNEMONIC_TZCNT:
        undefined = OF | SF | AF | PF;
        break;
    case ZYDIS_MNEMONIC_BT:
    case ZYDIS_MNEMONIC_BTC:
    case ZYDIS_MNEMONIC_BTR:
    case ZYDIS_MNEMONIC_BTS:
        return (FlagEffect){ OF | SF | AF | PF, CF };
    case ZYDIS_MNEMONIC_DIV:
    case ZYDIS_MNEMONIC_IDIV:
        undefined = FLAGS_ARITH;
        break;
    case ZYDIS_MNEMONIC_MUL:
    case ZYDIS_MNEMONIC_IMUL:
        undefined = SF | ZF | AF | PF;
        break;
    case ZYDIS_MNEMONIC_SHL:
    case ZYDIS_MNEMONIC_SHR:
    case ZYDIS_MNEMONIC_SAR:
        return shift_effect(insn, AF);
    case ZYDIS_MNEMONIC_SHLD:
    case ZYDIS_MNEMONIC_SHRD:
        return insn->op[0].width < 4 ? (FlagEffect){ FLAGS_ARITH, 0 } : shift_effect(insn, AF);
    case ZYDIS_MNEMONIC_ROL:
    case ZYDIS_MNEMONIC_ROR:
    case ZYDIS_MNEMONIC_RCL:
    case ZYDIS_MNEMONIC_RCR:
        return shift_count_is_one(insn) ? (FlagEffect){ 0, CF | OF } : (FlagEffect){ OF, 0 };
    case ZYDIS_MNEMONIC_ADD:
    case ZYDIS_MNEMONIC_SUB:
    case ZYDIS_MNEMONIC_ADC:
    case ZYDIS_MNEMONIC_SBB:
    case ZYDIS_MNEMONIC_CMP:
    case ZYDIS_MNEMONIC_NEG:
    case ZYDIS_MNEMONIC_XADD:
    case ZYDIS_MNEMONIC_CMPXCHG:
        undefined = 0;
        break;
    case ZYDIS_MNEMONIC_INC:
    case ZYDIS_MNEMONIC_DEC:
        return (FlagEffect){ 0, FLAGS_ARITH & ~(uint32_t)CF };
    default:
        return (FlagEffect){ 0, 0 };
    }
    return (FlagEffect){ undefined, FLAGS_ARITH & ~undefined };
}

uint32_t verify_undefined_flags(const Insn *insn, uint32_t before)
{
    FlagEffect effect = insn_effect(insn);

    return (before & ~effect.defined) | effect.undefined;
}
