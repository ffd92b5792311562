/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_VCPU_DEBUG_H
#define RUNTIME_MACHINE_VCPU_DEBUG_H
/* vcpu_debug.h - a vCPU under a debugger: runs until it has something to tell. */
#include "runtime/cpu/cpu.h"

typedef enum VcpuStep {
    VCPU_STEP_NONE, /* run */
    VCPU_STEP_OVER, /* run, but pass a breakpoint that it stands at */
    VCPU_STEP_INSN, /* one instruction, no interrupt is let in before it */
    VCPU_STEP_ALL,  /* one instruction, or the way into an interrupt's handler */
} VcpuStep;

/* On the vCPU's thread, cpu->debug set. Returns as guest_run does, and (true) when the debugger has
 * been told that the CPU stops. *step is VCPU_STEP_NONE behind a step. */
bool vcpu_debug_run(Cpu *cpu, VcpuStep *step);

#endif
