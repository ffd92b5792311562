/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_migration.c - commands that send the machine away as a stream, and take one in.
 *
 * The machine stands while it is written: the command answers when all is out. */
#include <unistd.h>

#include "runtime/machine/incoming.h"
#include "runtime/machine/machine_int.h"
#include "runtime/machine/machine_state.h"
#include "runtime/machine/monitor/monitor_rows.h"

static const char *const status_names[] = {
    [MIGRATION_NONE] = "none",
    [MIGRATION_COMPLETED] = "completed",
    [MIGRATION_FAILED] = "failed",
};

static bool send(Machine *machine, const char *uri, GError **error)
{
    int fd = outgoing_open(uri, error);
    bool done;

    if (fd < 0) {
        return false;
    }
    done = machine_save(machine, fd, error);
    if (close(fd) != 0 && done) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC, "%s: it cannot be written whole", uri);
    }
    return done;
}

/* A machine that could not be sent goes on as before. */
static bool run_migrate(MonitorCall *call, GError **error)
{
    Machine *machine = call->machine;
    const char *uri = call_str(call, "uri");
    bool ran = machine_is_running(machine);
    int64_t start = g_get_monotonic_time();
    GError *reason = NULL;
    bool done;

    if (machine_state(machine) == RUN_STATE_INMIGRATE) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC,
                            "Guest is waiting for an incoming migration");
    }
    machine_pause(machine, RUN_STATE_FINISH_MIGRATE);
    done = send(machine, uri, &reason);
    g_clear_pointer(&machine->migration_error, g_free);
    machine->migration_ms = (g_get_monotonic_time() - start) / 1000;
    machine->migration = done ? MIGRATION_COMPLETED : MIGRATION_FAILED;
    if (done) {
        machine_pause(machine, RUN_STATE_POSTMIGRATE);
        return true;
    }
    machine->migration_error = g_strdup(reason->message);
    if (ran) {
        machine_continue(machine, NULL);
    }
    g_propagate_error(error, reason);
    return false;
}

static bool run_migrate_incoming(MonitorCall *call, GError **error)
{
    Machine *machine = call->machine;

    if (machine_state(machine) != RUN_STATE_INMIGRATE) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC,
                            "'-incoming' was not specified on the command line");
    }
    if (!machine_incoming(machine, call_str(call, "uri"), error)) {
        return false;
    }
    machine_incoming_done(machine);
    return true;
}

static bool run_query_migrate(MonitorCall *call, GError **error)
{
    const Machine *machine = call->machine;
    JsonObject *result = call_object(call);

    (void)error;
    if (machine->migration == MIGRATION_NONE) {
        return true;
    }
    json_object_set_string_member(result, "status", status_names[machine->migration]);
    json_object_set_int_member(result, "total-time", machine->migration_ms);
    if (machine->migration == MIGRATION_COMPLETED) {
        json_object_set_int_member(result, "downtime", machine->migration_ms);
    } else {
        json_object_set_string_member(result, "error-desc", machine->migration_error);
    }
    return true;
}

static void show_migrate(MonitorCall *call)
{
    const Machine *machine = call->machine;

    if (machine->migration != MIGRATION_NONE) {
        g_string_append_printf(call->text,
                               "Migration status: %s\ntotal time: %" G_GINT64_FORMAT " ms\n",
                               status_names[machine->migration], machine->migration_ms);
    }
}

static const MonitorRow rows[] = {
    { "migrate", "migrate", .args = "uri:str *detach/d:bool", .run = run_migrate,
      .flags = MONITOR_UNLOCKED,
      .help = "write the machine to file:PATH, exec:COMMAND or fd:N; it stands then" },
    { "migrate-incoming", "migrate_incoming", .args = "uri:str", .run = run_migrate_incoming,
      .flags = MONITOR_UNLOCKED, .help = "take in a machine that -incoming defer waits for" },
    { "query-migrate", "info migrate", .result = "MigrationInfo", .run = run_query_migrate,
      .show = show_migrate, .help = "show migration status" },
    { 0 },
};

static const MonitorType types[] = {
    { "MigrationInfo", .members = "*status:MigrationStatus *total-time:int *downtime:int "
                                  "*error-desc:str" },
    { "MigrationStatus", .values = "none setup cancelling cancelled active postcopy-active "
                                   "postcopy-paused postcopy-recover completed failed colo "
                                   "pre-switchover device wait-unplug" },
    { 0 },
};

const MonitorTable monitor_migration_table = { rows, types, NULL };
