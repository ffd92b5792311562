/* SPDX-License-Identifier: GPL-2.0-or-later */
/* clock.c - guest time over a host clock or a fake one, and a heap of timers.
 *
 * The heap is ordered by deadline, then by the order in which the timers were set, so that a run is
 * the same every time. */
#include "hw/clock.h"

#include <glib.h>
#include <stdatomic.h>

enum {
    NOT_PENDING = -1,
    NOT_FROZEN = -1,
    RUN_LIMIT = 4096, /* timers a clock_run: a guest's short periods must not hold the main loop */
};

struct ClockTimer {
    Clock *clock;
    void (*fire)(void *opaque);
    void *opaque;
    int64_t deadline; /* NOT_PENDING */
    uint64_t sequence;
    size_t index; /* in the heap, while pending */
};

struct Clock {
    int64_t (*source)(void);
    /* Read without the lock. The clock stands at `frozen` if that is not NOT_FROZEN; a fake clock
     * has no source and stands always. */
    _Atomic int64_t offset, frozen;
    bool running;
    int64_t wall_offset; /* of the wall clock from guest time */
    ClockTimer **heap;
    size_t count, capacity;
    uint64_t sequence;
    bool in_run; /* the owner is told once, when it is over */
    void (*rearm)(void *opaque);
    void *rearm_opaque;
};

Clock *clock_new(int64_t (*source)(void))
{
    Clock *clock = g_new0(Clock, 1);

    clock->source = source;
    clock->running = true;
    if (source == NULL) {
        atomic_init(&clock->frozen, 0);
    } else {
        atomic_init(&clock->offset, -source());
        atomic_init(&clock->frozen, NOT_FROZEN);
        clock->wall_offset = g_get_real_time() * NS_PER_US;
    }
    return clock;
}

void clock_free(Clock *clock)
{
    if (clock == NULL) {
        return;
    }
    g_assert(clock->count == 0);
    g_free(clock->heap);
    g_free(clock);
}

int64_t clock_now(const Clock *clock)
{
    int64_t frozen = atomic_load_explicit(&clock->frozen, memory_order_acquire);

    if (frozen != NOT_FROZEN) {
        return frozen;
    }
    return atomic_load_explicit(&clock->offset, memory_order_relaxed) + clock->source();
}

int64_t clock_deadline(const Clock *clock)
{
    return clock->running && clock->count > 0 ? clock->heap[0]->deadline : NOT_PENDING;
}

int64_t clock_host_deadline(const Clock *clock)
{
    int64_t deadline = clock_deadline(clock);

    return deadline == NOT_PENDING ? NOT_PENDING : deadline - atomic_load(&clock->offset);
}

static void clock_changed(Clock *clock)
{
    if (!clock->in_run && clock->rearm != NULL) {
        clock->rearm(clock->rearm_opaque);
    }
}

void clock_set_rearm(Clock *clock, void (*rearm)(void *opaque), void *opaque)
{
    clock->rearm = rearm;
    clock->rearm_opaque = opaque;
}

void clock_set_running(Clock *clock, bool running)
{
    if (clock->running == running) {
        return;
    }
    if (clock->source != NULL && running) {
        atomic_store(&clock->offset, atomic_load(&clock->frozen) - clock->source());
        atomic_store_explicit(&clock->frozen, NOT_FROZEN, memory_order_release);
    } else if (clock->source != NULL) {
        atomic_store(&clock->frozen, clock_now(clock));
    }
    clock->running = running;
    clock_changed(clock);
}

void clock_set_now(Clock *clock, int64_t now)
{
    if (atomic_load(&clock->frozen) != NOT_FROZEN) {
        atomic_store(&clock->frozen, now);
    } else {
        atomic_store(&clock->offset, now - clock->source());
    }
    clock_changed(clock);
}

int64_t clock_wall(const Clock *clock)
{
    return clock_now(clock) + clock->wall_offset;
}

void clock_set_wall(Clock *clock, int64_t wall_ns)
{
    clock->wall_offset = wall_ns - clock_now(clock);
}

/* ---- The heap ---- */

static bool timer_before(const ClockTimer *a, const ClockTimer *b)
{
    return a->deadline < b->deadline || (a->deadline == b->deadline && a->sequence < b->sequence);
}

