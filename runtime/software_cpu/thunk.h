/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTWARE_CPU_THUNK_H
#define SOFTWARE_CPU_THUNK_H
/* thunk.h - vector instructions of the guest, executed by the host itself.
 *
 * A thunk is the guest's own instruction with its memory operand pointed at [rsi] and its general
 * registers moved to RAX, RCX and RDX, between the few moves that fill and read these.  It runs
 * with the guest's vector state in the host's registers, so it is exact by construction: results,
 * MXCSR, x87 status and tags.  Thunks live in a memfd that is mapped twice, once executable and
 * once writable, and are found by the bytes of the instruction.  When the memory is full, all are
 * dropped.
 *
 * An unmasked exception inside a thunk is a signal of the host: the handler calls thunk_fixup.
 */
#include "runtime/cpu/cpu.h"
#include <glib.h>

typedef struct ThunkCache ThunkCache;

/* One for each Cpu, in Cpu.thunks. NULL with an error if the host refuses the memory. */
ThunkCache *thunk_cache_new(GError **error);
void thunk_cache_free(ThunkCache *cache);

/* For a signal handler: if the signal was raised by a thunk of this CPU, records the guest's
 * exception, makes the thunk return to its caller, and returns true. */
bool thunk_fixup(Cpu *cpu, int signo, void *ucontext);

/* Names the Cpu whose thunks the calling thread runs (NULL: none), for the handler below. */
void thunk_thread_enter(Cpu *cpu);

/* Installs a handler of SIGFPE and SIGILL that does nothing else than thunk_fixup; any other such
 * signal ends the process as it would have. For tests and for programs without the engine. */
void thunk_signals_install(void);

#endif
