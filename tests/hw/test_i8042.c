/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/i8042.h"
#include "hw/input/ps2_input.h"
#include "hw/port92.h"
#include "tests/hw/chip_fixture.h"

static Chip chip;
static I8042 *kbc;
static Port92 *port92;
static bool a20;
static unsigned resets;

enum { KBD = 1, AUX = 12, KEY_A = 0x1e };

static void set_a20(void *opaque, bool open)
{
    (void)opaque;
    a20 = open;
}

static void do_reset(void *opaque)
{
    (void)opaque;
    resets++;
}

static void setup(void)
{
    chip_open(&chip);
    a20 = false;
    resets = 0;
    kbc = i8042_new(chip.io, chip.clock, chip_line(&chip, KBD), chip_line(&chip, AUX), set_a20,
                    do_reset, NULL);
    port92 = port92_new(chip.io, set_a20, do_reset, NULL);
}

static void teardown(void)
{
    port92_free(port92);
    i8042_free(kbc);
    chip_close(&chip);
}

/* The next byte of the output buffer, -1 if there is none within 10 ms. */
static int next(void)
{
    for (int i = 0; i < 10 && (in8(&chip, 0x64) & 1) == 0; i++) {
        clock_step(chip.clock, NS_PER_MS);
    }
    return (in8(&chip, 0x64) & 1) != 0 ? in8(&chip, 0x60) : -1;
}

static void expect(const int *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ck_assert_int_eq(next(), bytes[i]);
    }
    ck_assert_int_eq(next(), -1);
}
#define EXPECT(...)                                                                                \
    do {                                                                                           \
        const int bytes_[] = { __VA_ARGS__ };                                                      \
        expect(bytes_, sizeof(bytes_) / sizeof(bytes_[0]));                                        \
    } while (0)

#define NOTHING() ck_assert_int_eq(next(), -1)

static void command(uint8_t byte)
{
    out8(&chip, 0x64, byte);
}

static void set_mode(uint8_t mode)
{
    command(0x60);
    out8(&chip, 0x60, mode);
}

static void keyboard(uint8_t byte)
{
    out8(&chip, 0x60, byte);
}

static void mouse(uint8_t byte)
{
    command(0xd4);
    out8(&chip, 0x60, byte);
}

static void key(unsigned name, bool down)
{
    ps2_keyboard_event(i8042_keyboard(kbc), name, down);
}

START_TEST(the_self_test_passes_and_sets_the_system_flag)
{
    ck_assert_uint_eq(in8(&chip, 0x64) & 0x05, 0);
    command(0xaa);
    ck_assert_uint_eq(in8(&chip, 0x64) & 0x0d, 0x0d);
    EXPECT(0x55);
    command(0xab);
    EXPECT(0x00);
    command(0xa9);
    EXPECT(0x00);
}
END_TEST

START_TEST(the_mode_byte_and_ram_read_back)
{
    set_mode(0x65);
    command(0x20);
    EXPECT(0x65);
    command(0x7f);
    out8(&chip, 0x60, 0x42);
    command(0x3f);
    EXPECT(0x42);
    command(0xad);
    command(0x20);
    EXPECT(0x75);
    command(0xae);
    command(0xa8);
    command(0x20);
    EXPECT(0x45);
}
END_TEST

START_TEST(keys_are_translated_to_set_1)
{
    key(KEY_A, true);
    ck_assert(chip.level[KBD]);
    key(KEY_A, false);
    EXPECT(0x1e, 0x9e);
    ck_assert(!chip.level[KBD]);
    key(0xc8, true); /* up */
    key(0xc8, false);
    EXPECT(0xe0, 0x48, 0xe0, 0xc8);
    key(0x41, true); /* F7, 83 in set 2 */
    key(0x41, false);
    EXPECT(0x41, 0xc1);
}
END_TEST

START_TEST(keys_are_set_2_without_translation)
{
    set_mode(0x01);
    key(KEY_A, true);
    key(KEY_A, false);
    EXPECT(0x1c, 0xf0, 0x1c);
    key(0x9d, true);
    key(0x9d, false);
    EXPECT(0xe0, 0x14, 0xe0, 0xf0, 0x14);
}
END_TEST

START_TEST(pause_and_print_screen_have_their_own_sequences)
{
    key(PS2_KEY_PAUSE, true);
    key(PS2_KEY_PAUSE, false);
    EXPECT(0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5);
    key(PS2_KEY_PRINT, true);
    key(PS2_KEY_PRINT, false);
    EXPECT(0xe0, 0x2a, 0xe0, 0x37, 0xe0, 0xb7, 0xe0, 0xaa);
    key(0x38, true);
    key(PS2_KEY_PRINT, true);
    key(PS2_KEY_PRINT, false);
    key(0x38, false);
    EXPECT(0x38, 0x54, 0xd4, 0xb8);
    key(0x1d, true);
    key(PS2_KEY_PAUSE, true);
    key(PS2_KEY_PAUSE, false);
    key(0x1d, false);
    EXPECT(0x1d, 0xe0, 0x46, 0xe0, 0xc6, 0x9d);
}
END_TEST

