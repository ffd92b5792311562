/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_tlb.c - what flushes drop and what they must keep. A mapping is changed in memory behind the
 * TLB's back; an access then tells from the page it reaches whether the entry was still there. */
#include <string.h>

#include "tests/softmmu/mmu_fixture.h"

static const uint64_t USER = 0x00403000, KERNEL = 0xffff800000003000ull;

enum { OLD = 0x200000, NEW = 0x300000, STALE = 1, FRESH = 2 };

/* Which of the two pages a read reaches. */
static uint64_t seen(uint64_t gva)
{
    uint64_t value;

    ck_assert(mmu_read(fx.cpu, gva, 1, &value));
    return value;
}

static void start(void)
{
    memset(phys_map_ram(fx.map) + OLD, STALE, 0x100000);
    memset(phys_map_ram(fx.map) + NEW, FRESH, 0x100000);
    paging_4level();
    mmu_flush_all(fx.cpu);
}

/* Maps to the old page, enters that, and maps to the new. */
static void make_stale(uint64_t gva, uint64_t flags)
{
    map_page(gva, OLD | PTE_ALL | flags, 0);
    ck_assert_uint_eq(seen(gva), STALE);
    map_page(gva, NEW | PTE_ALL | flags, 0);
    ck_assert_uint_eq(seen(gva), STALE);
}

static void cr3_write(uint64_t cr3, bool keep)
{
    fx.cpu->cr3 = cr3;
    mmu_cr3_write(fx.cpu, keep);
}

/* Another address space with the same tables: stale entries show which bank is looked at. */
static uint64_t space(unsigned pcid)
{
    return ROOT | pcid;
}

START_TEST(cr3_loads_keep_global_pages_only)
{
    start();
    control_set(&fx.cpu->cr4, CR4_PGE, true);
    make_stale(USER, 0);
    make_stale(KERNEL, PTE_G);
    cr3_write(ROOT, false);
    ck_assert_uint_eq(seen(USER), FRESH);
    ck_assert_uint_eq(seen(KERNEL), STALE);
    mmu_flush_nonglobal(fx.cpu);
    ck_assert_uint_eq(seen(KERNEL), STALE);
    mmu_flush_all(fx.cpu);
    ck_assert_uint_eq(seen(KERNEL), FRESH);
}
END_TEST

START_TEST(without_pge_no_page_is_global)
{
    start();
    make_stale(KERNEL, PTE_G);
    cr3_write(ROOT, false);
    ck_assert_uint_eq(seen(KERNEL), FRESH);
}
END_TEST

START_TEST(pge_changes_flush_global_pages)
{
    start();
    control_set(&fx.cpu->cr4, CR4_PGE, true);
    make_stale(KERNEL, PTE_G);
    control_set(&fx.cpu->cr4, CR4_PGE, false);
    control_set(&fx.cpu->cr4, CR4_PGE, true);
    ck_assert_uint_eq(seen(KERNEL), FRESH);
}
END_TEST

START_TEST(invlpg_drops_one_page_in_all_contexts)
{
    start();
    make_stale(USER, 0);
    make_stale(USER + 0x1000, 0);
    fx.cpu->context = MMU_USER;
    map_page(USER, OLD | PTE_ALL, 0);
    ck_assert_uint_eq(seen(USER), STALE);
    map_page(USER, NEW | PTE_ALL, 0);
    mmu_flush_page(fx.cpu, USER + 0x123);
    ck_assert_uint_eq(seen(USER), FRESH);
    fx.cpu->context = MMU_KERNEL;
    ck_assert_uint_eq(seen(USER), FRESH);
    ck_assert_uint_eq(seen(USER + 0x1000), STALE);
}
END_TEST

START_TEST(pcids_keep_their_entries)
{
    start();
    control_set(&fx.cpu->cr4, CR4_PCIDE, true);
    cr3_write(space(1), false);
    make_stale(USER, 0);
    cr3_write(space(2), true);
    ck_assert_uint_eq(seen(USER), FRESH);
    cr3_write(space(1), true);
    ck_assert_uint_eq(seen(USER), STALE);
    cr3_write(space(2), false);
    cr3_write(space(1), true);
    ck_assert_uint_eq(seen(USER), STALE);
    cr3_write(space(1), false);
    ck_assert_uint_eq(seen(USER), FRESH);
}
END_TEST

