/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host-mapped window: chunks, credits and pages are as many as they are. */
#include "tests/softmmu/window_fixture.h"

enum {
    CHUNKS = 24,
    CHUNKS_A_BANK = 8,
    WINDOW_PAGES = 16384,
    CREDITS = 256, /* at the start */
    PAUSE = 8,     /* ticks */
};
static const uint64_t GUARD = 32 * PAGE_SIZE;

/* ---- Limits ---- */

START_TEST(guards_and_what_is_outside)
{
    uint8_t *host;

    ck_assert(enter(BASE));
    host = window_host(0);
    ck_assert_int_eq(mmu_window_fault(fx.cpu, host - 1, ACCESS_READ), WINDOW_NOT_THERE);
    ck_assert_int_eq(mmu_window_fault(fx.cpu, host + GIB_4, ACCESS_READ), WINDOW_REFUSED);
    ck_assert_int_eq(mmu_window_fault(fx.cpu, host + GIB_4 + GUARD - 1, ACCESS_READ),
                     WINDOW_REFUSED);
    ck_assert_int_eq(mmu_window_fault(fx.cpu, host + GIB_4 + GUARD, ACCESS_READ), WINDOW_REFUSED);
    ck_assert_int_eq(mmu_window_fault(fx.cpu, host + (GIB_4 + GUARD) * CHUNKS, ACCESS_READ),
                     WINDOW_NOT_THERE);
    ck_assert_int_eq(mmu_window_fault(fx.cpu, NULL, ACCESS_READ), WINDOW_NOT_THERE);
    ck_assert_int_eq(host_reach(host - 1), REACH_NOTHING);
    ck_assert_int_eq(host_reach(host + GIB_4), REACH_NOTHING);
}
END_TEST

START_TEST(an_address_space_has_so_many_chunks)
{
    for (unsigned i = 0; i < CHUNKS_A_BANK; i++) {
        ck_assert_int_ne(mmu_window_enter(fx.cpu, i * GIB_4, i), WINDOW_DENIED);
    }
    ck_assert_int_eq(mmu_window_enter(fx.cpu, CHUNKS_A_BANK * GIB_4, 9), WINDOW_DENIED);
    ck_assert_uint_eq(fx.cpu->jit_window[9].chunk, JIT_WINDOW_NONE);
    ck_assert_int_gt(fx.cpu->jit_window[9].patience, 1000);
    ck_assert_int_ne(mmu_window_enter(fx.cpu, 3 * GIB_4, 9), WINDOW_DENIED);
    mmu_window_tick(fx.cpu);
    ck_assert_int_eq(fx.cpu->jit_window[9].patience, 0);
}
END_TEST

START_TEST(the_address_space_that_ran_least_lately_gives_its_chunks)
{
    control_set(&fx.cpu->cr4, CR4_PCIDE, true);
    for (unsigned i = 0; i < CHUNKS / CHUNKS_A_BANK; i++) {
        switch_to(ROOT, i);
        ck_assert_int_eq(reach(BASE, ACCESS_READ), WINDOW_MAPPED);
        for (unsigned k = 1; k < CHUNKS_A_BANK; k++) {
            ck_assert_int_ne(mmu_window_enter(fx.cpu, k * GIB_4, k), WINDOW_DENIED);
        }
    }
    switch_to(ROOT, 0);
    ck_assert_int_eq(mapped(BASE), REACH_READ); /* and so it is 1 that has waited longest */
    for (unsigned k = 1; k < CHUNKS_A_BANK; k++) {
        ck_assert_int_ne(mmu_window_enter(fx.cpu, k * GIB_4, k), WINDOW_DENIED);
    }
    switch_to(ROOT, 3);
    ck_assert_int_eq(reach(BASE, ACCESS_READ), WINDOW_MAPPED);
    for (unsigned k = 1; k < CHUNKS_A_BANK; k++) {
        ck_assert_int_ne(mmu_window_enter(fx.cpu, k * GIB_4, k), WINDOW_DENIED);
    }
    switch_to(ROOT, 0);
    ck_assert_int_eq(mapped(BASE), REACH_READ);
    switch_to(ROOT, 2);
    ck_assert_int_eq(mapped(BASE), REACH_READ);
    switch_to(ROOT, 3);
    ck_assert_int_eq(mapped(BASE), REACH_READ);
    switch_to(ROOT, 1);
    ck_assert_int_eq(mapped(BASE), REACH_NOTHING);
}
END_TEST

