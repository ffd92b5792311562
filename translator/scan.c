/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scan.c - bytes to a block: instructions up to a control transfer, a page end or a cap. */
#include "translator/translator_int.h"

enum { AHEAD_MAX = 6 };

bool insn_ends_block(const Insn *insn)
{
    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_INVALID:
    case ZYDIS_MNEMONIC_JMP:
    case ZYDIS_MNEMONIC_CALL:
    case ZYDIS_MNEMONIC_RET:
    case ZYDIS_MNEMONIC_IRET:
    case ZYDIS_MNEMONIC_IRETD:
    case ZYDIS_MNEMONIC_IRETQ:
    case ZYDIS_MNEMONIC_INT:
    case ZYDIS_MNEMONIC_INT3:
    case ZYDIS_MNEMONIC_INT1:
    case ZYDIS_MNEMONIC_INTO:
    case ZYDIS_MNEMONIC_SYSCALL:
    case ZYDIS_MNEMONIC_SYSRET:
    case ZYDIS_MNEMONIC_SYSENTER:
    case ZYDIS_MNEMONIC_SYSEXIT:
    case ZYDIS_MNEMONIC_HLT:
    case ZYDIS_MNEMONIC_UD0:
    case ZYDIS_MNEMONIC_UD1:
    case ZYDIS_MNEMONIC_UD2:
    case ZYDIS_MNEMONIC_RSM:
    case ZYDIS_MNEMONIC_JB:
    case ZYDIS_MNEMONIC_JBE:
    case ZYDIS_MNEMONIC_JCXZ:
    case ZYDIS_MNEMONIC_JECXZ:
    case ZYDIS_MNEMONIC_JRCXZ:
    case ZYDIS_MNEMONIC_JL:
    case ZYDIS_MNEMONIC_JLE:
    case ZYDIS_MNEMONIC_JNB:
    case ZYDIS_MNEMONIC_JNBE:
    case ZYDIS_MNEMONIC_JNL:
    case ZYDIS_MNEMONIC_JNLE:
    case ZYDIS_MNEMONIC_JNO:
    case ZYDIS_MNEMONIC_JNP:
    case ZYDIS_MNEMONIC_JNS:
    case ZYDIS_MNEMONIC_JNZ:
    case ZYDIS_MNEMONIC_JO:
    case ZYDIS_MNEMONIC_JP:
    case ZYDIS_MNEMONIC_JS:
    case ZYDIS_MNEMONIC_JZ:
    case ZYDIS_MNEMONIC_LOOP:
    case ZYDIS_MNEMONIC_LOOPE:
    case ZYDIS_MNEMONIC_LOOPNE:
    case ZYDIS_MNEMONIC_STAC:
    case ZYDIS_MNEMONIC_CLAC:
        return true;
    default:
        return false;
    }
}

bool insn_changes_mode_only(const Insn *insn)
{
    return insn->mnemonic == ZYDIS_MNEMONIC_STAC || insn->mnemonic == ZYDIS_MNEMONIC_CLAC;
}

static void chunks_add(Xlat *x, unsigned from, unsigned size)
{
    for (unsigned chunk = from >> 6; chunk <= (from + size - 1) >> 6 && chunk < 64; chunk++) {
        x->out->chunks |= 1ull << chunk;
    }
}

static void scan_crossing(Xlat *x, const Insn *insn)
{
    unsigned at = x->in->page_offset;

    x->insn[0] = *insn;
    x->offset[0] = (uint16_t)at;
    x->offset[1] = (uint16_t)(at + insn->length);
    x->plain[0] = x->in->enabled(x->in->opaque, insn);
    x->vector = insn_uses_vector(insn);
    chunks_add(x, at, PAGE_SIZE - at);
    x->n = 1;
}

/* 16-bit code: nothing from this page offset on? */
static bool inside_limit(const Xlat *x, unsigned end)
{
    return !code_is_16(x) || x->in->ip_base + (int32_t)end <= 0x10000;
}

void scan_block(Xlat *x)
{
    unsigned limit = x->in->max_insns == 0 ? BLOCK_MAX_INSNS : x->in->max_insns;
    unsigned at = x->in->page_offset;

    if (x->in->crossing != NULL) {
        scan_crossing(x, x->in->crossing);
        return;
    }
    x->n = 0;
    while (x->n < limit && at < PAGE_SIZE) {
        const Insn *insn = x->in->fetch(x->in->opaque, at);

        if (insn == NULL || !inside_limit(x, at + insn->length)) {
            break;
        }
        x->insn[x->n] = *insn;
        x->offset[x->n] = (uint16_t)at;
        x->plain[x->n] = x->in->enabled(x->in->opaque, insn);
        x->vector |= insn_uses_vector(insn);
        chunks_add(x, at, insn->length == 0 ? 1 : insn->length);
        at += insn->length;
        x->n++;
        if (insn_ends_block(insn) || !x->plain[x->n - 1]) {
            break;
        }
    }
    x->offset[x->n] = (uint16_t)at;
}

/* *page_offset, from behind a direct jump to its target in the page. */
static bool follow_jump(const Xlat *x, const Insn *insn, unsigned *page_offset)
{
    int32_t target = flow_target(x, insn, (int32_t)*page_offset);

    if (insn->mnemonic != ZYDIS_MNEMONIC_JMP || insn->op[0].kind != OPERAND_REL ||
        !flow_usable(x, insn, (int32_t)*page_offset) || !flow_near(x, target)) {
        return false;
    }
    *page_offset = (unsigned)target;
    return true;
}

unsigned scan_live_in(Xlat *x, unsigned page_offset)
{
    unsigned live = 0, decided = 0;

    for (unsigned i = 0; i < AHEAD_MAX && page_offset < PAGE_SIZE; i++) {
        const Insn *insn = x->in->fetch(x->in->opaque, page_offset);
        InsnFlags flags;

        if (insn == NULL || insn->length == 0 || !inside_limit(x, page_offset + insn->length)) {
            break;
        }
        flags = insn_flags(insn);
        chunks_add(x, page_offset, insn->length);
        live |= flags.read & ~decided;
        decided |= flags.written | flags.read;
        if (decided == FL_ALL || insn_rows[insn->mnemonic].lower == NULL) {
            break;
        }
        page_offset += insn->length;
        if (insn_ends_block(insn) && !insn_changes_mode_only(insn) &&
            !follow_jump(x, insn, &page_offset)) {
            break;
        }
    }
    return live | (FL_ALL & ~decided);
}