START_TEST(invlpg_is_of_the_current_pcid_and_of_global_pages)
{
    start();
    control_set(&fx.cpu->cr4, CR4_PCIDE | CR4_PGE, true);
    map_page(KERNEL, OLD | PTE_ALL | PTE_G, 0);
    for (unsigned pcid = 1; pcid <= 3; pcid++) {
        cr3_write(space(pcid), false);
        ck_assert_uint_eq(seen(KERNEL), STALE);
        make_stale(USER, 0);
    }
    map_page(KERNEL, NEW | PTE_ALL | PTE_G, 0);
    mmu_flush_page(fx.cpu, KERNEL);
    mmu_flush_page(fx.cpu, USER);
    for (unsigned pcid = 3; pcid >= 1; pcid--) {
        cr3_write(space(pcid), true);
        ck_assert_uint_eq(seen(KERNEL), FRESH);
        ck_assert_uint_eq(seen(USER), pcid == 3 ? FRESH : STALE);
    }
}
END_TEST

START_TEST(more_pcids_than_banks_are_correct)
{
    start();
    control_set(&fx.cpu->cr4, CR4_PCIDE | CR4_PGE, true);
    for (unsigned pcid = 1; pcid <= 20; pcid++) {
        cr3_write(space(pcid), false);
        make_stale(USER, 0);
    }
    for (unsigned pcid = 1; pcid <= 12; pcid++) {
        cr3_write(space(pcid), true); /* pushed out long ago */
        ck_assert_uint_eq(seen(USER), FRESH);
    }
}
END_TEST

START_TEST(the_least_recently_used_bank_gives_way)
{
    start();
    control_set(&fx.cpu->cr4, CR4_PCIDE, true);
    cr3_write(space(1), false);
    make_stale(USER, 0);
    for (unsigned pcid = 2; pcid <= 30; pcid++) {
        cr3_write(space(pcid), false);
        cr3_write(space(1), true);
        ck_assert_uint_eq(seen(USER), STALE);
    }
}
END_TEST

typedef struct InvpcidRow {
    const char *name;
    unsigned type, pcid;
    uint64_t first, second, global; /* what is seen of PCID 1, PCID 2 and global pages after it */
} InvpcidRow;

static const InvpcidRow invpcid_rows[] = {
    { "address", 0, 2, STALE, FRESH, STALE },
    { "address of a PCID never used", 0, 77, STALE, STALE, STALE },
    { "single context", 1, 1, FRESH, STALE, STALE },
    { "single context of another", 1, 2, STALE, FRESH, STALE },
    { "all contexts", 2, 0, FRESH, FRESH, FRESH },
    { "all but global", 3, 0, FRESH, FRESH, STALE },
};

START_TEST(invpcid_drops_what_its_type_says)
{
    const InvpcidRow *row = &invpcid_rows[_i];

    start();
    control_set(&fx.cpu->cr4, CR4_PCIDE | CR4_PGE, true);
    cr3_write(space(2), false);
    make_stale(USER, 0);
    cr3_write(space(1), false);
    make_stale(USER, 0);
    make_stale(KERNEL, PTE_G);
    mmu_invpcid(fx.cpu, row->type, (uint16_t)row->pcid, USER);
    ck_assert_msg(seen(USER) == row->first, "%s", row->name);
    ck_assert_msg(seen(KERNEL) == row->global, "%s", row->name);
    cr3_write(space(2), true);
    ck_assert_msg(seen(USER) == row->second, "%s", row->name);
}
END_TEST

/* ---- Large pages ---- */

typedef struct LargeRow {
    const char *name;
    unsigned level;
    uint64_t at[3]; /* addresses entered */
    uint64_t invlpg;
} LargeRow;

