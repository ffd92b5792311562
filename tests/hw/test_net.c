/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cables: who gets what, back pressure, links, and packets that are finished on the way. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "hw/net/net.h"

enum { FRAME = 60, KEPT = 4096, PAYLOAD = 5000, MSS = 1460, HEADERS = 14 + 20 + 20 };

typedef struct End {
    NetPort *port;
    bool full;
    unsigned received, rooms, changes;
    size_t size[KEPT];
    uint8_t first[KEPT]; /* byte of the frame */
    NetOffload offload;  /* of the last one */
    uint8_t last[65536];
} End;

static End *a, *b;

static bool end_receive(void *opaque, const struct iovec *iov, unsigned n,
                        const NetOffload *offload)
{
    End *end = opaque;
    size_t size = 0;

    if (end->full) {
        return false;
    }
    for (unsigned i = 0; i < n; i++) {
        memcpy(end->last + size, iov[i].iov_base, iov[i].iov_len);
        size += iov[i].iov_len;
    }
    ck_assert_uint_lt(end->received, KEPT);
    end->size[end->received] = size;
    end->first[end->received++] = end->last[0];
    end->offload = *offload;
    return true;
}

static void end_room(void *opaque)
{
    ((End *)opaque)->rooms++;
}

static void end_changed(void *opaque)
{
    ((End *)opaque)->changes++;
}

static const NetPortOps end_ops = { .receive = end_receive,
                                    .room = end_room,
                                    .changed = end_changed };

static void setup(void)
{
    a = g_new0(End, 1);
    b = g_new0(End, 1);
    a->port = net_port_new("test", "a", &end_ops, a);
    b->port = net_port_new("test", "b", &end_ops, b);
    net_connect(a->port, b->port);
}

static void teardown(void)
{
    net_port_free(a->port);
    net_port_free(b->port);
    g_free(a);
    g_free(b);
}

static NetSent send_byte(uint8_t byte)
{
    uint8_t frame[FRAME] = { byte };
    const struct iovec iov[] = { { frame, 10 }, { frame + 10, FRAME - 10 } };
    const NetOffload none = { 0 };

    return net_send(a->port, iov, 2, &none);
}

START_TEST(what_goes_in_comes_out)
{
    ck_assert_int_eq(send_byte(7), NET_SENT);
    ck_assert_uint_eq(b->received, 1);
    ck_assert_uint_eq(b->size[0], FRAME);
    ck_assert_uint_eq(b->first[0], 7);
    ck_assert_uint_eq(a->received, 0);
}
END_TEST

START_TEST(a_full_receiver_gets_everything_later_in_order)
{
    unsigned sent = 0;

    b->full = true;
    while (send_byte((uint8_t)sent) == NET_SENT) {
        ck_assert_uint_lt(++sent, 2000);
    }
    ck_assert_uint_gt(sent, 100);
    ck_assert_uint_eq(a->rooms, 0);
    b->full = false;
    net_port_ready(b->port);
    ck_assert_uint_eq(b->received, sent);
    for (unsigned i = 0; i < sent; i++) {
        ck_assert_uint_eq(b->first[i], (uint8_t)i);
    }
    ck_assert_uint_eq(a->rooms, 1);
    ck_assert_int_eq(send_byte(1), NET_SENT);
}
END_TEST

START_TEST(nothing_passes_a_link_that_is_down)
{
    net_port_set_link(b->port, false);
    ck_assert(!net_link_up(a->port));
    ck_assert_uint_ge(a->changes, 1);
    ck_assert_int_eq(send_byte(1), NET_SENT);
    net_port_set_link(b->port, true);
    ck_assert_uint_eq(b->received, 0);
    send_byte(2);
    ck_assert_uint_eq(b->received, 1);
}
END_TEST

START_TEST(a_port_alone_loses_what_it_sends)
{
    net_disconnect(a->port);
    ck_assert_int_eq(send_byte(1), NET_SENT);
    ck_assert_ptr_null(net_port_peer(b->port));
}
END_TEST

static unsigned seen[2];

static void count(void *opaque, bool out, const struct iovec *iov, unsigned n,
                  const NetOffload *offload)
{
    (void)opaque, (void)iov, (void)n, (void)offload;
    seen[out]++;
}

