/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTWARE_CPU_TSC_H
#define SOFTWARE_CPU_TSC_H
/* tsc.h - the time-stamp counter: the guest's runs at the host's rate, offset by Cpu.tsc_offset. */
#include "runtime/cpu/cpu.h"

uint64_t tsc_read(const Cpu *cpu);
/* Sets the guest's counter to `value` now. */
void tsc_write(Cpu *cpu, uint64_t value);

/* Frequency of the host's counter: from CPUID where it says, else measured (takes about 20 ms). */
uint64_t tsc_hz(void);

#endif
