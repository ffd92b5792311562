/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_machine.c - commands about the machine as a whole: who it is, how it runs, when it ends. */
#include <string.h>

#include "runtime/machine/machine_int.h"
#include "runtime/machine/monitor/monitor_rows.h"
#include "runtime/machine/version.h"

/* ---- Who ---- */

static bool run_query_version(MonitorCall *call, GError **error)
{
    (void)error;
    call->result = json_node_new(JSON_NODE_OBJECT);
    json_node_take_object(call->result, version_json());
    return true;
}

static void show_version(MonitorCall *call)
{
    JsonObject *version = json_node_get_object(call->result);

    g_string_append_printf(call->text, "%s (%s)\n", version_number(),
                           json_object_get_string_member(version, "package"));
}

static bool run_query_name(MonitorCall *call, GError **error)
{
    JsonObject *result = call_object(call);

    (void)error;
    if (call->machine->options->name != NULL) {
        json_object_set_string_member(result, "name", call->machine->options->name);
    }
    return true;
}

static void show_name(MonitorCall *call)
{
    const char *name = call->machine->options->name;

    if (name != NULL) {
        g_string_append_printf(call->text, "%s\n", name);
    }
}

static bool run_query_uuid(MonitorCall *call, GError **error)
{
    const char *uuid = call->machine->options->uuid;

    (void)error;
    json_object_set_string_member(call_object(call), "UUID",
                                  uuid != NULL ? uuid : "00000000-0000-0000-0000-000000000000");
    return true;
}

static void show_uuid(MonitorCall *call)
{
    JsonObject *result = json_node_get_object(call->result);

    g_string_append_printf(call->text, "%s\n", json_object_get_string_member(result, "UUID"));
}

static bool run_query_kvm(MonitorCall *call, GError **error)
{
    JsonObject *result = call_object(call);

    (void)error;
    json_object_set_boolean_member(result, "enabled", call->machine->options->asked_for_kvm);
    json_object_set_boolean_member(result, "present", TRUE);
    return true;
}

static void show_kvm(MonitorCall *call)
{
    g_string_append_printf(call->text, "kvm support: %s\n",
                           call->machine->options->asked_for_kvm ? "enabled" : "disabled");
}

static bool run_query_target(MonitorCall *call, GError **error)
{
    (void)error;
    json_object_set_string_member(call_object(call), "arch", "x86_64");
    return true;
}

/* ---- How it runs ---- */

static bool run_query_status(MonitorCall *call, GError **error)
{
    JsonObject *result = call_object(call);
    g_autofree char *status = run_state_name(machine_state(call->machine));

    (void)error;
    json_object_set_boolean_member(result, "running", machine_is_running(call->machine));
    json_object_set_boolean_member(result, "singlestep", FALSE);
    json_object_set_string_member(result, "status", status);
    return true;
}

static void show_status(MonitorCall *call)
{
    g_autofree char *status = run_state_name(machine_state(call->machine));
    bool running = machine_is_running(call->machine);

    g_string_append_printf(call->text, "VM status: %s", running ? "running" : "paused");
    if (!running && machine_state(call->machine) != RUN_STATE_PAUSED) {
        g_string_append_printf(call->text, " (%s)", status);
    }
    g_string_append_c(call->text, '\n');
}

static bool run_stop(MonitorCall *call, GError **error)
{
    (void)error;
    machine_pause(call->machine, RUN_STATE_PAUSED);
    return true;
}

static bool run_cont(MonitorCall *call, GError **error)
{
    return machine_continue(call->machine, error);
}

static bool run_system_reset(MonitorCall *call, GError **error)
{
    (void)error;
    machine_request_stop(call->machine, STOP_HOST_RESET, 0);
    return true;
}

static bool run_system_powerdown(MonitorCall *call, GError **error)
{
    (void)error;
    pc_power_button(call->machine->pc);
    monitors_event(call->machine->monitors, "POWERDOWN", NULL);
    return true;
}

static bool run_system_wakeup(MonitorCall *call, GError **error)
{
    return machine_wakeup(call->machine, error);
}

static bool run_query_current_machine(MonitorCall *call, GError **error)
{
    (void)error;
    json_object_set_boolean_member(call_object(call), "wakeup-suspend-support",
                                   call->machine->options->acpi);
    return true;
}

static bool run_quit(MonitorCall *call, GError **error)
{
    (void)error;
    machine_request_stop(call->machine, STOP_HOST_QUIT, 0);
    return true;
}

static bool run_nmi(MonitorCall *call, GError **error)
{
    (void)error;
    pc_nmi_button(call->machine->pc);
    return true;
}

/* ---- The other monitor ---- */

