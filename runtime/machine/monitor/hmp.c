/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hmp.c - one line of a person: which row, which arguments, what is printed. */
#include <string.h>

#include "runtime/machine/keyval.h"
#include "runtime/machine/monitor/expression.h"
#include "runtime/machine/monitor/hmp_int.h"

/* ---- Names ---- */

bool hmp_name_is(const char *names, const char *word, size_t n)
{
    while (*names != '\0') {
        size_t length = strcspn(names, "|");

        if (length == n && strncmp(names, word, n) == 0) {
            return true;
        }
        names += length;
        names += *names == '|';
    }
    return false;
}

static const MonitorRow *hmp_row(const char *word, size_t n)
{
    for (size_t t = 0; monitor_tables[t] != NULL; t++) {
        const MonitorRow *row = monitor_tables[t]->rows;

        for (; row != NULL && row->help != NULL; row++) {
            if (row->hmp != NULL && hmp_name_is(row->hmp, word, n)) {
                return row;
            }
        }
    }
    return NULL;
}

/* The row that a line begins with, *line is moved behind its name: one word, or two behind "info".
 * A format may be glued to the name: "x/8i". */
static const MonitorRow *hmp_find(const char **line)
{
    const char *begin = *line + strspn(*line, " \t");
    size_t n = strcspn(begin, " \t/");
    g_autofree char *two = NULL;

    *line = begin + n;
    if (n == 4 && strncmp(begin, "info", n) == 0) {
        const char *second = *line + strspn(*line, " \t");
        size_t m = strcspn(second, " \t");

        two = g_strdup_printf("info%s%.*s", m != 0 ? " " : "", (int)m, second);
        *line = second + m;
        return hmp_row(two, strlen(two));
    }
    return hmp_row(begin, n);
}

/* ---- Words ---- */

/* The next word, in quotes or not; NULL: there is none. */
static char *word_read(const char **line, GError **error)
{
    static const char from[] = "nr\\'\"", to[] = "\n\r\\'\"";
    const char *p = *line + strspn(*line, " \t");
    GString *word = g_string_new(NULL);

    if (*p == '"') {
        for (p++; *p != '"' && *p != '\0'; p++) {
            const char *escape = *p == '\\' && p[1] != '\0' ? strchr(from, p[1]) : NULL;

            p += escape != NULL;
            g_string_append_c(word, escape != NULL ? to[escape - from] : *p);
        }
        if (*p == '\0') {
            g_string_free(word, TRUE);
            monitor_fail(error, MONITOR_ERROR_GENERIC, "unterminated string");
            return NULL;
        }
        p++;
    } else {
        size_t n = strcspn(p, " \t");

        g_string_append_len(word, p, (gssize)n);
        p += n;
    }
    *line = p;
    return g_string_free(word, FALSE);
}

/* "driver,key=value": the handler's business, as strings. */
static void options_read(JsonObject *args, const Member *member, const char *word)
{
    g_autoptr(KeyValues) values = keyval_parse(word, member->name);

    for (guint i = 0; i < values->list->len; i++) {
        const KeyValue *pair = &g_array_index(values->list, KeyValue, i);

        json_object_set_string_member(args, pair->key, pair->value);
    }
}

typedef struct HmpLine {
    MonitorCall *call;
    const char *at;
} HmpLine;

static bool integer_read(HmpLine *line, const Member *member, GError **error)
{
    int64_t value;

    if (!expression_read(&line->at, hmp_register, line->call, &value, error)) {
        return false;
    }
    json_object_set_int_member(line->call->args, member->name, value);
    return true;
}

static bool size_read(HmpLine *line, const Member *member, GError **error)
{
    g_autofree char *word = word_read(&line->at, error);
    uint64_t value;

    if (word == NULL || !size_parse(word, 1 << 20, &value)) {
        return word != NULL && monitor_fail(error, MONITOR_ERROR_GENERIC, "invalid size");
    }
    json_object_set_int_member(line->call->args, member->name, (gint64)value);
    return true;
}

static bool bool_read(HmpLine *line, const Member *member, GError **error)
{
    g_autofree char *word = word_read(&line->at, error);

    if (word == NULL || (strcmp(word, "on") != 0 && strcmp(word, "off") != 0)) {
        return word != NULL && monitor_fail(error, MONITOR_ERROR_GENERIC, "Expected 'on' or 'off'");
    }
    json_object_set_boolean_member(line->call->args, member->name, strcmp(word, "on") == 0);
    return true;
}

