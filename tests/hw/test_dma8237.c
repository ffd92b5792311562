/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/dma8237.h"
#include "tests/hw/chip_fixture.h"

static Chip chip;
static PhysMap *map;
static Dma *dma;
static bool tc;

static void setup(void)
{
    chip_open(&chip);
    map = phys_map_new(0x100000, NULL);
    phys_map_add_ram(map, 0, 0, 0x100000, 0);
    dma = dma_new(chip.io, map);
}

static void teardown(void)
{
    dma_free(dma);
    phys_map_free(map);
    chip_close(&chip);
}

static void program2(uint8_t mode, uint8_t page, uint16_t address, uint16_t count)
{
    out8(&chip, 0x0c, 0);
    out8(&chip, 0x04, (uint8_t)address);
    out8(&chip, 0x04, (uint8_t)(address >> 8));
    out8(&chip, 0x05, (uint8_t)count);
    out8(&chip, 0x05, (uint8_t)(count >> 8));
    out8(&chip, 0x81, page);
    out8(&chip, 0x0b, mode | 2);
    out8(&chip, 0x0a, 2);
}

START_TEST(a_floppy_writes_memory_until_terminal_count)
{
    uint8_t data[16] = "0123456789abcdef";

    program2(0x44, 0x03, 0x1000, 9);
    ck_assert(!dma_ready(dma, 2));
    dma_set_request(dma, 2, true);
    ck_assert(dma_ready(dma, 2));
    ck_assert_uint_eq(in8(&chip, 0x08), 0x40);
    ck_assert_uint_eq(dma_write(dma, 2, data, 4, &tc), 4);
    ck_assert(!tc);
    ck_assert_uint_eq(dma_write(dma, 2, data + 4, 12, &tc), 6);
    ck_assert(tc);
    ck_assert_mem_eq(phys_map_ram(map) + 0x31000, "0123456789\0", 11);
    ck_assert_uint_eq(in8(&chip, 0x08), 0x44);
    ck_assert_uint_eq(in8(&chip, 0x08), 0x40);
    ck_assert(!dma_ready(dma, 2)); /* masked itself */
    ck_assert_uint_eq(dma_write(dma, 2, data, 4, &tc), 0);
}
END_TEST

START_TEST(auto_initialisation_starts_over)
{
    uint8_t data[4];

    memcpy(phys_map_ram(map) + 0x20, "wxyz", 4);
    program2(0x58, 0, 0x20, 3);
    dma_set_request(dma, 2, true);
    ck_assert_uint_eq(dma_read(dma, 2, data, 4, &tc), 4);
    ck_assert(tc);
    ck_assert_mem_eq(data, "wxyz", 4);
    ck_assert_uint_eq(dma_read(dma, 2, data, 1, &tc), 1);
    ck_assert_uint_eq(data[0], 'w');
}
END_TEST

START_TEST(addresses_wrap_inside_the_page_and_count_down)
{
    program2(0x44, 0x01, 0xffff, 1);
    dma_set_request(dma, 2, true);
    dma_write(dma, 2, "ab", 2, &tc);
    ck_assert_uint_eq(phys_map_ram(map)[0x1ffff], 'a');
    ck_assert_uint_eq(phys_map_ram(map)[0x10000], 'b');
    program2(0x64, 0x02, 0x0001, 1);
    dma_write(dma, 2, "cd", 2, &tc);
    ck_assert_uint_eq(phys_map_ram(map)[0x20001], 'c');
    ck_assert_uint_eq(phys_map_ram(map)[0x20000], 'd');
}
END_TEST

START_TEST(wide_channels_count_words)
{
    out8(&chip, 0xd8, 0);
    out8(&chip, 0xc4, 0x00);
    out8(&chip, 0xc4, 0x10);
    out8(&chip, 0xc6, 1);
    out8(&chip, 0xc6, 0);
    out8(&chip, 0x8b, 0x05); /* bit 0 is not used */
    out8(&chip, 0xd6, 0x45);
    out8(&chip, 0xd4, 0x01);
    dma_set_request(dma, 5, true);
    ck_assert_uint_eq(dma_write(dma, 5, "abcdef", 6, &tc), 4);
    ck_assert(tc);
    ck_assert_mem_eq(phys_map_ram(map) + 0x42000, "abcd", 4);
}
END_TEST

START_TEST(the_other_direction_and_a_disabled_controller_move_nothing)
{
    uint8_t data[4];

    program2(0x44, 0, 0, 3);
    dma_set_request(dma, 2, true);
    ck_assert_uint_eq(dma_read(dma, 2, data, 4, &tc), 0);
    out8(&chip, 0x08, 0x04);
    ck_assert_uint_eq(dma_write(dma, 2, data, 4, &tc), 0);
    out8(&chip, 0x0d, 0); /* master clear masks all */
    ck_assert(!dma_ready(dma, 2));
    ck_assert_uint_eq(in8(&chip, 0x0f), 0xff);
    out8(&chip, 0x0e, 0);
    ck_assert(dma_ready(dma, 2));
}
END_TEST

START_TEST(verify_counts_without_memory)
{
    program2(0x40, 0, 0x10, 1);
    dma_set_request(dma, 2, true);
    ck_assert_uint_eq(dma_write(dma, 2, "ab", 2, &tc), 2);
    ck_assert(tc);
    ck_assert_uint_eq(phys_map_ram(map)[0x10], 0);
}
END_TEST

START_TEST(addresses_read_back_through_the_flip_flop)
{
    program2(0x44, 0, 0x1234, 0x5678);
    ck_assert_uint_eq(in8(&chip, 0x04), 0x34);
    ck_assert_uint_eq(in8(&chip, 0x04), 0x12);
    ck_assert_uint_eq(in8(&chip, 0x05), 0x78);
    out8(&chip, 0x0c, 0);
    ck_assert_uint_eq(in8(&chip, 0x05), 0x78);
    out8(&chip, 0x80, 0xab); /* diagnostics */
    ck_assert_uint_eq(in8(&chip, 0x80), 0xab);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hw/dma8237");
    TCase *tcase = tcase_create("dma8237");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_floppy_writes_memory_until_terminal_count);
    tcase_add_test(tcase, auto_initialisation_starts_over);
    tcase_add_test(tcase, addresses_wrap_inside_the_page_and_count_down);
    tcase_add_test(tcase, wide_channels_count_words);
    tcase_add_test(tcase, the_other_direction_and_a_disabled_controller_move_nothing);
    tcase_add_test(tcase, verify_counts_without_memory);
    tcase_add_test(tcase, addresses_read_back_through_the_flip_flop);
    suite_add_tcase(suite, tcase);
    return chip_run_suite(suite);
}
