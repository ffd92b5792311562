/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_MONITOR_READLINE_H
#define RUNTIME_MACHINE_MONITOR_READLINE_H
/* readline.h - a line that a person edits on a terminal that understands ANSI sequences: arrows,
 * Home, End, Delete, Ctrl-A B D E F H K L N P T U W, history, completion by Tab. */
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Readline Readline;

typedef struct ReadlineOwner {
    void (*write)(void *opaque, const char *text, size_t n);
    void (*line)(void *opaque, const char *line); /* Enter: one line is whole */
    /* Words that `line`'s last word could become; NULL or owned by the callee. */
    GPtrArray *(*complete)(void *opaque, const char *line);
    void *opaque;
} ReadlineOwner;

Readline *readline_new(const char *prompt, const ReadlineOwner *owner);
void readline_free(Readline *readline);
void readline_prompt(Readline *readline); /* shows prompt and what has been typed */
void readline_feed(Readline *readline, uint8_t byte);
void readline_reset(Readline *readline); /* the line is empty; the history stays */

#endif
