/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CHECK_SMP_TEST_H
#define CHECK_SMP_TEST_H
/* smp_test.h - litmus tests: a few memory operations on each of a few CPUs, and what the memory
 * order of x86 (TSO: P. Sewell et al., x86-TSO, 2010) lets them see.
 *
 * There are two places of data, x and y, and c, the number in an instruction that is called. All
 * hold 0 at first. */
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum { SMP_CPUS = 4, SMP_OPS = 6, SMP_LOADS = 4, SMP_PLACES = 3, SMP_CODE = 2, SMP_VALUES = 8 };

typedef enum SmpOpKind {
    SMP_STORE,  /* place = value */
    SMP_LOAD,   /* of place, and so are the next three */
    SMP_XCHG,   /* with value */
    SMP_XADD,   /* LOCK, of value */
    SMP_FETCH,  /* calls c, without a store */
    SMP_FENCE,  /* MFENCE */
    SMP_LOCKED, /* LOCK OR of 0 to memory of its own */
    SMP_SERIAL, /* CPUID */
    SMP_KINDS
} SmpOpKind;

typedef struct SmpOp {
    SmpOpKind kind;
    uint8_t place, value;
    uint8_t form; /* which of the instructions that do the same */
} SmpOp;

typedef struct SmpCpu {
    SmpOp op[SMP_OPS];
    unsigned ops;
} SmpCpu;

typedef struct SmpTest {
    const char *name; /* NULL: made by chance */
    SmpCpu cpu[SMP_CPUS];
    unsigned cpus;
} SmpTest;

/* The value of each load of each CPU, in order, then of each place at the end: four bits each, the
 * first ones lowest. */
typedef uint64_t SmpOutcome;

bool smp_op_loads(const SmpOp *op);
unsigned smp_test_loads(const SmpTest *test, unsigned cpu);
bool smp_test_has_code(const SmpTest *test);

/* Those of the literature, "SB", "MP+mfence" ...; `n` counts round. */
extern const unsigned smp_tests_named;
void smp_test_named(SmpTest *test, unsigned n);
void smp_test_random(SmpTest *test, GRand *chance);
/* Other instructions of the same meaning. */
void smp_test_vary(SmpTest *test, GRand *chance);
char *smp_test_text(const SmpTest *test); /* "x=1 r=y | y=1 r=x"; caller frees */
char *smp_outcome_text(const SmpTest *test, SmpOutcome outcome);

/* smp_model.c: every outcome that is allowed, as keys. Caller owns. */
GHashTable *smp_test_allowed(const SmpTest *test);

#endif
