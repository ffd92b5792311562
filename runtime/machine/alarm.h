/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_ALARM_H
#define RUNTIME_MACHINE_ALARM_H
/* alarm.h - tells a thread that runs guest code that a moment of the host's monotonic time has
 * come.
 *
 * It is a POSIX timer whose signal goes to that thread: whatever the thread is at, the kernel
 * delivers it when the thread next runs, and no other thread has to be scheduled for it. The
 * handler does no more than set CPU_REQUEST_TIMER, which guest code comes back to C for. */
#include "runtime/cpu/cpu.h"

typedef struct Alarm Alarm;

enum { ALARM_NEVER = -1 };

/* For the calling thread, which runs `cpu` and has a stack for signal handlers
 * (host_signals_enter). One a thread. NULL: the host has no timers left. */
Alarm *alarm_new(Cpu *cpu);
void alarm_free(Alarm *alarm); /* on the same thread */

/* Any thread. Replaces what was set; `ns` that are past raise it at once. */
void alarm_set(Alarm *alarm, int64_t ns);

#endif
