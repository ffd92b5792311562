/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/machine/vcpu_debug.h"

#include "runtime/cpu/cpu_debug.h"
#include "runtime/engine/engine.h"
#include "runtime/engine/guest_run.h"
#include "runtime/software_cpu/interrupt.h"
#include "runtime/software_cpu/software_cpu.h"

static bool told(Cpu *cpu)
{
    cpu->debug->stopped(cpu->debug->opaque, cpu);
    return true;
}

/* An interrupt that is due, or one instruction. false: something else comes first. */
static bool advance(Cpu *cpu, bool interrupts)
{
    if (cpu->engine != NULL) {
        return engine_step(cpu, interrupts);
    }
    if (!((interrupts || cpu->halted) && cpu_request_heeded(cpu) != 0 && interrupt_poll(cpu)) &&
        !cpu->halted && !cpu->wait_sipi) {
        software_cpu_step(cpu);
    }
    cpu_vector_park(cpu);
    return true;
}

bool vcpu_debug_run(Cpu *cpu, VcpuStep *step)
{
    if (*step == VCPU_STEP_OVER) {
        if (cpu_debug_stop(cpu) && !advance(cpu, true)) {
            return false;
        }
        *step = VCPU_STEP_NONE;
    }
    if (*step != VCPU_STEP_NONE) {
        if (!advance(cpu, *step == VCPU_STEP_ALL)) {
            return false;
        }
        *step = VCPU_STEP_NONE;
        return told(cpu);
    }
    if (cpu_debug_stop(cpu)) {
        return told(cpu);
    }
    if (cpu->engine != NULL) {
        guest_run(cpu);
    } else {
        advance(cpu, true);
    }
    return cpu_debug_stop(cpu) && told(cpu);
}
