/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_ENGINE_TRACE_H
#define RUNTIME_ENGINE_TRACE_H
/* trace.h - what -d in_asm, exec, cpu, int and cpu_reset print. The vector state is parked. */
#include "runtime/cpu/cpu.h"
#include "runtime/engine/log.h"

/* Registers of the CPU, several lines. */
void trace_registers(const Cpu *cpu, Log *log, uint32_t items);
/* The instruction that comes next. */
void trace_before(Cpu *cpu, Log *log);
/* The instruction at `rip` has raised cpu->fault, which has been delivered. */
void trace_exception(const Cpu *cpu, Log *log, uint64_t rip);
/* An interrupt's vector has been acknowledged, to be delivered now. */
void trace_interrupt(const Cpu *cpu, Log *log, int vector);

#endif
