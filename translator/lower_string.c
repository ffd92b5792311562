/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lower_string.c - REP MOVS and REP STOS that stay inside a page, and their single forms; all else
 * is left to the software CPU, which works page by page. */
#include "translator/lower.h"

static const int32_t save_slot = (int32_t)offsetof(Cpu, jit_save);

static bool strings_usable(const Xlat *x, const Insn *insn)
{
    if (x->mode & MODE_ALIGN) {
        return false;
    }
    if (x->mode & MODE_CS64) {
        return insn->address_width == 8 && insn->mem.segment == DS;
    }
    return insn->address_width == 4 && insn->mem.segment == DS && (x->mode & MODE_FLAT_DS) &&
           (x->mode & MODE_FLAT_ES);
}

/* DF must be clear. */
static void check_direction(Xlat *x)
{
    flags_spoil(x);
    emit_op_rm(
        &x->e, &(Opcode){ .code = 0xf7 }, 0, /* test dword, imm32 */
        &(Address){ .base = HOST_RSP, .index = HOST_NONE, .disp = (int32_t)offsetof(Cpu, rflags) });
    emit_u32(&x->e, FLAG_DF);
    late_slow_if(x, CC_NE);
}

/* T0 = host address of [pointer], all RCX elements of which are in its page. */
static void check_run(Xlat *x, unsigned pointer, unsigned width, Access access)
{
    Emitter *e = &x->e;
    uint8_t w = (uint8_t)width;

    emit_mov_rr(e, x->mode & MODE_CS64 ? 8 : 4, T0, pointer);
    memory_check(x, width, access);
    /* How far into the page is it, and is there room for the run? */
    emit_mov_rr(e, 4, T1, T0);
    emit_alu_ri(e, 4, ALU_AND, T1, PAGE_SIZE - 1);
    emit_lea(e, 8, T1, &(Address){ .base = T1, .index = HOST_RCX, .scale = w });
    emit_alu_ri(e, 8, ALU_CMP, T1, PAGE_SIZE);
    late_slow_if(x, CC_A);
}

static void advance(Xlat *x, unsigned pointer, unsigned width)
{
    emit_lea(&x->e, x->mode & MODE_CS64 ? 8 : 4, pointer,
             &(Address){ .base = (uint8_t)pointer, .index = HOST_RCX, .scale = (uint8_t)width });
}

static void check_count(Xlat *x, unsigned width)
{
    emit_alu_ri(&x->e, x->mode & MODE_CS64 ? 8 : 4, ALU_CMP, HOST_RCX, PAGE_SIZE / (int32_t)width);
    late_slow_if(x, CC_A);
    if (!(x->mode & MODE_CS64)) {
        emit_mov_rr(&x->e, 4, HOST_RCX, HOST_RCX);
    }
}

static void emit_rep(Xlat *x, uint8_t opcode, unsigned width)
{
    if (width == 2) {
        emit_u8(&x->e, 0x66);
    }
    emit_u8(&x->e, 0xf3);
    if (width == 8) {
        emit_u8(&x->e, 0x48);
    }
    emit_u8(&x->e, width == 1 ? opcode : opcode | 1);
}

static unsigned element_width(const Insn *insn)
{
    return insn->opcode & 1 ? insn->op_width : 1;
}

static void exchange(Xlat *x, unsigned a, unsigned b)
{
    emit_op_rr(&x->e, &(Opcode){ .code = 0x87, .width = 8 }, a, b);
}

bool lower_movs(Xlat *x, const Insn *insn)
{
    unsigned width = element_width(insn);
    Emitter *e = &x->e;

    if (insn->n_operands != 0) {
        return lower_identity(x, insn);
    }
    if (!strings_usable(x, insn) || !(insn->prefix & PREFIX_REP)) {
        return false;
    }
    check_direction(x);
    check_count(x, width);
    check_run(x, HOST_RSI, width, ACCESS_READ);
    emit_store(e, 8, HOST_RSP, save_slot, T0);
    check_run(x, HOST_RDI, width, ACCESS_WRITE);
    emit_load(e, 8, T1, HOST_RSP, save_slot);
    advance(x, HOST_RSI, width);
    advance(x, HOST_RDI, width);
    exchange(x, HOST_RSI, T1);
    exchange(x, HOST_RDI, T0);
    emit_rep(x, 0xa4, width);
    emit_mov_rr(e, 8, HOST_RSI, T1);
    emit_mov_rr(e, 8, HOST_RDI, T0);
    return true;
}

/* One element: the pointer has been checked. */
static void stos_once(Xlat *x, unsigned width)
{
    emit_store(&x->e, width, T0, 0, HOST_RAX);
    emit_lea(&x->e, x->mode & MODE_CS64 ? 8 : 4, HOST_RDI,
             &(Address){ .base = HOST_RDI, .index = HOST_NONE, .disp = (int32_t)width });
}

bool lower_stos(Xlat *x, const Insn *insn)
{
    unsigned width = element_width(insn);

    if (!strings_usable(x, insn)) {
        return false;
    }
    check_direction(x);
    if (!(insn->prefix & (PREFIX_REP | PREFIX_REPNE))) {
        emit_mov_rr(&x->e, x->mode & MODE_CS64 ? 8 : 4, T0, HOST_RDI);
        memory_check(x, width, ACCESS_WRITE);
        stos_once(x, width);
        return true;
    }
    check_count(x, width);
    check_run(x, HOST_RDI, width, ACCESS_WRITE);
    advance(x, HOST_RDI, width);
    exchange(x, HOST_RDI, T0);
    emit_rep(x, 0xaa, width);
    emit_mov_rr(&x->e, 8, HOST_RDI, T0);
    return true;
}

bool lower_lods(Xlat *x, const Insn *insn)
{
    unsigned width = element_width(insn);
    Emitter *e = &x->e;

    if (!strings_usable(x, insn) || (insn->prefix & (PREFIX_REP | PREFIX_REPNE))) {
        return false;
    }
    check_direction(x);
    emit_mov_rr(e, x->mode & MODE_CS64 ? 8 : 4, T0, HOST_RSI);
    memory_check(x, width, ACCESS_READ);
    emit_op_rm(e, &(Opcode){ .code = width == 1 ? 0x8a : 0x8b, .width = (uint8_t)width }, HOST_RAX,
               &(Address){ .base = T0, .index = HOST_NONE });
    emit_lea(e, x->mode & MODE_CS64 ? 8 : 4, HOST_RSI,
             &(Address){ .base = HOST_RSI, .index = HOST_NONE, .disp = (int32_t)width });
    return true;
}
