/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The 82574L: what is different from the 82540EM (test_e1000.c). */
#include "hw/device_types.h"
#include "hw/net/e1000_int.h"
#include "tests/hw/nic_fixture.h"

enum { RX = 0x100000, TX = 0x140000, BUFFERS = 0x200000, FRAME = 200, ENTRIES = 8 };
enum { CTRL_EXT = 0x18, EIAC = 0xdc, IAM = 0xe0, IVAR = 0xe4, RFCTL = 0x5008, SWSM = 0x5b50 };
#define MSIX_AT (N_BAR + 0x800000)

static unsigned messages;
static uint32_t message;

static void on_message(void *opaque, uint64_t address, uint32_t data)
{
    (void)opaque, (void)address;
    messages++;
    message = data;
}

static uint32_t in(unsigned reg)
{
    return (uint32_t)phys_map_mmio_read(n.bench.map, N_BAR + reg, 4);
}

static void out(unsigned reg, uint32_t value)
{
    phys_map_mmio_write(n.bench.map, N_BAR + reg, 4, value);
}

static void setup(void)
{
    n_open(&e1000e_type);
    messages = 0;
    n.bench.board->message = on_message;
}

static void teardown(void)
{
    n_close();
}

static void start_rx(void)
{
    out(E1000_RDBAL, RX);
    out(E1000_RDLEN, ENTRIES * 16);
    for (unsigned i = 0; i < ENTRIES; i++) {
        n_put(RX + 16 * i, BUFFERS + 0x1000 * i, 8);
        n_put(RX + 16 * i + 8, 0, 8);
    }
    out(RFCTL, 1 << 15);
    out(E1000_RDH, 0);
    out(E1000_RDT, ENTRIES - 1);
    out(E1000_RCTL, 2 | 1 << 15 | 1 << 26);
}

START_TEST(it_is_what_it_is)
{
    ck_assert_uint_eq(config_in(&n.bench, N_DEVFN, 0, 4), 0x10d38086);
    ck_assert_uint_eq(in(E1000_RAL), 0x12005452);
    ck_assert_uint_eq(in(E1000_STATUS) & (1 << 19 | 2), 1 << 19 | 2);
    out(E1000_CTRL, in(E1000_CTRL) | 4);
    ck_assert_uint_eq(in(E1000_STATUS)&1 << 19, 0);
    ck_assert_uint_ne(in(E1000_EECD)&1 << 9, 0);
    ck_assert_uint_ne(in(0x1010) & 1 << 18, 0);
    out(E1000_MDIC, 2u << 26 | 1 << 21 | 3 << 16);
    ck_assert_uint_eq(in(E1000_MDIC)&0xffff, 0x0cb1);
    ck_assert_uint_eq(in(SWSM), 0);
    ck_assert_uint_eq(in(SWSM), 1);
    out(SWSM, 0);
    ck_assert_uint_eq(in(SWSM), 0);
    ck_assert_uint_eq(phys_map_mmio_read(n.bench.map, N_BAR + 0x100000, 4), 0xffffffff);
}
END_TEST

START_TEST(the_eeprom_adds_up)
{
    uint16_t sum = 0;

    for (unsigned i = 0; i < 64; i++) {
        out(E1000_EERD, 1 | i << 2);
        ck_assert_uint_eq(in(E1000_EERD)&2, 2);
        sum = (uint16_t)(sum + (in(E1000_EERD) >> 16));
    }
    ck_assert_uint_eq(sum, 0xbaba);
    out(E1000_EERD, 1 | 1000 << 2); /* nothing is there */
    ck_assert_uint_eq(in(E1000_EERD) >> 16, 0);
}
END_TEST

START_TEST(descriptors_have_the_longer_form)
{
    uint8_t frame[FRAME];

    n_fill(frame, FRAME);
    start_rx();
    n_send(frame, FRAME, NULL);
    ck_assert_uint_eq(n_get(RX, 4), 0);
    ck_assert_uint_eq(n_get(RX + 8, 4) & 3, 3); /* DD, EOP */
    ck_assert_uint_eq(n_get(RX + 12, 2), FRAME);
    ck_assert_uint_eq(n_get(BUFFERS + 50, 1), frame[50]);
    n_send(frame, FRAME, NULL);
    ck_assert_uint_eq(n_get(BUFFERS + 0x1000 + 50, 1), frame[50]);
    out(RFCTL, 0); /* and the shorter one */
    n_send(frame, FRAME, NULL);
    ck_assert_uint_eq(n_get(RX + 32, 8), BUFFERS + 0x2000);
    ck_assert_uint_eq(n_get(RX + 40, 2), FRAME);
}
END_TEST

