/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_qom_tree.c - the machine as QEMU's tree of objects: qom-list, qom-get, qom-set.
 *
 *     /machine                    the machine's properties
 *     /machine/peripheral/ID      devices that have an id
 *     /machine/peripheral-anon    devices of -device without one
 *     /machine/unattached         CPUs, as device[N], and the board's own devices
 *     /objects/ID                 -object
 *     /chardevs/ID                character devices
 *
 * Nothing is stored: a node is found by walking, its properties are told one by one, and what
 * qom-list and qom-get want is picked from these. */
#include <string.h>

#include "hw/board.h"
#include "runtime/machine/machine_int.h"
#include "runtime/machine/machine_types.h"
#include "runtime/machine/monitor/qom_int.h"
#include "runtime/software_cpu/cpuid.h"

const QomName qom_device_common[] = {
    { "type", "string" },     { "parent_bus", "link<bus>" }, { "realized", "bool" },
    { "hotplugged", "bool" }, { "hotpluggable", "bool" },    { NULL, NULL },
};

const QomName qom_cpu_common[] = {
    { "start-powered-off", "bool" },
    { "vendor", "string" },
    { "model-id", "string" },
    { "family", "int" },
    { "model", "int" },
    { "stepping", "int" },
    { "apic-id", "uint32" },
    { "phys-bits", "uint32" },
    { "tsc-frequency", "int" },
    { "unavailable-features", "strList" },
    { NULL, NULL },
};

/* One property of a node; takes the value, which is NULL for what only links to others. */
typedef struct QomWalk QomWalk;
struct QomWalk {
    Machine *machine;
    void (*each)(QomWalk *walk, const char *name, const char *type, JsonNode *value);
    JsonArray *array;   /* qom-list: all of them */
    const char *wanted; /* qom-get: this one */
    JsonNode *value;
    bool found;
};

/* ---- Values ---- */

static JsonNode *string_node(const char *text)
{
    return json_node_init_string(json_node_alloc(), text);
}

static JsonNode *bool_node(bool value)
{
    return json_node_init_boolean(json_node_alloc(), value);
}

static JsonNode *int_node(int64_t value)
{
    return json_node_init_int(json_node_alloc(), value);
}

static void tell_child(QomWalk *walk, const char *name, const char *type, const char *path)
{
    g_autofree char *child = g_strdup_printf("child<%s>", type);

    walk->each(walk, name, child, string_node(path));
}

static void tell_string(QomWalk *walk, const char *name, const char *text)
{
    walk->each(walk, name, "string", string_node(text != NULL ? text : ""));
}

/* ---- Devices ---- */

static void tell_device(QomWalk *walk, const Device *dev)
{
    const Property *property;

    tell_string(walk, "type", dev->type->name);
    tell_string(walk, "parent_bus", dev->bus != NULL ? dev->bus->name : NULL);
    walk->each(walk, "realized", "bool", bool_node(dev->created));
    walk->each(walk, "hotplugged", "bool", bool_node(dev->hot));
    walk->each(walk, "hotpluggable", "bool", bool_node(dev->type->hotpluggable));
    for (unsigned i = 0; (property = device_type_property(dev->type, i)) != NULL; i++) {
        g_autoptr(GVariant) value = property_value(dev, property);

        if (value != NULL) {
            g_variant_ref_sink(value);
            walk->each(walk, property->name, property_type_name(property),
                       json_gvariant_serialize(value));
        }
    }
}

/* Those whose path begins with `folder`. */
static void tell_devices(QomWalk *walk, const char *folder)
{
    Board *board = walk->machine->pc != NULL ? pc_board(walk->machine->pc) : NULL;

    for (guint i = 0; board != NULL && i < board->devices->len; i++) {
        const Device *dev = g_ptr_array_index(board->devices, i);
        g_autofree char *path = device_path(dev);

        if (g_str_has_prefix(path, folder) && path[strlen(folder)] == '/') {
            tell_child(walk, path + strlen(folder) + 1, dev->type->name, path);
        }
    }
}

static const Device *device_at(Machine *machine, const char *path)
{
    Board *board = machine->pc != NULL ? pc_board(machine->pc) : NULL;

    for (guint i = 0; board != NULL && i < board->devices->len; i++) {
        const Device *dev = g_ptr_array_index(board->devices, i);
        g_autofree char *own = device_path(dev);

        /* a path that does not begin at the root is the end of one */
        if (strcmp(own, path) == 0 || (*path != '/' && g_strcmp0(dev->id, path) == 0)) {
            return dev;
        }
    }
    return NULL;
}

/* ---- CPUs ---- */

static void tell_flag(void *opaque, const char *name, bool set)
{
    QomWalk *walk = opaque;

    walk->each(walk, name, "bool", bool_node(set));
}

static void tell_signature(QomWalk *walk, uint32_t signature)
{
    uint32_t family = signature >> 8 & 0xf, model = signature >> 4 & 0xf;

    model |= family == 6 || family == 15 ? signature >> 12 & 0xf0 : 0;
    family += family == 15 ? signature >> 20 & 0xff : 0;
    walk->each(walk, "family", "int", int_node(family));
    walk->each(walk, "model", "int", int_node(model));
    walk->each(walk, "stepping", "int", int_node(signature & 0xf));
}

