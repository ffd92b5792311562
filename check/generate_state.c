/* SPDX-License-Identifier: GPL-2.0-or-later */
/* generate_state.c - random registers and memory; addresses that lead into the window. */
#include <Zydis/Mnemonic.h>
#include <glib.h>
#include <string.h>
#include "check/generate.h"
#include "check/generate_int.h"

/* ---- Numbers ---- */

static uint64_t draw_integer(Random *random)
{
    static const uint64_t edges[] = {
        0,      1,          2,        0x7f,       0x80,       0xff,       0x7fff,     0x8000,
        0xffff, 0x7fffffff, 1u << 31, UINT32_MAX, 1ull << 32, 0x99999999, 0x12345678, 31,
        32,     33,         63,       64,         INT64_MAX,  1ull << 63, ~0ull,      ~1ull,
    };
    uint64_t pick = random_next(random);

    switch (pick & 7) {
    case 0:
    case 1:
    case 2:
        return edges[(pick >> 8) % G_N_ELEMENTS(edges)];
    case 3:
        return pick >> 8 & 0xff;
    case 4:
        return random_next(random) >> (pick >> 8 & 63);
    default:
        return random_next(random);
    }
}

/* Two singles or a double: special values, reals near one, integers. */
static uint64_t draw_lane(Random *random)
{
    static const uint64_t special[] = {
        0,
        ~0ull,
        0x8000000000000000,
        0x3ff0000000000000, /* 1.0 */
        0x7ff0000000000000, /* infinity */
        0x7ff8000000000001, /* quiet */
        0x7ff0000000000001, /* signalling */
        0x0000000000000001, /* denormal */
        0x8000000000800001,
        0x3f8000003f800000, /* 1.0f */
        0x7f800000ff800000,
        0x7fc000017f800001,
        0x0000000180000000,
        0x41dfffffffc00000, /* 2^31 - 1 */
        0x4b0000004b7fffff,
        0x4142434400004546, /* text with an end */
        0x7fefffffffffffff, /* largest */
        0x0010000000000000, /* smallest that is normal */
    };
    uint64_t pick = random_next(random);

    switch (pick & 3) {
    case 0:
        return special[(pick >> 8) % G_N_ELEMENTS(special)];
    case 1:
        return (random_next(random) & 0x801fffff807fffff) | 0x3fe000003f000000;
    case 2:
        return draw_integer(random);
    default:
        return random_next(random);
    }
}

void generate_image(Random *random, NativeImage *image)
{
    for (unsigned i = 0; i < sizeof(image->bytes); i += 8) {
        uint64_t lane = draw_lane(random);

        memcpy(image->bytes + i, &lane, 8);
    }
}

static void draw_real(Random *random, uint8_t *to)
{
    static const uint16_t exponents[] = { 0, 1, 0x3ffe, 0x3fff, 0x4000, 0x403e, 0x7ffe, 0x7fff };
    uint64_t kind = random_next(random);
    uint64_t mantissa = random_next(random) | (kind & 0x30 ? 1ull << 63 : 0);
    uint16_t exponent = (uint16_t)(kind >> 8 & 0x7fff);

    if (kind & 3) {
        exponent = exponents[(kind >> 24) % G_N_ELEMENTS(exponents)];
    }
    if ((kind >> 40 & 7) == 0) {
        mantissa = 1ull << 63;
    } else if ((kind >> 40 & 15) == 1) {
        mantissa = 0;
    }
    exponent |= (uint16_t)((kind >> 7 & 1) << 15);
    memcpy(to, &mantissa, 8);
    memcpy(to + 8, &exponent, 2);
}

