/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hardware task switches: JMP, CALL, IRET, task gates, 16 and 32-bit TSSs, faults on the way. */
#include "tests/isa/fixture.h"
#include <check.h>
#include <stdlib.h>
#include "runtime/software_cpu/debug.h"
#include "runtime/software_cpu/software_cpu_int.h"

enum {
    OTHER = FIXTURE_GDT_FREE, /* the other task's TSS descriptor */
    GATE = 0x68,              /* a task gate to it */
    LDT = 0x70,
    SMALL = 0x78, /* a stack segment of one byte */
    OTHER_TSS = 0x7000,
    OTHER_CODE = 0x5000,
    OTHER_STACK = 0x8000,
    TSS32 = 0x89,
    TSS16 = 0x81,
    BUSY = 2,
    STACK = FIXTURE_STACK,
};

static const uint8_t jmp_far[] = { 0xff, 0x28 };  /* jmp far [eax] */
static const uint8_t call_far[] = { 0xff, 0x18 }; /* call far [eax] */
static const uint8_t int80[] = { 0xcd, 0x80 };
static const uint8_t ud2[] = { 0x0f, 0x0b };

static Fixture *fx;

static uint64_t other(unsigned at, unsigned width)
{
    return fixture_read(fx, OTHER_TSS + at, width);
}

static void other_set(unsigned at, uint32_t value)
{
    fixture_write(fx, OTHER_TSS + at, 4, value);
}

static uint64_t access_byte(uint16_t selector)
{
    return fixture_read(fx, FIXTURE_GDT + selector + 5, 1);
}

static void other_prepare32(void)
{
    other_set(28, FIXTURE_PD);
    other_set(32, OTHER_CODE);
    other_set(36, FLAG_CF | FLAG_1);
    for (unsigned i = 0; i < 8; i++) {
        other_set(40 + i * 4, 0x11111100u * (i + 1));
    }
    other_set(40 + RSP * 4, OTHER_STACK);
    for (unsigned i = 0; i < 6; i++) {
        other_set(72 + i * 4, i == CS ? FIXTURE_CS32 : FIXTURE_DATA32);
    }
    other_set(96, LDT);
    other_set(100, 0x680000);
}

static void other_prepare16(void)
{
    fixture_write(fx, OTHER_TSS + 14, 2, OTHER_CODE);
    fixture_write(fx, OTHER_TSS + 16, 2, FLAG_CF | FLAG_1);
    for (unsigned i = 0; i < 8; i++) {
        fixture_write(fx, OTHER_TSS + 18 + i * 2, 2, 0x1100u * (i + 1));
    }
    fixture_write(fx, OTHER_TSS + 18 + RSP * 2, 2, OTHER_STACK);
    for (unsigned i = 0; i < 4; i++) {
        fixture_write(fx, OTHER_TSS + 34 + i * 2, 2, i == CS ? FIXTURE_CS32 : FIXTURE_DATA32);
    }
}

static void prepare(FixtureMode mode, const uint8_t *code, uint8_t type)
{
    fx = fixture_new(mode);
    fixture_load(fx, code, 2);
    if (type & 8) {
        other_prepare32();
    } else {
        other_prepare16();
    }
    fixture_set_descriptor(fx, OTHER, OTHER_TSS, type & 8 ? 0x67 : 0x2b, type);
    fixture_set_descriptor(fx, LDT, 0x9000, 0xff, 0x82);
    fixture_set_descriptor(fx, SMALL, 0, 0, 0x93);
    fixture_write(fx, FIXTURE_GDT + GATE, 8, (uint64_t)0xe500 << 32 | (uint64_t)OTHER << 16);
    fixture_write(fx, FIXTURE_IDT + 0x80 * 8, 8, (uint64_t)0xe500 << 32 | (uint64_t)OTHER << 16);
    fixture_write(fx, FIXTURE_DATA, 4, 0x12345678);
    fixture_write(fx, FIXTURE_DATA + 4, 2, OTHER);
    fx->cpu->gpr[RAX] = FIXTURE_DATA;
    fx->cpu->gpr[RDI] = 0xd1d1d1d1;
    fx->cpu->rflags |= FLAG_ZF;
}

