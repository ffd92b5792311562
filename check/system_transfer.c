/* SPDX-License-Identifier: GPL-2.0-or-later */
/* system_transfer.c - rows that load segments, leave the code segment, change mode, or raise. */
#include "check/system_draft.h"

/* ---- Segment registers ---- */

/* MOV between CX and the segment's memory, either way. */
static void through_segment(Draft *draft, uint8_t segment, uint32_t address, bool store)
{
    static const uint8_t prefixes[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65 };

    draft_insn(draft);
    DRAFT(draft, prefixes[segment], (uint8_t)(store ? 0x89 : 0x8b));
    draft_absolute(draft, RCX, address);
}

/* One time in two the page is in the TLB before: the segment alone decides then. */
static void emit_mov_segment(Draft *draft)
{
    static const uint8_t registers[] = { ES, SS, DS, FS, GS, SS, DS, CS };
    uint8_t segment = DRAW_OF(draft, registers);
    bool twice = draw(draft, 2) != 0, store = draw(draft, 2) != 0;
    uint32_t address = draw_address(draft);

    if (twice) {
        through_segment(draft, segment, address, store);
    }
    draft_mov(draft, RAX, draw_selector(draft));
    draft_insn(draft);
    DRAFT(draft, 0x8e, (uint8_t)(0xc0 | segment << 3));
    if (twice) {
        through_segment(draft, segment, address, store);
    } else if (segment == SS) { /* what the shadow covers */
        draft_insn(draft);
        DRAFT(draft, 0x90);
    }
}

static void emit_read_segment(Draft *draft)
{
    draft_insn(draft);
    if (draw(draft, 3) == 0) {
        DRAFT(draft, 0x66);
    }
    DRAFT(draft, 0x8c, (uint8_t)(0xc0 | draw(draft, 8) << 3 | draw(draft, 4)));
}

static void emit_pop_segment(Draft *draft)
{
    static const uint8_t narrow[] = { 0x07, 0x17, 0x1f };

    draft_push(draft, draw_selector(draft));
    draft_insn(draft);
    if (draw(draft, 2) != 0 || draft->width == 8) {
        DRAFT(draft, 0x0f, (uint8_t)(draw(draft, 2) != 0 ? 0xa1 : 0xa9)); /* POP FS, GS */
    } else {
        DRAFT(draft, DRAW_OF(draft, narrow));
    }
}

/* LDS, LES, LSS, LFS, LGS */
static void emit_load_pointer(Draft *draft)
{
    static const uint8_t wide[] = { 0xb2, 0xb4, 0xb5 };
    uint32_t at = draw_scratch(draft);

    draft_store(draft, at, MIN(draft->width, 4), draw_address(draft));
    draft_store(draft, at + MIN(draft->width, 4), 2, draw_selector(draft));
    draft_insn(draft);
    if (draft->width != 8 && draw(draft, 2) != 0) {
        DRAFT(draft, (uint8_t)(0xc4 + draw(draft, 2)));
    } else {
        DRAFT(draft, 0x0f, DRAW_OF(draft, wide));
    }
    draft_absolute(draft, RSI, at);
}

/* ---- Far transfers: to what follows, through the segment that is drawn ---- */

/* Where the last bytes that were emitted lead: patched when that is known. */
static void patch(Draft *draft, uint32_t at, unsigned n)
{
    if (!draft->full) {
        image_put(draft->test->memory, at, n, draft->at);
    }
}

/* A code segment whose base is 0, if it is one; else any. */
static uint16_t draw_code(Draft *draft)
{
    static const uint16_t kernel[] = {
        SELECTOR_CODE32, SELECTOR_CODE16, SELECTOR_CODE64, 0xe8,          0x180, 0x1b8, 0xc,
        0x118,           0x128,           0x148,           SELECTOR_TSS_B
    };
    static const uint16_t user[] = { SELECTOR_USER_CODE32 | 3,
                                     SELECTOR_USER_CODE16 | 3,
                                     SELECTOR_USER_CODE64 | 3,
                                     0xe8 | 3,
                                     0x198 | 3,
                                     0x128 | 3,
                                     0x24 | 3 };

    if (draft->program->start.mode <= SYSTEM_VM86) {
        return draw(draft, 4) != 0 ? 0 : draw_selector(draft);
    }
    if (draw(draft, 4) == 0) {
        return draw_selector(draft);
    }
    return draft_user(draft) ? DRAW_OF(draft, user) : DRAW_OF(draft, kernel);
}

