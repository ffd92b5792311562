/* SPDX-License-Identifier: GPL-2.0-or-later */
/* smp_guest.c - the guest of litmus tests: up to four CPUs in 64-bit mode, at ring 0 or 3, each on
 * a thread, out of one translation cache.
 *
 * A CPU's part ends at a HLT; at ring 3 that is a fault for which there is no table of handlers. */
#define _GNU_SOURCE /* PROT_EXEC of the map's memory */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "check/check.h"
#include "check/smp_rig_int.h"
#include "check/subject.h"
#include "runtime/software_cpu/cpuid.h"
#include "runtime/software_cpu/decode_cache.h"
#include "runtime/software_cpu/host_traits.h"
#include "runtime/software_cpu/software_cpu.h"
#include "runtime/software_cpu/thunk.h"
#include "softmmu/mmu.h"

enum {
    STACK = 256 << 10,
    CACHE = 4 << 20,
    TABLE_PRESENT = 7, /* and writable, and user's */
    TABLE_BIG = 0x80,
    PATIENCE = 120, /* s */
    FLAT = ATTR_P | ATTR_S | ATTR_RW | ATTR_ACCESSED | ATTR_DB | ATTR_G,
};

/* ---- The bus ---- */

static void on_triple_fault(Cpu *cpu)
{
    SmpGuestCpu *self = cpu->machine;

    __atomic_store_n(&self->ended, true, __ATOMIC_SEQ_CST);
    cpu_request_set(cpu, CPU_REQUEST_STOP);
}

static void on_alone_begin(Cpu *cpu)
{
    engine_alone_begin(cpu);
}

static void on_alone_end(Cpu *cpu)
{
    engine_alone_end(cpu);
}

static const CpuBus bus = { .triple_fault = on_triple_fault,
                            .alone_begin = on_alone_begin,
                            .alone_end = on_alone_end };

static void code_written(void *opaque, uint64_t ram_offset, uint64_t size)
{
    engine_invalidate(opaque, ram_offset, size);
}

/* ---- Making it ---- */

static void tables_make(SmpRig *rig)
{
    uint64_t *root = (uint64_t *)(void *)(rig->memory + SMP_AT_TABLES);

    root[0] = (SMP_AT_TABLES + PAGE_SIZE) | TABLE_PRESENT;
    root[512] = (SMP_AT_TABLES + 2 * PAGE_SIZE) | TABLE_PRESENT;
    for (unsigned i = 0; i < SMP_MEMORY >> 21; i++) {
        root[1024 + i] = (uint64_t)i << 21 | TABLE_PRESENT | TABLE_BIG;
    }
}

static bool cpu_make(SmpRig *rig, unsigned index, GError **error)
{
    SmpGuestCpu *self = &rig->cpu[index];
    Cpu *cpu;

    self->rig = rig;
    self->memory = g_aligned_alloc0(1, STACK + sizeof(Cpu), 64);
    self->cpu = cpu = (Cpu *)(void *)(self->memory + STACK);
    cpu->thunks = thunk_cache_new(error);
    if (cpu->thunks == NULL) {
        return false;
    }
    cpu->index = index;
    cpu->bus = &bus;
    cpu->machine = self;
    cpu->model = rig->model;
    cpu->traits = rig->traits;
    cpu->a20_mask = UINT32_MAX;
    cpu->host_mxcsr = 0x1f80;
    cpu->xsave_mask = 3;
    cpu->mmu = soft_mmu_new(cpu, rig->map);
    cpu->decode = decode_cache_new();
    engine_attach(rig->engine, cpu);
    return true;
}

SmpRig *smp_rig_new(unsigned repetitions, GError **error)
{
    const EngineOptions options = {
        .cpus = SMP_CPUS, .parallel = true, .cache_size = CACHE, .window = ENGINE_WINDOW_ALL
    };
    PhysMapOwner owner = { .code_written = code_written };
    SmpRig *rig = g_new0(SmpRig, 1);
    bool done;

    rig->repetitions = MIN(repetitions, (unsigned)SMP_REPETITIONS_MAX);
    rig->map = phys_map_new(SMP_MEMORY, error);
    rig->model = rig->map != NULL ? cpu_model_new("max", error) : NULL;
    rig->engine = rig->model != NULL ? engine_new(rig->map, &options, error) : NULL;
    done = rig->engine != NULL;
    if (done) {
        rig->memory = phys_map_ram(rig->map);
        rig->traits = host_traits_new();
        phys_map_add_ram(rig->map, 0, 0, SMP_MEMORY, 0);
        phys_map_set_owner(rig->map, &owner, rig->engine);
        tables_make(rig);
    }
    if (done && mprotect(rig->memory, SMP_MEMORY, PROT_READ | PROT_WRITE | PROT_EXEC) != 0) {
        g_set_error(error, CHECK_ERROR, CHECK_ERROR_HOST, "memory cannot be made executable");
        done = false;
    }
    for (unsigned i = 0; done && i < SMP_CPUS; i++) {
        done = cpu_make(rig, i, error);
    }
    if (!done) {
        g_clear_pointer(&rig, smp_rig_free);
    }
    return rig;
}

