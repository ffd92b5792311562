/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_BLOCK_MEDIUM_H
#define HW_BLOCK_MEDIUM_H
/* medium.h - media that can be taken out: a node may be empty, and then has a size of 0 and fails
 * every request with ENOMEDIUM.  The drive that it is plugged into says how its medium may be
 * changed. Called as block.h says, with the device lock held. */
#include "hw/block/block.h"

/* What a drive with removable media does for the machine. */
typedef struct BlockTray {
    /* There is another medium, or none; what was in flight has ended. */
    void (*changed)(void *opaque);
    /* Of a drive with a tray; NULL: it has none, as a floppy drive. The medium changes while it is
     * open. */
    bool (*is_open)(void *opaque);
    bool (*is_locked)(void *opaque); /* by the guest */
    void (*move)(void *opaque, bool open);
    void (*ask)(void *opaque, bool force); /* the button: the guest is told; force: unlocks */
} BlockTray;

/* Options but for those of an image: id, serial, readonly, werror, rerror, graph. */
BlockNode *block_open_empty(const BlockOptions *options, GError **error);
bool block_has_medium(const BlockNode *node);
/* What is in flight comes to its end, the medium is flushed and closed. */
void block_take_out(BlockNode *node);
/* The node is empty. `options`: of the image; those of the node stay as they are. */
bool block_put_in(BlockNode *node, const BlockOptions *options, GError **error);

/* The device that the node is plugged into, as QOM calls it (copied; NULL: none any more), and its
 * tray, if its media are removable. */
void block_set_user(BlockNode *node, const char *path, const BlockTray *tray, void *opaque);
const char *block_user(const BlockNode *node); /* NULL: nobody, or it has not said so */
bool block_is_removable(const BlockNode *node);
bool block_has_tray(const BlockNode *node);
bool block_tray_is_open(const BlockNode *node);
bool block_tray_is_locked(const BlockNode *node);
void block_tray_move(BlockNode *node, bool open); /* by the host; told if it is news */
void block_tray_ask(BlockNode *node, bool force);
/* For drives: the guest has moved it. */
void block_tray_moved(BlockNode *node, bool open);

#endif
