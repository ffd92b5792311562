/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/uart16550.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/hw/chip_fixture.h"

static Chip chip;
static Uart *uart;
static CharDev *chr;
static char *dir;

enum { DATA = 0x3f8, IER, IIR, LCR, MCR, LSR, MSR, SCR, IRQ = 4 };

/* The line's peer is a pair of FIFOs. */
static int to_guest, from_guest;

static void setup(void)
{
    char *in, *out, *spec;

    chip_open(&chip);
    dir = g_dir_make_tmp("doppel-uart-XXXXXX", NULL);
    in = g_build_filename(dir, "p.in", NULL);
    out = g_build_filename(dir, "p.out", NULL);
    spec = g_strconcat("pipe:", dir, "/p", NULL);
    ck_assert_int_eq(mkfifo(in, 0600) | mkfifo(out, 0600), 0);
    to_guest = open(in, O_RDWR | O_NONBLOCK);
    from_guest = open(out, O_RDWR | O_NONBLOCK);
    chr = chardev_new(spec, NULL);
    ck_assert_ptr_nonnull(chr);
    uart = uart_new(chip.io, DATA, chip_line(&chip, IRQ), chr, chip.clock);
    g_free(in);
    g_free(out);
    g_free(spec);
}

static void teardown(void)
{
    char *in = g_build_filename(dir, "p.in", NULL);
    char *out = g_build_filename(dir, "p.out", NULL);

    uart_free(uart);
    chardev_free(chr);
    close(to_guest);
    close(from_guest);
    unlink(in);
    unlink(out);
    rmdir(dir);
    g_free(in);
    g_free(out);
    g_free(dir);
    chip_close(&chip);
}

static void type(const char *text)
{
    ck_assert_int_eq(write(to_guest, text, strlen(text)), (int)strlen(text));
    while (g_main_context_iteration(NULL, FALSE)) {
    }
}

static void put(uint16_t port, uint8_t value)
{
    out8(&chip, port, value);
}

static uint8_t get(uint16_t port)
{
    return in8(&chip, port);
}

START_TEST(reset_values_are_the_data_sheets)
{
    ck_assert_uint_eq(get(IER), 0x00);
    ck_assert_uint_eq(get(IIR), 0x01);
    ck_assert_uint_eq(get(LCR), 0x00);
    ck_assert_uint_eq(get(MCR), 0x00);
    ck_assert_uint_eq(get(LSR), 0x60);
    ck_assert_uint_eq(get(MSR), 0xb0);
    put(SCR, 0x5a);
    ck_assert_uint_eq(get(SCR), 0x5a);
}
END_TEST

START_TEST(what_is_written_goes_out)
{
    char text[4] = "";

    put(LCR, 3);
    put(DATA, 'o');
    put(DATA, 'k');
    ck_assert_uint_eq(get(LSR), 0x60);
    ck_assert_int_eq(read(from_guest, text, sizeof(text)), 2);
    ck_assert_str_eq(text, "ok");
}
END_TEST

START_TEST(the_divisor_is_behind_dlab)
{
    put(LCR, 0x83);
    put(DATA, 0x01);
    put(IER, 0x02);
    ck_assert_uint_eq(get(DATA), 0x01);
    ck_assert_uint_eq(get(IER), 0x02);
    put(LCR, 0x03);
    ck_assert_uint_eq(get(IER), 0x00);
}
END_TEST

START_TEST(an_empty_transmitter_interrupts_until_identified)
{
    put(IER, 0x02);
    ck_assert(chip.level[IRQ]);
    ck_assert_uint_eq(get(IIR), 0x02);
    ck_assert(!chip.level[IRQ]);
    ck_assert_uint_eq(get(IIR), 0x01);
    put(DATA, 'x');
    ck_assert(chip.level[IRQ]);
    put(IER, 0x00);
    ck_assert(!chip.level[IRQ]);
    put(IER, 0x02);
    ck_assert(chip.level[IRQ]);
}
END_TEST

START_TEST(without_fifo_one_byte_waits)
{
    put(LCR, 3);
    put(IER, 0x01);
    type("abc");
    ck_assert(chip.level[IRQ]);
    ck_assert_uint_eq(get(IIR), 0x04);
    ck_assert_uint_eq(get(LSR), 0x61);
    ck_assert_uint_eq(get(DATA), 'a');
    ck_assert_uint_eq(get(DATA), 'b');
    ck_assert_uint_eq(get(DATA), 'c');
    ck_assert(!chip.level[IRQ]);
    ck_assert_uint_eq(get(LSR), 0x60);
}
END_TEST

START_TEST(the_fifo_interrupts_at_its_trigger_and_on_timeout)
{
    put(LCR, 3);
    put(IIR, 0x47); /* 4 bytes */
    put(IER, 0x01);
    ck_assert_uint_eq(get(IIR), 0xc1);
    type("abc");
    ck_assert(!chip.level[IRQ]);
    clock_step(chip.clock, 3 * NS_PER_MS); /* four characters of 9600 baud are 4.2 ms */
    ck_assert(!chip.level[IRQ]);
    clock_step(chip.clock, 2 * NS_PER_MS);
    ck_assert(chip.level[IRQ]);
    ck_assert_uint_eq(get(IIR), 0xcc);
    ck_assert_uint_eq(get(DATA), 'a');
    ck_assert(!chip.level[IRQ]);
    type("de");
    ck_assert(chip.level[IRQ]);
    ck_assert_uint_eq(get(IIR), 0xc4);
    for (const char *c = "bcde"; *c != '\0'; c++) {
        ck_assert_uint_eq(get(DATA), *c);
    }
    ck_assert(!chip.level[IRQ]);
}
END_TEST

