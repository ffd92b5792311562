/* SPDX-License-Identifier: GPL-2.0-or-later */
/* annotate.c - which arithmetic flags are live before each instruction of a block. */
#include "translator/translator_int.h"

/* Shifts and rotates change no flags when the masked count is zero. What they leave undefined may
 * stay: OF unless the count is one, AF of shifts, CF of shifts by the whole width, and all of a
 * 16-bit double shift by more. */
static uint16_t shift_written(const Insn *insn, unsigned n)
{
    unsigned bits = insn->op[0].width * 8u;
    uint16_t written = FL_ALL & ~FL_A;

    if (insn->n_operands > 2 && n > bits) {
        return 0;
    }
    written &= n > 1 ? (uint16_t)~FL_O : FL_ALL;
    return n >= bits ? written & (uint16_t)~FL_C : written;
}

static InsnFlags shift_flags(const Insn *insn, InsnFlags row, bool rotate)
{
    const Operand *count = &insn->op[insn->n_operands - 1];
    unsigned n = (unsigned)insn->imm & (insn->op[0].width == 8 ? 63 : 31);
    uint16_t carry = insn->mnemonic == ZYDIS_MNEMONIC_RCL || insn->mnemonic == ZYDIS_MNEMONIC_RCR
                         ? FL_C
                         : 0;

    if (count->kind != OPERAND_IMM || n == 0) {
        return row;
    }
    if (!rotate) {
        return (InsnFlags){ .written = shift_written(insn, n), .spoils = true };
    }
    return n == 1 ? (InsnFlags){ FL_C | FL_O, carry, false }
                  : (InsnFlags){ FL_C, carry | FL_O, false };
}

InsnFlags insn_flags(const Insn *insn)
{
    const InsnRow *row = &insn_rows[insn->mnemonic];
    InsnFlags flags = { row->written, row->read, false };

    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_SHL:
    case ZYDIS_MNEMONIC_SHR:
    case ZYDIS_MNEMONIC_SAR:
    case ZYDIS_MNEMONIC_SHLD:
    case ZYDIS_MNEMONIC_SHRD:
        return shift_flags(insn, flags, false);
    case ZYDIS_MNEMONIC_ROL:
    case ZYDIS_MNEMONIC_ROR:
    case ZYDIS_MNEMONIC_RCL:
    case ZYDIS_MNEMONIC_RCR:
        return shift_flags(insn, flags, true);
    case ZYDIS_MNEMONIC_DIV:
    case ZYDIS_MNEMONIC_IDIV:
        flags.spoils = true;
        return flags;
    default:
        return flags;
    }
}

/* Behind the last instruction. Direct successors in the page are looked at; all else may read any.
 */
static unsigned live_out(Xlat *x)
{
    const Insn *last = &x->insn[x->n - 1];
    int32_t end = x->offset[x->n], target;
    unsigned live;

    if (!insn_ends_block(last) || insn_changes_mode_only(last)) {
        return flow_near(x, end) ? scan_live_in(x, (unsigned)end) : FL_ALL;
    }
    if (last->n_operands == 0 || last->op[0].kind != OPERAND_REL || !flow_usable(x, last, end)) {
        return FL_ALL;
    }
    target = flow_target(x, last, end);
    if (!flow_near(x, target)) {
        return FL_ALL;
    }
    live = scan_live_in(x, (unsigned)target);
    if (last->mnemonic != ZYDIS_MNEMONIC_JMP && last->mnemonic != ZYDIS_MNEMONIC_CALL) {
        live |= flow_near(x, end) ? scan_live_in(x, (unsigned)end) : FL_ALL;
    }
    return live;
}

static bool uses_stack(const Insn *insn)
{
    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_PUSH:
    case ZYDIS_MNEMONIC_POP:
    case ZYDIS_MNEMONIC_CALL:
    case ZYDIS_MNEMONIC_RET:
        return true;
    default:
        return false;
    }
}

static bool branches_indirectly(const Insn *insn)
{
    return insn->mnemonic == ZYDIS_MNEMONIC_JMP && insn->op[0].kind == OPERAND_GPR;
}

bool flags_pass_through(const Xlat *x)
{
    bool spoilt = false;

    if (x->live_in[0] == 0 || !flow_chained(x)) {
        return false;
    }
    for (unsigned i = 0; i < x->n; i++) {
        const Insn *insn = &x->insn[i];
        InsnFlags flags = insn_flags(insn);

        if (insn_rows[insn->mnemonic].lower == NULL || !x->plain[i] || flags.read != 0 ||
            flags.written != 0 || flags.spoils) {
            return false;
        }
        spoilt |= insn->mnemonic != ZYDIS_MNEMONIC_LEA && insn->mnemonic != ZYDIS_MNEMONIC_NOP &&
                  (insn->has_mem || uses_stack(insn) || branches_indirectly(insn));
    }
    return spoilt;
}

/* Are flags that some instruction wrote in this block overwritten before anybody could clobber
 * them? Only when memory is accessed behind the last writer is it worth looking at successors. */
static bool successors_matter(const Xlat *x)
{
    for (unsigned i = x->n; i-- > 0;) {
        InsnFlags flags = insn_flags(&x->insn[i]);

        if (x->insn[i].has_mem || uses_stack(&x->insn[i])) {
            return true;
        }
        if (flags.written == FL_ALL || flags.read != 0) {
            return false;
        }
    }
    return true;
}

void annotate_flags(Xlat *x)
{
    unsigned live = !x->in->precise_flags && successors_matter(x) ? live_out(x) : FL_ALL;

    x->live_in[x->n] = (uint16_t)live;
    for (unsigned i = x->n; i-- > 0;) {
        InsnFlags flags = insn_flags(&x->insn[i]);

        if (x->in->precise_flags || insn_rows[x->insn[i].mnemonic].lower == NULL || !x->plain[i]) {
            live = FL_ALL;
        } else {
            live = (live & ~(unsigned)flags.written) | flags.read;
        }
        x->live_in[i] = (uint16_t)live;
    }
}
