/* SPDX-License-Identifier: GPL-2.0-or-later */
/* monitor_transaction.c - several changes of disks at one moment of the guest: all of them, or
 * none.
 *
 * Disks are drained first, and devices make no requests while the device lock is held. An action is
 * its command; each knows how it is undone. Bitmaps are removed at the end, when nothing can fail.
 */
#include <string.h>

#include "runtime/machine/monitor/monitor_block.h"
#include "runtime/machine/monitor/monitor_int.h"

#include "hw/block/bitmap.h"
#include "hw/block/blockdev.h"
#include "hw/block/job.h"

typedef struct Action Action;

typedef struct ActionType {
    const char *name;
    MonitorRun *run;
    bool (*before)(Action *action, GError **error); /* notes what undoing needs; NULL: nothing */
    void (*undo)(Action *action);
    MonitorRun *finish; /* NULL: it was all done */
} ActionType;

struct Action {
    const ActionType *type;
    MonitorCall call;
    BlockNode *node;   /* whose top may change */
    BlockLayer *below; /* a reference: what it was */
    BlockBitmap *bitmap;
    BlockBitmapKept *kept; /* the bitmap as it was */
};

/* ---- Overlays ---- */

static bool node_note(Action *action, GError **error)
{
    MonitorCall *call = &action->call;
    const char *name = call_has(call, "device") ? call_str(call, "device")
                       : call_has(call, "node") ? call_str(call, "node")
                                                : call_str(call, "node-name");

    action->node = name != NULL ? machine_drive_find(call->machine, name) : NULL;
    if (action->node != NULL && block_top(action->node) == NULL) {
        action->node = NULL; /* no medium */
    }
    if (action->node != NULL) {
        action->below = layer_ref(block_top(action->node));
    }
    (void)error; /* the command itself finds what is wrong */
    return true;
}

static void overlay_undo(Action *action)
{
    if (action->node != NULL && block_top(action->node) != action->below) {
        block_overlay_take(block_top(action->node), action->below);
    }
}

static void internal_undo(Action *action)
{
    block_snapshot_delete(action->below, call_str(&action->call, "name"), NULL);
}

/* ---- Bitmaps ---- */

static bool bitmap_note(Action *action, GError **error)
{
    action->bitmap = monitor_bitmap_find(&action->call, error);
    if (action->bitmap == NULL || !block_bitmap_is_free(action->bitmap, error)) {
        return false;
    }
    action->kept = block_bitmap_keep(action->bitmap);
    return true;
}

static void bitmap_undo(Action *action)
{
    block_bitmap_put_back(action->bitmap, action->kept);
}

static void bitmap_add_undo(Action *action)
{
    monitor_run_bitmap_remove(&action->call, NULL);
}

static bool nothing(MonitorCall *call, GError **error)
{
    (void)call, (void)error;
    return true;
}

static void undo_nothing(Action *action)
{
    (void)action;
}

/* ---- Jobs ---- */

static void job_undo(Action *action)
{
    const char *id = call_has(&action->call, "job-id") ? call_str(&action->call, "job-id")
                                                       : call_str(&action->call, "device");

    block_job_do(action->call.machine->jobs, id, JOB_CANCEL_FORCE, NULL);
}

static bool run_abort(MonitorCall *call, GError **error)
{
    (void)call;
    return monitor_fail(error, MONITOR_ERROR_GENERIC, "Transaction aborted using Abort action");
}

/* ---- All of them ---- */

