/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Far JMP, CALL and RET, call gates, and IRET between privileges and modes. */
#include "tests/isa/fixture.h"
#include <check.h>
#include <stdlib.h>
#include "runtime/software_cpu/software_cpu_int.h"

enum {
    FREE = FIXTURE_GDT_FREE,
    GATE = 0x70, /* where rows put call gates; 16 bytes in long mode */
    TARGET = 0x5000,
    STACK = FIXTURE_STACK,
    STACK0 = FIXTURE_STACK0,
    CODE32 = ATTR_P | ATTR_S | ATTR_CODE | ATTR_RW | ATTR_DB | ATTR_G,
    CODE16 = ATTR_P | ATTR_S | ATTR_CODE | ATTR_RW,
    CONFORMING = CODE32 | ATTR_DC,
    DPL3 = 3 << ATTR_DPL_SHIFT,
    NONE = -1,
};

/* The far pointer at FIXTURE_DATA. */
static const uint8_t jmp_far[] = { 0xff, 0x28 };  /* jmp far [eax] */
static const uint8_t call_far[] = { 0xff, 0x18 }; /* call far [eax] */
static const uint8_t iretd[] = { 0xcf };
static const uint8_t iretq[] = { 0x48, 0xcf };

static Fixture *fx;

static void prepare(FixtureMode mode, unsigned cpl, const uint8_t *code, size_t size)
{
    fx = fixture_new(mode);
    if (mode >= FIXTURE_PROTECTED16) {
        fixture_set_cpl(fx, cpl);
    }
    fixture_load(fx, code, size);
    fx->cpu->gpr[RAX] = FIXTURE_DATA;
}

static void pointer_set(uint32_t offset, uint16_t selector)
{
    fixture_write(fx, FIXTURE_DATA, 4, offset);
    fixture_write(fx, FIXTURE_DATA + 4, 2, selector);
}

static void gate_set(uint16_t selector, uint64_t offset, uint8_t type, uint8_t count)
{
    uint64_t at = FIXTURE_GDT + GATE;

    fixture_write(fx, at, 2, offset & 0xffff);
    fixture_write(fx, at + 2, 2, selector);
    fixture_write(fx, at + 4, 1, count);
    fixture_write(fx, at + 5, 1, type);
    fixture_write(fx, at + 6, 2, offset >> 16 & 0xffff);
}

static uint64_t slot(unsigned width, unsigned i)
{
    return fixture_read(fx, fx->cpu->gpr[RSP] + i * width, width);
}

static void frame_set(unsigned width, const uint64_t *slots, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        fixture_write(fx, STACK + i * width, width, slots[i]);
    }
}

/* ---- JMP and CALL to segments ---- */

typedef struct JumpRow {
    const char *name;
    unsigned cpl;
    uint16_t selector;
    uint16_t attr; /* of the free descriptor */
    uint32_t offset;
    int vector;
    uint32_t error;
} JumpRow;

static const JumpRow jump_rows[] = {
    { "same privilege", 0, FREE, CODE32, TARGET, NONE, 0 },
    { "to a 16-bit segment", 0, FREE, CODE16, TARGET, NONE, 0 },
    { "null selector", 0, 3, CODE32, TARGET, VECTOR_GP, 0 },
    { "data segment", 0, FREE, 0x93, TARGET, VECTOR_GP, FREE },
    { "absent segment", 0, FREE, CODE32 & ~ATTR_P, TARGET, VECTOR_NP, FREE },
    { "RPL beyond CPL", 0, FREE | 3, CODE32, TARGET, VECTOR_GP, FREE },
    { "inner privilege", 3, FREE | 3, CODE32, TARGET, VECTOR_GP, FREE },
    { "outer privilege", 0, FREE, CODE32 | DPL3, TARGET, VECTOR_GP, FREE },
    { "conforming inner segment", 3, FREE | 3, CONFORMING, TARGET, NONE, 0 },
    { "conforming outer segment", 0, FREE, CONFORMING | DPL3, TARGET, VECTOR_GP, FREE },
    { "offset beyond the limit", 0, FREE, CODE16, 0x10000, VECTOR_GP, 0 },
    { "beyond the GDT", 0, 0x2000, CODE16, TARGET, VECTOR_GP, 0x2000 },
    { "an LDT descriptor", 0, FREE, 0x82, TARGET, VECTOR_GP, FREE },
};

