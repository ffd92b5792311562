/* SPDX-License-Identifier: GPL-2.0-or-later */
/* system_plain.c - rows of flags, ports and ordinary instructions, the latter with all of their
 * flags defined. */
#include "check/system_draft.h"

/* ---- Flags ---- */

static void emit_popf(Draft *draft)
{
    draft_push(draft, draw_flags(draft));
    draft_insn(draft);
    DRAFT(draft, 0x9d);
}

static void emit_pushf(Draft *draft)
{
    draft_insn(draft);
    if (draw(draft, 3) == 0) {
        DRAFT(draft, 0x66);
    }
    DRAFT(draft, 0x9c);
}

static void emit_interrupt_flag(Draft *draft)
{
    draft_insn(draft);
    DRAFT(draft, (uint8_t)(draw(draft, 3) != 0 ? 0xfb : 0xfa)); /* STI, CLI */
}

static void emit_ac(Draft *draft)
{
    draft_insn(draft);
    DRAFT(draft, 0x0f, 0x01, (uint8_t)(0xca + draw(draft, 2))); /* CLAC, STAC */
}

static void emit_trap_flag(Draft *draft)
{
    draft_push(draft, FLAG_TF | FLAG_1 | (draw(draft, 2) != 0 ? FLAG_IOPL : 0));
    draft_insn(draft);
    DRAFT(draft, 0x9d);
}

/* ---- Ports and waiting ---- */

/* What may be in SS. */
static uint16_t stack_selector(const Draft *draft)
{
    return draft->program->start.mode <= SYSTEM_VM86 ? 0
           : draft_user(draft)                       ? SELECTOR_USER_DATA | 3
                                                     : SELECTOR_DATA32;
}

static unsigned draw_events(Draft *draft)
{
    static const uint8_t list[] = {
        SYS_EVENT_INTR,  SYS_EVENT_INTR,
        SYS_EVENT_NMI,   SYS_EVENT_NMI | SYS_EVENT_INTR,
        SYS_EVENT_BLOCK, SYS_EVENT_BLOCK | SYS_EVENT_NMI,
        SYS_EVENT_SMI,   SYS_EVENT_SMI | SYS_EVENT_NMI | SYS_EVENT_INTR
    };

    return DRAW_OF(draft, list);
}

static void emit_raise(Draft *draft)
{
    draft_raise(draft, draw_events(draft));
    switch (draw(draft, 5)) {
    case 0:
        draft_insn(draft);
        DRAFT(draft, 0xfb);
        draft_insn(draft);
        DRAFT(draft, 0x90);
        break;
    case 1:
        draft_insn(draft);
        DRAFT(draft, 0xfb);
        draft_raise(draft, draw_events(draft));
        break;
    case 2:
        draft_mov(draft, RAX, stack_selector(draft));
        draft_insn(draft);
        DRAFT(draft, 0x8e, 0xd0); /* mov ss, eax */
        draft_insn(draft);
        DRAFT(draft, 0x90);
        break;
    case 3:
        emit_popf(draft);
        break;
    default:
        break;
    }
}

/* MOV SS from memory that raises: it is pending while nothing may be taken. */
static void emit_shadow(Draft *draft)
{
    static const uint8_t list[] = { SYS_EVENT_NMI, SYS_EVENT_NMI, SYS_EVENT_NMI | SYS_EVENT_INTR,
                                    SYS_EVENT_SMI, SYS_EVENT_INTR };
    bool real = draft->program->start.mode <= SYSTEM_VM86;
    uint32_t at = (uint32_t)DRAW_OF(draft, list) << 11 | (uint32_t)stack_selector(draft) << 1;

    if (draft->program->on_pc) {
        emit_raise(draft);
        return;
    }
    if (draft->width == 2) {
        draft_mov(draft, RAX, real ? SYS_EVENTS >> 4 : SELECTOR_EVENTS | 3);
        draft_insn(draft);
        DRAFT(draft, 0x8e, 0xe0); /* mov fs, eax */
        draft_insn(draft);
        DRAFT(draft, 0x64);
    } else {
        at += SYS_EVENTS;
        draft_insn(draft);
    }
    DRAFT(draft, 0x8e);
    draft_absolute(draft, SS, at);
    switch (draw(draft, 4)) {
    case 0:
        emit_interrupt_flag(draft);
        break;
    case 1:
        draft_insn(draft);
        DRAFT(draft, 0xf4);
        break;
    case 2:
        draft_raise(draft, draw_events(draft));
        break;
    default:
        draft_insn(draft);
        DRAFT(draft, 0x90);
        break;
    }
}

