/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vector_entry.c - entries of blocks with vector instructions, which may find the guest's vector
 * state parked: what calls C most, a kernel's device drivers, has none, and so parks it once. */
#include "translator/translator_int.h"

static const Address vector_live = { .base = HOST_RSP,
                                     .index = HOST_NONE,
                                     .disp = (int32_t)offsetof(Cpu, vector_live) };

static void stub_call_vector(Xlat *x, uint32_t resume)
{
    VectorSite site;

    emit_call_m(&x->e, HOST_RSP,
                (int32_t)(offsetof(Cpu, jit_stub) + JIT_STUB_VECTOR * sizeof(void *)));
    site.resume = (int16_t)(resume - x->e.at);
    emit_bytes(&x->e, (const uint8_t *)&site, sizeof(site));
}

void vector_check(Xlat *x)
{
    Late late = { .kind = LATE_VECTOR };

    emit_op_rm(&x->e, &(Opcode){ .code = 0x80 }, ALU_CMP, &vector_live);
    emit_u8(&x->e, 0);
    late.place = emit_jcc(&x->e, CC_E);
    late.back = x->e.at;
    late_add(x, &late);
}

void vector_late(Xlat *x, const Late *late)
{
    stub_call_vector(x, late->back);
}

void vector_late_outer(Xlat *x)
{
    enum { MOV = 3, JMP = 5 };
    Emitter *e = &x->e;

    x->out->outer_entry = e->at;
    emit_mov_rr(e, 8, T1, HOST_RCX);
    emit_op_rm(e, &(Opcode){ .map = 1, .code = 0xb6 }, HOST_RCX, &vector_live); /* movzx */
    emit_u8(e, 0xe3);                                                           /* jrcxz */
    emit_u8(e, MOV + JMP);
    emit_mov_rr(e, 8, HOST_RCX, T1);
    emit_link(e, emit_jmp(e), x->out->loop_entry);
    emit_mov_rr(e, 8, HOST_RCX, T1);
    x->saved = false;
    flags_need_saved(x);
    stub_call_vector(x, x->out->loop_entry);
}
