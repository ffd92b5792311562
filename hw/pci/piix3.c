/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/pci/piix3.h"
#include <string.h>
#include "hw/pci/pci_int.h"

enum { /* configuration registers */
       CFG_IORT = 0x4c,
       CFG_XBCS = 0x4e,
       CFG_PIRQ = 0x60, /* four */
       CFG_TOM = 0x69,
       CFG_MSTAT = 0x6a,
       CFG_MBIRQ = 0x70,
       CFG_MBDMA = 0x76,
       CFG_PCSC = 0x78,
       CFG_APICBASE = 0x80,
       CFG_DLC = 0x82,
       CFG_SMICNTL = 0xa0,
       CFG_SMIEN = 0xa2,
       CFG_SEE = 0xa4,
       CFG_FTMR = 0xa8,
       CFG_SMIREQ = 0xaa,
       CFG_CTLTMR = 0xac,
       CFG_CTHTMR = 0xae,
};

enum {
    RESET_HARD = 1u << 1, /* reset control: hard, not just the CPU; both reset the board here */
    RESET_CPU = 1u << 2,
    ISA_IRQS = 16,
    ROUTABLE = 0xdef8, /* ISA interrupts a PIRQ can go to: 3 to 7, 9 to 12, 14, 15 */
};

struct Piix3 {
    PciDevice *pci;
    IoBus *io;
    IoAttachment *ports;
    void (*set_irq)(void *opaque, unsigned irq, bool level);
    void (*reset)(void *opaque);
    void *opaque;
    bool pirq[PIIX3_PIRQS];
    uint16_t asserted; /* ISA interrupts that PIRQs hold high */
    uint8_t reset_control;
};

static void piix3_update(Piix3 *piix3)
{
    const uint8_t *config = pci_device_config(piix3->pci);
    uint16_t asserted = 0, changed;

    for (unsigned i = 0; i < PIIX3_PIRQS; i++) {
        uint8_t route = config[CFG_PIRQ + i];

        if (piix3->pirq[i] && (route & PIIX3_PIRQ_OFF) == 0) {
            asserted |= (uint16_t)(1u << (route & 0xf)) & ROUTABLE;
        }
    }
    changed = asserted ^ piix3->asserted;
    piix3->asserted = asserted;
    for (unsigned irq = 0; irq < ISA_IRQS; irq++) {
        if ((changed >> irq & 1) != 0) {
            piix3->set_irq(piix3->opaque, irq, (asserted >> irq & 1) != 0);
        }
    }
}

void piix3_set_pirq(Piix3 *piix3, unsigned pirq, bool level)
{
    piix3->pirq[pirq % PIIX3_PIRQS] = level;
    piix3_update(piix3);
}

void piix3_set_route(Piix3 *piix3, unsigned pirq, uint8_t irq)
{
    pci_device_config(piix3->pci)[CFG_PIRQ + pirq % PIIX3_PIRQS] = irq & 0x8f;
    piix3_update(piix3);
}

uint8_t piix3_route(Piix3 *piix3, unsigned pirq)
{
    return pci_device_config(piix3->pci)[CFG_PIRQ + pirq % PIIX3_PIRQS];
}

static void piix3_config_written(void *opaque, unsigned offset, unsigned width)
{
    if (width == 0 || (offset < CFG_PIRQ + PIIX3_PIRQS && offset + width > CFG_PIRQ)) {
        piix3_update(opaque);
    }
}

static uint32_t reset_control_read(void *opaque, uint16_t offset, unsigned width)
{
    const Piix3 *piix3 = opaque;

    (void)offset;
    (void)width;
    return piix3->reset_control;
}

static void reset_control_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    Piix3 *piix3 = opaque;

    (void)offset;
    (void)width;
    piix3->reset_control = value & RESET_HARD;
    if ((value & RESET_CPU) != 0) {
        piix3->reset(piix3->opaque);
    }
}

/* Inside the host bridge's CF8 to CFB, whose register answers to double words only. */
static const IoRange reset_port[] = {
    { .base = 0xcf9,
      .count = 1,
      .widths = IO_8,
      .read = reset_control_read,
      .write = reset_control_write },
};

