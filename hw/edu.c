/* SPDX-License-Identifier: GPL-2.0-or-later */
/* edu.c - edu, the device that students write their first PCI driver for, after QEMU's
 * docs/specs/edu: registers, a factorial that takes its time, a buffer with a DMA engine, INTx or
 * MSI. A DMA beyond the buffer does nothing. */
#include <string.h>

#include "hw/device_types.h"
#include "hw/pci/msi.h"

enum {
    REG_ID = 0x00,
    REG_LIVE = 0x04, /* reads what was written, inverted */
    REG_FACTORIAL = 0x08,
    REG_STATUS = 0x20,
    REG_IRQ_STATUS = 0x24,
    REG_IRQ_RAISE = 0x60,
    REG_IRQ_ACK = 0x64,
    REG_DMA_SOURCE = 0x80,
    REG_DMA_DESTINATION = 0x88,
    REG_DMA_COUNT = 0x90,
    REG_DMA_COMMAND = 0x98,
    ID = 0x010000ed,
    STATUS_COMPUTING = 0x01,
    STATUS_INTERRUPTS = 0x80,
    DMA_RUN = 0x1,
    DMA_TO_RAM = 0x2,
    DMA_INTERRUPTS = 0x4,
    IRQ_FACTORIAL = 0x00000001,
    IRQ_DMA = 0x00000100,
    BUFFER_BASE = 0x40000,
    BUFFER_SIZE = 4096,
    BAR_SIZE = 1 << 20,
    FACTORIAL_NS = 10 * NS_PER_US,
    DMA_NS = 100 * NS_PER_MS,
};

typedef struct Edu {
    PciDevice pci;
    uint64_t dma_mask;

    uint32_t live, factorial, status, irq_status;
    uint64_t source, destination, count, command;
    uint8_t buffer[BUFFER_SIZE];
    uint64_t factorial_ns, dma_ns; /* when they end, while they run */
    ClockTimer *factorial_timer, *dma_timer;
} Edu;

/* ---- Interrupts ---- */

static void edu_raise(Edu *edu, uint32_t bits)
{
    edu->irq_status |= bits;
    if (edu->irq_status == 0) {
        return;
    }
    if (pci_msi_enabled(&edu->pci)) {
        pci_msi_notify(&edu->pci, 0);
    } else {
        pci_device_set_irq(&edu->pci, true);
    }
}

static void edu_acknowledge(Edu *edu, uint32_t bits)
{
    edu->irq_status &= ~bits;
    if (edu->irq_status == 0) {
        pci_device_set_irq(&edu->pci, false);
    }
}

/* ---- What takes time ---- */

static void factorial_done(void *opaque)
{
    Edu *edu = opaque;
    uint32_t result = 1;

    for (uint32_t n = edu->factorial; n > 1 && result != 0; n--) { /* 34! is a multiple of 2^32 */
        result *= n;
    }
    edu->factorial = result;
    edu->status &= ~(uint32_t)STATUS_COMPUTING;
    if ((edu->status & STATUS_INTERRUPTS) != 0) {
        edu_raise(edu, IRQ_FACTORIAL);
    }
}

static void factorial_start(Edu *edu, uint32_t n)
{
    if ((edu->status & STATUS_COMPUTING) != 0) {
        return;
    }
    edu->factorial = n;
    edu->status |= STATUS_COMPUTING;
    edu->factorial_ns = (uint64_t)clock_now(edu->pci.device.board->clock) + FACTORIAL_NS;
    clock_timer_set(edu->factorial_timer, (int64_t)edu->factorial_ns);
}

/* Where an address of the device's side lies in the buffer; false: not all of it does. */
static bool buffer_place(const Edu *edu, uint64_t address, uint64_t *place)
{
    *place = address - BUFFER_BASE;
    return address >= BUFFER_BASE && *place <= BUFFER_SIZE && edu->count <= BUFFER_SIZE - *place;
}

static void dma_done(void *opaque)
{
    Edu *edu = opaque;
    bool to_ram = (edu->command & DMA_TO_RAM) != 0;
    uint64_t place;

    if (buffer_place(edu, to_ram ? edu->source : edu->destination, &place)) {
        uint8_t *bytes = edu->buffer + place;

        if (to_ram) {
            pci_dma_write(&edu->pci, edu->destination & edu->dma_mask, bytes, edu->count);
        } else {
            pci_dma_read(&edu->pci, edu->source & edu->dma_mask, bytes, edu->count);
        }
    }
    edu->command &= ~(uint64_t)DMA_RUN;
    if ((edu->command & DMA_INTERRUPTS) != 0) {
        edu_raise(edu, IRQ_DMA);
    }
}

static void dma_start(Edu *edu, uint64_t command)
{
    edu->command = command & (DMA_RUN | DMA_TO_RAM | DMA_INTERRUPTS);
    if ((command & DMA_RUN) != 0) {
        edu->dma_ns = (uint64_t)clock_now(edu->pci.device.board->clock) + DMA_NS;
        clock_timer_set(edu->dma_timer, (int64_t)edu->dma_ns);
    }
}

/* ---- Registers: four bytes wide, those of the DMA engine four or eight ---- */

static bool edu_width_good(uint64_t offset, unsigned width)
{
    return width == 4 || (width == 8 && offset >= REG_DMA_SOURCE);
}

