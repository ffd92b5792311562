/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_action.c - commands that change what the options have said: what follows a reboot, a
 * shutdown, a panic, a watchdog; from what the machine boots. */
#include "runtime/machine/machine_int.h"
#include "runtime/machine/monitor/monitor_rows.h"
#include "runtime/machine/options_int.h"

static bool run_set_action(MonitorCall *call, GError **error)
{
    static const char *const events[] = { "reboot", "shutdown", "panic", "watchdog" };

    for (size_t i = 0; i < G_N_ELEMENTS(events); i++) {
        const char *action = call_str(call, events[i]);

        if (action != NULL &&
            !options_set_action(call->machine->options, events[i], action, error)) {
            return false;
        }
    }
    return true;
}

static bool run_watchdog_action(MonitorCall *call, GError **error)
{
    return options_set_action(call->machine->options, "watchdog", call_str(call, "action"), error);
}

static bool run_boot_set(MonitorCall *call, GError **error)
{
    if (!options_set_boot_order(call->machine->options, call_str(call, "bootdevice"), error)) {
        return false;
    }
    pc_boot_order_changed(call->machine->pc);
    g_string_append_printf(call->text, "boot device list now set to %s\n",
                           call_str(call, "bootdevice"));
    return true;
}

static const MonitorRow rows[] = {
    { "set-action",
      .args = "*reboot:RebootAction *shutdown:ShutdownAction *panic:PanicAction "
              "*watchdog:WatchdogAction",
      .run = run_set_action, .flags = MONITOR_EMPTY,
      .help = "what follows a reboot, a shutdown, a panic, a watchdog" },
    { "watchdog-set-action", "watchdog_action", .args = "action:WatchdogAction",
      .hmp_args = "action:str", .run = run_watchdog_action, .help = "change watchdog action" },
    { .hmp = "boot_set",
      .args = "bootdevice:str",
      .run = run_boot_set,
      .help = "define new values for the boot device list" },
    { 0 },
};

static const MonitorType types[] = {
    { "RebootAction", .values = "reset shutdown" },
    { "ShutdownAction", .values = "poweroff pause" },
    { "PanicAction", .values = PANIC_ACTION_NAMES },
    { 0 },
};

const MonitorTable monitor_action_table = { .rows = rows, .types = types };
