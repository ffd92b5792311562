/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_qcow2.c - images of every shape against a flat copy in memory; what a crash leaves; what a
 * damaged header does. */
#include "hw/block/image.h"

#include <check.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECTOR = 512, SIZE = 3 << 20, BASE_SIZE = (1 << 20) + 7 * SECTOR };

static struct {
    char *folder, *image, *base;
    BlockGraph *graph;
    BlockLayer *layer;
    uint8_t *model;
    GRand *rand;
} fx;

static const struct {
    const char *words;
    BlockCreate create;
    bool backing;
} shapes[] = {
    { "version 2", { .compat_v2 = true }, false },
    { "version 2 with a backing file", { .compat_v2 = true, .cluster_size = 4096 }, true },
    { "version 3", { 0 }, false },
    { "version 3 with a backing file", { 0 }, true },
    { "clusters of 512 bytes, 64-bit refcounts",
      { .cluster_size = 512, .refcount_bits = 64 },
      true },
    { "clusters of 2 MiB, 1-bit refcounts",
      { .cluster_size = 2 << 20, .refcount_bits = 1 },
      false },
    { "2-bit refcounts", { .cluster_size = 4096, .refcount_bits = 2 }, true },
    { "4-bit refcounts", { .cluster_size = 1024, .refcount_bits = 4 }, false },
    { "8-bit refcounts, zstd", { .cluster_size = 8192, .refcount_bits = 8, .zstd = true }, true },
    { "32-bit refcounts, lazy",
      { .cluster_size = 65536, .refcount_bits = 32, .lazy_refcounts = true },
      false },
    { "extended L2", { .cluster_size = 65536, .extended_l2 = true }, true },
    { "extended L2, 16 KiB", { .cluster_size = 16384, .extended_l2 = true }, false },
    { "metadata allocated ahead", { .preallocation = BLOCK_PREALLOC_METADATA }, false },
    { "all allocated ahead",
      { .preallocation = BLOCK_PREALLOC_FULL, .cluster_size = 4096 },
      false },
    { "a data file", { .data_file = "data" }, false },
    { "a raw data file", { .data_file = "data", .data_file_raw = true }, false },
};

static void setup(void)
{
    memset(&fx, 0, sizeof(fx));
    if (access("/dev/shm", W_OK) == 0) { /* what is killed is a process, not the host */
        g_setenv("TMPDIR", "/dev/shm", TRUE);
    }
    fx.folder = g_dir_make_tmp("doppel-qcow2-XXXXXX", NULL);
    fx.image = g_build_filename(fx.folder, "image", NULL);
    fx.base = g_build_filename(fx.folder, "base", NULL);
    fx.graph = block_graph_new();
    fx.model = g_malloc0(SIZE);
    fx.rand = g_rand_new_with_seed(20261128);
}

static void teardown(void)
{
    g_autofree char *data = g_build_filename(fx.folder, "data", NULL);

    layer_unref(fx.layer);
    block_graph_free(fx.graph);
    g_unlink(fx.image);
    g_unlink(fx.base);
    g_unlink(data);
    ck_assert_int_eq(g_rmdir(fx.folder), 0);
    g_rand_free(fx.rand);
    g_free(fx.model);
    g_free(fx.image);
    g_free(fx.base);
    g_free(fx.folder);
}

/* ---- Helpers ---- */

static void image_open(unsigned flags)
{
    g_autoptr(GError) error = NULL;

    fx.layer = layer_open_file(fx.graph, fx.image, "qcow2", flags | BLOCK_UNMAP, &error);
    ck_assert_msg(fx.layer != NULL, "%s", error != NULL ? error->message : "");
}

static void image_reopen(void)
{
    layer_unref(fx.layer);
    image_open(0);
}

static void base_make(void)
{
    g_autofree uint8_t *data = g_malloc(BASE_SIZE);

    for (int i = 0; i < BASE_SIZE; i++) {
        data[i] = (uint8_t)(i * 7 + i / SECTOR + i / 65536);
    }
    ck_assert(g_file_set_contents(fx.base, (char *)data, BASE_SIZE, NULL));
    memcpy(fx.model, data, BASE_SIZE);
}

static void image_make(const BlockCreate *shape, bool backing)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *data = g_build_filename(fx.folder, "data", NULL);
    BlockCreate create = *shape;

    create.size = SIZE;
    create.data_file = create.data_file != NULL ? data : NULL;
    if (backing) {
        base_make();
        create.backing_file = "base";
        create.backing_format = "raw";
    }
    ck_assert_msg(image_create(fx.graph, fx.image, "qcow2", &create, &error), "%s",
                  error != NULL ? error->message : "");
    image_open(0);
}

