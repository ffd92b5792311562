/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_block.c - images: data, errors, locking, snapshots, formats. */
#include "hw/block/block.h"

#include <check.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECTOR = 512, CLUSTER = 64 << 10, IMAGE = 1 << 20 };

static struct {
    char *folder, *image;
    int locked;    /* depth of the executor's lock */
    int done;      /* completions */
    int error;     /* of the last one */
    bool unlocked; /* a completion ran without the lock */
    int syncs;
} fx;

/* In the place of the C library's: was stable storage asked for? */
int fdatasync(int fd)
{
    fx.syncs++;
    return fsync(fd);
}

static void setup(void)
{
    memset(&fx, 0, sizeof(fx));
    fx.folder = g_dir_make_tmp("doppel-block-XXXXXX", NULL);
    fx.image = g_build_filename(fx.folder, "disk", NULL);
    g_setenv("TMPDIR", fx.folder, TRUE);
}

static void teardown(void)
{
    g_unlink(fx.image);
    ck_assert_int_eq(g_rmdir(fx.folder), 0); /* nothing else was left there */
    g_free(fx.image);
    g_free(fx.folder);
}

/* ---- Helpers ---- */

static uint8_t pattern(uint64_t at)
{
    return (uint8_t)(at * 7 + at / SECTOR * 13 + at / CLUSTER * 31);
}

static void image_make(size_t size)
{
    g_autofree uint8_t *data = g_malloc(size + 1);

    for (size_t i = 0; i < size; i++) {
        data[i] = pattern(i);
    }
    ck_assert(g_file_set_contents(fx.image, (char *)data, (gssize)size, NULL));
}

static void image_matches(size_t size)
{
    g_autofree char *data = NULL;
    gsize length;

    ck_assert(g_file_get_contents(fx.image, &data, &length, NULL));
    ck_assert_uint_eq(length, size);
    for (size_t i = 0; i < size; i++) {
        if ((uint8_t)data[i] != pattern(i)) {
            ck_abort_msg("byte %zu of the image has changed", i);
        }
    }
}

static BlockNode *opened(BlockOptions options)
{
    GError *error = NULL;
    BlockNode *node;

    options.path = fx.image;
    node = block_open(&options, &error);
    ck_assert_msg(node != NULL, "%s", error != NULL ? error->message : "no error");
    return node;
}

static void refused(BlockOptions options, int code, const char *words)
{
    g_autoptr(GError) error = NULL;

    options.path = options.path != NULL ? options.path : fx.image;
    ck_assert_ptr_null(block_open(&options, &error));
    ck_assert_ptr_nonnull(error);
    ck_assert_msg(g_error_matches(error, BLOCK_ERROR, code) &&
                      strstr(error->message, words) != NULL,
                  "%s", error->message);
}

static void done(void *opaque, int error)
{
    (void)opaque;
    fx.done++;
    fx.error = error;
}

static int node_read(BlockNode *node, uint64_t offset, void *data, size_t size)
{
    struct iovec iov = { data, size };

    fx.error = -1;
    block_read(node, offset, &iov, 1, done, NULL);
    block_drain(node);
    return fx.error;
}

static int node_write(BlockNode *node, uint64_t offset, const void *data, size_t size)
{
    struct iovec iov = { (void *)data, size };

    fx.error = -1;
    block_write(node, offset, &iov, 1, done, NULL);
    block_drain(node);
    return fx.error;
}

static int node_flush(BlockNode *node)
{
    fx.error = -1;
    block_flush(node, done, NULL);
    block_drain(node);
    return fx.error;
}

static int node_discard(BlockNode *node, uint64_t offset, uint64_t size)
{
    fx.error = -1;
    block_discard(node, offset, size, done, NULL);
    block_drain(node);
    return fx.error;
}

static void node_matches(BlockNode *node, uint64_t offset, size_t size)
{
    g_autofree uint8_t *data = g_malloc(size);

    ck_assert_int_eq(node_read(node, offset, data, size), 0);
    for (size_t i = 0; i < size; i++) {
        if (data[i] != pattern(offset + i)) {
            ck_abort_msg("byte %zu", (size_t)offset + i);
        }
    }
}

