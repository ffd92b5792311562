/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/virtio/virtqueue.h"
#include <string.h>
#include "hw/virtio/virtio.h"

/* virtqueue.c - split virtqueues.
 *
 * The rings are written by vCPUs while they are read here: indexes are loaded with acquire and
 * stored with release, and a full barrier stands between what is published and the look at whether
 * the other side wants to know of it. */

enum {
    DESC_NEXT = 1,
    DESC_WRITE = 2,
    DESC_INDIRECT = 4,
    DESC_BYTES = 16,
    AVAIL_NO_INTERRUPT = 1,
    USED_NO_NOTIFY = 1,
    RING_HEADER = 4, /* flags, idx */
    USED_ENTRY = 8,
    AVAIL_ENTRY = 2,
    CHAIN_MAX = VIRTQUEUE_SIZE_MAX, /* descriptors of a chain, and vectors of an element */
};
#define CHAIN_BYTES_MAX UINT32_MAX

typedef struct Desc {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
} Desc;

/* Host addresses of the rings for the time of one call. */
typedef struct Rings {
    const uint8_t *desc, *avail;
    uint8_t *used;
} Rings;

static uint8_t *piece(VirtQueue *queue, uint64_t gpa, uint64_t size, unsigned align, bool write)
{
    uint64_t got = size;
    uint8_t *host = phys_map_span(virtio_device_map(queue->device), gpa, &got, write);

    return (gpa & (align - 1)) == 0 && got == size ? host : NULL;
}

static void broken(VirtQueue *queue, const char *what)
{
    virtio_device_broken(queue->device, queue->index, what);
}

static bool ring_ready(const VirtQueue *queue)
{
    return queue->ring.enabled && queue->ring.size != 0 && virtio_device_working(queue->device);
}

static bool rings_map(VirtQueue *queue, Rings *rings)
{
    const VirtRing *ring = &queue->ring;
    unsigned size = ring->size;

    if (!ring_ready(queue)) {
        return false;
    }
    rings->desc = piece(queue, ring->desc, (uint64_t)size * DESC_BYTES, DESC_BYTES, false);
    rings->avail = piece(queue, ring->avail, RING_HEADER + AVAIL_ENTRY * size + 2, 2, false);
    rings->used = piece(queue, ring->used, RING_HEADER + USED_ENTRY * size + 2, 4, true);
    if ((size & (size - 1)) != 0 || size > queue->size_max || rings->desc == NULL ||
        rings->avail == NULL || rings->used == NULL) {
        broken(queue, "the rings are not in RAM, or of no size that they can have");
        return false;
    }
    return true;
}

static uint16_t load16(const uint8_t *at)
{
    return __atomic_load_n((const uint16_t *)(const void *)at, __ATOMIC_ACQUIRE);
}

static void store16(uint8_t *at, uint16_t value)
{
    __atomic_store_n((uint16_t *)(void *)at, value, __ATOMIC_RELEASE);
}

static void used_written(VirtQueue *queue, const uint8_t *host, unsigned size)
{
    phys_map_span_written(virtio_device_map(queue->device), host, size);
}

/* Each half of a descriptor is loaded once. */
static Desc desc_load(const uint8_t *table, unsigned i)
{
    const uint64_t *at = (const uint64_t *)(const void *)(table + (size_t)i * DESC_BYTES);
    uint64_t low = __atomic_load_n(at, __ATOMIC_RELAXED);
    uint64_t high = __atomic_load_n(at + 1, __ATOMIC_RELAXED);

    return (Desc){ low, (uint32_t)high, (uint16_t)(high >> 32), (uint16_t)(high >> 48) };
}

/* ---- Taking ---- */

typedef struct Walk {
    VirtQueue *queue;
    struct iovec iov[CHAIN_MAX];
    unsigned n, n_out;
    uint64_t out_size, in_size;
} Walk;

static bool walk_buffer(Walk *walk, const Desc *desc)
{
    PhysMap *map = virtio_device_map(walk->queue->device);
    bool write = (desc->flags & DESC_WRITE) != 0;
    uint64_t gpa = desc->address, left = desc->length;

    if (!write && walk->n != walk->n_out) {
        broken(walk->queue, "a readable buffer behind a writable one");
        return false;
    }
    while (left > 0) {
        uint64_t size = left;
        uint8_t *host = phys_map_span(map, gpa, &size, write);

        if (host == NULL || walk->n == CHAIN_MAX) {
            broken(walk->queue, host == NULL ? "a buffer is not in RAM" : "too many buffers");
            return false;
        }
        walk->iov[walk->n++] = (struct iovec){ host, size };
        gpa += size;
        left -= size;
    }
    if (write) {
        walk->in_size += desc->length;
    } else {
        walk->out_size += desc->length;
        walk->n_out = walk->n;
    }
    if (walk->in_size > CHAIN_BYTES_MAX || walk->out_size > CHAIN_BYTES_MAX) {
        broken(walk->queue, "a chain of 4 GiB or more");
        return false;
    }
    return true;
}

static bool walk_chain(Walk *walk, const uint8_t *table, unsigned size, unsigned i, bool nested);

