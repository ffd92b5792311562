/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_MACHINE_DISPLAY_H
#define RUNTIME_MACHINE_MACHINE_DISPLAY_H
/* machine_display.h - the machine's screens, keys and pointers, and whoever shows and sends them,
 * as -display, -vnc, -vga and -k say. */
#include "hw/display/display.h"
#include "hw/display/vnc.h"
#include "hw/input/input.h"

typedef struct MachineDisplay MachineDisplay;
struct Machine;

/* Before the board: its devices add screens and take keys. */
MachineDisplay *machine_display_new(struct Machine *machine, GError **error);
/* With the board: plugs the adapter of -vga. */
bool machine_display_plug(MachineDisplay *display, GError **error);
/* After the last device: opens displays. */
bool machine_display_open(MachineDisplay *display, GError **error);
/* Throws out who looks. The board may go after that; without the device lock. */
void machine_display_close(MachineDisplay *display);
void machine_display_free(MachineDisplay *display);

Display *machine_display_screens(MachineDisplay *display);
Input *machine_display_input(MachineDisplay *display);
/* NULL: no VNC server. */
Vnc *machine_display_vnc(MachineDisplay *display);

#endif
