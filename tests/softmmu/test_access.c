/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_access.c - linear accesses: page crossing, devices, ROM, watched and logged pages, locked
 * operations, fetch. */
#include <string.h>

#include "tests/softmmu/mmu_fixture.h"

enum { GVA = 0x00403000, PAGE_A = 0x200000, PAGE_B = 0x300000 };

/* Two linear pages in a row that are not in a row physically. */
static void two_pages(uint64_t second)
{
    paging_4level();
    map_page(GVA, PAGE_A | PTE_ALL, 0);
    if (second != 0) {
        map_page(GVA + 0x1000, second, 0);
    }
}

START_TEST(accesses_of_all_widths_cross_pages)
{
    unsigned width = (unsigned)_i;
    uint8_t out[64], in[64];

    two_pages(PAGE_B | PTE_ALL);
    for (unsigned before = 1; before < width; before++) {
        for (unsigned i = 0; i < width; i++) {
            out[i] = (uint8_t)(i * 5 + before);
        }
        ck_assert(mmu_write_slow(fx.cpu, GVA + 0x1000 - before, out, width));
        ck_assert_mem_eq(phys_map_ram(fx.map) + PAGE_A + 0x1000 - before, out, before);
        ck_assert_mem_eq(phys_map_ram(fx.map) + PAGE_B, out + before, width - before);
        ck_assert(mmu_read_slow(fx.cpu, GVA + 0x1000 - before, in, width));
        ck_assert_mem_eq(in, out, width);
    }
}
END_TEST

START_TEST(a_fault_on_the_second_page_leaves_the_first_alone)
{
    two_pages(0);
    ck_assert(!mmu_write_slow(fx.cpu, GVA + 0xffc, &(uint64_t){ ~0ull }, 8));
    ck_assert_uint_eq(fx.cpu->fault.vector, VECTOR_PF);
    ck_assert_uint_eq(fx.cpu->fault.error, 2);
    ck_assert_uint_eq(fx.cpu->fault.address, GVA + 0x1000);
    ck_assert_uint_eq(ram_get(PAGE_A + 0xffc, 4), 0);
}
END_TEST

START_TEST(a_fault_on_both_pages_is_the_first_ones)
{
    uint64_t value;

    paging_4level();
    map_page(0, PAGE_A | PTE_ALL, 0);
    ck_assert(!mmu_read(fx.cpu, GVA + 0xffd, 4, &value));
    ck_assert_uint_eq(fx.cpu->fault.address, GVA + 0xffd);
    ck_assert_uint_eq(value, 0);
}
END_TEST

START_TEST(a_device_is_not_touched_if_the_other_page_faults)
{
    two_pages(0);
    map_page(GVA, MMIO_GPA | PTE_ALL, 0);
    ck_assert(!mmu_read_slow(fx.cpu, GVA + 0xffc, &(uint64_t){ 0 }, 8));
    ck_assert_uint_eq(fx.device.reads, 0);
}
END_TEST

START_TEST(outside_64_bit_mode_addresses_wrap_at_4_gib)
{
    paging_pae();
    map_page(0xfffff000, PAGE_A | PTE_ALL, 0);
    map_page(0, PAGE_B | PTE_ALL, 0);
    ck_assert(mmu_write_slow(fx.cpu, 0xfffffffe, &(uint32_t){ 0x44332211 }, 4));
    ck_assert_uint_eq(ram_get(PAGE_A + 0xffe, 2), 0x2211);
    ck_assert_uint_eq(ram_get(PAGE_B, 2), 0x4433);
}
END_TEST

START_TEST(in_64_bit_mode_addresses_wrap_at_the_top)
{
    paging_4level();
    map_page(0xfffffffffffff000ull, PAGE_A | PTE_ALL, 0);
    map_page(0, PAGE_B | PTE_ALL, 0);
    ck_assert(mmu_write_slow(fx.cpu, 0xfffffffffffffffeull, &(uint32_t){ 0x44332211 }, 4));
    ck_assert_uint_eq(ram_get(PAGE_B, 2), 0x4433);
}
END_TEST