static void check_in_other(void)
{
    ck_assert_uint_eq(fx->cpu->rip, OTHER_CODE);
    ck_assert_uint_eq(fx->cpu->seg[TR].selector, OTHER);
    ck_assert_uint_eq(fx->cpu->seg[TR].base, OTHER_TSS);
    ck_assert(fx->cpu->cr0 & CR0_TS);
    ck_assert_uint_eq(access_byte(OTHER) & BUSY, BUSY);
}

START_TEST(jmp_saves_one_task_and_loads_the_other)
{
    prepare(FIXTURE_PAGING32, jmp_far, TSS32);
    fx->cpu->dr[7] |= 0x155;
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_STEPS);
    check_in_other();
    ck_assert_uint_eq(access_byte(FIXTURE_TR), TSS32);
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_TSS + 32, 4), FIXTURE_CODE + 2);
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_TSS + 36, 4), FLAG_ZF | FLAG_1);
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_TSS + 40 + RDI * 4, 4), 0xd1d1d1d1);
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_TSS + 72 + CS * 4, 4), FIXTURE_CS32);
    ck_assert_uint_eq(fx->cpu->gpr[RDI], 0x11111100u * 8);
    ck_assert_uint_eq(fx->cpu->gpr[RSP], OTHER_STACK);
    ck_assert_uint_eq(fx->cpu->rflags, FLAG_CF | FLAG_1);
    ck_assert_uint_eq(fx->cpu->seg[LDTR].base, 0x9000);
    ck_assert_uint_eq(fx->cpu->cr3, FIXTURE_PD);
    ck_assert_uint_eq(fx->cpu->dr[7] & 0x155, 0);
    ck_assert_uint_eq(other(0, 2), 0);
    fixture_free(fx);
}
END_TEST

START_TEST(call_nests_and_iret_returns)
{
    static const uint8_t iret = 0xcf;

    prepare(FIXTURE_PROTECTED32, call_far, TSS32);
    fixture_write(fx, OTHER_CODE, 1, iret);
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_STEPS);
    check_in_other();
    ck_assert_uint_eq(fx->cpu->rflags, FLAG_CF | FLAG_NT | FLAG_1);
    ck_assert_uint_eq(other(0, 2), FIXTURE_TR);
    ck_assert_uint_eq(access_byte(FIXTURE_TR), TSS32 | BUSY);
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_STEPS);
    ck_assert_uint_eq(fx->cpu->rip, FIXTURE_CODE + 2);
    ck_assert_uint_eq(fx->cpu->seg[TR].selector, FIXTURE_TR);
    ck_assert_uint_eq(fx->cpu->rflags, FLAG_ZF | FLAG_1);
    ck_assert_uint_eq(fx->cpu->gpr[RDI], 0xd1d1d1d1);
    ck_assert_uint_eq(access_byte(OTHER), TSS32);
    ck_assert_uint_eq(other(36, 4), FLAG_CF | FLAG_1);
    ck_assert_uint_eq(other(32, 4), OTHER_CODE + 1);
    fixture_free(fx);
}
END_TEST

START_TEST(a_task_gate_works_for_jmp_and_int)
{
    prepare(FIXTURE_PROTECTED32, jmp_far, TSS32);
    fixture_write(fx, FIXTURE_DATA + 4, 2, GATE);
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_STEPS);
    check_in_other();
    fixture_free(fx);

    prepare(FIXTURE_PROTECTED32, int80, TSS32);
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_STEPS);
    check_in_other();
    ck_assert(fx->cpu->rflags & FLAG_NT);
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_TSS + 32, 4), FIXTURE_CODE + 2);
    ck_assert_uint_eq(fx->cpu->gpr[RSP], OTHER_STACK);
    fixture_free(fx);
}
END_TEST

START_TEST(a_16_bit_tss_loads_words)
{
    prepare(FIXTURE_PROTECTED32, call_far, TSS16);
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_STEPS);
    check_in_other();
    ck_assert_uint_eq(fx->cpu->gpr[RDI] & 0xffff, 0x8800);
    ck_assert_uint_eq(fx->cpu->gpr[RSP], OTHER_STACK);
    ck_assert_uint_eq(fx->cpu->seg[FS].selector, 0);
    ck_assert_uint_eq(other(0, 2), FIXTURE_TR);
    fixture_free(fx);
}
END_TEST

