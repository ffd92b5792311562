/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_vga_picture.c - what is on the screen, mode by mode; screendumps. */
#include <png.h>

#include "hw/display/screendump.h"
#include "tests/hw/vga_fixture.h"

/* A glyph in plane 2, as a BIOS loads its font. */
static void load_glyph(uint8_t code, const uint8_t *lines, unsigned n)
{
    indexed(SEQ, 2, 0x04);
    indexed(SEQ, 4, 0x06);
    indexed(GFX, 5, 0x00);
    indexed(GFX, 6, 0x04);
    for (unsigned i = 0; i < n; i++) {
        poke(0xa0000 + code * 32u + i, lines[i]);
    }
    indexed(SEQ, 2, 0x03);
    indexed(SEQ, 4, 0x02);
    indexed(GFX, 5, 0x10);
    indexed(GFX, 6, 0x0e);
}

static void text_at(unsigned x, unsigned y, uint8_t code, uint8_t attribute)
{
    uint64_t gpa = 0xb8000 + (y * 80 + x) * 2u;

    poke(gpa, code);
    poke(gpa + 1, attribute);
}

static void hide_cursor(void)
{
    indexed(CRTC, 0x0a, 0x20);
}

START_TEST(text_is_drawn_from_the_font_in_nine_dots)
{
    static const uint8_t lines[16] = { 0x80, 0x01, 0xff };

    set_mode(&mode_03);
    hide_cursor();
    load_glyph('A', lines, 16);
    load_glyph(0xc4, lines, 16);
    text_at(2, 1, 'A', 0x1e);
    text_at(3, 1, 0xc4, 0x1e);
    expect_size(720, 400);
    ck_assert_uint_eq(pixel(18, 16), grey(14));
    ck_assert_uint_eq(pixel(19, 16), grey(1));
    ck_assert_uint_eq(pixel(25, 17), grey(14));
    ck_assert_uint_eq(pixel(26, 17), grey(1));  /* the ninth dot is background, */
    ck_assert_uint_eq(pixel(35, 17), grey(14)); /* but of line graphics like the eighth */
    ck_assert_uint_eq(pixel(26, 18), grey(1));
    ck_assert_uint_eq(pixel(35, 18), grey(14));
    ck_assert_uint_eq(pixel(0, 0), 0);
}
END_TEST

START_TEST(cursor_and_characters_blink)
{
    unsigned cursor = 0, character = 0, n = 200;
    static const uint8_t lines[16] = { 0xff };

    set_mode(&mode_03);
    load_glyph('B', lines, 16);
    indexed(CRTC, 0x0f, 5);
    text_at(5, 0, ' ', 0x07);
    text_at(7, 0, 'B', 0x8f);
    for (unsigned i = 0; i < n; i++) {
        clock_step(vb.bench.clock, 15 * NS_PER_MS);
        console_refresh(vb.console);
        cursor += pixel(45, 13) == grey(7);
        ck_assert_uint_eq(pixel(45, 12), 0);
        character += pixel(63, 0) == grey(15);
    }
    ck_assert_uint_ge(cursor, n * 4 / 10);
    ck_assert_uint_le(cursor, n * 6 / 10);
    ck_assert_uint_ge(character, n * 4 / 10);
    ck_assert_uint_le(character, n * 6 / 10);
}
END_TEST

START_TEST(characters_scroll_smoothly_by_row_scan_and_panning)
{
    static const uint8_t lines[16] = { 0x80, 0x40 };

    set_mode(&mode_03);
    hide_cursor();
    load_glyph('C', lines, 16);
    text_at(0, 0, 'C', 0x0f);
    text_at(1, 0, 'C', 0x0f);
    indexed(CRTC, 0x08, 0x01); /* one line up */
    console_refresh(vb.console);
    ck_assert_uint_eq(pixel(1, 0), grey(15));
    in8(0x3da);
    out8(0x3c0, 0x33);
    out8(0x3c0, 0x00); /* one dot to the left */
    console_refresh(vb.console);
    ck_assert_uint_eq(pixel(0, 0), grey(15));
    ck_assert_uint_eq(pixel(9, 0), grey(15));
}
END_TEST

