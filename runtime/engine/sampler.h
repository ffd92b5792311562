/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_ENGINE_SAMPLER_H
#define RUNTIME_ENGINE_SAMPLER_H
/* sampler.h - where is a vCPU's thread? engine_sample is told every 4 ms of the thread's own time.
 *
 * The host counts that at its clock's ticks, and the guest's own ticks, of the same frequency, may
 * be in step with those: each sample would find the guest in its tick, and never the program.  So a
 * tick of the thread's time starts a second timer, over a random part of the period.
 */
#include <signal.h>

#include "runtime/cpu/cpu.h"

/* Sent to the thread by its timers; to be unblocked in vCPU threads only. */
#define SAMPLER_SIGNAL_TIME  (SIGRTMAX - 1)
#define SAMPLER_SIGNAL_DELAY SIGRTMAX

/* Of the calling thread, which runs `cpu`. Without timers no code is found hot. */
void sampler_start(Cpu *cpu);
void sampler_stop(void);

#endif
