/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_I8042_H
#define HW_I8042_H
/* i8042.h - the keyboard controller at ports 60 and 64, with a PS/2 keyboard and a PS/2 mouse. */
#include "hw/clock.h"
#include "hw/input/ps2.h"
#include "hw/iobus.h"
#include "hw/irq.h"
#include "hw/state.h"

typedef struct I8042 I8042;

/* `kbd` is IRQ 1, `aux` IRQ 12; `a20` gets the output port's gate, `reset` is called when the
 * processor's reset line is pulsed or held. */
I8042 *i8042_new(IoBus *io, Clock *clock, IrqLine kbd, IrqLine aux,
                 void (*a20)(void *opaque, bool open), void (*reset)(void *opaque), void *opaque);
void i8042_free(I8042 *kbc);
void i8042_reset(I8042 *kbc); /* with both devices */

/* Where host input goes: ps2_keyboard_event, ps2_mouse_move, ... Owned by the controller. */
Ps2Keyboard *i8042_keyboard(I8042 *kbc);
Ps2Mouse *i8042_mouse(I8042 *kbc);

/* Another gate (port 92) has set A20: what the output port reads back. */
void i8042_set_a20(I8042 *kbc, bool open);

/* The devices have tables of their own: ps2_keyboard_state, ps2_mouse_state. */
extern const StateTable i8042_state;

#endif
