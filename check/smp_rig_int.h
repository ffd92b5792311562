/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CHECK_SMP_RIG_INT_H
#define CHECK_SMP_RIG_INT_H
/* smp_rig_int.h - the memory of litmus tests and the guest that has it as its RAM, for smp_run.c
 * and smp_guest.c. */
#include "check/smp_code.h"
#include "check/smp_run.h"
#include "runtime/cpu/cpu.h"
#include "runtime/engine/engine.h"

enum {                         /* where things lie in the memory, and in the guest's */
       SMP_AT_TABLES = 0x1000, /* page tables of the guest, which maps all of it where it is */
       SMP_AT_STACKS = 0x8000, /* a page a CPU */
       SMP_AT_COUNTER = 0x10000,
       SMP_AT_END = 0x11000, /* HLT */
       SMP_AT_CODE = 0x12000,
       SMP_AT_CALLEES = 0x100000,
       SMP_AT_PLACES = 0x200000,
       SMP_AT_LOADED = 0x400000,
       SMP_LOADED_SIZE = 0x40000, /* of a CPU */
       SMP_MEMORY = 0x600000,
       SMP_REPETITIONS_MAX = 0x2000,
};
_Static_assert(SMP_REPETITIONS_MAX *SMP_STRIDE <= SMP_AT_LOADED - SMP_AT_PLACES, "places");
_Static_assert(SMP_REPETITIONS_MAX *SMP_CODE_STRIDE <= SMP_AT_PLACES - SMP_AT_CALLEES, "callees");
_Static_assert(SMP_REPETITIONS_MAX *SMP_LOADED <= SMP_LOADED_SIZE, "loads");

typedef struct SmpGuestCpu {
    struct SmpRig *rig;
    Cpu *cpu;
    uint8_t *memory; /* that holds it, and a stack below */
    bool ended;      /* atomic */
    bool crashed;
} SmpGuestCpu;

struct SmpRig {
    unsigned repetitions;
    PhysMap *map;
    uint8_t *memory; /* the guest's RAM; native threads run in it, too */
    Engine *engine;
    CpuModel *model;
    HostTraits *traits;
    SmpGuestCpu cpu[SMP_CPUS];
};

/* What smp_code.h says of registers; smp_enter.S knows the order. */
typedef struct SmpStart {
    uint64_t code, places, callees, loaded, repetitions, counter, seed;
} SmpStart;

void smp_enter(const SmpStart *start);
void smp_start_fill(const SmpRig *rig, SmpStart *start, unsigned cpu, uint64_t base, uint32_t seed);
bool smp_guest_run(SmpRig *rig, bool user, const SmpTest *test, uint32_t seed);

static inline uint8_t *smp_places(const SmpRig *rig)
{
    return rig->memory + SMP_AT_PLACES;
}

static inline uint8_t *smp_callees(const SmpRig *rig)
{
    return rig->memory + SMP_AT_CALLEES;
}

static inline uint8_t *smp_loaded(const SmpRig *rig, unsigned cpu)
{
    return rig->memory + SMP_AT_LOADED + (size_t)cpu * SMP_LOADED_SIZE;
}

#endif
