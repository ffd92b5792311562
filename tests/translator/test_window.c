/* SPDX-License-Identifier: GPL-2.0-or-later */
/* User code through the host-mapped window: mappings that change, code that changes, devices. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "softmmu/codepages.h"
#include "softmmu/mmu.h"
#include "tests/translator/window_fixture.h"

enum {
    AREA = 0x10000000, /* gva of the pages of a test */
    MMIO_GPA = 0x40000000,
    ROM_GPA = 0x50000000,

};

/* The same in 64-bit and 32-bit code. */
static const uint8_t copying[] = {
    0x8b, 0x06,                /* mov eax, [rsi] */
    0x01, 0xc2,                /* add edx, eax */
    0x89, 0x57, 0x04,          /* mov [rdi + 4], edx */
    0x8b, 0x8f, 0,    1, 0, 0, /* mov ecx, [rdi + 256] */
    0xff, 0x47, 0x08,          /* inc dword [rdi + 8] */
};
static const uint8_t writing[] = { 0x89, 0x07 };              /* mov [rdi], eax */
static const uint8_t calling[] = { 0xff, 0xd3 };              /* call rbx */
static const uint8_t function[] = { 0xb8, 1, 2, 3, 4, 0xc3 }; /* mov eax, imm; ret */

static void access_pages(WindowPair *pair, uint64_t from, uint64_t to, const char *what)
{
    window_set_gpr(pair, RSI, from);
    window_set_gpr(pair, RDI, to);
    window_set_gpr(pair, RSP, FIXTURE_STACK);
    window_run(pair, copying, sizeof(copying), what);
}

static uint64_t frame(unsigned i)
{
    return WINDOW_FRAMES + (uint64_t)i * PAGE_SIZE;
}

static uint64_t page(unsigned i)
{
    return AREA + (uint64_t)i * PAGE_SIZE;
}

static WindowPair *pair_with_pages(FixtureMode mode, unsigned n)
{
    WindowPair *pair = window_pair_new(mode);

    for (unsigned i = 0; i < n; i++) {
        window_map(pair, page(i), frame(i), PTE_ALL);
    }
    window_fill(pair, WINDOW_FRAMES, n * PAGE_SIZE, 3);
    return pair;
}

static void flush_page(WindowPair *pair, uint64_t gva)
{
    for (unsigned i = 0; i < 2; i++) {
        mmu_flush_page(pair->both[i]->cpu, gva);
    }
}

static void flush_all(WindowPair *pair)
{
    for (unsigned i = 0; i < 2; i++) {
        mmu_flush_all(pair->both[i]->cpu);
    }
}

static const FixtureMode modes[] = { FIXTURE_LONG64, FIXTURE_PAGING32, FIXTURE_COMPAT };
enum { MODES = G_N_ELEMENTS(modes) };

START_TEST(a_changed_entry_counts_from_its_flush)
{
    WindowPair *pair = pair_with_pages(modes[_i], 4);

    access_pages(pair, page(0), page(1), "at first");
    ck_assert_uint_eq(window_vector(pair), VECTOR_GP);
    window_map(pair, page(0), frame(2), PTE_ALL);
    flush_page(pair, page(0));
    access_pages(pair, page(0), page(1), "another page");
    window_map(pair, page(1), frame(3), PTE_ALL);
    flush_all(pair);
    access_pages(pair, page(0), page(1), "after a whole flush");
    window_map(pair, page(1), frame(3), PTE_P | PTE_U);
    flush_page(pair, page(1) + 5);
    access_pages(pair, page(0), page(1), "read-only");
    ck_assert_uint_eq(window_vector(pair), VECTOR_PF);
    window_map(pair, page(1), frame(3), PTE_ALL);
    access_pages(pair, page(0), page(1), "writable again, without a flush");
    ck_assert_uint_eq(window_vector(pair), VECTOR_GP);
    window_map(pair, page(0), frame(2), PTE_P | PTE_W);
    flush_page(pair, page(0));
    access_pages(pair, page(0), page(1), "supervisor's");
    ck_assert_uint_eq(window_vector(pair), VECTOR_PF);
    window_map(pair, page(0), frame(0), PTE_W | PTE_U);
    flush_page(pair, page(0));
    access_pages(pair, page(0), page(1), "not present");
    ck_assert_uint_eq(window_vector(pair), VECTOR_PF);
    window_map(pair, page(0), frame(0), PTE_ALL);
    access_pages(pair, page(0), page(1), "present, without a flush");
    ck_assert_uint_eq(window_vector(pair), VECTOR_GP);
    ck_assert_uint_gt(mmu_stats(pair->hard->fx->cpu->mmu)->window_pages, 4);
    window_pair_free(pair);
}
END_TEST

