/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CHECK_SMP_RUN_H
#define CHECK_SMP_RUN_H
/* smp_run.h - runs a litmus test many times over, natively or translated on CPUs of one engine that
 * run at the same time, and counts the outcomes. */
#include "check/smp_test.h"

typedef struct SmpRig SmpRig;

/* `repetitions` of a test in one run. */
SmpRig *smp_rig_new(unsigned repetitions, GError **error);
void smp_rig_free(SmpRig *rig);

typedef enum SmpWhere { SMP_NATIVE, SMP_KERNEL, SMP_USER, SMP_WHERES } SmpWhere;
extern const char *const smp_where_names[SMP_WHERES];

/* Adds to `outcomes` (SmpOutcome * to count, see smp_outcomes_new). `seed`: of the delays. false: a
 * CPU crashed or did not end. */
bool smp_rig_run(SmpRig *rig, SmpWhere where, const SmpTest *test, uint32_t seed,
                 GHashTable *outcomes);

GHashTable *smp_outcomes_new(void);
uint64_t smp_outcomes_count(const GHashTable *outcomes, SmpOutcome outcome);

#endif
