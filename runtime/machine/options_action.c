/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options_action.c - -action and -watchdog-action: what is done when something has happened. */
#include "runtime/machine/options_int.h"

#include <string.h>

/* The place of a word among `names`, which are separated by blanks; -1 with an error. */
static int action_find(const char *names, const char *word, GError **error)
{
    g_auto(GStrv) list = g_strsplit(names, " ", -1);

    for (int i = 0; list[i] != NULL; i++) {
        if (strcmp(list[i], word) == 0) {
            return i;
        }
    }
    option_fail(error, OPTIONS_ERROR_VALUE, "'%s' is none of: %s", word, names);
    return -1;
}

static bool action_apply(Options *options, const KeyValue *pair, GError **error)
{
    int action;

    if (strcmp(pair->key, "watchdog") == 0) {
        return option_watchdog_action(options, pair->value, error);
    }
    if (strcmp(pair->key, "panic") == 0) {
        action = action_find(PANIC_ACTION_NAMES, pair->value, error);
        options->panic_action = action >= 0 ? (PanicAction)action : options->panic_action;
    } else if (strcmp(pair->key, "reboot") == 0) {
        action = action_find("reset shutdown", pair->value, error);
        options->no_reboot = action == 1;
    } else if (strcmp(pair->key, "shutdown") == 0) {
        action = action_find("poweroff pause", pair->value, error);
        options->no_shutdown = action == 1;
    } else {
        return option_fail(error, OPTIONS_ERROR_VALUE, "Invalid parameter '%s'", pair->key);
    }
    return action >= 0;
}

bool option_action(Options *options, const char *value, GError **error)
{
    g_autoptr(KeyValues) values = keyval_parse(value, NULL);

    for (guint i = 0; i < values->list->len; i++) {
        if (!action_apply(options, &g_array_index(values->list, KeyValue, i), error)) {
            return false;
        }
    }
    return true;
}

bool option_watchdog_action(Options *options, const char *value, GError **error)
{
    int action = action_find(WATCHDOG_ACTION_NAMES, value, error);

    if (action < 0) {
        return false;
    }
    options->watchdog_action = (WatchdogAction)action;
    return true;
}
