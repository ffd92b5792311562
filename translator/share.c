/* SPDX-License-Identifier: GPL-2.0-or-later */
/* share.c - accesses through the same base register that share one TLB check.
 *
 * A group is a run of instructions whose memory accesses all go through one register that changes
 * by constants only (stack frames above all, structures).  Its first access, the leader, checks the
 * range of all of them at once, and T0 then stays the host address of the lowest byte until the
 * last. If the range is not in one page, or the page not in the TLB, an out-of-line copy of the
 * group runs with a check for every access (LATE_GROUP). */
#include "translator/lower.h"
#include <glib.h>

enum { MAX_RANGE = 1024 };

/* One access of an instruction, relative to the base register before it. */
typedef struct Place {
    uint8_t base;
    int32_t disp;
    uint16_t width;
    bool write;
} Place;

static bool flat_segment(const Xlat *x, const Insn *insn)
{
    if (x->mode & MODE_CS64) {
        return insn->mem.segment != FS && insn->mem.segment != GS;
    }
    return (insn->mem.segment == DS && (x->mode & MODE_FLAT_DS)) ||
           (insn->mem.segment == SS && (x->mode & MODE_FLAT_SS));
}

static bool operand_place(const Xlat *x, const Insn *insn, Place *place)
{
    LowerFn lower = insn_rows[insn->mnemonic].lower;

    if (lower != lower_identity && lower != lower_mov && lower != lower_incdec &&
        lower != lower_div) {
        return false;
    }
    if (insn->mem.base > R15 || insn->mem.index != MEM_NO_REG || insn->mem.vsib ||
        insn->address_width != (x->mode & MODE_CS64 ? 8 : 4) || !flat_segment(x, insn)) {
        return false;
    }
    for (unsigned i = 0; i < insn->n_operands; i++) {
        if (insn->op[i].kind == OPERAND_MEM) {
            place->base = insn->mem.base;
            place->disp = (int32_t)insn->mem.disp;
            place->width = insn->op[i].width;
            place->write = insn->op[i].write || (insn->prefix & PREFIX_LOCK);
            return place->width > 0 && place->width <= 32;
        }
    }
    return false;
}

/* The access of an instruction that can be in a group. */
static bool place_of(const Xlat *x, const Insn *insn, Place *place)
{
    if (insn->has_mem) {
        return operand_place(x, insn, place);
    }
    *place = (Place){ .base = RSP, .width = insn->op_width };
    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_PUSH:
        place->write = true;
        place->disp = -(int32_t)insn->op_width;
        return insn->op[0].kind == OPERAND_GPR || insn->op[0].kind == OPERAND_IMM;
    case ZYDIS_MNEMONIC_CALL:
        place->write = true;
        place->disp = -(int32_t)insn->op_width;
        return insn->op[0].kind == OPERAND_REL;
    case ZYDIS_MNEMONIC_POP:
        return insn->op[0].kind == OPERAND_GPR && insn->op[0].reg != RSP;
    case ZYDIS_MNEMONIC_RET:
        return true;
    default:
        return false;
    }
}

static bool writes_register(const Insn *insn, unsigned gpr)
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

/* Registers that are written without being an operand. */
static bool writes_hidden(const Insn *insn, unsigned gpr)
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