START_TEST(cells_are_told_to_text_displays)
{
    TextScreen *screen = g_new0(TextScreen, 1);

    set_mode(&mode_03);
    text_at(79, 24, 'x', 0x4e);
    indexed(CRTC, 0x0e, 0x00);
    indexed(CRTC, 0x0f, 81);
    ck_assert(console_text(vb.console, screen));
    ck_assert_uint_eq(screen->columns, 80);
    ck_assert_uint_eq(screen->rows, 25);
    ck_assert_uint_eq(screen->cells[24 * 80 + 79], 0x4e00 | 'x');
    set_mode(&mode_13);
    ck_assert(!console_text(vb.console, screen));
    g_free(screen);
}
END_TEST

START_TEST(sixteen_colours_come_from_four_planes)
{
    set_mode(&mode_12);
    indexed(SEQ, 2, 0x09);
    poke(0xa0000 + 479 * 80 + 79, 0x01);
    expect_size(640, 480);
    ck_assert_uint_eq(pixel(639, 479), grey(9));
    ck_assert_uint_eq(pixel(638, 479), grey(0));
    attr_out(0x09, 0x03); /* through the palette */
    attr_video_on();
    console_refresh(vb.console);
    ck_assert_uint_eq(pixel(639, 479), grey(3));
}
END_TEST

START_TEST(mode_13_doubles_dots_and_lines)
{
    set_mode(&mode_13);
    dac_set(0xc8, 0x3f, 0x20, 0x01);
    poke(0xa0000 + 199 * 320 + 319, 0xc8);
    expect_size(640, 400);
    ck_assert_uint_eq(pixel(639, 399), 0xff8007);
    ck_assert_uint_eq(pixel(638, 398), 0xff8007);
    ck_assert_uint_eq(pixel(637, 399), 0);
    for (unsigned i = 0; i < 100; i++) { /* as RAM, too */
        poke(0xa0000, 0xc8);
    }
    console_refresh(vb.console);
    ck_assert_uint_eq(pixel(1, 1), 0xff8007);
}
END_TEST

/* Mode X: 320 pixels of four planes a line, pages, a split screen, panning. */
static void set_mode_x(void)
{
    set_mode(&mode_13);
    indexed(SEQ, 4, 0x06);
    indexed(CRTC, 0x14, 0x00);
    indexed(CRTC, 0x17, 0xe3);
    for (unsigned i = 0; i < 256; i++) {
        dac_set(i, (uint8_t)(i & 0x3f), 0, 0);
    }
}

static uint32_t red(unsigned i)
{
    return (i << 2 | (i & 1) * 3u) << 16;
}

static void put_x(uint32_t page, unsigned x, unsigned y, uint8_t colour)
{
    indexed(SEQ, 2, (uint8_t)(1u << (x & 3)));
    poke(0xa0000 + page + y * 80 + x / 4, colour);
}

START_TEST(mode_x_flips_pages_and_splits_the_screen)
{
    set_mode_x();
    put_x(0, 5, 0, 11);
    put_x(0x4000, 5, 0, 22);
    expect_size(640, 400);
    ck_assert_uint_eq(pixel(10, 0), red(11));
    indexed(CRTC, 0x0c, 0x40);
    console_refresh(vb.console);
    ck_assert_uint_eq(pixel(10, 0), red(22));
    indexed(CRTC, 0x11, 0x0e);
    indexed(CRTC, 0x18, 0x2b); /* 299: the memory's start follows in line 300 */
    indexed(CRTC, 0x07, 0x1f);
    indexed(CRTC, 0x09, 0x01);
    console_refresh(vb.console);
    ck_assert_uint_eq(pixel(10, 0), red(22));
    ck_assert_uint_eq(pixel(10, 299), 0);
    ck_assert_uint_eq(pixel(10, 300), red(11));
    ck_assert_uint_eq(pixel(10, 301), red(11));
    ck_assert_uint_eq(pixel(10, 302), 0);
}
END_TEST

