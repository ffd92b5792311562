/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_walk.c - page walks of every paging mode: rights, error codes, accessed and dirty bits. */
#include <string.h>

#include "tests/softmmu/mmu_fixture.h"

enum { OK = -1, GVA = 0x00403000, PAGE = 0x200000 };

typedef enum Paging { PAGING_32, PAGING_PAE, PAGING_4LEVEL, PAGINGS } Paging;

static void paging_start(Paging paging)
{
    switch (paging) {
    case PAGING_32:
        paging_32(CR4_PSE);
        break;
    case PAGING_PAE:
        paging_pae();
        break;
    default:
        paging_4level();
        break;
    }
}

START_TEST(without_paging_addresses_are_physical_and_32_bits_wide)
{
    uint64_t gpa;

    ram_set(0x123456, 1, 0x77);
    ck_assert_int_eq(touch(MMU_USER, 0x123456, ACCESS_WRITE), OK);
    ck_assert_uint_eq(ram_get(0x123456, 1), 0);
    ck_assert(mmu_translate_debug(fx.cpu, 0x1200123456ull, &gpa));
    ck_assert_uint_eq(gpa, 0x123456);
}
END_TEST

START_TEST(a20_masks_physical_addresses_of_data_and_of_tables)
{
    uint64_t value;

    ram_set(0x000234, 4, 0x11111111);
    ram_set(0x100234, 4, 0x22222222);
    fx.cpu->a20_mask = ~(1u << 20);
    mmu_mode_changed(fx.cpu);
    ck_assert(mmu_read(fx.cpu, 0x100234, 4, &value));
    ck_assert_uint_eq(value, 0x11111111);
    fx.cpu->a20_mask = ~0u;
    mmu_mode_changed(fx.cpu);
    ck_assert(mmu_read(fx.cpu, 0x100234, 4, &value));
    ck_assert_uint_eq(value, 0x22222222);

    paging_32(0);
    fx.cpu->cr3 = 0x300000; /* with the line masked: 0x200000 */
    ram_set(0x200000 + 4, 4, 0x201000 | PTE_ALL);
    ram_set(0x201000 + 3 * 4, 4, 0x500000 | PTE_ALL);
    fx.cpu->a20_mask = ~(1u << 20);
    mmu_mode_changed(fx.cpu);
    ram_set(0x400000, 1, 0x5a);
    ck_assert(mmu_read(fx.cpu, GVA, 1, &value));
    ck_assert_uint_eq(value, 0x5a);
}
END_TEST

/* What SDM vol. 3 section 4.6 says, in its order. */
typedef struct Rights {
    bool user_page, writable, xd;
} Rights;

static bool access_allowed(Rights page, MmuContext context, Access access)
{
    bool wp = fx.cpu->cr0 & CR0_WP, smep = fx.cpu->cr4 & CR4_SMEP, smap = fx.cpu->cr4 & CR4_SMAP;

    if (context == MMU_USER) {
        return page.user_page && (access != ACCESS_WRITE || page.writable) &&
               (access != ACCESS_FETCH || !page.xd);
    }
    if (access == ACCESS_FETCH) {
        return !page.xd && !(page.user_page && smep);
    }
    if (page.user_page && smap && context != MMU_KERNEL_AC) {
        return false;
    }
    return access == ACCESS_READ || page.writable || !wp;
}

static int expected_error(Paging paging, bool present, bool reserved, MmuContext context,
                          Access access)
{
    bool smep = fx.cpu->cr4 & CR4_SMEP;
    bool nx = paging != PAGING_32 && (fx.cpu->efer & EFER_NXE);

    return (present ? 1 : 0) | (access == ACCESS_WRITE ? 2 : 0) | (context == MMU_USER ? 4 : 0) |
           (reserved ? 8 : 0) | (access == ACCESS_FETCH && (smep || nx) ? 16 : 0);
}