static uint64_t edu_read(void *opaque, uint64_t offset, unsigned width)
{
    const Edu *edu = opaque;

    if (!edu_width_good(offset, width)) {
        return UINT64_MAX;
    }
    switch (offset) {
    case REG_ID:
        return ID;
    case REG_LIVE:
        return edu->live;
    case REG_FACTORIAL:
        return edu->factorial;
    case REG_STATUS:
        return edu->status;
    case REG_IRQ_STATUS:
        return edu->irq_status;
    case REG_DMA_SOURCE:
        return edu->source;
    case REG_DMA_DESTINATION:
        return edu->destination;
    case REG_DMA_COUNT:
        return edu->count;
    case REG_DMA_COMMAND:
        return edu->command;
    default:
        return UINT64_MAX;
    }
}

static void dma_write(Edu *edu, uint64_t offset, uint64_t value)
{
    if ((edu->command & DMA_RUN) != 0) {
        return;
    }
    switch (offset) {
    case REG_DMA_SOURCE:
        edu->source = value;
        break;
    case REG_DMA_DESTINATION:
        edu->destination = value;
        break;
    case REG_DMA_COUNT:
        edu->count = value;
        break;
    case REG_DMA_COMMAND:
        dma_start(edu, value);
        break;
    default:
        break;
    }
}

static void edu_write(void *opaque, uint64_t offset, unsigned width, uint64_t value)
{
    Edu *edu = opaque;

    if (!edu_width_good(offset, width)) {
        return;
    }
    switch (offset) {
    case REG_LIVE:
        edu->live = ~(uint32_t)value;
        break;
    case REG_FACTORIAL:
        factorial_start(edu, (uint32_t)value);
        break;
    case REG_STATUS:
        edu->status = (edu->status & STATUS_COMPUTING) | (value & STATUS_INTERRUPTS);
        break;
    case REG_IRQ_RAISE:
        edu_raise(edu, (uint32_t)value);
        break;
    case REG_IRQ_ACK:
        edu_acknowledge(edu, (uint32_t)value);
        break;
    default:
        dma_write(edu, offset, value);
        break;
    }
}

static const MmioOps edu_ops = { .read = edu_read, .write = edu_write };

/* ---- Life ---- */

static const PciClass edu_class = {
    .name = "edu",
    .vendor = 0x1234,
    .device = 0x11e8,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .class_code = 0x00ff00,
    .revision = 0x10,
    .interrupt_pin = 1,
};

static bool edu_create(Device *dev, GError **error)
{
    Edu *edu = (Edu *)dev;

    (void)error;
    edu->factorial_timer = clock_timer_new(dev->board->clock, factorial_done, edu);
    edu->dma_timer = clock_timer_new(dev->board->clock, dma_done, edu);
    pci_msi_init(&edu->pci, 1, false);
    pci_device_add_mmio_bar(&edu->pci, 0, BAR_SIZE, false, false, &edu_ops, edu);
    return true;
}

static void edu_reset(Device *dev)
{
    Edu *edu = (Edu *)dev;

    clock_timer_cancel(edu->factorial_timer);
    clock_timer_cancel(edu->dma_timer);
    edu->live = edu->factorial = edu->status = edu->irq_status = 0;
    edu->source = edu->destination = edu->count = edu->command = 0;
    memset(edu->buffer, 0, sizeof(edu->buffer));
}

static void edu_destroy(Device *dev)
{
    Edu *edu = (Edu *)dev;

    clock_timer_free(edu->factorial_timer);
    clock_timer_free(edu->dma_timer);
}

static void edu_loaded(void *opaque)
{
    Edu *edu = opaque;

    clock_timer_cancel(edu->factorial_timer);
    clock_timer_cancel(edu->dma_timer);
    if ((edu->status & STATUS_COMPUTING) != 0) {
        clock_timer_set(edu->factorial_timer, (int64_t)edu->factorial_ns);
    }
    if ((edu->command & DMA_RUN) != 0) {
        clock_timer_set(edu->dma_timer, (int64_t)edu->dma_ns);
    }
}

static const StateField edu_fields[] = {
    STATE_FIELD(STATE_U32, Edu, live),         STATE_FIELD(STATE_U32, Edu, factorial),
    STATE_FIELD(STATE_U32, Edu, status),       STATE_FIELD(STATE_U32, Edu, irq_status),
    STATE_FIELD(STATE_U64, Edu, source),       STATE_FIELD(STATE_U64, Edu, destination),
    STATE_FIELD(STATE_U64, Edu, count),        STATE_FIELD(STATE_U64, Edu, command),
    STATE_FIELD(STATE_U64, Edu, factorial_ns), STATE_FIELD(STATE_U64, Edu, dma_ns),
    STATE_ARRAY(STATE_BYTES, Edu, buffer),     { 0 },
};
static const StateTable edu_state = {
    .name = "edu", .version = 1, .fields = edu_fields, .loaded = edu_loaded
};

static const Property edu_properties[] = {
    PROPERTY_ROW("dma_mask", PROPERTY_U64, Edu, dma_mask, .init = 0x0fffffff, .no_default = true),
    { 0 },
};

const DeviceType edu_type = {
    .name = "edu",
    .category = DEVICE_MISC,
    .bus = &pci_bus_type,
    .size = sizeof(Edu),
    .properties = edu_properties,
    .pci = &edu_class,
    .hotpluggable = true,
    .create = edu_create,
    .reset = edu_reset,
    .destroy = edu_destroy,
    .state = &edu_state,
};
