/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host-mapped window: what is mapped, with which rights, and what takes it away. */
#include "tests/softmmu/window_fixture.h"

static uint64_t pte(unsigned i, uint64_t flags)
{
    return map_page(BASE + i * PAGE_SIZE, (DATA + i * PAGE_SIZE) | flags, 0);
}

/* ---- Rights ---- */

START_TEST(a_page_is_mapped_as_it_is_accessed)
{
    uint64_t entry = pte(3, PTE_ALL);

    ck_assert_int_eq(mapped(BASE + 0x3000), REACH_NOTHING);
    ck_assert_int_eq(reach(BASE + 0x3018, ACCESS_READ), WINDOW_MAPPED);
    ck_assert_uint_eq(window_get(BASE + 0x3000), 3);
    ck_assert_int_eq(mapped(BASE + 0x3000), REACH_READ);
    ck_assert_uint_eq(ram_get(entry, 8) & (PTE_A | PTE_D), PTE_A);
    ck_assert_int_eq(reach(BASE + 0x3018, ACCESS_WRITE), WINDOW_MAPPED);
    ck_assert_uint_eq(ram_get(entry, 8) & (PTE_A | PTE_D), PTE_A | PTE_D);
    ck_assert_int_eq(mapped(BASE + 0x2000), REACH_NOTHING);
    ck_assert_int_eq(mapped(BASE + 0x4000), REACH_NOTHING);
}
END_TEST

START_TEST(a_write_sets_both_bits_at_once)
{
    uint64_t entry = pte(3, PTE_ALL);

    ck_assert_int_eq(reach(BASE + 0x3000, ACCESS_WRITE), WINDOW_MAPPED);
    ck_assert_uint_eq(ram_get(entry, 8) & (PTE_A | PTE_D), PTE_A | PTE_D);
}
END_TEST

START_TEST(neighbours_that_the_tlb_has_come_along)
{
    ck_assert_int_eq(touch(MMU_USER, BASE + 0x4000, ACCESS_READ), -1);
    ck_assert_int_eq(touch(MMU_USER, BASE + 0x5000, ACCESS_WRITE), -1);
    ck_assert_int_eq(touch(MMU_KERNEL, BASE + 0x6000, ACCESS_READ), -1);
    ck_assert_int_eq(reach(BASE + 0x3000, ACCESS_READ), WINDOW_MAPPED);
    ck_assert_int_eq(mapped(BASE + 0x4000), REACH_READ);
    ck_assert_int_eq(mapped(BASE + 0x5000), REACH_WRITE);
    ck_assert_int_eq(mapped(BASE + 0x6000), REACH_NOTHING);
    ck_assert_uint_eq(window_get(BASE + 0x4000), 4);
    ck_assert_uint_eq(window_get(BASE + 0x5000), 5);
}
END_TEST

static const struct {
    const char *name;
    uint64_t entry;
    WindowFault read, write;
} rights_rows[] = {
    { "not present", DATA | PTE_RW | PTE_US, WINDOW_GUEST_FAULT, WINDOW_GUEST_FAULT },
    { "read-only", DATA | PTE_P | PTE_US, WINDOW_MAPPED, WINDOW_GUEST_FAULT },
    { "supervisor", DATA | PTE_P | PTE_RW, WINDOW_GUEST_FAULT, WINDOW_GUEST_FAULT },
    { "writable", DATA | PTE_ALL, WINDOW_MAPPED, WINDOW_MAPPED },
    { "not to be executed", DATA | PTE_ALL | PTE_XD, WINDOW_MAPPED, WINDOW_MAPPED },
    { "global", DATA | PTE_ALL | PTE_G, WINDOW_REFUSED, WINDOW_REFUSED },
    { "device", MMIO_GPA | PTE_ALL, WINDOW_REFUSED, WINDOW_REFUSED },
    { "ROM", ROM_GPA | PTE_ALL, WINDOW_REFUSED, WINDOW_REFUSED },
    { "nothing there", 0x30000000ull | PTE_ALL, WINDOW_REFUSED, WINDOW_REFUSED },
};

