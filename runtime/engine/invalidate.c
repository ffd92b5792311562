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
        engine->n_pending++;
    }
    pending_release(engine);
    for (guint i = 0; i < engine->cpus->len; i++) {
        const EngineCpu *one = g_ptr_array_index(engine->cpus, i);

        cpu_request_set(one->cpu, CPU_REQUEST_CODE);
    }
}

void engine_synchronise(EngineCpu *self)
{
    Engine *engine = self->engine;

    engine_lock(self);
    if (__atomic_load_n(&engine->n_pending, __ATOMIC_RELAXED) != 0) {
        engine_alone(engine); /* before the other lock: who waits for that one may be inside */
    }
    pending_acquire(engine);
    if (engine->n_pending > G_N_ELEMENTS(engine->pending)) {
        cache_flush(engine);
    } else {
        for (unsigned i = 0; i < engine->n_pending; i++) {
            cache_invalidate(engine, engine->pending[i].ram_offset, engine->pending[i].size);
        }
    }
    engine->n_pending = 0;
    pending_release(engine);
    engine_unlock(self);
}
