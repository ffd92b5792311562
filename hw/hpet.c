/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hpet.c - IA-PC HPET Specification 1.0a: timers 0 to 2, all 64 bits wide and able to be periodic;
 * no delivery by FSB messages.
 *
 * A comparator written a little behind the counter (PAST_TICKS) matches at once, where the hardware
 * would wait for the counter to come round: a guest cannot know how long the host kept it away
 * between reading the counter and writing the comparator. Periods that went by unseen are one. */
#include "hw/hpet.h"

#include <glib.h>

enum {
    REG_CAPS = 0x000,
    REG_CONFIG = 0x010,
    REG_STATUS = 0x020,
    REG_COUNTER = 0x0f0,
    REG_TIMER0 = 0x100,
    TIMER_STRIDE = 0x20,
    TIMER_CONFIG = 0x00,
    TIMER_COMPARATOR = 0x08,
    CONFIG_ENABLE = 0x01,
    CONFIG_LEGACY = 0x02,
    T_LEVEL = 0x0002,
    T_ENABLE = 0x0004,
    T_PERIODIC = 0x0008,
    T_CAN_PERIODIC = 0x0010,
    T_IS_64 = 0x0020,
    T_SET_VALUE = 0x0040,
    T_32 = 0x0100,
    T_ROUTE = 0x3e00,
    T_ROUTE_SHIFT = 9,
    T_WRITABLE = T_LEVEL | T_ENABLE | T_PERIODIC | T_SET_VALUE | T_32,
    TICK_NS = 10,
    PAST_TICKS = 1 << 27,
    SHORTEST_NS = 5 * NS_PER_US, /* the fastest that a timer is served */
    OWED_NS = 100 * NS_PER_US,   /* ticks of shorter periods tell nobody the time */
};
#define ROUTES 0x00ff0104u /* I/O APIC inputs 2, 8 and 16 to 23 */

typedef struct HpetTimer {
    uint64_t config; /* without the capability bits */
    uint64_t comparator, period;
    uint64_t target; /* what the comparator means on the 64-bit counter */
    bool armed;      /* `target` is yet to come */
} HpetTimer;

struct Hpet {
    HpetTimer timer[HPET_TIMERS];
    uint64_t config, status;
    uint64_t counter, counter_ns; /* the counter's value at that time; it may stand since */
    uint32_t owed[HPET_TIMERS];   /* ticks that the host was too busy to show */
    ClockTimer *alarm[HPET_TIMERS];
    IrqLine raised[HPET_TIMERS]; /* the line that a level-triggered timer holds */
    Clock *clock;
    HpetWires wires;
    PhysMap *map;
    PhysRange *range;
};

/* ---- Counter ---- */

static bool hpet_runs(const Hpet *hpet)
{
    return (hpet->config & CONFIG_ENABLE) != 0;
}

static uint64_t hpet_counter(const Hpet *hpet)
{
    if (!hpet_runs(hpet)) {
        return hpet->counter;
    }
    return hpet->counter + ((uint64_t)clock_now(hpet->clock) - hpet->counter_ns) / TICK_NS;
}

/* Makes now the point that the counter is reckoned from, to the nanosecond. */
static void hpet_rebase(Hpet *hpet)
{
    uint64_t ticks = hpet_counter(hpet) - hpet->counter;

    hpet->counter += ticks;
    hpet->counter_ns += ticks * TICK_NS;
}

/* ---- Interrupts ---- */

static IrqLine hpet_line(const Hpet *hpet, unsigned n)
{
    unsigned route = (unsigned)(hpet->timer[n].config & T_ROUTE) >> T_ROUTE_SHIFT;
    IrqLine line = hpet->wires.gsi;

    if ((hpet->config & CONFIG_LEGACY) != 0 && n < 2) {
        return n == 0 ? hpet->wires.irq0 : hpet->wires.irq8;
    }
    if ((ROUTES >> route & 1) == 0) {
        return (IrqLine){ .set = NULL };
    }
    line.n += route;
    return line;
}

/* Puts every held line where status and configuration want it. */
static void hpet_update_lines(Hpet *hpet)
{
    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        const HpetTimer *timer = &hpet->timer[n];
        bool level = hpet_runs(hpet) && (timer->config & T_LEVEL) != 0 &&
                     (timer->config & T_ENABLE) != 0 && (hpet->status >> n & 1) != 0;
        IrqLine line = level ? hpet_line(hpet, n) : (IrqLine){ .set = NULL };
        IrqLine *raised = &hpet->raised[n];

        if (raised->set == line.set && raised->opaque == line.opaque && raised->n == line.n) {
            continue;
        }
        irq_set(raised, false);
        *raised = line;
        irq_set(raised, true);
    }
}

