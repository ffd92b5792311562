/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The 82540EM, seen from its registers and from the cable. */
#include "hw/device_types.h"
#include "tests/hw/nic_fixture.h"

enum {
    CTRL = 0,
    STATUS = 8,
    EECD = 0x10,
    EERD = 0x14,
    MDIC = 0x20,
    ICR = 0xc0,
    ITR = 0xc4,
    ICS = 0xc8,
    IMS = 0xd0,
    IMC = 0xd8,
    RCTL = 0x100,
    TCTL = 0x400,
    RDBAL = 0x2800,
    RDLEN = 0x2808,
    RDH = 0x2810,
    RDT = 0x2818,
    TDBAL = 0x3800,
    TDLEN = 0x3808,
    TDH = 0x3810,
    TDT = 0x3818,
    TPR = 0x40d0,
    MPC = 0x4010,
    RXCSUM = 0x5000,
    RAL = 0x5400,
    RAH = 0x5404,
    VFTA = 0x5600
};
enum { RING = 16, RX_RING = 0x100000, TX_RING = 0x110000, RX_AT = 0x200000, TX_AT = 0x300000 };
enum { RXT0 = 0x80, RXO = 0x40, TXDW = 1, LSC = 4 };
enum { EOP = 1, RS = 8, DEXT = 0x20, TSE = 4, VLE = 0x40 };

static uint32_t r(unsigned offset)
{
    return get32(&n.bench, N_BAR + offset);
}

static void w(unsigned offset, uint32_t value)
{
    put32(&n.bench, N_BAR + offset, value);
}

static void rings(void)
{
    w(RDBAL, RX_RING);
    w(RDLEN, RING * 16);
    w(TDBAL, TX_RING);
    w(TDLEN, RING * 16);
    for (unsigned i = 0; i < RING; i++) {
        n_put(RX_RING + 16 * i, RX_AT + 0x1000 * i, 8);
    }
    w(RCTL, 0x8002); /* on, broadcasts, 2048 bytes */
    w(RDT, RING - 1);
    w(TCTL, 2);
    w(IMS, 0xff);
}

static void setup(void)
{
    n_open(&e1000_type);
    rings();
}

static void teardown(void)
{
    n_close();
}

START_TEST(it_is_what_it_says)
{
    ck_assert_uint_eq(config_in(&n.bench, N_DEVFN, 0, 4), 0x100e8086);
    ck_assert_uint_eq(r(STATUS) & 3, 3); /* full duplex, link */
    ck_assert_uint_eq(r(RAL), 0x12005452);
    ck_assert_uint_eq(r(RAH), 0x80005634);
    w(MDIC, 2u << 26 | 1u << 21 | 2u << 16);
    ck_assert_uint_eq(r(MDIC) & 0x1000ffff, 0x10000141);
    w(MDIC, 2u << 26 | 2u << 21 | 2u << 16); /* nobody at that address */
    ck_assert_uint_ne(r(MDIC) & 0x40000000, 0);
    /* The same through ports. */
    io_bus_write(n.bench.io, N_PORTS + 0x1000, 4, RAL);
    ck_assert_uint_eq(io_bus_read(n.bench.io, N_PORTS + 0x1004, 4), 0x12005452);
}
END_TEST

/* As a driver reads a word on four wires. */
static uint16_t microwire(unsigned address)
{
    unsigned command = 6u << 6 | address;
    uint16_t word = 0;

    w(EECD, 2);
    for (int i = 8; i >= 0; i--) {
        uint32_t di = (command >> i & 1) << 2;

        w(EECD, 2 | di);
        w(EECD, 3 | di);
        w(EECD, 2 | di);
    }
    for (unsigned i = 0; i < 16; i++) {
        w(EECD, 3);
        word = (uint16_t)(word << 1 | (r(EECD) >> 3 & 1));
        w(EECD, 2);
    }
    w(EECD, 0);
    return word;
}

START_TEST(the_eeprom_has_address_and_checksum)
{
    uint16_t sum = 0;

    for (unsigned i = 0; i < 64; i++) {
        uint16_t word = microwire(i);

        w(EERD, i << 8 | 1);
        ck_assert_uint_eq(r(EERD) >> 16, word);
        ck_assert_uint_eq(r(EERD) & 0x10, 0x10);
        sum = (uint16_t)(sum + word);
    }
    ck_assert_uint_eq(sum, 0xbaba);
    ck_assert_uint_eq(microwire(0), 0x5452);
}
END_TEST

