/* SPDX-License-Identifier: GPL-2.0-or-later */
/* guest_run.c - compiled with -mgeneral-regs-only, as everything that is around guest code. */
#include "runtime/engine/guest_run.h"

#include "runtime/engine/engine.h"
#include "runtime/software_cpu/software_cpu.h"
#include "runtime/engine/trace.h"

enum { TRACE_BUDGET = 1000, TRACE_NO_FAULT = 0xff };

void guest_run(Cpu *cpu)
{
    if (cpu->engine != NULL) {
        engine_run(cpu);
    } else {
        software_cpu_run(cpu, UINT64_MAX);
    }
    cpu_vector_park(cpu);
}

void guest_trace(Cpu *cpu, Log *log)
{
    for (unsigned i = 0; i < TRACE_BUDGET; i++) {
        uint64_t rip = cpu->rip;

        if (!cpu->halted && !cpu->wait_sipi) {
            trace_before(cpu, log);
        }
        cpu->fault.vector = TRACE_NO_FAULT;
        software_cpu_run(cpu, 1);
        cpu_vector_park(cpu);
        if (cpu->fault.vector != TRACE_NO_FAULT) {
            trace_exception(cpu, log, rip);
        }
        if (cpu->halted || __atomic_load_n(&cpu->request, __ATOMIC_RELAXED) != 0) {
            return;
        }
    }
}
