/* SPDX-License-Identifier: GPL-2.0-or-later */
/* input.c - who gets keys and pointers, and the queue of keys that are sent by command. */
#include "hw/input/input.h"

#include <string.h>

enum { QUEUE_MAX = 1024 };

struct InputDevice {
    const InputDeviceOps *ops;
    void *opaque;
    int index;
};

typedef struct InputStep {
    uint8_t key;
    bool down;
    unsigned wait_ms; /* before it */
} InputStep;

struct Input {
    GPtrArray *devices; /* of InputDevice *, owned; the active ones first */
    int next_index;
    bool down[INPUT_KEYS];
    InputPointer pointer;
    bool moved; /* the pointer, since the last report */
    Clock *clock;
    ClockTimer *timer;
    GQueue *steps; /* of InputStep * */
};

/* ---- Devices ---- */

static bool is_pointer(const InputDevice *device)
{
    return device->ops->pointer != NULL;
}

static InputDevice *active(const Input *input, bool pointer)
{
    for (guint i = 0; i < input->devices->len; i++) {
        InputDevice *device = g_ptr_array_index(input->devices, i);

        if (pointer ? is_pointer(device) : device->ops->key != NULL) {
            return device;
        }
    }
    return NULL;
}

InputDevice *input_add(Input *input, const InputDeviceOps *ops, void *opaque)
{
    InputDevice *device = g_new0(InputDevice, 1);

    device->ops = ops;
    device->opaque = opaque;
    device->index = input->next_index++;
    g_ptr_array_add(input->devices, device);
    return device;
}

static void device_take(Input *input, InputDevice *device)
{
    guint index;

    g_assert(g_ptr_array_find(input->devices, device, &index));
    g_ptr_array_steal_index(input->devices, index);
}

void input_remove(Input *input, InputDevice *device)
{
    device_take(input, device);
    g_free(device);
}

void input_activate(Input *input, InputDevice *device)
{
    device_take(input, device);
    g_ptr_array_insert(input->devices, 0, device);
}

void input_deactivate(Input *input, InputDevice *device)
{
    device_take(input, device);
    g_ptr_array_add(input->devices, device);
}

/* ---- Keys ---- */

void input_key(Input *input, uint8_t key, bool down)
{
    InputDevice *device = active(input, false);

    if (device != NULL && (down || input->down[key])) {
        device->ops->key(device->opaque, key, down);
    }
    input->down[key] = down;
}

bool input_key_down(const Input *input, uint8_t key)
{
    return input->down[key];
}

void input_release_all(Input *input)
{
    for (unsigned key = 0; key < INPUT_KEYS; key++) {
        if (input->down[key]) {
            input_key(input, (uint8_t)key, false);
        }
    }
    if (input->pointer.buttons != 0) {
        input->pointer.buttons = 0;
        input->moved = true;
        input_sync(input);
    }
}

unsigned input_leds(const Input *input)
{
    const InputDevice *device = active(input, false);

    return device != NULL && device->ops->leds != NULL ? device->ops->leds(device->opaque) : 0;
}

/* ---- Pointers ---- */

void input_move(Input *input, int dx, int dy)
{
    InputPointer *pointer = &input->pointer;

    pointer->dx = CLAMP(pointer->dx + dx, -INPUT_ABSOLUTE_MAX, INPUT_ABSOLUTE_MAX);
    pointer->dy = CLAMP(pointer->dy + dy, -INPUT_ABSOLUTE_MAX, INPUT_ABSOLUTE_MAX);
    input->moved |= dx != 0 || dy != 0;
}

void input_move_to(Input *input, int x, int y)
{
    InputPointer *pointer = &input->pointer;

    x = CLAMP(x, 0, INPUT_ABSOLUTE_MAX);
    y = CLAMP(y, 0, INPUT_ABSOLUTE_MAX);
    input->moved |= x != pointer->x || y != pointer->y;
    pointer->x = x;
    pointer->y = y;
}

