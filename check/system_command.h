/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CHECK_SYSTEM_COMMAND_H
#define CHECK_SYSTEM_COMMAND_H
/* system_command.h - the state of a run of doppel-check system. */
#include "check/system.h"

enum { SYSTEM_SHOWN = 32 };

typedef struct SystemCommand {
    /* options */
    char *mode_names, *filter, *seed_text, *save, *peer;
    gint64 count;
    double seconds;
    gboolean json, show, strict, brief;
    /* state */
    bool modes[SYSTEM_MODES];
    uint64_t seed;
    SystemGuest *guest[EXECUTORS];
    SystemTest *test; /* the one that was built last */
    gint64 begin;
    gint64 tests, finished, shutdowns, endless, excused, unrepeated, differing;
    double elapsed;
    unsigned saved;
    GHashTable *shown; /* kinds of differences that have been described */
    GPtrArray *reports;
} SystemCommand;

/* Is it time to stop? Shows the progress. */
bool system_command_over(SystemCommand *command);

#endif
