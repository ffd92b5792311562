/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/lapic.h"
#include "hw/lapic_int.h"

/* lapic_bus.c - messages between local APICs (SDM vol. 3 sections 11.6, 11.10 to 11.12), and their
 * registers seen from the CPUs. */

enum {
    MSR_APIC_BASE = 0x1b,
    MSR_TSC_DEADLINE = 0x6e0,
    MSR_X2APIC = 0x800,
    MSR_X2APIC_LAST = 0x8ff,
    LAPIC_WINDOW = 0x1000,
    DESTINATION_ALL = 0xff,
    ICR_LOGICAL = 1u << 11,
    ICR_ASSERT = 1u << 14,
    ICR_LEVEL = 1u << 15,
};
/* Below the flags, and beyond any physical address. */
#define APIC_BASE_RESERVED (0xffull | 1u << 9 | 0xfff0000000000000ull)
#define APIC_BASE_ADDRESS  0x000ffffffffff000ull

/* ---- Destinations ---- */

static bool logical_match(const Lapic *lapic, uint32_t destination)
{
    uint32_t ldr = lapic->ldr >> 24;

    if (lapic_x2apic(lapic)) {
        uint32_t own = 1u << (lapic->id & 0xf), cluster = lapic->id >> 4;

        return destination >> 16 == cluster && (destination & own) != 0;
    }
    if (destination > 0xff) {
        return false;
    }
    if (lapic->dfr >> 28 == 0xf) { /* flat */
        return (destination & ldr) != 0;
    }
    return destination >> 4 == ldr >> 4 && (destination & ldr & 0xf) != 0;
}

static bool destination_match(const Lapic *lapic, uint32_t destination, bool logical)
{
    if (destination == UINT32_MAX || (destination == DESTINATION_ALL && !logical)) {
        return true;
    }
    if (!logical) {
        return destination == lapic->id;
    }
    if (destination == DESTINATION_ALL && !lapic_x2apic(lapic) && lapic->dfr >> 28 != 0xf) {
        return true; /* cluster model: all of all clusters */
    }
    return logical_match(lapic, destination);
}

/* ---- Delivery ---- */

static bool is_there(const Lapic *lapic)
{
    const LapicHost *host = &lapic->bus->host;

    return host->there == NULL || host->there[lapic->cpu];
}

static void lapic_receive(Lapic *lapic, const LapicMessage *message)
{
    const LapicHost *host = &lapic->bus->host;

    if ((lapic->apic_base & APIC_BASE_ENABLED) == 0 || !is_there(lapic)) {
        return;
    }
    switch (message->mode) {
    case LAPIC_MODE_FIXED:
    case LAPIC_MODE_LOWEST:
        lapic_accept(lapic, message->vector, message->level);
        break;
    case LAPIC_MODE_SMI:
        host->signal(host->opaque, lapic->cpu, LAPIC_SIGNAL_SMI, 0);
        break;
    case LAPIC_MODE_NMI:
        host->signal(host->opaque, lapic->cpu, LAPIC_SIGNAL_NMI, 0);
        break;
    case LAPIC_MODE_INIT:
        host->signal(host->opaque, lapic->cpu, LAPIC_SIGNAL_INIT, 0);
        break;
    case LAPIC_MODE_SIPI:
        host->signal(host->opaque, lapic->cpu, LAPIC_SIGNAL_SIPI, message->vector);
        break;
    case LAPIC_MODE_EXTINT:
        lapic->extint = true;
        lapic_update(lapic);
        break;
    default: /* reserved */
        break;
    }
}

/* The matching, accepting CPU of lowest priority takes it; the first one among equals. */
static void deliver_lowest(LapicBus *bus, const LapicMessage *message)
{
    Lapic *best = NULL;

    for (unsigned i = 0; i < bus->host.cpus; i++) {
        Lapic *lapic = &bus->lapics[i];

        if ((lapic->apic_base & APIC_BASE_ENABLED) == 0 || (lapic->svr & SVR_ENABLED) == 0 ||
            !is_there(lapic) || !destination_match(lapic, message->destination, message->logical)) {
            continue;
        }
        if (best == NULL || lapic_ppr(lapic) < lapic_ppr(best)) {
            best = lapic;
        }
    }
    if (best != NULL) {
        lapic_receive(best, message);
    }
}

void lapic_bus_deliver(LapicBus *bus, const LapicMessage *message)
{
    if (message->mode == LAPIC_MODE_LOWEST) {
        deliver_lowest(bus, message);
        return;
    }
    for (unsigned i = 0; i < bus->host.cpus; i++) {
        if (destination_match(&bus->lapics[i], message->destination, message->logical)) {
            lapic_receive(&bus->lapics[i], message);
        }
    }
}