START_TEST(mode_x_pans_by_pixels_above_the_split_only_if_told)
{
    set_mode_x();
    put_x(0, 5, 0, 11);
    in8(0x3da);
    out8(0x3c0, 0x33);
    out8(0x3c0, 0x04); /* half dots: two pixels */
    console_refresh(vb.console);
    ck_assert_uint_eq(pixel(6, 0), red(11));
    indexed(CRTC, 0x11, 0x0e);
    indexed(CRTC, 0x18, 0x63);
    indexed(CRTC, 0x07, 0x0f);
    indexed(CRTC, 0x09, 0x01);
    console_refresh(vb.console);
    ck_assert_uint_eq(pixel(6, 100), red(11));
    attr_out(0x30, 0x61);
    attr_video_on();
    console_refresh(vb.console);
    ck_assert_uint_eq(pixel(10, 100), red(11));
}
END_TEST

START_TEST(the_cga_mode_interleaves_lines_and_dots)
{
    set_mode(&mode_04);
    poke(0xb8000, 0x1b); /* dots 0 1 2 3 of line 0 */
    poke(0xb8001, 0xc0); /* dot 4 */
    poke(0xba000, 0x40); /* dot 0 of line 1 */
    expect_size(640, 400);
    ck_assert_uint_eq(pixel(0, 0), grey(0));
    ck_assert_uint_eq(pixel(2, 1), grey(1));
    ck_assert_uint_eq(pixel(4, 0), grey(2));
    ck_assert_uint_eq(pixel(7, 0), grey(3));
    ck_assert_uint_eq(pixel(8, 0), grey(3));
    ck_assert_uint_eq(pixel(0, 2), grey(1));
}
END_TEST

START_TEST(the_screen_is_black_while_it_is_off)
{
    set_mode(&mode_13);
    dac_set(0, 0x3f, 0x3f, 0x3f);
    console_refresh(vb.console);
    ck_assert_uint_eq(pixel(0, 0), 0xffffff);
    indexed(SEQ, 1, 0x21);
    console_refresh(vb.console);
    ck_assert_uint_eq(pixel(0, 0), 0);
    indexed(SEQ, 1, 0x01);
    in8(0x3da);
    out8(0x3c0, 0x00);
    console_refresh(vb.console);
    ck_assert_uint_eq(pixel(0, 0), 0);
}
END_TEST

/* ---- VBE ---- */

enum { XRES = 1, YRES, BPP, ENABLE, BANK, VIRT_WIDTH, VIRT_HEIGHT, X_OFFSET, Y_OFFSET };

static void set_vbe(uint16_t width, uint16_t height, uint16_t bpp)
{
    vbe_out(ENABLE, 0);
    vbe_out(XRES, width);
    vbe_out(YRES, height);
    vbe_out(BPP, bpp);
    vbe_out(ENABLE, 0x41);
    attr_video_on();
}

static const struct {
    uint16_t bpp;
    unsigned bytes;
    uint32_t value, colour;
} depth_rows[] = {
    { 8, 1, 5, 0x545454 },         { 15, 2, 0x7c1f, 0xff00ff },     { 16, 2, 0x07e0, 0x00ff00 },
    { 24, 3, 0x123456, 0x123456 }, { 32, 4, 0xff654321, 0x654321 },
};

START_TEST(linear_modes_show_their_pixels)
{
    unsigned bytes = depth_rows[_i].bytes;

    set_mode(&mode_03);
    dac_set(5, 0x15, 0x15, 0x15);
    set_vbe(800, 600, depth_rows[_i].bpp);
    phys_map_write(vb.bench.map, TEST_LFB + (799u + 599 * 800) * bytes, &depth_rows[_i].value,
                   bytes);
    expect_size(800, 600);
    ck_assert_uint_eq(pixel(799, 599), _i == 0 ? 0x575757 : depth_rows[_i].colour);
    ck_assert_uint_eq(pixel(798, 599), 0);
}
END_TEST

