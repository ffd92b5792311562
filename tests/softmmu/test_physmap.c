/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_physmap.c - ranges of the physical map, and access by devices. */
#define _GNU_SOURCE /* memfd_create */
#include <string.h>
#include <sys/mman.h>
#include <threads.h>
#include <unistd.h>

#include "tests/softmmu/mmu_fixture.h"

static uint64_t read_at(uint64_t gpa, unsigned width)
{
    return phys_map_mmio_read(fx.map, gpa, width);
}

START_TEST(memory_that_is_not_whole_pages_is_refused)
{
    GError *error = NULL;

    ck_assert_ptr_null(phys_map_new(4097, &error));
    ck_assert_ptr_nonnull(error);
    g_clear_error(&error);
    ck_assert_ptr_null(phys_map_new(0, &error));
    g_clear_error(&error);
    ck_assert_ptr_null(phys_map_new(0xfffffffffffff000ull, &error));
    g_clear_error(&error);
}
END_TEST

START_TEST(ram_starts_zeroed_and_is_named_by_its_offset)
{
    PhysPage page = phys_map_page(fx.map, 0x5123);

    ck_assert_ptr_eq(page.host, phys_map_ram(fx.map) + 0x5000);
    ck_assert_uint_eq(page.ram_offset, 0x5000);
    ck_assert(page.writable);
    ck_assert_uint_eq(page.host[17], 0);
}
END_TEST

START_TEST(rom_is_padded_with_ones_and_ignores_writes)
{
    PhysPage page = phys_map_page(fx.map, ROM_GPA + 0x1000);

    ck_assert_ptr_nonnull(page.host);
    ck_assert_uint_eq(page.ram_offset, UINT64_MAX);
    ck_assert(!page.writable);
    ck_assert_uint_eq(page.host[0xeff], (uint8_t)(0x1eff * 7 + 1));
    ck_assert_uint_eq(page.host[0xf00], 0xff);
    ck_assert_uint_eq(page.host[0xfff], 0xff);
    phys_map_mmio_write(fx.map, ROM_GPA, 4, 0x12345678);
    phys_map_write(fx.map, ROM_GPA, "abcd", 4);
    ck_assert_uint_eq(read_at(ROM_GPA, 1), 1);
}
END_TEST

START_TEST(unassigned_reads_as_ones_and_is_reported)
{
    uint8_t bytes[3] = { 0 };

    ck_assert_uint_eq(read_at(0xfffffffffffffff8ull, 8), UINT64_MAX);
    ck_assert_uint_eq(read_at(0x50000000, 2), 0xffff);
    phys_map_mmio_write(fx.map, 0x50000000, 4, 1);
    ck_assert_uint_eq(fx.unassigned, 3);
    phys_map_read(fx.map, 0x50000000, bytes, 3);
    ck_assert_uint_eq(bytes[2], 0xff);
    ck_assert_ptr_null(phys_map_page(fx.map, 0x50000000).host);
}
END_TEST

START_TEST(higher_priority_wins_and_gives_back_what_it_covered)
{
    PhysRange *over = phys_map_add_mmio(fx.map, 0x4000, 0x1000, &(MmioOps){ 0 }, NULL, 1);

    ck_assert_ptr_null(phys_map_page(fx.map, 0x4000).host);
    ck_assert_ptr_nonnull(phys_map_page(fx.map, 0x3000).host);
    ck_assert_ptr_eq(phys_map_page(fx.map, 0x5000).host, phys_map_ram(fx.map) + 0x5000);
    phys_range_set_enabled(fx.map, over, false);
    ck_assert_ptr_nonnull(phys_map_page(fx.map, 0x4000).host);
    phys_range_set_enabled(fx.map, over, true);
    phys_range_move(fx.map, over, 0x9000);
    ck_assert_ptr_nonnull(phys_map_page(fx.map, 0x4000).host);
    ck_assert_ptr_null(phys_map_page(fx.map, 0x9000).host);
    phys_range_remove(fx.map, over);
    ck_assert_ptr_nonnull(phys_map_page(fx.map, 0x9000).host);
}
END_TEST

