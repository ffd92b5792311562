/* SPDX-License-Identifier: GPL-2.0-or-later */
/* system_generate.c - programs from seeds, and their memory. */
#include <string.h>
#include "check/system_draft.h"

static const char *const mode_names[SYSTEM_MODES] = { "real",        "vm86",   "protected16",
                                                      "protected32", "compat", "long" };

const char *system_mode_name(SystemMode mode)
{
    return mode_names[mode];
}

bool system_mode_find(const char *name, SystemMode *mode)
{
    for (unsigned i = 0; i < SYSTEM_MODES; i++) {
        if (strcmp(name, mode_names[i]) == 0) {
            *mode = (SystemMode)i;
            return true;
        }
    }
    return false;
}

/* ---- Bytes ---- */

enum { TAIL = 2 }; /* UD2, which ends the test */

static const uint32_t window_end = SYS_WINDOW + SYS_WINDOW_SIZE - TAIL - 16;

static void insn_begin(Draft *draft)
{
    SystemTest *test = draft->test;

    draft->full |= draft->at >= window_end || test->n_insns >= SYSTEM_INSNS - 4;
    if (draft->full) {
        return;
    }
    test->insn[test->n_insns++] = (SystemInsn){ (uint16_t)draft->at, 0, (uint8_t)draft->width };
}

void draft_insn(Draft *draft)
{
    if (draft->test->n_insns == draft->program->raise_at && !draft->full) {
        draft_raise(draft, draft->program->raise);
    }
    insn_begin(draft);
}

void draft_bytes(Draft *draft, const uint8_t *bytes, unsigned n)
{
    if (!draft->full) {
        memcpy(draft->test->memory + draft->at, bytes, n);
        draft->at += n;
        draft->test->insn[draft->test->n_insns - 1].length += (uint8_t)n;
    }
}

void draft_number(Draft *draft, unsigned n, uint64_t value)
{
    draft_bytes(draft, (const uint8_t *)&value, n);
}

void draft_size(Draft *draft, unsigned operand)
{
    if ((operand == 2) != (draft->width == 2)) {
        DRAFT(draft, 0x66);
    }
}

void draft_absolute(Draft *draft, unsigned reg, uint32_t address)
{
    uint8_t field = (uint8_t)(reg << 3);

    if (draft->width == 2) {
        DRAFT(draft, field | 6);
        draft_number(draft, 2, address);
    } else if (draft->width == 4) {
        DRAFT(draft, field | 5);
        draft_number(draft, 4, address);
    } else {
        DRAFT(draft, field | 4, 0x25);
        draft_number(draft, 4, address);
    }
}

/* ---- Whole instructions ---- */

void draft_mov(Draft *draft, unsigned reg, uint64_t value)
{
    bool wide = draft->width == 8 && value >> 32 != 0;

    draft_insn(draft);
    if (wide) {
        DRAFT(draft, 0x48);
    } else {
        draft_size(draft, 4);
    }
    DRAFT(draft, (uint8_t)(0xb8 | reg));
    draft_number(draft, wide ? 8 : 4, value);
}

void draft_store(Draft *draft, uint32_t address, unsigned width, uint64_t value)
{
    draft_insn(draft);
    draft_size(draft, MIN(width, 4));
    DRAFT(draft, 0xc7);
    draft_absolute(draft, 0, address);
    draft_number(draft, MIN(width, 4), value);
    if (width == 8) {
        draft_store(draft, address + 4, 4, value >> 32);
    }
}

void draft_push(Draft *draft, uint64_t value)
{
    if (draft->width == 8 && value != (uint64_t)(int64_t)(int32_t)value) {
        draft_mov(draft, RAX, value);
        draft_insn(draft);
        DRAFT(draft, 0x50);
        return;
    }
    draft_insn(draft);
    DRAFT(draft, 0x68);
    draft_number(draft, MIN(draft->width, 4), value);
}

void draft_raise(Draft *draft, unsigned events)
{
    insn_begin(draft);
    if (!draft->program->on_pc) {
        DRAFT(draft, 0xe6, (uint8_t)(SYS_PORT_EVENT + events));
        return;
    }
    draft_size(draft, 2);
    DRAFT(draft, 0xba, SYS_PORT_IER & 0xff, SYS_PORT_IER >> 8);
    insn_begin(draft);
    DRAFT(draft, 0xb0, 2);
    insn_begin(draft);
    DRAFT(draft, 0xee);
}