void lapic_bus_deliver_msi(LapicBus *bus, uint64_t address, uint32_t data)
{
    bool redirect = (address & 8) != 0; /* the hint: to one CPU of lowest priority */
    LapicMessage message = {
        .destination = address >> 12 & 0xff,
        .logical = redirect && (address & 4) != 0,
        .level = (data & 0x8000) != 0,
        .mode = data >> 8 & 7,
        .vector = (uint8_t)data,
    };

    lapic_bus_deliver(bus, &message);
}

/* Vector checks of the sender; reserved modes and INIT de-assert reach nobody. */
static bool ipi_sendable(Lapic *from, const LapicMessage *message, uint64_t icr)
{
    switch (message->mode) {
    case LAPIC_MODE_FIXED:
    case LAPIC_MODE_LOWEST:
        if (message->vector < 16) {
            lapic_error(from, ESR_SEND_VECTOR);
            return false;
        }
        return true;
    case LAPIC_MODE_INIT:
        return (icr & ICR_LEVEL) == 0 || (icr & ICR_ASSERT) != 0;
    default:
        return message->mode != 3;
    }
}

void lapic_send_ipi(Lapic *from, uint64_t icr)
{
    LapicBus *bus = from->bus;
    uint32_t high = (uint32_t)(icr >> 32);
    LapicMessage message = {
        .destination = lapic_x2apic(from) ? high : high >> 24,
        .logical = (icr & ICR_LOGICAL) != 0,
        .mode = icr >> 8 & 7,
        .vector = (uint8_t)icr,
    };

    if (!ipi_sendable(from, &message, icr)) {
        return;
    }
    switch (icr >> 18 & 3) {
    case 0:
        lapic_bus_deliver(bus, &message);
        break;
    case 1:
        lapic_receive(from, &message);
        break;
    default: /* 2: all, 3: all but the sender */
        for (unsigned i = 0; i < bus->host.cpus; i++) {
            if (&bus->lapics[i] != from || (icr >> 18 & 3) == 2) {
                lapic_receive(&bus->lapics[i], &message);
            }
        }
        break;
    }
}

void lapic_bus_set_lint(LapicBus *bus, unsigned lint, bool level)
{
    for (unsigned i = 0; i < bus->host.cpus; i++) {
        if (is_there(&bus->lapics[i])) {
            lapic_lint_changed(&bus->lapics[i], lint, level);
        }
    }
}

bool lapic_bus_waits(const LapicBus *bus, uint8_t vector)
{
    for (unsigned i = 0; i < bus->host.cpus; i++) {
        if ((bus->lapics[i].irr[vector / 32] >> vector % 32 & 1) != 0) {
            return true;
        }
    }
    return false;
}

/* ---- The window in memory ---- */

static Lapic *window_lapic(LapicBus *bus)
{
    unsigned cpu = bus->host.current(bus->host.opaque);
    Lapic *lapic = &bus->lapics[cpu < bus->host.cpus ? cpu : 0];
    bool open = (lapic->apic_base & (APIC_BASE_ENABLED | APIC_BASE_X2APIC)) == APIC_BASE_ENABLED;

    return open ? lapic : NULL;
}

static uint64_t window_read(void *opaque, uint64_t offset, unsigned width)
{
    Lapic *lapic = window_lapic(opaque);
    uint32_t value;

    (void)width;
    if (lapic == NULL) {
        return UINT32_MAX;
    }
    if ((offset & 0xf) != 0) { /* only the first four of sixteen bytes are a register */
        return 0;
    }
    if (!lapic_register_read(lapic, (unsigned)offset >> 4, &value)) {
        lapic_error(lapic, ESR_REGISTER);
    }
    return value;
}

static void window_write(void *opaque, uint64_t offset, unsigned width, uint64_t value)
{
    Lapic *lapic = window_lapic(opaque);

    (void)width;
    if (lapic == NULL || (offset & 0xf) != 0) {
        return;
    }
    if (!lapic_register_write(lapic, (unsigned)offset >> 4, (uint32_t)value)) {
        lapic_error(lapic, ESR_REGISTER);
    }
}

static const MmioOps window_ops = {
    .read = window_read,
    .write = window_write,
    .min_width = 4,
    .max_width = 4,
};

/* ---- MSRs ---- */