START_TEST(a_full_fifo_holds_the_rest_back)
{
    put(LCR, 3);
    put(IIR, 0x01);
    type("0123456789abcdefghijklmnopqrstuvwxyz");
    for (const char *c = "0123456789abcdefghijklmnopqrstuvwxyz"; *c != '\0'; c++) {
        ck_assert_uint_eq(get(LSR), 0x61);
        ck_assert_uint_eq(get(DATA), *c);
    }
    ck_assert_uint_eq(get(LSR), 0x60);
}
END_TEST

START_TEST(clearing_the_fifo_drops_what_it_holds)
{
    put(IIR, 0x01);
    type("abc");
    put(IIR, 0x03);
    ck_assert_uint_eq(get(LSR), 0x60);
}
END_TEST

START_TEST(loopback_connects_data_and_modem_lines)
{
    char byte;

    put(LCR, 3);
    put(MCR, 0x1a); /* OUT2, RTS */
    ck_assert_uint_eq(get(MSR) & 0xf0, 0x90);
    put(DATA, 0x42);
    ck_assert_uint_eq(get(LSR), 0x61);
    put(DATA, 0x43);
    ck_assert_uint_eq(get(LSR) & 0x02, 0x02); /* overrun */
    ck_assert_uint_eq(get(LSR) & 0x02, 0x00);
    ck_assert_uint_eq(get(DATA), 0x43);
    ck_assert_int_eq(read(from_guest, &byte, 1), -1);
    put(MCR, 0x0b);
    ck_assert_uint_eq(get(MSR) & 0xf0, 0xb0);
}
END_TEST

START_TEST(modem_lines_interrupt_when_they_change)
{
    put(MCR, 0x10);
    get(MSR);
    put(IER, 0x08);
    ck_assert(!chip.level[IRQ]);
    put(MCR, 0x12);
    ck_assert(chip.level[IRQ]);
    ck_assert_uint_eq(get(IIR), 0x00);
    ck_assert_uint_eq(get(MSR), 0x11);
    ck_assert(!chip.level[IRQ]);
    put(MCR, 0x16);
    ck_assert_uint_eq(get(MSR), 0x50); /* RI rose: only its fall counts */
    put(MCR, 0x12);
    ck_assert_uint_eq(get(MSR), 0x14);
}
END_TEST

START_TEST(line_status_comes_before_data)
{
    put(LCR, 3);
    put(MCR, 0x10);
    put(IER, 0x07);
    put(LCR, 0x43); /* a break, looped back */
    ck_assert_uint_eq(get(IIR), 0x06);
    ck_assert_uint_eq(get(LSR), 0x71);
    ck_assert_uint_eq(get(IIR), 0x04);
    ck_assert_uint_eq(get(DATA), 0x00);
    ck_assert_uint_eq(get(IIR), 0x02);
    ck_assert_uint_eq(get(IIR), 0x01);
}
END_TEST

START_TEST(words_are_as_long_as_programmed)
{
    put(LCR, 0); /* 5 bits */
    put(MCR, 0x10);
    put(DATA, 0xff);
    ck_assert_uint_eq(get(DATA), 0x1f);
}
END_TEST

START_TEST(a_port_without_a_line_works)
{
    Uart *other = uart_new(chip.io, 0x2f8, chip_line(&chip, 3), NULL, chip.clock);

    put(0x2f8, 'x');
    ck_assert_uint_eq(get(0x2fd), 0x60);
    ck_assert_uint_eq(get(0x2fe), 0x00);
    uart_free(other);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hw/uart16550");
    TCase *tc = tcase_create("uart16550");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, reset_values_are_the_data_sheets);
    tcase_add_test(tc, what_is_written_goes_out);
    tcase_add_test(tc, the_divisor_is_behind_dlab);
    tcase_add_test(tc, an_empty_transmitter_interrupts_until_identified);
    tcase_add_test(tc, without_fifo_one_byte_waits);
    tcase_add_test(tc, the_fifo_interrupts_at_its_trigger_and_on_timeout);
    tcase_add_test(tc, a_full_fifo_holds_the_rest_back);
    tcase_add_test(tc, clearing_the_fifo_drops_what_it_holds);
    tcase_add_test(tc, loopback_connects_data_and_modem_lines);
    tcase_add_test(tc, modem_lines_interrupt_when_they_change);
    tcase_add_test(tc, line_status_comes_before_data);
    tcase_add_test(tc, words_are_as_long_as_programmed);
    tcase_add_test(tc, a_port_without_a_line_works);
    suite_add_tcase(suite, tc);
    return chip_run_suite(suite);
}