static void cr3_write(WindowPair *pair, uint64_t cr3, bool keep)
{
    for (unsigned i = 0; i < 2; i++) {
        pair->both[i]->cpu->cr3 = cr3;
        mmu_cr3_write(pair->both[i]->cpu, keep);
    }
}

static void pcids_on(WindowPair *pair)
{
    for (unsigned i = 0; i < 2; i++) {
        pair->both[i]->cpu->cr4 |= CR4_PCIDE;
        mmu_mode_changed(pair->both[i]->cpu);
    }
}

/* A second address space that has its own pages at AREA, and shares what lies below 8 MiB. */
static void second_space(WindowPair *pair, unsigned n)
{
    uint64_t first = pair->soft->cpu->cr3;

    cr3_write(pair, window_table_new(pair), false);
    for (uint64_t gva = 0; gva < 0x12000; gva += PAGE_SIZE) {
        window_map(pair, gva, gva, PTE_ALL);
    }
    for (uint64_t gva = FIXTURE_GDT; gva < FIXTURE_TSS + 4 * PAGE_SIZE; gva += PAGE_SIZE) {
        window_map(pair, gva, gva, PTE_ALL);
    }
    for (unsigned i = 0; i < n; i++) {
        window_map(pair, page(i), frame(n + i), PTE_ALL);
    }
    window_fill(pair, frame(n), n * PAGE_SIZE, 4);
    ck_assert_uint_ne(pair->soft->cpu->cr3, first);
}

START_TEST(address_spaces_take_turns)
{
    bool pcids = _i != 0;
    WindowPair *pair = pair_with_pages(FIXTURE_LONG64, 4);
    uint64_t root[2] = { pair->soft->cpu->cr3, 0 };

    second_space(pair, 4);
    root[1] = pair->soft->cpu->cr3;
    if (pcids) {
        cr3_write(pair, root[0], false);
        pcids_on(pair);
    }
    for (unsigned i = 0; i < 20; i++) {
        unsigned space = i % 2;

        cr3_write(pair, root[space] | (pcids ? space : 0), pcids && i % 5 != 4);
        access_pages(pair, page(i % 3), page(3), "turn");
        ck_assert_uint_eq(window_vector(pair), VECTOR_GP);
    }
    window_pair_free(pair);
}
END_TEST

/* ---- Code ---- */

static void call(WindowPair *pair, uint64_t gva)
{
    window_set_gpr(pair, RBX, gva);
    window_set_gpr(pair, RSP, FIXTURE_STACK);
    window_run(pair, calling, sizeof(calling), "call");
}

static void store(WindowPair *pair, uint64_t gva, uint32_t value)
{
    window_set_gpr(pair, RAX, value);
    window_set_gpr(pair, RDI, gva);
    window_run(pair, writing, sizeof(writing), "store");
}

START_TEST(a_page_that_was_written_holds_code_then)
{
    WindowPair *pair = pair_with_pages(modes[_i], 2);

    window_write(pair, frame(1) + 0x800, function, sizeof(function));
    for (uint32_t i = 0; i < 40; i++) {
        store(pair, page(1) + 0x10, i); /* mapped writable, or not any more */
        call(pair, page(1) + 0x800);
        store(pair, page(1) + 0x801, i * 0x01010101);
        call(pair, page(1) + 0x800);
        ck_assert_uint_eq((uint32_t)pair->soft->cpu->gpr[RAX], i * 0x01010101);
    }
    window_pair_free(pair);
}
END_TEST

/* The loop fills the page that it is in, forwards or backwards, until it has written over itself.
 */
static const uint8_t filling[] = {
    0xc6, 0x07, 0xf4, /* mov byte [rdi], HLT */
    0x83, 0xc7, 0x01, /* add edi, 1 */
    0xff, 0xc9,       /* dec ecx */
    0x75, 0xf6,       /* jnz */
};

START_TEST(a_loop_writes_over_its_own_code)
{
    WindowPair *pair = window_pair_new(modes[_i]);

    for (int start = -40; start < 20; start++) {
        window_reset(pair);
        window_set_gpr(pair, RDI, (uint64_t)(FIXTURE_CODE + 40 + start));
        window_set_gpr(pair, RCX, 30);
        window_run(pair, filling, sizeof(filling), "fill");
    }
    window_pair_free(pair);
}
END_TEST