/* ---- What to draw ---- */

bool draft_user(const Draft *draft)
{
    return draft->program->start.ring == 3;
}

bool draft_bare(const Draft *draft)
{
    return draft->program->on_pc && draft->program->start.paging == PAGING_NONE;
}

uint16_t draw_selector(Draft *draft)
{
    static const uint16_t usual[] = { SELECTOR_CODE32,      SELECTOR_DATA32,
                                      SELECTOR_CODE16,      SELECTOR_DATA16,
                                      SELECTOR_CODE64,      SELECTOR_USER_DATA,
                                      SELECTOR_USER_CODE32, SELECTOR_USER_CODE64,
                                      SELECTOR_USER_DATA16, 0 };
    uint16_t selector;

    switch (draw(draft, 4)) {
    case 0:
        selector = (uint16_t)(draw(draft, 0x208) & ~7u);
        break;
    case 1:
        selector = (uint16_t)(0xd0 + draw(draft, 32) * 8);
        break;
    case 2:
        selector = (uint16_t)(draw(draft, 9) * 8 | 4);
        break;
    default:
        selector = DRAW_OF(draft, usual);
        break;
    }
    if (draft->program->start.mode == SYSTEM_REAL || draft->program->start.mode == SYSTEM_VM86) {
        static const uint16_t paragraphs[] = {
            0, 0, 0, 0x100, SYS_DATA >> 4, 0xfff, 0x1000, 0xffff
        };

        return draw(draft, 4) == 0
                   ? selector
                   : paragraphs[draw(draft, G_N_ELEMENTS(paragraphs) - draft_bare(draft))];
    }
    return (uint16_t)(selector | (draft_user(draft) ? (draw(draft, 4) != 0 ? 3 : draw(draft, 4))
                                                    : (draw(draft, 4) != 0 ? 0 : draw(draft, 4))));
}

uint32_t draw_scratch(Draft *draft)
{
    return SYS_DATA + 0x40 + (uint32_t)draw(draft, 0xf00);
}

uint32_t draw_address(Draft *draft)
{
    switch (draw(draft, 8)) {
    case 0:
        return SYS_ODD + (uint32_t)draw(draft, 0xff0);
    case 1:
        return SYS_DATA + PAGE_SIZE - (uint32_t)draw(draft, 12);
    case 2:
        return SYS_ODD - (uint32_t)draw(draft, 12);
    case 3:
        return SYS_STACKS + 0x100 + (uint32_t)draw(draft, 64);
    default:
        return SYS_DATA + (uint32_t)draw(draft, 0x1ff0);
    }
}

uint64_t draw_number(Draft *draft)
{
    static const uint64_t edges[] = { 0,
                                      1,
                                      2,
                                      0x7f,
                                      0x80,
                                      0xff,
                                      0x7fff,
                                      0x8000,
                                      0xffff,
                                      0x7fffffff,
                                      0x80000000,
                                      0xffffffff,
                                      0x8000000000000000 };

    return draw(draft, 2) != 0 ? DRAW_OF(draft, edges) : random_next(&draft->random);
}

uint32_t draw_flags(Draft *draft)
{
    static const uint32_t system[] = { FLAG_TF, FLAG_IF,  FLAG_DF,  FLAG_IOPL, FLAG_NT,
                                       FLAG_RF, FLAG_AC,  FLAG_VIF, FLAG_VIP,  FLAG_ID,
                                       FLAG_IF, 1u << 12, 1u << 31, 1u << 15 };
    uint32_t flags = FLAG_1 | ((uint32_t)random_next(&draft->random) & FLAGS_ARITH);

    for (uint64_t n = draw(draft, 4); n > 0; n--) {
        flags ^= DRAW_OF(draft, system);
    }
    return flags;
}

/* ---- Rows ---- */

unsigned system_rows(void)
{
    return system_rows_control_n + system_rows_transfer_n + system_rows_plain_n;
}

static const SystemRow *row_at(unsigned i)
{
    if (i < system_rows_control_n) {
        return &system_rows_control[i];
    }
    i -= system_rows_control_n;
    return i < system_rows_transfer_n ? &system_rows_transfer[i]
                                      : &system_rows_plain[i - system_rows_transfer_n];
}

const char *system_row_name(unsigned row)
{
    return row_at(row)->name;
}