START_TEST(an_exception_pushes_its_error_code_on_the_new_stack)
{
    static const uint8_t mov_ds[] = { 0x8e, 0xd8 };

    prepare(FIXTURE_PROTECTED32, mov_ds, TSS32);
    fixture_write(fx, FIXTURE_IDT + VECTOR_GP * 8, 8,
                  (uint64_t)0x8500 << 32 | (uint64_t)OTHER << 16);
    fx->cpu->gpr[RAX] = 0x2000;
    ck_assert(fixture_step(fx));
    check_in_other();
    ck_assert_uint_eq(fx->cpu->gpr[RSP], OTHER_STACK - 4);
    ck_assert_uint_eq(fixture_read(fx, OTHER_STACK - 4, 4), 0x2000);
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_TSS + 32, 4), FIXTURE_CODE);
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_TSS + 36, 4), FLAG_ZF | FLAG_RF | FLAG_1);
    fixture_free(fx);
}
END_TEST

START_TEST(the_t_flag_raises_a_debug_trap_in_the_new_task)
{
    prepare(FIXTURE_PROTECTED32, jmp_far, TSS32);
    other_set(100, 0x680001);
    ck_assert(fixture_step(fx));
    ck_assert_uint_eq(fx->cpu->rip, FIXTURE_HANDLERS + VECTOR_DB);
    ck_assert(fx->cpu->dr[6] & DR6_BT);
    ck_assert_uint_eq(fixture_read(fx, OTHER_STACK - 12, 4), OTHER_CODE);
    fixture_free(fx);
}
END_TEST

START_TEST(a_task_may_be_in_virtual_8086_mode)
{
    prepare(FIXTURE_PROTECTED32, jmp_far, TSS32);
    other_set(36, FLAG_VM | FLAG_IOPL | FLAG_1);
    other_set(72 + DS * 4, 0x1234);
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_STEPS);
    ck_assert(fx->cpu->mode & MODE_VM);
    ck_assert_uint_eq(cpu_cpl(fx->cpu), 3);
    ck_assert_uint_eq(fx->cpu->seg[DS].base, 0x12340);
    fixture_free(fx);
}
END_TEST

/* ---- Faults ---- */

/* JMP to the other task with a dword of its TSS, or its descriptor, changed. */
typedef struct FaultRow {
    const char *name;
    unsigned at; /* in the TSS */
    uint32_t value;
    uint8_t type; /* of the descriptor */
    uint8_t limit;
    int vector;
    uint32_t error;
    bool switched; /* the fault belongs to the new task */
} FaultRow;

static const FaultRow fault_rows[] = {
    { "a busy TSS", 0, 0, TSS32 | BUSY, 0x67, VECTOR_GP, OTHER, false },
    { "an absent TSS", 0, 0, 9, 0x67, VECTOR_NP, OTHER, false },
    { "a short TSS", 0, 0, TSS32, 0x66, VECTOR_TS, OTHER, false },
    { "no LDT", 96, FIXTURE_DATA32, TSS32, 0x67, VECTOR_TS, 0x10, true },
    { "null CS", 72 + CS * 4, 0, TSS32, 0x67, VECTOR_TS, 0, true },
    { "CS is data", 72 + CS * 4, FIXTURE_DATA32, TSS32, 0x67, VECTOR_TS, 0x10, true },
    { "SS is code", 72 + SS * 4, FIXTURE_CS32, TSS32, 0x67, VECTOR_TS, 8, true },
    { "SS of outer privilege", 72 + SS * 4, FIXTURE_USER_DATA, TSS32, 0x67, VECTOR_TS, 0x38, true },
    { "DS is a TSS", 72 + DS * 4, OTHER, TSS32, 0x67, VECTOR_TS, OTHER, true },
    { "GS beyond the GDT", 72 + GS * 4, 0x3000, TSS32, 0x67, VECTOR_TS, 0x3000, true },
};

