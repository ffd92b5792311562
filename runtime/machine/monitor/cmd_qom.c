/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_qom.c - types as QEMU's object model names them: of devices, CPUs, machines, objects and
 * character devices, and the properties that each has. All of it is read from their rows. */
#include <string.h>

#include "hw/device.h"
#include "runtime/machine/machine_int.h"
#include "runtime/machine/machine_types.h"
#include "runtime/machine/monitor/qom_int.h"
#include "runtime/machine/option_groups.h"
#include "runtime/software_cpu/cpuid.h"

#define CPU_SUFFIX     "-x86_64-cpu"
#define MACHINE_SUFFIX "-machine"

/* ---- Which there are ---- */

typedef struct TypeList {
    JsonArray *array;
    const char *wanted; /* what they implement; NULL: all */
} TypeList;

/* `chain`: what the type is besides, nearest first, separated by blanks. */
static void add_type(TypeList *list, const char *name, const char *chain)
{
    g_auto(GStrv) parents = g_strsplit(chain, " ", -1);
    JsonObject *object;

    if (list->wanted != NULL && strcmp(list->wanted, name) != 0 &&
        !g_strv_contains((const char *const *)parents, list->wanted)) {
        return;
    }
    object = json_array_new_object(list->array);
    json_object_set_string_member(object, "name", name);
    json_object_set_string_member(object, "parent", parents[0]);
}

static const char *device_chain(const DeviceType *type)
{
    static const char *const chains[][2] = {
        { "PCI", "pci-device device object" },
        { "ISA", "isa-device device object" },
        { "virtio-serial-bus", "virtio-serial-port device object" },
    };

    if (type->bus == NULL) {
        return "sys-bus-device device object";
    }
    for (size_t i = 0; i < G_N_ELEMENTS(chains); i++) {
        if (strcmp(type->bus->name, chains[i][0]) == 0) {
            return chains[i][1];
        }
    }
    return "device object";
}

static void add_cpu_type(void *opaque, const char *name, const char *alias_of)
{
    g_autofree char *type = g_strconcat(name, CPU_SUFFIX, NULL);

    if (alias_of == NULL) {
        add_type(opaque, type, "x86_64-cpu x86-cpu cpu device object");
    }
}

static void add_object_type(void *opaque, const char *name, const char *kind,
                            const char *const *keys)
{
    g_autofree char *chain = g_str_equal(kind, "rng") ? g_strdup("rng-backend object")
                                                      : g_strdup_printf("%s object", kind);

    (void)keys;
    add_type(opaque, name, chain);
}

static void add_chardev_type(const char *kind, void *opaque)
{
    g_autofree char *name = g_strconcat("chardev-", kind, NULL);

    add_type(opaque, name, "chardev object");
}

static void add_machines(TypeList *list)
{
    for (const MachineType *type = machine_types; type->name != NULL; type++) {
        g_autofree char *name = g_strconcat(type->name, MACHINE_SUFFIX, NULL);

        if (type->refusal == NULL) {
            add_type(list, name,
                     type->empty ? "machine object"
                                 : "generic-pc-machine x86-machine machine object");
        }
    }
}

static bool run_qom_list_types(MonitorCall *call, GError **error)
{
    TypeList list = { call_array(call), call_str(call, "implements") };

    (void)error;
    for (size_t i = 0; device_types[i] != NULL; i++) {
        add_type(&list, device_types[i]->name, device_chain(device_types[i]));
    }
    cpu_model_each(add_cpu_type, &list);
    add_machines(&list);
    objects_each_type(add_object_type, &list);
    chardev_each_kind(add_chardev_type, &list);
    add_type(&list, "dbt-accel", "accel object");
    add_type(&list, "interp-accel", "accel object");
    /* what -accel and -machine accel= take for the first of these */
    add_type(&list, "tcg-accel", "accel object");
    add_type(&list, "kvm-accel", "accel object");
    return true;
}

/* ---- What a type has ---- */

static void add_property(JsonArray *array, const char *name, const char *type, const char *help)
{
    JsonObject *object = json_array_new_object(array);

    json_object_set_string_member(object, "name", name);
    json_object_set_string_member(object, "type", type);
    if (help != NULL) {
        json_object_set_string_member(object, "description", help);
    }
}

static void add_device_properties(JsonArray *array, const DeviceType *type)
{
    const Property *property;

    for (unsigned i = 0; (property = device_type_property(type, i)) != NULL; i++) {
        if (property->kind != PROPERTY_LINK) {
            add_property(array, property->name, property_type_name(property), property->help);
        }
    }
}