START_TEST(jump_row)
{
    const JumpRow *row = &jump_rows[_i / 2];
    bool call = _i % 2;
    FixtureEnd end;

    prepare(FIXTURE_PROTECTED32, row->cpl, call ? call_far : jmp_far, 2);
    fixture_set_descriptor(fx, FREE, 0, 0xffff, row->attr);
    pointer_set(row->offset, row->selector);
    end = fixture_run(fx, 1);
    if (row->vector == NONE) {
        ck_assert_msg(end == FIXTURE_STEPS, "%s: vector %d", row->name, fx->cpu->fault.vector);
        ck_assert_uint_eq(fx->cpu->rip, TARGET);
        ck_assert_uint_eq(fx->cpu->seg[CS].selector, FREE | row->cpl);
        ck_assert_uint_eq(fx->cpu->gpr[RSP], call ? STACK - 8 : STACK);
        ck_assert(!call || slot(4, 0) == FIXTURE_CODE + 2);
    } else {
        ck_assert_msg(end == FIXTURE_FAULT, "%s: no fault", row->name);
        ck_assert_msg(fx->cpu->fault.vector == row->vector, "%s: vector %d", row->name,
                      fx->cpu->fault.vector);
        ck_assert_msg(fx->cpu->fault.error == row->error, "%s: error %#x", row->name,
                      fx->cpu->fault.error);
        ck_assert_uint_eq(fx->cpu->gpr[RSP], STACK);
        ck_assert_uint_eq(fx->cpu->rip, FIXTURE_CODE);
    }
    fixture_free(fx);
}
END_TEST

START_TEST(real_mode_calls_and_returns)
{
    static const uint8_t call[] = { 0x9a, 0x10, 0x00, 0x00, 0x05 }; /* call 0500:0010 */
    static const uint8_t ret[] = { 0xca, 0x02, 0x00 };

    prepare(FIXTURE_REAL, 0, call, 5);
    phys_map_write(fx->map, 0x5010, ret, 3);
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_STEPS);
    ck_assert_uint_eq(fx->cpu->seg[CS].base, 0x5000);
    ck_assert_uint_eq(slot(2, 0), FIXTURE_CODE + 5);
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_STEPS);
    ck_assert_uint_eq(fx->cpu->rip, FIXTURE_CODE + 5);
    ck_assert_uint_eq(fx->cpu->seg[CS].base, 0);
    ck_assert_uint_eq(fx->cpu->gpr[RSP], STACK + 2);
    fixture_free(fx);
}
END_TEST

START_TEST(a_real_mode_jump_after_setting_pe_enters_protected_mode)
{
    static const uint8_t code[] = { 0x66, 0xea, 0x00, 0x50, 0x00, 0x00, FIXTURE_CS32, 0x00 };

    prepare(FIXTURE_REAL, 0, code, sizeof(code));
    fx->cpu->seg[CS].selector = 0xf003; /* what it is must not matter */
    ck_assert(control_write(fx->cpu, 0, fx->cpu->cr0 | CR0_PE));
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_STEPS);
    ck_assert(fx->cpu->mode & MODE_CS32);
    ck_assert_uint_eq(fx->cpu->seg[CS].selector, FIXTURE_CS32);
    ck_assert_uint_eq(fx->cpu->rip, TARGET);
    fixture_free(fx);
}
END_TEST

START_TEST(a_far_jump_enters_64_bit_mode)
{
    prepare(FIXTURE_COMPAT, 0, jmp_far, 2);
    pointer_set(TARGET, FIXTURE_CS64);
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_STEPS);
    ck_assert(fx->cpu->mode & MODE_CS64);
    fixture_free(fx);
}
END_TEST

/* ---- Call gates ---- */

