/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The x87 environment in memory, in its four formats, and the pointers that it holds. */
#include "runtime/software_cpu/cpuid_int.h"
#include "tests/isa/vector_fixture.h"
#include "runtime/software_cpu/software_cpu_int.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { DATA = FIXTURE_DATA, OPERAND = FIXTURE_DATA + 0x80 };

static Fixture *make(FixtureMode mode)
{
    Fixture *fx = vector_fixture_new(mode);

    fx->cpu->gpr[RSI] = DATA;
    fx->cpu->gpr[RBX] = OPERAND;
    return fx;
}

static uint16_t word(const Fixture *fx, unsigned i)
{
    return (uint16_t)fixture_read(fx, DATA + i * 2, 2);
}

static uint32_t dword(const Fixture *fx, unsigned i)
{
    return (uint32_t)fixture_read(fx, DATA + i * 4, 4);
}

START_TEST(protected_mode_stores_selectors_in_32_bits)
{
    Fixture *fx = make(FIXTURE_PROTECTED32);

    ck_assert_int_eq(EXEC(fx, 0xd9, 0x03), STEP_NEXT); /* fld dword [ebx] */
    ck_assert_int_eq(EXEC(fx, 0xd9, 0x36), STEP_NEXT); /* fnstenv [esi] */
    ck_assert_uint_eq(dword(fx, 0), 0xffff037f);
    ck_assert_uint_eq(dword(fx, 1), 0xffff3800);
    ck_assert_uint_eq(dword(fx, 2), 0xffff7fff);
    ck_assert_uint_eq(dword(fx, 3), FIXTURE_CODE);
    ck_assert_uint_eq(dword(fx, 4), FIXTURE_CS32 | 0x103u << 16);
    ck_assert_uint_eq(dword(fx, 5), OPERAND);
    ck_assert_uint_eq(dword(fx, 6), 0xffff0000 | FIXTURE_DATA32);
    vector_fixture_free(fx);
}
END_TEST

START_TEST(protected_mode_stores_selectors_in_16_bits)
{
    Fixture *fx = make(FIXTURE_PROTECTED32);

    ck_assert_int_eq(EXEC(fx, 0xd9, 0x03), STEP_NEXT);
    ck_assert_int_eq(EXEC(fx, 0x66, 0xd9, 0x36), STEP_NEXT);
    ck_assert_uint_eq(word(fx, 0), 0x037f);
    ck_assert_uint_eq(word(fx, 1), 0x3800);
    ck_assert_uint_eq(word(fx, 2), 0x7fff);
    ck_assert_uint_eq(word(fx, 3), FIXTURE_CODE);
    ck_assert_uint_eq(word(fx, 4), FIXTURE_CS32);
    ck_assert_uint_eq(word(fx, 5), OPERAND);
    ck_assert_uint_eq(word(fx, 6), FIXTURE_DATA32);
    ck_assert_uint_eq(word(fx, 7), 0);
    vector_fixture_free(fx);
}
END_TEST

START_TEST(real_mode_stores_linear_addresses)
{
    Fixture *fx = make(FIXTURE_REAL);

    fx->cpu->seg[CS].selector = 0x1234; /* base stays 0: only the image is looked at */
    fx->cpu->seg[DS].selector = 0x2345;
    ck_assert_int_eq(EXEC(fx, 0xd9, 0x07), STEP_NEXT); /* fld dword [bx] */
    ck_assert_int_eq(EXEC(fx, 0xd9, 0x34), STEP_NEXT); /* fnstenv [si] */
    ck_assert_uint_eq(word(fx, 3), (0x12340 + FIXTURE_CODE) & 0xffff);
    ck_assert_uint_eq(word(fx, 4), 0x1000 | 0x107);
    ck_assert_uint_eq(word(fx, 5), (0x23450 + OPERAND) & 0xffff);
    ck_assert_uint_eq(word(fx, 6), 0x2000);
    ck_assert_int_eq(EXEC(fx, 0x66, 0xd9, 0x34), STEP_NEXT);
    ck_assert_uint_eq(dword(fx, 3) & 0xffff, (0x12340 + FIXTURE_CODE) & 0xffff);
    ck_assert_uint_eq(dword(fx, 4), 0x1000 | 0x107);
    ck_assert_uint_eq(dword(fx, 5) & 0xffff, (0x23450 + OPERAND) & 0xffff);
    ck_assert_uint_eq(dword(fx, 6), 0x2000);
    vector_fixture_free(fx);
}
END_TEST

