/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -accel dbt,verify: right translations pass, a wrong one is found and has no effect. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "runtime/engine/engine_int.h"
#include "runtime/software_cpu/software_cpu_int.h"
#include "softmmu/mmu.h"
#include "tests/translator/engine_fixture.h"

enum {
    MARK = 0x12345678,                /* an immediate that is looked for in the host code */
    SUPERVISOR = 1 | 2 | 0x20 | 0x40, /* page table entry: P, W, A, D */
};

static void failed(void *opaque)
{
    (*(unsigned *)opaque)++;
}

static EngineFixture *verified_fixture(FixtureMode mode, unsigned every, unsigned *failures)
{
    EngineOptions options = {
        .cache_size = 1 << 20, .verify = every, .verify_failed = failed, .verify_opaque = failures
    };

    *failures = 0;
    return engine_fixture_new(mode, &options);
}

static void run(EngineFixture *ef, const uint8_t *code, size_t size)
{
    fixture_load(ef->fx, code, size);
    engine_fixture_run(ef);
}

/* Flips a bit of every place in the host code that holds MARK; returns their number. */
static unsigned spoil(Engine *engine)
{
    const uint32_t mark = MARK;
    unsigned found = 0;

    for (size_t i = 0; i < engine->unit_size - sizeof(mark); i++) {
        if (memcmp(engine->rw + i, &mark, sizeof(mark)) == 0) {
            engine->rw[i] ^= 4;
            found++;
        }
    }
    return found;
}

/* mov eax, MARK; add eax, ebx; mov [FIXTURE_DATA], eax */
static const uint8_t stores_mark[] = { 0xb8,
                                       0x78,
                                       0x56,
                                       0x34,
                                       0x12,
                                       0x01,
                                       0xd8,
                                       0x89,
                                       0x04,
                                       0x25,
                                       FIXTURE_DATA & 0xff,
                                       FIXTURE_DATA >> 8,
                                       0,
                                       0 };

START_TEST(right_blocks_pass)
{
    unsigned failures;
    EngineFixture *ef = verified_fixture(FIXTURE_LONG64, 1, &failures);

    run(ef, stores_mark, sizeof(stores_mark));
    ck_assert_uint_eq(failures, 0);
    ck_assert_uint_ge(engine_stats(ef->engine)->verified, 1);
    ck_assert_uint_eq(ef->fx->cpu->gpr[RAX], MARK);
    engine_fixture_free(ef);
}
END_TEST

START_TEST(a_spoilt_block_is_found_and_has_no_effect)
{
    g_autofree char *folder = g_dir_make_tmp("doppel-verify-XXXXXX", NULL);
    unsigned failures;
    EngineFixture *ef = verified_fixture(FIXTURE_LONG64, 1, &failures);
    g_autofree char *report = NULL, *file = NULL;

    ck_assert_int_eq(chdir(folder), 0);
    run(ef, stores_mark, sizeof(stores_mark));
    ck_assert_uint_ge(spoil(ef->engine), 1);
    ef->fx->cpu->rip = FIXTURE_CODE;
    engine_fixture_run(ef);
    ck_assert_uint_eq(failures, 1);
    ck_assert_uint_eq(engine_stats(ef->engine)->verify_failed, 1);
    ck_assert_uint_eq(ef->fx->cpu->gpr[RAX], MARK);
    ck_assert_uint_eq(fixture_read(ef->fx, FIXTURE_DATA, 4), MARK);
    file = g_strdup_printf("%s/doppel-verify-%d-1.json", folder, (int)getpid());
    ck_assert(g_file_get_contents(file, &report, NULL, NULL));
    ck_assert_ptr_nonnull(strstr(report, "\"code\": \"b878563412"));
    unlink(file);
    ck_assert_int_eq(chdir("/"), 0);
    rmdir(folder);
    engine_fixture_free(ef);
}
END_TEST

/* A page fault in the middle: state and fault are compared there, and it is delivered once. */
START_TEST(faults_are_compared)
{
    /* inc ebx; mov eax, [0x40000000]; inc ebx */
    static const uint8_t code[] = { 0xff, 0xc3, 0x8b, 0x04, 0x25, 0, 0, 0, 0x40, 0xff, 0xc3 };
    unsigned failures;
    EngineFixture *ef = verified_fixture(FIXTURE_LONG64, 1, &failures);

    run(ef, code, sizeof(code));
    ck_assert_uint_eq(failures, 0);
    ck_assert_uint_eq(ef->fx->cpu->rip, FIXTURE_HANDLERS + VECTOR_PF + 1);
    ck_assert_uint_eq(ef->fx->cpu->cr2, 0x40000000);
    ck_assert_uint_eq(ef->fx->cpu->gpr[RBX], 1);
    engine_fixture_free(ef);
}
END_TEST

/* What a block writes is put back before the translation runs: it counts once. */
START_TEST(memory_is_counted_up_once_a_run)
{
    /* mov ecx, 100; l: inc dword [FIXTURE_DATA]; push rcx; pop rdx; dec ecx; jnz l */
    static const uint8_t code[] = {
        0xb9, 100, 0,    0,    0,    0xff, 0x04, 0x25, FIXTURE_DATA & 0xff, FIXTURE_DATA >> 8,
        0,    0,   0x51, 0x5a, 0xff, 0xc9, 0x75, 0xf3
    };
    static const unsigned samples[] = { 1, 4, 64 };

    for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
        unsigned failures;
        EngineFixture *ef = verified_fixture(FIXTURE_LONG64, samples[i], &failures);

        run(ef, code, sizeof(code));
        ck_assert_uint_eq(failures, 0);
        ck_assert_uint_ge(engine_stats(ef->engine)->verified, samples[i] == 1 ? 100 : 2);
        ck_assert_uint_eq(fixture_read(ef->fx, FIXTURE_DATA, 4), 100);
        engine_fixture_free(ef);
    }
}
END_TEST

