/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_nbd_server.c - the NBD server, seen by libnbd and by clients that misbehave; what it exports
 * is compared with a flat copy in memory. */
#include "hw/block/bitmap.h"
#include "hw/block/blockdev.h"
#include "hw/block/image.h"
#include "hw/block/job.h"
#include "hw/block/nbd_server.h"

#include <check.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <libnbd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { SIZE = 8 << 20, UNTIL_S = 60 };

typedef void ClientWork(void);

static struct {
    char *folder, *socket;
    BlockGraph *graph;
    BlockLayer *layer;
    NbdServer *server;
    uint8_t *model;
    unsigned deleted, left;
    gint over; /* the client's thread has done its work */
    ClientWork *work;
} fx;

static char *path(const char *name)
{
    return g_build_filename(fx.folder, name, NULL);
}

static void event(void *opaque, const char *name, JsonObject *data)
{
    (void)opaque;
    ck_assert_str_eq(name, "BLOCK_EXPORT_DELETED");
    fx.deleted++;
    json_object_unref(data);
}

static void client_left(void *opaque, unsigned clients)
{
    (void)opaque, (void)clients;
    fx.left++;
}

static void export_add(const char *name, bool writable)
{
    const NbdExportOptions options = { .id = name,
                                       .name = name,
                                       .description = "words",
                                       .layer = fx.layer,
                                       .writable = writable,
                                       .allocation_depth = true };

    ck_assert(nbd_export_add(fx.server, &options, NULL));
}

static void setup(void)
{
    const NbdServerHost host = { .event = event, .left = client_left };
    const BlockCreate create = { .size = SIZE };
    g_autofree char *file = NULL;

    memset(&fx, 0, sizeof(fx));
    fx.folder = g_dir_make_tmp("doppel-nbd-XXXXXX", NULL);
    fx.socket = path("socket");
    file = path("disk");
    fx.graph = block_graph_new();
    fx.model = g_malloc0(SIZE);
    ck_assert(image_create(fx.graph, file, "qcow2", &create, NULL));
    fx.layer = layer_open_file(fx.graph, file, "qcow2", BLOCK_UNMAP, NULL);
    ck_assert_ptr_nonnull(fx.layer);
    fx.server = nbd_server_new(fx.graph, &host);
    ck_assert(nbd_server_listen_unix(fx.server, fx.socket, NULL));
    export_add("disk", true);
}

static void teardown(void)
{
    GDir *dir;
    const char *name;

    nbd_server_free(fx.server);
    ck_assert_int_eq(g_access(fx.socket, F_OK), -1);
    layer_unref(fx.layer);
    block_graph_free(fx.graph);
    dir = g_dir_open(fx.folder, 0, NULL);
    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *file = path(name);

        g_unlink(file);
    }
    g_dir_close(dir);
    g_rmdir(fx.folder);
    g_free(fx.socket);
    g_free(fx.folder);
    g_free(fx.model);
}

/* ---- Clients ---- */

static gpointer client_thread(gpointer data)
{
    (void)data;
    fx.work();
    g_atomic_int_set(&fx.over, 1);
    g_main_context_wakeup(NULL);
    return NULL;
}

/* The client works while the main loop serves it. */
static void client_run(ClientWork *work)
{
    GThread *thread;

    fx.work = work;
    fx.over = 0;
    thread = g_thread_new("client", client_thread, NULL);
    while (!g_atomic_int_get(&fx.over)) {
        g_main_context_iteration(NULL, TRUE);
    }
    g_thread_join(thread);
}

/* Runs the main loop until `*value` is as it shall be. */
static void until(const unsigned *value, unsigned wanted)
{
    int64_t end = g_get_monotonic_time() + UNTIL_S * G_USEC_PER_SEC;

    while (*value != wanted) {
        ck_assert(g_get_monotonic_time() < end);
        g_main_context_iteration(NULL, FALSE);
        g_usleep(500);
    }
}

static struct nbd_handle *client_open(const char *name, bool structured)
{
    struct nbd_handle *nbd = nbd_create();

    nbd_set_export_name(nbd, name);
    nbd_set_request_structured_replies(nbd, structured);
    nbd_add_meta_context(nbd, LIBNBD_CONTEXT_BASE_ALLOCATION);
    nbd_add_meta_context(nbd, "qemu:allocation-depth");
    if (nbd_connect_unix(nbd, fx.socket) != 0) {
        nbd_close(nbd);
        return NULL;
    }
    nbd_set_strict_mode(nbd, 0);
    return nbd;
}

