/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_ENGINE_LOG_H
#define RUNTIME_ENGINE_LOG_H
/* log.h - what -d asks for: lines on stderr or in -D's file. Any thread may write; a line is never
 * mixed with another. Not for code that runs with the guest's vector state live (cpu.h). */
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum LogItem {
    LOG_IN_ASM = 1u << 0,
    LOG_OUT_ASM = 1u << 1,
    LOG_EXEC = 1u << 2,
    LOG_CPU = 1u << 3,
    LOG_INT = 1u << 4,
    LOG_RESET = 1u << 5,
    LOG_GUEST_ERRORS = 1u << 6,
    LOG_UNIMP = 1u << 7,
    LOG_OP_ANNOT = 1u << 8,
    LOG_EVERY_STEP = LOG_IN_ASM | LOG_EXEC | LOG_CPU |
                     LOG_INT, /* the interpreter runs instruction by instruction */
} LogItem;

typedef struct Log Log;

/* "int,exec": a set of LogItem, or the name that is unknown. "all" is everything. */
bool log_items_parse(const char *text, uint32_t *items, GError **error);
void log_print_items(void); /* -d help, on stdout */

/* `file` NULL: stderr. `filter` is -dfilter's list of address ranges, NULL: all. */
Log *log_new(uint32_t items, const char *file, const char *filter, GError **error);
void log_free(Log *log);

uint32_t log_items(const Log *log);
static inline bool log_wants(const Log *log, uint32_t items)
{
    return log != NULL && (log_items(log) & items) != 0;
}
/* Does -dfilter let this address through? */
bool log_address(const Log *log, uint64_t address);

/* Writes whole lines, if one of `items` is asked for. */
void log_printf(Log *log, uint32_t items, const char *format, ...) G_GNUC_PRINTF(3, 4);

#endif
