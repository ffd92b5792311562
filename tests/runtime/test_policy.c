/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_policy.c - the cache's policies by themselves: which unit is filled, which one emptied. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/engine/policy.h"

enum { MIB = 1 << 20 };

typedef struct Fixture {
    const CachePolicy *policy;
    unsigned units;
    void *state;
} Fixture;

static Fixture fixture(const char *name, uint64_t size)
{
    Fixture fx = { .policy = policy_find(name, NULL) };

    ck_assert_ptr_nonnull(fx.policy);
    fx.units = fx.policy->units(size);
    fx.state = fx.policy->create(fx.units, size);
    return fx;
}

static unsigned place(Fixture *fx, uint64_t key)
{
    PolicyPlace at = fx->policy->place(fx->state, key);

    ck_assert_uint_lt(at.unit, fx->units);
    return at.unit;
}

/* The unit that follows one that is full. */
static unsigned advance(Fixture *fx, unsigned full)
{
    unsigned unit = fx->policy->advance(fx->state, full);

    ck_assert_uint_lt(unit, fx->units);
    return unit;
}

START_TEST(an_unknown_name_is_refused_with_the_known_ones)
{
    g_autoptr(GError) error = NULL;

    ck_assert_ptr_null(policy_find("lru", &error));
    ck_assert_ptr_nonnull(strstr(error->message, "'lru'"));
    ck_assert_ptr_nonnull(strstr(error->message, "generational"));
    ck_assert_ptr_nonnull(policy_find(NULL, NULL));
}
END_TEST

START_TEST(units_are_large_enough_and_few)
{
    static const uint64_t sizes[] = { MIB, 3 * MIB / 2, 64ull * MIB, 2048ull * MIB };

    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        unsigned units = policy_fifo.units(sizes[i]);

        ck_assert_uint_ge(sizes[i] / units, POLICY_UNIT_MIN);
        ck_assert_uint_ge(units, 4);
        ck_assert_uint_le(units, POLICY_UNITS_MAX);
    }
}
END_TEST

START_TEST(flush_has_one_unit_that_is_emptied_when_full)
{
    Fixture fx = fixture("flush", MIB);

    ck_assert_uint_eq(fx.units, 1);
    ck_assert_uint_eq(place(&fx, 1), 0);
    ck_assert_uint_eq(advance(&fx, 0), 0);
    ck_assert_uint_eq(place(&fx, 2), 0);
    fx.policy->destroy(fx.state);
}
END_TEST

START_TEST(fifo_empties_the_oldest)
{
    Fixture fx = fixture("fifo", MIB);

    for (unsigned i = 0; i < 3 * fx.units; i++) {
        ck_assert_uint_eq(place(&fx, i), i % fx.units);
        ck_assert_uint_eq(advance(&fx, i % fx.units), (i + 1) % fx.units);
    }
    fx.policy->destroy(fx.state);
}
END_TEST

START_TEST(code_that_runs_once_has_all_but_a_unit_in_turn)
{
    Fixture fx = fixture("generational", MIB);

    for (uint64_t i = 0; i < 1000; i++) {
        unsigned unit = place(&fx, (i + 1) * 0x9e3779b97f4a7c15ull);

        ck_assert_uint_eq(unit, i % (fx.units - 1));
        fx.policy->evicted(fx.state, advance(&fx, unit), i * 0x9e3779b97f4a7c15ull);
    }
    fx.policy->destroy(fx.state);
}
END_TEST

START_TEST(a_block_wanted_again_after_eviction_is_tenured)
{
    static const uint64_t key = 0x123456789abcdef1ull;
    Fixture fx = fixture("generational", MIB);
    unsigned nursery = place(&fx, key);
    PolicyPlace again;

    nursery = advance(&fx, nursery);
    fx.policy->evicted(fx.state, nursery, key);
    again = fx.policy->place(fx.state, key);
    ck_assert(again.promoted);
    ck_assert_uint_ne(again.unit, nursery);
    ck_assert_uint_eq(place(&fx, key ^ 1ull << 63), nursery);
    ck_assert_uint_eq(place(&fx, key), nursery); /* it has to prove itself anew */
    fx.policy->destroy(fx.state);
}
END_TEST

START_TEST(what_goes_from_tenured_units_is_not_remembered)
{
    static const uint64_t key = 0x123456789abcdef1ull;
    Fixture fx = fixture("generational", MIB);
    unsigned tenured = fx.units - 1;

    for (unsigned i = 0; i < 2 * fx.units; i++) {
        tenured = advance(&fx, tenured);
    }
    fx.policy->evicted(fx.state, tenured, key);
    ck_assert_uint_ne(place(&fx, key), tenured);
    fx.policy->destroy(fx.state);
}
END_TEST

START_TEST(tenured_units_take_five_eighths_at_most)
{
    Fixture fx = fixture("generational", 64ull * MIB);
    unsigned nursery = 0, tenured = fx.units - 1, n[2] = { 0 };
    char role[POLICY_UNITS_MAX] = { 0 };

    for (unsigned i = 0; i < 4 * POLICY_UNITS_MAX; i++) {
        nursery = advance(&fx, nursery);
        role[nursery] = 0;
        tenured = advance(&fx, tenured);
        role[tenured] = 1;
        ck_assert_uint_ne(nursery, tenured);
    }
    for (unsigned i = 0; i < fx.units; i++) {
        n[(unsigned)role[i]]++;
    }
    ck_assert_uint_eq(n[1], fx.units * 5 / 8);
    fx.policy->destroy(fx.state);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy");
    TCase *tc = tcase_create("policies");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, an_unknown_name_is_refused_with_the_known_ones);
    tcase_add_test(tc, units_are_large_enough_and_few);
    tcase_add_test(tc, flush_has_one_unit_that_is_emptied_when_full);
    tcase_add_test(tc, fifo_empties_the_oldest);
    tcase_add_test(tc, code_that_runs_once_has_all_but_a_unit_in_turn);
    tcase_add_test(tc, a_block_wanted_again_after_eviction_is_tenured);
    tcase_add_test(tc, what_goes_from_tenured_units_is_not_remembered);
    tcase_add_test(tc, tenured_units_take_five_eighths_at_most);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