static bool apic_base_write(Lapic *lapic, uint64_t value)
{
    uint64_t modes = APIC_BASE_ENABLED | APIC_BASE_X2APIC;
    uint64_t old = lapic->apic_base & modes, new = value &modes;

    if ((value & APIC_BASE_RESERVED) != 0 || new == APIC_BASE_X2APIC ||
        (old == modes && new == APIC_BASE_ENABLED) || (old == 0 && new == modes)) {
        return false;
    }
    if ((value & APIC_BASE_ADDRESS) != (lapic->apic_base & APIC_BASE_ADDRESS)) {
        phys_range_move(lapic->bus->map, lapic->bus->window, value & APIC_BASE_ADDRESS);
    }
    lapic->apic_base = value;
    if (new == 0 && old != 0) {
        lapic_power_up(lapic);
    } else if (new == modes && old != new) {
        lapic->icr &= 0xffffffff;
    }
    lapic_update(lapic);
    return true;
}

bool lapic_msr_read(LapicBus *bus, unsigned cpu, uint32_t msr, uint64_t *value)
{
    Lapic *lapic = &bus->lapics[cpu];
    uint32_t low;

    switch (msr) {
    case MSR_APIC_BASE:
        *value = lapic->apic_base;
        return true;
    case MSR_TSC_DEADLINE:
        *value = lapic->tsc_deadline;
        return bus->host.tsc != NULL;
    case MSR_X2APIC + REG_ICR:
        *value = lapic->icr;
        return lapic_x2apic(lapic);
    case MSR_X2APIC ... MSR_X2APIC + REG_ICR - 1:
    case MSR_X2APIC + REG_ICR + 1 ... MSR_X2APIC_LAST:
        if (!lapic_x2apic(lapic) || !lapic_register_read(lapic, msr - MSR_X2APIC, &low)) {
            return false;
        }
        *value = low;
        return true;
    default:
        return false;
    }
}

/* x2APIC registers fault on reserved bits where the memory ones ignore them. */
static bool x2apic_reserved(unsigned reg, uint64_t value)
{
    switch (reg) {
    case REG_SVR:
        return (value & ~(uint64_t)(0xff | SVR_ENABLED | SVR_FOCUS_OFF)) != 0;
    case REG_TPR:
    case REG_SELF_IPI:
        return value > 0xff;
    case REG_DIVIDE:
        return (value & ~0xbull) != 0;
    case REG_LVT ... REG_LVT + LVT_COUNT - 1: /* status bits may be written back */
        return (value & ~(uint64_t)(0x1f7ff | LVT_TIMER_MODE)) != 0;
    default:
        return value >> 32 != 0;
    }
}

static bool x2apic_write(Lapic *lapic, unsigned reg, uint64_t value)
{
    if (!lapic_x2apic(lapic)) {
        return false;
    }
    if (reg == REG_ICR) {
        if ((value & 0xfff32000) != 0) {
            return false;
        }
        lapic->icr = value & ~0x1000ull;
        lapic_send_ipi(lapic, lapic->icr);
        return true;
    }
    return !x2apic_reserved(reg, value) && lapic_register_write(lapic, reg, (uint32_t)value);
}

bool lapic_msr_write(LapicBus *bus, unsigned cpu, uint32_t msr, uint64_t value)
{
    Lapic *lapic = &bus->lapics[cpu];

    switch (msr) {
    case MSR_APIC_BASE:
        return apic_base_write(lapic, value);
    case MSR_TSC_DEADLINE:
        lapic_timer_set_deadline(lapic, value);
        return bus->host.tsc != NULL;
    case MSR_X2APIC ... MSR_X2APIC_LAST:
        return x2apic_write(lapic, msr - MSR_X2APIC, value);
    default:
        return false;
    }
}

uint8_t lapic_tpr(const LapicBus *bus, unsigned cpu)
{
    return (uint8_t)(bus->lapics[cpu].tpr >> 4);
}

void lapic_set_tpr(LapicBus *bus, unsigned cpu, uint8_t value)
{
    bus->lapics[cpu].tpr = (uint32_t)(value & 0xf) << 4;
    lapic_update(&bus->lapics[cpu]);
}

void lapic_tsc_changed(LapicBus *bus, unsigned cpu)
{
    if (bus->lapics[cpu].tsc_deadline != 0) {
        lapic_timer_arm(&bus->lapics[cpu]);
    }
}

/* ---- Life ---- */

void lapic_init(LapicBus *bus, unsigned cpu)
{
    lapic_power_up(&bus->lapics[cpu]);
}