void input_wheel(Input *input, int down, int right)
{
    input->pointer.wheel += CLAMP(down, -INT8_MAX, INT8_MAX);
    input->pointer.tilt += CLAMP(right, -INT8_MAX, INT8_MAX);
    input->moved |= down != 0 || right != 0;
}

void input_button(Input *input, InputButton button, bool down)
{
    unsigned bit = 1u << button, buttons = input->pointer.buttons;

    input->pointer.buttons = down ? buttons | bit : buttons & ~bit;
    input->moved |= input->pointer.buttons != buttons;
}

void input_sync(Input *input)
{
    InputPointer report = input->pointer;
    InputDevice *device = active(input, true);

    if (!input->moved) {
        return;
    }
    input->moved = false;
    input->pointer.dx = input->pointer.dy = input->pointer.wheel = input->pointer.tilt = 0;
    if (device != NULL) {
        device->ops->pointer(device->opaque, &report);
    }
}

InputPointer input_pointer(const Input *input)
{
    return input->pointer;
}

bool input_has_absolute(const Input *input)
{
    const InputDevice *device = active(input, true);

    return device != NULL && device->ops->absolute;
}

bool input_mouse(const Input *input, unsigned n, InputMouse *mouse)
{
    for (guint i = 0; i < input->devices->len; i++) {
        const InputDevice *device = g_ptr_array_index(input->devices, i);

        if (is_pointer(device) && n-- == 0) {
            *mouse = (InputMouse){ .name = device->ops->name,
                                   .index = device->index,
                                   .absolute = device->ops->absolute,
                                   .current = device == active(input, true) };
            return true;
        }
    }
    return false;
}

bool input_mouse_set(Input *input, int index)
{
    for (guint i = 0; i < input->devices->len; i++) {
        InputDevice *device = g_ptr_array_index(input->devices, i);

        if (is_pointer(device) && device->index == index) {
            input_activate(input, device);
            return true;
        }
    }
    return false;
}

/* ---- Keys by command ---- */

static void send_next(void *opaque)
{
    Input *input = opaque;
    InputStep *step = g_queue_peek_head(input->steps);

    while (step != NULL) {
        if (step->wait_ms != 0) {
            clock_timer_set(input->timer,
                            clock_now(input->clock) + (int64_t)step->wait_ms * NS_PER_MS);
            step->wait_ms = 0;
            return;
        }
        input_key(input, step->key, step->down);
        g_free(g_queue_pop_head(input->steps));
        step = g_queue_peek_head(input->steps);
    }
}

static void send_push(Input *input, uint8_t key, bool down, unsigned wait_ms)
{
    InputStep *step = g_new(InputStep, 1);

    *step = (InputStep){ key, down, wait_ms };
    g_queue_push_tail(input->steps, step);
}

bool input_send(Input *input, const uint8_t *keys, unsigned n, unsigned hold_ms)
{
    bool idle = g_queue_is_empty(input->steps);

    if (n > INPUT_SEND_MAX || g_queue_get_length(input->steps) + 2 * n > QUEUE_MAX) {
        return false;
    }
    for (unsigned i = 0; i < n; i++) {
        send_push(input, keys[i], true, 0);
    }
    for (unsigned i = n; i-- > 0;) {
        send_push(input, keys[i], false, i == n - 1 ? hold_ms : 0);
    }
    if (idle) {
        send_next(input);
    }
    return true;
}

/* ---- Life ---- */

Input *input_new(Clock *clock)
{
    Input *input = g_new0(Input, 1);

    input->devices = g_ptr_array_new_with_free_func(g_free);
    input->clock = clock;
    input->timer = clock_timer_new(clock, send_next, input);
    input->steps = g_queue_new();
    return input;
}

void input_free(Input *input)
{
    if (input != NULL) {
        g_queue_free_full(input->steps, g_free);
        clock_timer_free(input->timer);
        g_ptr_array_free(input->devices, TRUE);
        g_free(input);
    }
}
