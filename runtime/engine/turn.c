/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE /* syscall */
#include "runtime/engine/turn.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    SLICE = 2000000, /* ns that a CPU runs for at least, while others wait */
    SHORT = 100000,  /* when one of them has an interrupt to take */
    SPINS = 16,      /* PAUSEs until a CPU is taken to wait for another one */
};

/* What waits for the CPU itself. */
enum {
    EVENTS = CPU_REQUEST_INTR | CPU_REQUEST_NMI | CPU_REQUEST_SMI | CPU_REQUEST_INIT |
             CPU_REQUEST_SIPI,
    /* engine_run does these itself, with the turn */
    SERVED = CPU_REQUEST_FLUSH | CPU_REQUEST_CODE,
    LEAVES = CPU_REQUESTS_OF_MACHINE & ~SERVED,
};

static int64_t now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void turn_init(Turn *turn)
{
    *turn = (Turn){ .holder = NULL };
    pthread_mutex_init(&turn->lock, NULL);
}

void turn_fini(Turn *turn)
{
    pthread_mutex_destroy(&turn->lock);
}

/* ---- The queue; the lock is held ---- */

static void queue_changed_locked(Turn *turn)
{
    __atomic_store_n(&turn->waiting, turn->first != NULL, __ATOMIC_RELAXED);
}

static void enqueue_locked(Turn *turn, TurnPlace *place)
{
    TurnPlace **link = &turn->first;

    while (*link != NULL) {
        link = &(*link)->next;
    }
    *link = place;
    place->next = NULL;
    place->queued = true;
    queue_changed_locked(turn);
}

static void dequeue_locked(Turn *turn, TurnPlace *place)
{
    TurnPlace **link = &turn->first;

    while (*link != place) {
        link = &(*link)->next;
    }
    *link = place->next;
    place->queued = false;
    queue_changed_locked(turn);
}

static unsigned ahead_locked(const Turn *turn, const TurnPlace *place)
{
    unsigned n = 0;

    for (const TurnPlace *at = turn->first; at != place; at = at->next) {
        n++;
    }
    return n;
}

static void grant_locked(Turn *turn, TurnPlace *place)
{
    __atomic_store_n(&turn->holder, place, __ATOMIC_RELEASE);
    turn->since = now();
    __atomic_store_n(&turn->wanted, false, __ATOMIC_RELAXED);
    place->spins = 0;
}

/* Lets the first of those that wait have it. */
static void pass_locked(Turn *turn)
{
    TurnPlace *place = turn->first;

    __atomic_store_n(&turn->holder, NULL, __ATOMIC_RELEASE);
    if (place == NULL) {
        return;
    }
    dequeue_locked(turn, place);
    grant_locked(turn, place);
    cpu_request_set(place->cpu, CPU_REQUEST_TURN);
    if (__atomic_load_n(&place->cpu->sleeping, __ATOMIC_SEQ_CST)) {
        syscall(SYS_futex, &place->cpu->request, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
}

static void press_locked(Turn *turn)
{
    if (turn->holder != NULL) {
        __atomic_store_n(&turn->wanted, true, __ATOMIC_RELAXED);
        __atomic_store_n(&turn->holder->cpu->attention, 1, __ATOMIC_SEQ_CST);
    }
}

/* ---- Waiting ---- */

/* Until the request word is no more what was seen, or that moment. */
static void sleep_until(Cpu *cpu, uint32_t seen, int64_t until)
{
    const struct timespec moment = { until / 1000000000, until % 1000000000 };

    __atomic_store_n(&cpu->sleeping, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&cpu->request, __ATOMIC_SEQ_CST) == seen) {
        syscall(SYS_futex, &cpu->request, FUTEX_WAIT_BITSET_PRIVATE, seen, &moment, NULL,
                FUTEX_BITSET_MATCH_ANY);
    }
    __atomic_store_n(&cpu->sleeping, 0, __ATOMIC_SEQ_CST);
}

/* Asks for the turn if its holder has had it long enough; the moment to look again. */
static int64_t wait_deadline_locked(Turn *turn, const TurnPlace *place, uint32_t request)
{
    int64_t deadline = turn->since + (request & EVENTS
                                          ? SHORT
                                          : SLICE * (int64_t)(1 + ahead_locked(turn, place)));
    int64_t moment = now();

    if (moment < deadline) {
        return deadline;
    }
    press_locked(turn);
    return moment + SLICE;
}

bool turn_take(Turn *turn, TurnPlace *place)
{
    Cpu *cpu = place->cpu;
    bool taken = false;

    pthread_mutex_lock(&turn->lock);
    if (turn->holder == NULL && turn->first == NULL) {
        grant_locked(turn, place);
    } else if (turn->holder != place && !place->queued) {
        enqueue_locked(turn, place);
    }
    while (!(taken = turn->holder == place)) {
        uint32_t request = __atomic_load_n(&cpu->request, __ATOMIC_SEQ_CST);
        int64_t until;

        if (request & LEAVES) {
            if (request & LEAVES & ~(uint32_t)CPU_REQUEST_TIMER) {
                dequeue_locked(turn, place);
            }
            break;
        }
        until = wait_deadline_locked(turn, place, request);
        pthread_mutex_unlock(&turn->lock);
        sleep_until(cpu, request, until);
        pthread_mutex_lock(&turn->lock);
    }
    cpu_request_clear(cpu, CPU_REQUEST_TURN);
    if (taken) {
        place->thread = pthread_self();
        __atomic_store_n(&place->running, true, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&turn->lock);
    return taken;
}

bool turn_is_own(const Turn *turn)
{
    const TurnPlace *holder = __atomic_load_n(&turn->holder, __ATOMIC_ACQUIRE);

    return holder != NULL && __atomic_load_n(&holder->running, __ATOMIC_ACQUIRE) &&
           pthread_equal(holder->thread, pthread_self());
}

void turn_give(Turn *turn, TurnPlace *place)
{
    pthread_mutex_lock(&turn->lock);
    __atomic_store_n(&place->running, false, __ATOMIC_RELEASE);
    pass_locked(turn);
    pthread_mutex_unlock(&turn->lock);
}

void turn_forgo(Turn *turn, TurnPlace *place)
{
    pthread_mutex_lock(&turn->lock);
    if (place->queued) {
        dequeue_locked(turn, place);
    } else if (turn->holder == place) {
        pass_locked(turn);
        cpu_request_clear(place->cpu, CPU_REQUEST_TURN);
    }
    pthread_mutex_unlock(&turn->lock);
}

bool turn_spins(Turn *turn, TurnPlace *place)
{
    if (!__atomic_load_n(&turn->waiting, __ATOMIC_RELAXED) || ++place->spins < SPINS) {
        return false;
    }
    __atomic_store_n(&turn->wanted, true, __ATOMIC_RELAXED);
    __atomic_store_n(&place->cpu->attention, 1, __ATOMIC_RELAXED);
    return true;
}
