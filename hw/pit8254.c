/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pit8254.c - Intel 8254, after its data sheet (231164).
 *
 * Nothing counts: each counter knows the CLK tick at which its counting element was loaded, and
 * count and OUT are worked out from that. A count is loaded with the CLK after its write or after
 * the trigger. Counter 0 has a timer on the next edge of OUT. The one-tick low of modes 2, 4 and 5
 * is driven when it ends.
 *
 * A host that is busy with something else may look only after several periods have gone by. Guests
 * count interrupts to tell the time, and give up on a timer that gives them too few: in modes 2 and
 * 3 the line shows each rising edge, late ones as soon as the one before has been taken (or
 * LATE_GAP apart where nobody tells that), a second of them at most. */
#include "hw/pit8254.h"

#include <glib.h>

enum {
    CONTROL = 3, /* port offset, and the counter number that makes a read-back command */
    LATCH = 0,
    LSB = 1,
    MSB = 2,
    BOTH = 3,
    LATE_GAP = 120, /* ticks, 100 us; faster counters tell nobody the time */
    READ_BACK_NO_COUNT = 0x20,
    READ_BACK_NO_STATUS = 0x10,
    STATUS_OUT = 0x80,
    STATUS_NULL = 0x40,
};

typedef struct PitChannel {
    uint8_t mode, access;
    bool bcd, gate;
    bool loaded;   /* has a count; in modes 1 and 5: one to take at the next trigger */
    bool counting; /* since tick `start`; else the element stands `held` ticks after its load */
    bool low_half; /* mode 3: the period that began at `start` began with the low half */
    bool waiting;  /* `count` is taken at tick `take_at` (modes 2, 3), then with `take_low` */
    bool take_low;
    bool untaken;    /* null count: `count` is not in the element yet (modes 1, 2, 3, 5) */
    uint32_t count;  /* last written, 1 to 65536 */
    uint32_t period; /* the count in the element */
    int64_t start, held, take_at;
    uint8_t write_low;
    bool write_second, read_second;
    bool count_latched, status_latched;
    uint16_t latch;
    uint8_t status;
} PitChannel;

struct Pit {
    PitChannel channel[PIT_CHANNELS];
    Clock *clock;
    IrqLine line;
    ClockTimer *timer;
    int64_t event;   /* tick that the timer waits for, -1: none */
    bool out;        /* level on the line */
    int64_t late;    /* rising edges that the line has still to show */
    int64_t late_at; /* tick of the next of them, at the earliest */
    IoBus *io;
    IoAttachment *ports;
};

static int64_t scale(int64_t value, uint32_t mul, uint32_t div, bool up)
{
    unsigned __int128 product = (unsigned __int128)(uint64_t)value * mul;

    return (int64_t)((product + (up ? div - 1 : 0)) / div);
}

static int64_t pit_tick(const Pit *pit)
{
    return scale(clock_now(pit->clock), PIT_HZ, NS_PER_S, false);
}

/* ---- One counter at a tick ---- */

static int64_t channel_elapsed(const PitChannel *ch, int64_t tick)
{
    return ch->counting ? tick - ch->start : ch->held;
}

/* Mode 3: length of the half that a period begins with. Odd counts are high a tick longer. */
static uint32_t channel_first_half(const PitChannel *ch)
{
    return ch->low_half ? ch->period / 2 : (ch->period + 1) / 2;
}

static bool channel_out(const PitChannel *ch, int64_t tick)
{
    int64_t elapsed = channel_elapsed(ch, tick);
    bool begun = ch->counting && elapsed >= 0;

    switch (ch->mode) {
    case 0:
        return ch->loaded && elapsed >= ch->period;
    case 1:
        return !(begun && elapsed < ch->period);
    case 2:
        return !(begun && elapsed % ch->period == ch->period - 1);
    case 3:
        return !begun || (elapsed % ch->period < channel_first_half(ch)) != ch->low_half;
    default: /* 4, 5 */
        return !(begun && elapsed == ch->period);
    }
}

static uint32_t channel_square_count(const PitChannel *ch, uint32_t position)
{
    uint32_t first = channel_first_half(ch);

    if (position >= first) {
        position -= first;
    }
    return (ch->period & ~1u) - 2 * position;
}