static void control_combination(unsigned bits)
{
    uint64_t set4 = (bits & 2 ? CR4_SMEP : 0) | (bits & 4 ? CR4_SMAP : 0);

    fx.cpu->cr0 = (fx.cpu->cr0 & ~(uint64_t)CR0_WP) | (bits & 1 ? CR0_WP : 0);
    fx.cpu->cr4 = (fx.cpu->cr4 & ~(uint64_t)(CR4_SMEP | CR4_SMAP)) | set4;
    fx.cpu->efer = (fx.cpu->efer & ~(uint64_t)EFER_NXE) | (bits & 8 ? EFER_NXE : 0);
    mmu_mode_changed(fx.cpu);
}

static uint64_t entry_rights(unsigned bits)
{
    return PTE_P | (bits & 1 ? PTE_RW : 0) | (bits & 2 ? PTE_US : 0) | (bits & 4 ? PTE_XD : 0);
}

/* All rights of directory and table, all control bits, all contexts, all accesses. */
START_TEST(rights_are_checked_in_every_combination)
{
    Paging paging = (Paging)_i;
    unsigned width = paging == PAGING_32 ? 4 : 8, xds = paging == PAGING_32 ? 4 : 8;
    uint64_t leaf_at, dir_at, dir;

    paging_start(paging);
    leaf_at = map_page(GVA, PAGE | PTE_ALL, 0);
    dir = leaf_at & ~0xfffull;
    dir_at = map_page(GVA, dir | PTE_ALL, 1);
    for (unsigned control = 0; control < 16; control++) {
        control_combination(control);
        for (unsigned i = 0; i < xds * xds; i++) {
            uint64_t up = entry_rights(i / xds), leaf = entry_rights(i % xds);
            Rights page = { up & leaf & PTE_US, up & leaf & PTE_RW, (up | leaf) & PTE_XD };
            bool reserved = page.xd && !(fx.cpu->efer & EFER_NXE);

            for (unsigned j = 0; j < MMU_CONTEXTS * ACCESSES; j++) {
                MmuContext context = j / ACCESSES;
                Access access = j % ACCESSES;
                bool fine = !reserved && access_allowed(page, context, access);
                int error = fine ? OK : expected_error(paging, true, reserved, context, access);

                ram_set(dir_at, width, dir | up);
                ram_set(leaf_at, width, PAGE | leaf);
                mmu_flush_all(fx.cpu);
                int found = touch(context, GVA, access);
                ck_assert_msg(found == error,
                              "control %#x dir %u leaf %u context %d access %d: %d, not %d",
                              control, i / xds, i % xds, context, access, found, error);
                /* A fault changes nothing; otherwise A everywhere and D for writes. */
                uint64_t ad = fine ? PTE_A : 0, d = fine && access == ACCESS_WRITE ? PTE_D : 0;
                ck_assert_uint_eq(ram_get(dir_at, width), dir | up | ad);
                ck_assert_uint_eq(ram_get(leaf_at, width), PAGE | leaf | ad | d);
            }
        }
    }
}
END_TEST

/* The TLB must not turn one right into another: every second access after every first. */
START_TEST(an_entry_made_by_one_access_gives_no_other_right)
{
    Paging paging = (Paging)(_i % PAGINGS);
    MmuContext context = (MmuContext)(_i / PAGINGS);
    unsigned width = paging == PAGING_32 ? 4 : 8, xds = paging == PAGING_32 ? 4 : 8;
    uint64_t leaf_at;

    paging_start(paging);
    leaf_at = map_page(GVA, PAGE | PTE_ALL, 0);
    for (unsigned control = 8; control < 16; control++) {
        control_combination(control);
        for (unsigned i = 0; i < xds * ACCESSES * ACCESSES; i++) {
            uint64_t leaf = entry_rights(i % xds);
            Access before = i / xds / ACCESSES, after = i / xds % ACCESSES;
            Rights page = { leaf & PTE_US, leaf & PTE_RW, leaf & PTE_XD };
            bool fine = access_allowed(page, context, after);

            ram_set(leaf_at, width, PAGE | leaf);
            mmu_flush_all(fx.cpu);
            touch(context, GVA, before);
            ck_assert_int_eq(touch(context, GVA, after),
                             fine ? OK : expected_error(paging, true, false, context, after));
            if (fine && after == ACCESS_WRITE) {
                ck_assert(ram_get(leaf_at, width) & PTE_D);
            }
        }
    }
}
END_TEST