static void add_device_common(JsonArray *array)
{
    for (size_t i = 0; qom_device_common[i].name != NULL; i++) {
        add_property(array, qom_device_common[i].name, qom_device_common[i].type, NULL);
    }
}

static void add_flag(void *opaque, const char *name, bool set)
{
    (void)set;
    add_property(opaque, name, "bool", NULL);
}

static void add_cpu_properties(JsonArray *array, const CpuModel *model)
{
    add_device_common(array);
    for (size_t i = 0; qom_cpu_common[i].name != NULL; i++) {
        add_property(array, qom_cpu_common[i].name, qom_cpu_common[i].type, NULL);
    }
    cpu_model_each_flag(model, add_flag, array);
}

static void add_machine_properties(JsonArray *array)
{
    const char *at = option_group_find("machine")->parameters;
    Member member;

    add_property(array, "type", "string", NULL);
    while (member_next(&at, &member)) {
        if (strcmp(member.name, "type") != 0 && strcmp(member.name, "accel") != 0) {
            add_property(array, member.name,
                         strcmp(member.type, "boolean") == 0 ? "bool" : member.type, NULL);
        }
    }
}

typedef struct ObjectSearch {
    const char *name;
    JsonArray *array; /* NULL: not found */
    MonitorCall *call;
} ObjectSearch;

static void add_object_properties(void *opaque, const char *name, const char *kind,
                                  const char *const *keys)
{
    ObjectSearch *search = opaque;

    (void)kind;
    if (strcmp(name, search->name) != 0) {
        return;
    }
    search->array = call_array(search->call);
    add_property(search->array, "type", "string", NULL);
    for (; *keys != NULL; keys++) {
        add_property(search->array, *keys, "string", NULL);
    }
}

static bool machine_type_known(const char *name)
{
    g_autofree char *machine = g_strndup(name, strlen(name) - strlen(MACHINE_SUFFIX));
    const MachineType *type = machine_type_find(machine);

    return type != NULL && type->refusal == NULL;
}

static bool run_qom_list_properties(MonitorCall *call, GError **error)
{
    const char *name = call_str(call, "typename");
    const DeviceType *type = device_type_find(name);
    ObjectSearch search = { name, NULL, call };

    if (type != NULL) {
        JsonArray *array = call_array(call);

        add_device_common(array);
        add_device_properties(array, type);
        return true;
    }
    if (g_str_has_suffix(name, CPU_SUFFIX)) {
        g_autofree char *words = g_strndup(name, strlen(name) - strlen(CPU_SUFFIX));
        g_autoptr(CpuModel) model = cpu_model_new(words, NULL);

        if (model != NULL) {
            add_cpu_properties(call_array(call), model);
            return true;
        }
    }
    if (g_str_has_suffix(name, MACHINE_SUFFIX) && machine_type_known(name)) {
        add_machine_properties(call_array(call));
        return true;
    }
    objects_each_type(add_object_properties, &search);
    return search.array != NULL ||
           monitor_fail(error, MONITOR_ERROR_DEVICE_NOT_FOUND, "Class '%s' not found", name);
}

static bool run_device_list_properties(MonitorCall *call, GError **error)
{
    const char *name = call_str(call, "typename");
    const DeviceType *type = device_type_find(name);

    if (type == NULL) {
        return monitor_fail(error, MONITOR_ERROR_DEVICE_NOT_FOUND, "Device '%s' not found", name);
    }
    add_device_properties(call_array(call), type);
    return true;
}

static const MonitorRow rows[] = {
    { "qom-list-types", .args = "*implements:str *abstract:bool", .result = "[ObjectTypeInfo]",
      .run = run_qom_list_types, .flags = MONITOR_EMPTY,
      .help = "types of devices, CPUs, machines, objects" },
    { "qom-list-properties", .args = "typename:str", .result = "[ObjectPropertyInfo]",
      .run = run_qom_list_properties, .flags = MONITOR_EMPTY, .help = "the properties of a type" },
    { "device-list-properties", .args = "typename:str", .result = "[ObjectPropertyInfo]",
      .run = run_device_list_properties, .flags = MONITOR_EMPTY,
      .help = "the properties of a type of device" },
    { 0 },
};

static const MonitorType types[] = {
    { "ObjectTypeInfo", .members = "name:str *abstract:bool *parent:str" },
    { "ObjectPropertyInfo", .members = "name:str type:str *description:str *default-value:any" },
    { 0 },
};

const MonitorTable monitor_qom_table = { .rows = rows, .types = types };