/* Does the code that follows have this width if the transfer succeeds? Else the same as now, and
 * the bytes mean something else. */
static void width_after(Draft *draft, uint16_t selector)
{
    bool wide = draft->program->start.mode >= SYSTEM_COMPAT;

    if (draft->program->start.mode <= SYSTEM_VM86) {
        return;
    }
    switch (selector & ~7) {
    case SELECTOR_CODE32:
    case SELECTOR_USER_CODE32:
        draft->width = 4;
        break;
    case SELECTOR_CODE16:
    case SELECTOR_USER_CODE16:
    case 0x1b8:
        draft->width = 2;
        break;
    case SELECTOR_CODE64:
    case SELECTOR_USER_CODE64:
        draft->width = wide ? 8 : 2; /* L means nothing outside long mode, and D is clear */
        break;
    default:
        break;
    }
}

static void emit_far_direct(Draft *draft)
{
    bool call = draw(draft, 2) != 0;
    uint16_t selector = draw_code(draft);
    unsigned n = MIN(draft->width, 4);
    uint32_t at;

    draft_insn(draft);
    DRAFT(draft, (uint8_t)(call ? 0x9a : 0xea)); /* #UD in 64-bit code */
    at = draft->at;
    draft_number(draft, n, 0);
    draft_number(draft, 2, selector);
    patch(draft, at, n);
    if (draft->width != 8) {
        width_after(draft, selector);
    }
}

static void emit_far_memory(Draft *draft)
{
    bool call = draw(draft, 2) != 0;
    uint16_t selector = draw_code(draft);
    uint32_t at = draw_scratch(draft), value;
    unsigned n = MIN(draft->width, 4);

    draft_store(draft, at, n, 0);
    value = draft->at - n;
    draft_store(draft, at + n, 2, selector);
    draft_insn(draft);
    DRAFT(draft, 0xff);
    draft_absolute(draft, call ? 3 : 5, at);
    patch(draft, value, n);
    width_after(draft, selector);
}

static void emit_far_return(Draft *draft)
{
    uint16_t selector = draw_code(draft);
    uint32_t at;
    unsigned n = MIN(draft->width, 4);

    if (draft_user(draft) == false && (selector & 3) == 3 &&
        draft->program->start.mode > SYSTEM_VM86) {
        draft_push(draft, SELECTOR_USER_DATA | 3);
        draft_push(draft, SYS_STACK3 + 0x700);
    }
    draft_push(draft, selector);
    draft_push(draft, 0);
    at = draft->at - n;
    draft_insn(draft);
    if (draft->width == 8) {
        DRAFT(draft, 0x48);
    }
    if (draw(draft, 4) == 0) {
        DRAFT(draft, 0xca, (uint8_t)(draw(draft, 3) * 8), 0);
    } else {
        DRAFT(draft, 0xcb);
    }
    patch(draft, at, n);
    width_after(draft, selector);
}

/* IRET to each mode there is, by flags, CS and SS. */
static void emit_iret(Draft *draft)
{
    uint16_t selector = draw_code(draft);
    uint32_t flags = draw_flags(draft), at;
    unsigned n = MIN(draft->width, 4);
    bool user = draw(draft, 3) == 0;

    if (user) {
        selector = draft->width == 8 ? SELECTOR_USER_CODE64 | 3 : SELECTOR_USER_CODE32 | 3;
    }
    if (draw(draft, 8) == 0) {
        flags |= FLAG_VM;
        for (unsigned i = 0; i < 4; i++) {
            draft_push(draft, 0);
        }
        selector = 0;
    }
    if (user || draft->width == 8 || (flags & FLAG_VM)) {
        draft_push(draft, user ? SELECTOR_USER_DATA | 3 : flags & FLAG_VM ? 0 : SELECTOR_DATA64);
        draft_push(draft, SYS_STACK3 + 0x700);
    }
    draft_push(draft, flags);
    draft_push(draft, selector);
    draft_push(draft, 0);
    at = draft->at - n;
    draft_insn(draft);
    if (draft->width == 8) {
        DRAFT(draft, 0x48);
    }
    DRAFT(draft, 0xcf);
    patch(draft, at, n);
    if (!(flags & FLAG_VM)) {
        width_after(draft, selector);
    } else if (draft->width == 4 && draft->program->start.mode == SYSTEM_PROTECTED32) {
        draft->width = 2;
    }
}

