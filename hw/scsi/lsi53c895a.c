/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lsi53c895a.c - the LSI53C895A: PCI function, registers, interrupts, timers, the row (Technical
 * Manual, chapter 4). Registers that only set up signals of the bus keep what is written. */
#include "hw/device_types.h"
#include "hw/scsi/lsi_int.h"

#include <string.h>

enum {
    RAM_SIZE = 8192,
    DSTAT_EMPTY = 0x80, /* the DMA FIFO is */
    CTEST1_EMPTY = 0xf0,
    CTEST2_STATIC = 0x11, /* DACK, configured as memory */
    CTEST2_SIGNAL = 0x40,
    STEST4_STATIC = 0xe0, /* LVD, and the clock quadrupler is locked */
    ISTAT0_DMA = 0x01,
    ISTAT0_SCSI = 0x02,
    ISTAT0_CONNECTED = 0x08,
    ISTAT0_KEPT = 0x10, /* the semaphore */
    ISTAT0_RESET = 0x40,
    ISTAT0_ABORT = 0x80,
    ISTAT1_RUNNING = 0x02,
    SCNTL1_CONNECTED = 0x10,
    SCNTL1_RESET = 0x08,
    SSTAT0_RESET = 0x02,
    DMODE_MANUAL = 0x01,
    DCNTL_START = 0x04,
    DCNTL_NO_IRQ = 0x02,
    DCNTL_FLUSH = 0x40,
    SIST0_HARMLESS = 0x70, /* CMP, SEL, RSL stop the processor only if they are not masked */
    SIST1_HARMLESS = 0x03, /* GEN, HTH */
    GENERAL_UNIT_NS = 125 * NS_PER_US,
    SBCL_BUSY = 0x20,
    SBCL_REQUEST = 0x80,
};

/* ---- Words ---- */

uint32_t lsi_word(const Lsi *lsi, unsigned reg)
{
    uint32_t value;

    memcpy(&value, lsi->reg + reg, 4);
    return value;
}

void lsi_set_word(Lsi *lsi, unsigned reg, uint32_t value)
{
    memcpy(lsi->reg + reg, &value, 4);
}

/* ---- Interrupts ---- */

void lsi_update_irq(Lsi *lsi)
{
    const uint8_t *reg = lsi->reg;
    bool level = (reg[LSI_DSTAT] & reg[LSI_DIEN]) != 0 || (reg[LSI_SIST0] & reg[LSI_SIEN0]) != 0 ||
                 (reg[LSI_SIST1] & reg[LSI_SIEN1]) != 0 || (reg[LSI_ISTAT0] & LSI_ISTAT0_FLY) != 0;

    pci_device_set_irq(&lsi->pci, level && (reg[LSI_DCNTL] & DCNTL_NO_IRQ) == 0);
}

void lsi_dma_interrupt(Lsi *lsi, uint8_t bits)
{
    lsi->reg[LSI_DSTAT] |= bits;
    lsi->run = LSI_STOPPED;
    lsi_update_irq(lsi);
}

void lsi_scsi_interrupt(Lsi *lsi, uint8_t sist0, uint8_t sist1)
{
    uint8_t stops0 = lsi->reg[LSI_SIEN0] | (uint8_t)~SIST0_HARMLESS;
    uint8_t stops1 = lsi->reg[LSI_SIEN1] | (uint8_t)~SIST1_HARMLESS;

    lsi->reg[LSI_SIST0] |= sist0;
    lsi->reg[LSI_SIST1] |= sist1;
    if ((sist0 & stops0) != 0 || (sist1 & stops1) != 0) {
        lsi->run = LSI_STOPPED;
    }
    lsi_update_irq(lsi);
}

/* ---- Reset ---- */

static void soft_reset(Lsi *lsi)
{
    lsi->run = LSI_STOPPED;
    lsi_bus_free(lsi);
    clock_timer_cancel(lsi->slice);
    clock_timer_cancel(lsi->general);
    memset(lsi->reg, 0, sizeof(lsi->reg));
    lsi->reg[LSI_SCNTL0] = 0xc0;
    lsi->reg[LSI_SCID] = 7;
    lsi->reg[LSI_GPREG] = 0x1f;
    lsi->general_ns = 0;
    lsi->carry = lsi->asked = 0;
    lsi->status = lsi->message = 0;
    lsi->after = LSI_FREE;
    lsi_update_irq(lsi);
}