START_TEST(a_call_gate_switches_stacks_and_copies_parameters)
{
    static const uint8_t ret[] = { 0xca, 0x08, 0x00 }; /* retf 8 */

    prepare(FIXTURE_PROTECTED32, 3, call_far, 2);
    fixture_set_descriptor(fx, FREE, 0, 0xfffff, CODE32);
    gate_set(FREE, TARGET, 0xec, 2);
    pointer_set(0x99999999, GATE | 3);
    fixture_write(fx, STACK, 4, 0x1111);
    fixture_write(fx, STACK + 4, 4, 0x2222);
    phys_map_write(fx->map, TARGET, ret, 3);
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_STEPS);
    ck_assert_uint_eq(fx->cpu->rip, TARGET);
    ck_assert_uint_eq(cpu_cpl(fx->cpu), 0);
    ck_assert_uint_eq(fx->cpu->gpr[RSP], STACK0 - 24);
    ck_assert_uint_eq(slot(4, 0), FIXTURE_CODE + 2);
    ck_assert_uint_eq(slot(4, 1), FIXTURE_USER_CS32);
    ck_assert_uint_eq(slot(4, 2), 0x1111);
    ck_assert_uint_eq(slot(4, 3), 0x2222);
    ck_assert_uint_eq(slot(4, 4), STACK);
    ck_assert_uint_eq(slot(4, 5), FIXTURE_USER_DATA);
    fx->cpu->seg[DS] = (Segment){ 0, 0xffffffff, FIXTURE_DATA32, 0xc093 };
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_STEPS);
    ck_assert_uint_eq(fx->cpu->rip, FIXTURE_CODE + 2);
    ck_assert_uint_eq(cpu_cpl(fx->cpu), 3);
    ck_assert_uint_eq(fx->cpu->gpr[RSP], STACK + 8);
    ck_assert_uint_eq(fx->cpu->seg[DS].selector, 0);
    ck_assert_uint_eq(fx->cpu->seg[ES].selector, FIXTURE_USER_DATA);
    fixture_free(fx);
}
END_TEST

START_TEST(a_16_bit_call_gate_pushes_words)
{
    prepare(FIXTURE_PROTECTED32, 3, call_far, 2);
    fixture_set_descriptor(fx, FREE, 0, 0xfffff, CODE32);
    gate_set(FREE, 0x77770000 | TARGET, 0xe4, 1);
    pointer_set(0, GATE | 3);
    fixture_write(fx, STACK, 2, 0x1111);
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_STEPS);
    ck_assert_uint_eq(fx->cpu->rip, TARGET);
    ck_assert_uint_eq(fx->cpu->gpr[RSP], STACK0 - 10);
    ck_assert_uint_eq(slot(2, 2), 0x1111);
    ck_assert_uint_eq(slot(2, 3), STACK);
    fixture_free(fx);
}
END_TEST

START_TEST(a_long_mode_call_gate_pushes_quadwords)
{
    prepare(FIXTURE_LONG64, 3, call_far, 2);
    gate_set(FIXTURE_CS64, TARGET, 0xec, 0);
    fixture_write(fx, FIXTURE_GDT + GATE + 8, 8, 0);
    pointer_set(0, GATE | 3);
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_STEPS);
    ck_assert_uint_eq(fx->cpu->rip, TARGET);
    ck_assert_uint_eq(fx->cpu->gpr[RSP], STACK0 - 32);
    ck_assert_uint_eq(fx->cpu->seg[SS].selector, 0);
    ck_assert_uint_eq(slot(8, 1), FIXTURE_USER_CS64);
    ck_assert_uint_eq(slot(8, 2), STACK);
    fixture_free(fx);
}
END_TEST

typedef struct GateRow {
    const char *name;
    uint8_t type;
    uint16_t selector; /* of the code segment */
    uint16_t attr;     /* of the free descriptor */
    int vector;
    uint32_t error;
    bool jump;
} GateRow;

static const GateRow gate_rows[] = {
    { "a gate of inner DPL", 0x8c, FREE, CODE32, VECTOR_GP, GATE, false },
    { "an absent gate", 0x6c, FREE, CODE32, VECTOR_NP, GATE, false },
    { "a gate to null", 0xec, 0, CODE32, VECTOR_GP, 0, false },
    { "a gate to data", 0xec, FREE, 0x93, VECTOR_GP, FREE, false },
    { "a gate to absent code", 0xec, FREE, CODE32 & ~ATTR_P, VECTOR_NP, FREE, false },
    { "a jump to an inner segment", 0xec, FREE, CODE32, VECTOR_GP, FREE, true },
};

