/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lower_far.c - real and virtual-8086 mode, where a segment register is loaded without a
 * descriptor: MOV, POP and LES and its kin, far JMP, CALL and RET; in real mode INT and IRET, too.
 *
 * A load changes selector and base only: where the limit is another than 64 KiB (real mode keeps
 * what protected mode has left) the software CPU decides. So the mode stays what it is. */
#include "translator/lower_stack.h"

enum { FRAME_WIDTH = 2 }; /* of INT and IRET */

/* Where a transfer keeps its target, selector and IP. */
static const int32_t target_slot = (int32_t)offsetof(Cpu, jit_save);

static void store_selector(Xlat *x, unsigned name, unsigned from)
{
    emit_store(&x->e, 2, HOST_RSP, segment_field(name, offsetof(Segment, selector)), from);
}

static void store_base(Xlat *x, unsigned name, unsigned from)
{
    emit_store(&x->e, 8, HOST_RSP, segment_field(name, offsetof(Segment, base)), from);
}

bool real_load_usable(const Xlat *x, unsigned name)
{
    return segments_are_real(x) && name != CS && segment_bounded(x, name) &&
           segment_reaches(x, name, ACCESS_WRITE);
}

/* With nothing pending there is nothing for the shadow of a load of SS to hold off. */
void real_load(Xlat *x, unsigned name)
{
    Emitter *e = &x->e;

    emit_alu_mi(e, 4, ALU_CMP, HOST_RSP, segment_field(name, offsetof(Segment, limit)), 0xffff);
    late_slow_if(x, CC_NE);
    if (name == SS) {
        emit_alu_mi(e, 4, ALU_CMP, HOST_RSP, (int32_t)offsetof(Cpu, request), 0);
        late_slow_if(x, CC_NE);
    }
    store_selector(x, name, T1);
    emit_shift_ri(e, 4, 4, T1, 4);
    store_base(x, name, T1);
}

static unsigned far_pointer_segment(const Insn *insn)
{
    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_LDS:
        return DS;
    case ZYDIS_MNEMONIC_LES:
        return ES;
    case ZYDIS_MNEMONIC_LFS:
        return FS;
    case ZYDIS_MNEMONIC_LGS:
        return GS;
    default:
        return SS;
    }
}

/* movzx to, word [T0 + disp], of the operand that is checked */
static void load_word(Xlat *x, unsigned to, unsigned disp)
{
    Address at = memory_at(x);

    at.disp += (int32_t)disp;
    emit_op_rm(&x->e, &(Opcode){ .map = 1, .code = 0xb7 }, to, &at);
}

bool lower_load_far(Xlat *x, const Insn *insn)
{
    unsigned name = far_pointer_segment(insn), width = insn->op_width;

    if (!real_load_usable(x, name) || !memory_operand(x, insn)) {
        return false;
    }
    load_word(x, T1, width);
    real_load(x, name);
    memory_load(x, width, (unsigned)host_register(insn->op[0].reg));
    return true;
}

/* ---- Far transfers ---- */

static bool far_usable(const Xlat *x)
{
    return segments_are_real(x) && code_is_16(x) && flow_chained(x) && stack_usable(x);
}

/* T0 = selector and IP, each of 16 bits, from a far pointer at the operand that is checked. */
static void far_pointer_load(Xlat *x, unsigned width)
{
    Address at = memory_at(x);
    Emitter *e = &x->e;

    if (width == 2) {
        emit_op_rm(e, &(Opcode){ .code = 0x8b }, T0, &at);
        return;
    }
    emit_op_rm(e, &(Opcode){ .code = 0x8b }, T1, &at);
    load_word(x, T0, width);
    emit_alu_ri(e, 4, ALU_CMP, T1, 0xffff);
    late_slow_if(x, CC_A);
    emit_shift_ri(e, 4, 4, T0, 16);
    emit_alu_rr(e, 4, ALU_OR, T0, T1);
}

/* To what far_pointer_load has left in T0. */
static void far_go(Xlat *x)
{
    Emitter *e = &x->e;

    flags_need_saved(x);
    emit_mov_rr(e, 4, T1, T0);
    emit_shift_ri(e, 4, 5, T1, 16);
    store_selector(x, CS, T1);
    emit_shift_ri(e, 4, 4, T1, 4);
    store_base(x, CS, T1);
    emit_op_rr(e, &(Opcode){ .map = 1, .code = 0xb7 }, T0, T0); /* movzx */
    emit_shift_ri(e, 8, 4, T1, 32);
    emit_alu_rr(e, 8, ALU_OR, T0, T1);
    exit_indirect(x);
    x->ended = true;
}

/* The same for a pointer that is known. */
static void far_go_known(Xlat *x, uint16_t selector, uint16_t ip)
{
    Emitter *e = &x->e;

    flags_need_saved(x);
    emit_mov_ri(e, T0, selector);
    store_selector(x, CS, T0);
    emit_shift_ri(e, 4, 4, T0, 4);
    store_base(x, CS, T0);
    exit_known16(x, (uint64_t)selector << 36 | ip);
    x->ended = true;
}

static uint32_t ip_behind(const Xlat *x, const Insn *insn)
{
    return (uint32_t)(x->in->ip_base + x->offset[x->current] + insn->length);
}

