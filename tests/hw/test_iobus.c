/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <glib.h>

#include "tests/hw/chip_fixture.h"

static Chip chip;
static GString *seen; /* accesses of the handlers and holes, as text */

static uint32_t log_read(void *opaque, uint16_t offset, unsigned width)
{
    g_string_append_printf(seen, "%sr%u@%u ", (const char *)opaque, width, offset);
    return 0x44332211u >> 8 * (offset & 3);
}

static void log_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    g_string_append_printf(seen, "%sw%u@%u=%x ", (const char *)opaque, width, offset, value);
}

static void log_hole(void *opaque, uint16_t port, unsigned width, bool write)
{
    (void)opaque;
    g_string_append_printf(seen, "hole%c%u@%x ", write ? 'w' : 'r', width, port);
}

static IoAttachment *attach(uint16_t base, uint16_t count, uint8_t widths, const char *name)
{
    const IoRange range = {
        .base = base, .count = count, .widths = widths, .read = log_read, .write = log_write
    };

    return io_bus_attach(chip.io, &range, 1, (void *)name);
}

static void setup(void)
{
    chip_open(&chip);
    seen = g_string_new(NULL);
    io_bus_set_unassigned(chip.io, log_hole, NULL);
}

static void teardown(void)
{
    g_string_free(seen, TRUE);
    chip_close(&chip);
}

START_TEST(holes_read_as_ones_and_are_reported)
{
    ck_assert_uint_eq(io_bus_read(chip.io, 0x100, 1), 0xff);
    ck_assert_uint_eq(io_bus_read(chip.io, 0x100, 2), 0xffff);
    ck_assert_uint_eq(io_bus_read(chip.io, 0xffff, 4), 0xffffffff);
    io_bus_write(chip.io, 0x100, 4, 1);
    ck_assert_str_eq(seen->str, "holer1@100 holer2@100 holer4@ffff holew4@100 ");
}
END_TEST

START_TEST(wide_accesses_are_split_into_the_widest_supported)
{
    attach(0x10, 8, IO_8, "a");
    attach(0x20, 8, IO_8 | IO_16, "b");
    ck_assert_uint_eq(io_bus_read(chip.io, 0x10, 4), 0x44332211);
    io_bus_write(chip.io, 0x20, 4, 0x12345678);
    ck_assert_str_eq(seen->str, "ar1@0 ar1@1 ar1@2 ar1@3 bw2@0=5678 bw2@2=1234 ");
}
END_TEST

START_TEST(narrow_accesses_are_refused)
{
    attach(0x10, 4, IO_32, "a");
    ck_assert_uint_eq(io_bus_read(chip.io, 0x10, 1), 0xff);
    ck_assert_uint_eq(io_bus_read(chip.io, 0x10, 4), 0x44332211);
    ck_assert_str_eq(seen->str, "holer1@10 ar4@0 ");
}
END_TEST

START_TEST(an_access_over_the_end_of_a_range_goes_to_both)
{
    attach(0x10, 2, IO_8 | IO_16, "a");
    attach(0x12, 2, IO_8 | IO_16, "b");
    io_bus_write(chip.io, 0x11, 2, 0xbbaa);
    ck_assert_str_eq(seen->str, "aw1@1=aa bw1@0=bb ");
}
END_TEST

START_TEST(later_attachments_win_until_they_are_gone)
{
    IoAttachment *b;

    attach(0x10, 4, IO_8, "a");
    b = attach(0x12, 4, IO_8, "b");
    in8(&chip, 0x12);
    io_attachment_set_enabled(chip.io, b, false);
    in8(&chip, 0x12);
    io_attachment_set_enabled(chip.io, b, true);
    io_attachment_move(chip.io, b, 0x10);
    in8(&chip, 0x10);
    io_bus_detach(chip.io, b);
    in8(&chip, 0x10);
    ck_assert_str_eq(seen->str, "br1@0 ar1@2 br1@0 ar1@0 ");
}
END_TEST

START_TEST(a_range_without_handlers_swallows)
{
    const IoRange range = { .base = 0x80, .count = 1, .widths = IO_8 };

    io_bus_attach(chip.io, &range, 1, NULL);
    ck_assert_uint_eq(in8(&chip, 0x80), 0xff);
    out8(&chip, 0x80, 1);
    ck_assert_str_eq(seen->str, "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hw/iobus");
    TCase *tc = tcase_create("iobus");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, holes_read_as_ones_and_are_reported);
    tcase_add_test(tc, wide_accesses_are_split_into_the_widest_supported);
    tcase_add_test(tc, narrow_accesses_are_refused);
    tcase_add_test(tc, an_access_over_the_end_of_a_range_goes_to_both);
    tcase_add_test(tc, later_attachments_win_until_they_are_gone);
    tcase_add_test(tc, a_range_without_handlers_swallows);
    suite_add_tcase(suite, tc);
    return chip_run_suite(suite);
}
