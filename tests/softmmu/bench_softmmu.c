/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench_softmmu.c - nanoseconds of fills, slow accesses and flushes. */
#include <stdio.h>
#include <time.h>

#include "tests/softmmu/mmu_fixture.h"

enum { GVA = 0x10000000, PAGES = 1024, ROUNDS = 200 };

static double now_ns(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

static void touch_pages(unsigned n, Access access)
{
    for (unsigned i = 0; i < n; i++) {
        mmu_probe(fx.cpu, GVA + i * 0x1000ull, 1, access);
    }
}

/* The best time of `work`; `prepare` is done before each round, outside the measure. */
static double measure(void (*prepare)(void), void (*work)(void), unsigned per_round)
{
    double best = 1e18;

    for (unsigned i = 0; i < ROUNDS; i++) {
        double start, took;

        if (prepare != NULL) {
            prepare();
        }
        start = now_ns();
        work();
        took = now_ns() - start;
        best = took < best ? took : best;
    }
    return best / per_round;
}

static void flush_all(void)
{
    mmu_flush_all(fx.cpu);
}

static void fill_reads(void)
{
    touch_pages(PAGES, ACCESS_READ);
}

static void fill_writes(void)
{
    touch_pages(PAGES, ACCESS_WRITE);
}

static void prepare_full(void)
{
    flush_all();
    fill_reads();
}

static void cr3_flush(void)
{
    mmu_cr3_write(fx.cpu, false);
}

static void prepare_few(void)
{
    flush_all();
    touch_pages(32, ACCESS_READ);
}

static void invlpg_pages(void)
{
    for (unsigned i = 0; i < PAGES; i++) {
        mmu_flush_page(fx.cpu, GVA + i * 0x1000ull);
    }
}

static void pcid_switches(void)
{
    for (unsigned i = 0; i < PAGES; i++) {
        fx.cpu->cr3 = ROOT | (i % 6);
        mmu_cr3_write(fx.cpu, true);
    }
}

static void victim_swaps(void)
{
    for (unsigned i = 0; i < PAGES; i++) {
        mmu_probe(fx.cpu, GVA + (i & 1) * ((uint64_t)TLB_ENTRIES * PAGE_SIZE), 1, ACCESS_READ);
    }
}

static void slow_writes(void)
{
    for (unsigned i = 0; i < PAGES; i++) {
        mmu_write_slow(fx.cpu, GVA + 8 * (i % 8), &(uint64_t){ i }, 8);
    }
}

static void crossing_reads(void)
{
    uint64_t value;

    for (unsigned i = 0; i < PAGES; i++) {
        mmu_read_slow(fx.cpu, GVA + 0xffc, &value, 8);
    }
}

static void mmio_reads(void)
{
    uint64_t value;

    for (unsigned i = 0; i < PAGES; i++) {
        mmu_read_slow(fx.cpu, GVA - 0x1000, &value, 4);
    }
}

static void drop_writes(void)
{
    for (unsigned i = 0; i < 8; i++) {
        mmu_drop_write_entries(fx.cpu, 0x800000 + i * 0x1000);
    }
}

static void drop_writes_unwritten(void)
{
    for (unsigned i = 0; i < PAGES; i++) {
        mmu_drop_write_entries(fx.cpu, 0x2000000 + i * 0x1000);
    }
}

static void prepare_written(void)
{
    flush_all();
    fill_writes();
}

static void map_moves(void)
{
    phys_map_begin(fx.map);
    phys_map_add_ram(fx.map, 0x100000000ull, 0, 0x1000, 0);
    phys_map_commit(fx.map);
}

static void large_fills(void)
{
    for (unsigned i = 0; i < PAGES; i++) {
        mmu_probe(fx.cpu, 0x40000000 + i * 0x1000ull, 1, ACCESS_READ);
    }
}

/* Two pages in each of 512 page tables, in an order that no prefetcher knows. */
static void fill_scattered(void)
{
    for (unsigned i = 0; i < PAGES; i++) {
        unsigned at = (i * 397) % PAGES;

        mmu_probe(fx.cpu, 0x80000000 + (at / 2) * 0x200000ull + (at % 512) * 0x1000ull, 1,
                  ACCESS_READ);
    }
}

/* Half of the live entries come from large pages, of which each is invalidated once. */
static void prepare_large(void)
{
    flush_all();
    large_fills();
    fill_reads();
}

static void invlpg_large(void)
{
    mmu_flush_page(fx.cpu, 0x40003000);
}

START_TEST(figures)
{
    paging_4level();
    for (unsigned i = 0; i < PAGES; i++) {
        map_page(0x80000000 + (i / 2) * 0x200000ull + (i % 512) * 0x1000ull, 0x800000 | PTE_ALL, 0);
    }
    fx.cpu->cr4 |= CR4_PCIDE | CR4_PGE;
    mmu_mode_changed(fx.cpu);
    map_page(GVA - 0x1000, MMIO_GPA | PTE_ALL, 0);
    for (unsigned i = 0; i < PAGES; i++) {
        map_page(GVA + i * 0x1000ull, (0x800000 + i * 0x1000) | PTE_ALL, 0);
    }
    for (unsigned i = 0; i < PAGES; i += 512) {
        map_page(0x40000000 + i * 0x1000ull, (0x800000 + i * 0x1000) | PTE_ALL | PTE_PS, 1);
    }
    map_page(GVA + (uint64_t)TLB_ENTRIES * PAGE_SIZE, 0x800000 | PTE_ALL, 0);
    fill_writes();

    printf("fill with walk, 4 KiB page, read     %8.1f ns\n",
           measure(flush_all, fill_reads, PAGES));
    printf("fill with walk, 4 KiB page, write    %8.1f ns\n",
           measure(flush_all, fill_writes, PAGES));
    printf("fill with walk, 2 MiB page           %8.1f ns\n",
           measure(flush_all, large_fills, PAGES));
    printf("fill with walk, scattered tables     %8.1f ns\n",
           measure(flush_all, fill_scattered, PAGES));
    printf("probe that hits                      %8.1f ns\n",
           measure(prepare_full, fill_reads, PAGES));
    printf("victim swap                          %8.1f ns\n", measure(NULL, victim_swaps, PAGES));
    printf("slow write of a page that hits       %8.1f ns\n", measure(NULL, slow_writes, PAGES));
    code_pages_add(phys_map_code_pages(fx.map), 0x800400, 64);
    mmu_drop_write_entries(fx.cpu, 0x800000);
    printf("slow write beside translated code    %8.1f ns\n", measure(NULL, slow_writes, PAGES));
    code_pages_clear(phys_map_code_pages(fx.map), 0x800000);
    printf("read across pages                    %8.1f ns\n", measure(NULL, crossing_reads, PAGES));
    printf("read of a device                     %8.1f ns\n", measure(NULL, mmio_reads, PAGES));
    printf("flush all, 1024 live, an entry       %8.1f ns\n",
           measure(prepare_full, flush_all, PAGES));
    printf("CR3 load, 1024 live, an entry        %8.1f ns\n",
           measure(prepare_full, cr3_flush, PAGES));
    printf("CR3 load, 32 live, whole             %8.1f ns\n", measure(prepare_few, cr3_flush, 1));
    printf("CR3 load, 0 live, whole              %8.1f ns\n", measure(flush_all, cr3_flush, 1));
    printf("INVLPG                               %8.1f ns\n",
           measure(prepare_full, invlpg_pages, PAGES));
    printf("INVLPG in a large page, 2048 live    %8.1f ns\n",
           measure(prepare_large, invlpg_large, 1));
    printf("CR3 load with another PCID           %8.1f ns\n", measure(NULL, pcid_switches, PAGES));
    fx.cpu->cr3 = ROOT;
    mmu_cr3_write(fx.cpu, false);
    printf("drop write entries, written page     %8.1f ns\n",
           measure(prepare_written, drop_writes, 8));
    printf("drop write entries, others           %8.1f ns\n",
           measure(prepare_written, drop_writes_unwritten, PAGES));
    printf("change of the map                    %8.1f ns\n", measure(NULL, map_moves, 1));
    fflush(stdout);
}
END_TEST

START_SUITE("bench") /* for the fixture's sake */
tcase_add_test(tc, figures);
END_SUITE