START_TEST(only_what_user_code_may_access_is_mapped)
{
    control_set(&fx.cpu->cr4, CR4_PGE, true);
    map_page(BASE, rights_rows[_i].entry, 0);
    map_page(BASE + PAGE_SIZE, rights_rows[_i].entry, 0);
    ck_assert_msg(reach(BASE, ACCESS_READ) == rights_rows[_i].read, "%s", rights_rows[_i].name);
    ck_assert_msg(reach(BASE + PAGE_SIZE, ACCESS_WRITE) == rights_rows[_i].write, "%s",
                  rights_rows[_i].name);
    ck_assert_int_eq(mapped(BASE),
                     rights_rows[_i].read == WINDOW_MAPPED ? REACH_READ : REACH_NOTHING);
}
END_TEST

START_TEST(made_writable_without_a_flush)
{
    uint64_t entry = pte(0, PTE_P | PTE_US);

    ck_assert_int_eq(reach(BASE, ACCESS_READ), WINDOW_MAPPED);
    ck_assert_int_eq(reach(BASE, ACCESS_WRITE), WINDOW_GUEST_FAULT);
    ram_set(entry, 8, DATA | PTE_ALL | PTE_A);
    ck_assert_int_eq(reach(BASE, ACCESS_WRITE), WINDOW_MAPPED);
    ck_assert_uint_eq(ram_get(entry, 8) & PTE_D, PTE_D);
}
END_TEST

START_TEST(another_page_without_a_flush_of_the_old_rights)
{
    uint64_t entry = pte(0, PTE_P | PTE_US);

    ck_assert_int_eq(reach(BASE, ACCESS_READ), WINDOW_MAPPED);
    ram_set(entry, 8, (DATA + PAGE_SIZE) | PTE_ALL);
    ck_assert_int_eq(reach(BASE, ACCESS_WRITE), WINDOW_MAPPED);
    ck_assert_uint_eq(window_get(BASE), 1);
}
END_TEST

/* ---- Flushes ---- */

static void flush_page(void)
{
    mmu_flush_page(fx.cpu, BASE + 0x123);
}

static void flush_all(void)
{
    mmu_flush_all(fx.cpu);
}

static void flush_nonglobal(void)
{
    mmu_flush_nonglobal(fx.cpu);
}

static void flush_cr3(void)
{
    mmu_cr3_write(fx.cpu, false);
}

static void flush_invpcid_page(void)
{
    mmu_invpcid(fx.cpu, 0, 0, BASE);
}

static void flush_invpcid_one(void)
{
    mmu_invpcid(fx.cpu, 1, 0, 0);
}

static void flush_mode(void)
{
    control_set(&fx.cpu->cr4, CR4_PGE, true);
}

static const struct {
    void (*flush)(void);
    bool page; /* the one at BASE only */
} flush_rows[] = {
    { flush_page, true },  { flush_all, false },         { flush_nonglobal, false },
    { flush_cr3, false },  { flush_invpcid_page, true }, { flush_invpcid_one, false },
    { flush_mode, false },
};

START_TEST(a_flush_takes_pages_away)
{
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(reach(BASE + i * PAGE_SIZE, ACCESS_WRITE), WINDOW_MAPPED);
    }
    pte(0, PTE_P | PTE_US);
    map_page(BASE + PAGE_SIZE, (DATA + 0x9000) | PTE_ALL, 0);
    flush_rows[_i].flush();
    ck_assert_int_eq(mapped(BASE), REACH_NOTHING);
    ck_assert_int_eq(mapped(BASE + PAGE_SIZE), flush_rows[_i].page ? REACH_WRITE : REACH_NOTHING);
    ck_assert_uint_eq(mmu_stats(fx.mmu)->window_drops, flush_rows[_i].page ? 1 : 3);
    ck_assert_int_eq(reach(BASE, ACCESS_WRITE), WINDOW_GUEST_FAULT);
    ck_assert_int_eq(reach(BASE, ACCESS_READ), WINDOW_MAPPED);
    ck_assert_int_eq(reach(BASE + PAGE_SIZE, ACCESS_READ), WINDOW_MAPPED);
    ck_assert_uint_eq(window_get(BASE + PAGE_SIZE), flush_rows[_i].page ? 1 : 9);
}
END_TEST