/* ---- Data ---- */

START_TEST(what_is_written_is_read_back_through_other_vectors)
{
    uint8_t in[4 * SECTOR], out[4 * SECTOR];
    const struct iovec write[] = { { in, 100 }, { in + 100, 0 }, { in + 100, sizeof(in) - 100 } };
    const struct iovec read[] = { { out, 1000 }, { out + 1000, 1 }, { out + 1001, 1047 } };
    BlockNode *node;

    image_make(IMAGE);
    node = opened((BlockOptions){ .format = "raw" });
    ck_assert_uint_eq(block_size(node), IMAGE);
    ck_assert_str_eq(block_format(node), "raw");
    ck_assert(!block_readonly(node));
    memset(in, 0xa5, sizeof(in));
    block_write(node, 10 * SECTOR, write, 3, done, NULL);
    block_drain(node);
    ck_assert_int_eq(fx.error, 0);
    block_read(node, 10 * SECTOR, read, 3, done, NULL);
    block_drain(node);
    ck_assert_int_eq(fx.error, 0);
    ck_assert_mem_eq(in, out, sizeof(in));
    node_matches(node, 0, 10 * SECTOR);
    node_matches(node, 14 * SECTOR, IMAGE - 14 * SECTOR);
    block_close(node);
}
END_TEST

START_TEST(last_sector_is_padded_with_zeros_and_grows_when_written)
{
    uint8_t data[SECTOR];
    BlockNode *node;
    GStatBuf st;

    image_make(3 * SECTOR + 10);
    node = opened((BlockOptions){ 0 });
    ck_assert_uint_eq(block_size(node), 4 * SECTOR);
    ck_assert_int_eq(node_read(node, 3 * SECTOR, data, SECTOR), 0);
    for (unsigned i = 0; i < SECTOR; i++) {
        ck_assert_uint_eq(data[i], i < 10 ? pattern(3 * SECTOR + i) : 0);
    }
    data[SECTOR - 1] = 1;
    ck_assert_int_eq(node_write(node, 3 * SECTOR, data, SECTOR), 0);
    block_close(node);
    ck_assert_int_eq(g_stat(fx.image, &st), 0);
    ck_assert_int_eq(st.st_size, 4 * SECTOR);
}
END_TEST

START_TEST(request_past_the_end_fails_whole)
{
    g_autofree uint8_t *data = g_malloc0(2 * SECTOR);
    BlockNode *node;

    image_make(IMAGE);
    node = opened((BlockOptions){ .discard = "unmap" });
    ck_assert_int_eq(node_write(node, IMAGE - SECTOR, data, 2 * SECTOR), EIO);
    ck_assert_int_eq(node_read(node, IMAGE - SECTOR, data, 2 * SECTOR), EIO);
    ck_assert_int_eq(node_write(node, UINT64_MAX - SECTOR + 1, data, SECTOR), EIO);
    ck_assert_int_eq(node_discard(node, IMAGE - SECTOR, 2 * SECTOR), EIO);
    ck_assert_int_eq(node_read(node, IMAGE, data, 0), 0);
    block_close(node);
    image_matches(IMAGE);
}
END_TEST

START_TEST(readonly_image_cannot_be_changed)
{
    uint8_t data[SECTOR] = { 0 };
    BlockNode *node;

    image_make(IMAGE);
    g_chmod(fx.image, 0400);
    node = opened((BlockOptions){ .readonly = true, .discard = "unmap" });
    ck_assert(block_readonly(node));
    ck_assert_int_eq(node_write(node, 0, data, SECTOR), EROFS);
    ck_assert_int_eq(node_discard(node, 0, CLUSTER), EROFS);
    ck_assert_int_eq(node_flush(node), 0);
    node_matches(node, 0, IMAGE);
    block_close(node);
    image_matches(IMAGE);
}
END_TEST

