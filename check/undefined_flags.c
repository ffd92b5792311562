/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check/undefined_flags.h"
#include <Zydis/Mnemonic.h>
#include "runtime/cpu/cpu.h"

enum {
    C = FLAG_CF,
    P = FLAG_PF,
    A = FLAG_AF,
    Z = FLAG_ZF,
    S = FLAG_SF,
    O = FLAG_OF,
    BY_COUNT = 1 << 30, /* OF too unless the count is 1, CF if it is not less than the width */
};

/* SDM vol. 2, "Flags Affected" of the instruction's section, and vol. 1 appendix A. */
static const struct {
    uint16_t mnemonic;
    uint32_t flags;
} rows[] = {
    { ZYDIS_MNEMONIC_AAA, O | S | Z | P },
    { ZYDIS_MNEMONIC_AAD, O | A | C },
    { ZYDIS_MNEMONIC_AAM, O | A | C },
    { ZYDIS_MNEMONIC_AAS, O | S | Z | P },
    { ZYDIS_MNEMONIC_DAA, O },
    { ZYDIS_MNEMONIC_DAS, O },
    { ZYDIS_MNEMONIC_AND, A },
    { ZYDIS_MNEMONIC_OR, A },
    { ZYDIS_MNEMONIC_XOR, A },
    { ZYDIS_MNEMONIC_TEST, A },
    { ZYDIS_MNEMONIC_ANDN, A | P },
    { ZYDIS_MNEMONIC_BEXTR, A | S | P },
    { ZYDIS_MNEMONIC_BLSI, A | P },
    { ZYDIS_MNEMONIC_BLSMSK, A | P },
    { ZYDIS_MNEMONIC_BLSR, A | P },
    { ZYDIS_MNEMONIC_BZHI, A | P },
    { ZYDIS_MNEMONIC_BSF, C | O | S | A | P },
    { ZYDIS_MNEMONIC_BSR, C | O | S | A | P },
    { ZYDIS_MNEMONIC_BT, O | S | A | P },
    { ZYDIS_MNEMONIC_BTC, O | S | A | P },
    { ZYDIS_MNEMONIC_BTR, O | S | A | P },
    { ZYDIS_MNEMONIC_BTS, O | S | A | P },
    { ZYDIS_MNEMONIC_LZCNT, O | S | A | P },
    { ZYDIS_MNEMONIC_TZCNT, O | S | A | P },
    { ZYDIS_MNEMONIC_DIV, C | O | S | Z | A | P },
    { ZYDIS_MNEMONIC_IDIV, C | O | S | Z | A | P },
    { ZYDIS_MNEMONIC_MUL, S | Z | A | P },
    { ZYDIS_MNEMONIC_IMUL, S | Z | A | P },
    { ZYDIS_MNEMONIC_SHL, A | BY_COUNT },
    { ZYDIS_MNEMONIC_SHR, A | BY_COUNT },
    { ZYDIS_MNEMONIC_SAR, A | BY_COUNT },
    { ZYDIS_MNEMONIC_SHLD, A | BY_COUNT },
    { ZYDIS_MNEMONIC_SHRD, A | BY_COUNT },
    { ZYDIS_MNEMONIC_RCL, BY_COUNT },
    { ZYDIS_MNEMONIC_RCR, BY_COUNT },
    { ZYDIS_MNEMONIC_ROL, BY_COUNT },
    { ZYDIS_MNEMONIC_ROR, BY_COUNT },
};

static bool rotates(const Insn *insn)
{
    return insn->mnemonic == ZYDIS_MNEMONIC_RCL || insn->mnemonic == ZYDIS_MNEMONIC_RCR ||
           insn->mnemonic == ZYDIS_MNEMONIC_ROL || insn->mnemonic == ZYDIS_MNEMONIC_ROR;
}

static uint32_t flags_by_count(const Insn *insn)
{
    unsigned width = insn->op[0].width * 8u;
    unsigned count = (unsigned)insn->imm & (width == 64 ? 63 : 31);

    if (insn->op[insn->n_operands - 1].kind != OPERAND_IMM) {
        return O | (width < 32 && !rotates(insn) ? C : 0);
    }
    return (count > 1 ? O : 0) | (count >= width && !rotates(insn) ? C : 0);
}

uint32_t undefined_flags(const Insn *insn)
{
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].mnemonic == insn->mnemonic) {
            uint32_t flags = rows[i].flags & ~(uint32_t)BY_COUNT;

            return flags | (rows[i].flags & BY_COUNT ? flags_by_count(insn) : 0);
        }
    }
    return 0;
}
