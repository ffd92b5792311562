/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_throttle.c - buckets by a clock of the test's own; disks that wait; the filters. */
#include "hw/block/blockdev.h"
#include "hw/block/image.h"
#include "hw/block/throttle.h"

#include <check.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SECOND = 1000000, UNTIL_S = 60 };

static ThrottleConfig config_of(const char *words)
{
    g_auto(GStrv) pairs = g_strsplit(words, " ", -1);
    ThrottleConfig config = { 0 };

    for (char **pair = pairs; *pair != NULL && **pair != '\0'; pair++) {
        char *value = strchr(*pair, '=');

        *value++ = '\0';
        ck_assert_msg(throttle_config_set(&config, *pair, strtoull(value, NULL, 10)), "%s", *pair);
    }
    return config;
}

/* ---- What may be asked for ---- */

static const struct {
    const char *words, *message; /* NULL: good */
} configs[] = {
    { "bps-total=1000 iops-read=3 iops-write=5", NULL },
    { "bps-total=1 bps-total-max=2 bps-total-max-length=3", NULL },
    { "bps-total=1000 bps-read=1", "bps/iops/max total values and read/write values cannot be used "
                                   "at the same time" },
    { "bps-total-max=5", "bps_max/iops_max require corresponding bps/iops values" },
    { "iops-read=9 iops-read-max=5", "bps_max/iops_max cannot be lower than bps/iops" },
    { "iops-read=9 iops-read-max-length=5", "burst length set without burst rate" },
    { "bps-total=9 iops-size=5", "iops size requires an iops value to be set" },
    { "bps-total=1000000000000001", "bps/iops/max values must be within [0, 1000000000000000]" },
};

START_TEST(limits_are_checked)
{
    ThrottleConfig config = config_of(configs[_i].words);
    g_autoptr(GError) error = NULL;

    ck_assert(throttle_config_check(&config, &error) == (configs[_i].message == NULL));
    if (error != NULL) {
        ck_assert_str_eq(error->message, configs[_i].message);
    }
}
END_TEST

START_TEST(old_words_have_new_ones)
{
    static const char *const words[][2] = {
        { "bps", "bps-total" },       { "bps_rd", "bps-read" },
        { "iops_wr", "iops-write" },  { "iops_max", "iops-total-max" },
        { "iops_size", "iops-size" }, { "bps_wr_max_length", "bps-write-max-length" },
        { "bps_nonsense", NULL },     { "file", NULL },
    };
    ThrottleConfig config;

    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        g_autofree char *key = throttle_key_of_old(words[i][0]);

        ck_assert_msg(g_strcmp0(key, words[i][1]) == 0, "%s", words[i][0]);
    }
    ck_assert(!throttle_config_set(&config, "bps-total-min", 1));
}
END_TEST

/* ---- Buckets ---- */

/* Units that pass in so many seconds, by requests of `size`. */
static uint64_t pass(const char *words, bool write, uint64_t size, unsigned seconds)
{
    ThrottleConfig config = config_of(words);
    Throttle *throttle = throttle_new("t", &config);
    int64_t start = g_get_monotonic_time(), now = start, wait;
    uint64_t passed = 0;

    while (now < start + (int64_t)seconds * SECOND) {
        wait = throttle_ask(throttle, write, size, now);
        passed += wait == 0 ? size : 0;
        now += wait;
    }
    throttle_unref(throttle);
    return passed;
}

static void near(uint64_t value, uint64_t wanted)
{
    ck_assert_msg(value >= wanted - wanted / 20 && value <= wanted + wanted / 5,
                  "%" G_GUINT64_FORMAT " and not %" G_GUINT64_FORMAT, value, wanted);
}

