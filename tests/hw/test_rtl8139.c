/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The RTL8139C+ from its registers: slots and the ring of bytes, rings of descriptors, filters. */
#include "hw/device_types.h"
#include "hw/net/rtl8139_int.h"
#include "tests/hw/nic_fixture.h"

enum { RX = 0x100000, TX = 0x140000, BUFFERS = 0x200000, FRAME = 100 };
enum { RCR_BUSY = 0xf | 1 << 7 /* all, WRAP */ };

static void setup(void)
{
    n_open(&rtl8139_type);
}

static void teardown(void)
{
    n_close();
}

static uint32_t in(unsigned reg, unsigned width)
{
    return io_bus_read(n.bench.io, (uint16_t)(N_PORTS + reg), width);
}

static void out(unsigned reg, unsigned width, uint32_t value)
{
    io_bus_write(n.bench.io, (uint16_t)(N_PORTS + reg), width, value);
}

static void start_ring(uint32_t rcr)
{
    out(RTL_CR, 1, RTL_CR_RST);
    out(RTL_RBSTART, 4, RX);
    out(RTL_CR, 1, RTL_CR_TE | RTL_CR_RE);
    out(RTL_RCR, 4, rcr);
    out(RTL_IMR, 2, 0xffff & ~RTL_LINK);
}

START_TEST(it_is_what_it_is)
{
    ck_assert_uint_eq(config_in(&n.bench, N_DEVFN, 0, 4), 0x813910ec);
    ck_assert_uint_eq(config_in(&n.bench, N_DEVFN, 8, 1), 0x20);
    ck_assert_uint_eq(in(RTL_TCR, 4) & 0x7cc00000, 0x74800000);
    ck_assert_uint_eq(in(RTL_IDR, 4), 0x12005452);
    ck_assert_uint_eq(in(RTL_IDR + 4, 2), 0x5634);
    ck_assert_uint_eq(phys_map_mmio_read(n.bench.map, N_BAR + 0x100000, 4), 0x12005452);
    ck_assert_uint_eq(in(RTL_CR, 1), RTL_CR_BUFE);
    ck_assert_uint_eq(in(RTL_TSD + 8, 4), RTL_TSD_OWN);
    ck_assert_uint_eq(in(RTL_MSR, 1) & 4, 0);
    ck_assert_uint_eq(in(RTL_BMSR, 2) & 0x24, 0x24);
    out(RTL_IDR, 4, 0x11111111); /* locked */
    ck_assert_uint_eq(in(RTL_IDR, 4), 0x12005452);
    out(RTL_9346CR, 1, 0xc0);
    out(RTL_IDR, 4, 0x11111111);
    ck_assert_uint_eq(in(RTL_IDR, 4), 0x11111111);
    out(RTL_9346CR, 1, 0x40); /* from the EEPROM again */
    ck_assert_uint_eq(in(RTL_IDR, 4), 0x12005452);
    ck_assert_uint_eq(in(RTL_9346CR, 1), 0);
}
END_TEST

static uint16_t eeprom_word(unsigned address)
{
    uint32_t command = 6u << 6 | address;
    uint16_t word = 0;

    out(RTL_9346CR, 1, 0x80);
    out(RTL_9346CR, 1, 0x88);
    for (int bit = 8; bit >= 0; bit--) {
        uint8_t lines = (uint8_t)(0x88 | ((command >> bit & 1) != 0 ? 2 : 0));

        out(RTL_9346CR, 1, lines);
        out(RTL_9346CR, 1, lines | 4);
    }
    for (unsigned bit = 0; bit < 16; bit++) {
        out(RTL_9346CR, 1, 0x88);
        out(RTL_9346CR, 1, 0x8c);
        word = (uint16_t)(word << 1 | (in(RTL_9346CR, 1) & 1));
    }
    out(RTL_9346CR, 1, 0);
    return word;
}

START_TEST(the_eeprom_has_ids_and_the_address)
{
    ck_assert_uint_eq(eeprom_word(0), 0x8129);
    ck_assert_uint_eq(eeprom_word(1), 0x10ec);
    ck_assert_uint_eq(eeprom_word(7), 0x5452);
    ck_assert_uint_eq(eeprom_word(9), 0x5634);
}
END_TEST

