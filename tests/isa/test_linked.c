/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_linked.c - software_cpu_run, which goes from one decoded instruction to the next by links
 * that the first run has made: it must not differ from stepping.  So everything runs twice. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "runtime/software_cpu/software_cpu_int.h"
#include "tests/isa/fixture.h"

enum { RUNS = 2, INTERRUPT = 0x31 };

static Fixture *fx;

static void load(FixtureMode mode, const uint8_t *code, size_t size)
{
    fx = fixture_new(mode);
    fixture_load(fx, code, size);
}

static void begin(void)
{
    Cpu *cpu = fx->cpu;

    memset(cpu->gpr, 0, sizeof(cpu->gpr));
    cpu->gpr[RSP] = FIXTURE_STACK;
    cpu->rip = FIXTURE_CODE;
    cpu->halted = false;
    flags_write(cpu, 0, FLAG_IF | FLAG_TF);
}

static void expect_handler(unsigned vector)
{
    ck_assert(fx->cpu->halted);
    ck_assert_uint_eq(fx->cpu->rip, FIXTURE_HANDLERS + vector + 1);
}

/* In a loop each instruction leads to the next one by links from its second pass on. */
START_TEST(a_loop_may_rewrite_its_next_instruction)
{
    static const uint8_t code[] = {
        0xb9, 3,    0, 0, 0,    /* mov ecx, 3 */
        0xfe, 0x05, 1, 0, 0, 0, /* inc byte [rip + 1]: the next one's immediate */
        0xb0, 0,                /* mov al, 0 */
        0x00, 0xc2,             /* add dl, al */
        0xff, 0xc9,             /* dec ecx */
        0x75, 0xf2,             /* jnz to the inc */
        0xf4,
    };

    load(FIXTURE_LONG64, code, sizeof(code));
    for (unsigned i = 0; i < RUNS; i++) {
        fx->ram[FIXTURE_CODE + 12] = 0;
        begin();
        software_cpu_run(fx->cpu, 100);
        ck_assert(fx->cpu->halted);
        ck_assert_uint_eq(fx->cpu->gpr[RDX], 1 + 2 + 3);
    }
    fixture_free(fx);
}
END_TEST

START_TEST(a_budget_is_counted_in_instructions)
{
    static const uint8_t code[] = { 0xff, 0xc0, 0xff, 0xc0, 0xff, 0xc0, 0xff, 0xc0, 0xeb, 0xf6 };

    load(FIXTURE_LONG64, code, sizeof(code));
    for (unsigned i = 0; i < RUNS; i++) {
        begin();
        software_cpu_run(fx->cpu, 3);
        ck_assert_uint_eq(fx->cpu->gpr[RAX], 3);
        software_cpu_run(fx->cpu, 7);
        ck_assert_uint_eq(fx->cpu->gpr[RAX], 8);
        ck_assert_uint_eq(fx->cpu->rip, FIXTURE_CODE);
    }
    fixture_free(fx);
}
END_TEST

START_TEST(an_interrupt_comes_one_instruction_after_sti)
{
    static const uint8_t code[] = { 0xfb, 0xff, 0xc0, 0xff, 0xc0, 0xf4 };

    load(FIXTURE_PROTECTED32, code, sizeof(code));
    for (unsigned i = 0; i < RUNS; i++) {
        begin();
        software_cpu_run(fx->cpu, 100); /* without one */
        ck_assert_uint_eq(fx->cpu->gpr[RAX], 2);
        begin();
        fx->interrupt = INTERRUPT;
        cpu_request_set(fx->cpu, CPU_REQUEST_INTR);
        software_cpu_run(fx->cpu, 100);
        cpu_request_clear(fx->cpu, CPU_REQUEST_INTR);
        expect_handler(INTERRUPT);
        ck_assert_uint_eq(fx->cpu->gpr[RAX], 1);
    }
    fixture_free(fx);
}
END_TEST

/* pushd flags; popfd; inc eax; inc eax; hlt */
START_TEST(popf_turns_on_single_step)
{
    static const uint8_t code[] = { 0x68, 0x02, 0, 0, 0, 0x9d, 0xff, 0xc0, 0xff, 0xc0, 0xf4 };

    load(FIXTURE_PROTECTED32, code, sizeof(code));
    for (unsigned i = 0; i < 2 * RUNS; i++) {
        bool step = i & 1;

        fx->ram[FIXTURE_CODE + 2] = step; /* TF */
        begin();
        software_cpu_run(fx->cpu, 100);
        ck_assert(fx->cpu->halted);
        ck_assert_uint_eq(fx->cpu->gpr[RAX], step ? 1 : 2);
        if (step) {
            expect_handler(VECTOR_DB);
        }
    }
    fixture_free(fx);
}
END_TEST

/* The last instruction's second byte is past the limit once, and not the other time. */
START_TEST(the_limit_holds_for_the_last_byte)
{
    static const uint8_t code[] = { 0xff, 0xc0, 0xff, 0xc0, 0xf4 };

    load(FIXTURE_PROTECTED32, code, sizeof(code));
    for (unsigned i = 0; i < 2 * RUNS; i++) {
        begin();
        fx->cpu->seg[CS].limit = i & 1 ? FIXTURE_CODE + 2 : UINT32_MAX;
        cpu_mode_update(fx->cpu);
        software_cpu_run(fx->cpu, 2);
        ck_assert_uint_eq(fx->cpu->gpr[RAX], i & 1 ? 1 : 2);
    }
    fixture_free(fx);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("linked instructions");
    TCase *tc = tcase_create("run");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, a_loop_may_rewrite_its_next_instruction);
    tcase_add_test(tc, a_budget_is_counted_in_instructions);
    tcase_add_test(tc, an_interrupt_comes_one_instruction_after_sti);
    tcase_add_test(tc, popf_turns_on_single_step);
    tcase_add_test(tc, the_limit_holds_for_the_last_byte);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