START_TEST(lower_priority_shows_only_in_holes)
{
    phys_map_add_mmio(fx.map, 0, UINT64_MAX, &(MmioOps){ 0 }, NULL, -1);
    ck_assert_ptr_nonnull(phys_map_page(fx.map, 0x4000).host);
    ck_assert_ptr_nonnull(phys_map_page(fx.map, ROM_GPA).host);
    ck_assert_uint_eq(read_at(0x50000000, 4), 0xffffffff);
    ck_assert_uint_eq(fx.unassigned, 0); /* it is the device that answers */
}
END_TEST

START_TEST(among_equals_devices_win_and_then_the_later)
{
    phys_map_add_ram(fx.map, MMIO_GPA, 0, 0x1000, 0); /* later, but memory */
    read_at(MMIO_GPA, 4);
    ck_assert_uint_eq(fx.device.reads, 1);
    phys_map_add_ram(fx.map, 0x4000, 0x8000, 0x1000, 0);
    ck_assert_uint_eq(phys_map_page(fx.map, 0x4000).ram_offset, 0x8000);
}
END_TEST

START_TEST(aliases_are_the_same_memory)
{
    phys_map_add_ram(fx.map, 0x100000000ull, 0x3000, 0x2000, 0);
    ck_assert_uint_eq(phys_map_page(fx.map, 0x100001000ull).ram_offset, 0x4000);
    phys_map_write(fx.map, 0x100001010ull, "x", 1);
    ck_assert_uint_eq(ram_get(0x4010, 1), 'x');
}
END_TEST

START_TEST(write_protected_ram_reads_but_swallows_writes)
{
    PhysRange *shadow = phys_map_add_ram(fx.map, 0xe0000, 0xe0000, 0x10000, 1);

    ram_set(0xe0000, 4, 0x55aa);
    phys_range_set_writable(fx.map, shadow, false);
    ck_assert(!phys_map_page(fx.map, 0xe0000).writable);
    phys_map_write(fx.map, 0xe0000, "zzzz", 4);
    ck_assert_uint_eq(read_at(0xe0000, 4), 0x55aa);
    phys_range_set_writable(fx.map, shadow, true);
    phys_map_write(fx.map, 0xe0000, "zzzz", 4);
    ck_assert_uint_eq(read_at(0xe0000, 4), 0x7a7a7a7a);
}
END_TEST

START_TEST(several_changes_are_one_call_of_the_listener)
{
    PhysRange *range;

    fx.changed = 0;
    phys_map_begin(fx.map);
    range = phys_map_add_ram(fx.map, 0x70000000, 0, 0x1000, 0);
    phys_range_move(fx.map, range, 0x71000000);
    ck_assert_uint_eq(fx.changed, 0);
    phys_map_commit(fx.map);
    ck_assert_uint_eq(fx.changed, 1);
    phys_range_move(fx.map, range, 0x71000000); /* no change */
    ck_assert_uint_eq(fx.changed, 1);
}
END_TEST

START_TEST(partly_covered_pages_have_no_host_page)
{
    phys_map_add_mmio(fx.map, 0x4100, 0x10, &(MmioOps){ 0 }, NULL, 1);
    ram_set(0x40fe, 2, 0x2211);
    ram_set(0x4110, 2, 0x4433);
    ck_assert_ptr_null(phys_map_page(fx.map, 0x4000).host);
    ck_assert_uint_eq(read_at(0x40fe, 4), 0xffff2211);
    ck_assert_uint_eq(read_at(0x410e, 4), 0x4433ffff);
    phys_map_mmio_write(fx.map, 0x40fe, 4, 0x99998877);
    ck_assert_uint_eq(ram_get(0x40fe, 4), 0x8877); /* beneath the device nothing changes */
}
END_TEST