static void image_matches(void)
{
    g_autofree uint8_t *back = g_malloc(SIZE);

    ck_assert_int_eq(layer_pread(fx.layer, 0, back, SIZE), 0);
    for (int i = 0; i < SIZE; i += SECTOR) {
        if (memcmp(back + i, fx.model + i, SECTOR) != 0) {
            ck_abort_msg("sector at 0x%x: %02x, not %02x", i, back[i], fx.model[i]);
        }
    }
}

static void print_line(void *opaque, const char *line)
{
    (void)opaque;
    fprintf(stderr, "%s\n", line);
}

static void image_is_clean(bool leaks_allowed)
{
    BlockCheck result = { .report = print_line };
    g_autoptr(GError) error = NULL;

    ck_assert_msg(image_check(fx.layer, 0, &result, &error), "%s", error ? error->message : "");
    ck_assert_uint_eq(result.corruptions, 0);
    ck_assert_uint_eq(result.check_errors, 0);
    ck_assert(leaks_allowed || result.leaks == 0);
}

static void range_random(uint64_t *offset, uint64_t *size)
{
    uint32_t most = g_rand_int_range(fx.rand, 0, 8) == 0 ? 1000 : 40;

    *offset = (uint64_t)g_rand_int_range(fx.rand, 0, SIZE / SECTOR) * SECTOR;
    *size = (uint64_t)g_rand_int_range(fx.rand, 1, (gint32)most) * SECTOR;
    if (g_rand_int_range(fx.rand, 0, 4) == 0) { /* whole clusters, often */
        *offset &= ~65535ull;
        *size = (*size + 65535) & ~65535ull;
    }
    *size = MIN(*size, SIZE - *offset);
}

static void step_write(uint64_t offset, uint64_t size)
{
    for (uint64_t i = 0; i < size; i += 4) {
        uint32_t word = g_rand_int(fx.rand);

        memcpy(fx.model + offset + i, &word, 4);
    }
    ck_assert_int_eq(layer_pwrite(fx.layer, offset, fx.model + offset, size), 0);
}

static void step_zero(uint64_t offset, uint64_t size, bool unmap)
{
    memset(fx.model + offset, 0, size);
    ck_assert_int_eq(layer_write_zeroes(fx.layer, offset, size, unmap), 0);
}

/* What a discarded range reads as is the image's affair: zeros or as before, by clusters. */
static void step_discard(uint64_t offset, uint64_t size)
{
    g_autofree uint8_t *back = g_malloc(size);

    ck_assert_int_eq(layer_discard(fx.layer, offset, size), 0);
    ck_assert_int_eq(layer_pread(fx.layer, offset, back, size), 0);
    for (uint64_t i = 0; i < size; i += SECTOR) {
        static const uint8_t zeros[SECTOR];

        ck_assert(memcmp(back + i, zeros, SECTOR) == 0 ||
                  memcmp(back + i, fx.model + offset + i, SECTOR) == 0);
    }
    memcpy(fx.model + offset, back, size);
}

static void step_compressed(uint64_t offset)
{
    uint32_t cluster = image_cluster_size(fx.layer);
    uint64_t at = offset / cluster * cluster, size = MIN(cluster, SIZE - at);
    int failed;

    for (uint64_t i = 0; i < size; i++) {
        fx.model[at + i] = (uint8_t)(i % 64 + offset / SECTOR);
    }
    failed = layer_write_compressed(fx.layer, at, fx.model + at, size);
    if (failed == ENOTSUP) {
        failed = layer_pwrite(fx.layer, at, fx.model + at, size);
    }
    ck_assert_int_eq(failed, 0);
}

static void step_random(void)
{
    uint64_t offset, size;

    range_random(&offset, &size);
    switch (g_rand_int_range(fx.rand, 0, 12)) {
    case 0:
        step_zero(offset, size, true);
        break;
    case 1:
        step_zero(offset, size, false);
        break;
    case 2:
        step_discard(offset, size);
        break;
    case 3:
        step_compressed(offset);
        break;
    case 4:
        ck_assert_int_eq(layer_flush(fx.layer), 0);
        break;
    default:
        step_write(offset, size);
    }
}

/* ---- Contents ---- */

