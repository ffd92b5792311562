/* SPDX-License-Identifier: GPL-2.0-or-later */
/* FXSAVE, FXRSTOR and the XSAVE family: images against the host's own, headers, faults. */
#include "tests/isa/vector_fixture.h"
#include "tests/isa/vector_state.h"
#include "runtime/software_cpu/software_cpu_int.h"
#include <check.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>

enum {
    AREA = FIXTURE_DATA, /* 64-byte aligned, a page */
    HEADER = AREA + 512,
    ALL = 7,
};

#define COMPACT (1ull << 63)

static Fixture *fx;
static Random random_source;

static void setup(void)
{
    fx = vector_fixture_new(FIXTURE_LONG64);
    fx->cpu->gpr[RSI] = AREA;
    fx->cpu->gpr[RAX] = ALL;
    random_vector(&random_source, fx->cpu->xsave);
}

static void teardown(void)
{
    vector_fixture_free(fx);
}

static uint8_t *area(void)
{
    return fx->ram + AREA;
}

/* Everything but the pointers, which are the guest's own. */
static void assert_same_legacy(const uint8_t *a, const uint8_t *b, unsigned registers)
{
    ck_assert_int_eq(memcmp(a, b, 5), 0);
    ck_assert_int_eq(memcmp(a + 24, b + 24, 4), 0);
    for (unsigned i = 0; i < 8; i++) {
        ck_assert_int_eq(memcmp(a + 32 + i * 16, b + 32 + i * 16, 10), 0);
    }
    ck_assert_int_eq(memcmp(a + 160, b + 160, registers * 16), 0);
}

START_TEST(fxsave_stores_the_hosts_image_with_the_guests_pointers)
{
    static NativeRun run;
    Native *native = native_new();

    memcpy(run.vector, fx->cpu->xsave, STATE_SIZE);
    run.regs.rsi = (uint64_t)(uintptr_t)native_memory(native);
    ck_assert_int_eq(native_run(native, (const uint8_t[]){ 0x0f, 0xae, 0x06 }, 3, &run), 0);
    fx->cpu->x87_last = (X87Last){ 0x123456789abc, 0xdef011223344, 0x33, 0x2b, 0x5aa };
    memset(area(), 0x5a, 512);
    ck_assert_int_eq(EXEC(fx, 0x0f, 0xae, 0x06), STEP_NEXT);
    assert_same_legacy(area(), native_memory(native), 16);
    ck_assert_uint_eq(fixture_read(fx, AREA + 6, 2), 0x5aa);
    ck_assert_uint_eq(fixture_read(fx, AREA + 8, 8), 0x003356789abc);
    ck_assert_uint_eq(fixture_read(fx, AREA + 16, 8), 0x002b11223344);
    ck_assert_uint_eq(fixture_read(fx, AREA + 28, 4), 0xffff);
    ck_assert_uint_eq(fixture_read(fx, AREA + 464, 8), 0x5a5a5a5a5a5a5a5a);
    ck_assert_int_eq(EXEC(fx, 0x48, 0x0f, 0xae, 0x06), STEP_NEXT);
    ck_assert_uint_eq(fixture_read(fx, AREA + 8, 8), 0x123456789abc);
    ck_assert_uint_eq(fixture_read(fx, AREA + 16, 8), 0xdef011223344);
    native_free(native);
}
END_TEST

START_TEST(fxrstor_loads_what_fxsave_stored)
{
    uint8_t first[512];
    uint64_t high = lane_get(fx, 3, 3);

    fx->cpu->x87_last = (X87Last){ 0x123456789abc, 0xdef011223344, 0, 0, 0x5aa };
    ck_assert_int_eq(EXEC(fx, 0x48, 0x0f, 0xae, 0x06), STEP_NEXT);
    memcpy(first, area(), 512);
    for (unsigned reg = 0; reg < 16; reg++) {
        lane_set(fx, reg, 0, reg);
    }
    ck_assert_int_eq(EXEC(fx, 0xdb, 0xe3), STEP_NEXT); /* fninit */
    ck_assert_int_eq(EXEC(fx, 0x48, 0x0f, 0xae, 0x0e), STEP_NEXT);
    memset(area(), 0, 512);
    ck_assert_int_eq(EXEC(fx, 0x48, 0x0f, 0xae, 0x06), STEP_NEXT);
    assert_same_legacy(area(), first, 16);
    ck_assert_int_eq(memcmp(area() + 6, first + 6, 18), 0);
    ck_assert_uint_eq(lane_get(fx, 3, 3), high);
}
END_TEST

