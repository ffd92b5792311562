/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keyboard, mouse and tablet by virtio: what they say of themselves, events, lights, who gets them.
 */
#include "hw/device_types.h"
#include "hw/input/input.h"
#include "tests/hw/virtio_fixture.h"

enum { BUFFERS = 64, EVENTS_AT = V_BUFFERS, STATUS_AT = V_BUFFERS + 0x10000 };

static Input *input;

typedef struct Event {
    uint16_t type, code;
    uint32_t value;
} Event;

static void setup(void)
{
    v_open();
    input = input_new(v.bench.clock);
    v.bench.board->config.input = input;
}

static void teardown(void)
{
    g_clear_pointer(&v.dev, device_free);
    input_free(input);
    v_close();
}

static void buffers_add(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        v_add(0, (Buf[]){ { EVENTS_AT + 8 * i, 8, true } }, 1);
    }
    v_notify(0);
}

static void start(const DeviceType *type)
{
    v_plug(type, NULL);
    v_start(0, 2);
    buffers_add(BUFFERS);
}

static void expect(uint16_t type, uint16_t code, uint32_t value)
{
    Event event;
    uint16_t head;

    ck_assert_uint_eq(v_take(0, &head), 8);
    phys_map_read(v.bench.map, EVENTS_AT + 8ull * head, &event, sizeof(event));
    ck_assert_uint_eq(event.type, type);
    ck_assert_uint_eq(event.code, code);
    ck_assert_uint_eq(event.value, value);
}

static unsigned ask(uint8_t select, uint8_t subselect)
{
    m_out(V_CONFIG, 1, select);
    m_out(V_CONFIG + 1, 1, subselect);
    return v_config(2, 1);
}

static bool has_bit(uint8_t type, unsigned bit)
{
    return ask(0x11, type) > bit / 8 && (v_config(8 + bit / 8, 1) >> bit % 8 & 1) != 0;
}

START_TEST(a_keyboard_says_what_it_has)
{
    start(&virtio_keyboard_pci_type);
    ck_assert_uint_eq(config_in(&v.bench, V_DEVFN, 0, 4), 0x10521af4);
    ck_assert_uint_eq(ask(1, 0), strlen("QEMU Virtio Keyboard"));
    ck_assert_uint_eq(v_config(8, 4), 0x554d4551);
    ck_assert_uint_eq(ask(1, 1), 0);
    ck_assert_uint_eq(ask(2, 0), 0);
    ck_assert_uint_eq(ask(3, 0), 8);
    ck_assert_uint_eq(v_config(10, 2), 0x0627);
    ck_assert(has_bit(1, 30) && has_bit(1, 103) && has_bit(1, 125) && !has_bit(1, 0x110));
    ck_assert(has_bit(0x11, 1) && !has_bit(2, 0) && !has_bit(3, 0));
    ck_assert_uint_eq(ask(0x12, 0), 0);
    ck_assert_uint_eq(ask(0x77, 0x77), 0);
}
END_TEST

START_TEST(keys_are_events)
{
    start(&virtio_keyboard_pci_type);
    input_key(input, 0x1e, true);
    input_key(input, 0x1e, false);
    input_key(input, 0xc8, true);
    expect(1, 30, 1);
    expect(0, 0, 0);
    expect(1, 30, 0);
    expect(0, 0, 0);
    expect(1, 103, 1);
    expect(0, 0, 0);
    ck_assert(!v_used(0));
    ck_assert_uint_eq(input_leds(input), 0);
    phys_map_write(v.bench.map, STATUS_AT, &(Event){ 0x11, 1, 1 }, 8);
    v_request(1, (Buf[]){ { STATUS_AT, 8, false } }, 1);
    ck_assert_uint_eq(input_leds(input), INPUT_LED_CAPS);
    phys_map_write(v.bench.map, STATUS_AT, &(Event){ 0x11, 999, 1 }, 8);
    v_request(1, (Buf[]){ { STATUS_AT, 8, false } }, 1);
    v_request(1, (Buf[]){ { STATUS_AT, 3, false } }, 1);
    ck_assert_uint_eq(input_leds(input), INPUT_LED_CAPS);
}
END_TEST