void lapic_set_virtual_wire(LapicBus *bus, unsigned cpu)
{
    Lapic *lapic = &bus->lapics[cpu];

    lapic_register_write(lapic, REG_SVR, SVR_ENABLED | 0xff);
    lapic_register_write(lapic, REG_LVT + LVT_LINT0, LAPIC_MODE_EXTINT << LVT_MODE_SHIFT);
    lapic_register_write(lapic, REG_LVT + LVT_LINT1, LAPIC_MODE_NMI << LVT_MODE_SHIFT);
}

void lapic_reset(LapicBus *bus, unsigned cpu)
{
    bus->lapics[cpu].apic_base = LAPIC_DEFAULT_BASE | APIC_BASE_ENABLED |
                                 (cpu == 0 ? APIC_BASE_BSP : 0);
    lapic_power_up(&bus->lapics[cpu]);
}

void lapic_bus_reset(LapicBus *bus)
{
    phys_range_move(bus->map, bus->window, LAPIC_DEFAULT_BASE);
    for (unsigned i = 0; i < bus->host.cpus; i++) {
        lapic_reset(bus, i);
    }
}

LapicBus *lapic_bus_new(PhysMap *map, const LapicHost *host)
{
    LapicBus *bus = g_new0(LapicBus, 1);

    bus->host = *host;
    bus->map = map;
    bus->lapics = g_new0(Lapic, host->cpus);
    bus->window = phys_map_add_mmio(map, LAPIC_DEFAULT_BASE, LAPIC_WINDOW, &window_ops, bus, 2);
    for (unsigned i = 0; i < host->cpus; i++) {
        bus->lapics[i].bus = bus;
        bus->lapics[i].cpu = i;
        bus->lapics[i].id = host->ids != NULL ? host->ids[i] : i;
        bus->lapics[i].timer = clock_timer_new(host->clock, lapic_timer_fired, &bus->lapics[i]);
    }
    lapic_bus_reset(bus);
    return bus;
}

void lapic_bus_free(LapicBus *bus)
{
    phys_range_remove(bus->map, bus->window);
    for (unsigned i = 0; i < bus->host.cpus; i++) {
        clock_timer_free(bus->lapics[i].timer);
    }
    g_free(bus->lapics);
    g_free(bus);
}

/* ---- Snapshots ---- */

static void lapic_loaded(void *device)
{
    Lapic *lapic = device;

    lapic->intr = false; /* the CPU is told anew */
    lapic->bus->host.signal(lapic->bus->host.opaque, lapic->cpu, LAPIC_SIGNAL_INTR, 0);
    if (lapic->cpu == 0) {
        phys_range_move(lapic->bus->map, lapic->bus->window, lapic->apic_base & APIC_BASE_ADDRESS);
    }
    lapic_timer_arm(lapic);
    lapic_update(lapic);
}

static const StateField lapic_fields[] = {
    STATE_FIELD(STATE_U64, Lapic, apic_base),
    STATE_FIELD(STATE_U32, Lapic, tpr),
    STATE_FIELD(STATE_U32, Lapic, ldr),
    STATE_FIELD(STATE_U32, Lapic, dfr),
    STATE_FIELD(STATE_U32, Lapic, svr),
    STATE_ARRAY(STATE_U32, Lapic, isr),
    STATE_ARRAY(STATE_U32, Lapic, tmr),
    STATE_ARRAY(STATE_U32, Lapic, irr),
    STATE_FIELD(STATE_U32, Lapic, esr),
    STATE_FIELD(STATE_U32, Lapic, errors),
    STATE_FIELD(STATE_U64, Lapic, icr),
    STATE_ARRAY(STATE_U32, Lapic, lvt),
    STATE_ARRAY(STATE_BOOL, Lapic, lint),
    STATE_FIELD(STATE_BOOL, Lapic, extint),
    STATE_FIELD(STATE_U32, Lapic, initial_count),
    STATE_FIELD(STATE_U32, Lapic, divide),
    STATE_FIELD(STATE_U64, Lapic, count_start),
    STATE_FIELD(STATE_BOOL, Lapic, run_down),
    STATE_FIELD(STATE_U32, Lapic, owed),
    STATE_FIELD(STATE_U64, Lapic, tsc_deadline),
    { 0 },
};

const StateTable lapic_state = {
    .name = "lapic",
    .version = 1,
    .fields = lapic_fields,
    .loaded = lapic_loaded,
};

void *lapic_state_device(LapicBus *bus, unsigned cpu)
{
    return &bus->lapics[cpu];
}