START_TEST(reserved_bits_of_mxcsr_fault)
{
    uint8_t before[512];

    ck_assert_int_eq(EXEC(fx, 0x0f, 0xae, 0x06), STEP_NEXT);
    fixture_write(fx, AREA + 26, 2, 1);
    memcpy(before, fx->cpu->xsave, 512);
    lane_set(fx, 0, 0, 42);
    ck_assert_int_eq(EXEC(fx, 0x0f, 0xae, 0x0e), STEP_FAULT); /* fxrstor */
    ck_assert_uint_eq(fx->cpu->fault.vector, VECTOR_GP);
    ck_assert_uint_eq(lane_get(fx, 0, 0), 42);
    ck_assert_int_eq(EXEC(fx, 0x0f, 0xae, 0x2e), STEP_FAULT); /* xrstor */
    ck_assert_uint_eq(fx->cpu->fault.vector, VECTOR_GP);
    ck_assert_uint_eq(lane_get(fx, 0, 0), 42);
}
END_TEST

START_TEST(narrow_modes_leave_the_upper_registers_alone)
{
    Fixture *narrow = vector_fixture_new(FIXTURE_PROTECTED32);

    random_vector(&random_source, narrow->cpu->xsave);
    narrow->cpu->gpr[RSI] = AREA;
    narrow->cpu->gpr[RAX] = ALL;
    memset(narrow->ram + AREA, 0x5a, 1024);
    ck_assert_int_eq(EXEC(narrow, 0x0f, 0xae, 0x06), STEP_NEXT);
    assert_same_legacy(narrow->ram + AREA, narrow->cpu->xsave, 8);
    ck_assert_uint_eq(fixture_read(narrow, AREA + 288, 8), 0x5a5a5a5a5a5a5a5a);
    memset(narrow->ram + HEADER, 0, 64);
    ck_assert_int_eq(EXEC(narrow, 0x0f, 0xae, 0x26), STEP_NEXT); /* xsave */
    ck_assert_int_eq(memcmp(narrow->ram + AREA + 576, narrow->cpu->xsave + 576, 128), 0);
    ck_assert_uint_eq(fixture_read(narrow, AREA + 704, 8), 0x5a5a5a5a5a5a5a5a);
    fixture_write(narrow, HEADER, 8, 0); /* all to initial state */
    uint64_t upper = lane_get(narrow, 9, 1), upper_high = lane_get(narrow, 9, 3);
    ck_assert_int_eq(EXEC(narrow, 0x0f, 0xae, 0x2e), STEP_NEXT);
    ck_assert_uint_eq(lane_get(narrow, 7, 1) | lane_get(narrow, 7, 3), 0);
    ck_assert_int_eq(EXEC(narrow, 0x0f, 0x57, 0xc0), STEP_NEXT);
    ck_assert_uint_eq(lane_get(narrow, 9, 1), upper);
    ck_assert_uint_eq(lane_get(narrow, 9, 3), upper_high);
    vector_fixture_free(narrow);
}
END_TEST

/* ---- Saving ---- */

typedef struct SaveRow {
    const char *name;
    uint8_t code[5];
    uint8_t length;
} SaveRow;

static const SaveRow save_rows[] = {
    { "xsave", { 0x0f, 0xae, 0x26 }, 3 },    { "xsave64", { 0x48, 0x0f, 0xae, 0x26 }, 4 },
    { "xsaveopt", { 0x0f, 0xae, 0x36 }, 3 }, { "xsaveopt64", { 0x48, 0x0f, 0xae, 0x36 }, 4 },
    { "xsavec", { 0x0f, 0xc7, 0x26 }, 3 },   { "xsavec64", { 0x48, 0x0f, 0xc7, 0x26 }, 4 },
};

enum { ATTEMPTS = 3 };

/* Host and guest save run->vector, with what `before` has in memory first: where the images differ,
 * 1024: nowhere. */
