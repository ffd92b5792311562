/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/pci/isa_bridge.h"
#include <string.h>
#include "hw/pci/pci_int.h"

enum {
    RESET_HARD = 1u << 1, /* reset control: hard, not just the CPU; both reset the board here */
    RESET_CPU = 1u << 2,
    ISA_IRQS = 16,
    ROUTABLE = 0xdef8, /* ISA interrupts a PIRQ can go to: 3 to 7, 9 to 12, 14, 15 */
};

struct IsaBridge {
    const IsaBridgeModel *model;
    PciDevice *pci;
    IoBus *io;
    IoAttachment *ports;
    void (*set_irq)(void *opaque, unsigned irq, bool level);
    void (*reset)(void *opaque);
    void *opaque;
    void (*written)(void *opaque, unsigned offset, unsigned width);
    void *written_opaque;
    bool pirq[ISA_BRIDGE_PIRQS];
    uint16_t asserted; /* ISA interrupts that PIRQs hold high */
    uint8_t reset_control;
};

static void isa_bridge_update(IsaBridge *bridge)
{
    const uint8_t *config = pci_device_config(bridge->pci);
    uint16_t asserted = 0, changed;

    for (unsigned i = 0; i < bridge->model->pirqs; i++) {
        uint8_t route = config[bridge->model->pirq[i]];

        if (bridge->pirq[i] && (route & ISA_BRIDGE_PIRQ_OFF) == 0) {
            asserted |= (uint16_t)(1u << (route & 0xf)) & ROUTABLE;
        }
    }
    changed = asserted ^ bridge->asserted;
    bridge->asserted = asserted;
    for (unsigned irq = 0; irq < ISA_IRQS; irq++) {
        if ((changed >> irq & 1) != 0) {
            bridge->set_irq(bridge->opaque, irq, (asserted >> irq & 1) != 0);
        }
    }
}

void isa_bridge_set_pirq(IsaBridge *bridge, unsigned pirq, bool level)
{
    bridge->pirq[pirq % bridge->model->pirqs] = level;
    isa_bridge_update(bridge);
}

void isa_bridge_set_route(IsaBridge *bridge, unsigned pirq, uint8_t irq)
{
    pci_device_config(bridge->pci)[bridge->model->pirq[pirq % bridge->model->pirqs]] = irq & 0x8f;
    isa_bridge_update(bridge);
}

uint8_t isa_bridge_route(IsaBridge *bridge, unsigned pirq)
{
    return pci_device_config(bridge->pci)[bridge->model->pirq[pirq % bridge->model->pirqs]];
}

void isa_bridge_config_written(void *opaque, unsigned offset, unsigned width)
{
    IsaBridge *bridge = opaque;

    isa_bridge_update(bridge);
    if (bridge->written != NULL) {
        bridge->written(bridge->written_opaque, offset, width);
    }
}

void isa_bridge_on_write(IsaBridge *bridge,
                         void (*written)(void *opaque, unsigned offset, unsigned width),
                         void *opaque)
{
    bridge->written = written;
    bridge->written_opaque = opaque;
}

PciDevice *isa_bridge_pci(IsaBridge *bridge)
{
    return bridge->pci;
}

static uint32_t reset_control_read(void *opaque, uint16_t offset, unsigned width)
{
    const IsaBridge *bridge = opaque;

    (void)offset;
    (void)width;
    return bridge->reset_control;
}

static void reset_control_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    IsaBridge *bridge = opaque;

    (void)offset;
    (void)width;
    bridge->reset_control = value & RESET_HARD;
    if ((value & RESET_CPU) != 0) {
        bridge->reset(bridge->opaque);
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

void isa_bridge_reset(IsaBridge *bridge)
{
    uint8_t *config = pci_device_config(bridge->pci);

    pci_device_reset(bridge->pci);
    memset(config + 0x40, 0, PCI_CONFIG_SIZE - 0x40);
    config[0x04] = 0x07; /* I/O, memory, bus mastering: always on */
    config[0x07] = 0x02;
    for (unsigned i = 0; i < bridge->model->pirqs; i++) {
        config[bridge->model->pirq[i]] = ISA_BRIDGE_PIRQ_OFF;
    }
    bridge->model->reset(config);
    bridge->reset_control = 0;
    isa_bridge_config_written(bridge, 0, 0);
}

IsaBridge *isa_bridge_new(const IsaBridgeModel *model, PciBus *bus, IoBus *io,
                          void (*set_irq)(void *opaque, unsigned irq, bool level),
                          void (*reset)(void *opaque), void *opaque)
{
    IsaBridge *bridge = g_new0(IsaBridge, 1);

    bridge->model = model;
    bridge->io = io;
    bridge->set_irq = set_irq;
    bridge->reset = reset;
    bridge->opaque = opaque;
    bridge->pci = pci_device_new(bus, (int)model->devfn, model->class, bridge);
    model->writable(pci_device_writable(bridge->pci));
    bridge->ports = io_bus_attach(io, reset_port, G_N_ELEMENTS(reset_port), bridge);
    isa_bridge_reset(bridge);
    return bridge;
}

void isa_bridge_free(IsaBridge *bridge)
{
    io_bus_detach(bridge->io, bridge->ports);
    pci_device_free(bridge->pci);
    g_free(bridge);
}

static void isa_bridge_loaded(void *opaque)
{
    isa_bridge_update(opaque);
}

static const StateField isa_bridge_fields[] = {
    STATE_ARRAY(STATE_BOOL, IsaBridge, pirq),
    STATE_FIELD(STATE_U16, IsaBridge, asserted),
    STATE_FIELD(STATE_U8, IsaBridge, reset_control),
    { 0 },
};

const StateTable isa_bridge_state = {
    .name = "isa-bridge",
    .version = 1,
    .fields = isa_bridge_fields,
    .loaded = isa_bridge_loaded,
};
