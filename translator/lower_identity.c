/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lower_identity.c - instructions that run as themselves, with registers and memory operand
 * substituted. */
#include "translator/lower.h"
#include <glib.h>

/* Guest registers without a host register, brought into scratch registers around an instruction. */
typedef struct Borrowed {
    uint8_t gpr[2], scratch[2];
    bool load[2], store[2];
    unsigned n;
} Borrowed;

/* Is the unit that the instruction needs switched on, so that it does not fault? */
static bool unit_enabled(const Xlat *x, const Insn *insn)
{
    bool vector = false, mmx = false;

    for (unsigned i = 0; i < insn->n_operands; i++) {
        vector |= insn->op[i].kind == OPERAND_VECTOR;
        mmx |= insn->op[i].kind == OPERAND_MMX;
    }
    if (insn->encoding == ENCODING_VEX && (!(x->mode & MODE_PE) || (x->mode & MODE_VM))) {
        return false; /* #UD there */
    }
    if (insn->encoding == ENCODING_VEX) {
        return insn->vector_width == 0 || !(x->mode & MODE_NO_AVX) ||
               (!vector && insn->opcode != 0x77);
    }
    if (insn->encoding != ENCODING_LEGACY) {
        return false;
    }
    if (mmx || (insn->map == 1 && insn->opcode == 0x77)) {
        return !(x->mode & (MODE_NO_FPU | MODE_NO_SSE));
    }
    if (insn->map == 0 && ((insn->opcode & 0xf8) == 0xd8 || insn->opcode == 0x9b)) {
        return !(x->mode & MODE_NO_FPU);
    }
    return !vector || !(x->mode & MODE_NO_SSE);
}

/* The scratch register that stands for operand i's register, or the register's own. -2: no room. */
static int substitute(Borrowed *b, const Operand *op, unsigned room, const uint8_t *pool)
{
    int host = host_register(op->reg);

    if (host != IN_MEMORY) {
        return host;
    }
    for (unsigned i = 0; i < b->n; i++) {
        if (b->gpr[i] == op->reg) {
            b->load[i] |= op->read || op->width < 4;
            b->store[i] |= op->write;
            return b->scratch[i];
        }
    }
    if (b->n == room) {
        return -2;
    }
    b->gpr[b->n] = op->reg;
    b->scratch[b->n] = pool[b->n];
    b->load[b->n] = op->read || op->width < 4;
    b->store[b->n] = op->write;
    return b->scratch[b->n++];
}

/* Fills `to` and `b`; false if the instruction needs more scratch registers than there are, or has
 * operands that do not run as themselves. */
static bool plan(const Insn *insn, Recode *to, Borrowed *b)
{
    static const uint8_t with_mem[] = { T1 }, without[] = { T1, T0 };

    *to = (Recode){ -1, -1, -1, -1, T0 };
    *b = (Borrowed){ .n = 0 };
    for (unsigned i = 0; i < insn->n_operands; i++) {
        const Operand *op = &insn->op[i];
        int host;

        if (op->kind == OPERAND_MEM && op->width == 0) {
            return false;
        }
        if (op->kind == OPERAND_SEGMENT || op->kind == OPERAND_CR || op->kind == OPERAND_DR ||
            op->kind >= OPERAND_MASK || op->kind == OPERAND_FAR || op->kind == OPERAND_REL) {
            return false;
        }
        if (op->kind != OPERAND_GPR) {
            continue;
        }
        host = substitute(b, op, insn->has_mem ? 1 : 2, insn->has_mem ? with_mem : without);
        if (host == -2) {
            return false;
        }
        switch (op->place) {
        case PLACE_REG:
            to->reg = host;
            break;
        case PLACE_RM:
            to->rm = host;
            break;
        case PLACE_VVVV:
            to->vvvv = host;
            break;
        case PLACE_OPCODE:
            to->opcode_reg = host;
            break;
        default:
            if (op->reg == RSP) {
                return false;
            }
            break;
        }
    }
    return true;
}

static int high_byte_operand(const Insn *insn)
{
    for (unsigned i = 0; i < insn->n_operands; i++) {
        if (insn->op[i].kind == OPERAND_GPR_HIGH) {
            return (int)i;
        }
    }
    return -1;
}

static bool needs_rex(const Recode *to)
{
    return to->reg >= 8 || to->rm >= 8 || to->opcode_reg >= 8;
}

