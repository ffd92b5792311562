/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_CPU_CPU_DEBUG_H
#define RUNTIME_CPU_CPU_DEBUG_H
/* cpu_debug.h - what a debugger outside of the guest wants to see: code addresses and data that is
 * accessed. All vCPUs of a machine share one; it changes only while all of them stand, and what was
 * translated is dropped then. Code of a page with a breakpoint is not translated, but interpreted,
 * so that all other code runs as ever; while data is watched (MODE_DEBUG) everything is
 * interpreted.
 */
#include "runtime/cpu/cpu.h"

enum { CPU_DEBUG_CODES = 1024, CPU_DEBUG_WATCHES = 64 };

typedef struct CpuWatch {
    uint64_t address, size; /* linear */
    bool read, write;
} CpuWatch;

struct CpuDebug {
    unsigned codes, watches;
    uint64_t code[CPU_DEBUG_CODES]; /* linear addresses */
    CpuWatch watch[CPU_DEBUG_WATCHES];
    /* On the vCPU's thread: it stands at a breakpoint, has hit a watch or has made its step. */
    void (*stopped)(void *opaque, Cpu *cpu);
    void *opaque;
};

static inline uint64_t cpu_code_linear(const Cpu *cpu)
{
    return cpu->mode & MODE_CS64 ? cpu->rip : (uint32_t)(cpu->rip + cpu->seg[CS].base);
}

/* Does the page of a linear address have a breakpoint? */
static inline bool cpu_debug_page(const Cpu *cpu, uint64_t linear)
{
    const struct CpuDebug *debug = cpu->debug;

    for (unsigned i = 0; debug != NULL && i < debug->codes; i++) {
        if (debug->code[i] >> PAGE_SHIFT == linear >> PAGE_SHIFT) {
            return true;
        }
    }
    return false;
}

/* Is the CPU to stop before the instruction at CS:RIP, or because of the last one? */
static inline bool cpu_debug_stop(const Cpu *cpu)
{
    const struct CpuDebug *debug = cpu->debug;
    uint64_t linear;

    if (debug == NULL) {
        return false;
    }
    if (cpu->debug_watch != NULL) {
        return true;
    }
    linear = cpu_code_linear(cpu);
    for (unsigned i = 0; i < debug->codes; i++) {
        if (debug->code[i] == linear) {
            return true;
        }
    }
    return false;
}

/* A data access; for debug.c. */
static inline void cpu_debug_access(Cpu *cpu, uint64_t linear, unsigned width, bool write)
{
    const struct CpuDebug *debug = cpu->debug;

    for (unsigned i = 0; debug != NULL && i < debug->watches; i++) {
        const CpuWatch *watch = &debug->watch[i];

        if ((write ? watch->write : watch->read) &&
            (linear - watch->address < watch->size || watch->address - linear < width)) {
            cpu->debug_watch = watch;
            cpu_request_set(cpu, CPU_REQUEST_STOP);
        }
    }
}

#endif