START_TEST(gate_row)
{
    const GateRow *row = &gate_rows[_i];

    prepare(FIXTURE_PROTECTED32, 3, row->jump ? jmp_far : call_far, 2);
    fixture_set_descriptor(fx, FREE, 0, 0xfffff, row->attr);
    gate_set(row->selector, TARGET, row->type, 0);
    pointer_set(0, GATE | 3);
    ck_assert_msg(fixture_run(fx, 1) == FIXTURE_FAULT, "%s: no fault", row->name);
    ck_assert_msg(fx->cpu->fault.vector == row->vector, "%s: vector %d", row->name,
                  fx->cpu->fault.vector);
    ck_assert_msg(fx->cpu->fault.error == row->error, "%s: error %#x", row->name,
                  fx->cpu->fault.error);
    ck_assert_uint_eq(fx->cpu->gpr[RSP], STACK);
    fixture_free(fx);
}
END_TEST

/* ---- IRET ---- */

typedef struct IretRow {
    const char *name;
    FixtureMode mode;
    uint64_t slots[5]; /* rip, cs, flags, rsp, ss */
    int vector;
    uint32_t error;
} IretRow;

#define P32  FIXTURE_PROTECTED32
#define L64  FIXTURE_LONG64
#define UCS  FIXTURE_USER_CS32
#define UCSQ FIXTURE_USER_CS64
#define UDS  FIXTURE_USER_DATA
#define KDS  FIXTURE_DATA32

static const IretRow iret_rows[] = {
    { "iretd to user code", P32, { TARGET, UCS, 0x202, 0x8000, UDS }, NONE, 0 },
    { "iretd: null CS", P32, { TARGET, 0, 2, 0, 0 }, VECTOR_GP, 0 },
    { "iretd: CS is data", P32, { TARGET, KDS, 2, 0, 0 }, VECTOR_GP, KDS },
    { "iretd: RPL is not DPL", P32, { TARGET, FIXTURE_CS32 | 3, 2, 0, 0 }, VECTOR_GP, 8 },
    { "iretd: null SS", P32, { TARGET, UCS, 2, 0x8000, 0 }, VECTOR_GP, 0 },
    { "iretd: SS of inner privilege", P32, { TARGET, UCS, 2, 0x8000, KDS }, VECTOR_GP, KDS },
    { "iretd: SS is code", P32, { TARGET, UCS, 2, 0x8000, UCS }, VECTOR_GP, 0x30 },
    { "iretq to user code", L64, { TARGET, UCSQ, 0x202, 0x8000, UDS }, NONE, 0 },
    { "iretq to compatibility mode", L64, { TARGET, UCS, 0x202, 0x8000, UDS }, NONE, 0 },
    { "iretq: kernel may have a null SS", L64, { TARGET, FIXTURE_CS64, 2, 0x8000, 0 }, NONE, 0 },
    { "iretq: user may not", L64, { TARGET, UCSQ, 2, 0x8000, 3 }, VECTOR_GP, 0 },
    { "iretq: rip is not canonical", L64, { 1ull << 47, UCSQ, 2, 0, UDS }, VECTOR_GP, 0 },
    { "iretq: rip beyond a limit", L64, { 1ull << 32, UCS, 2, 0, UDS }, VECTOR_GP, 0 },
    { "iretq: SS of inner privilege", L64, { TARGET, UCSQ, 2, 0, KDS }, VECTOR_GP, KDS },
};