START_TEST(averages_are_kept)
{
    near(pass("bps-total=1000000", true, 4096, 10), 10 * 1000000);
    near(pass("bps-read=1000000 bps-write=5000000", true, 65536, 10), 10 * 5000000);
    near(pass("bps-read=1000000 bps-write=5000000", false, 4096, 10), 10 * 1000000);
    near(pass("iops-total=100", false, 512, 10), 10 * 100 * 512);
    near(pass("iops-total=100 iops-size=4096", false, 8192, 10), 10 * 50 * 8192);
    /* One request may be longer than what passes in a second. */
    near(pass("bps-total=1000", true, 4096, 100), 25 * 4096);
}
END_TEST

START_TEST(bursts_end)
{
    /* 10 times the average for 2 seconds, then the average. */
    near(pass("bps-total=100000 bps-total-max=1000000 bps-total-max-length=2", true, 1000, 2),
         2000000);
    near(pass("bps-total=100000 bps-total-max=1000000 bps-total-max-length=2", true, 1000, 12),
         2000000 + 11 * 100000);
}
END_TEST

/* ---- Disks ---- */

static unsigned finished;

static void done(void *opaque, int error)
{
    (void)opaque;
    ck_assert_int_eq(error, 0);
    finished++;
}

static BlockNode *disk_open(BlockGraph *graph, const char *id, const char *group, const char *words)
{
    ThrottleConfig config = config_of(words);
    const BlockOptions options = { .graph = graph,
                                   .path = "null-co://",
                                   .format = "raw",
                                   .id = id,
                                   .throttle = &config,
                                   .throttle_group = group };
    BlockNode *node = block_open(&options, NULL);

    ck_assert_ptr_nonnull(node);
    return node;
}

/* Time that so many requests of 4 KiB take. */
static int64_t disk_time(BlockNode *node, BlockNode *other, unsigned n, bool write)
{
    static uint8_t data[4096];
    const struct iovec iov = { data, sizeof(data) };
    int64_t start = g_get_monotonic_time();

    finished = 0;
    for (unsigned i = 0; i < n; i++) {
        BlockNode *which = other != NULL && i % 2 ? other : node;

        if (write) {
            block_write(which, 0, &iov, 1, done, NULL);
        } else {
            block_read(which, 0, &iov, 1, done, NULL);
        }
    }
    while (finished < n) {
        g_main_context_iteration(NULL, TRUE);
    }
    return g_get_monotonic_time() - start;
}

START_TEST(a_disk_waits)
{
    BlockGraph *graph = block_graph_new();
    BlockNode *node = disk_open(graph, "a", NULL, "iops-write=100");
    ThrottleConfig off = { 0 };

    ck_assert_int_ge(disk_time(node, NULL, 40, true), 250000); /* 10 at once, 30 in 0.3 s */
    ck_assert_int_lt(disk_time(node, NULL, 40, false), 250000 * 10);
    ck_assert_str_eq(throttle_name(block_throttle(node)), "a");
    ck_assert(block_set_throttle(node, NULL, &off, NULL));
    ck_assert_ptr_null(block_throttle(node));
    block_close(node);
    block_graph_free(graph);
}
END_TEST

START_TEST(a_group_shares)
{
    BlockGraph *graph = block_graph_new();
    BlockNode *one = disk_open(graph, "a", "g", "iops-total=100");
    BlockNode *two = disk_open(graph, "b", "g", "");

    ck_assert_ptr_eq(block_throttle(one), block_throttle(two));
    ck_assert_int_ge(disk_time(one, two, 40, true), 250000);
    block_close(one);
    block_close(two);
    block_graph_free(graph);
}
END_TEST

/* A year's worth of requests does not keep a machine from being reset or ended. */
START_TEST(draining_does_not_wait)
{
    BlockGraph *graph = block_graph_new();
    BlockNode *node = disk_open(graph, "a", NULL, "bps-total=1");
    static uint8_t data[4096];
    const struct iovec iov = { data, sizeof(data) };
    int64_t start = g_get_monotonic_time();

    finished = 0;
    for (unsigned i = 0; i < 100; i++) {
        block_read(node, 0, &iov, 1, done, NULL);
    }
    block_drain(node);
    ck_assert_uint_eq(finished, 100);
    for (unsigned i = 0; i < 100; i++) {
        block_read(node, 0, &iov, 1, done, NULL);
    }
    block_close(node);
    ck_assert_uint_eq(finished, 200);
    ck_assert_int_lt(g_get_monotonic_time() - start, UNTIL_S * SECOND);
    block_graph_free(graph);
}
END_TEST

