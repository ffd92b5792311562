/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keynames.c - names and numbers of keys. */
#include "hw/input/keynames.h"

#include <stdlib.h>
#include <string.h>

#include "hw/input/input.h"

static const struct {
    const char *name;
    uint8_t key;
} names[] = {
    /* clang-format off */
    { "shift", 0x2a },
    { "shift_r", 0x36 },
    { "alt", 0x38 },
    { "alt_r", 0xb8 },
    { "ctrl", 0x1d },
    { "ctrl_r", 0x9d },
    { "menu", 0x9e },
    { "esc", 0x01 },
    { "1", 0x02 },
    { "2", 0x03 },
    { "3", 0x04 },
    { "4", 0x05 },
    { "5", 0x06 },
    { "6", 0x07 },
    { "7", 0x08 },
    { "8", 0x09 },
    { "9", 0x0a },
    { "0", 0x0b },
    { "minus", 0x0c },
    { "equal", 0x0d },
    { "backspace", 0x0e },
    { "tab", 0x0f },
    { "q", 0x10 },
    { "w", 0x11 },
    { "e", 0x12 },
    { "r", 0x13 },
    { "t", 0x14 },
    { "y", 0x15 },
    { "u", 0x16 },
    { "i", 0x17 },
    { "o", 0x18 },
    { "p", 0x19 },
    { "bracket_left", 0x1a },
    { "bracket_right", 0x1b },
    { "ret", 0x1c },
    { "a", 0x1e },
    { "s", 0x1f },
    { "d", 0x20 },
    { "f", 0x21 },
    { "g", 0x22 },
    { "h", 0x23 },
    { "j", 0x24 },
    { "k", 0x25 },
    { "l", 0x26 },
    { "semicolon", 0x27 },
    { "apostrophe", 0x28 },
    { "grave_accent", 0x29 },
    { "backslash", 0x2b },
    { "z", 0x2c },
    { "x", 0x2d },
    { "c", 0x2e },
    { "v", 0x2f },
    { "b", 0x30 },
    { "n", 0x31 },
    { "m", 0x32 },
    { "comma", 0x33 },
    { "dot", 0x34 },
    { "slash", 0x35 },
    { "kp_multiply", 0x37 },
    { "asterisk", 0x37 },
    { "spc", 0x39 },
    { "caps_lock", 0x3a },
    { "f1", 0x3b },
    { "f2", 0x3c },
    { "f3", 0x3d },
    { "f4", 0x3e },
    { "f5", 0x3f },
    { "f6", 0x40 },
    { "f7", 0x41 },
    { "f8", 0x42 },
    { "f9", 0x43 },
    { "f10", 0x44 },
    { "num_lock", 0x45 },
    { "scroll_lock", 0x46 },
    { "kp_divide", 0xb5 },
    { "kp_subtract", 0x4a },
    { "kp_add", 0x4e },
    { "kp_enter", 0x9c },
    { "kp_decimal", 0x53 },
    { "sysrq", 0x54 },
    { "kp_0", 0x52 },
    { "kp_1", 0x4f },
    { "kp_2", 0x50 },
    { "kp_3", 0x51 },
    { "kp_4", 0x4b },
    { "kp_5", 0x4c },
    { "kp_6", 0x4d },
    { "kp_7", 0x47 },
    { "kp_8", 0x48 },
    { "kp_9", 0x49 },
    { "less", 0x56 },
    { "f11", 0x57 },
    { "f12", 0x58 },
    { "print", 0xb7 },
    { "home", 0xc7 },
    { "pgup", 0xc9 },
    { "pgdn", 0xd1 },
    { "end", 0xcf },
    { "left", 0xcb },
    { "up", 0xc8 },
    { "down", 0xd0 },
    { "right", 0xcd },
    { "insert", 0xd2 },
    { "delete", 0xd3 },
    { "stop", 0xe8 },
    { "again", 0x85 },
    { "props", 0x86 },
    { "undo", 0x87 },
    { "front", 0x8c },
    { "copy", 0xf8 },
    { "open", 0x64 },
    { "paste", 0x65 },
    { "find", 0xc1 },
    { "cut", 0xbc },
    { "lf", 0x5b },
    { "help", 0xf5 },
    { "meta_l", 0xdb },
    { "meta_r", 0xdc },
    { "compose", 0xdd },
    { "pause", 0xc6 },
    { "ro", 0x73 },
    { "hiragana", 0x77 },
    { "henkan", 0x79 },
    { "yen", 0x7d },
    { "muhenkan", 0x7b },
    { "katakanahiragana", 0x70 },
    { "kp_comma", 0x7e },
    { "kp_equals", 0x59 },
    { "power", 0xde },
    { "sleep", 0xdf },
    { "wake", 0xe3 },
    { "audionext", 0x99 },
    { "audioprev", 0x90 },
    { "audiostop", 0xa4 },
    { "audioplay", 0xa2 },
    { "audiomute", 0xa0 },
    { "volumeup", 0xb0 },
    { "volumedown", 0xae },
    { "mediaselect", 0xed },
    { "mail", 0xec },
    { "calculator", 0xa1 },
    { "computer", 0xeb },
    { "ac_home", 0xb2 },
    { "ac_back", 0xea },
    { "ac_forward", 0xe9 },
    { "ac_refresh", 0xe7 },
    { "ac_bookmarks", 0xe6 },
    { "lang1", 0x72 },
    { "lang2", 0x71 },
    { "f13", 0x5d },
    { "f14", 0x5e },
    { "f15", 0x5f },
    { "f16", 0x55 },
    { "f17", 0x83 },
    { "f18", 0xf7 },
    { "f19", 0x84 },
    { "f20", 0x5a },
    { "f21", 0x74 },
    { "f22", 0xf9 },
    { "f23", 0x6d },
    { "f24", 0x6f },
    /* clang-format on */
};