typedef struct ReservedRow {
    const char *name;
    Paging paging;
    unsigned level;
    uint64_t entry;
    int error; /* of a supervisor read */
} ReservedRow;

static const ReservedRow reserved_rows[] = {
    { "32: 4 MiB page", PAGING_32, 1, 0x400000 | PTE_ALL | PTE_PS, OK },
    { "32: 4 MiB page with PAT", PAGING_32, 1, 0x401000 | PTE_ALL | PTE_PS, OK },
    { "32: bit 21 of a 4 MiB page", PAGING_32, 1, 0x600000 | PTE_ALL | PTE_PS, 9 },
    { "32: PAT of a 4 KiB page", PAGING_32, 0, PAGE | PTE_ALL | PTE_PS, OK },
    { "32: absent with anything", PAGING_32, 1, 0xfffffffe, 0 },
    { "PAE: bit 40 of a page", PAGING_PAE, 0, PAGE | PTE_ALL | 1ull << 40, 9 },
    { "PAE: bit 51 of a page", PAGING_PAE, 0, PAGE | PTE_ALL | 1ull << 51, 9 },
    { "PAE: bit 52 of a page", PAGING_PAE, 0, PAGE | PTE_ALL | 1ull << 52, 9 },
    { "PAE: bit 62 of a page", PAGING_PAE, 0, PAGE | PTE_ALL | 1ull << 62, 9 },
    { "PAE: bit 62 of a directory", PAGING_PAE, 1, 0x300000 | PTE_ALL | 1ull << 62, 9 },
    { "PAE: 2 MiB page", PAGING_PAE, 1, 0x200000 | PTE_ALL | PTE_PS, OK },
    { "PAE: 2 MiB page with PAT", PAGING_PAE, 1, 0x201000 | PTE_ALL | PTE_PS, OK },
    { "PAE: bit 13 of a 2 MiB page", PAGING_PAE, 1, 0x202000 | PTE_ALL | PTE_PS, 9 },
    { "PAE: bit 20 of a 2 MiB page", PAGING_PAE, 1, 0x300000 | PTE_ALL | PTE_PS, 9 },
    { "4: bit 40 of a page", PAGING_4LEVEL, 0, PAGE | PTE_ALL | 1ull << 40, 9 },
    { "4: bit 51 of a page", PAGING_4LEVEL, 0, PAGE | PTE_ALL | 1ull << 51, 9 },
    { "4: bits 52 to 62 are free", PAGING_4LEVEL, 0, PAGE | PTE_ALL | 0x7ffull << 52, OK },
    { "4: 2 MiB page", PAGING_4LEVEL, 1, 0x200000 | PTE_ALL | PTE_PS, OK },
    { "4: bit 13 of a 2 MiB page", PAGING_4LEVEL, 1, 0x202000 | PTE_ALL | PTE_PS, 9 },
    { "4: bit 20 of a 2 MiB page", PAGING_4LEVEL, 1, 0x300000 | PTE_ALL | PTE_PS, 9 },
    { "4: 1 GiB page", PAGING_4LEVEL, 2, PTE_ALL | PTE_PS, OK },
    { "4: 1 GiB page with PAT", PAGING_4LEVEL, 2, 0x1000 | PTE_ALL | PTE_PS, OK },
    { "4: bit 13 of a 1 GiB page", PAGING_4LEVEL, 2, 0x2000 | PTE_ALL | PTE_PS, 9 },
    { "4: bit 29 of a 1 GiB page", PAGING_4LEVEL, 2, 0x20000000 | PTE_ALL | PTE_PS, 9 },
    { "4: PS in the root", PAGING_4LEVEL, 3, PTE_ALL | PTE_PS, 9 },
    { "4: bit 45 in the root", PAGING_4LEVEL, 3, PTE_ALL | 1ull << 45, 9 },
    { "4: absent in the root", PAGING_4LEVEL, 3, 0, 0 },
    { "4: absent below", PAGING_4LEVEL, 2, ~1ull, 0 },
};

