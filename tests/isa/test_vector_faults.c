/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Preconditions and faults of vector instructions, and what a fault leaves behind. */
#include "tests/isa/vector_fixture.h"
#include "runtime/software_cpu/software_cpu_int.h"
#include <check.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>

static Fixture *fx;

static void setup(void)
{
    fx = vector_fixture_new(FIXTURE_LONG64);
    fx->cpu->gpr[RSI] = FIXTURE_DATA;
    fx->cpu->gpr[RDI] = FIXTURE_DATA + 0x1000;
}

static void teardown(void)
{
    vector_fixture_free(fx);
}

/* ---- #UD and #NM by the control registers ---- */

enum { NO_FAULT = 0xff };

typedef struct ControlRow {
    const char *name;
    uint8_t code[8];
    uint8_t length;
    uint32_t cr0_set, cr4_clear;
    uint8_t xcr0;
    uint8_t vector;
} ControlRow;

#define FNOP    { 0xd9, 0xd0 }, 2
#define FWAIT   { 0x9b }, 1
#define FNSTSW  { 0xdf, 0xe0 }, 2
#define PADDB   { 0x0f, 0xfc, 0xc1 }, 3
#define EMMS    { 0x0f, 0x77 }, 2
#define ADDPS   { 0x0f, 0x58, 0xc1 }, 3
#define VADDPS  { 0xc5, 0xf0, 0x58, 0xc2 }, 4
#define LDMXCSR { 0x0f, 0xae, 0x16 }, 3
#define FXSAVE  { 0x0f, 0xae, 0x06 }, 3
#define XSAVE   { 0x0f, 0xae, 0x26 }, 3
#define CVTPI   { 0x0f, 0x2a, 0xc1 }, 3
#define GATHER  { 0xc4, 0xe2, 0x69, 0x90, 0x04, 0x0e }, 6
#define VMASK   { 0xc4, 0xe2, 0x71, 0x2c, 0x06 }, 5

static const ControlRow control_rows[] = {
    { "x87 with EM", FNOP, CR0_EM, 0, 7, VECTOR_NM },
    { "x87 with TS", FNOP, CR0_TS, 0, 7, VECTOR_NM },
    { "fnstsw with TS", FNSTSW, CR0_TS, 0, 7, VECTOR_NM },
    { "fwait with TS alone", FWAIT, CR0_TS, 0, 7, NO_FAULT },
    { "fwait with EM alone", FWAIT, CR0_EM, 0, 7, NO_FAULT },
    { "fwait with TS and MP", FWAIT, CR0_TS | CR0_MP, 0, 7, VECTOR_NM },
    { "MMX with EM", PADDB, CR0_EM, 0, 7, VECTOR_UD },
    { "MMX with TS", PADDB, CR0_TS, 0, 7, VECTOR_NM },
    { "MMX without OSFXSR", PADDB, 0, CR4_OSFXSR, 7, NO_FAULT },
    { "emms with EM and TS", EMMS, CR0_EM | CR0_TS, 0, 7, VECTOR_UD },
    { "SSE with EM", ADDPS, CR0_EM, 0, 7, VECTOR_UD },
    { "SSE with EM and TS", ADDPS, CR0_EM | CR0_TS, 0, 7, VECTOR_UD },
    { "SSE with TS", ADDPS, CR0_TS, 0, 7, VECTOR_NM },
    { "SSE without OSFXSR", ADDPS, 0, CR4_OSFXSR, 7, VECTOR_UD },
    { "cvtpi2ps without OSFXSR", CVTPI, 0, CR4_OSFXSR, 7, VECTOR_UD },
    { "ldmxcsr with TS", LDMXCSR, CR0_TS, 0, 7, VECTOR_NM },
    { "ldmxcsr with EM", LDMXCSR, CR0_EM, 0, 7, VECTOR_UD },
    { "AVX with EM", VADDPS, CR0_EM, 0, 7, NO_FAULT },
    { "AVX without OSFXSR", VADDPS, 0, CR4_OSFXSR, 7, NO_FAULT },
    { "AVX with TS", VADDPS, CR0_TS, 0, 7, VECTOR_NM },
    { "AVX without OSXSAVE", VADDPS, 0, CR4_OSXSAVE, 7, VECTOR_UD },
    { "AVX without XCR0's AVX", VADDPS, 0, 0, 3, VECTOR_UD },
    { "gather without XCR0's AVX", GATHER, 0, 0, 3, VECTOR_UD },
    { "masked move with TS", VMASK, CR0_TS, 0, 7, VECTOR_NM },
    { "fxsave with EM", FXSAVE, CR0_EM, 0, 7, VECTOR_NM },
    { "fxsave with TS", FXSAVE, CR0_TS, 0, 7, VECTOR_NM },
    { "fxsave without OSFXSR", FXSAVE, 0, CR4_OSFXSR, 7, NO_FAULT },
    { "xsave with TS", XSAVE, CR0_TS, 0, 7, VECTOR_NM },
    { "xsave with EM", XSAVE, CR0_EM, 0, 7, NO_FAULT },
    { "xsave without OSXSAVE", XSAVE, 0, CR4_OSXSAVE, 7, VECTOR_UD },
};

