/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio_balloon_pci.c - the memory balloon (virtio 1.2, section 5.5): pages that the guest gives
 * up go back to the host, and come back as zeroes when it takes them again.
 *
 * Statistics are asked for every polling interval, by giving the driver its buffer back. */
#include <string.h>
#include "hw/balloon.h"
#include "hw/device_types.h"
#include "hw/virtio/virtio_pci.h"

enum { F_STATS = 1, F_DEFLATE_ON_OOM = 2, F_REPORTING = 5 };
enum { QUEUE_STATS = 2 };
enum { QUEUE_SIZE = 128, PAGE_SHIFT = 12, CFG_PAGES = 0, CFG_ACTUAL = 4, CFG_BYTES = 8 };
#define PAGE (UINT64_C(1) << PAGE_SHIFT)

typedef struct VirtBalloon {
    VirtPci virt;
    VirtDevice device;
    bool deflate_on_oom, reporting;
    uint32_t pages;  /* that the guest is to give up */
    uint32_t actual; /* that it says it has */
    BalloonStats stats;
    VirtElement *buffer; /* the driver's, for the next statistics; NULL: none */
    uint32_t interval;   /* seconds; 0: none are asked for */
    ClockTimer *timer;
} VirtBalloon;

static VirtBalloon *balloon_of(VirtDevice *device)
{
    return (VirtBalloon *)((char *)device - offsetof(VirtBalloon, device));
}

/* ---- Pages ---- */

static void pages_take(VirtBalloon *dev, const VirtElement *element)
{
    uint32_t page;

    for (size_t at = 0;
         iov_to_buffer(element->out, element->n_out, at, &page, sizeof(page)) == sizeof(page);
         at += sizeof(page)) {
        phys_map_drop_ram(dev->device.map, (uint64_t)page << PAGE_SHIFT, PAGE);
    }
}

static void inflate_kick(VirtDevice *device, VirtQueue *queue)
{
    VirtElement *element;

    while ((element = virtqueue_pop(queue)) != NULL) {
        pages_take(balloon_of(device), element);
        virtqueue_push(queue, element, 0);
    }
    virtqueue_notify(queue);
}

/* Pages come back when the guest touches them. */
static void deflate_kick(VirtDevice *device, VirtQueue *queue)
{
    VirtElement *element;

    (void)device;
    while ((element = virtqueue_pop(queue)) != NULL) {
        virtqueue_push(queue, element, 0);
    }
    virtqueue_notify(queue);
}

/* Free pages that the guest reports: whole buffers, until they are given back. */
static void reporting_kick(VirtDevice *device, VirtQueue *queue)
{
    VirtElement *element;

    while ((element = virtqueue_pop(queue)) != NULL) {
        for (unsigned i = 0; i < element->n_in; i++) {
            phys_map_drop_host(device->map, element->in[i].iov_base, element->in[i].iov_len);
        }
        virtqueue_push(queue, element, 0);
    }
    virtqueue_notify(queue);
}

/* ---- Statistics ---- */

static void stats_take(VirtBalloon *dev, const VirtElement *element)
{
    struct {
        uint16_t tag;
        uint64_t value;
    } __attribute__((packed)) entry;

    memset(dev->stats.value, 0xff, sizeof(dev->stats.value));
    for (size_t at = 0;
         iov_to_buffer(element->out, element->n_out, at, &entry, sizeof(entry)) == sizeof(entry);
         at += sizeof(entry)) {
        if (entry.tag < BALLOON_STATS) {
            dev->stats.value[entry.tag] = entry.value;
        }
    }
    dev->stats.last_update = clock_wall(dev->virt.pci.device.board->clock) / NS_PER_S;
}

static void timer_set(VirtBalloon *dev)
{
    Clock *clock = dev->virt.pci.device.board->clock;

    if (dev->interval != 0 && dev->buffer != NULL) {
        clock_timer_set(dev->timer, clock_now(clock) + (int64_t)dev->interval * NS_PER_S);
    }
}

static void stats_kick(VirtDevice *device, VirtQueue *queue)
{
    VirtBalloon *dev = balloon_of(device);
    VirtElement *element = virtqueue_pop(queue);

    if (element == NULL) {
        return;
    }
    if (dev->buffer != NULL) { /* one is all that there is to be */
        virtqueue_drop(dev->buffer);
    }
    dev->buffer = element;
    stats_take(dev, element);
    timer_set(dev);
}

static void stats_ask(void *opaque)
{
    VirtBalloon *dev = opaque;
    VirtQueue *queue = &dev->device.queue[QUEUE_STATS];

    if (dev->buffer != NULL && virtio_device_working(&dev->device)) {
        virtqueue_push(queue, g_steal_pointer(&dev->buffer), 0);
        virtqueue_notify(queue);
    }
}

/* ---- Configuration ---- */

static void balloon_config(VirtDevice *device, uint8_t *config)
{
    const VirtBalloon *dev = balloon_of(device);

    memcpy(config + CFG_PAGES, &dev->pages, 4);
    memcpy(config + CFG_ACTUAL, &dev->actual, 4);
}

static void balloon_config_write(VirtDevice *device, unsigned offset, const uint8_t *data,
                                 unsigned size)
{
    VirtBalloon *dev = balloon_of(device);
    uint32_t before = dev->actual;

    if (offset < CFG_ACTUAL) {
        return;
    }
    memcpy((uint8_t *)&dev->actual + (offset - CFG_ACTUAL), data, size);
    if (dev->actual != before) {
        uint64_t left = balloon_actual(&dev->virt.pci.device);

        board_event(dev->virt.pci.device.board, "BALLOON_CHANGE",
                    g_variant_new_parsed("{'actual': <%x>}", (gint64)left));
    }
}

