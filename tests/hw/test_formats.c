/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_formats.c - formats that are read only: images made by hand, and rubbish behind a good
 * magic. */
#include "hw/block/layer.h"

#include <check.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SECTOR = 512, BLOCK = 1 << 20 };

static struct {
    char *folder, *image;
    BlockGraph *graph;
    uint8_t *data; /* of the file */
    size_t size;
} fx;

static void setup(void)
{
    fx.folder = g_dir_make_tmp("doppel-formats-XXXXXX", NULL);
    fx.image = g_build_filename(fx.folder, "image", NULL);
    fx.graph = block_graph_new();
    fx.size = 4 * BLOCK;
    fx.data = g_malloc0(fx.size);
}

static void teardown(void)
{
    block_graph_free(fx.graph);
    g_unlink(fx.image);
    g_rmdir(fx.folder);
    g_free(fx.data);
    g_free(fx.image);
    g_free(fx.folder);
}

static BlockLayer *image_open(const char *format)
{
    ck_assert(g_file_set_contents(fx.image, (char *)fx.data, (gssize)fx.size, NULL));
    return layer_open_file(fx.graph, fx.image, format, BLOCK_READONLY, NULL);
}

static void put_le32(size_t at, uint32_t value)
{
    value = GUINT32_TO_LE(value);
    memcpy(fx.data + at, &value, 4);
}

static void put_be32(size_t at, uint32_t value)
{
    value = GUINT32_TO_BE(value);
    memcpy(fx.data + at, &value, 4);
}

static void reads(BlockLayer *layer, uint64_t offset, uint8_t byte)
{
    uint8_t data[SECTOR];

    ck_assert_int_eq(layer_pread(layer, offset, data, sizeof(data)), 0);
    for (int i = 0; i < SECTOR; i++) {
        ck_assert_uint_eq(data[i], byte);
    }
}

START_TEST(vdi_blocks_lie_where_the_map_says)
{
    BlockLayer *layer;

    put_le32(0x40, 0xbeda107f);
    put_le32(0x44, 0x10001);
    put_le32(0x4c, 1);
    put_le32(0x154, 512);
    put_le32(0x158, 1024);
    put_le32(0x168, 512);
    put_le32(0x170, 3 * BLOCK);
    put_le32(0x178, BLOCK);
    put_le32(0x180, 3);
    put_le32(512, 1);
    put_le32(516, 0xffffffff);
    put_le32(520, 0);
    memset(fx.data + 1024, 0x33, BLOCK);
    memset(fx.data + 1024 + BLOCK, 0x11, BLOCK);
    layer = image_open(NULL);
    ck_assert_ptr_nonnull(layer);
    ck_assert_str_eq(layer_format(layer), "vdi");
    ck_assert_uint_eq(layer_size(layer), 3 * BLOCK);
    reads(layer, 0, 0x11);
    reads(layer, BLOCK - SECTOR, 0x11);
    reads(layer, BLOCK, 0);
    reads(layer, 2 * BLOCK, 0x33);
    layer_unref(layer);
    ck_assert_ptr_null(layer_open_file(fx.graph, fx.image, "vdi", 0, NULL)); /* to write */
}
END_TEST

START_TEST(vpc_blocks_lie_behind_their_bitmaps)
{
    BlockLayer *layer;

    memcpy(fx.data, "conectix", 8);
    put_be32(20, 512); /* dynamic header */
    memcpy(fx.data + 28, "win ", 4);
    put_be32(52, 2 * BLOCK);
    put_be32(60, 3);
    memcpy(fx.data + 512, "cxsparse", 8);
    put_be32(512 + 20, 2048); /* table */
    put_be32(512 + 28, 2);
    put_be32(512 + 32, BLOCK);
    put_be32(2048, 0xffffffff);
    put_be32(2052, 8);
    memset(fx.data + 8 * SECTOR + SECTOR, 0x44, BLOCK);
    layer = image_open(NULL);
    ck_assert_ptr_nonnull(layer);
    ck_assert_str_eq(layer_format(layer), "vpc");
    ck_assert_uint_eq(layer_size(layer), 2 * BLOCK);
    reads(layer, 0, 0);
    reads(layer, BLOCK, 0x44);
    reads(layer, 2 * BLOCK - SECTOR, 0x44);
    layer_unref(layer);
}
END_TEST

/* Sizes small and huge, places inside and outside, in all fields. */
START_TEST(rubbish_behind_a_magic_is_harmless)
{
    static const struct {
        const char *format, *magic;
        size_t at;
    } rows[] = {
        { "vdi", "\x7f\x10\xda\xbe", 0x40 }, { "vpc", "conectix", 0 },        { "vmdk", "KDMV", 0 },
        { "vhdx", "head", 64 << 10 },        { "qcow2", "QFI\xfb\0\0\0", 0 },
    };
    GRand *rand = g_rand_new_with_seed(5);

    fx.size = 512 << 10;
    for (int round = 0; round < 400; round++) {
        uint8_t data[SECTOR];
        BlockLayer *layer;

        memset(fx.data, 0, fx.size);
        for (size_t at = 0; at < 1024; at += 4) {
            static const uint32_t values[] = { 0, 1, 2, 3, 512, 1024, 65536, 1 << 20, 0xffffffff };
            uint32_t value = values[g_rand_int_range(rand, 0, G_N_ELEMENTS(values))];

            memcpy(fx.data + at, &value, 4);
        }
        memcpy(fx.data + 192 * 1024, "regi", 4);
        memcpy(fx.data + rows[_i].at, rows[_i].magic, strlen(rows[_i].magic));
        if (strcmp(rows[_i].format, "qcow2") == 0) {
            fx.data[7] = 3;
        }
        layer = image_open(rows[_i].format);
        if (layer != NULL) {
            layer_pread(layer, 0, data, sizeof(data));
            layer_pread(layer, layer_size(layer) / 2 / SECTOR * SECTOR, data, sizeof(data));
            layer_unref(layer);
        }
    }
    g_rand_free(rand);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hw/formats");
    TCase *tc = tcase_create("formats");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, vdi_blocks_lie_where_the_map_says);
    tcase_add_test(tc, vpc_blocks_lie_behind_their_bitmaps);
    tcase_add_loop_test(tc, rubbish_behind_a_magic_is_harmless, 0, 5);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