START_TEST(a_tablet_is_where_it_is)
{
    start(&virtio_tablet_pci_type);
    ck_assert(input_has_absolute(input));
    ck_assert(has_bit(3, 0) && has_bit(3, 1) && has_bit(2, 8) && !has_bit(2, 0) &&
              has_bit(1, 0x110));
    ck_assert_uint_eq(ask(0x12, 1), 20);
    ck_assert_uint_eq(v_config(12, 4), INPUT_ABSOLUTE_MAX);
    input_move_to(input, 100, 200);
    input_button(input, INPUT_LEFT, true);
    input_sync(input);
    expect(3, 0, 100);
    expect(3, 1, 200);
    expect(1, 0x110, 1);
    expect(0, 0, 0);
    input_button(input, INPUT_LEFT, false);
    input_wheel(input, 1, 0);
    input_sync(input);
    expect(2, 8, (uint32_t)-1);
    expect(1, 0x110, 0);
    expect(0, 0, 0);
    ck_assert(!v_used(0));
}
END_TEST

START_TEST(a_mouse_moves)
{
    start(&virtio_mouse_pci_type);
    ck_assert(!input_has_absolute(input));
    ck_assert(has_bit(2, 0) && has_bit(2, 1) && !has_bit(3, 0));
    input_move(input, -3, 4);
    input_sync(input);
    expect(2, 0, (uint32_t)-3);
    expect(2, 1, 4);
    expect(0, 0, 0);
}
END_TEST

/* What has no buffer waits; what cannot wait is lost, but the state of buttons is not. */
START_TEST(events_wait_for_buffers)
{
    v_plug(&virtio_mouse_pci_type, NULL);
    v_start(0, 2);
    for (unsigned i = 0; i < 1000; i++) {
        input_move(input, 1, 0);
        input_sync(input);
    }
    input_button(input, INPUT_RIGHT, true);
    input_sync(input);
    buffers_add(BUFFERS);
    for (unsigned i = 0; i < BUFFERS / 2; i++) {
        expect(2, 0, 1);
        expect(0, 0, 0);
    }
    for (unsigned i = 0; i < 3; i++) { /* the rest of 256, at most */
        buffers_add(BUFFERS);
        while (v_used(0)) {
            v_take(0, NULL);
        }
    }
    buffers_add(BUFFERS);
    input_move(input, 7, 0);
    input_sync(input);
    expect(2, 0, 7);
    expect(1, 0x111, 1);
    expect(0, 0, 0);
}
END_TEST

static void other_pointer(void *opaque, const InputPointer *pointer)
{
    (void)pointer;
    ++*(unsigned *)opaque;
}

START_TEST(whoever_is_driven_gets_the_pointer)
{
    static const InputDeviceOps other = { .name = "other", .pointer = other_pointer };
    unsigned seen = 0;
    InputDevice *device = input_add(input, &other, &seen);

    v_plug(&virtio_tablet_pci_type, NULL);
    input_move(input, 1, 1);
    input_sync(input);
    ck_assert_uint_eq(seen, 1);
    v_start(0, 2);
    buffers_add(4);
    input_move_to(input, 1, 1);
    input_sync(input);
    ck_assert_uint_eq(seen, 1);
    ck_assert(v_used(0));
    v_set_status(0);
    input_move(input, 1, 1);
    input_sync(input);
    ck_assert_uint_eq(seen, 2);
    g_clear_pointer(&v.dev, device_free);
    input_remove(input, device);
}
END_TEST

START_TEST(rubbish_does_no_harm)
{
    static const DeviceType *const types[] = { &virtio_keyboard_pci_type, &virtio_mouse_pci_type,
                                               &virtio_tablet_pci_type };
    g_autoptr(GRand) rand = g_rand_new_with_seed((guint32)_i);

    v_plug(types[_i % 3], NULL);
    for (unsigned i = 0; i < 40; i++) {
        v_fuzz((uint32_t)_i * 100 + i, 200, UINT64_MAX, 2);
        for (unsigned k = 0; k < 50; k++) {
            input_key(input, (uint8_t)g_rand_int(rand), (k & 1) != 0);
            input_move(input, (int)g_rand_int(rand), 5);
            input_move_to(input, (int)g_rand_int(rand), 5);
            input_sync(input);
            m_out(V_CONFIG + (g_rand_int(rand) & 7), 1, g_rand_int(rand) & 0x1f);
            v_config(g_rand_int(rand) & 0x7f, 4);
        }
    }
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("virtio_input");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_keyboard_says_what_it_has);
    tcase_add_test(tc, keys_are_events);
    tcase_add_test(tc, a_tablet_is_where_it_is);
    tcase_add_test(tc, a_mouse_moves);
    tcase_add_test(tc, events_wait_for_buffers);
    tcase_add_test(tc, whoever_is_driven_gets_the_pointer);
    tcase_add_loop_test(tc, rubbish_does_no_harm, 0, 6);
    return suite_run(tc, "virtio_input");
}