START_TEST(control_registers_decide)
{
    const ControlRow *row = &control_rows[_i];
    Cpu *cpu = fx->cpu;
    Step step;

    cpu->cr0 |= row->cr0_set;
    cpu->cr4 &= ~(uint64_t)row->cr4_clear;
    cpu->xcr0 = row->xcr0;
    cpu_mode_update(cpu);
    step = vector_exec(fx, row->code, row->length);
    if (row->vector == NO_FAULT) {
        ck_assert_msg(step == STEP_NEXT, "%s: vector %u", row->name, cpu->fault.vector);
    } else {
        ck_assert_msg(step == STEP_FAULT && cpu->fault.vector == row->vector, "%s: %d, vector %u",
                      row->name, step, cpu->fault.vector);
    }
}
END_TEST

START_TEST(vex_is_undefined_outside_protected_mode)
{
    Fixture *v86 = vector_fixture_new(FIXTURE_VM86);

    ck_assert_int_eq(EXEC(v86, 0x0f, 0x58, 0xc1), STEP_NEXT);
    ck_assert_int_eq(EXEC(v86, 0xc5, 0xf0, 0x58, 0xc2), STEP_FAULT);
    ck_assert_uint_eq(v86->cpu->fault.vector, VECTOR_UD);
    vector_fixture_free(v86);
}
END_TEST

/* vpextrd, vpinsrd and the same with VEX.W1 */
START_TEST(vpextrq_and_vpinsrq_are_undefined_outside_64_bit_mode)
{
    static const uint8_t codes[][6] = { { 0xc4, 0xe3, 0x79, 0x16, 0xc0, 0x00 },
                                        { 0xc4, 0xe3, 0x79, 0x22, 0xc0, 0x00 },
                                        { 0xc4, 0xe3, 0xf9, 0x16, 0xc0, 0x00 },
                                        { 0xc4, 0xe3, 0xf9, 0x22, 0xc0, 0x00 } };
    Fixture *protected32 = vector_fixture_new(FIXTURE_PROTECTED32);

    for (unsigned i = 0; i < G_N_ELEMENTS(codes); i++) {
        fixture_load(protected32, codes[i], sizeof(codes[i]));
        ck_assert_int_eq(fixture_run(protected32, 1), i < 2 ? FIXTURE_STEPS : FIXTURE_FAULT);
    }
    ck_assert_uint_eq(protected32->cpu->fault.vector, VECTOR_UD);
    vector_fixture_free(protected32);
}
END_TEST

/* ---- Alignment ---- */

typedef struct AlignRow {
    const char *name;
    uint8_t code[8];
    uint8_t length;
    bool faults;
} AlignRow;

