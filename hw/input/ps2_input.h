/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_INPUT_PS2_INPUT_H
#define HW_INPUT_PS2_INPUT_H
/* ps2_input.h - the PS/2 keyboard and mouse as devices that keys and pointers go to. */
#include "hw/input/input.h"
#include "hw/input/ps2.h"

typedef struct Ps2Input Ps2Input;

Ps2Input *ps2_input_new(Input *input, Ps2Keyboard *keyboard, Ps2Mouse *mouse); /* borrows all */
void ps2_input_free(Ps2Input *ps2);

#endif