START_TEST(a_packet_is_received)
{
    uint8_t frame[300], got[300];

    n_fill(frame, sizeof(frame));
    n_send(frame, sizeof(frame), NULL);
    phys_map_read(n.bench.map, RX_AT, got, sizeof(got));
    ck_assert_mem_eq(got, frame, sizeof(frame));
    ck_assert_uint_eq(n_get(RX_RING + 8, 2), sizeof(frame) + 4);
    ck_assert_uint_eq(n_get(RX_RING + 12, 1) & 3, 3);
    ck_assert(n.irq);
    ck_assert_uint_eq(r(ICR) & RXT0, RXT0);
    ck_assert(!n.irq);
    ck_assert_uint_eq(r(RDH), 1);
    ck_assert_uint_eq(r(TPR), 1);
    ck_assert_uint_eq(r(TPR), 0); /* looking clears */
    w(RCTL, 0x8002 | 1u << 26);   /* the check sequence stripped, and a short frame */
    n_send(frame, 20, NULL);
    ck_assert_uint_eq(n_get(RX_RING + 16 + 8, 2), 60);
}
END_TEST

START_TEST(filters_hold)
{
    uint8_t frame[64] = { 2, 0, 0, 0, 0, 1 };
    const uint8_t own[] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };

    n_send(frame, sizeof(frame), NULL);
    frame[0] = 1; /* multicast */
    n_send(frame, sizeof(frame), NULL);
    ck_assert_uint_eq(r(RDH), 0);
    w(0x5200 + 4 * (0x10 >> 5), 1u << 0x10); /* hash of 00:01 at the end is 010h */
    n_send(frame, sizeof(frame), NULL);
    ck_assert_uint_eq(r(RDH), 1);
    memcpy(frame, own, 6);
    n_send(frame, sizeof(frame), NULL);
    ck_assert_uint_eq(r(RDH), 2);
    frame[12] = 0x81;
    frame[13] = 0;
    frame[15] = 42;
    w(RCTL, 0x8002 | 1u << 18);
    n_send(frame, sizeof(frame), NULL);
    ck_assert_uint_eq(r(RDH), 2);
    w(VFTA + 4, 1u << 10);
    n_send(frame, sizeof(frame), NULL);
    ck_assert_uint_eq(r(RDH), 3);
    w(CTRL, r(CTRL) | 1u << 30); /* the tag goes into the descriptor */
    n_send(frame, sizeof(frame), NULL);
    ck_assert_uint_eq(n_get(RX_RING + 3 * 16 + 8, 2), sizeof(frame) - 4 + 4);
    ck_assert_uint_eq(n_get(RX_RING + 3 * 16 + 14, 2), 42);
    ck_assert_uint_eq(n_get(RX_RING + 3 * 16 + 12, 1) & 8, 8);
}
END_TEST

START_TEST(packets_wait_for_descriptors)
{
    uint8_t frame[100];

    n_fill(frame, sizeof(frame));
    for (unsigned i = 0; i < RING + 5; i++) {
        n_send(frame, sizeof(frame), NULL);
    }
    ck_assert_uint_eq(r(RDH), RING - 1);
    ck_assert_uint_eq(r(ICR) & RXO, RXO);
    ck_assert_uint_ge(r(MPC), 1);
    w(RDT, RING - 3);
    ck_assert_uint_eq(r(RDH), 5);
}
END_TEST

static void tx_desc(unsigned i, uint64_t address, uint32_t low, uint32_t high)
{
    n_put(TX_RING + 16 * i, address, 8);
    n_put(TX_RING + 16 * i + 8, low, 4);
    n_put(TX_RING + 16 * i + 12, high, 4);
}

START_TEST(a_packet_in_two_pieces_is_sent)
{
    uint8_t frame[400];

    n_fill(frame, sizeof(frame));
    phys_map_write(n.bench.map, TX_AT, frame, sizeof(frame));
    tx_desc(0, TX_AT, 100, 0);
    tx_desc(1, TX_AT + 100, 300 | (uint32_t)(EOP | RS) << 24, 0);
    w(TDT, 2);
    n_run();
    ck_assert_uint_eq(n.received, 1);
    ck_assert_uint_eq(n.size, sizeof(frame));
    ck_assert_mem_eq(n.frame, frame, sizeof(frame));
    ck_assert_uint_eq(r(TDH), 2);
    ck_assert_uint_eq(n_get(TX_RING + 16 + 12, 1) & 1, 1);
    ck_assert_uint_eq(r(ICR) & TXDW, TXDW);
    tx_desc(2, TX_AT, 100 | (uint32_t)(EOP | RS | VLE) << 24, 42u << 16);
    w(CTRL, r(CTRL) | 1u << 30);
    w(TDT, 3);
    n_run();
    ck_assert_uint_eq(n.size, 104);
    ck_assert_uint_eq(n.frame[12] << 8 | n.frame[13], 0x8100);
    ck_assert_uint_eq(n.frame[15], 42);
}
END_TEST