/* ---- Timers ---- */

static void slice_due(void *opaque)
{
    Lsi *lsi = opaque;

    if (lsi->run == LSI_RUNNING) {
        lsi_resume(lsi);
    }
}

static void general_due(void *opaque)
{
    Lsi *lsi = opaque;

    lsi->general_ns = 0;
    lsi_scsi_interrupt(lsi, 0, LSI_SIST1_GENERAL);
}

/* 125 us, and twice that with each step. */
static void general_start(Lsi *lsi, unsigned period)
{
    Clock *clock = lsi->pci.device.board->clock;

    clock_timer_cancel(lsi->general);
    lsi->general_ns = 0;
    if (period != 0) {
        lsi->general_ns = (uint64_t)clock_now(clock) + ((uint64_t)GENERAL_UNIT_NS << (period - 1));
        clock_timer_set(lsi->general, (int64_t)lsi->general_ns);
    }
}

/* ---- Reading registers ---- */

static uint8_t take(Lsi *lsi, unsigned reg)
{
    uint8_t value = lsi->reg[reg];

    lsi->reg[reg] = 0;
    lsi_update_irq(lsi);
    return value;
}

static uint8_t istat0(const Lsi *lsi)
{
    uint8_t value = lsi->reg[LSI_ISTAT0];

    value |= lsi->reg[LSI_DSTAT] != 0 ? ISTAT0_DMA : 0;
    value |= (lsi->reg[LSI_SIST0] | lsi->reg[LSI_SIST1]) != 0 ? ISTAT0_SCSI : 0;
    return value | (lsi->phase != LSI_FREE ? ISTAT0_CONNECTED : 0);
}

static uint8_t ctest2(Lsi *lsi)
{
    bool signal = (lsi->reg[LSI_ISTAT0] & LSI_ISTAT0_SIGNAL) != 0;

    lsi->reg[LSI_ISTAT0] &= (uint8_t)~LSI_ISTAT0_SIGNAL;
    return (lsi->reg[LSI_CTEST2] & 0x08) | CTEST2_STATIC | (signal ? CTEST2_SIGNAL : 0);
}

static uint8_t bus_lines(const Lsi *lsi)
{
    if (lsi->phase == LSI_FREE) {
        return 0;
    }
    return SBCL_BUSY | (lsi->busy ? 0 : SBCL_REQUEST) | (lsi->reg[LSI_SOCL] & LSI_ATN) | lsi->phase;
}

uint8_t lsi_reg_read(Lsi *lsi, uint8_t reg)
{
    switch (reg) {
    case LSI_SCNTL1:
        return lsi->reg[reg] | (lsi->phase != LSI_FREE ? SCNTL1_CONNECTED : 0);
    case LSI_SBCL:
        return bus_lines(lsi);
    case LSI_DSTAT:
        return take(lsi, reg) | DSTAT_EMPTY;
    case LSI_SIST0:
    case LSI_SIST1:
        return take(lsi, reg);
    case LSI_SSTAT0: /* the reset line is what this chip makes it */
        return lsi->reg[reg] | ((lsi->reg[LSI_SCNTL1] & SCNTL1_RESET) != 0 ? SSTAT0_RESET : 0);
    case LSI_SSTAT1:
        return lsi->phase == LSI_FREE ? 0 : lsi->phase;
    case LSI_ISTAT0:
        return istat0(lsi);
    case LSI_ISTAT1:
        return lsi->run == LSI_STOPPED ? 0 : ISTAT1_RUNNING;
    case LSI_CTEST1:
        return CTEST1_EMPTY;
    case LSI_CTEST2:
        return ctest2(lsi);
    case LSI_STEST4:
        return STEST4_STATIC;
    default:
        return lsi->reg[reg];
    }
}

/* ---- Writing registers ---- */

static void scntl1_write(Lsi *lsi, uint8_t value)
{
    bool rises = (value & ~lsi->reg[LSI_SCNTL1] & SCNTL1_RESET) != 0;

    lsi->reg[LSI_SCNTL1] = value & (uint8_t)~SCNTL1_CONNECTED;
    if (rises) {
        lsi->run = LSI_STOPPED;
        lsi_bus_reset(lsi);
        lsi_scsi_interrupt(lsi, LSI_SIST0_RESET, 0);
    }
}

