/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hmp_monitor.c - the monitor of people: banner, prompt, lines. */
#include <string.h>

#include "runtime/machine/monitor/hmp_int.h"
#include "runtime/machine/monitor/readline.h"
#include "runtime/machine/version.h"

typedef struct Hmp {
    Readline *readline;
    GQueue lines; /* of char *: whole, not executed yet */
    bool greeted;
} Hmp;

/* A line ends with CR LF on the wire. */
static void hmp_write(Monitor *monitor, const char *text, size_t n)
{
    g_autoptr(GString) wire = g_string_sized_new(n + 16);

    for (size_t i = 0; i < n; i++) {
        if (text[i] == '\n') {
            g_string_append_c(wire, '\r');
        }
        g_string_append_c(wire, text[i]);
    }
    monitor_write(monitor, wire->str, wire->len);
}

static void hmp_readline_write(void *opaque, const char *text, size_t n)
{
    monitor_write(opaque, text, n);
}

static void hmp_line(void *opaque, const char *line)
{
    Monitor *monitor = opaque;
    Hmp *hmp = monitor->state;

    g_queue_push_tail(&hmp->lines, g_strdup(line));
}

static void hmp_input(Monitor *monitor, const uint8_t *data, size_t n)
{
    Hmp *hmp = monitor->state;

    for (size_t i = 0; i < n; i++) {
        readline_feed(hmp->readline, data[i]);
    }
}

static bool hmp_pending(const Monitor *monitor)
{
    const Hmp *hmp = monitor->state;

    return !g_queue_is_empty((GQueue *)&hmp->lines);
}

/* Byte by byte: what comes behind a line is echoed behind the line's answer. */
static size_t hmp_room(const Monitor *monitor)
{
    return hmp_pending(monitor) ? 0 : 1;
}

static void hmp_work(Monitor *monitor)
{
    Hmp *hmp = monitor->state;
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *line = NULL;

    machine_lock(monitor->machine);
    line = g_queue_pop_head(&hmp->lines);
    machine_unlock(monitor->machine);
    if (line == NULL) {
        return;
    }
    hmp_execute(monitor->monitors, monitor, line, text);
    hmp_write(monitor, text->str, text->len);
    machine_lock(monitor->machine);
    readline_prompt(hmp->readline);
    machine_unlock(monitor->machine);
}

static void hmp_opened(Monitor *monitor)
{
    Hmp *hmp = monitor->state;
    g_autofree char *banner = g_strdup_printf(
        "QEMU %s monitor - type 'help' for more information\n", version_number());

    if (!hmp->greeted) {
        hmp->greeted = true;
        hmp_write(monitor, banner, strlen(banner));
    } else {
        hmp_write(monitor, "\n", 1);
    }
    readline_prompt(hmp->readline);
}

static void hmp_closed(Monitor *monitor)
{
    Hmp *hmp = monitor->state;

    hmp->greeted = false;
    g_queue_clear_full(&hmp->lines, g_free);
    readline_reset(hmp->readline);
}

/* ---- Completion: names of commands, and of what `info` tells ---- */

typedef struct Completion {
    GPtrArray *words;
    const char *begun; /* of the word */
    bool info;
} Completion;

static void completion_row(const MonitorRow *row, void *opaque)
{
    Completion *completion = opaque;
    g_auto(GStrv) names = NULL;

    if (row->hmp == NULL) {
        return;
    }
    names = g_strsplit(row->hmp, "|", -1);
    for (char **name = names; *name != NULL; name++) {
        bool info = g_str_has_prefix(*name, "info ");
        const char *word = completion->info && info ? *name + strlen("info ") : *name;

        if (info == completion->info && g_str_has_prefix(word, completion->begun)) {
            g_ptr_array_add(completion->words, g_strdup(word));
        }
    }
}

static gint compare_words(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static GPtrArray *hmp_complete(void *opaque, const char *line)
{
    Completion completion = { .begun = line };

    (void)opaque;
    line += strspn(line, " ");
    if (g_str_has_prefix(line, "info ")) {
        completion.info = true;
        completion.begun = line + strlen("info ");
    } else {
        completion.begun = g_str_has_prefix(line, "help ") ? line + strlen("help ") : line;
    }
    if (strchr(completion.begun, ' ') != NULL) {
        return NULL;
    }
    completion.words = g_ptr_array_new_with_free_func(g_free);
    monitor_rows_each(completion_row, &completion);
    g_ptr_array_sort(completion.words, compare_words);
    return completion.words;
}

/* ---- The kind ---- */

static void hmp_create(Monitor *monitor)
{
    const ReadlineOwner owner = { hmp_readline_write, hmp_line, hmp_complete, monitor };
    Hmp *hmp = g_new0(Hmp, 1);

    g_queue_init(&hmp->lines);
    hmp->readline = readline_new("(qemu) ", &owner);
    monitor->state = hmp;
}

static void hmp_destroy(Monitor *monitor)
{
    Hmp *hmp = monitor->state;

    g_queue_clear_full(&hmp->lines, g_free);
    readline_free(hmp->readline);
    g_free(hmp);
}

const MonitorKind monitor_kind_hmp = {
    .create = hmp_create,
    .destroy = hmp_destroy,
    .opened = hmp_opened,
    .closed = hmp_closed,
    .input = hmp_input,
    .pending = hmp_pending,
    .room = hmp_room,
    .work = hmp_work,
};
