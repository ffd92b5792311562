/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Accesses that share a TLB check: over page ends, with live flags, and where pages are missing. */
#include <check.h>
#include <string.h>
#include "tests/translator/engine_fixture.h"

enum { DATA = 0x6000, DATA_PAGES = 3 };

/* Two ranges that take turns, a third by index; flags live from the CMP to the ADC and SETC. */
static const uint8_t interleaved[] = {
    0x48, 0x39, 0xfe,             /* cmp rsi, rdi */
    0x48, 0x8b, 0x06,             /* mov rax, [rsi] */
    0x4c, 0x8b, 0x1f,             /* mov r11, [rdi] */
    0x4c, 0x89, 0x5e, 0x08,       /* mov [rsi + 8], r11 */
    0x48, 0x89, 0x47, 0x08,       /* mov [rdi + 8], rax */
    0x48, 0x8b, 0x14, 0x8b,       /* mov rdx, [rbx + rcx * 4] */
    0x48, 0x8d, 0x7f, 0x10,       /* lea rdi, [rdi + 16] */
    0x48, 0x89, 0x54, 0x8b, 0xf8, /* mov [rbx + rcx * 4 - 8], rdx */
    0x48, 0x83, 0xd1, 0x00,       /* adc rcx, 0 */
    0x48, 0x8b, 0x46, 0x10,       /* mov rax, [rsi + 16] */
    0x0f, 0x92, 0xc2,             /* setc dl */
    0x48, 0x01, 0x07,             /* add [rdi], rax */
    0x48, 0x03, 0x46, 0x18,       /* add rax, [rsi + 24] */
    0x41, 0x0f, 0x92, 0xc1,       /* setc r9b */
};

/* Source and destination step on; the carry lives from turn to turn. */
static const uint8_t adding[] = {
    0x48, 0x8b, 0x07,       /* 1: mov rax, [rdi] */
    0x48, 0x13, 0x06,       /* adc rax, [rsi] */
    0x48, 0x89, 0x06,       /* mov [rsi], rax */
    0x48, 0x8d, 0x7f, 0x08, /* lea rdi, [rdi + 8] */
    0x48, 0x8d, 0x76, 0x08, /* lea rsi, [rsi + 8] */
    0x48, 0xff, 0xc9,       /* dec rcx */
    0x75, 0xea,             /* jnz 1b */
};

/* Bytes from the last to the first look up a table; a sum stays in its place. */
static const uint8_t looking_up[] = {
    0x0f, 0xb6, 0x04, 0x0f,       /* 1: movzx eax, byte [rdi + rcx] */
    0x33, 0x14, 0x83,             /* xor edx, [rbx + rax * 4] */
    0x48, 0x01, 0x16,             /* add [rsi], rdx */
    0x44, 0x0f, 0xb6, 0xe2,       /* movzx r12d, dl */
    0x43, 0x89, 0x44, 0xa6, 0x08, /* mov [r14 + r12 * 4 + 8], eax */
    0x48, 0x83, 0xe9, 0x01,       /* sub rcx, 1 */
    0x75, 0xe7,                   /* jnz 1b */
};

typedef struct Program {
    const uint8_t *code;
    unsigned size, turns;
} Program;

static const Program programs[] = {
    { interleaved, sizeof(interleaved), 16 },
    { adding, sizeof(adding), 700 },
    { looking_up, sizeof(looking_up), 1500 },
};
enum { PROGRAMS = sizeof(programs) / sizeof(programs[0]) };

static const uint64_t places[] = { DATA,          DATA + 0x20,   DATA + 0xfc0,  DATA + 0xfe8,
                                   DATA + 0xff0,  DATA + 0xff4,  DATA + 0xff8,  DATA + 0xfff,
                                   DATA + 0x1000, DATA + 0x1ff1, DATA + 0x1ff8, DATA + 0x2000 };
enum { PLACES = sizeof(places) / sizeof(places[0]) };

static void prepare(Fixture *fx, const Program *program, unsigned round)
{
    uint64_t seed = round + 1;

    for (unsigned i = 0; i < 16; i++) {
        fx->cpu->gpr[i] = random_next(&seed);
    }
    fx->cpu->gpr[RSP] = FIXTURE_STACK;
    fx->cpu->gpr[RSI] = places[round % PLACES];
    fx->cpu->gpr[RDI] = places[round / PLACES % PLACES];
    fx->cpu->gpr[RBX] = places[round / PLACES / PLACES % PLACES] - 64;
    fx->cpu->gpr[R14] = places[round * 5 % PLACES];
    fx->cpu->gpr[RCX] = program->turns - round % 16;
    for (unsigned i = 0; i < DATA_PAGES * PAGE_SIZE; i += 8) {
        fixture_write(fx, DATA + i, 8, random_next(&seed));
    }
    fixture_load(fx, program->code, program->size);
}

static void compare(const Fixture *soft, const Fixture *hard)
{
    for (unsigned i = 0; i < 16; i++) {
        ck_assert_uint_eq(soft->cpu->gpr[i], hard->cpu->gpr[i]);
    }
    ck_assert_uint_eq(soft->cpu->rip, hard->cpu->rip);
    ck_assert_uint_eq(soft->cpu->rflags, hard->cpu->rflags);
    ck_assert_uint_eq(soft->cpu->cr2, hard->cpu->cr2);
    ck_assert_mem_eq(soft->ram + DATA, hard->ram + DATA, DATA_PAGES * PAGE_SIZE);
}

typedef struct Pair {
    Fixture *soft;
    EngineFixture *hard;
} Pair;