/* Evdev codes of the main block are set 1 codes; these are not. */
static const struct {
    uint8_t evdev, key;
} evdev_keys[] = {
    { 85, 0x76 },  { 89, 0x73 },  { 90, 0x78 },  { 91, 0x77 },  { 92, 0x79 },  { 93, 0x70 },
    { 94, 0x7b },  { 95, 0x5c },  { 96, 0x9c },  { 97, 0x9d },  { 98, 0xb5 },  { 99, 0xb7 },
    { 100, 0xb8 }, { 101, 0x5b }, { 102, 0xc7 }, { 103, 0xc8 }, { 104, 0xc9 }, { 105, 0xcb },
    { 106, 0xcd }, { 107, 0xcf }, { 108, 0xd0 }, { 109, 0xd1 }, { 110, 0xd2 }, { 111, 0xd3 },
    { 113, 0xa0 }, { 114, 0xae }, { 115, 0xb0 }, { 116, 0xde }, { 117, 0x59 }, { 119, 0xc6 },
    { 121, 0x7e }, { 122, 0x72 }, { 123, 0x71 }, { 124, 0x7d }, { 125, 0xdb }, { 126, 0xdc },
    { 127, 0xdd }, { 139, 0x9e },
};
enum { EVDEV_MAIN_LAST = 88 };

bool key_by_name(const char *name, uint8_t *key)
{
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (strcmp(names[i].name, name) == 0) {
            *key = names[i].key;
            return true;
        }
    }
    return false;
}

const char *key_name(uint8_t key)
{
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (names[i].key == key) {
            return names[i].name;
        }
    }
    return NULL;
}

const char *key_names(unsigned n)
{
    return n < G_N_ELEMENTS(names) ? names[n].name : NULL;
}

static bool key_parse(const char *word, uint8_t *key)
{
    char *end;
    unsigned long number;

    if (g_str_has_prefix(word, "0x")) {
        number = strtoul(word, &end, 16);
        *key = (uint8_t)number;
        return *end == '\0' && end != word + 2 && number != 0 && number < INPUT_KEYS;
    }
    return key_by_name(strcmp(word, "<") == 0 ? "less" : word, key);
}

bool keys_parse(const char *words, uint8_t *keys, unsigned *n, GError **error)
{
    g_auto(GStrv) list = g_strsplit(words, "-", -1);

    *n = 0;
    for (char **word = list; *word != NULL; word++) {
        if (*n == INPUT_SEND_MAX) {
            g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "too many keys");
            return false;
        }
        if (!key_parse(*word, &keys[*n])) {
            g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "unknown key: '%s'",
                        *word);
            return false;
        }
        ++*n;
    }
    if (*n == 0) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "unknown key: ''");
    }
    return *n != 0;
}

uint8_t key_of_evdev(unsigned code)
{
    for (size_t i = 0; i < G_N_ELEMENTS(evdev_keys); i++) {
        if (evdev_keys[i].evdev == code) {
            return evdev_keys[i].key;
        }
    }
    return code <= EVDEV_MAIN_LAST && code != 84 ? (uint8_t)code : 0;
}