START_TEST(all_of_a_large_page_goes_with_one_address)
{
    map_page(0x600000, 0x2000000 | PTE_ALL | PTE_PS, 1);
    ck_assert_int_eq(reach(0x600000, ACCESS_WRITE), WINDOW_MAPPED);
    ck_assert_int_eq(reach(0x789000, ACCESS_WRITE), WINDOW_MAPPED);
    for (unsigned i = 0; i < 64; i++) { /* conflicts push the entry out of the TLB */
        map_page(0x789000 + (i + 1ull) * TLB_ENTRIES * PAGE_SIZE, DATA | PTE_ALL, 0);
        ck_assert_int_eq(
            touch(MMU_USER, 0x789000 + (i + 1ull) * TLB_ENTRIES * PAGE_SIZE, ACCESS_READ), -1);
    }
    ck_assert_int_eq(mapped(0x789000), REACH_WRITE);
    mmu_flush_page(fx.cpu, 0x601000);
    ck_assert_int_eq(mapped(0x600000), REACH_NOTHING);
    ck_assert_int_eq(mapped(0x789000), REACH_NOTHING);
}
END_TEST

START_TEST(pages_of_several_chunks_go_at_once)
{
    for (unsigned i = 1; i < 4; i++) {
        map_page(i * GIB_4, (DATA + i * PAGE_SIZE) | PTE_ALL, 0);
        map_page((i + 1) * GIB_4 - PAGE_SIZE, (DATA + (i + 8) * PAGE_SIZE) | PTE_ALL, 0);
        ck_assert_int_eq(reach(i * GIB_4, ACCESS_READ), WINDOW_MAPPED);
        ck_assert_int_eq(reach((i + 1) * GIB_4 - 1, ACCESS_READ), WINDOW_MAPPED);
        ck_assert_uint_eq(window_get((i + 1) * GIB_4 - PAGE_SIZE), i + 8);
    }
    mmu_cr3_write(fx.cpu, false);
    for (unsigned i = 1; i < 4; i++) {
        ck_assert_int_eq(mapped(i * GIB_4), REACH_NOTHING);
        ck_assert_int_eq(mapped((i + 1) * GIB_4 - PAGE_SIZE), REACH_NOTHING);
    }
}
END_TEST

/* ---- Watched pages ---- */

START_TEST(a_page_that_holds_code_loses_the_right_to_write)
{
    map_page(BASE + GIB_4, DATA | PTE_ALL, 0);
    ck_assert_int_eq(reach(BASE + GIB_4, ACCESS_WRITE), WINDOW_MAPPED);
    ck_assert_int_eq(reach(BASE, ACCESS_WRITE), WINDOW_MAPPED);
    watch(DATA);
    ck_assert_int_eq(mapped(BASE), REACH_READ);
    ck_assert_int_eq(mapped(BASE + GIB_4), REACH_READ);
    ck_assert_int_eq(reach(BASE, ACCESS_WRITE), WINDOW_REFUSED);
    ck_assert_int_eq(reach(BASE + PAGE_SIZE, ACCESS_WRITE), WINDOW_MAPPED);
    code_pages_clear(phys_map_code_pages(fx.map), DATA);
    ck_assert_int_eq(reach(BASE, ACCESS_WRITE), WINDOW_MAPPED);
    watch(DATA);
    ck_assert_int_eq(mapped(BASE), REACH_READ);
}
END_TEST

START_TEST(a_watched_page_is_mapped_for_reads)
{
    watch(DATA);
    ck_assert_int_eq(reach(BASE, ACCESS_WRITE), WINDOW_REFUSED);
    ck_assert_int_eq(reach(BASE, ACCESS_READ), WINDOW_MAPPED);
    ck_assert_int_eq(mapped(BASE), REACH_READ);
}
END_TEST

START_TEST(a_page_of_another_address_space_is_watched)
{
    control_set(&fx.cpu->cr4, CR4_PCIDE, true);
    ck_assert_int_eq(reach(BASE, ACCESS_WRITE), WINDOW_MAPPED);
    fx.cpu->cr3 = ROOT | 1;
    mmu_cr3_write(fx.cpu, true);
    watch(DATA);
    fx.cpu->cr3 = ROOT;
    mmu_cr3_write(fx.cpu, true);
    ck_assert_int_eq(mapped(BASE), REACH_READ);
}
END_TEST

START_TEST(dirty_logging_takes_writes_away)
{
    ck_assert_int_eq(reach(BASE, ACCESS_WRITE), WINDOW_MAPPED);
    dirty_log_set_enabled(fx.map, true);
    ck_assert_uint_eq(fx.changed, 1); /* the machine flushes then */
    mmu_flush_all(fx.cpu);
    ck_assert_int_eq(reach(BASE, ACCESS_WRITE), WINDOW_REFUSED);
    ck_assert_int_eq(reach(BASE, ACCESS_READ), WINDOW_MAPPED);
    ck_assert_int_eq(mapped(BASE), REACH_READ);
    dirty_log_set_enabled(fx.map, false);
    mmu_flush_all(fx.cpu);
    ck_assert_int_eq(reach(BASE, ACCESS_WRITE), WINDOW_MAPPED);
}
END_TEST