START_TEST(ram_out_of_step_with_pages_goes_byte_by_byte)
{
    phys_map_add_ram(fx.map, 0x60000800, 0x10000, 0x3000, 0);
    ck_assert_ptr_null(phys_map_page(fx.map, 0x60001000).host);
    phys_map_mmio_write(fx.map, 0x60000801, 8, 0x1122334455667788ull);
    ck_assert_uint_eq(ram_get(0x10001, 8), 0x1122334455667788ull);
}
END_TEST

typedef struct SplitRow {
    const char *name;
    unsigned min, max;
    uint64_t offset;
    unsigned width;
    uint64_t read[9]; /* offset << 8 | width << 1, 0 ends (offset 0 is not used) */
} SplitRow;
#define AT(offset, width) ((offset) << 8 | (width) << 1)

static const SplitRow split_rows[] = {
    { "aligned quad goes whole", 0, 0, 8, 8, { AT(8, 8) } },
    { "max 4 halves a quad", 1, 4, 8, 8, { AT(8, 4), AT(12, 4) } },
    { "max 1 makes bytes", 1, 1, 8, 4, { AT(8, 1), AT(9, 1), AT(10, 1), AT(11, 1) } },
    { "unaligned word is two bytes", 0, 0, 9, 2, { AT(9, 1), AT(10, 1) } },
    { "unaligned double at 2", 0, 0, 10, 4, { AT(10, 2), AT(12, 2) } },
    { "unaligned double at 1", 0, 0, 9, 4, { AT(9, 1), AT(10, 2), AT(12, 1) } },
    { "unaligned quad at 4", 0, 0, 12, 8, { AT(12, 4), AT(16, 4) } },
    { "a byte of a device of doubles", 4, 4, 10, 1, { AT(8, 4) } },
    { "a word of a device of doubles", 4, 4, 10, 2, { AT(8, 4) } },
    { "three bytes", 0, 0, 8, 3, { AT(8, 2), AT(10, 1) } },
};

START_TEST(mmio_is_split_as_the_device_allows)
{
    const SplitRow *row = &split_rows[_i];
    MmioOps ops = { device_read, device_write, row->min, row->max };
    Device device = { 0 };
    unsigned n = 0;
    uint64_t expected = 0;

    for (unsigned i = 0; i < 64; i++) {
        device.memory[i] = (uint8_t)(i * 3 + 5);
    }
    memcpy(&expected, device.memory + row->offset, row->width);
    phys_map_add_mmio(fx.map, 0x20000000, 0x1000, &ops, &device, 0);

    ck_assert_msg(read_at(0x20000000 + row->offset, row->width) == expected, "%s", row->name);
    for (; row->read[n] != 0; n++) {
        ck_assert_msg(device.log[n] == row->read[n], "%s: read %u", row->name, n);
    }
    ck_assert_msg(device.reads == n, "%s: %u reads", row->name, device.reads);

    phys_map_mmio_write(fx.map, 0x20000000 + row->offset, row->width, 0xa1a2a3a4a5a6a7a8ull);
    for (unsigned i = 0; i < 64; i++) {
        bool hit = i >= row->offset && i < row->offset + row->width;
        uint8_t byte = hit ? (uint8_t)(0xa8 - (i - row->offset)) : (uint8_t)(i * 3 + 5);

        ck_assert_msg(device.memory[i] == byte, "%s: byte %u", row->name, i);
    }
    ck_assert_msg(device.writes == n, "%s: %u writes", row->name, device.writes);
}
END_TEST

START_TEST(devices_are_called_with_the_lock)
{
    unsigned before = fx.locked;

    read_at(MMIO_GPA, 4);
    ck_assert_uint_eq(fx.locked, before + 1);
}
END_TEST

START_TEST(dma_runs_across_ranges)
{
    uint8_t out[64], in[64];

    phys_map_add_ram(fx.map, MMIO_GPA + MMIO_SIZE, 0x20000, 0x1000, 0);
    for (unsigned i = 0; i < 64; i++) {
        out[i] = (uint8_t)(i + 1);
    }
    phys_map_write(fx.map, MMIO_GPA + MMIO_SIZE - 32, out, 64);
    ck_assert_uint_eq(fx.device.memory[MMIO_SIZE - 1], 32);
    ck_assert_uint_eq(ram_get(0x20000, 1), 33);
    phys_map_read(fx.map, MMIO_GPA + MMIO_SIZE - 32, in, 64);
    ck_assert_mem_eq(out, in, 64);
}
END_TEST

