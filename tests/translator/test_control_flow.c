/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Branches between pages, and to addresses that fault. */
#include <check.h>
#include <string.h>
#include "tests/translator/engine_fixture.h"

enum {
    TARGET = 0x7000,
    OTHER = 0x8000,
    PAGE_FLAGS = 7, /* present, writable, user */
};

static const uint8_t add_1[] = { 0x83, 0xc0, 0x01, 0xc3 }; /* add eax, 1; ret */
static const uint8_t add_2[] = { 0x83, 0xc0, 0x02, 0xc3 };

/* mov rax, cr3; mov cr3, rax; xor eax, eax; mov ecx, 1000; 1: call TARGET; dec ecx; jnz 1b */
static const uint8_t call_1000[] = { 0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8, 0x31, 0xc0,
                                     0xb9, 0xe8, 0x03, 0x00, 0x00, 0xe8, 0xee, 0x2f,
                                     0x00, 0x00, 0xff, 0xc9, 0x75, 0xf7 };

static void map_target(Fixture *fx, uint64_t gpa)
{
    unsigned entry = fx->mode == FIXTURE_LONG64 ? 8 : 4;

    fixture_write(fx, FIXTURE_PT + (TARGET >> 12) * entry, entry, gpa | PAGE_FLAGS);
}

static uint64_t run_calls(EngineFixture *ef)
{
    fixture_load(ef->fx, call_1000, sizeof(call_1000));
    engine_fixture_run(ef);
    return ef->fx->cpu->gpr[RAX];
}

static const FixtureMode paged[] = { FIXTURE_LONG64, FIXTURE_PAGING32 };

START_TEST(a_call_to_another_page_follows_its_mapping)
{
    EngineFixture *ef = engine_fixture_new(paged[_i], NULL);
    uint64_t dispatches;

    memcpy(ef->fx->ram + TARGET, add_1, sizeof(add_1));
    memcpy(ef->fx->ram + OTHER, add_2, sizeof(add_2));
    for (unsigned round = 0; round < 3; round++) {
        map_target(ef->fx, TARGET);
        ck_assert_uint_eq(run_calls(ef), 1000);
        map_target(ef->fx, OTHER);
        ck_assert_uint_eq(run_calls(ef), 2000);
    }
    dispatches = engine_stats(ef->engine)->dispatches + engine_stats(ef->engine)->ibtc_misses;
    ck_assert_uint_lt(dispatches, 200);
    engine_fixture_free(ef);
}
END_TEST

/* One page of code at two addresses: a call out of it is chained for one of them at a time. */
START_TEST(a_call_is_chained_anew_for_who_runs_it)
{
    static const uint8_t call_1000_back[] = {
        0xb9, 0xe8, 0x03, 0x00, 0x00, /* mov ecx, 1000 */
        0xe8, 0xf6, 0xef, 0xff, 0xff, /* 1: call TARGET */
        0xff, 0xc9,                   /* dec ecx */
        0x75, 0xf7,                   /* jnz 1b */
        0xc3,                         /* ret */
    };
    static const uint8_t code[] = {
        0x31, 0xc0,                   /* xor eax, eax */
        0xe8, 0xf9, 0x3f, 0x00, 0x00, /* call OTHER */
        0xe8, 0xf4, 0x3f, 0x10, 0x00, /* call OTHER + ALIAS */
        0xe8, 0xef, 0x3f, 0x00, 0x00, /* call OTHER */
    };
    enum { ALIAS = 0x100000 };
    EngineFixture *ef = engine_fixture_new(FIXTURE_LONG64, NULL);

    memcpy(ef->fx->ram + TARGET, add_1, sizeof(add_1));
    memcpy(ef->fx->ram + OTHER, call_1000_back, sizeof(call_1000_back));
    for (unsigned page = TARGET; page <= OTHER; page += 0x1000) {
        fixture_write(ef->fx, FIXTURE_PT + ((page + ALIAS) >> 12) * 8, 8, page | PAGE_FLAGS);
    }
    fixture_load(ef->fx, code, sizeof(code));
    engine_fixture_run(ef);
    ck_assert_uint_eq(ef->fx->cpu->gpr[RAX], 3000);
    ck_assert_uint_lt(ef->fx->cpu->jit_far, 100);
    engine_fixture_free(ef);
}
END_TEST