static bool walk_indirect(Walk *walk, const Desc *desc)
{
    unsigned n = desc->length / DESC_BYTES;
    const uint8_t *table;

    if (desc->length == 0 || desc->length % DESC_BYTES != 0 || n > UINT16_MAX) {
        broken(walk->queue, "an indirect table of no size that it can have");
        return false;
    }
    table = piece(walk->queue, desc->address, desc->length, 1, false);
    if (table == NULL) {
        broken(walk->queue, "an indirect table is not in RAM");
        return false;
    }
    if ((desc->address & 7) != 0) { /* legal, and rare */
        g_autofree uint8_t *copy = g_memdup2(table, desc->length);

        return walk_chain(walk, copy, n, 0, true);
    }
    return walk_chain(walk, table, n, 0, true);
}

static bool walk_chain(Walk *walk, const uint8_t *table, unsigned size, unsigned i, bool nested)
{
    for (unsigned steps = 0;; steps++) {
        Desc desc;

        if (i >= size || steps == CHAIN_MAX || steps == size) {
            broken(walk->queue, i >= size ? "a descriptor outside its table" : "a loop");
            return false;
        }
        desc = desc_load(table, i);
        if ((desc.flags & DESC_INDIRECT) != 0) {
            if (nested || (desc.flags & DESC_NEXT) != 0) {
                broken(walk->queue, "an indirect table where none may be");
                return false;
            }
            return walk_indirect(walk, &desc);
        }
        if (!walk_buffer(walk, &desc)) {
            return false;
        }
        if ((desc.flags & DESC_NEXT) == 0) {
            return true;
        }
        i = desc.next;
    }
}

static VirtElement *element_new(const Walk *walk, uint16_t head)
{
    VirtElement *element = g_malloc(sizeof(*element) + walk->n * sizeof(struct iovec));

    *element = (VirtElement){
        .queue = walk->queue,
        .head = head,
        .epoch = walk->queue->epoch,
        .n_out = walk->n_out,
        .n_in = walk->n - walk->n_out,
        .out_size = (uint32_t)walk->out_size,
        .in_size = (uint32_t)walk->in_size,
        .out = element->iov,
        .in = element->iov + walk->n_out,
    };
    memcpy(element->iov, walk->iov, walk->n * sizeof(struct iovec));
    return element;
}

/* How many chains wait; breaks the queue if there are more than it has places. */
static unsigned ring_waiting(VirtQueue *queue, const Rings *rings)
{
    uint16_t waiting = (uint16_t)(load16(rings->avail + 2) - queue->ring.next_avail);

    if (waiting > queue->ring.size) {
        broken(queue, "the available index has jumped");
        return 0;
    }
    return waiting;
}

static void publish_avail_event(VirtQueue *queue, const Rings *rings, uint16_t index)
{
    uint8_t *at = rings->used + RING_HEADER + USED_ENTRY * (unsigned)queue->ring.size;

    store16(at, index);
    used_written(queue, at, 2);
}

VirtElement *virtqueue_pop(VirtQueue *queue)
{
    Rings rings;
    Walk walk; /* not cleared: only what is counted is read */
    uint16_t head;

    if (!rings_map(queue, &rings) || ring_waiting(queue, &rings) == 0) {
        return NULL;
    }
    if (queue->in_flight >= queue->ring.size) {
        broken(queue, "more chains than the ring has places");
        return NULL;
    }
    head = load16(rings.avail + RING_HEADER +
                  AVAIL_ENTRY * (unsigned)(queue->ring.next_avail % queue->ring.size));
    walk.queue = queue;
    walk.n = walk.n_out = 0;
    walk.out_size = walk.in_size = 0;
    if (!walk_chain(&walk, rings.desc, queue->ring.size, head, false)) {
        return NULL;
    }
    queue->ring.next_avail++;
    queue->in_flight++;
    if (virtio_device_has(queue->device, VIRTIO_F_EVENT_IDX) && !queue->notification_off) {
        publish_avail_event(queue, &rings, queue->ring.next_avail);
    }
    return element_new(&walk, head);
}

bool virtqueue_empty(VirtQueue *queue)
{
    Rings rings;

    return !rings_map(queue, &rings) || ring_waiting(queue, &rings) == 0;
}

/* ---- Giving back ---- */

void virtqueue_drop(VirtElement *element)
{
    VirtQueue *queue = element->queue;

    if (element->epoch == queue->epoch) {
        queue->in_flight--;
    }
    g_free(element);
}

void virtqueue_unpop(VirtQueue *queue, VirtElement *element)
{
    if (element->epoch == queue->epoch) {
        queue->ring.next_avail--;
    }
    virtqueue_drop(element);
}

static void element_written(const VirtElement *element, uint32_t written)
{
    PhysMap *map = virtio_device_map(element->queue->device);

    for (unsigned i = 0; i < element->n_in && written > 0; i++) {
        uint32_t n = (uint32_t)MIN(element->in[i].iov_len, written);

        phys_map_span_written(map, element->in[i].iov_base, n);
        written -= n;
    }
}