static void client_close(struct nbd_handle *nbd)
{
    nbd_shutdown(nbd, 0);
    nbd_close(nbd);
}

/* ---- What it holds ---- */

static void change(struct nbd_handle *nbd, GRand *rand)
{
    static const uint8_t patterns[] = { 0, 1, 7, 0xff };
    uint64_t offset = (uint64_t)g_rand_int_range(rand, 0, SIZE);
    uint64_t most = (uint64_t)g_rand_int_range(rand, 1, g_rand_int_range(rand, 0, 8) ? 9000 : SIZE);
    uint64_t size = MIN(most, SIZE - offset);
    unsigned kind = g_rand_int(rand) % 8;
    uint32_t fua = g_rand_int(rand) % 16 == 0 ? LIBNBD_CMD_FLAG_FUA : 0;

    if (kind == 0) {
        memset(fx.model + offset, 0, size);
        ck_assert_int_eq(nbd_zero(nbd, size, offset, fua), 0);
    } else if (kind == 1) {
        memset(fx.model + offset, 0, size);
        ck_assert_int_eq(nbd_zero(nbd, size, offset, fua | LIBNBD_CMD_FLAG_NO_HOLE), 0);
    } else if (kind == 2) { /* trimmed whole clusters of this image read as zeros */
        offset &= ~0xffffull;
        memset(fx.model + offset, 0, 0x10000);
        ck_assert_int_eq(nbd_trim(nbd, 0x10000, offset, fua), 0);
    } else {
        memset(fx.model + offset, patterns[g_rand_int(rand) % 4] + (int)(size & 1), size);
        ck_assert_int_eq(nbd_pwrite(nbd, fx.model + offset, size, offset, fua), 0);
    }
}

static void compare(struct nbd_handle *nbd, GRand *rand)
{
    g_autofree uint8_t *data = g_malloc(SIZE);
    uint64_t offset = (uint64_t)g_rand_int_range(rand, 0, SIZE);
    uint64_t most = (uint64_t)g_rand_int_range(rand, 1, SIZE), size = MIN(most, SIZE - offset);

    ck_assert_msg(nbd_pread(nbd, data, size, offset, 0) == 0, "%s", nbd_get_error());
    ck_assert(memcmp(data, fx.model + offset, size) == 0);
}

static void work_random(bool structured)
{
    struct nbd_handle *nbd = client_open("disk", structured);
    GRand *rand = g_rand_new_with_seed(structured ? 1 : 2);

    ck_assert_ptr_nonnull(nbd);
    ck_assert_int_eq(nbd_get_size(nbd), SIZE);
    ck_assert_int_eq(nbd_can_multi_conn(nbd), 1);
    for (int i = 0; i < 400; i++) {
        change(nbd, rand);
        if (i % 20 == 0) {
            compare(nbd, rand);
        }
    }
    ck_assert_int_eq(nbd_flush(nbd, 0), 0);
    g_rand_free(rand);
    client_close(nbd);
}

static void work_structured(void)
{
    work_random(true);
}

static void work_simple(void)
{
    work_random(false);
}

START_TEST(what_clients_write_is_in_the_image)
{
    g_autofree uint8_t *data = g_malloc(SIZE);

    client_run(_i == 0 ? work_structured : work_simple);
    until(&fx.left, 1);
    ck_assert_int_eq(layer_pread(fx.layer, 0, data, SIZE), 0);
    ck_assert(memcmp(data, fx.model, SIZE) == 0);
}
END_TEST

/* ---- Many requests at once, beside each other ---- */

static void work_pipelined(void)
{
    struct nbd_handle *nbd = client_open("disk", true);
    uint8_t *out = g_malloc(SIZE), *in = g_malloc0(SIZE);
    enum { N = SIZE / 4096 };

    for (int i = 0; i < SIZE; i++) {
        out[i] = (uint8_t)(i / 4096 + i % 7);
    }
    for (int i = 0; i < N; i++) {
        ck_assert(nbd_aio_pwrite(nbd, out + i * 4096, 4096, (uint64_t)i * 4096, NBD_NULL_COMPLETION,
                                 0) > 0);
    }
    while (nbd_aio_in_flight(nbd) > 0) {
        ck_assert_int_ge(nbd_poll(nbd, -1), 0);
        while (nbd_aio_peek_command_completed(nbd) > 0) {
            ck_assert_int_eq(
                nbd_aio_command_completed(nbd, (uint64_t)nbd_aio_peek_command_completed(nbd)), 1);
        }
    }
    ck_assert_int_eq(nbd_pread(nbd, in, SIZE, 0, 0), 0);
    ck_assert(memcmp(in, out, SIZE) == 0);
    client_close(nbd);
    g_free(out);
    g_free(in);
}