START_TEST(planes_of_high_resolution_show_sixteen_colours)
{
    set_mode(&mode_12);
    set_vbe(1024, 768, 4);
    indexed(SEQ, 2, 0x06);
    vbe_out(BANK, 1);
    poke(0xa0000 + 767 * 128 + 127 - 0x10000, 0x01);
    expect_size(1024, 768);
    ck_assert_uint_eq(pixel(1023, 767), grey(6));
}
END_TEST

START_TEST(a_virtual_screen_scrolls)
{
    set_mode(&mode_03);
    set_vbe(640, 480, 32);
    vbe_out(VIRT_WIDTH, 1024);
    ck_assert_uint_eq(vbe_in(VIRT_HEIGHT), TEST_VRAM / 4096);
    put32(&vb.bench, TEST_LFB + (5u * 1024 + 7) * 4, 0xabcdef);
    vbe_out(X_OFFSET, 7);
    vbe_out(Y_OFFSET, 5);
    expect_size(640, 480);
    ck_assert_uint_eq(pixel(0, 0), 0xabcdef);
    vbe_out(X_OFFSET, 60000);
    ck_assert_uint_eq(vbe_in(X_OFFSET), 1024 - 640);
}
END_TEST

START_TEST(banks_show_the_frame_buffer_in_the_window)
{
    set_mode(&mode_03);
    set_vbe(1024, 768, 8);
    vbe_out(BANK, 3);
    poke(0xa1234, 0x42);
    ck_assert_uint_eq(peek(TEST_LFB + 0x31234), 0x42);
    for (unsigned i = 0; i < 80; i++) {
        peek(0xa0000);
    }
    ck_assert_ptr_nonnull(phys_map_page(vb.bench.map, 0xa0000).host);
    vbe_out(BANK, 4);
    poke(0xa0001, 0x43);
    ck_assert_uint_eq(peek(TEST_LFB + 0x40001), 0x43);
    vbe_out(BANK, 3);
    ck_assert_uint_eq(peek(0xa1234), 0x42);
}
END_TEST

START_TEST(modes_beyond_the_memory_are_cut_down)
{
    set_mode(&mode_03);
    vbe_out(0, 0xb0c4);
    ck_assert_uint_eq(vbe_in(0), 0xb0c4);
    vbe_out(0, 0x1234);
    ck_assert_uint_eq(vbe_in(0), 0xb0c4);
    ck_assert_uint_eq(vbe_in(10), TEST_VRAM >> 16);
    set_vbe(4000, 4000, 32);
    ck_assert_uint_eq(vbe_in(XRES), 4000);
    ck_assert_uint_eq(vbe_in(YRES), TEST_VRAM / 16000);
    expect_size(4000, TEST_VRAM / 16000);
    vbe_out(ENABLE, 2);
    ck_assert_uint_eq(vbe_in(XRES), 16000);
    ck_assert_uint_eq(vbe_in(BPP), 32);
}
END_TEST

START_TEST(memory_is_cleared_unless_told_not_to)
{
    set_mode(&mode_03);
    put32(&vb.bench, TEST_LFB + 100, 77);
    vbe_out(XRES, 640);
    vbe_out(YRES, 480);
    vbe_out(BPP, 32);
    vbe_out(ENABLE, 0xc1);
    ck_assert_uint_eq(get32(&vb.bench, TEST_LFB + 100), 77);
    vbe_out(ENABLE, 0);
    vbe_out(ENABLE, 0x41);
    ck_assert_uint_eq(get32(&vb.bench, TEST_LFB + 100), 0);
}
END_TEST

/* ---- What displays hear ---- */

static Rect heard[4];
static unsigned hearings;

static void hear(void *opaque, const Rect *rect)
{
    (void)opaque;
    heard[hearings++ % 4] = *rect;
}