static void draw_x87(Random *random, uint8_t *area)
{
    uint64_t pick = random_next(random);
    uint16_t control = 0x40 | (pick & 0xf00) | ((pick >> 12 & 7) != 0 ? 0x3f : pick & 0x3f);
    uint16_t status = (uint16_t)(pick >> 16 & 0x7f00);

    if ((pick >> 36 & 7) == 0) {
        status |= pick >> 40 & 0x3f;
    }
    if (status & ~control & 0x3f) {
        status |= 0x8080; /* an unmasked error is pending */
    }
    memcpy(area, &control, 2);
    memcpy(area + 2, &status, 2);
    area[4] = (uint8_t)((pick >> 32 & 3) ? 0xff : pick >> 48);
    for (unsigned i = 0; i < 8; i++) {
        draw_real(random, area + 32 + i * 16);
    }
}

static void draw_vector(Isa isa, Random *random, uint8_t *area)
{
    uint64_t pick = random_next(random);
    uint32_t mxcsr = (uint32_t)(pick & 0xe07f) | 0x1f80;
    unsigned size = isa == ISA_64 ? 256 : 128;

    if ((pick >> 32 & 15) == 0) { /* some errors unmasked; flags that stand do not trap */
        mxcsr &= ~(uint32_t)(pick >> 40 & 0x1f80);
    }
    draw_x87(random, area);
    memcpy(area + 24, &mxcsr, 4);
    for (unsigned i = 0; i < size; i += 8) {
        uint64_t low = draw_lane(random), high = draw_lane(random);

        memcpy(area + 160 + i, &low, 8);
        memcpy(area + 576 + i, &high, 8);
    }
    area[512] = 7;
}

/* What reaches a linear address by DS. */
static uint64_t data_offset(Isa isa, uint64_t address)
{
    return isa == ISA_16 ? address - NATIVE_SEGMENT : address;
}

/* An address in the window or at its edges. */
static uint64_t draw_address(Random *random)
{
    uint64_t pick = random_next(random), address;

    switch (pick & 31) {
    case 0:
        address = NATIVE_WINDOW - 32 + (pick >> 8 & 63);
        break;
    case 1:
    case 2:
        address = NATIVE_WINDOW + NATIVE_WRITABLE - 48 + (pick >> 8 & 63);
        break;
    case 3:
        address = NATIVE_WINDOW + NATIVE_WINDOW_SIZE - 48 + (pick >> 8 & 63);
        break;
    case 4:
    case 5:
    case 6:
    case 7:
        address = NATIVE_WINDOW + (pick >> 8) % (NATIVE_WRITABLE - 64);
        break;
    default:
        address = NATIVE_WINDOW + PAGE_SIZE - 96 + (pick >> 8) % 160;
        break;
    }
    return pick & 32 ? address & ~63ull : address;
}

void state_draw(Isa isa, Random *random, NativeStart *start)
{
    uint64_t pick = random_next(random);

    for (unsigned i = 0; i < (isa == ISA_64 ? 16 : 8); i++) {
        start->gpr[i] = draw_integer(random);
    }
    start->gpr[RSP] = data_offset(isa, NATIVE_WINDOW + 0x800) + (pick & 0xff8) +
                      ((pick >> 12 & 15) == 0 ? 3 : 0);
    if (isa == ISA_16 && (pick >> 17 & 3) == 0) { /* the upper half is not part of the pointer */
        start->gpr[RSP] |= pick & 0xffff0000;
    }
    if (pick >> 16 & 1) {
        start->gpr[RBP] = data_offset(isa, NATIVE_WINDOW + 0x800) + (pick >> 20 & 0xff8);
    }
    start->rflags = FLAG_1 | FLAG_IF | (pick >> 32 & FLAGS_ARITH) |
                    ((pick >> 48 & 7) == 0 ? FLAG_DF : 0) | ((pick >> 51 & 7) == 0 ? FLAG_ID : 0);
    for (unsigned i = 0; isa != ISA_64 && i < 8; i++) {
        start->gpr[i] = (uint32_t)start->gpr[i];
    }
    draw_vector(isa, random, start->vector);
}

/* ---- Addresses ---- */

static bool settable(const Draft *draft, unsigned reg)
{
    return reg <= R15 && ((draft->known | draft->written) & (1u << reg)) == 0;
}