/* IPv4 and TCP headers and 3000 bytes, as a driver leaves them for segmentation. */
static void tcp_make(uint32_t payload)
{
    uint8_t p[54] = { 0 };

    memset(p, 0xff, 6);
    p[12] = 8;
    p[14] = 0x45;
    p[22] = 64;
    p[23] = 6;
    memcpy(p + 26, (uint8_t[]){ 10, 0, 2, 15, 10, 0, 2, 2 }, 8);
    p[46] = 0x50;
    phys_map_write(n.bench.map, TX_AT, p, sizeof(p));
    for (uint32_t i = 0; i < payload; i++) {
        n_put(TX_AT + 54 + i, i * 7, 1);
    }
}

static bool tcp_right(void)
{
    uint32_t length = (uint32_t)n.size - 34;
    uint32_t sum = net_csum_add(6 + length, n.frame + 26, 8);

    return net_csum_fold(net_csum_add(sum, n.frame + 34, length)) == 0 &&
           net_csum_fold(net_csum_add(0, n.frame + 14, 20)) == 0 &&
           (n.frame[16] << 8 | n.frame[17]) == (int)n.size - 14;
}

static void context(unsigned i, uint32_t command, uint32_t payload)
{
    /* IP sum over 14 to 33 at 24, TCP's from 34 on at 50; 54 bytes of headers, 1000 a segment */
    tx_desc(i, 14 | 24ull << 8 | 33ull << 16 | 34ull << 32 | 50ull << 40,
            payload | (uint32_t)(DEXT | command) << 24, 54u << 8 | 1000u << 16);
}

START_TEST(large_packets_are_cut_or_passed_on)
{
    if (_i == 1) {
        net_port_set_takes(n.host, NET_TAKES_CSUM | NET_TAKES_TSO4);
    }
    tcp_make(3000);
    context(0, TSE | 3, 3000);
    tx_desc(1, TX_AT, 54 | 1u << 20 | (uint32_t)(DEXT | TSE) << 24, 3u << 8);
    tx_desc(2, TX_AT + 54, 3000 | 1u << 20 | (uint32_t)(DEXT | TSE | EOP | RS) << 24, 0);
    w(TDT, 3);
    n_run();
    if (_i == 1) {
        ck_assert_uint_eq(n.received, 1);
        ck_assert_uint_eq(n.size, 3054);
        ck_assert_uint_eq(n.offload.gso_size, 1000);
        ck_assert(net_finish_csum(n.frame, n.size, &n.offload));
    } else {
        ck_assert_uint_eq(n.received, 3);
        ck_assert_uint_eq(n.size, 1054);
        ck_assert_uint_eq(n.frame[54], (uint8_t)(2000 * 7));
    }
    ck_assert(tcp_right());
}
END_TEST

START_TEST(checksums_are_made)
{
    uint16_t sum;

    tcp_make(500);
    n_put(TX_AT + 16, 0x1c02, 2); /* length 540 */
    sum = (uint16_t)~net_csum_fold(
        net_csum_add(6 + 520, (uint8_t[]){ 10, 0, 2, 15, 10, 0, 2, 2 }, 8));
    n_put(TX_AT + 50, GUINT16_SWAP_LE_BE(sum), 2); /* the pseudo header's */
    context(0, 0, 0);
    tx_desc(1, TX_AT, 554 | 1u << 20 | (uint32_t)(DEXT | EOP | RS) << 24, 3u << 8);
    w(TDT, 2);
    n_run();
    ck_assert_uint_eq(n.received, 1);
    ck_assert(tcp_right());
}
END_TEST

