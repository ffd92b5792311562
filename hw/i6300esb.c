/* SPDX-License-Identifier: GPL-2.0-or-later */
/* i6300esb.c - the watchdog of the 6300ESB I/O controller hub (datasheet, chapter 16).
 *
 * Two stages of 20 bits count down one after the other, at 1 kHz or 1 MHz. The end of the first is
 * an interrupt at most, which is not wired here; that of the second a reset, or whatever
 * -watchdog-action says. Registers in the BAR are open for one write after 80h, 86h. */
#include "hw/device_types.h"
#include "hw/pci/pci.h"

enum {
    CFG_WDT = 0x60,
    CFG_LOCK = 0x68,
    WDT_TYPE = 3,        /* interrupt of the first stage: 3 none */
    WDT_FAST = 1 << 2,   /* 1 MHz */
    WDT_SILENT = 1 << 5, /* the second stage does nothing */
    LOCK_LOCKED = 1 << 0,
    LOCK_ENABLED = 1 << 1,
    LOCK_FREE_RUN = 1 << 2,
    REG_FIRST = 0x00,
    REG_SECOND = 0x04,
    REG_INTERRUPT = 0x08,
    REG_RELOAD = 0x0c,
    RELOAD_TIMER = 1 << 8,
    RELOAD_TIMED_OUT = 1 << 9,
    PRELOAD_MASK = 0xfffff,
    UNLOCK_FIRST = 0x80,
    UNLOCK_SECOND = 0x86,
    BAR_SIZE = 16,
    PCI_CLOCK_HZ = 33000000,
    SLOW_SHIFT = 15,
    FAST_SHIFT = 5,
};

typedef struct Watchdog {
    PciDevice pci;
    uint16_t config;
    uint8_t lock;
    uint32_t preload[2];
    uint8_t stage;  /* that counts: 0, 1 */
    uint8_t opened; /* writes of the unlock sequence that have been seen: 0, 1, 2 */
    bool timed_out; /* survives a reset, so that the guest can ask for its reason */
    uint64_t deadline;
    ClockTimer *timer;
} Watchdog;

/* ---- Counting ---- */

static void watchdog_start(Watchdog *dog, unsigned stage)
{
    unsigned shift = (dog->config & WDT_FAST) != 0 ? FAST_SHIFT : SLOW_SHIFT;
    uint64_t clocks = (uint64_t)dog->preload[stage] << shift;

    dog->stage = (uint8_t)stage;
    dog->deadline = (uint64_t)clock_now(dog->pci.device.board->clock) +
                    clocks * (NS_PER_S / 1000) / (PCI_CLOCK_HZ / 1000);
    clock_timer_set(dog->timer, (int64_t)dog->deadline);
}

static void watchdog_expired(void *opaque)
{
    Watchdog *dog = opaque;

    if (dog->stage == 0) {
        watchdog_start(dog, 1);
        return;
    }
    if ((dog->lock & LOCK_FREE_RUN) != 0) {
        watchdog_start(dog, 0);
        return;
    }
    if ((dog->config & WDT_SILENT) == 0) {
        dog->timed_out = true;
        dog->lock = 0;
        board_power(dog->pci.device.board, BOARD_POWER_WATCHDOG, 0);
    }
}

/* ---- Configuration space ---- */

static uint32_t watchdog_config_read(void *opaque, unsigned offset, unsigned width, uint32_t value)
{
    const Watchdog *dog = opaque;

    if (offset == CFG_WDT && width == 2) {
        return dog->config;
    }
    return offset == CFG_LOCK && width == 1 ? dog->lock : value;
}

static void lock_write(Watchdog *dog, uint8_t value)
{
    bool enabled = (value & LOCK_ENABLED) != 0;

    if ((dog->lock & LOCK_LOCKED) != 0) {
        return;
    }
    if (enabled && (dog->lock & LOCK_ENABLED) == 0) {
        watchdog_start(dog, 0);
    } else if (!enabled) {
        clock_timer_cancel(dog->timer);
    }
    dog->lock = value & (LOCK_LOCKED | LOCK_ENABLED | LOCK_FREE_RUN);
}

/* Both registers are writable bytes of configuration space, which keep what was written last. */
static void watchdog_config_written(void *opaque, unsigned offset, unsigned width)
{
    Watchdog *dog = opaque;
    const uint8_t *bytes = pci_device_config(&dog->pci);

    if (offset == CFG_WDT && width == 2) {
        dog->config = (uint16_t)(bytes[CFG_WDT] & (WDT_TYPE | WDT_FAST | WDT_SILENT));
    } else if (offset == CFG_LOCK && width == 1) {
        lock_write(dog, bytes[CFG_LOCK]);
    }
}

