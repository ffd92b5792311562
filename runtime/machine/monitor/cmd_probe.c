/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_probe.c - what programs ask before they start a machine of their own: which machines, CPU
 * models, device types, options there are. All of it is read from the rows that make them. */
#include <string.h>

#include "hw/device.h"
#include "runtime/machine/machine_int.h"
#include "runtime/machine/machine_types.h"
#include "runtime/machine/monitor/monitor_rows.h"
#include "runtime/software_cpu/cpuid.h"

#define CPU_TYPE_SUFFIX "-x86_64-cpu"

/* ---- Machines ---- */

static bool run_query_machines(MonitorCall *call, GError **error)
{
    JsonArray *array = call_array(call);

    (void)error;
    for (const MachineType *type = machine_types; type->name != NULL; type++) {
        JsonObject *object;

        if (type->refusal != NULL) {
            continue;
        }
        object = json_array_new_object(array);
        json_object_set_boolean_member(object, "hotpluggable-cpus", !type->empty);
        json_object_set_string_member(object, "name", type->name);
        json_object_set_boolean_member(object, "numa-mem-supported", !type->empty);
        json_object_set_int_member(object, "cpu-max", type->empty ? 1 : PC_MAX_CPUS);
        json_object_set_boolean_member(object, "deprecated", FALSE);
        json_object_set_boolean_member(object, "acpi", !type->empty);
        if (type->is_default) {
            json_object_set_boolean_member(object, "is-default", TRUE);
        }
        if (type->alias != NULL) {
            json_object_set_string_member(object, "alias", type->alias);
        }
        if (!type->empty) {
            json_object_set_string_member(object, "default-cpu-type", "max" CPU_TYPE_SUFFIX);
            json_object_set_string_member(object, "default-ram-id", "pc.ram");
        }
    }
    return true;
}

/* ---- CPU models ---- */

static void add_model(void *opaque, const char *name, const char *alias_of)
{
    JsonObject *object = json_array_new_object(opaque);
    g_autoptr(CpuModel) model = cpu_model_new(name, NULL);
    g_autofree char *type = g_strconcat(name, CPU_TYPE_SUFFIX, NULL);
    JsonArray *lost = json_array_new();

    /* a model that loses flags on this host can be had, but is not what its name says */
    if (model != NULL && cpu_model_warnings(model)->len != 0) {
        json_array_add_string_element(lost, "host");
    }
    json_object_set_string_member(object, "name", name);
    json_object_set_string_member(object, "typename", type);
    json_object_set_array_member(object, "unavailable-features", lost);
    json_object_set_boolean_member(object, "static", FALSE);
    json_object_set_boolean_member(object, "migration-safe", strcmp(name, "max") != 0);
    json_object_set_boolean_member(object, "deprecated", FALSE);
    if (alias_of != NULL) {
        json_object_set_string_member(object, "alias-of", alias_of);
    }
}

static bool run_query_cpu_definitions(MonitorCall *call, GError **error)
{
    (void)error;
    cpu_model_each(add_model, call_array(call));
    return true;
}

static void add_flag(void *opaque, const char *name, bool set)
{
    json_object_set_boolean_member(opaque, name, set);
}

/* "name" and "props" of a model in the words of -cpu. */
static char *model_words(JsonObject *model)
{
    GString *words = g_string_new(json_object_get_string_member(model, "name"));
    JsonObject *props = json_object_has_member(model, "props")
                            ? json_object_get_object_member(model, "props")
                            : NULL;
    JsonObjectIter iter;
    const char *name;
    JsonNode *node;

    if (props != NULL) {
        json_object_iter_init_ordered(&iter, props);
        while (json_object_iter_next_ordered(&iter, &name, &node)) {
            if (JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_BOOLEAN) {
                g_string_append_printf(words, ",%s=%s", name,
                                       json_node_get_boolean(node) ? "on" : "off");
            }
        }
    }
    return g_string_free(words, FALSE);
}

