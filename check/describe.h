/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CHECK_DESCRIBE_H
#define CHECK_DESCRIBE_H
/* describe.h - what the reports of native and system have in common. */
#include <glib.h>
#include <stdint.h>

/* Address, bytes and both disassemblies of the instruction at `code`; its length, 0: it does not
 * decode (nothing is appended). */
unsigned describe_insn(unsigned code_width, const uint8_t *code, unsigned n, uint64_t address,
                       GString *text);

/* Bytes in a saved difference's file. */
void saved_set_bytes(GKeyFile *file, const char *group, const char *key, const void *bytes,
                     size_t n);
/* Exactly `n` bytes, or false. */
gboolean saved_get_bytes(GKeyFile *file, const char *group, const char *key, void *bytes, size_t n,
                         GError **error);

#endif
