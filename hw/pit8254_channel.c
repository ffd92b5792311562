/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pit8254_channel.c - one counter of the 8254 at a tick. */
#include "hw/pit8254_int.h"

#include <glib.h>

enum { STATUS_OUT = 0x80, STATUS_NULL = 0x40 };

static int64_t channel_elapsed(const PitChannel *ch, int64_t tick)
{
    return ch->counting ? tick - ch->start : ch->held;
}

/* Mode 3: length of the half that a period begins with. Odd counts are high a tick longer. */
static uint32_t channel_first_half(const PitChannel *ch)
{
    return ch->low_half ? ch->period / 2 : (ch->period + 1) / 2;
}

bool pit_channel_out(const PitChannel *ch, int64_t tick)
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

uint16_t pit_channel_count(const PitChannel *ch, int64_t tick)
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

uint8_t pit_channel_status(const PitChannel *ch, int64_t tick)
{
    bool null_count = !ch->loaded || ch->untaken || (ch->counting && tick < ch->start);

    return (uint8_t)((pit_channel_out(ch, tick) ? STATUS_OUT : 0) | (null_count ? STATUS_NULL : 0) |
                     ch->access << 4 | ch->mode << 1 | ch->bcd);
}

/* Takes a new count of modes 2 and 3 when its time has come. */
void pit_channel_sync(PitChannel *ch, int64_t tick)
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

void pit_channel_load(PitChannel *ch, uint16_t value, int64_t tick)
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

void pit_channel_set_gate(PitChannel *ch, bool level, int64_t tick)
{
    bool counts = ch->mode == 0 || ch->mode == 4;

    pit_channel_sync(ch, tick);
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

/* ---- Edges of OUT ---- */

/* The tick of the next edge that the line has to show, -1: none. */
int64_t pit_channel_next_edge(const PitChannel *ch, int64_t tick)
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
int64_t pit_channel_rises(const PitChannel *ch, int64_t from, int64_t to)
{
    int64_t first = ch->start;

    if ((ch->mode != 2 && ch->mode != 3) || !ch->counting || ch->waiting || from <= ch->start ||
        ch->period < PIT_LATE_GAP) {
        return 0;
    }
    if (ch->low_half) { /* high in the second half: as if begun so much earlier */
        first -= ch->period - channel_first_half(ch);
    }
    return (to - first) / ch->period - (from - 1 - first) / ch->period;
}

/* ---- Commands ---- */

void pit_channel_control(PitChannel *ch, uint8_t value)
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

void pit_channel_latch_count(PitChannel *ch, int64_t tick)
{
    if (!ch->count_latched) {
        ch->count_latched = true;
        ch->latch = pit_channel_count(ch, tick);
    }
}

void pit_channel_write(PitChannel *ch, uint8_t value, int64_t tick)
{
    pit_channel_sync(ch, tick);
    switch (ch->access) {
    case LSB:
        pit_channel_load(ch, value, tick);
        break;
    case MSB:
        pit_channel_load(ch, (uint16_t)(value << 8), tick);
        break;
    default:
        if (ch->write_second) {
            pit_channel_load(ch, (uint16_t)(value << 8 | ch->write_low), tick);
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