/* IRET while an NMI waits for one: it is let in even if IRET faults. */
static void emit_iret_nmi(Draft *draft)
{
    draft_raise(draft,
                SYS_EVENT_BLOCK | SYS_EVENT_NMI | (draw(draft, 2) != 0 ? SYS_EVENT_INTR : 0));
    emit_iret(draft);
}

/* ---- Interrupts by instruction ---- */

static void emit_int(Draft *draft)
{
    static const uint8_t single[] = { 0xcc, 0xce, 0xf1 };

    draft_insn(draft);
    if (draw(draft, 3) == 0) {
        DRAFT(draft, DRAW_OF(draft, single)); /* INT3, INTO, INT1 */
    } else {
        DRAFT(draft, 0xcd,
              (uint8_t)(draw(draft, 4) != 0 ? 0x30 + draw(draft, 16) : draw(draft, 256)));
    }
}

static void emit_bound(Draft *draft)
{
    uint32_t at = draw_scratch(draft);

    draft_store(draft, at, 4, draw_number(draft));
    draft_mov(draft, RAX, draw_number(draft));
    draft_insn(draft);
    DRAFT(draft, 0x62);
    draft_absolute(draft, RAX, at);
}

/* ---- System calls ---- */

static void emit_syscall(Draft *draft)
{
    draft_insn(draft);
    DRAFT(draft, 0x0f, 0x05);
}

static void emit_sysret(Draft *draft)
{
    uint32_t at;
    bool wide = draft->width == 8 && draw(draft, 2) != 0;

    draft_mov(draft, R11 & 7, draw_flags(draft));
    draft_insn(draft);
    if (draft->width == 8) {
        DRAFT(draft, 0x49); /* mov r11, rbx */
    }
    DRAFT(draft, 0x89, 0xdb);
    draft_mov(draft, RCX, 0);
    at = draft->at - 4;
    draft_insn(draft);
    if (wide) {
        DRAFT(draft, 0x48);
    }
    DRAFT(draft, 0x0f, 0x07);
    patch(draft, at, 4);
    if (draft->width == 8 && !wide && draft->program->start.ring == 0) {
        draft->width = 4;
    }
}

static void emit_sysenter(Draft *draft)
{
    bool real = draft->program->start.mode == SYSTEM_REAL; /* #GP */
    bool leave = draw(draft, 2) != 0 && (real || draft->width != 2);
    uint32_t at;

    draft_mov(draft, RCX, SYS_STACK3 + 0x700);
    draft_mov(draft, RDX, 0);
    at = draft->at - 4;
    draft_insn(draft);
    if (leave && draft->width == 8) {
        DRAFT(draft, 0x48);
    }
    DRAFT(draft, 0x0f, (uint8_t)(leave ? 0x35 : 0x34));
    patch(draft, at, 4);
    if (draft->width == 2 && !real) { /* SYSEXIT leads to 32-bit code */
        draft->width = 4;
    }
}

/* ---- To another mode and back ---- */

static void load_table(Draft *draft, uint32_t base, uint32_t limit)
{
    uint32_t at = draw_scratch(draft);

    draft_store(draft, at, 2, limit);
    draft_store(draft, at + 2, 4, base);
    draft_insn(draft);
    if (draft->width == 2) {
        DRAFT(draft, 0x66); /* all of the base */
    }
    DRAFT(draft, 0x0f, 0x01);
    draft_absolute(draft, 3, at);
}

