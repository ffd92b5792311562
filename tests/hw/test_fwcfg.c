/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_fwcfg.c - the firmware configuration device, by port and by DMA. */
#include "hw/fwcfg.h"
#include "tests/hw/board_fixture.h"

enum {
    DMA_ERROR = 1,
    DMA_READ = 2,
    DMA_SKIP = 4,
    DMA_SELECT = 8,
    DMA_WRITE = 16,
    COMMAND = 0x1000,
    BUFFER = 0x2000,
};

static struct {
    Bench bench;
    FwCfg *fw;
} fx;

static void setup(void)
{
    bench_open(&fx.bench, 1 << 20);
    phys_map_add_ram(fx.bench.map, 0, 0, 1 << 20, 0);
    fx.fw = fwcfg_new(fx.bench.io, fx.bench.map);
}

static void teardown(void)
{
    fwcfg_free(fx.fw);
    bench_close(&fx.bench);
}

static void take(uint16_t key, void *data, size_t n)
{
    io_bus_write(fx.bench.io, 0x510, 2, key);
    for (size_t i = 0; i < n; i++) {
        ((uint8_t *)data)[i] = (uint8_t)io_bus_read(fx.bench.io, 0x511, 1);
    }
}

static uint32_t dma(uint32_t control, uint32_t length, uint64_t address)
{
    uint32_t head[2] = { GUINT32_TO_BE(control), GUINT32_TO_BE(length) }, result;
    uint64_t tail = GUINT64_TO_BE(address);

    phys_map_write(fx.bench.map, COMMAND, head, 8);
    phys_map_write(fx.bench.map, COMMAND + 8, &tail, 8);
    io_bus_write(fx.bench.io, 0x518, 4, GUINT32_TO_BE(COMMAND));
    phys_map_read(fx.bench.map, COMMAND, &result, 4);
    return GUINT32_FROM_BE(result);
}

START_TEST(the_signature_and_the_features_are_there)
{
    uint8_t data[6];
    uint32_t id;

    take(FWCFG_SIGNATURE, data, 6);
    ck_assert_mem_eq(data, "QEMU\0\0", 6);
    take(FWCFG_ID, &id, 4);
    ck_assert_uint_eq(GUINT32_FROM_LE(id), 3);
    ck_assert_uint_eq(io_bus_read(fx.bench.io, 0x514, 4), GUINT32_TO_BE(0x51454d55));
    ck_assert_uint_eq(io_bus_read(fx.bench.io, 0x518, 4), GUINT32_TO_BE(0x20434647));
    take(0x7777, data, 2);
    ck_assert_mem_eq(data, "\0\0", 2);
}
END_TEST

START_TEST(numbers_are_little_endian)
{
    uint8_t data[8];

    fwcfg_set_number(fx.fw, FWCFG_RAM_SIZE, 8, 0x1122334455667788);
    take(FWCFG_RAM_SIZE, data, 8);
    ck_assert_mem_eq(data, "\x88\x77\x66\x55\x44\x33\x22\x11", 8);
}
END_TEST

START_TEST(files_are_found_in_the_directory)
{
    uint8_t directory[4 + 2 * 64], content[6];

    ck_assert(fwcfg_set_file(fx.fw, "etc/one", "hello", 5));
    ck_assert(fwcfg_set_file(fx.fw, "etc/two", "x", 1));
    ck_assert(fwcfg_set_file(fx.fw, "etc/one", "world!", 6)); /* replaces */
    take(FWCFG_FILE_DIR, directory, sizeof(directory));
    ck_assert_mem_eq(directory, "\0\0\0\2", 4);
    ck_assert_mem_eq(directory + 4, "\0\0\0\6\0\x20\0\0etc/one", 16);
    ck_assert_mem_eq(directory + 68, "\0\0\0\1\0\x21\0\0etc/two", 16);
    take(0x20, content, 6);
    ck_assert_mem_eq(content, "world!", 6);
}
END_TEST