/* AH to BH cannot be named together with a REX prefix: work on the low byte, exchanged. */
static void recode_high_byte(Xlat *x, const Insn *insn, const Recode *to, int i)
{
    Insn low = *insn;
    Recode swapped = *to;
    unsigned reg = insn->op[i].reg;
    const uint8_t swap[] = { 0x86, (uint8_t)(0xc0 | reg << 3 | (reg + 4)) }; /* xchg high, low */

    low.op[i].kind = OPERAND_GPR;
    if (insn->op[i].place == PLACE_REG) {
        swapped.reg = (int)reg;
    } else {
        swapped.rm = (int)reg;
    }
    emit_bytes(&x->e, swap, 2);
    recode(x, &low, &swapped);
    emit_bytes(&x->e, swap, 2);
}

void fault_point(Xlat *x)
{
    if (x->out->n_faults < BLOCK_MAX_FAULTS && x->e.at < 0xffff) {
        x->out->fault[x->out->n_faults++] = (FaultPoint){
            .host = (uint16_t)x->e.at,
            .page_offset = (uint16_t)(x->offset[x->current] | (x->in_host ? 0 : FAULT_POINT_SAVED)),
        };
    }
}

/* Address and check of the memory operand. */
bool memory_operand(Xlat *x, const Insn *insn)
{
    if (share_access(x)) {
        return true;
    }
    for (unsigned i = 0; i < insn->n_operands; i++) {
        const Operand *op = &insn->op[i];
        Access access = op->write || (insn->prefix & PREFIX_LOCK) ? ACCESS_WRITE : ACCESS_READ;

        if (op->kind != OPERAND_MEM) {
            continue;
        }
        if (op->width == 0 || op->width > 64 || !memory_reaches(x, insn, access)) {
            return false;
        }
        if (window_usable(x, insn)) {
            MemOperand mem = insn->mem;

            mem.disp += mem.base == MEM_RIP ? x->offset[x->current] + insn->length : 0;
            window_operand(x, &mem, op->width, access, window_is_direct(&mem));
        } else {
            memory_address(x, insn, op->width, access);
            memory_check(x, op->width, access);
        }
        return true;
    }
    return false;
}

/* Flags that it leaves alone and that are live must be where it leaves the others. */
static bool writes_some_flags(const Xlat *x, InsnFlags flags)
{
    return (flags.written != 0 || flags.spoils) &&
           (x->live_in[x->current + 1] & ~(unsigned)flags.written) != 0;
}

static void borrow(Xlat *x, const Borrowed *b)
{
    for (unsigned i = 0; i < b->n; i++) {
        if (b->load[i]) {
            emit_load(&x->e, 8, b->scratch[i], HOST_RSP, gpr_slot(b->gpr[i]));
        }
    }
}

static void give_back(Xlat *x, const Borrowed *b)
{
    for (unsigned i = 0; i < b->n; i++) {
        if (b->store[i]) {
            emit_store(&x->e, 8, HOST_RSP, gpr_slot(b->gpr[i]), b->scratch[i]);
        }
    }
}

/* The integer instructions that programs are mostly made of, but for divisions. */
static bool integer_only(const Insn *insn)
{
    unsigned op = insn->opcode;

    if (insn->encoding != ENCODING_LEGACY || insn->map > 1) {
        return false;
    }
    if (insn->map == 1) {
        return (op & 0xf0) == 0x40 || (op & 0xf0) == 0x90 || op == 0xaf || (op & 0xf6) == 0xb6;
    }
    if ((op & 0xfe) == 0xf6) {
        return ((insn->modrm >> 3) & 7) < 6;
    }
    return op < 0x40 || op == 0x63 || (op >= 0x80 && op <= 0x8b) || (op & 0xfe) == 0xa8 ||
           (op & 0xf0) == 0xb0 || (op & 0xfe) == 0xc0 || (op & 0xfe) == 0xc6 ||
           (op & 0xfc) == 0xd0 || (op & 0xfe) == 0xfe;
}

/* Can the instruction raise a signal on the host: by a division, a floating-point exception, an
 * address that is not aligned, one that no page slot has, or a page that the window has not? */
static bool may_signal(const Xlat *x, const Insn *insn)
{
    return !integer_only(insn) || (insn->has_mem && (x->n_pages != 0 || x->in->window));
}

static bool lower_in_memory(Xlat *x, const Insn *insn, InsnFlags flags)
{
    Insn form;
    Recode to;

    if (!integer_only(insn) || !in_memory_form(insn, &form, &to)) {
        return false;
    }
    if (flags.read != 0 || writes_some_flags(x, flags)) {
        flags_need_host(x);
    }
    for (unsigned i = 0; i < form.n_operands; i++) {
        if (form.op[i].kind == OPERAND_MEM) {
            x->mem_disp = gpr_slot(form.op[i].reg);
        }
    }
    recode(x, &form, &to);
    if (flags.read != 0 || flags.written != 0 || flags.spoils) {
        flags_written(x);
    }
    return true;
}