static void switch_pe(Draft *draft, uint32_t cr0, uint16_t selector, unsigned width)
{
    unsigned n = MIN(draft->width, 4);
    uint32_t at;

    draft_mov(draft, RAX, cr0);
    draft_insn(draft);
    DRAFT(draft, 0x0f, 0x22, 0xc0);
    draft_insn(draft);
    DRAFT(draft, 0xea);
    at = draft->at;
    draft_number(draft, n, 0);
    draft_number(draft, 2, selector);
    patch(draft, at, n);
    draft->width = width;
}

static void segments_to(Draft *draft, uint16_t selector)
{
    static const uint8_t registers[] = { ES, SS, DS };

    draft_mov(draft, RAX, selector);
    for (size_t i = 0; i < sizeof(registers); i++) {
        draft_insn(draft);
        DRAFT(draft, 0x8e, (uint8_t)(0xc0 | registers[i] << 3));
    }
}

/* Real mode enters protected mode, with or without new segments, and returns. */
static void emit_enter_protected(Draft *draft)
{
    bool wide = draw(draft, 2) != 0;

    load_table(draft, SYS_IDT, SYS_VECTORS * 8 - 1);
    switch_pe(draft, CR0_ET | CR0_NE | CR0_PE, wide ? SELECTOR_CODE32 : SELECTOR_CODE16,
              wide ? 4 : 2);
    if (draw(draft, 4) != 0) {
        segments_to(draft, wide ? SELECTOR_DATA32 : SELECTOR_DATA16);
    }
    emit_int(draft);
    if (draw(draft, 3) != 0 && !wide) {
        load_table(draft, SYS_IVT, 0x3ff);
        switch_pe(draft, CR0_ET | CR0_NE, 0, 2);
        if (draw(draft, 2) != 0) {
            segments_to(draft, 0); /* else limits and attributes of protected mode stay */
        }
        emit_int(draft);
    }
}

/* Protected mode leaves for real mode, by way of a 16-bit segment or not, and comes back. */
static void emit_leave_protected(Draft *draft)
{
    if (draft->width == 4 && draw(draft, 4) != 0) {
        emit_far_direct(draft);
    }
    load_table(draft, SYS_IVT, 0x3ff);
    switch_pe(draft, CR0_ET | CR0_NE, 0, draft->width);
    if (draw(draft, 2) != 0) {
        segments_to(draft, 0);
    }
    emit_int(draft);
    load_table(draft, SYS_IDT, SYS_VECTORS * 8 - 1);
    switch_pe(draft, CR0_ET | CR0_NE | CR0_PE, SELECTOR_CODE32, 4);
    segments_to(draft, SELECTOR_DATA32);
}

enum {
    NOT_LONG = 1 << SYSTEM_REAL | 1 << SYSTEM_VM86 | 1 << SYSTEM_PROTECTED16 |
               1 << SYSTEM_PROTECTED32,
    NARROW = NOT_LONG | 1 << SYSTEM_COMPAT,
};

const SystemRow system_rows_transfer[] = {
    { "mov-sreg", emit_mov_segment, 12, 0 },
    { "mov-from-sreg", emit_read_segment, 4, 0 },
    { "pop-sreg", emit_pop_segment, 8, 0 },
    { "lds", emit_load_pointer, 8, 0 },
    { "far-direct", emit_far_direct, 8, NARROW },
    { "far-memory", emit_far_memory, 8, 0 },
    { "far-return", emit_far_return, 8, 0 },
    { "iret", emit_iret, 10, 0 },
    { "iret-nmi", emit_iret_nmi, 4, 0 },
    { "int", emit_int, 10, 0 },
    { "bound", emit_bound, 2, NARROW },
    { "syscall", emit_syscall, 4, 0 },
    { "sysret", emit_sysret, 4, 0 },
    { "sysenter", emit_sysenter, 4, 0 },
    { "enter-protected", emit_enter_protected, 16, 1 << SYSTEM_REAL },
    { "leave-protected", emit_leave_protected, 6,
      1 << SYSTEM_PROTECTED16 | 1 << SYSTEM_PROTECTED32 },
};
const unsigned system_rows_transfer_n = G_N_ELEMENTS(system_rows_transfer);