static const AlignRow align_rows[] = {
    /* all at rsi + 8 */
    { "movaps load", { 0x0f, 0x28, 0x46, 0x08 }, 4, true },
    { "movaps store", { 0x0f, 0x29, 0x46, 0x08 }, 4, true },
    { "movups load", { 0x0f, 0x10, 0x46, 0x08 }, 4, false },
    { "movdqu store", { 0xf3, 0x0f, 0x7f, 0x46, 0x08 }, 5, false },
    { "lddqu", { 0xf2, 0x0f, 0xf0, 0x46, 0x08 }, 5, false },
    { "paddb", { 0x66, 0x0f, 0xfc, 0x46, 0x08 }, 5, true },
    { "paddb of MMX", { 0x0f, 0xfc, 0x46, 0x01 }, 4, false },
    { "addsd", { 0xf2, 0x0f, 0x58, 0x46, 0x01 }, 5, false },
    { "pcmpistri", { 0x66, 0x0f, 0x3a, 0x63, 0x46, 0x08, 0x0c }, 7, false },
    { "movntps", { 0x0f, 0x2b, 0x46, 0x08 }, 4, true },
    { "vaddps", { 0xc5, 0xf0, 0x58, 0x46, 0x08 }, 5, false },
    { "vmovaps 32 bytes", { 0xc5, 0xfc, 0x28, 0x46, 0x10 }, 5, true },
    { "vmovups 32 bytes", { 0xc5, 0xfc, 0x10, 0x46, 0x10 }, 5, false },
    { "vmovntdq 32 bytes", { 0xc5, 0xfd, 0xe7, 0x46, 0x10 }, 5, true },
    { "vmovaps 16 bytes", { 0xc5, 0xf8, 0x28, 0x46, 0x10 }, 5, false },
    { "fxsave", { 0x0f, 0xae, 0x46, 0x08 }, 4, true },
    { "xsave", { 0x0f, 0xae, 0x66, 0x20 }, 4, true },
    { "xrstor", { 0x0f, 0xae, 0x6e, 0x20 }, 4, true },
    { "fld of 80 bits", { 0xdb, 0x6e, 0x01 }, 3, false },
};

START_TEST(misaligned_operands_raise_gp)
{
    const AlignRow *row = &align_rows[_i];
    Step step = vector_exec(fx, row->code, row->length);

    ck_assert_msg((step == STEP_FAULT) == row->faults, "%s", row->name);
    if (row->faults) {
        ck_assert_uint_eq(fx->cpu->fault.vector, VECTOR_GP);
        ck_assert(fx->cpu->fault.has_error);
        ck_assert_uint_eq(fx->cpu->fault.error, 0);
    }
}
END_TEST

static const AlignRow check_rows[] = {
    /* with alignment checks on; all from rsi on, XMM1 and XMM2 all ones */
    { "fldenv of 28 bytes at +2", { 0xd9, 0x66, 0x02 }, 3, true },
    { "fldenv of 28 bytes at +4", { 0xd9, 0x66, 0x04 }, 3, false },
    { "fldenv of 14 bytes at +2", { 0x66, 0xd9, 0x66, 0x02 }, 4, false },
    { "fldenv of 14 bytes at +1", { 0x66, 0xd9, 0x66, 0x01 }, 4, true },
    { "frstor of 108 bytes at +2", { 0xdd, 0x66, 0x02 }, 3, true },
    { "frstor of 94 bytes at +1", { 0x66, 0xdd, 0x66, 0x01 }, 4, true },
    { "vmaskmovps load at +1", { 0xc4, 0xe2, 0x71, 0x2c, 0x46, 0x01 }, 6, false },
    { "vmaskmovps store at +1", { 0xc4, 0xe2, 0x71, 0x2e, 0x46, 0x01 }, 6, false },
    { "vpmaskmovq load at +1", { 0xc4, 0xe2, 0xf1, 0x8c, 0x46, 0x01 }, 6, false },
    { "vpgatherdd at +1", { 0xc4, 0xe2, 0x69, 0x90, 0x44, 0x0e, 0x02 }, 7, false },
};

START_TEST(alignment_checks_go_by_instruction)
{
    const AlignRow *row = &check_rows[_i];
    Step step;

    fixture_set_cpl(fx, 3);
    fx->cpu->cr0 |= CR0_AM;
    fx->cpu->rflags |= FLAG_AC;
    cpu_mode_update(fx->cpu);
    for (unsigned lane = 0; lane < 2; lane++) {
        lane_set(fx, 1, lane, UINT64_MAX);
        lane_set(fx, 2, lane, UINT64_MAX);
    }
    step = vector_exec(fx, row->code, row->length);
    ck_assert_msg((step == STEP_FAULT) == row->faults, "%s: vector %u", row->name,
                  fx->cpu->fault.vector);
    if (row->faults) {
        ck_assert_uint_eq(fx->cpu->fault.vector, VECTOR_AC);
    }
}
END_TEST

