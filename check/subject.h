/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CHECK_SUBJECT_H
#define CHECK_SUBJECT_H
/* subject.h - what is checked: one Cpu with RAM at 0, run by the software CPU or translated.
 *
 * Ports read all ones; no interrupt ever comes. One thread. */
#include "runtime/cpu/cpu.h"
#include "runtime/engine/engine.h"
#include "softmmu/physmap.h"

typedef enum Executor { INTERPRETED, TRANSLATED, EXECUTORS } Executor;

typedef struct Subject {
    Cpu *cpu;
    uint8_t *ram; /* guest physical address 0 */
    PhysMap *map;
    Executor executor;
    uint8_t *memory; /* that holds cpu, and the engine's stack below it */
    Engine *engine;  /* NULL: interpreted */
    CpuModel *model;
    HostTraits *traits;
    uint64_t budget;  /* instructions that a run of the software CPU may take */
    uint32_t crashed; /* runs that ended in a signal which was not the guest's doing */
    uint32_t hung;    /* runs that were stopped because they did not end */
} Subject;

const char *executor_name(Executor executor);

/* `ram_size`: a multiple of 4 KiB. The CPU is as after power-on. */
Subject *subject_new(Executor executor, uint64_t ram_size, GError **error);
void subject_free(Subject *subject);

/* Runs until the CPU halts. false: it shut down, crashed, or was still running after a fifth of a
 * second of CPU time. The vector state is in cpu->xsave afterwards. */
bool subject_run(Subject *subject);
/* As subject_run, from a HLT on if the CPU is in one. */
bool subject_resume(Subject *subject);

/* CPU state that subject_reset leaves: real mode, all segments at 0, FPU as after FNINIT, SSE and
 * AVX enabled. RAM is not touched. */
void subject_reset(Subject *subject);

/* A Cpu of the caller's, with an engine, on its thread: runs until something is asked of it, by the
 * watchdog at the latest. false: it crashed. */
bool subject_cpu_run(Cpu *cpu);

/* The watchdog and the handlers of host signals that all subjects of the process share. */
void subject_signals_install(void);

#endif
