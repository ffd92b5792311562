/* SPDX-License-Identifier: GPL-2.0-or-later */
/* monitor_vm.c - commands that keep the whole machine in its disks: savevm, loadvm, delvm, and
 * QMP's jobs of the same. */
#include <string.h>

#include "runtime/machine/machine_snapshot.h"
#include "runtime/machine/monitor/monitor_block.h"

/* ---- People ---- */

static bool run_savevm(MonitorCall *call, GError **error)
{
    const SnapshotOptions options = { .name = call_str(call, "name"), .replace = true };

    return machine_snapshot_save(call->machine, &options, error);
}

static bool run_loadvm(MonitorCall *call, GError **error)
{
    const SnapshotOptions options = { .name = call_str(call, "name") };

    return machine_snapshot_load(call->machine, &options, error);
}

static bool run_delvm(MonitorCall *call, GError **error)
{
    const SnapshotOptions options = { .name = call_str(call, "name") };

    return machine_snapshot_delete(call->machine, &options, error);
}

static char *size_words(uint64_t size)
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    double value = (double)size;
    unsigned unit = 0;

    while (value >= 1000.0 && unit + 1 < G_N_ELEMENTS(units)) {
        value /= 1024.0;
        unit++;
    }
    return g_strdup_printf("%0.3g %s", value, units[unit]);
}

static void snapshot_print(GString *text, const BlockSnapshot *snapshot)
{
    g_autoptr(GDateTime) date = g_date_time_new_from_unix_local(snapshot->date_s);
    g_autofree char *when = g_date_time_format(date, "%Y-%m-%d %H:%M:%S");
    g_autofree char *size = size_words(snapshot->vm_state_size);
    uint64_t ms = snapshot->vm_clock_ns / 1000000;
    g_autofree char *clock = g_strdup_printf("%02u:%02u:%02u.%03u", (unsigned)(ms / 3600000),
                                             (unsigned)(ms / 60000 % 60),
                                             (unsigned)(ms / 1000 % 60), (unsigned)(ms % 1000));

    g_string_append_printf(text, "%-9s %-16s %8s%20s%13s%11s\n", "--", snapshot->name, size, when,
                           clock, "");
}

static bool run_info_snapshots(MonitorCall *call, GError **error)
{
    GArray *list = machine_snapshot_list(call->machine, error);

    if (list == NULL) {
        return false;
    }
    if (list->len == 0) {
        g_string_append(call->text, "There is no snapshot available.\n");
    } else {
        g_string_append_printf(call->text,
                               "List of snapshots present on all disks:\n"
                               "%-10s%-17s%8s%20s%13s%11s\n",
                               "ID", "TAG", "VM SIZE", "DATE", "VM CLOCK", "ICOUNT");
    }
    for (guint i = 0; i < list->len; i++) {
        snapshot_print(call->text, &g_array_index(list, BlockSnapshot, i));
    }
    block_snapshot_list_free(list);
    return true;
}

/* ---- Programs: jobs ---- */

typedef bool SnapshotWork(Machine *machine, const SnapshotOptions *options, GError **error);

typedef struct Task {
    Machine *machine;
    SnapshotWork *work;
    char *tag, *vm_state;
    char **devices;
} Task;

static bool task_run(void *opaque, GError **error)
{
    Task *task = opaque;
    const SnapshotOptions options = { .name = task->tag,
                                      .vm_state = task->vm_state,
                                      .devices = (const char *const *)task->devices };

    return task->work(task->machine, &options, error);
}

static void task_free(void *opaque)
{
    Task *task = opaque;

    g_strfreev(task->devices);
    g_free(task->vm_state);
    g_free(task->tag);
    g_free(task);
}

static bool task_start(MonitorCall *call, const char *type, SnapshotWork *work, GError **error)
{
    JsonArray *array = json_object_get_array_member(call->args, "devices");
    guint n = json_array_get_length(array);
    Task *task;

    if (n == 0) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC, "At least one device must be given");
    }
    task = g_new0(Task, 1);
    task->machine = call->machine;
    task->work = work;
    task->tag = g_strdup(call_str(call, "tag"));
    task->vm_state = g_strdup(call_str(call, "vmstate"));
    task->devices = g_new0(char *, n + 1);
    for (guint i = 0; i < n; i++) {
        task->devices[i] = g_strdup(json_array_get_string_element(array, i));
    }
    return block_job_start_task(call->machine->jobs, call_str(call, "job-id"), type, task_run,
                                task_free, task, error);
}

static bool run_snapshot_save(MonitorCall *call, GError **error)
{
    return task_start(call, "snapshot-save", machine_snapshot_save, error);
}

static bool run_snapshot_load(MonitorCall *call, GError **error)
{
    return task_start(call, "snapshot-load", machine_snapshot_load, error);
}

static bool run_snapshot_delete(MonitorCall *call, GError **error)
{
    return task_start(call, "snapshot-delete", machine_snapshot_delete, error);
}

static const MonitorRow rows[] = {
    { NULL, "savevm", .hmp_args = "*name:str", .run = run_savevm, .flags = MONITOR_UNLOCKED,
      .help = "save the machine in a snapshot of its disks" },
    { NULL, "loadvm", .hmp_args = "name:str", .run = run_loadvm, .flags = MONITOR_UNLOCKED,
      .help = "go back to a snapshot" },
    { NULL, "delvm", .hmp_args = "name:str", .run = run_delvm, .flags = MONITOR_UNLOCKED,
      .help = "delete a snapshot of all disks" },
    { NULL, "info snapshots", .run = run_info_snapshots,
      .help = "show the snapshots that all disks have" },
    { "snapshot-save", .args = "job-id:str tag:str vmstate:str devices:[str]",
      .run = run_snapshot_save, .help = "save the machine in a snapshot of the named disks" },
    { "snapshot-load", .args = "job-id:str tag:str vmstate:str devices:[str]",
      .run = run_snapshot_load, .help = "go back to a snapshot of the named disks" },
    { "snapshot-delete", .args = "job-id:str tag:str devices:[str]", .run = run_snapshot_delete,
      .help = "delete a snapshot of the named disks" },
    { 0 },
};

const MonitorTable monitor_vm_table = { rows, NULL, NULL };
