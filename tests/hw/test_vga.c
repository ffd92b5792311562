/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_vga.c - registers, the beam, latches and planes, the window that turns into RAM. */
#include "tests/hw/vga_fixture.h"

START_TEST(registers_read_back_the_bits_that_they_have)
{
    out8(0x3c2, 0xff);
    ck_assert_uint_eq(in8(0x3cc), 0xef);
    indexed(SEQ, 4, 0xff);
    ck_assert_uint_eq(indexed_in(SEQ, 4), 0x0e);
    indexed(GFX, 5, 0xff);
    ck_assert_uint_eq(indexed_in(GFX, 5), 0x7b);
    indexed(GFX, 0x0f, 0xff);
    ck_assert_uint_eq(indexed_in(GFX, 0x0f), 0);
    indexed(CRTC, 0x0e, 0x5a);
    ck_assert_uint_eq(indexed_in(CRTC, 0x0e), 0x5a);
    attr_out(0x03, 0xff);
    in8(0x3da);
    out8(0x3c0, 0x03);
    ck_assert_uint_eq(in8(0x3c1), 0x3f);
}
END_TEST

START_TEST(the_crtc_answers_at_one_of_two_places)
{
    out8(0x3c2, 0x00);
    indexed(0x3b4, 0x0f, 0x77);
    ck_assert_uint_eq(in8(0x3d5), 0xff);
    ck_assert_uint_eq(indexed_in(0x3b4, 0x0f), 0x77);
    out8(0x3c2, 0x01);
    ck_assert_uint_eq(in8(0x3b5), 0xff);
    ck_assert_uint_eq(indexed_in(CRTC, 0x0f), 0x77);
}
END_TEST

START_TEST(protected_timing_keeps_but_for_the_line_compare_bit)
{
    out8(0x3c2, 0x01);
    indexed(CRTC, 0x00, 0x5f);
    indexed(CRTC, 0x07, 0x00);
    indexed(CRTC, 0x11, 0x80);
    indexed(CRTC, 0x00, 0x11);
    indexed(CRTC, 0x07, 0xff);
    ck_assert_uint_eq(indexed_in(CRTC, 0x00), 0x5f);
    ck_assert_uint_eq(indexed_in(CRTC, 0x07), 0x10);
}
END_TEST

START_TEST(the_attribute_port_alternates_and_status_resets_it)
{
    out8(0x3c2, 0x01);
    in8(0x3da);
    out8(0x3c0, 0x01);
    ck_assert_uint_eq(indexed_in(CRTC, 0x24), 0x80);
    in8(0x3da);
    ck_assert_uint_eq(indexed_in(CRTC, 0x24), 0);
    attr_out(0x01, 0x15);
    attr_out(0x21, 0x2a); /* the palette is the screen's: not written */
    in8(0x3da);
    out8(0x3c0, 0x01);
    ck_assert_uint_eq(in8(0x3c1), 0x15);
}
END_TEST

START_TEST(the_dac_counts_through_three_colours)
{
    dac_set(7, 0x3f, 0x55, 0xff);
    dac_set(8, 1, 2, 3);
    ck_assert_uint_eq(in8(0x3c8), 9);
    ck_assert_uint_eq(in8(0x3c7), 0);
    out8(0x3c7, 7);
    ck_assert_uint_eq(in8(0x3c7), 3);
    ck_assert_uint_eq(in8(0x3c9), 0x3f);
    ck_assert_uint_eq(in8(0x3c9), 0x15);
    ck_assert_uint_eq(in8(0x3c9), 0x3f);
    ck_assert_uint_eq(in8(0x3c9), 1);
}
END_TEST

