/* SPDX-License-Identifier: GPL-2.0-or-later */
/* curses_keys.c - from what a terminal sends to keys of a US keyboard. */
#include "hw/display/curses_int.h"

#include <curses.h>
#include <string.h>

enum { KEY_1 = 0x02, KEY_ENTER_KEY = 0x1c, KEY_TAB_KEY = 0x0f, KEY_ESC = 0x01, KEY_BACK = 0x0e };

/* By key number: what is on it, without and with Shift. */
static const char plain[] =
    "\0\0331234567890-=\b\tqwertyuiop[]\n\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[] = "\0\0!@#$%^&*()_+\0\0QWERTYUIOP{}\0\0ASDFGHJKL:\"~\0|ZXCVBNM<>?";

/* Those that curses has names for. */
static const struct {
    int code;
    uint8_t key;
    bool shift;
} special[] = {
    { KEY_UP, 0xc8, false },    { KEY_DOWN, 0xd0, false },      { KEY_LEFT, 0xcb, false },
    { KEY_RIGHT, 0xcd, false }, { KEY_HOME, 0xc7, false },      { KEY_END, 0xcf, false },
    { KEY_PPAGE, 0xc9, false }, { KEY_NPAGE, 0xd1, false },     { KEY_IC, 0xd2, false },
    { KEY_DC, 0xd3, false },    { KEY_BACKSPACE, 0x0e, false }, { KEY_ENTER, 0x1c, false },
    { KEY_BTAB, 0x0f, true },   { KEY_F(11), 0x57, false },     { KEY_F(12), 0x58, false },
};

static bool find(const char *table, size_t size, int character, uint8_t *key)
{
    for (size_t i = 1; i < size; i++) {
        if (table[i] == character && character != 0) {
            *key = (uint8_t)i;
            return true;
        }
    }
    return false;
}

static bool special_key(int code, CursesKey *key)
{
    if (code >= KEY_F(1) && code <= KEY_F(10)) {
        key->key = (uint8_t)(0x3b + code - KEY_F(1));
        return true;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(special); i++) {
        if (special[i].code == code) {
            key->key = special[i].key;
            key->shift = special[i].shift;
            return true;
        }
    }
    return false;
}

bool curses_key(int code, bool function, CursesKey *key)
{
    *key = (CursesKey){ 0 };
    if (function) {
        return special_key(code, key);
    }
    if (code == 127) {
        code = '\b';
    } else if (code == '\r') {
        code = '\n';
    }
    if (find(plain, sizeof(plain), code, &key->key)) {
        return true;
    }
    if (find(shifted, sizeof(shifted), code, &key->key)) {
        key->shift = true;
        return true;
    }
    if (code >= 1 && code <= 26 && find(plain, sizeof(plain), 'a' + code - 1, &key->key)) {
        key->control = true;
        return true;
    }
    return false;
}
