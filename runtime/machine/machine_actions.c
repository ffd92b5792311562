/* SPDX-License-Identifier: GPL-2.0-or-later */
/* machine_actions.c - what devices report: events for monitors; panics and watchdogs, and what is
 * done about them, as -action and -watchdog-action say. */
#include <stdio.h>

#include "runtime/machine/machine_int.h"

/* ---- Events of devices ---- */

typedef struct Notice {
    Machine *machine;
    char *name;
    JsonObject *data; /* NULL: none */
} Notice;

static gboolean notice_tell(gpointer opaque)
{
    Notice *notice = opaque;

    monitors_event(notice->machine->monitors, notice->name, g_steal_pointer(&notice->data));
    return G_SOURCE_REMOVE;
}

static void notice_free(gpointer opaque)
{
    Notice *notice = opaque;

    g_clear_pointer(&notice->data, json_object_unref);
    g_free(notice->name);
    g_free(notice);
}

void machine_event(void *machine, const char *name, GVariant *data)
{
    Notice *notice = g_new0(Notice, 1);

    notice->machine = machine;
    notice->name = g_strdup(name);
    if (data != NULL) {
        JsonNode *node = json_gvariant_serialize(data);

        notice->data = json_node_dup_object(node);
        json_node_unref(node);
    }
    g_idle_add_full(G_PRIORITY_HIGH, notice_tell, notice, notice_free);
}

/* ---- Panics and watchdogs ---- */

static void tell(Machine *machine, const char *event, const char *action)
{
    JsonObject *data = json_object_new();

    json_object_set_string_member(data, "action", action);
    monitors_event(machine->monitors, event, data);
}

static MachineSequel guest_panicked(Machine *machine)
{
    PanicAction action = machine->options->panic_action;

    switch (action) {
    case PANIC_NONE:
        tell(machine, "GUEST_PANICKED", "run");
        return SEQUEL_GO;
    case PANIC_PAUSE:
        tell(machine, "GUEST_PANICKED", "pause");
        break;
    case PANIC_SHUTDOWN:
    case PANIC_EXIT_FAILURE:
        if (machine->options->no_shutdown) {
            tell(machine, "GUEST_PANICKED", "pause");
            break;
        }
        tell(machine, "GUEST_PANICKED", "poweroff");
        machine_pause(machine, RUN_STATE_GUEST_PANICKED);
        return action == PANIC_SHUTDOWN ? SEQUEL_END : SEQUEL_FAIL;
    }
    machine_pause(machine, RUN_STATE_GUEST_PANICKED);
    machine->reset_wanted = true;
    return SEQUEL_STAND;
}

static MachineSequel watchdog_ran_out(Machine *machine)
{
    static const char names[] = WATCHDOG_ACTION_NAMES;
    g_auto(GStrv) words = g_strsplit(names, " ", -1);
    WatchdogAction action = machine->options->watchdog_action;

    tell(machine, "WATCHDOG", words[action]);
    switch (action) {
    case WATCHDOG_RESET:
        return SEQUEL_RESTART;
    case WATCHDOG_SHUTDOWN:
        machine_lock(machine);
        pc_power_button(machine->pc);
        machine_unlock(machine);
        monitors_event(machine->monitors, "POWERDOWN", NULL);
        return SEQUEL_GO;
    case WATCHDOG_POWEROFF:
        return SEQUEL_QUIT;
    case WATCHDOG_PAUSE:
        machine_pause(machine, RUN_STATE_WATCHDOG);
        return SEQUEL_STAND;
    case WATCHDOG_DEBUG:
        fputs("doppel: warning: watchdog: timer fired\n", stderr);
        return SEQUEL_GO;
    case WATCHDOG_INJECT_NMI:
        machine_lock(machine);
        pc_nmi_button(machine->pc);
        machine_unlock(machine);
        return SEQUEL_GO;
    case WATCHDOG_NONE:
        return SEQUEL_GO;
    }
    g_assert_not_reached();
}

MachineSequel machine_act(Machine *machine, StopReason reason)
{
    switch (reason) {
    case STOP_GUEST_PANIC:
        return guest_panicked(machine);
    case STOP_GUEST_CRASH_LOADED:
        tell(machine, "GUEST_CRASHLOADED", "run");
        return SEQUEL_GO;
    default:
        return watchdog_ran_out(machine);
    }
}
