/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random programs, translated and on the software CPU: state and memory must agree. User programs
 * go through the host-mapped window, and the second page of their data may be one that faults.
 *
 * A difference is cut down to the shortest beginning of the program that shows it.  DOPPEL_SEED
 * runs one seed alone. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "softmmu/mmu.h"
#include "tests/translator/engine_fixture.h"

enum {
    CODE_ROOM = 3000,
    PROGRAM = 24,
    ROUNDS = 400,
    STACK_PAGES = 0xc000, /* from here to FIXTURE_STACK0 */
    PTE_P = 1,
    PTE_W = 2,
    PTE_U = 4,
    PTE_ALL = PTE_P | PTE_W | PTE_U,
};

typedef struct Kind {
    FixtureMode mode;
    unsigned code_width;
    bool user; /* privilege level 3 */
} Kind;
static const Kind kinds[] = {
    { FIXTURE_LONG64, 8, false }, { FIXTURE_PROTECTED32, 4, false }, { FIXTURE_PAGING32, 4, false },
    { FIXTURE_LONG64, 8, true },  { FIXTURE_PAGING32, 4, true },     { FIXTURE_COMPAT, 4, true },
    { FIXTURE_REAL, 2, false },   { FIXTURE_PROTECTED16, 2, false }, { FIXTURE_VM86, 2, false },
};

typedef struct Pair {
    Fixture *soft;
    EngineFixture *hard;
    Kind kind;
    char difference[200];
    char last[100]; /* instruction of the program */
} Pair;

static void seed_state(Fixture *fx, const Kind *kind, uint64_t seed)
{
    static const uint64_t rights[] = { PTE_ALL, PTE_ALL, 0,       PTE_P | PTE_U,
                                       PTE_ALL, PTE_ALL, PTE_ALL, PTE_P | PTE_W };
    uint64_t second = rights[seed % G_N_ELEMENTS(rights)];

    fixture_reset(fx);
    for (unsigned i = 0; i < 16; i++) {
        if (i != RSP) {
            fx->cpu->gpr[i] = random_next(&seed) >> (random_next(&seed) % 64);
        }
        if (fx->mode != FIXTURE_LONG64) {
            fx->cpu->gpr[i] = (uint32_t)fx->cpu->gpr[i];
        }
    }
    for (unsigned i = 0; i < 2 * PAGE_SIZE; i += 8) {
        fixture_write(fx, FIXTURE_DATA + i, 8, random_next(&seed));
    }
    if (kind->code_width == 2) {
        static const SegmentName names[] = { ES, DS, FS, GS };

        for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
            fx->cpu->seg[names[i]].base = RANDOM_BASE16;
            fx->cpu->seg[names[i]].selector = RANDOM_BASE16 >> 4;
        }
    }
    if (kind->user) {
        fx->cpu->gpr[RSP] -= random_next(&seed) % 64;
        fixture_set_cpl(fx, 3);
        fixture_set_page(fx, FIXTURE_DATA + PAGE_SIZE, second);
        mmu_window_tick(fx->cpu);
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

static bool same_memory(const Fixture *a, const Fixture *b)
{
    return memcmp(a->ram + FIXTURE_DATA, b->ram + FIXTURE_DATA, 2 * PAGE_SIZE) == 0 &&
           memcmp(a->ram + STACK_PAGES, b->ram + STACK_PAGES, FIXTURE_STACK0 - STACK_PAGES) == 0;
}

/* Accessed and dirty bits of what the program reaches. */
static bool same_tables(const Fixture *a, const Fixture *b)
{
    static const uint64_t pages[] = { FIXTURE_DATA, FIXTURE_DATA + PAGE_SIZE,
                                      FIXTURE_STACK - PAGE_SIZE, FIXTURE_STACK };

    for (unsigned i = 0; i < G_N_ELEMENTS(pages); i++) {
        if (fixture_get_page(a, pages[i]) != fixture_get_page(b, pages[i])) {
            return false;
        }
    }
    return true;
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
    if (soft->cr2 != hard->cr2) {
        g_snprintf(pair->difference, sizeof(pair->difference),
                   "cr2: interpreted %#lx, translated %#lx", soft->cr2, hard->cr2);
        return false;
    }
    if (!same_memory(pair->soft, pair->hard->fx)) {
        g_snprintf(pair->difference, sizeof(pair->difference), "memory differs");
        return false;
    }
    if (pair->kind.user && !same_tables(pair->soft, pair->hard->fx)) {
        g_snprintf(pair->difference, sizeof(pair->difference), "page tables differ");
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
        g_assert(insn_decode(&insn, code + at, 15, pair->kind.code_width) == INSN_OK);
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
    size_t size = random_code(code, CODE_ROOM, n, pair->kind.code_width, &state);

    seed_state(pair->soft, &pair->kind, seed);
    seed_state(pair->hard->fx, &pair->kind, seed);
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
    const Kind *kind = &kinds[_i];
    EngineOptions options = { .cache_size = 1 << 20,
                              .precise_flags = true,
                              .window = kind->user ? ENGINE_WINDOW_ALL : ENGINE_WINDOW_OFF };
    Pair pair = { fixture_new(kind->mode), engine_fixture_new(kind->mode, &options), *kind, "",
                  "" };
    const char *only = getenv("DOPPEL_SEED");

    fixture_thunks(pair.soft);
    if (only != NULL) {
        run_seed(&pair, strtoull(only, NULL, 0));
    } else {
        for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
            run_seed(&pair, seed * 0x9e3779b97f4a7c15ull);
        }
        ck_assert_uint_eq(kind->user, mmu_stats(pair.hard->fx->cpu->mmu)->window_pages > ROUNDS);
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
    tcase_add_loop_test(tc, random_programs_end_alike, 0, sizeof(kinds) / sizeof(kinds[0]));
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
