/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/virtio/virtio_blk.h"
#include <string.h>

/* virtio_blk.c - requests of a virtio block device.
 *
 * A header in the first bytes that the device reads, data, and one status byte at the end of what
 * it writes.  A chain that has no room for these is no request: the device asks for a reset. */

enum { /* feature bits */
       BLK_SEG_MAX = 2,
       BLK_GEOMETRY = 4,
       BLK_RO = 5,
       BLK_BLK_SIZE = 6,
       BLK_FLUSH = 9,
       BLK_TOPOLOGY = 10,
       BLK_CONFIG_WCE = 11,
       BLK_MQ = 12,
       BLK_DISCARD = 13,
       BLK_WRITE_ZEROES = 14,
};

enum { TYPE_IN = 0, TYPE_OUT = 1, TYPE_FLUSH = 4, TYPE_GET_ID = 8, TYPE_DISCARD = 11 };
enum { STATUS_OK, STATUS_IOERR, STATUS_UNSUPP };

enum { /* configuration space */
       CFG_CAPACITY = 0,
       CFG_SEG_MAX = 12,
       CFG_CYLINDERS = 16,
       CFG_HEADS = 18,
       CFG_SECTORS = 19,
       CFG_BLK_SIZE = 20,
       CFG_PHYSICAL_EXPONENT = 24,
       CFG_WRITEBACK = 32,
       CFG_NUM_QUEUES = 34,
       CFG_MAX_DISCARD = 36,
       CFG_MAX_DISCARD_SEGMENTS = 40,
       CFG_DISCARD_ALIGN = 44,
       CFG_BYTES = 60,
};

enum {
    SECTOR = 512,
    HEADER = 16,
    SEGMENT = 16, /* of a discard */
    SEGMENT_UNMAP = 1,
    HEADS = 16,
    TRACK_SECTORS = 63,
    CYLINDERS_MAX = 16383,
    DISCARD_SECTORS_MAX = 0x3fffff,
};

typedef struct Request {
    VirtBlk *blk;
    VirtElement *element;
    uint32_t type;
    uint64_t sector;
    uint32_t in_size; /* data bytes that the device writes */
    unsigned n;       /* vectors of data */
    struct iovec iov[];
} Request;

/* ---- Completion ---- */

static void request_end(Request *request, uint8_t status, uint32_t written)
{
    VirtElement *element = request->element;
    VirtQueue *queue = element->queue;

    /* The status byte counts as written only if all before it were. */
    iov_from_buffer(element->in, element->n_in, element->in_size - 1, &status, 1);
    virtqueue_push(queue, element, status == STATUS_OK ? written + 1 : element->in_size);
    virtqueue_notify(queue);
    g_free(request);
}

static void request_done(void *opaque, int error)
{
    Request *request = opaque;

    request_end(request, error == 0 ? STATUS_OK : STATUS_IOERR, request->in_size);
}

/* Without a write-back cache a write ends when it is on stable storage. */
static void write_done(void *opaque, int error)
{
    Request *request = opaque;

    if (error != 0 || request->blk->writeback) {
        request_done(request, error);
    } else {
        block_flush(request->blk->options.node, request_done, request);
    }
}

/* ---- Requests ---- */

static bool range_good(const VirtBlk *blk, uint64_t sector, uint64_t bytes)
{
    uint64_t sectors = block_size(blk->options.node) / SECTOR;

    return bytes % SECTOR == 0 && sector <= sectors && bytes / SECTOR <= sectors - sector &&
           sector * SECTOR % blk->options.logical_block == 0 &&
           bytes % blk->options.logical_block == 0;
}