START_TEST(devices_are_reached_and_never_entered)
{
    uint64_t value;

    paging_4level();
    map_page(GVA, MMIO_GPA | PTE_ALL, 0);
    fx.device.memory[0x10] = 0xab;
    ck_assert(mmu_read(fx.cpu, GVA + 0x10, 4, &value));
    ck_assert_uint_eq(value, 0xab);
    ck_assert(mmu_write(fx.cpu, GVA + 0x20, 2, 0x1234));
    ck_assert_uint_eq(fx.device.offset, 0x20);
    ck_assert_uint_eq(fx.device.width, 2);
    ck_assert_uint_eq(fx.device.value, 0x1234);
    ck_assert_ptr_null(mmu_hit(fx.cpu, GVA + 0x10, 4, ACCESS_READ));
    ck_assert_ptr_null(mmu_hit(fx.cpu, GVA + 0x10, 4, ACCESS_WRITE));
}
END_TEST

START_TEST(devices_are_found_again_without_a_walk)
{
    uint64_t value, walks;

    paging_4level();
    map_page(GVA, MMIO_GPA | PTE_ALL, 0);
    mmu_write(fx.cpu, GVA, 4, 1);
    walks = mmu_stats(fx.mmu)->walks;
    mmu_read(fx.cpu, GVA, 4, &value);
    mmu_write(fx.cpu, GVA + 8, 4, 1);
    ck_assert_uint_eq(mmu_stats(fx.mmu)->walks, walks);
}
END_TEST

START_TEST(the_vector_state_is_parked_before_a_device_is_called)
{
    uint64_t value;

    fx.cpu->host_mxcsr = 0x1f80;
    fx.cpu->xsave_mask = 7;
    fx.cpu->vector_live = true;
    ck_assert(mmu_read(fx.cpu, 0x1000, 4, &value));
    ck_assert(fx.cpu->vector_live);
    ck_assert(mmu_read(fx.cpu, MMIO_GPA, 4, &value));
    ck_assert(!fx.cpu->vector_live);
}
END_TEST

START_TEST(a_wide_access_to_a_device_is_split)
{
    uint8_t bytes[64];

    ck_assert(mmu_read_slow(fx.cpu, MMIO_GPA + 4, bytes, 64));
    ck_assert_uint_eq(fx.device.reads, 9);
    ck_assert_uint_eq(fx.device.log[0], 4 << 8 | 4 << 1);
    ck_assert_uint_eq(fx.device.log[1], 8 << 8 | 8 << 1);
    ck_assert_uint_eq(fx.device.log[8], 64 << 8 | 4 << 1);
}
END_TEST

START_TEST(an_access_may_be_half_device_half_memory)
{
    uint64_t value;

    two_pages(MMIO_GPA | PTE_ALL);
    ck_assert(mmu_write(fx.cpu, GVA + 0xffc, 8, 0x8877665544332211ull));
    ck_assert_uint_eq(ram_get(PAGE_A + 0xffc, 4), 0x44332211);
    ck_assert_uint_eq(fx.device.value, 0x88776655);
    ck_assert(mmu_read(fx.cpu, GVA + 0xffc, 8, &value));
    ck_assert_uint_eq(value, 0x8877665544332211ull);
}
END_TEST

START_TEST(rom_is_read_inline_and_swallows_writes)
{
    uint64_t value;

    ck_assert(mmu_read(fx.cpu, ROM_GPA, 1, &value));
    ck_assert_uint_eq(value, 1);
    ck_assert_ptr_nonnull(mmu_hit(fx.cpu, ROM_GPA, 1, ACCESS_READ));
    ck_assert(mmu_write(fx.cpu, ROM_GPA, 1, 0x55));
    ck_assert_ptr_null(mmu_hit(fx.cpu, ROM_GPA, 1, ACCESS_WRITE));
    ck_assert(mmu_read(fx.cpu, ROM_GPA, 1, &value));
    ck_assert_uint_eq(value, 1);
}
END_TEST