static unsigned images_differ(Native *native, const SaveRow *row, const NativeRun *state,
                              unsigned mask, const uint8_t *before)
{
    uint8_t *host = native_memory(native);
    NativeRun run = *state;
    unsigned at = 0;

    memcpy(fx->cpu->xsave, run.vector, STATE_SIZE);
    memset(fx->cpu->xsave + 6, 0, 18);
    memcpy(host, before, 1024);
    memcpy(area(), before, 1024);
    run.regs = (NativeRegisters){ .rax = mask, .rsi = (uint64_t)(uintptr_t)host };
    fx->cpu->gpr[RAX] = mask;
    ck_assert_int_eq(native_run(native, row->code, row->length, &run), 0);
    ck_assert_int_eq(vector_exec(fx, row->code, row->length), STEP_NEXT);
    if (mask & 6) { /* the host may tell of the misaligned mode */
        memcpy(host + 28, area() + 28, 4);
    }
    while (at < 1024 && host[at] == area()[at]) {
        at++;
    }
    return at;
}

/* For all component masks: the image that the host's instruction makes of the same state, of which
 * some components may be in their initial form. Bytes that the host leaves alone stay. A component
 * in its initial form may count as in use after an interrupt (SDM vol. 1 section 13.6), on either
 * side: so a difference has to come again each time. */
START_TEST(images_are_those_of_the_host)
{
    static NativeRun run;
    const SaveRow *row = &save_rows[_i];
    Native *native = native_new();
    uint8_t before[1024];

    for (unsigned i = 0; i < 64 * 8; i++) {
        unsigned mask = i & 7, in_use = i >> 3 & 7, at = 0;
        uint64_t old = i >> 6 & 7;

        random_vector(&random_source, run.vector);
        run.vector[512] = (uint8_t)in_use;
        memset(before, 0x5a, 1024);
        memset(before + 512, 0, 64);
        memcpy(before + 512, &old, 8);
        for (unsigned attempt = 0; attempt < ATTEMPTS && at < 1024; attempt++) {
            at = images_differ(native, row, &run, mask, before);
        }
        if (at < 1024) {
            ck_abort_msg("%s, mask %u, in use %u, old %u, byte %u: host %02x, guest %02x",
                         row->name, mask, in_use, (unsigned)old, at, native_memory(native)[at],
                         area()[at]);
        }
    }
    native_free(native);
}
END_TEST

/* ---- Restoring ---- */

START_TEST(restored_state_is_that_of_the_host)
{
    static NativeRun run;
    static const uint8_t xrstor[] = { 0x48, 0x0f, 0xae, 0x2e };
    static const uint8_t save[2][4] = { { 0x48, 0x0f, 0xae, 0x26 }, { 0x48, 0x0f, 0xc7, 0x26 } };
    Native *native = native_new();
    uint8_t *host = native_memory(native);

    for (unsigned i = 0; i < 512 * 2; i++) {
        unsigned mask = i & 7, in_use = i >> 3 & 7, saved = i >> 6 & 7;

        random_vector(&random_source, run.vector); /* an image */
        run.vector[512] = (uint8_t)in_use;
        memset(host, 0, 1024);
        run.regs = (NativeRegisters){ .rax = saved, .rsi = (uint64_t)(uintptr_t)host };
        ck_assert_int_eq(native_run(native, save[_i], 4, &run), 0);
        memset(host + 6, 0, 18);
        memcpy(area(), host, 1024);
        if (!(saved & 6) && _i == 0) { /* MXCSR was not saved, but is loaded */
            memset(host + 24, 0, 8);
            memset(area() + 24, 0, 8);
        }
        random_vector(&random_source, run.vector); /* loaded over another state */
        memcpy(fx->cpu->xsave, run.vector, STATE_SIZE);
        run.regs = (NativeRegisters){ .rax = mask, .rsi = (uint64_t)(uintptr_t)host };
        fx->cpu->gpr[RAX] = mask;
        ck_assert_int_eq(native_run(native, xrstor, 4, &run), 0);
        ck_assert_int_eq(vector_exec(fx, xrstor, 4), STEP_NEXT);
        assert_same_legacy(run.vector, fx->cpu->xsave, 16);
        ck_assert_int_eq(memcmp(run.vector + 576, fx->cpu->xsave + 576, 256), 0);
    }
    native_free(native);
}
END_TEST

typedef struct HeaderRow {
    const char *name;
    uint64_t in_use, compact, reserved0, reserved5;
    uint8_t xcr0;
    bool faults;
} HeaderRow;

