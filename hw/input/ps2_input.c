/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ps2_input.c - from QEMU's key numbers and pointer reports to the PS/2 devices' own. */
#include "hw/input/ps2_input.h"

enum { KEY_PAUSE = 0xc6 };

struct Ps2Input {
    Input *input;
    Ps2Keyboard *keyboard;
    Ps2Mouse *mouse;
    InputDevice *keys, *pointer;
};

_Static_assert(1 << INPUT_LEFT == PS2_BUTTON_LEFT && 1 << INPUT_RIGHT == PS2_BUTTON_RIGHT &&
                   1 << INPUT_MIDDLE == PS2_BUTTON_MIDDLE && 1 << INPUT_SIDE == PS2_BUTTON_4 &&
                   1 << INPUT_EXTRA == PS2_BUTTON_5,
               "one set of buttons");
_Static_assert((int)INPUT_LED_SCROLL == PS2_LED_SCROLL && (int)INPUT_LED_NUM == PS2_LED_NUM &&
                   (int)INPUT_LED_CAPS == PS2_LED_CAPS,
               "one set of lights");

static void keyboard_key(void *opaque, uint8_t key, bool down)
{
    Ps2Input *ps2 = opaque;

    ps2_keyboard_event(ps2->keyboard, key == KEY_PAUSE ? PS2_KEY_PAUSE : key, down);
}

static unsigned keyboard_leds(void *opaque)
{
    const Ps2Input *ps2 = opaque;

    return ps2_keyboard_leds(ps2->keyboard);
}

static void mouse_pointer(void *opaque, const InputPointer *pointer)
{
    Ps2Input *ps2 = opaque;

    ps2_mouse_event(ps2->mouse, pointer->dx, pointer->dy, pointer->wheel, pointer->buttons);
}

static const InputDeviceOps keyboard_ops = { .name = "QEMU PS/2 Keyboard",
                                             .key = keyboard_key,
                                             .leds = keyboard_leds };
static const InputDeviceOps mouse_ops = { .name = "QEMU PS/2 Mouse", .pointer = mouse_pointer };

Ps2Input *ps2_input_new(Input *input, Ps2Keyboard *keyboard, Ps2Mouse *mouse)
{
    Ps2Input *ps2 = g_new0(Ps2Input, 1);

    ps2->input = input;
    ps2->keyboard = keyboard;
    ps2->mouse = mouse;
    ps2->keys = input_add(input, &keyboard_ops, ps2);
    ps2->pointer = input_add(input, &mouse_ops, ps2);
    return ps2;
}

void ps2_input_free(Ps2Input *ps2)
{
    if (ps2 != NULL) {
        input_remove(ps2->input, ps2->pointer);
        input_remove(ps2->input, ps2->keys);
        g_free(ps2);
    }
}
