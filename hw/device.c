/* SPDX-License-Identifier: GPL-2.0-or-later */
/* device.c - devices made, plugged in, set up, unplugged. */
#include "hw/device.h"

#include <string.h>

#include "hw/board.h"

G_DEFINE_QUARK(device - error - quark, device_error)

/* ---- Types ---- */

const DeviceType *device_type_find(const char *name)
{
    for (unsigned i = 0; device_types[i] != NULL; i++) {
        if (strcmp(device_types[i]->name, name) == 0 ||
            g_strcmp0(device_types[i]->alias, name) == 0) {
            return device_types[i];
        }
    }
    return NULL;
}

static unsigned table_length(const Property *properties)
{
    unsigned n = 0;

    while (properties != NULL && properties[n].name != NULL) {
        n++;
    }
    return n;
}

const Property *device_type_property(const DeviceType *type, unsigned i)
{
    const Property *of_bus = type->bus != NULL ? type->bus->properties : NULL;
    unsigned own = table_length(type->properties);

    if (i < own) {
        return &type->properties[i];
    }
    return i - own < table_length(of_bus) ? &of_bus[i - own] : NULL;
}

bool device_type_is_cpu(const char *name)
{
    return g_str_has_suffix(name, "-x86_64-cpu");
}

const Property *device_property_find(const DeviceType *type, const char *name)
{
    const Property *property;

    for (unsigned i = 0; (property = device_type_property(type, i)) != NULL; i++) {
        if (strcmp(property->name, name) == 0) {
            return property;
        }
    }
    return NULL;
}

/* ---- Buses ---- */

void bus_init(Bus *bus, const BusType *type, Board *board, Device *parent, const char *name)
{
    bus->type = type;
    bus->board = board;
    bus->parent = parent;
    bus->name = g_strdup(name);
    bus->devices = g_ptr_array_new();
    g_ptr_array_add(board->buses, bus);
    if (parent != NULL) {
        if (parent->children == NULL) {
            parent->children = g_ptr_array_new();
        }
        g_ptr_array_add(parent->children, bus);
    }
}

void bus_clear(Bus *bus)
{
    while (bus->devices->len != 0) {
        device_free(g_ptr_array_index(bus->devices, bus->devices->len - 1));
    }
    if (bus->parent != NULL) {
        g_ptr_array_remove(bus->parent->children, bus);
    }
    g_ptr_array_remove(bus->board->buses, bus);
    g_clear_pointer(&bus->devices, g_ptr_array_unref);
    g_clear_pointer(&bus->name, g_free);
}

static bool bus_full(const Bus *bus)
{
    return bus->type->full != NULL && bus->type->full(bus);
}

/* The bus that `name` asks for, or the first that fits. */
static Bus *bus_choose(Board *board, const DeviceType *type, const char *name, GError **error)
{
    bool full = false;
    Bus *bus;

    if (name != NULL) {
        bus = board_find_bus(board, name);
        if (bus == NULL) {
            g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_BUS, "Bus '%s' not found", name);
        } else if (bus->type != type->bus) {
            g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_BUS, "Device '%s' can't go on %s bus",
                        type->name, bus->type->name);
            bus = NULL;
        } else if (bus_full(bus)) {
            g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_BUS, "Bus '%s' is full", name);
            bus = NULL;
        }
        return bus;
    }
    for (guint i = 0; i < board->buses->len; i++) {
        bus = g_ptr_array_index(board->buses, i);
        if (bus->type == type->bus && !bus_full(bus)) {
            return bus;
        }
        full |= bus->type == type->bus;
    }
    g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_BUS, "No %s'%s' bus found for device '%s'",
                full ? "free place on any " : "", type->bus->name, type->name);
    return NULL;
}

/* ---- Settings ---- */

static bool is_word_of_all(const char *name)
{
    return strcmp(name, "id") == 0 || strcmp(name, "bus") == 0 || strcmp(name, "driver") == 0;
}

static const char *setting_find(const DeviceSetting *settings, const char *name)
{
    const char *value = NULL;

    for (; settings != NULL && settings->name != NULL; settings++) {
        if (strcmp(settings->name, name) == 0) {
            value = settings->value; /* the last one counts */
        }
    }
    return value;
}