START_TEST(iret_row)
{
    const IretRow *row = &iret_rows[_i];
    bool wide = row->mode == L64;
    FixtureEnd end;

    prepare(row->mode, 0, wide ? iretq : iretd, wide ? 2 : 1);
    frame_set(wide ? 8 : 4, row->slots, 5);
    end = fixture_run(fx, 1);
    if (row->vector == NONE) {
        ck_assert_msg(end == FIXTURE_STEPS, "%s: vector %d", row->name, fx->cpu->fault.vector);
        ck_assert_uint_eq(fx->cpu->rip, TARGET);
        ck_assert_uint_eq(fx->cpu->gpr[RSP], row->slots[3]);
        ck_assert_uint_eq(fx->cpu->seg[CS].selector, row->slots[1]);
        ck_assert_uint_eq(fx->cpu->seg[SS].selector, row->slots[4]);
        ck_assert_uint_eq(fx->cpu->rflags, row->slots[2]);
        ck_assert_uint_eq(cpu_cpl(fx->cpu), row->slots[1] & 3);
    } else {
        ck_assert_msg(end == FIXTURE_FAULT, "%s: no fault", row->name);
        ck_assert_msg(fx->cpu->fault.vector == row->vector, "%s: vector %d", row->name,
                      fx->cpu->fault.vector);
        ck_assert_msg(fx->cpu->fault.error == row->error, "%s: error %#x", row->name,
                      fx->cpu->fault.error);
        ck_assert_uint_eq(fx->cpu->gpr[RSP], STACK);
    }
    fixture_free(fx);
}
END_TEST

START_TEST(user_iret_may_change_neither_iopl_nor_if)
{
    uint64_t slots[5] = { TARGET, UCSQ, 0x3fffd7, 0x8000, UDS };

    prepare(L64, 3, iretq, 2);
    slots[2] &= ~(uint64_t)(FLAG_NT | FLAG_TF | FLAG_VM);
    frame_set(8, slots, 5);
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_STEPS);
    ck_assert_uint_eq(fx->cpu->rflags,
                      FLAGS_ARITH | FLAG_1 | FLAG_DF | FLAG_RF | FLAG_AC | FLAG_ID);
    fixture_free(fx);
}
END_TEST

START_TEST(iret_with_nt_is_refused_in_long_mode)
{
    prepare(L64, 0, iretq, 2);
    fx->cpu->rflags |= FLAG_NT;
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_FAULT);
    ck_assert_uint_eq(fx->cpu->fault.vector, VECTOR_GP);
    fixture_free(fx);
}
END_TEST

START_TEST(iretq_keeps_the_bases_of_fs_and_gs)
{
    static const uint64_t slots[5] = { TARGET, UCSQ, 0x202, 0x8000, UDS };

    prepare(L64, 0, iretq, 2);
    frame_set(8, slots, 5);
    fx->cpu->seg[GS] = (Segment){ .base = 0x7fff12345000 };
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_STEPS);
    ck_assert_uint_eq(fx->cpu->seg[GS].base, 0x7fff12345000);
    fixture_free(fx);
}
END_TEST

START_TEST(a_16_bit_stack_keeps_the_upper_half_of_esp)
{
    static const uint64_t slots[5] = { TARGET, UCS, 0x202, 0x12348000, FREE | 3 };

    prepare(P32, 0, iretd, 1);
    fixture_set_descriptor(fx, FREE, 0, 0xffff, 0xf3);
    fx->cpu->gpr[RSP] = STACK;
    frame_set(4, slots, 5);
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_STEPS);
    ck_assert_uint_eq(fx->cpu->gpr[RSP], 0x8000);
    fixture_free(fx);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("far transfers");
    TCase *tc = tcase_create("far");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, jump_row, 0, 2 * sizeof(jump_rows) / sizeof(jump_rows[0]));
    tcase_add_test(tc, real_mode_calls_and_returns);
    tcase_add_test(tc, a_real_mode_jump_after_setting_pe_enters_protected_mode);
    tcase_add_test(tc, a_far_jump_enters_64_bit_mode);
    tcase_add_test(tc, a_call_gate_switches_stacks_and_copies_parameters);
    tcase_add_test(tc, a_16_bit_call_gate_pushes_words);
    tcase_add_test(tc, a_long_mode_call_gate_pushes_quadwords);
    tcase_add_loop_test(tc, gate_row, 0, sizeof(gate_rows) / sizeof(gate_rows[0]));
    tcase_add_loop_test(tc, iret_row, 0, sizeof(iret_rows) / sizeof(iret_rows[0]));
    tcase_add_test(tc, user_iret_may_change_neither_iopl_nor_if);
    tcase_add_test(tc, iret_with_nt_is_refused_in_long_mode);
    tcase_add_test(tc, iretq_keeps_the_bases_of_fs_and_gs);
    tcase_add_test(tc, a_16_bit_stack_keeps_the_upper_half_of_esp);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
