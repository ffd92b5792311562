/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_migration.c - commands that send the machine away as a stream, and take one in.
 *
 * The machine stands while it is written: the command answers when all is out. */
#include <string.h>
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

/* What the capability "events" asks for. */
static void tell_status(Machine *machine, const char *status)
{
    JsonObject *data;

    if (machine->migration_events) {
        data = json_object_new();
        json_object_set_string_member(data, "status", status);
        monitors_event(machine->monitors, "MIGRATION", data);
    }
}

/* "fd:NAME" is what getfd has named so. */
static int destination_open(Machine *machine, const char *uri, GError **error)
{
    int fd;

    if (!g_str_has_prefix(uri, "fd:") || g_ascii_isdigit(uri[3])) {
        return outgoing_open(uri, error);
    }
    fd = monitors_take_fd(machine->monitors, uri + 3);
    if (fd < 0) {
        monitor_fail(error, MONITOR_ERROR_GENERIC, "File descriptor named '%s' has not been found",
                     uri + 3);
    }
    return fd;
}

/* Takes `fd`. */
static bool send(Machine *machine, int fd, const char *uri, GError **error)
{
    bool done = machine_save(machine, fd, error);

    if (close(fd) != 0 && done) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC, "%s: it cannot be written whole", uri);
    }
    return done;
}

static bool migrate_check(const MonitorCall *call, GError **error)
{
    if (machine_state(call->machine) == RUN_STATE_INMIGRATE) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC,
                            "Guest is waiting for an incoming migration");
    }
    if (call_bool(call, "blk", false) || call_bool(call, "inc", false)) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC, "disks are not migrated");
    }
    if (call_bool(call, "resume", false)) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC,
                            "Cannot resume if there is no paused "
                            "migration");
    }
    return true;
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
    int fd;

    if (!migrate_check(call, error)) {
        return false;
    }
    fd = destination_open(machine, uri, error);
    if (fd < 0) {
        return false;
    }
    tell_status(machine, "setup");
    machine_pause(machine, RUN_STATE_FINISH_MIGRATE);
    tell_status(machine, "active");
    done = send(machine, fd, uri, &reason);
    g_clear_pointer(&machine->migration_error, g_free);
    machine->migration_ms = (g_get_monotonic_time() - start) / 1000;
    machine->migration = done ? MIGRATION_COMPLETED : MIGRATION_FAILED;
    tell_status(machine, status_names[machine->migration]);
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
    int64_t start = g_get_monotonic_time();
    GError *reason = NULL;

    if (machine_state(machine) != RUN_STATE_INMIGRATE) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC,
                            "'-incoming' was not specified on the command line");
    }
    tell_status(machine, "active");
    machine->migration = machine_incoming(machine, call_str(call, "uri"), &reason)
                             ? MIGRATION_COMPLETED
                             : MIGRATION_FAILED;
    machine->migration_ms = (g_get_monotonic_time() - start) / 1000;
    tell_status(machine, status_names[machine->migration]);
    if (reason != NULL) {
        g_free(machine->migration_error); /* it may be tried again */
        machine->migration_error = g_strdup(reason->message);
        g_propagate_error(error, reason);
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

/* Nothing is ever under way when a command is executed. */
static bool run_migrate_cancel(MonitorCall *call, GError **error)
{
    (void)call, (void)error;
    return true;
}

/* ---- Capabilities and parameters ---- */

#define CAPABILITIES                                                                               \
    "xbzrle rdma-pin-all auto-converge zero-blocks compress events postcopy-ram x-colo "           \
    "release-ram block return-path pause-before-switchover multifd dirty-bitmaps "                 \
    "postcopy-blocktime late-block-activate x-ignore-shared validate-uuid background-snapshot "    \
    "zero-copy-send postcopy-preempt"

static bool run_query_capabilities(MonitorCall *call, GError **error)
{
    g_auto(GStrv) names = g_strsplit(CAPABILITIES, " ", -1);
    JsonArray *array = call_array(call);

    (void)error;
    for (char **name = names; *name != NULL; name++) {
        JsonObject *object = json_array_new_object(array);

        json_object_set_string_member(object, "capability", *name);
        json_object_set_boolean_member(
            object, "state", strcmp(*name, "events") == 0 && call->machine->migration_events);
    }
    return true;
}

static void show_capabilities(MonitorCall *call)
{
    JsonArray *array = json_node_get_array(call->result);

    for (guint i = 0; i < json_array_get_length(array); i++) {
        JsonObject *object = json_array_get_object_element(array, i);

        g_string_append_printf(call->text, "%s: %s\n",
                               json_object_get_string_member(object, "capability"),
                               json_object_get_boolean_member(object, "state") ? "on" : "off");
    }
}

/* All that can be switched on is "events". */
static bool run_set_capabilities(MonitorCall *call, GError **error)
{
    JsonArray *array = json_object_get_array_member(call->args, "capabilities");

    for (guint i = 0; i < json_array_get_length(array); i++) {
        JsonObject *object = json_array_get_object_element(array, i);
        const char *name = json_object_get_string_member(object, "capability");

        if (strcmp(name, "events") != 0 && json_object_get_boolean_member(object, "state")) {
            return monitor_fail(error, MONITOR_ERROR_GENERIC,
                                "Migration capability '%s' is not supported", name);
        }
    }
    for (guint i = 0; i < json_array_get_length(array); i++) {
        JsonObject *object = json_array_get_object_element(array, i);

        if (strcmp(json_object_get_string_member(object, "capability"), "events") == 0) {
            call->machine->migration_events = json_object_get_boolean_member(object, "state");
        }
    }
    return true;
}

static bool run_query_parameters(MonitorCall *call, GError **error)
{
    (void)error;
    json_object_set_int_member(call_object(call), "max-bandwidth",
                               (int64_t)call->machine->migration_bandwidth);
    return true;
}

static void show_parameters(MonitorCall *call)
{
    g_string_append_printf(call->text, "max-bandwidth: %" G_GUINT64_FORMAT " bytes/second\n",
                           (guint64)call->machine->migration_bandwidth);
}

static bool run_set_parameters(MonitorCall *call, GError **error)
{
    int64_t bandwidth = call_int(call, "max-bandwidth",
                                 (int64_t)call->machine->migration_bandwidth);

    if (bandwidth < 0) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC,
                            "Parameter 'max-bandwidth' expects an integer in the range of 0 to "
                            "9223372036854775807 bytes/second");
    }
    call->machine->migration_bandwidth = (uint64_t)bandwidth;
    return true;
}

