/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_events.c - NMIs, SMIs and INIT that have to wait, and what holds them off (SDM vol. 3 6.7,
 * 6.8.3, 6.9, 34.8): each test on the software CPU and translated. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "runtime/software_cpu/interrupt.h"
#include "runtime/software_cpu/cpuid.h"
#include "runtime/software_cpu/debug.h"
#include "runtime/software_cpu/software_cpu_int.h"
#include "runtime/software_cpu/system.h"
#include "tests/translator/engine_fixture.h"

enum { SOFTWARE, TRANSLATED, EXECUTORS, BUDGET = 100, INTERRUPT = 0x31, TRAP_GATE = 0xef00 };

static EngineFixture *ef;
static Fixture *fx;

static void prepare(FixtureMode mode, const uint8_t *code, size_t size)
{
    const EngineOptions options = { .cache_size = 1 << 20 };

    ef = engine_fixture_new(mode, &options);
    fx = ef->fx;
    fixture_load(fx, code, size);
}

static void run(int executor)
{
    if (executor == TRANSLATED) {
        engine_fixture_run(ef);
    } else {
        software_cpu_run(fx->cpu, BUDGET);
    }
    ck_assert(fx->cpu->halted);
}

static void expect_handler(unsigned vector)
{
    ck_assert_uint_eq(fx->cpu->rip, FIXTURE_HANDLERS + vector + 1);
}

START_TEST(code_runs_while_a_blocked_nmi_waits)
{
    static const uint8_t code[] = { 0xff, 0xc0, 0xff, 0xc0 }; /* inc eax, twice */

    prepare(FIXTURE_LONG64, code, sizeof(code));
    fx->cpu->nmi_blocked = true;
    cpu_request_set(fx->cpu, CPU_REQUEST_NMI);
    run(_i);
    ck_assert_uint_eq(fx->cpu->gpr[RAX], 2);
    ck_assert_uint_eq(fx->cpu->request, CPU_REQUEST_NMI);
    engine_fixture_free(ef);
}
END_TEST

START_TEST(an_iret_that_faults_lets_nmis_in)
{
    static const uint8_t code[] = { 0xcf }; /* iretd to a null selector */

    prepare(FIXTURE_PROTECTED32, code, sizeof(code));
    fx->cpu->nmi_blocked = true;
    cpu_request_set(fx->cpu, CPU_REQUEST_NMI);
    fixture_write(fx, FIXTURE_STACK - 12, 4, FIXTURE_CODE);
    fixture_write(fx, FIXTURE_STACK - 8, 4, 0);
    fixture_write(fx, FIXTURE_STACK - 4, 4, FLAG_1);
    fx->cpu->gpr[RSP] = FIXTURE_STACK - 12;
    run(_i);
    expect_handler(VECTOR_NMI);
    ck_assert(fx->cpu->nmi_blocked);
    ck_assert_uint_eq(fixture_read(fx, fx->cpu->gpr[RSP], 4), FIXTURE_HANDLERS + VECTOR_GP);
    engine_fixture_free(ef);
}
END_TEST

/* The NMI is taken first, and before its handler's first instruction the interrupt. */
START_TEST(a_trap_gate_lets_the_interrupt_in_at_once)
{
    static const uint8_t code[] = { 0x90 };

    prepare(FIXTURE_PROTECTED32, code, sizeof(code));
    fixture_write(fx, FIXTURE_IDT + VECTOR_NMI * 8 + 4, 4, TRAP_GATE);
    fx->cpu->rflags |= FLAG_IF;
    fx->interrupt = INTERRUPT;
    cpu_request_set(fx->cpu, CPU_REQUEST_NMI | CPU_REQUEST_INTR);
    run(_i);
    expect_handler(INTERRUPT);
    ck_assert_uint_eq(fixture_read(fx, fx->cpu->gpr[RSP], 4), FIXTURE_HANDLERS + VECTOR_NMI);
    ck_assert_uint_eq(fixture_read(fx, fx->cpu->gpr[RSP] + 12, 4), FIXTURE_CODE);
    engine_fixture_free(ef);
}
END_TEST

