/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_ENGINE_ENGINE_LOCK_H
#define RUNTIME_ENGINE_ENGINE_LOCK_H
/* engine_lock.h - what CPUs that run guest code at the same time share, and how it is changed.
 *
 * A CPU is inside while it runs guest code: translated, or an instruction on the software CPU.  It
 * may then follow links, read blocks and bring its TLB and banks up to date, but change nothing
 * that is shared.  Who takes the lock goes outside first, waits, and has what the lock guards: the
 * table of blocks, room in the cache, links that are made, names of address spaces.  Adding a block
 * or a link disturbs nobody who is inside.  Taking away does: who drops blocks, empties a part of
 * the cache, or has write entries of other CPUs dropped, is alone first.  That is: every other CPU
 * is outside, where it holds no address in the cache and no host address of guest RAM that it is
 * about to write to; and it does not come in before the lock is released.
 *
 * Others come outside at their next look at Cpu.attention, which takes microseconds if their
 * threads run.  One exception: an instruction that has to be atomic as a whole goes outside in its
 * middle (engine_lock.c says why that may be), and knows that blocks may be gone behind it.
 *
 * With one CPU, or when CPUs take turns (turn.h), all of it costs a compare.
 *
 * Compiled with -mgeneral-regs-only.  Threads: each function on that of the CPU it names.
 */
#include <stdbool.h>
#include <stdint.h>

struct Engine;
struct EngineCpu;

typedef struct EngineLock {
    uint32_t word;           /* 0 free, 1 taken, 2 taken and waited for; a futex */
    uint32_t alone_wanted;   /* atomic: CPUs are to come outside */
    struct EngineCpu *owner; /* atomic; NULL: free */
    bool alone;              /* the owner is */
} EngineLock;

/* Outside, until it is free. Not recursive. */
void engine_lock(struct EngineCpu *self);
void engine_unlock(struct EngineCpu *self); /* inside again */
/* The caller has the lock: no other CPU is inside from here to its release. */
void engine_alone(struct Engine *engine);

/* Guest code begins or ends to run on the CPU. */
void engine_come_inside(struct EngineCpu *self);
void engine_go_outside(struct EngineCpu *self);
/* Between two instructions, inside: lets who wants to be alone. */
void engine_let_others(struct EngineCpu *self);

#endif
