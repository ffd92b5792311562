/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Networks over sockets: frames arrive whole and in order, whoever has no room is waited for, and
 * an end that goes does not take the other one along. */
#include <check.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "hw/net/net_socket.h"
#include "hw/net/netdev.h"

enum { FRAME = 1500, SIDES = 3 };

typedef struct Side {
    NetPort *nic, *end;
    bool full;
    unsigned received, bytes, changes, rooms;
    uint8_t last[NET_FRAME_MAX];
    size_t size;
} Side;

static struct {
    NetHost host;
    Side side[SIDES];
    char *folder, *path;
} fx;

static bool nic_receive(void *opaque, const struct iovec *iov, unsigned n,
                        const NetOffload *offload)
{
    Side *side = opaque;

    (void)offload;
    if (side->full) {
        return false;
    }
    side->size = 0;
    for (unsigned i = 0; i < n; i++) {
        memcpy(side->last + side->size, iov[i].iov_base, iov[i].iov_len);
        side->size += iov[i].iov_len;
    }
    side->received++;
    side->bytes += (unsigned)side->size;
    return true;
}

static void nic_room(void *opaque)
{
    ((Side *)opaque)->rooms++;
}

static void nic_changed(void *opaque)
{
    ((Side *)opaque)->changes++;
}

static const NetPortOps nic_ops = { .receive = nic_receive,
                                    .room = nic_room,
                                    .changed = nic_changed };

static void no_lock(void *opaque)
{
    (void)opaque;
}

static GString *events;

static void on_event(void *opaque, const char *name, GVariant *data)
{
    g_autofree char *text = g_variant_print(data, FALSE);

    (void)opaque;
    g_string_append_printf(events, "%s %s\n", name, text);
}

static void setup(void)
{
    memset(&fx, 0, sizeof(fx));
    fx.host = (NetHost){ .lock = no_lock, .unlock = no_lock };
    fx.folder = g_dir_make_tmp("doppel-net-XXXXXX", NULL);
    fx.path = g_build_filename(fx.folder, "socket", NULL);
    for (unsigned i = 0; i < SIDES; i++) {
        fx.side[i].nic = net_port_new("nic", NULL, &nic_ops, &fx.side[i]);
    }
}

static void side_close(Side *side)
{
    net_port_free(side->end);
    side->end = NULL;
}

static void teardown(void)
{
    for (unsigned i = 0; i < SIDES; i++) {
        side_close(&fx.side[i]);
        net_port_free(fx.side[i].nic);
    }
    ck_assert(!g_file_test(fx.path, G_FILE_TEST_EXISTS));
    ck_assert_int_eq(g_rmdir(fx.folder), 0);
    g_free(fx.path);
    g_free(fx.folder);
}

static void side_take(Side *side, NetPort *end, GError *error)
{
    ck_assert_msg(end != NULL, "%s", error != NULL ? error->message : "");
    side->end = end;
    net_connect(side->nic, end);
}

static void stream_open(unsigned i, bool server)
{
    const NetAddress address = { .kind = NET_ADDRESS_UNIX, .path = fx.path };
    GError *error = NULL;

    side_take(&fx.side[i], net_stream_new(&fx.host, "stream", "s", &address, server, &error),
              error);
}

static void turn(void)
{
    if (!g_main_context_iteration(NULL, FALSE)) {
        g_usleep(100);
    }
}