START_TEST(flush_reaches_stable_storage_unless_told_otherwise)
{
    BlockNode *node;

    image_make(IMAGE);
    node = opened((BlockOptions){ 0 });
    ck_assert_int_eq(node_flush(node), 0);
    ck_assert_int_eq(fx.syncs, 1);
    block_close(node);
    ck_assert_int_eq(fx.syncs, 2); /* closing does, too */
    node = opened((BlockOptions){ .cache = "unsafe" });
    ck_assert_int_eq(node_flush(node), 0);
    block_close(node);
    ck_assert_int_eq(fx.syncs, 2);
}
END_TEST

START_TEST(discard_makes_holes_if_it_is_asked_for)
{
    uint8_t data[SECTOR], zeros[SECTOR] = { 0 };
    GStatBuf before, after;
    BlockNode *node;

    image_make(IMAGE);
    node = opened((BlockOptions){ .discard = "ignore" });
    ck_assert_int_eq(node_discard(node, 0, IMAGE), 0);
    block_close(node);
    image_matches(IMAGE);
    node = opened((BlockOptions){ .discard = "unmap" });
    node_flush(node);
    ck_assert_int_eq(g_stat(fx.image, &before), 0);
    ck_assert_int_eq(node_discard(node, CLUSTER, 4 * CLUSTER), 0);
    node_flush(node);
    ck_assert_int_eq(g_stat(fx.image, &after), 0);
    ck_assert_int_eq(after.st_size, IMAGE);
    node_matches(node, 0, CLUSTER);
    node_matches(node, 5 * CLUSTER, IMAGE - 5 * CLUSTER);
    ck_assert_int_eq(node_read(node, 2 * CLUSTER, data, SECTOR), 0);
    if (after.st_blocks < before.st_blocks) { /* where the file system can */
        ck_assert_mem_eq(data, zeros, SECTOR);
    }
    block_close(node);
}
END_TEST

/* ---- Completions ---- */

static void take_lock(void *opaque)
{
    (void)opaque;
    fx.locked++;
}

static void drop_lock(void *opaque)
{
    (void)opaque;
    fx.locked--;
}

static void done_checks_lock(void *opaque, int error)
{
    fx.unlocked |= fx.locked == 0;
    done(opaque, error);
}

START_TEST(completions_run_in_the_main_context_under_the_lock)
{
    GMainContext *context = g_main_context_new();
    const BlockExecutor executor = { .context = context, .lock = take_lock, .unlock = drop_lock };
    uint8_t data[4][SECTOR];
    struct iovec iov[4];
    BlockNode *node;

    image_make(IMAGE);
    node = opened((BlockOptions){ 0 });
    block_set_executor(node, &executor);
    for (unsigned i = 0; i < 4; i++) {
        iov[i] = (struct iovec){ data[i], SECTOR };
        block_read(node, i * SECTOR, &iov[i], 1, done_checks_lock, NULL);
    }
    ck_assert_int_eq(fx.done, 0);
    while (fx.done < 4) {
        g_main_context_iteration(context, TRUE);
    }
    ck_assert(!fx.unlocked);
    ck_assert_int_eq(fx.locked, 0);
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_uint_eq(data[i][5], pattern(i * SECTOR + 5));
    }
    block_close(node);
    g_main_context_unref(context);
}
END_TEST

typedef struct Chain {
    BlockNode *node;
    struct iovec iov;
    uint8_t data[SECTOR];
    int left;
} Chain;

static void chain_next(void *opaque, int error)
{
    Chain *chain = opaque;

    ck_assert_int_eq(error, 0);
    if (--chain->left > 0) {
        block_read(chain->node, 0, &chain->iov, 1, chain_next, chain);
    }
}

START_TEST(draining_waits_for_what_completions_start)
{
    Chain chain = { .left = 5 };

    image_make(IMAGE);
    chain.node = opened((BlockOptions){ 0 });
    chain.iov = (struct iovec){ chain.data, SECTOR };
    block_read(chain.node, 0, &chain.iov, 1, chain_next, &chain);
    block_drain(chain.node);
    ck_assert_int_eq(chain.left, 0);
    block_close(chain.node);
}
END_TEST

