/* SPDX-License-Identifier: GPL-2.0-or-later */
/* machine_devices.c - opens disk images and character devices as the options say. */
#include "runtime/machine/machine_drive.h"
#include "runtime/machine/machine_int.h"

#include <stdio.h>
#include <string.h>

static void devices_lock(void *opaque)
{
    machine_lock(opaque);
}

static void devices_unlock(void *opaque)
{
    machine_unlock(opaque);
}

static int devices_fd(void *opaque, const char *name)
{
    const Machine *machine = opaque;

    return machine->monitors != NULL ? monitors_take_fd(machine->monitors, name) : -1;
}

/* The options' descriptors become ours: a process has them once. */
static bool fds_take(Machine *machine, GError **error)
{
    const GArray *fds = machine->options->fds;

    for (guint i = 0; i < fds->len; i++) {
        const FdOption *option = &g_array_index(fds, FdOption, i);

        if (fdsets_add(machine->fdsets, option->set, option->fd, option->opaque, error) < 0) {
            return false;
        }
    }
    return true;
}

/* With QEMU's id, if it has none of its own. */
static BlockNode *drive_open(Machine *machine, const DriveOption *drive, GError **error)
{
    g_autofree char *id = NULL;

    if (drive->interface == DRIVE_IDE) {
        int units = machine->options->q35 ? 1 : 2;

        id = g_strdup_printf("ide%d-%s%d", drive->index / units, drive->cdrom ? "cd" : "hd",
                             drive->index % units);
    } else if (drive->interface == DRIVE_FLOPPY) {
        id = g_strdup_printf("floppy%d", drive->index);
    }
    return machine_drive_open(machine, drive, id, error);
}

/* Where the board, or -device, finds it. */
static void drive_keep(Machine *machine, const DriveOption *drive, BlockNode *node)
{
    switch (drive->interface) {
    case DRIVE_IDE:
        machine->ide[drive->index] = node;
        break;
    case DRIVE_FLOPPY:
        machine->floppy[drive->index] = node;
        break;
    case DRIVE_PFLASH:
        machine->flash[drive->index] = node;
        break;
    case DRIVE_NONE:
        g_hash_table_replace(machine->drives, g_strdup(drive->id), node);
        break;
    }
}

static bool drives_open(Machine *machine, GError **error)
{
    const GPtrArray *drives = machine->options->drives;

    for (guint i = 0; i < drives->len; i++) {
        const DriveOption *drive = g_ptr_array_index(drives, i);
        BlockNode *node;

        if (drive->interface == DRIVE_NONE && drive->id == NULL) {
            continue;
        }
        node = drive_open(machine, drive, error);
        if (node == NULL) {
            return false;
        }
        drive_keep(machine, drive, node);
    }
    return true;
}

static void flushed(void *opaque, int error)
{
    (void)opaque;
    if (error != 0) {
        fprintf(stderr, "doppel: a disk cannot be flushed: %s\r\n", g_strerror(error));
    }
}

/* Ctrl-A commands that the character device does not do itself. */
static void devices_escape(void *opaque, char key)
{
    Machine *machine = opaque;

    switch (key) {
    case 'x':
        fputs("doppel: Terminated\r\n", stderr);
        machine_request_stop(machine, STOP_HOST_QUIT, 0);
        break;
    case 's':
        for (unsigned i = 0; i < OPTIONS_DRIVES; i++) {
            if (machine->ide[i] != NULL) {
                block_flush(machine->ide[i], flushed, NULL);
            }
        }
        for (unsigned i = 0; i < OPTIONS_FLOPPIES; i++) {
            if (machine->floppy[i] != NULL) {
                block_flush(machine->floppy[i], flushed, NULL);
            }
        }
        break;
    default:
        break;
    }
}

CharDev *machine_chardev(const Machine *machine, const char *id)
{
    for (guint i = 0; i < machine->chardevs->len; i++) {
        CharDev *chr = g_ptr_array_index(machine->chardevs, i);

        if (strcmp(chardev_label(chr), id) == 0) {
            return chr;
        }
    }
    return NULL;
}