static const uint64_t not_canonical[] = { 0x800000000000, 0x7fffffffffffffff, 0xffff7fffffffffff,
                                          0x8000000000001000 };

START_TEST(no_chunk_is_of_addresses_that_are_not_canonical)
{
    ck_assert_int_eq(mmu_window_enter(fx.cpu, not_canonical[_i], SLOT), WINDOW_DENIED);
    ck_assert_uint_eq(fx.cpu->jit_window[SLOT].chunk, JIT_WINDOW_NONE);
}
END_TEST

START_TEST(the_ends_of_the_canonical_halves_have_chunks)
{
    map_page(0x7ffffffff000, DATA | PTE_ALL, 0);
    map_page(0xffff800000000000, (DATA + 0x1000) | PTE_ALL, 0);
    map_page(0xfffffffffffff000, (DATA + 0x2000) | PTE_ALL, 0);
    ck_assert_int_eq(reach(0x7ffffffff000, ACCESS_READ), WINDOW_MAPPED);
    ck_assert_uint_eq(window_get(0x7ffffffff000), 0);
    ck_assert_int_eq(reach(0xffff800000000000, ACCESS_READ), WINDOW_MAPPED);
    ck_assert_uint_eq(window_get(0xffff800000000000), 1);
    ck_assert_int_eq(reach(0xfffffffffffff000, ACCESS_WRITE), WINDOW_MAPPED);
    ck_assert_uint_eq(window_get(0xfffffffffffff000), 2);
}
END_TEST

/* ---- Credits ---- */

/* Pages one by one, until no more chunks are given. */
static unsigned pages_until_denied(uint64_t gva, unsigned most)
{
    for (unsigned i = 0; i < most; i++, gva += PAGE_SIZE) {
        if (!enter(gva)) {
            return i;
        }
        map_page(gva, DATA | PTE_ALL, 0);
        ck_assert_int_eq(reach(gva, ACCESS_READ), WINDOW_MAPPED);
    }
    return most;
}

/* The first pause ends with as many credits as there were at the start. */
static void pause_pass(void)
{
    for (unsigned i = 1; i < PAUSE; i++) {
        ck_assert(!mmu_window_tick(fx.cpu));
    }
    ck_assert(mmu_window_tick(fx.cpu));
}

START_TEST(credits_are_spent_and_earned)
{
    ck_assert_uint_eq(pages_until_denied(GIB_4, 2 * CREDITS), CREDITS);
    ck_assert_uint_eq(fx.cpu->jit_window[SLOT].chunk, JIT_WINDOW_NONE);
    ck_assert_int_gt(fx.cpu->jit_window[SLOT].patience, 1000);
    pause_pass();
    ck_assert_uint_eq(pages_until_denied(GIB_4 + 0x10000000, 2 * CREDITS), CREDITS);
}
END_TEST

/* A loop knows its chunk without asking: it gets no more pages than others. */
START_TEST(what_is_spent_is_spent)
{
    uint8_t *host;

    ck_assert(enter(GIB_4));
    host = window_host(GIB_4);
    for (unsigned i = 0; i < 2 * CREDITS; i++) {
        map_page(GIB_4 + i * PAGE_SIZE, DATA | PTE_ALL, 0);
        ck_assert_int_eq(mmu_window_fault(fx.cpu, host + i * PAGE_SIZE, ACCESS_READ),
                         i < CREDITS ? WINDOW_MAPPED : WINDOW_NO_CREDIT);
    }
    ck_assert_int_eq(host_reach(host + CREDITS * PAGE_SIZE), REACH_NOTHING);
    ck_assert(!enter(GIB_4));
    pause_pass();
    ck_assert(enter(GIB_4));
}
END_TEST

/* ---- More pages than the window has ---- */

static const uint64_t MANY = 0x200000000;