static void register_set(Draft *draft, unsigned reg, uint64_t value)
{
    draft->test->start.gpr[reg] = draft->isa == ISA_64 ? value : (uint32_t)value;
    draft->known |= 1u << reg;
}

/* Of an address: with 16-bit addresses the upper half stays what it was. */
static void address_set(Draft *draft, const Insn *insn, unsigned reg, uint64_t value)
{
    if (insn->address_width == 2) {
        value = (value & 0xffff) | (draft->test->start.gpr[reg] & 0xffff0000);
    }
    register_set(draft, reg, value);
}

static void pointer_set(Draft *draft, const Insn *insn, unsigned reg, Random *random)
{
    if (settable(draft, reg)) {
        address_set(draft, insn, reg, data_offset(draft->isa, draw_address(random)));
    }
}

/* Offsets of a gather: small ones. */
static void gather_set(Draft *draft, const Insn *insn, Random *random)
{
    uint8_t *area = draft->test->start.vector;

    for (unsigned i = 0; i < 32; i += 4) {
        uint32_t offset = random_next(random) & 0x7f;
        unsigned at = (i < 16 ? 160 : 576 - 16) + insn->mem.index * 16u + i;

        memcpy(area + at, &offset, 4);
    }
}

static void displacement_set(Draft *draft, const Insn *insn, int64_t value)
{
    int32_t disp = (int32_t)value;

    if (insn->disp_size == 4 || insn->disp_size == 2) {
        memcpy(draft->test->code + draft->test->length + insn->disp_at, &disp, insn->disp_size);
    }
}

/* The ways out of a test differ by who runs it: they are not to be read. */
static void code_pointer_drop(Draft *draft, unsigned reg)
{
    if (draft->isa != ISA_16 && reg <= R15 &&
        draft->test->start.gpr[reg] >> 16 == NATIVE_CODE >> 16) {
        register_set(draft, reg, NATIVE_WINDOW);
    }
}

static void operand_lead(Draft *draft, const Insn *insn, Random *random)
{
    const MemOperand *mem = &insn->mem;
    const NativeStart *start = &draft->test->start;
    uint64_t target = data_offset(draft->isa, draw_address(random)), index = 0;

    code_pointer_drop(draft, mem->base);
    if (mem->vsib) {
        gather_set(draft, insn, random);
    } else if (mem->index <= R15) {
        index = start->gpr[mem->index] * mem->scale;
        draft->known |= 1u << mem->index;
    }
    if (mem->base == MEM_RIP) {
        displacement_set(draft, insn,
                         (int64_t)(target - start->rip - draft->test->length - insn->length));
    } else if (mem->base == MEM_NO_REG) {
        displacement_set(draft, insn, (int64_t)(target - index));
    } else if (mem->base != mem->index && settable(draft, mem->base)) {
        address_set(draft, insn, mem->base, target - (uint64_t)mem->disp - index);
    }
}

