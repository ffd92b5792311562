/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CHECK_NATIVE_RUN_H
#define CHECK_NATIVE_RUN_H
/* native_run.h - one test on all three: for the batches of native.c, for minimising and replaying.
 */
#include "check/native_guest.h"
#include "check/native_host.h"

typedef struct NativeRig {
    Isa isa;
    NativeHost *host;    /* NULL: it cannot run such code, the software CPU stands in for it */
    const char *refusal; /* why not */
    NativeGuest *guest[EXECUTORS];
    uint8_t host_code[NATIVE_CODE_SIZE], guest_code[NATIVE_CODE_SIZE];
} NativeRig;

NativeRig *native_rig_new(Isa isa, GError **error);
void native_rig_free(NativeRig *rig);

/* Lays out the test's code in its slot, with the ways out. */
void native_rig_place(NativeRig *rig, const NativeTest *test);
/* Loads code and image into both guests. */
void native_rig_prepare(NativeRig *rig, const NativeImage *image);

/* Runs `n` tests whose code has been placed on the host, or what stands in for it. */
bool native_rig_reference(NativeRig *rig, const NativeImage *image, const NativeStart *start,
                          NativeEnd *end, unsigned n, GError **error);

/* Runs a single test; ends by executor, and on the host. */
bool native_rig_single(NativeRig *rig, const NativeImage *image, const NativeTest *test,
                       NativeEnd *host, NativeEnd guest[EXECUTORS], GError **error);

/* Does the test's end depend on what lies around its code, or on the page that its way out needs,
 * which are not the same for all? */
bool native_rig_reaches_around(NativeRig *rig, const NativeImage *image, const NativeTest *test);

/* A difference that has been found. */
typedef struct NativeDifference {
    Isa isa;
    Executor executor;
    NativeTest test;
    NativeImage image;
} NativeDifference;

/* Cuts it down to the fewest instructions and the plainest state that still differ (by the same
 * executor). false: it does not differ when run alone. */
bool native_minimise(NativeRig *rig, NativeDifference *d, GError **error);

/* Prints code, start and differences; both disassemblies. */
void native_describe(NativeRig *rig, const NativeDifference *d, GString *text);
/* Mnemonic of its last instruction. */
const char *native_culprit(const NativeDifference *d);

/* "64", "32" or "16" */
bool native_isa_find(const char *name, Isa *isa);

bool native_save(const NativeDifference *d, const char *path, GError **error);
bool native_load(NativeDifference *d, const char *path, GError **error);

#endif
