/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lower_branch.c - near transfers: the ends of blocks. */
#include "translator/lower_stack.h"

static int32_t end_offset(const Xlat *x, const Insn *insn)
{
    return x->offset[x->current] + insn->length;
}

static int32_t target_offset(const Xlat *x, const Insn *insn)
{
    return flow_target(x, insn, end_offset(x, insn));
}

static bool branch_usable(const Xlat *x, const Insn *insn)
{
    return flow_usable(x, insn, end_offset(x, insn));
}

/* T0 = target of an indirect branch, out of memory. */
static void target_load(Xlat *x, unsigned width)
{
    Address at = memory_at(x);

    if (width != 2) {
        memory_load(x, width, T0);
    } else {
        window_point(x);
        emit_op_rm(&x->e, &(Opcode){ .map = 1, .code = 0xb7 }, T0, &at); /* movzx */
    }
}

/* 16-bit code: what is beyond the limit is for the software CPU; the others by their whole address.
 */
static void target_check(Xlat *x, unsigned width)
{
    if (!code_is_16(x)) {
        return;
    }
    flags_spoil(x);
    if (width != 2) {
        emit_alu_ri(&x->e, 4, ALU_CMP, T0, 0xffff);
        late_slow_if(x, CC_A);
    }
    exit_key16(x);
}

/* T0 = target of an indirect branch. */
static bool indirect_target(Xlat *x, const Insn *insn)
{
    const Operand *op = &insn->op[0];

    if (op->kind == OPERAND_MEM) {
        if (op->width != insn->op_width || !memory_operand(x, insn)) {
            return false;
        }
        target_load(x, insn->op_width);
    } else if (op->kind != OPERAND_GPR) {
        return false;
    } else if (host_register(op->reg) == IN_MEMORY) {
        emit_load(&x->e, insn->op_width, T0, HOST_RSP, gpr_slot(op->reg));
    } else {
        emit_mov_rr(&x->e, insn->op_width, T0, (unsigned)host_register(op->reg));
    }
    target_check(x, insn->op_width);
    return true;
}

bool lower_jmp(Xlat *x, const Insn *insn)
{
    if (insn_is_far(insn)) {
        return lower_far_branch(x, insn);
    }
    if (!branch_usable(x, insn)) {
        return false;
    }
    if (insn->op[0].kind == OPERAND_REL) {
        exit_direct(x, target_offset(x, insn), -1);
    } else {
        if (!indirect_target(x, insn)) {
            return false;
        }
        exit_indirect(x);
    }
    x->ended = true;
    return true;
}

bool lower_jcc(Xlat *x, const Insn *insn)
{
    if (!branch_usable(x, insn)) {
        return false;
    }
    flags_need_host(x);
    if (x->n_pages != 0) { /* to the block's own start */
        emit_link(&x->e, emit_jcc(&x->e, insn->opcode & 15),
                  x->pages_lost && !x->in->window ? x->out->main_entry : x->loop_start);
    } else {
        exit_direct(x, target_offset(x, insn), insn->opcode & 15);
    }
    exit_direct(x, end_offset(x, insn), -1);
    x->ended = true;
    return true;
}

/* What follows is for CX = 0; the result is a jump for any other. RCX is as before, and so are the
 * flags; spoils T1. */
static uint32_t branch_by_cx(Xlat *x)
{
    enum { MOV = 3, JMP = 5 };
    Emitter *e = &x->e;
    uint32_t not_zero;

    emit_mov_rr(e, 8, T1, HOST_RCX);
    emit_op_rr(e, &(Opcode){ .map = 1, .code = 0xb7 }, HOST_RCX, HOST_RCX); /* movzx */
    emit_u8(e, 0xe3);                                                       /* jrcxz */
    emit_u8(e, MOV + JMP);
    emit_mov_rr(e, 8, HOST_RCX, T1);
    not_zero = emit_jmp(e);
    emit_mov_rr(e, 8, HOST_RCX, T1);
    return not_zero;
}

/* Branches by CX, which the host has not: what follows is for the branch that is taken; jumps for
 * the other one go to `not`, which is their number. */
