/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_ENGINE_GUEST_RUN_H
#define RUNTIME_ENGINE_GUEST_RUN_H
/* guest_run.h - ways to run guest code: until cpu->request holds something that is no
 * interrupt, or the CPU halts. The vector state is parked when they return. */
#include "runtime/cpu/cpu.h"
#include "runtime/engine/log.h"

/* Translated, where the CPU has an engine; else on the software CPU. */
void guest_run(Cpu *cpu);

/* The same on the software CPU for some instructions, writing what -d wants to know of each. */
void guest_trace(Cpu *cpu, Log *log);

#endif