bool system_filter_known(const char *filter)
{
    for (unsigned i = 0; i < system_rows(); i++) {
        if (strcmp(row_at(i)->name, filter) == 0) {
            return true;
        }
    }
    return false;
}

static bool row_fits(const SystemRow *row, SystemMode mode, const char *filter)
{
    return (row->modes == 0 || row->modes >> mode & 1) &&
           (filter == NULL || strcmp(row->name, filter) == 0);
}

/* By weight, among those of the mode. */
static uint16_t row_draw(Random *random, SystemMode mode, const char *filter)
{
    unsigned sum = 0;
    uint64_t pick;

    for (unsigned i = 0; i < system_rows(); i++) {
        sum += row_fits(row_at(i), mode, filter) ? row_at(i)->weight : 0;
    }
    if (sum == 0) {
        return row_draw(random, mode, NULL);
    }
    pick = random_below(random, sum);
    for (unsigned i = 0;; i++) {
        unsigned weight = row_fits(row_at(i), mode, filter) ? row_at(i)->weight : 0;

        if (pick < weight) {
            return (uint16_t)i;
        }
        pick -= weight;
    }
}

/* ---- Drawing ---- */

static Paging paging_draw(Random *random, SystemMode mode)
{
    if (mode == SYSTEM_REAL) {
        return PAGING_NONE;
    }
    return mode >= SYSTEM_COMPAT ? PAGING_LONG : (Paging)random_below(random, PAGING_LONG);
}

static uint32_t bits_draw(Random *random, const uint32_t *list, unsigned n, unsigned most)
{
    uint32_t bits = 0;

    for (uint64_t i = random_below(random, most + 1); i > 0; i--) {
        bits |= list[random_below(random, n)];
    }
    return bits;
}

static void registers_draw(Random *random, SystemStart *start)
{
    static const uint32_t cr0[] = { CR0_MP, CR0_EM, CR0_TS, CR0_WP, CR0_WP, CR0_AM, CR0_AM };
    static const uint32_t cr4[] = { CR4_VME, CR4_VME,  CR4_PVI,  CR4_TSD,  CR4_DE,       CR4_PSE,
                                    CR4_PGE, CR4_UMIP, CR4_SMEP, CR4_SMAP, CR4_FSGSBASE, CR4_MCE };
    static const uint32_t efer[] = { EFER_SCE, EFER_SCE, EFER_NXE };
    static const uint32_t rflags[] = { FLAG_IF,   FLAG_IF, FLAG_TF, FLAG_NT,  FLAG_IOPL, FLAG_IOPL,
                                       FLAG_IOPL, FLAG_AC, FLAG_ID, FLAG_VIF, FLAG_DF,   FLAG_CF };
    bool plain = random_below(random, 3) == 0;

    if (!plain) {
        start->cr0 = bits_draw(random, cr0, G_N_ELEMENTS(cr0), 2);
        start->cr4 = bits_draw(random, cr4, G_N_ELEMENTS(cr4), 3);
    }
    if (start->mode == SYSTEM_VM86) { /* the handler there is in a user page */
        start->cr4 &= ~(CR4_SMEP | CR4_SMAP);
    }
    start->efer = bits_draw(random, efer, G_N_ELEMENTS(efer), 2);
    start->rflags = bits_draw(random, rflags, G_N_ELEMENTS(rflags), 3);
    for (unsigned i = 0; i < 16; i++) {
        uint64_t value = random_next(random);

        start->gpr[i] = value & 3 ? value >> (value >> 2 & 63) : SYS_DATA + (value >> 8 & 0x1fff);
    }
}

static void debug_draw(Random *random, SystemStart *start)
{
    if (random_below(random, 8) != 0) {
        return;
    }
    for (unsigned i = 0; i < 4; i++) {
        bool code = random_next(random) & 1;

        start->dr[i] = code ? SYS_WINDOW + start->code_at + (uint32_t)random_below(random, 40)
                            : SYS_DATA + (uint32_t)random_below(random, 0x2000);
        if (random_next(random) & 1) {
            start->dr7 |= 1u << i * 2;
            start->dr7 |= code ? 0 : (uint32_t)(random_next(random) & 0xf) << (16 + i * 4);
        }
    }
}