START_TEST(a_full_cable_holds_the_ring)
{
    uint8_t frame[100];
    unsigned sent = 0;

    n_fill(frame, sizeof(frame));
    phys_map_write(n.bench.map, TX_AT, frame, sizeof(frame));
    for (unsigned i = 0; i < RING; i++) {
        tx_desc(i, TX_AT, 100 | (uint32_t)(EOP | RS) << 24, 0);
    }
    n.full = true;
    for (unsigned i = 0; i < 2000; i++) {
        uint32_t tail = r(TDT);

        if ((tail + 1) % RING != r(TDH)) {
            w(TDT, (tail + 1) % RING);
            sent++;
        }
        g_main_context_iteration(NULL, FALSE);
    }
    ck_assert_uint_lt(sent, 2000);
    n.full = false;
    net_port_ready(n.host);
    for (unsigned i = 0; i < 100; i++) {
        n_run();
    }
    ck_assert_uint_eq(n.received, sent);
    ck_assert_mem_eq(n.frame, frame, sizeof(frame));
}
END_TEST

START_TEST(interrupts_are_throttled)
{
    w(ITR, 1000); /* 256 us */
    w(ICS, RXT0);
    ck_assert(n.irq);
    r(ICR);
    w(ICS, RXT0);
    ck_assert(!n.irq);
    clock_step(n.bench.clock, 300 * NS_PER_US);
    ck_assert(n.irq);
    w(IMC, 0xff);
    ck_assert(!n.irq);
}
END_TEST

START_TEST(the_link_is_told)
{
    net_port_set_link(n.host, false);
    ck_assert_uint_eq(r(STATUS) & 2, 0);
    ck_assert_uint_eq(r(ICR) & LSC, LSC);
    w(MDIC, 2u << 26 | 1u << 21 | 1u << 16);
    ck_assert_uint_eq(r(MDIC) & 4, 0);
    net_port_set_link(n.host, true);
    ck_assert_uint_eq(r(STATUS) & 2, 2);
    w(CTRL, 1u << 26); /* a reset */
    ck_assert_uint_eq(r(RCTL), 0);
    ck_assert_uint_eq(r(STATUS) & 2, 2);
}
END_TEST

START_TEST(fuzz)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(0xe1000 + (uint32_t)_i);
    uint8_t frame[2000];

    n_fill(frame, sizeof(frame));
    for (unsigned i = 0; i < 60000; i++) {
        switch (g_rand_int_range(rand, 0, 8)) {
        case 0:
            w(g_rand_int(rand) & 0x1fffc, g_rand_int(rand));
            break;
        case 1:
            w((g_rand_boolean(rand) ? 0x2800 : 0x3800) + (g_rand_int(rand) & 0x1c),
              g_rand_int(rand) & 0x1ff);
            break;
        case 2:
            n_put(TX_RING + g_rand_int(rand) % 0x100, g_rand_int(rand), 4);
            break;
        case 3:
            tx_desc(g_rand_int(rand) % RING, TX_AT + (g_rand_int(rand) & 0xfff),
                    (g_rand_int(rand) & 0x1fff) | g_rand_int(rand) << 20, g_rand_int(rand));
            break;
        case 4:
            r(g_rand_int(rand) & 0x1fffc);
            break;
        case 5:
            n_send(frame, (size_t)g_rand_int_range(rand, 20, sizeof(frame)), NULL);
            break;
        case 6:
            g_main_context_iteration(NULL, FALSE);
            clock_step(n.bench.clock, NS_PER_MS);
            break;
        default:
            if (i % 37 == 0) {
                rings();
            }
            break;
        }
    }
    w(CTRL, 1u << 26);
    rings();
    n_send(frame, 100, NULL);
    ck_assert_uint_ge(r(RDH), 1);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("e1000");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, it_is_what_it_says);
    tcase_add_test(tc, the_eeprom_has_address_and_checksum);
    tcase_add_test(tc, a_packet_is_received);
    tcase_add_test(tc, filters_hold);
    tcase_add_test(tc, packets_wait_for_descriptors);
    tcase_add_test(tc, a_packet_in_two_pieces_is_sent);
    tcase_add_loop_test(tc, large_packets_are_cut_or_passed_on, 0, 2);
    tcase_add_test(tc, checksums_are_made);
    tcase_add_test(tc, a_full_cable_holds_the_ring);
    tcase_add_test(tc, interrupts_are_throttled);
    tcase_add_test(tc, the_link_is_told);
    tcase_add_loop_test(tc, fuzz, 0, 3);
    return suite_run(tc, "e1000");
}