static void emit_port(Draft *draft)
{
    static const uint8_t dx[] = { 0xec, 0xed, 0xee, 0xef, 0x6c, 0x6d, 0x6e, 0x6f };
    static const uint16_t ports[] = { 0x2f0, 0x2f4, 0x80, 0x2f0 };
    uint8_t opcode = DRAW_OF(draft, dx);

    draft_mov(draft, RDX,
              draft->program->on_pc || draw(draft, 4) != 0 ? DRAW_OF(draft, ports)
                                                           : SYS_PORT_EVENT + draw_events(draft));
    draft_mov(draft, RSI, draw_address(draft));
    draft_mov(draft, RDI, draw_address(draft));
    draft_mov(draft, RCX, draw(draft, 4));
    draft_insn(draft);
    if (opcode < 0x70 && draw(draft, 2) != 0) {
        DRAFT(draft, 0xf3);
    }
    DRAFT(draft, opcode);
    draft_mov(draft, RAX, 0);
}

static void emit_halt(Draft *draft)
{
    if (draw(draft, 4) != 0) {
        draft_insn(draft);
        DRAFT(draft, 0xfa);
        draft_raise(draft, draw_events(draft));
        draft_insn(draft);
        DRAFT(draft, 0xfb);
    }
    draft_insn(draft);
    DRAFT(draft, 0xf4);
}

/* ---- Ordinary instructions ---- */

static void emit_alu(Draft *draft)
{
    static const uint8_t opcodes[] = { 0x01, 0x11, 0x19, 0x29, 0x39, 0x03, 0x13, 0x1b, 0x2b, 0x3b };
    static const uint8_t singles[] = { 0xf8, 0xf9, 0xf5, 0xfc, 0xfd, 0x9e, 0x9f, 0x98, 0x99, 0x90 };

    draft_insn(draft);
    switch (draw(draft, 4)) {
    case 0:
        DRAFT(draft, DRAW_OF(draft, singles));
        break;
    case 1:
        DRAFT(draft, 0x83, (uint8_t)(0xc0 | draw(draft, 4)), (uint8_t)draw(draft, 256)); /* ADD */
        break;
    case 2:
        DRAFT(draft, 0xff, (uint8_t)(0xc0 | (draw(draft, 16) & 11))); /* INC, DEC */
        break;
    default:
        DRAFT(draft, DRAW_OF(draft, opcodes),
              (uint8_t)(0xc0 | draw(draft, 4) << 3 | draw(draft, 4)));
        break;
    }
}

static void emit_memory(Draft *draft)
{
    static const uint8_t opcodes[] = { 0x8b, 0x89, 0x8a, 0x88, 0x01, 0x2b, 0x87, 0x3b };

    draft_insn(draft);
    if (draw(draft, 8) == 0) {
        DRAFT(draft, (uint8_t)(0x64 + draw(draft, 2)));
    }
    DRAFT(draft, DRAW_OF(draft, opcodes));
    draft_absolute(draft, (unsigned)draw(draft, 4),
                   draw(draft, 8) == 0 ? (uint32_t)draw(draft, 0x10000) : draw_address(draft));
}

/* Through a register, wherever that leads. */
static void emit_pointer(Draft *draft)
{
    static const uint8_t opcodes[] = { 0x8b, 0x89, 0x8a, 0x88, 0x01 };
    uint64_t address = draw(draft, 2) != 0 || draft_bare(draft) ? draw_address(draft)
                                                                : draw_number(draft);

    if (draft->width == 8 && draw(draft, 8) == 0) {
        address = 0xffffffffc0000000 + draw_address(draft); /* the same memory */
    }
    draft_mov(draft, RSI, address);
    draft_insn(draft);
    DRAFT(draft, DRAW_OF(draft, opcodes),
          (uint8_t)(draft->width == 2 ? 0x0c : 0x0e)); /* CX, [SI] */
}

static void emit_stack(Draft *draft)
{
    static const uint8_t bytes[] = { 0x50, 0x51, 0x58, 0x59, 0x60, 0x61,
                                     0x06, 0x0e, 0x16, 0x1e, 0xc9 };

    draft_insn(draft);
    switch (draw(draft, 4)) {
    case 0:
        DRAFT(draft, 0xc8, (uint8_t)(draw(draft, 32) * 8), 0, (uint8_t)draw(draft, 4)); /* ENTER */
        break;
    case 1:
        DRAFT(draft, 0xff);
        draft_absolute(draft, 6, draw_address(draft)); /* PUSH m */
        break;
    default:
        DRAFT(draft, DRAW_OF(draft, bytes));
        break;
    }
}

