/* SPDX-License-Identifier: GPL-2.0-or-later */
/* thunk_encode.c - a guest instruction in the form that a thunk holds, and the thunk around it.
 *
 * Prefixes that choose the address or the segment go; those that choose the opcode stay.  A memory
 * operand becomes [rsi], a general register RAX.  Instructions of 16 and 32-bit code mean the same
 * in 64-bit mode once the VEX bits that those modes ignore are given their neutral values. */
#include "runtime/software_cpu/thunk_int.h"

enum { MODRM_RSI = 6, REX_B = 1, REX_X = 2, REX_R = 4, REX_W = 8 };

static void put(ThunkInsn *to, unsigned byte)
{
    to->bytes[to->length++] = (uint8_t)byte;
}

static bool gpr_at(const Insn *insn, OperandPlace place)
{
    for (unsigned i = 0; i < insn->n_operands; i++) {
        if (insn->op[i].kind == OPERAND_GPR && insn->op[i].place == place) {
            return true;
        }
    }
    return false;
}

static unsigned remap_modrm(const Insn *insn)
{
    unsigned modrm = insn->modrm;

    if (insn->has_mem) {
        modrm = (modrm & 0x38) | MODRM_RSI;
    } else if (gpr_at(insn, PLACE_RM)) {
        modrm &= 0xf8;
    }
    return gpr_at(insn, PLACE_REG) ? modrm & 0xc7 : modrm;
}

/* REX or VEX bits whose register field is no longer the guest's. */
static unsigned remapped_bits(const Insn *insn)
{
    unsigned bits = REX_X;

    if (insn->has_mem || gpr_at(insn, PLACE_RM)) {
        bits |= REX_B;
    }
    return gpr_at(insn, PLACE_REG) ? bits | REX_R : bits;
}

static void put_tail(ThunkInsn *to, const Insn *insn)
{
    put(to, insn->opcode);
    if (insn->has_modrm) {
        put(to, remap_modrm(insn));
    }
    for (unsigned i = 0; i < insn->imm_size; i++) {
        put(to, insn->bytes[insn->imm_at + i]);
    }
}

static void encode_legacy(ThunkInsn *to, const Insn *insn)
{
    unsigned start = insn->opcode_at - (insn->map > 1 ? 2u : insn->map);
    unsigned rex = 0, repeat = 0;
    bool opsize = false;

    for (unsigned i = 0; i < start; i++) {
        switch (insn->bytes[i]) {
        case 0x66:
            opsize = true;
            break;
        case 0xf2:
        case 0xf3:
            repeat = insn->bytes[i];
            break;
        default:
            break;
        }
    }
    if (insn->code_width == 8 && start > 0 && (insn->bytes[start - 1] & 0xf0) == 0x40) {
        rex = insn->bytes[start - 1] & ~remapped_bits(insn) & 0x0f;
    }
    if (opsize && insn->map != 0) {
        put(to, 0x66);
    }
    if (repeat != 0 && insn->map != 0) {
        put(to, repeat);
    }
    if (rex != 0 && insn->map != 0) {
        put(to, 0x40 | rex);
    }
    if (insn->map != 0) {
        put(to, 0x0f);
    }
    if (insn->map > 1) {
        put(to, insn->map == 2 ? 0x38 : 0x3a);
    }
    put_tail(to, insn);
}

/* Outside 64-bit mode VEX.W is ignored where it would choose a 64-bit general register. */
static bool vex_w_is_size(const Insn *insn, unsigned pp)
{
    if (insn->map == 1) {
        return insn->opcode == 0x2a || insn->opcode == 0x2c || insn->opcode == 0x2d ||
               insn->opcode == 0x6e || (insn->opcode == 0x7e && pp == 1);
    }
    return insn->map == 3 && (insn->opcode == 0x16 || insn->opcode == 0x22 ||
                              insn->opcode == 0x60 || insn->opcode == 0x61);
}