START_TEST(a_call_to_another_page_follows_its_code)
{
    /* the same, and: mov byte [TARGET + 2], 5 where 500 calls are left */
    static const uint8_t code[] = {
        0x31, 0xc0,                         /* xor eax, eax */
        0xb9, 0xe8, 0x03, 0x00, 0x00,       /* mov ecx, 1000 */
        0xe8, 0xf4, 0x2f, 0x00, 0x00,       /* 1: call TARGET */
        0x81, 0xf9, 0xf5, 0x01, 0x00, 0x00, /* cmp ecx, 501 */
        0x75, 0x0b,                         /* jne 2f */
        0xbb, 0x02, 0x70, 0x00, 0x00,       /* mov ebx, TARGET + 2 */
        0xc6, 0x03, 0x05, 0x90, 0x90, 0x90, /* mov byte [rbx], 5 */
        0xff, 0xc9,                         /* 2: dec ecx */
        0x75, 0xe4,                         /* jnz 1b */
    };
    EngineFixture *ef = engine_fixture_new(paged[_i], NULL);

    memcpy(ef->fx->ram + TARGET, add_1, sizeof(add_1));
    for (unsigned round = 0; round < 2; round++) {
        ef->fx->ram[TARGET + 2] = 1;
        engine_invalidate(ef->engine, TARGET + 2, 1);
        fixture_load(ef->fx, code, sizeof(code));
        engine_fixture_run(ef);
        ck_assert_uint_eq(ef->fx->cpu->gpr[RAX], 500 + 500 * 5);
    }
    engine_fixture_free(ef);
}
END_TEST

/* Leaf functions neither read nor write flags; the caller's are counted behind them. */
static const EngineOptions returns[] = { { .cache_size = 1 << 20 },
                                         { .cache_size = 1 << 20, .host_returns = true } };

START_TEST(flags_live_through_calls)
{
    static const uint8_t leaf[] = { 0x48, 0x8b, 0x1c, 0x24, 0xc3 }; /* mov rbx, [rsp]; ret */
    static const uint8_t code[] = {
        0x31, 0xc0,                   /* xor eax, eax */
        0xb9, 0xe8, 0x03, 0x00, 0x00, /* mov ecx, 1000 */
        0x81, 0xf9, 0x2c, 0x01, 0x00, /* 1: cmp ecx, 300 */
        0x00, 0xe8, 0xee, 0x2f, 0x00, /* call TARGET */
        0x00, 0x83, 0xd0, 0x00,       /* adc eax, 0 */
        0xff, 0xc9,                   /* dec ecx */
        0x75, 0xee,                   /* jnz 1b */
    };
    EngineFixture *ef = engine_fixture_new(FIXTURE_LONG64, &returns[_i]);

    memcpy(ef->fx->ram + TARGET, leaf, sizeof(leaf));
    fixture_load(ef->fx, code, sizeof(code));
    engine_fixture_run(ef);
    ck_assert_uint_eq(ef->fx->cpu->gpr[RAX], 299);
    ck_assert_uint_eq(ef->fx->cpu->gpr[RBX], FIXTURE_CODE + 18);
    engine_fixture_free(ef);
}
END_TEST

/* The routine rewrites what it returns to, in the chunk of the CALL that led to it. */
START_TEST(a_return_finds_code_that_has_changed)
{
    static const uint8_t code[] = {
        0x31, 0xc0,                   /* xor eax, eax */
        0xb9, 0x0a, 0x00, 0x00, 0x00, /* mov ecx, 10 */
        0xe8, 0xf4, 0x2f, 0x00, 0x00, /* 1: call TARGET */
        0x83, 0xc0, 0x00,             /* add eax, imm8 */
        0xff, 0xc9,                   /* dec ecx */
        0x75, 0xf4,                   /* jnz 1b */
    };
    static const uint8_t routine[] = {
        0x48, 0x8b, 0x14, 0x24, /* mov rdx, [rsp] */
        0x88, 0x4a, 0x02,       /* mov [rdx + 2], cl */
        0xc3,                   /* ret */
    };
    EngineFixture *ef = engine_fixture_new(FIXTURE_LONG64, &returns[_i]);

    for (unsigned round = 0; round < 3; round++) {
        memcpy(ef->fx->ram + TARGET, routine, sizeof(routine));
        fixture_load(ef->fx, code, sizeof(code));
        ef->fx->cpu->gpr[RSP] = FIXTURE_STACK;
        engine_fixture_run(ef);
        ck_assert_uint_eq(ef->fx->cpu->gpr[RAX], 55);
    }
    engine_fixture_free(ef);
}
END_TEST