/* The reporting queue is the third for drivers without statistics. */
static void balloon_negotiated(VirtDevice *device)
{
    device->queue[2].kick = virtio_device_has(device, F_STATS)       ? stats_kick
                            : virtio_device_has(device, F_REPORTING) ? reporting_kick
                                                                     : NULL;
}

static void balloon_reset(VirtDevice *device)
{
    VirtBalloon *dev = balloon_of(device);

    g_clear_pointer(&dev->buffer, virtqueue_drop);
    clock_timer_cancel(dev->timer);
    dev->actual = 0;
}

static const VirtOps balloon_ops = {
    .name = "virtio-balloon",
    .id = VIRTIO_ID_BALLOON,
    .config_read = balloon_config,
    .config_write = balloon_config_write,
    .negotiated = balloon_negotiated,
    .reset = balloon_reset,
};

/* ---- What monitors ask ---- */

static bool is_balloon(const Device *dev)
{
    return dev->type == &virtio_balloon_pci_type ||
           dev->type == &virtio_balloon_pci_transitional_type ||
           dev->type == &virtio_balloon_pci_non_transitional_type;
}

Device *balloon_find(Board *board)
{
    for (guint i = 0; i < board->devices->len; i++) {
        Device *dev = g_ptr_array_index(board->devices, i);

        if (is_balloon(dev)) {
            return dev;
        }
    }
    return NULL;
}

uint64_t balloon_actual(const Device *device)
{
    const VirtBalloon *dev = (const VirtBalloon *)device;
    uint64_t ram = phys_map_ram_size(dev->device.map), gone = dev->actual * PAGE;

    return ram > gone ? ram - gone : 0;
}

void balloon_set_target(Device *device, uint64_t bytes)
{
    VirtBalloon *dev = (VirtBalloon *)device;
    uint64_t ram = phys_map_ram_size(dev->device.map);

    dev->pages = (uint32_t)((ram - MIN(bytes, ram)) >> PAGE_SHIFT);
    virtio_device_config_changed(&dev->device);
}

const BalloonStats *balloon_stats(const Device *device)
{
    return &((const VirtBalloon *)device)->stats;
}

void balloon_set_interval(Device *device, uint32_t seconds)
{
    VirtBalloon *dev = (VirtBalloon *)device;

    dev->interval = seconds;
    clock_timer_cancel(dev->timer);
    timer_set(dev);
}

/* ---- The row ---- */

static bool balloon_create(Device *device, GError **error)
{
    VirtBalloon *dev = (VirtBalloon *)device;
    uint64_t features = VIRTIO_BIT(F_STATS);

    if (balloon_find(device->board) != NULL && balloon_find(device->board) != device) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_FAILED,
                    "Only one balloon device is supported");
        return false;
    }
    features |= dev->deflate_on_oom ? VIRTIO_BIT(F_DEFLATE_ON_OOM) : 0;
    features |= dev->reporting ? VIRTIO_BIT(F_REPORTING) : 0;
    virtio_device_init(&dev->device, &balloon_ops, device->board->map, features, CFG_BYTES);
    virtio_device_add_queue(&dev->device, QUEUE_SIZE, inflate_kick);
    virtio_device_add_queue(&dev->device, QUEUE_SIZE, deflate_kick);
    virtio_device_add_queue(&dev->device, QUEUE_SIZE, stats_kick);
    if (dev->reporting) {
        virtio_device_add_queue(&dev->device, QUEUE_SIZE, reporting_kick);
    }
    if (!virtio_pci_create(&dev->virt, &dev->device, error)) {
        return false;
    }
    memset(&dev->stats, 0xff, sizeof(dev->stats));
    dev->stats.last_update = 0;
    dev->timer = clock_timer_new(device->board->clock, stats_ask, dev);
    return true;
}

static void balloon_destroy(Device *device)
{
    VirtBalloon *dev = (VirtBalloon *)device;

    virtio_pci_destroy(&dev->virt);
    clock_timer_free(dev->timer);
}

static const StateField balloon_fields[] = {
    STATE_FIELD(STATE_U32, VirtBalloon, pages),
    STATE_FIELD(STATE_U32, VirtBalloon, actual),
    { 0 },
};

static const StateTable balloon_state = {
    .name = "virtio-balloon",
    .version = 1,
    .fields = balloon_fields,
};

static const Property balloon_properties[] = {
    VIRTIO_PCI_PROPERTIES(VirtBalloon, 0),
    PROPERTY_ROW("deflate-on-oom", PROPERTY_BOOL, VirtBalloon, deflate_on_oom),
    PROPERTY_ROW("free-page-reporting", PROPERTY_BOOL, VirtBalloon, reporting),
    { 0 },
};

static const PciClass balloon_class = VIRTIO_PCI_CLASS("virtio-balloon-pci", 0x1002,
                                                       VIRTIO_ID_BALLOON, 0x00ff00);

VIRTIO_PCI_TYPES(virtio_balloon, "virtio-balloon", VIRTIO_PCI_ROW, .category = DEVICE_MISC,
                 .size = sizeof(VirtBalloon), .properties = balloon_properties,
                 .pci = &balloon_class, .create = balloon_create, .destroy = balloon_destroy,
                 .state = &balloon_state, .each_state = virtio_pci_each_state);