static const LargeRow large_rows[] = {
    { "2 MiB, first by last", 1, { 0x400000, 0x455000, 0x5ff000 }, 0x5ff000 },
    { "2 MiB, by one never entered", 1, { 0x400000, 0x455000, 0x5ff000 }, 0x477000 },
    { "2 MiB, beside the only one entered", 1, { 0x455000, 0x455000, 0x455000 }, 0x401000 },
    { "1 GiB", 2, { 0x40000000, 0x60000000, 0x7ffff000 }, 0x45678000 },
};

static void large_map(const LargeRow *row, uint64_t offset, uint64_t gpa)
{
    map_page(row->at[0] + offset, gpa | PTE_ALL | PTE_PS | PTE_G, row->level);
}

/* Global or not, and seen from another bank. */
START_TEST(invlpg_in_a_large_page_drops_all_of_it)
{
    const LargeRow *row = &large_rows[_i / 4];
    uint64_t control = _i & 1 ? CR4_PGE : 0, offset = _i & 2 ? KERNEL & ~0x3fffull : 0;
    uint64_t other = 0x40000000;

    phys_map_add_ram(fx.map, other, 0, RAM_SIZE, 0);
    mmu_flush_all(fx.cpu);
    start();
    control_set(&fx.cpu->cr4, CR4_PCIDE | control, true);
    large_map(row, offset, 0);
    for (unsigned pcid = 1; pcid <= 2; pcid++) {
        cr3_write(space(pcid), false);
        for (unsigned i = 0; i < 3; i++) {
            ck_assert(mmu_probe(fx.cpu, row->at[i] + offset, 1, ACCESS_READ) || row->level == 2);
        }
    }
    large_map(row, offset, other);
    mmu_flush_page(fx.cpu, row->invlpg + offset);
    for (unsigned pcid = 2; pcid >= (control ? 1 : 2); pcid--) {
        cr3_write(space(pcid), true);
        for (unsigned i = 0; i < 3; i++) {
            uint64_t gpa;
            unsigned left;

            mmu_fetch(fx.cpu, row->at[i] + offset, &gpa, &left);
            ck_assert_msg(gpa >= other, "%s: %u", row->name, i);
        }
    }
}
END_TEST

START_TEST(invlpg_beside_a_large_page_leaves_it)
{
    uint64_t gpa, walks;
    unsigned left;

    start();
    map_page(0x400000, 0x400000 | PTE_ALL | PTE_PS, 1);
    map_page(0x800000, OLD | PTE_ALL, 0);
    mmu_fetch(fx.cpu, 0x455000, &gpa, &left);
    mmu_fetch(fx.cpu, 0x800000, &gpa, &left);
    walks = mmu_stats(fx.mmu)->walks;
    mmu_flush_page(fx.cpu, 0x800000);
    mmu_fetch(fx.cpu, 0x455000, &gpa, &left);
    ck_assert_uint_eq(mmu_stats(fx.mmu)->walks, walks);
}
END_TEST

/* ---- Conflicts ---- */

static const uint64_t ALIAS = (uint64_t)TLB_ENTRIES * PAGE_SIZE;

START_TEST(pages_that_share_an_index_are_kept_as_victims)
{
    uint64_t walks;

    start();
    for (unsigned i = 0; i < 4; i++) {
        map_page(USER + i * ALIAS, OLD | PTE_ALL | PTE_D, 0);
        seen(USER + i * ALIAS);
    }
    walks = mmu_stats(fx.mmu)->walks;
    for (unsigned i = 0; i < 40; i++) {
        ck_assert_uint_eq(seen(USER + (i % 4) * ALIAS), STALE);
    }
    ck_assert_uint_eq(mmu_stats(fx.mmu)->walks, walks);
    ck_assert_uint_eq(mmu_stats(fx.mmu)->victim_hits, 40);
}
END_TEST