START_TEST(taps_see_both_ways)
{
    NetTap *tap = net_port_add_tap(b->port, count, NULL);
    uint8_t frame[FRAME] = { 0 };
    const struct iovec iov = { frame, FRAME };
    const NetOffload none = { 0 };

    seen[0] = seen[1] = 0;
    send_byte(1);
    net_send(b->port, &iov, 1, &none);
    ck_assert_uint_eq(seen[0], 1);
    ck_assert_uint_eq(seen[1], 1);
    net_tap_free(tap);
    send_byte(1);
    ck_assert_uint_eq(seen[0], 1);
}
END_TEST

/* A TCP packet from 10.0.2.15 to 10.0.2.2 with a pseudo header's sum, as a driver leaves it. */
static uint8_t *tcp_packet(bool v6, size_t payload, size_t *size)
{
    unsigned ip = v6 ? 40 : 20;
    uint8_t *p = g_malloc0(*size = 14 + ip + 20 + payload), *tcp = p + 14 + ip;
    uint32_t sum;

    p[12] = v6 ? 0x86 : 0x08;
    p[13] = v6 ? 0xdd : 0x00;
    p[14] = v6 ? 0x60 : 0x45;
    if (v6) {
        p[14 + 4] = (uint8_t)((20 + payload) >> 8);
        p[14 + 5] = (uint8_t)(20 + payload);
        p[14 + 6] = 6;
        p[14 + 8] = 0xfe;
        p[14 + 39] = 2;
    } else {
        p[14 + 2] = (uint8_t)((40 + payload) >> 8);
        p[14 + 3] = (uint8_t)(40 + payload);
        p[14 + 8] = 64;
        p[14 + 9] = 6;
        memcpy(p + 14 + 12, (uint8_t[]){ 10, 0, 2, 15, 10, 0, 2, 2 }, 8);
    }
    tcp[7] = 1; /* sequence number */
    tcp[12] = 0x50;
    tcp[13] = 0x18; /* PSH, ACK */
    for (size_t i = 0; i < payload; i++) {
        tcp[20 + i] = (uint8_t)(i * 13);
    }
    sum = net_csum_add(6 + 20 + (uint32_t)payload, p + 14 + (v6 ? 8 : 12), v6 ? 32 : 8);
    sum = (uint16_t)~net_csum_fold(sum);
    tcp[16] = (uint8_t)(sum >> 8);
    tcp[17] = (uint8_t)sum;
    return p;
}

/* The sum over pseudo header and segment of a packet that is right is all ones. */
static bool tcp_sum_right(const uint8_t *p, size_t size, bool v6)
{
    unsigned ip = v6 ? 40 : 20;
    uint32_t length = (uint32_t)(size - 14 - ip);
    uint32_t sum = net_csum_add(6 + length, p + 14 + (v6 ? 8 : 12), v6 ? 32 : 8);

    return net_csum_fold(net_csum_add(sum, p + 14 + ip, length)) == 0;
}

static void send_offload(const uint8_t *packet, size_t size, const NetOffload *offload)
{
    const struct iovec iov[] = { { (void *)(uintptr_t)packet, 33 },
                                 { (void *)(uintptr_t)(packet + 33), size - 33 } };

    ck_assert_int_eq(net_send(a->port, iov, 2, offload), NET_SENT);
}

START_TEST(a_checksum_is_finished_unless_the_receiver_takes_it)
{
    size_t size;
    g_autofree uint8_t *packet = tcp_packet(false, 100 + (size_t)_i, &size);
    const NetOffload offload = { .flags = NET_FLAG_NEEDS_CSUM,
                                 .csum_start = 34,
                                 .csum_offset = 16 };

    send_offload(packet, size, &offload);
    ck_assert_uint_eq(b->offload.flags, 0);
    ck_assert(tcp_sum_right(b->last, b->size[0], false));
    net_port_set_takes(b->port, NET_TAKES_CSUM);
    send_offload(packet, size, &offload);
    ck_assert_uint_eq(b->offload.flags, NET_FLAG_NEEDS_CSUM);
    ck_assert_mem_eq(b->last, packet, size);
}
END_TEST