static bool setting_apply(Device *dev, const DeviceSetting *setting, GError **error)
{
    const Property *property = device_property_find(dev->type, setting->name);

    if (property == NULL || (property->kind == PROPERTY_LINK && setting->link == NULL)) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_PROPERTY, "Property '%s.%s' not found",
                    dev->type->name, setting->name);
        return false;
    }
    if (setting->link != NULL) {
        property_set_link(dev, property, setting->link);
    } else if (!property_set_text(dev, property, setting->value, error)) {
        return false;
    }
    if (setting->value != NULL) {
        g_hash_table_insert(dev->words, g_strdup(setting->name), g_strdup(setting->value));
    }
    return true;
}

static bool global_applies(const BoardGlobal *global, const DeviceType *type)
{
    return strcmp(global->driver, type->name) == 0 || g_strcmp0(global->driver, type->family) == 0;
}

static bool globals_apply(Device *dev, GError **error)
{
    const GArray *globals = dev->board->globals;

    for (guint i = 0; i < globals->len; i++) {
        const BoardGlobal *global = &g_array_index(globals, BoardGlobal, i);
        const DeviceSetting setting = { global->property, global->value, NULL };

        if (global_applies(global, dev->type) && !setting_apply(dev, &setting, error)) {
            g_prefix_error(error, "can't apply global %s.%s=%s: ", global->driver, global->property,
                           global->value);
            return false;
        }
    }
    return true;
}

static bool settings_apply(Device *dev, const DeviceSetting *settings, GError **error)
{
    const Property *property;

    for (unsigned i = 0; (property = device_type_property(dev->type, i)) != NULL; i++) {
        property_set_default(dev, property);
    }
    if (!globals_apply(dev, error)) {
        return false;
    }
    for (; settings != NULL && settings->name != NULL; settings++) {
        if (!is_word_of_all(settings->name) && !setting_apply(dev, settings, error)) {
            return false;
        }
    }
    return true;
}

static bool id_is_good(const char *id)
{
    static const char others[] = "-._";

    if (!g_ascii_isalpha(*id)) {
        return false;
    }
    while (*id != '\0' && (g_ascii_isalnum(*id) || strchr(others, *id) != NULL)) {
        id++;
    }
    return *id == '\0';
}

static bool id_take(Device *dev, const char *id, GError **error)
{
    if (id == NULL) {
        return true;
    }
    if (!id_is_good(id)) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_ID,
                    "Parameter 'id' expects an identifier, and '%s' is none (letters, digits, "
                    "'-', '.', '_', starting with a letter)",
                    id);
        return false;
    }
    if (board_find_device(dev->board, id) != NULL) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_ID, "Duplicate ID '%s' for device", id);
        return false;
    }
    dev->id = g_strdup(id);
    return true;
}

/* ---- Life ---- */

/* The lowest number that no other device of the type has. */
static unsigned instance_free(const Device *dev)
{
    unsigned instance = 0;
    bool taken;

    do {
        taken = false;
        for (guint i = 0; i < dev->board->devices->len; i++) {
            const Device *other = g_ptr_array_index(dev->board->devices, i);

            taken |= other->type == dev->type && other->instance == instance;
        }
        instance += taken;
    } while (taken);
    return instance;
}

static void device_release(Device *dev)
{
    const Property *property;

    for (unsigned i = 0; (property = device_type_property(dev->type, i)) != NULL; i++) {
        property_clear(dev, property);
    }
    g_hash_table_unref(dev->words);
    g_clear_pointer(&dev->children, g_ptr_array_unref);
    g_free(dev->id);
    g_free(dev);
}

static void device_reset(Device *dev)
{
    if (dev->bus->type->reset != NULL) {
        dev->bus->type->reset(dev->bus, dev);
    }
    if (dev->type->reset != NULL) {
        dev->type->reset(dev);
    }
}