START_TEST(requests_run_beside_each_other)
{
    client_run(work_pipelined);
}
END_TEST

/* ---- Block status ---- */

static int status_each(void *opaque, const char *context, uint64_t offset, uint32_t *entries,
                       size_t n, int *error)
{
    GString *text = opaque;

    (void)error, (void)offset;
    g_string_append_printf(text, "%s:", context);
    for (size_t i = 0; i < n; i += 2) {
        g_string_append_printf(text, " %ux%u", entries[i] >> 16, entries[i + 1]);
    }
    g_string_append(text, ";");
    return 0;
}

static void status_is(struct nbd_handle *nbd, uint32_t flags, const char *words)
{
    g_autoptr(GString) text = g_string_new(NULL);
    nbd_extent_callback each = { .callback = status_each, .user_data = text };

    ck_assert_int_eq(nbd_block_status(nbd, SIZE, 0, each, flags), 0);
    ck_assert_str_eq(text->str, words);
}

static void work_status(void)
{
    struct nbd_handle *nbd = client_open("disk", true);

    ck_assert_int_eq(nbd_pwrite(nbd, "x", 1, 3 << 16, 0), 0);
    ck_assert_int_eq(nbd_pwrite(nbd, "x", 1, 4 << 16, 0), 0);
    ck_assert_int_eq(nbd_zero(nbd, 1 << 16, 6 << 16, LIBNBD_CMD_FLAG_NO_HOLE), 0);
    status_is(nbd, 0, "base:allocation: 3x3 2x0 123x3;qemu:allocation-depth: 3x0 2x1 123x0;");
    status_is(nbd, LIBNBD_CMD_FLAG_REQ_ONE, "base:allocation: 3x3;qemu:allocation-depth: 3x0;");
    client_close(nbd);
}

START_TEST(status_says_what_there_is)
{
    client_run(work_status);
}
END_TEST

static void work_bitmap(void)
{
    struct nbd_handle *nbd = nbd_create();
    g_autoptr(GString) text = g_string_new(NULL);
    nbd_extent_callback each = { .callback = status_each, .user_data = text };

    nbd_set_export_name(nbd, "marked");
    nbd_add_meta_context(nbd, "qemu:dirty-bitmap:b");
    ck_assert_int_eq(nbd_connect_unix(nbd, fx.socket), 0);
    ck_assert_int_eq(nbd_pwrite(nbd, "x", 1, 3 << 16, 0), 0);
    ck_assert_int_eq(nbd_zero(nbd, 1 << 17, 5 << 16, 0), 0);
    ck_assert_int_eq(nbd_block_status(nbd, SIZE, 0, each, 0), 0);
    ck_assert_str_eq(text->str, "qemu:dirty-bitmap:b: 3x0 1x1 1x0 2x1 121x0;");
    client_close(nbd);
}

START_TEST(dirty_bitmaps_are_told)
{
    const char *const names[] = { "b", NULL };
    NbdExportOptions options = {
        .id = "marked", .name = "marked", .layer = fx.layer, .writable = true, .bitmaps = names
    };

    ck_assert(!nbd_export_add(fx.server, &options, NULL));
    ck_assert(block_bitmap_add(fx.layer, "b", 0, true, NULL));
    ck_assert(nbd_export_add(fx.server, &options, NULL));
    client_run(work_bitmap);
    ck_assert(!block_bitmap_remove(block_bitmap_find(fx.layer, "b", NULL), NULL));
    ck_assert(nbd_export_remove(fx.server, "marked", true, NULL));
    until(&fx.deleted, 1);
    ck_assert(block_bitmap_remove(block_bitmap_find(fx.layer, "b", NULL), NULL));
}
END_TEST

/* ---- What is refused ---- */

