/* SPDX-License-Identifier: GPL-2.0-or-later */
/* medium.c - media come and go, trays open and close. */
#include "hw/block/medium.h"

#include "hw/block/node_int.h"

bool block_has_medium(const BlockNode *node)
{
    return node->top != NULL;
}

void block_take_out(BlockNode *node)
{
    BlockLayer *top = node->top;

    if (top == NULL) {
        return;
    }
    block_drain(node);
    if (!node->readonly) {
        layer_flush(top);
    }
    graph_close_gate(node->graph);
    node->top = NULL;
    graph_open_gate(node->graph);
    node->guarded = false;
    layer_unref(top);
    if (node->tray != NULL) {
        node->tray->changed(node->tray_opaque);
    }
}

bool block_put_in(BlockNode *node, const BlockOptions *options, GError **error)
{
    g_assert(node->top == NULL);
    if (!node_fill(node, options, error)) {
        return false;
    }
    if (node->tray != NULL) {
        node->tray->changed(node->tray_opaque);
    }
    return true;
}

/* ---- The drive ---- */

void block_set_user(BlockNode *node, const char *path, const BlockTray *tray, void *opaque)
{
    g_free(node->user);
    node->user = g_strdup(path);
    node->tray = tray;
    node->tray_opaque = opaque;
}

const char *block_user(const BlockNode *node)
{
    return node->user;
}

bool block_is_removable(const BlockNode *node)
{
    return node->tray != NULL;
}

bool block_has_tray(const BlockNode *node)
{
    return node->tray != NULL && node->tray->is_open != NULL;
}

bool block_tray_is_open(const BlockNode *node)
{
    return block_has_tray(node) && node->tray->is_open(node->tray_opaque);
}

bool block_tray_is_locked(const BlockNode *node)
{
    return block_has_tray(node) && node->tray->is_locked(node->tray_opaque);
}

void block_tray_moved(BlockNode *node, bool open)
{
    if (node->executor.tray_moved != NULL) {
        node->executor.tray_moved(node->executor.opaque, node, open);
    }
}

void block_tray_move(BlockNode *node, bool open)
{
    if (block_has_tray(node) && block_tray_is_open(node) != open) {
        node->tray->move(node->tray_opaque, open);
        block_tray_moved(node, open);
    }
}

void block_tray_ask(BlockNode *node, bool force)
{
    if (block_has_tray(node)) {
        node->tray->ask(node->tray_opaque, force);
    }
}
