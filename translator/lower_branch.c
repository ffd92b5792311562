/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lower_branch.c - near transfers: the ends of blocks. */
#include "translator/lower_stack.h"

/* Chaining and the indirect-branch cache know nothing of segment limits or of 16-bit wrapping. */
static bool flow_usable(const Xlat *x, const Insn *insn)
{
    return flow_chained(x) && insn->op_width != 2;
}

static int32_t target_offset(const Xlat *x, const Insn *insn)
{
    return x->offset[x->current] + insn->length + (int32_t)insn->imm;
}

/* T0 = target of an indirect branch. */
static bool indirect_target(Xlat *x, const Insn *insn)
{
    const Operand *op = &insn->op[0];

    if (op->kind == OPERAND_MEM) {
        if (op->width != insn->op_width || !memory_operand(x, insn)) {
            return false;
        }
        memory_load(x, insn->op_width, T0);
        return true;
    }
    if (op->kind != OPERAND_GPR) {
        return false;
    }
    if (host_register(op->reg) == IN_MEMORY) {
        emit_load(&x->e, insn->op_width, T0, HOST_RSP, gpr_slot(op->reg));
    } else {
        emit_mov_rr(&x->e, insn->op_width, T0, (unsigned)host_register(op->reg));
    }
    return true;
}

bool lower_jmp(Xlat *x, const Insn *insn)
{
    if (!flow_usable(x, insn)) {
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
    if (!flow_usable(x, insn)) {
        return false;
    }
    flags_need_host(x);
    if (x->n_pages != 0) { /* to the block's own start */
        emit_link(&x->e, emit_jcc(&x->e, insn->opcode & 15),
                  x->pages_lost && !x->in->window ? x->out->main_entry : x->loop_start);
    } else {
        exit_direct(x, target_offset(x, insn), insn->opcode & 15);
    }
    exit_direct(x, x->offset[x->current] + insn->length, -1);
    x->ended = true;
    return true;
}

/* LOOP and JCXZ touch no flags and reach 127 bytes: they hop over a jump. */
bool lower_loop(Xlat *x, const Insn *insn)
{
    uint32_t hop, place;

    if (!flow_usable(x, insn) || insn->address_width == 2) {
        return false;
    }
    flags_need_host(x);
    if (insn->address_width == 4) {
        emit_u8(&x->e, 0x67);
    }
    emit_u8(&x->e, insn->opcode);
    emit_u8(&x->e, 5);
    hop = emit_jmp(&x->e);
    place = exit_jmp(x);
    emit_link(&x->e, hop, x->e.at);
    exit_always_by_branch(x, place, target_offset(x, insn));
    exit_direct(x, x->offset[x->current] + insn->length, -1);
    x->ended = true;
    return true;
}

/* T1 = return address. */
static void return_address(Xlat *x, const Insn *insn)
{
    emit_load(&x->e, 8, T1, HOST_RSP, offsetof(Cpu, code_base));
    emit_lea(
        &x->e, insn->op_width, T1,
        &(Address){ .base = T1, .index = HOST_NONE, .disp = x->offset[x->current] + insn->length });
}

bool lower_call(Xlat *x, const Insn *insn)
{
    unsigned width = insn->op_width;
    bool direct = insn->op[0].kind == OPERAND_REL;

    if (!flow_usable(x, insn) || !stack_usable(x)) {
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

    if (!flow_usable(x, insn) || !stack_usable(x) ||
        (insn->opcode != 0xc3 && insn->opcode != 0xc2)) {
        return false;
    }
    stack_pop_check(x, width);
    memory_load(x, width, T0);
    stack_move(x, (int32_t)width + (insn->opcode == 0xc2 ? (uint16_t)insn->imm : 0));
    exit_return(x);
    x->ended = true;
    return true;
}
