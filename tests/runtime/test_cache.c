/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_cache.c - the translation cache under random blocks: what is found, where chains lead, what
 * signals and writes to code find, down to a cache that is always full. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/engine/engine_int.h"
#include "softmmu/codepages.h"

enum { RAM = 4 << 20, MODE = MODE_PE | MODE_CS32, PLACE = 32, UNLINKED = 64 };

static const char *const policies[] = { "flush", "fifo", "generational" };

typedef struct Fixture {
    PhysMap *map;
    Engine *engine;
    Cpu *cpu;
    uint64_t seed;
} Fixture;

static Fixture fixture(const char *policy)
{
    EngineOptions options = { .cache_size = 1 << 20,
                              .policy = policy,
                              .window = ENGINE_WINDOW_OFF }; /* there is no MMU */
    Fixture fx = { .map = phys_map_new(RAM, NULL), .seed = 88172645463325252ull };

    ck_assert_ptr_nonnull(fx.map);
    fx.engine = engine_new(fx.map, &options, NULL);
    ck_assert_ptr_nonnull(fx.engine);
    fx.cpu = g_new0(Cpu, 1);
    engine_attach(fx.engine, fx.cpu);
    return fx;
}

static void fixture_end(Fixture *fx)
{
    engine_free(fx->engine);
    phys_map_free(fx->map);
    g_free(fx->cpu);
}

static uint32_t random_below(Fixture *fx, uint32_t n)
{
    fx->seed ^= fx->seed << 13;
    fx->seed ^= fx->seed >> 7;
    fx->seed ^= fx->seed << 17;
    return (uint32_t)(fx->seed >> 16) % n;
}

/* A block of `size` host bytes for the code at a RAM offset. */
static Block *make(Fixture *fx, uint32_t ram, uint32_t size)
{
    Engine *engine = fx->engine;
    const uint8_t *page = phys_map_ram(fx->map) + (ram & ~0xfffu);
    Block *block = block_reserve(engine, page, ram & 0xfff, MODE, 0);
    TranslateOutput out = {
        .host_size = size,
        .loop_entry = 8,
        .main_entry = 16,
        .guest_size = 4,
        .insns = 1,
        .chunks = 1ull << (ram >> 6 & 63),
        .exit = { { .place = PLACE, .unlinked = UNLINKED, .target = 0 } },
        .n_faults = 1,
        .fault = { { .host = 20, .page_offset = ram & 0xfff } },
    };

    memset(engine->rw + block->code, 0x90, size);
    block->ram_offset = ram & ~0xfffu;
    block_commit(engine, block, &out);
    return block;
}

static Block *find(Fixture *fx, uint32_t ram)
{
    return block_find(fx->engine, phys_map_ram(fx->map) + (ram & ~0xfffu), ram & 0xfff, MODE, 0);
}

/* Where exit 0 of the block jumps to: offset in the cache. */
static uint32_t exit_leads_to(const Fixture *fx, const Block *block)
{
    int32_t displacement;

    memcpy(&displacement, fx->engine->rx + block->code + PLACE, 4);
    return block->code + PLACE + 4 + (uint32_t)displacement;
}

/* Everything that must hold of one valid block. */
static void check_block(Fixture *fx, const Block *block)
{
    const Engine *engine = fx->engine;
    uint32_t ram = (uint32_t)block->ram_offset + block->page_offset;

    ck_assert_ptr_eq(find(fx, ram), block);
    ck_assert_ptr_eq(block_at_host(fx->engine, engine->rx + block->code), block);
    ck_assert_ptr_eq(block_at_host(fx->engine, engine->rx + block->code + block->host_size - 1),
                     block);
    ck_assert(code_pages_hit(phys_map_code_pages(fx->map), ram, 1));
    if (block->exit_to[0] != NO_BLOCK) {
        const Block *to = &engine->block[block->exit_to[0]];

        ck_assert(to->valid);
        ck_assert_uint_eq(exit_leads_to(fx, block), to->code + 16);
    }
}

static unsigned check_all(Fixture *fx)
{
    const Engine *engine = fx->engine;
    unsigned valid = 0;

    for (unsigned u = 0; u < engine->n_units; u++) {
        const CacheUnit *unit = &engine->unit[u];

        ck_assert_uint_le(unit->used, engine->unit_size);
        for (uint32_t i = 0; i < unit->n_blocks; i++) {
            const Block *block = &engine->block[unit->first + i];

            if (block->valid) {
                check_block(fx, block);
                valid++;
            }
        }
    }
    ck_assert_uint_eq(valid, engine->stats.blocks);
    return valid;
}

/* No indirect branch leads to where no block is. */
static void check_targets(const Fixture *fx)
{
    const IbtcBank *bank = (const IbtcBank *)(uintptr_t)fx->cpu->jit_ibtc;

    for (unsigned i = 0; i < IBTC_ENTRIES; i++) {
        const IbtcEntry *entry = &bank->entry[i];

        if (ibtc_place(entry->rip) == i) {
            const Block *block = block_at_host(fx->engine, entry->host);

            ck_assert_ptr_nonnull(block);
            ck_assert_ptr_eq(entry->host, fx->engine->rx + block->code);
        }
    }
}

/* What the engine does: look up, translate if need be, chain what came before. */
static Block *visit(Fixture *fx, Block *from, uint32_t ram)
{
    uint64_t generation = fx->engine->generation;
    Block *to = find(fx, ram);

    if (to == NULL) {
        to = make(fx, ram, 80 + random_below(fx, 2000));
    }
    if (from != NULL && generation == fx->engine->generation && from->valid) {
        block_link(fx->engine, from, 0, to);
    }
    fx->cpu->rip = ram;
    ibtc_select(fx->cpu);
    ibtc_fill(fx->cpu, to);
    return to;
}

