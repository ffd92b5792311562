/* SPDX-License-Identifier: GPL-2.0-or-later */
/* iobus.c - port dispatch: two levels of 256, a pointer a port. Only pages of ports that somebody
 * attached to have a second level. */
#include "hw/iobus.h"

#include <glib.h>

enum { PORTS = 0x10000, PAGE_PORTS = 256 };

typedef struct IoSlot {
    IoRange range; /* base as it is now */
    void *opaque;
} IoSlot;

struct IoAttachment {
    bool enabled;
    size_t n;
    IoSlot slots[];
};

typedef struct IoPage {
    const IoSlot *port[PAGE_PORTS];
} IoPage;

struct IoBus {
    IoPage *pages[PORTS / PAGE_PORTS];
    GPtrArray *attachments; /* in order: later ones win */
    void (*unassigned)(void *opaque, uint16_t port, unsigned width, bool write);
    void *unassigned_opaque;
};

IoBus *io_bus_new(void)
{
    IoBus *bus = g_new0(IoBus, 1);

    bus->attachments = g_ptr_array_new_with_free_func(g_free);
    return bus;
}

void io_bus_free(IoBus *bus)
{
    if (bus == NULL) {
        return;
    }
    for (unsigned i = 0; i < PORTS / PAGE_PORTS; i++) {
        g_free(bus->pages[i]);
    }
    g_ptr_array_unref(bus->attachments);
    g_free(bus);
}

void io_bus_set_unassigned(IoBus *bus,
                           void (*fn)(void *opaque, uint16_t port, unsigned width, bool write),
                           void *opaque)
{
    bus->unassigned = fn;
    bus->unassigned_opaque = opaque;
}

/* ---- Attachments ---- */

static void bus_place(IoBus *bus, const IoAttachment *attachment)
{
    for (size_t i = 0; attachment->enabled && i < attachment->n; i++) {
        const IoSlot *slot = &attachment->slots[i];
        unsigned end = MIN((unsigned)slot->range.base + slot->range.count, (unsigned)PORTS);

        for (unsigned port = slot->range.base; port < end; port++) {
            IoPage **page = &bus->pages[port / PAGE_PORTS];

            if (*page == NULL) {
                *page = g_new0(IoPage, 1);
            }
            (*page)->port[port % PAGE_PORTS] = slot;
        }
    }
}

static void bus_rebuild(IoBus *bus)
{
    for (unsigned i = 0; i < PORTS / PAGE_PORTS; i++) {
        g_clear_pointer(&bus->pages[i], g_free);
    }
    for (guint i = 0; i < bus->attachments->len; i++) {
        bus_place(bus, g_ptr_array_index(bus->attachments, i));
    }
}

IoAttachment *io_bus_attach(IoBus *bus, const IoRange *ranges, size_t n, void *opaque)
{
    IoAttachment *attachment = g_malloc0(sizeof(*attachment) + n * sizeof(attachment->slots[0]));

    attachment->enabled = true;
    attachment->n = n;
    for (size_t i = 0; i < n; i++) {
        g_assert(ranges[i].widths != 0);
        attachment->slots[i] = (IoSlot){ .range = ranges[i], .opaque = opaque };
    }
    g_ptr_array_add(bus->attachments, attachment);
    bus_place(bus, attachment);
    return attachment;
}

void io_attachment_move(IoBus *bus, IoAttachment *attachment, uint16_t base)
{
    uint16_t delta;

    if (attachment->n == 0 || attachment->slots[0].range.base == base) {
        return;
    }
    delta = (uint16_t)(base - attachment->slots[0].range.base);
    for (size_t i = 0; i < attachment->n; i++) {
        attachment->slots[i].range.base = (uint16_t)(attachment->slots[i].range.base + delta);
    }
    if (attachment->enabled) {
        bus_rebuild(bus);
    }
}

void io_attachment_set_enabled(IoBus *bus, IoAttachment *attachment, bool enabled)
{
    if (attachment->enabled != enabled) {
        attachment->enabled = enabled;
        bus_rebuild(bus);
    }
}

void io_bus_detach(IoBus *bus, IoAttachment *attachment)
{
    guint index;

    if (attachment == NULL || !g_ptr_array_find(bus->attachments, attachment, &index)) {
        return;
    }
    attachment->enabled = false;
    bus_rebuild(bus);
    g_ptr_array_remove_index(bus->attachments, index);
}

/* ---- Accesses ---- */

/* Who takes the access as it is; NULL if nobody does. */
static inline const IoSlot *bus_find(const IoBus *bus, unsigned port, unsigned width)
{
    const IoPage *page = port < PORTS ? bus->pages[port / PAGE_PORTS] : NULL;
    const IoSlot *slot = page != NULL ? page->port[port % PAGE_PORTS] : NULL;

    if (slot == NULL || (slot->range.widths & width) == 0 ||
        port - slot->range.base + width > slot->range.count) {
        return NULL;
    }
    return slot;
}

static uint32_t slot_read(const IoSlot *slot, unsigned port, unsigned width)
{
    uint32_t mask = UINT32_MAX >> (32 - 8 * width);

    if (slot->range.read == NULL) {
        return mask;
    }
    return slot->range.read(slot->opaque, (uint16_t)(port - slot->range.base), width) & mask;
}

static void slot_write(const IoSlot *slot, unsigned port, unsigned width, uint32_t value)
{
    if (slot->range.write != NULL) {
        value &= UINT32_MAX >> (32 - 8 * width);
        slot->range.write(slot->opaque, (uint16_t)(port - slot->range.base), width, value);
    }
}

/* The widest part-access at `port` that somebody takes, of at most `left` bytes; 0: none. */
static unsigned bus_part(const IoBus *bus, unsigned port, unsigned left, const IoSlot **slot)
{
    for (unsigned width = 4; width > 0; width /= 2) {
        *slot = width <= left ? bus_find(bus, port, width) : NULL;
        if (*slot != NULL) {
            return width;
        }
    }
    return 0;
}

static void bus_report(const IoBus *bus, uint16_t port, unsigned width, bool write)
{
    if (bus->unassigned != NULL) {
        bus->unassigned(bus->unassigned_opaque, port, width, write);
    }
}

uint32_t io_bus_read(IoBus *bus, uint16_t port, unsigned width)
{
    const IoSlot *slot = bus_find(bus, port, width);
    uint32_t value = 0;
    bool hole = false;

    if (slot != NULL) {
        return slot_read(slot, port, width);
    }
    for (unsigned done = 0; done < width;) {
        unsigned part = bus_part(bus, port + done, width - done, &slot);

        if (part == 0) {
            value |= 0xffu << (8 * done);
            hole = true;
            done++;
            continue;
        }
        value |= slot_read(slot, port + done, part) << (8 * done);
        done += part;
    }
    if (hole) {
        bus_report(bus, port, width, false);
    }
    return value;
}

void io_bus_write(IoBus *bus, uint16_t port, unsigned width, uint32_t value)
{
    const IoSlot *slot = bus_find(bus, port, width);
    bool hole = false;

    if (slot != NULL) {
        slot_write(slot, port, width, value);
        return;
    }
    for (unsigned done = 0; done < width;) {
        unsigned part = bus_part(bus, port + done, width - done, &slot);

        if (part == 0) {
            hole = true;
            done++;
            continue;
        }
        slot_write(slot, port + done, part, value >> (8 * done));
        done += part;
    }
    if (hole) {
        bus_report(bus, port, width, true);
    }
}
