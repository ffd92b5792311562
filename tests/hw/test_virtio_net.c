/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A virtio NIC between its rings and a cable whose other end the test holds. */
#include "hw/device_types.h"
#include "hw/virtio/virtio_net.h"
#include "tests/hw/virtio_fixture.h"

enum { RX = 0, TX = 1, CTRL = 2, HEADER = 12 };
enum {
    F_CSUM = 0,
    F_GUEST_CSUM = 1,
    F_GUEST_OFFLOADS = 2,
    F_GUEST_TSO4 = 7,
    F_HOST_TSO4 = 11,
    F_MRG = 15,
    F_STATUS = 16,
    F_CTRL = 17,
    F_CTRL_RX = 18,
    F_MAC_ADDR = 23
};
enum {
    RX_AT = V_BUFFERS,
    RX_SIZE = 0x800,
    TX_AT = V_BUFFERS + 0x40000,
    CTRL_AT = V_BUFFERS + 0x60000
};

static struct {
    NetPort *host;
    bool full;
    unsigned received;
    size_t size;
    NetOffload offload;
    uint8_t frame[70000];
} fx;

static bool host_receive(void *opaque, const struct iovec *iov, unsigned n,
                         const NetOffload *offload)
{
    (void)opaque;
    if (fx.full) {
        return false;
    }
    fx.size = iov_to_buffer(iov, n, 0, fx.frame, sizeof(fx.frame));
    fx.offload = *offload;
    fx.received++;
    return true;
}

static const NetPortOps host_ops = { .receive = host_receive };

static VirtNet *net_of(void)
{
    return (VirtNet *)((VirtPci *)v.dev)->device;
}

static void open_net(bool mq)
{
    DeviceSetting settings[] = { { "netdev", NULL, NULL },
                                 { "host_mtu", "1400", NULL },
                                 { "mq", mq ? "on" : "off", NULL },
                                 { 0 } };

    v_open();
    memset(&fx, 0, sizeof(fx));
    fx.host = net_port_new("test", NULL, &host_ops, NULL);
    settings[0].link = fx.host;
    v_plug(&virtio_net_pci_type, settings);
}

static void setup(void)
{
    open_net(false);
}

static void teardown(void)
{
    v_close();
    net_port_free(fx.host);
}

static NetSent host_send(const uint8_t *frame, size_t size, const NetOffload *offload)
{
    const struct iovec iov[] = { { (void *)(uintptr_t)frame, 7 },
                                 { (void *)(uintptr_t)(frame + 7), size - 7 } };
    const NetOffload none = { 0 };

    return net_send(fx.host, iov, 2, offload != NULL ? offload : &none);
}

static void give_buffers(unsigned n, uint32_t size)
{
    for (unsigned i = 0; i < n; i++) {
        v_add(RX, &(Buf){ RX_AT + i * RX_SIZE, size, true }, 1);
    }
    v_notify(RX);
}

static void fill(uint8_t *frame, size_t size)
{
    memset(frame, 0xff, 6);
    for (size_t i = 6; i < size; i++) {
        frame[i] = (uint8_t)(i * 11);
    }
}

START_TEST(a_packet_is_received)
{
    uint8_t frame[200], got[200];
    unsigned header = _i == 0 ? HEADER : 10;

    v.legacy = _i == 1; /* without mergeable buffers its header is two bytes shorter */
    v_start(0, 3);
    give_buffers(4, RX_SIZE);
    fill(frame, sizeof(frame));
    host_send(frame, sizeof(frame), NULL);
    ck_assert_uint_eq(v_take(RX, NULL), header + sizeof(frame));
    phys_map_read(v.bench.map, RX_AT + header, got, sizeof(got));
    ck_assert_mem_eq(got, frame, sizeof(frame));
    ck_assert_uint_eq(v_isr() & 1, 1);
}
END_TEST

START_TEST(a_large_packet_goes_over_several_buffers)
{
    uint8_t frame[5000];

    v_start(VIRTIO_BIT(F_MRG), 3);
    give_buffers(2, RX_SIZE);
    fill(frame, sizeof(frame));
    host_send(frame, sizeof(frame), NULL);
    ck_assert(!v_used(RX)); /* it waits until there are buffers enough */
    give_buffers(2, RX_SIZE);
    ck_assert_uint_eq(v_take(RX, NULL), RX_SIZE);
    ck_assert_uint_eq(v_take(RX, NULL), RX_SIZE);
    ck_assert_uint_eq(v_take(RX, NULL), sizeof(frame) + HEADER - 2 * RX_SIZE);
    ck_assert_uint_eq(g_get(RX_AT + 10, 2), 3);
    ck_assert_uint_eq(g_get(RX_AT + RX_SIZE, 1), frame[RX_SIZE - HEADER]);
    ck_assert(!v_used(RX));
}
END_TEST