static bool run_query_cpu_model_expansion(MonitorCall *call, GError **error)
{
    JsonObject *asked = json_object_get_object_member(call->args, "model");
    g_autofree char *words = model_words(asked);
    g_autoptr(CpuModel) model = cpu_model_new(words, error);
    JsonObject *expanded = json_object_new(), *props = json_object_new();

    if (model == NULL) {
        json_object_unref(expanded);
        json_object_unref(props);
        return false;
    }
    cpu_model_each_flag(model, add_flag, props);
    json_object_set_string_member(expanded, "name", json_object_get_string_member(asked, "name"));
    json_object_set_object_member(expanded, "props", props);
    json_object_set_object_member(call_object(call), "model", expanded);
    return true;
}

/* ---- Types of devices ---- */

static void add_type(JsonArray *array, const char *name, const char *parent)
{
    JsonObject *object = json_array_new_object(array);

    json_object_set_string_member(object, "name", name);
    json_object_set_string_member(object, "parent", parent);
}

static void add_cpu_type(void *opaque, const char *name, const char *alias_of)
{
    g_autofree char *type = g_strconcat(name, CPU_TYPE_SUFFIX, NULL);

    if (alias_of == NULL) {
        add_type(opaque, type, "x86_64-cpu");
    }
}

static bool run_qom_list_types(MonitorCall *call, GError **error)
{
    const char *implements = call_str(call, "implements");
    bool all = implements == NULL || strcmp(implements, "object") == 0;
    JsonArray *array = call_array(call);

    (void)error;
    for (size_t i = 0; device_types[i] != NULL; i++) {
        if (all || strcmp(implements, "device") == 0) {
            add_type(array, device_types[i]->name, "device");
        }
    }
    if (all || strcmp(implements, "device") == 0 || strcmp(implements, "cpu") == 0 ||
        strcmp(implements, "x86_64-cpu") == 0) {
        cpu_model_each(add_cpu_type, array);
    }
    for (const MachineType *type = machine_types; type->name != NULL; type++) {
        g_autofree char *name = g_strconcat(type->name, "-machine", NULL);

        if ((all || strcmp(implements, "machine") == 0) && type->refusal == NULL) {
            add_type(array, name, "machine");
        }
    }
    return true;
}

static bool run_device_list_properties(MonitorCall *call, GError **error)
{
    const char *name = call_str(call, "typename");
    const DeviceType *type = device_type_find(name);
    const Property *property;
    JsonArray *array;

    if (type == NULL) {
        return monitor_fail(error, MONITOR_ERROR_DEVICE_NOT_FOUND, "Device '%s' not found", name);
    }
    array = call_array(call);
    for (unsigned i = 0; (property = device_type_property(type, i)) != NULL; i++) {
        JsonObject *object;

        if (property->kind == PROPERTY_LINK) {
            continue;
        }
        object = json_array_new_object(array);
        json_object_set_string_member(object, "name", property->name);
        json_object_set_string_member(object, "type", property_type_name(property));
        if (property->help != NULL) {
            json_object_set_string_member(object, "description", property->help);
        }
    }
    return true;
}

/* ---- Options ---- */

static void add_option(void *opaque, const char *name, const char *argument, const char *help)
{
    MonitorCall *call = opaque;
    const char *wanted = call_str(call, "option");
    JsonObject *object;

    (void)help;
    if (argument == NULL || (wanted != NULL && strcmp(wanted, name) != 0)) {
        return;
    }
    object = json_array_new_object(json_node_get_array(call->result));
    json_object_set_string_member(object, "option", name);
    json_object_set_array_member(object, "parameters", json_array_new());
}

static bool run_query_command_line_options(MonitorCall *call, GError **error)
{
    const char *wanted = call_str(call, "option");
    JsonArray *array = call_array(call);

    options_each(add_option, call);
    return wanted == NULL || json_array_get_length(array) != 0 ||
           monitor_fail(error, MONITOR_ERROR_GENERIC, "invalid option name: %s", wanted);
}