/* ---- Slots and the ring of bytes ---- */

START_TEST(slots_are_sent_in_turn)
{
    uint8_t frame[FRAME];

    n_fill(frame, FRAME);
    phys_map_write(n.bench.map, BUFFERS, frame, FRAME);
    start_ring(RCR_BUSY);
    for (unsigned i = 0; i < 6; i++) {
        unsigned slot = i % 4;

        out(RTL_TSAD + 4 * slot, 4, BUFFERS);
        out(RTL_TSD + 4 * slot, 4, FRAME);
        n_run();
        ck_assert_uint_eq(n.received, i + 1);
        ck_assert_uint_eq(in(RTL_TSD + 4 * slot, 4), FRAME | RTL_TSD_OWN | RTL_TSD_TOK);
        ck_assert_uint_eq(in(RTL_ISR, 2), RTL_TOK);
        ck_assert(n.irq);
        out(RTL_ISR, 2, RTL_TOK);
        ck_assert(!n.irq);
    }
    ck_assert_mem_eq(n.frame, frame, FRAME);
    ck_assert_uint_eq(in(RTL_TSAD_ALL, 2), 0xf00f);
    out(RTL_TSD + 8, 4, 1800); /* longer than any */
    n_run();
    ck_assert_uint_ne(in(RTL_TSD + 8, 4) & RTL_TSD_TABT, 0);
}
END_TEST

static void ring_take(uint16_t *capr, uint32_t size, uint16_t kind)
{
    uint64_t at = RX + (uint16_t)(*capr + 16);

    ck_assert_uint_eq(in(RTL_CR, 1) & RTL_CR_BUFE, 0);
    ck_assert_uint_eq(n_get(at, 2), 1u | kind);
    ck_assert_uint_eq(n_get(at + 2, 2), size + 4);
    *capr = (uint16_t)(((*capr + 16 + 4 + size + 4 + 3) & ~3u) % 8192 - 16);
    out(RTL_CAPR, 2, *capr);
}

START_TEST(frames_come_into_the_ring)
{
    uint8_t frame[1500];
    uint16_t capr = 0xfff0;
    unsigned sent = 0;

    n_fill(frame, sizeof(frame));
    start_ring(RCR_BUSY);
    for (unsigned i = 0; i < 40; i++) { /* some times round */
        n_send(frame, 200 + 30 * i, NULL);
        ck_assert_uint_eq(in(RTL_ISR, 2), RTL_ROK);
        out(RTL_ISR, 2, RTL_ROK);
        ring_take(&capr, 200 + 30 * i, 1 << 13);
    }
    ck_assert_uint_ne(in(RTL_CR, 1) & RTL_CR_BUFE, 0);
    while ((in(RTL_ISR, 2) & RTL_RXOVW) == 0) { /* until it is full */
        n_send(frame, 1000, NULL);
        ck_assert_uint_lt(sent++, 20);
    }
    ck_assert_uint_eq(in(RTL_MPC, 4), 1);
    ring_take(&capr, 1000, 1 << 13); /* what has waited comes in */
    out(RTL_ISR, 2, 0xffff);
    for (unsigned i = 1; i < sent; i++) {
        ring_take(&capr, 1000, 1 << 13);
    }
    ck_assert_uint_ne(in(RTL_CR, 1) & RTL_CR_BUFE, 0);
    n_send(frame, 20, NULL); /* short ones are filled up */
    ring_take(&capr, 60, 1 << 13);
}
END_TEST

