/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_job.c - commit, stream, mirror and backup beside a guest that writes, against a flat copy in
 * memory; overlays; what waits for a host that is full. */
#include "hw/block/blockdev.h"
#include "hw/block/image.h"
#include "hw/block/job.h"

#include <check.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { SECTOR = 512, SIZE = 4 << 20, UNTIL_S = 60 };

static struct {
    char *folder;
    BlockGraph *graph;
    BlockJobs *jobs;
    BlockNode *node;
    uint8_t *model;
    GRand *rand;
    GPtrArray *events; /* of char * */
    int error;
    unsigned failures;
    bool stopped;
} fx;

static char *path(const char *name)
{
    return g_build_filename(fx.folder, name, NULL);
}

static void event(void *opaque, const char *name, JsonObject *data)
{
    (void)opaque;
    g_ptr_array_add(fx.events, g_strcmp0(name, "JOB_STATUS_CHANGE") == 0
                                   ? g_strdup(json_object_get_string_member(data, "status"))
                                   : g_strdup(name));
    json_object_unref(data);
}

static bool told(const char *name)
{
    for (guint i = 0; i < fx.events->len; i++) {
        if (strcmp(g_ptr_array_index(fx.events, i), name) == 0) {
            return true;
        }
    }
    return false;
}

static void failed(void *opaque, BlockNode *node, bool write, int error, bool stops)
{
    (void)opaque, (void)node, (void)write, (void)error;
    fx.failures++;
    fx.stopped |= stops;
}

static void node_open(BlockOptions options)
{
    const BlockExecutor executor = { .failed = failed };
    g_autoptr(GError) error = NULL;

    options.graph = fx.graph;
    options.id = "disk";
    fx.node = block_open(&options, &error);
    ck_assert_msg(fx.node != NULL, "%s", error != NULL ? error->message : "");
    block_set_executor(fx.node, &executor);
}

static void setup(void)
{
    const BlockJobsHost host = { .event = event };

    memset(&fx, 0, sizeof(fx));
    fx.folder = g_dir_make_tmp("doppel-job-XXXXXX", NULL);
    fx.graph = block_graph_new();
    fx.jobs = block_jobs_new(fx.graph, &host);
    fx.model = g_malloc0(SIZE);
    fx.rand = g_rand_new_with_seed(11);
    fx.events = g_ptr_array_new_with_free_func(g_free);
}

static void teardown(void)
{
    GDir *dir;
    const char *name;

    block_jobs_free(fx.jobs);
    block_close(fx.node);
    block_graph_free(fx.graph);
    dir = g_dir_open(fx.folder, 0, NULL);
    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *file = path(name);

        g_unlink(file);
    }
    g_dir_close(dir);
    g_rmdir(fx.folder);
    g_ptr_array_unref(fx.events);
    g_rand_free(fx.rand);
    g_free(fx.model);
    g_free(fx.folder);
}

/* ---- The guest ---- */

static void done(void *opaque, int error)
{
    (void)opaque;
    fx.error = error;
}

static void guest_write(void)
{
    uint64_t offset = (uint64_t)g_rand_int_range(fx.rand, 0, SIZE / SECTOR) * SECTOR;
    uint64_t most = (uint64_t)g_rand_int_range(fx.rand, 1, 300) * SECTOR;
    uint64_t size = MIN(most, SIZE - offset);
    struct iovec iov = { fx.model + offset, size };

    memset(fx.model + offset, g_rand_int_range(fx.rand, 0, 256), size);
    block_write(fx.node, offset, &iov, 1, done, NULL);
    block_drain(fx.node);
    ck_assert_int_eq(fx.error, 0);
}

static void guest_writes(int n)
{
    for (int i = 0; i < n; i++) {
        guest_write();
    }
}

static void guest_sees_model(void)
{
    g_autofree uint8_t *data = g_malloc(SIZE);
    struct iovec iov = { data, SIZE };

    block_read(fx.node, 0, &iov, 1, done, NULL);
    block_drain(fx.node);
    ck_assert_int_eq(fx.error, 0);
    for (int i = 0; i < SIZE; i += SECTOR) {
        if (memcmp(data + i, fx.model + i, SECTOR) != 0) {
            ck_abort_msg("sector at 0x%x", i);
        }
    }
}