/* Pushes CS:IP behind the instruction. */
static void far_push(Xlat *x, const Insn *insn)
{
    unsigned width = insn->op_width;
    Address at;

    stack_check(x, -(int32_t)(2 * width), 2 * width, ACCESS_WRITE);
    emit_mov_ri(&x->e, T1, ip_behind(x, insn));
    memory_store(x, width, T1);
    segment_selector(x, CS);
    at = memory_at(x);
    at.disp += (int32_t)width;
    emit_op_rm(&x->e, &(Opcode){ .code = 0x89, .width = (uint8_t)width }, T1, &at);
    stack_move(x, -(int32_t)(2 * width));
}

bool lower_far_branch(Xlat *x, const Insn *insn)
{
    bool call = insn->mnemonic == ZYDIS_MNEMONIC_CALL;
    bool known = insn->op[0].kind == OPERAND_FAR;
    uint32_t ip = (uint32_t)insn->imm & (insn->op_width == 2 ? 0xffff : 0xffffffff);

    if (!far_usable(x) || (known ? ip > 0xffff : !memory_operand(x, insn))) {
        return false;
    }
    if (!known) {
        far_pointer_load(x, insn->op_width);
        emit_store(&x->e, 8, HOST_RSP, target_slot, T0);
    }
    if (call) {
        far_push(x, insn);
    }
    if (known) {
        far_go_known(x, (uint16_t)insn->imm2, (uint16_t)ip);
    } else {
        emit_load(&x->e, 8, T0, HOST_RSP, target_slot);
        far_go(x);
    }
    return true;
}

bool lower_far_return(Xlat *x, const Insn *insn)
{
    unsigned width = insn->op_width, released = insn->opcode == 0xca ? (uint16_t)insn->imm : 0;

    if (!far_usable(x)) {
        return false;
    }
    stack_check(x, 0, 2 * width, ACCESS_READ);
    far_pointer_load(x, width);
    stack_move(x, (int32_t)(2 * width + released));
    far_go(x);
    return true;
}

/* ---- Interrupts by instruction ---- */

bool lower_iret(Xlat *x, const Insn *insn)
{
    const Address blocked = { .base = HOST_RSP,
                              .index = HOST_NONE,
                              .disp = (int32_t)offsetof(Cpu, nmi_blocked) };
    Emitter *e = &x->e;

    if (!far_usable(x) || (x->mode & MODE_VM) || insn->op_width != FRAME_WIDTH) {
        return false;
    }
    flags_spoil(x);
    emit_op_rm(e, &(Opcode){ .code = 0x80 }, ALU_CMP, &blocked);
    emit_u8(e, 0);
    late_slow_if(x, CC_NE);
    stack_check(x, 0, 3 * FRAME_WIDTH, ACCESS_READ);
    load_word(x, T1, 2 * FRAME_WIDTH);
    far_pointer_load(x, FRAME_WIDTH);
    emit_store(e, 8, HOST_RSP, target_slot, T0);
    flags_pop(x, FRAME_WIDTH);
    stack_move(x, 3 * FRAME_WIDTH);
    emit_load(e, 8, T0, HOST_RSP, target_slot);
    far_go(x);
    return true;
}

/* T0 = the vector's entry in the table. */
static void vector_load(Xlat *x, uint8_t vector)
{
    int32_t idtr = (int32_t)offsetof(Cpu, idtr);
    Emitter *e = &x->e;

    emit_op_rm(e, &(Opcode){ .code = 0x81, .width = 2 }, ALU_CMP,
               &(Address){ .base = HOST_RSP,
                           .index = HOST_NONE,
                           .disp = idtr + (int32_t)offsetof(TableRegister, limit) });
    emit_u16(e, (uint16_t)(vector * 4 + 3));
    late_slow_if(x, CC_B);
    emit_load(e, 4, T0, HOST_RSP, idtr + (int32_t)offsetof(TableRegister, base));
    emit_lea(e, 4, T0, &(Address){ .base = T0, .index = HOST_NONE, .disp = vector * 4 });
    memory_check(x, 4, ACCESS_READ);
    emit_load(e, 4, T0, T0, 0);
}

bool lower_int(Xlat *x, const Insn *insn)
{
    const int32_t flags_slot = (int32_t)offsetof(Cpu, jit_target);
    Emitter *e = &x->e;
    Address at;

    if (!far_usable(x) || (x->mode & MODE_VM)) {
        return false;
    }
    flags_image(x);
    emit_store(e, 8, HOST_RSP, flags_slot, T1);
    vector_load(x, (uint8_t)insn->imm);
    emit_store(e, 8, HOST_RSP, target_slot, T0);
    stack_check(x, -3 * FRAME_WIDTH, 3 * FRAME_WIDTH, ACCESS_WRITE);
    at = memory_at(x);
    emit_mov_ri(e, T1, ip_behind(x, insn));
    emit_op_rm(e, &(Opcode){ .code = 0x89, .width = 2 }, T1, &at);
    segment_selector(x, CS);
    at.disp += FRAME_WIDTH;
    emit_op_rm(e, &(Opcode){ .code = 0x89, .width = 2 }, T1, &at);
    emit_load(e, 8, T1, HOST_RSP, flags_slot);
    at.disp += FRAME_WIDTH;
    emit_op_rm(e, &(Opcode){ .code = 0x89, .width = 2 }, T1, &at);
    stack_move(x, -3 * FRAME_WIDTH);
    emit_alu_mi(e, 4, ALU_AND, HOST_RSP, (int32_t)offsetof(Cpu, rflags),
                (int32_t) ~(FLAG_IF | FLAG_TF | FLAG_AC | FLAG_RF));
    emit_load(e, 8, T0, HOST_RSP, target_slot);
    far_go(x);
    return true;
}