void smp_rig_free(SmpRig *rig)
{
    g_clear_pointer(&rig->engine, engine_free);
    for (unsigned i = 0; i < SMP_CPUS && rig->cpu[i].cpu != NULL; i++) {
        Cpu *cpu = rig->cpu[i].cpu;

        g_clear_pointer(&cpu->decode, decode_cache_free);
        g_clear_pointer(&cpu->mmu, soft_mmu_free);
        g_clear_pointer(&cpu->thunks, thunk_cache_free);
        g_aligned_free(rig->cpu[i].memory);
    }
    g_clear_pointer(&rig->model, cpu_model_free);
    g_clear_pointer(&rig->traits, host_traits_free);
    g_clear_pointer(&rig->map, phys_map_free);
    g_free(rig);
}

/* ---- Running ---- */

static void cpu_prepare(SmpGuestCpu *self, bool user, uint32_t seed)
{
    static const uint8_t vectors[32] = { 0x7f, 0x03, [24] = 0x80, 0x1f };
    Cpu *cpu = self->cpu;
    uint16_t ring = user ? 3 : 0;
    uint64_t end = SMP_AT_END;
    SmpStart start;

    cpu->vector_live = false;
    software_cpu_reset(cpu, false);
    cpu_request_clear(cpu, CPU_REQUEST_STOP);
    cpu->wait_sipi = false;
    memset(cpu->xsave, 0, sizeof(cpu->xsave));
    memcpy(cpu->xsave, vectors, sizeof(vectors));
    cpu->cr0 = CR0_ET | CR0_NE | CR0_PE | CR0_PG;
    cpu->cr3 = SMP_AT_TABLES;
    cpu->cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_PAE;
    cpu->efer = EFER_LME | EFER_LMA;
    for (unsigned i = 0; i <= GS; i++) {
        cpu->seg[i] = (Segment){ .limit = UINT32_MAX,
                                 .selector = (uint16_t)(16 | ring),
                                 .attr = (uint16_t)(FLAT | ring << 5) };
    }
    cpu->seg[CS].selector = 8 | ring;
    cpu->seg[CS].attr = (uint16_t)((cpu->seg[CS].attr & ~ATTR_DB) | ATTR_CODE | ATTR_L);
    cpu->idtr = (TableRegister){ 0, 0 };
    cpu->rflags = FLAG_1;
    smp_start_fill(self->rig, &start, cpu->index, 0, seed);
    cpu->rip = start.code;
    cpu->gpr[R12] = start.places;
    cpu->gpr[RBP] = start.callees;
    cpu->gpr[R13] = start.loaded;
    cpu->gpr[R14] = start.repetitions;
    cpu->gpr[R15] = start.counter;
    cpu->gpr[RDI] = start.seed;
    cpu->gpr[RSP] = SMP_AT_STACKS + (cpu->index + 1) * PAGE_SIZE - 64;
    memcpy(self->rig->memory + cpu->gpr[RSP], &end, sizeof(end));
    software_cpu_loaded(cpu);
    self->ended = self->crashed = false;
}

/* Until the CPU halts or shuts down, or time is over. */
static void *guest_thread(void *opaque)
{
    SmpGuestCpu *self = opaque;
    gint64 end = g_get_monotonic_time() + PATIENCE * G_TIME_SPAN_SECOND;

    while (!self->cpu->halted && !__atomic_load_n(&self->ended, __ATOMIC_SEQ_CST) &&
           !self->crashed) {
        if (!subject_cpu_run(self->cpu) || g_get_monotonic_time() > end) {
            self->crashed = true;
        }
        cpu_request_clear(self->cpu, CPU_REQUEST_STOP); /* a tick of the watchdog */
    }
    return NULL;
}

bool smp_guest_run(SmpRig *rig, bool user, const SmpTest *test, uint32_t seed)
{
    pthread_t threads[SMP_CPUS];
    const uint8_t hlt = 0xf4;
    bool done = true;

    memcpy(rig->memory + SMP_AT_END, &hlt, 1);
    /* the memory was written beside the map */
    phys_map_span_written(rig->map, rig->memory, SMP_MEMORY);
    for (unsigned i = 0; i < test->cpus; i++) {
        cpu_prepare(&rig->cpu[i], user, seed);
    }
    for (unsigned i = 0; i < test->cpus; i++) {
        if (pthread_create(&threads[i], NULL, guest_thread, &rig->cpu[i]) != 0) {
            abort(); /* the others wait for it */
        }
    }
    for (unsigned i = 0; i < test->cpus; i++) {
        pthread_join(threads[i], NULL);
        done = done && !rig->cpu[i].crashed;
    }
    return done;
}
