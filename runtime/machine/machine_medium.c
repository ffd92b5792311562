/* SPDX-License-Identifier: GPL-2.0-or-later */
/* machine_medium.c - ejects and changes media. */
#include "runtime/machine/machine_medium.h"

#include <string.h>

#include "hw/block/blockdev.h"
#include "hw/block/job.h"
#include "runtime/machine/machine_int.h"

enum { SECTOR = 512 };

static bool fail(GError **error, const char *format, const BlockNode *node)
{
    const char *id = block_id(node) != NULL ? block_id(node) : block_user(node);
    g_autofree char *text = g_strdup_printf(format, id != NULL ? id : "");

    g_set_error_literal(error, OPTIONS_ERROR, OPTIONS_ERROR_VALUE, text);
    return false;
}

/* ---- Which one ---- */

typedef struct UserSearch {
    const char *path;
    BlockNode *node;
} UserSearch;

static void user_each(BlockNode *node, void *opaque)
{
    UserSearch *search = opaque;

    if (g_strcmp0(block_user(node), search->path) == 0) {
        search->node = node;
    }
}

BlockNode *machine_medium_find(Machine *machine, const char *id, const char *qdev, GError **error)
{
    g_autofree char *path = NULL;
    UserSearch search = { qdev, NULL };
    BlockNode *node;

    if ((id != NULL) == (qdev != NULL)) {
        g_set_error(error, OPTIONS_ERROR, OPTIONS_ERROR_VALUE,
                    "Need exactly one of 'device' and 'id'");
        return NULL;
    }
    if (id != NULL) {
        node = block_graph_find(machine->graph, id);
    } else {
        if (*qdev != '/') {
            search.path = path = g_strdup_printf("/machine/peripheral/%s", qdev);
        }
        block_graph_each_drive(machine->graph, user_each, &search);
        node = search.node;
    }
    if (node == NULL) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_NOT_FOUND, "Device '%s' not found",
                    id != NULL ? id : qdev);
    }
    return node;
}

/* ---- Trays ---- */

static bool needs_tray(const BlockNode *node, GError **error)
{
    if (!block_is_removable(node)) {
        return fail(error, "Device '%s' is not removable", node);
    }
    return block_has_tray(node) || fail(error, "Device '%s' does not have a tray", node);
}

bool machine_tray_open(BlockNode *node, bool force, GError **error)
{
    bool locked;

    if (!needs_tray(node, error)) {
        return false;
    }
    if (block_tray_is_open(node)) {
        return true;
    }
    locked = block_tray_is_locked(node);
    if (locked) {
        block_tray_ask(node, force);
    }
    if (locked && !force) {
        return fail(error,
                    "Device '%s' is locked and force was not specified, wait for tray to open and "
                    "try again",
                    node);
    }
    block_tray_move(node, true);
    return true;
}

bool machine_tray_close(BlockNode *node, GError **error)
{
    if (!needs_tray(node, error)) {
        return false;
    }
    block_tray_move(node, false);
    return true;
}

/* ---- Media ---- */

static bool may_change(Machine *machine, const BlockNode *node, GError **error)
{
    if (!block_is_removable(node)) {
        return fail(error, "Device '%s' is not removable", node);
    }
    if (block_has_tray(node) && !block_tray_is_open(node)) {
        return fail(error, "Tray of device '%s' is not open", node);
    }
    if (block_has_medium(node) && block_jobs_use(machine->jobs, block_top(node))) {
        return fail(error, "Device '%s' is busy: block device is in use by block job", node);
    }
    return true;
}

bool machine_medium_remove(Machine *machine, BlockNode *node, GError **error)
{
    if (!may_change(machine, node, error)) {
        return false;
    }
    block_take_out(node);
    return true;
}

bool machine_medium_insert(Machine *machine, BlockNode *node, const char *node_name, GError **error)
{
    const BlockOptions options = { .node_name = node_name, .readonly = block_readonly(node) };

    if (!may_change(machine, node, error)) {
        return false;
    }
    if (block_has_medium(node)) {
        return fail(error, "There already is a medium in device '%s'", node);
    }
    return block_put_in(node, &options, error);
}

static bool open_if_tray(BlockNode *node, bool force, GError **error)
{
    if (!block_is_removable(node)) {
        return fail(error, "Device '%s' is not removable", node);
    }
    return !block_has_tray(node) || machine_tray_open(node, force, error);
}

bool machine_medium_eject(Machine *machine, BlockNode *node, bool force, GError **error)
{
    return open_if_tray(node, force, error) && machine_medium_remove(machine, node, error);
}

bool machine_medium_change(Machine *machine, BlockNode *node, const MediumChange *change,
                           GError **error)
{
    BlockOptions options = { .path = change->filename,
                             .format = change->format,
                             .readonly = change->readonly };
    BlockLayer *layer;
    bool good;

    if (!block_is_removable(node)) {
        return fail(error, "Device '%s' is not removable", node);
    }
    layer = layer_open_file(machine->graph, change->filename, change->format,
                            change->readonly ? BLOCK_READONLY : 0, error);
    if (layer == NULL) {
        return false;
    }
    if (layer_size(layer) < SECTOR) {
        layer_unref(layer);
        return fail(error, "the new medium of '%s' is empty", node);
    }
    options.node_name = layer_node_name(layer);
    good = machine_medium_eject(machine, node, change->force, error) &&
           block_put_in(node, &options, error);
    layer_unref(layer);
    block_tray_move(node, false);
    return good;
}