/* On failure nothing of it is left in the tree. */
static bool device_plug(Device *dev, Bus *bus, GError **error)
{
    dev->instance = instance_free(dev);
    dev->bus = bus;
    if (bus->type->attach != NULL && !bus->type->attach(bus, dev, error)) {
        return false;
    }
    g_ptr_array_add(bus->devices, dev);
    g_ptr_array_add(bus->board->devices, dev);
    if (dev->type->create == NULL || dev->type->create(dev, error)) {
        dev->created = true;
        device_reset(dev);
        return true;
    }
    g_ptr_array_remove(bus->board->devices, dev);
    g_ptr_array_remove(bus->devices, dev);
    if (bus->type->detach != NULL) {
        bus->type->detach(bus, dev);
    }
    return false;
}

/* Hot plug: may the device come now, and is its bus ready for it? */
static bool hotplug_check(const Board *board, const DeviceType *type, const Bus *bus,
                          GError **error)
{
    if (!board->running) {
        return true;
    }
    if (!bus->hotplug) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_BUS, "Bus '%s' does not support hotplugging",
                    bus->name);
        return false;
    }
    if (!type->hotpluggable) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_TYPE, "Device '%s' can't be hotplugged",
                    type->name);
        return false;
    }
    return true;
}

static bool hotplug_tell(Device *dev, GError **error)
{
    const BusType *type = dev->bus->type;

    return !dev->board->running || type->plugged == NULL || type->plugged(dev->bus, dev, error);
}

Device *device_new(Board *board, const DeviceType *type, Bus *bus, const DeviceSetting *settings,
                   GError **error)
{
    Device *dev;

    if (bus == NULL) {
        bus = type->bus == NULL ? g_ptr_array_index(board->buses, 0)
                                : bus_choose(board, type, setting_find(settings, "bus"), error);
    }
    if (bus == NULL || !hotplug_check(board, type, bus, error)) {
        return NULL;
    }
    dev = g_malloc0(type->size);
    dev->type = type;
    dev->board = board;
    dev->hot = board->running;
    dev->words = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    if (!id_take(dev, setting_find(settings, "id"), error) ||
        !settings_apply(dev, settings, error) || !device_plug(dev, bus, error)) {
        device_release(dev);
        return NULL;
    }
    if (!hotplug_tell(dev, error)) {
        device_free(dev);
        return NULL;
    }
    return dev;
}

void device_free(Device *dev)
{
    Bus *bus = dev->bus;

    if (dev->type->destroy != NULL) {
        dev->type->destroy(dev);
    }
    g_assert(dev->children == NULL || dev->children->len == 0); /* destroy() clears its buses */
    g_ptr_array_remove(dev->board->devices, dev);
    g_ptr_array_remove(bus->devices, dev);
    if (bus->type->detach != NULL) {
        bus->type->detach(bus, dev);
    }
    device_release(dev);
}

/* ---- Unplugging ---- */

bool device_unplug_request(Device *dev, GError **error)
{
    if (dev->bus->type->unplug_request == NULL || !dev->bus->hotplug) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_BUS, "Bus '%s' does not support hotplugging",
                    dev->bus->name);
        return false;
    }
    if (!dev->type->hotpluggable) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_TYPE,
                    "Device '%s' does not support hotplugging", dev->type->name);
        return false;
    }
    if (dev->unplug_pending) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_FAILED,
                    "Device %s is already in the process of unplug", dev->id ? dev->id : "");
        return false;
    }
    return dev->bus->type->unplug_request(dev->bus, dev, error);
}

void device_unplug(Device *dev)
{
    Board *board = dev->board;
    g_autofree char *path = device_path(dev), *id = g_strdup(dev->id);

    device_free(dev);
    board_event(board, "DEVICE_DELETED",
                id != NULL ? g_variant_new_parsed("{'device': <%s>, 'path': <%s>}", id, path)
                           : g_variant_new_parsed("{'path': <%s>}", path));
}

char *device_path(const Device *dev)
{
    if (dev->id != NULL) {
        return g_strdup_printf("/machine/peripheral/%s", dev->id);
    }
    return g_strdup_printf("/machine/%s/%s[%u]", dev->built_in ? "unattached" : "peripheral-anon",
                           dev->type->name, dev->instance);
}

char *device_property_text(const Device *dev, const Property *property)
{
    return property_text(dev, property);
}
