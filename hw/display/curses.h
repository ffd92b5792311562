/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_DISPLAY_CURSES_H
#define HW_DISPLAY_CURSES_H
/* curses.h - text modes on the terminal that doppel was started from, by ncurses; the terminal's
 * keys are the guest's. Of a graphics mode only the size is shown. ncurses knows one terminal a
 * process. */
#include <glib.h>

#include "hw/display/display.h"
#include "hw/input/input.h"

typedef struct Curses Curses;

typedef struct CursesConfig { /* borrowed */
    Console *console;
    Input *input;
    void (*lock)(void *opaque);
    void (*unlock)(void *opaque);
    void *opaque;
} CursesConfig;

/* Fails unless stdin and stdout are a terminal. Works on the default main context. */
Curses *curses_new(const CursesConfig *config, GError **error);
void curses_free(Curses *curses); /* the terminal is as it was */

#endif