START_TEST(closing_waits_for_requests_in_flight)
{
    static uint8_t data[8][CLUSTER];
    struct iovec iov[8];
    g_autofree char *image = NULL;
    BlockNode *node;
    gsize length;

    image_make(IMAGE);
    node = opened((BlockOptions){ 0 });
    for (unsigned i = 0; i < 8; i++) {
        memset(data[i], 'a' + (int)i, CLUSTER);
        iov[i] = (struct iovec){ data[i], CLUSTER };
        block_write(node, i * CLUSTER, &iov[i], 1, done, NULL);
    }
    block_close(node);
    ck_assert_int_eq(fx.done, 8);
    ck_assert(g_file_get_contents(fx.image, &image, &length, NULL));
    ck_assert_mem_eq(image, data, sizeof(data));
}
END_TEST

/* ---- Locking ---- */

START_TEST(second_writer_is_refused_in_words)
{
    BlockNode *node;

    image_make(IMAGE);
    node = opened((BlockOptions){ 0 });
    refused((BlockOptions){ 0 }, BLOCK_ERROR_LOCKED, "Failed to get \"write\" lock");
    refused((BlockOptions){ .readonly = true }, BLOCK_ERROR_LOCKED,
            "Failed to get shared \"write\" lock");
    refused((BlockOptions){ .snapshot = true }, BLOCK_ERROR_LOCKED,
            "Failed to get shared \"write\" lock");
    block_close(node);
    block_close(opened((BlockOptions){ 0 }));
}
END_TEST

START_TEST(readers_share_an_image_and_keep_writers_out)
{
    BlockNode *one, *two;

    image_make(IMAGE);
    one = opened((BlockOptions){ .readonly = true });
    two = opened((BlockOptions){ .snapshot = true });
    refused((BlockOptions){ 0 }, BLOCK_ERROR_LOCKED, "Failed to get \"write\" lock");
    block_close(one);
    refused((BlockOptions){ 0 }, BLOCK_ERROR_LOCKED, "Failed to get \"write\" lock");
    block_close(two);
    block_close(opened((BlockOptions){ 0 }));
}
END_TEST