START_TEST(victims_are_flushed_too)
{
    for (unsigned how = 0; how < 4; how++) {
        start();
        make_stale(USER, 0);
        map_page(USER + 0x800000, OLD | PTE_ALL, 0);
        seen(USER + 0x800000);
        switch (how) {
        case 0:
            mmu_flush_page(fx.cpu, USER);
            break;
        case 1:
            mmu_flush_all(fx.cpu);
            break;
        case 2:
            cr3_write(ROOT, false);
            break;
        default:
            mmu_flush_nonglobal(fx.cpu);
            break;
        }
        ck_assert_uint_eq(seen(USER), FRESH);
    }
}
END_TEST

/* ---- Write entries ---- */

/* Reads bring entries back from the victims. */
static bool some_write_entry(unsigned pcids, unsigned aliases)
{
    for (unsigned pcid = 1; pcid <= pcids; pcid++) {
        cr3_write(space(pcid), true);
        for (unsigned i = 0; i < aliases; i++) {
            seen(USER + i * ALIAS);
            if (mmu_hit(fx.cpu, USER + i * ALIAS, 8, ACCESS_WRITE) != NULL) {
                return true;
            }
        }
    }
    return false;
}

START_TEST(write_entries_of_a_page_all_go)
{
    enum { PCIDS = 4, ALIASES = 3 };
    unsigned random = (unsigned)_i;

    start();
    control_set(&fx.cpu->cr4, CR4_PCIDE, true);
    for (unsigned i = 0; i < ALIASES; i++) {
        map_page(USER + i * ALIAS, OLD | PTE_ALL | PTE_D, 0);
    }
    map_page(USER + ALIASES * ALIAS, NEW | PTE_ALL | PTE_D, 0); /* pushes the others out */
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned n = 0; n < 1 + round % 7; n++) {
            random = random * 1103515245 + 12345;
            cr3_write(space(1 + (random >> 16) % PCIDS), (random >> 20) % 4 != 0);
            ck_assert(mmu_write(fx.cpu, USER + (random >> 24) % (ALIASES + 1) * ALIAS, 8, STALE));
        }
        code_pages_add(phys_map_code_pages(fx.map), OLD, 8);
        mmu_drop_write_entries(fx.cpu, OLD);
        ck_assert(!some_write_entry(PCIDS, ALIASES));
        code_pages_clear(phys_map_code_pages(fx.map), OLD);
    }
}
END_TEST

/* ---- Modes ---- */

typedef struct ModeRow {
    const char *name;
    unsigned reg; /* 0, 4 or 1 for EFER */
    uint64_t bits;
} ModeRow;

static const ModeRow mode_rows[] = {
    { "PG", 0, CR0_PG },       { "PSE", 4, CR4_PSE },  { "PAE", 4, CR4_PAE },
    { "PCIDE", 4, CR4_PCIDE }, { "NXE", 1, EFER_NXE }, { "LMA", 1, EFER_LMA },
};

START_TEST(changes_of_paging_mode_flush)
{
    const ModeRow *row = &mode_rows[_i];
    uint64_t *reg = row->reg == 0 ? &fx.cpu->cr0 : row->reg == 4 ? &fx.cpu->cr4 : &fx.cpu->efer;

    start();
    make_stale(USER, 0);
    control_set(reg, row->bits, !(*reg & row->bits));
    control_set(reg, row->bits, !(*reg & row->bits));
    ck_assert_uint_eq(seen(USER), FRESH);
}
END_TEST

START_TEST(stricter_rights_hold_at_once)
{
    start();
    map_page(USER, OLD | PTE_P | PTE_US, 0);
    control_set(&fx.cpu->cr0, CR0_WP, false);
    ck_assert_int_eq(touch(MMU_KERNEL, USER, ACCESS_WRITE), -1);
    ck_assert_int_eq(touch(MMU_KERNEL, USER, ACCESS_FETCH), -1);
    control_set(&fx.cpu->cr0, CR0_WP, true);
    ck_assert_int_eq(touch(MMU_KERNEL, USER, ACCESS_WRITE), 3);
    control_set(&fx.cpu->cr4, CR4_SMEP, true);
    ck_assert_int_eq(touch(MMU_KERNEL, USER, ACCESS_FETCH), 0x11);
    ck_assert_int_eq(touch(MMU_KERNEL, USER, ACCESS_READ), -1);
    control_set(&fx.cpu->cr4, CR4_SMAP, true);
    ck_assert_int_eq(touch(MMU_KERNEL, USER, ACCESS_READ), 1);
    ck_assert_int_eq(touch(MMU_KERNEL_AC, USER, ACCESS_READ), -1);
    control_set(&fx.cpu->cr4, CR4_SMAP | CR4_SMEP, false);
    ck_assert_int_eq(touch(MMU_KERNEL, USER, ACCESS_READ), -1);
    ck_assert_int_eq(touch(MMU_KERNEL, USER, ACCESS_FETCH), -1);
}
END_TEST

