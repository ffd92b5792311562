/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_probe.c - what programs ask before they start a machine of their own: which machines, CPU
 * models, options there are. All of it is read from the rows that make them. */
#include <string.h>

#include "runtime/machine/machine_int.h"
#include "runtime/machine/machine_types.h"
#include "runtime/machine/monitor/monitor_int.h"
#include "runtime/machine/option_groups.h"
#include "runtime/software_cpu/cpuid.h"

#define CPU_TYPE_SUFFIX "-x86_64-cpu"

/* ---- Machines ---- */

static void find_ram_backend(void *opaque, const char *name, const char *kind,
                             const char *const *keys)
{
    bool *found = opaque;

    (void)kind, (void)keys;
    *found = *found || strcmp(name, "memory-backend-ram") == 0;
}

/* Who reads of an id gives the machine its memory as an object of that id. */
static void set_ram_id(JsonObject *machine)
{
    bool found = false;

    objects_each_type(find_ram_backend, &found);
    if (found) {
        json_object_set_string_member(machine, "default-ram-id", "pc.ram");
    }
}

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
            /* no default-cpu-type: it is "max", which means something of its own to those who know
             * QEMU's as a model like the others */
            set_ram_id(object);
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

/* ---- Options ---- */

static bool run_query_command_line_options(MonitorCall *call, GError **error)
{
    const char *wanted = call_str(call, "option");
    JsonArray *array = call_array(call);

    for (const OptionGroup *group = option_groups; group->name != NULL; group++) {
        JsonArray *parameters;
        const char *at = group->parameters;
        JsonObject *object;
        Member member;

        if (wanted != NULL && strcmp(wanted, group->name) != 0) {
            continue;
        }
        object = json_array_new_object(array);
        parameters = json_array_new();
        while (member_next(&at, &member)) {
            JsonObject *parameter = json_array_new_object(parameters);

            json_object_set_string_member(parameter, "name", member.name);
            json_object_set_string_member(parameter, "type", member.type);
        }
        json_object_set_string_member(object, "option", group->name);
        json_object_set_array_member(object, "parameters", parameters);
    }
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
    { "CommandLineOptionInfo", .members = "option:str parameters:[CommandLineParameterInfo]" },
    { "CommandLineParameterInfo", .members = "name:str type:CommandLineParameterType "
                                             "*help:str *default:str" },
    { "CommandLineParameterType", .values = "string boolean number size" },
    { 0 },
};

const MonitorTable monitor_probe_table = { .rows = rows, .types = types };