static unsigned loop_by_cx(Xlat *x, const Insn *insn, uint32_t not [2])
{
    enum { LOOPNE = 0xe0, LOOPE, LOOP, JCXZ };
    Emitter *e = &x->e;
    unsigned n = 0;
    uint32_t taken;

    if (insn->opcode == JCXZ) {
        not [n++] = branch_by_cx(x);
        return n;
    }
    emit_lea(e, 2, HOST_RCX, &(Address){ .base = HOST_RCX, .index = HOST_NONE, .disp = -1 });
    if (insn->opcode == LOOP && x->live_in[x->n] == 0) {
        emit_op_rr(e, &(Opcode){ .code = 0x85, .width = 2 }, HOST_RCX, HOST_RCX); /* test */
        not [n++] = emit_jcc(e, CC_E);
        return n;
    }
    if (insn->opcode != LOOP) {
        not [n++] = emit_jcc(e, insn->opcode == LOOPE ? CC_NE : CC_E);
    }
    taken = branch_by_cx(x);
    not [n++] = emit_jmp(e);
    emit_link(e, taken, e->at);
    return n;
}

/* LOOP and JCXZ touch no flags and reach 127 bytes: they hop over a jump. */
bool lower_loop(Xlat *x, const Insn *insn)
{
    uint32_t not [2], place;
    unsigned n = 0;

    if (!branch_usable(x, insn)) {
        return false;
    }
    flags_need_host(x);
    if (insn->address_width == 2) {
        n = loop_by_cx(x, insn, not );
    } else {
        if (insn->address_width == 4) {
            emit_u8(&x->e, 0x67);
        }
        emit_u8(&x->e, insn->opcode);
        emit_u8(&x->e, 5);
        not [n++] = emit_jmp(&x->e);
    }
    place = exit_jmp(x);
    while (n > 0) {
        emit_link(&x->e, not [--n], x -> e.at);
    }
    exit_always_by_branch(x, place, target_offset(x, insn));
    exit_direct(x, end_offset(x, insn), -1);
    x->ended = true;
    return true;
}

/* T1 = return address. */
static void return_address(Xlat *x, const Insn *insn)
{
    if (code_is_16(x)) {
        emit_mov_ri(&x->e, T1, x->in->ip_base + end_offset(x, insn));
        return;
    }
    emit_load(&x->e, 8, T1, HOST_RSP, offsetof(Cpu, code_base));
    emit_lea(
        &x->e, insn->op_width, T1,
        &(Address){ .base = T1, .index = HOST_NONE, .disp = x->offset[x->current] + insn->length });
}

bool lower_call(Xlat *x, const Insn *insn)
{
    unsigned width = insn->op_width;
    bool direct = insn->op[0].kind == OPERAND_REL;

    if (insn_is_far(insn)) {
        return lower_far_branch(x, insn);
    }
    if (!branch_usable(x, insn) || !stack_usable(x)) {
        return false;
    }
    if (!direct) {
        if (!indirect_target(x, insn)) {
            return false;
        }
        exit_indirect_look_up(x); /* a non-canonical address, which would fault, is never found */
    }
    stack_push_check(x, width);
    return_address(x, insn);
    memory_store(x, width, T1);
    stack_move(x, -(int32_t)width);
    exit_call(x);
    if (direct) {
        exit_direct(x, target_offset(x, insn), -1);
    } else {
        exit_indirect_looked_up(x);
    }
    x->ended = true;
    return true;
}

bool lower_ret(Xlat *x, const Insn *insn)
{
    unsigned width = insn->op_width;

    if (insn_is_far(insn)) {
        return lower_far_return(x, insn);
    }
    if (!branch_usable(x, insn) || !stack_usable(x)) {
        return false;
    }
    stack_pop_check(x, width);
    target_load(x, width);
    target_check(x, width);
    stack_move(x, (int32_t)width + (insn->opcode == 0xc2 ? (uint16_t)insn->imm : 0));
    exit_return(x);
    x->ended = true;
    return true;
}