static void request_transfer(Request *request, bool write)
{
    VirtBlk *blk = request->blk;
    const VirtElement *element = request->element;
    uint32_t bytes = write ? element->out_size - HEADER : request->in_size;

    if (!range_good(blk, request->sector, bytes) || (write && block_readonly(blk->options.node))) {
        request->in_size = 0;
        request_end(request, STATUS_IOERR, 0);
        return;
    }
    if (write) {
        request->in_size = 0;
        request->n = iov_part(element->out, element->n_out, HEADER, bytes, request->iov);
        block_write(blk->options.node, request->sector * SECTOR, request->iov, (int)request->n,
                    write_done, request);
        return;
    }
    request->n = iov_part(element->in, element->n_in, 0, bytes, request->iov);
    block_read(blk->options.node, request->sector * SECTOR, request->iov, (int)request->n,
               request_done, request);
}

static void request_id(Request *request)
{
    const VirtElement *element = request->element;
    uint32_t size = MIN(request->in_size, VIRTIO_BLK_SERIAL);

    iov_from_buffer(element->in, element->n_in, 0, request->blk->serial, size);
    request_end(request, STATUS_OK, size);
}

typedef struct Segment {
    uint64_t sector;
    uint32_t sectors, flags;
} Segment;

static void request_discard(Request *request)
{
    VirtBlk *blk = request->blk;
    const VirtElement *element = request->element;
    Segment segment;

    request->in_size = 0;
    if (blk->options.no_discard || element->out_size != HEADER + SEGMENT) {
        request_end(request, blk->options.no_discard ? STATUS_UNSUPP : STATUS_IOERR, 0);
        return;
    }
    iov_to_buffer(element->out, element->n_out, HEADER, &segment, sizeof(segment));
    if (segment.flags != 0) {
        request_end(request, STATUS_UNSUPP, 0);
        return;
    }
    if (segment.sectors > DISCARD_SECTORS_MAX || block_readonly(blk->options.node) ||
        !range_good(blk, segment.sector, (uint64_t)segment.sectors * SECTOR)) {
        request_end(request, STATUS_IOERR, 0);
        return;
    }
    block_discard(blk->options.node, segment.sector * SECTOR, (uint64_t)segment.sectors * SECTOR,
                  request_done, request);
}

static void request_start(Request *request)
{
    switch (request->type) {
    case TYPE_IN:
        request_transfer(request, false);
        break;
    case TYPE_OUT:
        request_transfer(request, true);
        break;
    case TYPE_FLUSH:
        request->in_size = 0;
        block_flush(request->blk->options.node, request_done, request);
        break;
    case TYPE_GET_ID:
        request_id(request);
        break;
    case TYPE_DISCARD:
        request_discard(request);
        break;
    default:
        request_end(request, STATUS_UNSUPP, 0);
        break;
    }
}

static bool request_take(VirtBlk *blk, VirtElement *element)
{
    Request *request;
    uint32_t header[HEADER / 4];

    if (element->out_size < HEADER || element->in_size < 1) {
        virtio_device_broken(&blk->device, element->queue->index, "no room for header or status");
        virtqueue_drop(element);
        return false;
    }
    iov_to_buffer(element->out, element->n_out, 0, header, HEADER);
    request = g_malloc(sizeof(*request) + (element->n_out + element->n_in) * sizeof(struct iovec));
    *request = (Request){
        .blk = blk,
        .element = element,
        .type = header[0],
        .sector = header[2] | (uint64_t)header[3] << 32,
        .in_size = element->in_size - 1,
    };
    request_start(request);
    return true;
}

static void blk_kick(VirtDevice *device, VirtQueue *queue)
{
    VirtBlk *blk = (VirtBlk *)device;
    VirtElement *element;

    do {
        virtqueue_set_notification(queue, false);
        while ((element = virtqueue_pop(queue)) != NULL) {
            if (!request_take(blk, element)) {
                return;
            }
        }
        virtqueue_set_notification(queue, true);
    } while (!virtqueue_empty(queue));
}

/* ---- Configuration space ---- */

static void put(uint8_t *config, unsigned offset, unsigned width, uint64_t value)
{
    memcpy(config + offset, &value, width);
}

static unsigned exponent(uint32_t blocks)
{
    return blocks <= 1 ? 0 : (unsigned)__builtin_ctz(blocks);
}