CharDev *machine_add_chardev(Machine *machine, GHashTable *properties, const char *id,
                             GError **error)
{
    CharDev *chr = machine_chardev(machine, id) == NULL
                       ? chardev_new_properties(properties, id, error)
                       : NULL;

    if (chr == NULL) {
        if (error != NULL && *error == NULL) {
            g_set_error(error, OPTIONS_ERROR, OPTIONS_ERROR_VALUE,
                        "Chardev with id '%s' already exists", id);
        }
        return NULL;
    }
    if (machine->options->escape_key != 0) {
        chardev_set_escape_key(chr, machine->options->escape_key);
    }
    chardev_set_lock(chr, devices_lock, devices_unlock, machine);
    chardev_set_escape(chr, devices_escape, machine);
    g_ptr_array_add(machine->chardevs, chr);
    return chr;
}

bool machine_remove_chardev(Machine *machine, const char *id, GError **error)
{
    CharDev *chr = machine_chardev(machine, id);

    if (chr == NULL) {
        g_set_error(error, OPTIONS_ERROR, OPTIONS_ERROR_VALUE, "Chardev '%s' not found", id);
        return false;
    }
    if (chardev_is_used(chr)) {
        g_set_error(error, OPTIONS_ERROR, OPTIONS_ERROR_VALUE, "Chardev '%s' is busy", id);
        return false;
    }
    g_ptr_array_remove(machine->chardevs, chr);
    return true;
}

/* The one that the words name or describe; a new one is called `label`. */
static CharDev *chardev_open(Machine *machine, const char *words, const char *spec,
                             const char *label, GError **error)
{
    g_autoptr(GHashTable) properties = NULL;
    CharDev *chr = NULL;

    if (g_str_has_prefix(spec, "chardev:")) {
        return machine_chardev(machine, spec + strlen("chardev:"));
    }
    properties = chardev_properties(spec, error);
    if (properties != NULL) {
        chr = machine_add_chardev(machine, properties, label, error);
    }
    if (chr == NULL) {
        g_prefix_error(error, "%s: ", words);
        return NULL;
    }
    if (g_str_has_prefix(spec, "mon:") &&
        !monitors_add(machine->monitors, chr, MONITOR_READLINE, error)) {
        return NULL;
    }
    return chr;
}

static bool chardevs_open(Machine *machine, GError **error)
{
    const GPtrArray *chardevs = machine->options->chardevs;

    for (guint i = 0; i < chardevs->len; i++) {
        const ChardevOption *option = g_ptr_array_index(chardevs, i);

        if (machine_add_chardev(machine, option->properties, option->id, error) == NULL) {
            g_prefix_error(error, "%s: ", option->words);
            return false;
        }
    }
    return true;
}

static bool serials_open(Machine *machine, GError **error)
{
    const GPtrArray *serial = machine->options->serial;

    for (guint i = 0; i < serial->len; i++) {
        const char *spec = g_ptr_array_index(serial, i);
        g_autofree char *label = g_strdup_printf("serial%u", i);
        g_autofree char *words = g_strdup_printf("-serial %s", spec);

        if (strcmp(spec, "none") == 0) {
            continue;
        }
        machine->serial[i] = chardev_open(machine, words, spec, label, error);
        if (machine->serial[i] == NULL) {
            return false;
        }
    }
    return true;
}

bool machine_open_monitors(Machine *machine, GError **error)
{
    const GPtrArray *monitors = machine->options->monitors;

    for (guint i = 0; i < monitors->len; i++) {
        const MonitorOption *option = g_ptr_array_index(monitors, i);
        g_autofree char *label = g_strdup_printf("compat_monitor%u", i);
        CharDev *chr = chardev_open(machine, option->words, option->spec, label, error);

        if (chr == NULL) {
            return false;
        }
        if (!monitors_add(machine->monitors, chr, option->mode, error)) {
            g_prefix_error(error, "%s: ", option->words);
            return false;
        }
    }
    return true;
}

bool machine_open_gdb(Machine *machine, const char *spec, GError **error)
{
    g_autofree char *words = g_strdup_printf("-gdb %s", spec);
    /* a TCP address is where we listen */
    g_autofree char *whole = g_strconcat(
        spec, g_str_has_prefix(spec, "tcp:") ? ",wait=off,nodelay=on,server=on" : "", NULL);
    CharDev *chr = chardev_open(machine, words, whole, "gdb", error);

    if (chr == NULL) {
        return false;
    }
    machine->gdbstub = gdbstub_new(machine, chr, error);
    return machine->gdbstub != NULL;
}

