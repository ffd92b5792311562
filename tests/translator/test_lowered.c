/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_lowered.c - instructions that run in line, not by a callout: what they do is compared with
 * the software CPU, and how often C is called is counted. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "tests/translator/engine_fixture.h"

enum { BUDGET = 100, SOURCE = FIXTURE_DATA, TARGET = 0x7000, TURNS = 20 };

typedef struct LoweredRow {
    const char *name;
    FixtureMode mode;
    uint8_t code[6];
} LoweredRow;

static const LoweredRow rows[] = {
    { "movsb", FIXTURE_PAGING32, { 0xa4 } },
    { "movsw", FIXTURE_PAGING32, { 0x66, 0xa5 } },
    { "movsd", FIXTURE_PAGING32, { 0xa5 } },
    { "movsq", FIXTURE_LONG64, { 0x48, 0xa5 } },
    { "cmpsb", FIXTURE_PAGING32, { 0xa6 } },
    { "cmpsd", FIXTURE_LONG64, { 0xa7 } },
    { "xlat", FIXTURE_PAGING32, { 0xd7 } },
    { "xlat, 64 bits", FIXTURE_LONG64, { 0xd7 } },
    { "salc", FIXTURE_PAGING32, { 0xf9, 0xd6 } },
    { "pushad, popad", FIXTURE_PAGING32, { 0x60, 0x61 } },
    { "ldmxcsr", FIXTURE_LONG64, { 0x0f, 0xae, 0x53, 0x40 } }, /* [rbx + 64] */
};

/* The instruction TURNS times: in a block of its own, that loops. */
static void load(Fixture *fx, const LoweredRow *row)
{
    uint8_t code[16];
    unsigned n = 0;

    while (n < sizeof(row->code) && row->code[n] != 0) {
        n++;
    }
    if (row->code[0] == 0x0f) {
        n = 4;
    }
    memcpy(code, row->code, n);
    code[n++] = 0xe2; /* loop */
    code[n] = (uint8_t) - (int)(n + 1);
    fixture_load(fx, code, n + 1);
    for (unsigned i = 0; i < 256; i++) {
        fixture_write(fx, SOURCE + i, 1, i * 7);
    }
    fixture_write(fx, SOURCE + 64, 4, 0x1fbf);
    fx->cpu->gpr[RSI] = fx->cpu->gpr[RBX] = SOURCE;
    fx->cpu->gpr[RDI] = TARGET;
    fx->cpu->gpr[RCX] = TURNS;
    fx->cpu->gpr[RAX] = 5;
}

START_TEST(it_runs_in_line_and_does_the_same)
{
    const LoweredRow *row = &rows[_i];
    Fixture *soft = fixture_new(row->mode);
    EngineFixture *hard = engine_fixture_new(row->mode, NULL);

    fixture_thunks(soft);
    load(soft, row);
    load(hard->fx, row);
    ck_assert(fixture_run_to_halt(soft, BUDGET));
    engine_fixture_run(hard);
    for (unsigned i = 0; i < 16; i++) {
        ck_assert_msg(soft->cpu->gpr[i] == hard->fx->cpu->gpr[i], "%s: register %u", row->name, i);
    }
    ck_assert_msg(((soft->cpu->rflags ^ hard->fx->cpu->rflags) & FLAGS_ARITH) == 0, "%s",
                  row->name);
    ck_assert_int_eq(memcmp(soft->ram + SOURCE, hard->fx->ram + SOURCE, 0x2000), 0);
    ck_assert_int_eq(memcmp(soft->cpu->xsave + 24, hard->fx->cpu->xsave + 24, 4), 0);
    /* pages that are met for the first time, and HLT */
    ck_assert_msg(engine_stats(hard->engine)->callouts <= 4, "%s: %u callouts", row->name,
                  (unsigned)engine_stats(hard->engine)->callouts);
    fixture_thunks_free(soft);
    fixture_free(soft);
    engine_fixture_free(hard);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lowered");
    TCase *tc = tcase_create("rows");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, it_runs_in_line_and_does_the_same, 0, G_N_ELEMENTS(rows));
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
