/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/pci/pci_setup.h"
#include "hw/pci/pci_int.h"

enum { CFG_COMMAND = 0x04, CFG_BAR = 0x10, CFG_INTERRUPT_LINE = 0x3c, COMMAND_DECODE = 3 };

/* Takes `size` at its natural alignment from [*next, end); 0: does not fit. */
static uint64_t window_take(uint64_t *next, uint64_t end, uint64_t size)
{
    uint64_t base = (*next + size - 1) & ~(size - 1);

    if (size > end || base > end - size) {
        return 0;
    }
    *next = base + size;
    return base;
}

static void device_setup(PciDevice *device, const PciSetup *setup, uint64_t *io, uint64_t *memory)
{
    PciBus *bus = device->bus;
    unsigned devfn = device->devfn, pin = device->class->interrupt_pin;
    uint32_t command = pci_config_read(bus, devfn, CFG_COMMAND, 2);

    pci_config_write(bus, devfn, CFG_COMMAND, 2, command & ~(uint32_t)COMMAND_DECODE);
    for (unsigned i = 0; i < PCI_BARS; i++) {
        const PciBar *bar = &device->bar[i];
        uint64_t base;

        if (bar->size == 0) {
            continue;
        }
        base = bar->io ? window_take(io, setup->io_end, bar->size)
                       : window_take(memory, setup->memory_end, bar->size);
        pci_config_write(bus, devfn, CFG_BAR + 4 * i, 4, (uint32_t)base);
        if (bar->wide) {
            pci_config_write(bus, devfn, CFG_BAR + 4 * (i + 1), 4, (uint32_t)(base >> 32));
        }
    }
    if (pin != 0) {
        uint8_t irq = setup->irq(setup->opaque, pci_bus_wire(bus, devfn >> 3, pin - 1u));

        pci_config_write(bus, devfn, CFG_INTERRUPT_LINE, 1, irq);
    }
    pci_config_write(bus, devfn, CFG_COMMAND, 2, command | COMMAND_DECODE);
}

void pci_bus_setup(PciBus *bus, const PciSetup *setup)
{
    uint64_t io = setup->io_base, memory = setup->memory_base;

    for (unsigned devfn = 0; devfn < PCI_DEVFN_COUNT; devfn++) {
        PciDevice *device = pci_bus_device(bus, devfn);

        if (device != NULL) {
            device_setup(device, setup, &io, &memory);
        }
    }
}
