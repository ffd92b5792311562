/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_VCPU_H
#define RUNTIME_MACHINE_VCPU_H
/* vcpu.h - the thread of one virtual CPU: runs guest code, sleeps in HLT without using the host's
 * CPU, stands still when the machine wants it to. */
#include <glib.h>
#include "runtime/machine/clock_source.h"
#include "runtime/cpu/cpu.h"
#include "runtime/engine/log.h"
#include "runtime/machine/vcpu_debug.h"
#include "softmmu/physmap.h"

typedef struct Vcpu Vcpu;

typedef struct VcpuConfig { /* borrowed */
    unsigned index;
    const CpuModel *model;
    const HostTraits *traits; /* outlives the vCPU */
    const CpuBus *bus;
    void *machine;
    PhysMap *map;
    ClockSource *clock; /* NULL: somebody else runs the timers */
    Log *log;
} VcpuConfig;

/* The CPU in its power-on state; no thread yet, and paused. */
Vcpu *vcpu_new(const VcpuConfig *config, GError **error);
/* Ends the thread, if there is one; requests are still taken, by nobody. */
void vcpu_end(Vcpu *vcpu);
/* NULL is allowed; ends the thread. */
void vcpu_free(Vcpu *vcpu);
Cpu *vcpu_cpu(Vcpu *vcpu);
int vcpu_thread_id(const Vcpu *vcpu); /* the host's, 0 before it runs */

/* Power-on state again. Paused vCPUs only. */
void vcpu_reset(Vcpu *vcpu);

/* Paused vCPUs only. Between these two the fields of cpu_state.h are right, to be read for a
 * snapshot or to be written from one: the first brings them up to date, the second derives all else
 * from them. `host_tsc` is one moment for all CPUs of the machine. Translations are not touched:
 * RAM that is loaded is written through the physical map. */
void vcpu_state_save(Vcpu *vcpu, uint64_t host_tsc);
void vcpu_state_load(Vcpu *vcpu, uint64_t host_tsc);

/* Paused vCPUs only. `debug` NULL: nobody debugs. A step is made as soon as it resumes. */
void vcpu_set_debug(Vcpu *vcpu, const struct CpuDebug *debug, VcpuStep step);

bool vcpu_start(Vcpu *vcpu, GError **error); /* the thread; stays paused */

/* Is this its thread? */
bool vcpu_is_own(const Vcpu *vcpu);

/* Any thread. */
void vcpu_request(Vcpu *vcpu, uint32_t bits); /* CPU_REQUEST_*; wakes the CPU */
void vcpu_pause(Vcpu *vcpu);                  /* at the next instruction; does not wait */
/* Waits until a pause has taken effect. Not with the device lock held. */
void vcpu_pause_wait(Vcpu *vcpu);
void vcpu_resume(Vcpu *vcpu);

#endif