static void hpet_interrupt(Hpet *hpet, unsigned n)
{
    const HpetTimer *timer = &hpet->timer[n];
    IrqLine line;

    if ((timer->config & T_LEVEL) != 0) {
        hpet->status |= 1u << n;
        hpet_update_lines(hpet);
    } else if ((timer->config & T_ENABLE) != 0) {
        line = hpet_line(hpet, n);
        irq_pulse(&line);
    }
}

/* ---- Comparators ---- */

/* Does a match do more than move the comparator on? The guest sees that only when it looks. */
static bool hpet_match_shows(const HpetTimer *timer)
{
    return (timer->config & (T_LEVEL | T_ENABLE)) != 0;
}

static void hpet_set_alarm(Hpet *hpet, unsigned n)
{
    const HpetTimer *timer = &hpet->timer[n];
    uint64_t ticks = timer->target - hpet->counter;
    int64_t now = clock_now(hpet->clock);
    uint64_t deadline;

    if (!hpet_runs(hpet) || !timer->armed || !hpet_match_shows(timer) ||
        ticks > INT64_MAX / (2 * TICK_NS)) {
        clock_timer_cancel(hpet->alarm[n]);
        return;
    }
    deadline = hpet->counter_ns + ticks * TICK_NS;
    if ((timer->config & T_PERIODIC) != 0 && timer->period < SHORTEST_NS / TICK_NS) {
        deadline = MAX(deadline, (uint64_t)now + SHORTEST_NS);
    }
    clock_timer_set(hpet->alarm[n], (int64_t)deadline);
}

/* Finds the next match of the comparator. `written`: it may lie a little in the past. */
static void hpet_arm(Hpet *hpet, unsigned n, bool written)
{
    HpetTimer *timer = &hpet->timer[n];
    uint64_t counter = hpet_counter(hpet);
    uint64_t ahead = timer->comparator - counter;
    uint64_t mask = (timer->config & T_32) != 0 ? UINT32_MAX : UINT64_MAX;

    ahead &= mask;
    if (written && ((0 - ahead) & mask) < PAST_TICKS) {
        ahead = 0;
    }
    hpet_rebase(hpet);
    timer->target = counter + ahead;
    timer->armed = true;
    hpet->owed[n] = 0;
    hpet_set_alarm(hpet, n);
}

/* Ticks that the host was too busy to show, a second of them at most. */
static void hpet_owe(Hpet *hpet, unsigned n, uint64_t ticks)
{
    const HpetTimer *timer = &hpet->timer[n];
    uint64_t most = NS_PER_S / TICK_NS / timer->period;

    if (timer->period >= OWED_NS / TICK_NS && hpet_match_shows(timer)) {
        hpet->owed[n] = (uint32_t)MIN(hpet->owed[n] + ticks, most);
    }
}

/* After a match: the next one. */
static void hpet_rearm(Hpet *hpet, unsigned n)
{
    HpetTimer *timer = &hpet->timer[n];
    bool narrow = (timer->config & T_32) != 0;
    uint64_t late = hpet_counter(hpet) - timer->target;

    timer->armed = false;
    if ((timer->config & T_PERIODIC) != 0 && timer->period != 0) {
        hpet_owe(hpet, n, late / timer->period);
        timer->target += (late / timer->period + 1) * timer->period;
        timer->comparator = narrow ? (uint32_t)timer->target : timer->target;
        timer->armed = true;
    } else if (narrow) {
        timer->target += ((late >> 32) + 1) << 32; /* the counter comes round */
        timer->armed = true;
    }
    hpet_set_alarm(hpet, n);
}

static void hpet_serve(Hpet *hpet, unsigned n)
{
    HpetTimer *timer = &hpet->timer[n];

    if (!hpet_runs(hpet) || !timer->armed || (int64_t)(hpet_counter(hpet) - timer->target) < 0) {
        hpet_set_alarm(hpet, n);
        return;
    }
    hpet_rebase(hpet);
    hpet_rearm(hpet, n);
    hpet_interrupt(hpet, n);
}

static void hpet_fire0(void *opaque)
{
    hpet_serve(opaque, 0);
}

static void hpet_fire1(void *opaque)
{
    hpet_serve(opaque, 1);
}

static void hpet_fire2(void *opaque)
{
    hpet_serve(opaque, 2);
}

void hpet_taken(Hpet *hpet)
{
    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        bool edge = (hpet->timer[n].config & (T_LEVEL | T_ENABLE)) == T_ENABLE;
        IrqLine line;

        if (hpet->owed[n] == 0 || !edge || !hpet_runs(hpet)) {
            continue;
        }
        line = hpet_line(hpet, n);
        if (!irq_waits(&line)) {
            hpet->owed[n]--;
            irq_pulse(&line);
        }
    }
}

