/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_input.c - who gets keys and pointers; names of keys; layouts. */
#include "hw/input/input.h"
#include "hw/input/keymap.h"
#include "hw/input/keynames.h"
#include "tests/hw/board_fixture.h"

static Clock *fake_clock;
static Input *input;
static GString *keys; /* "+1e -1e ": down, up */
static InputPointer last[2];
static unsigned reports[2];

static void take_key(void *opaque, uint8_t key, bool down)
{
    (void)opaque;
    g_string_append_printf(keys, "%c%02x ", down ? '+' : '-', key);
}

static void take_pointer(void *opaque, const InputPointer *pointer)
{
    size_t n = GPOINTER_TO_SIZE(opaque);

    last[n] = *pointer;
    reports[n]++;
}

static const InputDeviceOps keyboard = { .name = "keyboard", .key = take_key };
static const InputDeviceOps mouse = { .name = "mouse", .pointer = take_pointer };
static const InputDeviceOps tablet = { .name = "tablet",
                                       .absolute = true,
                                       .pointer = take_pointer };

static void setup(void)
{
    fake_clock = clock_new(NULL);
    input = input_new(fake_clock);
    keys = g_string_new(NULL);
    memset(reports, 0, sizeof(reports));
    input_add(input, &keyboard, NULL);
    input_add(input, &mouse, GSIZE_TO_POINTER(0));
}

static void teardown(void)
{
    g_string_free(keys, TRUE);
    input_free(input);
    clock_free(fake_clock);
}

START_TEST(a_key_that_was_not_down_does_not_come_up)
{
    input_key(input, 0x1e, false);
    ck_assert_str_eq(keys->str, "");
    input_key(input, 0x1e, true);
    input_key(input, 0x9d, true);
    input_release_all(input);
    ck_assert_str_eq(keys->str, "+1e +9d -1e -9d ");
}
END_TEST

START_TEST(movements_add_up_to_one_report)
{
    input_move(input, 3, -2);
    input_move(input, 4, 1);
    input_wheel(input, 1, 0);
    input_button(input, INPUT_RIGHT, true);
    input_sync(input);
    input_sync(input);
    ck_assert_uint_eq(reports[0], 1);
    ck_assert_int_eq(last[0].dx, 7);
    ck_assert_int_eq(last[0].dy, -1);
    ck_assert_int_eq(last[0].wheel, 1);
    ck_assert_uint_eq(last[0].buttons, 1u << INPUT_RIGHT);
    input_button(input, INPUT_RIGHT, false);
    input_sync(input);
    ck_assert_int_eq(last[0].dx, 0);
    ck_assert_uint_eq(last[0].buttons, 0);
}
END_TEST

START_TEST(the_device_activated_last_has_the_pointer)
{
    InputDevice *device = input_add(input, &tablet, GSIZE_TO_POINTER(1));
    InputMouse found;

    ck_assert(!input_has_absolute(input));
    input_activate(input, device);
    ck_assert(input_has_absolute(input));
    input_move_to(input, 0x4000, 99999);
    input_sync(input);
    ck_assert_uint_eq(reports[0], 0);
    ck_assert_int_eq(last[1].x, 0x4000);
    ck_assert_int_eq(last[1].y, INPUT_ABSOLUTE_MAX);
    ck_assert(input_mouse(input, 0, &found));
    ck_assert_str_eq(found.name, "tablet");
    ck_assert(found.current && found.absolute);
    ck_assert(input_mouse(input, 1, &found));
    ck_assert(!found.current);
    ck_assert(input_mouse_set(input, found.index));
    ck_assert(!input_has_absolute(input));
    ck_assert(!input_mouse_set(input, 77));
    input_activate(input, device);
    input_remove(input, device);
    ck_assert(!input_has_absolute(input));
    ck_assert(!input_mouse(input, 1, &found));
}
END_TEST

START_TEST(sent_keys_are_held_and_wait_for_each_other)
{
    uint8_t list[INPUT_SEND_MAX];
    unsigned n;

    ck_assert(keys_parse("ctrl-alt-delete", list, &n, NULL));
    ck_assert(input_send(input, list, n, 100));
    ck_assert(keys_parse("0x1e", list, &n, NULL));
    ck_assert(input_send(input, list, n, 50));
    ck_assert_str_eq(keys->str, "+1d +38 +d3 ");
    clock_step(fake_clock, 99 * NS_PER_MS);
    ck_assert_str_eq(keys->str, "+1d +38 +d3 ");
    clock_step(fake_clock, 2 * NS_PER_MS);
    ck_assert_str_eq(keys->str, "+1d +38 +d3 -d3 -38 -1d +1e ");
    clock_step(fake_clock, 60 * NS_PER_MS);
    ck_assert_str_eq(keys->str, "+1d +38 +d3 -d3 -38 -1d +1e -1e ");
}
END_TEST

