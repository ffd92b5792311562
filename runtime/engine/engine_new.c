/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine_new.c - making and unmaking an engine. */
#include "runtime/engine/block_make.h"
#include "runtime/engine/engine_report.h"
#include "runtime/engine/verify.h"
#include "softmmu/mmu.h"
#include <Zydis/Mnemonic.h>
#include <asm/hwcap2.h>
#include <sys/auxv.h>
#include <cpuid.h>

G_DEFINE_QUARK(engine - error - quark, engine_error)

static void engine_cpu_free(gpointer data)
{
    EngineCpu *self = data;

    ibtc_free(self->ibtc);
    g_free(self->focus);
    g_free(self->callout_counts);
    g_free(self);
}

Engine *engine_new(PhysMap *map, const EngineOptions *options, GError **error)
{
    Engine *engine = g_new0(Engine, 1);

    engine->map = map;
    engine->options = *options;
    engine->fd = -1;
    engine->next_salt = 1;
    engine->cpus = g_ptr_array_new_with_free_func(engine_cpu_free);
    turn_init(&engine->turn);
    engine->unshared = unshared_new();
    engine->heat = heat_new();
    engine->parallel = options->parallel && options->cpus > 1;
    engine->options.host_returns &=
        !engine->parallel; /* their jumps are not patched in one store */
    engine->total_counts = g_new0(uint64_t, ZYDIS_MNEMONIC_MAX_VALUE + 1);
    engine->insns = insn_cache_new();
    insn_fixed_decode(engine->fixed[0], 4);
    insn_fixed_decode(engine->fixed[1], 8);
    if (!cache_open(engine, error) || !engine_report_open(engine, error) ||
        !verify_open(engine, error)) {
        engine_free(engine);
        return NULL;
    }
    return engine;
}

void engine_free(Engine *engine)
{
    if (engine == NULL) {
        return;
    }
    cache_close(engine);
    engine_report_close(engine);
    verify_close(engine);
    g_free(engine->total_counts);
    g_free(engine->insns);
    g_free(engine->unshared);
    g_free(engine->heat);
    g_ptr_array_free(engine->cpus, TRUE);
    turn_fini(&engine->turn);
    g_free(engine);
}

/* XGETBV tells which components are in use. */
static bool host_xinuse(void)
{
    enum { LEAF_XSAVE = 13, XGETBV_ONE = 1 << 2 };
    unsigned eax, ebx, ecx, edx;

    return __get_cpuid_count(LEAF_XSAVE, 1, &eax, &ebx, &ecx, &edx) && (eax & XGETBV_ONE);
}

void engine_attach(Engine *engine, Cpu *cpu)
{
    static const void *const stubs[JIT_STUBS] = {
        [JIT_STUB_CALLOUT] = stub_callout,   [JIT_STUB_CALLOUT_SAVED] = stub_callout_saved,
        [JIT_STUB_DISPATCH] = stub_dispatch, [JIT_STUB_LINK] = stub_link,
        [JIT_STUB_INDIRECT] = stub_indirect, [JIT_STUB_FAR] = stub_far,
        [JIT_STUB_FAR_LINK] = stub_far_link, [JIT_STUB_FILL] = stub_fill,
        [JIT_STUB_WINDOW] = stub_window,     [JIT_STUB_VECTOR] = stub_vector,
    };
    EngineCpu *self = g_new0(EngineCpu, 1);

    self->engine = engine;
    self->cpu = cpu;
    self->place.cpu = cpu;
    self->ibtc = ibtc_new();
    self->focus = focus_new();
    self->callout_counts = g_new0(uint64_t, ZYDIS_MNEMONIC_MAX_VALUE + 1);
    g_ptr_array_add(engine->cpus, self);
    if (engine->parallel) {
        mmu_share(cpu);
    }
    cpu->engine = engine;
    cpu->engine_cpu = self;
    cpu->wrgsbase = getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE;
    cpu->host_xinuse = host_xinuse();
    if (engine->options.window != ENGINE_WINDOW_OFF &&
        !mmu_window_open(cpu, MAX(engine->options.cpus, 1u))) {
        engine->options.window = ENGINE_WINDOW_OFF;
    }
    ibtc_select_none(cpu);
    for (unsigned i = 0; i < JIT_STUBS; i++) {
        cpu->jit_stub[i] = stubs[i];
    }
}

const EngineStats *engine_stats(Engine *engine)
{
    EngineStats *total = &engine->total;

    *total = engine->stats;
    for (guint i = 0; i < engine->cpus->len; i++) {
        const EngineCpu *one = g_ptr_array_index(engine->cpus, i);

        total->dispatches += one->stats.dispatches;
        total->ibtc_misses += one->stats.ibtc_misses;
        total->callouts += one->stats.callouts;
        total->interpreted += one->stats.interpreted;
    }
    return total;
}

const uint64_t *engine_callout_counts(Engine *engine)
{
    for (unsigned n = 0; n <= ZYDIS_MNEMONIC_MAX_VALUE; n++) {
        engine->total_counts[n] = 0;
        for (guint i = 0; i < engine->cpus->len; i++) {
            const EngineCpu *one = g_ptr_array_index(engine->cpus, i);

            engine->total_counts[n] += one->callout_counts[n];
        }
    }
    return engine->total_counts;
}
