/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reference.c - docs/reference.md, made of the rows of options, monitor commands and events. */
#include <stdio.h>
#include <string.h>

#include "runtime/machine/monitor/monitor_int.h"
#include "runtime/machine/options.h"

/* A cell of a table: bars would end it. */
static char *cell(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text != NULL ? text : "", "|", -1);

    return g_strjoinv("\\|", parts);
}

static void print_option(void *opaque, const char *name, const char *argument, const char *help)
{
    g_autofree char *argument_cell = cell(argument), *help_cell = cell(help);

    (void)opaque;
    printf("| `-%s%s%s` | %s |\n", name, *argument_cell ? " " : "", argument_cell, help_cell);
}

static void add_row(const MonitorRow *row, void *opaque)
{
    g_ptr_array_add(opaque, (gpointer)row);
}

static const char *row_name(const MonitorRow *row)
{
    return row->name != NULL ? row->name : row->hmp;
}

static gint compare_rows(gconstpointer a, gconstpointer b)
{
    return strcmp(row_name(*(const MonitorRow *const *)a), row_name(*(const MonitorRow *const *)b));
}

static void print_row(const MonitorRow *row)
{
    g_autofree char *hmp = cell(row->hmp), *args = cell(row->args), *help = cell(row->help);

    printf("| %s%s%s | %s%s%s | %s%s%s | %s |\n", row->name ? "`" : "", row->name ? row->name : "",
           row->name ? "`" : "", *hmp ? "`" : "", hmp, *hmp ? "`" : "", *args ? "`" : "", args,
           *args ? "`" : "", help);
}

static void print_commands(void)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new();

    monitor_rows_each(add_row, rows);
    g_ptr_array_sort(rows, compare_rows);
    for (guint i = 0; i < rows->len; i++) {
        print_row(g_ptr_array_index(rows, i));
    }
}

static void print_events(void)
{
    for (size_t t = 0; monitor_tables[t] != NULL; t++) {
        const MonitorEvent *event = monitor_tables[t]->events;

        for (; event != NULL && event->name != NULL; event++) {
            printf("| `%s` | %s | %s |\n", event->name, event->members ? event->members : "",
                   event->help);
        }
    }
}

int main(void)
{
    printf(
        "# Options, monitor commands, events\n\n"
        "Made by `scripts/reference` of the rows of the source; what is not here is refused in words.\n\n"
        "## Options\n\n| option | |\n|---|---|\n");
    options_each(print_option, NULL);
    printf(
        "\n## Monitor commands\n\nArguments are in the notation of [monitor.md](monitor.md): `*` may be "
        "left out.\n\n| QMP | for people | arguments | |\n|---|---|---|---|\n");
    print_commands();
    printf("\n## Events\n\n| event | data | |\n|---|---|---|\n");
    print_events();
    return 0;
}
