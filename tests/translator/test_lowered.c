/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_lowered.c - instructions that run in line, not by a callout: what they do is compared with
 * the software CPU, and how often C is called is counted. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "tests/translator/engine_fixture.h"

enum { ZERO = 0xcc, /* a zero in code that ends at one */ };

enum { BUDGET = 100, SOURCE = FIXTURE_DATA, TARGET = 0x7000, TURNS = 20 };

typedef struct LoweredRow {
    const char *name;
    FixtureMode mode;
    uint8_t code[8];
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
    { "movsb, 16 bits", FIXTURE_REAL, { 0xa4 } },
    { "movsw, es:, 16 bits", FIXTURE_REAL, { 0x26, 0xa5 } },
    { "stosb, 16 bits", FIXTURE_REAL, { 0xaa } },
    { "lodsw, 16 bits", FIXTURE_PROTECTED16, { 0xad } },
    { "scasb, 16 bits", FIXTURE_VM86, { 0xae } },
    { "cmpsd, 16 bits", FIXTURE_REAL, { 0x66, 0xa7 } },
    { "stosb by edi, 16 bits", FIXTURE_REAL, { 0x67, 0xaa } },
    { "xlat, 16 bits", FIXTURE_REAL, { 0xd7 } },
    { "pusha, popa, 16 bits", FIXTURE_REAL, { 0x60, 0x61 } },
    { "pushad, popad, 16 bits", FIXTURE_VM86, { 0x66, 0x60, 0x66, 0x61 } },
    { "mov [si], 16 bits", FIXTURE_REAL, { 0x89, 0x44, 0x02 } },
    { "mov [esi + eax * 2], 16 bits", FIXTURE_REAL, { 0x67, 0x8b, 0x14, 0x46 } },
    { "add cs:[si], 16 bits", FIXTURE_REAL, { 0x2e, 0x03, 0x14 } },
    { "add word [di], 16 bits", FIXTURE_PROTECTED16, { 0x83, 0x05, 0x05 } },
    { "inc byte [si], 16 bits", FIXTURE_PROTECTED16, { 0xfe, 0x04 } },
    { "push, pop, 16 bits", FIXTURE_PROTECTED16, { 0x50, 0x5a } },
    { "push imm, pop [si], 16 bits", FIXTURE_REAL, { 0x6a, 0x85, 0x8f, 0x04 } },
    { "pushd, popd, 16 bits", FIXTURE_REAL, { 0x66, 0x56, 0x66, 0x5a } },
    { "pushf, popf, 16 bits", FIXTURE_REAL, { 0x9c, 0x9d } },
    { "mov ds, ax; pop ds", FIXTURE_REAL, { 0x1e, 0x1f } },
    { "mov es, dx", FIXTURE_VM86, { 0x8e, 0xc2 } },
    { "mov ss, dx", FIXTURE_REAL, { 0x8e, 0xd2 } },
    { "les bx, [si]", FIXTURE_REAL, { 0xc4, 0x1c } },
    { "lfs ebx, [si]", FIXTURE_REAL, { 0x66, 0x0f, 0xb4, 0x1c } },
    { "bts dx, ax", FIXTURE_REAL, { 0x0f, 0xab, 0xc2 } },
    { "bts [si], ax; 16 bits", FIXTURE_REAL, { 0x0f, 0xab, 0x04 } },
    { "lock btc [si], cx, 16 bits", FIXTURE_PROTECTED16, { 0xf0, 0x0f, 0xbb, 0x0c } },
    { "lock bts [ebx], cx", FIXTURE_PAGING32, { 0xf0, 0x66, 0x0f, 0xab, 0x0b } },
    { "bt [ebx], edi", FIXTURE_PAGING32, { 0x0f, 0xa3, 0x3b } },
    { "lock btr [rbx], cx, 64 bits", FIXTURE_LONG64, { 0xf0, 0x66, 0x0f, 0xb3, 0x0b } },
    { "enter 16; leave, 16 bits", FIXTURE_REAL, { 0xc8, 0x10, 0x01, ZERO, 0xc9 } },
    { "enter 16; leave, 32 bits", FIXTURE_PAGING32, { 0xc8, 0x10, 0x01, ZERO, 0xc9 } },
    { "enterw; leavew, 32 bits", FIXTURE_PAGING32, { 0x66, 0xc8, 0x10, 0x01, ZERO, 0x66, 0xc9 } },
    { "enterd; leaved, 16 bits", FIXTURE_VM86, { 0x66, 0xc8, 0x10, 0x01, ZERO, 0x66, 0xc9 } },
    { "enter 16; leave, 64 bits", FIXTURE_LONG64, { 0xc8, 0x10, 0x01, ZERO, 0xc9 } },
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
    if (row->code[0] == 0x0f && row->mode == FIXTURE_LONG64) {
        n = 4;
    }
    for (unsigned i = 0; i < n; i++) {
        code[i] = row->code[i] == ZERO ? 0 : row->code[i];
    }
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