static bool run_human_monitor_command(MonitorCall *call, GError **error)
{
    g_autofree char *text = monitors_execute(call->machine->monitors,
                                             call_str(call, "command-line"));
    /* people's lines end with CR LF, here too */
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autofree char *wire = g_strjoinv("\r\n", lines);

    (void)error;
    call->result = json_node_alloc();
    json_node_init_string(call->result, wire);
    return true;
}

static const MonitorRow rows[] = {
    { "query-version", "info version", .result = "VersionInfo", .run = run_query_version,
      .show = show_version, .flags = MONITOR_OOB | MONITOR_EMPTY, .help = "show the version" },
    { "query-name", "info name", .result = "NameInfo", .run = run_query_name, .show = show_name,
      .flags = MONITOR_EMPTY, .help = "show the current VM name" },
    { "query-uuid", "info uuid", .result = "UuidInfo", .run = run_query_uuid, .show = show_uuid,
      .flags = MONITOR_EMPTY, .help = "show the current VM UUID" },
    { "query-kvm", "info kvm", .result = "KvmInfo", .run = run_query_kvm, .show = show_kvm,
      .flags = MONITOR_EMPTY,
      .help = "whether KVM was asked for; doppel's translator stands in for it" },
    { "query-target", .result = "TargetInfo", .run = run_query_target, .flags = MONITOR_EMPTY,
      .help = "the guest's architecture" },
    { "query-status", "info status", .result = "StatusInfo", .run = run_query_status,
      .show = show_status, .flags = MONITOR_EMPTY, .help = "show the current VM status" },
    { "stop", "stop|s", .run = run_stop, .flags = MONITOR_UNLOCKED | MONITOR_EMPTY,
      .help = "stop emulation" },
    { "cont", "cont|c", .run = run_cont, .flags = MONITOR_UNLOCKED | MONITOR_EMPTY,
      .help = "resume emulation" },
    { "system_reset", "system_reset", .run = run_system_reset, .help = "reset the system" },
    { "system_powerdown", "system_powerdown", .run = run_system_powerdown,
      .help = "press the power button" },
    { "system_wakeup", "system_wakeup", .run = run_system_wakeup, .flags = MONITOR_UNLOCKED,
      .help = "wake the machine up from S3" },
    { "query-current-machine", .result = "CurrentMachineParams", .run = run_query_current_machine,
      .help = "whether the machine can be suspended and woken up" },
    { "quit", "quit|q", .run = run_quit, .flags = MONITOR_EMPTY, .help = "quit the emulator" },
    { "inject-nmi", "nmi", .run = run_nmi, .help = "inject an NMI" },
    { "human-monitor-command", .args = "command-line:str *cpu-index:int", .result = "str",
      .run = run_human_monitor_command, .flags = MONITOR_UNLOCKED | MONITOR_EMPTY,
      .help = "execute a line of the human monitor" },
    { 0 },
};

static const MonitorType types[] = {
    { "VersionInfo", .members = "qemu:VersionTriple package:str" },
    { "VersionTriple", .members = "major:int minor:int micro:int" },
    { "NameInfo", .members = "*name:str" },
    { "UuidInfo", .members = "UUID:str" },
    { "KvmInfo", .members = "enabled:bool present:bool" },
    { "CurrentMachineParams", .members = "wakeup-suspend-support:bool" },
    { "TargetInfo", .members = "arch:SysEmuTarget" },
    { "SysEmuTarget", .values = "i386 x86_64" },
    { "StatusInfo", .members = "running:bool singlestep:bool status:RunState" },
    { "RunState", .values = RUN_STATE_NAMES },
    { "WatchdogAction", .values = WATCHDOG_ACTION_NAMES },
    { "GuestPanicAction", .values = "pause poweroff run" },
    { "ShutdownCause", .values = "none host-error host-qmp-quit host-qmp-system-reset host-signal "
                                 "host-ui guest-shutdown guest-reset guest-panic subsystem-reset "
                                 "snapshot-load" },
    { 0 },
};

static const MonitorEvent events[] = {
    { "SHUTDOWN", "guest:bool reason:ShutdownCause", "the machine has shut down or ends" },
    { "RESET", "guest:bool reason:ShutdownCause", "the machine was reset" },
    { "STOP", NULL, "the machine stands still" },
    { "RESUME", NULL, "the machine runs again" },
    { "POWERDOWN", NULL, "the power button was pressed" },
    { "SUSPEND", NULL, "the guest has gone to S3" },
    { "SUSPEND_DISK", NULL, "the guest has gone to S4: it has written itself to a disk" },
    { "WAKEUP", NULL, "the machine has come out of S3" },
    { "WATCHDOG", "action:WatchdogAction", "a watchdog has run out" },
    { "GUEST_PANICKED", "action:GuestPanicAction", "the guest says that it has panicked" },
    { "GUEST_CRASHLOADED", "action:GuestPanicAction", "the guest's crash kernel takes over" },
    { 0 },
};

const MonitorTable monitor_machine_table = { rows, types, events };
