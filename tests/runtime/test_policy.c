/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_policy.c - the cache's policies by themselves: which unit is filled, which one emptied. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/policy.h"

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

START_TEST(code_that_runs_once_stays_in_the_nursery)
{
    Fixture fx = fixture("generational", MIB);
    unsigned first = place(&fx, 1), highest = first;

    for (uint64_t key = 1; key < 1000; key++) {
        unsigned unit = place(&fx, key * 0x9e3779b97f4a7c15ull);

        unit = advance(&fx, unit);
        fx.policy->evicted(fx.state, unit, (key - 1) * 0x9e3779b97f4a7c15ull);
        highest = MAX(highest, unit);
    }
    ck_assert_uint_lt(highest, fx.units / 2);
    fx.policy->destroy(fx.state);
}
END_TEST

START_TEST(a_block_wanted_again_after_eviction_is_tenured)
{
    static const uint64_t key = 0x123456789abcdef1ull;
    Fixture fx = fixture("generational", MIB);
    unsigned nursery = place(&fx, key), tenured;
    PolicyPlace again;

    fx.policy->evicted(fx.state, nursery, key);
    again = fx.policy->place(fx.state, key);
    tenured = again.unit;
    ck_assert(again.promoted);
    ck_assert_uint_ne(tenured, nursery);
    ck_assert_uint_eq(place(&fx, key ^ 1ull << 63), nursery);
    /* From the tenured ring nothing is remembered: it has to prove itself anew. */
    fx.policy->evicted(fx.state, tenured, key);
    ck_assert_uint_eq(place(&fx, key), nursery);
    fx.policy->destroy(fx.state);
}
END_TEST

START_TEST(the_rings_turn_by_themselves)
{
    Fixture fx = fixture("generational", 64ull * MIB);
    bool seen[POLICY_UNITS_MAX] = { false };
    unsigned nursery = 0, tenured = fx.units - 1;

    for (unsigned i = 0; i < 2 * POLICY_UNITS_MAX; i++) {
        nursery = advance(&fx, nursery);
        tenured = advance(&fx, tenured);
        ck_assert_uint_lt(nursery, tenured);
        seen[nursery] = seen[tenured] = true;
    }
    for (unsigned i = 0; i < fx.units; i++) {
        ck_assert_msg(seen[i], "unit %u is never used", i);
    }
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
    tcase_add_test(tc, code_that_runs_once_stays_in_the_nursery);
    tcase_add_test(tc, a_block_wanted_again_after_eviction_is_tenured);
    tcase_add_test(tc, the_rings_turn_by_themselves);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