START_TEST(mode_3_has_seventy_retraces_a_second)
{
    unsigned retraces = 0, shown = 0, before = 0, samples = 100000;

    set_mode(&mode_03);
    for (unsigned i = 0; i < samples; i++) {
        uint8_t status = in8(0x3da);

        retraces += (status & 8) && !before;
        before = status & 8;
        shown += !(status & 1);
        clock_step(vb.bench.clock, 10 * NS_PER_US);
    }
    ck_assert_uint_ge(retraces, 69);
    ck_assert_uint_le(retraces, 71);
    /* 80 of 100 characters in 400 of 449 lines */
    ck_assert_uint_ge(shown, samples * 69 / 100);
    ck_assert_uint_le(shown, samples * 73 / 100);
}
END_TEST

START_TEST(a_retrace_is_pending_until_it_is_cleared)
{
    set_mode(&mode_03);
    indexed(CRTC, 0x11, 0x00);
    indexed(CRTC, 0x11, 0x10);
    ck_assert_uint_eq(in8(0x3c2) & 0x80, 0);
    clock_step(vb.bench.clock, 15 * NS_PER_MS);
    ck_assert_uint_eq(in8(0x3c2) & 0x80, 0x80);
    indexed(CRTC, 0x11, 0x00);
    ck_assert_uint_eq(in8(0x3c2) & 0x80, 0);
}
END_TEST

/* ---- Planes ---- */

static uint8_t plane_in(unsigned plane, uint64_t gpa)
{
    indexed(GFX, 4, (uint8_t)plane);
    return peek(gpa);
}

static void expect_planes(uint64_t gpa, uint8_t p0, uint8_t p1, uint8_t p2, uint8_t p3)
{
    ck_assert_uint_eq(plane_in(0, gpa), p0);
    ck_assert_uint_eq(plane_in(1, gpa), p1);
    ck_assert_uint_eq(plane_in(2, gpa), p2);
    ck_assert_uint_eq(plane_in(3, gpa), p3);
}

START_TEST(write_mode_0_masks_rotates_and_sets)
{
    set_mode(&mode_12);
    indexed(SEQ, 2, 0x05);
    poke(0xa0010, 0xc3);
    expect_planes(0xa0010, 0xc3, 0, 0xc3, 0);
    indexed(SEQ, 2, 0x0f);
    indexed(GFX, 0, 0x02); /* plane 1 is set, */
    indexed(GFX, 1, 0x03); /* planes 0 and 1 do not get the byte */
    indexed(GFX, 3, 0x04); /* rotated by 4 */
    indexed(GFX, 8, 0xf0); /* upper bits only */
    peek(0xa0010);
    poke(0xa0010, 0x0a);
    indexed(GFX, 8, 0xff);
    expect_planes(0xa0010, 0x03, 0xf0, 0xa3, 0xa0);
}
END_TEST

static const struct {
    uint8_t function, result;
} function_rows[] = { { 0x00, 0x0f }, { 0x08, 0x05 }, { 0x10, 0x5f }, { 0x18, 0x5a } };

START_TEST(functions_combine_with_the_latches)
{
    set_mode(&mode_12);
    poke(0xa0000, 0x55);
    peek(0xa0000);
    indexed(GFX, 3, function_rows[_i].function);
    poke(0xa0001, 0x0f);
    expect_planes(0xa0001, function_rows[_i].result, function_rows[_i].result,
                  function_rows[_i].result, function_rows[_i].result);
}
END_TEST

START_TEST(write_mode_1_copies_four_planes_at_once)
{
    set_mode(&mode_12);
    for (unsigned plane = 0; plane < 4; plane++) {
        indexed(SEQ, 2, (uint8_t)(1u << plane));
        poke(0xa1000, (uint8_t)(0x11 * (plane + 1)));
    }
    indexed(SEQ, 2, 0x0f);
    indexed(GFX, 5, 0x01);
    peek(0xa1000);
    poke(0xa2000, 0xee);
    expect_planes(0xa2000, 0x11, 0x22, 0x33, 0x44);
}
END_TEST