START_TEST(every_key_survives_set_2_and_translation)
{
    for (unsigned name = 1; name < 0x100; name++) {
        unsigned base = name & 0x7f;

        if (base == 0 || name == PS2_KEY_PRINT) {
            continue;
        }
        key(name, true);
        key(name, false);
        if (name >= 0x80) {
            ck_assert_int_eq(next(), 0xe0);
        }
        ck_assert_int_eq(next(), (int)base);
        if (name >= 0x80) {
            ck_assert_int_eq(next(), 0xe0);
        }
        EXPECT((int)base | 0x80);
    }
}
END_TEST

START_TEST(the_keyboard_changes_its_scan_code_set)
{
    set_mode(0x01);
    keyboard(0xf0);
    EXPECT(0xfa);
    keyboard(0x01);
    EXPECT(0xfa);
    key(KEY_A, true);
    key(KEY_A, false);
    EXPECT(0x1e, 0x9e);
    keyboard(0xf0);
    EXPECT(0xfa);
    keyboard(0x03);
    EXPECT(0xfa);
    key(KEY_A, true);
    key(KEY_A, false); /* no break by default */
    key(0x2a, true);
    key(0x2a, false);
    EXPECT(0x1c, 0x12, 0xf0, 0x12);
    keyboard(0xfa); /* all keys: make, break and repeat */
    EXPECT(0xfa);
    key(0x9c, true);
    key(0x9c, false);
    EXPECT(0x79, 0xf0, 0x79);
    keyboard(0xf0);
    EXPECT(0xfa);
    keyboard(0x00);
    EXPECT(0xfa, 0x03);
}
END_TEST

START_TEST(the_keyboard_answers_its_commands)
{
    set_mode(0x01);
    keyboard(0xff);
    EXPECT(0xfa, 0xaa);
    keyboard(0xf2);
    EXPECT(0xfa, 0xab, 0x83);
    keyboard(0xfe);
    EXPECT(0x83);
    keyboard(0xee);
    EXPECT(0xee);
    keyboard(0xed);
    EXPECT(0xfa);
    keyboard(0x05);
    EXPECT(0xfa);
    ck_assert_uint_eq(ps2_keyboard_leds(i8042_keyboard(kbc)), PS2_LED_SCROLL | PS2_LED_CAPS);
    keyboard(0x12);
    EXPECT(0xfe);
    keyboard(0xed);
    EXPECT(0xfa);
    keyboard(0xf4); /* a command instead of the parameter */
    EXPECT(0xfa);
}
END_TEST

START_TEST(identification_is_translated_too)
{
    keyboard(0xf2);
    EXPECT(0xfa, 0xab, 0x41);
}
END_TEST

START_TEST(a_disabled_keyboard_says_nothing)
{
    keyboard(0xf5);
    EXPECT(0xfa);
    key(KEY_A, true);
    key(KEY_A, false);
    NOTHING();
    keyboard(0xf4);
    EXPECT(0xfa);
    key(KEY_A, true);
    EXPECT(0x1e);
}
END_TEST

START_TEST(a_disabled_interface_keeps_the_byte)
{
    command(0xad);
    key(KEY_A, true);
    NOTHING();
    command(0xae);
    EXPECT(0x1e);
}
END_TEST

START_TEST(a_held_key_repeats)
{
    int byte;

    key(KEY_A, true);
    ck_assert_int_eq(next(), 0x1e);
    clock_step(chip.clock, 480 * NS_PER_MS);
    ck_assert_int_eq(next(), -1);
    for (unsigned i = 0; i < 5; i++) {
        clock_step(chip.clock, 100 * NS_PER_MS);
        ck_assert_int_eq(next(), 0x1e);
    }
    key(KEY_A, false);
    while ((byte = next()) == 0x1e) {
    }
    ck_assert_int_eq(byte, 0x9e);
    clock_step(chip.clock, NS_PER_S);
    NOTHING();
    keyboard(0xf3);
    EXPECT(0xfa);
    keyboard(0x00); /* 250 ms, 30 a second */
    EXPECT(0xfa);
    key(KEY_A, true);
    ck_assert_int_eq(next(), 0x1e);
    clock_step(chip.clock, 251 * NS_PER_MS);
    ck_assert_int_eq(next(), 0x1e);
}
END_TEST

START_TEST(reading_twice_gives_the_same_byte)
{
    key(KEY_A, true);
    key(KEY_A, false);
    ck_assert_uint_eq(in8(&chip, 0x60), 0x1e);
    ck_assert_uint_eq(in8(&chip, 0x60), 0x1e);
    ck_assert_int_eq(next(), 0x9e);
}
END_TEST