static void emit_string(Draft *draft)
{
    static const uint8_t opcodes[] = { 0xa4, 0xa5, 0xaa, 0xab, 0xac, 0xad, 0xa6, 0xaf };

    draft_mov(draft, RSI, draw_address(draft));
    draft_mov(draft, RDI, draw_address(draft));
    draft_mov(draft, RCX, draw(draft, 12));
    draft_insn(draft);
    if (draw(draft, 2) != 0) {
        DRAFT(draft, (uint8_t)(0xf2 + draw(draft, 2)));
    }
    DRAFT(draft, DRAW_OF(draft, opcodes));
}

static void emit_branch(Draft *draft)
{
    draft_insn(draft);
    switch (draw(draft, 3)) {
    case 0:
        DRAFT(draft, 0xeb, 0);
        break;
    case 1:
        DRAFT(draft, 0xe8); /* CALL to what follows */
        draft_number(draft, MIN(draft->width, 4), 0);
        break;
    default:
        DRAFT(draft, (uint8_t)(0x70 | draw(draft, 16)), 1);
        draft_insn(draft);
        DRAFT(draft, 0x40 | (draft->width == 8 ? 0x50 : 0)); /* INC, or NOP: skipped or not */
        break;
    }
}

/* A loop that runs a few times: translations of it may be chained. */
static void emit_loop(Draft *draft)
{
    uint32_t top;

    draft_mov(draft, RCX, 2 + draw(draft, 6));
    top = draft->at;
    emit_memory(draft);
    draft_mov(draft, RAX, draft->at);
    draft_insn(draft);
    if (draft->width == 2) {
        DRAFT(draft, 0x67); /* LOOP by ECX, which draft_mov has set */
    }
    DRAFT(draft, 0xe2, (uint8_t)(top - (draft->at + 2)));
}

/* By the dividend's upper half: always a fault, whatever the registers hold, since a quotient would
 * leave flags undefined. */
static void emit_divide(Draft *draft)
{
    draft_mov(draft, RAX, draw_number(draft));
    draft_mov(draft, RDX, draw_number(draft));
    draft_insn(draft);
    if (draw(draft, 2) != 0) {
        DRAFT(draft, 0xf7, 0xf2); /* DIV edx, dx */
    } else {
        DRAFT(draft, 0xf6, 0xf4); /* DIV ah */
    }
}

static void emit_units(Draft *draft)
{
    static const uint8_t list[][4] = { { 2, 0xd9, 0xe8 },       { 1, 0x9b },
                                       { 2, 0x0f, 0x77 },       { 3, 0x0f, 0x57, 0xc1 },
                                       { 2, 0xdb, 0xe3 },       { 2, 0xdf, 0xe0 },
                                       { 3, 0x0f, 0x6f, 0xc1 }, { 2, 0x0f, 0x0b },
                                       { 2, 0x0f, 0xaa } };
    const uint8_t *pick = list[draw(draft, G_N_ELEMENTS(list))];

    draft_insn(draft);
    draft_bytes(draft, pick + 1, pick[0]);
}

/* Changes a byte of an instruction that follows, a few ahead or the next one. */
static void emit_modify_code(Draft *draft)
{
    uint32_t at;

    draft_insn(draft);
    DRAFT(draft, 0xc6); /* mov byte [...], imm8 */
    draft_absolute(draft, 0, 0);
    at = draft->at - MIN(draft->width, 4);
    DRAFT(draft, (uint8_t)(0x40 | draw(draft, 8)));
    for (uint64_t n = draw(draft, 3); n > 0; n--) {
        emit_alu(draft);
    }
    draft_insn(draft);
    DRAFT(draft, 0xb0); /* mov al, imm8 */
    DRAFT(draft, 0x00);
    if (!draft->full) {
        image_put(draft->test->memory, at, MIN(draft->width, 4), draft->at - 1);
    }
}

const SystemRow system_rows_plain[] = {
    { "popf", emit_popf, 8, 0 },
    { "pushf", emit_pushf, 3, 0 },
    { "sti", emit_interrupt_flag, 6, 0 },
    { "stac", emit_ac, 2, 0 },
    { "trap-flag", emit_trap_flag, 4, 0 },
    { "raise", emit_raise, 8, 0 },
    { "shadow", emit_shadow, 4, 0 },
    { "port", emit_port, 4, 0 },
    { "hlt", emit_halt, 2, 0 },
    { "alu", emit_alu, 12, 0 },
    { "memory", emit_memory, 10, 0 },
    { "pointer", emit_pointer, 6, 0 },
    { "stack", emit_stack, 8, 0 },
    { "string", emit_string, 5, 0 },
    { "branch", emit_branch, 6, 0 },
    { "loop", emit_loop, 4, 0 },
    { "divide", emit_divide, 4, 0 },
    { "units", emit_units, 5, 0 },
    { "modify-code", emit_modify_code, 5, 0 },
};
const unsigned system_rows_plain_n = G_N_ELEMENTS(system_rows_plain);