/* ---- Numeric errors ---- */

#define ONE_PS 0x3f8000003f800000

START_TEST(an_unmasked_sse_error_raises_xm_and_sets_its_flag)
{
    mxcsr_set(fx, 0x1f80 & ~0x200u); /* division by zero unmasked */
    for (unsigned lane = 0; lane < 2; lane++) {
        lane_set(fx, 0, lane, ONE_PS);
        lane_set(fx, 1, lane, 0);
    }
    ck_assert_int_eq(EXEC(fx, 0x0f, 0x5e, 0xc1), STEP_FAULT); /* divps xmm0, xmm1 */
    ck_assert_uint_eq(fx->cpu->fault.vector, VECTOR_XM);
    ck_assert(!fx->cpu->fault.has_error);
    ck_assert_uint_eq(lane_get(fx, 0, 0), ONE_PS);
    ck_assert_uint_eq(mxcsr_get(fx), 0x1d84);
    ck_assert_uint_eq(fx->cpu->rip, FIXTURE_CODE);
    fx->cpu->cr4 &= ~(uint64_t)CR4_OSXMMEXCPT;
    cpu_mode_update(fx->cpu);
    ck_assert_int_eq(EXEC(fx, 0x0f, 0x5e, 0xc1), STEP_FAULT);
    ck_assert_uint_eq(fx->cpu->fault.vector, VECTOR_UD);
}
END_TEST

START_TEST(a_convert_that_faults_leaves_register_and_memory)
{
    mxcsr_set(fx, 0);
    lane_set(fx, 0, 0, 0x7ff8000000000000);
    fx->cpu->gpr[RAX] = 0x1122334455667788;
    ck_assert_int_eq(EXEC(fx, 0xf2, 0x48, 0x0f, 0x2d, 0xc0), STEP_FAULT); /* cvtsd2si rax, xmm0 */
    ck_assert_uint_eq(fx->cpu->fault.vector, VECTOR_XM);
    ck_assert_uint_eq(fx->cpu->gpr[RAX], 0x1122334455667788);
    lane_set(fx, 0, 0, 0x7f800001);                                             /* signalling */
    ck_assert_int_eq(EXEC(fx, 0xc4, 0xe3, 0x79, 0x1d, 0x06, 0x00), STEP_FAULT); /* vcvtps2ph */
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_DATA, 8), 0);
}
END_TEST

/* fld1; fldz; fdivp with division by zero unmasked */
static void make_x87_error(void)
{
    x87_set_word(fx, 0, 0x037b);
    ck_assert_int_eq(EXEC(fx, 0xd9, 0xe8), STEP_NEXT);
    ck_assert_int_eq(EXEC(fx, 0xd9, 0xee), STEP_NEXT);
    ck_assert_int_eq(EXEC(fx, 0xde, 0xf9), STEP_NEXT);
    ck_assert_uint_eq(x87_word(fx, 2) & 0x8084, 0x8084);
}

START_TEST(an_x87_error_waits_for_the_next_instruction)
{
    make_x87_error();
    ck_assert_int_eq(EXEC(fx, 0xdf, 0xe0), STEP_NEXT); /* fnstsw ax */
    ck_assert_uint_eq(fx->cpu->gpr[RAX] & 0x84, 0x84);
    ck_assert_int_eq(EXEC(fx, 0xd9, 0xe8), STEP_FAULT); /* fld1 */
    ck_assert_uint_eq(fx->cpu->fault.vector, VECTOR_MF);
    ck_assert_int_eq(EXEC(fx, 0x9b), STEP_FAULT); /* fwait */
    ck_assert_uint_eq(fx->cpu->fault.vector, VECTOR_MF);
    ck_assert_int_eq(EXEC(fx, 0x0f, 0xfc, 0xc1), STEP_FAULT); /* paddb mm0, mm1 */
    ck_assert_uint_eq(fx->cpu->fault.vector, VECTOR_MF);
    ck_assert_int_eq(EXEC(fx, 0xd9, 0x2e), STEP_FAULT); /* fldcw */
    ck_assert_uint_eq(fx->cpu->fault.vector, VECTOR_MF);
    ck_assert_int_eq(EXEC(fx, 0x0f, 0x58, 0xc1), STEP_NEXT); /* addps: not its business */
    ck_assert_int_eq(EXEC(fx, 0xdb, 0xe2), STEP_NEXT);       /* fnclex */
    ck_assert_int_eq(EXEC(fx, 0xd9, 0xe8), STEP_NEXT);
}
END_TEST