START_TEST(frames_for_others_stay_away)
{
    uint8_t frame[FRAME];
    uint16_t capr = 0xfff0;

    n_fill(frame, FRAME);
    start_ring(0x8a); /* for us, broadcast */
    memcpy(frame, "\x52\x54\x00\x12\x34\x57", 6);
    n_send(frame, FRAME, NULL);
    memcpy(frame, "\x01\x00\x5e\x00\x00\x01", 6);
    n_send(frame, FRAME, NULL);
    ck_assert_uint_ne(in(RTL_CR, 1) & RTL_CR_BUFE, 0);
    memcpy(frame, "\x52\x54\x00\x12\x34\x56", 6);
    n_send(frame, FRAME, NULL);
    ring_take(&capr, FRAME, 1 << 14);
    out(RTL_RCR, 4, 0x8e);
    memcpy(frame, "\x01\x00\x5e\x00\x00\x01", 6);
    n_send(frame, FRAME, NULL);
    ck_assert_uint_ne(in(RTL_CR, 1) & RTL_CR_BUFE, 0);
    out(RTL_MAR, 4, 0x80000000); /* ether_crc() >> 26 is 31 */
    n_send(frame, FRAME, NULL);
    ring_take(&capr, FRAME, 1 << 15);
}
END_TEST

/* ---- Descriptors ---- */

static void desc(uint64_t ring, unsigned i, uint32_t command, uint32_t vlan, uint64_t address)
{
    n_put(ring + 16 * i + 4, vlan, 4);
    n_put(ring + 16 * i + 8, address, 8);
    n_put(ring + 16 * i, command, 4);
}

static void start_cplus(void)
{
    out(RTL_CR, 1, RTL_CR_RST);
    out(RTL_CPCR, 2, RTL_CPCR_TX | RTL_CPCR_RX | RTL_CPCR_RXCSUM | RTL_CPCR_RXVLAN);
    out(RTL_TNPDS, 4, TX);
    out(RTL_TNPDS + 4, 4, 0);
    out(RTL_RDSAR, 4, RX);
    out(RTL_RDSAR + 4, 4, 0);
    out(RTL_CR, 1, RTL_CR_TE | RTL_CR_RE);
    out(RTL_RCR, 4, 0xf);
    out(RTL_IMR, 2, 0xffff & ~(RTL_LINK | RTL_TDU));
}

/* A TCP/IPv4 frame of `size` bytes with no sums. */
static void tcp_frame(uint8_t *frame, size_t size)
{
    n_fill(frame, size);
    frame[13] = 0;
    frame[14] = 0x45;
    net_put16(frame + 16, (uint16_t)(size - 14));
    net_put16(frame + 20, 0);
    frame[23] = 6;
    net_put16(frame + 24, 0);
    frame[46] = 0x50;
    net_put16(frame + 50, 0);
}

static bool sums_are_right(const uint8_t *frame, size_t size)
{
    NetHeaders headers;

    return net_headers(frame, size, &headers) &&
           net_csum_fold(net_csum_add(0, frame + 14, 20)) == 0 &&
           net_csum_fold(
               net_csum_add(net_pseudo_sum(frame, &headers, (uint32_t)(size - headers.l4)),
                            frame + headers.l4, size - headers.l4)) == 0;
}

START_TEST(descriptors_are_sent_with_sums_and_tags)
{
    uint8_t frame[1000];

    tcp_frame(frame, sizeof(frame));
    phys_map_write(n.bench.map, BUFFERS, frame, sizeof(frame));
    start_cplus();
    desc(TX, 0, RTL_DESC_OWN | RTL_DESC_FS | 7u << 16 | 400, 1 << 17 | 0x3412, BUFFERS);
    desc(TX, 1, RTL_DESC_OWN | RTL_DESC_LS | RTL_DESC_EOR | 600, 0, BUFFERS + 400);
    out(RTL_TPPOLL, 1, RTL_TPPOLL_NORMAL);
    n_run();
    ck_assert_uint_eq(n.received, 1);
    ck_assert_uint_eq(n.size, 1004);
    ck_assert_uint_eq(net_get16(n.frame + 12), 0x8100);
    ck_assert_uint_eq(net_get16(n.frame + 14), 0x1234);
    memmove(n.frame + 12, n.frame + 16, 988);
    ck_assert(sums_are_right(n.frame, 1000));
    ck_assert_uint_eq(n_get(TX, 4), RTL_DESC_FS | 7u << 16 | 400);
    ck_assert_uint_eq(n_get(TX + 16, 4), RTL_DESC_LS | RTL_DESC_EOR | 600);
    ck_assert_uint_eq(in(RTL_TPPOLL, 1), 0);
    ck_assert_uint_eq(in(RTL_ISR, 2) & (RTL_TOK | RTL_TDU), RTL_TOK | RTL_TDU);
}
END_TEST