START_TEST(write_protected_ram_swallows_writes)
{
    uint64_t value;
    PhysRange *shadow = phys_map_add_ram(fx.map, 0xe0000, 0xe0000, 0x10000, 1);

    phys_range_set_writable(fx.map, shadow, false);
    mmu_flush_all(fx.cpu);
    ck_assert(mmu_write(fx.cpu, 0xe0000, 4, 0x55));
    ck_assert(mmu_read(fx.cpu, 0xe0000, 4, &value));
    ck_assert_uint_eq(value, 0);
    ck_assert_ptr_null(mmu_hit(fx.cpu, 0xe0000, 4, ACCESS_WRITE));
}
END_TEST

START_TEST(partly_covered_pages_are_byte_exact)
{
    uint64_t value;

    phys_map_add_mmio(fx.map, 0x4100, 0x10, &(MmioOps){ device_read, device_write, 0, 0 },
                      &fx.device, 1);
    mmu_flush_all(fx.cpu);
    fx.device.memory[0] = 0x77;
    ram_set(0x40fe, 2, 0x2211);
    ck_assert(mmu_read(fx.cpu, 0x40fe, 4, &value));
    ck_assert_uint_eq(value, 0x772211);
    ck_assert(mmu_write(fx.cpu, 0x4110, 4, 0xdead));
    ck_assert_uint_eq(ram_get(0x4110, 4), 0xdead);
    ck_assert_ptr_null(mmu_hit(fx.cpu, 0x4000, 1, ACCESS_READ));
}
END_TEST

/* ---- Watched pages ---- */

static void watch(uint64_t ram_offset, unsigned size)
{
    if (code_pages_add(phys_map_code_pages(fx.map), ram_offset, size)) {
        mmu_drop_write_entries(fx.cpu, ram_offset);
    }
}

START_TEST(only_writes_that_hit_code_are_reported)
{
    mmu_write(fx.cpu, 0x5000, 8, 0);
    watch(0x5100, 0x41); /* two chunks */
    ck_assert_ptr_null(mmu_hit(fx.cpu, 0x5000, 8, ACCESS_WRITE));
    ck_assert_ptr_nonnull(mmu_hit(fx.cpu, 0x5000, 8, ACCESS_READ));
    ck_assert(mmu_write(fx.cpu, 0x50f8, 8, 1));
    ck_assert(mmu_write(fx.cpu, 0x5180, 8, 1));
    ck_assert_uint_eq(fx.code_writes, 0);
    ck_assert(mmu_write(fx.cpu, 0x50f9, 8, ~0ull));
    ck_assert_uint_eq(fx.code_writes, 1);
    ck_assert_uint_eq(fx.code_offset, 0x50f9);
    ck_assert_uint_eq(fx.code_size, 8);
    ck_assert_uint_eq(ram_get(0x50f9, 8), ~0ull);
    ck_assert(mmu_write(fx.cpu, 0x5178, 4, 1));
    ck_assert_uint_eq(fx.code_writes, 2);
}
END_TEST

START_TEST(watched_pages_are_found_again_without_a_walk)
{
    uint64_t walks;

    watch(0x5100, 1);
    mmu_write(fx.cpu, 0x5000, 8, 0);
    walks = mmu_stats(fx.mmu)->walks;
    mmu_write(fx.cpu, 0x5000, 8, 0);
    ck_assert_uint_eq(mmu_stats(fx.mmu)->walks, walks);
}
END_TEST

START_TEST(a_page_that_is_no_longer_watched_is_written_inline_again)
{
    watch(0x5100, 1);
    mmu_write(fx.cpu, 0x5000, 8, 0);
    ck_assert_ptr_null(mmu_hit(fx.cpu, 0x5000, 8, ACCESS_WRITE));
    code_pages_clear(phys_map_code_pages(fx.map), 0x5000);
    mmu_write(fx.cpu, 0x5000, 8, 0);
    ck_assert_ptr_nonnull(mmu_hit(fx.cpu, 0x5000, 8, ACCESS_WRITE));
}
END_TEST