START_TEST(write_modes_2_and_3_paint_a_colour)
{
    set_mode(&mode_12);
    indexed(GFX, 5, 0x02);
    indexed(GFX, 8, 0x81);
    peek(0xa0000);
    poke(0xa0000, 0x0a);
    expect_planes(0xa0000, 0, 0x81, 0, 0x81);
    indexed(GFX, 8, 0xff);
    indexed(GFX, 5, 0x03);
    indexed(GFX, 0, 0x05);
    peek(0xa0000);
    poke(0xa0000, 0x18);
    expect_planes(0xa0000, 0x18, 0x81, 0x18, 0x81);
}
END_TEST

START_TEST(read_mode_1_finds_a_colour)
{
    set_mode(&mode_12);
    indexed(SEQ, 2, 0x09);
    poke(0xa0000, 0x3c); /* four pixels of colour 9 */
    indexed(GFX, 5, 0x08);
    indexed(GFX, 2, 0x09);
    ck_assert_uint_eq(peek(0xa0000), 0x3c);
    indexed(GFX, 7, 0x06); /* planes 0 and 3 do not matter: planes 1 and 2 are 0 everywhere */
    ck_assert_uint_eq(peek(0xa0000), 0xff);
}
END_TEST

START_TEST(the_window_is_where_the_map_says)
{
    set_mode(&mode_12);
    poke(0xa0000, 0x12);
    indexed(GFX, 6, 0x09); /* B0000 */
    ck_assert_uint_eq(peek(0xa0000), 0xff);
    ck_assert_uint_eq(peek(0xb0000), 0x12);
    ck_assert_uint_eq(peek(0xb8000), 0xff);
    indexed(GFX, 6, 0x0d); /* B8000 */
    ck_assert_uint_eq(peek(0xb8000), 0x12);
    out8(0x3c2, 0x01); /* RAM off */
    ck_assert_uint_eq(peek(0xb8000), 0xff);
}
END_TEST

/* ---- The window as RAM ---- */

static bool is_ram(uint64_t gpa)
{
    return phys_map_page(vb.bench.map, gpa).host != NULL;
}

static void use(uint64_t gpa, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        peek(gpa);
    }
}

START_TEST(text_that_is_used_much_becomes_ram_and_comes_back)
{
    set_mode(&mode_03);
    poke(0xb8000, 'A');
    poke(0xb8001, 0x1f);
    use(0xb8000, 40);
    ck_assert(!is_ram(0xb8000));
    use(0xb8000, 40);
    ck_assert(is_ram(0xb8000));
    ck_assert(!is_ram(0xa0000));
    ck_assert_uint_eq(peek(0xb8000), 'A');
    ck_assert_uint_eq(peek(0xb8001), 0x1f);
    poke(0xb8f9e, 'Z');
    poke(0xb8f9f, 0x2e);
    indexed(SEQ, 4, 0x06); /* planar: the same bytes, plane by plane */
    ck_assert(!is_ram(0xb8000));
    indexed(GFX, 5, 0x00);
    indexed(GFX, 6, 0x05);
    expect_planes(0xa0000, 'A', 0x1f, 0, 0);
    expect_planes(0xa0f9e, 'Z', 0x2e, 0, 0);
}
END_TEST

START_TEST(mode_13_becomes_ram_and_a_tweaked_mode_does_not)
{
    set_mode(&mode_13);
    poke(0xa0007, 0x31);
    use(0xa0000, 80);
    ck_assert(is_ram(0xa0000));
    poke(0xafffc, 0x32);
    ck_assert_uint_eq(peek(0xa0007), 0x31);
    indexed(SEQ, 4, 0x06);
    use(0xa0000, 80);
    ck_assert(!is_ram(0xa0000));
    expect_planes(0xa0004, 0, 0, 0, 0x31);
    expect_planes(0xaffff, 0x32, 0, 0, 0); /* bits 14 and 15 have become the lowest */
}
END_TEST