static void tell_cpu(QomWalk *walk, unsigned index)
{
    const CpuModel *model = walk->machine->model;
    g_autofree char *type = g_strconcat(cpu_model_name(model), "-x86_64-cpu", NULL);

    tell_string(walk, "type", type);
    walk->each(walk, "realized", "bool", bool_node(true));
    walk->each(walk, "hotplugged", "bool", bool_node(false));
    walk->each(walk, "hotpluggable", "bool", bool_node(false));
    walk->each(walk, "start-powered-off", "bool", bool_node(false));
    tell_string(walk, "vendor", cpu_model_vendor(model));
    tell_string(walk, "model-id", cpu_model_brand(model));
    tell_signature(walk, cpu_model_signature(model));
    walk->each(walk, "apic-id", "uint32", int_node(walk->machine->apic_ids[index]));
    walk->each(walk, "phys-bits", "uint32", int_node(cpu_model_phys_bits(model)));
    walk->each(walk, "tsc-frequency", "int", int_node((int64_t)cpu_model_tsc_hz(model)));
    cpu_model_each_flag(model, tell_flag, walk);
    walk->each(walk, "unavailable-features", "strList",
               json_node_init_array(json_node_alloc(), json_array_new()));
}

static void tell_unattached(QomWalk *walk)
{
    g_autofree char *type = g_strconcat(cpu_model_name(walk->machine->model), "-x86_64-cpu", NULL);

    for (unsigned i = 0; i < machine_cpu_count(walk->machine); i++) {
        g_autofree char *name = g_strdup_printf("device[%u]", i);
        g_autofree char *path = g_strconcat("/machine/unattached/", name, NULL);

        tell_child(walk, name, type, path);
    }
    tell_devices(walk, "/machine/unattached");
}

/* ---- The machine ---- */

static void tell_machine(QomWalk *walk)
{
    const Options *options = walk->machine->options;
    g_autofree char *type = g_strconcat(options->machine_type->name, "-machine", NULL);

    tell_string(walk, "type", type);
    tell_child(walk, "peripheral", "container", "/machine/peripheral");
    tell_child(walk, "peripheral-anon", "container", "/machine/peripheral-anon");
    tell_child(walk, "unattached", "container", "/machine/unattached");
    tell_string(walk, "kernel", options->kernel);
    tell_string(walk, "initrd", options->initrd);
    tell_string(walk, "append", options->append);
    tell_string(walk, "firmware", options->bios);
    walk->each(walk, "acpi", "OnOffAuto", string_node(options->acpi ? "on" : "off"));
    walk->each(walk, "hpet", "bool", bool_node(options->hpet));
    walk->each(walk, "graphics", "bool", bool_node(options->graphics));
    walk->each(walk, "usb", "bool", bool_node(false));
}

/* ---- Objects and character devices ---- */

static void tell_object(void *opaque, const char *id, const char *type)
{
    g_autofree char *path = g_strconcat("/objects/", id, NULL);

    tell_child(opaque, id, type, path);
}

static void tell_objects(QomWalk *walk)
{
    objects_each_id(walk->machine->objects, tell_object, walk);
}

static void tell_chardevs(QomWalk *walk)
{
    for (guint i = 0; i < walk->machine->chardevs->len; i++) {
        const CharDev *chr = g_ptr_array_index(walk->machine->chardevs, i);
        g_autofree char *path = g_strconcat("/chardevs/", chardev_label(chr), NULL);

        tell_child(walk, chardev_label(chr), "chardev", path);
    }
}

static void tell_root(QomWalk *walk)
{
    g_autofree char *type = g_strconcat(walk->machine->options->machine_type->name, "-machine",
                                        NULL);

    tell_string(walk, "type", "container");
    tell_child(walk, "machine", type, "/machine");
    tell_child(walk, "objects", "container", "/objects");
    tell_child(walk, "chardevs", "container", "/chardevs");
}

static void tell_peripheral(QomWalk *walk)
{
    tell_devices(walk, "/machine/peripheral");
}

static void tell_peripheral_anon(QomWalk *walk)
{
    tell_devices(walk, "/machine/peripheral-anon");
}

/* ---- Paths ---- */

static const struct {
    const char *path;
    void (*tell)(QomWalk *walk);
} folders[] = {
    { "/", tell_root },
    { "/machine", tell_machine },
    { "/machine/peripheral", tell_peripheral },
    { "/machine/peripheral-anon", tell_peripheral_anon },
    { "/machine/unattached", tell_unattached },
    { "/objects", tell_objects },
    { "/chardevs", tell_chardevs },
};

typedef struct ObjectSearch {
    const char *id;
    const char *type; /* NULL: there is none */
} ObjectSearch;

static void object_match(void *opaque, const char *id, const char *type)
{
    ObjectSearch *search = opaque;

    search->type = strcmp(id, search->id) == 0 ? type : search->type;
}