void virtqueue_fill(VirtQueue *queue, VirtElement *element, uint32_t written)
{
    Rings rings;

    element_written(element, written);
    if (element->epoch == queue->epoch && rings_map(queue, &rings)) {
        unsigned at = (uint16_t)(queue->ring.next_used + queue->unflushed) % queue->ring.size;
        uint8_t *entry = rings.used + RING_HEADER + USED_ENTRY * at;
        const uint32_t words[2] = { element->head, written };

        memcpy(entry, words, sizeof(words));
        used_written(queue, entry, sizeof(words));
        queue->unflushed++;
    }
    virtqueue_drop(element);
}

void virtqueue_flush(VirtQueue *queue)
{
    Rings rings;
    uint16_t old = queue->ring.next_used;

    if (queue->unflushed == 0) {
        return;
    }
    if (rings_map(queue, &rings)) {
        queue->ring.next_used = (uint16_t)(old + queue->unflushed);
        store16(rings.used + 2, queue->ring.next_used);
        queue->news = true;
        used_written(queue, rings.used, RING_HEADER);
        if ((uint16_t)(queue->ring.next_used - queue->ring.signalled) < queue->unflushed) {
            queue->ring.signalled_valid = false; /* it has gone round past that point */
        }
    }
    queue->unflushed = 0;
}

void virtqueue_push(VirtQueue *queue, VirtElement *element, uint32_t written)
{
    virtqueue_fill(queue, element, written);
    virtqueue_flush(queue);
}

/* ---- Who wants to be told ---- */

static bool wants_interrupt(VirtQueue *queue, const Rings *rings)
{
    VirtRing *ring = &queue->ring;
    uint16_t old = ring->signalled, event;
    bool known = ring->signalled_valid;

    if (virtio_device_has(queue->device, VIRTIO_F_NOTIFY_ON_EMPTY) && queue->in_flight == 0 &&
        ring_waiting(queue, rings) == 0) {
        return true;
    }
    if (!virtio_device_has(queue->device, VIRTIO_F_EVENT_IDX)) {
        return (load16(rings->avail) & AVAIL_NO_INTERRUPT) == 0;
    }
    ring->signalled = ring->next_used;
    ring->signalled_valid = true;
    event = load16(rings->avail + RING_HEADER + AVAIL_ENTRY * (unsigned)ring->size);
    /* Section 2.7.7.2: has the index passed the event since the last interrupt? */
    return !known || (uint16_t)(ring->next_used - event - 1) < (uint16_t)(ring->next_used - old);
}

void virtqueue_notify(VirtQueue *queue)
{
    Rings rings;

    if (!queue->news || !rings_map(queue, &rings)) {
        return;
    }
    queue->news = false;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (wants_interrupt(queue, &rings)) {
        virtio_device_interrupt(queue->device, queue->ring.vector);
    }
}

void virtqueue_set_notification(VirtQueue *queue, bool on)
{
    Rings rings;
    bool event = virtio_device_has(queue->device, VIRTIO_F_EVENT_IDX);

    queue->notification_off = !on;
    if (!rings_map(queue, &rings)) {
        return;
    }
    if (event && on) {
        publish_avail_event(queue, &rings, load16(rings.avail + 2)); /* at the next one */
    } else if (!event) {
        store16(rings.used, on ? 0 : USED_NO_NOTIFY);
        used_written(queue, rings.used, 2);
    }
    if (on) { /* published before the caller looks again */
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    }
}

void virtqueue_reset(VirtQueue *queue)
{
    queue->epoch++;
    queue->in_flight = 0;
    queue->unflushed = 0;
    queue->notification_off = queue->news = false;
    queue->ring = (VirtRing){ .size = queue->size_max, .vector = VIRTQUEUE_NO_VECTOR };
}

/* ---- Snapshots: taken when nothing is in flight ---- */

static const StateField queue_fields[] = {
    STATE_FIELD(STATE_U64, VirtQueue, ring.desc),
    STATE_FIELD(STATE_U64, VirtQueue, ring.avail),
    STATE_FIELD(STATE_U64, VirtQueue, ring.used),
    STATE_FIELD(STATE_U16, VirtQueue, ring.size),
    STATE_FIELD(STATE_U16, VirtQueue, ring.vector),
    STATE_FIELD(STATE_BOOL, VirtQueue, ring.enabled),
    STATE_FIELD(STATE_U16, VirtQueue, ring.next_avail),
    STATE_FIELD(STATE_U16, VirtQueue, ring.next_used),
    STATE_FIELD(STATE_U16, VirtQueue, ring.signalled),
    STATE_FIELD(STATE_BOOL, VirtQueue, ring.signalled_valid),
    STATE_FIELD(STATE_BOOL, VirtQueue, notification_off),
    { 0 },
};

static void queue_loaded(void *opaque)
{
    VirtQueue *queue = opaque;

    queue->epoch++;
    queue->in_flight = queue->unflushed = 0;
    queue->news = true;
}

const StateTable virtqueue_state = {
    .name = "virtqueue",
    .version = 1,
    .fields = queue_fields,
    .loaded = queue_loaded,
};