START_TEST(the_pin_says_who_it_was)
{
    uint8_t frame[FRAME];

    n_fill(frame, FRAME);
    start_rx();
    out(E1000_IMS, E1000_ICR_RXT0);
    n_send(frame, FRAME, NULL);
    ck_assert(n.irq);
    out(CTRL_EXT, 1 << 27); /* a look masks */
    out(IAM, 0xffffffff);
    ck_assert_uint_eq(in(E1000_ICR) & (1u << 31 | E1000_ICR_RXT0), 1u << 31 | E1000_ICR_RXT0);
    ck_assert(!n.irq);
    ck_assert_uint_eq(in(E1000_IMS), 0);
    n_send(frame, FRAME, NULL);
    ck_assert(!n.irq);
    ck_assert_uint_eq(in(E1000_ICR)&1u << 31, 0);
}
END_TEST

static void start_msix(void)
{
    unsigned at = config_in(&n.bench, N_DEVFN, 0x34, 1);

    while (at != 0 && config_in(&n.bench, N_DEVFN, at, 1) != 0x11) {
        at = config_in(&n.bench, N_DEVFN, at + 1, 1);
    }
    ck_assert_uint_ne(at, 0);
    config_out(&n.bench, N_DEVFN, 0x1c, 4, MSIX_AT);
    for (unsigned i = 0; i < 5; i++) {
        put32(&n.bench, MSIX_AT + 16 * i, 0xfee00000);
        put32(&n.bench, MSIX_AT + 16 * i + 8, 0x40 + i);
        put32(&n.bench, MSIX_AT + 16 * i + 12, 0);
    }
    config_out(&n.bench, N_DEVFN, at + 2, 2, 0x8000);
    out(IVAR, 8 | 9 << 8 | 10u << 16); /* receiving 0, sending 1, others 2 */
    out(EIAC, 0x01500000);
    out(E1000_IMS, 0x01500000 | E1000_ICR_LSC);
}

START_TEST(each_queue_has_its_message)
{
    uint8_t frame[FRAME];

    n_fill(frame, FRAME);
    start_rx();
    start_msix();
    n_send(frame, FRAME, NULL);
    ck_assert_uint_eq(messages, 1);
    ck_assert_uint_eq(message, 0x40);
    n_send(frame, FRAME, NULL); /* masked until the driver wants to hear of it */
    ck_assert_uint_eq(messages, 1);
    out(E1000_IMS, 1 << 20);
    ck_assert_uint_eq(messages, 2);
    net_port_set_link(n.host, false);
    ck_assert_uint_eq(messages, 3);
    ck_assert_uint_eq(message, 0x42);
    ck_assert_uint_ne(in(E1000_ICR)&E1000_ICR_LSC, 0);
    out(E1000_ICS, 1 << 22); /* by hand */
    ck_assert_uint_eq(messages, 4);
    ck_assert_uint_eq(message, 0x41);
    ck_assert(!n.irq);
}
END_TEST

START_TEST(frames_are_sent)
{
    uint8_t frame[FRAME];

    n_fill(frame, FRAME);
    phys_map_write(n.bench.map, BUFFERS, frame, FRAME);
    n_put(TX, BUFFERS, 8);
    n_put(TX + 8, 0x0b000000u | FRAME, 8);
    out(E1000_TDBAL, TX);
    out(E1000_TDLEN, ENTRIES * 16);
    out(E1000_TCTL, 2);
    out(E1000_TDT, 1);
    n_run();
    ck_assert_uint_eq(n.received, 1);
    ck_assert_mem_eq(n.frame, frame, FRAME);
    ck_assert_uint_eq(n_get(TX + 12, 1) & 1, 1);
}
END_TEST

START_TEST(random_accesses_do_no_harm)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed((guint32)_i);
    uint8_t frame[1500];

    n_fill(frame, sizeof(frame));
    for (unsigned i = 0; i < 8000; i++) {
        unsigned reg = g_rand_int(rand) & 0x7ffc;

        if (i % 200 == 0) {
            start_rx();
            start_msix();
        }
        switch (g_rand_int_range(rand, 0, 5)) {
        case 0:
            in(reg);
            break;
        case 1:
            n_send(frame, (size_t)g_rand_int_range(rand, 14, 1500), NULL);
            break;
        case 2:
            out(reg & 0x1fc, g_rand_int(rand)); /* where most is */
            break;
        case 3:
            n_run();
            break;
        default:
            out(reg, g_rand_int(rand));
            break;
        }
    }
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("e1000e");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, it_is_what_it_is);
    tcase_add_test(tc, the_eeprom_adds_up);
    tcase_add_test(tc, descriptors_have_the_longer_form);
    tcase_add_test(tc, the_pin_says_who_it_was);
    tcase_add_test(tc, each_queue_has_its_message);
    tcase_add_test(tc, frames_are_sent);
    tcase_add_loop_test(tc, random_accesses_do_no_harm, 0, 3);
    return suite_run(tc, "e1000e");
}
