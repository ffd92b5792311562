/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_INPUT_PS2_H
#define HW_INPUT_PS2_H
/* ps2.h - a PS/2 keyboard (scan code sets 1, 2 and 3) and a PS/2 mouse (IntelliMouse and Explorer).
 *
 * Towards the controller each is a byte queue: `changed` tells it that the queue may have filled.
 * Queues are bounded: events that find no room are dropped whole, and replies go before events.
 */
#include "hw/clock.h"
#include "hw/state.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct Ps2Keyboard Ps2Keyboard;
typedef struct Ps2Mouse Ps2Mouse;

/* Keys are named by their set 1 make code, extended ones (E0 prefix) with bit 7: 0x1c is Enter,
 * 0x9c keypad Enter.  Two have sequences of their own. */
enum { PS2_KEY_EXTENDED = 0x80, PS2_KEY_PAUSE = 0x100, PS2_KEY_PRINT = 0xb7 };

enum { PS2_LED_SCROLL = 1, PS2_LED_NUM = 2, PS2_LED_CAPS = 4 };

/* `changed` and `opaque` as above. */
Ps2Keyboard *ps2_keyboard_new(Clock *clock, void (*changed)(void *opaque), void *opaque);
void ps2_keyboard_free(Ps2Keyboard *keyboard);
void ps2_keyboard_reset(Ps2Keyboard *keyboard); /* power-on */
/* A key goes down or up; a second `down` without `up` is ignored: the keyboard repeats by itself.
 * False: dropped, the queue is full or scanning is disabled. */
bool ps2_keyboard_event(Ps2Keyboard *keyboard, unsigned key, bool down);
unsigned ps2_keyboard_leds(const Ps2Keyboard *keyboard);      /* PS2_LED_* */
void ps2_keyboard_write(Ps2Keyboard *keyboard, uint8_t byte); /* from the controller */
bool ps2_keyboard_ready(const Ps2Keyboard *keyboard);
uint8_t ps2_keyboard_read(Ps2Keyboard *keyboard); /* takes the next byte */

enum {
    PS2_BUTTON_LEFT = 1,
    PS2_BUTTON_RIGHT = 2,
    PS2_BUTTON_MIDDLE = 4,
    PS2_BUTTON_4 = 8,
    PS2_BUTTON_5 = 16
};

Ps2Mouse *ps2_mouse_new(Clock *clock, void (*changed)(void *opaque), void *opaque);
void ps2_mouse_free(Ps2Mouse *mouse);
void ps2_mouse_reset(Ps2Mouse *mouse);
/* Counts to the right, downwards (as on screens) and of the wheel towards the user; the set of
 * buttons that are down. Movements add up until a packet takes them. */
void ps2_mouse_event(Ps2Mouse *mouse, int dx, int dy, int dz, unsigned buttons);
void ps2_mouse_write(Ps2Mouse *mouse, uint8_t byte);
bool ps2_mouse_ready(const Ps2Mouse *mouse);
uint8_t ps2_mouse_read(Ps2Mouse *mouse);

extern const StateTable ps2_keyboard_state;
extern const StateTable ps2_mouse_state;

#endif