static void blk_config(VirtDevice *device, uint8_t *config)
{
    const VirtBlk *blk = (const VirtBlk *)device;
    const VirtBlkOptions *options = &blk->options;
    uint64_t sectors = block_size(options->node) / SECTOR;
    uint64_t cylinders = MIN(sectors / (HEADS * TRACK_SECTORS), CYLINDERS_MAX);

    put(config, CFG_CAPACITY, 8, sectors);
    put(config, CFG_SEG_MAX, 4, (uint32_t)options->queue_size - 2);
    put(config, CFG_CYLINDERS, 2, MAX(cylinders, 2));
    put(config, CFG_HEADS, 1, HEADS);
    put(config, CFG_SECTORS, 1, TRACK_SECTORS);
    put(config, CFG_BLK_SIZE, 4, options->logical_block);
    put(config, CFG_PHYSICAL_EXPONENT, 1,
        exponent(options->physical_block / options->logical_block));
    put(config, CFG_WRITEBACK, 1, blk->writeback);
    put(config, CFG_NUM_QUEUES, 2, options->queues);
    if (!options->no_discard) {
        put(config, CFG_MAX_DISCARD, 4, DISCARD_SECTORS_MAX);
        put(config, CFG_MAX_DISCARD_SEGMENTS, 4, 1);
        put(config, CFG_DISCARD_ALIGN, 4, options->logical_block / SECTOR);
    }
}

static void blk_config_write(VirtDevice *device, unsigned offset, const uint8_t *data,
                             unsigned size)
{
    VirtBlk *blk = (VirtBlk *)device;

    if (offset == CFG_WRITEBACK && size == 1 && virtio_device_has(device, BLK_CONFIG_WCE)) {
        blk->writeback = data[0] & 1;
    }
}

/* A driver that knows no flush gets every write through. */
static void blk_negotiated(VirtDevice *device)
{
    VirtBlk *blk = (VirtBlk *)device;

    if (!virtio_device_has(device, BLK_CONFIG_WCE)) {
        blk->writeback = virtio_device_has(device, BLK_FLUSH);
    }
}

static void blk_reset(VirtDevice *device)
{
    VirtBlk *blk = (VirtBlk *)device;

    block_drain(blk->options.node);
    blk->writeback = 1;
}

static const VirtOps blk_ops = {
    .name = "virtio-blk",
    .id = VIRTIO_ID_BLOCK,
    .config_read = blk_config,
    .config_write = blk_config_write,
    .negotiated = blk_negotiated,
    .reset = blk_reset,
};

void virtio_blk_init(VirtBlk *blk, PhysMap *map, const VirtBlkOptions *options)
{
    uint64_t features = VIRTIO_BIT(BLK_SEG_MAX) | VIRTIO_BIT(BLK_GEOMETRY) |
                        VIRTIO_BIT(BLK_BLK_SIZE) | VIRTIO_BIT(BLK_FLUSH) | VIRTIO_BIT(BLK_TOPOLOGY);

    features |= options->no_wce ? 0 : VIRTIO_BIT(BLK_CONFIG_WCE);
    features |= options->no_discard ? 0 : VIRTIO_BIT(BLK_DISCARD);
    features |= options->queues > 1 ? VIRTIO_BIT(BLK_MQ) : 0;
    features |= block_readonly(options->node) ? VIRTIO_BIT(BLK_RO) : 0;
    blk->options = *options;
    blk->options.logical_block = MAX(options->logical_block, SECTOR);
    blk->options.physical_block = MAX(options->physical_block, blk->options.logical_block);
    blk->options.serial = NULL;
    blk->writeback = 1;
    g_strlcpy(blk->serial, options->serial != NULL ? options->serial : "", sizeof(blk->serial));
    virtio_device_init(&blk->device, &blk_ops, map, features, CFG_BYTES);
    for (unsigned i = 0; i < options->queues; i++) {
        virtio_device_add_queue(&blk->device, options->queue_size, blk_kick);
    }
}

void virtio_blk_resized(VirtBlk *blk)
{
    virtio_device_config_changed(&blk->device);
}
