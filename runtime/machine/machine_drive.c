/* SPDX-License-Identifier: GPL-2.0-or-later */
/* machine_drive.c - the images of a machine: opened as the options say, found by id or node-name,
 * and what happens when the host fails a request. */
#include "runtime/machine/machine_drive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "hw/block/blockdev.h"
#include "hw/block/nbd_server.h"
#include "hw/block/medium.h"
#include "hw/board.h"
#include "runtime/machine/machine_int.h"
#include "runtime/machine/options_int.h"

static void drives_lock(void *opaque)
{
    machine_lock(opaque);
}

static void drives_unlock(void *opaque)
{
    machine_unlock(opaque);
}

/* ---- Errors of the host ---- */

static gboolean drives_stop(gpointer opaque)
{
    machine_pause(opaque, RUN_STATE_IO_ERROR);
    return G_SOURCE_REMOVE;
}

static void drive_failed(void *opaque, BlockNode *node, bool write, int error, bool stops)
{
    Machine *machine = opaque;
    JsonObject *data = json_object_new();
    const char *id = block_id(node) != NULL ? block_id(node) : "";
    bool ignored = block_on_error(node, write) == BLOCK_ON_ERROR_IGNORE;

    json_object_set_string_member(data, "device", id);
    json_object_set_string_member(data, "node-name", layer_node_name(block_top(node)));
    json_object_set_string_member(data, "operation", write ? "write" : "read");
    json_object_set_string_member(data, "action", stops ? "stop" : ignored ? "ignore" : "report");
    json_object_set_boolean_member(data, "nospace", error == ENOSPC);
    json_object_set_string_member(data, "reason", g_strerror(error));
    monitors_event(machine->monitors, "BLOCK_IO_ERROR", data);
    if (stops || !block_failed_before(node)) {
        fprintf(stderr, "doppel: warning: %s of '%s' fails: %s%s\r\n", write ? "a write" : "a read",
                layer_filename(block_top(node)), g_strerror(error),
                stops ? "; the guest is stopped until 'cont'" : "");
    }
    if (stops) {
        g_idle_add(drives_stop, machine);
    }
}

/* By the guest or by a monitor: on any thread. */
static void drive_tray_moved(void *opaque, BlockNode *node, bool open)
{
    const char *id = block_id(node), *path = block_user(node);

    machine_event(opaque, "DEVICE_TRAY_MOVED",
                  g_variant_new_parsed("{'device': <%s>, 'id': <%s>, 'tray-open': <%b>}",
                                       id != NULL ? id : "", path != NULL ? path : "", open));
}

void machine_drives_retry(Machine *machine)
{
    block_graph_retry(machine->graph);
}

/* ---- Opening ---- */

static void executor_set(Machine *machine, BlockNode *node)
{
    const BlockExecutor executor = { .lock = drives_lock,
                                     .unlock = drives_unlock,
                                     .opaque = machine,
                                     .failed = drive_failed,
                                     .tray_moved = drive_tray_moved };

    block_set_executor(node, &executor);
}

static void guess_note(const DriveOption *drive, const BlockNode *node)
{
    if (block_guessed_raw(node)) {
        fprintf(stderr,
                "doppel: warning: Image format was not specified for '%s' and probing guessed raw; "
                "writes to its block 0 are restricted (format=raw lifts that)\n",
                drive->file);
    }
}

BlockNode *machine_drive_open(Machine *machine, const DriveOption *drive, const char *id,
                              GError **error)
{
    const BlockOptions block = {
        .graph = machine->graph,
        .path = drive->file,
        .format = drive->format,
        .tree = drive->tree,
        .id = drive->id != NULL ? drive->id : id,
        .readonly = drive->readonly,
        .snapshot = drive->snapshot || (machine->options->snapshot && !drive->cdrom),
        .copy_on_read = drive->copy_on_read,
        .cache = drive->cache,
        .discard = drive->discard,
        .detect_zeroes = drive->detect_zeroes,
        .werror = drive->werror,
        .rerror = drive->rerror,
        .serial = drive->serial,
        .throttle = drive->throttle,
        .throttle_group = drive->throttle_group,
    };
    bool empty = drive->file == NULL && drive->tree == NULL;
    BlockNode *node = empty ? block_open_empty(&block, error) : block_open(&block, error);

    if (node == NULL) {
        g_prefix_error(error, "%s: ", drive->words);
        return NULL;
    }
    executor_set(machine, node);
    if (!drive->readonly && !block.snapshot) {
        guess_note(drive, node);
    }
    return node;
}