/* mov rax, imm64, and a way there; the faulting instruction's offset. */
static const struct {
    uint8_t code[4];
    unsigned size, faulting;
} ways[] = {
    { { 0xff, 0xe0 }, 2, 10 }, /* jmp rax */
    { { 0xff, 0xd0 }, 2, 10 }, /* call rax */
    { { 0x50, 0xc3 }, 2, 11 }, /* push rax; ret */
};

static void go_to(EngineFixture *ef, uint64_t target)
{
    uint8_t code[16] = { 0x48, 0xb8 };

    memcpy(code + 2, &target, 8);
    memcpy(code + 10, ways[0].code, 2);
    ef->fx->cpu->gpr[RSP] = FIXTURE_STACK;
    fixture_load(ef->fx, code, 12);
    engine_fixture_run(ef);
}

START_TEST(no_address_that_is_not_canonical_is_found)
{
    EngineFixture *ef = engine_fixture_new(FIXTURE_LONG64, NULL);

    ef->fx->ram[TARGET] = 0xf4; /* hlt */
    go_to(ef, TARGET);
    ck_assert_uint_eq(ef->fx->cpu->rip, TARGET + 1);
    for (unsigned bits = 1; bits < 200; bits++) {
        uint64_t target = TARGET | (uint64_t)bits << 47, frame;
        uint8_t code[16] = { 0x48, 0xb8 };

        memcpy(code + 2, &target, 8);
        memcpy(code + 10, ways[_i].code, ways[_i].size);
        ef->fx->cpu->gpr[RSP] = FIXTURE_STACK;
        fixture_load(ef->fx, code, 10 + ways[_i].size);
        engine_fixture_run(ef);
        ck_assert_uint_eq(ef->fx->cpu->rip, FIXTURE_HANDLERS + VECTOR_GP + 1);
        frame = ef->fx->cpu->gpr[RSP];
        ck_assert_uint_eq(fixture_read(ef->fx, frame + 8, 8), FIXTURE_CODE + ways[_i].faulting);
    }
    engine_fixture_free(ef);
}
END_TEST

START_TEST(rf_lasts_for_one_instruction)
{
    static const uint8_t code[] = {
        0x68, 0x02,         0x00, 0x01, 0x00, /* push 0x10002: RF */
        0x6a, FIXTURE_CS32,                   /* push cs */
        0x68, 0x0d,         0x40, 0x00, 0x00, /* push 1f */
        0xcf,                                 /* iret */
        0x90,                                 /* 1: nop */
        0x90, 0xcc,                           /* nop; int3: its handler is a HLT */
    };
    EngineFixture *ef = engine_fixture_new(FIXTURE_PROTECTED32, NULL);

    fixture_load(ef->fx, code, sizeof(code));
    engine_fixture_run(ef);
    ck_assert_uint_eq(ef->fx->cpu->rip, FIXTURE_HANDLERS + VECTOR_BP + 1);
    ck_assert_uint_eq(fixture_read(ef->fx, FIXTURE_STACK - 4, 4), FLAG_1);
    engine_fixture_free(ef);
}
END_TEST

/* mov ecx, [0x6000], which is in the TLB from then on; mov fs, eax; mov ecx, fs:[0x6000] */
static const uint8_t beyond_fs[] = { 0x8b, 0x0d, 0x00, 0x60, 0x00, 0x00, 0x8e, 0xe0,
                                     0x64, 0x8b, 0x0d, 0x00, 0x60, 0x00, 0x00 };
static const uint8_t beyond_gs[] = { 0x8b, 0x0d, 0x00, 0x60, 0x00, 0x00, 0x8e, 0xe8,
                                     0x65, 0x8b, 0x0d, 0x00, 0x60, 0x00, 0x00 };
static const uint8_t *const beyond[] = { beyond_fs, beyond_gs };

