/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_FLOPPY_ISA_FDC_H
#define HW_FLOPPY_ISA_FDC_H
/* isa_fdc.h - isa-fdc and the bus that floppy drives plug into. */
#include "hw/device.h"
#include "hw/floppy/fdc.h"

extern const BusType floppy_bus_type;

/* The controller's bus, for drives that the board plugs; `dev` is an isa-fdc. */
Bus *isa_fdc_bus(Device *dev);
/* What firmware is told of a drive, 0 or 1: FLOPPY_NONE without one. */
FloppyType isa_fdc_drive_type(const Device *dev, unsigned drive);

#endif
