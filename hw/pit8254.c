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
 * PIT_LATE_GAP apart where nobody tells that), a second of them at most. */
#include "hw/pit8254_int.h"

#include <glib.h>

enum {
    CONTROL = 3, /* port offset, and the counter number that makes a read-back command */
    LATCH = 0,
    READ_BACK_NO_COUNT = 0x20,
    READ_BACK_NO_STATUS = 0x10,
};

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

/* ---- Counter 0's line ---- */

static void pit_pulse(Pit *pit, int64_t tick)
{
    irq_set(&pit->line, false);
    irq_set(&pit->line, true);
    pit->out = true;
    pit->late_at = tick + PIT_LATE_GAP;
}

static bool pit_periodic(const Pit *pit)
{
    const PitChannel *ch = &pit->channel[0];

    return (ch->mode == 2 || ch->mode == 3) && ch->period >= PIT_LATE_GAP;
}

/* Shows the edges up to now, `rises` of them upwards: one at once, the others later. */
static void pit_show(Pit *pit, int64_t tick, int64_t rises, bool strobe)
{
    const PitChannel *ch = &pit->channel[0];
    bool out = pit_channel_out(ch, tick);

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
    int64_t rises = due ? pit_channel_rises(ch, pit->event, tick) : 0, next;

    pit_channel_sync(ch, tick);
    pit_show(pit, tick, rises, due && (ch->mode == 2 || ch->mode >= 4));
    next = pit->event = pit_channel_next_edge(ch, tick);
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

static void pit_read_back(Pit *pit, uint8_t value, int64_t tick)
{
    for (unsigned i = 0; i < PIT_CHANNELS; i++) {
        PitChannel *ch = &pit->channel[i];

        if ((value & 2u << i) == 0) {
            continue;
        }
        pit_channel_sync(ch, tick);
        if ((value & READ_BACK_NO_COUNT) == 0) {
            pit_channel_latch_count(ch, tick);
        }
        if ((value & READ_BACK_NO_STATUS) == 0 && !ch->status_latched) {
            ch->status_latched = true;
            ch->status = pit_channel_status(ch, tick);
        }
    }
}

static void pit_write_control(Pit *pit, uint8_t value, int64_t tick)
{
    unsigned n = value >> 6;

    if (n == CONTROL) {
        pit_read_back(pit, value, tick);
    } else if ((value >> 4 & 3) == LATCH) {
        pit_channel_sync(&pit->channel[n], tick);
        pit_channel_latch_count(&pit->channel[n], tick);
    } else {
        pit_channel_control(&pit->channel[n], value);
        pit->late = n == 0 ? 0 : pit->late;
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
        pit_channel_write(&pit->channel[offset], (uint8_t)value, tick);
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
    pit_channel_sync(ch, tick);
    if (ch->status_latched) {
        ch->status_latched = false;
        return ch->status;
    }
    count = ch->count_latched ? ch->latch : pit_channel_count(ch, tick);
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
    pit_channel_set_gate(&pit->channel[channel], level, pit_tick(pit));
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
    pit_channel_sync(&pit->channel[channel], tick);
    return pit_channel_out(&pit->channel[channel], tick);
}

/* ---- Life ---- */

/* The chip has no reset; this is what firmware would find: free-running square waves. */
void pit_reset(Pit *pit)
{
    for (unsigned i = 0; i < PIT_CHANNELS; i++) {
        PitChannel *ch = &pit->channel[i];

        *ch = (PitChannel){ .mode = 3, .access = BOTH, .gate = i != 2 };
        pit_channel_load(ch, 0, pit_tick(pit));
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