START_TEST(registers_that_matter_end_the_ram)
{
    static const struct {
        uint16_t port;
        uint8_t index, value;
    } rows[] = { { SEQ, 2, 0x01 }, { GFX, 1, 0x01 }, { GFX, 3, 0x08 },
                 { GFX, 5, 0x41 }, { GFX, 8, 0x0f }, { GFX, 6, 0x0d } };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        set_mode(&mode_13);
        use(0xa0000, 80);
        ck_assert(is_ram(0xa0000));
        indexed(rows[i].port, rows[i].index, rows[i].value);
        ck_assert(!is_ram(0xa0000));
        use(0xa0000, 200);
        ck_assert(!is_ram(0xa0000));
    }
}
END_TEST

START_TEST(a_reset_ends_the_ram)
{
    set_mode(&mode_13);
    use(0xa0000, 80);
    vga_reset(vb.vga);
    ck_assert(!is_ram(0xa0000));
    ck_assert_uint_eq(peek(0xa0000), 0xff);
}
END_TEST

/* ---- Random accesses ---- */

static void random_access(GRand *rand)
{
    uint32_t r = g_rand_int(rand), value = g_rand_int(rand);
    uint64_t gpa = 0xa0000 + (r >> 8) % 0x20000;

    switch (r & 7) {
    case 0:
        phys_map_mmio_write(vb.bench.map, gpa, 1u << (r >> 3 & 3), value);
        break;
    case 1:
        phys_map_mmio_read(vb.bench.map, gpa, 1u << (r >> 3 & 3));
        break;
    case 2:
        vbe_out((uint16_t)(r >> 8 & 15), r & 0x80 ? (uint16_t)value : value & 0x3ff);
        break;
    case 3:
        vbe_in((uint16_t)(r >> 8 & 15));
        break;
    case 4:
        in8((uint16_t)(0x3b0 + (r >> 8) % 0x30));
        break;
    default:
        io_bus_write(vb.bench.io, (uint16_t)(0x3b0 + (r >> 8) % 0x30), 1u << (r >> 3 & 1), value);
        break;
    }
}

START_TEST(random_accesses_stay_inside)
{
    GRand *rand = g_rand_new_with_seed((guint32)_i);
    TextScreen *text = g_new(TextScreen, 1);

    for (unsigned i = 0; i < 20000; i++) {
        random_access(rand);
        if (i % 500 == 0) {
            out8(0x3c0, 0x20);
            console_refresh(vb.console);
            console_text(vb.console, text);
            clock_step(vb.bench.clock, NS_PER_MS);
            if (i % 4000 == 0) {
                set_mode(i & 1 ? &mode_03 : &mode_13);
            }
        }
    }
    g_free(text);
    g_rand_free(rand);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("vga");

    tcase_add_checked_fixture(tc, vga_open, vga_close);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, registers_read_back_the_bits_that_they_have);
    tcase_add_test(tc, the_crtc_answers_at_one_of_two_places);
    tcase_add_test(tc, protected_timing_keeps_but_for_the_line_compare_bit);
    tcase_add_test(tc, the_attribute_port_alternates_and_status_resets_it);
    tcase_add_test(tc, the_dac_counts_through_three_colours);
    tcase_add_test(tc, mode_3_has_seventy_retraces_a_second);
    tcase_add_test(tc, a_retrace_is_pending_until_it_is_cleared);
    tcase_add_test(tc, write_mode_0_masks_rotates_and_sets);
    tcase_add_loop_test(tc, functions_combine_with_the_latches, 0, G_N_ELEMENTS(function_rows));
    tcase_add_test(tc, write_mode_1_copies_four_planes_at_once);
    tcase_add_test(tc, write_modes_2_and_3_paint_a_colour);
    tcase_add_test(tc, read_mode_1_finds_a_colour);
    tcase_add_test(tc, the_window_is_where_the_map_says);
    tcase_add_test(tc, text_that_is_used_much_becomes_ram_and_comes_back);
    tcase_add_test(tc, mode_13_becomes_ram_and_a_tweaked_mode_does_not);
    tcase_add_test(tc, registers_that_matter_end_the_ram);
    tcase_add_test(tc, a_reset_ends_the_ram);
    tcase_add_loop_test(tc, random_accesses_stay_inside, 0, 8);
    return suite_run(tc, "vga");
}
