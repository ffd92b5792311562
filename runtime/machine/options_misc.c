/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options_misc.c - what concerns the process and its life: -name, -action, -add-fd, -echr, ...
 * What is accepted without an effect is so because it asks for nothing that doppel does otherwise.
 */
#include "runtime/machine/options_int.h"
#include "runtime/machine/machine_types.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void text_replace(char **text, const char *value)
{
    if (value != NULL) {
        g_free(*text);
        *text = g_strdup(value);
    }
}

static void fd_option_clear(gpointer element)
{
    FdOption *option = element;

    g_free(option->opaque);
}

void options_misc_init(Options *options)
{
    options->machine_type = machine_type_find("pc");
    options->fds = g_array_new(FALSE, TRUE, sizeof(FdOption));
    g_array_set_clear_func(options->fds, fd_option_clear);
}

void options_misc_clear(Options *options)
{
    g_free(options->process_name);
    g_free(options->gdb);
    g_array_free(options->fds, TRUE);
}

bool option_accept(Options *options, const char *value, GError **error)
{
    (void)options, (void)value, (void)error;
    return true;
}

bool option_name(Options *options, const char *value, GError **error)
{
    static const char *const known[] = { "guest", "process", "debug-threads", NULL };
    g_autoptr(KeyValues) values = keyval_parse(value, "guest");

    if (!keyval_check(values, known, error) ||
        !keyval_bool(values, "debug-threads", &options->debug_threads, error)) {
        return false;
    }
    text_replace(&options->name, keyval_get(values, "guest"));
    text_replace(&options->process_name, keyval_get(values, "process"));
    return true;
}

/* ---- -action and the older options that it stands for ---- */

typedef struct ActionRow {
    const char *event, *value;
    size_t flag; /* offset of a bool in Options */
    bool set;
} ActionRow;

static const ActionRow action_rows[] = {
    { "reboot", "reset", offsetof(Options, no_reboot), false },
    { "reboot", "shutdown", offsetof(Options, no_reboot), true },
    { "shutdown", "poweroff", offsetof(Options, no_shutdown), false },
    { "shutdown", "pause", offsetof(Options, no_shutdown), true },
};

static bool choose(const char *value, const char *names, int *result, const char *what,
                   GError **error)
{
    g_auto(GStrv) choices = g_strsplit(names, " ", -1);

    for (int i = 0; value != NULL && choices[i] != NULL; i++) {
        if (strcmp(choices[i], value) == 0) {
            *result = i;
            return true;
        }
    }
    return value == NULL || option_fail(error, OPTIONS_ERROR_VALUE,
                                        "Parameter '%s' does not accept value '%s'", what, value);
}

bool options_set_action(Options *options, const char *event, const char *value, GError **error)
{
    int number = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(action_rows); i++) {
        if (strcmp(action_rows[i].event, event) == 0 && strcmp(action_rows[i].value, value) == 0) {
            *(bool *)((char *)options + action_rows[i].flag) = action_rows[i].set;
            return true;
        }
    }
    if (strcmp(event, "watchdog") == 0) {
        bool good = choose(value, WATCHDOG_ACTION_NAMES, &number, event, error);

        options->watchdog_action = (WatchdogAction)number;
        return good;
    }
    if (strcmp(event, "panic") == 0) {
        bool good = choose(value, PANIC_ACTION_NAMES, &number, event, error);

        options->panic_action = (PanicAction)number;
        return good;
    }
    return option_fail(error, OPTIONS_ERROR_VALUE, "Parameter '%s' does not accept value '%s'",
                       event, value);
}

bool option_action(Options *options, const char *value, GError **error)
{
    static const char *const known[] = { "reboot", "shutdown", "panic", "watchdog", NULL };
    g_autoptr(KeyValues) values = keyval_parse(value, NULL);

    if (!keyval_check(values, known, error)) {
        return false;
    }
    for (size_t i = 0; known[i] != NULL; i++) {
        const char *action = keyval_get(values, known[i]);

        if (action != NULL && !options_set_action(options, known[i], action, error)) {
            return false;
        }
    }
    return true;
}

bool option_watchdog_action(Options *options, const char *value, GError **error)
{
    return options_set_action(options, "watchdog", value, error);
}