START_TEST(smm_and_a_changed_map_flush)
{
    uint64_t value;

    start();
    make_stale(USER, 0);
    fx.cpu->smm = true;
    mmu_mode_changed(fx.cpu);
    ck_assert_uint_eq(seen(USER), FRESH);

    fx.cpu->request = 0;
    phys_map_add_ram(fx.map, NEW, OLD, 0x1000, 1);
    ck_assert(fx.cpu->request & CPU_REQUEST_FLUSH);
    mmu_flush_all(fx.cpu);
    ck_assert(mmu_read(fx.cpu, USER, 1, &value));
    ck_assert_uint_eq(value, STALE);
}
END_TEST

/* ---- Everything at random: with the flushes that the manual asks for, no entry is ever stale ----
 */

enum { SPACES = 12, SLOTS = 6, STEPS = 40000 };

typedef struct Random {
    uint64_t state;
} Random;

static unsigned random_below(Random *random, unsigned n)
{
    random->state = random->state * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)(random->state >> 33) % n;
}

static uint64_t random_page(Random *random)
{
    return 0x800000 + random_below(random, 1024) * 0x1000ull;
}

/* Slots conflict with one another by pairs; every third is of 2 MiB. */
static uint64_t slot_gva(bool kernel, unsigned slot)
{
    return (kernel ? 0xffff800000000000ull : 0) + 0x10000000 + slot * 0x800000ull;
}

static void slot_map(Random *random, unsigned in, bool kernel, unsigned slot)
{
    uint64_t rights = PTE_P | PTE_RW | (kernel ? PTE_G : PTE_US);
    uint64_t cr3 = fx.cpu->cr3;

    fx.cpu->cr3 = ROOT + 0x100000ull * 32 + in * 0x1000;
    if (slot % 3 == 2) {
        uint64_t large = 0x800000 + random_below(random, 2) * 0x200000ull;

        map_page(slot_gva(kernel, slot), large | rights | PTE_PS, 1);
    } else {
        map_page(slot_gva(kernel, slot), random_page(random) | rights, 0);
    }
    fx.cpu->cr3 = cr3;
}

static void random_check(Random *random)
{
    bool kernel = random_below(random, 2);
    unsigned slot = random_below(random, SLOTS);
    uint64_t gva = slot_gva(kernel, slot), gpa, value;

    gva += slot % 3 == 2 ? random_below(random, 512) * 0x1000ull : 0;
    ck_assert(mmu_translate_debug(fx.cpu, gva, &gpa));
    fx.cpu->context = kernel ? MMU_KERNEL : random_below(random, MMU_CONTEXTS);
    if (random_below(random, 4) == 0) {
        ck_assert(mmu_write(fx.cpu, gva + 8, 8, random->state));
        ck_assert_uint_eq(ram_get(gpa + 8, 8), random->state);
    }
    ck_assert(mmu_read(fx.cpu, gva, 8, &value));
    ck_assert_uint_eq(value, gpa);
}

