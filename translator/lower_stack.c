/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lower_stack.c - PUSH, POP, ENTER, LEAVE, and the stack part of CALL and RET. */
#include "translator/lower_stack.h"

bool stack_usable(const Xlat *x)
{
    return segment_reaches(x, SS, ACCESS_WRITE);
}

static unsigned stack_pointer_width(const Xlat *x)
{
    return x->mode & MODE_CS64 ? 8 : x->mode & MODE_SS32 ? 4 : 2;
}

/* T0 = linear address of so many bytes at the pointer in a host register. */
static void stack_address(Xlat *x, unsigned pointer, int32_t disp, unsigned width)
{
    unsigned sp = stack_pointer_width(x);
    Address at = { .base = (uint8_t)pointer, .index = HOST_NONE, .disp = disp };

    emit_lea(&x->e, sp == 8 ? 8 : 4, T0, &at);
    if (sp == 2) {
        emit_op_rr(&x->e, &(Opcode){ .map = 1, .code = 0xb7 }, T0, T0); /* movzx */
    }
    segment_address(x, SS, width, sp);
}

void stack_check(Xlat *x, int32_t disp, unsigned width, Access access)
{
    MemOperand top = { .base = RSP, .index = MEM_NO_REG, .disp = disp };

    if (share_access(x)) {
        return;
    }
    if (x->in->window && !segment_bounded(x, SS) && stack_pointer_width(x) != 2) {
        window_operand(x, &top, width, access, true);
    } else {
        stack_address(x, HOST_GUEST_RSP, disp, width);
        memory_check(x, width, access);
    }
}

void stack_push_check(Xlat *x, unsigned width)
{
    stack_check(x, -(int32_t)width, width, ACCESS_WRITE);
}

void stack_pop_check(Xlat *x, unsigned width)
{
    stack_check(x, 0, width, ACCESS_READ);
}

void stack_move(Xlat *x, int32_t delta)
{
    emit_lea(&x->e, stack_pointer_width(x), HOST_GUEST_RSP,
             &(Address){ .base = HOST_GUEST_RSP, .index = HOST_NONE, .disp = delta });
}

static void push_immediate(Xlat *x, unsigned width, int64_t value)
{
    Address at = memory_at(x);

    window_point(x);
    emit_op_rm(&x->e, &(Opcode){ .code = 0xc7, .width = (uint8_t)width }, 0, &at);
    if (width == 2) {
        emit_u16(&x->e, (uint16_t)value);
    } else {
        emit_u32(&x->e, (uint32_t)value);
    }
}

bool lower_push(Xlat *x, const Insn *insn)
{
    const Operand *op = &insn->op[0];
    unsigned width = insn->op_width;

    if (!stack_usable(x) || (op->kind != OPERAND_GPR && op->kind != OPERAND_IMM &&
                             op->kind != OPERAND_MEM && op->kind != OPERAND_SEGMENT)) {
        return false;
    }
    if (op->kind == OPERAND_MEM) {
        if (!memory_operand(x, insn)) {
            return false;
        }
        memory_load(x, width, T0);
        emit_store(&x->e, 8, HOST_RSP, offsetof(Cpu, jit_save), T0);
    }
    stack_push_check(x, width);
    if (op->kind == OPERAND_IMM) {
        push_immediate(x, width, insn->imm);
    } else if (op->kind == OPERAND_SEGMENT) {
        segment_selector(x, op->reg);
        memory_store(x, width == 4 && x->in->push_words ? 2 : width, T1);
    } else if (op->kind == OPERAND_MEM) {
        emit_load(&x->e, 8, T1, HOST_RSP, offsetof(Cpu, jit_save));
        memory_store(x, width, T1);
    } else if (host_register(op->reg) == IN_MEMORY) {
        emit_load(&x->e, 8, T1, HOST_RSP, gpr_slot(op->reg));
        memory_store(x, width, T1);
    } else {
        memory_store(x, width, (unsigned)host_register(op->reg));
    }
    stack_move(x, -(int32_t)width);
    return true;
}

/* An address by the stack pointer is by what that is after the pop. */
static bool pop_to_memory(Xlat *x, const Insn *insn)
{
    unsigned width = insn->op_width;
    Insn moved = *insn;

    moved.mem.disp += insn->mem.base == RSP ? width : 0;
    if (moved.mem.disp > INT32_MAX || !memory_reaches(x, insn, ACCESS_WRITE) ||
        (insn->mem.base == RSP && stack_pointer_width(x) == 2)) {
        return false;
    }
    stack_pop_check(x, width);
    memory_load(x, width, T0);
    emit_store(&x->e, 8, HOST_RSP, offsetof(Cpu, jit_save), T0);
    memory_operand(x, &moved);
    emit_load(&x->e, 8, T1, HOST_RSP, offsetof(Cpu, jit_save));
    memory_store(x, width, T1);
    stack_move(x, (int32_t)width);
    return true;
}

bool lower_pop(Xlat *x, const Insn *insn)
{
    const Operand *op = &insn->op[0];
    unsigned width = insn->op_width;
    int host;

    if (op->kind == OPERAND_SEGMENT) {
        return lower_pop_segment(x, insn);
    }
    if (stack_usable(x) && op->kind == OPERAND_MEM) {
        return pop_to_memory(x, insn);
    }
    if (!stack_usable(x) || op->kind != OPERAND_GPR) {
        return false;
    }
    host = host_register(op->reg);
    stack_pop_check(x, width);
    if (host == IN_MEMORY) {
        memory_load(x, width, T1);
        emit_store(&x->e, width == 2 ? 2 : 8, HOST_RSP, gpr_slot(op->reg), T1);
        stack_move(x, (int32_t)width);
    } else if (op->reg == RSP) {
        memory_load(x, width, T0);
        if (width == 2) {
            stack_move(x, (int32_t)width);
        }
        emit_mov_rr(&x->e, width, HOST_GUEST_RSP, T0);
    } else {
        memory_load(x, width, (unsigned)host);
        stack_move(x, (int32_t)width);
    }
    return true;
}

bool lower_leave(Xlat *x, const Insn *insn)
{
    unsigned width = insn->op_width;

    if (!stack_usable(x)) {
        return false;
    }
    stack_address(x, HOST_RBP, 0, width);
    memory_check(x, width, ACCESS_READ);
    emit_lea(&x->e, stack_pointer_width(x), HOST_GUEST_RSP,
             &(Address){ .base = HOST_RBP, .index = HOST_NONE, .disp = (int32_t)width });
    emit_load(&x->e, width, HOST_RBP, T0, x->mem_disp);
    return true;
}

/* Of an outermost procedure. The store and the proof that the frame can be written come before
 * anything changes; who does it again stores the same. */
bool lower_enter(Xlat *x, const Insn *insn)
{
    unsigned width = insn->op_width, level = (unsigned)insn->imm2 & 31;
    int32_t size = (uint16_t)insn->imm;

    if (!stack_usable(x) || x->in->window || level != 0) {
        return false;
    }
    stack_check(x, -(int32_t)width, width, ACCESS_WRITE);
    memory_store(x, width, HOST_RBP);
    stack_check(x, -(int32_t)width - size, width, ACCESS_WRITE);
    stack_move(x, -(int32_t)width);
    emit_mov_rr(&x->e, width, HOST_RBP, HOST_GUEST_RSP);
    stack_move(x, -size);
    return true;
}
