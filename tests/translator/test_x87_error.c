/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_x87_error.c - #MF tells where the instruction with the error was, translated too. */
#include <check.h>
#include <stdlib.h>
#include "tests/translator/engine_fixture.h"

enum { SOFTWARE, TRANSLATED, EXECUTORS, BUDGET = 100, FCW_AT = FIXTURE_DATA, ZERO_AT = 0x6100 };

/* Division by zero is unmasked, and the error waits for FLDZ. */
static const uint8_t code[] = {
    0xd9, 0x2e, /* fldcw [rsi] */
    0xd9, 0xe8, /* fld1 */
    0xdc, 0x37, /* fdiv qword [rdi] */
    0xff, 0xc0, /* inc eax */
    0xd9, 0xee, /* fldz */
};

START_TEST(mf_tells_of_the_instruction_with_the_error)
{
    EngineFixture *ef = engine_fixture_new(FIXTURE_LONG64, NULL);
    Cpu *cpu = ef->fx->cpu;

    fixture_load(ef->fx, code, sizeof(code));
    fixture_write(ef->fx, FCW_AT, 2, 0x37b);
    cpu->gpr[RSI] = FCW_AT;
    cpu->gpr[RDI] = ZERO_AT;
    if (_i == TRANSLATED) {
        engine_fixture_run(ef);
    } else {
        ck_assert(fixture_run_to_halt(ef->fx, BUDGET));
    }
    ck_assert_uint_eq(cpu->rip, FIXTURE_HANDLERS + VECTOR_MF + 1);
    ck_assert_uint_eq(fixture_read(ef->fx, FIXTURE_STACK - 40, 8), FIXTURE_CODE + 8);
    ck_assert_uint_eq(cpu->x87_last.ip, FIXTURE_CODE + 4);
    ck_assert_uint_eq(cpu->x87_last.op, 0x437);
    ck_assert_uint_eq(cpu->x87_last.dp, ZERO_AT);
    ck_assert_uint_eq(cpu->gpr[RAX], 1);
    engine_fixture_free(ef);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("x87 errors");
    TCase *tc = tcase_create("pointers");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, mf_tells_of_the_instruction_with_the_error, 0, EXECUTORS);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
