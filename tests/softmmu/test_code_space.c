/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_code_space.c - when the names of what fetches are translated to stay, and when they change.
 */
#include "tests/softmmu/mmu_fixture.h"

static const uint64_t USER = 0x00403000, KERNEL = 0xffff800000003000ull,
                      LARGE = 0xffff800000400000ull;

static void start(void)
{
    paging_4level();
    control_set(&fx.cpu->cr4, CR4_PGE, true);
    map_page(USER, 0x200000 | PTE_ALL, 0);
    map_page(KERNEL, 0x201000 | PTE_P | PTE_RW | PTE_G, 0);
    map_page(LARGE, 0x400000 | PTE_P | PTE_RW | PTE_PS | PTE_G, 1);
    mmu_flush_all(fx.cpu);
}

static void fetch(uint64_t gva)
{
    uint64_t offset;
    const uint8_t *host;

    ck_assert(mmu_code_page(fx.cpu, gva, &offset, &host));
}

static void cpl_set(unsigned cpl)
{
    fx.cpu->mode = (fx.cpu->mode & ~(uint32_t)MODE_CPL) | cpl << MODE_CPL_SHIFT;
    fx.cpu->context = cpl == 3 ? MMU_USER : MMU_KERNEL;
}

START_TEST(global_supervisor_code_keeps_its_name_when_cr3_is_written)
{
    uint64_t system, user;

    start();
    fetch(KERNEL);
    system = cpu_code_space(fx.cpu);
    cpl_set(3);
    user = cpu_code_space(fx.cpu);
    ck_assert_uint_ne(system, user);
    fetch(USER);
    map_page(USER, 0x202000 | PTE_ALL, 0);
    mmu_cr3_write(fx.cpu, false);
    ck_assert_uint_ne(cpu_code_space(fx.cpu), user);
    cpl_set(0);
    ck_assert_uint_eq(cpu_code_space(fx.cpu), system);
    mmu_flush_nonglobal(fx.cpu);
    ck_assert_uint_eq(cpu_code_space(fx.cpu), system);
}
END_TEST

START_TEST(supervisor_code_that_is_not_global_goes_by_its_address_space)
{
    uint64_t system;

    start();
    fetch(KERNEL);
    system = cpu_code_space(fx.cpu);
    fetch(USER);
    ck_assert_uint_ne(cpu_code_space(fx.cpu), system);
    system = cpu_code_space(fx.cpu);
    fetch(KERNEL);
    ck_assert_uint_eq(cpu_code_space(fx.cpu), system);
    mmu_cr3_write(fx.cpu, false);
    ck_assert_uint_ne(cpu_code_space(fx.cpu), system);
    mmu_flush_all(fx.cpu); /* from here on it may be global again */
    fetch(KERNEL);
    system = cpu_code_space(fx.cpu);
    mmu_cr3_write(fx.cpu, false);
    ck_assert_uint_eq(cpu_code_space(fx.cpu), system);
}
END_TEST

/* ---- User code ---- */

static void flush_page(void)
{
    mmu_flush_page(fx.cpu, USER);
}

static void flush_by_cr3(void)
{
    mmu_cr3_write(fx.cpu, false);
}

static void flush_context(void)
{
    mmu_invpcid(fx.cpu, 1, 0, 0);
}

static void flush_all_local(void)
{
    mmu_flush_nonglobal(fx.cpu);
}

static void (*const flushes[])(void) = { flush_page, flush_by_cr3, flush_context, flush_all_local };
enum { FLUSHES = G_N_ELEMENTS(flushes) };

static const struct {
    const char *name;
    uint64_t entry; /* of the page, from 0x200000 | PTE_ALL | PTE_A */
    bool same_name;
} changes[] = {
    { "none", 0x200000 | PTE_ALL | PTE_A, true },
    { "not writable", 0x200000 | PTE_P | PTE_US | PTE_A, true },
    { "global", 0x200000 | PTE_ALL | PTE_A | PTE_G, true },
    { "another page", 0x202000 | PTE_ALL | PTE_A, false },
    { "gone", 0, false },
    { "not executable", PTE_XD | 0x200000 | PTE_ALL | PTE_A, false },
    { "the supervisor's", 0x200000 | PTE_P | PTE_RW | PTE_A, false },
    { "not accessed", 0x200000 | PTE_ALL, false },
    { "reserved bits", 1ull << 50 | 0x200000 | PTE_ALL | PTE_A, false },
};

