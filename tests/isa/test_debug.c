/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_debug.c - orders in which debug traps, shadows and interrupts meet. */
#include <check.h>
#include <glib.h>
#include <stdlib.h>
#include "runtime/software_cpu/debug.h"
#include "runtime/software_cpu/interrupt.h"
#include "runtime/software_cpu/software_cpu_int.h"
#include "tests/isa/fixture.h"

enum {
    WATCH_DATA = DR7_FIXED | 7u << 16 | 1, /* DR0: two bytes, reads and writes */
    BREAK_2 = DR7_FIXED | 1u << 5,         /* DR2: instructions */
};

static void debug_registers_set(Cpu *cpu, uint64_t dr0, uint64_t dr2, uint64_t dr7)
{
    cpu->dr[0] = dr0;
    cpu->dr[2] = dr2;
    cpu->dr[7] = dr7;
    cpu_mode_update(cpu);
}

/* MOV SS of a watched word, then ... */
#define MOV_SS 0x8e, 0x15, 0x00, 0x60, 0x00, 0x00

typedef struct ShadowRow {
    const char *name;
    uint8_t code[10];
    int vector;   /* of the first handler */
    uint64_t dr7; /* besides the watch */
    uint64_t dr6; /* behind it */
} ShadowRow;

static const ShadowRow shadow_rows[] = {
    { "int1 tells of both", { MOV_SS, 0xf1 }, VECTOR_DB, 0, 0xffff0ff1 },
    { "general detect tells of both",
      { MOV_SS, 0x0f, 0x21, 0xf0 }, /* mov eax, dr6 */
      VECTOR_DB,
      DR7_GD,
      0xffff2ff1 },
    { "int3 comes first", { MOV_SS, 0xcc }, VECTOR_DB, 0, 0xffff0ff1 },
    { "a fault drops it", { MOV_SS, 0x0f, 0x0b }, VECTOR_UD, 0, 0xffff0ff0 },
    { "a plain instruction", { MOV_SS, 0x90 }, VECTOR_DB, 0, 0xffff0ff1 },
};

START_TEST(what_mov_ss_hits_makes_one_exception)
{
    const ShadowRow *row = &shadow_rows[_i];
    Fixture *fx = fixture_new(FIXTURE_PROTECTED32);
    Cpu *cpu = fx->cpu;

    fixture_load(fx, row->code, sizeof(row->code));
    fixture_write(fx, FIXTURE_DATA, 2, cpu->seg[SS].selector);
    debug_registers_set(cpu, FIXTURE_DATA, 0, WATCH_DATA | row->dr7);
    ck_assert(fixture_step(fx) && fixture_step(fx));
    ck_assert_msg(cpu->rip == FIXTURE_HANDLERS + (uint64_t)row->vector, "%s", row->name);
    ck_assert_msg(cpu->dr[6] == row->dr6, "%s: dr6 %lx", row->name, (long)cpu->dr[6]);
    ck_assert_msg(debug_pending(cpu) == 0, "%s", row->name);
    fixture_free(fx);
}
END_TEST

START_TEST(breakpoint_bits_are_rewritten_and_others_gather)
{
    Fixture *fx = fixture_new(FIXTURE_PROTECTED32);
    static const uint8_t nop[] = { 0x90 };

    fixture_load(fx, nop, sizeof(nop));
    debug_registers_set(fx->cpu, 0, FIXTURE_CODE, BREAK_2);
    fx->cpu->dr[6] = DR6_FIXED | DR6_BS | 2;
    ck_assert_int_eq(fixture_run_delivering(fx, 2), VECTOR_DB);
    ck_assert_uint_eq(fx->cpu->dr[6], DR6_FIXED | DR6_BS | 4);
    fixture_free(fx);
}
END_TEST

/* ---- SYSRET ---- */

static Fixture *sysret_fixture(uint64_t flags)
{
    static const uint8_t sysret[] = { 0x48, 0x0f, 0x07 };
    Fixture *fx = fixture_new(FIXTURE_LONG64);
    Cpu *cpu = fx->cpu;

    cpu->efer |= EFER_SCE;
    cpu->star = (uint64_t)(FIXTURE_USER_CS32 & ~3u) << 48;
    cpu->gpr[R11] = flags | FLAG_1;
    cpu->gpr[RCX] = FIXTURE_CODE + 0x100;
    fixture_load(fx, sysret, sizeof(sysret));
    return fx;
}

