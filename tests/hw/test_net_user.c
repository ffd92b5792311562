/* SPDX-License-Identifier: GPL-2.0-or-later */
/* User networking, seen from the cable: ARP, DHCP, rules, a datagram through hostfwd. */
#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "hw/net/netdev.h"

enum { FRAME_MAX_KEPT = 2048, DISCOVER = 1, OFFER = 2, ACK = 5 };

static struct {
    Clock *clock;
    NetHost host;
    NetPort *nic, *user;
    uint8_t frame[FRAME_MAX_KEPT];
    size_t size;
    unsigned received;
} fx;

static const uint8_t mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };

static bool nic_receive(void *opaque, const struct iovec *iov, unsigned n,
                        const NetOffload *offload)
{
    (void)opaque, (void)offload;
    fx.size = 0;
    for (unsigned i = 0; i < n && fx.size + iov[i].iov_len <= sizeof(fx.frame); i++) {
        memcpy(fx.frame + fx.size, iov[i].iov_base, iov[i].iov_len);
        fx.size += iov[i].iov_len;
    }
    fx.received++;
    return true;
}

static const NetPortOps nic_ops = { .receive = nic_receive };

static void no_lock(void *opaque)
{
    (void)opaque;
}

static void setup(void)
{
    memset(&fx, 0, sizeof(fx));
    fx.clock = clock_new(NULL);
    clock_set_running(fx.clock, true);
    fx.host = (NetHost){ fx.clock, no_lock, no_lock, NULL, NULL, NULL };
    fx.nic = net_port_new("nic", NULL, &nic_ops, NULL);
}

static void teardown(void)
{
    net_port_free(fx.user);
    net_port_free(fx.nic);
    clock_free(fx.clock);
}

static void open_user(const NetUserOptions *options)
{
    GError *error = NULL;

    fx.user = net_user_new(&fx.host, options, &error);
    ck_assert_msg(fx.user != NULL, "%s", error != NULL ? error->message : "");
    net_connect(fx.nic, fx.user);
}

static void send_frame(const void *frame, size_t size)
{
    const struct iovec iov = { (void *)(uintptr_t)frame, size };
    const NetOffload none = { 0 };

    ck_assert_int_eq(net_send(fx.nic, &iov, 1, &none), NET_SENT);
}

/* Runs the loop until a frame of that Ethernet type and first payload byte comes. */
static void wait_frame(uint8_t type, unsigned at, uint8_t value)
{
    for (unsigned i = 0; i < 20000; i++) {
        if (fx.received > 0 && fx.frame[13] == type && fx.frame[at] == value) {
            return;
        }
        g_main_context_iteration(NULL, FALSE);
        g_usleep(100);
    }
    ck_abort_msg("no such frame came (%u others did)", fx.received);
}

static void arp(uint8_t host)
{
    uint8_t frame[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0,   0x12, 0x34,
                          0x56, 8,    6,    0,    1,    8,    0,    6,    4,   0,    1,
                          0x52, 0x54, 0,    0x12, 0x34, 0x56, 10,   0,    2,   15,   0,
                          0,    0,    0,    0,    0,    10,   0,    2,    host };

    send_frame(frame, sizeof(frame));
}

START_TEST(the_router_answers_arp)
{
    open_user(&(NetUserOptions){ 0 });
    arp(2);
    wait_frame(6, 21, 2);
    ck_assert_mem_eq(fx.frame + 28, ((uint8_t[]){ 10, 0, 2, 2 }), 4);
    fx.received = 0;
    arp(77);
    for (unsigned i = 0; i < 50; i++) {
        g_main_context_iteration(NULL, FALSE);
    }
    ck_assert_uint_eq(fx.received, 0);
}
END_TEST

/* An IPv4 and UDP header around `size` bytes; no UDP sum, which is legal. */
static void udp(uint8_t *frame, size_t size, const uint8_t *from, const uint8_t *to, uint16_t sport,
                uint16_t dport)
{
    uint16_t total = (uint16_t)(size + 28), length = (uint16_t)(size + 8), sum;
    uint8_t *ip = frame + 14;

    memcpy(frame + 6, mac, 6);
    frame[12] = 8;
    ip[0] = 0x45;
    ip[2] = (uint8_t)(total >> 8);
    ip[3] = (uint8_t)total;
    ip[8] = 64;
    ip[9] = 17;
    memcpy(ip + 12, from, 4);
    memcpy(ip + 16, to, 4);
    sum = net_csum_fold(net_csum_add(0, ip, 20));
    ip[10] = (uint8_t)(sum >> 8);
    ip[11] = (uint8_t)sum;
    ip[20] = (uint8_t)(sport >> 8);
    ip[21] = (uint8_t)sport;
    ip[22] = (uint8_t)(dport >> 8);
    ip[23] = (uint8_t)dport;
    ip[24] = (uint8_t)(length >> 8);
    ip[25] = (uint8_t)length;
}

