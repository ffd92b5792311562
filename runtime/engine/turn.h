/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_ENGINE_TURN_H
#define RUNTIME_ENGINE_TURN_H
/* turn.h - whose turn it is: one vCPU at a time runs guest code.
 *
 * Who has the turn owns everything that the CPUs share in the engine: blocks, their links, the
 * TLBs of all CPUs as far as pages that begin to hold code are concerned.  It is handed on between
 * two instructions of the guest, outside translated code, in the order in which the threads asked
 * for it: when the CPU halts, when it spins (PAUSE) while others wait, and when it has had it for a
 * slice, which is short if an interrupt waits for another CPU.
 *
 * A thread waits on Cpu.request, so that whoever sets a bit there and looks at Cpu.sleeping wakes
 * it.  Threads: all functions are for the thread of the place's CPU.
 */
#include <pthread.h>
#include "runtime/cpu/cpu.h"

typedef struct TurnPlace TurnPlace;
struct TurnPlace { /* a CPU's, in the queue or not */
    Cpu *cpu;
    TurnPlace *next;
    bool queued;
    unsigned spins;   /* PAUSEs that were run in this turn */
    pthread_t thread; /* valid while `running` */
    bool running;     /* atomic: from turn_take to turn_give */
};

typedef struct Turn {
    pthread_mutex_t lock; /* guards the following */
    TurnPlace *holder;    /* atomic; NULL: nobody */
    TurnPlace *first;     /* of those that wait, in order */
    int64_t since;        /* CLOCK_MONOTONIC, ns: when the holder got it */
    bool wanted;          /* atomic: the holder is to give it up */
    bool waiting;         /* atomic: first is not NULL */
} Turn;

void turn_init(Turn *turn);
void turn_fini(Turn *turn);

/* Waits for the turn. false: the machine wants something of the thread first (a bit of
 * CPU_REQUESTS_OF_MACHINE other than those that engine_run serves); the place in the queue is kept
 * if that is only to run timers. */
bool turn_take(Turn *turn, TurnPlace *place);
void turn_give(Turn *turn, TurnPlace *place);
/* Gives up a place in the queue that turn_take has kept. */
void turn_forgo(Turn *turn, TurnPlace *place);

/* Does the calling thread have the turn, whichever thread it is? */
bool turn_is_own(const Turn *turn);

static inline bool turn_wanted(const Turn *turn)
{
    return __atomic_load_n(&turn->wanted, __ATOMIC_RELAXED);
}

/* The holder has run a PAUSE. true: it is to give the turn to others that wait. */
bool turn_spins(Turn *turn, TurnPlace *place);

#endif
