/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_pflash.c - flash memory, from the accesses of a CPU and from its image. */
#include <glib/gstdio.h>
#include <unistd.h>
#include "hw/pflash.h"
#include "tests/hw/board_fixture.h"

enum { SIZE = 64 << 10, SECTOR = PFLASH_SECTOR };
#define BASE 0xffff0000u

static struct {
    Bench bench;
    BlockNode *image;
    Pflash *flash;
    char *path;
} fx;

static void flash_open(bool readonly)
{
    BlockOptions options = { .path = fx.path, .format = "raw", .readonly = readonly };

    fx.image = block_open(&options, NULL);
    ck_assert_ptr_nonnull(fx.image);
    fx.flash = pflash_new(fx.bench.map, BASE, fx.image, 1, NULL);
    ck_assert_ptr_nonnull(fx.flash);
}

static void flash_close(void)
{
    pflash_free(fx.flash);
    block_close(fx.image);
}

static void setup(void)
{
    g_autofree uint8_t *data = g_malloc(SIZE);
    int fd;

    bench_open(&fx.bench, 1 << 20);
    for (unsigned i = 0; i < SIZE; i++) {
        data[i] = (uint8_t)(i >> 4);
    }
    fx.path = g_strdup("/tmp/pflash-test-XXXXXX");
    fd = g_mkstemp(fx.path);
    ck_assert_int_eq(write(fd, data, SIZE), SIZE);
    close(fd);
    flash_open(false);
}

static void teardown(void)
{
    flash_close();
    g_unlink(fx.path);
    g_free(fx.path);
    bench_close(&fx.bench);
}

static uint8_t in(uint32_t offset)
{
    return (uint8_t)phys_map_mmio_read(fx.bench.map, BASE + offset, 1);
}

static void out(uint32_t offset, uint8_t value)
{
    phys_map_mmio_write(fx.bench.map, BASE + offset, 1, value);
}

static uint8_t in_image(uint32_t offset)
{
    g_autofree char *data = NULL;
    gsize size;

    block_drain(fx.image);
    ck_assert(g_file_get_contents(fx.path, &data, &size, NULL));
    return (uint8_t)data[offset];
}

START_TEST(the_array_is_memory_until_a_command)
{
    PhysPage page = phys_map_page(fx.bench.map, BASE);

    ck_assert_ptr_nonnull(page.host); /* can be executed from */
    ck_assert(!page.writable);
    ck_assert_uint_eq(in(0x1230), 0x23);
    out(0x1230, 0x70);
    ck_assert_uint_eq(in(0x1230), 0x80);
    out(0, 0xff);
    ck_assert_uint_eq(in(0x1230), 0x23);
}
END_TEST

START_TEST(cleared_status_is_zero)
{
    out(0, 0x50);
    ck_assert_uint_eq(in(0x10), 0x01); /* back in the array */
    out(0, 0x70);
    ck_assert_uint_eq(in(0), 0x00);
}
END_TEST

START_TEST(programming_clears_bits_only)
{
    out(0x1ff0, 0x40);
    out(0x1ff0, 0x55);
    ck_assert_uint_eq(in(0), 0x80);
    out(0, 0xff);
    ck_assert_uint_eq(in(0x1ff0), 0xff & 0x55);
    out(0x1ff0, 0x10);
    out(0x1ff0, 0xf0);
    out(0, 0xff);
    ck_assert_uint_eq(in(0x1ff0), 0x50);
    ck_assert_uint_eq(in_image(0x1ff0), 0x50);
}
END_TEST

START_TEST(erasing_takes_a_sector_and_a_confirmation)
{
    out(0x2345, 0x20);
    out(0x2345, 0x00);
    ck_assert_uint_eq(in(0), 0xb0); /* a wrong sequence */
    out(0, 0x50);
    ck_assert_uint_eq(in(0x2345), 0x34);
    out(0x2345, 0x20);
    out(0x2345, 0xd0);
    out(0, 0xff);
    ck_assert_uint_eq(in(0x1fff), 0xff);
    for (unsigned i = 0; i < SECTOR; i += 64) {
        ck_assert_uint_eq(in(0x2000 + i), 0xff);
    }
    ck_assert_uint_eq(in(0x3000), 0x00);
    ck_assert_uint_eq(in_image(0x2800), 0xff);
    ck_assert_uint_eq(in_image(0x3010), 0x01);
}
END_TEST