/* Of NMIs and SMIs, and what ends a HLT. */
static void events_draw(Random *random, SystemStart *start)
{
    static const uint8_t wakes[] = { 0,
                                     0,
                                     SYS_EVENT_INTR,
                                     SYS_EVENT_NMI,
                                     SYS_EVENT_NMI,
                                     SYS_EVENT_NMI | SYS_EVENT_INTR,
                                     SYS_EVENT_BLOCK | SYS_EVENT_NMI | SYS_EVENT_INTR,
                                     SYS_EVENT_SMI };

    if (random_below(random, 2) != 0) {
        start->nmi_gate = (uint8_t)random_below(random, 17);
        start->nmi_stack = (uint8_t)random_below(random, 4);
    }
    start->wake = wakes[random_below(random, G_N_ELEMENTS(wakes))];
    start->smm_handler = (uint8_t)random_below(random, SYSTEM_SMM_HANDLERS);
}

static void start_draw(Random *random, const bool *modes, SystemStart *start)
{
    static const uint32_t odd[] = { 7, 7, 5, 3, 1, 0, 4, 6, 0x107 };

    do {
        start->mode = (SystemMode)random_below(random, SYSTEM_MODES);
    } while (!modes[start->mode]);
    start->ring = start->mode == SYSTEM_VM86                                  ? 3
                  : start->mode == SYSTEM_REAL || random_below(random, 5) < 3 ? 0
                                                                              : 3;
    start->paging = paging_draw(random, start->mode);
    start->code_at = (uint16_t)(random_below(random, 3) == 0 ? 0x80 + random_below(random, 0x80)
                                                             : random_below(random, 0x20));
    start->odd_page = odd[random_below(random, G_N_ELEMENTS(odd))];
    start->data_seed = random_next(random) | 1;
    registers_draw(random, start);
    debug_draw(random, start);
    events_draw(random, start);
}

void system_program_draw(uint64_t seed, const bool *modes, const char *filter,
                         SystemProgram *program)
{
    Random random = { seed };

    memset(program, 0, sizeof(*program));
    program->seed = seed;
    program->raise_at = SYSTEM_NO_RAISE;
    start_draw(&random, modes, &program->start);
    program->n_steps = (uint8_t)(1 + random_below(&random, SYSTEM_STEPS));
    for (unsigned i = 0; i < program->n_steps; i++) {
        program->step[i].row = row_draw(&random, program->start.mode, i == 0 ? filter : NULL);
        program->step[i].seed = random_next(&random);
    }
}

/* ---- Building ---- */

static unsigned start_width(SystemMode mode)
{
    return mode == SYSTEM_LONG ? 8 : mode == SYSTEM_PROTECTED32 || mode == SYSTEM_COMPAT ? 4 : 2;
}

/* Where handlers go on. */
static void next_make(SystemTest *test, uint32_t end)
{
    for (unsigned i = 0; i < test->n_insns; i++) {
        const SystemInsn *insn = &test->insn[i];

        image_put(test->memory, SYS_NEXT + (insn->at - SYS_WINDOW) * 2u, 2,
                  insn->at + insn->length - SYS_WINDOW);
    }
    image_put(test->memory, SYS_NEXT + (end - SYS_WINDOW) * 2u, 2, SYS_NEXT_END);
}

/* SDM vol. 1 3.4.1.1: 32-bit and 16-bit code leaves upper halves of registers undefined. */
static void registers_cut(SystemTest *test)
{
    bool narrow = false;

    for (unsigned i = 0; i < test->n_insns; i++) {
        narrow |= test->insn[i].width != 8;
    }
    for (unsigned i = 0; narrow && i < 16; i++) {
        image_put(test->memory, SYS_START + START_GPR + i * 8 + 4, 4, 0);
    }
}

void system_program_build(const SystemProgram *program, SystemTest *test)
{
    Draft draft = { .program = program, .test = test };

    memset(test->insn, 0, sizeof(test->insn));
    test->n_insns = 0;
    test->seed = program->seed;
    test->mode = program->start.mode;
    system_image_make(&program->start, test->memory);
    if (!program->on_pc) {
        image_put(test->memory, SYS_START + START_WAKE, 1, program->start.wake);
        image_put(test->memory, SYS_START + START_SMM, 1, program->start.smm_handler);
    }
    draft.at = SYS_WINDOW + program->start.code_at;
    draft.width = start_width(program->start.mode);
    for (unsigned i = 0; i < program->n_steps; i++) {
        draft.random.state = program->step[i].seed;
        row_at(program->step[i].row)->emit(&draft);
    }
    registers_cut(test);
    image_put(test->memory, draft.at, 2, 0x0b0f);
    next_make(test, draft.at);
}