START_TEST(another_process_is_refused_until_the_first_ends)
{
    const BlockOptions options = { .path = fx.image };
    int ready[2], status;
    BlockNode *node;
    char byte;
    pid_t pid;

    image_make(IMAGE);
    ck_assert_int_eq(pipe(ready), 0);
    pid = fork();
    if (pid == 0) {
        BlockNode *mine = block_open(&options, NULL);

        ck_assert_int_eq(write(ready[1], mine != NULL ? "y" : "n", 1), 1);
        pause();
        _exit(0);
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    ck_assert_int_eq(byte, 'y');
    refused((BlockOptions){ 0 }, BLOCK_ERROR_LOCKED, "Failed to get \"write\" lock");
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    node = opened((BlockOptions){ 0 });
    block_close(node);
    close(ready[0]);
    close(ready[1]);
}
END_TEST

/* ---- Snapshots ---- */

START_TEST(snapshot_leaves_the_image_untouched)
{
    g_autofree uint8_t *data = g_malloc(3 * CLUSTER);
    g_autofree uint8_t *back = g_malloc(3 * CLUSTER);
    BlockNode *node;

    image_make(IMAGE + 3 * SECTOR + 5);
    node = opened((BlockOptions){ .snapshot = true });
    ck_assert_uint_eq(block_size(node), IMAGE + 4 * SECTOR);
    ck_assert(!block_readonly(node));
    memset(data, 0x11, 3 * CLUSTER);
    ck_assert_int_eq(node_write(node, CLUSTER - SECTOR, data, CLUSTER + 2 * SECTOR), 0);
    ck_assert_int_eq(node_write(node, IMAGE + 3 * SECTOR, data, SECTOR), 0);
    ck_assert_int_eq(node_flush(node), 0);
    node_matches(node, 0, CLUSTER - SECTOR);
    ck_assert_int_eq(node_read(node, CLUSTER - SECTOR, back, CLUSTER + 2 * SECTOR), 0);
    ck_assert_mem_eq(back, data, CLUSTER + 2 * SECTOR);
    node_matches(node, 2 * CLUSTER + SECTOR, IMAGE + 3 * SECTOR - 2 * CLUSTER - SECTOR);
    ck_assert_int_eq(node_read(node, IMAGE + 3 * SECTOR, back, SECTOR), 0);
    ck_assert_mem_eq(back, data, SECTOR);
    block_close(node);
    image_matches(IMAGE + 3 * SECTOR + 5);
}
END_TEST

START_TEST(snapshots_of_one_image_do_not_see_each_other)
{
    uint8_t data[SECTOR] = { 1 }, back[SECTOR];
    BlockNode *one, *two;

    image_make(IMAGE);
    one = opened((BlockOptions){ .snapshot = true });
    two = opened((BlockOptions){ .snapshot = true });
    ck_assert_int_eq(node_write(one, 0, data, SECTOR), 0);
    node_matches(two, 0, IMAGE);
    ck_assert_int_eq(node_read(one, 0, back, SECTOR), 0);
    ck_assert_mem_eq(data, back, SECTOR);
    block_close(one);
    block_close(two);
}
END_TEST

/* Random writes and discards of a few requests at a time, against a copy in memory. */
static void compare_at_random(BlockNode *node, uint8_t *model, bool exact_discard)
{
    enum { ROUNDS = 150, BATCH = 4, SLOT = IMAGE / BATCH };
    static uint8_t data[BATCH][SLOT];
    g_autofree uint8_t *back = g_malloc(IMAGE);
    GRand *rand = g_rand_new_with_seed(7);

    for (int round = 0; round < ROUNDS; round++) {
        struct iovec iov[BATCH];

        for (int i = 0; i < BATCH; i++) {
            uint32_t first = (uint32_t)g_rand_int_range(rand, 0, SLOT / SECTOR);
            uint32_t size = (uint32_t)g_rand_int_range(rand, 1, 300) * SECTOR;
            uint64_t offset = (uint64_t)i * SLOT + first * SECTOR;

            size = MIN(size, SLOT - first * SECTOR);
            if (exact_discard && g_rand_int_range(rand, 0, 4) == 0) {
                uint64_t from = (offset + CLUSTER - 1) / CLUSTER * CLUSTER;
                uint64_t to = (offset + size) / CLUSTER * CLUSTER;

                block_discard(node, offset, size, done, NULL);
                if (from < to) {
                    memset(model + from, 0, to - from);
                }
                continue;
            }
            memset(data[i], g_rand_int_range(rand, 0, 256), size);
            memcpy(model + offset, data[i], size);
            iov[i] = (struct iovec){ data[i], size };
            block_write(node, offset, &iov[i], 1, done, NULL);
        }
        block_drain(node);
        ck_assert_int_eq(fx.error, 0);
    }
    ck_assert_int_eq(node_read(node, 0, back, IMAGE), 0);
    ck_assert_mem_eq(model, back, IMAGE);
    g_rand_free(rand);
}

START_TEST(random_requests_agree_with_memory)
{
    g_autofree uint8_t *model = g_malloc(IMAGE);
    BlockNode *node;

    image_make(IMAGE);
    for (unsigned i = 0; i < IMAGE; i++) {
        model[i] = pattern(i);
    }
    node = opened((BlockOptions){ .snapshot = _i == 1, .discard = "unmap", .format = "raw" });
    compare_at_random(node, model, _i == 1);
    block_close(node);
    if (_i == 1) {
        image_matches(IMAGE);
    }
}
END_TEST

/* ---- Formats ---- */

START_TEST(image_of_another_format_is_recognised_and_refused)
{
    static const struct {
        const char *name, *magic;
        unsigned at, size;
    } rows[] = {
        { "qed", "QED", 0, 4 },
        { "qcow", "QFI\xfb\0\0\0\1", 0, 8 },
        { "luks", "LUKS\xba\xbe", 0, 6 },
        { "parallels", "WithoutFreeSpace", 0, 16 },
    };
    uint8_t data[SECTOR] = { 0 };
    BlockNode *node;

    memcpy(data + rows[_i].at, rows[_i].magic, rows[_i].size);
    ck_assert(g_file_set_contents(fx.image, (char *)data, sizeof(data), NULL));
    refused((BlockOptions){ 0 }, BLOCK_ERROR_FORMAT, rows[_i].name);
    refused((BlockOptions){ .format = rows[_i].name }, BLOCK_ERROR_FORMAT, "not supported");
    node = opened((BlockOptions){ .format = "raw" });
    ck_assert_uint_eq(block_size(node), SECTOR);
    block_close(node);
}
END_TEST

START_TEST(guest_cannot_turn_a_probed_image_into_another_format)
{
    uint8_t data[SECTOR] = "QFI\xfb\0\0\0\3";
    BlockNode *node;

    image_make(IMAGE);
    node = opened((BlockOptions){ 0 });
    ck_assert_int_eq(node_write(node, 0, data, SECTOR), EPERM);
    ck_assert_int_eq(node_write(node, SECTOR, data, SECTOR), 0);
    block_close(node);
    node = opened((BlockOptions){ .format = "raw" });
    ck_assert_int_eq(node_write(node, 0, data, SECTOR), 0);
    block_close(node);
}
END_TEST

START_TEST(what_is_no_disk_is_refused_in_words)
{
    g_autofree char *missing = g_build_filename(fx.folder, "missing", NULL);

    refused((BlockOptions){ .path = missing }, BLOCK_ERROR_OPEN, "No such file");
    refused((BlockOptions){ .path = fx.folder, .readonly = true }, BLOCK_ERROR_OPEN, "directory");
    refused((BlockOptions){ .path = fx.folder }, BLOCK_ERROR_OPEN, "directory");
    refused((BlockOptions){ .path = "/dev/null" }, BLOCK_ERROR_OPEN, "neither a regular file");
    image_make(0);
    refused((BlockOptions){ 0 }, BLOCK_ERROR_SIZE, "is empty");
    image_make(SECTOR);
    refused((BlockOptions){ .format = "cheese" }, BLOCK_ERROR_FORMAT, "'cheese'");
    refused((BlockOptions){ .cache = "cheese" }, BLOCK_ERROR_OPEN, "'cheese'");
    refused((BlockOptions){ .discard = "cheese" }, BLOCK_ERROR_OPEN, "'cheese'");
    g_unlink(fx.image);
    ck_assert_int_eq(mkfifo(fx.image, 0600), 0);
    refused((BlockOptions){ 0 }, BLOCK_ERROR_OPEN, "neither a regular file");
    refused((BlockOptions){ .readonly = true }, BLOCK_ERROR_OPEN, "neither a regular file");
    g_setenv("TMPDIR", missing, TRUE);
    g_unlink(fx.image);
    image_make(SECTOR);
    refused((BlockOptions){ .snapshot = true }, BLOCK_ERROR_OPEN,
            "Could not create temporary overlay");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hw/block");
    TCase *tc = tcase_create("block");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, what_is_written_is_read_back_through_other_vectors);
    tcase_add_test(tc, last_sector_is_padded_with_zeros_and_grows_when_written);
    tcase_add_test(tc, request_past_the_end_fails_whole);
    tcase_add_test(tc, readonly_image_cannot_be_changed);
    tcase_add_test(tc, flush_reaches_stable_storage_unless_told_otherwise);
    tcase_add_test(tc, discard_makes_holes_if_it_is_asked_for);
    tcase_add_test(tc, completions_run_in_the_main_context_under_the_lock);
    tcase_add_test(tc, draining_waits_for_what_completions_start);
    tcase_add_test(tc, closing_waits_for_requests_in_flight);
    tcase_add_test(tc, second_writer_is_refused_in_words);
    tcase_add_test(tc, readers_share_an_image_and_keep_writers_out);
    tcase_add_test(tc, another_process_is_refused_until_the_first_ends);
    tcase_add_test(tc, snapshot_leaves_the_image_untouched);
    tcase_add_test(tc, snapshots_of_one_image_do_not_see_each_other);
    tcase_add_loop_test(tc, random_requests_agree_with_memory, 0, 2);
    tcase_add_loop_test(tc, image_of_another_format_is_recognised_and_refused, 0, 4);
    tcase_add_test(tc, guest_cannot_turn_a_probed_image_into_another_format);
    tcase_add_test(tc, what_is_no_disk_is_refused_in_words);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