/* A drive that nobody has named. */
static BlockNode *drive_new_empty(Machine *machine)
{
    const BlockOptions options = { .graph = machine->graph,
                                   .readonly = true,
                                   .werror = BLOCK_ON_ERROR_ENOSPC };
    BlockNode *node = block_open_empty(&options, NULL);

    executor_set(machine, node);
    g_hash_table_replace(machine->drives,
                         g_strdup_printf("#empty%u", g_hash_table_size(machine->drives)), node);
    return node;
}

BlockNode *machine_drive_find(Machine *machine, const char *name)
{
    BlockNode *node = block_graph_find(machine->graph, name);
    const BlockOptions options = { .graph = machine->graph,
                                   .node_name = name,
                                   .werror = BLOCK_ON_ERROR_ENOSPC };

    if (strcmp(name, BOARD_EMPTY_DRIVE) == 0) {
        return drive_new_empty(machine);
    }
    if (node != NULL) {
        return node;
    }
    node = g_hash_table_lookup(machine->drives, name);
    if (node == NULL && block_layer_find(machine->graph, name) != NULL) {
        node = block_open(&options, NULL);
        if (node != NULL) {
            executor_set(machine, node);
            g_hash_table_replace(machine->drives, g_strdup(name), node);
        }
    }
    return node;
}

/* -object throttle-group, which drives and nodes name. */
static bool throttles_open(Machine *machine, GError **error)
{
    const GPtrArray *list = machine->options->objects;

    for (guint i = 0; i < list->len; i++) {
        const NetOption *option = g_ptr_array_index(list, i);
        Throttle *throttle;

        if (g_strcmp0(keyval_get(option->values, "qom-type"), "throttle-group") != 0) {
            continue;
        }
        throttle = throttle_group_open(option->values, error);
        if (throttle == NULL) {
            g_prefix_error(error, "%s: ", option->words);
            return false;
        }
        block_graph_add_throttle(machine->graph, throttle);
        throttle_unref(throttle);
    }
    return true;
}

bool machine_drives_init(Machine *machine, GError **error)
{
    const Options *options = machine->options;
    const BlockJobsHost host = {
        { .lock = drives_lock, .unlock = drives_unlock, .opaque = machine },
        machine_block_event,
        machine
    };

    machine->graph = block_graph_new();
    machine->jobs = block_jobs_new(machine->graph, &host);
    for (guint i = 0; i < options->fds->len; i++) {
        const FdOption *option = &g_array_index(options->fds, FdOption, i);

        block_graph_add_fd(machine->graph, (unsigned)option->set,
                           fcntl(option->fd, F_DUPFD_CLOEXEC, 0), option->fd);
    }
    if (!throttles_open(machine, error)) {
        return false;
    }
    for (guint i = 0; i < options->blockdevs->len; i++) {
        const BlockdevOption *option = g_ptr_array_index(options->blockdevs, i);

        if (!blockdev_add(machine->graph, option->tree, error)) {
            g_prefix_error(error, "%s: ", option->words);
            return false;
        }
    }
    return true;
}

/* ---- While the machine runs ---- */

/* A device has it: then it stays. */
static bool node_is_claimed(Machine *machine, BlockNode *node)
{
    return machine->pc != NULL && g_hash_table_contains(pc_board(machine->pc)->claimed, node);
}