/* ---- Filters ---- */

static JsonObject *tree(const char *text)
{
    JsonObject *object = block_json_parse(text, NULL);

    ck_assert_ptr_nonnull(object);
    return object;
}

START_TEST(the_throttle_filter_names_a_group)
{
    BlockGraph *graph = block_graph_new();
    ThrottleConfig config = config_of("iops-read=100");
    Throttle *throttle = throttle_new("g", &config);
    g_autoptr(GError) error = NULL;
    BlockLayer *layer;
    uint8_t data[512];
    int64_t start;

    ck_assert_ptr_null(layer_open(
        graph, tree("{'driver':'throttle','throttle-group':'h','file':{'driver':'null-co'}}"), 0,
        &error));
    block_graph_add_throttle(graph, throttle);
    throttle_unref(throttle);
    layer = layer_open(
        graph, tree("{'driver':'throttle','throttle-group':'g','file':{'driver':'null-co'}}"), 0,
        NULL);
    ck_assert_ptr_nonnull(layer);
    start = g_get_monotonic_time();
    for (unsigned i = 0; i < 40; i++) {
        ck_assert_int_eq(layer_pread(layer, 0, data, sizeof(data)), 0);
    }
    ck_assert_int_ge(g_get_monotonic_time() - start, 250000);
    layer_unref(layer);
    block_graph_free(graph);
}
END_TEST

START_TEST(the_copy_filter_keeps_what_is_read)
{
    g_autofree char *folder = g_dir_make_tmp("doppel-copy-XXXXXX", NULL);
    g_autofree char *base = g_build_filename(folder, "base", NULL);
    g_autofree char *top = g_build_filename(folder, "top", NULL);
    const BlockCreate below = { .size = 1 << 20 };
    const BlockCreate above = { .size = 1 << 20, .backing_file = base, .backing_format = "raw" };
    BlockGraph *graph = block_graph_new();
    g_autofree char *text = g_strdup_printf("{'driver':'copy-on-read','file':{'driver':'qcow2',"
                                            "'node-name':'q','file':{'driver':'file',"
                                            "'filename':'%s'}}}",
                                            top);
    BlockExtent extent;
    BlockLayer *layer;
    uint8_t data[512];

    ck_assert(image_create(graph, base, "raw", &below, NULL));
    ck_assert(image_create(graph, top, "qcow2", &above, NULL));
    layer = layer_open(graph, tree(text), 0, NULL);
    ck_assert_ptr_nonnull(layer);
    ck_assert_int_eq(layer_extent(layer, 0, 512, &extent), 0);
    ck_assert(!extent.allocated);
    ck_assert_int_eq(layer_pread(layer, 0, data, sizeof(data)), 0);
    ck_assert_int_eq(layer_extent(layer, 0, 512, &extent), 0);
    ck_assert(extent.allocated);
    layer_unref(layer);
    block_graph_free(graph);
    g_unlink(base);
    g_unlink(top);
    g_rmdir(folder);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hw/throttle");
    TCase *tc = tcase_create("throttle");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, limits_are_checked, 0, G_N_ELEMENTS(configs));
    tcase_add_test(tc, old_words_have_new_ones);
    tcase_add_test(tc, averages_are_kept);
    tcase_add_test(tc, bursts_end);
    tcase_add_test(tc, a_disk_waits);
    tcase_add_test(tc, a_group_shares);
    tcase_add_test(tc, draining_does_not_wait);
    tcase_add_test(tc, the_throttle_filter_names_a_group);
    tcase_add_test(tc, the_copy_filter_keeps_what_is_read);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
