/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_pv_clock.c - KVM's clock, seen from guest memory. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "runtime/software_cpu/cpuid.h"
#include "runtime/software_cpu/pv_clock.h"
#include "runtime/software_cpu/software_cpu_int.h"
#include "tests/isa/fixture.h"

static Fixture *fx;
static CpuModel *model;

static const uint64_t rates[] = { 250000000,  999999999,  1000000000,
                                  1000000001, 2445412345, 5800000000 };

static void setup(void)
{
    model = cpu_model_new("max", NULL);
    cpu_model_set_tsc_hz(model, 2500000000);
    fx = fixture_new(FIXTURE_LONG64);
    fx->cpu->model = model;
}

static void teardown(void)
{
    fx->cpu->model = NULL;
    fixture_free(fx);
    cpu_model_free(model);
}

/* As a guest reckons it. */
static uint64_t system_time(uint64_t tsc)
{
    uint64_t delta = tsc - fixture_read(fx, FIXTURE_DATA + 8, 8);
    int8_t shift = (int8_t)fixture_read(fx, FIXTURE_DATA + 28, 1);

    delta = shift < 0 ? delta >> -shift : delta << shift;
    return fixture_read(fx, FIXTURE_DATA + 16, 8) +
           (uint64_t)((unsigned __int128)delta * fixture_read(fx, FIXTURE_DATA + 24, 4) >> 32);
}

START_TEST(a_second_of_the_tsc_is_a_second_at_every_rate)
{
    uint64_t ns;

    cpu_model_set_tsc_hz(model, rates[_i]);
    ck_assert(msr_write(fx->cpu, MSR_KVM_SYSTEM_TIME, FIXTURE_DATA | 1));
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_DATA, 4) & 1, 0);
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_DATA + 29, 1), 1); /* the same on all CPUs */
    ns = system_time(1000 * rates[_i]) - system_time(0);
    ck_assert_uint_ge(ns, 999999990000);
    ck_assert_uint_le(ns, 1000000010000);
}
END_TEST

START_TEST(time_goes_on_when_the_guest_moves_its_tsc)
{
    uint64_t tsc, before, after;

    ck_assert(msr_write(fx->cpu, MSR_KVM_SYSTEM_TIME, FIXTURE_DATA | 1));
    ck_assert(msr_read(fx->cpu, 0x10, &tsc));
    before = system_time(tsc);
    ck_assert(msr_write(fx->cpu, 0x10, 5));
    ck_assert(msr_read(fx->cpu, 0x10, &tsc));
    after = system_time(tsc);
    ck_assert_uint_ge(after, before);
    ck_assert_uint_le(after - before, 1000000000);
}
END_TEST

START_TEST(a_clock_that_is_off_writes_nothing)
{
    ck_assert(msr_write(fx->cpu, MSR_KVM_SYSTEM_TIME, FIXTURE_DATA));
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_DATA, 4), 0);
}
END_TEST

START_TEST(the_msrs_are_there_only_if_the_model_has_them)
{
    CpuModel *hidden = cpu_model_new("max,kvm=off", NULL);
    uint64_t value;

    ck_assert(msr_write(fx->cpu, MSR_KVM_SYSTEM_TIME_OLD, FIXTURE_DATA | 1));
    ck_assert(msr_read(fx->cpu, MSR_KVM_SYSTEM_TIME, &value));
    ck_assert_uint_eq(value, FIXTURE_DATA | 1);
    fx->cpu->model = hidden;
    ck_assert(!msr_read(fx->cpu, MSR_KVM_SYSTEM_TIME, &value));
    ck_assert(!msr_write(fx->cpu, MSR_KVM_WALL_CLOCK, FIXTURE_DATA));
    fx->cpu->model = model;
    cpu_model_free(hidden);
}
END_TEST

START_TEST(the_wall_clock_is_that_of_time_zero)
{
    uint64_t tsc, since;

    ck_assert(msr_write(fx->cpu, MSR_KVM_SYSTEM_TIME, (FIXTURE_DATA + 64) | 1));
    ck_assert(msr_read(fx->cpu, 0x10, &tsc));
    ck_assert(msr_write(fx->cpu, MSR_KVM_WALL_CLOCK, FIXTURE_DATA));
    since = tsc / 2500000000;
    ck_assert_uint_le(fixture_read(fx, FIXTURE_DATA + 4, 4), FIXTURE_WALL_SECONDS - since);
    ck_assert_uint_ge(fixture_read(fx, FIXTURE_DATA + 4, 4) + 2, FIXTURE_WALL_SECONDS - since);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pv_clock");
    TCase *tc = tcase_create("pv_clock");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, a_second_of_the_tsc_is_a_second_at_every_rate, 0,
                        sizeof(rates) / sizeof(rates[0]));
    tcase_add_test(tc, time_goes_on_when_the_guest_moves_its_tsc);
    tcase_add_test(tc, a_clock_that_is_off_writes_nothing);
    tcase_add_test(tc, the_msrs_are_there_only_if_the_model_has_them);
    tcase_add_test(tc, the_wall_clock_is_that_of_time_zero);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
