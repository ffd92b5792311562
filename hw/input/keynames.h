/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_INPUT_KEYNAMES_H
#define HW_INPUT_KEYNAMES_H
/* keynames.h - QEMU's names of keys, as `sendkey`, send-key and input-send-event use them, and
 * their numbers (input.h). */
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

bool key_by_name(const char *name, uint8_t *key);
const char *key_name(uint8_t key); /* NULL: it has none */
/* The n-th name; NULL behind the last. */
const char *key_names(unsigned n);

/* "ctrl-alt-delete", "0x1d-0x38-delete": at most INPUT_SEND_MAX keys. */
bool keys_parse(const char *words, uint8_t *keys, unsigned *n, GError **error);

/* Linux's key codes (those of evdev); 0: it has none. */
uint8_t key_of_evdev(unsigned code);

#endif
