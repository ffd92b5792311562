/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_VIRTIO_VIRTQUEUE_H
#define HW_VIRTIO_VIRTQUEUE_H
/* virtqueue.h - the device's side of a virtqueue (virtio 1.2, section 2.7: split rings, with
 * indirect descriptors and event indexes).
 *
 * Everything in the rings is the guest's: each descriptor is read once and checked, and buffers
 * come as vectors of host addresses in guest RAM.  What cannot be right - an index outside the
 * ring, a loop, a buffer that is not RAM - breaks the queue: it gives nothing any more, and the
 * device asks the driver for a reset (virtio_device_broken).  All calls with the device lock held.
 */
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include "hw/iov.h"
#include "softmmu/physmap.h"

typedef struct VirtDevice VirtDevice;
typedef struct VirtQueue VirtQueue;

enum { VIRTQUEUE_SIZE_MAX = 1024, VIRTQUEUE_NO_VECTOR = 0xffff };

typedef void VirtQueueKick(VirtDevice *device, VirtQueue *queue);

/* A chain of buffers that the driver has made available; owned by who popped it, until it is pushed
 * or dropped. */
typedef struct VirtElement {
    VirtQueue *queue;
    uint16_t head;
    uint32_t epoch;             /* of the queue: stale after a reset */
    unsigned n_out, n_in;       /* vectors that the device reads, and that it writes */
    uint32_t out_size, in_size; /* bytes in them */
    const struct iovec *out;
    struct iovec *in;
    struct iovec iov[];
} VirtElement;

/* How the driver has set a queue up; written by the transport, saved with the device. */
typedef struct VirtRing {
    uint64_t desc, avail, used; /* guest physical */
    uint16_t size;              /* entries; the driver may make it smaller */
    uint16_t vector;            /* MSI-X, VIRTQUEUE_NO_VECTOR without */
    bool enabled;
    uint16_t next_avail; /* index of the entry that is taken next */
    uint16_t next_used;  /* index of the entry that is written next */
    uint16_t signalled;  /* used index at the last interrupt */
    bool signalled_valid;
} VirtRing;

struct VirtQueue {
    VirtDevice *device;
    unsigned index;
    uint16_t size_max;
    VirtQueueKick *kick; /* the driver has notified; may be NULL */
    VirtRing ring;
    uint32_t epoch;
    unsigned in_flight; /* elements popped and not pushed */
    uint16_t unflushed; /* filled, but not shown to the driver yet */
    bool notification_off;
    bool news; /* flushed since the driver was last thought of */
};

/* NULL: nothing available, not set up, or broken. */
VirtElement *virtqueue_pop(VirtQueue *queue);
bool virtqueue_empty(VirtQueue *queue);
/* Gives the element back, with so many bytes written to its `in` vectors, and frees it. */
void virtqueue_push(VirtQueue *queue, VirtElement *element, uint32_t written);
/* The same in two steps, for packets over several elements: filled ones are shown at once. */
void virtqueue_fill(VirtQueue *queue, VirtElement *element, uint32_t written);
void virtqueue_flush(VirtQueue *queue);
/* As if it had not been popped; only the last one popped, in reverse order. Frees it. */
void virtqueue_unpop(VirtQueue *queue, VirtElement *element);
/* Frees an element whose queue was reset, or that is never to be given back. */
void virtqueue_drop(VirtElement *element);
/* Interrupts the driver if it wants to be for what was pushed since the last time. */
void virtqueue_notify(VirtQueue *queue);
/* Asks the driver (not) to notify.  After switching it on, look again: virtqueue_empty. */
void virtqueue_set_notification(VirtQueue *queue, bool on);
void virtqueue_reset(VirtQueue *queue);

#endif
