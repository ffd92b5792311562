/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random programs, translated and on the software CPU: state and memory must agree. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "tests/translator/engine_fixture.h"

enum { CODE_ROOM = 3000, PROGRAM = 24, ROUNDS = 300 };

static const struct {
    FixtureMode mode;
    unsigned code_width;
} modes[] = {
    { FIXTURE_LONG64, 8 },
    { FIXTURE_PROTECTED32, 4 },
    { FIXTURE_PAGING32, 4 },
};

static void seed_state(Fixture *fx, uint64_t seed)
{
    for (unsigned i = 0; i < 16; i++) {
        if (i != RSP) {
            fx->cpu->gpr[i] = random_next(&seed) >> (random_next(&seed) % 64);
        }
    }
    if (fx->mode != FIXTURE_LONG64) {
        for (unsigned i = 0; i < 16; i++) {
            fx->cpu->gpr[i] = (uint32_t)fx->cpu->gpr[i];
        }
    }
    for (unsigned i = 0; i < PAGE_SIZE; i += 8) {
        fixture_write(fx, FIXTURE_DATA + i, 8, random_next(&seed));
    }
}

static void compare(const Fixture *soft, const Fixture *hard, uint64_t seed)
{
    for (unsigned i = 0; i < 16; i++) {
        ck_assert_msg(soft->cpu->gpr[i] == hard->cpu->gpr[i],
                      "seed %#lx: register %u: interpreted %#lx, translated %#lx", seed, i,
                      soft->cpu->gpr[i], hard->cpu->gpr[i]);
    }
    ck_assert_msg(soft->cpu->rip == hard->cpu->rip, "seed %#lx: rip %#lx, %#lx", seed,
                  soft->cpu->rip, hard->cpu->rip);
    ck_assert_msg(soft->cpu->rflags == hard->cpu->rflags, "seed %#lx: rflags %#lx, %#lx", seed,
                  soft->cpu->rflags, hard->cpu->rflags);
    ck_assert_msg(memcmp(soft->ram + FIXTURE_DATA, hard->ram + FIXTURE_DATA, PAGE_SIZE) == 0,
                  "seed %#lx: memory differs", seed);
}

static void run_seed(Fixture *soft, EngineFixture *hard, unsigned code_width, uint64_t seed)
{
    uint8_t code[CODE_ROOM];
    uint64_t state = seed;
    size_t size = random_code(code, sizeof(code), PROGRAM, code_width, &state);

    fixture_reset(soft);
    fixture_reset(hard->fx);
    seed_state(soft, seed);
    seed_state(hard->fx, seed);
    fixture_load(soft, code, size);
    fixture_load(hard->fx, code, size);
    ck_assert(fixture_run_to_halt(soft, 10000));
    engine_fixture_run(hard);
    compare(soft, hard->fx, seed);
}

START_TEST(random_programs_end_alike)
{
    Fixture *soft = fixture_new(modes[_i].mode);
    EngineFixture *hard = engine_fixture_new(modes[_i].mode, NULL);
    const char *only = getenv("DOPPEL_SEED");

    if (only != NULL) {
        run_seed(soft, hard, modes[_i].code_width, strtoull(only, NULL, 0));
    } else {
        for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
            run_seed(soft, hard, modes[_i].code_width, seed * 0x9e3779b97f4a7c15ull);
        }
    }
    engine_fixture_free(hard);
    fixture_free(soft);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("random programs");
    TCase *tc = tcase_create("random");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, random_programs_end_alike, 0, sizeof(modes) / sizeof(modes[0]));
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