START_TEST(the_limit_of_a_based_segment_counts_from_its_load_on)
{
    EngineFixture *ef = engine_fixture_new(FIXTURE_PROTECTED32, NULL);

    fixture_set_descriptor(ef->fx, FIXTURE_GDT_FREE, 0, 0xfff,
                           ATTR_P | ATTR_S | ATTR_RW | ATTR_ACCESSED | ATTR_DB);
    fixture_load(ef->fx, beyond[_i], sizeof(beyond_fs));
    ef->fx->cpu->gpr[RAX] = FIXTURE_GDT_FREE; /* a segment of 4 KiB */
    engine_fixture_run(ef);
    ck_assert_uint_eq(ef->fx->cpu->rip, FIXTURE_HANDLERS + VECTOR_GP + 1);
    engine_fixture_free(ef);
}
END_TEST

/* The bytes behind the page's end change, and with them the instruction's length. */
START_TEST(an_instruction_that_crosses_a_page_may_become_longer)
{
    static const uint8_t first[] = { 0x00, 0xe6, 0xf4, 0xf4 }; /* add dh, ah; hlt */
    static const uint8_t then[] = { 0x00, 0x68, 0x06, 0xf4 };  /* add [eax + 6], ch; hlt */
    EngineFixture *ef = engine_fixture_new(FIXTURE_PROTECTED32, NULL);
    const uint32_t at = TARGET + 0xfff;

    for (unsigned round = 0; round < 4; round++) {
        const uint8_t *code = round < 2 ? first : then;

        phys_map_write(ef->fx->map, at + 1, code + 1, 3);
        ef->fx->cpu->gpr[RAX] = FIXTURE_DATA;
        ef->fx->cpu->rip = at;
        engine_fixture_run(ef);
        ck_assert_uint_eq(ef->fx->cpu->rip, at + (round < 2 ? 3 : 4));
        ck_assert_uint_eq(ef->fx->cpu->gpr[RSP], FIXTURE_STACK); /* 06 alone is PUSH ES */
    }
    engine_fixture_free(ef);
}
END_TEST

/* 48 at a page's end, and most of the instruction behind it: two changes of that are noticed, and
 * all the other times it runs translated. */
START_TEST(an_instruction_may_have_all_but_a_byte_behind_a_page_end)
{
    EngineFixture *ef = engine_fixture_new(FIXTURE_LONG64, NULL);
    uint8_t code[] = { 0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8, 0xf4 }; /* mov rax, imm64; hlt */
    const uint32_t at = TARGET + 0xfff;
    uint64_t value;

    for (unsigned round = 0; round < 60; round++) {
        code[2] = 1 + (round >= 20);
        code[9] = 8 + (round >= 40);
        memcpy(&value, code + 2, sizeof(value));
        if (round % 20 == 0) {
            phys_map_write(ef->fx->map, at, code, sizeof(code));
        }
        ef->fx->cpu->gpr[RAX] = 0;
        ef->fx->cpu->rip = at;
        engine_fixture_run(ef);
        ck_assert_uint_eq(ef->fx->cpu->gpr[RAX], value);
    }
    ck_assert_uint_lt(engine_stats(ef->engine)->interpreted, 10);
    engine_fixture_free(ef);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("control flow");
    TCase *tc = tcase_create("control flow");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, a_call_to_another_page_follows_its_mapping, 0, 2);
    tcase_add_test(tc, a_call_is_chained_anew_for_who_runs_it);
    tcase_add_loop_test(tc, a_call_to_another_page_follows_its_code, 0, 2);
    tcase_add_loop_test(tc, flags_live_through_calls, 0, 2);
    tcase_add_loop_test(tc, a_return_finds_code_that_has_changed, 0, 2);
    tcase_add_loop_test(tc, no_address_that_is_not_canonical_is_found, 0, 3);
    tcase_add_loop_test(tc, the_limit_of_a_based_segment_counts_from_its_load_on, 0, 2);
    tcase_add_test(tc, an_instruction_that_crosses_a_page_may_become_longer);
    tcase_add_test(tc, an_instruction_may_have_all_but_a_byte_behind_a_page_end);
    tcase_add_test(tc, rf_lasts_for_one_instruction);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