static void istat0_write(Lsi *lsi, uint8_t value)
{
    uint8_t kept = lsi->reg[LSI_ISTAT0] & LSI_ISTAT0_FLY & (uint8_t)~value;

    if ((value & ISTAT0_RESET) != 0) {
        soft_reset(lsi);
        lsi->reg[LSI_ISTAT0] = ISTAT0_RESET;
        return;
    }
    lsi->reg[LSI_ISTAT0] = (value & (ISTAT0_ABORT | LSI_ISTAT0_SIGNAL | ISTAT0_KEPT)) | kept;
    lsi_update_irq(lsi);
    if ((value & ISTAT0_ABORT) != 0) {
        lsi_dma_interrupt(lsi, LSI_DSTAT_ABORTED);
    }
    if ((value & LSI_ISTAT0_SIGNAL) != 0) {
        lsi_signal(lsi);
    }
}

static void dcntl_write(Lsi *lsi, uint8_t value)
{
    lsi->reg[LSI_DCNTL] = value & (uint8_t) ~(DCNTL_START | DCNTL_FLUSH);
    lsi_update_irq(lsi);
    if ((value & DCNTL_START) != 0) {
        lsi_start(lsi);
    }
}

void lsi_reg_write(Lsi *lsi, uint8_t reg, uint8_t value)
{
    switch (reg) {
    case LSI_SCNTL1:
        scntl1_write(lsi, value);
        break;
    case LSI_ISTAT0:
        istat0_write(lsi, value);
        break;
    case LSI_DCNTL:
        dcntl_write(lsi, value);
        break;
    case LSI_DSP + 3:
        lsi->reg[reg] = value;
        if ((lsi->reg[LSI_DMODE] & DMODE_MANUAL) == 0) {
            lsi_start(lsi);
        }
        break;
    case LSI_DIEN:
    case LSI_SIEN0:
    case LSI_SIEN1:
        lsi->reg[reg] = value;
        lsi_update_irq(lsi);
        break;
    case LSI_STIME1:
        lsi->reg[reg] = value;
        general_start(lsi, value & 15);
        break;
    case LSI_SSID:
    case LSI_SBCL:
    case LSI_DSTAT:
    case LSI_SSTAT0:
    case LSI_SSTAT1:
    case LSI_SSTAT2:
    case LSI_ISTAT1:
    case LSI_CTEST1:
    case LSI_SIST0:
    case LSI_SIST1:
    case LSI_STEST4:
        break; /* read-only */
    default:
        lsi->reg[reg] = value;
        break;
    }
}

/* ---- Windows onto the registers: wider accesses are bytes, in order ---- */

static uint64_t window_read(void *opaque, uint64_t offset, unsigned width)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < width; i++) {
        value |= (uint64_t)lsi_reg_read(opaque, (uint8_t)(offset + i)) << 8 * i;
    }
    return value;
}

static void window_write(void *opaque, uint64_t offset, unsigned width, uint64_t value)
{
    for (unsigned i = 0; i < width; i++) {
        lsi_reg_write(opaque, (uint8_t)(offset + i), (uint8_t)(value >> 8 * i));
    }
}

static const MmioOps window_ops = { .read = window_read, .write = window_write, .max_width = 4 };

static uint32_t port_read(void *opaque, uint16_t offset, unsigned width)
{
    return (uint32_t)window_read(opaque, offset, width);
}

static void port_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    window_write(opaque, offset, width, value);
}

static const IoRange ports[] = {
    { .base = 0,
      .count = LSI_REGISTERS,
      .widths = IO_8 | IO_16 | IO_32,
      .read = port_read,
      .write = port_write },
};

/* ---- Coming and going ---- */

static bool lsi_create(Device *dev, GError **error)
{
    enum { WINDOW_SIZE = 1024 };
    Lsi *lsi = (Lsi *)dev;

    lsi->ram = phys_map_take_device_ram(dev->board->map, RAM_SIZE);
    if (lsi->ram == UINT64_MAX) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_FAILED, "no memory for SCRIPTS RAM is left");
        return false;
    }
    pci_device_add_io_bar(&lsi->pci, 0, LSI_REGISTERS, ports, G_N_ELEMENTS(ports), lsi);
    pci_device_add_mmio_bar(&lsi->pci, 1, WINDOW_SIZE, false, false, &window_ops, lsi);
    pci_device_add_ram_bar(&lsi->pci, 2, lsi->ram, RAM_SIZE, false, false);
    lsi->slice = clock_timer_new(dev->board->clock, slice_due, lsi);
    lsi->general = clock_timer_new(dev->board->clock, general_due, lsi);
    lsi->data = g_byte_array_new();
    lsi->phase = LSI_FREE;
    scsi_bus_init(&lsi->bus, &lsi_hba, dev);
    return true;
}