START_TEST(reserved_bits_fault)
{
    const ReservedRow *row = &reserved_rows[_i];

    paging_start(row->paging);
    map_page(GVA, PAGE | PTE_ALL, 0);
    map_page(GVA, row->entry, row->level);
    ck_assert_msg(touch(MMU_KERNEL, GVA, ACCESS_READ) == row->error, "%s: %u", row->name,
                  fx.cpu->fault.error);
    if (row->error != OK) {
        ck_assert_int_eq(touch(MMU_USER, GVA, ACCESS_WRITE), row->error | 6);
    }
}
END_TEST

START_TEST(the_first_physical_address_bit_that_is_not_there_is_settable)
{
    paging_4level();
    map_page(GVA, PAGE | PTE_ALL | 1ull << 40, 0);
    ck_assert_int_eq(touch(MMU_KERNEL, GVA, ACCESS_READ), 9);
    soft_mmu_set_phys_bits(fx.mmu, 46);
    ck_assert_int_eq(touch(MMU_KERNEL, GVA, ACCESS_READ), OK);
    map_page(GVA, PAGE | PTE_ALL | 1ull << 46, 0);
    mmu_flush_all(fx.cpu);
    ck_assert_int_eq(touch(MMU_KERNEL, GVA, ACCESS_READ), 9);
}
END_TEST

START_TEST(pse_is_only_looked_at_where_enabled)
{
    uint64_t table = 0x300000; /* with PS, PSE would make this a page and fault on bit 21 or so */

    paging_32(0);
    ram_set(ROOT + 4, 4, table | PTE_ALL | PTE_PS);
    ram_set(table + 3 * 4, 4, PAGE | PTE_ALL);
    ram_set(PAGE, 1, 0x42);
    uint64_t value;

    ck_assert(mmu_read(fx.cpu, GVA, 1, &value));
    ck_assert_uint_eq(value, 0x42);
}
END_TEST

START_TEST(pse36_reaches_beyond_4_gib)
{
    uint64_t gpa, value;

    phys_map_add_ram(fx.map, 0x1200000000ull, 0, 0x800000, 0);
    paging_32(CR4_PSE);
    map_page(GVA, 0x00400000 | 0x12u << 13 | PTE_ALL | PTE_PS, 1);
    ck_assert(mmu_translate_debug(fx.cpu, GVA + 5, &gpa));
    ck_assert_uint_eq(gpa, 0x1200403005ull);
    ram_set(0x403005, 1, 0x99);
    ck_assert(mmu_read(fx.cpu, GVA + 5, 1, &value));
    ck_assert_uint_eq(value, 0x99);
}
END_TEST

START_TEST(large_pages_map_all_their_addresses)
{
    uint64_t value;

    paging_4level();
    map_page(0x7f8000000000ull, PTE_ALL | PTE_PS, 2);
    map_page(0xffff800000200000ull, 0x400000 | PTE_ALL | PTE_PS, 1);
    ram_set(0x123456, 1, 0x31);
    ram_set(0x400000 + 0x1fffff, 1, 0x32);
    ck_assert(mmu_read(fx.cpu, 0x7f8000123456ull, 1, &value));
    ck_assert_uint_eq(value, 0x31);
    ck_assert(mmu_read(fx.cpu, 0xffff8000003fffffull, 1, &value));
    ck_assert_uint_eq(value, 0x32);
}
END_TEST