static const ActionType types[] = {
    { "blockdev-snapshot-sync", monitor_run_snapshot_sync, node_note, overlay_undo, NULL },
    { "blockdev-snapshot", monitor_run_snapshot, node_note, overlay_undo, NULL },
    { "blockdev-snapshot-internal-sync", monitor_run_internal_sync, node_note, internal_undo,
      NULL },
    { "blockdev-backup", monitor_run_blockdev_backup, NULL, job_undo, NULL },
    { "drive-backup", monitor_run_drive_backup, NULL, job_undo, NULL },
    { "block-dirty-bitmap-add", monitor_run_bitmap_add, NULL, bitmap_add_undo, NULL },
    { "block-dirty-bitmap-remove", nothing, bitmap_note, undo_nothing, monitor_run_bitmap_remove },
    { "block-dirty-bitmap-clear", monitor_run_bitmap_clear, bitmap_note, bitmap_undo, NULL },
    { "block-dirty-bitmap-enable", monitor_run_bitmap_enable, bitmap_note, bitmap_undo, NULL },
    { "block-dirty-bitmap-disable", monitor_run_bitmap_disable, bitmap_note, bitmap_undo, NULL },
    { "block-dirty-bitmap-merge", monitor_run_bitmap_merge, bitmap_note, bitmap_undo, NULL },
    { "abort", run_abort, NULL, undo_nothing, NULL },
};

static const char *text_member(JsonObject *object, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);

    return node != NULL && JSON_NODE_HOLDS_VALUE(node) &&
                   json_node_get_value_type(node) == G_TYPE_STRING
               ? json_node_get_string(node)
               : NULL;
}

/* Its arguments are checked as the command's are. */
static bool action_read(Action *action, MonitorCall *call, JsonNode *node, GError **error)
{
    JsonObject *object = JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
    const char *name = object != NULL ? text_member(object, "type") : NULL;
    JsonNode *data = object != NULL ? json_object_get_member(object, "data") : NULL;
    const MonitorRow *row;

    if (name == NULL || data == NULL || !JSON_NODE_HOLDS_OBJECT(data)) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC,
                            "an action of a transaction has a type and data");
    }
    for (size_t i = 0; i < G_N_ELEMENTS(types) && action->type == NULL; i++) {
        action->type = strcmp(types[i].name, name) == 0 ? &types[i] : NULL;
    }
    if (action->type == NULL) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC,
                            "Parameter 'type' does not accept value '%s'", name);
    }
    action->call = *call;
    action->call.args = json_node_get_object(data);
    row = monitor_row_find(name);
    return row == NULL || members_check(row->args, action->call.args, error);
}

static void drain_each(BlockNode *node, void *opaque)
{
    (void)opaque;
    block_drain(node);
}

static bool actions_do(Action *actions, guint n, GError **error)
{
    guint done = 0;
    bool good = true;

    while (done < n && good) {
        Action *action = &actions[done];

        good = (action->type->before == NULL || action->type->before(action, error)) &&
               action->type->run(&action->call, error);
        done += good;
    }
    for (guint i = 0; good && i < n; i++) {
        if (actions[i].type->finish != NULL) {
            actions[i].type->finish(&actions[i].call, NULL);
        }
    }
    while (!good && done-- > 0) {
        actions[done].type->undo(&actions[done]);
    }
    return good;
}

static bool run_transaction(MonitorCall *call, GError **error)
{
    JsonArray *list = json_object_get_array_member(call->args, "actions");
    guint n = json_array_get_length(list);
    g_autofree Action *actions = g_new0(Action, n + 1);
    bool good = true;

    for (guint i = 0; i < n && good; i++) {
        good = action_read(&actions[i], call, json_array_get_element(list, i), error);
    }
    if (good) {
        block_graph_each_node(call->machine->graph, drain_each, NULL);
        good = actions_do(actions, n, error);
    }
    for (guint i = 0; i < n; i++) {
        block_bitmap_kept_free(actions[i].kept);
        layer_unref(actions[i].below);
    }
    return good;
}

static const MonitorRow rows[] = {
    { "transaction", .args = "actions:[any] *properties:any", .run = run_transaction,
      .help = "several changes of disks at one moment, all or none" },
    { 0 },
};

const MonitorTable monitor_transaction_table = { rows, NULL, NULL };
