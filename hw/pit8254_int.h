/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_PIT8254_INT_H
#define HW_PIT8254_INT_H
/* pit8254_int.h - one counter of the 8254, for pit8254.c, which has the chip. Times are ticks of
 * CLK. */
#include "hw/pit8254.h"

enum { /* which bytes of a count are accessed */
       LSB = 1,
       MSB = 2,
       BOTH = 3,
};

enum { PIT_LATE_GAP = 120 /* ticks, 100 us; faster counters tell nobody the time */ };

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

bool pit_channel_out(const PitChannel *ch, int64_t tick);       /* level of OUT */
uint16_t pit_channel_count(const PitChannel *ch, int64_t tick); /* as it is read */
uint8_t pit_channel_status(const PitChannel *ch, int64_t tick);
/* What was to happen up to now has happened. Before a change. */
void pit_channel_sync(PitChannel *ch, int64_t tick);
void pit_channel_load(PitChannel *ch, uint16_t value,
                      int64_t tick); /* a whole count has been written */
void pit_channel_set_gate(PitChannel *ch, bool level, int64_t tick);
/* The tick of the next edge that the line has to show, -1: none. */
int64_t pit_channel_next_edge(const PitChannel *ch, int64_t tick);
/* Rising edges of a periodic counter from tick `from` to tick `to`. */
int64_t pit_channel_rises(const PitChannel *ch, int64_t from, int64_t to);

void pit_channel_control(PitChannel *ch, uint8_t value);
void pit_channel_latch_count(PitChannel *ch, int64_t tick);
void pit_channel_write(PitChannel *ch, uint8_t value, int64_t tick);

#endif