static uint16_t channel_count(const PitChannel *ch, int64_t tick)
{
    int64_t elapsed = MAX(channel_elapsed(ch, tick), 0);
    uint32_t modulus = ch->bcd ? 10000 : 0x10000;
    uint32_t count;

    if (ch->period == 0) {
        return 0; /* never loaded */
    }
    if (ch->mode == 3) {
        count = channel_square_count(ch, (uint32_t)(elapsed % ch->period));
    } else if (ch->mode == 2) {
        count = ch->period - (uint32_t)(elapsed % ch->period);
    } else {
        count = (uint32_t)(ch->period + modulus - elapsed % modulus);
    }
    count %= modulus;
    if (ch->bcd) {
        count = (count / 1000) << 12 | (count / 100 % 10) << 8 | (count / 10 % 10) << 4 |
                count % 10;
    }
    return (uint16_t)count;
}

static uint8_t channel_status(const PitChannel *ch, int64_t tick)
{
    bool null_count = !ch->loaded || ch->untaken || (ch->counting && tick < ch->start);

    return (uint8_t)((channel_out(ch, tick) ? STATUS_OUT : 0) | (null_count ? STATUS_NULL : 0) |
                     ch->access << 4 | ch->mode << 1 | ch->bcd);
}

/* Takes a new count of modes 2 and 3 when its time has come. */
static void channel_sync(PitChannel *ch, int64_t tick)
{
    if (ch->waiting && tick >= ch->take_at) {
        ch->period = ch->count;
        ch->start = ch->take_at;
        ch->low_half = ch->take_low;
        ch->waiting = ch->untaken = false;
    }
}

static void channel_start(PitChannel *ch, int64_t tick)
{
    ch->period = ch->count;
    ch->start = tick + 1;
    ch->held = 0;
    ch->counting = ch->gate || ch->mode == 1 || ch->mode == 5;
    ch->low_half = ch->waiting = ch->untaken = false;
}

static void channel_hold(PitChannel *ch, int64_t tick)
{
    if (ch->counting) {
        ch->held = MAX(tick - ch->start, 0);
        ch->counting = false;
    }
}

/* The end of this period (mode 2) or half period (mode 3) of a running counter. */
static int64_t channel_boundary(const PitChannel *ch, int64_t tick, bool *low)
{
    int64_t elapsed = tick - ch->start;
    int64_t position;

    *low = ch->low_half;
    if (elapsed < 0) {
        return ch->start;
    }
    position = elapsed % ch->period;
    if (ch->mode == 3 && position < channel_first_half(ch)) {
        *low = !ch->low_half;
        return tick - position + channel_first_half(ch);
    }
    return tick - position + ch->period;
}

static void channel_load(PitChannel *ch, uint16_t value, int64_t tick)
{
    bool first = !ch->loaded;

    ch->count = value;
    if (ch->bcd) {
        ch->count = (value >> 12) * 1000u + (value >> 8 & 15) * 100u + (value >> 4 & 15) * 10u +
                    (value & 15);
        ch->count %= 10000;
    }
    if (ch->count == 0) {
        ch->count = ch->bcd ? 10000 : 0x10000;
    }
    ch->loaded = true;
    if (ch->mode == 1 || ch->mode == 5) {
        ch->untaken = true;
    } else if (first || !ch->counting || tick < ch->start || ch->mode == 0 || ch->mode == 4) {
        channel_start(ch, tick);
    } else {
        ch->waiting = ch->untaken = true;
        ch->take_at = channel_boundary(ch, tick, &ch->take_low);
    }
}

static void channel_set_gate(PitChannel *ch, bool level, int64_t tick)
{
    bool counts = ch->mode == 0 || ch->mode == 4;

    channel_sync(ch, tick);
    if (ch->gate == level) {
        return;
    }
    ch->gate = level;
    if (!ch->loaded) {
        return;
    }
    if (!level && ch->mode != 1 && ch->mode != 5) {
        channel_hold(ch, tick);
    } else if (level && counts) {
        ch->start = tick - ch->held;
        ch->counting = true;
    } else if (level) {
        channel_start(ch, tick);
    }
}

/* ---- Counter 0's line ---- */