START_TEST(names_and_numbers_of_files_are_bounded)
{
    char name[80];

    memset(name, 'n', sizeof(name));
    name[56] = '\0';
    ck_assert(!fwcfg_set_file(fx.fw, name, "x", 1));
    name[55] = '\0';
    ck_assert(fwcfg_set_file(fx.fw, name, "x", 1));
    for (unsigned i = 1; i < FWCFG_MAX_FILES; i++) {
        g_snprintf(name, sizeof(name), "file%u", i);
        ck_assert(fwcfg_set_file(fx.fw, name, "x", 1));
    }
    ck_assert(!fwcfg_set_file(fx.fw, "one more", "x", 1));
}
END_TEST

START_TEST(dma_selects_skips_and_reads)
{
    uint8_t data[8];

    fwcfg_set_file(fx.fw, "f", "0123456789", 10);
    ck_assert_uint_eq(dma(0x20u << 16 | DMA_SELECT | DMA_READ, 4, BUFFER), 0);
    phys_map_read(fx.bench.map, BUFFER, data, 4);
    ck_assert_mem_eq(data, "0123", 4);
    ck_assert_uint_eq(dma(DMA_SKIP, 2, 0), 0);
    ck_assert_uint_eq(dma(DMA_READ, 8, BUFFER), 0);
    phys_map_read(fx.bench.map, BUFFER, data, 8);
    ck_assert_mem_eq(data, "6789\0\0\0\0", 8);
    ck_assert_uint_eq(dma(DMA_SKIP, 0xffffffff, 0), 0);
    ck_assert_uint_eq(dma(DMA_READ, 1, BUFFER), 0);
}
END_TEST

START_TEST(dma_cannot_write)
{
    ck_assert_uint_eq(dma(0x20u << 16 | DMA_SELECT | DMA_WRITE, 4, BUFFER), DMA_ERROR);
}
END_TEST

START_TEST(a_file_that_is_shared_is_written)
{
    uint8_t data[8] = "01234567";

    ck_assert(fwcfg_share_file(fx.fw, "f", data, sizeof(data)));
    phys_map_write(fx.bench.map, BUFFER, "abcdefgh", 8);
    ck_assert_uint_eq(dma(0x20u << 16 | DMA_SELECT | DMA_SKIP, 2, 0), 0);
    ck_assert_uint_eq(dma(DMA_WRITE, 4, BUFFER), 0);
    ck_assert_mem_eq(data, "01abcd67", 8);
    ck_assert_uint_eq(dma(DMA_WRITE, 3, BUFFER), DMA_ERROR); /* more than there is */
    ck_assert_uint_eq(dma(DMA_WRITE, 0xffffffff, BUFFER), DMA_ERROR);
    ck_assert_mem_eq(data, "01abcd67", 8);
    ck_assert_uint_eq(dma(DMA_WRITE, 2, BUFFER), 0);
    ck_assert_uint_eq(dma(DMA_WRITE, 1, BUFFER), DMA_ERROR);
    ck_assert_uint_eq(dma(0x20u << 16 | DMA_SELECT | DMA_READ, 8, BUFFER + 16), 0);
    phys_map_read(fx.bench.map, BUFFER + 16, data, 8);
    ck_assert_mem_eq(data, "01abcdab", 8);
}
END_TEST

START_TEST(dma_to_nowhere_is_survived)
{
    fwcfg_set_file(fx.fw, "f", "0123456789", 10);
    ck_assert_uint_eq(dma(0x20u << 16 | DMA_SELECT | DMA_READ, 1 << 20, UINT64_MAX - 100), 0);
    io_bus_write(fx.bench.io, 0x514, 4, 0xffffffff);
    io_bus_write(fx.bench.io, 0x518, 4, 0xffffffff);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("fwcfg");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_signature_and_the_features_are_there);
    tcase_add_test(tc, numbers_are_little_endian);
    tcase_add_test(tc, files_are_found_in_the_directory);
    tcase_add_test(tc, names_and_numbers_of_files_are_bounded);
    tcase_add_test(tc, dma_selects_skips_and_reads);
    tcase_add_test(tc, dma_cannot_write);
    tcase_add_test(tc, a_file_that_is_shared_is_written);
    tcase_add_test(tc, dma_to_nowhere_is_survived);
    return suite_run(tc, "fwcfg");
}
