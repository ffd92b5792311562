/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_numa.c - commands about what guest RAM is made of: info numa, query-memdev. */
#include <inttypes.h>

#include "runtime/machine/machine_int.h"
#include "runtime/machine/monitor/monitor_int.h"

static bool run_info_numa(MonitorCall *call, GError **error)
{
    const Machine *machine = call->machine;
    const Numa *numa = machine->numa;

    (void)error;
    g_string_append_printf(call->text, "%u nodes\n", numa_nodes(numa));
    for (unsigned node = 0; node < numa_nodes(numa); node++) {
        g_string_append_printf(call->text, "node %u cpus:", node);
        for (unsigned i = 0; i < machine_cpu_count(machine); i++) {
            if (machine_has_cpu(machine, i) && numa_cpu_node(numa, i) == node) {
                g_string_append_printf(call->text, " %u", i);
            }
        }
        g_string_append_printf(call->text,
                               "\nnode %u size: %" PRIu64 " MB\nnode %u plugged: 0 MB\n", node,
                               numa_memory(numa, node) >> 20, node);
    }
    return true;
}

static void memdev_tell(void *opaque, const char *id, void *object)
{
    const MemoryBackendInfo *info = memory_backend_info(object);
    JsonObject *memdev = json_array_new_object(opaque);
    JsonArray *nodes = json_array_new();

    json_object_set_string_member(memdev, "id", id);
    json_object_set_int_member(memdev, "size", (gint64)info->size);
    json_object_set_boolean_member(memdev, "merge", info->merge);
    json_object_set_boolean_member(memdev, "dump", info->dump);
    json_object_set_boolean_member(memdev, "prealloc", info->prealloc);
    json_object_set_boolean_member(memdev, "share", info->share);
    json_object_set_boolean_member(memdev, "reserve", info->reserve);
    for (unsigned i = 0; i < MEMORY_HOST_NODES; i++) {
        if (info->host_nodes[i / 64] >> (i % 64) & 1) {
            json_array_add_int_element(nodes, i);
        }
    }
    json_object_set_array_member(memdev, "host-nodes", nodes);
    json_object_set_string_member(memdev, "policy", memory_policy_names[info->policy]);
}

static bool run_query_memdev(MonitorCall *call, GError **error)
{
    JsonArray *array = call_array(call);
    Machine *machine = call->machine;

    (void)error;
    if (machine->ram != NULL) {
        memdev_tell(array, memory_backend_info(machine->ram)->id, machine->ram);
    }
    objects_each(machine->objects, "memory-backend", memdev_tell, array);
    return true;
}

static void memdev_show(GString *text, JsonObject *memdev)
{
    static const char *const switches[] = { "merge", "dump", "prealloc", "share", "reserve" };
    JsonArray *nodes = json_object_get_array_member(memdev, "host-nodes");

    g_string_append_printf(text, "memory backend: %s\n  size:  %" G_GINT64_FORMAT "\n",
                           json_object_get_string_member(memdev, "id"),
                           json_object_get_int_member(memdev, "size"));
    for (size_t i = 0; i < G_N_ELEMENTS(switches); i++) {
        g_string_append_printf(text, "  %s: %s\n", switches[i],
                               json_object_get_boolean_member(memdev, switches[i]) ? "true"
                                                                                   : "false");
    }
    g_string_append_printf(
        text, "  policy: %s\n  host nodes: ", json_object_get_string_member(memdev, "policy"));
    for (guint i = 0; i < json_array_get_length(nodes); i++) {
        g_string_append_printf(text, "%s%" G_GINT64_FORMAT, i != 0 ? ", " : "",
                               json_array_get_int_element(nodes, i));
    }
    g_string_append_c(text, '\n');
}

static void show_memdev(MonitorCall *call)
{
    JsonArray *array = json_node_get_array(call->result);

    for (guint i = 0; i < json_array_get_length(array); i++) {
        memdev_show(call->text, json_array_get_object_element(array, i));
    }
    g_string_append_c(call->text, '\n');
}

static const MonitorRow rows[] = {
    { .hmp = "info numa", .run = run_info_numa, .help = "show NUMA information" },
    { "query-memdev", "info memdev", .result = "[Memdev]", .run = run_query_memdev,
      .show = show_memdev, .flags = MONITOR_EMPTY, .help = "show memory backends" },
    { 0 },
};

static const MonitorType types[] = {
    { "HostMemPolicy", .values = "default preferred bind interleave" },
    { "Memdev", .members = "*id:str size:size merge:bool dump:bool prealloc:bool share:bool "
                           "*reserve:bool host-nodes:[int] policy:HostMemPolicy" },
    { 0 },
};

const MonitorTable monitor_numa_table = { .rows = rows, .types = types };