/* Maps pages for reads, whose frames differ; `from` and `n` of them. */
static void fill(unsigned from, unsigned n)
{
    for (unsigned i = from; i < from + n; i++) {
        mmu_window_tick(fx.cpu);
        map_page(MANY + (uint64_t)i * PAGE_SIZE, (DATA + i % 64 * PAGE_SIZE) | PTE_ALL, 0);
        ck_assert_int_eq(reach(MANY + (uint64_t)i * PAGE_SIZE, ACCESS_READ), WINDOW_MAPPED);
        ck_assert_uint_eq(window_get(MANY + (uint64_t)i * PAGE_SIZE), i % 64);
    }
}

START_TEST(a_full_window_begins_again)
{
    unsigned left = 0;

    fill(0, WINDOW_PAGES + 100);
    for (unsigned i = 0; i < WINDOW_PAGES; i++) {
        left += mapped(MANY + (uint64_t)i * PAGE_SIZE) != REACH_NOTHING;
    }
    ck_assert_uint_lt(left, WINDOW_PAGES);
    for (unsigned i = WINDOW_PAGES; i < WINDOW_PAGES + 100; i++) {
        ck_assert_int_eq(mapped(MANY + (uint64_t)i * PAGE_SIZE), REACH_READ);
    }
}
END_TEST

/* A few are free when sixteen are wanted at once, again and again. */
START_TEST(an_almost_full_window_takes_a_group)
{
    fill(0, WINDOW_PAGES - 17);
    for (unsigned round = 0; round < 64; round++) {
        uint64_t group = MANY + GIB_4 / 2 + round * 16ull * PAGE_SIZE;

        mmu_flush_page(fx.cpu, MANY + round * PAGE_SIZE);
        for (unsigned i = 0; i < 16; i++) {
            map_page(group + i * PAGE_SIZE, (DATA + (15 - i) * PAGE_SIZE) | PTE_ALL, 0);
            ck_assert_int_eq(touch(MMU_USER, group + i * PAGE_SIZE, ACCESS_READ), -1);
        }
        mmu_window_tick(fx.cpu);
        ck_assert_int_eq(reach(group, ACCESS_READ), WINDOW_MAPPED);
        for (unsigned i = 0; i < 16; i++) {
            ck_assert_int_eq(mapped(group + i * PAGE_SIZE), REACH_READ);
            ck_assert_uint_eq(window_get(group + i * PAGE_SIZE), 15 - i);
        }
    }
    mmu_flush_all(fx.cpu);
    ck_assert_int_eq(mapped(MANY + 100 * PAGE_SIZE), REACH_NOTHING);
}
END_TEST

/* ---- Two machines ---- */

START_TEST(two_machines_have_windows_of_their_own)
{
    Fixture first = fx;

    ck_assert_int_eq(reach(BASE, ACCESS_WRITE), WINDOW_MAPPED);
    window_set_up();
    ram_set(DATA + NUMBER, 8, 99);
    ck_assert_int_eq(reach(BASE, ACCESS_READ), WINDOW_MAPPED);
    ck_assert_uint_eq(window_get(BASE), 99);
    mmu_flush_all(fx.cpu);
    fixture_tear_down();
    fx = first;
    ck_assert_int_eq(mapped(BASE), REACH_WRITE);
    ck_assert_uint_eq(window_get(BASE), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("window limits");
    TCase *tc = tcase_create("window limits");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, window_set_up, fixture_tear_down);
    suite_add_tcase(suite, tc);
    tcase_add_test(tc, guards_and_what_is_outside);
    tcase_add_test(tc, an_address_space_has_so_many_chunks);
    tcase_add_test(tc, the_address_space_that_ran_least_lately_gives_its_chunks);
    tcase_add_loop_test(tc, no_chunk_is_of_addresses_that_are_not_canonical, 0,
                        G_N_ELEMENTS(not_canonical));
    tcase_add_test(tc, the_ends_of_the_canonical_halves_have_chunks);
    tcase_add_test(tc, credits_are_spent_and_earned);
    tcase_add_test(tc, what_is_spent_is_spent);
    tcase_add_test(tc, a_full_window_begins_again);
    tcase_add_test(tc, an_almost_full_window_takes_a_group);
    tcase_add_test(tc, two_machines_have_windows_of_their_own);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