bool machine_close_gdb(Machine *machine)
{
    bool there = machine->gdbstub != NULL;

    g_clear_pointer(&machine->gdbstub, gdbstub_free);
    return there && machine_remove_chardev(machine, "gdb", NULL);
}

static NetPort *devices_netdev(void *opaque, const char *id)
{
    const Machine *machine = opaque;

    return machine->net != NULL ? machine_net_find(machine->net, id) : NULL;
}

static bool objects_open(Machine *machine, ObjectsStage stage, GError **error)
{
    const GPtrArray *list = machine->options->objects;

    for (guint i = 0; i < list->len; i++) {
        const NetOption *option = g_ptr_array_index(list, i);

        if (objects_stage(option->values) != stage) {
            continue;
        }
        if (!objects_add(machine->objects, option->values, error)) {
            g_prefix_error(error, "%s: ", option->words);
            return false;
        }
    }
    return true;
}

bool machine_open_memory(Machine *machine, GError **error)
{
    const ObjectsHost host = { devices_lock, devices_unlock, devices_netdev, machine,
                               machine->options->mem_prealloc };

    machine->objects = objects_new(&host);
    return objects_open(machine, OBJECTS_MEMORY, error);
}

bool machine_open_devices(Machine *machine, GError **error)
{
    const NetHost net = { machine->clock, devices_lock,  devices_unlock,
                          devices_fd,     machine_event, machine };

    machine->drives = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                            (GDestroyNotify)block_close);
    if (!machine_drives_init(machine, error) || !fds_take(machine, error) ||
        !drives_open(machine, error) || !chardevs_open(machine, error) ||
        !machine_open_monitors(machine, error) || !serials_open(machine, error)) {
        return false;
    }
    if (!objects_open(machine, OBJECTS_ENDS, error)) {
        return false;
    }
    machine->shares = machine_shares_new(machine->options, error);
    if (machine->shares == NULL) {
        return false;
    }
    if (machine->options->gdb != NULL && !machine_open_gdb(machine, machine->options->gdb, error)) {
        return false;
    }
    machine->net = machine_net_new(machine->options, &net, error);
    return machine->net != NULL && objects_open(machine, OBJECTS_FILTERS, error);
}

void machine_close_devices(Machine *machine)
{
    g_clear_pointer(&machine->objects, objects_free);
    g_clear_pointer(&machine->net, machine_net_free);
    g_clear_pointer(&machine->shares, g_hash_table_unref);
    g_ptr_array_set_size(machine->chardevs, 0);
    machine_drives_free(machine);
}

/* ---- -device ---- */

void *machine_host_end(void *opaque, const Property *property, const char *id, bool *shared)
{
    Machine *machine = opaque;

    switch (property->kind) {
    case PROPERTY_CHARDEV:
        return machine_chardev(machine, id);
    case PROPERTY_DRIVE:
        return machine_drive_find(machine, id);
    case PROPERTY_OBJECT:
        if (strcmp(property->object, "fsdev") == 0) {
            *shared = true;
            return machine_shares_find(machine->shares, id);
        }
        return objects_find(machine->objects, property->object, id);
    case PROPERTY_NETDEV:
        return machine_net_find(machine->net, id);
    default:
        return NULL;
    }
}

static Device *device_plug(Machine *machine, const DeviceOption *option, GError **error)
{
    const GArray *list = option->values->list;
    g_autofree DeviceSetting *settings = g_new0(DeviceSetting, list->len + 1);

    for (guint i = 0; i < list->len; i++) {
        const KeyValue *pair = &g_array_index(list, KeyValue, i);

        settings[i] = (DeviceSetting){ pair->key, pair->value, NULL };
    }
    return board_add_device(pc_board(machine->pc), option->driver, settings, error);
}

bool machine_plug_devices(Machine *machine, GError **error)
{
    const GPtrArray *devices = machine->options->devices;

    if (!machine_net_plug(machine->net, pc_board(machine->pc), error)) {
        return false;
    }
    for (guint i = 0; i < devices->len; i++) {
        const DeviceOption *option = g_ptr_array_index(devices, i);

        if (device_plug(machine, option, error) == NULL) {
            g_prefix_error(error, "%s: ", option->words);
            return false;
        }
    }
    return pc_ready(machine->pc, error);
}
