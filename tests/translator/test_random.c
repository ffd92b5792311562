/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random programs, translated and on the software CPU: state and memory must agree.
 *
 * A difference is cut down to the shortest beginning of the program that shows it.  DOPPEL_SEED
 * runs one seed alone. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "tests/translator/engine_fixture.h"

enum { CODE_ROOM = 3000, PROGRAM = 24, ROUNDS = 400 };

static const struct {
    FixtureMode mode;
    unsigned code_width;
} modes[] = {
    { FIXTURE_LONG64, 8 },
    { FIXTURE_PROTECTED32, 4 },
    { FIXTURE_PAGING32, 4 },
};

typedef struct Pair {
    Fixture *soft;
    EngineFixture *hard;
    unsigned code_width;
    char difference[200];
    char last[100]; /* instruction of the program */
} Pair;

static void seed_state(Fixture *fx, uint64_t seed)
{
    for (unsigned i = 0; i < 16; i++) {
        if (i != RSP) {
            fx->cpu->gpr[i] = random_next(&seed) >> (random_next(&seed) % 64);
        }
        if (fx->mode != FIXTURE_LONG64) {
            fx->cpu->gpr[i] = (uint32_t)fx->cpu->gpr[i];
        }
    }
    for (unsigned i = 0; i < PAGE_SIZE; i += 8) {
        fixture_write(fx, FIXTURE_DATA + i, 8, random_next(&seed));
    }
}

/* One component of an XSAVE image: in its initial state where XSTATE_BV is clear. */
static bool same_component(const Cpu *a, const Cpu *b, unsigned bit, unsigned at, unsigned size)
{
    static const uint8_t zero[256];
    const uint8_t *bytes_a = a->xsave[512] & bit ? a->xsave + at : zero;
    const uint8_t *bytes_b = b->xsave[512] & bit ? b->xsave + at : zero;

    g_assert(size <= sizeof(zero));
    return memcmp(bytes_a, bytes_b, size) == 0;
}

static bool same_vectors(const Cpu *a, const Cpu *b)
{
    return same_component(a, b, 1, 32, 128) && same_component(a, b, 2, 160, 256) &&
           same_component(a, b, 4, 576, 256);
}

static bool same(Pair *pair)
{
    const Cpu *soft = pair->soft->cpu, *hard = pair->hard->fx->cpu;

    for (unsigned i = 0; i < 16; i++) {
        if (soft->gpr[i] != hard->gpr[i]) {
            g_snprintf(pair->difference, sizeof(pair->difference),
                       "register %u: interpreted %#lx, translated %#lx", i, soft->gpr[i],
                       hard->gpr[i]);
            return false;
        }
    }
    if (soft->rip != hard->rip || soft->rflags != hard->rflags) {
        g_snprintf(pair->difference, sizeof(pair->difference),
                   "rip %#lx, %#lx; rflags interpreted %#lx, translated %#lx", soft->rip, hard->rip,
                   soft->rflags, hard->rflags);
        return false;
    }
    if (memcmp(pair->soft->ram + FIXTURE_DATA, pair->hard->fx->ram + FIXTURE_DATA, PAGE_SIZE) !=
        0) {
        g_snprintf(pair->difference, sizeof(pair->difference), "memory differs");
        return false;
    }
    if (!same_vectors(soft, hard)) {
        g_snprintf(pair->difference, sizeof(pair->difference), "vector state differs");
        return false;
    }
    return true;
}

/* Finds the last instruction; prints all of them where one seed runs alone. */
static void name_last(Pair *pair, const uint8_t *code, size_t size)
{
    bool print = getenv("DOPPEL_SEED") != NULL;
    Insn insn;

    for (size_t at = 0; at < size; at += insn.length) {
        g_assert(insn_decode(&insn, code + at, 15, pair->code_width) == INSN_OK);
        insn_format(&insn, FIXTURE_CODE + at, pair->last, sizeof(pair->last));
        if (print) {
            g_printerr("%#zx %s\n", FIXTURE_CODE + at, pair->last);
        }
    }
}

static bool run_program(Pair *pair, uint64_t seed, unsigned n)
{
    uint8_t code[CODE_ROOM + 16] = { 0 };
    uint64_t state = seed;
    size_t size = random_code(code, CODE_ROOM, n, pair->code_width, &state);

    fixture_reset(pair->soft);
    fixture_reset(pair->hard->fx);
    seed_state(pair->soft, seed);
    seed_state(pair->hard->fx, seed);
    fixture_load(pair->soft, code, size);
    fixture_load(pair->hard->fx, code, size);
    ck_assert_msg(fixture_run_to_halt(pair->soft, 10000), "seed %#lx runs on at %#lx", seed,
                  pair->soft->cpu->rip);
    engine_fixture_run(pair->hard);
    if (same(pair)) {
        return true;
    }
    name_last(pair, code, size);
    return false;
}

static void run_seed(Pair *pair, uint64_t seed)
{
    unsigned n = 1;

    if (run_program(pair, seed, PROGRAM)) {
        return;
    }
    while (n < PROGRAM && run_program(pair, seed, n)) {
        n++;
    }
    ck_abort_msg("DOPPEL_SEED=%#lx, %u instructions up to `%s`: %s", seed, n, pair->last,
                 pair->difference);
}

START_TEST(random_programs_end_alike)
{
    EngineOptions options = { .cache_size = 1 << 20, .precise_flags = true };
    Pair pair = { fixture_new(modes[_i].mode), engine_fixture_new(modes[_i].mode, &options),
                  modes[_i].code_width, "", "" };
    const char *only = getenv("DOPPEL_SEED");

    fixture_thunks(pair.soft);
    if (only != NULL) {
        run_seed(&pair, strtoull(only, NULL, 0));
    } else {
        for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
            run_seed(&pair, seed * 0x9e3779b97f4a7c15ull);
        }
    }
    engine_fixture_free(pair.hard);
    fixture_thunks_free(pair.soft);
    fixture_free(pair.soft);
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
