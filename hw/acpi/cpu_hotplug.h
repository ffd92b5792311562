/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_ACPI_CPU_HOTPLUG_H
#define HW_ACPI_CPU_HOTPLUG_H
/* cpu_hotplug.h - tells the guest of CPUs that come and are to go, as QEMU's boards do it
 * (docs/specs/acpi_cpu_hotplug): registers, general-purpose event 2, and \_SB.CPUS in the DSDT. */
#include "hw/acpi/pm.h"
#include "hw/cpu_slots.h"
#include "hw/iobus.h"
#include "hw/state.h"

typedef struct CpuHotplug CpuHotplug;

enum { CPU_HOTPLUG_PIIX4 = 0xaf00, CPU_HOTPLUG_ICH9 = 0x0cd8, CPU_HOTPLUG_GPE = 2 };

/* Borrows all; becomes the slots' way to the guest. */
CpuHotplug *cpu_hotplug_new(IoBus *io, uint16_t base, CpuSlots *slots, AcpiPm *pm, Board *board);
void cpu_hotplug_free(CpuHotplug *hotplug);
void cpu_hotplug_reset(CpuHotplug *hotplug);

void cpu_hotplug_each_state(CpuHotplug *hotplug, StateVisit *visit, void *opaque);

#endif
