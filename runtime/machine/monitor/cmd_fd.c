/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_fd.c - descriptors that a client passes along: by name (getfd) and in sets (add-fd), which
 * /dev/fdset/N opens. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "runtime/machine/fdset.h"
#include "runtime/machine/machine_int.h"
#include "runtime/machine/monitor/monitor_int.h"

static int call_fd(MonitorCall *call, GError **error)
{
    int fd = call->monitor != NULL ? chardev_take_fd(call->monitor->chr) : -1;

    if (fd < 0) {
        monitor_fail(error, MONITOR_ERROR_GENERIC, "No file descriptor supplied via SCM_RIGHTS");
    }
    return fd;
}

static bool run_getfd(MonitorCall *call, GError **error)
{
    const char *name = call_str(call, "fdname");
    int fd = call_fd(call, error);

    if (fd < 0) {
        return false;
    }
    if (g_ascii_isdigit(*name)) {
        close(fd);
        return monitor_fail(error, MONITOR_ERROR_GENERIC,
                            "Parameter 'fdname' expects a name not starting with a digit");
    }
    g_hash_table_replace(call->machine->monitors->fds, g_strdup(name), GINT_TO_POINTER(fd));
    return true;
}

static bool run_closefd(MonitorCall *call, GError **error)
{
    const char *name = call_str(call, "fdname");

    return g_hash_table_remove(call->machine->monitors->fds, name) ||
           monitor_fail(error, MONITOR_ERROR_GENERIC, "File descriptor named '%s' not found", name);
}

int monitors_take_fd(Monitors *monitors, const char *name)
{
    gpointer key, value;

    if (!g_hash_table_steal_extended(monitors->fds, name, &key, &value)) {
        return -1;
    }
    g_free(key);
    return GPOINTER_TO_INT(value);
}

/* ---- Sets ---- */

static bool run_add_fd(MonitorCall *call, GError **error)
{
    int fd = call_fd(call, error);
    int64_t set;
    JsonObject *result;

    if (fd < 0) {
        return false;
    }
    set = fdsets_add(call->machine->fdsets, call_int(call, "fdset-id", -1), fd,
                     call_str(call, "opaque"), error);
    if (set < 0) {
        close(fd);
        return false;
    }
    block_graph_add_fd(call->machine->graph, (unsigned)set, fcntl(fd, F_DUPFD_CLOEXEC, 0), fd);
    result = call_object(call);
    json_object_set_int_member(result, "fdset-id", set);
    json_object_set_int_member(result, "fd", fd);
    return true;
}

static bool run_remove_fd(MonitorCall *call, GError **error)
{
    int64_t set = call_int(call, "fdset-id", -1);
    int fd = (int)call_int(call, "fd", -1);

    if (!fdsets_remove(call->machine->fdsets, set, fd, error)) {
        return false;
    }
    block_graph_remove_fd(call->machine->graph, (unsigned)set, fd);
    return true;
}

typedef struct FdList {
    JsonArray *sets, *fds;
    int64_t set;
} FdList;

static void add_descriptor(void *opaque, int64_t set, int fd, const char *words)
{
    FdList *list = opaque;
    JsonObject *object;

    if (list->fds == NULL || list->set != set) {
        object = json_array_new_object(list->sets);
        list->set = set;
        list->fds = json_array_new();
        json_object_set_int_member(object, "fdset-id", set);
        json_object_set_array_member(object, "fds", list->fds);
    }
    object = json_array_new_object(list->fds);
    json_object_set_int_member(object, "fd", fd);
    if (words != NULL) {
        json_object_set_string_member(object, "opaque", words);
    }
}

static bool run_query_fdsets(MonitorCall *call, GError **error)
{
    FdList list = { .sets = call_array(call) };

    (void)error;
    fdsets_each(call->machine->fdsets, add_descriptor, &list);
    return true;
}

static const MonitorRow rows[] = {
    { "getfd", "getfd", .args = "fdname:str", .run = run_getfd, .flags = MONITOR_EMPTY,
      .help = "receive a file descriptor via SCM rights and assign it a name" },
    { "closefd", "closefd", .args = "fdname:str", .run = run_closefd, .flags = MONITOR_EMPTY,
      .help = "close a file descriptor previously passed via SCM rights" },
    { "add-fd", .args = "*fdset-id:int *opaque:str", .result = "AddfdInfo", .run = run_add_fd,
      .flags = MONITOR_EMPTY, .help = "add a file descriptor, passed via SCM rights, to a set" },
    { "remove-fd", .args = "fdset-id:int *fd:int", .run = run_remove_fd, .flags = MONITOR_EMPTY,
      .help = "remove a file descriptor from a set" },
    { "query-fdsets", .result = "[FdsetInfo]", .run = run_query_fdsets, .flags = MONITOR_EMPTY,
      .help = "all sets of file descriptors" },
    { 0 },
};

static const MonitorType types[] = {
    { "AddfdInfo", .members = "fdset-id:int fd:int" },
    { "FdsetFdInfo", .members = "fd:int *opaque:str" },
    { "FdsetInfo", .members = "fdset-id:int fds:[FdsetFdInfo]" },
    { 0 },
};

const MonitorTable monitor_fd_table = { .rows = rows, .types = types };