static void file_is(const char *name, const char *format, const uint8_t *model)
{
    g_autofree char *file = path(name);
    g_autofree uint8_t *data = g_malloc(SIZE);
    BlockGraph *graph = block_graph_new();
    g_autoptr(GError) error = NULL;
    BlockLayer *layer = layer_open_file(graph, file, format, BLOCK_READONLY | BLOCK_SHARE, &error);

    ck_assert_msg(layer != NULL, "%s", error != NULL ? error->message : "");
    ck_assert_int_eq(layer_pread(layer, 0, data, SIZE), 0);
    ck_assert_mem_eq(data, model, SIZE);
    layer_unref(layer);
    block_graph_free(graph);
}

static void disk_make(const char *name, const char *format)
{
    const BlockCreate create = { .size = SIZE };
    g_autofree char *file = path(name);

    ck_assert(image_create(fx.graph, file, format, &create, NULL));
}

/* A chain base <- one <- two, each with changes. */
static void chain_make(void)
{
    g_autofree char *base = path("base"), *one = path("one"), *two = path("two");

    disk_make("base", "qcow2");
    node_open((BlockOptions){ .path = base, .format = "qcow2" });
    guest_writes(30);
    ck_assert(block_snapshot_overlay(fx.node, one, "qcow2", NULL, false, NULL));
    guest_writes(30);
    ck_assert(block_snapshot_overlay(fx.node, two, "qcow2", "two", false, NULL));
    guest_writes(30);
    guest_sees_model();
}

/* Runs the main loop with a writing guest until the event has come. */
static void until(const char *name, bool writes)
{
    int64_t end = g_get_monotonic_time() + UNTIL_S * G_USEC_PER_SEC;

    while (!told(name) && g_get_monotonic_time() < end) {
        g_main_context_iteration(NULL, FALSE);
        if (writes) {
            guest_write();
        } else {
            g_usleep(500);
        }
    }
    ck_assert_msg(told(name), "%s does not come", name);
}

static BlockLayer *below(int depth)
{
    BlockLayer *layer = block_top(fx.node);

    while (depth-- > 0) {
        layer = layer_backing(layer);
    }
    return layer;
}

static int chain_length(void)
{
    int n = 0;

    for (BlockLayer *layer = block_top(fx.node); layer != NULL; layer = layer_backing(layer)) {
        n++;
    }
    return n;
}

static void job(JobOptions options)
{
    g_autoptr(GError) error = NULL;

    options.id = "job";
    options.node = fx.node;
    ck_assert_msg(block_job_start(fx.jobs, &options, &error), "%s", error ? error->message : "");
}

static void node_reopen(const char *name)
{
    g_autofree char *file = path(name);

    block_close(g_steal_pointer(&fx.node));
    node_open((BlockOptions){ .path = file, .format = "qcow2" });
}

/* ---- Tests ---- */

START_TEST(overlays_keep_what_was_below)
{
    g_autofree uint8_t *before = NULL;
    g_autofree char *base = path("base"), *one = path("one");

    disk_make("base", "qcow2");
    node_open((BlockOptions){ .path = base, .format = "qcow2" });
    guest_writes(20);
    before = g_memdup2(fx.model, SIZE);
    ck_assert(block_snapshot_overlay(fx.node, one, "qcow2", "over", false, NULL));
    guest_writes(20);
    guest_sees_model();
    file_is("base", "qcow2", before);
    ck_assert_int_eq(chain_length(), 2);
    node_reopen("one");
    guest_sees_model();
}
END_TEST

START_TEST(commit_of_the_middle_shortens_the_chain)
{
    chain_make();
    job((JobOptions){
        .kind = JOB_COMMIT, .source = below(1), .base = below(2), .overlay = below(0) });
    until("BLOCK_JOB_COMPLETED", true);
    guest_sees_model();
    ck_assert_int_eq(chain_length(), 2);
    node_reopen("two");
    guest_sees_model();
    ck_assert_int_eq(chain_length(), 2);
}
END_TEST

