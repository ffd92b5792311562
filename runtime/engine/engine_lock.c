/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine_lock.c - the lock, who is inside, and waiting for them.
 *
 * The order that makes it safe: a CPU that comes inside does so with the lock, so not while
 * somebody is alone.  One that goes outside stores that behind all its stores to guest memory,
 * which the host keeps in order; who reads it sees them.  `inside` and `alone_wanted` are written
 * by one side and read by the other behind a full fence, so that a wake-up is never lost.
 *
 * An instruction in its middle may go outside because what others do alone does not touch what it
 * goes on with: guest RAM stays where it is, its own TLB keeps its entries but for rights to write
 * inline, and every write of the software CPU looks at the page's chunks of code behind it. */
#include "runtime/engine/engine_int.h"
#include "softmmu/host_call.h"
#include <linux/futex.h>

enum { FREE, TAKEN, WAITED_FOR, SPINS = 2000 };

static void futex_wait(const uint32_t *word, uint32_t seen)
{
    host_call(__NR_futex, word, FUTEX_WAIT_PRIVATE, seen, 0, 0, 0);
}

static void futex_wake(const uint32_t *word)
{
    host_call(__NR_futex, word, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
}

/* ---- Outside ---- */

void engine_go_outside(EngineCpu *self)
{
    Engine *engine = self->engine;

    if (!engine->parallel) {
        return;
    }
    __atomic_store_n(&self->inside, 0, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&engine->lock.alone_wanted, __ATOMIC_SEQ_CST)) {
        futex_wake(&self->inside);
    }
}

void engine_lock(EngineCpu *self)
{
    Engine *engine = self->engine;
    uint32_t *word = &engine->lock.word, old = FREE;

    if (!engine->parallel) {
        return;
    }
    engine_go_outside(self);
    if (!__atomic_compare_exchange_n(word, &old, TAKEN, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST)) {
        while (__atomic_exchange_n(word, WAITED_FOR, __ATOMIC_SEQ_CST) != FREE) {
            futex_wait(word, WAITED_FOR);
        }
    }
    g_assert(engine->lock.owner == NULL);
    engine->lock.owner = self;
}

/* ---- Inside ---- */

void engine_unlock(EngineCpu *self)
{
    Engine *engine = self->engine;

    if (!engine->parallel) {
        return;
    }
    g_assert(engine->lock.owner == self);
    engine->lock.owner = NULL;
    engine->lock.alone = false;
    __atomic_store_n(&engine->lock.alone_wanted, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&self->inside, 1, __ATOMIC_SEQ_CST);
    if (__atomic_exchange_n(&engine->lock.word, FREE, __ATOMIC_SEQ_CST) == WAITED_FOR) {
        futex_wake(&engine->lock.word);
    }
}

void engine_come_inside(EngineCpu *self)
{
    engine_lock(self);
    engine_unlock(self);
}

void engine_let_others(EngineCpu *self)
{
    if (__atomic_load_n(&self->engine->lock.alone_wanted, __ATOMIC_SEQ_CST)) {
        engine_lock(self);
        engine_unlock(self);
    }
}

/* ---- Alone ---- */

static void wait_until_outside(EngineCpu *other)
{
    for (unsigned i = 0; __atomic_load_n(&other->inside, __ATOMIC_SEQ_CST) != 0; i++) {
        /* again and again: it may have cleared an earlier one on its way back inside */
        __atomic_store_n(&other->cpu->attention, 1, __ATOMIC_SEQ_CST);
        if (i < SPINS) {
            __builtin_ia32_pause();
        } else {
            futex_wait(&other->inside, 1);
        }
    }
}

void engine_alone(Engine *engine)
{
    const EngineCpu *self = engine->lock.owner;

    if (!engine->parallel || engine->lock.alone) {
        return;
    }
    g_assert(self != NULL);
    __atomic_store_n(&engine->lock.alone_wanted, 1, __ATOMIC_SEQ_CST);
    for (guint i = 0; i < engine->cpus->len; i++) {
        EngineCpu *other = g_ptr_array_index(engine->cpus, i);

        if (other != self) {
            wait_until_outside(other);
        }
    }
    engine->lock.alone = true;
}