START_TEST(random_requests_agree_with_memory)
{
    image_make(&shapes[_i].create, shapes[_i].backing);
    image_matches();
    for (int round = 0; round < 6; round++) {
        for (int i = 0; i < 100; i++) {
            step_random();
        }
        image_matches();
        image_reopen();
        image_matches();
        image_is_clean(false);
    }
}
END_TEST

/* Snapshots keep what was there; going back brings it again. */
START_TEST(snapshots_come_back_as_they_were)
{
    enum { SNAPSHOTS = 3 };
    uint8_t *kept[SNAPSHOTS];
    const char *names[SNAPSHOTS] = { "one", "two", "three" };

    image_make(&shapes[_i].create, shapes[_i].backing);
    for (int n = 0; n < SNAPSHOTS; n++) {
        const BlockSnapshot snapshot = { .name = (char *)names[n], .date_s = 1000 };
        g_autoptr(GError) error = NULL;

        for (int i = 0; i < 40; i++) {
            step_random();
        }
        kept[n] = g_memdup2(fx.model, SIZE);
        ck_assert_msg(block_snapshot_create(fx.layer, &snapshot, &error), "%s",
                      error != NULL ? error->message : "");
        image_is_clean(false);
    }
    for (int i = 0; i < 40; i++) {
        step_random();
    }
    image_matches();
    image_reopen();
    image_matches();
    for (int n = 0; n < SNAPSHOTS; n++) {
        ck_assert(block_snapshot_apply(fx.layer, names[n], NULL));
        memcpy(fx.model, kept[n], SIZE);
        image_matches();
        image_is_clean(false);
        for (int i = 0; i < 20; i++) {
            step_random();
        }
        image_matches();
        ck_assert(block_snapshot_delete(fx.layer, names[n], NULL));
        image_matches();
        image_is_clean(false);
        g_free(kept[n]);
    }
    image_reopen();
    image_matches();
}
END_TEST

START_TEST(growing_shows_zeros_and_shrinking_forgets)
{
    image_make(&shapes[_i].create, shapes[_i].backing);
    step_write(0, SIZE);
    ck_assert(layer_resize(fx.layer, SIZE - 100 * SECTOR, BLOCK_PREALLOC_OFF, NULL));
    image_is_clean(false);
    ck_assert(layer_resize(fx.layer, SIZE, BLOCK_PREALLOC_OFF, NULL));
    memset(fx.model + SIZE - 100 * SECTOR, 0, 100 * SECTOR);
    image_matches();
    image_is_clean(false);
}
END_TEST

/* ---- Several at once ---- */

typedef struct Worker {
    GThread *thread;
    unsigned n;
    int error;
} Worker;

enum { WORKERS = 4 };

/* Each has the sectors n, n + 4, n + 8 ...: clusters are shared by all. */
static gpointer worker_run(gpointer data)
{
    Worker *worker = data;
    GRand *rand = g_rand_new_with_seed(worker->n);

    for (int i = 0; i < 400 && worker->error == 0; i++) {
        uint64_t sector = (uint64_t)g_rand_int_range(rand, 0, SIZE / SECTOR / WORKERS) * WORKERS +
                          worker->n;
        uint8_t *data_at = fx.model + sector * SECTOR;

        memset(data_at, g_rand_int_range(rand, 1, 256), SECTOR);
        worker->error = i % 50 == 49 ? layer_flush(fx.layer)
                                     : layer_pwrite(fx.layer, sector * SECTOR, data_at, SECTOR);
        if (i % 50 == 49) {
            worker->error = layer_pwrite(fx.layer, sector * SECTOR, data_at, SECTOR);
        }
    }
    g_rand_free(rand);
    return NULL;
}

START_TEST(requests_of_several_threads_do_not_disturb_each_other)
{
    Worker workers[WORKERS] = { 0 };

    image_make(&shapes[_i].create, shapes[_i].backing);
    for (unsigned n = 0; n < WORKERS; n++) {
        workers[n].n = n;
        workers[n].thread = g_thread_new("worker", worker_run, &workers[n]);
    }
    for (unsigned n = 0; n < WORKERS; n++) {
        g_thread_join(workers[n].thread);
        ck_assert_int_eq(workers[n].error, 0);
    }
    image_matches();
    image_reopen();
    image_matches();
    image_is_clean(false);
}
END_TEST

/* ---- Killed ---- */