static Pair pair_new(uint64_t page, uint64_t flags)
{
    static const EngineOptions precise = { .cache_size = 1 << 20, .precise_flags = true };
    Pair pair = { fixture_new(FIXTURE_LONG64), engine_fixture_new(FIXTURE_LONG64, &precise) };

    fixture_thunks(pair.soft);
    fixture_set_page(pair.soft, page, flags);
    fixture_set_page(pair.hard->fx, page, flags);
    return pair;
}

static void pair_free(Pair pair)
{
    fixture_thunks_free(pair.soft);
    fixture_free(pair.soft);
    engine_fixture_free(pair.hard);
}

/* Code whose checks keep failing is translated without sharing: so there is a new engine now and
 * then. */
enum { ROUNDS_OF_AN_ENGINE = 40 };

static void run_rounds(const Program *program, uint64_t page, uint64_t flags)
{
    unsigned step = program->turns > 100 ? 11 : 1;
    Pair pair = pair_new(page, flags);

    for (unsigned round = 0; round < PLACES * PLACES * PLACES; round += step) {
        if (round / step % ROUNDS_OF_AN_ENGINE == ROUNDS_OF_AN_ENGINE - 1) {
            pair_free(pair);
            pair = pair_new(page, flags);
        }
        prepare(pair.soft, program, round);
        prepare(pair.hard->fx, program, round);
        ck_assert(fixture_run_to_halt(pair.soft, 20000));
        engine_fixture_run(pair.hard);
        compare(pair.soft, pair.hard->fx);
    }
    pair_free(pair);
}

START_TEST(ranges_take_turns_over_page_ends)
{
    run_rounds(&programs[_i], DATA, 7);
}
END_TEST

START_TEST(a_missing_page_faults_where_it_is_touched)
{
    run_rounds(&programs[_i], DATA + 0x1000, 6);
}
END_TEST

START_TEST(a_page_that_cannot_be_written_is_still_read)
{
    run_rounds(&programs[_i], DATA + 0x1000, 5);
}
END_TEST

START_TEST(the_address_of_no_page_faults)
{
    EngineFixture *hard = engine_fixture_new(FIXTURE_LONG64, NULL);

    for (unsigned offset = 0; offset < 32; offset += 8) {
        prepare(hard->fx, &programs[1], 0);
        hard->fx->cpu->gpr[RSI] = DATA;
        hard->fx->cpu->gpr[RDI] = JIT_PAGE_NONE + offset;
        engine_fixture_run(hard);
        ck_assert_uint_eq(hard->fx->cpu->rip, FIXTURE_HANDLERS + VECTOR_GP + 1);
        ck_assert_uint_eq(hard->fx->cpu->gpr[RDI], JIT_PAGE_NONE + offset);
    }
    engine_fixture_free(hard);
}
END_TEST

/* push rbp; push rbx; push rsi; pop rsi; pop rbx; pop rbp */
static const uint8_t frame[] = { 0x55, 0x53, 0x56, 0x5e, 0x5b, 0x5d };

START_TEST(a_frame_across_a_page_end_does_not_stay_slow)
{
    EngineFixture *hard = engine_fixture_new(FIXTURE_LONG64, NULL);
    uint64_t callouts = 0;

    for (unsigned round = 0; round < 64; round++) {
        hard->fx->cpu->gpr[RSP] = DATA + 0x1008;
        hard->fx->cpu->gpr[RBX] = round;
        fixture_load(hard->fx, frame, sizeof(frame));
        callouts = engine_stats(hard->engine)->callouts;
        engine_fixture_run(hard);
        callouts = engine_stats(hard->engine)->callouts - callouts;
        ck_assert_uint_eq(hard->fx->cpu->gpr[RSP], DATA + 0x1008);
        ck_assert_uint_eq(hard->fx->cpu->gpr[RBX], round);
        ck_assert_uint_eq(fixture_read(hard->fx, DATA + 0xff8, 8), round);
    }
    ck_assert_uint_le(callouts, 1); /* HLT */
    engine_fixture_free(hard);
}
END_TEST

START_TEST(a_write_that_is_not_reached_leaves_its_page_clean)
{
    /* mov rax, [rsi]; xor ecx, ecx; div rcx; mov [rsi + 8], rax */
    static const uint8_t code[] = { 0x48, 0x8b, 0x06, 0x31, 0xc9, 0x48,
                                    0xf7, 0xf1, 0x48, 0x89, 0x46, 0x08 };
    EngineFixture *hard = engine_fixture_new(FIXTURE_LONG64, NULL);

    prepare(hard->fx, &(Program){ code, sizeof(code), 16 }, 0);
    hard->fx->cpu->gpr[RSI] = DATA;
    engine_fixture_run(hard);
    ck_assert_uint_eq(hard->fx->cpu->rip, FIXTURE_HANDLERS + VECTOR_DE + 1);
    ck_assert_uint_eq(fixture_read(hard->fx, FIXTURE_PT + (DATA >> 12) * 8, 8) & 0x60, 0x20);
    engine_fixture_free(hard);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sharing");
    TCase *tc = tcase_create("sharing");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, ranges_take_turns_over_page_ends, 0, PROGRAMS);
    tcase_add_loop_test(tc, a_missing_page_faults_where_it_is_touched, 0, PROGRAMS);
    tcase_add_loop_test(tc, a_page_that_cannot_be_written_is_still_read, 0, PROGRAMS);
    tcase_add_test(tc, the_address_of_no_page_faults);
    tcase_add_test(tc, a_frame_across_a_page_end_does_not_stay_slow);
    tcase_add_test(tc, a_write_that_is_not_reached_leaves_its_page_clean);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