START_TEST(large_packets_are_cut_unless_the_receiver_takes_them)
{
    bool v6 = _i == 1;
    unsigned headers = HEADERS + (v6 ? 20 : 0);
    size_t size;
    g_autofree uint8_t *packet = tcp_packet(v6, PAYLOAD, &size);
    const NetOffload offload = { .flags = NET_FLAG_NEEDS_CSUM,
                                 .gso_type = v6 ? NET_GSO_TCPV6 : NET_GSO_TCPV4,
                                 .gso_size = MSS,
                                 .csum_start = (uint16_t)(headers - 20),
                                 .csum_offset = 16 };

    send_offload(packet, size, &offload);
    ck_assert_uint_eq(b->received, 4);
    ck_assert_uint_eq(b->size[0], headers + MSS);
    ck_assert_uint_eq(b->size[3], headers + PAYLOAD - 3 * MSS);
    /* The last one is kept: its sequence number, flags, data and sums. */
    ck_assert_uint_eq(b->last[headers - 20 + 6] << 8 | b->last[headers - 20 + 7], 1 + 3 * MSS);
    ck_assert_uint_eq(b->last[headers - 20 + 13], 0x18);
    ck_assert_uint_eq(b->last[headers], (uint8_t)(3 * MSS * 13));
    ck_assert(tcp_sum_right(b->last, b->size[3], v6));
    if (!v6) {
        ck_assert_uint_eq(net_csum_fold(net_csum_add(0, b->last + 14, 20)), 0);
    }
    net_port_set_takes(b->port, NET_TAKES_CSUM | NET_TAKES_TSO4 | NET_TAKES_TSO6);
    send_offload(packet, size, &offload);
    ck_assert_uint_eq(b->received, 5);
    ck_assert_uint_eq(b->size[4], size);
    ck_assert_uint_eq(b->offload.gso_size, MSS);
}
END_TEST

START_TEST(a_large_packet_can_be_made_right_in_one_piece)
{
    size_t size;
    g_autofree uint8_t *packet = tcp_packet(_i == 1, PAYLOAD, &size);

    ck_assert(net_finish_large(packet, size));
    ck_assert(tcp_sum_right(packet, size, _i == 1));
}
END_TEST

START_TEST(fuzz_offloads)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(0x0ff10ad + (uint32_t)_i);

    for (unsigned i = 0; i < 20000; i++) {
        size_t size;
        g_autofree uint8_t *packet = tcp_packet(g_rand_boolean(rand),
                                                (size_t)g_rand_int_range(rand, 0, 4000), &size);
        NetOffload offload;

        for (int j = g_rand_int_range(rand, 0, 4); j > 0; j--) {
            packet[g_rand_int_range(rand, 12, 54)] = (uint8_t)g_rand_int(rand);
        }
        for (unsigned j = 0; j < sizeof(offload); j++) {
            ((uint8_t *)&offload)[j] = (uint8_t)(g_rand_int(rand) & g_rand_int(rand));
        }
        b->received = 0;
        if (size > 33) {
            send_offload(packet, g_rand_boolean(rand) ? size : 34 + g_rand_int(rand) % (size - 33),
                         &offload);
        }
        b->received = 0;
        net_finish_large(packet, size);
    }
}
END_TEST

START_TEST(addresses_are_read_and_written)
{
    static const char *const bad[] = { "",
                                       "52:54:00:12:34",
                                       "52:54:00:12:34:56:78",
                                       "52:54:00:12:34:5g",
                                       "152:54:0:12:34:56",
                                       "5254.0012.3456" };
    uint8_t mac[NET_MAC];
    g_autofree char *text = NULL;

    ck_assert(net_mac_parse("52:54:00:12:34:56", mac));
    text = net_mac_text(mac);
    ck_assert_str_eq(text, "52:54:00:12:34:56");
    ck_assert(net_mac_parse("0-1-2-3-4-ff", mac));
    ck_assert_uint_eq(mac[5], 0xff);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        ck_assert_msg(!net_mac_parse(bad[i], mac), "%s", bad[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("net");
    TCase *tc = tcase_create("cable");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, what_goes_in_comes_out);
    tcase_add_test(tc, a_full_receiver_gets_everything_later_in_order);
    tcase_add_test(tc, nothing_passes_a_link_that_is_down);
    tcase_add_test(tc, a_port_alone_loses_what_it_sends);
    tcase_add_test(tc, taps_see_both_ways);
    tcase_add_loop_test(tc, a_checksum_is_finished_unless_the_receiver_takes_it, 0, 6);
    tcase_add_loop_test(tc, large_packets_are_cut_unless_the_receiver_takes_them, 0, 2);
    tcase_add_loop_test(tc, a_large_packet_can_be_made_right_in_one_piece, 0, 2);
    tcase_add_loop_test(tc, fuzz_offloads, 0, 2);
    tcase_add_test(tc, addresses_are_read_and_written);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
