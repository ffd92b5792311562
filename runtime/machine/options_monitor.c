/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options_monitor.c - -monitor, -qmp, -qmp-pretty, -mon. */
#include "runtime/machine/options_int.h"

#include <string.h>

static void monitor_add(Options *options, const char *words, const char *spec, MonitorMode mode)
{
    MonitorOption *monitor = g_new0(MonitorOption, 1);

    monitor->words = g_strdup(words);
    monitor->spec = g_strdup(spec);
    monitor->mode = mode;
    g_ptr_array_add(options->monitors, monitor);
}

void monitor_option_free(gpointer data)
{
    MonitorOption *monitor = data;

    g_free(monitor->words);
    g_free(monitor->spec);
    g_free(monitor);
}

bool option_monitor(Options *options, const char *value, GError **error)
{
    g_autofree char *words = g_strdup_printf("-monitor %s", value);

    (void)error;
    options->no_default_monitor = true;
    if (strcmp(value, "none") != 0) {
        monitor_add(options, words, value, MONITOR_READLINE);
    }
    return true;
}

bool option_qmp(Options *options, const char *value, GError **error)
{
    g_autofree char *words = g_strdup_printf("-qmp %s", value);

    (void)error;
    monitor_add(options, words, value, MONITOR_CONTROL);
    return true;
}

bool option_qmp_pretty(Options *options, const char *value, GError **error)
{
    g_autofree char *words = g_strdup_printf("-qmp-pretty %s", value);

    (void)error;
    monitor_add(options, words, value, MONITOR_CONTROL_PRETTY);
    return true;
}

bool option_mon(Options *options, const char *value, GError **error)
{
    static const char *const known[] = { "chardev", "mode", "pretty", "id", NULL };
    g_autoptr(KeyValues) values = keyval_parse(value, "chardev");
    const char *chardev = keyval_get(values, "chardev"), *mode = keyval_get(values, "mode");
    g_autofree char *words = g_strdup_printf("-mon %s", value);
    g_autofree char *spec = g_strconcat("chardev:", chardev, NULL);
    bool control = g_strcmp0(mode, "control") == 0, pretty = false;

    if (!keyval_check(values, known, error) || !keyval_bool(values, "pretty", &pretty, error)) {
        return false;
    }
    if (chardev == NULL) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "no chardev= given");
    }
    if (mode != NULL && !control && strcmp(mode, "readline") != 0) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "mode is readline or control");
    }
    if (pretty && !control) {
        return option_fail(error, OPTIONS_ERROR_VALUE,
                           "'pretty' is not compatible with HMP monitors");
    }
    options->no_default_monitor = true;
    monitor_add(options, words, spec,
                pretty    ? MONITOR_CONTROL_PRETTY
                : control ? MONITOR_CONTROL
                          : MONITOR_READLINE);
    return true;
}

/* The monitor and the first serial port that QEMU has where none is named. */
void options_finish_monitors(Options *options)
{
    bool serial = options->serial->len == 0 && !options->nodefaults &&
                  !options_have_device(options, "isa-serial");
    bool monitor = !options->no_default_monitor && !options->nodefaults;

    if (serial) {
        g_ptr_array_add(options->serial, g_strdup(!options->nographic ? "null"
                                                  : monitor           ? "mon:stdio"
                                                                      : "stdio"));
    } else if (monitor && options->nographic) {
        monitor_add(options, "-monitor stdio", "stdio", MONITOR_READLINE);
    }
}