START_TEST(dirty_is_set_in_the_entry_of_a_large_page)
{
    uint64_t at, root_at = ROOT;

    paging_4level();
    at = map_page(0, PTE_ALL | PTE_PS, 2);
    touch(MMU_KERNEL, 0x5000, ACCESS_READ);
    ck_assert_uint_eq(ram_get(at, 8), PTE_ALL | PTE_PS | PTE_A);
    touch(MMU_KERNEL, 0x5000, ACCESS_WRITE);
    ck_assert_uint_eq(ram_get(at, 8), PTE_ALL | PTE_PS | PTE_A | PTE_D);
    ck_assert_uint_eq(ram_get(root_at, 8) & (PTE_A | PTE_D), PTE_A);
}
END_TEST

START_TEST(clean_pages_are_not_entered_for_writing)
{
    uint64_t at;

    paging_4level();
    at = map_page(GVA, PAGE | PTE_ALL, 0);
    touch(MMU_KERNEL, GVA, ACCESS_READ);
    ck_assert_ptr_null(mmu_hit(fx.cpu, GVA, 1, ACCESS_WRITE));
    touch(MMU_KERNEL, GVA, ACCESS_WRITE);
    ck_assert_ptr_nonnull(mmu_hit(fx.cpu, GVA, 1, ACCESS_WRITE));
    ck_assert_uint_eq(ram_get(at, 8), PAGE | PTE_ALL | PTE_A | PTE_D);
    mmu_flush_all(fx.cpu); /* now it is dirty: one walk does for both */
    touch(MMU_KERNEL, GVA, ACCESS_READ);
    ck_assert_ptr_nonnull(mmu_hit(fx.cpu, GVA, 1, ACCESS_WRITE));
}
END_TEST

START_TEST(pdptes_are_loaded_and_not_read_again)
{
    paging_pae();
    map_page(GVA, PAGE | PTE_ALL, 0);
    map_page(0xc0000000, PAGE | PTE_ALL, 0);
    ram_set(ROOT + 0x20, 8, 0);
    ck_assert_int_eq(touch(MMU_KERNEL, GVA, ACCESS_READ), OK);
    ck_assert_int_eq(touch(MMU_KERNEL, 0xc0000000, ACCESS_WRITE), OK);
    ck_assert(mmu_load_pdptes(fx.cpu));
    mmu_cr3_write(fx.cpu, false);
    ck_assert_int_eq(touch(MMU_USER, GVA, ACCESS_FETCH), 0x14);
    ck_assert_uint_eq(mmu_pdptes(fx.cpu)[0], 0);
}
END_TEST

static const uint64_t bad_pdptes[] = { 1ull << 1,  1ull << 2,  1ull << 5, 1ull << 8,
                                       1ull << 40, 1ull << 52, 1ull << 63 };

START_TEST(bad_pdptes_are_refused_whole)
{
    uint64_t good;

    paging_pae();
    good = mmu_pdptes(fx.cpu)[3];
    ram_set(ROOT + 0x20, 8, 0);
    ram_set(ROOT + 0x38, 8, good | bad_pdptes[_i]);
    ck_assert(!mmu_load_pdptes(fx.cpu));
    ck_assert_uint_eq(mmu_pdptes(fx.cpu)[0] & PTE_P, PTE_P);
    ram_set(ROOT + 0x38, 8, bad_pdptes[_i]); /* not present: anything goes */
    ck_assert(mmu_load_pdptes(fx.cpu));
}
END_TEST

START_TEST(tables_may_lie_in_rom_and_in_devices)
{
    uint64_t table = MMIO_GPA + 0x1000, entry = PAGE | PTE_ALL;
    uint8_t image[0x1000] = { 0 };

    paging_4level();
    map_page(GVA, PAGE | PTE_ALL, 0);
    map_page(GVA, table | PTE_ALL, 1);
    memcpy(fx.device.memory + 0x1000 + 3 * 8, &entry, 8);
    ck_assert_int_eq(touch(MMU_KERNEL, GVA, ACCESS_WRITE), OK);
    memcpy(&entry, fx.device.memory + 0x1000 + 3 * 8, 8);
    ck_assert_uint_eq(entry, PAGE | PTE_ALL | PTE_A | PTE_D);

    entry = PAGE | PTE_ALL;
    memcpy(image + 3 * 8, &entry, 8);
    phys_map_add_rom(fx.map, 0x19000000, image, sizeof(image), 0);
    map_page(GVA, 0x19000000 | PTE_ALL, 1);
    mmu_flush_all(fx.cpu);
    ck_assert_int_eq(touch(MMU_KERNEL, GVA, ACCESS_WRITE), OK);
}
END_TEST

