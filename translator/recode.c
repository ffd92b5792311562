/* SPDX-License-Identifier: GPL-2.0-or-later */
/* recode.c - a guest instruction as a host instruction: the same operation on other registers. */
#include "translator/translator_int.h"

typedef struct Fields {
    unsigned reg, rm, vvvv;
    bool byte_reg, byte_rm;
} Fields;

static bool is_byte_gpr(const Operand *op)
{
    return op->kind == OPERAND_GPR && op->width == 1;
}

/* Register numbers of ModRM and VEX fields: the guest's, then the substitutes. */
static Fields fields_of(const Insn *insn, const Recode *to)
{
    Fields f = { .reg = insn->modrm >> 3 & 7, .rm = insn->modrm & 7 };

    for (unsigned i = 0; i < insn->n_operands; i++) {
        const Operand *op = &insn->op[i];
        unsigned number = op->kind == OPERAND_GPR_HIGH ? op->reg + 4u : op->reg;

        if (op->place == PLACE_REG) {
            f.reg = number;
            f.byte_reg = is_byte_gpr(op);
        } else if (op->place == PLACE_RM && op->kind != OPERAND_MEM) {
            f.rm = number;
            f.byte_rm = is_byte_gpr(op);
        } else if (op->place == PLACE_VVVV) {
            f.vvvv = number;
        }
    }
    if (to->reg >= 0) {
        f.reg = (unsigned)to->reg;
    }
    if (to->rm >= 0) {
        f.rm = (unsigned)to->rm;
    }
    if (to->vvvv >= 0) {
        f.vvvv = (unsigned)to->vvvv;
    }
    return f;
}

static bool has_vector_operand(const Insn *insn)
{
    for (unsigned i = 0; i < insn->n_operands; i++) {
        if (insn->op[i].kind >= OPERAND_ST && insn->op[i].kind <= OPERAND_VECTOR) {
            return true;
        }
    }
    return false;
}

static void immediates(Xlat *x, const Insn *insn)
{
    if (insn->imm_at != 0) {
        emit_bytes(&x->e, insn->bytes + insn->imm_at, insn->length - insn->imm_at);
    }
}

/* VEX.W selects the width of a general register or memory operand there: not outside 64-bit mode.
 */
static bool vex_w_is_width(const Insn *insn)
{
    switch (insn->map << 8 | insn->opcode) {
    case 0x12a: /* VCVTSI2SS, SD */
    case 0x12c: /* VCVTTSS2SI, SD */
    case 0x12d: /* VCVTSS2SI, SD */
    case 0x16e: /* VMOVD */
    case 0x17e:
    case 0x2f2: /* ANDN to BEXTR */
    case 0x2f3:
    case 0x2f5:
    case 0x2f6:
    case 0x2f7:
    case 0x3f0: /* RORX */
    case 0x316: /* VPEXTRD */
    case 0x322: /* VPINSRD */
    case 0x360: /* VPCMPESTRM, VPCMPESTRI */
    case 0x361:
        return true;
    default:
        return false;
    }
}

/* A register in the immediate: bit 7 is ignored outside 64-bit mode. */
static void vex_immediates(Xlat *x, const Insn *insn)
{
    for (unsigned i = 0; i < insn->n_operands && insn->code_width != 8; i++) {
        if (insn->op[i].place == PLACE_IS4) {
            emit_u8(&x->e, insn->bytes[insn->length - 1] & 0x7f);
            return;
        }
    }
    immediates(x, insn);
}

static Address operand_address(const Xlat *x, unsigned base)
{
    return (Address){
        .base = (uint8_t)base, .index = x->mem_index, .scale = x->mem_scale, .disp = x->mem_disp
    };
}

