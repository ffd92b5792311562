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

static const uint64_t places[] = { DATA,          DATA + 0x20,   DATA + 0xfc0,  DATA + 0xfe8,
                                   DATA + 0xff0,  DATA + 0xff4,  DATA + 0xff8,  DATA + 0xfff,
                                   DATA + 0x1000, DATA + 0x1ff1, DATA + 0x1ff8, DATA + 0x2000 };
enum { PLACES = sizeof(places) / sizeof(places[0]) };

static void prepare(Fixture *fx, unsigned round)
{
    uint64_t seed = round + 1;

    for (unsigned i = 0; i < 16; i++) {
        fx->cpu->gpr[i] = random_next(&seed);
    }
    fx->cpu->gpr[RSP] = FIXTURE_STACK;
    fx->cpu->gpr[RSI] = places[round % PLACES];
    fx->cpu->gpr[RDI] = places[round / PLACES % PLACES];
    fx->cpu->gpr[RBX] = places[round / PLACES / PLACES % PLACES] - 64;
    fx->cpu->gpr[RCX] = 16;
    for (unsigned i = 0; i < DATA_PAGES * PAGE_SIZE; i += 8) {
        fixture_write(fx, DATA + i, 8, random_next(&seed));
    }
    fixture_load(fx, interleaved, sizeof(interleaved));
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

static void run_rounds(uint64_t page, uint64_t flags)
{
    static const EngineOptions precise = { .cache_size = 1 << 20, .precise_flags = true };
    EngineFixture *hard = engine_fixture_new(FIXTURE_LONG64, &precise);
    Fixture *soft = fixture_new(FIXTURE_LONG64);

    fixture_thunks(soft);
    fixture_set_page(soft, page, flags);
    fixture_set_page(hard->fx, page, flags);
    for (unsigned round = 0; round < PLACES * PLACES * PLACES; round++) {
        prepare(soft, round);
        prepare(hard->fx, round);
        ck_assert(fixture_run_to_halt(soft, 100));
        engine_fixture_run(hard);
        compare(soft, hard->fx);
    }
    fixture_thunks_free(soft);
    fixture_free(soft);
    engine_fixture_free(hard);
}

START_TEST(ranges_take_turns_over_page_ends)
{
    run_rounds(DATA, 7);
}
END_TEST

START_TEST(a_missing_page_faults_where_it_is_touched)
{
    run_rounds(DATA + 0x1000, 6);
}
END_TEST

START_TEST(a_page_that_cannot_be_written_is_still_read)
{
    run_rounds(DATA + 0x1000, 5);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sharing");
    TCase *tc = tcase_create("sharing");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, ranges_take_turns_over_page_ends);
    tcase_add_test(tc, a_missing_page_faults_where_it_is_touched);
    tcase_add_test(tc, a_page_that_cannot_be_written_is_still_read);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