START_TEST(sysret_that_loads_tf_traps_before_the_next_instruction)
{
    Fixture *fx = sysret_fixture(FLAG_TF | FLAG_IF);
    Cpu *cpu = fx->cpu;

    fixture_write(fx, FIXTURE_CODE + 0x100, 2, 0x050f); /* SYSCALL would mask TF */
    cpu_request_set(cpu, CPU_REQUEST_INTR);
    fx->interrupt = 0x40;
    ck_assert(fixture_step(fx));
    ck_assert(!interrupt_ready(cpu)); /* the trap comes before the interrupt */
    ck_assert_int_eq(fixture_run_delivering(fx, 2), VECTOR_DB);
    ck_assert(cpu->dr[6] & DR6_BS);
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_STACK0 - 40, 8), FIXTURE_CODE + 0x100);
    fixture_free(fx);
}
END_TEST

START_TEST(sysret_that_clears_tf_does_not_trap)
{
    Fixture *fx = sysret_fixture(0);

    flags_write(fx->cpu, FLAG_TF, FLAG_TF);
    ck_assert(fixture_step(fx));
    ck_assert_uint_eq(fx->cpu->rip, FIXTURE_CODE + 0x100);
    ck_assert_uint_eq(debug_pending(fx->cpu), 0);
    fixture_free(fx);
}
END_TEST

/* ---- Between the iterations of a repeated instruction ---- */

static const uint8_t rep_stosb[] = { 0xf3, 0xaa };

static Fixture *repeat_fixture(unsigned count)
{
    Fixture *fx = fixture_new(FIXTURE_PROTECTED32);

    fixture_load(fx, rep_stosb, sizeof(rep_stosb));
    fx->cpu->gpr[RCX] = count;
    fx->cpu->gpr[RDI] = FIXTURE_DATA;
    return fx;
}

static uint64_t saved_flags(const Fixture *fx)
{
    return fixture_read(fx, FIXTURE_STACK - 4, 4);
}

START_TEST(single_step_between_iterations_saves_rf)
{
    Fixture *fx = repeat_fixture(1 + (unsigned)_i);

    flags_write(fx->cpu, FLAG_TF, FLAG_TF);
    ck_assert_int_eq(fixture_run_delivering(fx, 2), VECTOR_DB);
    ck_assert_uint_eq(fx->cpu->gpr[RCX], (uint64_t)_i);
    ck_assert_uint_eq(saved_flags(fx) & FLAG_RF, _i != 0 ? FLAG_RF : 0);
    ck_assert_uint_eq(fx->cpu->rflags & FLAG_RF, 0);
    fixture_free(fx);
}
END_TEST

START_TEST(a_watchpoint_between_iterations_saves_rf)
{
    Fixture *fx = repeat_fixture(3);

    debug_registers_set(fx->cpu, FIXTURE_DATA + (_i != 0 ? 2 : 0), 0, DR7_FIXED | 1u << 16 | 1);
    ck_assert_int_eq(fixture_run_delivering(fx, 5), VECTOR_DB);
    ck_assert_uint_eq(fx->cpu->gpr[RCX], _i != 0 ? 0 : 2);
    ck_assert_uint_eq(saved_flags(fx) & FLAG_RF, _i != 0 ? 0 : FLAG_RF);
    fixture_free(fx);
}
END_TEST

START_TEST(an_interrupt_between_iterations_saves_rf)
{
    Fixture *fx = repeat_fixture(3 * PAGE_SIZE);
    Cpu *cpu = fx->cpu;

    flags_write(cpu, FLAG_IF, FLAG_IF);
    cpu_request_set(cpu, CPU_REQUEST_INTR);
    fx->interrupt = 0x40;
    ck_assert(fixture_step(fx)); /* a run of iterations, and it is looked at */
    ck_assert(interrupt_poll(cpu));
    ck_assert_uint_eq(cpu->rip, FIXTURE_HANDLERS + 0x40);
    ck_assert_uint_ne(cpu->gpr[RCX], 0);
    ck_assert_uint_eq(saved_flags(fx) & FLAG_RF, FLAG_RF);
    fixture_free(fx);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("debug");
    TCase *tc = tcase_create("orders");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, what_mov_ss_hits_makes_one_exception, 0, G_N_ELEMENTS(shadow_rows));
    tcase_add_test(tc, breakpoint_bits_are_rewritten_and_others_gather);
    tcase_add_test(tc, sysret_that_loads_tf_traps_before_the_next_instruction);
    tcase_add_test(tc, sysret_that_clears_tf_does_not_trap);
    tcase_add_loop_test(tc, single_step_between_iterations_saves_rf, 0, 2);
    tcase_add_loop_test(tc, a_watchpoint_between_iterations_saves_rf, 0, 2);
    tcase_add_test(tc, an_interrupt_between_iterations_saves_rf);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