static void work_refusals(void)
{
    struct nbd_handle *nbd = client_open("look", true);
    uint8_t data[512];

    ck_assert_ptr_null(client_open("none", true));
    ck_assert_int_eq(nbd_is_read_only(nbd), 1);
    ck_assert_int_eq(nbd_pwrite(nbd, data, 512, 0, 0), -1);
    ck_assert_int_eq(nbd_get_errno(), EPERM);
    ck_assert_int_eq(nbd_zero(nbd, 512, 0, 0), -1);
    ck_assert_int_eq(nbd_pread(nbd, data, 512, SIZE - 511, 0), -1);
    ck_assert_int_eq(nbd_get_errno(), EINVAL);
    ck_assert_int_eq(nbd_pread(nbd, data, 512, UINT64_MAX - 100, 0), -1);
    ck_assert_int_eq(nbd_cache(nbd, 512, 0, 0), -1);
    ck_assert_int_eq(nbd_pread(nbd, data, 512, SIZE - 512, 0), 0);
    client_close(nbd);
    nbd = client_open("disk", true);
    ck_assert_int_eq(nbd_pwrite(nbd, data, 512, SIZE - 511, 0), -1);
    ck_assert_int_eq(nbd_get_errno(), ENOSPC);
    ck_assert_int_eq(nbd_pwrite(nbd, data, 512, SIZE - 512, 0), 0); /* the stream is in step */
    client_close(nbd);
}

START_TEST(what_cannot_be_is_refused)
{
    export_add("look", false);
    client_run(work_refusals);
}
END_TEST

static int names_each(void *opaque, const char *name, const char *description)
{
    g_string_append_printf(opaque, "%s=%s;", name, description);
    return 0;
}

static void work_list(void)
{
    g_autoptr(GString) text = g_string_new(NULL);
    nbd_list_callback each = { .callback = names_each, .user_data = text };
    struct nbd_handle *nbd = nbd_create();

    nbd_set_opt_mode(nbd, true);
    ck_assert_int_eq(nbd_connect_unix(nbd, fx.socket), 0);
    ck_assert_int_eq(nbd_opt_list(nbd, each), 2);
    ck_assert_str_eq(text->str, "disk=words;look=words;");
    nbd_opt_abort(nbd);
    nbd_close(nbd);
}

START_TEST(exports_are_listed)
{
    export_add("look", false);
    client_run(work_list);
}
END_TEST

/* ---- Clients that misbehave ---- */

