/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/pic8259.h"
#include "tests/hw/chip_fixture.h"

static Chip chip;
static Pic *pic;

enum { M = 0x20, S = 0xa0, EOI = 0x20 };

static void program(uint8_t icw4_master, uint8_t icw4_slave)
{
    out8(&chip, M, 0x11);
    out8(&chip, M + 1, 0x30);
    out8(&chip, M + 1, 0x04);
    out8(&chip, M + 1, icw4_master);
    out8(&chip, S, 0x11);
    out8(&chip, S + 1, 0x38);
    out8(&chip, S + 1, 0x02);
    out8(&chip, S + 1, icw4_slave);
}

static void setup(void)
{
    chip_open(&chip);
    pic = pic_new(chip.io, chip_line(&chip, 0));
    program(0x01, 0x01);
}

static void teardown(void)
{
    pic_free(pic);
    chip_close(&chip);
}

static uint8_t in_service(uint16_t base)
{
    out8(&chip, base, 0x0b);
    return in8(&chip, base);
}

static uint8_t requested(uint16_t base)
{
    out8(&chip, base, 0x0a);
    return in8(&chip, base);
}

START_TEST(an_edge_requests_and_acknowledge_gives_the_vector)
{
    pic_set_irq(pic, 3, true);
    ck_assert(chip.level[0] && pic_pending(pic));
    ck_assert_uint_eq(requested(M), 0x08);
    ck_assert_int_eq(pic_ack(pic), 0x33);
    ck_assert(!chip.level[0]);
    ck_assert_uint_eq(in_service(M), 0x08);
    ck_assert_uint_eq(requested(M), 0x00);
    out8(&chip, M, EOI);
    ck_assert_uint_eq(in_service(M), 0x00);
    ck_assert(!chip.level[0]); /* the input is still high, but there was no new edge */
}
END_TEST

START_TEST(a_pulse_is_not_lost)
{
    pic_set_irq(pic, 0, true);
    pic_set_irq(pic, 0, false);
    ck_assert(chip.level[0]);
    ck_assert_int_eq(pic_ack(pic), 0x30);
}
END_TEST

START_TEST(the_slave_comes_through_input_2)
{
    pic_set_irq(pic, 12, true);
    ck_assert_int_eq(pic_ack(pic), 0x3c);
    ck_assert_uint_eq(in_service(M), 0x04);
    ck_assert_uint_eq(in_service(S), 0x10);
    pic_set_irq(pic, 14, true); /* lower: waits */
    ck_assert(!chip.level[0]);
    out8(&chip, S, EOI);
    out8(&chip, M, EOI);
    ck_assert(chip.level[0]);
    ck_assert_int_eq(pic_ack(pic), 0x3e);
}
END_TEST

START_TEST(higher_priority_interrupts_lower)
{
    pic_set_irq(pic, 4, true);
    ck_assert_int_eq(pic_ack(pic), 0x34);
    pic_set_irq(pic, 5, true);
    ck_assert(!chip.level[0]);
    pic_set_irq(pic, 1, true);
    ck_assert(chip.level[0]);
    ck_assert_int_eq(pic_ack(pic), 0x31);
    out8(&chip, M, EOI);
    ck_assert_uint_eq(in_service(M), 0x10);
    out8(&chip, M, EOI);
    ck_assert_int_eq(pic_ack(pic), 0x35);
}
END_TEST

START_TEST(masked_requests_wait)
{
    out8(&chip, M + 1, 0x08);
    pic_set_irq(pic, 3, true);
    ck_assert(!chip.level[0]);
    ck_assert_uint_eq(in8(&chip, M + 1), 0x08);
    out8(&chip, M + 1, 0x00);
    ck_assert_int_eq(pic_ack(pic), 0x33);
}
END_TEST

START_TEST(a_request_that_went_away_is_spurious)
{
    pic_set_irq(pic, 3, true);
    out8(&chip, M + 1, 0x08);
    ck_assert_int_eq(pic_ack(pic), 0x37);
    ck_assert_uint_eq(in_service(M), 0x00);
    pic_set_irq(pic, 10, true);
    out8(&chip, S + 1, 0x04); /* the slave withdraws, and the master with it */
    ck_assert_int_eq(pic_ack(pic), 0x37);
}
END_TEST

START_TEST(level_triggered_inputs_follow_the_line)
{
    out8(&chip, 0x4d0, 0xff);
    out8(&chip, 0x4d1, 0xff);
    ck_assert_uint_eq(in8(&chip, 0x4d0), 0xf8);
    ck_assert_uint_eq(in8(&chip, 0x4d1), 0xde);
    pic_set_irq(pic, 11, true);
    ck_assert_int_eq(pic_ack(pic), 0x3b);
    out8(&chip, S, EOI);
    out8(&chip, M, EOI);
    ck_assert(chip.level[0]); /* still asserted */
    pic_set_irq(pic, 11, false);
    ck_assert(!chip.level[0]);
}
END_TEST