START_TEST(fault_row)
{
    const FaultRow *row = &fault_rows[_i];

    prepare(FIXTURE_PROTECTED32, jmp_far, TSS32);
    other_set(row->at, row->value);
    fixture_set_descriptor(fx, OTHER, OTHER_TSS, row->limit, row->type);
    ck_assert_msg(fixture_run(fx, 1) == FIXTURE_FAULT, "%s: no fault", row->name);
    ck_assert_msg(fx->cpu->fault.vector == row->vector, "%s: vector %d", row->name,
                  fx->cpu->fault.vector);
    ck_assert_msg(fx->cpu->fault.error == row->error, "%s: error %#x", row->name,
                  fx->cpu->fault.error);
    ck_assert_msg(fx->cpu->rip == (row->switched ? OTHER_CODE : FIXTURE_CODE), "%s: rip %#lx",
                  row->name, fx->cpu->rip);
    ck_assert_uint_eq(fx->cpu->seg[TR].selector, row->switched ? OTHER : FIXTURE_TR);
    ck_assert_uint_eq(access_byte(FIXTURE_TR), row->switched ? TSS32 : TSS32 | BUSY);
    fixture_free(fx);
}
END_TEST

START_TEST(a_read_only_old_tss_changes_nothing)
{
    prepare(FIXTURE_PAGING32, jmp_far, TSS32);
    fixture_set_page(fx, FIXTURE_TSS, 1);
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_FAULT);
    ck_assert_uint_eq(fx->cpu->fault.vector, VECTOR_PF);
    ck_assert_uint_eq(fx->cpu->seg[TR].selector, FIXTURE_TR);
    ck_assert_uint_eq(access_byte(OTHER), TSS32);
    fixture_free(fx);
}
END_TEST

START_TEST(iret_refuses_a_back_link_to_a_free_task)
{
    static const uint8_t iretd[] = { 0xcf, 0xf4 };

    prepare(FIXTURE_PROTECTED32, iretd, TSS32);
    fx->cpu->rflags |= FLAG_NT;
    fixture_write(fx, FIXTURE_TSS, 2, OTHER);
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_FAULT);
    ck_assert_uint_eq(fx->cpu->fault.vector, VECTOR_TS);
    ck_assert_uint_eq(fx->cpu->fault.error, OTHER);
    fixture_free(fx);
}
END_TEST

START_TEST(a_double_fault_task_survives_a_bad_stack)
{
    prepare(FIXTURE_PROTECTED32, ud2, TSS32);
    fixture_write(fx, FIXTURE_IDT + VECTOR_DF * 8, 8,
                  (uint64_t)0x8500 << 32 | (uint64_t)OTHER << 16);
    fx->cpu->seg[SS] = (Segment){ 0, 0, SMALL, 0x93 };
    cpu_mode_update(fx->cpu);
    ck_assert(fixture_step(fx));
    check_in_other();
    ck_assert_uint_eq(fx->cpu->gpr[RSP], OTHER_STACK - 4);
    ck_assert_uint_eq(fixture_read(fx, OTHER_STACK - 4, 4), 0);
    fixture_free(fx);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tasks");
    TCase *tc = tcase_create("switches");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, jmp_saves_one_task_and_loads_the_other);
    tcase_add_test(tc, call_nests_and_iret_returns);
    tcase_add_test(tc, a_task_gate_works_for_jmp_and_int);
    tcase_add_test(tc, a_16_bit_tss_loads_words);
    tcase_add_test(tc, an_exception_pushes_its_error_code_on_the_new_stack);
    tcase_add_test(tc, the_t_flag_raises_a_debug_trap_in_the_new_task);
    tcase_add_test(tc, a_task_may_be_in_virtual_8086_mode);
    tcase_add_loop_test(tc, fault_row, 0, sizeof(fault_rows) / sizeof(fault_rows[0]));
    tcase_add_test(tc, a_read_only_old_tss_changes_nothing);
    tcase_add_test(tc, iret_refuses_a_back_link_to_a_free_task);
    tcase_add_test(tc, a_double_fault_task_survives_a_bad_stack);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
