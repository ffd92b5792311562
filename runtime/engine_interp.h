/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_ENGINE_INTERP_H
#define RUNTIME_ENGINE_INTERP_H
/* engine_interp.h - the run loop of -accel interp. */
#include "runtime/cpu.h"
#include "runtime/log.h"

/* Runs guest code until cpu->request holds something that is no interrupt, or the CPU halts. The
 * vector state is parked when it returns. */
void engine_interp_run(Cpu *cpu);

/* The same for one instruction at most, writing what -d wants to know of it. */
void engine_interp_trace(Cpu *cpu, Log *log);

#endif