START_TEST(all_aliases_of_a_watched_page_are_dropped)
{
    paging_4level();
    map_page(GVA, PAGE_A | PTE_ALL, 0);
    map_page(GVA + 0x5000, PAGE_A | PTE_ALL, 0);
    map_page(GVA + 0x5000 + 0x800000, PAGE_B | PTE_ALL, 0);
    touch(MMU_USER, GVA, ACCESS_WRITE);
    touch(MMU_KERNEL, GVA, ACCESS_WRITE);
    touch(MMU_KERNEL, GVA + 0x5000, ACCESS_WRITE);
    touch(MMU_KERNEL, GVA + 0x5000 + 0x800000, ACCESS_WRITE); /* pushes it out: a victim */
    watch(PAGE_A, 16);
    touch(MMU_KERNEL, GVA + 0x5000, ACCESS_READ);
    for (MmuContext context = MMU_KERNEL; context <= MMU_USER; context++) {
        fx.cpu->context = context;
        ck_assert_ptr_null(mmu_hit(fx.cpu, GVA, 1, ACCESS_WRITE));
        ck_assert_ptr_null(mmu_hit(fx.cpu, GVA + 0x5000, 1, ACCESS_WRITE));
    }
    touch(MMU_KERNEL, GVA + 0x5008, ACCESS_WRITE);
    ck_assert_uint_eq(fx.code_writes, 1);
    ck_assert_uint_eq(fx.code_offset, PAGE_A + 8);
}
END_TEST

START_TEST(writes_by_the_host_address_are_told)
{
    uint8_t *host;
    bool fault;

    watch(0x5100, 16);
    host = mmu_host(fx.cpu, 0x5000, 0x1000, ACCESS_WRITE, &fault);
    ck_assert_ptr_nonnull(host);
    mmu_host_written(fx.cpu, host, 0x100);
    ck_assert_uint_eq(fx.code_writes, 0);
    mmu_host_written(fx.cpu, host, 0x1000);
    ck_assert_uint_eq(fx.code_writes, 1);
}
END_TEST

START_TEST(the_vector_state_is_parked_before_translations_are_dropped)
{
    fx.cpu->host_mxcsr = 0x1f80;
    fx.cpu->xsave_mask = 7;
    watch(0x5100, 16);
    fx.cpu->vector_live = true;
    mmu_write(fx.cpu, 0x5000, 8, 0);
    ck_assert(fx.cpu->vector_live);
    mmu_write(fx.cpu, 0x5100, 8, 0);
    ck_assert(!fx.cpu->vector_live);
}
END_TEST

START_TEST(every_write_to_a_logged_page_is_logged)
{
    bool fault;

    mmu_write(fx.cpu, 0x5000, 8, 0);
    dirty_log_set_range(fx.map, 0x5000, 0x1000, true);
    ck_assert(fx.cpu->request & CPU_REQUEST_FLUSH);
    mmu_flush_all(fx.cpu); /* what the run loop does then */
    for (unsigned i = 0; i < 3; i++) {
        mmu_write(fx.cpu, 0x5000, 8, i);
        ck_assert(dirty_log_test_and_clear(fx.map, 0x5000));
    }
    mmu_host_written(fx.cpu, mmu_host(fx.cpu, 0x5000, 64, ACCESS_WRITE, &fault), 64);
    ck_assert(dirty_log_test_and_clear(fx.map, 0x5000));
    mmu_cmpxchg(fx.cpu, 0x5000, 8, &(uint64_t){ 2 }, &(uint64_t){ 3 });
    ck_assert(dirty_log_test_and_clear(fx.map, 0x5000));
    mmu_write(fx.cpu, 0x6000, 8, 0);
    ck_assert(!dirty_log_test_and_clear(fx.map, 0x6000));
    dirty_log_set_range(fx.map, 0x5000, 0x1000, false);
    mmu_write(fx.cpu, 0x5000, 8, 0);
    ck_assert(!dirty_log_test_and_clear(fx.map, 0x5000));
    ck_assert_ptr_nonnull(mmu_hit(fx.cpu, 0x5000, 8, ACCESS_WRITE));
}
END_TEST