static int raw_connect(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_strlcpy(address.sun_path, fx.socket, sizeof(address.sun_path));
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void put(GByteArray *out, uint64_t value, unsigned width)
{
    for (unsigned i = width; i > 0; i--) {
        uint8_t byte = (uint8_t)(value >> (i - 1) * 8);

        g_byte_array_append(out, &byte, 1);
    }
}

/* The beginning of a good client, up to transmission. */
static void put_hello(GByteArray *out)
{
    put(out, 3, 4);
    put(out, 0x49484156454f5054ull, 8);
    put(out, 1, 4); /* EXPORT_NAME */
    put(out, 4, 4);
    g_byte_array_append(out, (const uint8_t *)"disk", 4);
}

static void put_request(GByteArray *out, unsigned command, uint64_t offset, uint32_t size)
{
    put(out, 0x25609513, 4);
    put(out, command, 4);
    put(out, offset, 8); /* the cookie */
    put(out, offset, 8);
    put(out, size, 4);
}

/* Sends what it can, reads nothing. */
static void raw_push(int fd, const GByteArray *data)
{
    for (size_t at = 0; at < data->len;) {
        ssize_t n = send(fd, data->data + at, data->len - at, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n <= 0) {
            return;
        }
        at += (size_t)n;
    }
}

static void work_fuzz(void)
{
    GRand *rand = g_rand_new_with_seed(20261128);

    for (int round = 0; round < 300; round++) {
        g_autoptr(GByteArray) out = g_byte_array_new();
        int fd = raw_connect(), n = g_rand_int_range(rand, 0, 60);

        if (g_rand_boolean(rand)) {
            put_hello(out);
        }
        for (int i = 0; i < n; i++) {
            switch (g_rand_int(rand) % 4) {
            case 0:
                put(out, g_rand_int(rand), 4);
                break;
            case 1:
                put_request(out, g_rand_int(rand) % 9, g_rand_int(rand) % (SIZE * 2),
                            g_rand_int(rand) % 70000);
                break;
            case 2:
                put(out, 0x49484156454f5054ull, 8);
                put(out, g_rand_int(rand) % 12, 4);
                put(out, g_rand_int(rand) % (g_rand_boolean(rand) ? 40 : UINT32_MAX), 4);
                break;
            default:
                put(out, g_rand_int(rand) % 64, 4);
                break;
            }
        }
        raw_push(fd, out);
        close(fd);
    }
    g_rand_free(rand);
}

START_TEST(rubbish_hurts_nobody)
{
    client_run(work_fuzz);
    client_run(work_pipelined);
}
END_TEST

/* Asks for far more than it ever takes; another client is served meanwhile. */
static void work_deaf(void)
{
    g_autoptr(GByteArray) out = g_byte_array_new();
    int fd = raw_connect();

    put_hello(out);
    for (int i = 0; i < 2000; i++) {
        put_request(out, 0, 0, 1 << 20);
    }
    raw_push(fd, out);
    work_pipelined();
    close(fd);
}

START_TEST(a_client_that_takes_nothing_stops_itself_only)
{
    client_run(work_deaf);
}
END_TEST

static void work_crowd(void)
{
    int first = raw_connect(), second = raw_connect(), third = raw_connect();
    char hello[18], more;

    ck_assert_int_eq(recv(first, hello, sizeof(hello), MSG_WAITALL), sizeof(hello));
    ck_assert_int_eq(recv(second, hello, sizeof(hello), MSG_WAITALL), sizeof(hello));
    ck_assert_int_eq(recv(third, &more, 1, 0), 0);
    close(first);
    close(second);
    close(third);
}

START_TEST(no_more_clients_than_may_be)
{
    nbd_server_set_clients(fx.server, 2);
    client_run(work_crowd);
}
END_TEST

static void work_silent(void)
{
    int fd = raw_connect();
    char hello[18], more;

    ck_assert_int_eq(recv(fd, hello, sizeof(hello), MSG_WAITALL), sizeof(hello));
    ck_assert_int_eq(recv(fd, &more, 1, 0), 0);
    close(fd);
}

START_TEST(a_handshake_has_a_deadline)
{
    client_run(work_silent);
}
END_TEST

/* ---- Exports that go, and overlays ---- */

static struct nbd_handle *held;

static void work_hold(void)
{
    held = client_open("disk", true);
    ck_assert_ptr_nonnull(held);
}

static void work_cut_off(void)
{
    uint8_t data[512];

    ck_assert_int_eq(nbd_pread(held, data, 512, 0, 0), -1);
    nbd_close(held);
}

START_TEST(an_export_in_use_stays_unless_it_must_go)
{
    g_autoptr(GError) error = NULL;

    client_run(work_hold);
    ck_assert(!nbd_export_remove(fx.server, "disk", false, &error));
    ck_assert_str_eq(error->message, "export 'disk' still in use");
    ck_assert(nbd_export_remove(fx.server, "disk", true, NULL));
    ck_assert_ptr_null(nbd_export_id(fx.server, "disk"));
    client_run(work_cut_off);
    until(&fx.deleted, 1);
    export_add("disk", true);
    client_run(work_pipelined);
}
END_TEST

START_TEST(a_server_goes_with_its_clients)
{
    client_run(work_hold);
    nbd_server_stop(fx.server);
    ck_assert_uint_eq(fx.deleted, 1);
    client_run(work_cut_off);
}
END_TEST

static void work_write_held(void)
{
    ck_assert_int_eq(nbd_pwrite(held, "above", 5, 70, 0), 0);
    client_close(held);
}

START_TEST(an_export_follows_an_overlay)
{
    g_autofree char *above = path("above");
    const BlockOptions options = { .graph = fx.graph, .node_name = layer_node_name(fx.layer) };
    BlockNode *node = block_open(&options, NULL);
    char text[6] = { 0 };

    client_run(work_hold);
    ck_assert(block_snapshot_overlay(node, above, "qcow2", NULL, false, NULL));
    client_run(work_write_held);
    ck_assert_int_eq(layer_pread(fx.layer, 0, fx.model, 512), 0);
    ck_assert_uint_eq(fx.model[70], 0);
    ck_assert_int_eq(layer_pread(block_top(node), 0, fx.model, 512), 0);
    memcpy(text, fx.model + 70, 5);
    ck_assert_str_eq(text, "above");
    nbd_server_stop(fx.server);
    block_close(node);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hw/nbd_server");
    TCase *tc = tcase_create("nbd_server");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, what_clients_write_is_in_the_image, 0, 2);
    tcase_add_test(tc, requests_run_beside_each_other);
    tcase_add_test(tc, status_says_what_there_is);
    tcase_add_test(tc, dirty_bitmaps_are_told);
    tcase_add_test(tc, what_cannot_be_is_refused);
    tcase_add_test(tc, exports_are_listed);
    tcase_add_test(tc, rubbish_hurts_nobody);
    tcase_add_test(tc, a_client_that_takes_nothing_stops_itself_only);
    tcase_add_test(tc, no_more_clients_than_may_be);
    tcase_add_test(tc, a_handshake_has_a_deadline);
    tcase_add_test(tc, an_export_in_use_stays_unless_it_must_go);
    tcase_add_test(tc, a_server_goes_with_its_clients);
    tcase_add_test(tc, an_export_follows_an_overlay);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