static const MonitorRow rows[] = {
    { "migrate", "migrate", .args = "uri:str *blk/b:bool *inc/i:bool *detach/d:bool *resume/r:bool",
      .run = run_migrate, .flags = MONITOR_UNLOCKED,
      .help = "write the machine to file:PATH, exec:COMMAND or fd:N; it stands then" },
    { "migrate-incoming", "migrate_incoming", .args = "uri:str", .run = run_migrate_incoming,
      .flags = MONITOR_UNLOCKED, .help = "take in a machine that -incoming defer waits for" },
    { "migrate_cancel", "migrate_cancel", .run = run_migrate_cancel,
      .help = "cancel the current VM migration" },
    { "query-migrate-capabilities", "info migrate_capabilities",
      .result = "[MigrationCapabilityStatus]", .run = run_query_capabilities,
      .show = show_capabilities, .flags = MONITOR_EMPTY,
      .help = "show current migration capabilities" },
    { "migrate-set-capabilities", .args = "capabilities:[MigrationCapabilityStatus]",
      .run = run_set_capabilities, .flags = MONITOR_EMPTY,
      .help = "switch capabilities of migration; \"events\" can be had" },
    { "query-migrate-parameters", "info migrate_parameters", .result = "MigrationParameters",
      .run = run_query_parameters, .show = show_parameters, .flags = MONITOR_EMPTY,
      .help = "show current migration parameters" },
    { "migrate-set-parameters", .args = "*max-bandwidth:int", .run = run_set_parameters,
      .flags = MONITOR_EMPTY, .help = "max-bandwidth: bytes a second that migrate writes, 0: all" },
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
    { "MigrationCapability", .values = CAPABILITIES },
    { "MigrationCapabilityStatus", .members = "capability:MigrationCapability state:bool" },
    { "MigrationParameters", .members = "*max-bandwidth:int" },
    { 0 },
};

static const MonitorEvent events[] = {
    { "MIGRATION", "status:MigrationStatus", "migration has another status" },
    { 0 },
};

const MonitorTable monitor_migration_table = { rows, types, events };
