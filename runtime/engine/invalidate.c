/* SPDX-License-Identifier: GPL-2.0-or-later */
/* invalidate.c - writes to translated code, from the vCPU itself or from other threads.
 *
 * While CPUs run in parallel all of them are noted, and what was translated is gone before the next
 * instruction of the CPU that wrote: so no CPU that sees what that one writes later runs old code,
 * but for what it was in the middle of. */
#include "runtime/engine/engine_int.h"

static void pending_acquire(Engine *engine)
{
    while (__atomic_test_and_set(&engine->pending_lock, __ATOMIC_ACQUIRE)) {
        __builtin_ia32_pause();
    }
}

static void pending_release(Engine *engine)
{
    __atomic_clear(&engine->pending_lock, __ATOMIC_RELEASE);
}

void engine_invalidate(Engine *engine, uint64_t ram_offset, uint64_t size)
{
    if (!engine->parallel && turn_is_own(&engine->turn)) {
        cache_invalidate(engine, ram_offset, size);
        return;
    }
    pending_acquire(engine);
    if (engine->n_pending < G_N_ELEMENTS(engine->pending)) {
        engine->pending[engine->n_pending].ram_offset = ram_offset;
        engine->pending[engine->n_pending].size = size;
    }
    if (engine->n_pending <= G_N_ELEMENTS(engine->pending)) {
        __atomic_store_n(&engine->n_pending, engine->n_pending + 1, __ATOMIC_RELAXED);
    }
    pending_release(engine);
    for (guint i = 0; i < engine->cpus->len; i++) {
        const EngineCpu *one = g_ptr_array_index(engine->cpus, i);

        cpu_request_set(one->cpu, CPU_REQUEST_CODE);
    }
}

void engine_flush(Engine *engine)
{
    pending_acquire(engine);
    /* more than there is room for */
    __atomic_store_n(&engine->n_pending, G_N_ELEMENTS(engine->pending) + 1, __ATOMIC_RELAXED);
    pending_release(engine);
    for (guint i = 0; i < engine->cpus->len; i++) {
        const EngineCpu *one = g_ptr_array_index(engine->cpus, i);

        cpu_request_set(one->cpu, CPU_REQUEST_CODE);
    }
}

/* Takes over what has been noted; the number, as engine->n_pending has it. */
static unsigned pending_take(Engine *engine, PendingRange *taken)
{
    unsigned n;

    pending_acquire(engine);
    n = engine->n_pending;
    for (unsigned i = 0; i < MIN(n, G_N_ELEMENTS(engine->pending)); i++) {
        taken[i] = engine->pending[i];
    }
    __atomic_store_n(&engine->n_pending, 0, __ATOMIC_RELAXED);
    pending_release(engine);
    return n;
}

/* The notes are not locked meanwhile: who waits to add one may be inside, and is waited for here.
 * Who has written waits for the engine's lock, and so until this is done. */
void engine_synchronise(EngineCpu *self)
{
    Engine *engine = self->engine;
    PendingRange taken[G_N_ELEMENTS(engine->pending)];
    unsigned n;

    engine_lock(self);
    n = pending_take(engine, taken);
    if (n != 0) {
        engine_alone(engine);
    }
    if (n > G_N_ELEMENTS(taken)) {
        cache_flush(engine);
    } else {
        for (unsigned i = 0; i < n; i++) {
            cache_invalidate(engine, taken[i].ram_offset, taken[i].size);
        }
    }
    engine_unlock(self);
}