/* A block that writes into translated code is given up, with the software CPU's result. */
START_TEST(writes_into_code_are_given_up)
{
    /* l: mov byte [l + 20], 0xc3 (behind the HLT, same chunk) ; nops */
    static const uint8_t code[] = {
        0xc6, 0x04, 0x25, (FIXTURE_CODE + 20) & 0xff, (FIXTURE_CODE + 20) >> 8, 0, 0,
        0xc3, 0x90, 0x90
    };
    unsigned failures;
    EngineFixture *ef = verified_fixture(FIXTURE_LONG64, 1, &failures);

    run(ef, code, sizeof(code));
    ck_assert_uint_eq(failures, 0);
    ck_assert_uint_ge(engine_stats(ef->engine)->verify_skipped, 1);
    ck_assert_uint_eq(fixture_read(ef->fx, FIXTURE_CODE + 20, 1), 0xc3);
    engine_fixture_free(ef);
}
END_TEST

/* Both runs begin with the same mode and segments, whatever the first one makes of them. */
static const struct {
    const char *name;
    uint8_t code[16];
    size_t size;
    uint64_t rflags;
} mode_rows[] = {
    /* clac; stac; mov [rsi], eax across a page's end; clac: user pages */
    { "an access before CLAC", { 0x0f, 1, 0xca, 0x0f, 1, 0xcb, 0x89, 6, 0x0f, 1, 0xca }, 11, 0 },
    { "CLAC first", { 0x89, 6, 0x0f, 1, 0xca }, 5, FLAG_AC },
    /* mov eax, ds; mov ds, ecx; mov edx, ds */
    { "a load of DS", { 0x8c, 0xd8, 0x8e, 0xd9, 0x8c, 0xda }, 6, 0 },
    /* rdfsbase rax; wrfsbase rsi; rdfsbase rdx */
    { "a base of FS",
      { 0xf3, 0x48, 0x0f, 0xae, 0xc0, 0xf3, 0x48, 0x0f, 0xae, 0xd6, 0xf3, 0x48, 0x0f, 0xae, 0xc2 },
      15,
      0 },
};

START_TEST(mode_row)
{
    unsigned failures;
    EngineFixture *ef = verified_fixture(FIXTURE_LONG64, 1, &failures);
    Cpu *cpu = ef->fx->cpu;

    cpu->cr4 |= CR4_SMAP | CR4_FSGSBASE;
    cpu->rflags |= mode_rows[_i].rflags;
    cpu_mode_update(cpu);
    mmu_mode_changed(cpu);
    fixture_set_page(ef->fx, FIXTURE_GDT, SUPERVISOR);
    fixture_set_page(ef->fx, FIXTURE_IDT, SUPERVISOR);
    fixture_set_page(ef->fx, FIXTURE_STACK - 8, SUPERVISOR);
    cpu->gpr[RCX] = FIXTURE_USER_DATA;
    cpu->gpr[RSI] = FIXTURE_DATA + PAGE_SIZE - 2;
    run(ef, mode_rows[_i].code, mode_rows[_i].size);
    ck_assert_msg(failures == 0 && engine_stats(ef->engine)->verify_repeated == 0, "%s differs",
                  mode_rows[_i].name);
    ck_assert_uint_ge(engine_stats(ef->engine)->verified, 1);
    ck_assert_uint_eq(cpu->rip, FIXTURE_CODE + mode_rows[_i].size + 1);
    engine_fixture_free(ef);
}
END_TEST

/* Random programs: no false alarms, whatever they do to flags, vectors and memory. */
START_TEST(random_programs_pass)
{
    static const struct {
        FixtureMode mode;
        unsigned code_width;
    } modes[] = { { FIXTURE_LONG64, 8 }, { FIXTURE_PAGING32, 4 } };

    for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
        uint64_t seed = 0x5eed + i;

        for (unsigned round = 0; round < 100; round++) {
            uint8_t code[3000];
            size_t size = random_code(code, sizeof(code), 24, modes[i].code_width, &seed);
            unsigned failures;
            EngineFixture *ef = verified_fixture(modes[i].mode, 1, &failures);

            run(ef, code, size);
            ck_assert_msg(failures == 0, "program %u differs in mode %u", round, modes[i].mode);
            engine_fixture_free(ef);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("verify");
    TCase *tc = tcase_create("verify");
    SRunner *runner;
    int failures;

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, right_blocks_pass);
    tcase_add_test(tc, a_spoilt_block_is_found_and_has_no_effect);
    tcase_add_test(tc, faults_are_compared);
    tcase_add_test(tc, memory_is_counted_up_once_a_run);
    tcase_add_test(tc, writes_into_code_are_given_up);
    tcase_add_loop_test(tc, mode_row, 0, G_N_ELEMENTS(mode_rows));
    tcase_add_test(tc, random_programs_pass);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
