/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_host_traits.c - what a host may do otherwise is followed by callouts and lowerings as by the
 * software CPU. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "runtime/software_cpu/host_traits.h"
#include "runtime/software_cpu/software_cpu_int.h"
#include "tests/translator/engine_fixture.h"

enum { EDGE = 0x9000 /* of a page that is not there */, BUDGET = 200 };

typedef struct TraitRow {
    HostTrait trait;
    FixtureMode mode;
    uint8_t code[8];
    uint64_t rcx, rsi, rdi;
} TraitRow;

static const TraitRow rows[] = {
    { HOST_REPEAT_FLAGS, FIXTURE_LONG64, { 0xf2, 0xae }, 64, 0, EDGE - 16 }, /* repne scasb */
    { HOST_REPEAT_FLAGS, FIXTURE_PAGING32, { 0xf3, 0xa6 }, 64, EDGE - 16, EDGE - 16 },
    { HOST_REPEAT_NONE, FIXTURE_LONG64, { 0x67, 0xf3, 0xab }, 1ull << 32, 0, FIXTURE_DATA },
    { HOST_PUSH_SEGMENT, FIXTURE_PAGING32, { 0x0f, 0xa0, 0x1e }, 0, 0, 0 }, /* fs, ds */
    { HOST_WRAP_4G, FIXTURE_PAGING32, { 0x8b, 0x07 }, 0, 0, 0xfffffffe },   /* mov eax, [edi] */
    { HOST_X87_STORE_PAGE, FIXTURE_LONG64, { 0xd9, 0x2e, 0xdf, 0x1f }, 0, FIXTURE_DATA, EDGE },
    { HOST_X87_STORE_FLAGS, FIXTURE_LONG64, { 0xdf, 0x1f }, 0, 0, EDGE },
    { HOST_MMX_STORE, FIXTURE_LONG64, { 0xd9, 0xf6, 0x0f, 0x7f, 0x07 }, 0, 0, EDGE },
    { HOST_MMX_LOAD, FIXTURE_LONG64, { 0xd9, 0xf6, 0x0f, 0x6f, 0x07 }, 0, 0, EDGE },
    { HOST_LAR_LIMIT, FIXTURE_LONG64, { 0x0f, 0x02, 0xc1 }, FIXTURE_CS64, 0, 0 },
};

static void prepare(Fixture *fx, const TraitRow *row, const HostTraits *traits)
{
    static const uint16_t fcw = 0x37f;

    fixture_load(fx, row->code, sizeof(row->code));
    for (unsigned n = sizeof(row->code); n > 0 && row->code[n - 1] == 0; n--) {
        fixture_write(fx, FIXTURE_CODE + n - 1, 1, 0xf4);
    }
    fixture_set_page(fx, EDGE, 0);
    fixture_write(fx, FIXTURE_DATA, 2, 0x37e);
    fixture_write(fx, FIXTURE_STACK - 8, 8, UINT64_MAX);
    memcpy(fx->cpu->xsave, &fcw, sizeof(fcw));
    fx->cpu->traits = traits;
    fx->cpu->gpr[RAX] = 1;
    fx->cpu->gpr[RCX] = row->rcx;
    fx->cpu->gpr[RSI] = row->rsi;
    fx->cpu->gpr[RDI] = row->rdi;
    flags_write(fx->cpu, FLAG_CF | FLAG_OF, FLAGS_ARITH);
}

/* All that a difference between values could show in: registers, flags, the frame of a fault, x87
 * state. */
static void expect_same(const TraitRow *row, unsigned value, const Fixture *a, const Fixture *b)
{
    const char *name = host_trait_about(row->trait);

    for (unsigned i = 0; i < 16; i++) {
        ck_assert_msg(a->cpu->gpr[i] == b->cpu->gpr[i], "%s, %u: register %u", name, value, i);
    }
    ck_assert_msg(a->cpu->rip == b->cpu->rip && a->cpu->cr2 == b->cpu->cr2 &&
                      a->cpu->rflags == b->cpu->rflags,
                  "%s, %u: rip, cr2 or flags", name, value);
    ck_assert_msg(memcmp(a->cpu->xsave, b->cpu->xsave, 5) == 0, "%s, %u: x87", name, value);
    ck_assert_msg(memcmp(a->ram + FIXTURE_STACK - 64, b->ram + FIXTURE_STACK - 64, 64) == 0,
                  "%s, %u: stack", name, value);
}

START_TEST(translated_code_does_as_the_software_cpu)
{
    const TraitRow *row = &rows[_i];

    for (unsigned value = 0; host_trait_value_name(row->trait, value) != NULL; value++) {
        const EngineOptions options = { .cache_size = 1 << 20, .precise_flags = true };
        EngineFixture *hard = engine_fixture_new(row->mode, &options);
        Fixture *soft = fixture_new(row->mode);
        HostTraits traits = { .value = { 0 } };

        traits.value[row->trait] = (uint8_t)value;
        fixture_thunks(soft);
        prepare(soft, row, &traits);
        prepare(hard->fx, row, &traits);
        ck_assert(fixture_run_to_halt(soft, BUDGET));
        engine_fixture_run(hard);
        expect_same(row, value, soft, hard->fx);
        fixture_thunks_free(soft);
        soft->cpu->traits = hard->fx->cpu->traits = NULL;
        fixture_free(soft);
        engine_fixture_free(hard);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("host traits, translated");
    TCase *tc = tcase_create("rows");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, translated_code_does_as_the_software_cpu, 0, G_N_ELEMENTS(rows));
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