START_TEST(commit_of_the_top_follows_the_guest_and_takes_its_place)
{
    chain_make();
    job((JobOptions){ .kind = JOB_COMMIT, .source = below(0), .base = below(2) });
    until("BLOCK_JOB_READY", true);
    guest_writes(20);
    ck_assert(block_job_do(fx.jobs, "job", JOB_COMPLETE, NULL));
    until("BLOCK_JOB_COMPLETED", true);
    guest_writes(5);
    guest_sees_model();
    ck_assert_int_eq(chain_length(), 1);
    node_reopen("base");
    guest_sees_model();
}
END_TEST

START_TEST(stream_makes_the_image_stand_alone)
{
    g_autofree char *base = path("base"), *one = path("one");

    chain_make();
    job((JobOptions){ .kind = JOB_STREAM, .source = below(0), .base = _i == 0 ? NULL : below(2) });
    until("BLOCK_JOB_COMPLETED", true);
    guest_sees_model();
    ck_assert_int_eq(chain_length(), _i == 0 ? 1 : 2);
    block_close(g_steal_pointer(&fx.node));
    g_unlink(one);
    if (_i == 0) {
        g_unlink(base);
    }
    {
        g_autofree char *two = path("two");

        node_open((BlockOptions){ .path = two, .format = "qcow2" });
    }
    guest_sees_model();
}
END_TEST

/* _i == 1: cancelled when it is ready, so that the copy is left and the source goes on. */
START_TEST(mirror_is_the_disk_at_its_end)
{
    g_autofree uint8_t *then = NULL;
    g_autofree char *copy = path("copy");
    BlockLayer *target;

    chain_make();
    disk_make("copy", _i == 2 ? "raw" : "qcow2");
    target = layer_open_file(fx.graph, copy, _i == 2 ? "raw" : "qcow2", 0, NULL);
    job((JobOptions){ .kind = JOB_MIRROR, .source = below(0), .target = target });
    layer_unref(target);
    until("BLOCK_JOB_READY", true);
    guest_writes(10);
    ck_assert(block_job_do(fx.jobs, "job", _i == 1 ? JOB_CANCEL : JOB_COMPLETE, NULL));
    until("BLOCK_JOB_COMPLETED", false);
    then = g_memdup2(fx.model, SIZE);
    ck_assert_int_eq(chain_length(), _i == 1 ? 3 : 1);
    if (_i == 1) {
        guest_writes(10);
    }
    guest_sees_model();
    block_close(g_steal_pointer(&fx.node));
    file_is("copy", _i == 2 ? "raw" : "qcow2", then);
}
END_TEST

START_TEST(backup_is_the_disk_at_its_beginning)
{
    g_autofree uint8_t *before = NULL;
    g_autofree char *copy = path("copy");
    BlockLayer *target;

    chain_make();
    before = g_memdup2(fx.model, SIZE);
    disk_make("copy", "qcow2");
    target = layer_open_file(fx.graph, copy, "qcow2", 0, NULL);
    job((JobOptions){ .kind = JOB_BACKUP, .source = below(0), .target = target, .speed = 8 << 20 });
    layer_unref(target);
    until("BLOCK_JOB_COMPLETED", true);
    guest_sees_model();
    file_is("copy", "qcow2", before);
}
END_TEST

START_TEST(jobs_can_be_paused_cancelled_and_are_told_of)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *copy = path("copy");
    BlockLayer *target;

    chain_make();
    disk_make("copy", "qcow2");
    target = layer_open_file(fx.graph, copy, "qcow2", 0, NULL);
    job((JobOptions){ .kind = JOB_BACKUP, .source = below(0), .target = target, .speed = 1 << 20 });
    layer_unref(target);
    ck_assert(block_job_do(fx.jobs, "job", JOB_PAUSE, NULL));
    ck_assert(!block_job_do(fx.jobs, "job", JOB_DISMISS, &error));
    ck_assert_str_eq(error->message,
                     "Job 'job' in state 'paused' cannot accept command verb 'dismiss'");
    ck_assert(block_job_do(fx.jobs, "job", JOB_RESUME, NULL));
    ck_assert(block_job_do(fx.jobs, "job", JOB_CANCEL_FORCE, NULL));
    until("BLOCK_JOB_CANCELLED", false);
    ck_assert(told("created") && told("running") && told("paused") && told("aborting") &&
              told("concluded") && told("null"));
    ck_assert(!block_job_do(fx.jobs, "job", JOB_CANCEL, NULL));
    guest_sees_model();
}
END_TEST

