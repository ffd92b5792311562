/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lower_string.c - REP MOVS and REP STOS that stay inside a page, searches for a byte up to the
 * page's end, and all single forms; all else is left to the software CPU, which works page by page.
 */
#include "translator/lower.h"

static const int32_t save_slot = (int32_t)offsetof(Cpu, jit_save);

/* Is the element at RSI read, at RDI written or read, through segments that can be reached? */
static bool strings_usable(const Xlat *x, const Insn *insn)
{
    if (x->mode & MODE_CS64) {
        return insn->address_width == 8 && insn->mem.segment == DS && !(x->mode & MODE_ALIGN);
    }
    return segment_reaches(x, insn->mem.segment, ACCESS_READ) &&
           segment_reaches(x, ES, ACCESS_WRITE);
}

/* The same, of 4 GiB, with all of the registers: what the repeated forms are made for. */
static bool strings_are_flat(const Xlat *x, const Insn *insn)
{
    return (x->mode & MODE_CS64) || (insn->address_width == 4 && insn->mem.segment == DS &&
                                     !segment_bounded(x, DS) && !segment_bounded(x, ES));
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

/* T0 = host address of the element at RSI or RDI. */
static void check_element(Xlat *x, const Insn *insn, unsigned pointer, unsigned width,
                          Access access)
{
    unsigned segment = pointer == HOST_RDI ? ES : insn->mem.segment;
    Emitter *e = &x->e;

    if (insn->address_width == 2) {
        emit_op_rr(e, &(Opcode){ .map = 1, .code = 0xb7 }, T0, pointer); /* movzx */
    } else {
        emit_mov_rr(e, insn->address_width, T0, pointer);
    }
    segment_address(x, segment, width, insn->address_width);
    memory_check(x, width, access);
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

void emit_rep(Xlat *x, uint8_t opcode, unsigned width)
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

static bool is_repeated(const Insn *insn)
{
    return insn->prefix & (PREFIX_REP | PREFIX_REPNE);
}

static void step_over(Xlat *x, const Insn *insn, unsigned pointer, unsigned width)
{
    emit_lea(&x->e, insn->address_width, pointer,
             &(Address){ .base = (uint8_t)pointer, .index = HOST_NONE, .disp = (int32_t)width });
}

/* T0 = host address of the element at RDI, T1 = the element at RSI. */
static void pair_begin(Xlat *x, const Insn *insn, unsigned width, Access access)
{
    const Opcode movzx = { .map = 1, .code = 0xb6 };
    Emitter *e = &x->e;

    check_element(x, insn, HOST_RSI, width, ACCESS_READ);
    if (width == 1) {
        emit_op_rm(e, &movzx, T1, &(Address){ .base = T0, .index = HOST_NONE });
    } else {
        emit_load(e, width, T1, T0, 0);
    }
    emit_store(e, 8, HOST_RSP, save_slot, T1);
    check_element(x, insn, HOST_RDI, width, access);
    emit_load(e, 8, T1, HOST_RSP, save_slot);
}

static void movs_once(Xlat *x, const Insn *insn, unsigned width)
{
    pair_begin(x, insn, width, ACCESS_WRITE);
    emit_store(&x->e, width, T0, 0, T1);
    step_over(x, insn, HOST_RSI, width);
    step_over(x, insn, HOST_RDI, width);
}

/* One element; the repeated forms are the software CPU's. CMPSD is an SSE instruction, too. */
bool lower_cmps(Xlat *x, const Insn *insn)
{
    unsigned width = element_width(insn);
    Opcode cmp = { .code = width == 1 ? 0x3a : 0x3b,
                   .width = (uint8_t)(width == 1 ? 0 : width),
                   .byte_reg = width == 1 };

    if (insn->n_operands != 0) {
        return lower_identity(x, insn);
    }
    if (!strings_usable(x, insn) || is_repeated(insn)) {
        return false;
    }
    check_direction(x);
    pair_begin(x, insn, width, ACCESS_READ);
    emit_op_rm(&x->e, &cmp, T1, &(Address){ .base = T0, .index = HOST_NONE });
    step_over(x, insn, HOST_RSI, width);
    step_over(x, insn, HOST_RDI, width);
    flags_written(x);
    return true;
}

bool lower_movs(Xlat *x, const Insn *insn)
{
    unsigned width = element_width(insn);
    Emitter *e = &x->e;

    if (insn->n_operands != 0) {
        return lower_identity(x, insn);
    }
    if (!strings_usable(x, insn) || (insn->prefix & PREFIX_REPNE)) {
        return false;
    }
    check_direction(x);
    if (!is_repeated(insn)) {
        movs_once(x, insn, width);
        return true;
    }
    if (!strings_are_flat(x, insn)) {
        repeat_bounded(x, insn, width);
        return true;
    }
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

static void stos_once(Xlat *x, const Insn *insn, unsigned width)
{
    check_element(x, insn, HOST_RDI, width, ACCESS_WRITE);
    emit_store(&x->e, width, T0, 0, HOST_RAX);
    step_over(x, insn, HOST_RDI, width);
}

bool lower_stos(Xlat *x, const Insn *insn)
{
    unsigned width = element_width(insn);

    if (!strings_usable(x, insn)) {
        return false;
    }
    check_direction(x);
    if (!is_repeated(insn)) {
        stos_once(x, insn, width);
        return true;
    }
    if (!strings_are_flat(x, insn)) {
        repeat_bounded(x, insn, width);
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
    check_element(x, insn, HOST_RSI, width, ACCESS_READ);
    emit_op_rm(e, &(Opcode){ .code = width == 1 ? 0x8a : 0x8b, .width = (uint8_t)width }, HOST_RAX,
               &(Address){ .base = T0, .index = HOST_NONE });
    step_over(x, insn, HOST_RSI, width);
    return true;
}

/* A count of zero changes no flags, and is none that is met often. */
static void check_count_not_zero(Xlat *x)
{
    Emitter *e = &x->e;

    if (!(x->mode & MODE_CS64)) {
        emit_mov_rr(e, 4, HOST_RCX, HOST_RCX);
    }
    emit_op_rr(e, &(Opcode){ .code = 0x85, .width = 8 }, HOST_RCX, HOST_RCX); /* test */
    late_slow_if(x, CC_E);
}

/* RCX = how many of its bytes lie in the page that the host address T0 is in, T1 = the others. */
static void split_count(Xlat *x)
{
    Emitter *e = &x->e;

    emit_mov_rr(e, 4, T1, T0);
    emit_alu_ri(e, 4, ALU_OR, T1, -PAGE_SIZE);
    emit_op_rr(e, &(Opcode){ .code = 0xf7 }, 3, T1); /* neg */
    emit_alu_rr(e, 8, ALU_CMP, T1, HOST_RCX);
    emit_op_rr(e, &(Opcode){ .map = 1, .code = 0x43, .width = 8 }, T1, HOST_RCX); /* cmovae */
    emit_alu_rr(e, 8, ALU_SUB, HOST_RCX, T1);
    exchange(x, HOST_RCX, T1);
}

/* Behind a search that has come to the page's end: the software CPU goes on with it, and if it
 * faults leaves the flags of the last byte. */
static void search_on(Xlat *x, unsigned found)
{
    Emitter *e = &x->e;
    uint32_t end = emit_jcc(e, found), others;

    emit_u8(e, 0xe3); /* jrcxz */
    emit_u8(e, 0);
    others = e->at;
    flags_written(x);
    flags_need_saved(x);
    late_add(x, &(Late){ .kind = LATE_SLOW, .place = emit_jmp(e), .insn = (uint16_t)x->current });
    emit_link(e, end, e->at);
    e->start[others - 1] = (uint8_t)(e->at - others);
    flags_written(x);
}

/* One element. */
static void scas_once(Xlat *x, const Insn *insn, unsigned width)
{
    Opcode cmp = { .code = width == 1 ? 0x3a : 0x3b, .width = (uint8_t)(width == 1 ? 0 : width) };

    check_element(x, insn, HOST_RDI, width, ACCESS_READ);
    emit_op_rm(&x->e, &cmp, HOST_RAX, &(Address){ .base = T0, .index = HOST_NONE });
    step_over(x, insn, HOST_RDI, width);
    flags_written(x);
}

bool lower_scas(Xlat *x, const Insn *insn)
{
    unsigned linear = x->mode & MODE_CS64 ? 8 : 4, width = element_width(insn);
    bool until_equal = insn->prefix & PREFIX_REPNE;
    bool once = !(insn->prefix & (PREFIX_REP | PREFIX_REPNE));
    Emitter *e = &x->e;

    if (!strings_usable(x, insn) ||
        (!once && (width != 1 || x->in->repeat_restores || !strings_are_flat(x, insn)))) {
        return false;
    }
    check_direction(x);
    if (once) {
        scas_once(x, insn, width);
        return true;
    }
    check_count_not_zero(x);
    emit_mov_rr(e, linear, T0, HOST_RDI);
    memory_check(x, 1, ACCESS_READ);
    split_count(x);
    emit_mov_rr(e, linear, HOST_RDI, HOST_RDI);
    emit_alu_rr(e, 8, ALU_SUB, HOST_RDI, T0); /* what the guest's address is away */
    exchange(x, HOST_RDI, T0);
    emit_u8(e, until_equal ? 0xf2 : 0xf3);
    emit_u8(e, 0xae);
    emit_lea(e, linear, HOST_RCX, &(Address){ .base = HOST_RCX, .index = T1, .scale = 1 });
    emit_lea(e, linear, HOST_RDI, &(Address){ .base = HOST_RDI, .index = T0, .scale = 1 });
    search_on(x, until_equal ? CC_E : CC_NE);
    return true;
}
