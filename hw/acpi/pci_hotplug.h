/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_ACPI_PCI_HOTPLUG_H
#define HW_ACPI_PCI_HOTPLUG_H
/* pci_hotplug.h - hot plug of PCI devices on bus 0 as QEMU's PC has it
 * (docs/specs/acpi_pci_hotplug): registers at AE00, general-purpose event 1, and the slots' _EJ0 in
 * dsdt.asl. */
#include "hw/acpi/pm.h"
#include "hw/pci/pci.h"
#include "hw/state.h"

typedef struct PciHotplug PciHotplug;

enum { PCI_HOTPLUG_BASE = 0xae00, PCI_HOTPLUG_GPE = 1 };

/* The bus can be hot-plugged from now on. */
PciHotplug *pci_hotplug_new(IoBus *io, PciBus *bus, AcpiPm *pm);
void pci_hotplug_free(PciHotplug *hotplug);
/* What the guest has been asked to let go of is gone after a reset. */
void pci_hotplug_reset(PciHotplug *hotplug);

extern const StateTable pci_hotplug_state;

#endif