bool lower_identity(Xlat *x, const Insn *insn)
{
    InsnFlags flags = insn_flags(insn);
    int high = high_byte_operand(insn);
    Recode to;
    Borrowed b;

    if (lower_in_memory(x, insn, flags)) {
        return true;
    }

    if (!unit_enabled(x, insn) || !plan(insn, &to, &b) ||
        (high >= 0 && !insn->has_mem && needs_rex(&to)) ||
        (high >= 0 && insn->has_mem && insn->mnemonic == ZYDIS_MNEMONIC_CMPXCHG)) {
        return false;
    }
    if (insn->has_mem && !memory_operand(x, insn)) {
        return false;
    }
    if (flags.read != 0 || writes_some_flags(x, flags)) {
        flags_need_host(x);
    }
    borrow(x, &b);
    if (may_signal(x, insn)) {
        fault_point(x);
    }
    if (high >= 0 && insn->has_mem) {
        recode_high_byte(x, insn, &to, high);
    } else {
        recode(x, insn, &to);
    }
    give_back(x, &b);
    if (flags.read != 0 || flags.written != 0 || flags.spoils) {
        flags_written(x);
    }
    return true;
}

/* The accumulator forms with an absolute address; other registers are an ordinary MOV. */
bool lower_mov(Xlat *x, const Insn *insn)
{
    Insn modrm;

    if (insn->op[1].kind == OPERAND_SEGMENT) {
        return lower_mov_from_segment(x, insn);
    }
    if (insn->op[0].kind == OPERAND_SEGMENT) {
        return lower_mov_to_segment(x, insn);
    }
    if (insn->op[0].kind == OPERAND_CR || insn->op[1].kind == OPERAND_CR) {
        return lower_mov_control(x, insn);
    }
    if (insn->map != 0 || insn->opcode < 0xa0 || insn->opcode > 0xa3) {
        return lower_identity(x, insn);
    }
    modrm = *insn;
    modrm.opcode = insn->opcode ^ (insn->opcode < 0xa2 ? 0xa0 ^ 0x8a : 0xa2 ^ 0x88);
    modrm.has_modrm = true;
    modrm.modrm = 0;
    modrm.imm_at = 0;
    for (unsigned i = 0; i < modrm.n_operands; i++) {
        modrm.op[i].place = modrm.op[i].kind == OPERAND_MEM ? PLACE_RM : PLACE_REG;
    }
    return lower_identity(x, &modrm);
}

/* A bit offset in a register reaches beyond the memory operand. */
bool lower_bt(Xlat *x, const Insn *insn)
{
    return insn->has_mem && insn->op[1].kind == OPERAND_GPR ? lower_bit_string(x, insn)
                                                            : lower_identity(x, insn);
}

/* 40 to 4F are REX prefixes on the host. */
bool lower_incdec(Xlat *x, const Insn *insn)
{
    Insn modrm;

    if (insn->has_modrm) {
        return lower_identity(x, insn);
    }
    modrm = *insn;
    modrm.modrm = (uint8_t)(0xc0 | (insn->opcode & 8) | (insn->opcode & 7));
    modrm.opcode = 0xff;
    modrm.has_modrm = true;
    modrm.op[0].place = PLACE_RM;
    return lower_identity(x, &modrm);
}

bool lower_lea(Xlat *x, const Insn *insn)
{
    unsigned to = insn->op[0].reg;
    int host = host_register(to);

    if (insn->op_width == 2) {
        memory_offset(x, insn, T0);
        if (host == IN_MEMORY) {
            emit_store(&x->e, 2, HOST_RSP, gpr_slot(to), T0);
        } else {
            emit_mov_rr(&x->e, 2, (unsigned)host, T0);
        }
        return true;
    }
    if (host == IN_MEMORY || insn->mem.base == MEM_RIP || insn->address_width == 2) {
        memory_offset(x, insn, T0);
        if (host == IN_MEMORY) {
            if (insn->op_width == 4) {
                emit_mov_rr(&x->e, 4, T0, T0);
            }
            emit_store(&x->e, 8, HOST_RSP, gpr_slot(to), T0);
        } else {
            emit_mov_rr(&x->e, insn->op_width, (unsigned)host, T0);
        }
        return true;
    }
    memory_effective(x, &insn->mem, (unsigned)host, MIN(insn->op_width, insn->address_width));
    return true;
}

bool lower_nop(Xlat *x, const Insn *insn)
{
    (void)x;
    (void)insn;
    return true;
}
