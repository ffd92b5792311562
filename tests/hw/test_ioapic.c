/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_ioapic.c - the I/O APIC through its window. */
#include "hw/ioapic.h"
#include "tests/hw/board_fixture.h"

enum { MASKED = 1 << 16, LEVEL = 1 << 15, REMOTE_IRR = 1 << 14 };

static struct {
    Bench bench;
    IoApic *ioapic;
    LapicMessage last;
    unsigned sent;
} fx;

static void deliver(void *opaque, const LapicMessage *message)
{
    (void)opaque;
    fx.last = *message;
    fx.sent++;
}

static void setup(void)
{
    memset(&fx, 0, sizeof(fx));
    bench_open(&fx.bench, 1 << 20);
    fx.ioapic = ioapic_new(fx.bench.map, IOAPIC_BASE, deliver, NULL);
}

static void teardown(void)
{
    ioapic_free(fx.ioapic);
    bench_close(&fx.bench);
}

static uint32_t in(unsigned reg)
{
    put32(&fx.bench, IOAPIC_BASE, reg);
    return get32(&fx.bench, IOAPIC_BASE + 0x10);
}

static void out(unsigned reg, uint32_t value)
{
    put32(&fx.bench, IOAPIC_BASE, reg);
    put32(&fx.bench, IOAPIC_BASE + 0x10, value);
}

START_TEST(reset_masks_all_inputs)
{
    ck_assert_uint_eq(in(1), 0x00170020);
    for (unsigned i = 0; i < IOAPIC_PINS; i++) {
        ck_assert_uint_eq(in(0x10 + 2 * i), MASKED);
        ck_assert_uint_eq(in(0x11 + 2 * i), 0);
        ioapic_set_pin(fx.ioapic, i, true);
    }
    ck_assert_uint_eq(fx.sent, 0);
    ck_assert_uint_eq(in(0x10 + 2 * IOAPIC_PINS), 0);
}
END_TEST

START_TEST(an_edge_sends_one_message)
{
    out(0x11 + 2 * 4, 0x03000000);
    out(0x10 + 2 * 4, 0x0931);
    ioapic_set_pin(fx.ioapic, 4, true);
    ioapic_set_pin(fx.ioapic, 4, true);
    ck_assert_uint_eq(fx.sent, 1);
    ck_assert_uint_eq(fx.last.destination, 3);
    ck_assert(fx.last.logical && !fx.last.level);
    ck_assert_uint_eq(fx.last.mode, LAPIC_MODE_LOWEST);
    ck_assert_uint_eq(fx.last.vector, 0x31);
    ioapic_set_pin(fx.ioapic, 4, false);
    ioapic_set_pin(fx.ioapic, 4, true);
    ck_assert_uint_eq(fx.sent, 2);
}
END_TEST

START_TEST(a_masked_edge_is_lost_and_a_masked_level_is_not)
{
    ioapic_set_pin(fx.ioapic, 4, true);
    out(0x18, 0x31);
    ck_assert_uint_eq(fx.sent, 0);
    ioapic_set_pin(fx.ioapic, 5, true);
    out(0x1a, LEVEL | 0x32);
    ck_assert_uint_eq(fx.sent, 1);
}
END_TEST

START_TEST(a_level_waits_for_its_end_and_repeats)
{
    out(0x1a, LEVEL | 0x32);
    ioapic_set_pin(fx.ioapic, 5, true);
    ioapic_set_pin(fx.ioapic, 5, false);
    ioapic_set_pin(fx.ioapic, 5, true);
    ck_assert_uint_eq(fx.sent, 1);
    ck_assert_uint_eq(in(0x1a), REMOTE_IRR | LEVEL | 0x32);
    ioapic_eoi(fx.ioapic, 0x33); /* not ours */
    ck_assert_uint_eq(fx.sent, 1);
    ioapic_eoi(fx.ioapic, 0x32);
    ck_assert_uint_eq(fx.sent, 2);
    ioapic_set_pin(fx.ioapic, 5, false);
    put32(&fx.bench, IOAPIC_BASE + 0x40, 0x32); /* the EOI register */
    ck_assert_uint_eq(fx.sent, 2);
    ck_assert_uint_eq(in(0x1a), LEVEL | 0x32);
}
END_TEST

START_TEST(read_only_bits_stay_and_turning_to_edge_clears_remote_irr)
{
    out(0x1a, LEVEL | 0x32);
    ioapic_set_pin(fx.ioapic, 5, true);
    out(0x1a, MASKED | LEVEL | 0x1032); /* remote IRR cannot be written away */
    ck_assert_uint_eq(in(0x1a), MASKED | LEVEL | REMOTE_IRR | 0x32);
    out(0x1a, MASKED | 0x32);
    out(0x1a, MASKED | LEVEL | 0x32);
    ck_assert_uint_eq(in(0x1a), MASKED | LEVEL | 0x32);
    out(0, 0xff000000);
    ck_assert_uint_eq(in(0), 0x0f000000);
    out(1, 0);
    ck_assert_uint_eq(in(1), 0x00170020);
}
END_TEST

START_TEST(nmi_has_no_level_handshake)
{
    out(0x1a, LEVEL | 0x400);
    ioapic_set_pin(fx.ioapic, 5, true);
    ck_assert_uint_eq(fx.sent, 1);
    ck_assert(!fx.last.level);
    ck_assert_uint_eq(in(0x1a), LEVEL | 0x400);
}
END_TEST

START_TEST(any_access_of_any_width_is_survived)
{
    for (unsigned i = 0; i < 0x1000; i++) {
        for (unsigned width = 1; width <= 8; width *= 2) {
            phys_map_mmio_write(fx.bench.map, IOAPIC_BASE + i % 0x60, width, i);
            phys_map_mmio_read(fx.bench.map, IOAPIC_BASE + i % 0x60, width);
        }
    }
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("ioapic");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, reset_masks_all_inputs);
    tcase_add_test(tc, an_edge_sends_one_message);
    tcase_add_test(tc, a_masked_edge_is_lost_and_a_masked_level_is_not);
    tcase_add_test(tc, a_level_waits_for_its_end_and_repeats);
    tcase_add_test(tc, read_only_bits_stay_and_turning_to_edge_clears_remote_irr);
    tcase_add_test(tc, nmi_has_no_level_handshake);
    tcase_add_test(tc, any_access_of_any_width_is_survived);
    return suite_run(tc, "ioapic");
}
