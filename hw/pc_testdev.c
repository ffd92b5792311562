/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pc_testdev.c - pc-testdev, which kvm-unit-tests know: a register at ports E0h to E3h and, byte by
 * byte, at E8h to EBh; E4h, whose writes ask a hypervisor to drop its mapping of a page, which none
 * of doppel's guests can see; interrupt lines 0 to 15 at ports 2000h and up; 64 KiB of
 * memory-mapped bytes at FF000000h. */
#include <string.h>

#include "hw/device_types.h"
#include "hw/isa.h"

enum {
    DATA_PORT = 0xe0,
    FLUSH_PORT = 0xe4,
    BYTE_PORT = 0xe8,
    IRQ_PORT = 0x2000,
    BYTES_SIZE = 0x10000,
    RANGE_PRIORITY = 2,
};
#define BYTES_BASE 0xff000000u

typedef struct PcTestDev {
    Device device;
    uint32_t data;
    uint16_t levels; /* of the interrupt lines */
    uint8_t bytes[BYTES_SIZE];
    IrqLine line[ISA_IRQS];
    IoAttachment *ports;
    PhysRange *range;
} PcTestDev;

static uint32_t data_read(void *opaque, uint16_t offset, unsigned width)
{
    const PcTestDev *test = opaque;

    (void)width;
    return test->data >> (8 * offset);
}

static void data_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    PcTestDev *test = opaque;
    uint64_t mask = ((1ull << (8 * width)) - 1) << (8 * offset);

    test->data = (uint32_t)((test->data & ~mask) | ((uint64_t)value << (8 * offset) & mask));
}

static void irq_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    PcTestDev *test = opaque;
    bool level = value != 0;

    (void)width;
    test->levels = (uint16_t)((test->levels & ~(1u << offset)) | (unsigned)level << offset);
    irq_set(&test->line[offset], level);
}

static const IoRange test_ports[] = {
    { .base = DATA_PORT,
      .count = 4,
      .widths = IO_8 | IO_16 | IO_32,
      .read = data_read,
      .write = data_write },
    { .base = FLUSH_PORT, .count = 4, .widths = IO_8 | IO_16 | IO_32 },
    { .base = BYTE_PORT, .count = 4, .widths = IO_8, .read = data_read, .write = data_write },
    { .base = IRQ_PORT, .count = ISA_IRQS, .widths = IO_8, .write = irq_write },
};

static uint64_t bytes_read(void *opaque, uint64_t offset, unsigned width)
{
    uint64_t value = 0;

    memcpy(&value, ((const PcTestDev *)opaque)->bytes + offset, width);
    return value;
}

static void bytes_write(void *opaque, uint64_t offset, unsigned width, uint64_t value)
{
    memcpy(((PcTestDev *)opaque)->bytes + offset, &value, width);
}

static const MmioOps bytes_ops = { .read = bytes_read, .write = bytes_write };

static bool test_create(Device *dev, GError **error)
{
    PcTestDev *test = (PcTestDev *)dev;

    for (unsigned i = 0; i < ISA_IRQS; i++) {
        if (!isa_device_irq(dev, i, &test->line[i], error)) {
            return false;
        }
    }
    test->ports = io_bus_attach(dev->board->io, test_ports, G_N_ELEMENTS(test_ports), test);
    test->range = phys_map_add_mmio(dev->board->map, BYTES_BASE, BYTES_SIZE, &bytes_ops, test,
                                    RANGE_PRIORITY);
    return true;
}

static void test_reset(Device *dev)
{
    PcTestDev *test = (PcTestDev *)dev;

    for (unsigned i = 0; i < ISA_IRQS; i++) {
        if ((test->levels >> i & 1) != 0) {
            irq_set(&test->line[i], false);
        }
    }
    test->levels = 0;
    test->data = 0;
    memset(test->bytes, 0, sizeof(test->bytes));
}

static void test_destroy(Device *dev)
{
    PcTestDev *test = (PcTestDev *)dev;

    io_bus_detach(dev->board->io, test->ports);
    phys_range_remove(dev->board->map, test->range);
}

static const StateField test_fields[] = {
    STATE_FIELD(STATE_U32, PcTestDev, data),
    STATE_FIELD(STATE_U16, PcTestDev, levels),
    STATE_ARRAY(STATE_BYTES, PcTestDev, bytes),
    { 0 },
};
static const StateTable test_state = { .name = "pc-testdev", .version = 1, .fields = test_fields };

const DeviceType pc_testdev_type = {
    .name = "pc-testdev",
    .category = DEVICE_MISC,
    .bus = &isa_bus_type,
    .size = sizeof(PcTestDev),
    .create = test_create,
    .reset = test_reset,
    .destroy = test_destroy,
    .state = &test_state,
};