START_TEST(dma_tells_of_code_that_it_overwrites)
{
    uint8_t bytes[0x3000] = { 0 };

    code_pages_add(phys_map_code_pages(fx.map), 0x9040, 0x10);
    phys_map_write(fx.map, 0x9000, bytes, 0x40); /* the chunk before */
    ck_assert_uint_eq(fx.code_writes, 0);
    phys_map_write(fx.map, 0x8000, bytes, 0x3000);
    ck_assert_uint_eq(fx.code_writes, 1);
    ck_assert_uint_eq(fx.code_offset, 0x9000);
    ck_assert_uint_eq(fx.code_size, 0x1000);
    code_pages_clear(phys_map_code_pages(fx.map), 0x9000);
    phys_map_write(fx.map, 0x8000, bytes, 0x3000);
    ck_assert_uint_eq(fx.code_writes, 1);
}
END_TEST

START_TEST(dma_marks_logged_pages_dirty)
{
    dirty_log_set_range(fx.map, 0x5000, 0x2000, true);
    phys_map_write(fx.map, 0x4ff0, &(uint64_t[4]){ 0 }, 32);
    phys_map_write(fx.map, 0x8000, "x", 1);
    ck_assert(!dirty_log_test_and_clear(fx.map, 0x4000));
    ck_assert(dirty_log_test_and_clear(fx.map, 0x5000));
    ck_assert(!dirty_log_test_and_clear(fx.map, 0x5000));
    ck_assert(!dirty_log_test_and_clear(fx.map, 0x6000));
    ck_assert(!dirty_log_test_and_clear(fx.map, 0x8000));
}
END_TEST

static int page_reader(void *opaque)
{
    const volatile bool *stop = opaque;
    int wrong = 0;

    while (!*stop) {
        PhysPage page = phys_map_page(fx.map, 0x30000000);

        if (page.host != NULL && page.host != phys_map_ram(fx.map) + 0x7000) {
            wrong++;
        }
        page = phys_map_page(fx.map, 0x6000);
        if (page.host != phys_map_ram(fx.map) + 0x6000) {
            wrong++;
        }
    }
    return wrong;
}

START_TEST(device_ram_lies_behind_guest_ram_and_comes_back_as_zeroes)
{
    uint64_t guest = phys_map_ram_size(fx.map);
    uint64_t first = phys_map_take_device_ram(fx.map, 0x10000);
    uint64_t second = phys_map_take_device_ram(fx.map, PHYS_DEVICE_RAM - 0x10000);

    ck_assert_uint_eq(first, guest);
    ck_assert_uint_eq(second, guest + 0x10000);
    ck_assert_uint_eq(phys_map_memory_size(fx.map), guest + PHYS_DEVICE_RAM);
    ck_assert_uint_eq(phys_map_take_device_ram(fx.map, 0x1000), UINT64_MAX);
    phys_map_add_ram(fx.map, 0x60000000, first, 0x10000, 0);
    phys_map_write(fx.map, 0x60001000, "abcd", 4);
    ck_assert_mem_eq(phys_map_ram(fx.map) + first + 0x1000, "abcd", 4);
    phys_map_give_device_ram(fx.map, first, 0x10000);
    phys_map_give_device_ram(fx.map, second, PHYS_DEVICE_RAM - 0x10000);
    ck_assert_uint_eq(phys_map_take_device_ram(fx.map, PHYS_DEVICE_RAM), first);
    ck_assert_uint_eq(phys_map_ram(fx.map)[first + 0x1000], 0);
}
END_TEST