START_TEST(what_is_sent_is_bounded)
{
    uint8_t list[INPUT_SEND_MAX] = { 0x1e };
    unsigned sent = 0;

    while (sent < 10000 && input_send(input, list, 1, 100)) {
        sent++;
    }
    ck_assert_uint_lt(sent, 2000);
    ck_assert(!input_send(input, list, INPUT_SEND_MAX + 1, 100));
}
END_TEST

START_TEST(words_that_are_no_keys_are_refused)
{
    static const char *const words[] = {
        "", "foo", "ctrl--a", "0x", "0x100", "0x0", "0x1g", "a-b-c-d-e-f-g-h-i-j-k-l-m-n-o-p-q"
    };
    uint8_t list[INPUT_SEND_MAX];
    unsigned n;

    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        GError *error = NULL;

        ck_assert(!keys_parse(words[i], list, &n, &error));
        ck_assert_ptr_nonnull(error);
        g_error_free(error);
    }
}
END_TEST

START_TEST(every_name_leads_to_its_key_and_back)
{
    for (unsigned i = 0; key_names(i) != NULL; i++) {
        uint8_t key, again;

        ck_assert(key_by_name(key_names(i), &key));
        ck_assert(key_by_name(key_name(key), &again));
        ck_assert_uint_eq(key, again);
    }
    ck_assert_str_eq(key_name(0x1c), "ret");
    ck_assert_ptr_null(key_name(0xff));
}
END_TEST

static const struct {
    const char *layout;
    uint32_t keysym;
    uint8_t key;
} layout_rows[] = {
    { NULL, 'z', 0x2c },       { "en-us", '?', 0x35 },    { "de", 'z', 0x15 },
    { "de", 0xe4, 0x28 },      { "de", '@', 0x10 },       { "fr", 'a', 0x10 },
    { "de-ch", 0xfc, 0x1a },   { "fr-ch", 0xe8, 0x1a },   { "en-gb", 0xa3, 0x04 },
    { "sv", 0xe5, 0x1a },      { "da", 0xe6, 0x27 },      { "pt-br", 0xe7, 0x27 },
    { "ja", '@', 0x1a },       { "nl-be", 'q', 0x1e },    { "es", 0xf1, 0x27 },
    { "en-us", 0xff0d, 0x1c }, { "en-us", 0xffe3, 0x1d }, { "en-us", 0xffea, 0xb8 },
    { "en-us", 0xff54, 0xd0 }, { "en-us", 0xffbe, 0x3b }, { "en-us", 0xffff, 0xd3 },
    { "en-us", 0xff8d, 0x9c }, { "en-us", 0xffb5, 0x4c }, { "en-us", 0xff13, 0xc6 },
};

START_TEST(layouts_find_the_key_of_a_symbol)
{
    GError *error = NULL;
    Keymap *keymap = keymap_new(layout_rows[_i].layout, &error);
    uint8_t key;

    ck_assert_msg(keymap != NULL, "%s", error ? error->message : "");
    ck_assert(keymap_find(keymap, layout_rows[_i].keysym, &key));
    ck_assert_uint_eq(key, layout_rows[_i].key);
    ck_assert(!keymap_find(keymap, 0x12345678, &key));
    keymap_free(keymap);
}
END_TEST

START_TEST(an_unknown_layout_is_an_error)
{
    GError *error = NULL;

    ck_assert_ptr_null(keymap_new("xx-nowhere", &error));
    ck_assert_ptr_nonnull(strstr(error->message, "xx-nowhere"));
    g_error_free(error);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("input");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_key_that_was_not_down_does_not_come_up);
    tcase_add_test(tc, movements_add_up_to_one_report);
    tcase_add_test(tc, the_device_activated_last_has_the_pointer);
    tcase_add_test(tc, sent_keys_are_held_and_wait_for_each_other);
    tcase_add_test(tc, what_is_sent_is_bounded);
    tcase_add_test(tc, words_that_are_no_keys_are_refused);
    tcase_add_test(tc, every_name_leads_to_its_key_and_back);
    tcase_add_loop_test(tc, layouts_find_the_key_of_a_symbol, 0, G_N_ELEMENTS(layout_rows));
    tcase_add_test(tc, an_unknown_layout_is_an_error);
    return suite_run(tc, "input");
}