START_TEST(the_queue_is_bounded_and_no_key_sticks)
{
    unsigned makes = 0, breaks = 0;
    int byte;

    for (unsigned i = 0; i < 300; i++) {
        for (unsigned name = 0x10; name < 0x1a; name++) {
            key(name, true);
        }
        for (unsigned name = 0x10; name < 0x1a; name++) {
            key(name, false);
        }
    }
    while ((byte = next()) >= 0) {
        makes += byte < 0x80;
        breaks += byte >= 0x80;
    }
    ck_assert_uint_gt(makes, 20);
    ck_assert_uint_lt(makes, 256);
    ck_assert_uint_eq(makes, breaks);
}
END_TEST

START_TEST(the_output_port_gates_a20_and_resets)
{
    command(0xd1);
    out8(&chip, 0x60, 0xdf);
    ck_assert(a20);
    command(0xd0);
    ck_assert_int_eq(next() & 3, 3);
    command(0xdd);
    ck_assert(!a20);
    command(0xdf);
    ck_assert(a20);
    ck_assert_uint_eq(resets, 0);
    command(0xff);
    ck_assert_uint_eq(resets, 0);
    command(0xfe);
    ck_assert_uint_eq(resets, 1);
    command(0xd1);
    out8(&chip, 0x60, 0xfe);
    ck_assert_uint_eq(resets, 2);
}
END_TEST

START_TEST(bytes_can_be_put_into_either_buffer)
{
    command(0xd2);
    out8(&chip, 0x60, 0x77);
    ck_assert(chip.level[KBD]);
    ck_assert_uint_eq(in8(&chip, 0x64) & 0x21, 0x01);
    ck_assert_int_eq(next(), 0x77);
    command(0xd3);
    out8(&chip, 0x60, 0x88);
    ck_assert(chip.level[AUX] && !chip.level[KBD]);
    ck_assert_uint_eq(in8(&chip, 0x64) & 0x21, 0x21);
    ck_assert_int_eq(next(), 0x88);
}
END_TEST

START_TEST(the_mouse_answers_through_the_auxiliary_port)
{
    mouse(0xff);
    ck_assert_uint_eq(in8(&chip, 0x64) & 0x20, 0x20);
    ck_assert(chip.level[AUX]);
    EXPECT(0xfa, 0xaa, 0x00);
    mouse(0xf2);
    EXPECT(0xfa, 0x00);
    mouse(0xe8);
    EXPECT(0xfa);
    mouse(0x03);
    EXPECT(0xfa);
    mouse(0xf3);
    EXPECT(0xfa);
    mouse(60);
    EXPECT(0xfa);
    mouse(0xe7);
    EXPECT(0xfa);
    mouse(0xe9);
    EXPECT(0xfa, 0x10, 0x03, 60);
    mouse(0xd5);
    EXPECT(0xfe);
}
END_TEST

START_TEST(the_mouse_streams_movement_and_buttons)
{
    mouse(0xf4);
    EXPECT(0xfa);
    ps2_mouse_event(i8042_mouse(kbc), 5, 3, 0, PS2_BUTTON_LEFT);
    EXPECT(0x29, 5, 0xfd);
    ps2_mouse_event(i8042_mouse(kbc), -2, 0, 0, 0);
    EXPECT(0x18, 0xfe, 0);
    clock_step(chip.clock, 20 * NS_PER_MS);
    ps2_mouse_event(i8042_mouse(kbc), 300, 0, 0, 0);
    EXPECT(0x08, 255, 0, 0x08, 45, 0);
    mouse(0xf5);
    EXPECT(0xfa);
    ps2_mouse_event(i8042_mouse(kbc), 5, 3, 0, 0);
    NOTHING();
}
END_TEST

START_TEST(movement_adds_up_between_samples)
{
    mouse(0xf4);
    EXPECT(0xfa);
    for (int i = 0; i < 50; i++) {
        ps2_mouse_event(i8042_mouse(kbc), 1, 0, 0, 0);
    }
    EXPECT(0x08, 1, 0, 0x08, 49, 0);
}
END_TEST

static void sample_rates(uint8_t a, uint8_t b, uint8_t c)
{
    const uint8_t rates[] = { a, b, c };

    for (unsigned i = 0; i < 3; i++) {
        mouse(0xf3);
        EXPECT(0xfa);
        mouse(rates[i]);
        EXPECT(0xfa);
    }
}