START_TEST(environments_come_back_as_they_were_stored)
{
    static const FixtureMode modes[] = { FIXTURE_REAL, FIXTURE_VM86, FIXTURE_PROTECTED16 };
    Fixture *fx = make(modes[_i >> 1]);
    uint8_t first[28];

    fx->cpu->gpr[RDI] = DATA + 0x40;
    ck_assert_int_eq(EXEC(fx, 0xd9, 0x07), STEP_NEXT);
    ck_assert_int_eq(EXEC(fx, 0xd9, 0xee), STEP_NEXT);
    if (_i & 1) {
        ck_assert_int_eq(EXEC(fx, 0x66, 0xd9, 0x34), STEP_NEXT);
        memcpy(first, fx->ram + DATA, 28);
        ck_assert_int_eq(EXEC(fx, 0xdb, 0xe3), STEP_NEXT); /* fninit */
        ck_assert_int_eq(EXEC(fx, 0x66, 0xd9, 0x24), STEP_NEXT);
        ck_assert_int_eq(EXEC(fx, 0x66, 0xd9, 0x35), STEP_NEXT);
        ck_assert_int_eq(memcmp(first, fx->ram + DATA + 0x40, 28), 0);
    } else {
        ck_assert_int_eq(EXEC(fx, 0xd9, 0x34), STEP_NEXT);
        memcpy(first, fx->ram + DATA, 14);
        ck_assert_int_eq(EXEC(fx, 0xdb, 0xe3), STEP_NEXT);
        ck_assert_int_eq(EXEC(fx, 0xd9, 0x24), STEP_NEXT);
        ck_assert_int_eq(EXEC(fx, 0xd9, 0x35), STEP_NEXT);
        ck_assert_int_eq(memcmp(first, fx->ram + DATA + 0x40, 14), 0);
    }
    vector_fixture_free(fx);
}
END_TEST

START_TEST(fnstenv_masks_errors_and_fldenv_makes_them_pending)
{
    Fixture *fx = make(FIXTURE_LONG64);

    x87_set_word(fx, 0, 0x0340);
    ck_assert_int_eq(EXEC(fx, 0xd9, 0x36), STEP_NEXT);
    ck_assert_uint_eq(dword(fx, 0), 0xffff0340);
    ck_assert_uint_eq(x87_word(fx, 0), 0x037f);
    fixture_write(fx, DATA + 4, 2, 0x0004);
    ck_assert_int_eq(EXEC(fx, 0xd9, 0x26), STEP_NEXT); /* fldenv */
    ck_assert_int_eq(EXEC(fx, 0xd9, 0xe8), STEP_FAULT);
    ck_assert_uint_eq(fx->cpu->fault.vector, VECTOR_MF);
    ck_assert_int_eq(EXEC(fx, 0xd9, 0x36), STEP_NEXT); /* does not wait */
    ck_assert_uint_eq(dword(fx, 1) & 0x8084, 0x8084);
    vector_fixture_free(fx);
}
END_TEST

START_TEST(fnsave_initialises_and_frstor_brings_back)
{
    Fixture *fx = make(FIXTURE_LONG64);

    for (unsigned i = 0; i < 5; i++) {
        ck_assert_int_eq(EXEC(fx, 0xd9, 0xe8 | (i == 2)), STEP_NEXT);
    }
    ck_assert_int_eq(EXEC(fx, 0xdd, 0x36), STEP_NEXT); /* fnsave */
    ck_assert_uint_eq(x87_word(fx, 0), 0x037f);
    ck_assert_uint_eq(x87_word(fx, 2), 0);
    ck_assert_uint_eq(x87_word(fx, 4) & 0xff, 0);
    ck_assert_uint_eq(fx->cpu->x87_last.op, 0);
    ck_assert_uint_eq(fixture_read(fx, DATA + 28, 8), 0x8000000000000000);
    ck_assert_uint_eq(fixture_read(fx, DATA + 36, 2), 0x3fff);
    ck_assert_uint_eq(fixture_read(fx, DATA + 108, 8), 0);
    ck_assert_int_eq(EXEC(fx, 0xdd, 0x26), STEP_NEXT); /* frstor */
    ck_assert_uint_eq(x87_word(fx, 2) & 0x3800, 0x1800);
    ck_assert_uint_eq(x87_word(fx, 4) & 0xff, 0xf8);
    ck_assert_int_eq(EXEC(fx, 0xdd, 0x1e), STEP_NEXT); /* fstp qword [rsi] */
    ck_assert_uint_eq(fixture_read(fx, DATA, 8), 0x3ff0000000000000);
    vector_fixture_free(fx);
}
END_TEST

START_TEST(an_environment_that_faults_changes_nothing)
{
    Fixture *fx = make(FIXTURE_LONG64);

    x87_set_word(fx, 0, 0x0340);
    fixture_set_page(fx, DATA + 0x1000, 0);
    fx->cpu->gpr[RSI] = DATA + 0x1000 - 16;
    ck_assert_int_eq(EXEC(fx, 0xd9, 0x36), STEP_FAULT);
    ck_assert_uint_eq(fx->cpu->fault.vector, VECTOR_PF);
    ck_assert_uint_eq(x87_word(fx, 0), 0x0340);
    ck_assert_uint_eq(fixture_read(fx, DATA + 0x1000 - 16, 8), 0);
    ck_assert_int_eq(EXEC(fx, 0xdd, 0x36), STEP_FAULT);
    ck_assert_uint_eq(x87_word(fx, 0), 0x0340);
    ck_assert_int_eq(EXEC(fx, 0xd9, 0x26), STEP_FAULT);
    ck_assert_uint_eq(x87_word(fx, 0), 0x0340);
    vector_fixture_free(fx);
}
END_TEST