static unsigned ferrs;

static void count_ferr(Cpu *cpu)
{
    (void)cpu;
    ferrs++;
}

START_TEST(without_ne_the_error_goes_out_by_ferr)
{
    CpuBus bus = *fx->cpu->bus;
    uint64_t top;

    bus.ferr = count_ferr;
    fx->cpu->bus = &bus;
    fx->cpu->cr0 &= ~(uint64_t)CR0_NE;
    ferrs = 0;
    make_x87_error();
    top = x87_word(fx, 2) & 0x3800;
    ck_assert_uint_eq(ferrs, 0);
    ck_assert_int_eq(EXEC(fx, 0xd9, 0xe8), STEP_AGAIN); /* stands until the interrupt comes */
    ck_assert_uint_eq(ferrs, 1);
    fx->cpu->ignne = true;
    ck_assert_int_eq(EXEC(fx, 0xd9, 0xe8), STEP_NEXT);
    ck_assert_uint_eq(x87_word(fx, 2) & 0x3800, top - 0x800);
    ck_assert_uint_eq(x87_word(fx, 2) & 0x8084, 0x8084); /* still pending */
    ck_assert_uint_eq(x87_word(fx, 0), 0x037b);
    ck_assert_int_eq(EXEC(fx, 0xdb, 0xe2), STEP_NEXT);
    ck_assert(!fx->cpu->ignne);
    ck_assert_uint_eq(ferrs, 1);
    fx->cpu->cr0 |= CR0_NE;
}
END_TEST

START_TEST(a_suppressed_x87_store_writes_nothing_across_pages)
{
    fixture_write(fx, FIXTURE_DATA + 0xffc, 8, 0x1122334455667788);
    x87_set_word(fx, 0, 0x0377); /* overflow unmasked */
    fx->cpu->gpr[RSI] = FIXTURE_DATA + 0xffe;
    ck_assert_int_eq(EXEC(fx, 0xd9, 0xeb), STEP_NEXT); /* fldpi */
    for (unsigned i = 0; i < 10; i++) {
        ck_assert_int_eq(EXEC(fx, 0xd8, 0xc8), STEP_NEXT); /* fmul st, st */
    }
    ck_assert_int_eq(EXEC(fx, 0xd9, 0x16), STEP_NEXT); /* fst dword [rsi] */
    ck_assert_uint_eq(x87_word(fx, 2) & 0x88, 0x88);
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_DATA + 0xffc, 8), 0x1122334455667788);
}
END_TEST

/* ---- Memory ---- */

START_TEST(a_store_into_a_missing_page_writes_nothing)
{
    fixture_set_page(fx, FIXTURE_DATA + 0x1000, 0);
    fx->cpu->gpr[RSI] = FIXTURE_DATA + 0xff8;
    lane_set(fx, 0, 0, ~0ull);
    lane_set(fx, 0, 1, ~0ull);
    ck_assert_int_eq(EXEC(fx, 0x0f, 0x11, 0x06), STEP_FAULT); /* movups [rsi], xmm0 */
    ck_assert_uint_eq(fx->cpu->fault.vector, VECTOR_PF);
    ck_assert_uint_eq(fx->cpu->fault.error, 2);
    ck_assert_uint_eq(fx->cpu->fault.address, FIXTURE_DATA + 0x1000);
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_DATA + 0xff8, 8), 0);
}
END_TEST

START_TEST(a_fistp_that_faults_pops_nothing)
{
    fixture_set_page(fx, FIXTURE_DATA, 0);
    ck_assert_int_eq(EXEC(fx, 0xd9, 0xe8), STEP_NEXT);
    ck_assert_int_eq(EXEC(fx, 0xdf, 0x3e), STEP_FAULT); /* fistp qword [rsi] */
    ck_assert_uint_eq(fx->cpu->fault.vector, VECTOR_PF);
    ck_assert_uint_eq(x87_word(fx, 4) & 0xff, 0x80);
}
END_TEST

