/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ahci.c - ich9-ahci: the SATA controller of the ICH9 in AHCI mode (I/O Controller Hub 9 datasheet,
 * chapter 15; AHCI 1.3.1): six ports, 32 command slots, native command queuing, 64-bit addresses,
 * one MSI. Its registers lie in BAR 5, and behind an index and data pair in BAR 4. */
#include "hw/device_types.h"
#include "hw/ide/ahci_int.h"
#include "hw/pci/msi.h"

enum { /* global registers */
       REG_CAP = 0x00,
       REG_GHC = 0x04,
       REG_IS = 0x08,
       REG_PI = 0x0c,
       REG_VS = 0x10,
       PORTS = 0x100,
       PORT_SIZE = 0x80,
       REGISTERS = 0x1000,
};
enum { GHC_RESET = 1 << 0, GHC_IRQ = 1 << 1 };
enum { /* index-data pair */
       PAIR_BAR = 4,
       PAIR_SIZE = 32,
       PAIR_INDEX = 0x10,
       PAIR_DATA = 0x14,
       MEMORY_BAR = 5,
};
enum { CAPABILITY_SATA = 0x12, CAPABILITY_SATA_SIZE = 8, CFG_MAP = 0x90, MAP_AHCI = 0x40 };

#define GHC_AHCI 0x80000000u
/* 64-bit addresses, NCQ, AHCI only, first generation, slots, ports */
#define CAPABILITIES                                                                               \
    (1u << 31 | 1u << 30 | 1u << 18 | 1u << 20 | (AHCI_SLOTS - 1) << 8 | (AHCI_PORTS - 1))
#define VERSION 0x00010000u

/* ---- Interrupts ---- */

void ahci_update_irq(Ahci *ahci, bool news)
{
    bool level;

    for (unsigned i = 0; i < AHCI_PORTS; i++) {
        const AhciPort *port = &ahci->port[i];

        if ((ahci_port_status(port) & port->enable) != 0) {
            ahci->pending |= 1u << i;
        }
    }
    level = (ahci->control & GHC_IRQ) != 0 && ahci->pending != 0;
    if (pci_msi_enabled(&ahci->pci) && level && (news || !ahci->irq)) {
        pci_msi_notify(&ahci->pci, 0);
    }
    ahci->irq = level;
    pci_device_set_irq(&ahci->pci, level);
}

void ahci_raise(AhciPort *port, uint32_t reasons)
{
    port->status |= reasons;
    ahci_update_irq(port->ahci, (port->enable & reasons) != 0);
}

/* ---- Memory ---- */

bool ahci_dma_read(Ahci *ahci, uint64_t gpa, void *data, uint64_t size)
{
    bool good;

    ahci->mastering = true;
    good = pci_dma_read(&ahci->pci, gpa, data, size);
    ahci->mastering = false;
    return good;
}

bool ahci_dma_write(Ahci *ahci, uint64_t gpa, const void *data, uint64_t size)
{
    bool good;

    ahci->mastering = true;
    good = pci_dma_write(&ahci->pci, gpa, data, size);
    ahci->mastering = false;
    return good;
}

/* ---- Registers ---- */

static void ahci_reset_ports(Ahci *ahci)
{
    for (unsigned i = 0; i < AHCI_PORTS; i++) {
        ahci_port_reset(&ahci->port[i]);
    }
    ahci->control = GHC_AHCI;
    ahci->pending = 0;
    ahci_update_irq(ahci, false);
}

static uint64_t ahci_read(void *opaque, uint64_t offset, unsigned width)
{
    Ahci *ahci = opaque;
    uint64_t port = (offset - PORTS) / PORT_SIZE;

    (void)width;
    if (ahci->mastering) {
        return UINT32_MAX;
    }
    if (offset >= PORTS) {
        return port < AHCI_PORTS ? ahci_port_read(&ahci->port[port], (unsigned)(offset % PORT_SIZE))
                                 : 0;
    }
    switch (offset) {
    case REG_CAP:
        return CAPABILITIES;
    case REG_GHC:
        return ahci->control;
    case REG_IS:
        return ahci->pending;
    case REG_PI:
        return (1u << AHCI_PORTS) - 1;
    case REG_VS:
        return VERSION;
    default:
        return 0;
    }
}