START_TEST(random_blocks_are_found_chained_and_evicted)
{
    Fixture fx = fixture(policies[_i]);
    Block *from = NULL;

    for (unsigned i = 0; i < 20000; i++) {
        uint32_t ram = random_below(&fx, 4) == 0 ? random_below(&fx, RAM / 16) * 16
                                                 : random_below(&fx, 400) * 48;

        from = visit(&fx, from, ram);
        if (random_below(&fx, 50) == 0) {
            cache_invalidate(fx.engine, ram & ~63u, 1 + random_below(&fx, 5000) % (RAM - ram));
        }
        if (i % 500 == 0) {
            check_all(&fx);
            check_targets(&fx);
        }
    }
    ck_assert_uint_gt(fx.engine->stats.evictions, 1000);
    ck_assert_uint_gt(fx.engine->stats.links, 1000);
    ck_assert_uint_gt(check_all(&fx), 100);
    fixture_end(&fx);
}
END_TEST

START_TEST(a_flush_leaves_nothing)
{
    Fixture fx = fixture(policies[_i]);

    for (uint32_t ram = 0; ram < 300 * 64; ram += 64) {
        visit(&fx, NULL, ram);
    }
    cache_flush(fx.engine);
    ck_assert_uint_eq(check_all(&fx), 0);
    check_targets(&fx);
    for (uint32_t ram = 0; ram < 300 * 64; ram += 64) {
        ck_assert_ptr_null(find(&fx, ram));
        ck_assert(!code_pages_watched(phys_map_code_pages(fx.map), ram));
    }
    fixture_end(&fx);
}
END_TEST

START_TEST(pages_without_blocks_are_not_watched)
{
    Fixture fx = fixture(policies[_i]);

    make(&fx, 0x3000, 100);
    ck_assert(code_pages_watched(phys_map_code_pages(fx.map), 0x3000));
    for (uint32_t i = 0; find(&fx, 0x3000) != NULL; i++) {
        ck_assert_uint_lt(i, 1000);
        make(&fx, 0x10000 + i * 64, 8000);
    }
    ck_assert(!code_pages_watched(phys_map_code_pages(fx.map), 0x3000));
    fixture_end(&fx);
}
END_TEST

START_TEST(blocks_of_the_greatest_size_fit)
{
    Fixture fx = fixture(policies[_i]);

    for (uint32_t i = 0; i < 500; i++) {
        make(&fx, i * 64, BLOCK_MAX_HOST);
    }
    ck_assert_uint_gt(check_all(&fx), 10);
    fixture_end(&fx);
}
END_TEST

START_TEST(every_eviction_is_seen_by_who_waits)
{
    Fixture fx = fixture(policies[_i]);
    uint64_t generation = fx.engine->generation;
    Block *first = make(&fx, 0, 100);

    block_drop(fx.engine, first);
    ck_assert_uint_ne(fx.engine->generation, generation);
    generation = fx.engine->generation;
    /* Even where nothing valid is left in the unit. */
    for (uint32_t i = 1; i < 1000; i++) {
        block_drop(fx.engine, make(&fx, i * 64, 8000));
        ck_assert_uint_ne(fx.engine->generation, generation);
        generation = fx.engine->generation;
    }
    ck_assert_uint_eq(check_all(&fx), 0);
    fixture_end(&fx);
}
END_TEST

START_TEST(a_working_set_is_tenured)
{
    Fixture fx = fixture("generational");
    unsigned kept = 0;

    /* 200 blocks in use, and as many new ones each round. */
    for (uint32_t round = 0; round < 40; round++) {
        kept = 0;
        for (uint32_t i = 0; i < 200; i++) {
            kept += find(&fx, i * 64) != NULL;
            visit(&fx, NULL, i * 64);
            visit(&fx, NULL, 0x100000 + (round * 200 + i) * 64);
        }
    }
    ck_assert_uint_gt(fx.engine->stats.promotions, 100);
    ck_assert_uint_gt(kept, 190);
    fixture_end(&fx);
}
END_TEST

typedef struct Refused {
    EngineOptions options;
    const char *words;
} Refused;

static const Refused refused[] = {
    { { .cache_size = 4096 }, "4096 bytes" },
    { { .cache_size = (1 << 20) - 1 }, "1 MiB to 2 GiB" },
    { { .cache_size = (2ull << 30) + 1 }, "1 MiB to 2 GiB" },
    { { .cache_size = UINT64_MAX }, "1 MiB to 2 GiB" },
    { { .policy = "" }, "no cache policy ''" },
};

START_TEST(what_cannot_be_had_is_refused)
{
    PhysMap *map = phys_map_new(RAM, NULL);
    g_autoptr(GError) error = NULL;

    ck_assert_ptr_null(engine_new(map, &refused[_i].options, &error));
    ck_assert_msg(strstr(error->message, refused[_i].words) != NULL, "%s", error->message);
    phys_map_free(map);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cache");
    TCase *tc = tcase_create("blocks");
    SRunner *runner;
    int failed, n = G_N_ELEMENTS(policies);

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, random_blocks_are_found_chained_and_evicted, 0, n);
    tcase_add_loop_test(tc, a_flush_leaves_nothing, 0, n);
    tcase_add_loop_test(tc, pages_without_blocks_are_not_watched, 0, n);
    tcase_add_loop_test(tc, blocks_of_the_greatest_size_fit, 0, n);
    tcase_add_loop_test(tc, every_eviction_is_seen_by_who_waits, 0, n);
    tcase_add_test(tc, a_working_set_is_tenured);
    tcase_add_loop_test(tc, what_cannot_be_had_is_refused, 0, G_N_ELEMENTS(refused));
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