static void random_change(Random *random, unsigned *now, bool dirty[SPACES])
{
    unsigned slot = random_below(random, SLOTS), in = random_below(random, SPACES);
    uint64_t gva = slot_gva(false, slot);

    gva += slot % 3 == 2 ? random_below(random, 512) * 0x1000ull : 0;
    slot_map(random, in, false, slot);
    if (in != *now && random_below(random, 2)) {
        dirty[in] = true; /* flushed when switched to */
    } else if (in == *now && random_below(random, 2)) {
        mmu_flush_page(fx.cpu, gva);
    } else {
        mmu_invpcid(fx.cpu, random_below(random, 4), (uint16_t)(in + 1), gva);
    }
}

static void random_switch(Random *random, unsigned *now, bool dirty[SPACES])
{
    *now = random_below(random, SPACES);
    fx.cpu->cr3 = (ROOT + 0x100000ull * 32 + *now * 0x1000) | (*now + 1);
    mmu_cr3_write(fx.cpu, !dirty[*now] && random_below(random, 8) != 0);
    dirty[*now] = false;
}

START_TEST(no_entry_is_ever_stale)
{
    Random random = { (uint64_t)_i };
    bool dirty[SPACES] = { false };
    unsigned now = 0;
    uint64_t root = ROOT + 0x100000ull * 32;

    for (uint64_t gpa = 0x800000; gpa < 0xc00000; gpa += 0x1000) {
        ram_set(gpa, 8, gpa);
    }
    paging_4level();
    fx.next_table = root + SPACES * 0x1000;
    for (unsigned in = 0; in < SPACES; in++) {
        for (unsigned slot = 0; slot < SLOTS; slot++) {
            slot_map(&random, in, false, slot);
        }
        if (in > 0) { /* the kernel's half is shared */
            ram_set(root + in * 0x1000 + 256 * 8, 8, ram_get(root + 256 * 8, 8));
        } else {
            for (unsigned slot = 0; slot < SLOTS; slot++) {
                slot_map(&random, 0, true, slot);
            }
        }
    }
    fx.cpu->cr3 = root;
    control_set(&fx.cpu->cr4, CR4_PCIDE | CR4_PGE, true);
    random_switch(&random, &now, dirty);
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned what = random_below(&random, 100);

        if (what < 4) {
            random_change(&random, &now, dirty);
        } else if (what < 6) {
            unsigned slot = random_below(&random, SLOTS);

            slot_map(&random, 0, true, slot);
            mmu_flush_page(fx.cpu, slot_gva(true, slot) +
                                       (slot % 3 == 2 ? random_below(&random, 512) * 0x1000 : 0));
        } else if (what < 12) {
            random_switch(&random, &now, dirty);
        } else {
            random_check(&random);
        }
    }
}
END_TEST

START_SUITE("tlb")
tcase_add_test(tc, cr3_loads_keep_global_pages_only);
tcase_add_test(tc, without_pge_no_page_is_global);
tcase_add_test(tc, pge_changes_flush_global_pages);
tcase_add_test(tc, invlpg_drops_one_page_in_all_contexts);
tcase_add_test(tc, pcids_keep_their_entries);
tcase_add_test(tc, invlpg_is_of_the_current_pcid_and_of_global_pages);
tcase_add_test(tc, more_pcids_than_banks_are_correct);
tcase_add_test(tc, the_least_recently_used_bank_gives_way);
tcase_add_loop_test(tc, invpcid_drops_what_its_type_says, 0, G_N_ELEMENTS(invpcid_rows));
tcase_add_loop_test(tc, invlpg_in_a_large_page_drops_all_of_it, 0, 4 * G_N_ELEMENTS(large_rows));
tcase_add_test(tc, invlpg_beside_a_large_page_leaves_it);
tcase_add_test(tc, pages_that_share_an_index_are_kept_as_victims);
tcase_add_test(tc, victims_are_flushed_too);
tcase_add_loop_test(tc, write_entries_of_a_page_all_go, 1, 9);
tcase_add_loop_test(tc, changes_of_paging_mode_flush, 0, G_N_ELEMENTS(mode_rows));
tcase_add_test(tc, stricter_rights_hold_at_once);
tcase_add_test(tc, smm_and_a_changed_map_flush);
tcase_add_loop_test(tc, no_entry_is_ever_stale, 1, 7);
END_SUITE