/* Serves what is due, so that registers read as they would on time. */
static void hpet_serve_due(Hpet *hpet)
{
    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        int64_t deadline = clock_timer_deadline(hpet->alarm[n]);

        if ((deadline >= 0 && deadline <= clock_now(hpet->clock)) ||
            !hpet_match_shows(&hpet->timer[n])) {
            hpet_serve(hpet, n);
        }
    }
}

/* ---- Registers, as 64-bit quantities ---- */

static uint64_t hpet_read_register(const Hpet *hpet, unsigned reg)
{
    unsigned n = (reg - REG_TIMER0) / TIMER_STRIDE;

    switch (reg) {
    case REG_CAPS:
        return (uint64_t)HPET_PERIOD_FS << 32 | HPET_ID;
    case REG_CONFIG:
        return hpet->config;
    case REG_STATUS:
        return hpet->status;
    case REG_COUNTER:
        return hpet_counter(hpet);
    default:
        break;
    }
    if (reg < REG_TIMER0 || n >= HPET_TIMERS) {
        return 0;
    }
    switch (reg % TIMER_STRIDE) {
    case TIMER_CONFIG:
        return hpet->timer[n].config | T_CAN_PERIODIC | T_IS_64 | (uint64_t)ROUTES << 32;
    case TIMER_COMPARATOR:
        return hpet->timer[n].comparator;
    default: /* FSB route */
        return 0;
    }
}

static void hpet_write_config(Hpet *hpet, uint64_t value)
{
    uint64_t changed = (hpet->config ^ value) & (CONFIG_ENABLE | CONFIG_LEGACY);

    hpet_rebase(hpet);
    hpet->config ^= changed;
    if ((changed & CONFIG_LEGACY) != 0) {
        irq_set(&hpet->wires.legacy, (value & CONFIG_LEGACY) != 0);
    }
    if ((changed & CONFIG_ENABLE) != 0) {
        hpet->counter_ns = (uint64_t)clock_now(hpet->clock);
        for (unsigned n = 0; n < HPET_TIMERS; n++) {
            hpet_arm(hpet, n, false);
        }
    }
    hpet_update_lines(hpet);
}

static void hpet_write_counter(Hpet *hpet, uint64_t value)
{
    hpet->counter = value;
    hpet->counter_ns = (uint64_t)clock_now(hpet->clock);
    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        hpet_arm(hpet, n, false);
    }
}

static void hpet_write_timer_config(Hpet *hpet, unsigned n, uint64_t value)
{
    HpetTimer *timer = &hpet->timer[n];
    uint64_t old = timer->config;
    uint64_t route = value & T_ROUTE;

    if ((ROUTES >> (route >> T_ROUTE_SHIFT) & 1) == 0) {
        route = old & T_ROUTE;
    }
    timer->config = (value & T_WRITABLE) | route;
    if ((timer->config & T_PERIODIC) == 0) {
        timer->config &= ~(uint64_t)T_SET_VALUE;
    }
    if ((timer->config & T_32) != 0) {
        timer->comparator = (uint32_t)timer->comparator;
        timer->period = (uint32_t)timer->period;
    }
    if (((old ^ timer->config) & T_32) != 0) {
        hpet_arm(hpet, n, false);
    }
    hpet_set_alarm(hpet, n);
    if ((timer->config & T_LEVEL) == 0) {
        hpet->status &= ~((uint64_t)1 << n);
    }
    hpet_update_lines(hpet);
}

static void hpet_write_comparator(Hpet *hpet, unsigned n, uint64_t value)
{
    HpetTimer *timer = &hpet->timer[n];
    bool periodic = (timer->config & T_PERIODIC) != 0;

    if ((timer->config & T_32) != 0) {
        value = (uint32_t)value;
    }
    if (periodic) {
        timer->period = value;
    }
    if (!periodic || (timer->config & T_SET_VALUE) != 0) {
        timer->comparator = value;
        timer->config &= ~(uint64_t)T_SET_VALUE;
        hpet_arm(hpet, n, true);
    }
}

/* The guest has cleared these bits of the status: a level that is owed rises again. */
static void hpet_show_owed_levels(Hpet *hpet, uint64_t cleared)
{
    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        if ((cleared >> n & 1) != 0 && hpet->owed[n] > 0 &&
            (hpet->timer[n].config & T_LEVEL) != 0) {
            hpet->owed[n]--;
            hpet_interrupt(hpet, n);
        }
    }
}

static void hpet_write_register(Hpet *hpet, unsigned reg, uint64_t value)
{
    unsigned n = (reg - REG_TIMER0) / TIMER_STRIDE;

    switch (reg) {
    case REG_CONFIG:
        hpet_write_config(hpet, value);
        return;
    case REG_STATUS:
        hpet->status &= ~value;
        hpet_update_lines(hpet);
        hpet_show_owed_levels(hpet, value);
        return;
    case REG_COUNTER:
        hpet_write_counter(hpet, value);
        return;
    default:
        break;
    }
    if (reg < REG_TIMER0 || n >= HPET_TIMERS) {
        return;
    }
    if (reg % TIMER_STRIDE == TIMER_CONFIG) {
        hpet_write_timer_config(hpet, n, value);
    } else if (reg % TIMER_STRIDE == TIMER_COMPARATOR) {
        hpet_write_comparator(hpet, n, value);
    }
}