START_TEST(operands_that_cross_pages_are_whole)
{
    fx->cpu->gpr[RSI] = FIXTURE_DATA + 0xffb;
    lane_set(fx, 2, 0, 0x0123456789abcdef);
    lane_set(fx, 2, 1, 0xfedcba9876543210);
    ck_assert_int_eq(EXEC(fx, 0x0f, 0x11, 0x16), STEP_NEXT);
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_DATA + 0xffb, 8), 0x0123456789abcdef);
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_DATA + 0x1003, 8), 0xfedcba9876543210);
    ck_assert_int_eq(EXEC(fx, 0x0f, 0x10, 0x1e), STEP_NEXT);
    ck_assert_uint_eq(lane_get(fx, 3, 1), 0xfedcba9876543210);
}
END_TEST

START_TEST(mxcsr_goes_in_and_out)
{
    fixture_write(fx, FIXTURE_DATA, 4, 0x9fc0);
    ck_assert_int_eq(EXEC(fx, 0x0f, 0xae, 0x16), STEP_NEXT);
    ck_assert_uint_eq(mxcsr_get(fx), 0x9fc0);
    ck_assert_int_eq(EXEC(fx, 0xc5, 0xf8, 0xae, 0x5e, 0x10), STEP_NEXT); /* vstmxcsr [rsi + 16] */
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_DATA + 16, 8), 0x9fc0);
    fixture_write(fx, FIXTURE_DATA, 4, 0x10000);
    ck_assert_int_eq(EXEC(fx, 0x0f, 0xae, 0x16), STEP_FAULT);
    ck_assert_uint_eq(fx->cpu->fault.vector, VECTOR_GP);
    ck_assert_uint_eq(mxcsr_get(fx), 0x9fc0);
}
END_TEST

/* ---- Masks: bytes and elements that are not selected may lie anywhere ---- */

START_TEST(masked_loads_do_not_touch_what_is_not_selected)
{
    fixture_set_page(fx, FIXTURE_DATA + 0x1000, 0);
    fixture_write(fx, FIXTURE_DATA + 0xff8, 8, 0x2222222211111111);
    fx->cpu->gpr[RSI] = FIXTURE_DATA + 0xff8;
    lane_set(fx, 1, 0, 0x80000000ffffffff);
    lane_set(fx, 1, 1, 0x7fffffff00000000);
    lane_set(fx, 0, 3, ~0ull);
    ck_assert_int_eq(EXEC(fx, 0xc4, 0xe2, 0x71, 0x2c, 0x06), STEP_NEXT); /* vmaskmovps xmm0 */
    ck_assert_uint_eq(lane_get(fx, 0, 0), 0x2222222211111111);
    ck_assert_uint_eq(lane_get(fx, 0, 1), 0);
    ck_assert_uint_eq(lane_get(fx, 0, 3), 0);
    lane_set(fx, 1, 1, 0x80000000);
    ck_assert_int_eq(EXEC(fx, 0xc4, 0xe2, 0x71, 0x2c, 0x06), STEP_FAULT);
    ck_assert_uint_eq(fx->cpu->fault.vector, VECTOR_PF);
    ck_assert_uint_eq(fx->cpu->fault.address, FIXTURE_DATA + 0x1000);
}
END_TEST

START_TEST(masked_elements_go_on_past_4_gib)
{
    lane_set(fx, 1, 0, 0);
    lane_set(fx, 1, 1, UINT64_MAX);
    fx->cpu->gpr[RSI] = 0xfffffff8;
    /* vpmaskmovq xmm0, xmm1, [esi] */
    ck_assert_int_eq(EXEC(fx, 0x67, 0xc4, 0xe2, 0xf1, 0x8c, 0x06), STEP_FAULT);
    ck_assert_uint_eq(fx->cpu->fault.vector, VECTOR_PF);
    ck_assert_uint_eq(fx->cpu->fault.address, 0x100000000);
}
END_TEST

