/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_PCI_PCI_H
#define HW_PCI_PCI_H
/* pci.h - conventional PCI: configuration space, base address registers, INTx, bus mastering (PCI
 * Local Bus Specification 3.0). One bus; the host bridge (i440fx.c) owns configuration mechanism 1.
 */
#include "hw/board.h"

typedef struct PciBus PciBus;
typedef struct PciDevice PciDevice;
typedef struct PciMsix PciMsix;

enum { PCI_WIRES = 8, PCI_DEVFN_COUNT = 256, PCI_CONFIG_SIZE = 256, PCI_BARS = 6, PCI_ROM_BAR = 6 };
#define PCI_DEVFN(slot, function) ((unsigned)(slot) << 3 | (unsigned)(function))

/* What a device type is; static storage. */
typedef struct PciClass {
    const char *name;
    uint16_t vendor, device;
    uint16_t subsystem_vendor, subsystem;
    uint32_t class_code; /* class, subclass, interface: 0x010180 */
    uint8_t revision;
    uint8_t interrupt_pin; /* 0 none, 1 INTA# */
    bool multifunction;
    const char *romfile; /* option ROM, where rom_files finds it; may be NULL */
    /* Called after the common code has stored a configuration write; may be NULL. */
    void (*config_written)(void *opaque, unsigned offset, unsigned width);
    uint32_t (*config_read)(void *opaque, unsigned offset, unsigned width, uint32_t value);
} PciClass;

typedef struct PciBar {
    uint64_t size; /* 0: there is none */
    bool io, wide;
    uint16_t first_port; /* offset of the first port range in the BAR */
    PhysRange *range;
    IoAttachment *ports;
    uint64_t address; /* UINT64_MAX: not decoded */
} PciBar;

/* A PCI device's structure begins with one; its type has `bus` = &pci_bus_type and `pci`. What is
 * in it is for pci.c, but for the properties. */
struct PciDevice {
    Device device;
    int32_t place; /* addr=: devfn, -1: the first free slot */
    bool multifunction;
    char *romfile;            /* NULL: the class's; "": none */
    uint32_t romsize, rombar; /* romsize UINT32_MAX: what the file needs */

    PciBus *bus;
    unsigned devfn;
    const PciClass *class;
    void *opaque; /* of the class's functions: the device itself */
    uint8_t config[PCI_CONFIG_SIZE], writable[PCI_CONFIG_SIZE];
    PciBar bar[PCI_BARS + 1];
    unsigned capability_end;
    unsigned msi;                 /* offset of the capability, 0: there is none */
    PciMsix *msix;                /* NULL: none */
    bool irq_level, irq_asserted; /* of the device; on the wire */
};

extern const BusType pci_bus_type;

/* `set_irq` gets INTA#..INTD# levels already swizzled: pin = (slot + INTx) & 3. Borrows all. */
PciBus *pci_bus_new(Board *board, const char *name,
                    void (*set_irq)(void *opaque, unsigned pin, bool level), void *opaque);
void pci_bus_free(PciBus *bus);
unsigned pci_bus_wire(const PciBus *bus, unsigned slot, unsigned intx);
/* Another routing of INTx (0 to 3) to interrupt wires (up to PCI_WIRES); before the first device.
 */
void pci_bus_set_wires(PciBus *bus, unsigned (*wire)(unsigned slot, unsigned intx));

PciDevice *pci_bus_device(PciBus *bus, unsigned devfn); /* NULL: nobody there */

/* How the guest is told that devices of a bus come and go; NULL: it cannot be. */
typedef struct PciHotplugHooks {
    void (*plugged)(void *opaque, PciDevice *device);
    void (*unplug_wanted)(void *opaque, PciDevice *device); /* device_unplug() ends it */
} PciHotplugHooks;
void pci_bus_set_hotplug(PciBus *bus, const PciHotplugHooks *hooks, void *opaque);

/* A chip that is no row: plugs it in; devfn -1 takes the first free slot from 3 on; NULL when there
 * is none. */
PciDevice *pci_device_new(PciBus *bus, int devfn, const PciClass *class, void *opaque);
void pci_device_free(PciDevice *device); /* unplugs */
void pci_device_reset(PciDevice *device);
unsigned pci_device_devfn(const PciDevice *device);
PciBus *pci_device_bus(const PciDevice *device);

/* The raw registers, and the mask of bits that the guest may write (both 256 bytes). */
uint8_t *pci_device_config(PciDevice *device);
uint8_t *pci_device_writable(PciDevice *device);

/* A BAR of `size` (power of two). The bus maps and unmaps it as the guest programs it. */
void pci_device_add_mmio_bar(PciDevice *device, unsigned bar, uint64_t size, bool prefetchable,
                             bool wide, const MmioOps *ops, void *opaque);
void pci_device_add_io_bar(PciDevice *device, unsigned bar, uint16_t size, const IoRange *ranges,
                           size_t n, void *opaque); /* range bases are offsets in the BAR */
/* Memory that phys_map_take_device_ram gave: a framebuffer, shared memory. */
void pci_device_add_ram_bar(PciDevice *device, unsigned bar, uint64_t ram_offset, uint64_t size,
                            bool prefetchable, bool wide);
/* The option ROM, copied; `size` is a power of two. */
void pci_device_add_rom_bar(PciDevice *device, const void *image, uint64_t size);
uint64_t pci_device_bar(const PciDevice *device, unsigned bar); /* UINT64_MAX: not mapped */

/* INTx, a level; silent while MSI or MSI-X (msi.h) is enabled. */
void pci_device_set_irq(PciDevice *device, bool level);
/* DMA: does nothing (reads give ones) unless the guest has enabled bus mastering. */
bool pci_dma_read(PciDevice *device, uint64_t gpa, void *data, uint64_t size);
bool pci_dma_write(PciDevice *device, uint64_t gpa, const void *data, uint64_t size);
/* Appends a capability; returns its offset. */
unsigned pci_device_add_capability(PciDevice *device, uint8_t id, unsigned size);

/* Configuration mechanism: all ones without a device. */
uint32_t pci_config_read(PciBus *bus, unsigned devfn, unsigned offset, unsigned width);
void pci_config_write(PciBus *bus, unsigned devfn, unsigned offset, unsigned width, uint32_t value);

#endif