START_TEST(user_code_keeps_its_name_if_it_is_where_it_was)
{
    unsigned change = (unsigned)_i / FLUSHES;
    uint64_t user;

    start();
    control_set(&fx.cpu->efer, EFER_NXE, true);
    cpl_set(3);
    fetch(USER);
    user = cpu_code_space(fx.cpu);
    map_page(USER, changes[change].entry, 0);
    flushes[_i % FLUSHES]();
    ck_assert_msg((cpu_code_space(fx.cpu) == user) == changes[change].same_name, "%s",
                  changes[change].name);
}
END_TEST

START_TEST(user_code_found_at_two_places_gets_another_name)
{
    uint64_t user;

    start();
    cpl_set(3);
    fetch(USER);
    map_page(USER, 0x202000 | PTE_ALL, 0);
    for (uint64_t i = 1; i < 16; i++) { /* the first place leaves the TLB, with no flush */
        map_page(USER + (i << 32), 0x203000 | PTE_ALL, 0);
        fetch(USER + (i << 32));
    }
    user = cpu_code_space(fx.cpu);
    fetch(USER);
    ck_assert_uint_ne(cpu_code_space(fx.cpu), user);
}
END_TEST

START_TEST(user_code_of_more_pages_than_are_looked_for_gets_another_name)
{
    uint64_t user, gva = USER;

    start();
    cpl_set(3);
    user = cpu_code_space(fx.cpu);
    for (unsigned i = 0; i < 1024; i++, gva += PAGE_SIZE) {
        map_page(gva, 0x200000 | PTE_ALL, 0);
        fetch(gva);
    }
    ck_assert_uint_eq(cpu_code_space(fx.cpu), user);
    for (unsigned i = 0; i < 2048; i++, gva += PAGE_SIZE) {
        map_page(gva, 0x200000 | PTE_ALL, 0);
        fetch(gva);
    }
    ck_assert_uint_ne(cpu_code_space(fx.cpu), user);
}
END_TEST

START_TEST(an_address_space_that_is_not_the_current_one_is_not_looked_at)
{
    uint64_t user;

    start();
    control_set(&fx.cpu->cr4, CR4_PCIDE, true);
    cpl_set(3);
    fetch(USER);
    user = cpu_code_space(fx.cpu);
    fx.cpu->cr3 |= 1;
    mmu_cr3_write(fx.cpu, true);
    mmu_invpcid(fx.cpu, 1, 0, 0);
    fx.cpu->cr3 &= ~1ull;
    mmu_cr3_write(fx.cpu, true);
    ck_assert_uint_ne(cpu_code_space(fx.cpu), user);
}
END_TEST

/* ---- Supervisor code, again ---- */

START_TEST(invlpg_renames_supervisor_code_of_that_page_only)
{
    uint64_t system;

    start();
    fetch(KERNEL);
    fetch(LARGE);
    system = cpu_code_space(fx.cpu);
    mmu_flush_page(fx.cpu, USER);
    mmu_flush_page(fx.cpu, KERNEL + PAGE_SIZE);
    ck_assert_uint_eq(cpu_code_space(fx.cpu), system);
    mmu_flush_page(fx.cpu, KERNEL);
    ck_assert_uint_ne(cpu_code_space(fx.cpu), system);
    system = cpu_code_space(fx.cpu);
    fetch(LARGE);
    mmu_flush_page(fx.cpu, LARGE + 0x5000); /* the whole large page goes */
    ck_assert_uint_ne(cpu_code_space(fx.cpu), system);
}
END_TEST

START_TEST(flushes_of_global_pages_rename_supervisor_code)
{
    uint64_t system;

    start();
    fetch(KERNEL);
    system = cpu_code_space(fx.cpu);
    mmu_flush_all(fx.cpu);
    ck_assert_uint_ne(cpu_code_space(fx.cpu), system);
    system = cpu_code_space(fx.cpu);
    control_set(&fx.cpu->cr4, CR4_PGE, false);
    ck_assert_uint_ne(cpu_code_space(fx.cpu), system);
}
END_TEST

START_SUITE("code_space")
tcase_add_test(tc, global_supervisor_code_keeps_its_name_when_cr3_is_written);
tcase_add_test(tc, supervisor_code_that_is_not_global_goes_by_its_address_space);
tcase_add_loop_test(tc, user_code_keeps_its_name_if_it_is_where_it_was, 0,
                    G_N_ELEMENTS(changes) * FLUSHES);
tcase_add_test(tc, user_code_found_at_two_places_gets_another_name);
tcase_add_test(tc, user_code_of_more_pages_than_are_looked_for_gets_another_name);
tcase_add_test(tc, an_address_space_that_is_not_the_current_one_is_not_looked_at);
tcase_add_test(tc, invlpg_renames_supervisor_code_of_that_page_only);
tcase_add_test(tc, flushes_of_global_pages_rename_supervisor_code);
END_SUITE