/* ---- Address spaces ---- */

START_TEST(an_address_space_keeps_its_pages)
{
    uint64_t other = table_new();

    control_set(&fx.cpu->cr4, CR4_PCIDE, true);
    switch_to(other, 1);
    map_page(BASE, (DATA + 0x7000) | PTE_ALL, 0);
    switch_to(ROOT, 0);
    ck_assert_int_eq(reach(BASE, ACCESS_WRITE), WINDOW_MAPPED);
    switch_to(other, 1);
    ck_assert_uint_eq(fx.cpu->jit_window[SLOT].chunk, JIT_WINDOW_NONE);
    ck_assert_int_eq(mapped(BASE), REACH_NOTHING);
    ck_assert_int_eq(reach(BASE, ACCESS_READ), WINDOW_MAPPED);
    ck_assert_uint_eq(window_get(BASE), 7);
    mmu_invpcid(fx.cpu, 0, 0, BASE + PAGE_SIZE);
    switch_to(ROOT, 0);
    ck_assert_int_eq(mapped(BASE), REACH_WRITE);
    ck_assert_uint_eq(window_get(BASE), 0);
    mmu_invpcid(fx.cpu, 0, 0, BASE);
    ck_assert_int_eq(mapped(BASE), REACH_NOTHING);
}
END_TEST

START_TEST(another_address_space_has_no_use_of_a_chunk)
{
    uint8_t *host;

    control_set(&fx.cpu->cr4, CR4_PCIDE, true);
    ck_assert(enter(BASE));
    host = window_host(BASE);
    switch_to(ROOT, 1);
    ck_assert_int_eq(mmu_window_fault(fx.cpu, host, ACCESS_READ), WINDOW_REFUSED);
    ck_assert_int_eq(host_reach(host), REACH_NOTHING);
}
END_TEST

/* A bank that is given to another PCID, once all are in use. */
START_TEST(a_bank_changes_hands)
{
    control_set(&fx.cpu->cr4, CR4_PCIDE, true);
    for (unsigned i = 0; i < 10; i++) {
        switch_to(ROOT, i);
        ck_assert_int_eq(mapped(BASE), REACH_NOTHING);
        ck_assert_int_eq(reach(BASE, ACCESS_READ), WINDOW_MAPPED);
    }
    for (unsigned i = 2; i < 10; i++) {
        switch_to(ROOT, i);
        ck_assert_int_eq(mapped(BASE), REACH_READ);
    }
    switch_to(ROOT, 0);
    ck_assert_int_eq(mapped(BASE), REACH_NOTHING);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("window");
    TCase *tc = tcase_create("window");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, window_set_up, fixture_tear_down);
    suite_add_tcase(suite, tc);
    tcase_add_test(tc, a_page_is_mapped_as_it_is_accessed);
    tcase_add_test(tc, a_write_sets_both_bits_at_once);
    tcase_add_test(tc, neighbours_that_the_tlb_has_come_along);
    tcase_add_loop_test(tc, only_what_user_code_may_access_is_mapped, 0, G_N_ELEMENTS(rights_rows));
    tcase_add_test(tc, made_writable_without_a_flush);
    tcase_add_test(tc, another_page_without_a_flush_of_the_old_rights);
    tcase_add_loop_test(tc, a_flush_takes_pages_away, 0, G_N_ELEMENTS(flush_rows));
    tcase_add_test(tc, all_of_a_large_page_goes_with_one_address);
    tcase_add_test(tc, pages_of_several_chunks_go_at_once);
    tcase_add_test(tc, a_page_that_holds_code_loses_the_right_to_write);
    tcase_add_test(tc, a_watched_page_is_mapped_for_reads);
    tcase_add_test(tc, a_page_of_another_address_space_is_watched);
    tcase_add_test(tc, dirty_logging_takes_writes_away);
    tcase_add_test(tc, an_address_space_keeps_its_pages);
    tcase_add_test(tc, another_address_space_has_no_use_of_a_chunk);
    tcase_add_test(tc, a_bank_changes_hands);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
