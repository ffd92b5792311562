/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vector_plan.c - what an x87, MMX, SSE or AVX instruction needs, read from its encoding. */
#include "runtime/software_cpu/thunk_int.h"

static unsigned uses_state(const Insn *insn)
{
    unsigned uses = 0;

    if (insn->encoding == ENCODING_VEX) {
        return USES_AVX;
    }
    if (insn->map == 0) {
        return USES_X87;
    }
    if (insn->mnemonic == ZYDIS_MNEMONIC_EMMS) {
        return USES_MMX;
    }
    for (unsigned i = 0; i < insn->n_operands; i++) {
        if (insn->op[i].kind == OPERAND_MMX) {
            uses |= USES_MMX;
        } else if (insn->op[i].kind == OPERAND_VECTOR) {
            uses |= USES_SSE;
        }
    }
    return uses;
}

static unsigned uses_flags_x87(const Insn *insn)
{
    unsigned reg = (insn->modrm >> 3) & 7;

    if (insn->modrm < 0xc0) {
        return 0;
    }
    if ((insn->opcode == 0xda || insn->opcode == 0xdb) && reg < 4) {
        return USES_FLAGS_IN; /* FCMOVcc */
    }
    if ((insn->opcode == 0xdb || insn->opcode == 0xdf) && (reg == 5 || reg == 6)) {
        return USES_FLAGS_OUT; /* FCOMI and its kin */
    }
    return 0;
}

/* PCMPESTRM, PCMPESTRI, PCMPISTRM, PCMPISTRI: 0F3A 60 to 63 */
static bool is_string_compare(const Insn *insn)
{
    return insn->map == 3 && insn->opcode >= 0x60 && insn->opcode <= 0x63;
}

static unsigned uses_flags(const Insn *insn)
{
    switch (insn->map) {
    case 0:
        return uses_flags_x87(insn);
    case 1: /* UCOMISx, COMISx */
        return insn->opcode == 0x2e || insn->opcode == 0x2f ? USES_FLAGS_OUT : 0;
    case 2: /* PTEST, VTESTPx */
        return insn->opcode == 0x17 || (insn->encoding == ENCODING_VEX &&
                                        (insn->opcode == 0x0e || insn->opcode == 0x0f))
                   ? USES_FLAGS_OUT
                   : 0;
    default:
        if (!is_string_compare(insn)) {
            return 0;
        }
        return USES_FLAGS_OUT | (insn->opcode < 0x62 ? USES_LENGTHS : 0) |
               (insn->opcode & 1 ? USES_INDEX_OUT : 0);
    }
}

/* Legacy SSE wants its 16-byte operands aligned, but for the unaligned moves and compares. */
static unsigned align_legacy(const Insn *insn, unsigned width)
{
    bool unaligned = is_string_compare(insn) ||
                     (insn->map == 1 &&
                      (insn->opcode == 0x10 || insn->opcode == 0x11 || insn->opcode == 0xf0)) ||
                     insn->mnemonic == ZYDIS_MNEMONIC_MOVDQU;

    return insn->map == 0 || width != 16 || unaligned ? 0 : 15;
}

static unsigned align_vex(const Insn *insn, unsigned width)
{
    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_VMOVAPS:
    case ZYDIS_MNEMONIC_VMOVAPD:
    case ZYDIS_MNEMONIC_VMOVDQA:
    case ZYDIS_MNEMONIC_VMOVNTPS:
    case ZYDIS_MNEMONIC_VMOVNTPD:
    case ZYDIS_MNEMONIC_VMOVNTDQ:
    case ZYDIS_MNEMONIC_VMOVNTDQA:
        return width - 1;
    default:
        return 0;
    }
}

static void plan_operand(VectorPlan *plan, const Insn *insn, const Operand *op)
{
    if (op->kind == OPERAND_MEM) {
        plan->mem_width = op->width;
        plan->mem_write = op->write;
        plan->align_mask = (uint8_t)(insn->encoding == ENCODING_VEX
                                         ? align_vex(insn, op->width)
                                         : align_legacy(insn, op->width));
    } else if (op->kind == OPERAND_GPR && op->write) {
        plan->gpr_out = op->reg;
        plan->gpr_out_width = op->width > 4 ? 8 : 4;
        plan->uses |= USES_GPR_OUT;
    } else if (op->kind == OPERAND_GPR) {
        plan->gpr_in = op->reg;
        plan->uses |= USES_GPR_IN;
    }
}

void vector_plan_make(VectorPlan *plan, const Insn *insn, ThunkInsn *thunk)
{
    *plan = (VectorPlan){ .gpr_in = THUNK_NO_REG, .gpr_out = THUNK_NO_REG };
    if ((insn->encoding != ENCODING_LEGACY && insn->encoding != ENCODING_VEX) || insn->map > 3) {
        plan->uses = USES_BAD; /* EVEX would need its own encoder */
        return;
    }
    plan->uses = (uint16_t)(uses_state(insn) | uses_flags(insn));
    for (unsigned i = 0; i < insn->n_operands; i++) {
        plan_operand(plan, insn, &insn->op[i]);
    }
    if (plan->uses & USES_LENGTHS) {
        plan->gpr_in = RAX;
    }
    if (plan->uses & USES_INDEX_OUT) {
        plan->gpr_out = RCX;
        plan->gpr_out_width = 4;
    }
    if (insn->has_mem && (plan->mem_width == 0 || plan->mem_width > THUNK_BOUNCE)) {
        plan->uses |= USES_BAD;
    }
    thunk_encode(thunk, insn, plan->uses);
}