START_TEST(a_buffer_is_written_when_it_is_confirmed)
{
    out(0x4000, 0x20);
    out(0x4000, 0xd0);
    out(0x4000, 0xe8);
    out(0x4000, 3);
    for (unsigned i = 0; i < 4; i++) {
        out(0x4010 + i, (uint8_t)(0xa0 + i));
    }
    out(0x4000, 0xd0);
    ck_assert_uint_eq(in(0) & 0xb0, 0x80);
    out(0, 0xff);
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_uint_eq(in(0x4010 + i), 0xa0 + i);
    }
    ck_assert_uint_eq(in(0x4014), 0xff);
    ck_assert_uint_eq(in(0x400f), 0xff);
    out(0x4000, 0xe8);
    out(0x4000, 0xff); /* more than it holds */
    ck_assert_uint_eq(in(0) & 0x10, 0x10);
}
END_TEST

START_TEST(a_read_only_image_is_protected)
{
    flash_close();
    flash_open(true);
    out(0x10, 0x40);
    out(0x10, 0);
    ck_assert_uint_eq(in(0), 0x92);
    out(0x10, 0x20);
    out(0x10, 0xd0);
    ck_assert_uint_eq(in(0) & 0x20, 0x20);
    out(0, 0xff);
    ck_assert_uint_eq(in(0x10), 0x01);
}
END_TEST

START_TEST(identity_and_query_table_can_be_read)
{
    out(0, 0x90);
    ck_assert_uint_eq(in(0), 0x89);
    out(0x55, 0x98);
    ck_assert_uint_eq(in(0x10), 'Q');
    ck_assert_uint_eq(in(0x11), 'R');
    ck_assert_uint_eq(in(0x27), 16);                           /* 64 KiB */
    ck_assert_uint_eq(in(0x2d), SIZE / SECTOR - 1);            /* sectors less one */
    ck_assert_uint_eq(in(0x2f) | in(0x30) << 8, SECTOR / 256); /* of 256 bytes */
    pflash_reset(fx.flash);
    ck_assert_uint_eq(in(0x10), 0x01);
}
END_TEST

START_TEST(random_accesses_do_no_harm)
{
    static const uint8_t likely[] = { 0x10, 0x20, 0x40, 0xd0, 0xe8, 0xff, 0x70, 0x98 };
    GRand *rand = g_rand_new_with_seed(20261128);

    for (unsigned i = 0; i < 20000; i++) {
        uint32_t offset = (uint32_t)g_rand_int_range(rand, 0, SIZE - 8) & ~7u;
        unsigned width = 1u << g_rand_int_range(rand, 0, 4);

        if (g_rand_boolean(rand)) {
            phys_map_mmio_read(fx.bench.map, BASE + offset, width);
        } else {
            phys_map_mmio_write(fx.bench.map, BASE + offset, width,
                                g_rand_boolean(rand) ? likely[g_rand_int_range(rand, 0, 8)]
                                                     : g_rand_int(rand));
        }
    }
    g_rand_free(rand);
    pflash_reset(fx.flash);
    out(0, 0x20);
    out(0, 0xd0);
    out(0, 0xff);
    ck_assert_uint_eq(in(5), 0xff);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("pflash");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_array_is_memory_until_a_command);
    tcase_add_test(tc, cleared_status_is_zero);
    tcase_add_test(tc, programming_clears_bits_only);
    tcase_add_test(tc, erasing_takes_a_sector_and_a_confirmation);
    tcase_add_test(tc, a_buffer_is_written_when_it_is_confirmed);
    tcase_add_test(tc, a_read_only_image_is_protected);
    tcase_add_test(tc, identity_and_query_table_can_be_read);
    tcase_add_test(tc, random_accesses_do_no_harm);
    return suite_run(tc, "pflash");
}