START_TEST(logging_may_be_of_all_ram)
{
    dirty_log_set_enabled(fx.map, true);
    mmu_flush_all(fx.cpu);
    mmu_write(fx.cpu, 0x5ffe, 4, 0);
    ck_assert(dirty_log_test_and_clear(fx.map, 0x5000));
    ck_assert(dirty_log_test_and_clear(fx.map, 0x6000));
    dirty_log_set_enabled(fx.map, false);
    mmu_write(fx.cpu, 0x5ffe, 4, 0);
    ck_assert(!dirty_log_test_and_clear(fx.map, 0x5000));
}
END_TEST

/* ---- Probe, host, compare-exchange ---- */

START_TEST(a_probe_proves_both_pages_and_sets_dirty)
{
    uint64_t at;

    two_pages(PAGE_B | PTE_P | PTE_US);
    at = map_page(GVA, PAGE_A | PTE_ALL, 0);
    ck_assert(mmu_probe(fx.cpu, GVA, 4096, ACCESS_WRITE));
    ck_assert(ram_get(at, 8) & PTE_D);
    ck_assert(mmu_probe(fx.cpu, GVA + 8, 4096, ACCESS_READ));
    ck_assert(!mmu_probe(fx.cpu, GVA + 8, 4096, ACCESS_WRITE));
    ck_assert_uint_eq(fx.cpu->fault.error, 3);
    ck_assert_uint_eq(fx.cpu->fault.address, GVA + 0x1000);
}
END_TEST

START_TEST(host_addresses_are_given_for_plain_memory_only)
{
    bool fault;

    two_pages(MMIO_GPA | PTE_ALL);
    map_page(GVA + 0x2000, ROM_GPA | PTE_ALL, 0);
    ck_assert_ptr_eq(mmu_host(fx.cpu, GVA + 0xff8, 8, ACCESS_WRITE, &fault),
                     phys_map_ram(fx.map) + PAGE_A + 0xff8);
    ck_assert_ptr_null(mmu_host(fx.cpu, GVA + 0xff9, 8, ACCESS_WRITE, &fault));
    ck_assert(!fault);
    ck_assert_ptr_null(mmu_host(fx.cpu, GVA + 0x1000, 8, ACCESS_READ, &fault));
    ck_assert(!fault);
    ck_assert_ptr_nonnull(mmu_host(fx.cpu, GVA + 0x2000, 8, ACCESS_READ, &fault));
    ck_assert_ptr_null(mmu_host(fx.cpu, GVA + 0x2000, 8, ACCESS_WRITE, &fault));
    ck_assert(!fault);
    ck_assert_ptr_null(mmu_host(fx.cpu, GVA + 0x3000, 8, ACCESS_READ, &fault));
    ck_assert(fault);
}
END_TEST

static const uint64_t cmpxchg_places[] = { GVA + 0x100, GVA + 0x103, GVA + 0xffd, GVA + 0x1000,
                                           GVA + 0x1ff9 };

START_TEST(compare_exchange_works_everywhere)
{
    uint64_t gva = cmpxchg_places[_i];

    two_pages(MMIO_GPA | PTE_ALL);
    map_page(GVA + 0x2000, PAGE_B | PTE_ALL, 0);
    for (unsigned width = 1; width <= 16; width *= 2) {
        uint8_t old[16], new[16], expected[16], found[16];

        for (unsigned i = 0; i < 16; i++) {
            old[i] = (uint8_t)(i + width);
            new[i] = (uint8_t)(0x80 + i + width);
        }
        ck_assert(mmu_write_slow(fx.cpu, gva, old, width));
        memcpy(expected, old, 16);
        expected[width - 1] ^= 1;
        ck_assert(!mmu_cmpxchg(fx.cpu, gva, width, expected, new));
        ck_assert_mem_eq(expected, old, width);
        ck_assert(mmu_cmpxchg(fx.cpu, gva, width, expected, new));
        ck_assert(mmu_read_slow(fx.cpu, gva, found, width));
        ck_assert_mem_eq(found, new, width);
    }
}
END_TEST