/* Registers that an instruction uses without naming them, and counts that should be small. */
static void implied_lead(Draft *draft, const Insn *insn, Random *random)
{
    uint64_t pick = random_next(random);

    if ((insn->prefix & (PREFIX_REP | PREFIX_REPNE)) && settable(draft, RCX)) {
        register_set(draft, RCX, pick & 15);
    }
    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_DIV:
    case ZYDIS_MNEMONIC_IDIV:
        if ((pick >> 8 & 3) && settable(draft, RDX)) {
            register_set(draft, RDX, pick >> 10 & 1 ? 0 : (uint64_t) - (int64_t)(pick >> 11 & 1));
        }
        break;
    case ZYDIS_MNEMONIC_BT:
    case ZYDIS_MNEMONIC_BTC:
    case ZYDIS_MNEMONIC_BTR:
    case ZYDIS_MNEMONIC_BTS:
        if (insn->has_mem && insn->op[1].kind == OPERAND_GPR && settable(draft, insn->op[1].reg)) {
            register_set(draft, insn->op[1].reg, (pick >> 8 & 0x3ff) - 0x200);
        }
        break;
    case ZYDIS_MNEMONIC_XLAT:
        pointer_set(draft, insn, RBX, random);
        break;
    case ZYDIS_MNEMONIC_MASKMOVQ:
    case ZYDIS_MNEMONIC_MASKMOVDQU:
    case ZYDIS_MNEMONIC_VMASKMOVDQU:
        /* away from the edges: whether bytes that are not stored fault differs by CPU */
        if (settable(draft, RDI)) {
            address_set(draft, insn, RDI,
                        data_offset(draft->isa, NATIVE_WINDOW + 64 + (pick >> 8 & 0xfff)));
        }
        break;
    case ZYDIS_MNEMONIC_CALL:
    case ZYDIS_MNEMONIC_JMP:
        if (insn->op[0].kind == OPERAND_GPR && settable(draft, insn->op[0].reg)) {
            register_set(draft, insn->op[0].reg,
                         draft->test->start.rip + draft->test->length + insn->length);
        }
        break;
    default:
        break;
    }
}

static bool is_string(const Insn *insn)
{
    return insn->map == 0 && !insn->has_modrm && insn->encoding == ENCODING_LEGACY &&
           ((insn->opcode >= 0xa4 && insn->opcode <= 0xa7) ||
            (insn->opcode >= 0xaa && insn->opcode <= 0xaf));
}

static void written_note(Draft *draft, const Insn *insn)
{
    for (unsigned i = 0; i < insn->n_operands; i++) {
        const Operand *op = &insn->op[i];

        if (op->write && (op->kind == OPERAND_GPR || op->kind == OPERAND_GPR_HIGH)) {
            draft->written |= 1u << op->reg;
        }
    }
    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_MUL:
    case ZYDIS_MNEMONIC_IMUL:
    case ZYDIS_MNEMONIC_DIV:
    case ZYDIS_MNEMONIC_IDIV:
    case ZYDIS_MNEMONIC_CMPXCHG:
    case ZYDIS_MNEMONIC_CMPXCHG8B:
    case ZYDIS_MNEMONIC_CMPXCHG16B:
        draft->written |= 1u << RAX | 1u << RDX;
        break;
    default:
        break;
    }
}

void draft_add(Draft *draft, const Insn *insn, Random *random)
{
    NativeTest *test = draft->test;

    memcpy(test->code + test->length, insn->bytes, insn->length);
    if (is_string(insn)) {
        code_pointer_drop(draft, RSI);
        pointer_set(draft, insn, RSI, random);
        pointer_set(draft, insn, RDI, random);
        draft->written |= 1u << RSI | 1u << RDI | 1u << RCX;
    } else if (insn->has_mem) {
        operand_lead(draft, insn, random);
    }
    implied_lead(draft, insn, random);
    written_note(draft, insn);
    if (insn->n_operands == 1 && insn->op[0].kind == OPERAND_REL) {
        draft->branch[draft->n_branches].at = (uint8_t)(test->length + insn->imm_at);
        draft->branch[draft->n_branches].size = insn->imm_size;
        draft->branch[draft->n_branches].insn = test->n_insns;
        draft->n_branches++;
    }
    draft->starts[test->n_insns++] = test->length;
    test->length = (uint8_t)(test->length + insn->length);
    draft->starts[test->n_insns] = test->length;
}

void draft_finish(Draft *draft, Random *random)
{
    NativeTest *test = draft->test;

    for (unsigned i = 0; i < draft->n_branches; i++) {
        unsigned from = draft->branch[i].insn + 1u;
        unsigned to = from + (unsigned)random_below(random, test->n_insns - from + 1u);
        int32_t disp = draft->starts[to] - draft->starts[from];

        memcpy(test->code + draft->branch[i].at, &disp, draft->branch[i].size);
    }
    test->start.leave = test->start.rip + test->length;
}
