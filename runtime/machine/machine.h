/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_MACHINE_H
#define RUNTIME_MACHINE_MACHINE_H
/* machine.h - one virtual machine: builds it from options, runs, stops and resets it.
 *
 * Threads: the vCPU thread runs guest code and the guest's timers; the main thread runs the GLib
 * main loop (chardevs, block completions). Devices run on either under the device lock (recursive).
 */
#include <glib.h>
#include "runtime/cpu/cpu.h"
#include "runtime/machine/options.h"

typedef struct Machine Machine;

Machine *machine_new(const Options *options, GError **error);
void machine_free(Machine *machine);

/* Starts the vCPU thread and runs the main loop until the machine ends. Returns the process's exit
 * status: 0 after power-off or quit, isa-debug-exit's code, 1 on a host error. */
int machine_run(Machine *machine);

/* Any thread; asynchronous. */
typedef enum StopReason {
    STOP_POWEROFF,
    STOP_RESET,
    STOP_TRIPLE_FAULT,
    STOP_QUIT,
    STOP_DEBUG_EXIT
} StopReason;
void machine_request_stop(Machine *machine, StopReason reason, int status);

void machine_lock(Machine *machine);
void machine_unlock(Machine *machine);

Cpu *machine_cpu(Machine *machine, unsigned index);

#endif