static void ahci_write(void *opaque, uint64_t offset, unsigned width, uint64_t value)
{
    Ahci *ahci = opaque;
    uint64_t port = (offset - PORTS) / PORT_SIZE;

    (void)width;
    if (ahci->mastering) {
        return;
    }
    if (offset >= PORTS) {
        if (port < AHCI_PORTS) {
            ahci_port_write(&ahci->port[port], (unsigned)(offset % PORT_SIZE), (uint32_t)value);
        }
    } else if (offset == REG_GHC && (value & GHC_RESET) != 0) {
        ahci_reset_ports(ahci);
    } else if (offset == REG_GHC) {
        ahci->control = GHC_AHCI | ((uint32_t)value & GHC_IRQ);
        ahci_update_irq(ahci, false);
    } else if (offset == REG_IS) {
        ahci->pending &= ~(uint32_t)value;
        ahci_update_irq(ahci, true);
    }
}

static const MmioOps ahci_ops = {
    .read = ahci_read, .write = ahci_write, .min_width = 4, .max_width = 4
};

/* ---- The same, by index and data ---- */

static uint32_t pair_read(void *opaque, uint16_t offset, unsigned width)
{
    Ahci *ahci = opaque;

    if (offset == PAIR_INDEX) {
        return ahci->index;
    }
    return offset == PAIR_DATA ? (uint32_t)ahci_read(ahci, ahci->index, width) : 0;
}

static void pair_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    Ahci *ahci = opaque;

    if (offset == PAIR_INDEX) {
        ahci->index = value & (REGISTERS - 4);
    } else if (offset == PAIR_DATA) {
        ahci_write(ahci, ahci->index, width, value);
    }
}

static const IoRange pair_ports[] = {
    { .base = 0, .count = PAIR_SIZE, .widths = IO_32, .read = pair_read, .write = pair_write },
};

/* ---- The device ---- */

static bool ahci_create(Device *dev, GError **error)
{
    Ahci *ahci = (Ahci *)dev;
    uint8_t *config = pci_device_config(&ahci->pci);
    unsigned capability;

    (void)error;
    pci_device_add_io_bar(&ahci->pci, PAIR_BAR, PAIR_SIZE, pair_ports, G_N_ELEMENTS(pair_ports),
                          ahci);
    pci_device_add_mmio_bar(&ahci->pci, MEMORY_BAR, REGISTERS, false, false, &ahci_ops, ahci);
    pci_msi_init(&ahci->pci, 1, false);
    capability = pci_device_add_capability(&ahci->pci, CAPABILITY_SATA, CAPABILITY_SATA_SIZE);
    config[capability + 2] = 0x10;                                   /* revision 1.0 */
    config[capability + 4] = (PAIR_INDEX / 4) << 4 | (PAIR_BAR + 4); /* where the pair is */
    config[CFG_MAP] = MAP_AHCI;
    for (unsigned i = 0; i < AHCI_PORTS; i++) {
        ahci_port_init(ahci, i);
    }
    return true;
}

static void ahci_reset(Device *dev)
{
    Ahci *ahci = (Ahci *)dev;

    ahci_reset_ports(ahci);
    ahci->index = 0;
    for (unsigned i = 0; i < AHCI_PORTS; i++) {
        AhciPort *port = &ahci->port[i];

        port->list = port->list_high = port->area = port->area_high = 0;
    }
}

static void ahci_destroy(Device *dev)
{
    Ahci *ahci = (Ahci *)dev;

    for (unsigned i = AHCI_PORTS; i-- > 0;) {
        ahci_port_release(&ahci->port[i]);
    }
}

static void ahci_each_state(Device *dev, StateVisit *visit, void *opaque)
{
    Ahci *ahci = (Ahci *)dev;

    for (unsigned i = 0; i < AHCI_PORTS; i++) {
        visit(opaque, &ahci_port_state, dev->instance * AHCI_PORTS + i, &ahci->port[i]);
    }
}

static const PciClass ahci_class = {
    .name = "ICH9 AHCI",
    .vendor = 0x8086,
    .device = 0x2922,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .class_code = 0x010601,
    .revision = 2,
    .interrupt_pin = 1,
};

const DeviceType ich9_ahci_type = {
    .name = "ich9-ahci",
    .alias = "ahci",
    .category = DEVICE_STORAGE,
    .bus = &pci_bus_type,
    .size = sizeof(Ahci),
    .pci = &ahci_class,
    .hotpluggable = true,
    .create = ahci_create,
    .reset = ahci_reset,
    .destroy = ahci_destroy,
    .state = &ahci_state,
    .each_state = ahci_each_state,
};
