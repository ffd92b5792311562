/* SPDX-License-Identifier: GPL-2.0-or-later */
/* device_help.c - what -device help and -device NAME,help print, in the form that clients parse. */
#include <string.h>

#include "hw/device.h"

enum { HELP_COLUMN = 24 };

static const char *const category_names[DEVICE_CATEGORIES] = {
    [DEVICE_BRIDGE] = "Controller/Bridge/Hub",
    [DEVICE_USB] = "USB",
    [DEVICE_STORAGE] = "Storage",
    [DEVICE_NETWORK] = "Network",
    [DEVICE_INPUT] = "Input",
    [DEVICE_DISPLAY] = "Display",
    [DEVICE_SOUND] = "Sound",
    [DEVICE_MISC] = "Misc",
    [DEVICE_CPU] = "CPU",
    [DEVICE_WATCHDOG] = "Watchdog",
    [DEVICE_UNCATEGORIZED] = "Uncategorized",
};

static gint by_name(gconstpointer a, gconstpointer b)
{
    return strcmp((*(const DeviceType *const *)a)->name, (*(const DeviceType *const *)b)->name);
}

static gint by_property_name(gconstpointer a, gconstpointer b)
{
    return strcmp((*(const Property *const *)a)->name, (*(const Property *const *)b)->name);
}

static void type_line(GString *text, const DeviceType *type)
{
    g_string_append_printf(text, "name \"%s\"", type->name);
    if (type->bus != NULL) {
        g_string_append_printf(text, ", bus %s", type->bus->name);
    }
    if (type->alias != NULL) {
        g_string_append_printf(text, ", alias \"%s\"", type->alias);
    }
    if (type->desc != NULL) {
        g_string_append_printf(text, ", desc \"%s\"", type->desc);
    }
    g_string_append_c(text, '\n');
}

static void category_help(GString *text, DeviceCategory category)
{
    g_autoptr(GPtrArray) types = g_ptr_array_new();

    for (unsigned i = 0; device_types[i] != NULL; i++) {
        if (device_types[i]->category == category && !device_types[i]->board_only) {
            g_ptr_array_add(types, (gpointer)device_types[i]);
        }
    }
    if (types->len == 0) {
        return;
    }
    g_ptr_array_sort(types, by_name);
    g_string_append_printf(text, "%s%s devices:\n", text->len != 0 ? "\n" : "",
                           category_names[category]);
    for (guint i = 0; i < types->len; i++) {
        type_line(text, g_ptr_array_index(types, i));
    }
}

void device_types_help(GString *text)
{
    for (unsigned i = DEVICE_UNCATEGORIZED + 1; i < DEVICE_CATEGORIES; i++) {
        category_help(text, i);
    }
    category_help(text, DEVICE_UNCATEGORIZED);
}

static void property_line(GString *text, const Property *property)
{
    g_autofree char *init = property_default_text(property);
    g_autofree char *left = g_strdup_printf(
        property->kind == PROPERTY_OBJECT ? "  %s=<link<%s>>" : "  %s=<%s>", property->name,
        property->kind == PROPERTY_OBJECT ? property->object : property_type_name(property));
    const char *help = property_help(property);

    if (help == NULL && init == NULL) {
        g_string_append_printf(text, "%s\n", left);
        return;
    }
    g_string_append_printf(text, "%-*s - %s", HELP_COLUMN, left, help != NULL ? help : "");
    if (init != NULL) {
        g_string_append_printf(text, " (default: %s)", init);
    }
    g_string_append_c(text, '\n');
}

bool device_type_help(GString *text, const char *name, GError **error)
{
    const DeviceType *type = device_type_find(name);
    g_autoptr(GPtrArray) properties = g_ptr_array_new();
    const Property *property;

    if (type == NULL) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_TYPE, "'%s' is not a valid device model name",
                    name);
        return false;
    }
    for (unsigned i = 0; (property = device_type_property(type, i)) != NULL; i++) {
        if (property->kind != PROPERTY_LINK) {
            g_ptr_array_add(properties, (gpointer)property);
        }
    }
    if (properties->len == 0) {
        g_string_append_printf(text, "There are no options for %s.\n", type->name);
        return true;
    }
    g_ptr_array_sort(properties, by_property_name);
    g_string_append_printf(text, "%s options:\n", type->name);
    for (guint i = 0; i < properties->len; i++) {
        property_line(text, g_ptr_array_index(properties, i));
    }
    return true;
}