START_TEST(a_slave_may_be_spurious_with_the_master_in_service)
{
    out8(&chip, 0x4d1, 0x08);
    pic_set_irq(pic, 11, true);
    out8(&chip, M, 0x0c); /* poll the master: takes input 2 */
    ck_assert_uint_eq(in8(&chip, M), 0x82);
    pic_set_irq(pic, 11, false);
    ck_assert_uint_eq(in_service(M), 0x04);
    out8(&chip, S, 0x0c);
    ck_assert_uint_eq(in8(&chip, S), 0x00);
}
END_TEST

START_TEST(automatic_eoi_leaves_nothing_in_service)
{
    program(0x03, 0x03);
    pic_set_irq(pic, 9, true);
    pic_set_irq(pic, 10, true);
    ck_assert_int_eq(pic_ack(pic), 0x39);
    ck_assert(chip.level[0]); /* the slave's next request is a new edge */
    ck_assert_int_eq(pic_ack(pic), 0x3a);
    ck_assert(!chip.level[0]);
    ck_assert_uint_eq(in_service(M) | in_service(S), 0);
}
END_TEST

START_TEST(rotation_moves_the_lowest_priority)
{
    pic_set_irq(pic, 0, true);
    pic_set_irq(pic, 1, true);
    ck_assert_int_eq(pic_ack(pic), 0x30);
    out8(&chip, M, 0xa0); /* rotate on non-specific EOI: 0 is lowest now */
    pic_set_irq(pic, 0, false);
    pic_set_irq(pic, 0, true);
    ck_assert_int_eq(pic_ack(pic), 0x31);
    out8(&chip, M, 0xe1); /* rotate on specific EOI of 1 */
    out8(&chip, M, 0xc3); /* set priority: 3 lowest, 4 highest */
    pic_set_irq(pic, 4, true);
    ck_assert_int_eq(pic_ack(pic), 0x34);
    out8(&chip, M, 0x64);
    ck_assert_uint_eq(in_service(M), 0);
    ck_assert_int_eq(pic_ack(pic), 0x30);
}
END_TEST

START_TEST(special_mask_lets_lower_priorities_in)
{
    pic_set_irq(pic, 1, true);
    ck_assert_int_eq(pic_ack(pic), 0x31);
    pic_set_irq(pic, 6, true);
    ck_assert(!chip.level[0]);
    out8(&chip, M, 0x68);
    out8(&chip, M + 1, 0x02);
    ck_assert(chip.level[0]);
    ck_assert_int_eq(pic_ack(pic), 0x36);
    out8(&chip, M, EOI); /* ends 6: 1 is masked */
    ck_assert_uint_eq(in_service(M), 0x02);
    out8(&chip, M, 0x48);
    out8(&chip, M, EOI);
    ck_assert_uint_eq(in_service(M), 0x00);
}
END_TEST

START_TEST(special_fully_nested_mode_nests_the_slave)
{
    program(0x11, 0x01);
    pic_set_irq(pic, 12, true);
    ck_assert_int_eq(pic_ack(pic), 0x3c);
    pic_set_irq(pic, 8, true);
    ck_assert(chip.level[0]);
    ck_assert_int_eq(pic_ack(pic), 0x38);
}
END_TEST

START_TEST(icw1_forgets_requests_masks_and_service)
{
    out8(&chip, M + 1, 0xff);
    pic_set_irq(pic, 3, true);
    out8(&chip, M, 0x11);
    ck_assert(!chip.level[0]);
    out8(&chip, M + 1, 0x08);
    out8(&chip, M + 1, 0x04);
    out8(&chip, M + 1, 0x01);
    ck_assert_uint_eq(in8(&chip, M + 1), 0x00);
    ck_assert(!chip.level[0]); /* needs a new edge */
    pic_set_irq(pic, 3, false);
    pic_set_irq(pic, 3, true);
    ck_assert_int_eq(pic_ack(pic), 0x0b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hw/pic8259");
    TCase *tc = tcase_create("pic8259");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, an_edge_requests_and_acknowledge_gives_the_vector);
    tcase_add_test(tc, a_pulse_is_not_lost);
    tcase_add_test(tc, the_slave_comes_through_input_2);
    tcase_add_test(tc, higher_priority_interrupts_lower);
    tcase_add_test(tc, masked_requests_wait);
    tcase_add_test(tc, a_request_that_went_away_is_spurious);
    tcase_add_test(tc, level_triggered_inputs_follow_the_line);
    tcase_add_test(tc, a_slave_may_be_spurious_with_the_master_in_service);
    tcase_add_test(tc, automatic_eoi_leaves_nothing_in_service);
    tcase_add_test(tc, rotation_moves_the_lowest_priority);
    tcase_add_test(tc, special_mask_lets_lower_priorities_in);
    tcase_add_test(tc, special_fully_nested_mode_nests_the_slave);
    tcase_add_test(tc, icw1_forgets_requests_masks_and_service);
    suite_add_tcase(suite, tc);
    return chip_run_suite(suite);
}
