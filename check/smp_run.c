/* SPDX-License-Identifier: GPL-2.0-or-later */
/* smp_run.c - memory of a run, native threads, and what is counted afterwards. */
#define _GNU_SOURCE
#include "check/smp_run.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check/smp_rig_int.h"

enum { AHEAD = 16 };

const char *const smp_where_names[SMP_WHERES] = { "native", "kernel", "user" };

/* ---- Counting ---- */

GHashTable *smp_outcomes_new(void)
{
    return g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
}

uint64_t smp_outcomes_count(const GHashTable *outcomes, SmpOutcome outcome)
{
    const uint64_t *count = g_hash_table_lookup((GHashTable *)outcomes, &outcome);

    return count != NULL ? *count : 0;
}

static void outcome_add(GHashTable *outcomes, SmpOutcome outcome)
{
    uint64_t *count = g_hash_table_lookup(outcomes, &outcome);

    if (count == NULL) {
        count = g_new0(uint64_t, 1);
        g_hash_table_insert(outcomes, g_memdup2(&outcome, sizeof(outcome)), count);
    }
    (*count)++;
}

static SmpOutcome outcome_of(const SmpRig *rig, const SmpTest *test, unsigned n)
{
    SmpOutcome outcome = 0;
    unsigned shift = 0;
    uint32_t word;

    for (unsigned i = 0; i < test->cpus; i++) {
        for (unsigned j = 0; j < smp_test_loads(test, i); j++, shift += 4) {
            memcpy(&word, smp_loaded(rig, i) + n * SMP_LOADED + 4 * j, 4);
            outcome |= (SmpOutcome)(word & 0xf) << shift;
        }
    }
    for (unsigned i = 0; i < SMP_PLACES; i++, shift += 4) {
        memcpy(&word,
               i == SMP_CODE ? smp_callees(rig) + n * SMP_CODE_STRIDE + SMP_CODE_NUMBER
                             : smp_places(rig) + n * SMP_STRIDE + 64 * i,
               4);
        outcome |= (SmpOutcome)(word & 0xf) << shift;
    }
    return outcome;
}

/* ---- Running ---- */

/* Where there are more CPUs than the host has, to meet takes a switch of threads: not each time. */
static void prepare(SmpRig *rig, const SmpTest *test)
{
    unsigned ahead = test->cpus <= (unsigned)sysconf(_SC_NPROCESSORS_ONLN) ? 0 : AHEAD;

    memset(smp_places(rig), 0, (size_t)rig->repetitions * SMP_STRIDE);
    memset(rig->memory + SMP_AT_COUNTER, 0, 4);
    for (unsigned i = 0; i < rig->repetitions; i++) {
        smp_code_callee(smp_callees(rig) + (size_t)i * SMP_CODE_STRIDE);
    }
    for (unsigned i = 0; i < test->cpus; i++) {
        smp_code_make(test, i, ahead, rig->memory + SMP_AT_CODE + i * SMP_CODE_MAX);
    }
}

typedef struct NativeThread {
    pthread_t thread;
    SmpStart start;
} NativeThread;

static void *native_thread(void *opaque)
{
    NativeThread *self = opaque;

    smp_enter(&self->start);
    return NULL;
}

static bool run_native(SmpRig *rig, const SmpTest *test, uint32_t seed)
{
    NativeThread threads[SMP_CPUS];

    for (unsigned i = 0; i < test->cpus; i++) {
        smp_start_fill(rig, &threads[i].start, i, (uint64_t)(uintptr_t)rig->memory, seed);
        if (pthread_create(&threads[i].thread, NULL, native_thread, &threads[i]) != 0) {
            abort(); /* the others wait for it, and nobody can end them */
        }
    }
    for (unsigned i = 0; i < test->cpus; i++) {
        pthread_join(threads[i].thread, NULL);
    }
    return true;
}

bool smp_rig_run(SmpRig *rig, SmpWhere where, const SmpTest *test, uint32_t seed,
                 GHashTable *outcomes)
{
    prepare(rig, test);
    if (where == SMP_NATIVE ? !run_native(rig, test, seed)
                            : !smp_guest_run(rig, where == SMP_USER, test, seed)) {
        return false;
    }
    for (unsigned i = 0; i < rig->repetitions; i++) {
        outcome_add(outcomes, outcome_of(rig, test, i));
    }
    return true;
}

void smp_start_fill(const SmpRig *rig, SmpStart *start, unsigned cpu, uint64_t base, uint32_t seed)
{
    (void)rig;
    *start = (SmpStart){
        .code = base + SMP_AT_CODE + cpu * SMP_CODE_MAX,
        .places = base + SMP_AT_PLACES,
        .callees = base + SMP_AT_CALLEES,
        .loaded = base + SMP_AT_LOADED + cpu * SMP_LOADED_SIZE,
        .repetitions = rig->repetitions,
        .counter = base + SMP_AT_COUNTER,
        .seed = seed * 4 + cpu,
    };
}