#define WAIT_FOR(condition)                                                                        \
    for (unsigned turns_ = 0; !(condition); turns_++) {                                            \
        ck_assert_msg(turns_ < 100000, "it does not come: " #condition);                           \
        turn();                                                                                    \
    }

static NetSent send_frame(Side *side, uint8_t mark, size_t size)
{
    static uint8_t frame[NET_FRAME_MAX];
    const struct iovec iov[2] = { { frame, 14 }, { frame + 14, size - 14 } };
    const NetOffload none = { 0 };

    memset(frame, mark, size);
    return net_send(side->nic, iov, 2, &none);
}

static void both_up(void)
{
    stream_open(0, true);
    ck_assert(!net_link_up(fx.side[0].nic));
    stream_open(1, false);
    WAIT_FOR(net_link_up(fx.side[0].nic) && net_link_up(fx.side[1].nic));
}

START_TEST(frames_go_both_ways)
{
    both_up();
    send_frame(&fx.side[0], 'a', 60);
    send_frame(&fx.side[0], 'b', NET_FRAME_MAX);
    WAIT_FOR(fx.side[1].received == 2);
    ck_assert_uint_eq(fx.side[1].size, NET_FRAME_MAX);
    ck_assert_uint_eq(fx.side[1].last[NET_FRAME_MAX - 1], 'b');
    send_frame(&fx.side[1], 'c', FRAME);
    WAIT_FOR(fx.side[0].received == 1);
    ck_assert_uint_eq(fx.side[0].size, FRAME);
}
END_TEST

/* Nothing is lost on the way, however much waits. */
START_TEST(a_full_receiver_is_waited_for)
{
    unsigned sent = 0;

    both_up();
    fx.side[1].full = true;
    while (send_frame(&fx.side[0], (uint8_t)sent, FRAME) == NET_SENT) {
        ck_assert_uint_lt(++sent, 100000);
        g_main_context_iteration(NULL, FALSE);
    }
    ck_assert_uint_gt(sent, 500);
    fx.side[1].full = false;
    net_port_ready(fx.side[1].nic);
    WAIT_FOR(fx.side[1].received == sent);
    ck_assert_uint_eq(fx.side[1].bytes, sent * FRAME);
    ck_assert_uint_eq(fx.side[1].last[20], (uint8_t)(sent - 1));
    ck_assert_uint_gt(fx.side[0].rooms, 0);
}
END_TEST

START_TEST(an_end_that_goes_leaves_the_other)
{
    both_up();
    side_close(&fx.side[1]);
    WAIT_FOR(!net_link_up(fx.side[0].nic));
    send_frame(&fx.side[0], 'x', FRAME);
    stream_open(2, false); /* and the next one comes */
    WAIT_FOR(net_link_up(fx.side[0].nic));
    send_frame(&fx.side[0], 'y', FRAME);
    WAIT_FOR(fx.side[2].received == 1);
    ck_assert_uint_eq(fx.side[2].last[0], 'y');
    side_close(&fx.side[0]);
    WAIT_FOR(!net_link_up(fx.side[2].nic));
    send_frame(&fx.side[2], 'z', FRAME);
}
END_TEST

START_TEST(clients_are_told_of_connections)
{
    const NetAddress address = { .kind = NET_ADDRESS_UNIX, .path = fx.path };

    events = g_string_new(NULL);
    fx.host.event = on_event;
    side_take(&fx.side[0], net_stream_new(&fx.host, "stream", "a", &address, true, NULL), NULL);
    fx.host.event = NULL;
    stream_open(1, false);
    WAIT_FOR(net_link_up(fx.side[0].nic));
    ck_assert_ptr_nonnull(strstr(events->str, "NETDEV_STREAM_CONNECTED {"));
    ck_assert_ptr_nonnull(strstr(events->str, "'netdev-id': <'a'>"));
    ck_assert_ptr_nonnull(strstr(events->str, "'type': <'unix'>"));
    side_close(&fx.side[1]);
    WAIT_FOR(!net_link_up(fx.side[0].nic));
    ck_assert_ptr_nonnull(strstr(events->str, "NETDEV_STREAM_DISCONNECTED {'netdev-id': <'a'>}"));
    g_string_free(events, TRUE);
}
END_TEST

/* What somebody else sends: pieces, frames that are too short, lengths that no frame has. */
START_TEST(rubbish_ends_the_connection_only)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(15);
    uint8_t good[4 + 60] = { 0, 0, 0, 60 };
    int pair[2];

    for (unsigned round = 0; round < 40; round++) {
        NetAddress address = { .kind = NET_ADDRESS_FD };

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        address.fd = pair[0];
        fx.side[0].received = 0;
        side_take(&fx.side[0], net_stream_new(&fx.host, "socket", "s", &address, false, NULL),
                  NULL);
        ck_assert_int_eq(write(pair[1], "\0\0\0\3abc", 7), 7);
        for (unsigned i = 0; i < sizeof(good); i += 8) {
            ck_assert_int_eq(write(pair[1], good + i, MIN(8, sizeof(good) - i)),
                             (ssize_t)MIN(8, sizeof(good) - i));
            turn();
        }
        WAIT_FOR(fx.side[0].received == 1);
        for (unsigned i = 0; i < 200 && net_link_up(fx.side[0].nic); i++) {
            uint32_t noise = g_rand_int(rand) >> (i % 3 == 0 ? 0 : 16);

            (void)!send(pair[1], &noise, sizeof(noise), MSG_NOSIGNAL | MSG_DONTWAIT);
            turn();
        }
        close(pair[1]);
        WAIT_FOR(!net_link_up(fx.side[0].nic));
        side_close(&fx.side[0]);
    }
}
END_TEST