/* A register that counts on is never what was read before; memory beside it is compared. */
START_TEST(an_update_writes_registers_of_devices_at_once)
{
    uint32_t read = 0, written = 5;

    two_pages(MMIO_GPA | PTE_ALL);
    memset(fx.device.memory, 0x11, 8);
    ck_assert(mmu_update(fx.cpu, GVA + 0x1000, 4, &read, &written));
    ck_assert_uint_eq(fx.device.reads, 0);
    ck_assert_uint_eq(fx.device.writes, 1);
    ck_assert_uint_eq(fx.device.value, 5);
    read = 1;
    ck_assert(!mmu_update(fx.cpu, GVA + 0xffe, 4, &read, &written));
    ck_assert_uint_eq(read, 0);
    ck_assert(mmu_update(fx.cpu, GVA + 0xffe, 4, &read, &written));
    ck_assert_uint_eq(fx.device.reads, 0);
}
END_TEST

START_TEST(an_aligned_16_byte_exchange_needs_no_lock)
{
    uint8_t expected[16] = { 0 }, new[16] = { 1, 2, 3 };
    unsigned before = fx.locked;

    ck_assert(mmu_cmpxchg(fx.cpu, 0x5010, 16, expected, new));
    ck_assert_mem_eq(phys_map_ram(fx.map) + 0x5010, new, 16);
    ck_assert_uint_eq(fx.locked, before);
}
END_TEST

START_TEST(an_exchange_on_a_watched_page_is_reported)
{
    watch(0x5100, 16);
    ck_assert(!mmu_cmpxchg(fx.cpu, 0x5100, 4, &(uint32_t){ 1 }, &(uint32_t){ 2 }));
    ck_assert_uint_eq(fx.code_writes, 0);
    ck_assert(mmu_cmpxchg(fx.cpu, 0x5100, 4, &(uint32_t){ 0 }, &(uint32_t){ 2 }));
    ck_assert_uint_eq(fx.code_writes, 1);
}
END_TEST

START_TEST(system_accesses_have_supervisor_rights)
{
    uint64_t value = 0;

    paging_4level();
    map_page(GVA, PAGE_A | PTE_P | PTE_RW, 0);
    fx.cpu->context = MMU_USER;
    ck_assert(!mmu_read(fx.cpu, GVA, 8, &value));
    ck_assert(mmu_system_write(fx.cpu, GVA, &(uint64_t){ 77 }, 8));
    ck_assert(mmu_system_read(fx.cpu, GVA, &value, 8));
    ck_assert_uint_eq(value, 77);
    ck_assert(!mmu_context_write(fx.cpu, MMU_USER, GVA, &value, 8));
    ck_assert_uint_eq(fx.cpu->fault.error, 7);
    ck_assert(mmu_context_probe(fx.cpu, MMU_KERNEL, GVA, 8, ACCESS_WRITE));
    control_set(&fx.cpu->cr4, CR4_SMAP, true);
    map_page(GVA, PAGE_A | PTE_ALL, 0);
    mmu_flush_page(fx.cpu, GVA);
    ck_assert(!mmu_system_read(fx.cpu, GVA, &value, 8)); /* AC does not help these */
    ck_assert_uint_eq(fx.cpu->fault.error, 1);
}
END_TEST

/* ---- Fetch ---- */

START_TEST(code_is_fetched_from_memory_rom_and_devices)
{
    uint64_t gpa;
    unsigned left;
    uint8_t bytes[15];

    two_pages(MMIO_GPA | PTE_ALL);
    ck_assert_ptr_eq(mmu_fetch(fx.cpu, GVA + 0xff0, &gpa, &left),
                     phys_map_ram(fx.map) + PAGE_A + 0xff0);
    ck_assert_uint_eq(gpa, PAGE_A + 0xff0);
    ck_assert_uint_eq(left, 16);
    ck_assert_ptr_null(mmu_fetch(fx.cpu, GVA + 0x1001, &gpa, &left));
    ck_assert_uint_eq(left, 0xfff);
    ck_assert_uint_eq(gpa, MMIO_GPA + 1);
    ck_assert_ptr_null(mmu_fetch(fx.cpu, GVA + 0x2000, &gpa, &left));
    ck_assert_uint_eq(left, 0);
    ck_assert_uint_eq(fx.cpu->fault.error, 0x10);
    ram_set(PAGE_A + 0xfff, 1, 0x90);
    fx.device.memory[0] = 0xc3;
    ck_assert(mmu_fetch_bytes(fx.cpu, GVA + 0xfff, bytes, 15));
    ck_assert_uint_eq(bytes[0], 0x90);
    ck_assert_uint_eq(bytes[1], 0xc3);
}
END_TEST