START_TEST(large_packets_are_cut)
{
    uint8_t frame[4000];

    tcp_frame(frame, sizeof(frame));
    phys_map_write(n.bench.map, BUFFERS, frame, sizeof(frame));
    start_cplus();
    desc(TX, 0,
         RTL_DESC_OWN | RTL_DESC_FS | RTL_DESC_LS | RTL_DESC_EOR | 1u << 27 | 1000u << 16 | 4000, 0,
         BUFFERS);
    out(RTL_TPPOLL, 1, RTL_TPPOLL_NORMAL);
    n_run();
    ck_assert_uint_eq(n.received, 4);
    ck_assert(sums_are_right(n.frame, n.size));
    ck_assert_uint_eq(n.size, 54 + 946);
}
END_TEST

START_TEST(descriptors_are_filled)
{
    const NetOffload good = { .flags = NET_FLAG_DATA_VALID };
    uint8_t frame[200], vlan[204];

    tcp_frame(frame, sizeof(frame));
    start_cplus();
    desc(RX, 0, RTL_DESC_OWN | 1536, 0, BUFFERS);
    desc(RX, 1, RTL_DESC_OWN | 150, 0, BUFFERS + 0x1000);
    desc(RX, 2, RTL_DESC_OWN | RTL_DESC_EOR | 1536, 0, BUFFERS + 0x2000);
    n_send(frame, sizeof(frame), &good);
    ck_assert_uint_eq(n_get(RX, 4), RTL_DESC_FS | RTL_DESC_LS | 1u << 24 | 1u << 16 | 204);
    ck_assert_uint_eq(n_get(BUFFERS + 100, 1), frame[100]);
    ck_assert(n.irq);
    /* Over two, with a tag. */
    memcpy(vlan, frame, 12);
    memcpy(vlan + 12, "\x81\x00\x12\x34", 4);
    memcpy(vlan + 16, frame + 12, 188);
    n_send(vlan, sizeof(vlan), NULL);
    ck_assert_uint_eq(n_get(RX + 16, 4), RTL_DESC_FS | 1u << 24 | 204);
    ck_assert_uint_eq(n_get(RX + 20, 4), 1u << 16 | 0x3412);
    ck_assert_uint_eq(n_get(RX + 32, 4), RTL_DESC_LS | RTL_DESC_EOR | 1u << 24 | 204);
    ck_assert_uint_eq(n_get(BUFFERS + 0x2000, 1), frame[150]);
    /* None is left: it waits until the driver has looked. */
    out(RTL_ISR, 2, 0xffff);
    n_send(frame, 100, NULL);
    ck_assert_uint_eq(in(RTL_ISR, 2) & RTL_RXOVW, RTL_RXOVW);
    desc(RX, 0, RTL_DESC_OWN | 1536, 0, BUFFERS);
    out(RTL_ISR, 2, RTL_RXOVW);
    ck_assert_uint_eq(n_get(RX, 4), RTL_DESC_FS | RTL_DESC_LS | 1u << 24 | 104);
    out(RTL_TSD + 4, 4, 0); /* the counters */
    out(RTL_TSD, 4, BUFFERS | 8);
    ck_assert_uint_eq(n_get(BUFFERS + 8, 8), 3);
    ck_assert_uint_eq(n_get(BUFFERS + 48, 8), 3);
}
END_TEST

START_TEST(the_timer_interrupts)
{
    start_ring(RCR_BUSY);
    out(RTL_TCTR, 4, 0);
    out(RTL_TIMERINT, 4, 33333);
    clock_step(n.bench.clock, 900ll * NS_PER_US);
    ck_assert(!n.irq);
    ck_assert_uint_eq(in(RTL_TCTR, 4), 30000);
    clock_step(n.bench.clock, 200ll * NS_PER_US);
    ck_assert(n.irq);
    ck_assert_uint_eq(in(RTL_ISR, 2), RTL_TIMEOUT);
}
END_TEST

