/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_IDE_IDE_BUS_H
#define HW_IDE_IDE_BUS_H
/* ide_bus.h - what ide-hd and ide-cd are plugged into: a cable with a place for one drive (AHCI) or
 * two. */
#include "hw/device.h"
#include "hw/ide/drive.h"

enum { IDE_BUS_UNITS = 2 };

typedef struct IdeBus {
    Bus bus;
    unsigned index; /* of its adapter's buses */
    unsigned units;
    IdeDrive *drive[IDE_BUS_UNITS]; /* the places; the adapter's */
    Device *taken[IDE_BUS_UNITS];
} IdeBus;

extern const BusType ide_bus_type;

/* Named as QEMU does: "ID.index", or "ide.N" below an adapter without an id. `drives` are borrowed
 * until bus_clear. */
void ide_bus_init(IdeBus *bus, Device *adapter, unsigned index, IdeDrive *const drives[],
                  unsigned units);
/* An adapter's bus, NULL: it has fewer. */
Bus *ide_bus_find(const Device *adapter, unsigned index);

#endif
