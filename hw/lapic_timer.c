/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/lapic_int.h"

/* lapic_timer.c - the local APIC's timer (SDM vol. 3 section 11.5.4): one-shot, periodic and
 * TSC-deadline.  The bus clock that it divides is 1 GHz.  Ticks of a periodic timer that the host
 * falls behind with follow back to back, each when the one before has been taken; one with an
 * absurd period is held to TIMER_MIN_PERIOD. */

enum {
    TIMER_MIN_PERIOD = 10 * NS_PER_US,
    OWED_PERIOD = 100 * NS_PER_US, /* shorter ones tell nobody the time */
};

/* Nanoseconds a count, as a shift: 000 is /2 ... 110 is /128, 111 is /1. */
static unsigned timer_shift(const Lapic *lapic)
{
    unsigned code = (lapic->divide & 3) | (lapic->divide >> 1 & 4);

    return code == 7 ? 0 : code + 1;
}

static int64_t timer_period(const Lapic *lapic)
{
    return (int64_t)((uint64_t)lapic->initial_count << timer_shift(lapic));
}

static uint32_t timer_mode(const Lapic *lapic)
{
    return lapic->lvt[LVT_TIMER] & LVT_TIMER_MODE;
}

static bool timer_is_deadline(const Lapic *lapic)
{
    return (timer_mode(lapic) & LVT_TIMER_DEADLINE) != 0 && lapic->bus->host.tsc != NULL;
}

static uint64_t timer_tsc(const Lapic *lapic)
{
    return lapic->bus->host.tsc(lapic->bus->host.opaque, lapic->cpu);
}

static void timer_arm_deadline(Lapic *lapic)
{
    uint64_t tsc = timer_tsc(lapic), hz = MAX(lapic->bus->host.tsc_hz, 1), ticks;
    unsigned __int128 ns = 0;

    if (lapic->tsc_deadline > tsc) {
        ticks = lapic->tsc_deadline - tsc;
        ns = ((unsigned __int128)ticks * NS_PER_S + hz - 1) / hz;
        ns = MIN(ns, (unsigned __int128)1 << 60);
    }
    clock_timer_set(lapic->timer, clock_now(lapic->bus->host.clock) + (int64_t)ns);
}

void lapic_timer_arm(Lapic *lapic)
{
    int64_t now = clock_now(lapic->bus->host.clock), period = timer_period(lapic), due;

    if (timer_is_deadline(lapic)) {
        if (lapic->tsc_deadline != 0) {
            timer_arm_deadline(lapic);
        } else {
            clock_timer_cancel(lapic->timer);
        }
        return;
    }
    due = lapic->count_start + period;
    if (period == 0 || lapic->run_down) {
        clock_timer_cancel(lapic->timer);
        return;
    }
    clock_timer_set(lapic->timer, MAX(due, now));
}

static void timer_periodic_fired(Lapic *lapic)
{
    int64_t now = clock_now(lapic->bus->host.clock), period = timer_period(lapic);

    if (period >= OWED_PERIOD) {
        int64_t owed = lapic->owed + (now - lapic->count_start) / period - 1;

        lapic->owed = (uint32_t)CLAMP(owed, 0, NS_PER_S / period);
    }
    if (period > 0) {
        lapic->count_start += (now - lapic->count_start) / period * period;
        clock_timer_set(lapic->timer, period < TIMER_MIN_PERIOD ? now + TIMER_MIN_PERIOD
                                                                : lapic->count_start + period);
    }
}

void lapic_timer_fired(void *opaque)
{
    Lapic *lapic = opaque;

    if (timer_is_deadline(lapic)) {
        if (lapic->tsc_deadline == 0) {
            return;
        }
        if (timer_tsc(lapic) < lapic->tsc_deadline) { /* the TSC was moved, or runs slower */
            timer_arm_deadline(lapic);
            return;
        }
        lapic->tsc_deadline = 0;
    } else if (timer_mode(lapic) == LVT_TIMER_PERIODIC) {
        timer_periodic_fired(lapic);
    } else {
        lapic->run_down = true;
    }
    lapic_local(lapic, LVT_TIMER);
}

void lapic_timer_taken(Lapic *lapic, uint8_t vector)
{
    if (lapic->owed > 0 && vector == (uint8_t)lapic->lvt[LVT_TIMER]) {
        lapic->owed--;
        lapic_local(lapic, LVT_TIMER);
    }
}

void lapic_timer_load(Lapic *lapic, uint32_t count)
{
    if (timer_is_deadline(lapic)) { /* ignored in this mode */
        return;
    }
    lapic->initial_count = count;
    lapic->run_down = false;
    lapic->owed = 0;
    lapic->count_start = clock_now(lapic->bus->host.clock);
    lapic_timer_arm(lapic);
}

void lapic_timer_set_divide(Lapic *lapic, uint32_t value)
{
    uint32_t current = lapic_timer_current(lapic);

    lapic->divide = value;
    if (current != 0) { /* counts on from where it is */
        lapic->count_start = clock_now(lapic->bus->host.clock) -
                             ((int64_t)(lapic->initial_count - current) << timer_shift(lapic));
        lapic_timer_arm(lapic);
    }
}

void lapic_timer_mode_changed(Lapic *lapic, uint32_t old_lvt)
{
    bool was = (old_lvt & LVT_TIMER_DEADLINE) != 0, is = timer_is_deadline(lapic);

    if (((old_lvt ^ lapic->lvt[LVT_TIMER]) & LVT_TIMER_MODE) == 0) {
        return;
    }
    lapic->owed = 0;
    if (was != is) { /* the switch disarms */
        lapic->tsc_deadline = 0;
        lapic->initial_count = 0;
    }
    lapic_timer_arm(lapic);
}

uint32_t lapic_timer_current(const Lapic *lapic)
{
    uint64_t elapsed;

    if (timer_is_deadline(lapic) || lapic->initial_count == 0 || lapic->run_down) {
        return 0;
    }
    elapsed = (uint64_t)(clock_now(lapic->bus->host.clock) - lapic->count_start) >>
              timer_shift(lapic);
    if (timer_mode(lapic) == LVT_TIMER_PERIODIC) {
        return lapic->initial_count - (uint32_t)(elapsed % lapic->initial_count);
    }
    return elapsed >= lapic->initial_count ? 0 : lapic->initial_count - (uint32_t)elapsed;
}

void lapic_timer_set_deadline(Lapic *lapic, uint64_t tsc)
{
    if (!timer_is_deadline(lapic)) { /* writes have no effect in the other modes */
        return;
    }
    lapic->tsc_deadline = tsc;
    if (tsc != 0 && timer_tsc(lapic) >= tsc) {
        clock_timer_cancel(lapic->timer);
        lapic->tsc_deadline = 0;
        lapic_local(lapic, LVT_TIMER);
        return;
    }
    lapic_timer_arm(lapic);
}