/* One of -object or a character device: they tell their type. */
static bool host_end_walk(QomWalk *walk, const char *path)
{
    ObjectSearch search = { path + strlen("/objects/"), NULL };

    if (g_str_has_prefix(path, "/chardevs/")) {
        if (machine_chardev(walk->machine, path + strlen("/chardevs/")) == NULL) {
            return false;
        }
        tell_string(walk, "type", "chardev");
        return true;
    }
    if (g_str_has_prefix(path, "/objects/")) {
        objects_each_id(walk->machine->objects, object_match, &search);
        if (search.type != NULL) {
            tell_string(walk, "type", search.type);
        }
    }
    return search.type != NULL;
}

static bool cpu_walk(QomWalk *walk, const char *path)
{
    for (unsigned i = 0; i < machine_cpu_count(walk->machine); i++) {
        g_autofree char *own = g_strdup_printf("/machine/unattached/device[%u]", i);

        if (strcmp(own, path) == 0) {
            tell_cpu(walk, i);
            return true;
        }
    }
    return false;
}

static bool node_walk(QomWalk *walk, const char *path, GError **error)
{
    const Device *dev;

    for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
        if (strcmp(folders[i].path, path) == 0) {
            folders[i].tell(walk);
            return true;
        }
    }
    dev = device_at(walk->machine, path);
    if (dev != NULL) {
        tell_device(walk, dev);
        return true;
    }
    return cpu_walk(walk, path) || host_end_walk(walk, path) ||
           monitor_fail(error, MONITOR_ERROR_DEVICE_NOT_FOUND, "Device '%s' not found", path);
}

/* ---- Commands ---- */

static void each_listed(QomWalk *walk, const char *name, const char *type, JsonNode *value)
{
    JsonObject *object = json_array_new_object(walk->array);

    json_object_set_string_member(object, "name", name);
    json_object_set_string_member(object, "type", type);
    json_node_unref(value);
}

static bool run_qom_list(MonitorCall *call, GError **error)
{
    QomWalk walk = { .machine = call->machine, .each = each_listed };

    walk.array = call_array(call);
    return node_walk(&walk, call_str(call, "path"), error);
}

static void show_qom_list(MonitorCall *call)
{
    JsonArray *array = json_node_get_array(call->result);

    for (guint i = 0; i < json_array_get_length(array); i++) {
        JsonObject *object = json_array_get_object_element(array, i);

        g_string_append_printf(call->text, "%s (%s)\n",
                               json_object_get_string_member(object, "name"),
                               json_object_get_string_member(object, "type"));
    }
}

static void each_sought(QomWalk *walk, const char *name, const char *type, JsonNode *value)
{
    (void)type;
    if (strcmp(name, walk->wanted) == 0 && !walk->found) {
        walk->found = true;
        walk->value = value;
    } else {
        json_node_unref(value);
    }
}

static bool property_find(MonitorCall *call, QomWalk *walk, GError **error)
{
    const char *path = call_str(call, "path");

    walk->machine = call->machine;
    walk->each = each_sought;
    walk->wanted = call_str(call, "property");
    return node_walk(walk, path, error) &&
           (walk->found ||
            monitor_fail(error, MONITOR_ERROR_GENERIC, "Property '%s.%s' not found",
                         strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path, walk->wanted));
}

static bool run_qom_get(MonitorCall *call, GError **error)
{
    QomWalk walk = { 0 };

    if (!property_find(call, &walk, error)) {
        return false;
    }
    g_clear_pointer(&call->result, json_node_unref);
    call->result = walk.value;
    return true;
}

static void show_qom_get(MonitorCall *call)
{
    g_autofree char *text = json_to_string(call->result, TRUE);

    g_string_append_printf(call->text, "%s\n", text);
}

/* What a device was made with stays so. */
static bool run_qom_set(MonitorCall *call, GError **error)
{
    QomWalk walk = { 0 };

    if (!property_find(call, &walk, error)) {
        return false;
    }
    json_node_unref(walk.value);
    return monitor_fail(error, MONITOR_ERROR_GENERIC,
                        "Attempt to set property '%s' of '%s' after it was realized", walk.wanted,
                        call_str(call, "path"));
}

static const MonitorRow rows[] = {
    { "qom-list", "qom-list", .args = "path:str", .result = "[ObjectPropertyInfo]",
      .run = run_qom_list, .show = show_qom_list, .flags = MONITOR_EMPTY,
      .help = "list QOM properties" },
    { "qom-get", "qom-get", .args = "path:str property:str", .result = "any", .run = run_qom_get,
      .show = show_qom_get, .flags = MONITOR_EMPTY, .help = "print QOM property" },
    { "qom-set", "qom-set", .args = "path:str property:str value:any",
      .hmp_args = "path:str property:str value:rest", .run = run_qom_set, .flags = MONITOR_EMPTY,
      .help = "set QOM property" },
    { 0 },
};

const MonitorTable monitor_qom_tree_table = { .rows = rows };