START_TEST(init_waits_for_the_end_of_smm)
{
    static const uint8_t code[] = { 0x90 }, handler[] = { 0x0f, 0xaa }; /* rsm */
    CpuModel *model = cpu_model_new("qemu64", NULL);

    prepare(FIXTURE_PROTECTED32, code, sizeof(code));
    fx->cpu->model = model;
    fx->cpu->index = 1;
    fx->cpu->smbase = 0x200000;
    phys_map_write(fx->map, 0x208000, handler, sizeof(handler));
    smm_enter(fx->cpu);
    cpu_request_set(fx->cpu, CPU_REQUEST_INIT);
    if (_i == TRANSLATED) {
        engine_run(fx->cpu);
    } else {
        software_cpu_run(fx->cpu, BUDGET);
    }
    ck_assert(!fx->cpu->smm);
    ck_assert(fx->cpu->wait_sipi);
    fx->cpu->model = NULL;
    engine_fixture_free(ef);
    cpu_model_free(model);
}
END_TEST

/* ---- The shadow ---- */

static const struct {
    const char *name;
    uint8_t code[4], size, shadow;
} shadow_rows[] = {
    { "sti", { 0xfb }, 1, SHADOW_STI },
    { "mov ss", { 0x8e, 0xd3 }, 2, SHADOW_MOV_SS },
    { "sti; sti", { 0xfb, 0xfb }, 2, SHADOW_NONE },
    { "mov ss; mov ss", { 0x8e, 0xd3, 0x8e, 0xd3 }, 4, SHADOW_NONE },
    { "sti; mov ss", { 0xfb, 0x8e, 0xd3 }, 3, SHADOW_MOV_SS },
    { "mov ss; sti", { 0x8e, 0xd3, 0xfb }, 3, SHADOW_STI },
};

START_TEST(each_kind_of_shadow_holds_for_one_instruction)
{
    prepare(FIXTURE_PROTECTED32, shadow_rows[_i].code, shadow_rows[_i].size);
    fx->cpu->gpr[RBX] = FIXTURE_DATA32;
    while (fx->cpu->rip != FIXTURE_CODE + (uint64_t)shadow_rows[_i].size) {
        ck_assert(fixture_step(fx));
    }
    ck_assert_msg(fx->cpu->shadow == shadow_rows[_i].shadow, "%s: %u", shadow_rows[_i].name,
                  fx->cpu->shadow);
    ck_assert(fixture_step(fx));
    ck_assert_uint_eq(fx->cpu->shadow, SHADOW_NONE);
    engine_fixture_free(ef);
}
END_TEST

START_TEST(an_smi_waits_for_the_shadow)
{
    static const uint8_t code[] = { 0x90 };

    prepare(FIXTURE_PROTECTED32, code, sizeof(code));
    fx->cpu->shadow = SHADOW_MOV_SS;
    fx->cpu->smbase = 0x200000;
    cpu_request_set(fx->cpu, CPU_REQUEST_SMI);
    ck_assert(!interrupt_poll(fx->cpu));
    ck_assert(fixture_step(fx));
    ck_assert(interrupt_poll(fx->cpu));
    ck_assert(fx->cpu->smm);
    engine_fixture_free(ef);
}
END_TEST

START_TEST(no_instruction_breakpoint_behind_mov_ss)
{
    static const uint8_t code[] = { 0x8e, 0xd3, 0x90 }; /* mov ss, ebx; nop */

    prepare(FIXTURE_PROTECTED32, code, sizeof(code));
    fx->cpu->gpr[RBX] = FIXTURE_DATA32;
    fx->cpu->dr[0] = FIXTURE_CODE + 2;
    fx->cpu->dr[7] = DR7_FIXED | 2;
    cpu_mode_update(fx->cpu);
    run(_i);
    ck_assert_uint_eq(fx->cpu->rip, FIXTURE_CODE + sizeof(code) + 1);
    engine_fixture_free(ef);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("events");
    TCase *tc = tcase_create("events");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, code_runs_while_a_blocked_nmi_waits, 0, EXECUTORS);
    tcase_add_loop_test(tc, an_iret_that_faults_lets_nmis_in, 0, EXECUTORS);
    tcase_add_loop_test(tc, a_trap_gate_lets_the_interrupt_in_at_once, 0, EXECUTORS);
    tcase_add_loop_test(tc, init_waits_for_the_end_of_smm, 0, EXECUTORS);
    tcase_add_loop_test(tc, each_kind_of_shadow_holds_for_one_instruction, 0,
                        sizeof(shadow_rows) / sizeof(shadow_rows[0]));
    tcase_add_test(tc, an_smi_waits_for_the_shadow);
    tcase_add_loop_test(tc, no_instruction_breakpoint_behind_mov_ss, 0, EXECUTORS);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
