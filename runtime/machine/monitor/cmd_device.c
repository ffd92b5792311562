/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_device.c - commands about the tree of devices: what is in it, what comes and goes. */
#include <string.h>

#include "runtime/machine/machine_int.h"
#include "runtime/machine/monitor/monitor_rows.h"

/* The arguments as settings; what they point to belongs to `texts`. */
static bool settings_fill(JsonObject *args, GArray *settings, GPtrArray *texts, GError **error)
{
    JsonObjectIter iter;
    const char *name;
    JsonNode *node;

    json_object_iter_init(&iter, args);
    while (json_object_iter_next(&iter, &name, &node)) {
        DeviceSetting setting = { .name = name, .value = options_json_text(node) };

        if (setting.value == NULL) {
            return monitor_fail(error, MONITOR_ERROR_GENERIC,
                                "Parameter '%s' expects a string, a number or a boolean", name);
        }
        g_ptr_array_add(texts, (gpointer)setting.value);
        g_array_append_val(settings, setting);
    }
    return true;
}

static bool run_device_add(MonitorCall *call, GError **error)
{
    g_autoptr(GArray) settings = g_array_new(TRUE, TRUE, sizeof(DeviceSetting));
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    const char *driver = call_str(call, "driver");
    bool is_cpu = device_type_is_cpu(driver), done;

    if (!settings_fill(call->args, settings, texts, error)) {
        return false;
    }
    if (is_cpu) { /* the others stand still while one joins them */
        machine_hold(call->machine);
    }
    machine_lock(call->machine);
    done = board_add_device(pc_board(call->machine->pc), driver,
                            (const DeviceSetting *)(const void *)settings->data, error) != NULL;
    machine_unlock(call->machine);
    if (is_cpu) {
        machine_release(call->machine);
    }
    return done;
}

/* By id, or by its path. */
static Device *device_find(Machine *machine, const char *id)
{
    Board *board = pc_board(machine->pc);
    const char *slash = strrchr(id, '/');

    return board_find_device(board, slash != NULL ? slash + 1 : id);
}

static bool run_device_del(MonitorCall *call, GError **error)
{
    const char *id = call_str(call, "id");
    Device *dev = device_find(call->machine, id);

    if (dev == NULL) {
        return monitor_fail(error, MONITOR_ERROR_DEVICE_NOT_FOUND, "Device '%s' not found", id);
    }
    return device_unplug_request(dev, error);
}

static bool run_info_qtree(MonitorCall *call, GError **error)
{
    (void)error;
    board_tree_text(pc_board(call->machine->pc), call->text);
    return true;
}

static const MonitorRow rows[] = {
    { "device_add", "device_add", .args = "driver:str *bus:str *id:str ...",
      .hmp_args = "driver:options", .run = run_device_add, .flags = MONITOR_UNLOCKED,
      .help = "add device, like -device" },
    { "device_del", "device_del", .args = "id:str", .run = run_device_del,
      .help = "ask the guest to let go of a device; DEVICE_DELETED tells when it has" },
    { NULL, "info qtree", .run = run_info_qtree, .help = "show device tree" },
    { 0 },
};

static const MonitorEvent events[] = {
    { "DEVICE_DELETED", "*device:str path:str", "a device has been unplugged" },
    { "ACPI_DEVICE_OST", "info:ACPIOSTInfo", "the guest says what became of a hot plug" },
    { 0 },
};

static const MonitorType types[] = {
    { "ACPISlotType", .values = "DIMM CPU" },
    { "ACPIOSTInfo",
      .members = "*device:str slot:str slot-type:ACPISlotType source:int status:int" },
    { 0 },
};

const MonitorTable monitor_device_table = { rows, types, events };