bool machine_drive_add(Machine *machine, const char *text, GError **error)
{
    Options *options = options_new();
    const DriveOption *drive;
    BlockNode *node = NULL;

    if (option_drive(options, text, error)) {
        drive = g_ptr_array_index(options->drives, 0);
        if (drive->interface != DRIVE_NONE || drive->id == NULL ||
            (drive->file == NULL && drive->tree == NULL)) {
            g_set_error(error, OPTIONS_ERROR, OPTIONS_ERROR_VALUE,
                        "Can't hot-add drive to type other than none, with id= and file=");
        } else {
            node = machine_drive_open(machine, drive, NULL, error);
        }
    }
    if (node != NULL) {
        g_hash_table_replace(machine->drives, g_strdup(block_id(node)), node);
    }
    options_free(options);
    return node != NULL;
}

bool machine_drive_del(Machine *machine, const char *id, GError **error)
{
    BlockNode *node = g_hash_table_lookup(machine->drives, id);

    if (node == NULL || node_is_claimed(machine, node) ||
        (block_has_medium(node) && block_jobs_use(machine->jobs, block_top(node)))) {
        g_set_error(error, OPTIONS_ERROR, OPTIONS_ERROR_VALUE, "Device '%s' is in use", id);
        return false;
    }
    g_hash_table_remove(machine->drives, id);
    return true;
}

void machine_drive_release(Machine *machine, const char *node_name)
{
    BlockNode *node = g_hash_table_lookup(machine->drives, node_name);

    if (node != NULL && block_id(node) == NULL && !node_is_claimed(machine, node)) {
        g_hash_table_remove(machine->drives, node_name);
    }
}

static void commit_each(BlockNode *node, void *opaque)
{
    if (block_has_medium(node) && layer_backing(block_top(node)) != NULL && !block_readonly(node)) {
        g_ptr_array_add(opaque, node);
    }
}

bool machine_drives_commit(Machine *machine, const char *id, GError **error)
{
    g_autoptr(GPtrArray) nodes = g_ptr_array_new();
    bool good = true;

    if (id == NULL) {
        block_graph_each_node(machine->graph, commit_each, nodes);
    } else {
        BlockNode *node = block_graph_find(machine->graph, id);

        if (node == NULL) {
            g_set_error(error, OPTIONS_ERROR, OPTIONS_ERROR_VALUE, "Device '%s' not found", id);
            return false;
        }
        g_ptr_array_add(nodes, node);
    }
    for (guint i = 0; i < nodes->len && good; i++) {
        good = block_commit_now(g_ptr_array_index(nodes, i), error);
    }
    return good;
}

void machine_block_event(void *opaque, const char *name, JsonObject *data)
{
    Monitors *monitors = ((Machine *)opaque)->monitors;

    if (monitors != NULL) {
        monitors_event(monitors, name, data);
    } else { /* the machine goes */
        json_object_unref(data);
    }
}

NbdServer *machine_nbd(Machine *machine)
{
    const NbdServerHost host = {
        .executor = { .lock = drives_lock, .unlock = drives_unlock, .opaque = machine },
        .event = machine_block_event,
        .opaque = machine,
    };

    if (machine->nbd == NULL) {
        machine->nbd = nbd_server_new(machine->graph, &host);
    }
    return machine->nbd;
}

void machine_drives_free(Machine *machine)
{
    g_clear_pointer(&machine->nbd, nbd_server_free);
    g_clear_pointer(&machine->jobs, block_jobs_free);
    g_clear_pointer(&machine->drives, g_hash_table_unref);
    for (unsigned i = 0; i < OPTIONS_DRIVES; i++) {
        g_clear_pointer(&machine->ide[i], block_close);
    }
    for (unsigned i = 0; i < OPTIONS_FLOPPIES; i++) {
        g_clear_pointer(&machine->floppy[i], block_close);
    }
    for (unsigned i = 0; i < OPTIONS_FLASHES; i++) {
        g_clear_pointer(&machine->flash[i], block_close);
    }
    g_clear_pointer(&machine->graph, block_graph_free);
}