START_TEST(what_cannot_be_had_is_said)
{
    const NetAddress path = { .kind = NET_ADDRESS_UNIX, .path = fx.path };
    const NetAddress port = { .kind = NET_ADDRESS_INET, .host = "127.0.0.1", .port = "abc" };
    const NetAddress fd = { .kind = NET_ADDRESS_FD, .fd = STDERR_FILENO };
    g_autoptr(GError) error = NULL;

    ck_assert_ptr_null(net_stream_new(&fx.host, "stream", "s", &path, false, &error));
    ck_assert_str_ne(error->message, "");
    g_clear_error(&error);
    ck_assert_ptr_null(net_stream_new(&fx.host, "stream", "s", &port, true, &error));
    g_clear_error(&error);
    ck_assert_ptr_null(net_stream_new(&fx.host, "stream", "s", &fd, true, &error));
    g_clear_error(&error);
    ck_assert_ptr_null(net_dgram_new(&fx.host, "dgram", "s", &(NetAddress){ 0 }, &path, &error));
}
END_TEST

/* Somebody listens on a port of loopback, and the other one finds it. */
START_TEST(tcp_ports_are_taken_one_by_one)
{
    NetAddress address = { .kind = NET_ADDRESS_INET, .host = "127.0.0.1", .port = "0" };
    NetSockaddr at = { .size = sizeof(at.storage) };
    g_autofree char *text = NULL, *port = NULL, *described = NULL;
    GError *error = NULL;
    int taken = net_socket_listen(&address, NULL);

    ck_assert_int_ge(taken, 0);
    ck_assert_int_eq(getsockname(taken, &at.any, &at.size), 0);
    text = net_sockaddr_text(&at);
    port = g_strdup(strrchr(text, ':') + 1);
    address.port = port;
    ck_assert_ptr_null(net_stream_new(&fx.host, "stream", "s", &address, true, NULL));
    address.to = 65535;
    side_take(&fx.side[0], net_stream_new(&fx.host, "stream", "s", &address, true, &error), error);
    close(taken);
    described = net_port_describe(fx.side[0].end);
    ck_assert(g_str_has_prefix(described, "listening on 127.0.0.1:"));
    address.port = strrchr(described, ':') + 1;
    side_take(&fx.side[1], net_stream_new(&fx.host, "stream", "s", &address, false, &error), error);
    WAIT_FOR(net_link_up(fx.side[0].nic) && net_link_up(fx.side[1].nic));
    send_frame(&fx.side[1], 'p', FRAME);
    WAIT_FOR(fx.side[0].received == 1);
}
END_TEST

/* ---- Datagrams ---- */

START_TEST(datagrams_go_between_unix_sockets)
{
    g_autofree char *other = g_build_filename(fx.folder, "other", NULL);
    const NetAddress one = { .kind = NET_ADDRESS_UNIX, .path = fx.path };
    const NetAddress two = { .kind = NET_ADDRESS_UNIX, .path = other };
    GError *error = NULL;

    side_take(&fx.side[0], net_dgram_new(&fx.host, "dgram", "d", &one, &two, &error), error);
    send_frame(&fx.side[0], 'l', FRAME); /* nobody is there */
    side_take(&fx.side[1], net_dgram_new(&fx.host, "dgram", "d", &two, &one, &error), error);
    send_frame(&fx.side[0], 'a', FRAME);
    WAIT_FOR(fx.side[1].received == 1);
    fx.side[1].full = true;
    for (unsigned i = 0; i < 2000; i++) {
        if (send_frame(&fx.side[0], (uint8_t)i, FRAME) == NET_WAIT) {
            break;
        }
        turn();
    }
    fx.side[1].full = false;
    net_port_ready(fx.side[1].nic);
    WAIT_FOR(fx.side[1].received > 500);
}
END_TEST

