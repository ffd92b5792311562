/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio_blk_pci.c - rows of the virtio disks. */
#include "hw/block/medium.h"
#include "hw/device_types.h"
#include "hw/virtio/virtio_blk.h"
#include "hw/virtio/virtio_pci.h"

enum { QUEUES_AUTO = 65535, BLOCK_MIN = 512, BLOCK_MAX = 2 << 20 };

typedef struct VirtBlkPci {
    VirtPci virt;
    VirtBlk blk;
    BlockNode *drive;
    char *serial;
    uint16_t num_queues, queue_size;
    uint64_t logical_block, physical_block;
    bool config_wce, discard;
    int werror, rerror;
    int32_t bootindex;
} VirtBlkPci;

/* "auto" is what -drive says. */
static const char *const on_error_words[] = { "auto", "report", "ignore", "enospc", "stop", NULL };
enum { ON_ERROR_AUTO, ON_ERROR_REPORT, ON_ERROR_IGNORE, ON_ERROR_ENOSPC, ON_ERROR_STOP };

static bool power_of_two(uint64_t value, uint64_t low, uint64_t high)
{
    return value >= low && value <= high && (value & (value - 1)) == 0;
}

static bool blk_check(const VirtBlkPci *dev, GError **error)
{
    const char *wrong = NULL;

    if (dev->drive == NULL) {
        wrong = "drive property not set";
    } else if (!block_has_medium(dev->drive)) {
        wrong = "Device needs media, but drive is empty";
    } else if (dev->num_queues == 0 ||
               (dev->num_queues > VIRTIO_QUEUES_MAX && dev->num_queues != QUEUES_AUTO)) {
        wrong = "num-queues property must be larger than 0 and not above 64";
    } else if (!power_of_two(dev->queue_size, 4, VIRTQUEUE_SIZE_MAX)) {
        wrong = "queue-size property must be a power of 2, at least 4 and at most 1024";
    } else if (!power_of_two(dev->logical_block, BLOCK_MIN, BLOCK_MAX) ||
               !power_of_two(dev->physical_block, BLOCK_MIN, BLOCK_MAX)) {
        wrong = "logical_block_size and physical_block_size must be powers of 2 from 512 to 2 MiB";
    } else if (dev->logical_block > dev->physical_block) {
        wrong = "logical_block_size > physical_block_size not supported";
    }
    if (wrong == NULL && dev->rerror == ON_ERROR_ENOSPC) {
        wrong = "rerror: reading needs no space; report, ignore, stop and auto are there";
    }
    if (wrong != NULL) {
        g_set_error_literal(error, DEVICE_ERROR, DEVICE_ERROR_VALUE, wrong);
    }
    return wrong == NULL;
}

static BlockOnError on_error(const VirtBlkPci *dev, int word, bool write)
{
    static const BlockOnError meanings[] = { [ON_ERROR_REPORT] = BLOCK_ON_ERROR_REPORT,
                                             [ON_ERROR_IGNORE] = BLOCK_ON_ERROR_IGNORE,
                                             [ON_ERROR_ENOSPC] = BLOCK_ON_ERROR_ENOSPC,
                                             [ON_ERROR_STOP] = BLOCK_ON_ERROR_STOP };

    return word == ON_ERROR_AUTO ? block_on_error(dev->drive, write) : meanings[word];
}

static bool blk_create(Device *device, GError **error)
{
    VirtBlkPci *dev = (VirtBlkPci *)device;
    const VirtBlkOptions options = {
        .node = dev->drive,
        .serial = dev->serial != NULL || dev->drive == NULL ? dev->serial
                                                            : block_serial(dev->drive),
        .queues = dev->num_queues == QUEUES_AUTO ? 1 : dev->num_queues,
        .queue_size = dev->queue_size,
        .logical_block = (uint32_t)dev->logical_block,
        .physical_block = (uint32_t)dev->physical_block,
        .no_discard = !dev->discard,
        .no_wce = !dev->config_wce,
    };

    if (!blk_check(dev, error)) {
        return false;
    }
    block_set_on_error(dev->drive, on_error(dev, dev->werror, true),
                       on_error(dev, dev->rerror, false));
    virtio_blk_init(&dev->blk, device->board->map, &options);
    return virtio_pci_create(&dev->virt, &dev->blk.device, error);
}

static void blk_destroy(Device *device)
{
    virtio_pci_destroy(&((VirtBlkPci *)device)->virt);
}

static const StateField blk_fields[] = {
    STATE_FIELD(STATE_U8, VirtBlkPci, blk.writeback),
    { 0 },
};

static const StateTable blk_state = {
    .name = "virtio-blk",
    .version = 1,
    .fields = blk_fields,
};

static const Property blk_properties[] = {
    VIRTIO_PCI_PROPERTIES(VirtBlkPci, VIRTIO_PCI_VECTORS_AUTO),
    PROPERTY_ROW("drive", PROPERTY_DRIVE, VirtBlkPci, drive,
                 .help = "Node name or ID of a block device to use as a backend"),
    PROPERTY_ROW("serial", PROPERTY_STRING, VirtBlkPci, serial),
    PROPERTY_ROW("num-queues", PROPERTY_U16, VirtBlkPci, num_queues, .init = QUEUES_AUTO),
    PROPERTY_ROW("queue-size", PROPERTY_U16, VirtBlkPci, queue_size, .init = VIRTIO_BLK_QUEUE_SIZE),
    PROPERTY_ROW("logical_block_size", PROPERTY_SIZE, VirtBlkPci, logical_block, .init = BLOCK_MIN),
    PROPERTY_ROW("physical_block_size", PROPERTY_SIZE, VirtBlkPci, physical_block,
                 .init = BLOCK_MIN),
    PROPERTY_ROW("config-wce", PROPERTY_BOOL, VirtBlkPci, config_wce, .init = 1),
    PROPERTY_ROW("discard", PROPERTY_BOOL, VirtBlkPci, discard, .init = 1),
    PROPERTY_ROW("werror", PROPERTY_ENUM, VirtBlkPci, werror, .values = on_error_words,
                 .enum_name = "BlockdevOnError"),
    PROPERTY_ROW("rerror", PROPERTY_ENUM, VirtBlkPci, rerror, .values = on_error_words,
                 .enum_name = "BlockdevOnError"),
    PROPERTY_ROW("bootindex", PROPERTY_INT, VirtBlkPci, bootindex, .init = -1),
    { 0 },
};

static const PciClass blk_class = VIRTIO_PCI_CLASS("virtio-blk-pci", 0x1001, VIRTIO_ID_BLOCK,
                                                   0x010000);

VIRTIO_PCI_TYPES(virtio_blk, "virtio-blk", VIRTIO_PCI_ROW, .category = DEVICE_STORAGE,
                 .size = sizeof(VirtBlkPci), .properties = blk_properties, .pci = &blk_class,
                 .create = blk_create, .destroy = blk_destroy, .state = &blk_state,
                 .each_state = virtio_pci_each_state);