START_TEST(the_translator_learns_where_code_lies)
{
    uint64_t offset;
    const uint8_t *host;

    two_pages(MMIO_GPA | PTE_ALL);
    map_page(GVA + 0x2000, ROM_GPA | PTE_ALL, 0);
    ck_assert(mmu_code_page(fx.cpu, GVA + 0x123, &offset, &host));
    ck_assert_uint_eq(offset, PAGE_A);
    ck_assert_ptr_eq(host, phys_map_ram(fx.map) + PAGE_A);
    ck_assert(!mmu_code_page(fx.cpu, GVA + 0x1000, &offset, &host));
    ck_assert_uint_eq(offset, UINT64_MAX);
    ck_assert_ptr_null(host);
    ck_assert(!mmu_code_page(fx.cpu, GVA + 0x2000, &offset, &host));
    ck_assert_uint_eq(offset, UINT64_MAX);
    ck_assert_ptr_nonnull(host);
    ck_assert(!mmu_code_page(fx.cpu, GVA + 0x3000, &offset, &host));
    ck_assert_uint_eq(offset, 0);
    ck_assert_uint_eq(fx.cpu->fault.vector, VECTOR_PF);
}
END_TEST

START_SUITE("access")
tcase_add_loop_test(tc, accesses_of_all_widths_cross_pages, 2, 65);
tcase_add_test(tc, a_fault_on_the_second_page_leaves_the_first_alone);
tcase_add_test(tc, a_fault_on_both_pages_is_the_first_ones);
tcase_add_test(tc, a_device_is_not_touched_if_the_other_page_faults);
tcase_add_test(tc, outside_64_bit_mode_addresses_wrap_at_4_gib);
tcase_add_test(tc, in_64_bit_mode_addresses_wrap_at_the_top);
tcase_add_test(tc, devices_are_reached_and_never_entered);
tcase_add_test(tc, devices_are_found_again_without_a_walk);
tcase_add_test(tc, the_vector_state_is_parked_before_a_device_is_called);
tcase_add_test(tc, a_wide_access_to_a_device_is_split);
tcase_add_test(tc, an_access_may_be_half_device_half_memory);
tcase_add_test(tc, rom_is_read_inline_and_swallows_writes);
tcase_add_test(tc, write_protected_ram_swallows_writes);
tcase_add_test(tc, partly_covered_pages_are_byte_exact);
tcase_add_test(tc, only_writes_that_hit_code_are_reported);
tcase_add_test(tc, watched_pages_are_found_again_without_a_walk);
tcase_add_test(tc, a_page_that_is_no_longer_watched_is_written_inline_again);
tcase_add_test(tc, all_aliases_of_a_watched_page_are_dropped);
tcase_add_test(tc, writes_by_the_host_address_are_told);
tcase_add_test(tc, the_vector_state_is_parked_before_translations_are_dropped);
tcase_add_test(tc, every_write_to_a_logged_page_is_logged);
tcase_add_test(tc, logging_may_be_of_all_ram);
tcase_add_test(tc, a_probe_proves_both_pages_and_sets_dirty);
tcase_add_test(tc, host_addresses_are_given_for_plain_memory_only);
tcase_add_loop_test(tc, compare_exchange_works_everywhere, 0, G_N_ELEMENTS(cmpxchg_places));
tcase_add_test(tc, an_update_writes_registers_of_devices_at_once);
tcase_add_test(tc, an_aligned_16_byte_exchange_needs_no_lock);
tcase_add_test(tc, an_exchange_on_a_watched_page_is_reported);
tcase_add_test(tc, system_accesses_have_supervisor_rights);
tcase_add_test(tc, code_is_fetched_from_memory_rom_and_devices);
tcase_add_test(tc, the_translator_learns_where_code_lies);
END_SUITE