static bool string_read(HmpLine *line, const Member *member, GError **error)
{
    g_autofree char *word = NULL;

    if (strcmp(member->type, "rest") == 0) {
        word = g_strdup(line->at);
        line->at += strlen(line->at);
    } else {
        word = word_read(&line->at, error);
    }
    if (word == NULL) {
        return false;
    }
    if (strcmp(member->type, "options") == 0) {
        options_read(line->call->args, member, word);
    } else {
        json_object_set_string_member(line->call->args, member->name, word);
    }
    return true;
}

/* "-f" */
static bool flag_is_next(HmpLine *line, const Member *member)
{
    const char *p = line->at + strspn(line->at, " \t");

    if (p[0] != '-' || p[1] != member->flag || (p[2] != '\0' && p[2] != ' ' && p[2] != '\t')) {
        return false;
    }
    line->at = p + 2;
    return true;
}

static bool member_is_switch(const Member *member)
{
    return member->flag != 0 && strcmp(member->type, "bool") == 0;
}

/* A switch in front of the other words. */
static bool flag_read(HmpLine *line, const Member *member)
{
    bool there = flag_is_next(line, member);

    if (there) {
        json_object_set_boolean_member(line->call->args, member->name, TRUE);
    }
    return there;
}

static bool member_read(HmpLine *line, const Member *member, GError **error)
{
    if (member_is_switch(member)) {
        flag_read(line, member);
        return true;
    }
    if (member->flag != 0) {
        return !flag_is_next(line, member) || string_read(line, member, error);
    }
    if (strcmp(member->type, "format") == 0) {
        if (*line->at == '/') {
            line->at++;
            return string_read(line, member, error);
        }
        return true;
    }
    line->at += strspn(line->at, " \t");
    if (*line->at == '\0') {
        return member->optional || monitor_fail(error, MONITOR_ERROR_GENERIC,
                                                "Parameter '%s' is missing", member->name);
    }
    if (strcmp(member->type, "int") == 0) {
        return integer_read(line, member, error);
    }
    if (strcmp(member->type, "size") == 0) {
        return size_read(line, member, error);
    }
    return strcmp(member->type, "bool") == 0 ? bool_read(line, member, error)
                                             : string_read(line, member, error);
}

/* Flags stand in any order, so each is looked for until none is found. */
static bool arguments_read(HmpLine *line, const char *members, GError **error)
{
    const char *at = members;
    Member member;

    for (bool found = true; found;) {
        found = false;
        for (at = members; member_next(&at, &member);) {
            found = found || (member_is_switch(&member) && flag_read(line, &member));
        }
    }
    for (at = members; member_next(&at, &member);) {
        if (!member.open && !member_read(line, &member, error)) {
            return false;
        }
    }
    line->at += strspn(line->at, " \t");
    return *line->at == '\0' ||
           monitor_fail(error, MONITOR_ERROR_GENERIC, "extraneous characters at the end of line");
}

/* ---- The line ---- */

static void hmp_run(MonitorCall *call, const MonitorRow *row, const char *rest)
{
    HmpLine line = { call, rest };
    const char *members = row->hmp_args != NULL ? row->hmp_args : row->args;
    g_autoptr(GError) error = NULL;

    call->args = json_object_new();
    if (!arguments_read(&line, members, &error) || !monitor_call(row, true, call, &error)) {
        g_string_append_printf(call->text, "Error: %s\n", error->message);
    } else if (row->show != NULL && call->result != NULL) {
        machine_lock(call->machine);
        row->show(call);
        machine_unlock(call->machine);
    }
    monitor_call_clear(call);
}

void hmp_execute(Monitors *monitors, Monitor *monitor, const char *line, GString *text)
{
    MonitorCall call = { .machine = monitors->machine, .monitor = monitor, .text = text };
    const char *begin = line + strspn(line, " \t"), *rest = begin;
    const MonitorRow *row;

    if (*begin == '\0') {
        return;
    }
    row = hmp_find(&rest);
    if (row == NULL) {
        g_string_append_printf(text, "unknown command: '%.*s'\n", (int)(rest - begin), begin);
        return;
    }
    hmp_run(&call, row, rest);
}
