/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/engine/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/engine/engine.h"

struct Log {
    uint32_t items;
    FILE *file; /* stdio locks it for a call */
    bool close;
    GArray *ranges; /* of LogRange, NULL: every address */
};

typedef struct LogRange {
    uint64_t first, last;
} LogRange;

typedef struct LogRow {
    const char *name;
    uint32_t item;
    const char *help;
} LogRow;

static const LogRow log_rows[] = {
    { "in_asm", LOG_IN_ASM, "guest instructions" },
    { "op_annot", LOG_OP_ANNOT, "what the translator found out about them" },
    { "out_asm", LOG_OUT_ASM, "the host code that they became" },
    { "exec", LOG_EXEC, "address of everything that is executed" },
    { "cpu", LOG_CPU, "registers before everything that is executed" },
    { "int", LOG_INT, "interrupts and exceptions" },
    { "cpu_reset", LOG_RESET, "registers at every reset" },
    { "guest_errors", LOG_GUEST_ERRORS, "what the guest does wrong" },
    { "unimp", LOG_UNIMP, "what the guest asks for and doppel does not have" },
};

bool log_items_parse(const char *text, uint32_t *items, GError **error)
{
    g_auto(GStrv) names = g_strsplit(text, ",", -1);

    *items = 0;
    for (char **name = names; *name != NULL; name++) {
        bool found = strcmp(*name, "all") == 0;

        for (size_t i = 0; i < G_N_ELEMENTS(log_rows); i++) {
            if (strcmp(*name, "all") == 0 || strcmp(*name, log_rows[i].name) == 0) {
                *items |= log_rows[i].item;
                found = true;
            }
        }
        if (!found) {
            g_set_error(error, ENGINE_ERROR, ENGINE_ERROR_UNKNOWN,
                        "no log item '%s' (-d help lists them)", *name);
            return false;
        }
    }
    return true;
}

void log_print_items(void)
{
    printf("Log items (comma separated):\n");
    for (size_t i = 0; i < G_N_ELEMENTS(log_rows); i++) {
        printf("%-14s %s\n", log_rows[i].name, log_rows[i].help);
    }
}

/* START..END, START+SIZE or START-SIZE, as in QEMU. */
static bool range_parse(const char *text, LogRange *range)
{
    uint64_t second;
    char *end;

    errno = 0;
    range->first = g_ascii_strtoull(text, &end, 0);
    if (end == text || errno != 0 || *end == '\0') {
        return false;
    }
    text = end + (g_str_has_prefix(end, "..") ? 2 : 1);
    switch (*end) {
    case '.':
    case '+':
    case '-':
        break;
    default:
        return false;
    }
    second = g_ascii_strtoull(text, &(char *){ NULL }, 0);
    if (errno != 0 || !g_ascii_isdigit(*text) || second == 0) {
        return false;
    }
    if (*end == '.') {
        range->last = second;
    } else if (*end == '+') {
        range->last = range->first + second - 1;
    } else {
        range->last = range->first;
        range->first -= second - 1;
    }
    return range->first <= range->last;
}

static bool filter_parse(Log *log, const char *filter, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(filter, ",", -1);

    log->ranges = g_array_new(FALSE, FALSE, sizeof(LogRange));
    for (char **part = parts; *part != NULL; part++) {
        LogRange range;

        if (!range_parse(*part, &range)) {
            g_set_error(error, ENGINE_ERROR, ENGINE_ERROR_VALUE,
                        "-dfilter %s: '%s' is no address range", filter, *part);
            return false;
        }
        g_array_append_val(log->ranges, range);
    }
    return true;
}

Log *log_new(uint32_t items, const char *file, const char *filter, GError **error)
{
    Log *log = g_new0(Log, 1);

    log->items = items;
    log->file = stderr;
    if (filter != NULL && !filter_parse(log, filter, error)) {
        log_free(log);
        return NULL;
    }
    if (file != NULL) {
        log->file = fopen(file, "we");
        if (log->file == NULL) {
            g_set_error(error, ENGINE_ERROR, ENGINE_ERROR_VALUE, "-D %s: %s", file,
                        g_strerror(errno));
            log_free(log);
            return NULL;
        }
        log->close = true;
        setvbuf(log->file, NULL, _IOLBF, 0);
    }
    return log;
}

void log_free(Log *log)
{
    if (log == NULL) {
        return;
    }
    if (log->close) {
        fclose(log->file);
    }
    if (log->ranges != NULL) {
        g_array_free(log->ranges, TRUE);
    }
    g_free(log);
}

uint32_t log_items(const Log *log)
{
    return log->items;
}

bool log_address(const Log *log, uint64_t address)
{
    if (log->ranges == NULL) {
        return true;
    }
    for (guint i = 0; i < log->ranges->len; i++) {
        const LogRange *range = &g_array_index(log->ranges, LogRange, i);

        if (address >= range->first && address <= range->last) {
            return true;
        }
    }
    return false;
}

void log_printf(Log *log, uint32_t items, const char *format, ...)
{
    va_list args;

    if (!log_wants(log, items)) {
        return;
    }
    va_start(args, format);
    vfprintf(log->file, format, args);
    va_end(args);
}
