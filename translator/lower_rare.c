/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lower_rare.c - XLAT, SALC, PUSHAD and POPAD, and LDMXCSR: seldom met, but where a program has
 * them it has them in its loops. */
#include "translator/lower_stack.h"

/* AL = [RBX + AL] */
bool lower_xlat(Xlat *x, const Insn *insn)
{
    unsigned linear = x->mode & MODE_CS64 ? 8 : 4;

    if (!segment_reaches(x, insn->mem.segment, ACCESS_READ) ||
        (linear == 8 && insn->address_width != 8)) {
        return false;
    }
    emit_op_rr(&x->e, &(Opcode){ .map = 1, .code = 0xb6 }, T0, HOST_RAX); /* movzx */
    emit_lea(&x->e, linear, T0, &(Address){ .base = HOST_RBX, .index = T0, .scale = 1 });
    if (insn->address_width == 2) {
        emit_op_rr(&x->e, &(Opcode){ .map = 1, .code = 0xb7 }, T0, T0);
    }
    segment_address(x, insn->mem.segment, 1, insn->address_width);
    memory_check(x, 1, ACCESS_READ);
    emit_op_rm(&x->e, &(Opcode){ .code = 0x8a }, HOST_RAX,
               &(Address){ .base = T0, .index = HOST_NONE });
    return true;
}

/* AL = CF ? FFh : 0, with no flag changed. */
bool lower_salc(Xlat *x, const Insn *insn)
{
    Emitter *e = &x->e;

    (void)insn;
    flags_need_host(x);
    emit_mov_ri(e, T0, 0xff);
    emit_u8(e, 0x41); /* mov r11d, 0: leaves flags alone, as no XOR would */
    emit_u8(e, 0xb8 | (T1 & 7));
    emit_u32(e, 0);
    emit_op_rr(e, &(Opcode){ .map = 1, .code = 0x42 }, T1, T0); /* cmovb */
    emit_op_rr(e, &(Opcode){ .code = 0x88, .byte_reg = true, .byte_rm = true }, T1, HOST_RAX);
    return true;
}

enum { REGISTERS = 8 };

/* All eight at once; where their bytes lie across a page's end the software CPU does it. */
static bool all_registers_usable(const Xlat *x)
{
    return stack_usable(x) && !(x->mode & MODE_CS64) && !x->in->window;
}

static Address place_of(const Xlat *x, unsigned reg, unsigned width)
{
    Address at = memory_at(x);

    at.disp += (int32_t)((REGISTERS - 1 - reg) * width);
    return at;
}

bool lower_pushad(Xlat *x, const Insn *insn)
{
    unsigned width = insn->op_width;

    if (!all_registers_usable(x)) {
        return false;
    }
    stack_push_check(x, REGISTERS * width);
    for (unsigned reg = 0; reg < REGISTERS; reg++) {
        Address at = place_of(x, reg, width);

        emit_op_rm(&x->e, &(Opcode){ .code = 0x89, .width = (uint8_t)width },
                   (unsigned)host_register(reg), &at);
    }
    stack_move(x, -(int32_t)(REGISTERS * width));
    return true;
}

bool lower_popad(Xlat *x, const Insn *insn)
{
    unsigned width = insn->op_width;

    if (!all_registers_usable(x)) {
        return false;
    }
    stack_pop_check(x, REGISTERS * width);
    for (unsigned reg = 0; reg < REGISTERS; reg++) {
        Address at = place_of(x, reg, width);

        if (reg != RSP) {
            emit_op_rm(&x->e, &(Opcode){ .code = 0x8b, .width = (uint8_t)width },
                       (unsigned)host_register(reg), &at);
        }
    }
    stack_move(x, (int32_t)(REGISTERS * width));
    return true;
}

/* Reserved bits would fault: the software CPU raises that. */
bool lower_ldmxcsr(Xlat *x, const Insn *insn)
{
    enum { RESERVED = (int32_t)0xffff0000 };
    Address at;

    if ((x->mode & MODE_NO_SSE) || !memory_operand(x, insn)) {
        return false;
    }
    at = memory_at(x);
    flags_spoil(x);
    fault_point(x);
    emit_op_rm(&x->e, &(Opcode){ .code = 0xf7 }, 0, &at); /* test dword, imm32 */
    emit_u32(&x->e, (uint32_t)RESERVED);
    late_slow_if(x, CC_NE);
    fault_point(x); /* another CPU may write there between the two */
    emit_op_rm(&x->e, &(Opcode){ .map = 1, .code = 0xae }, 2, &at);
    return true;
}
