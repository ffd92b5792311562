/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_qcow2_vmstate.c - a machine's state beside the disk in snapshots of every shape of image. */
#include "hw/block/image.h"

#include <check.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 3 << 20, STATE = 5 << 20, PIECE = 96 << 10 };

static const BlockCreate shapes[] = {
    { .size = SIZE },
    { .size = SIZE, .compat_v2 = true },
    { .size = SIZE, .cluster_size = 512 },
    { .size = SIZE, .extended_l2 = true },
    { .size = SIZE, .cluster_size = 2 << 20, .refcount_bits = 64 },
};

static struct {
    char *folder, *file;
    BlockGraph *graph;
    BlockLayer *layer;
    uint8_t *data;
} fx;

static void setup(void)
{
    fx.folder = g_dir_make_tmp("doppel-vmstate-XXXXXX", NULL);
    fx.file = g_build_filename(fx.folder, "disk", NULL);
    fx.graph = block_graph_new();
    fx.data = g_malloc(STATE);
}

static void teardown(void)
{
    layer_unref(fx.layer);
    block_graph_free(fx.graph);
    g_unlink(fx.file);
    g_rmdir(fx.folder);
    g_free(fx.file);
    g_free(fx.folder);
    g_free(fx.data);
}

static void image_open(const BlockCreate *create)
{
    ck_assert(image_create(fx.graph, fx.file, "qcow2", create, NULL));
    fx.layer = layer_open_file(fx.graph, fx.file, "qcow2", BLOCK_UNMAP, NULL);
    ck_assert_ptr_nonnull(fx.layer);
}

static void image_is_good(void)
{
    BlockCheck check = { 0 };

    ck_assert_int_eq(layer_flush(fx.layer), 0);
    ck_assert(image_check(fx.layer, 0, &check, NULL));
    ck_assert_uint_eq(check.corruptions, 0);
    ck_assert_uint_eq(check.leaks, 0);
}

/* Pieces of other sizes than clusters have. */
static void state_write(uint8_t byte)
{
    static uint8_t piece[PIECE];

    memset(piece, byte, sizeof(piece));
    for (uint64_t at = 0; at < STATE; at += sizeof(piece)) {
        size_t size = MIN(sizeof(piece), STATE - at);

        piece[0] = (uint8_t)(at >> 14);
        ck_assert_int_eq(block_vm_state_write(fx.layer, at, piece, size), 0);
    }
}

static void state_is(const char *id, uint8_t byte)
{
    ck_assert_int_eq(block_vm_state_read(fx.layer, id, 0, fx.data, STATE), 0);
    for (unsigned at = 0; at < STATE; at += PIECE) {
        size_t size = MIN(PIECE, STATE - at);

        ck_assert_uint_eq(fx.data[at], (uint8_t)(at >> 14));
        ck_assert_uint_eq(fx.data[at + 1], byte);
        ck_assert(memcmp(fx.data + at + 1, fx.data + at + 2, size - 2) == 0);
    }
}

static void disk_fill(uint8_t byte)
{
    memset(fx.data, byte, SIZE);
    ck_assert_int_eq(layer_pwrite(fx.layer, 0, fx.data, SIZE), 0);
}

static void disk_is(uint8_t byte)
{
    ck_assert_int_eq(layer_pread(fx.layer, 0, fx.data, SIZE), 0);
    ck_assert(fx.data[0] == byte && memcmp(fx.data, fx.data + 1, SIZE - 1) == 0);
}

static void snapshot_take(const char *name, uint8_t byte)
{
    const BlockSnapshot what = { .name = (char *)name, .vm_state_size = STATE };

    disk_fill(byte);
    state_write(byte);
    ck_assert(block_snapshot_create(fx.layer, &what, NULL));
    ck_assert_int_eq(block_vm_state_drop(fx.layer), 0);
}

START_TEST(state_is_kept_beside_the_disk)
{
    image_open(&shapes[_i]);
    snapshot_take("one", 1);
    image_is_good();
    snapshot_take("two", 2);
    disk_fill(3);
    state_is("1", 1);
    disk_is(3); /* looking changes nothing */
    state_is("2", 2);
    ck_assert(block_snapshot_apply(fx.layer, "one", NULL));
    disk_is(1);
    ck_assert(block_snapshot_delete(fx.layer, "one", NULL));
    state_is("2", 2);
    ck_assert_int_ne(block_vm_state_read(fx.layer, "1", 0, fx.data, 512), 0);
    ck_assert_int_eq(block_vm_state_drop(fx.layer), 0);
    disk_is(1);
    ck_assert(block_snapshot_delete(fx.layer, "two", NULL));
    image_is_good();
}
END_TEST

START_TEST(a_disk_that_grows_does_not_show_the_state)
{
    image_open(&shapes[0]);
    snapshot_take("one", 1);
    ck_assert(block_snapshot_apply(fx.layer, "one", NULL)); /* and the state with it */
    ck_assert(layer_resize(fx.layer, 1ull << 30, BLOCK_PREALLOC_OFF, NULL));
    ck_assert_int_eq(layer_pread(fx.layer, 512 << 20, fx.data, STATE), 0);
    ck_assert(fx.data[0] == 0 && memcmp(fx.data, fx.data + 1, STATE - 1) == 0);
    state_is("1", 1);
    image_is_good();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hw/qcow2_vmstate");
    TCase *tc = tcase_create("qcow2_vmstate");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, state_is_kept_beside_the_disk, 0, G_N_ELEMENTS(shapes));
    tcase_add_test(tc, a_disk_that_grows_does_not_show_the_state);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
