/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_INPUT_KEYMAP_H
#define HW_INPUT_KEYMAP_H
/* keymap.h - which key has a symbol on it: for VNC clients that say what a key means and not where
 * it is. From the system's xkb data, by QEMU's names of layouts (-k de-ch) or xkb's own. */
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Keymap Keymap;

Keymap *keymap_new(const char *layout, GError **error); /* NULL layout: en-us */
void keymap_free(Keymap *keymap);
/* `keysym` is X11's; false: no key has it. Immutable, so any thread. */
bool keymap_find(const Keymap *keymap, uint32_t keysym, uint8_t *key);

#endif
