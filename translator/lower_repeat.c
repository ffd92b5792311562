/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lower_repeat.c - REP MOVS and REP STOS by CX, or in segments that have a limit. The host repeats
 * by RCX, RSI and RDI as a whole; what the guest has there waits in Cpu.gpr, which is free while
 * translated code runs, since the upper halves that 16-bit code does not reach are the guest's. */
#include "translator/lower.h"

static const int32_t save_slot = (int32_t)offsetof(Cpu, jit_save);
static const int32_t source_slot = (int32_t)offsetof(Cpu, jit_target);

/* `to` = the part of a register that the address size counts. */
static void counting_part(Xlat *x, const Insn *insn, unsigned to, unsigned from)
{
    if (insn->address_width == 2) {
        emit_op_rr(&x->e, &(Opcode){ .map = 1, .code = 0xb7 }, to, from); /* movzx */
    } else {
        emit_mov_rr(&x->e, 4, to, from);
    }
}

/* T0 = host address of the elements at RSI or RDI, all of which are inside limit and page. */
static void check_elements(Xlat *x, const Insn *insn, unsigned pointer, unsigned width,
                           Access access)
{
    unsigned segment = pointer == HOST_RDI ? ES : insn->mem.segment;
    Address end = { .base = T0, .index = T1, .scale = (uint8_t)width };
    Emitter *e = &x->e;

    counting_part(x, insn, T0, pointer);
    segment_address(x, segment, width, insn->address_width);
    if (segment_bounded(x, segment)) { /* the same for the last of them */
        emit_alu_rm(e, 4, ALU_SUB, T0, HOST_RSP, segment_field(segment, offsetof(Segment, base)));
        counting_part(x, insn, T1, HOST_RCX);
        emit_lea(e, 4, T1, &end);
        emit_alu_ri(e, 4, ALU_SUB, T1, 1);
        emit_alu_rm(e, 4, ALU_CMP, T1, HOST_RSP, segment_field(segment, offsetof(Segment, limit)));
        late_slow_if(x, CC_A);
        emit_alu_rm(e, 4, ALU_ADD, T0, HOST_RSP, segment_field(segment, offsetof(Segment, base)));
    }
    memory_check(x, width, access);
    emit_store(e, 8, HOST_RSP, save_slot, T0);
    counting_part(x, insn, T1, HOST_RCX);
    emit_alu_ri(e, 4, ALU_AND, T0, PAGE_SIZE - 1);
    emit_lea(e, 4, T1, &end);
    emit_alu_ri(e, 4, ALU_CMP, T1, PAGE_SIZE);
    late_slow_if(x, CC_A);
    emit_load(e, 8, T0, HOST_RSP, save_slot);
}

/* A pointer comes back, behind T1 elements. */
static void pointer_back(Xlat *x, const Insn *insn, unsigned gpr, unsigned width)
{
    emit_load(&x->e, 8, gpr, HOST_RSP, gpr_slot(gpr));
    emit_lea(&x->e, insn->address_width, gpr,
             &(Address){ .base = (uint8_t)gpr, .index = T1, .scale = (uint8_t)width });
}

static void count_back(Xlat *x, const Insn *insn)
{
    Emitter *e = &x->e;

    emit_load(e, 8, HOST_RCX, HOST_RSP, gpr_slot(RCX));
    if (insn->address_width == 2) {
        emit_op_rr(e, &(Opcode){ .code = 0xc7, .width = 2 }, 0, HOST_RCX); /* mov, 0 */
        emit_u16(e, 0);
    } else {
        emit_mov_ri(e, HOST_RCX, 0);
    }
}

void repeat_bounded(Xlat *x, const Insn *insn, unsigned width)
{
    bool moves = insn->opcode < 0xa6;
    Emitter *e = &x->e;

    counting_part(x, insn, T1, HOST_RCX);
    emit_alu_ri(e, 4, ALU_CMP, T1, PAGE_SIZE / (int32_t)width);
    late_slow_if(x, CC_A);
    if (moves) {
        check_elements(x, insn, HOST_RSI, width, ACCESS_READ);
        emit_store(e, 8, HOST_RSP, source_slot, T0);
        emit_store(e, 8, HOST_RSP, gpr_slot(RSI), HOST_RSI);
    }
    check_elements(x, insn, HOST_RDI, width, ACCESS_WRITE);
    emit_store(e, 8, HOST_RSP, gpr_slot(RDI), HOST_RDI);
    emit_store(e, 8, HOST_RSP, gpr_slot(RCX), HOST_RCX);
    if (moves) {
        emit_load(e, 8, HOST_RSI, HOST_RSP, source_slot);
    }
    emit_mov_rr(e, 8, HOST_RDI, T0);
    counting_part(x, insn, HOST_RCX, HOST_RCX);
    emit_rep(x, moves ? 0xa4 : 0xaa, width);
    emit_load(e, 8, T1, HOST_RSP, gpr_slot(RCX));
    counting_part(x, insn, T1, T1);
    pointer_back(x, insn, RDI, width);
    if (moves) {
        pointer_back(x, insn, RSI, width);
    }
    count_back(x, insn);
}