static void heap_put(Clock *clock, size_t index, ClockTimer *timer)
{
    clock->heap[index] = timer;
    timer->index = index;
}

static void heap_up(Clock *clock, size_t index, ClockTimer *timer)
{
    while (index > 0 && timer_before(timer, clock->heap[(index - 1) / 2])) {
        heap_put(clock, index, clock->heap[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    heap_put(clock, index, timer);
}

static void heap_down(Clock *clock, size_t index, ClockTimer *timer)
{
    for (size_t child; (child = 2 * index + 1) < clock->count; index = child) {
        if (child + 1 < clock->count && timer_before(clock->heap[child + 1], clock->heap[child])) {
            child++;
        }
        if (!timer_before(clock->heap[child], timer)) {
            break;
        }
        heap_put(clock, index, clock->heap[child]);
    }
    heap_put(clock, index, timer);
}

static void heap_remove(Clock *clock, ClockTimer *timer)
{
    ClockTimer *last = clock->heap[--clock->count];
    size_t index = timer->index;

    timer->deadline = NOT_PENDING;
    if (last == timer) {
        return;
    }
    if (index > 0 && timer_before(last, clock->heap[(index - 1) / 2])) {
        heap_up(clock, index, last);
    } else {
        heap_down(clock, index, last);
    }
}

/* ---- Timers ---- */

ClockTimer *clock_timer_new(Clock *clock, void (*fire)(void *opaque), void *opaque)
{
    ClockTimer *timer = g_new0(ClockTimer, 1);

    timer->clock = clock;
    timer->fire = fire;
    timer->opaque = opaque;
    timer->deadline = NOT_PENDING;
    return timer;
}

void clock_timer_free(ClockTimer *timer)
{
    if (timer != NULL) {
        clock_timer_cancel(timer);
        g_free(timer);
    }
}

void clock_timer_set(ClockTimer *timer, int64_t deadline_ns)
{
    Clock *clock = timer->clock;
    int64_t earliest = clock_deadline(clock);

    if (timer->deadline != NOT_PENDING) {
        heap_remove(clock, timer);
    }
    if (clock->count == clock->capacity) {
        clock->capacity = MAX(16, 2 * clock->capacity);
        clock->heap = g_renew(ClockTimer *, clock->heap, clock->capacity);
    }
    timer->deadline = deadline_ns >= 0 ? deadline_ns
                                       : INT64_MAX; /* past what can be counted: never */
    timer->sequence = clock->sequence++;
    heap_up(clock, clock->count++, timer);
    if (clock_deadline(clock) != earliest) {
        clock_changed(clock);
    }
}

void clock_timer_cancel(ClockTimer *timer)
{
    Clock *clock = timer->clock;
    int64_t earliest = clock_deadline(clock);

    if (timer->deadline == NOT_PENDING) {
        return;
    }
    heap_remove(clock, timer);
    if (clock_deadline(clock) != earliest) {
        clock_changed(clock);
    }
}

bool clock_timer_pending(const ClockTimer *timer)
{
    return timer->deadline != NOT_PENDING;
}

int64_t clock_timer_deadline(const ClockTimer *timer)
{
    return timer->deadline;
}

static void clock_fire_first(Clock *clock)
{
    ClockTimer *timer = clock->heap[0];

    heap_remove(clock, timer);
    timer->fire(timer->opaque);
}

void clock_run(Clock *clock)
{
    int64_t now = clock_now(clock);
    bool outermost = !clock->in_run;

    clock->in_run = true;
    for (unsigned n = 0; n < RUN_LIMIT; n++) {
        if (!clock->running || clock->count == 0 || clock->heap[0]->deadline > now) {
            break;
        }
        clock_fire_first(clock);
    }
    if (outermost) {
        clock->in_run = false;
        clock_changed(clock);
    }
}

void clock_step(Clock *clock, int64_t ns)
{
    int64_t target;

    g_assert(clock->source == NULL && ns >= 0);
    if (!clock->running) {
        return;
    }
    target = clock_now(clock) + ns;
    while (clock->running && clock->count > 0 && clock->heap[0]->deadline <= target) {
        atomic_store(&clock->frozen, MAX(clock_now(clock), clock->heap[0]->deadline));
        clock_fire_first(clock);
    }
    atomic_store(&clock->frozen, target);
}