START_TEST(masked_stores_write_all_or_nothing)
{
    fixture_set_page(fx, FIXTURE_DATA + 0x1000, 0);
    fx->cpu->gpr[RSI] = FIXTURE_DATA + 0xff8;
    lane_set(fx, 0, 0, 0x2222222211111111);
    lane_set(fx, 1, 0, 0x80000000);
    lane_set(fx, 1, 1, 0x80000000);
    ck_assert_int_eq(EXEC(fx, 0xc4, 0xe2, 0x71, 0x8e, 0x06), STEP_FAULT); /* vpmaskmovd store */
    ck_assert_uint_eq(fx->cpu->fault.error, 2);
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_DATA + 0xff8, 8), 0);
    lane_set(fx, 1, 1, 0);
    ck_assert_int_eq(EXEC(fx, 0xc4, 0xe2, 0x71, 0x8e, 0x06), STEP_NEXT);
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_DATA + 0xff8, 8), 0x11111111);
}
END_TEST

START_TEST(maskmovdqu_writes_selected_bytes)
{
    fixture_set_page(fx, FIXTURE_DATA + 0x1000, 0);
    fixture_write(fx, FIXTURE_DATA + 0xff8, 8, 0x1111111111111111);
    fx->cpu->gpr[RDI] = FIXTURE_DATA + 0xff8;
    lane_set(fx, 0, 0, 0x8877665544332211);
    lane_set(fx, 0, 1, ~0ull);
    lane_set(fx, 1, 0, 0x80007f00ff000080);
    lane_set(fx, 1, 1, 0);
    ck_assert_int_eq(EXEC(fx, 0x66, 0x0f, 0xf7, 0xc1), STEP_NEXT);
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_DATA + 0xff8, 8), 0x8811111144111111);
    lane_set(fx, 1, 1, 0x8000000000000000);
    ck_assert_int_eq(EXEC(fx, 0x66, 0x0f, 0xf7, 0xc1), STEP_FAULT);
    ck_assert_uint_eq(fx->cpu->fault.address, FIXTURE_DATA + 0x1007);
}
END_TEST

START_TEST(maskmovq_takes_mmx_registers)
{
    uint64_t data = 0x8877665544332211, mask = 0x00ff00ff00ff00ff;

    fixture_write(fx, FIXTURE_DATA, 8, data);
    fixture_write(fx, FIXTURE_DATA + 8, 8, mask);
    ck_assert_int_eq(EXEC(fx, 0x0f, 0x6f, 0x06), STEP_NEXT);
    ck_assert_int_eq(EXEC(fx, 0x0f, 0x6f, 0x4e, 0x08), STEP_NEXT);
    ck_assert_int_eq(EXEC(fx, 0x0f, 0xf7, 0xc1), STEP_NEXT);
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_DATA + 0x1000, 8), data & mask);
}
END_TEST

/* ---- Gathers ---- */

START_TEST(a_gather_takes_selected_elements)
{
    for (unsigned i = 0; i < 64; i++) {
        fixture_write(fx, FIXTURE_DATA + i * 4, 4, 0x1000 + i);
    }
    lane_set(fx, 1, 0, 0x0000000500000003); /* indexes 3, 5, -1, 9 */
    lane_set(fx, 1, 1, 0x00000009ffffffff);
    lane_set(fx, 2, 0, 0xffffffff80000000);
    lane_set(fx, 2, 1, 0x800000007fffffff);
    lane_set(fx, 0, 0, 0);
    lane_set(fx, 0, 1, 0xaaaaaaaabbbbbbbb);
    lane_set(fx, 0, 2, 7);
    /* vpgatherdd xmm0, [rsi + xmm1 * 4 + 4], xmm2 */
    ck_assert_int_eq(EXEC(fx, 0xc4, 0xe2, 0x69, 0x90, 0x44, 0x8e, 0x04), STEP_NEXT);
    ck_assert_uint_eq(lane_get(fx, 0, 0), 0x0000100600001004);
    ck_assert_uint_eq(lane_get(fx, 0, 1), 0x0000100abbbbbbbb);
    ck_assert_uint_eq(lane_get(fx, 0, 2), 0);
    ck_assert_uint_eq(lane_get(fx, 2, 0) | lane_get(fx, 2, 1), 0);
}
END_TEST