/* Three of a group: everybody hears the others, and not himself. */
START_TEST(a_group_hears_everybody_else)
{
    g_autofree char *port = g_strdup_printf("%d", 20000 + getpid() % 30000);
    const NetAddress group = { .kind = NET_ADDRESS_INET, .host = "230.0.0.1", .port = port };
    const NetAddress own = { .kind = NET_ADDRESS_INET, .host = "127.0.0.1", .port = "0" };
    GError *error = NULL;

    for (unsigned i = 0; i < SIDES; i++) {
        side_take(&fx.side[i], net_dgram_new(&fx.host, "socket", "m", &own, &group, &error), error);
    }
    send_frame(&fx.side[0], 'a', FRAME);
    WAIT_FOR(fx.side[1].received == 1 && fx.side[2].received == 1);
    send_frame(&fx.side[1], 'b', FRAME);
    WAIT_FOR(fx.side[0].received == 1 && fx.side[2].received == 2);
    ck_assert_uint_eq(fx.side[1].received, 1);
    ck_assert_uint_eq(fx.side[0].last[0], 'b');
}
END_TEST

/* ---- pcap ---- */

START_TEST(a_dump_has_what_passes)
{
    g_autofree char *file = g_build_filename(fx.folder, "pcap", NULL), *data = NULL;
    uint32_t words[6 + 4];
    NetDump *dump;
    gsize size;

    both_up();
    ck_assert_ptr_null(net_dump_new(fx.side[0].end, "/nowhere/file", 100, NULL));
    dump = net_dump_new(fx.side[0].end, file, 100, NULL);
    ck_assert_ptr_nonnull(dump);
    send_frame(&fx.side[0], 'a', FRAME);
    send_frame(&fx.side[1], 'b', 60);
    WAIT_FOR(fx.side[0].received == 1);
    side_close(&fx.side[0]); /* the port goes first */
    net_dump_free(dump);
    ck_assert(g_file_get_contents(file, &data, &size, NULL));
    ck_assert_uint_eq(size, 24 + 16 + 100 + 16 + 60);
    memcpy(words, data, sizeof(words));
    ck_assert_uint_eq(words[0], 0xa1b2c3d4);
    ck_assert_uint_eq(words[4], 100);
    ck_assert_uint_eq(words[5], 1);
    ck_assert_uint_eq(words[8], 100);
    ck_assert_uint_eq(words[9], FRAME);
    ck_assert_int_eq(data[24 + 16 + 50], 'a');
    ck_assert_int_eq(g_unlink(file), 0);
}
END_TEST

/* ---- tap ---- */

static char *shell(const char *command)
{
    char *out = NULL;

    ck_assert(g_spawn_command_line_sync(command, &out, NULL, NULL, NULL));
    return out;
}

/* Where interfaces may be made: frames that the kernel sends there come out. */
START_TEST(an_interface_of_the_host_is_an_end)
{
    g_autofree char *name = g_strdup_printf("dpl%d", getpid() % 100000), *up = NULL;
    g_autofree char *ip = g_find_program_in_path("ip");
    const NetTapOptions options = { .id = "t", .ifname = name, .fd = -1 };
    g_autoptr(GError) error = NULL;
    NetPort *end = net_tap_new(&fx.host, &options, &error);
    g_autofree char *described = NULL;

    if (end == NULL) { /* not here: in words */
        ck_assert_msg(strstr(error->message, "/dev/net/tun") != NULL, "%s", error->message);
        return;
    }
    side_take(&fx.side[0], end, NULL);
    described = net_port_describe(end);
    ck_assert_ptr_nonnull(strstr(described, name));
    up = g_strdup_printf("ip link set %s up", name);
    if (ip != NULL) {
        g_free(shell(up));
        WAIT_FOR(fx.side[0].received > 0); /* IPv6 looks for neighbours, say */
        ck_assert_uint_gt(fx.side[0].size, 14);
    }
    send_frame(&fx.side[0], 0xff, 60);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("net_socket");
    TCase *tc = tcase_create("net_socket");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, frames_go_both_ways);
    tcase_add_test(tc, a_full_receiver_is_waited_for);
    tcase_add_test(tc, an_end_that_goes_leaves_the_other);
    tcase_add_test(tc, clients_are_told_of_connections);
    tcase_add_test(tc, rubbish_ends_the_connection_only);
    tcase_add_test(tc, what_cannot_be_had_is_said);
    tcase_add_test(tc, tcp_ports_are_taken_one_by_one);
    tcase_add_test(tc, datagrams_go_between_unix_sockets);
    tcase_add_test(tc, a_group_hears_everybody_else);
    tcase_add_test(tc, a_dump_has_what_passes);
    tcase_add_test(tc, an_interface_of_the_host_is_an_end);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
