/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CHECK_NATIVE_HOST_H
#define CHECK_NATIVE_HOST_H
/* native_host.h - tests on the host CPU itself, in a child process.
 *
 * The child may do no system call but reading, writing and leaving (seccomp), and has nothing
 * mapped in the low 4 GiB but the memory of the tests.  A child that dies or hangs is replaced; the
 * test that it was in ends as NATIVE_LOST. */
#include <glib.h>
#include "check/native.h"

typedef struct NativeHost NativeHost;

/* Why this host's processes cannot run code of the kind; NULL: nothing speaks against it. 32-bit
 * and 16-bit code need segments in the LDT, which some kernels and virtual machines do not offer.
 */
const char *native_host_refusal(Isa isa);

NativeHost *native_host_new(Isa isa, GError **error);
void native_host_free(NativeHost *host);

/* Runs `n` tests, at most NATIVE_BATCH; `code` is all of the code region. */
bool native_host_run(NativeHost *host, const NativeImage *image, const uint8_t *code,
                     const NativeStart *start, NativeEnd *end, unsigned n, GError **error);

/* Puts the instructions that lead out of a slot behind a test's code. */
void native_host_leave(Isa isa, uint8_t *code);

#endif
