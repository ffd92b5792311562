/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/translator/window_fixture.h"
#include <check.h>
#include <string.h>
#include "softmmu/mmu.h"

enum { STEPS = 100000 };

WindowPair *window_pair_new(FixtureMode mode)
{
    static const EngineOptions options = { .cache_size = 1 << 20,
                                           .precise_flags = true,
                                           .window = ENGINE_WINDOW_ALL };
    WindowPair *pair = g_new0(WindowPair, 1);

    pair->soft = fixture_new(mode);
    pair->hard = engine_fixture_new(mode, &options);
    fixture_thunks(pair->soft);
    pair->both[0] = pair->soft;
    pair->both[1] = pair->hard->fx;
    window_reset(pair);
    return pair;
}

void window_pair_free(WindowPair *pair)
{
    engine_fixture_free(pair->hard);
    fixture_thunks_free(pair->soft);
    fixture_free(pair->soft);
    g_free(pair);
}

void window_reset(WindowPair *pair)
{
    for (unsigned i = 0; i < 2; i++) {
        fixture_reset(pair->both[i]);
        fixture_set_page(pair->both[i], FIXTURE_HANDLERS, PTE_P | PTE_W);
    }
    pair->next_table = WINDOW_TABLES;
    pair->ahead = PTE_A;
}

static bool narrow(const WindowPair *pair)
{
    return pair->soft->mode == FIXTURE_PAGING32;
}

uint64_t window_table_new(WindowPair *pair)
{
    uint64_t table = pair->next_table;

    pair->next_table += PAGE_SIZE;
    ck_assert_uint_le(pair->next_table, FIXTURE_RAM);
    return table;
}

static void entry_set(WindowPair *pair, uint64_t gpa, uint64_t entry)
{
    window_write(pair, gpa, &entry, narrow(pair) ? 4 : 8);
}

void window_map(WindowPair *pair, uint64_t gva, uint64_t gpa, uint64_t flags)
{
    unsigned width = narrow(pair) ? 4 : 8, bits = narrow(pair) ? 10 : 9;
    uint64_t table = pair->soft->cpu->cr3 & ~0xfffull;

    for (unsigned level = narrow(pair) ? 1 : 3;; level--) {
        uint64_t at = table + ((gva >> (12 + level * bits)) & ((1u << bits) - 1)) * width;
        uint64_t entry = fixture_read(pair->soft, at, width);

        if (level == 0) {
            entry_set(pair, at, gpa | flags);
            return;
        }
        if (!(entry & PTE_P)) {
            entry = window_table_new(pair) | PTE_ALL;
            entry_set(pair, at, entry);
        }
        table = entry & ~0xfffull;
    }
}

void window_write(WindowPair *pair, uint64_t gpa, const void *data, size_t size)
{
    for (unsigned i = 0; i < 2; i++) {
        phys_map_write(pair->both[i]->map, gpa, data, size);
    }
}

void window_fill(WindowPair *pair, uint64_t gpa, size_t size, uint64_t seed)
{
    for (size_t i = 0; i < size; i += 8) {
        uint64_t value = random_next(&seed);

        window_write(pair, gpa + i, &value, 8);
    }
}

void window_set_gpr(WindowPair *pair, unsigned gpr, uint64_t value)
{
    for (unsigned i = 0; i < 2; i++) {
        pair->both[i]->cpu->gpr[gpr] = value;
    }
}

static bool is_table(uint64_t page)
{
    return page >= WINDOW_TABLES || (page >= FIXTURE_PML4 && page < FIXTURE_GDT);
}

/* Checks that accesses share, and look-ups of code, may set accessed bits earlier. */
static bool same_tables(const uint8_t *soft, const uint8_t *hard, uint32_t ahead)
{
    for (unsigned i = 0; i < PAGE_SIZE; i += 4) {
        uint32_t a, b;

        memcpy(&a, soft + i, 4);
        memcpy(&b, hard + i, 4);
        if ((a | ahead) != (b | ahead) || (a & ~b & ahead)) {
            return false;
        }
    }
    return true;
}

/* 32-bit code in long mode may lose the upper halves of its registers; the exception that ends it
 * pushes RSP with that. */
static void cut_pushed_rsp(const WindowPair *pair)
{
    for (unsigned i = 0; i < 2 && pair->soft->mode == FIXTURE_COMPAT; i++) {
        memset(pair->both[i]->ram + FIXTURE_STACK0 - 12, 0, 4);
    }
}

static void compare(const WindowPair *pair, const char *what)
{
    const Cpu *soft = pair->soft->cpu, *hard = pair->hard->fx->cpu;
    uint64_t mask = pair->soft->mode == FIXTURE_LONG64 ? UINT64_MAX : UINT32_MAX;

    for (unsigned i = 0; i < 16; i++) {
        ck_assert_msg((soft->gpr[i] & mask) == (hard->gpr[i] & mask),
                      "%s: register %u: interpreted %#lx, translated %#lx", what, i, soft->gpr[i],
                      hard->gpr[i]);
    }
    ck_assert_msg(soft->rip == hard->rip, "%s: interpreted %#lx, translated %#lx", what, soft->rip,
                  hard->rip);
    ck_assert_msg(soft->cr2 == hard->cr2, "%s: CR2 interpreted %#lx, translated %#lx", what,
                  soft->cr2, hard->cr2);
    ck_assert_msg(soft->rflags == hard->rflags, "%s: flags", what);
    for (uint64_t page = 0; page < FIXTURE_RAM; page += PAGE_SIZE) {
        const uint8_t *a = pair->soft->ram + page, *b = pair->hard->fx->ram + page;

        ck_assert_msg(memcmp(a, b, PAGE_SIZE) == 0 ||
                          (is_table(page) && same_tables(a, b, pair->ahead)),
                      "%s: page %#lx of RAM", what, page);
    }
}

void window_run(WindowPair *pair, const void *code, size_t size, const char *what)
{
    for (unsigned i = 0; i < 2; i++) {
        Fixture *fx = pair->both[i];

        fixture_load(fx, code, size);
        fx->cpu->rflags = FLAG_1;
        fixture_set_cpl(fx, 3);
    }
    mmu_window_tick(pair->hard->fx->cpu);
    ck_assert_msg(fixture_run_to_halt(pair->soft, STEPS), "%s runs on at %#lx", what,
                  pair->soft->cpu->rip);
    engine_fixture_run(pair->hard);
    cut_pushed_rsp(pair);
    compare(pair, what);
}

unsigned window_vector(const WindowPair *pair)
{
    return (unsigned)(pair->soft->cpu->rip - 1 - FIXTURE_HANDLERS);
}
