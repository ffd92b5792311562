/* SPDX-License-Identifier: GPL-2.0-or-later */
/* board.c - the root of the tree of devices, and loops over it. */
#include "hw/board.h"

#include <string.h>

enum { MESSAGE_WINDOW_MASK = 0xfffff };
#define MESSAGE_WINDOW 0xfee00000u

static const BusType system_bus_type = { .name = "System" };

/* ---- Life ---- */

static void global_clear(gpointer data)
{
    BoardGlobal *global = data;

    g_free(global->driver);
    g_free(global->property);
    g_free(global->value);
}

Board *board_new(const BoardConfig *config)
{
    Board *board = g_new0(Board, 1);

    board->config = *config;
    board->map = config->map;
    board->io = config->io;
    board->clock = config->clock;
    board->buses = g_ptr_array_new();
    board->devices = g_ptr_array_new();
    board->claimed = g_hash_table_new(NULL, NULL);
    board->globals = g_array_new(FALSE, FALSE, sizeof(BoardGlobal));
    g_array_set_clear_func(board->globals, global_clear);
    bus_init(g_new0(Bus, 1), &system_bus_type, board, NULL, "main-system-bus");
    return board;
}

void board_unplug_all(Board *board)
{
    while (board->devices->len != 0) {
        device_free(g_ptr_array_index(board->devices, board->devices->len - 1));
    }
}

void board_free(Board *board)
{
    Bus *system = g_ptr_array_index(board->buses, 0);

    board_unplug_all(board);
    bus_clear(system);
    g_free(system);
    g_assert(board->buses->len == 0);
    g_ptr_array_unref(board->buses);
    g_ptr_array_unref(board->devices);
    g_hash_table_unref(board->claimed);
    g_array_unref(board->globals);
    g_free(board);
}

void board_add_global(Board *board, const char *driver, const char *property, const char *value)
{
    const BoardGlobal global = { g_strdup(driver), g_strdup(property), g_strdup(value) };

    g_array_append_val(board->globals, global);
}

/* ---- Plugging ---- */

/* What QEMU has and this has not, on purpose. */
static const struct {
    const char *driver, *why;
} refused[] = {
    { "scsi-block", "commands are not passed to SCSI devices of the host; use scsi-hd or scsi-cd" },
    { "scsi-generic",
      "commands are not passed to SCSI devices of the host; use scsi-hd or scsi-cd" },
};

static void refusal(const char *driver, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
        if (strcmp(driver, refused[i].driver) == 0) {
            g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_TYPE, "'%s' is not supported: %s", driver,
                        refused[i].why);
            return;
        }
    }
    g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_TYPE, "'%s' is not a valid device model name",
                driver);
}

Device *board_add_device(Board *board, const char *driver, const DeviceSetting *settings,
                         GError **error)
{
    const DeviceType *type = device_type_find(driver);

    if (type == NULL && board->cpu_type != NULL && device_type_is_cpu(driver)) {
        type = board->cpu_type;
        if (strcmp(driver, type->name) != 0) {
            g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_TYPE,
                        "Invalid CPU type, expected cpu type: '%s'", type->name);
            return NULL;
        }
    }
    if (type == NULL) {
        refusal(driver, error);
        return NULL;
    }
    if (type->board_only) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_TYPE,
                    "Parameter 'driver' expects a pluggable device type, and '%s' is none", driver);
        return NULL;
    }
    return device_new(board, type, NULL, settings, error);
}

Device *board_plug(Board *board, const DeviceType *type, Bus *bus, const DeviceSetting *settings)
{
    g_autoptr(GError) error = NULL;
    Device *dev = device_new(board, type, bus, settings, &error);

    if (dev == NULL) {
        g_error("%s: %s", type->name, error->message);
    }
    dev->built_in = true;
    return dev;
}

/* ---- Looking up ---- */

Device *board_find_device(Board *board, const char *id)
{
    for (guint i = 0; i < board->devices->len; i++) {
        Device *dev = g_ptr_array_index(board->devices, i);

        if (g_strcmp0(dev->id, id) == 0) {
            return dev;
        }
    }
    return NULL;
}

Device *board_find_type(Board *board, const DeviceType *type)
{
    for (guint i = 0; i < board->devices->len; i++) {
        Device *dev = g_ptr_array_index(board->devices, i);

        if (dev->type == type) {
            return dev;
        }
    }
    return NULL;
}

Bus *board_find_bus(Board *board, const char *name)
{
    for (guint i = 0; i < board->buses->len; i++) {
        Bus *bus = g_ptr_array_index(board->buses, i);

        if (strcmp(bus->name, name) == 0) {
            return bus;
        }
    }
    return NULL;
}