START_TEST(only_what_has_changed_is_told)
{
    const ConsoleListener listener = { .changed = hear };

    set_mode(&mode_12);
    console_refresh(vb.console);
    console_add_listener(vb.console, &listener);
    hearings = 0;
    ck_assert(!console_refresh(vb.console));
    ck_assert_uint_eq(hearings, 0);
    poke(0xa0000 + 10 * 80 + 3, 0xff);
    poke(0xa0000 + 11 * 80 + 4, 0xff);
    poke(0xa0000 + 300 * 80, 0x80);
    ck_assert(console_refresh(vb.console));
    ck_assert_uint_eq(hearings, 2);
    ck_assert_uint_eq(heard[0].x, 24);
    ck_assert_uint_eq(heard[0].width, 16);
    ck_assert_uint_eq(heard[0].y, 10);
    ck_assert_uint_eq(heard[0].height, 2);
    ck_assert_uint_eq(heard[1].width, 1);
    console_remove_listener(vb.console, &listener);
}
END_TEST

START_TEST(screendumps_hold_the_picture)
{
    g_autofree char *directory = g_dir_make_tmp("doppel-vga-XXXXXX", NULL);
    g_autofree char *ppm = g_build_filename(directory, "a.ppm", NULL);
    g_autofree char *png = g_build_filename(directory, "a.png", NULL);
    g_autofree char *text = NULL, *pixels = g_malloc(640 * 480 * 4);
    png_image image = { .version = PNG_IMAGE_VERSION };
    gsize length;

    set_mode(&mode_12);
    poke(0xa0000, 0x80);
    ck_assert(screendump(vb.console, ppm, SCREENDUMP_PPM, NULL));
    ck_assert(g_file_get_contents(ppm, &text, &length, NULL));
    ck_assert_uint_eq(length, strlen("P6\n640 480\n255\n") + 640 * 480 * 3);
    ck_assert_uint_eq((uint8_t)text[15], 0xf0);
    ck_assert_uint_eq((uint8_t)text[18], 0);
    ck_assert(screendump(vb.console, png, SCREENDUMP_PNG, NULL));
    ck_assert(png_image_begin_read_from_file(&image, png));
    ck_assert_uint_eq(image.width, 640);
    image.format = PNG_FORMAT_RGBA;
    ck_assert(png_image_finish_read(&image, NULL, pixels, 0, NULL));
    ck_assert_uint_eq((uint8_t)pixels[1], 0xf0);
    ck_assert_uint_eq((uint8_t)pixels[5], 0);
    ck_assert(!screendump(vb.console, directory, SCREENDUMP_PNG, NULL));
    remove(ppm);
    remove(png);
    remove(directory);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("vga-picture");

    tcase_add_checked_fixture(tc, vga_open, vga_close);
    tcase_add_test(tc, text_is_drawn_from_the_font_in_nine_dots);
    tcase_add_test(tc, cursor_and_characters_blink);
    tcase_add_test(tc, characters_scroll_smoothly_by_row_scan_and_panning);
    tcase_add_test(tc, cells_are_told_to_text_displays);
    tcase_add_test(tc, sixteen_colours_come_from_four_planes);
    tcase_add_test(tc, mode_13_doubles_dots_and_lines);
    tcase_add_test(tc, mode_x_flips_pages_and_splits_the_screen);
    tcase_add_test(tc, mode_x_pans_by_pixels_above_the_split_only_if_told);
    tcase_add_test(tc, the_cga_mode_interleaves_lines_and_dots);
    tcase_add_test(tc, the_screen_is_black_while_it_is_off);
    tcase_add_loop_test(tc, linear_modes_show_their_pixels, 0, G_N_ELEMENTS(depth_rows));
    tcase_add_test(tc, planes_of_high_resolution_show_sixteen_colours);
    tcase_add_test(tc, a_virtual_screen_scrolls);
    tcase_add_test(tc, banks_show_the_frame_buffer_in_the_window);
    tcase_add_test(tc, modes_beyond_the_memory_are_cut_down);
    tcase_add_test(tc, memory_is_cleared_unless_told_not_to);
    tcase_add_test(tc, only_what_has_changed_is_told);
    tcase_add_test(tc, screendumps_hold_the_picture);
    return suite_run(tc, "vga-picture");
}
