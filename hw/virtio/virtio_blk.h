/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_VIRTIO_VIRTIO_BLK_H
#define HW_VIRTIO_VIRTIO_BLK_H
/* virtio_blk.h - the virtio block device (virtio 1.2, section 5.2): requests go from the rings to
 * the block layer as vectors of guest RAM, and complete in any order. */
#include "hw/block/block.h"
#include "hw/virtio/virtio.h"

enum { VIRTIO_BLK_SERIAL = 20, VIRTIO_BLK_QUEUE_SIZE = 256 };

typedef struct VirtBlkOptions {
    BlockNode *node;    /* borrowed */
    const char *serial; /* NULL: none; cut to 20 bytes */
    unsigned queues;    /* at least 1 */
    uint16_t queue_size;
    uint32_t logical_block, physical_block; /* bytes; 0: 512 */
    bool no_discard, no_write_zeroes, no_wce;
} VirtBlkOptions;

typedef struct VirtBlk {
    VirtDevice device;
    VirtBlkOptions options;
    char serial[VIRTIO_BLK_SERIAL + 1];
    uint8_t writeback; /* the driver may switch it off */
} VirtBlk;

void virtio_blk_init(VirtBlk *blk, PhysMap *map, const VirtBlkOptions *options);
/* The medium has another size now. */
void virtio_blk_resized(VirtBlk *blk);

#endif