/* ---- Descriptors ---- */

bool option_add_fd(Options *options, const char *value, GError **error)
{
    static const char *const known[] = { "fd", "set", "opaque", NULL };
    g_autoptr(KeyValues) values = keyval_parse(value, NULL);
    uint64_t fd = UINT64_MAX, set = UINT64_MAX;
    FdOption option;

    if (!keyval_check(values, known, error) ||
        !keyval_number(values, "fd", INT32_MAX, &fd, error) ||
        !keyval_number(values, "set", INT32_MAX, &set, error)) {
        return false;
    }
    if (fd == UINT64_MAX || set == UINT64_MAX) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "fd and set are required");
    }
    if (fd <= STDERR_FILENO) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "fd cannot be a standard I/O stream");
    }
    if (fcntl((int)fd, F_GETFD) < 0) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "fd is not valid or already in use");
    }
    option = (FdOption){ (int64_t)set, (int)fd, g_strdup(keyval_get(values, "opaque")) };
    g_array_append_val(options->fds, option);
    return true;
}

bool option_gdb(Options *options, const char *value, GError **error)
{
    (void)error;
    g_clear_pointer(&options->gdb, g_free);
    if (strcmp(value, "none") != 0) {
        text_replace(&options->gdb, value);
    }
    return true;
}

bool option_s(Options *options, const char *value, GError **error)
{
    (void)value;
    return option_gdb(options, "tcp::1234", error);
}

bool option_echr(Options *options, const char *value, GError **error)
{
    uint64_t key;

    if (!number_parse(value, 0xff, &key) || key == 0) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "invalid escape character");
    }
    options->escape_key = (uint8_t)key;
    return true;
}

/* ---- Accepted, and checked for form ---- */

bool option_msg(Options *options, const char *value, GError **error)
{
    static const char *const known[] = { "timestamp", "guest-name", NULL };
    g_autoptr(KeyValues) values = keyval_parse(value, NULL);
    bool ignored;

    (void)options;
    return keyval_check(values, known, error) &&
           keyval_bool(values, "timestamp", &ignored, error) &&
           keyval_bool(values, "guest-name", &ignored, error);
}

bool option_sandbox(Options *options, const char *value, GError **error)
{
    static const char *const known[] = { "enable", "obsolete",        "elevateprivileges",
                                         "spawn",  "resourcecontrol", NULL };
    g_autoptr(KeyValues) values = keyval_parse(value, "enable");
    bool enable = false;

    if (!keyval_check(values, known, error) || !keyval_bool(values, "enable", &enable, error)) {
        return false;
    }
    if (enable) {
        g_ptr_array_add(
            options->notes,
            g_strdup_printf("warning: -sandbox %s: system calls are not restricted", value));
    }
    return true;
}

bool option_overcommit(Options *options, const char *value, GError **error)
{
    static const char *const known[] = { "mem-lock", "cpu-pm", NULL };
    g_autoptr(KeyValues) values = keyval_parse(value, NULL);
    bool cpu_pm = false;

    return keyval_check(values, known, error) &&
           keyval_bool(values, "mem-lock", &options->mem_lock, error) &&
           keyval_bool(values, "cpu-pm", &cpu_pm, error);
}

bool option_seed(Options *options, const char *value, GError **error)
{
    uint64_t seed;

    (void)options;
    return number_parse(value, UINT64_MAX, &seed) ||
           option_fail(error, OPTIONS_ERROR_VALUE, "Invalid seed number");
}

bool option_icount(Options *options, const char *value, GError **error)
{
    static const char *const known[] = { "shift",  "align",      "sleep", "rr",
                                         "rrfile", "rrsnapshot", NULL };
    g_autoptr(KeyValues) values = keyval_parse(value, "shift");

    if (!keyval_check(values, known, error)) {
        return false;
    }
    if (keyval_get(values, "rr") != NULL) {
        return option_fail(error, OPTIONS_ERROR_REFUSED,
                           "recording and replaying is not supported");
    }
    g_ptr_array_add(options->notes,
                    g_strdup_printf("warning: -icount %s: guest time stays the host's", value));
    return true;
}