static void kill_child(int progress)
{
    uint32_t round = 0;

    image_open(0);
    for (;;) { /* each round writes its number everywhere, then flushes, then says so */
        round++;
        for (uint64_t at = 0; at < SIZE; at += 16 * SECTOR) {
            uint32_t words[SECTOR / 4];

            for (int i = 0; i < SECTOR / 4; i++) {
                words[i] = round;
            }
            if (layer_pwrite(fx.layer, at, words, SECTOR) != 0) {
                _exit(1);
            }
        }
        if (layer_flush(fx.layer) != 0 || write(progress, &round, 4) != 4) {
            _exit(1);
        }
        if (round % 3 == 0 && layer_discard(fx.layer, 0, SIZE / 4) != 0) {
            _exit(1);
        }
    }
}

START_TEST(killed_at_any_moment_nothing_flushed_is_lost)
{
    uint32_t flushed = 0, round;
    int progress[2];
    pid_t pid;

    image_make(&(BlockCreate){ .cluster_size = 4096 }, false);
    layer_unref(g_steal_pointer(&fx.layer));
    ck_assert_int_eq(pipe(progress), 0);
    pid = fork();
    if (pid == 0) {
        close(progress[0]);
        kill_child(progress[1]);
    }
    close(progress[1]);
    ck_assert_int_eq(read(progress[0], &flushed, 4), 4);
    g_usleep((gulong)(_i * 1700));
    kill(pid, SIGKILL);
    while (read(progress[0], &round, 4) == 4) {
        flushed = round;
    }
    close(progress[0]);
    waitpid(pid, NULL, 0);
    image_open(0);
    image_is_clean(true);
    for (uint64_t at = SIZE / 4; at < SIZE; at += 16 * SECTOR) {
        uint32_t word;

        ck_assert_int_eq(layer_pread(fx.layer, at, &word, 4), 0);
        ck_assert_uint_ge(word, flushed);
    }
}
END_TEST

/* ---- Damage ---- */

/* Bytes of a good image are changed at random: what comes of it is an error or wrong data, in
 * bounded time and memory, and a repair that ends. */
START_TEST(damaged_images_are_harmless)
{
    g_autofree char *good = NULL;
    gsize length;
    const BlockSnapshot snapshot = { .name = (char *)"s" };

    image_make(&shapes[_i].create, false);
    step_write(0, 64 * SECTOR);
    step_compressed(1 << 20);
    if (shapes[_i].create.data_file == NULL) {
        ck_assert(block_snapshot_create(fx.layer, &snapshot, NULL) ||
                  shapes[_i].create.refcount_bits == 1);
    }
    step_write(0, 8 * SECTOR);
    layer_unref(g_steal_pointer(&fx.layer));
    ck_assert(g_file_get_contents(fx.image, &good, &length, NULL));
    for (int round = 0; round < 60; round++) {
        g_autofree char *bad = g_memdup2(good, length);
        BlockCheck result = { 0 };
        uint8_t data[SECTOR * 16];

        for (int i = 0; i < 1 + round / 10; i++) {
            gint32 most = round % 3 == 0 ? 120 : (gint32)length;

            bad[g_rand_int_range(fx.rand, 4, most)] = (char)g_rand_int(fx.rand);
        }
        ck_assert(g_file_set_contents(fx.image, bad, (gssize)length, NULL));
        fx.layer = layer_open_file(fx.graph, fx.image, "qcow2", BLOCK_CHECKING, NULL);
        if (fx.layer == NULL) {
            continue;
        }
        layer_pread(fx.layer, 0, data, sizeof(data));
        layer_pread(fx.layer, 1 << 20, data, sizeof(data));
        image_check(fx.layer, round % 2 ? BLOCK_FIX_LEAKS | BLOCK_FIX_ERRORS : 0, &result, NULL);
        layer_pwrite(fx.layer, 128 * SECTOR, data, sizeof(data));
        layer_unref(g_steal_pointer(&fx.layer));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hw/qcow2");
    TCase *tc = tcase_create("qcow2");
    SRunner *runner = srunner_create(suite);
    int shapes_n = G_N_ELEMENTS(shapes), failed;

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, random_requests_agree_with_memory, 0, shapes_n);
    tcase_add_loop_test(tc, snapshots_come_back_as_they_were, 8, 12);
    tcase_add_loop_test(tc, growing_shows_zeros_and_shrinking_forgets, 0, 13);
    tcase_add_loop_test(tc, requests_of_several_threads_do_not_disturb_each_other, 0, shapes_n);
    tcase_add_loop_test(tc, killed_at_any_moment_nothing_flushed_is_lost, 0, 20);
    tcase_add_loop_test(tc, damaged_images_are_harmless, 0, shapes_n);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
