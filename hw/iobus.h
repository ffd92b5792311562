/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_IOBUS_H
#define HW_IOBUS_H
/* iobus.h - the 64 KiB x86 I/O port space.
 *
 * The bus enforces widths: an access wider than a range supports is split into its widest supported
 * part-accesses, a narrower one is refused as the range says.  Holes read as all ones and swallow
 * writes; both are reported to `unassigned`.  Called with the device lock held.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct IoBus IoBus;

enum { IO_8 = 1, IO_16 = 2, IO_32 = 4 }; /* IoRange.widths: a set */

typedef struct IoRange {
    uint16_t base;
    uint16_t count;
    uint8_t widths; /* IO_*: the widths the handlers are called with */
    /* `offset` is relative to base. NULL: reads all ones, writes ignored. */
    uint32_t (*read)(void *opaque, uint16_t offset, unsigned width);
    void (*write)(void *opaque, uint16_t offset, unsigned width, uint32_t value);
} IoRange;

typedef struct IoAttachment IoAttachment; /* owned by the bus */

IoBus *io_bus_new(void);
void io_bus_free(IoBus *bus);
void io_bus_set_unassigned(IoBus *bus,
                           void (*fn)(void *opaque, uint16_t port, unsigned width, bool write),
                           void *opaque);

/* Copies `ranges`; later attachments win where ranges overlap. */
IoAttachment *io_bus_attach(IoBus *bus, const IoRange *ranges, size_t n, void *opaque);
/* Moves all ranges so that the first one starts at `base` (PCI I/O BARs). */
void io_attachment_move(IoBus *bus, IoAttachment *attachment, uint16_t base);
void io_attachment_set_enabled(IoBus *bus, IoAttachment *attachment, bool enabled);
void io_bus_detach(IoBus *bus, IoAttachment *attachment);

uint32_t io_bus_read(IoBus *bus, uint16_t port, unsigned width);
void io_bus_write(IoBus *bus, uint16_t port, unsigned width, uint32_t value);

#endif
