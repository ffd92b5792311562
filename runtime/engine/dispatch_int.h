/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_ENGINE_DISPATCH_INT_H
#define RUNTIME_ENGINE_DISPATCH_INT_H
/* dispatch_int.h - from the state in the Cpu to the translated code that goes on with it. */
#include "runtime/engine/engine_int.h"
#include "runtime/engine/verify.h"

/* Where to go on: a host address, or engine_leave. Delivers what is pending, translates, and
 * interprets what is not translated. */
const void *dispatch_next(Cpu *cpu);
/* The same, for what has not just missed the bank of indirect branches. */
const void *dispatch_go_on(Cpu *cpu);

/* The parts, for an exit on its way to be chained; the first two with the lock. */
/* The block at CS:RIP, translated now if need be, with its bank of indirect branches selected;
 * NULL: interpret one instruction, which will also raise the fault if there is one. `likely`: a
 * guess, which saves the look-up. */
Block *dispatch_find(Cpu *cpu, Block *likely);
/* Indirect branches to CS:RIP find the block from now on; its bank is the current one. */
void dispatch_note(Cpu *cpu, const Block *block);
/* The block's main entry, with what it needs. */
const void *dispatch_enter(Cpu *cpu, const Block *block);

/* The block is to be made again. Its code may still run until the CPU is between two instructions.
 */
void dispatch_outdate(EngineCpu *self, Block *block);
/* One instruction on the software CPU, its exception delivered; false: the CPU is to stop. */
bool dispatch_interpret(Cpu *cpu);

/* ---- Guest flags: Cpu.jit_flags (LAHF and SETO form) and Cpu.rflags ---- */

static inline void flags_from_jit(Cpu *cpu)
{
    uint32_t saved = cpu->jit_flags;

    cpu->rflags = (cpu->rflags & ~(uint64_t)FLAGS_ARITH) | (saved >> 8 & FLAGS_ARITH & 0xff) |
                  (uint64_t)(saved & 1) << 11;
}

static inline void flags_to_jit(Cpu *cpu)
{
    cpu->jit_flags = (uint32_t)((cpu->rflags & 0xff) << 8 | (cpu->rflags >> 11 & 1));
}

/* Nothing is pending that could be acted on now? Who opens the door to what waits comes through
 * here. */
static inline bool dispatch_quiet(const Cpu *cpu)
{
    return cpu_request_heeded(cpu) == 0;
}

/* Is a translation running that must come back behind its block? */
static inline bool dispatch_held(const Engine *engine)
{
    return engine->verify != NULL && verify_alone(engine);
}

static inline bool dispatch_due(Engine *engine, Block *block)
{
    return engine->verify != NULL && verify_due(engine, block);
}

#endif