START_TEST(control_instructions_leave_the_pointers)
{
    Fixture *fx = make(FIXTURE_LONG64);

    ck_assert_int_eq(EXEC(fx, 0xdd, 0x03), STEP_NEXT); /* fld qword [rbx] */
    ck_assert_int_eq(EXEC(fx, 0xd9, 0x3e), STEP_NEXT); /* fnstcw */
    ck_assert_int_eq(EXEC(fx, 0xd9, 0x2e), STEP_NEXT); /* fldcw */
    ck_assert_int_eq(EXEC(fx, 0x9b), STEP_NEXT);
    ck_assert_uint_eq(fx->cpu->x87_last.op, 0x503);
    ck_assert_uint_eq(fx->cpu->x87_last.ip, FIXTURE_CODE);
    ck_assert_uint_eq(fx->cpu->x87_last.dp, OPERAND);
    ck_assert_int_eq(EXEC(fx, 0xdb, 0xe3), STEP_NEXT);
    ck_assert_uint_eq(fx->cpu->x87_last.ip, 0);
    vector_fixture_free(fx);
}
END_TEST

/* An error is that of a signalling NaN, loaded with invalid operations unmasked. */
START_TEST(pointers_are_what_cpuid_promises)
{
    Fixture *fx = make(FIXTURE_LONG64);
    CpuModel *model = cpu_model_new("max", NULL);
    bool promised = _i != 0;

    for (unsigned i = CPU_FEATURE_FDP_EXCPTN_ONLY; i <= CPU_FEATURE_ZERO_FCS_FDS; i++) {
        model->features[i / 64] &= ~(1ull << i % 64);
        model->features[i / 64] |= (uint64_t)promised << i % 64;
    }
    fx->cpu->model = model;
    ck_assert_int_eq(EXEC(fx, 0xdd, 0x03), STEP_NEXT); /* fld qword [rbx] */
    ck_assert_uint_eq(fx->cpu->x87_last.ip, FIXTURE_CODE);
    ck_assert_uint_eq(fx->cpu->x87_last.dp, promised ? 0 : OPERAND);
    ck_assert_uint_eq(fx->cpu->x87_last.cs, promised ? 0 : fx->cpu->seg[CS].selector);
    ck_assert_uint_eq(fx->cpu->x87_last.ds, promised ? 0 : fx->cpu->seg[DS].selector);
    x87_set_word(fx, 0, 0x37e);
    fixture_write(fx, OPERAND, 8, 0x7ff0000000000001);
    ck_assert_int_eq(EXEC(fx, 0xdd, 0x03), STEP_NEXT);
    ck_assert_uint_eq(fx->cpu->x87_last.dp, OPERAND);
    ck_assert_uint_eq(fx->cpu->x87_last.op, 0x503);
    ck_assert_uint_eq(fx->cpu->x87_last.cs, promised ? 0 : fx->cpu->seg[CS].selector);
    fx->cpu->model = NULL;
    cpu_model_free(model);
    vector_fixture_free(fx);
}
END_TEST

START_TEST(the_status_word_goes_to_ax_alone)
{
    Fixture *fx = make(FIXTURE_LONG64);

    fx->cpu->gpr[RAX] = ~0ull;
    ck_assert_int_eq(EXEC(fx, 0xd9, 0xe8), STEP_NEXT);
    ck_assert_int_eq(EXEC(fx, 0xdf, 0xe0), STEP_NEXT);
    ck_assert_uint_eq(fx->cpu->gpr[RAX], 0xffffffffffff3800);
    vector_fixture_free(fx);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("vector_x87");
    TCase *tc = tcase_create("environment");

    tcase_add_test(tc, protected_mode_stores_selectors_in_32_bits);
    tcase_add_test(tc, protected_mode_stores_selectors_in_16_bits);
    tcase_add_test(tc, real_mode_stores_linear_addresses);
    tcase_add_loop_test(tc, environments_come_back_as_they_were_stored, 0, 6);
    tcase_add_test(tc, fnstenv_masks_errors_and_fldenv_makes_them_pending);
    tcase_add_test(tc, fnsave_initialises_and_frstor_brings_back);
    tcase_add_test(tc, an_environment_that_faults_changes_nothing);
    tcase_add_test(tc, control_instructions_leave_the_pointers);
    tcase_add_loop_test(tc, pointers_are_what_cpuid_promises, 0, 2);
    tcase_add_test(tc, the_status_word_goes_to_ax_alone);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    SRunner *runner = srunner_create(suite());
    int failed;

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
