/* SPDX-License-Identifier: GPL-2.0-or-later */
/* insn.c - Insn from Zydis. */
#include "translator/insn.h"
#include "translator/insn_feature.h"
#include "runtime/cpu/cpu.h"
#include <Zydis/Zydis.h>
#include <glib.h>
#include <string.h>

static void decoder_init(ZydisDecoder *decoder, unsigned code_width)
{
    switch (code_width) {
    case 8:
        ZydisDecoderInit(decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
        break;
    case 4:
        ZydisDecoderInit(decoder, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
        break;
    default:
        ZydisDecoderInit(decoder, ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
        break;
    }
}

/* Zydis numbers byte registers AL..BL, AH..BH, SPL.., R8B..; all others in encoding order. */
static void operand_gpr(Operand *op, ZydisRegister reg)
{
    op->kind = OPERAND_GPR;
    if (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH) {
        op->kind = OPERAND_GPR_HIGH;
        op->reg = (uint8_t)(reg - ZYDIS_REGISTER_AH);
    } else if (reg >= ZYDIS_REGISTER_SPL && reg <= ZYDIS_REGISTER_R15B) {
        op->reg = (uint8_t)(reg - ZYDIS_REGISTER_SPL + RSP);
    } else {
        op->reg = (uint8_t)ZydisRegisterGetId(reg);
    }
}

static void operand_register(Operand *op, ZydisRegister reg)
{
    op->reg = (uint8_t)ZydisRegisterGetId(reg);
    switch (ZydisRegisterGetClass(reg)) {
    case ZYDIS_REGCLASS_GPR8:
    case ZYDIS_REGCLASS_GPR16:
    case ZYDIS_REGCLASS_GPR32:
    case ZYDIS_REGCLASS_GPR64:
        operand_gpr(op, reg);
        break;
    case ZYDIS_REGCLASS_SEGMENT:
        op->kind = OPERAND_SEGMENT;
        break;
    case ZYDIS_REGCLASS_CONTROL:
        op->kind = OPERAND_CR;
        break;
    case ZYDIS_REGCLASS_DEBUG:
        op->kind = OPERAND_DR;
        break;
    case ZYDIS_REGCLASS_X87:
        op->kind = OPERAND_ST;
        break;
    case ZYDIS_REGCLASS_MMX:
        op->kind = OPERAND_MMX;
        break;
    case ZYDIS_REGCLASS_XMM:
    case ZYDIS_REGCLASS_YMM:
    case ZYDIS_REGCLASS_ZMM:
        op->kind = OPERAND_VECTOR;
        break;
    case ZYDIS_REGCLASS_MASK:
        op->kind = OPERAND_MASK;
        break;
    case ZYDIS_REGCLASS_BOUND:
        op->kind = OPERAND_BOUND;
        break;
    default:
        op->kind = OPERAND_OTHER;
        break;
    }
}

static uint8_t mem_register(ZydisRegister reg)
{
    if (reg == ZYDIS_REGISTER_NONE) {
        return MEM_NO_REG;
    }
    if (reg == ZYDIS_REGISTER_RIP || reg == ZYDIS_REGISTER_EIP) {
        return MEM_RIP;
    }
    return (uint8_t)ZydisRegisterGetId(reg);
}

static void operand_memory(Insn *insn, Operand *op, const ZydisDecodedOperandMem *mem)
{
    insn->has_mem = true;
    op->kind = OPERAND_MEM;
    if (mem->type == ZYDIS_MEMOP_TYPE_AGEN) {
        op->width = 0;
    }
    insn->mem.base = mem_register(mem->base);
    insn->mem.index = mem_register(mem->index);
    insn->mem.scale = mem->index == ZYDIS_REGISTER_NONE ? 0 : mem->scale;
    insn->mem.vsib = mem->type == ZYDIS_MEMOP_TYPE_VSIB;
    insn->mem.disp = mem->disp.has_displacement ? mem->disp.value : 0;
    insn->mem.segment = (uint8_t)ZydisRegisterGetId(mem->segment);
}

static uint8_t operand_place(ZydisOperandEncoding encoding)
{
    switch (encoding) {
    case ZYDIS_OPERAND_ENCODING_MODRM_REG:
        return PLACE_REG;
    case ZYDIS_OPERAND_ENCODING_MODRM_RM:
        return PLACE_RM;
    case ZYDIS_OPERAND_ENCODING_OPCODE:
        return PLACE_OPCODE;
    case ZYDIS_OPERAND_ENCODING_NDSNDD:
        return PLACE_VVVV;
    case ZYDIS_OPERAND_ENCODING_IS4:
        return PLACE_IS4;
    default:
        return PLACE_NONE;
    }
}

static void operand_fill(Insn *insn, const ZydisDecodedOperand *from)
{
    Operand *op = &insn->op[insn->n_operands++];

    op->width = (uint16_t)(from->size / 8);
    op->place = operand_place(from->encoding);
    /* What is written only under a condition keeps its old value otherwise. */
    op->read = from->actions & (ZYDIS_OPERAND_ACTION_MASK_READ | ZYDIS_OPERAND_ACTION_CONDWRITE);
    op->write = from->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
    switch (from->type) {
    case ZYDIS_OPERAND_TYPE_REGISTER:
        operand_register(op, from->reg.value);
        break;
    case ZYDIS_OPERAND_TYPE_MEMORY:
        operand_memory(insn, op, &from->mem);
        break;
    case ZYDIS_OPERAND_TYPE_POINTER:
        op->kind = OPERAND_FAR;
        insn->imm = from->ptr.offset;
        insn->imm2 = from->ptr.segment;
        break;
    case ZYDIS_OPERAND_TYPE_IMMEDIATE:
        if (from->imm.is_relative) {
            op->kind = OPERAND_REL;
            insn->imm = from->imm.value.s;
        } else if (insn->n_operands > 1 && insn->op[insn->n_operands - 2].kind == OPERAND_IMM) {
            op->kind = OPERAND_IMM2;
            insn->imm2 = (int32_t)from->imm.value.s;
        } else {
            op->kind = OPERAND_IMM;
            insn->imm = from->imm.value.s;
        }
        break;
    default:
        op->kind = OPERAND_OTHER;
        break;
    }
}

/* Zydis calls the repeat prefixes of string instructions mandatory. */
static bool is_string(const ZydisDecodedInstruction *zi)
{
    return zi->attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE);
}

static uint8_t mandatory_prefix(const ZydisDecodedInstruction *zi)
{
    if (is_string(zi)) {
        return 0;
    }
    for (unsigned i = 0; i < zi->raw.prefix_count; i++) {
        if (zi->raw.prefixes[i].type == ZYDIS_PREFIX_TYPE_MANDATORY) {
            return zi->raw.prefixes[i].value;
        }
    }
    return 0;
}

/* F2 and F3 count as repeat prefixes where they did not select the opcode; the last one wins. */
static uint8_t prefixes(const ZydisDecodedInstruction *zi)
{
    uint8_t prefix = 0;

    for (unsigned i = 0; i < zi->raw.prefix_count; i++) {
        if (zi->raw.prefixes[i].type == ZYDIS_PREFIX_TYPE_MANDATORY && !is_string(zi)) {
            continue;
        }
        switch (zi->raw.prefixes[i].value) {
        case 0xf0:
            prefix |= PREFIX_LOCK;
            break;
        case 0xf2:
            prefix = (uint8_t)((prefix & ~PREFIX_REP) | PREFIX_REPNE);
            break;
        case 0xf3:
            prefix = (uint8_t)((prefix & ~PREFIX_REPNE) | PREFIX_REP);
            break;
        case 0x66:
            prefix |= PREFIX_OPSIZE;
            break;
        case 0x67:
            prefix |= PREFIX_ADDRSIZE;
            break;
        default:
            break;
        }
    }
    if (zi->attributes & ZYDIS_ATTRIB_HAS_SEGMENT) {
        prefix |= PREFIX_SEGMENT;
    }
    if (zi->attributes & ZYDIS_ATTRIB_HAS_REX) {
        prefix |= PREFIX_REX | (zi->raw.rex.W ? PREFIX_REX_W : 0);
    }
    return prefix;
}

/* The segment that hidden memory operands use (strings, XLAT, MASKMOV, CLZERO): DS or a prefix's.
 * Zydis knows no memory operand of some of them, so that the prefixes themselves are looked at. */
static uint8_t hidden_segment(const ZydisDecodedInstruction *zi, unsigned code_width)
{
    static const struct {
        uint8_t prefix, segment;
        bool wide; /* in 64-bit mode too, where the others are ignored */
    } overrides[] = { { 0x26, ES, false }, { 0x2e, CS, false }, { 0x36, SS, false },
                      { 0x3e, DS, false }, { 0x64, FS, true },  { 0x65, GS, true } };
    uint8_t segment = DS;

    for (unsigned i = 0; i < zi->raw.prefix_count; i++) {
        for (size_t k = 0; k < G_N_ELEMENTS(overrides); k++) {
            if (overrides[k].prefix == zi->raw.prefixes[i].value &&
                (overrides[k].wide || code_width != 8)) {
                segment = overrides[k].segment;
            }
        }
    }
    return segment;
}

static void places(Insn *insn, const ZydisDecodedInstruction *zi)
{
    unsigned tail = (zi->raw.disp.size + zi->raw.imm[0].size + zi->raw.imm[1].size) / 8;

    insn->has_modrm = zi->attributes & ZYDIS_ATTRIB_HAS_MODRM;
    insn->modrm_at = zi->raw.modrm.offset;
    insn->disp_at = zi->raw.disp.offset;
    insn->disp_size = zi->raw.disp.size / 8;
    insn->imm_at = zi->raw.imm[0].offset;
    insn->imm_size = zi->raw.imm[0].size / 8;
    if (zi->encoding == ZYDIS_INSTRUCTION_ENCODING_3DNOW) {
        insn->opcode_at = zi->length - 1;
    } else if (insn->has_modrm) {
        insn->opcode_at = insn->modrm_at - 1;
    } else {
        insn->opcode_at = (uint8_t)(zi->length - tail - 1);
    }
    insn->modrm = insn->has_modrm ? insn->bytes[insn->modrm_at] : 0;
}

static uint8_t opcode_map(const ZydisDecodedInstruction *zi)
{
    switch (zi->opcode_map) {
    case ZYDIS_OPCODE_MAP_0F:
        return 1;
    case ZYDIS_OPCODE_MAP_0F38:
        return 2;
    case ZYDIS_OPCODE_MAP_0F3A:
        return 3;
    default:
        return 0;
    }
}

/* Zydis takes 3E before an indirect branch for NOTRACK; outside 64-bit mode it overrides to DS. */
static void notrack_segment(Insn *insn, const ZydisDecodedInstruction *zi)
{
    if (insn->code_width == 8 || !insn->has_mem || !(zi->attributes & ZYDIS_ATTRIB_HAS_NOTRACK)) {
        return;
    }
    insn->mem.segment = DS;
}

/* F3 90 with REX.B exchanges R8 and RAX, on some CPUs: others take it for PAUSE all the same. It
 * keeps the prefix, so that the host decides. */
static void pause_with_rex(Insn *insn, const ZydisDecodedInstruction *zi)
{
    if (zi->mnemonic != ZYDIS_MNEMONIC_PAUSE || !(zi->attributes & ZYDIS_ATTRIB_HAS_REX) ||
        !zi->raw.rex.B) {
        return;
    }
    insn->mnemonic = ZYDIS_MNEMONIC_XCHG;
    insn->mandatory = 0xf3;
    insn->n_operands = 2;
    insn->op[0] = (Operand){ OPERAND_GPR, R8, insn->op_width, true, true, PLACE_OPCODE };
    insn->op[1] = (Operand){ OPERAND_GPR, RAX, insn->op_width, true, true, PLACE_NONE };
}

/* With a source of zero they leave the destination as it was. */
static void bit_scan_destination(Insn *insn)
{
    if (insn->mnemonic == ZYDIS_MNEMONIC_BSF || insn->mnemonic == ZYDIS_MNEMONIC_BSR) {
        insn->op[0].read = true;
    }
}

/* SIB base 5 with mod 0 is a displacement without base, whatever REX.B says; under a 67 prefix
 * Zydis makes it R13. */
static void sib_without_base(Insn *insn, const ZydisDecodedInstruction *zi)
{
    unsigned disp_at = zi->raw.modrm.offset + 2u;

    if (!insn->has_mem || insn->code_width != 8 || insn->address_width != 4 ||
        zi->raw.modrm.mod != 0 || zi->raw.modrm.rm != 4 || (insn->bytes[disp_at - 1] & 7) != 5 ||
        disp_at + 4 > insn->length) {
        return;
    }
    insn->mem.base = MEM_NO_REG;
    insn->mem.disp = (int32_t)((uint32_t)insn->bytes[disp_at] |
                               (uint32_t)insn->bytes[disp_at + 1] << 8 |
                               (uint32_t)insn->bytes[disp_at + 2] << 16 |
                               (uint32_t)insn->bytes[disp_at + 3] << 24);
}

static void insn_fill(Insn *insn, const ZydisDecodedInstruction *zi, const ZydisDecodedOperand *ops,
                      unsigned code_width)
{
    insn->mnemonic = (uint16_t)zi->mnemonic;
    insn->length = zi->length;
    insn->op_width = zi->operand_width / 8;
    insn->address_width = zi->address_width / 8;
    insn->prefix = prefixes(zi);
    insn->mandatory = mandatory_prefix(zi);
    insn->encoding = (uint8_t)zi->encoding;
    insn->map = opcode_map(zi);
    insn->opcode = zi->opcode;
    if (zi->encoding == ZYDIS_INSTRUCTION_ENCODING_VEX ||
        zi->encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX) {
        insn->vector_width = (uint8_t)(zi->avx.vector_length / 8);
    }
    insn->cpuid = (uint16_t)insn_feature(zi->meta.isa_set, insn);
    insn->mem.base = MEM_NO_REG;
    insn->mem.index = MEM_NO_REG;
    insn->mem.segment = hidden_segment(zi, code_width);
    for (unsigned i = 0; i < zi->operand_count_visible && i < INSN_MAX_OPERANDS; i++) {
        operand_fill(insn, &ops[i]);
    }
    notrack_segment(insn, zi);
    pause_with_rex(insn, zi);
    bit_scan_destination(insn);
    sib_without_base(insn, zi);
    places(insn, zi);
}

/* What Zydis takes for an instruction and this kind of CPU does not: the VEX forms of Knights
 * Corner, CLZERO under a prefix, and VPEXTRQ and VPINSRQ outside 64-bit mode (SDM vol. 2, PEXTRQ
 * and PINSRQ: VEX.W1 is invalid there; of EVEX.W1 it says that W is ignored). */
static bool refused(const ZydisDecodedInstruction *zi, unsigned code_width)
{
    switch (zi->mnemonic) {
    case ZYDIS_MNEMONIC_VPEXTRD:
    case ZYDIS_MNEMONIC_VPINSRD:
        return zi->encoding == ZYDIS_INSTRUCTION_ENCODING_VEX && code_width != 8 && zi->raw.vex.W;
    case ZYDIS_MNEMONIC_TZCNT:
    case ZYDIS_MNEMONIC_LZCNT:
    case ZYDIS_MNEMONIC_POPCNT:
    case ZYDIS_MNEMONIC_JKZD:
    case ZYDIS_MNEMONIC_JKNZD:
        return zi->encoding == ZYDIS_INSTRUCTION_ENCODING_VEX;
    case ZYDIS_MNEMONIC_CLZERO:
        return prefixes(zi) & (PREFIX_REP | PREFIX_REPNE | PREFIX_OPSIZE);
    default:
        return false;
    }
}

InsnStatus insn_decode(Insn *insn, const uint8_t *code, size_t available, unsigned code_width)
{
    ZydisDecoder decoder;
    ZydisDecoderContext context;
    ZydisDecodedInstruction zi;
    ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
    ZyanStatus status;

    memset(insn, 0, sizeof(*insn));
    insn->code_width = (uint8_t)code_width;
    decoder_init(&decoder, code_width);
    status = ZydisDecoderDecodeInstruction(&decoder, &context, code, available, &zi);
    if (ZYAN_SUCCESS(status)) {
        status = ZydisDecoderDecodeOperands(&decoder, &context, &zi, ops, zi.operand_count_visible);
    }
    if (status == ZYDIS_STATUS_NO_MORE_DATA) {
        return available >= INSN_MAX_LENGTH ? INSN_TOO_LONG : INSN_TRUNCATED;
    }
    if (status == ZYDIS_STATUS_INSTRUCTION_TOO_LONG) {
        return INSN_TOO_LONG;
    }
    if (ZYAN_FAILED(status) || refused(&zi, code_width)) {
        return INSN_BAD;
    }
    memcpy(insn->bytes, code, zi.length);
    insn_fill(insn, &zi, ops, code_width);
    return INSN_OK;
}

const char *insn_name(const Insn *insn)
{
    const char *name = ZydisMnemonicGetString((ZydisMnemonic)insn->mnemonic);

    return insn->mnemonic == ZYDIS_MNEMONIC_INVALID || name == NULL ? "(bad)" : name;
}

void insn_format(const Insn *insn, uint64_t address, char *text, size_t size)
{
    ZydisDecoder decoder;
    ZydisDecodedInstruction zi;
    ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
    ZydisFormatter formatter;

    g_strlcpy(text, "(bad)", size);
    decoder_init(&decoder, insn->code_width);
    if (insn->length != 0 &&
        ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, insn->bytes, insn->length, &zi, ops))) {
        ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
        ZydisFormatterFormatInstruction(&formatter, &zi, ops, zi.operand_count_visible, text, size,
                                        address, NULL);
    }
}

static const bool vector_rows[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
#define INSN(mnemonic, exec, lowering, written, read) [ZYDIS_MNEMONIC_##mnemonic] = true,
#include "translator/insns_vector.def"
#undef INSN
};

bool insn_uses_vector(const Insn *insn)
{
    if (insn->mnemonic == ZYDIS_MNEMONIC_MOVSD || insn->mnemonic == ZYDIS_MNEMONIC_CMPSD) {
        return insn->n_operands != 0; /* else of strings */
    }
    return vector_rows[insn->mnemonic];
}