/* The tick of the next edge that the line has to show, -1: none. */
static int64_t channel_next_edge(const PitChannel *ch, int64_t tick)
{
    bool low;

    if (!ch->counting) {
        return -1;
    }
    switch (ch->mode) {
    case 0:
        return tick - ch->start < ch->period ? ch->start + ch->period : -1;
    case 1:
        if (tick < ch->start) {
            return ch->start;
        }
        return tick - ch->start < ch->period ? ch->start + ch->period : -1;
    case 2:
    case 3:
        return ch->period > 1 || ch->waiting ? channel_boundary(ch, MAX(tick, ch->start), &low)
                                             : -1;
    default:
        return tick - ch->start <= ch->period ? ch->start + ch->period + 1 : -1;
    }
}

/* Rising edges of a periodic counter from tick `from` to tick `to`; 0 if it is to take a new count
 * on the way. */
static int64_t channel_rises(const PitChannel *ch, int64_t from, int64_t to)
{
    int64_t first = ch->start;

    if ((ch->mode != 2 && ch->mode != 3) || !ch->counting || ch->waiting || from <= ch->start ||
        ch->period < LATE_GAP) {
        return 0;
    }
    if (ch->low_half) { /* high in the second half: as if begun so much earlier */
        first -= ch->period - channel_first_half(ch);
    }
    return (to - first) / ch->period - (from - 1 - first) / ch->period;
}

static void pit_pulse(Pit *pit, int64_t tick)
{
    irq_set(&pit->line, false);
    irq_set(&pit->line, true);
    pit->out = true;
    pit->late_at = tick + LATE_GAP;
}

static bool pit_periodic(const Pit *pit)
{
    const PitChannel *ch = &pit->channel[0];

    return (ch->mode == 2 || ch->mode == 3) && ch->period >= LATE_GAP;
}

/* Shows the edges up to now, `rises` of them upwards: one at once, the others later. */
static void pit_show(Pit *pit, int64_t tick, int64_t rises, bool strobe)
{
    const PitChannel *ch = &pit->channel[0];
    bool out = channel_out(ch, tick);

    if (strobe || (out && !pit->out)) {
        rises = MAX(rises - 1, 0);
        if (irq_waits(&pit->line) && pit_periodic(pit)) {
            rises++; /* the tick before has not been taken yet: this edge would be lost */
        }
        pit_pulse(pit, tick);
    } else if (pit->line.waits == NULL && rises == 0 && pit->late > 0 && out &&
               tick >= pit->late_at) {
        pit->late--;
        pit_pulse(pit, tick);
    }
    if (out != pit->out) {
        pit->out = out;
        irq_set(&pit->line, out);
    }
    pit->late = ch->counting ? MIN(pit->late + rises, PIT_HZ / ch->period) : 0;
}

/* Tells the line what happened up to now and waits for what comes next. */
static void pit_update(Pit *pit)
{
    PitChannel *ch = &pit->channel[0];
    int64_t tick = pit_tick(pit);
    bool due = pit->event >= 0 && tick >= pit->event;
    int64_t rises = due ? channel_rises(ch, pit->event, tick) : 0, next;

    channel_sync(ch, tick);
    pit_show(pit, tick, rises, due && (ch->mode == 2 || ch->mode >= 4));
    next = pit->event = channel_next_edge(ch, tick);
    if (pit->late > 0 && pit->out && pit->line.waits == NULL) {
        next = MIN(next, pit->late_at);
    }
    if (next >= 0) {
        clock_timer_set(pit->timer, scale(next, NS_PER_S, PIT_HZ, true));
    } else {
        clock_timer_cancel(pit->timer);
    }
}

static void pit_fire(void *opaque)
{
    pit_update(opaque);
}

void pit_taken(Pit *pit)
{
    if (pit->late > 0 && !irq_waits(&pit->line)) {
        bool out = pit->out;

        pit->late--;
        pit_pulse(pit, pit_tick(pit));
        pit->out = out;
        irq_set(&pit->line, out);
    }
}

/* ---- Ports ---- */