START_TEST(readers_see_a_whole_map_while_it_changes)
{
    PhysRange *range = phys_map_add_ram(fx.map, 0x30000000, 0x7000, 0x1000, 0);
    volatile bool stop = false;
    thrd_t reader;
    int wrong;

    thrd_create(&reader, page_reader, (void *)&stop);
    for (unsigned i = 0; i < 3000; i++) {
        phys_range_set_enabled(fx.map, range, i & 1);
    }
    stop = true;
    thrd_join(reader, &wrong);
    ck_assert_int_eq(wrong, 0);
}
END_TEST

START_TEST(ram_of_several_files_is_one_piece)
{
    const int fds[2] = { memfd_create("first", 0), memfd_create("second", 0) };
    const PhysRamFile files[2] = { { fds[0], 0x3000 }, { fds[1], 0x5000 } };
    uint8_t text[4] = { 0 };
    PhysRamPlace place;
    PhysMap *map;

    ck_assert_int_eq(ftruncate(fds[0], 0x3000), 0);
    ck_assert_int_eq(ftruncate(fds[1], 0x5000), 0);
    map = phys_map_new_of(files, 2, NULL);
    ck_assert_ptr_nonnull(map);
    ck_assert_uint_eq(phys_map_ram_size(map), 0x8000);
    phys_map_add_ram(map, 0, 0, 0x8000, 0);
    phys_map_write(map, 0x2ffe, "abcd", 4);
    ck_assert_int_eq(pread(fds[1], text, 2, 0), 2);
    ck_assert_mem_eq(text, "cd", 2);
    place = phys_map_ram_place(map, 0x4000);
    ck_assert_int_eq(place.fd, fds[1]);
    ck_assert_uint_eq(place.offset, 0x1000);
    ck_assert_uint_eq(place.size, 0x4000);
    place = phys_map_ram_place(map, phys_map_take_device_ram(map, 0x1000));
    ck_assert_uint_eq(place.offset, 0);
    ck_assert_uint_eq(place.size, PHYS_DEVICE_RAM);
    phys_map_clear_ram(map, 0x2000, 0x2000);
    phys_map_read(map, 0x2ffe, text, 4);
    ck_assert_mem_eq(text, "\0\0\0\0", 4);
    phys_map_free(map);
    ck_assert_int_eq(close(fds[0]), 0); /* they have stayed ours */
    ck_assert_int_eq(close(fds[1]), 0);
}
END_TEST

START_SUITE("physmap")
tcase_add_test(tc, memory_that_is_not_whole_pages_is_refused);
tcase_add_test(tc, ram_starts_zeroed_and_is_named_by_its_offset);
tcase_add_test(tc, rom_is_padded_with_ones_and_ignores_writes);
tcase_add_test(tc, unassigned_reads_as_ones_and_is_reported);
tcase_add_test(tc, higher_priority_wins_and_gives_back_what_it_covered);
tcase_add_test(tc, lower_priority_shows_only_in_holes);
tcase_add_test(tc, among_equals_devices_win_and_then_the_later);
tcase_add_test(tc, aliases_are_the_same_memory);
tcase_add_test(tc, write_protected_ram_reads_but_swallows_writes);
tcase_add_test(tc, several_changes_are_one_call_of_the_listener);
tcase_add_test(tc, partly_covered_pages_have_no_host_page);
tcase_add_test(tc, ram_out_of_step_with_pages_goes_byte_by_byte);
tcase_add_loop_test(tc, mmio_is_split_as_the_device_allows, 0, G_N_ELEMENTS(split_rows));
tcase_add_test(tc, devices_are_called_with_the_lock);
tcase_add_test(tc, dma_runs_across_ranges);
tcase_add_test(tc, dma_tells_of_code_that_it_overwrites);
tcase_add_test(tc, dma_marks_logged_pages_dirty);
tcase_add_test(tc, device_ram_lies_behind_guest_ram_and_comes_back_as_zeroes);
tcase_add_test(tc, ram_of_several_files_is_one_piece);
tcase_add_test(tc, readers_see_a_whole_map_while_it_changes);
END_SUITE
