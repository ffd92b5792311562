/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_DISPLAY_CURSES_INT_H
#define HW_DISPLAY_CURSES_INT_H
/* curses_int.h - what curses.c and curses_keys.c share. */
#include "hw/display/curses.h"

typedef struct CursesKey {
    uint8_t key;
    bool shift, control;
} CursesKey;

/* `code` is a character, or of curses' KEY_* if `function`. False: no key makes it. */
bool curses_key(int code, bool function, CursesKey *key);

#endif