static void channel_control(PitChannel *ch, uint8_t value)
{
    ch->access = value >> 4 & 3;
    ch->mode = value >> 1 & 7;
    if (ch->mode > 5) {
        ch->mode -= 4;
    }
    ch->bcd = (value & 1) != 0;
    ch->loaded = ch->counting = ch->waiting = ch->untaken = ch->low_half = false;
    ch->held = 0;
    ch->write_second = ch->read_second = false;
    ch->count_latched = ch->status_latched = false;
}

static void channel_latch_count(PitChannel *ch, int64_t tick)
{
    if (!ch->count_latched) {
        ch->count_latched = true;
        ch->latch = channel_count(ch, tick);
    }
}

static void pit_read_back(Pit *pit, uint8_t value, int64_t tick)
{
    for (unsigned i = 0; i < PIT_CHANNELS; i++) {
        PitChannel *ch = &pit->channel[i];

        if ((value & 2u << i) == 0) {
            continue;
        }
        channel_sync(ch, tick);
        if ((value & READ_BACK_NO_COUNT) == 0) {
            channel_latch_count(ch, tick);
        }
        if ((value & READ_BACK_NO_STATUS) == 0 && !ch->status_latched) {
            ch->status_latched = true;
            ch->status = channel_status(ch, tick);
        }
    }
}

static void pit_write_control(Pit *pit, uint8_t value, int64_t tick)
{
    unsigned n = value >> 6;

    if (n == CONTROL) {
        pit_read_back(pit, value, tick);
    } else if ((value >> 4 & 3) == LATCH) {
        channel_sync(&pit->channel[n], tick);
        channel_latch_count(&pit->channel[n], tick);
    } else {
        channel_control(&pit->channel[n], value);
        pit->late = n == 0 ? 0 : pit->late;
    }
}

static void channel_write(PitChannel *ch, uint8_t value, int64_t tick)
{
    channel_sync(ch, tick);
    switch (ch->access) {
    case LSB:
        channel_load(ch, value, tick);
        break;
    case MSB:
        channel_load(ch, (uint16_t)(value << 8), tick);
        break;
    default:
        if (ch->write_second) {
            channel_load(ch, (uint16_t)(value << 8 | ch->write_low), tick);
        } else {
            ch->write_low = value;
            if (ch->mode == 0) {
                ch->loaded = ch->counting = false; /* the first byte stops it, with OUT low */
            }
        }
        ch->write_second = !ch->write_second;
        break;
    }
}

static void pit_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    Pit *pit = opaque;
    int64_t tick = pit_tick(pit);

    (void)width;
    pit_update(pit); /* edges that are due belong to the old count */
    if (offset == CONTROL) {
        pit_write_control(pit, (uint8_t)value, tick);
    } else {
        channel_write(&pit->channel[offset], (uint8_t)value, tick);
    }
    if (offset == 0 || offset == CONTROL) {
        pit->event = -1;
        pit_update(pit);
    }
}

static uint32_t pit_read(void *opaque, uint16_t offset, unsigned width)
{
    Pit *pit = opaque;
    PitChannel *ch = &pit->channel[offset];
    int64_t tick = pit_tick(pit);
    uint16_t count;
    bool high;

    (void)width;
    channel_sync(ch, tick);
    if (ch->status_latched) {
        ch->status_latched = false;
        return ch->status;
    }
    count = ch->count_latched ? ch->latch : channel_count(ch, tick);
    high = ch->access == MSB || (ch->access == BOTH && ch->read_second);
    if (ch->access == BOTH) {
        ch->read_second = !ch->read_second;
    }
    if (!ch->read_second) {
        ch->count_latched = false;
    }
    return high ? count >> 8 : count & 0xff;
}

static void pit_control(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    pit_write(opaque, (uint16_t)(offset + CONTROL), width, value);
}

static const IoRange pit_ports[] = {
    { .base = 0x40, .count = 3, .widths = IO_8, .read = pit_read, .write = pit_write },
    { .base = 0x43, .count = 1, .widths = IO_8, .write = pit_control }, /* not readable */
};

/* ---- Other chips ---- */

void pit_set_gate(Pit *pit, unsigned channel, bool level)
{
    g_assert(channel < PIT_CHANNELS);
    channel_set_gate(&pit->channel[channel], level, pit_tick(pit));
    if (channel == 0) {
        pit_update(pit);
    }
}

bool pit_gate(const Pit *pit, unsigned channel)
{
    g_assert(channel < PIT_CHANNELS);
    return pit->channel[channel].gate;
}

