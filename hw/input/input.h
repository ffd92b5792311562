/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_INPUT_INPUT_H
#define HW_INPUT_INPUT_H
/* input.h - keys and pointers, on their way from displays and monitors to the guest's devices.
 *
 * Keys are named by QEMU's key numbers: the set 1 make code, with bit 7 for those with an E0
 * prefix; keynames.h has their names. A device says that it takes keys or a pointer, and of each
 * kind the one that was activated last gets everything. So a tablet takes over from the PS/2 mouse
 * as soon as the guest drives it.
 *
 * Everything with the device lock held. */
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include "hw/clock.h"

typedef struct Input Input;
typedef struct InputDevice InputDevice;

enum { INPUT_ABSOLUTE_MAX = 0x7fff, INPUT_KEYS = 256 };

typedef enum InputButton {
    INPUT_LEFT,
    INPUT_RIGHT,
    INPUT_MIDDLE,
    INPUT_SIDE,
    INPUT_EXTRA,
    INPUT_BUTTONS
} InputButton;

/* What has happened since the last report. */
typedef struct InputPointer {
    int dx, dy;       /* counts, to the right and down */
    int wheel, tilt;  /* notches, towards the user and to the right */
    int x, y;         /* 0 to INPUT_ABSOLUTE_MAX; where it is, for absolute devices */
    unsigned buttons; /* that are down: a bit each */
} InputPointer;

typedef struct InputDeviceOps { /* what it does not take is NULL */
    const char *name;           /* "QEMU PS/2 Mouse": for `info mice` */
    bool absolute;
    void (*key)(void *opaque, uint8_t key, bool down);
    void (*pointer)(void *opaque, const InputPointer *pointer);
    unsigned (*leds)(void *opaque); /* INPUT_LED_* */
} InputDeviceOps;

enum { INPUT_LED_SCROLL = 1, INPUT_LED_NUM = 2, INPUT_LED_CAPS = 4 };

Input *input_new(Clock *clock);
void input_free(Input *input);

/* ---- For devices ---- */

/* It becomes the active one only if there is none. `ops` is borrowed. */
InputDevice *input_add(Input *input, const InputDeviceOps *ops, void *opaque);
void input_remove(Input *input, InputDevice *device);
void input_activate(Input *input, InputDevice *device);
/* The guest has let go of it: it is the last choice from now on. */
void input_deactivate(Input *input, InputDevice *device);

/* ---- For displays and monitors ---- */

void input_key(Input *input, uint8_t key, bool down);
bool input_key_down(const Input *input, uint8_t key);
void input_release_all(Input *input); /* keys and buttons: a display has gone */
/* A pointer device hears of what has come up to here. */
void input_move(Input *input, int dx, int dy);
void input_move_to(Input *input, int x, int y);
void input_wheel(Input *input, int down, int right);
void input_button(Input *input, InputButton button, bool down);
void input_sync(Input *input);

InputPointer input_pointer(const Input *input); /* what would be reported */
bool input_has_absolute(const Input *input);    /* is the active pointer an absolute one? */
unsigned input_leds(const Input *input);

/* Pointers in the order of `info mice`; false behind the last. */
typedef struct InputMouse {
    const char *name;
    int index; /* stays the same as long as the device is there */
    bool absolute, current;
} InputMouse;
bool input_mouse(const Input *input, unsigned n, InputMouse *mouse);
bool input_mouse_set(Input *input, int index); /* false: there is none */

/* Presses the keys in their order, and lets go of them in the opposite one `hold_ms` of guest time
 * later. What is asked for meanwhile waits; false if that is too much. */
enum { INPUT_SEND_MAX = 16, INPUT_SEND_HOLD_MS = 100 };
bool input_send(Input *input, const uint8_t *keys, unsigned n, unsigned hold_ms);

#endif
