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

START_TEST(global_user_code_goes_by_its_address_space)
{
    uint64_t user;

    start();
    map_page(USER, 0x200000 | PTE_ALL | PTE_G, 0);
    cpl_set(3);
    fetch(USER);
    user = cpu_code_space(fx.cpu);
    mmu_cr3_write(fx.cpu, false);
    ck_assert_uint_ne(cpu_code_space(fx.cpu), user);
}
END_TEST

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
tcase_add_test(tc, global_user_code_goes_by_its_address_space);
tcase_add_test(tc, invlpg_renames_supervisor_code_of_that_page_only);
tcase_add_test(tc, flushes_of_global_pages_rename_supervisor_code);
END_SUITE