static const PciClass piix3_class = {
    .name = "PIIX3 ISA bridge",
    .vendor = 0x8086,
    .device = 0x7000,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .class_code = 0x060100,
    .multifunction = true,
    .config_written = piix3_config_written,
};

void piix3_reset(Piix3 *piix3)
{
    uint8_t *config = pci_device_config(piix3->pci);

    pci_device_reset(piix3->pci);
    memset(config + 0x40, 0, PCI_CONFIG_SIZE - 0x40);
    config[0x04] = 0x07; /* I/O, memory, bus mastering: always on */
    config[0x07] = 0x02;
    config[CFG_IORT] = 0x4d;
    config[CFG_XBCS] = 0x03;
    memset(config + CFG_PIRQ, PIIX3_PIRQ_OFF, PIIX3_PIRQS);
    config[CFG_TOM] = 0x02;
    config[CFG_MBIRQ] = 0x80;
    config[CFG_MBDMA] = config[CFG_MBDMA + 1] = 0x0c;
    config[CFG_PCSC] = 0x02;
    config[CFG_SMICNTL] = 0x08;
    config[CFG_FTMR] = 0x0f;
    piix3->reset_control = 0;
    piix3_update(piix3);
}

static void piix3_set_writable(uint8_t *writable)
{
    static const struct {
        uint8_t offset, size, mask;
    } rows[] = {
        { 0x04, 2, 0x00 },       { 0x05, 1, 0x01 },        { CFG_IORT, 1, 0x7f },
        { CFG_XBCS, 1, 0xff },   { CFG_XBCS + 1, 1, 1 },   { CFG_PIRQ, PIIX3_PIRQS, 0x8f },
        { CFG_TOM, 1, 0xfe },    { CFG_MSTAT, 1, 0x18 },   { CFG_MBIRQ, 1, 0xef },
        { CFG_MBDMA, 2, 0x8f },  { CFG_PCSC, 2, 0xff },    { CFG_APICBASE, 1, 0x7f },
        { CFG_DLC, 1, 0x0f },    { CFG_SMICNTL, 1, 0x1f }, { CFG_SMIEN, 2, 0xff },
        { CFG_SEE, 4, 0xff },    { CFG_FTMR, 1, 0xff },    { CFG_CTLTMR, 1, 0xff },
        { CFG_CTHTMR, 1, 0xff },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        memset(writable + rows[i].offset, rows[i].mask, rows[i].size);
    }
}

Piix3 *piix3_new(PciBus *bus, IoBus *io, void (*set_irq)(void *opaque, unsigned irq, bool level),
                 void (*reset)(void *opaque), void *opaque)
{
    Piix3 *piix3 = g_new0(Piix3, 1);

    piix3->io = io;
    piix3->set_irq = set_irq;
    piix3->reset = reset;
    piix3->opaque = opaque;
    piix3->pci = pci_device_new(bus, PCI_DEVFN(PIIX3_SLOT, 0), &piix3_class, piix3);
    piix3_set_writable(pci_device_writable(piix3->pci));
    piix3->ports = io_bus_attach(io, reset_port, G_N_ELEMENTS(reset_port), piix3);
    piix3_reset(piix3);
    return piix3;
}

void piix3_free(Piix3 *piix3)
{
    io_bus_detach(piix3->io, piix3->ports);
    pci_device_free(piix3->pci);
    g_free(piix3);
}

static void piix3_loaded(void *opaque)
{
    piix3_update(opaque);
}

static const StateField piix3_fields[] = {
    STATE_ARRAY(STATE_BOOL, Piix3, pirq),
    STATE_FIELD(STATE_U16, Piix3, asserted),
    STATE_FIELD(STATE_U8, Piix3, reset_control),
    { 0 },
};

const StateTable piix3_state = {
    .name = "piix3",
    .version = 1,
    .fields = piix3_fields,
    .loaded = piix3_loaded,
};
