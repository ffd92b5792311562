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

/* Monitors may change what `options` say of actions and boot order. */
Machine *machine_new(Options *options, GError **error);
void machine_free(Machine *machine);

/* Starts the vCPU thread and runs the main loop until the machine ends. Returns the process's exit
 * status: 0 after power-off or quit, isa-debug-exit's code, 1 on a host error. */
int machine_run(Machine *machine);

/* Any thread; asynchronous. */
typedef enum StopReason {
    STOP_GUEST_SHUTDOWN,
    STOP_GUEST_RESET,
    STOP_TRIPLE_FAULT,
    STOP_HOST_RESET, /* the system_reset command */
    STOP_HOST_QUIT,  /* the quit command */
    STOP_HOST_SIGNAL,
    STOP_DEBUG, /* a debugger's breakpoint or step */
    STOP_DEBUG_EXIT,
    STOP_GUEST_PANIC,        /* the guest says so */
    STOP_GUEST_CRASH_LOADED, /* its crash kernel takes over */
    STOP_WATCHDOG,
    STOP_SUSPEND, /* the guest goes to S3 */
    STOP_WAKE,    /* and comes back */
} StopReason;
void machine_request_stop(Machine *machine, StopReason reason, int status);

/* Names are QEMU's; run_state_name gives them as it writes them. */
typedef enum RunState {
    RUN_STATE_PRELAUNCH,
    RUN_STATE_RUNNING,
    RUN_STATE_PAUSED,
    RUN_STATE_SHUTDOWN,
    RUN_STATE_SUSPENDED,
    RUN_STATE_GUEST_PANICKED,
    RUN_STATE_INTERNAL_ERROR,
    RUN_STATE_IO_ERROR,
    RUN_STATE_WATCHDOG,
    RUN_STATE_DEBUG,
    RUN_STATE_INMIGRATE,
    RUN_STATE_POSTMIGRATE,
    RUN_STATE_FINISH_MIGRATE,
    RUN_STATE_SAVE_VM,
    RUN_STATE_RESTORE_VM,
} RunState;
#define RUN_STATE_NAMES                                                                            \
    "prelaunch running paused shutdown suspended guest-panicked internal-error io-error watchdog " \
    "debug inmigrate postmigrate finish-migrate save-vm restore-vm"
char *run_state_name(RunState state); /* owned by the caller */

/* Main thread, without the device lock. Stops the vCPUs and the clock and waits until they stand;
 * on a machine that stands only the state changes, if `state` is stronger than a pause. */
void machine_pause(Machine *machine, RunState state);
/* false: it cannot go on in this state (it needs a reset). */
bool machine_continue(Machine *machine, GError **error);
/* Out of S3. false: it is not there. */
bool machine_wakeup(Machine *machine, GError **error);
/* A saved machine has been taken in: it stands, or goes on if that was not asked for (-S). */
void machine_incoming_done(Machine *machine);
RunState machine_state(const Machine *machine);
bool machine_is_running(const Machine *machine);
/* A short stand for somebody who looks at vCPUs: no event, no change of state. May be nested. */
void machine_hold(Machine *machine);
void machine_release(Machine *machine);

Monitors *machine_monitors(Machine *machine);

void machine_lock(Machine *machine);
void machine_unlock(Machine *machine);

Cpu *machine_cpu(Machine *machine, unsigned index);
unsigned machine_cpu_count(const Machine *machine); /* places: not in all of them has to be one */
bool machine_has_cpu(const Machine *machine, unsigned index);

#endif