START_TEST(magic_rates_give_a_wheel_and_more_buttons)
{
    sample_rates(200, 100, 80);
    mouse(0xf2);
    EXPECT(0xfa, 3);
    mouse(0xf4);
    EXPECT(0xfa);
    ps2_mouse_event(i8042_mouse(kbc), 0, 0, -1, 0);
    EXPECT(0x08, 0, 0, 0xff);
    sample_rates(200, 200, 80);
    mouse(0xf2);
    EXPECT(0xfa, 4);
    ps2_mouse_event(i8042_mouse(kbc), 0, 0, 1, PS2_BUTTON_5);
    EXPECT(0x08, 0, 0, 0x21);
    mouse(0xff);
    EXPECT(0xfa, 0xaa, 0x00);
    mouse(0xf2);
    EXPECT(0xfa, 0);
}
END_TEST

START_TEST(a_remote_mouse_reports_when_asked)
{
    mouse(0xf0);
    EXPECT(0xfa);
    ps2_mouse_event(i8042_mouse(kbc), 7, 0, 0, PS2_BUTTON_RIGHT);
    NOTHING();
    mouse(0xeb);
    EXPECT(0xfa, 0x0a, 7, 0);
    mouse(0xeb);
    EXPECT(0xfa, 0x0a, 0, 0);
    mouse(0xee);
    EXPECT(0xfa);
    mouse(0x55);
    EXPECT(0x55);
    mouse(0xec);
    EXPECT(0xfa);
}
END_TEST

START_TEST(port_92_gates_a20_and_resets_on_an_edge)
{
    out8(&chip, 0x92, 0x02);
    ck_assert(a20);
    ck_assert_uint_eq(in8(&chip, 0x92), 0x02);
    out8(&chip, 0x92, 0x00);
    ck_assert(!a20);
    out8(&chip, 0x92, 0x01);
    ck_assert_uint_eq(resets, 1);
    out8(&chip, 0x92, 0x01);
    ck_assert_uint_eq(resets, 1);
    port92_set_a20(port92, true);
    ck_assert_uint_eq(in8(&chip, 0x92), 0x03);
    port92_reset(port92);
    ck_assert_uint_eq(in8(&chip, 0x92), 0x00);
}
END_TEST

START_TEST(input_reaches_keyboard_and_mouse)
{
    Input *input = input_new(chip.clock);
    Ps2Input *ps2 = ps2_input_new(input, i8042_keyboard(kbc), i8042_mouse(kbc));

    input_key(input, 0xc6, true); /* pause: make and break at once */
    input_key(input, 0xc6, false);
    EXPECT(0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5);
    input_key(input, 0xd3, true);
    input_key(input, 0xd3, false);
    EXPECT(0xe0, 0x53, 0xe0, 0xd3);
    mouse(0xf4);
    EXPECT(0xfa);
    input_move(input, 5, 3);
    input_button(input, INPUT_MIDDLE, true);
    input_sync(input);
    EXPECT(0x2c, 5, 0xfd);
    keyboard(0xed);
    EXPECT(0xfa);
    keyboard(PS2_LED_CAPS);
    EXPECT(0xfa);
    ck_assert_uint_eq(input_leds(input), INPUT_LED_CAPS);
    ps2_input_free(ps2);
    input_free(input);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hw/i8042");
    TCase *tc = tcase_create("i8042");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_self_test_passes_and_sets_the_system_flag);
    tcase_add_test(tc, the_mode_byte_and_ram_read_back);
    tcase_add_test(tc, keys_are_translated_to_set_1);
    tcase_add_test(tc, keys_are_set_2_without_translation);
    tcase_add_test(tc, pause_and_print_screen_have_their_own_sequences);
    tcase_add_test(tc, every_key_survives_set_2_and_translation);
    tcase_add_test(tc, the_keyboard_changes_its_scan_code_set);
    tcase_add_test(tc, the_keyboard_answers_its_commands);
    tcase_add_test(tc, identification_is_translated_too);
    tcase_add_test(tc, a_disabled_keyboard_says_nothing);
    tcase_add_test(tc, a_disabled_interface_keeps_the_byte);
    tcase_add_test(tc, a_held_key_repeats);
    tcase_add_test(tc, reading_twice_gives_the_same_byte);
    tcase_add_test(tc, the_queue_is_bounded_and_no_key_sticks);
    tcase_add_test(tc, the_output_port_gates_a20_and_resets);
    tcase_add_test(tc, bytes_can_be_put_into_either_buffer);
    tcase_add_test(tc, the_mouse_answers_through_the_auxiliary_port);
    tcase_add_test(tc, the_mouse_streams_movement_and_buttons);
    tcase_add_test(tc, movement_adds_up_between_samples);
    tcase_add_test(tc, magic_rates_give_a_wheel_and_more_buttons);
    tcase_add_test(tc, a_remote_mouse_reports_when_asked);
    tcase_add_test(tc, input_reaches_keyboard_and_mouse);
    tcase_add_test(tc, port_92_gates_a20_and_resets_on_an_edge);
    suite_add_tcase(suite, tc);
    return chip_run_suite(suite);
}