START_TEST(what_does_not_fit_without_merging_is_lost)
{
    uint8_t frame[5000];

    v_start(0, 3);
    give_buffers(2, RX_SIZE);
    fill(frame, sizeof(frame));
    host_send(frame, sizeof(frame), NULL);
    ck_assert(!v_used(RX));
    host_send(frame, 100, NULL);
    ck_assert_uint_eq(v_take(RX, NULL), 100 + HEADER);
}
END_TEST

START_TEST(packets_wait_for_buffers)
{
    uint8_t frame[100];
    unsigned sent = 0;

    v_start(_i == 0 ? 0 : VIRTIO_BIT(VIRTIO_F_EVENT_IDX), 3);
    fill(frame, sizeof(frame));
    while (host_send(frame, sizeof(frame), NULL) == NET_SENT) {
        ck_assert_uint_lt(++sent, 5000);
    }
    give_buffers(60, RX_SIZE);
    for (unsigned i = 0; i < 60; i++) {
        v_take(RX, NULL);
    }
    ck_assert(!v_used(RX));
}
END_TEST

static void send_packet(const uint8_t *frame, uint32_t size, const NetOffload *offload)
{
    const Buf buf[] = { { TX_AT, HEADER, false }, { TX_AT + 0x100, size, false } };
    uint8_t header[HEADER] = { 0 };

    if (offload != NULL) {
        memcpy(header, offload, sizeof(*offload));
    }
    phys_map_write(v.bench.map, TX_AT, header, HEADER);
    phys_map_write(v.bench.map, TX_AT + 0x100, frame, size);
    v_request(TX, buf, 2);
}

START_TEST(a_packet_is_sent)
{
    uint8_t frame[1400];

    v_start(0, 3);
    fill(frame, sizeof(frame));
    send_packet(frame, sizeof(frame), NULL);
    ck_assert_uint_eq(fx.received, 1);
    ck_assert_uint_eq(fx.size, sizeof(frame));
    ck_assert_mem_eq(fx.frame, frame, sizeof(frame));
}
END_TEST

START_TEST(a_checksum_that_was_not_agreed_on_is_no_packet)
{
    const NetOffload offload = { .flags = 1, .csum_start = 34, .csum_offset = 16 };
    uint8_t frame[100];

    v_start(0, 3);
    fill(frame, sizeof(frame));
    send_packet(frame, sizeof(frame), &offload);
    ck_assert_uint_eq(fx.received, 0);
    v_start(VIRTIO_BIT(F_CSUM), 3);
    send_packet(frame, sizeof(frame), &offload);
    ck_assert_uint_eq(fx.received, 1);
    ck_assert_uint_eq(fx.offload.flags, 0); /* done on the way */
    net_port_set_takes(fx.host, NET_TAKES_CSUM);
    send_packet(frame, sizeof(frame), &offload);
    ck_assert_uint_eq(fx.offload.flags, 1);
}
END_TEST

START_TEST(a_full_cable_holds_the_ring)
{
    const Buf buf[] = { { TX_AT, HEADER, false }, { TX_AT + 0x100, 100, false } };
    unsigned out = 0;

    v_start(0, 3);
    fx.full = true;
    for (unsigned i = 0; i < 1200; i++) { /* more than the cable keeps */
        if ((uint16_t)(g_get(v.queue[TX].avail + 2, 2) - g_get(v.queue[TX].used + 2, 2)) < 60) {
            v_add(TX, buf, 2);
            v_notify(TX);
        }
        g_main_context_iteration(NULL, FALSE);
    }
    out = (uint16_t)g_get(v.queue[TX].used + 2, 2);
    ck_assert_uint_gt(out, 100);
    ck_assert_uint_eq((uint16_t)(g_get(v.queue[TX].avail + 2, 2) - out), 60);
    fx.full = false;
    net_port_ready(fx.host);
    for (unsigned i = 0; i < 1000; i++) {
        g_main_context_iteration(NULL, FALSE);
    }
    ck_assert_uint_eq(fx.received, out + 60);
}
END_TEST

static uint8_t control(uint8_t class, uint8_t command, const void *data, uint32_t size)
{
    const Buf buf[] = { { CTRL_AT, 2, false },
                        { CTRL_AT + 16, size, false },
                        { CTRL_AT + 0x1000, 1, true } };

    g_put(CTRL_AT, class, 1);
    g_put(CTRL_AT + 1, command, 1);
    phys_map_write(v.bench.map, CTRL_AT + 16, data, size);
    g_put(CTRL_AT + 0x1000, 0xee, 1);
    v_request(CTRL, buf, 3);
    return (uint8_t)g_get(CTRL_AT + 0x1000, 1);
}

static bool received(const uint8_t *mac, uint16_t vlan)
{
    uint8_t frame[64] = { 0 };
    bool got;

    memcpy(frame, mac, 6);
    if (vlan != 0) {
        frame[12] = 0x81;
        frame[14] = (uint8_t)(vlan >> 8);
        frame[15] = (uint8_t)vlan;
    }
    host_send(frame, sizeof(frame), NULL);
    got = v_used(RX);
    if (got) {
        v_take(RX, NULL);
    }
    return got;
}

