/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_HOST_SIGNALS_H
#define RUNTIME_MACHINE_HOST_SIGNALS_H
/* host_signals.h - the process's signals: INT, TERM and HUP end the machine in good order; hardware
 * faults of guest code go to the engine; whatever kills the process restores the terminal first. */
#include "runtime/machine/machine.h"

/* Once, by the program, before there is a machine: whatever kills the process restores the
 * terminal. */
void host_signals_install(void);
/* From now on INT, TERM and HUP end this machine. */
void host_signals_watch(Machine *machine);

/* Names the Cpu that the calling thread runs, and gives the thread a stack for signal handlers:
 * guest code leaves none to them. NULL: the thread ends. */
void host_signals_enter(Cpu *cpu);

#endif
