/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_MONITOR_EXPRESSION_H
#define RUNTIME_MACHINE_MONITOR_EXPRESSION_H
/* expression.h - integers as people write them in the monitor: C's operators + - * / % & | ^ ( ) ~,
 * numbers, 'c', and $registers. All is 64 bits wide and wraps. */
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Value of a register, without its $; false: there is none of that name. */
typedef bool ExpressionRegister(void *opaque, const char *name, uint64_t *value);

/* Reads as far as the expression goes; *text is moved behind it. `reg` NULL: no registers. */
bool expression_read(const char **text, ExpressionRegister *reg, void *opaque, int64_t *value,
                     GError **error);

#endif