/* Does the instruction change `gpr`, and if by a constant, by which? */
static bool changes(const Xlat *x, const Insn *insn, unsigned gpr, int32_t *by)
{
    unsigned full = x->mode & MODE_CS64 ? 8 : 4;

    *by = 0;
    if (gpr == RSP &&
        (insn->mnemonic == ZYDIS_MNEMONIC_PUSH || insn->mnemonic == ZYDIS_MNEMONIC_POP)) {
        *by = insn->mnemonic == ZYDIS_MNEMONIC_PUSH ? -(int32_t)insn->op_width : insn->op_width;
        return writes_register(insn, gpr);
    }
    if (!writes_register(insn, gpr)) {
        return writes_hidden(insn, gpr);
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

/* Does T0 survive an instruction without a memory access? */
static bool keeps_t0(const Insn *insn)
{
    LowerFn lower = insn_rows[insn->mnemonic].lower;
    unsigned in_memory = 0;

    if (lower == lower_nop) {
        return true;
    }
    if ((lower != lower_identity && lower != lower_mov && lower != lower_incdec) || insn->has_mem) {
        return false;
    }
    for (unsigned i = 0; i < insn->n_operands; i++) {
        if (insn->op[i].kind == OPERAND_SEGMENT) {
            return false;
        }
        in_memory += insn->op[i].kind == OPERAND_GPR && host_register(insn->op[i].reg) == IN_MEMORY;
    }
    return in_memory <= 1;
}

/* Takes instructions from `first` on into a group; returns the number of its accesses. */
static unsigned group_collect(Xlat *x, unsigned first, const Place *leader, Group *group)
{
    int64_t delta = 0, low = leader->disp, high = low + leader->width;
    unsigned members = 0;

    *group = (Group){ .base = leader->base, .access = ACCESS_READ };
    for (unsigned i = first; i < x->n && x->plain[i]; i++) {
        const Insn *insn = &x->insn[i];
        Place place;
        int32_t by;

        if (place_of(x, insn, &place)) {
            int64_t at = delta + place.disp;

            if (place.base != leader->base ||
                MAX(high, at + place.width) - MIN(low, at) > MAX_RANGE) {
                break;
            }
            low = MIN(low, at);
            high = MAX(high, at + place.width);
            group->access = place.write ? ACCESS_WRITE : group->access;
            group->last = (uint8_t)i;
            x->share[i] = (Share){ .member = true, .disp = (int32_t)at };
            members++;
        } else if (!keeps_t0(insn)) {
            break;
        }
        if (changes(x, insn, leader->base, &by) || insn_ends_block(insn)) {
            break;
        }
        delta += by;
        if (delta != (int16_t)delta) {
            break;
        }
    }
    group->low = (int32_t)low;
    group->size = (uint16_t)(high - low);
    return members;
}

void share_plan(Xlat *x)
{
    for (unsigned i = 0; i < x->n; i++) {
        x->share[i] = (Share){ .member = false };
    }
    x->n_groups = 0;
    if (x->mode & MODE_ALIGN) {
        return;
    }
    for (unsigned i = 0; i < x->n; i++) {
        Group *group = &x->group[x->n_groups];
        Place leader;

        if (x->n_groups == MAX_GROUPS || !x->plain[i] || !place_of(x, &x->insn[i], &leader)) {
            continue;
        }
        if (group_collect(x, i, &leader, group) < 2) {
            x->share[i].member = false;
            continue;
        }
        group->first = (uint8_t)i;
        for (unsigned k = i; k <= group->last; k++) {
            x->share[k].group = (uint8_t)x->n_groups;
            x->share[k].disp -= group->low;
        }
        x->n_groups++;
        i = group->last;
    }
}

bool share_access(Xlat *x)
{
    const Share *share = &x->share[x->current];
    const Group *group = &x->group[share->group];
    int host;

    x->mem_disp = 0;
    if (!share->member || x->in_copy) {
        return false;
    }
    x->mem_disp = share->disp;
    if (group->first != x->current) {
        return true;
    }
    host = host_register(group->base);
    if (host == IN_MEMORY) {
        emit_load(&x->e, 8, T0, HOST_RSP, gpr_slot(group->base));
        host = T0;
    }
    emit_lea(&x->e, x->mode & MODE_CS64 ? 8 : 4, T0,
             &(Address){ .base = (uint8_t)host, .index = HOST_NONE, .disp = group->low });
    memory_check_group(x, group->size, group->access, share->group);
    return true;
}

/* Instruction i was called out after all: what follows of its group goes alone. */
void share_break(Xlat *x, unsigned i)
{
    Group *group = &x->group[x->share[i].group];
    bool inside = false;

    for (unsigned g = 0; g < x->n_groups; g++) {
        if (x->group[g].first <= i && i <= x->group[g].last) {
            group = &x->group[g];
            inside = true;
        }
    }
    if (!inside) {
        return;
    }
    for (unsigned k = i; k <= group->last; k++) {
        x->share[k].member = false;
    }
    group->last = (uint8_t)(i == 0 ? 0 : i - 1);
}