START_TEST(the_link_goes_and_comes)
{
    start_ring(RCR_BUSY);
    out(RTL_IMR, 2, RTL_LINK);
    net_port_set_link(n.host, false);
    ck_assert_uint_eq(in(RTL_MSR, 1) & 4, 4);
    ck_assert_uint_eq(in(RTL_BMSR, 2) & 4, 0);
    ck_assert(n.irq);
    net_port_set_link(n.host, true);
    ck_assert_uint_eq(in(RTL_MSR, 1) & 4, 0);
}
END_TEST

START_TEST(a_full_cable_is_waited_for)
{
    uint8_t frame[FRAME];

    n_fill(frame, FRAME);
    phys_map_write(n.bench.map, BUFFERS, frame, FRAME);
    start_cplus();
    n.full = true;
    for (unsigned i = 0; i < 700; i++) {
        desc(TX, 0, RTL_DESC_OWN | RTL_DESC_EOR | RTL_DESC_FS | RTL_DESC_LS | FRAME, 0, BUFFERS);
        out(RTL_TPPOLL, 1, RTL_TPPOLL_NORMAL);
        n_run();
    }
    ck_assert_uint_ne(n_get(TX, 4) & RTL_DESC_OWN, 0);
    n.full = false;
    net_port_ready(n.host);
    n_run();
    ck_assert_uint_eq(n_get(TX, 4) & RTL_DESC_OWN, 0);
    ck_assert_uint_gt(n.received, 500);
}
END_TEST

START_TEST(random_accesses_do_no_harm)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed((guint32)_i);
    uint8_t frame[2000];

    n_fill(frame, sizeof(frame));
    for (unsigned i = 0; i < 8000; i++) {
        unsigned width = 1u << g_rand_int_range(rand, 0, 3);
        unsigned reg = g_rand_int(rand) & 0xff & ~(width - 1);
        uint32_t value = g_rand_int(rand) >> g_rand_int_range(rand, 0, 32);

        switch (g_rand_int_range(rand, 0, 8)) {
        case 0:
            in(reg, width);
            break;
        case 1:
            n_send(frame, (size_t)g_rand_int_range(rand, 14, 2000), NULL);
            break;
        case 2:
            n_put(RX + (g_rand_int(rand) & 0x3fc), value, 4);
            break;
        case 3:
            n_put(TX + (g_rand_int(rand) & 0x3fc), value | RTL_DESC_OWN, 4);
            break;
        case 4:
            out(RTL_TPPOLL, 1, value);
            n_run();
            break;
        case 5:
            if (i % 50 == 0) {
                (i & 1) != 0 ? start_cplus() : start_ring(value);
            }
            break;
        default:
            out(reg, width, value);
            break;
        }
    }
    n.full = false;
    phys_map_write(n.bench.map, BUFFERS, frame, FRAME);
    start_ring(RCR_BUSY); /* and is well again */
    net_port_ready(n.host);
    out(RTL_TSAD, 4, BUFFERS);
    out(RTL_TSD, 4, FRAME);
    n_run();
    ck_assert_uint_eq(in(RTL_TSD, 4), FRAME | RTL_TSD_OWN | RTL_TSD_TOK);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("rtl8139");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, it_is_what_it_is);
    tcase_add_test(tc, the_eeprom_has_ids_and_the_address);
    tcase_add_test(tc, slots_are_sent_in_turn);
    tcase_add_test(tc, frames_come_into_the_ring);
    tcase_add_test(tc, frames_for_others_stay_away);
    tcase_add_test(tc, descriptors_are_sent_with_sums_and_tags);
    tcase_add_test(tc, large_packets_are_cut);
    tcase_add_test(tc, descriptors_are_filled);
    tcase_add_test(tc, the_timer_interrupts);
    tcase_add_test(tc, the_link_goes_and_comes);
    tcase_add_test(tc, a_full_cable_is_waited_for);
    tcase_add_loop_test(tc, random_accesses_do_no_harm, 0, 4);
    return suite_run(tc, "rtl8139");
}