/* Registers 8 to 15 do not exist there: the fourth register bits are ignored. */
static void vex_narrow(ThunkInsn *to, const Insn *insn)
{
    to->bytes[1] |= 0xe0;
    to->bytes[2] |= 0x40;
    if (vex_w_is_size(insn, to->bytes[2] & 3)) {
        to->bytes[2] &= 0x7f;
    }
    for (unsigned i = 0; i < insn->n_operands; i++) {
        if (insn->op[i].place == PLACE_IS4) {
            to->bytes[to->length - 1] &= 0x7f;
        }
    }
}

/* Always the three-byte form; its register bits are inverted. */
static void encode_vex(ThunkInsn *to, const Insn *insn)
{
    const uint8_t *vex = &insn->bytes[insn->opcode_at];
    bool three = insn->opcode_at >= 3 && vex[-3] == 0xc4;
    unsigned reg_bits = three ? vex[-2] & 0xe0u : (vex[-1] & 0x80u) | 0x60;
    unsigned rest = three ? vex[-1] : vex[-1] & 0x7fu;

    put(to, 0xc4);
    put(to, reg_bits | remapped_bits(insn) << 5 | insn->map);
    put(to, rest);
    put_tail(to, insn);
    if (insn->code_width != 8) {
        vex_narrow(to, insn);
    }
}

void thunk_encode(ThunkInsn *to, const Insn *insn, unsigned uses)
{
    *to = (ThunkInsn){ .uses = (uint16_t)uses };
    if (insn->encoding == ENCODING_VEX) {
        encode_vex(to, insn);
    } else {
        encode_legacy(to, insn);
    }
}

/* ---- The thunk: context in RDI, operand in RSI ---- */

enum { HOST_RAX = 0, HOST_RCX = 1, HOST_RDX = 2, OP_LOAD = 0x8b, OP_STORE = 0x89 };

/* mov between a register and the field of the context, 64 bits */
static unsigned emit_field(uint8_t *code, unsigned op, unsigned reg, size_t offset)
{
    code[0] = 0x48;
    code[1] = (uint8_t)op;
    code[2] = (uint8_t)(0x40 | reg << 3 | 7);
    code[3] = (uint8_t)offset;
    return 4;
}

_Static_assert(offsetof(ThunkContext, faulted) < 128, "one-byte displacements");

unsigned thunk_emit(uint8_t *code, const ThunkInsn *insn)
{
    unsigned uses = insn->uses;
    unsigned n = 0;

    if (uses & USES_FLAGS_IN) {
        code[n++] = 0xff; /* push [rdi + flags] */
        code[n++] = 0x77;
        code[n++] = offsetof(ThunkContext, flags);
        code[n++] = 0x9d; /* popfq */
    }
    if (uses & (USES_GPR_IN | USES_LENGTHS)) {
        n += emit_field(code + n, OP_LOAD, HOST_RAX, offsetof(ThunkContext, in));
    }
    if (uses & USES_LENGTHS) {
        n += emit_field(code + n, OP_LOAD, HOST_RDX, offsetof(ThunkContext, lengths));
    }
    for (unsigned i = 0; i < insn->length; i++) {
        code[n++] = insn->bytes[i];
    }
    if (uses & USES_INDEX_OUT) {
        n += emit_field(code + n, OP_STORE, HOST_RCX, offsetof(ThunkContext, out));
    } else if (uses & USES_GPR_OUT) {
        n += emit_field(code + n, OP_STORE, HOST_RAX, offsetof(ThunkContext, out));
    }
    if (uses & USES_FLAGS_OUT) {
        code[n++] = 0x9c; /* pushfq */
        code[n++] = 0x8f; /* pop [rdi + flags] */
        code[n++] = 0x47;
        code[n++] = offsetof(ThunkContext, flags);
    }
    code[n++] = 0xc3; /* ret */
    return n;
}