START_TEST(commit_now_empties_the_overlay)
{
    chain_make();
    ck_assert(block_commit_now(fx.node, NULL));
    guest_sees_model();
    guest_writes(5);
    guest_sees_model();
}
END_TEST

/* A file that may not grow stands for a disk that is full. */
START_TEST(what_a_full_host_fails_waits_and_is_made_again)
{
    g_autofree char *disk = path("disk");
    static uint8_t data[SECTOR];
    struct iovec iov = { data, sizeof(data) };

    disk_make("disk", "qcow2");
    node_open((BlockOptions){ .path = disk, .format = "qcow2", .werror = BLOCK_ON_ERROR_STOP });
    {
        const struct rlimit less = { 100 << 10, RLIM_INFINITY };
        const struct rlimit more = { RLIM_INFINITY, RLIM_INFINITY };

        signal(SIGXFSZ, SIG_IGN);
        memset(data, 0x5a, sizeof(data));
        memcpy(fx.model + (1 << 20), data, sizeof(data));
        setrlimit(RLIMIT_FSIZE, &less);
        fx.error = -1;
        block_write(fx.node, 1 << 20, &iov, 1, done, NULL);
        while (!fx.stopped) {
            g_main_context_iteration(NULL, TRUE);
        }
        ck_assert_int_eq(fx.error, -1);
        ck_assert(block_is_stopped(fx.node));
        setrlimit(RLIMIT_FSIZE, &more);
    }
    block_graph_retry(fx.graph);
    while (fx.error == -1) {
        g_main_context_iteration(NULL, TRUE);
    }
    ck_assert_int_eq(fx.error, 0);
    ck_assert_uint_eq(fx.failures, 1);
    guest_sees_model();
}
END_TEST

START_TEST(named_nodes_live_until_they_are_deleted)
{
    g_autofree char *disk = path("disk");
    g_autofree char *text = g_strdup_printf("driver=qcow2,node-name=q,file.driver=file,"
                                            "file.node-name=f,file.filename=%s",
                                            disk);
    g_autoptr(JsonObject) tree = block_tree_parse(text, NULL);
    g_autoptr(GError) error = NULL;

    disk_make("disk", "qcow2");
    ck_assert(blockdev_add(fx.graph, tree, NULL));
    ck_assert(!blockdev_del(fx.graph, "f", &error));
    ck_assert_str_eq(error->message, "Node 'f' is busy: node is used as file of 'q'");
    node_open((BlockOptions){ .node_name = "q" });
    ck_assert(!blockdev_del(fx.graph, "q", NULL));
    guest_writes(3);
    block_close(g_steal_pointer(&fx.node));
    ck_assert(blockdev_del(fx.graph, "q", NULL));
    ck_assert_ptr_null(block_layer_find(fx.graph, "f"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hw/job");
    TCase *tc = tcase_create("job");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, overlays_keep_what_was_below);
    tcase_add_test(tc, commit_of_the_middle_shortens_the_chain);
    tcase_add_test(tc, commit_of_the_top_follows_the_guest_and_takes_its_place);
    tcase_add_loop_test(tc, stream_makes_the_image_stand_alone, 0, 2);
    tcase_add_loop_test(tc, mirror_is_the_disk_at_its_end, 0, 3);
    tcase_add_test(tc, backup_is_the_disk_at_its_beginning);
    tcase_add_test(tc, jobs_can_be_paused_cancelled_and_are_told_of);
    tcase_add_test(tc, commit_now_empties_the_overlay);
    tcase_add_test(tc, what_a_full_host_fails_waits_and_is_made_again);
    tcase_add_test(tc, named_nodes_live_until_they_are_deleted);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