START_TEST(filters_do_what_the_driver_says)
{
    const uint8_t own[] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 }, other[] = { 2, 0, 0, 0, 0, 1 };
    const uint8_t multi[] = { 1, 0, 0x5e, 0, 0, 1 }, all[] = { 255, 255, 255, 255, 255, 255 };
    const uint8_t tables[] = { 1, 0, 0, 0, 2, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0x5e, 0, 0, 1 };
    const uint8_t off = 0, on = 1;
    const uint16_t vlan = 42;

    v_start(VIRTIO_BIT(F_CTRL) | VIRTIO_BIT(F_CTRL_RX), 3);
    give_buffers(100, RX_SIZE);
    ck_assert(received(other, 0)); /* all, until told otherwise */
    ck_assert_uint_eq(control(0, 0, &off, 1), 0);
    ck_assert(received(own, 0) && received(all, 0));
    ck_assert(!received(other, 0) && !received(multi, 0));
    ck_assert_uint_eq(control(1, 0, tables, sizeof(tables)), 0);
    ck_assert(received(other, 0) && received(multi, 0));
    ck_assert(!received(own, vlan));
    ck_assert_uint_eq(control(2, 0, &vlan, 2), 0);
    ck_assert(received(own, vlan) && !received(own, vlan + 1));
    ck_assert_uint_eq(control(2, 1, &vlan, 2), 0);
    ck_assert(!received(own, vlan));
    ck_assert_uint_eq(control(0, 5, &on, 1), 0);
    ck_assert(!received(all, 0));
    ck_assert_uint_eq(control(1, 1, other, 6), 0);
    ck_assert_uint_eq(v_config(0, 4), 2);
    ck_assert_uint_eq(control(1, 1, other, 5), 1);
    ck_assert_uint_eq(control(9, 0, &on, 1), 1);
    ck_assert_uint_eq(control(4, 0, &vlan, 2), 1); /* one pair is all there is */
}
END_TEST

START_TEST(the_link_is_told)
{
    v_start(VIRTIO_BIT(F_STATUS), 3);
    ck_assert_uint_eq(v_config(6, 2) & 1, 1);
    net_port_set_link(fx.host, false);
    ck_assert_uint_eq(v_isr(), 2);
    ck_assert_uint_eq(v_config(6, 2) & 1, 0);
    net_port_set_link(fx.host, true);
    ck_assert_uint_eq(v_config(6, 2) & 1, 1);
    ck_assert_uint_eq(v_config(10, 2), 1400);
}
END_TEST

START_TEST(several_pairs_have_their_control_queue_behind_them)
{
    const uint16_t pairs = 2;

    teardown();
    open_net(true);
    v_start(0, 3); /* a driver that knows one pair finds it third */
    ck_assert_uint_eq(control(0, 0, &pairs, 1), 0);
    v_start(VIRTIO_BIT(22) | VIRTIO_BIT(F_CTRL), 9);
    ck_assert_uint_eq(v_config(8, 2), 4);
    g_put(CTRL_AT, 4, 2);
    g_put(CTRL_AT + 16, pairs, 2);
    v_request(
        8,
        (Buf[]){ { CTRL_AT, 2, false }, { CTRL_AT + 16, 2, false }, { CTRL_AT + 0x1000, 1, true } },
        3);
    ck_assert_uint_eq(g_get(CTRL_AT + 0x1000, 1), 0);
    ck_assert_uint_eq(net_of()->pairs_in_use, 2);
}
END_TEST

START_TEST(fuzz)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(0x0e70000u + (uint32_t)_i);
    uint8_t frame[2000];

    fill(frame, sizeof(frame));
    for (unsigned i = 0; i < 300; i++) {
        v_fuzz(g_rand_int(rand), 64,
               VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC) | VIRTIO_BIT(F_CSUM) | VIRTIO_BIT(F_HOST_TSO4) |
                   VIRTIO_BIT(F_CTRL) | (g_rand_boolean(rand) ? VIRTIO_BIT(F_MRG) : 0),
               3);
        host_send(frame, (size_t)g_rand_int_range(rand, 20, sizeof(frame)), NULL);
    }
    v_start(0, 3);
    fx.received = 0;
    send_packet(frame, 100, NULL);
    ck_assert_uint_ge(fx.received, 1);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("virtio-net");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, a_packet_is_received, 0, 2);
    tcase_add_test(tc, a_large_packet_goes_over_several_buffers);
    tcase_add_test(tc, what_does_not_fit_without_merging_is_lost);
    tcase_add_loop_test(tc, packets_wait_for_buffers, 0, 2);
    tcase_add_test(tc, a_packet_is_sent);
    tcase_add_test(tc, a_checksum_that_was_not_agreed_on_is_no_packet);
    tcase_add_test(tc, a_full_cable_holds_the_ring);
    tcase_add_test(tc, filters_do_what_the_driver_says);
    tcase_add_test(tc, the_link_is_told);
    tcase_add_test(tc, several_pairs_have_their_control_queue_behind_them);
    tcase_add_loop_test(tc, fuzz, 0, 2);
    return suite_run(tc, "virtio-net");
}