/* ---- What is not RAM ---- */

static uint8_t device_memory[2][2 * PAGE_SIZE];

static uint64_t device_read(void *opaque, uint64_t offset, unsigned width)
{
    uint64_t value = 0;

    memcpy(&value, (const uint8_t *)opaque + offset, width);
    return value + 1;
}

static void device_write(void *opaque, uint64_t offset, unsigned width, uint64_t value)
{
    value += 2;
    memcpy((uint8_t *)opaque + offset, &value, width);
}

START_TEST(devices_and_rom_are_accessed_by_c)
{
    static const MmioOps ops = { device_read, device_write, 0, 0 };
    static const uint8_t rom[PAGE_SIZE] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    WindowPair *pair = pair_with_pages(modes[_i], 2);

    for (unsigned i = 0; i < 2; i++) {
        memset(device_memory[i], 0, sizeof(device_memory[i]));
        phys_map_add_mmio(pair->both[i]->map, MMIO_GPA, sizeof(device_memory[i]), &ops,
                          device_memory[i], 0);
        phys_map_add_rom(pair->both[i]->map, ROM_GPA, rom, sizeof(rom), 0);
    }
    window_map(pair, page(2), MMIO_GPA, PTE_ALL);
    window_map(pair, page(3), ROM_GPA, PTE_ALL);
    flush_all(pair);
    for (unsigned i = 0; i < 64; i++) { /* more often than a block is let refuse */
        access_pages(pair, page(i % 4), page(i / 4 % 4), "devices");
        ck_assert_mem_eq(device_memory[0], device_memory[1], sizeof(device_memory[0]));
    }
    window_pair_free(pair);
}
END_TEST

START_TEST(what_is_written_is_logged_from_then_on)
{
    WindowPair *pair = pair_with_pages(FIXTURE_LONG64, 2);

    store(pair, page(0), 1);
    for (unsigned i = 0; i < 2; i++) {
        dirty_log_set_enabled(pair->both[i]->map, true);
    }
    flush_all(pair);
    store(pair, page(0), 2);
    ck_assert(dirty_log_test_and_clear(pair->hard->fx->map, frame(0)));
    ck_assert(!dirty_log_test_and_clear(pair->hard->fx->map, frame(1)));
    store(pair, page(0), 3);
    ck_assert(dirty_log_test_and_clear(pair->hard->fx->map, frame(0)));
    window_pair_free(pair);
}
END_TEST

/* ---- Many pages ---- */

/* Sixteen-fold what there are credits for; a read and a write of each. */
static const uint8_t sweeping[] = {
    0x8b, 0x06,                         /* mov eax, [rsi] */
    0x01, 0x07,                         /* add [rdi], eax */
    0x48, 0x81, 0xc6, 0x00, 0x10, 0, 0, /* add rsi, 4096 */
    0x48, 0x81, 0xc7, 0x00, 0x10, 0, 0, /* add rdi, 4096 */
    0xff, 0xc9,                         /* dec ecx */
    0x75, 0xea,                         /* jnz */
};

START_TEST(more_pages_than_credits)
{
    enum { MANY = 4096 };
    WindowPair *pair = pair_with_pages(FIXTURE_LONG64, 16);

    for (unsigned i = 16; i < MANY; i++) {
        window_map(pair, page(i), frame(i % 16), PTE_ALL);
    }
    for (unsigned turn = 0; turn < 3; turn++) {
        window_set_gpr(pair, RSI, page(0));
        window_set_gpr(pair, RDI, page(1) + 8);
        window_set_gpr(pair, RCX, MANY - 1);
        window_run(pair, sweeping, sizeof(sweeping), "sweep");
    }
    ck_assert_uint_gt(mmu_stats(pair->hard->fx->cpu->mmu)->window_denials, 0);
    window_pair_free(pair);
}
END_TEST

