/* SPDX-License-Identifier: GPL-2.0-or-later */
/* monitor_medium.c - commands that open trays and change media. */
#include <string.h>

#include "hw/device.h"
#include "runtime/machine/machine_medium.h"
#include "runtime/machine/monitor/monitor_block.h"

static BlockNode *call_drive(MonitorCall *call, GError **error)
{
    g_autoptr(GError) problem = NULL;
    BlockNode *node = machine_medium_find(call->machine, call_str(call, "device"),
                                          call_str(call, "id"), &problem);

    if (g_error_matches(problem, DEVICE_ERROR, DEVICE_ERROR_NOT_FOUND)) {
        monitor_fail(error, MONITOR_ERROR_DEVICE_NOT_FOUND, "%s", problem->message);
    } else if (problem != NULL) {
        g_propagate_error(error, g_steal_pointer(&problem));
    }
    return node;
}

static bool run_eject(MonitorCall *call, GError **error)
{
    BlockNode *node = call_drive(call, error);

    return node != NULL &&
           machine_medium_eject(call->machine, node, call_bool(call, "force", false), error);
}

static bool run_open_tray(MonitorCall *call, GError **error)
{
    BlockNode *node = call_drive(call, error);

    return node != NULL && machine_tray_open(node, call_bool(call, "force", false), error);
}

static bool run_close_tray(MonitorCall *call, GError **error)
{
    BlockNode *node = call_drive(call, error);

    return node != NULL && machine_tray_close(node, error);
}

static bool run_remove(MonitorCall *call, GError **error)
{
    BlockNode *node = call_drive(call, error);

    return node != NULL && machine_medium_remove(call->machine, node, error);
}

static bool run_insert(MonitorCall *call, GError **error)
{
    BlockNode *node = call_drive(call, error);

    return node != NULL &&
           machine_medium_insert(call->machine, node, call_str(call, "node-name"), error);
}

static bool run_change_medium(MonitorCall *call, GError **error)
{
    BlockNode *node = call_drive(call, error);
    const char *mode = call_str(call, "read-only-mode");
    MediumChange change = { .filename = call_str(call, "filename"),
                            .format = call_str(call, "format"),
                            .force = call_bool(call, "force", false) };

    if (node == NULL) {
        return false;
    }
    change.readonly = mode == NULL || strcmp(mode, "retain") == 0 ? block_readonly(node)
                                                                  : strcmp(mode, "read-only") == 0;
    return machine_medium_change(call->machine, node, &change, error);
}

/* "change vnc password WORD", too. */
static bool run_change(MonitorCall *call, GError **error)
{
    const char *target = call_str(call, "filename"), *word = call_str(call, "format");
    MonitorCall other = *call;
    bool good;

    if (strcmp(call_str(call, "device"), "vnc") != 0) {
        return run_change_medium(call, error);
    }
    if ((strcmp(target, "password") != 0 && strcmp(target, "passwd") != 0) || word == NULL) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC, "change vnc takes: password WORD");
    }
    other.args = json_object_new();
    json_object_set_string_member(other.args, "password", word);
    good = monitor_row_find("change-vnc-password")->run(&other, error);
    json_object_unref(other.args);
    return good;
}

static const MonitorRow rows[] = {
    { "eject", "eject", .args = "*device:str *id:str *force:bool",
      .hmp_args = "*force/f:bool device:str", .run = run_eject,
      .help = "eject a removable medium (use -f to force it)" },
    { NULL, "change",
      .hmp_args = "device:str filename:str *format:str "
                  "*read-only-mode:BlockdevChangeReadOnlyMode",
      .run = run_change, .help = "change a removable medium, optional format" },
    { "blockdev-change-medium",
      .args = "*device:str *id:str filename:str *format:str *force:bool "
              "*read-only-mode:BlockdevChangeReadOnlyMode",
      .run = run_change_medium, .help = "change the medium of a drive" },
    { "blockdev-open-tray", .args = "*device:str *id:str *force:bool", .run = run_open_tray,
      .help = "open the tray of a drive" },
    { "blockdev-close-tray", .args = "*device:str *id:str", .run = run_close_tray,
      .help = "close the tray of a drive" },
    { "blockdev-remove-medium", .args = "id:str", .run = run_remove,
      .help = "take the medium out of a drive whose tray is open" },
    { "blockdev-insert-medium", .args = "id:str node-name:str", .run = run_insert,
      .help = "put a node into a drive whose tray is open" },
    { 0 },
};

static const MonitorType types[] = {
    { "BlockdevChangeReadOnlyMode", .values = "retain read-only read-write" },
    { 0 },
};

static const MonitorEvent events[] = {
    { "DEVICE_TRAY_MOVED", "device:str id:str tray-open:bool",
      "the tray of a drive has been opened or closed" },
    { 0 },
};

const MonitorTable monitor_medium_table = { rows, types, events };