START_TEST(tables_at_nowhere_read_as_ones)
{
    paging_4level();
    map_page(GVA, PAGE | PTE_ALL, 0);
    map_page(GVA, 0x5000000000ull | PTE_ALL, 1);
    ck_assert_int_eq(touch(MMU_KERNEL, GVA, ACCESS_READ), 9); /* all ones: reserved bits */
}
END_TEST

START_TEST(accessed_bits_count_as_writes_to_the_table)
{
    uint64_t at;

    paging_4level();
    at = map_page(GVA, PAGE | PTE_ALL, 0);
    code_pages_add(phys_map_code_pages(fx.map), at, 8);
    dirty_log_set_range(fx.map, at & ~0xfffull, 0x1000, true);
    touch(MMU_KERNEL, GVA, ACCESS_READ);
    ck_assert_uint_eq(fx.code_writes, 1);
    ck_assert(dirty_log_test_and_clear(fx.map, at));
    mmu_flush_all(fx.cpu);
    touch(MMU_KERNEL, GVA, ACCESS_READ); /* nothing to set */
    ck_assert_uint_eq(fx.code_writes, 1);
}
END_TEST

START_TEST(debug_translation_changes_nothing)
{
    uint64_t at, gpa, walks;

    paging_4level();
    at = map_page(GVA, PAGE | PTE_P, 0);
    walks = mmu_stats(fx.mmu)->walks;
    ck_assert(mmu_translate_debug(fx.cpu, GVA + 0x123, &gpa));
    ck_assert_uint_eq(gpa, PAGE + 0x123);
    ck_assert(!mmu_translate_debug(fx.cpu, GVA + 0x1000, &gpa));
    ck_assert_uint_eq(ram_get(at, 8), PAGE | PTE_P);
    ck_assert_uint_eq(ram_get(ROOT, 8) & PTE_A, 0);
    ck_assert_uint_eq(fx.cpu->fault.vector, 0);
    ck_assert_uint_eq(mmu_stats(fx.mmu)->walks, walks);
}
END_TEST

START_SUITE("walk")
tcase_add_test(tc, without_paging_addresses_are_physical_and_32_bits_wide);
tcase_add_test(tc, a20_masks_physical_addresses_of_data_and_of_tables);
tcase_add_loop_test(tc, rights_are_checked_in_every_combination, 0, PAGINGS);
tcase_add_loop_test(tc, an_entry_made_by_one_access_gives_no_other_right, 0, PAGINGS *MMU_CONTEXTS);
tcase_add_loop_test(tc, reserved_bits_fault, 0, G_N_ELEMENTS(reserved_rows));
tcase_add_test(tc, the_first_physical_address_bit_that_is_not_there_is_settable);
tcase_add_test(tc, pse_is_only_looked_at_where_enabled);
tcase_add_test(tc, pse36_reaches_beyond_4_gib);
tcase_add_test(tc, large_pages_map_all_their_addresses);
tcase_add_test(tc, dirty_is_set_in_the_entry_of_a_large_page);
tcase_add_test(tc, clean_pages_are_not_entered_for_writing);
tcase_add_test(tc, pdptes_are_loaded_and_not_read_again);
tcase_add_loop_test(tc, bad_pdptes_are_refused_whole, 0, G_N_ELEMENTS(bad_pdptes));
tcase_add_test(tc, tables_may_lie_in_rom_and_in_devices);
tcase_add_test(tc, tables_at_nowhere_read_as_ones);
tcase_add_test(tc, accessed_bits_count_as_writes_to_the_table);
tcase_add_test(tc, debug_translation_changes_nothing);
END_SUITE
