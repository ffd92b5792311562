/* SPDX-License-Identifier: GPL-2.0-or-later */
/* annotate.c - which arithmetic flags are live before each instruction of a block. */
#include "translator/translator_int.h"

/* Behind the last instruction. Direct successors in the page are looked at; all else may read any.
 */
static unsigned live_out(Xlat *x)
{
    const Insn *last = &x->insn[x->n - 1];
    int32_t end = x->offset[x->n], target;
    unsigned live;

    if (!insn_ends_block(last)) {
        return end < PAGE_SIZE ? scan_live_in(x, (unsigned)end) : FL_ALL;
    }
    if (last->n_operands == 0 || last->op[0].kind != OPERAND_REL || last->op_width == 2) {
        return FL_ALL;
    }
    target = end + (int32_t)last->imm;
    if (target < 0 || target >= PAGE_SIZE) {
        return FL_ALL;
    }
    live = scan_live_in(x, (unsigned)target);
    if (last->mnemonic != ZYDIS_MNEMONIC_JMP && last->mnemonic != ZYDIS_MNEMONIC_CALL) {
        live |= end < PAGE_SIZE ? scan_live_in(x, (unsigned)end) : FL_ALL;
    }
    return live;
}

/* Are flags that some instruction wrote in this block overwritten before anybody could clobber
 * them? Only when memory is accessed behind the last writer is it worth looking at successors. */
static bool successors_matter(const Xlat *x)
{
    for (unsigned i = x->n; i-- > 0;) {
        const InsnRow *row = &insn_rows[x->insn[i].mnemonic];

        if (x->insn[i].has_mem || x->insn[i].mnemonic == ZYDIS_MNEMONIC_PUSH ||
            x->insn[i].mnemonic == ZYDIS_MNEMONIC_POP ||
            x->insn[i].mnemonic == ZYDIS_MNEMONIC_CALL) {
            return true;
        }
        if (row->written == FL_ALL || row->read != 0) {
            return false;
        }
    }
    return true;
}

void annotate_flags(Xlat *x)
{
    unsigned live = successors_matter(x) ? live_out(x) : FL_ALL;

    x->live_in[x->n] = (uint16_t)live;
    for (unsigned i = x->n; i-- > 0;) {
        const InsnRow *row = &insn_rows[x->insn[i].mnemonic];

        if (row->lower == NULL || !x->plain[i]) {
            live = FL_ALL;
        } else {
            live = (live & ~(unsigned)row->written) | row->read;
        }
        x->live_in[i] = (uint16_t)live;
    }
}