static const HeaderRow header_rows[] = {
    { "standard", 7, 0, 0, 0, 7, false },
    { "standard, component that is not enabled", 7, 0, 0, 0, 3, true },
    { "standard, unknown component", 1 << 12, 0, 0, 0, 7, true },
    { "standard, XCOMP_BV without bit 63", 3, 3, 0, 0, 7, true },
    { "standard, reserved bytes 16 to 23", 3, 0, 1, 0, 7, true },
    { "standard, later bytes are not looked at", 3, 0, 0, 1, 7, false },
    { "compacted", 3, COMPACT | 7, 0, 0, 7, false },
    { "compacted, in use but without a place", 7, COMPACT | 3, 0, 0, 7, true },
    { "compacted, component that is not enabled", 3, COMPACT | 7, 0, 0, 3, true },
    { "compacted, reserved bytes 16 to 23", 3, COMPACT | 7, 1, 0, 7, true },
    { "compacted, reserved bytes 56 to 63", 3, COMPACT | 7, 0, 1, 7, true },
};

START_TEST(headers_are_checked)
{
    const HeaderRow *row = &header_rows[_i];
    Step step;

    fx->cpu->xcr0 = row->xcr0;
    cpu_mode_update(fx->cpu);
    fixture_write(fx, HEADER, 8, row->in_use);
    fixture_write(fx, HEADER + 8, 8, row->compact);
    fixture_write(fx, HEADER + 16, 8, row->reserved0);
    fixture_write(fx, HEADER + 56, 8, row->reserved5);
    step = EXEC(fx, 0x0f, 0xae, 0x2e);
    ck_assert_msg((step == STEP_FAULT) == row->faults, "%s", row->name);
    if (row->faults) {
        ck_assert_uint_eq(fx->cpu->fault.vector, VECTOR_GP);
    }
}
END_TEST

START_TEST(xsaves_is_for_supervisors_and_xrstors_wants_the_compacted_form)
{
    ck_assert_int_eq(EXEC(fx, 0x0f, 0xc7, 0x2e), STEP_NEXT); /* xsaves */
    ck_assert_uint_eq(fixture_read(fx, HEADER + 8, 8), COMPACT | 7);
    ck_assert_int_eq(EXEC(fx, 0x0f, 0xc7, 0x1e), STEP_NEXT); /* xrstors */
    fixture_write(fx, HEADER + 8, 8, 0);
    ck_assert_int_eq(EXEC(fx, 0x0f, 0xc7, 0x1e), STEP_FAULT);
    ck_assert_uint_eq(fx->cpu->fault.vector, VECTOR_GP);
    fixture_set_cpl(fx, 3);
    ck_assert_int_eq(EXEC(fx, 0x0f, 0xc7, 0x2e), STEP_FAULT);
    ck_assert_uint_eq(fx->cpu->fault.vector, VECTOR_GP);
}
END_TEST

START_TEST(a_save_that_faults_writes_nothing)
{
    fixture_set_page(fx, AREA + 0x1000, 0);
    fx->cpu->gpr[RSI] = AREA + 0x1000 - 576; /* the YMM registers lie in the next page */
    ck_assert_int_eq(EXEC(fx, 0x0f, 0xae, 0x26), STEP_FAULT);
    ck_assert_uint_eq(fx->cpu->fault.vector, VECTOR_PF);
    ck_assert_uint_eq(fx->cpu->fault.address, AREA + 0x1000);
    for (unsigned at = 0; at < 576; at += 8) {
        ck_assert_uint_eq(fixture_read(fx, AREA + 0x1000 - 576 + at, 8), 0);
    }
    fx->cpu->gpr[RAX] = 3;
    ck_assert_int_eq(EXEC(fx, 0x0f, 0xae, 0x26), STEP_NEXT);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("vector_xsave");
    TCase *tc = tcase_create("images");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, fxsave_stores_the_hosts_image_with_the_guests_pointers);
    tcase_add_test(tc, fxrstor_loads_what_fxsave_stored);
    tcase_add_test(tc, reserved_bits_of_mxcsr_fault);
    tcase_add_test(tc, narrow_modes_leave_the_upper_registers_alone);
    tcase_add_loop_test(tc, images_are_those_of_the_host, 0, G_N_ELEMENTS(save_rows));
    tcase_add_loop_test(tc, restored_state_is_that_of_the_host, 0, 2);
    tcase_add_loop_test(tc, headers_are_checked, 0, G_N_ELEMENTS(header_rows));
    tcase_add_test(tc, xsaves_is_for_supervisors_and_xrstors_wants_the_compacted_form);
    tcase_add_test(tc, a_save_that_faults_writes_nothing);
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