static void dhcp(uint8_t kind)
{
    static const uint8_t any[4] = { 0 }, all[4] = { 255, 255, 255, 255 };
    uint8_t frame[14 + 28 + 300] = { 0 }, *boot = frame + 42;

    memset(frame, 0xff, 6);
    boot[0] = 1;
    boot[1] = 1;
    boot[2] = 6;
    memcpy(boot + 28, mac, 6);
    memcpy(boot + 236, (uint8_t[]){ 0x63, 0x82, 0x53, 0x63, 53, 1, kind, 255 }, 8);
    udp(frame, 300, any, all, 68, 67);
    send_frame(frame, sizeof(frame));
}

START_TEST(dhcp_gives_the_address_that_was_asked_for)
{
    open_user(&(NetUserOptions){ .net = "192.168.9.0/24", .dhcpstart = "192.168.9.40" });
    dhcp(DISCOVER);
    wait_frame(0, 42, 2);
    ck_assert_mem_eq(fx.frame + 42 + 16, ((uint8_t[]){ 192, 168, 9, 40 }), 4);
}
END_TEST

typedef struct BadRow {
    const char *say; /* part of the message */
    NetUserOptions options;
} BadRow;

static const char *const no_protocol[] = { "xyz:1", NULL }, *const bad_name[] = { "sctp::1-:2",
                                                                                  NULL };
static const char *const no_guest[] = { "tcp::12345", NULL }, *const big_port[] = {
    "tcp::70000-:22", NULL
};
static const char *const bad_guest[] = { "tcp:10.0.2.100:99", NULL };

static const BadRow bad_rows[] = {
    { "IPv4 and IPv6 disabled", { .no_ipv4 = true, .no_ipv6 = true } },
    { "network", { .net = "10.0.2.0/99" } },
    { "Host must", { .host = "10.0.3.2" } },
    { "DNS must", { .dns = "10.0.2.2" } },
    { "DHCP must", { .dhcpstart = "10.0.2.3" } },
    { "domainname", { .domainname = "" } },
    { "hostname is too long", { .hostname = "0123456789012345678901234567890123456789" } },
    { "Invalid host forwarding rule 'xyz:1'", { .hostfwd = no_protocol } },
    { "Bad protocol name", { .hostfwd = bad_name } },
    { "Bad host port", { .hostfwd = no_guest } },
    { "Bad host port", { .hostfwd = big_port } },
    { "Invalid guest forwarding rule", { .guestfwd = bad_guest } },
};

START_TEST(bad_options_are_refused_in_words)
{
    g_autoptr(GError) error = NULL;

    ck_assert_ptr_null(net_user_new(&fx.host, &bad_rows[_i].options, &error));
    ck_assert_ptr_nonnull(error);
    ck_assert_msg(strstr(error->message, bad_rows[_i].say) != NULL, "%s", error->message);
}
END_TEST

/* A port of loopback that is taken, as text for a rule. */
static int take_port(int type, uint16_t *port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof(at);
    int fd = socket(AF_INET, type, 0);

    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    if (type == SOCK_STREAM) {
        ck_assert_int_eq(listen(fd, 1), 0);
    }
    getsockname(fd, (struct sockaddr *)&at, &length);
    *port = ntohs(at.sin_port);
    return fd;
}

START_TEST(a_port_that_is_taken_fails_at_once)
{
    uint16_t port;
    int fd = take_port(SOCK_STREAM, &port);
    g_autofree char *rule = g_strdup_printf("tcp:127.0.0.1:%u-:22", port);
    g_autofree char *say = g_strdup_printf("Could not set up host forwarding rule '%s'", rule);
    const char *const rules[] = { rule, NULL };
    g_autoptr(GError) error = NULL;

    ck_assert_ptr_null(net_user_new(&fx.host, &(NetUserOptions){ .hostfwd = rules }, &error));
    ck_assert_str_eq(error->message, say);
    close(fd);
}
END_TEST

