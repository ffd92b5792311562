/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTWARE_CPU_PV_CLOCK_H
#define SOFTWARE_CPU_PV_CLOCK_H
/* pv_clock.h - the clock that KVM offers its guests (Linux, Documentation/virt/kvm/x86/msr.rst): a
 * guest that knows it need not measure its TSC against timers, which fails when the host takes the
 * CPU away meanwhile.
 *
 * System time is nanoseconds of the TSC as it was before the guest moved it, so it is the same on
 * all CPUs and what stands in guest memory never changes, but when the guest moves its TSC. */
#include "runtime/cpu/cpu.h"

enum {
    MSR_KVM_WALL_CLOCK_OLD = 0x11,
    MSR_KVM_SYSTEM_TIME_OLD = 0x12,
    MSR_KVM_WALL_CLOCK = 0x4b564d00,
    MSR_KVM_SYSTEM_TIME = 0x4b564d01,
};

bool pv_clock_is(const Cpu *cpu,
                 uint32_t msr); /* does the CPU's model have it, and is it this MSR? */
uint64_t pv_clock_read(const Cpu *cpu, uint32_t msr);
bool pv_clock_write(Cpu *cpu, uint32_t msr, uint64_t value); /* false: #GP */
void pv_clock_tsc_changed(Cpu *cpu); /* the guest has written TSC or TSC_ADJUST */

#endif