/* ---- What doppel has none of ---- */

static bool run_query_nothing(MonitorCall *call, GError **error)
{
    (void)error;
    call_array(call);
    return true;
}

static bool run_query_sev(MonitorCall *call, GError **error)
{
    (void)call;
    return monitor_fail(error, MONITOR_ERROR_GENERIC, "SEV is not available");
}

static bool run_query_sgx(MonitorCall *call, GError **error)
{
    (void)call;
    return monitor_fail(error, MONITOR_ERROR_GENERIC, "SGX is not available");
}

static const MonitorRow rows[] = {
    { "query-machines", .result = "[MachineInfo]", .run = run_query_machines,
      .flags = MONITOR_EMPTY, .help = "which machines there are" },
    { "query-cpu-definitions", .result = "[CpuDefinitionInfo]", .run = run_query_cpu_definitions,
      .flags = MONITOR_EMPTY, .help = "which CPU models there are" },
    { "query-cpu-model-expansion", .args = "type:CpuModelExpansionType model:CpuModelInfo",
      .result = "CpuModelExpansionInfo", .run = run_query_cpu_model_expansion,
      .flags = MONITOR_EMPTY, .help = "the flags of a CPU model, on this host" },
    { "qom-list-types", .args = "*implements:str *abstract:bool", .result = "[ObjectTypeInfo]",
      .run = run_qom_list_types, .flags = MONITOR_EMPTY,
      .help = "types of devices, CPUs, machines" },
    { "device-list-properties", .args = "typename:str", .result = "[ObjectPropertyInfo]",
      .run = run_device_list_properties, .flags = MONITOR_EMPTY,
      .help = "the properties of a type of device" },
    { "query-command-line-options", .args = "*option:str", .result = "[CommandLineOptionInfo]",
      .run = run_query_command_line_options, .flags = MONITOR_EMPTY,
      .help = "which options there are" },
    { "query-tpm-models", .result = "[str]", .run = run_query_nothing, .flags = MONITOR_EMPTY,
      .help = "models of TPMs: none" },
    { "query-tpm-types", .result = "[str]", .run = run_query_nothing, .flags = MONITOR_EMPTY,
      .help = "kinds of TPM back ends: none" },
    { "query-iothreads", .result = "[any]", .run = run_query_nothing, .flags = MONITOR_EMPTY,
      .help = "threads of devices of their own: none" },
    { "query-sev-capabilities", .result = "any", .run = run_query_sev, .flags = MONITOR_EMPTY,
      .help = "encrypted guests: none" },
    { "query-sgx-capabilities", .result = "any", .run = run_query_sgx, .flags = MONITOR_EMPTY,
      .help = "enclaves: none" },
    { 0 },
};

static const MonitorType types[] = {
    { "MachineInfo", .members = "name:str *alias:str *is-default:bool cpu-max:int "
                                "hotpluggable-cpus:bool numa-mem-supported:bool deprecated:bool "
                                "*default-cpu-type:str *default-ram-id:str acpi:bool" },
    { "CpuDefinitionInfo", .members = "name:str *migration-safe:bool static:bool "
                                      "*unavailable-features:[str] typename:str *alias-of:str "
                                      "deprecated:bool" },
    { "CpuModelExpansionType", .values = "static full" },
    { "CpuModelInfo", .members = "name:str *props:any" },
    { "CpuModelExpansionInfo", .members = "model:CpuModelInfo" },
    { "ObjectTypeInfo", .members = "name:str *abstract:bool *parent:str" },
    { "ObjectPropertyInfo", .members = "name:str type:str *description:str *default-value:any" },
    { "CommandLineOptionInfo", .members = "option:str parameters:[CommandLineParameterInfo]" },
    { "CommandLineParameterInfo", .members = "name:str type:str *help:str *default:str" },
    { 0 },
};

const MonitorTable monitor_probe_table = { .rows = rows, .types = types };