START_TEST(rules_come_and_go)
{
    uint16_t port;
    int fd = take_port(SOCK_STREAM, &port);
    g_autofree char *rule = g_strdup_printf("tcp:127.0.0.1:%u-:22", port);
    g_autofree char *gone = g_strdup_printf("tcp:127.0.0.1:%u", port);
    g_autofree char *info = NULL;

    close(fd);
    open_user(&(NetUserOptions){ 0 });
    ck_assert(net_user_add_hostfwd(fx.user, rule, NULL));
    info = net_user_info(fx.user);
    ck_assert_ptr_nonnull(strstr(info, "HOST_FORWARD"));
    ck_assert(net_user_remove_hostfwd(fx.user, gone, NULL));
    ck_assert(!net_user_remove_hostfwd(fx.user, gone, NULL));
}
END_TEST

START_TEST(a_datagram_comes_through_a_forwarded_port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    uint16_t port;
    int fd = take_port(SOCK_DGRAM, &port);
    g_autofree char *rule = g_strdup_printf("udp:127.0.0.1:%u-:7", port);

    close(fd);
    open_user(&(NetUserOptions){ .no_ipv6 = true });
    ck_assert(net_user_add_hostfwd(fx.user, rule, NULL));
    arp(2); /* so that slirp knows where 10.0.2.15 is */
    wait_frame(6, 21, 2);
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    at.sin_port = htons(port);
    ck_assert_int_eq(sendto(fd, "hello", 5, 0, (struct sockaddr *)&at, sizeof(at)), 5);
    wait_frame(0, 23, 17);
    ck_assert_mem_eq(fx.frame + 42, "hello", 5);
    close(fd);
}
END_TEST

/* slirp looks at its clock when its source is served, at least once a second. */
static void loop_runs(void)
{
    gint64 end = g_get_monotonic_time() + 2500 * 1000;

    while (g_get_monotonic_time() < end) {
        g_main_context_iteration(NULL, FALSE);
        g_usleep(1000);
    }
}

/* slirp closes its socket in the midst of naming what it waits for. */
START_TEST(a_datagram_socket_that_nobody_uses_is_closed)
{
    uint8_t heard[64];
    uint16_t port;
    int fd = take_port(SOCK_DGRAM, &port);

    g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL);
    open_user(&(NetUserOptions){ .no_ipv6 = true });
    for (unsigned i = 0; i < 2; i++) {
        uint8_t frame[60] = { 0 };

        udp(frame, 8, (uint8_t[]){ 10, 0, 2, 15 }, (uint8_t[]){ 10, 0, 2, 2 }, 999, port);
        send_frame(frame, sizeof(frame));
        ck_assert_int_eq(recv(fd, heard, sizeof(heard), 0), 8);
        loop_runs();
        clock_step(fx.clock, 300ll * NS_PER_S);
        loop_runs();
    }
    close(fd);
}
END_TEST

START_TEST(fuzz)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(0x51175eed + (uint32_t)_i);
    uint8_t frame[600];

    /* Restricted, so that no rubbish leaves for real networks. */
    open_user(&(NetUserOptions){ .restricted = true });
    for (unsigned i = 0; i < 20000; i++) {
        size_t size = (size_t)g_rand_int_range(rand, 0, (int)sizeof(frame));

        memset(frame, 0, sizeof(frame));
        udp(frame, size > 50 ? size - 42 : 8, (uint8_t[]){ 10, 0, 2, 15 },
            (uint8_t[]){ 10, 0, 2, (uint8_t)g_rand_int_range(rand, 1, 5) },
            (uint16_t)g_rand_int(rand), (uint16_t)(g_rand_boolean(rand) ? 67 : 69));
        for (int j = g_rand_int_range(rand, 0, 6); j > 0; j--) {
            frame[g_rand_int_range(rand, 12, 60)] = (uint8_t)g_rand_int(rand);
        }
        for (size_t j = 42; j < size; j++) {
            frame[j] = (uint8_t)g_rand_int(rand);
        }
        send_frame(frame, size);
        if (i % 64 == 0) {
            g_main_context_iteration(NULL, FALSE);
            clock_step(fx.clock, NS_PER_MS * 100);
        }
    }
    arp(2);
    wait_frame(6, 21, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("net-user");
    TCase *tc = tcase_create("user");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_router_answers_arp);
    tcase_add_test(tc, dhcp_gives_the_address_that_was_asked_for);
    tcase_add_loop_test(tc, bad_options_are_refused_in_words, 0, G_N_ELEMENTS(bad_rows));
    tcase_add_test(tc, a_port_that_is_taken_fails_at_once);
    tcase_add_test(tc, rules_come_and_go);
    tcase_add_test(tc, a_datagram_comes_through_a_forwarded_port);
    tcase_add_test(tc, a_datagram_socket_that_nobody_uses_is_closed);
    tcase_add_loop_test(tc, fuzz, 0, 12);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