static void lsi_reset(Device *dev)
{
    Lsi *lsi = (Lsi *)dev;

    soft_reset(lsi);
    scsi_bus_reset(&lsi->bus);
}

static void lsi_destroy(Device *dev)
{
    Lsi *lsi = (Lsi *)dev;

    soft_reset(lsi);
    bus_clear(&lsi->bus.bus);
    clock_timer_free(lsi->slice);
    clock_timer_free(lsi->general);
    g_byte_array_unref(lsi->data);
    phys_map_give_device_ram(dev->board->map, lsi->ram, RAM_SIZE);
}

/* ---- State ---- */

static bool is_phase(uint8_t phase)
{
    return phase <= LSI_STATUS || (phase >= LSI_MESSAGE_OUT && phase <= LSI_FREE);
}

/* A target that was saved in the middle of its data has them; one that was busy has ended before.
 */
static bool state_sound(const Lsi *lsi)
{
    bool moves = lsi->phase == LSI_DATA_OUT || lsi->phase == LSI_DATA_IN;

    return lsi->run <= LSI_WAITS_RESELECT && lsi->run != LSI_WAITS_TARGET && is_phase(lsi->phase) &&
           is_phase(lsi->after) && lsi->target < 16 && lsi->lun < 8 && lsi->carry <= 1 &&
           (!moves || lsi->at < lsi->data->len);
}

static void lsi_loaded(void *opaque)
{
    Lsi *lsi = opaque;
    Clock *clock = lsi->pci.device.board->clock;
    uint64_t general = lsi->general_ns;

    if (!state_sound(lsi) || lsi->busy) {
        soft_reset(lsi);
        return;
    }
    clock_timer_cancel(lsi->general);
    if (general != 0) {
        clock_timer_set(lsi->general, (int64_t)general);
    }
    if (lsi->run == LSI_RUNNING) {
        clock_timer_set(lsi->slice, clock_now(clock));
    }
    lsi_update_irq(lsi);
}

static const StateField lsi_fields[] = {
    STATE_ARRAY(STATE_BYTES, Lsi, reg),
    STATE_FIELD(STATE_U8, Lsi, run),
    STATE_FIELD(STATE_U8, Lsi, phase),
    STATE_FIELD(STATE_U8, Lsi, carry),
    STATE_FIELD(STATE_U8, Lsi, nobody),
    STATE_FIELD(STATE_U8, Lsi, asked),
    STATE_FIELD(STATE_U64, Lsi, general_ns),
    STATE_FIELD(STATE_U8, Lsi, target),
    STATE_FIELD(STATE_U8, Lsi, lun),
    STATE_ARRAY(STATE_BYTES, Lsi, cdb),
    STATE_FIELD(STATE_U8, Lsi, status),
    STATE_FIELD(STATE_U8, Lsi, message),
    STATE_FIELD(STATE_U8, Lsi, after),
    { .name = "data",
      .type = STATE_BUFFER,
      .offset = offsetof(Lsi, data),
      .count = 64 << 20,
      .version = 1 },
    STATE_FIELD(STATE_U32, Lsi, at),
    { 0 },
};

static const StateTable lsi_state = {
    .name = "lsi53c895a",
    .version = 1,
    .fields = lsi_fields,
    .loaded = lsi_loaded,
};

/* ---- The row ---- */

static const PciClass lsi_class = {
    .name = "lsi53c895a",
    .vendor = 0x1000,
    .device = 0x0012,
    .subsystem_vendor = 0,
    .subsystem = 0x1000,
    .class_code = 0x010000,
    .interrupt_pin = 1,
};

const DeviceType lsi53c895a_type = {
    .name = "lsi53c895a",
    .alias = "lsi",
    .category = DEVICE_STORAGE,
    .bus = &pci_bus_type,
    .size = sizeof(Lsi),
    .pci = &lsi_class,
    .hotpluggable = true,
    .create = lsi_create,
    .reset = lsi_reset,
    .destroy = lsi_destroy,
    .state = &lsi_state,
};
