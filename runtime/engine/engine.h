/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_ENGINE_ENGINE_H
#define RUNTIME_ENGINE_ENGINE_H
/* engine.h - the run loop over translated code: look up, translate or interpret, run, handle the
 * exit.
 *
 * One Engine a machine; it owns the translation cache.  Guest code runs between engine_run's entry
 * and its return on a stack of the Cpu's own (cpu_new), with the stack pointer at the Cpu itself.
 * Of several CPUs, each with a thread, one runs guest code at a time (turn.h), or all do
 * (engine_lock.h).
 *
 * Way of an exit: translated code calls a stub (stubs.S), which puts the guest's registers into the
 * Cpu and calls engine_callout, engine_link, engine_indirect or engine_dispatch_at; they return the
 * host address to go on at, engine_leave being one of them.
 *
 * Threads: vCPU threads run; other threads (DMA) may call engine_invalidate, which notes the bytes
 * and asks the vCPUs to synchronise.
 */
#include "runtime/cpu/cpu.h"
#include "runtime/engine/log.h"
#include "softmmu/physmap.h"
#include <glib.h>

typedef struct Engine Engine;

#define ENGINE_ERROR engine_error_quark()
GQuark engine_error_quark(void);
typedef enum EngineError {
    ENGINE_ERROR_UNKNOWN, /* policy, log item ... */
    ENGINE_ERROR_VALUE,   /* of an option, or what it names cannot be had of the host */
} EngineError;

/* Which user code reaches memory through the host-mapped window (softmmu/window.h). */
typedef enum EngineWindow {
    ENGINE_WINDOW_HOT, /* what engine_sample has found running again and again */
    ENGINE_WINDOW_OFF, /* none */
    ENGINE_WINDOW_ALL,
} EngineWindow;

typedef struct EngineOptions {
    unsigned cpus;       /* that will be attached; 0: one */
    bool parallel;       /* they run guest code at the same time; otherwise they take turns */
    uint64_t cache_size; /* bytes; 0: the default, 64 MiB */
    const char *policy;  /* policy.h; NULL: the default */
    bool precise_flags;
    bool host_returns; /* guest CALL and RET are host CALL and RET, for the host's prediction */
    EngineWindow window;
    bool perf_map; /* writes /tmp/perf-PID.map */
    Log *log;      /* -d; borrowed; NULL: none */
    /* Compares translations with the software CPU (verify.h): every block that runs (1), or each at
     * first and then one of so many (64) that are entered other than by a chain; 0: off. */
    unsigned verify;
    /* Told of a difference, on the vCPU's thread; NULL: only the report is printed. */
    void (*verify_failed)(void *opaque);
    void *verify_opaque;
} EngineOptions;

Engine *engine_new(PhysMap *map, const EngineOptions *options, GError **error);
void engine_free(Engine *engine);
/* Connects a vCPU: sets cpu->engine and its stubs. */
void engine_attach(Engine *engine, Cpu *cpu);

/* Runs guest code until cpu->request holds something that is not an interrupt, or the CPU halts or
 * shuts down. Without an engine it interprets. */
void engine_run(Cpu *cpu);
/* The CPU's thread will not call engine_run again at once: others need not wait for it (turn.h). */
void engine_forgo(Cpu *cpu);
/* In an instruction on the software CPU: no other CPU runs between the two. */
void engine_alone_begin(Cpu *cpu);
void engine_alone_end(Cpu *cpu);

/* Bytes of RAM have been or are about to be written: drops the translations made from them. Any
 * thread. */
void engine_invalidate(Engine *engine, uint64_t ram_offset, uint64_t size);

typedef struct EngineStats {
    uint64_t blocks, guest_bytes, host_bytes, guest_insns, translations, evictions, flushes;
    uint64_t dispatches, links, ibtc_misses, callouts, invalidations, interpreted;
    uint64_t translate_ns;
    uint64_t units_emptied, promotions; /* of the cache's policy */
    uint64_t window_blocks;             /* translations that go through the window */
    /* Blocks compared, given up (devices, own code), repeated because RAM changed meanwhile, wrong.
     */
    uint64_t verified, verify_skipped, verify_repeated, verify_failed;
} EngineStats;
const EngineStats *engine_stats(Engine *engine); /* of all CPUs, until it is asked for again */
/* Callouts by mnemonic, for the statistics; array of ZYDIS_MNEMONIC_MAX_VALUE + 1. */
const uint64_t *engine_callout_counts(Engine *engine);

/* Host signal in translated code, about `address`: true if it was one and *ucontext now goes on
 * elsewhere, or again. */
bool engine_signal(Cpu *cpu, int signo, const void *address, void *ucontext);

/* Does the engine want to know where its thread is, every few milliseconds of the thread's time? */
bool engine_wants_samples(const Engine *engine);
/* In a signal handler on the vCPU's thread, wherever that was. */
void engine_sample(Cpu *cpu, void *ucontext);

#endif