bool pit_out(Pit *pit, unsigned channel)
{
    int64_t tick = pit_tick(pit);

    g_assert(channel < PIT_CHANNELS);
    channel_sync(&pit->channel[channel], tick);
    return channel_out(&pit->channel[channel], tick);
}

/* ---- Life ---- */

/* The chip has no reset; this is what firmware would find: free-running square waves. */
void pit_reset(Pit *pit)
{
    for (unsigned i = 0; i < PIT_CHANNELS; i++) {
        PitChannel *ch = &pit->channel[i];

        *ch = (PitChannel){ .mode = 3, .access = BOTH, .gate = i != 2 };
        channel_load(ch, 0, pit_tick(pit));
    }
    pit->late = 0;
    pit->event = -1;
    pit_update(pit);
}

Pit *pit_new(IoBus *io, Clock *clock, IrqLine out0)
{
    Pit *pit = g_new0(Pit, 1);

    pit->clock = clock;
    pit->line = out0;
    pit->io = io;
    pit->timer = clock_timer_new(clock, pit_fire, pit);
    pit_reset(pit);
    pit->ports = io_bus_attach(io, pit_ports, G_N_ELEMENTS(pit_ports), pit);
    return pit;
}

void pit_free(Pit *pit)
{
    if (pit != NULL) {
        io_bus_detach(pit->io, pit->ports);
        clock_timer_free(pit->timer);
        g_free(pit);
    }
}

static void pit_loaded(void *opaque)
{
    Pit *pit = opaque;

    for (unsigned i = 0; i < PIT_CHANNELS; i++) {
        PitChannel *ch = &pit->channel[i];

        ch->mode = MIN(ch->mode, 5);
        ch->period = MAX(ch->period, 1);
    }
    irq_set(&pit->line, pit->out);
    pit->late = 0;
    pit->event = -1;
    pit_update(pit);
}

/* clang-format off */
#define CHANNEL_FIELDS(n) \
    STATE_FIELD(STATE_U8, Pit, channel[n].mode), \
    STATE_FIELD(STATE_U8, Pit, channel[n].access), \
    STATE_FIELD(STATE_BOOL, Pit, channel[n].bcd), \
    STATE_FIELD(STATE_BOOL, Pit, channel[n].gate), \
    STATE_FIELD(STATE_BOOL, Pit, channel[n].loaded), \
    STATE_FIELD(STATE_BOOL, Pit, channel[n].counting), \
    STATE_FIELD(STATE_BOOL, Pit, channel[n].low_half), \
    STATE_FIELD(STATE_BOOL, Pit, channel[n].waiting), \
    STATE_FIELD(STATE_BOOL, Pit, channel[n].take_low), \
    STATE_FIELD(STATE_BOOL, Pit, channel[n].untaken), \
    STATE_FIELD(STATE_U32, Pit, channel[n].count), \
    STATE_FIELD(STATE_U32, Pit, channel[n].period), \
    STATE_FIELD(STATE_U64, Pit, channel[n].start), \
    STATE_FIELD(STATE_U64, Pit, channel[n].held), \
    STATE_FIELD(STATE_U64, Pit, channel[n].take_at), \
    STATE_FIELD(STATE_U8, Pit, channel[n].write_low), \
    STATE_FIELD(STATE_BOOL, Pit, channel[n].write_second), \
    STATE_FIELD(STATE_BOOL, Pit, channel[n].read_second), \
    STATE_FIELD(STATE_BOOL, Pit, channel[n].count_latched), \
    STATE_FIELD(STATE_BOOL, Pit, channel[n].status_latched), \
    STATE_FIELD(STATE_U16, Pit, channel[n].latch), \
    STATE_FIELD(STATE_U8, Pit, channel[n].status)
/* clang-format on */

static const StateField pit_fields[] = { CHANNEL_FIELDS(0),
                                         CHANNEL_FIELDS(1),
                                         CHANNEL_FIELDS(2),
                                         STATE_FIELD(STATE_BOOL, Pit, out),
                                         { 0 } };

const StateTable pit_state = {
    .name = "i8254", .version = 1, .fields = pit_fields, .loaded = pit_loaded
};