/* ---- Loops over the tree ---- */

void board_reset(Board *board)
{
    for (guint i = board->devices->len; i > 0; i--) {
        Device *dev = g_ptr_array_index(board->devices, i - 1);

        if (dev->bus->type->reset != NULL) {
            dev->bus->type->reset(dev->bus, dev);
        }
        if (dev->type->reset != NULL) {
            dev->type->reset(dev);
        }
    }
}

void board_each_state(Board *board, StateVisit *visit, void *opaque)
{
    for (guint i = 0; i < board->devices->len; i++) {
        Device *dev = g_ptr_array_index(board->devices, i);

        if (dev->bus->type->each_state != NULL) {
            dev->bus->type->each_state(dev->bus, dev, visit, opaque);
        }
        if (dev->type->state != NULL) {
            visit(opaque, dev->type->state, dev->instance, dev);
        }
        if (dev->type->each_state != NULL) {
            dev->type->each_state(dev, visit, opaque);
        }
    }
}

static void bus_text(const Bus *bus, GString *text, unsigned indent);

static void device_text(const Device *dev, GString *text, unsigned indent)
{
    const Property *property;

    g_string_append_printf(text, "%*sdev: %s, id \"%s\"\n", (int)indent, "", dev->type->name,
                           dev->id != NULL ? dev->id : "");
    indent += 2;
    for (unsigned i = 0; (property = device_type_property(dev->type, i)) != NULL; i++) {
        g_autofree char *value = property_text(dev, property);

        if (value != NULL) {
            g_string_append_printf(text, "%*s%s = %s\n", (int)indent, "", property->name, value);
        }
    }
    if (dev->bus->type->place != NULL) {
        g_autofree char *place = dev->bus->type->place(dev->bus, dev);

        g_string_append_printf(text, "%*s%s\n", (int)indent, "", place);
    }
    for (guint i = 0; dev->children != NULL && i < dev->children->len; i++) {
        bus_text(g_ptr_array_index(dev->children, i), text, indent);
    }
}

static void bus_text(const Bus *bus, GString *text, unsigned indent)
{
    g_string_append_printf(text, "%*sbus: %s\n%*s  type %s\n", (int)indent, "", bus->name,
                           (int)indent, "", bus->type->name);
    for (guint i = 0; i < bus->devices->len; i++) {
        device_text(g_ptr_array_index(bus->devices, i), text, indent + 2);
    }
}

void board_tree_text(Board *board, GString *text)
{
    for (guint i = 0; i < board->buses->len; i++) {
        const Bus *bus = g_ptr_array_index(board->buses, i);

        if (bus->parent == NULL) {
            bus_text(bus, text, 0);
        }
    }
}

/* ---- For devices ---- */

void board_power(Board *board, BoardPower what, int status)
{
    if (board->config.power != NULL) {
        board->config.power(board->config.opaque, what, status);
    }
}

void board_event(Board *board, const char *name, GVariant *data)
{
    if (data != NULL) {
        g_variant_ref_sink(data);
    }
    if (board->config.event != NULL) {
        board->config.event(board->config.opaque, name, data);
    }
    g_clear_pointer(&data, g_variant_unref);
}

void board_message(Board *board, uint64_t address, uint32_t data)
{
    uint32_t bytes = GUINT32_TO_LE(data);

    if ((address & ~(uint64_t)MESSAGE_WINDOW_MASK) != MESSAGE_WINDOW) {
        phys_map_write(board->map, address, &bytes, sizeof(bytes));
    } else if (board->message != NULL) {
        board->message(board->message_opaque, address, data);
    }
}

void *board_claim(Board *board, Device *dev, const Property *property, const char *id,
                  GError **error)
{
    bool shared = false;
    void *host_end = board->config.host_end != NULL
                         ? board->config.host_end(board->config.opaque, property, id, &shared)
                         : NULL;
    Device *owner = host_end != NULL ? g_hash_table_lookup(board->claimed, host_end) : NULL;

    if (host_end == NULL || (owner != NULL && !shared)) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE,
                    "Property '%s.%s' can't %s value '%s'%s", dev->type->name, property->name,
                    owner != NULL ? "take" : "find", id, owner != NULL ? ", it's in use" : "");
        return NULL;
    }
    if (!shared) {
        g_hash_table_insert(board->claimed, host_end, dev);
    }
    return host_end;
}

void board_release(Board *board, Device *dev, void *host_end)
{
    if (g_hash_table_lookup(board->claimed, host_end) == dev) {
        g_hash_table_remove(board->claimed, host_end);
    }
}