/* ---- Registers ---- */

static uint64_t watchdog_read(void *opaque, uint64_t offset, unsigned width)
{
    const Watchdog *dog = opaque;

    (void)width;
    switch (offset) {
    case REG_FIRST:
    case REG_SECOND:
        return dog->preload[offset / 4];
    case REG_RELOAD:
        return dog->timed_out ? RELOAD_TIMED_OUT : 0;
    default: /* no interrupt is ever pending */
        return 0;
    }
}

static void watchdog_write(void *opaque, uint64_t offset, unsigned width, uint64_t value)
{
    Watchdog *dog = opaque;
    bool open = dog->opened == 2;

    (void)width;
    if (offset == REG_RELOAD && value == UNLOCK_FIRST) {
        dog->opened = 1;
        return;
    }
    if (offset == REG_RELOAD && value == UNLOCK_SECOND && dog->opened == 1) {
        dog->opened = 2;
        return;
    }
    dog->opened = 0;
    if (!open) {
        return;
    }
    if (offset == REG_FIRST || offset == REG_SECOND) {
        dog->preload[offset / 4] = value & PRELOAD_MASK;
    } else if (offset == REG_RELOAD) {
        dog->timed_out = dog->timed_out && (value & RELOAD_TIMED_OUT) == 0;
        if ((value & RELOAD_TIMER) != 0 && (dog->lock & LOCK_ENABLED) != 0) {
            watchdog_start(dog, 0);
        }
    }
}

/* Narrower and wider accesses come as four bytes. */
static const MmioOps watchdog_ops = {
    .read = watchdog_read, .write = watchdog_write, .min_width = 2, .max_width = 4
};

/* ---- Life ---- */

static const PciClass watchdog_class = {
    .name = "i6300esb",
    .vendor = 0x8086,
    .device = 0x25ab,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .class_code = 0x088000,
    .config_written = watchdog_config_written,
    .config_read = watchdog_config_read,
};

static bool watchdog_create(Device *dev, GError **error)
{
    Watchdog *dog = (Watchdog *)dev;
    uint8_t *writable = pci_device_writable(&dog->pci);

    (void)error;
    writable[CFG_WDT] = WDT_TYPE | WDT_FAST | WDT_SILENT;
    writable[CFG_LOCK] = LOCK_LOCKED | LOCK_ENABLED | LOCK_FREE_RUN;
    dog->timer = clock_timer_new(dev->board->clock, watchdog_expired, dog);
    pci_device_add_mmio_bar(&dog->pci, 0, BAR_SIZE, false, false, &watchdog_ops, dog);
    return true;
}

static void watchdog_reset(Device *dev)
{
    Watchdog *dog = (Watchdog *)dev;

    clock_timer_cancel(dog->timer);
    dog->config = 0;
    dog->lock = 0;
    dog->preload[0] = dog->preload[1] = PRELOAD_MASK;
    dog->stage = dog->opened = 0;
}

static void watchdog_destroy(Device *dev)
{
    clock_timer_free(((Watchdog *)dev)->timer);
}

static void watchdog_loaded(void *opaque)
{
    Watchdog *dog = opaque;

    dog->stage &= 1;
    dog->opened = MIN(dog->opened, 2);
    dog->preload[0] &= PRELOAD_MASK;
    dog->preload[1] &= PRELOAD_MASK;
    clock_timer_cancel(dog->timer);
    if ((dog->lock & LOCK_ENABLED) != 0) {
        clock_timer_set(dog->timer, (int64_t)dog->deadline);
    }
}

static const StateField watchdog_fields[] = {
    STATE_FIELD(STATE_U16, Watchdog, config),   STATE_FIELD(STATE_U8, Watchdog, lock),
    STATE_ARRAY(STATE_U32, Watchdog, preload),  STATE_FIELD(STATE_U8, Watchdog, stage),
    STATE_FIELD(STATE_U8, Watchdog, opened),    STATE_FIELD(STATE_BOOL, Watchdog, timed_out),
    STATE_FIELD(STATE_U64, Watchdog, deadline), { 0 },
};
static const StateTable watchdog_state = {
    .name = "i6300esb", .version = 1, .fields = watchdog_fields, .loaded = watchdog_loaded
};

const DeviceType i6300esb_type = {
    .name = "i6300esb",
    .category = DEVICE_WATCHDOG,
    .bus = &pci_bus_type,
    .size = sizeof(Watchdog),
    .pci = &watchdog_class,
    .hotpluggable = true,
    .create = watchdog_create,
    .reset = watchdog_reset,
    .destroy = watchdog_destroy,
    .state = &watchdog_state,
};
