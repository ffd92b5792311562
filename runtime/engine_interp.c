/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine_interp.c - around software_cpu_run; compiled with -mgeneral-regs-only. */
#include "runtime/engine_interp.h"

#include "runtime/software_cpu/software_cpu.h"
#include "runtime/trace.h"

/* Bounds the time until the loop around looks at the machine; nothing depends on it. */
#define INTERP_BUDGET (1ull << 32)

void engine_interp_run(Cpu *cpu)
{
    software_cpu_run(cpu, INTERP_BUDGET);
    cpu_vector_park(cpu);
}

void engine_interp_trace(Cpu *cpu, Log *log)
{
    if (!cpu->halted && !cpu->wait_sipi) {
        trace_before(cpu, log);
    }
    software_cpu_run(cpu, 1);
    cpu_vector_park(cpu);
}
