/* SPDX-License-Identifier: GPL-2.0-or-later */
/* monitor_rows.c - all tables of commands, and what handlers need in common. */
#include "runtime/machine/monitor/monitor_rows.h"

#include <stdarg.h>
#include <string.h>

extern const MonitorTable monitor_machine_table, monitor_qmp_table, monitor_schema_table;
extern const MonitorTable monitor_cpu_table, monitor_memory_table, monitor_char_table;
extern const MonitorTable monitor_fd_table, monitor_probe_table, monitor_dump_table;
extern const MonitorTable monitor_debug_table, monitor_device_table, monitor_migration_table;
extern const MonitorTable monitor_display_table, monitor_input_table, monitor_block_table;
extern const MonitorTable monitor_qom_table, monitor_qom_tree_table;
extern const MonitorTable monitor_medium_table;
extern const MonitorTable monitor_action_table, monitor_interrupt_table, monitor_pci_table;
extern const MonitorTable monitor_job_table, monitor_snapshot_table, monitor_net_table;
extern const MonitorTable monitor_numa_table;
extern const MonitorTable monitor_nbd_table, monitor_vm_table, monitor_throttle_table;
extern const MonitorTable monitor_bitmap_table, monitor_transaction_table;

const MonitorTable *const monitor_tables[] = {
    &monitor_machine_table,   /* the machine as a whole */
    &monitor_action_table,    /* what the options have said */
    &monitor_device_table,    /* the tree of devices */
    &monitor_pci_table,       /* the bus that most are on */
    &monitor_interrupt_table, /* interrupt controllers */
    &monitor_migration_table, /* snapshots and migration */
    &monitor_block_table,     /* disks */
    &monitor_medium_table,    /* what is in drives */
    &monitor_throttle_table,  /* how fast they are */
    &monitor_job_table,       /* what goes on beside the guest */
    &monitor_snapshot_table,  /* of disks */
    &monitor_bitmap_table,    /* what of them has changed */
    &monitor_transaction_table,
    &monitor_vm_table,       /* of the machine in them */
    &monitor_nbd_table,      /* disks for others */
    &monitor_qmp_table,      /* the protocol itself */
    &monitor_schema_table,   /* the rows themselves */
    &monitor_cpu_table,      /* vCPUs */
    &monitor_memory_table,   /* guest memory */
    &monitor_numa_table,     /* what guest memory is made of */
    &monitor_char_table,     /* character devices */
    &monitor_fd_table,       /* descriptors */
    &monitor_display_table,  /* screens */
    &monitor_input_table,    /* keys and pointers */
    &monitor_net_table,      /* networks */
    &monitor_probe_table,    /* what there could be */
    &monitor_qom_table,      /* types and their properties */
    &monitor_qom_tree_table, /* the machine as a tree of objects */
    &monitor_dump_table,     /* guest memory into a file */
    &monitor_debug_table,    /* doppel itself */
    NULL,
};

const MonitorRow *monitor_row_find(const char *name)
{
    for (size_t t = 0; monitor_tables[t] != NULL; t++) {
        const MonitorRow *row = monitor_tables[t]->rows;

        for (; row != NULL && row->help != NULL; row++) {
            if (row->name != NULL && strcmp(row->name, name) == 0) {
                return row;
            }
        }
    }
    return NULL;
}

const MonitorType *monitor_type_find(const char *name)
{
    for (size_t t = 0; monitor_tables[t] != NULL; t++) {
        const MonitorType *type = monitor_tables[t]->types;

        for (; type != NULL && type->name != NULL; type++) {
            if (strcmp(type->name, name) == 0) {
                return type;
            }
        }
    }
    return NULL;
}

void monitor_rows_each(MonitorEachRow *each, void *opaque)
{
    for (size_t t = 0; monitor_tables[t] != NULL; t++) {
        const MonitorRow *row = monitor_tables[t]->rows;

        for (; row != NULL && row->help != NULL; row++) {
            each(row, opaque);
        }
    }
}

/* ---- Errors ---- */

GQuark monitor_error_quark(void)
{
    return g_quark_from_static_string("monitor-error");
}

const char *monitor_error_class(const GError *error)
{
    static const char *const classes[] = {
        [MONITOR_ERROR_GENERIC] = "GenericError",
        [MONITOR_ERROR_COMMAND_NOT_FOUND] = "CommandNotFound",
        [MONITOR_ERROR_DEVICE_NOT_ACTIVE] = "DeviceNotActive",
        [MONITOR_ERROR_DEVICE_NOT_FOUND] = "DeviceNotFound",
        [MONITOR_ERROR_KVM_MISSING_CAP] = "KVMMissingCap",
    };

    return error->domain == MONITOR_ERROR ? classes[error->code] : classes[MONITOR_ERROR_GENERIC];
}

bool monitor_fail(GError **error, MonitorError code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_propagate_error(error, g_error_new_valist(MONITOR_ERROR, (gint)code, format, args));
    va_end(args);
    return false;
}

/* ---- Arguments and results ---- */

bool call_has(const MonitorCall *call, const char *name)
{
    return json_object_has_member(call->args, name);
}

const char *call_str(const MonitorCall *call, const char *name)
{
    return json_object_get_string_member_with_default(call->args, name, NULL);
}

int64_t call_int(const MonitorCall *call, const char *name, int64_t otherwise)
{
    return json_object_get_int_member_with_default(call->args, name, otherwise);
}

bool call_bool(const MonitorCall *call, const char *name, bool otherwise)
{
    return json_object_get_boolean_member_with_default(call->args, name, otherwise);
}

JsonObject *call_object(MonitorCall *call)
{
    JsonObject *object = json_object_new();

    g_clear_pointer(&call->result, json_node_unref);
    call->result = json_node_alloc();
    json_node_init_object(call->result, object);
    json_object_unref(object); /* the node has its own reference */
    return object;
}

JsonArray *call_array(MonitorCall *call)
{
    JsonArray *array = json_array_new();

    g_clear_pointer(&call->result, json_node_unref);
    call->result = json_node_alloc();
    json_node_init_array(call->result, array);
    json_array_unref(array);
    return array;
}

JsonObject *json_array_new_object(JsonArray *array)
{
    JsonObject *object = json_object_new();

    json_array_add_object_element(array, object);
    return object;
}