START_TEST(more_chunks_than_an_address_space_may_have)
{
    WindowPair *pair = pair_with_pages(FIXTURE_LONG64, 32);

    for (uint64_t i = 0; i < 12; i++) {
        window_map(pair, (i << 32) + page(40), frame((unsigned)i), PTE_ALL);
        window_map(pair, (i << 32) + 0xfffff000, frame((unsigned)i + 12), PTE_ALL);
        window_map(pair, (i << 32) + 0x100000000, frame((unsigned)i + 13), PTE_ALL);
    }
    for (uint64_t i = 0; i < 100; i++) {
        access_pages(pair, (i * 7 % 12 << 32) + page(40), (i * 5 % 12 << 32) + page(40) + i * 8,
                     "chunks");
        access_pages(pair, (i * 7 % 11 << 32) + 0xffffffff - i % 8,
                     (i * 5 % 11 << 32) + 0x100000000 - 12 + i % 7, "ends of chunks");
    }
    window_pair_free(pair);
}
END_TEST

/* ---- Random operations ---- */

enum { PAGES = 24, OPERATIONS = 1500 };

static void remap(WindowPair *pair, uint64_t *seed)
{
    uint64_t gva = page((unsigned)(random_next(seed) % PAGES));
    uint64_t flags = random_next(seed) % 3 == 0 ? random_next(seed) % 8 : PTE_ALL;

    window_map(pair, gva, frame((unsigned)(random_next(seed) % PAGES)), flags);
    if (random_next(seed) % 8 == 0) {
        flush_all(pair);
    } else {
        flush_page(pair, gva);
    }
}

static void operation(WindowPair *pair, uint64_t *seed, const uint64_t *root)
{
    uint64_t a = page((unsigned)(random_next(seed) % PAGES)) + random_next(seed) % 0x800;
    uint64_t b = page((unsigned)(random_next(seed) % PAGES)) + random_next(seed) % 0x780;
    uint64_t place = page((unsigned)(random_next(seed) % PAGES)) + 0xf00;
    unsigned space = (unsigned)(random_next(seed) % 2);

    switch (random_next(seed) % 8) {
    case 0:
        cr3_write(pair, root[space] | space, random_next(seed) % 2 == 0);
        break;
    case 1:
    case 2:
        remap(pair, seed);
        break;
    case 3:
        call(pair, place);
        break;
    case 4:
        store(pair, place + 1, (uint32_t)random_next(seed));
        break;
    default:
        access_pages(pair, a, b, "access");
        break;
    }
}

START_TEST(random_operations_end_alike)
{
    WindowPair *pair = pair_with_pages(FIXTURE_LONG64, PAGES);
    uint64_t seed = (uint64_t)_i * 77 + 1, root[2] = { pair->soft->cpu->cr3, 0 };

    second_space(pair, PAGES);
    root[1] = pair->soft->cpu->cr3;
    cr3_write(pair, root[0], false);
    pcids_on(pair);
    for (unsigned i = 0; i < 2 * PAGES; i++) {
        window_write(pair, frame(i) + 0xf00, function, sizeof(function));
    }
    for (unsigned i = 0; i < OPERATIONS; i++) {
        operation(pair, &seed, root);
    }
    ck_assert_uint_gt(mmu_stats(pair->hard->fx->cpu->mmu)->window_pages, OPERATIONS / 8);
    window_pair_free(pair);
}
END_TEST

START_TEST(two_machines_run_side_by_side)
{
    WindowPair *pair[2] = { pair_with_pages(FIXTURE_LONG64, 4),
                            pair_with_pages(FIXTURE_PAGING32, 4) };

    for (unsigned i = 0; i < 10; i++) {
        access_pages(pair[i % 2], page(i % 3), page(3), "two machines");
    }
    window_pair_free(pair[0]);
    access_pages(pair[1], page(0), page(3), "the other is gone");
    window_pair_free(pair[1]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("window");
    TCase *tc = tcase_create("window");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 240);
    tcase_add_loop_test(tc, a_changed_entry_counts_from_its_flush, 0, MODES);
    tcase_add_loop_test(tc, address_spaces_take_turns, 0, 2);
    tcase_add_loop_test(tc, a_page_that_was_written_holds_code_then, 0, MODES);
    tcase_add_loop_test(tc, a_loop_writes_over_its_own_code, 0, MODES);
    tcase_add_loop_test(tc, devices_and_rom_are_accessed_by_c, 0, MODES);
    tcase_add_test(tc, what_is_written_is_logged_from_then_on);
    tcase_add_test(tc, more_pages_than_credits);
    tcase_add_test(tc, more_chunks_than_an_address_space_may_have);
    tcase_add_loop_test(tc, random_operations_end_alike, 0, 3);
    tcase_add_test(tc, two_machines_run_side_by_side);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