/* ---- MMIO ---- */

static uint64_t hpet_read(void *opaque, uint64_t offset, unsigned width)
{
    uint64_t value;

    hpet_serve_due(opaque);
    value = hpet_read_register(opaque, (unsigned)offset & ~7u);
    return width == 8 ? value : (uint32_t)(value >> 8 * (offset & 4));
}

/* What a half that is not written keeps; writing ones to the status would clear it. */
static uint64_t hpet_kept(const Hpet *hpet, unsigned reg)
{
    unsigned n = (reg - REG_TIMER0) / TIMER_STRIDE;

    if (reg == REG_STATUS) {
        return 0;
    }
    if (reg >= REG_TIMER0 && n < HPET_TIMERS && reg % TIMER_STRIDE == TIMER_COMPARATOR &&
        (hpet->timer[n].config & (T_PERIODIC | T_SET_VALUE)) == T_PERIODIC) {
        return hpet->timer[n].period;
    }
    return hpet_read_register(hpet, reg);
}

static void hpet_write(void *opaque, uint64_t offset, unsigned width, uint64_t value)
{
    Hpet *hpet = opaque;
    unsigned reg = (unsigned)offset & ~7u;
    unsigned shift = 8 * (offset & 4);
    uint64_t mask = (uint64_t)UINT32_MAX << shift;

    hpet_serve_due(hpet);
    if (width < 8) {
        value = (value << shift & mask) | (hpet_kept(hpet, reg) & ~mask);
    }
    hpet_write_register(hpet, reg, value);
}

static const MmioOps hpet_ops = {
    .read = hpet_read, .write = hpet_write, .min_width = 4, .max_width = 8
};

/* ---- Life ---- */

void hpet_reset(Hpet *hpet)
{
    hpet_write_config(hpet, 0);
    hpet->status = 0;
    hpet->counter = 0;
    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        clock_timer_cancel(hpet->alarm[n]);
        hpet->timer[n] = (HpetTimer){ .comparator = UINT64_MAX };
        hpet->owed[n] = 0;
    }
    hpet_update_lines(hpet);
}

Hpet *hpet_new(PhysMap *map, uint64_t base, Clock *clock, const HpetWires *wires)
{
    static void (*const fire[HPET_TIMERS])(void *) = { hpet_fire0, hpet_fire1, hpet_fire2 };
    Hpet *hpet = g_new0(Hpet, 1);

    hpet->map = map;
    hpet->clock = clock;
    hpet->wires = *wires;
    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        hpet->alarm[n] = clock_timer_new(clock, fire[n], hpet);
    }
    hpet_reset(hpet);
    hpet->range = phys_map_add_mmio(map, base, HPET_SIZE, &hpet_ops, hpet, 1);
    return hpet;
}

void hpet_free(Hpet *hpet)
{
    if (hpet == NULL) {
        return;
    }
    phys_range_remove(hpet->map, hpet->range);
    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        clock_timer_free(hpet->alarm[n]);
    }
    g_free(hpet);
}

static void hpet_loaded(void *opaque)
{
    Hpet *hpet = opaque;

    irq_set(&hpet->wires.legacy, (hpet->config & CONFIG_LEGACY) != 0);
    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        hpet_set_alarm(hpet, n);
    }
    hpet_update_lines(hpet);
}

/* clang-format off */
#define TIMER_FIELDS(n)                                                                            \
    STATE_FIELD(STATE_U64, Hpet, timer[n].config),                                                 \
    STATE_FIELD(STATE_U64, Hpet, timer[n].comparator),                                             \
    STATE_FIELD(STATE_U64, Hpet, timer[n].period),                                                 \
    STATE_FIELD(STATE_U64, Hpet, timer[n].target),                                                 \
    STATE_FIELD(STATE_BOOL, Hpet, timer[n].armed)
/* clang-format on */

static const StateField hpet_fields[] = {
    TIMER_FIELDS(0),
    TIMER_FIELDS(1),
    TIMER_FIELDS(2),
    STATE_FIELD(STATE_U64, Hpet, config),
    STATE_FIELD(STATE_U64, Hpet, status),
    STATE_FIELD(STATE_U64, Hpet, counter),
    STATE_FIELD(STATE_U64, Hpet, counter_ns),
    STATE_ARRAY(STATE_U32, Hpet, owed),
    { 0 },
};

const StateTable hpet_state = {
    .name = "hpet", .version = 1, .fields = hpet_fields, .loaded = hpet_loaded
};