START_TEST(a_gather_that_faults_keeps_what_it_has)
{
    fixture_set_page(fx, FIXTURE_DATA + 0x1000, 0);
    fixture_write(fx, FIXTURE_DATA + 8, 8, 0x1122334455667788);
    lane_set(fx, 1, 0, 8);
    lane_set(fx, 1, 1, 0x1000);
    lane_set(fx, 2, 0, ~0ull);
    lane_set(fx, 2, 1, ~0ull);
    lane_set(fx, 0, 1, 0x33);
    /* vpgatherqq xmm0, [rsi + xmm1], xmm2 */
    ck_assert_int_eq(EXEC(fx, 0xc4, 0xe2, 0xe9, 0x91, 0x04, 0x0e), STEP_FAULT);
    ck_assert_uint_eq(fx->cpu->fault.address, FIXTURE_DATA + 0x1000);
    ck_assert_uint_eq(lane_get(fx, 0, 0), 0x1122334455667788);
    ck_assert_uint_eq(lane_get(fx, 0, 1), 0x33);
    ck_assert_uint_eq(lane_get(fx, 2, 0), 0);
    ck_assert_uint_eq(lane_get(fx, 2, 1), ~0ull);
    fixture_set_page(fx, FIXTURE_DATA + 0x1000, 7);
    fixture_write(fx, FIXTURE_DATA, 8, 0);
    ck_assert_int_eq(EXEC(fx, 0xc4, 0xe2, 0xe9, 0x91, 0x04, 0x0e), STEP_NEXT);
    ck_assert_uint_eq(lane_get(fx, 0, 0), 0x1122334455667788);
    ck_assert_uint_eq(lane_get(fx, 0, 1), 0);
}
END_TEST

START_TEST(a_wide_index_gathers_narrow_elements)
{
    for (unsigned i = 0; i < 8; i++) {
        fixture_write(fx, FIXTURE_DATA + i * 4, 4, 0x20 + i);
    }
    for (unsigned lane = 0; lane < 4; lane++) {
        lane_set(fx, 1, lane, 3 - lane);
        lane_set(fx, 2, lane, ~0ull);
        lane_set(fx, 0, lane, ~0ull);
    }
    /* vgatherqps xmm0, [rsi + ymm1 * 4], xmm2 */
    ck_assert_int_eq(EXEC(fx, 0xc4, 0xe2, 0x6d, 0x93, 0x04, 0x8e), STEP_NEXT);
    ck_assert_uint_eq(lane_get(fx, 0, 0), 0x0000002200000023);
    ck_assert_uint_eq(lane_get(fx, 0, 1), 0x0000002000000021);
    ck_assert_uint_eq(lane_get(fx, 0, 2) | lane_get(fx, 2, 0) | lane_get(fx, 2, 2), 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("vector_faults");
    TCase *tc = tcase_create("faults");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, control_registers_decide, 0, G_N_ELEMENTS(control_rows));
    tcase_add_test(tc, vex_is_undefined_outside_protected_mode);
    tcase_add_test(tc, vpextrq_and_vpinsrq_are_undefined_outside_64_bit_mode);
    tcase_add_loop_test(tc, misaligned_operands_raise_gp, 0, G_N_ELEMENTS(align_rows));
    tcase_add_loop_test(tc, alignment_checks_go_by_instruction, 0, G_N_ELEMENTS(check_rows));
    tcase_add_test(tc, an_unmasked_sse_error_raises_xm_and_sets_its_flag);
    tcase_add_test(tc, a_convert_that_faults_leaves_register_and_memory);
    tcase_add_test(tc, an_x87_error_waits_for_the_next_instruction);
    tcase_add_test(tc, without_ne_the_error_goes_out_by_ferr);
    tcase_add_test(tc, a_suppressed_x87_store_writes_nothing_across_pages);
    tcase_add_test(tc, a_store_into_a_missing_page_writes_nothing);
    tcase_add_test(tc, a_fistp_that_faults_pops_nothing);
    tcase_add_test(tc, operands_that_cross_pages_are_whole);
    tcase_add_test(tc, mxcsr_goes_in_and_out);
    tcase_add_test(tc, masked_loads_do_not_touch_what_is_not_selected);
    tcase_add_test(tc, masked_elements_go_on_past_4_gib);
    tcase_add_test(tc, masked_stores_write_all_or_nothing);
    tcase_add_test(tc, maskmovdqu_writes_selected_bytes);
    tcase_add_test(tc, maskmovq_takes_mmx_registers);
    tcase_add_test(tc, a_gather_takes_selected_elements);
    tcase_add_test(tc, a_gather_that_faults_keeps_what_it_has);
    tcase_add_test(tc, a_wide_index_gathers_narrow_elements);
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