static void recode_vex(Xlat *x, const Insn *insn, const Fields *f, unsigned mem_base)
{
    Emitter *e = &x->e;
    bool two = insn->bytes[insn->opcode_at - 2] == 0xc5; /* C4 cannot have that map byte */
    uint8_t last = insn->bytes[insn->opcode_at - 1];
    uint8_t w = two ? 0 : last & 0x80;
    uint8_t base = (uint8_t)(insn->has_mem ? mem_base : f->rm);
    Address at = operand_address(x, base);
    bool high_index = insn->has_mem && x->mem_index != HOST_NONE && (x->mem_index & 8) != 0;
    bool uses_vvvv = false;

    for (unsigned i = 0; i < insn->n_operands; i++) {
        uses_vvvv |= insn->op[i].place == PLACE_VVVV;
    }
    if (insn->code_width != 8 && vex_w_is_width(insn)) {
        w = 0;
    }
    emit_u8(e, 0xc4);
    emit_u8(e, (uint8_t)((f->reg & 8 ? 0 : 0x80) | (high_index ? 0 : 0x40) | (base & 8 ? 0 : 0x20) |
                         insn->map));
    emit_u8(e, (uint8_t)(w | (uses_vvvv ? (~f->vvvv & 15) << 3 : last & 0x78) | (last & 7)));
    emit_u8(e, insn->opcode);
    if (insn->has_mem) {
        emit_modrm_address(e, f->reg, &at);
    } else if (insn->has_modrm) {
        emit_u8(e, (uint8_t)(0xc0 | (f->reg & 7) << 3 | (f->rm & 7)));
    }
    vex_immediates(x, insn);
}

static void recode_plain(Xlat *x, const Insn *insn, const Recode *to, uint8_t prefix, uint8_t width)
{
    Emitter *e = &x->e;
    unsigned reg = to->opcode_reg >= 0 ? (unsigned)to->opcode_reg : insn->opcode & 7u;
    bool in_opcode = false, byte = false;

    for (unsigned i = 0; i < insn->n_operands; i++) {
        if (insn->op[i].place == PLACE_OPCODE) {
            in_opcode = true;
            byte = is_byte_gpr(&insn->op[i]);
            if (to->opcode_reg < 0 && insn->op[i].kind == OPERAND_GPR) {
                reg = insn->op[i].reg;
            }
        }
    }
    if (width == 2) {
        emit_u8(e, 0x66);
    }
    if (prefix != 0) {
        emit_u8(e, prefix);
    }
    if (width == 8 ||
        (in_opcode && (reg >= 8 || (byte && reg >= 4 && insn->op[0].kind == OPERAND_GPR)))) {
        emit_u8(e, (uint8_t)(0x40 | (width == 8 ? 8 : 0) | (in_opcode ? reg >> 3 : 0)));
    }
    if (insn->map == 1) {
        emit_u8(e, 0x0f);
    }
    emit_u8(e, in_opcode ? (uint8_t)((insn->opcode & 0xf8) | (reg & 7)) : insn->opcode);
    immediates(x, insn);
}

void recode(Xlat *x, const Insn *insn, const Recode *to)
{
    Fields f = fields_of(insn, to);
    Emitter *e = &x->e;
    Opcode op = { .prefix = insn->mandatory,
                  .map = insn->map,
                  .code = insn->opcode,
                  .byte_reg = f.byte_reg,
                  .byte_rm = f.byte_rm,
                  .lock = insn->prefix & PREFIX_LOCK };

    if (insn->map == 0 && insn->opcode == 0x82) {
        op.code = 0x80; /* its twin that 64-bit mode has kept */
    }
    if (insn->encoding == ENCODING_VEX) {
        recode_vex(x, insn, &f, to->mem_base);
        return;
    }
    if (insn->prefix & PREFIX_REX_W) {
        op.width = 8;
    } else if (insn->op_width == 2 && insn->mandatory != 0x66 && !has_vector_operand(insn)) {
        op.width = 2;
    }
    if (!insn->has_modrm) {
        recode_plain(x, insn, to, op.prefix, op.width);
        return;
    }
    if (insn->has_mem) {
        Address at = operand_address(x, to->mem_base);

        emit_op_rm(e, &op, f.reg, &at);
    } else {
        emit_op_rr(e, &op, f.reg, f.rm);
    }
    immediates(x, insn);
}
