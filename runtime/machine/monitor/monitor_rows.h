/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_MONITOR_MONITOR_ROWS_H
#define RUNTIME_MACHINE_MONITOR_MONITOR_ROWS_H
/* monitor_rows.h - a monitor command is a row; so is a type of its arguments and results, and an
 * event. QMP, the human monitor, query-qmp-schema, `help` and the table in docs are loops over
 * them. docs/monitor.md says how one is added.
 *
 * Members (of arguments, of an object type) are written in one string, separated by blanks:
 *     "device:str *force/f:bool value:[int]"
 * `*` marks what may be left out; `/f` is the flag "-f" of the human monitor: of a bool it stands
 * before the words there, any other value comes behind it, in its place. Types: str int size bool
 * number any, [TYPE], a name of the types' rows. For people: int      an expression with registers,
 * "$rsp+0x10"       size   a number with suffix rest a str that takes the rest of the line format
 * "/8xb" right behind the command options "driver,key=value": members of their own, checked by the
 * handler A last member "..." says that further members are taken.
 *
 * Handlers run on the main thread with the device lock held (vCPUs may be running), but for rows
 * with MONITOR_UNLOCKED.
 */
#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>
#include <stdint.h>
#include "runtime/machine/machine.h"
#include "runtime/machine/monitor/monitor.h"

typedef struct MonitorCall {
    Machine *machine;
    Monitor *monitor; /* who asks; NULL: nobody that stays (human-monitor-command, the gdb stub) */
    JsonObject *args; /* checked against the row */
    JsonNode *result; /* of the row's type; NULL: none, {} in QMP. Owned */
    GString *text;    /* what a person reads; programs never see it */
} MonitorCall;

typedef bool MonitorRun(MonitorCall *call, GError **error);
typedef void MonitorShow(MonitorCall *call); /* puts the result into words */

enum {
    MONITOR_UNLOCKED = 1u << 0, /* takes the device lock itself: it pauses vCPUs, or waits */
    MONITOR_OOB = 1u << 1,      /* may be executed out of band */
    MONITOR_BEFORE = 1u << 2,   /* qmp_capabilities */
    MONITOR_EMPTY = 1u << 3,    /* needs no board: -machine none has it, too */
};

typedef struct MonitorRow {
    const char *name;     /* in QMP; NULL: for people only */
    const char *hmp;      /* "cont|c", "info status"; NULL: for programs only */
    const char *args;     /* NULL: none */
    const char *hmp_args; /* NULL: as `args` */
    const char *result;   /* type; NULL: nothing */
    MonitorRun *run;
    MonitorRun *hmp_run; /* NULL: `run` */
    MonitorShow *show;   /* NULL: done when it is done */
    unsigned flags;
    const char *help;
} MonitorRow;

typedef struct MonitorType {
    const char *name;
    const char *members; /* of an object */
    const char *values;  /* of an enumeration, separated by blanks */
} MonitorType;

typedef struct MonitorEvent {
    const char *name;
    const char *members; /* of its data; NULL: it has none */
    const char *help;
} MonitorEvent;

/* What one file contributes; each array ends with a row of zeroes, and may be NULL. */
typedef struct MonitorTable {
    const MonitorRow *rows;
    const MonitorType *types;
    const MonitorEvent *events;
} MonitorTable;

extern const MonitorTable *const monitor_tables[]; /* monitor_rows.c; NULL ends it */

const MonitorRow *monitor_row_find(const char *name);
const MonitorType *monitor_type_find(const char *name);

/* Calls `each` for every row, table by table; by name: sorted. */
typedef void MonitorEachRow(const MonitorRow *row, void *opaque);
void monitor_rows_each(MonitorEachRow *each, void *opaque);

/* ---- For handlers ---- */

/* Classes of QMP's errors; every other domain is a GenericError. */
#define MONITOR_ERROR monitor_error_quark()
GQuark monitor_error_quark(void);
typedef enum MonitorError {
    MONITOR_ERROR_GENERIC,
    MONITOR_ERROR_COMMAND_NOT_FOUND,
    MONITOR_ERROR_DEVICE_NOT_ACTIVE,
    MONITOR_ERROR_DEVICE_NOT_FOUND,
    MONITOR_ERROR_KVM_MISSING_CAP,
} MonitorError;
const char *monitor_error_class(const GError *error);
/* Sets the error; false, so that it can be returned. */
bool monitor_fail(GError **error, MonitorError code, const char *format, ...) G_GNUC_PRINTF(3, 4);

bool call_has(const MonitorCall *call, const char *name);
const char *call_str(const MonitorCall *call, const char *name); /* NULL: not given */
int64_t call_int(const MonitorCall *call, const char *name, int64_t otherwise);
bool call_bool(const MonitorCall *call, const char *name, bool otherwise);
/* The result, to be filled. */
JsonObject *call_object(MonitorCall *call);
JsonArray *call_array(MonitorCall *call);
/* An object at the end of an array, to be filled. */
JsonObject *json_array_new_object(JsonArray *array);

#endif
