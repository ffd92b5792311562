/* SPDX-License-Identifier: GPL-2.0-or-later */
/* machine_run.c - a machine's life: it runs, stands still, is reset, ends. */
#include "runtime/machine/machine.h"

#include <stdio.h>

#include "runtime/machine/incoming.h"
#include "runtime/machine/machine_drive.h"
#include "runtime/machine/machine_int.h"
#include "runtime/machine/machine_snapshot.h"

#define KERNEL_START_NS 10000000000ll

/* How QEMU's SHUTDOWN and RESET events call a reason, and whose doing it was. */
typedef struct StopRow {
    const char *reason;
    bool guest;
} StopRow;

static const StopRow stop_rows[] = {
    [STOP_GUEST_SHUTDOWN] = { "guest-shutdown", true },
    [STOP_GUEST_RESET] = { "guest-reset", true },
    [STOP_TRIPLE_FAULT] = { "guest-reset", true },
    [STOP_HOST_RESET] = { "host-qmp-system-reset", false },
    [STOP_HOST_QUIT] = { "host-qmp-quit", false },
    [STOP_HOST_SIGNAL] = { "host-signal", false },
    [STOP_DEBUG] = { "none", true },
    [STOP_DEBUG_EXIT] = { "guest-shutdown", true },
    [STOP_GUEST_PANIC] = { "guest-panic", true },
    [STOP_GUEST_CRASH_LOADED] = { "guest-panic", true },
    [STOP_WATCHDOG] = { "guest-reset", true },
    [STOP_SUSPEND] = { "none", true },
    [STOP_WAKE] = { "none", true },
};

static void stop_event(Machine *machine, const char *name, StopReason reason)
{
    JsonObject *data = json_object_new();

    json_object_set_boolean_member(data, "guest", stop_rows[reason].guest);
    json_object_set_string_member(data, "reason", stop_rows[reason].reason);
    monitors_event(machine->monitors, name, data);
}

char *run_state_name(RunState state)
{
    g_auto(GStrv) names = g_strsplit(RUN_STATE_NAMES, " ", -1);

    return g_strdup(names[state]);
}

RunState machine_state(const Machine *machine)
{
    return machine->state;
}

bool machine_is_running(const Machine *machine)
{
    return machine->state == RUN_STATE_RUNNING;
}

Monitors *machine_monitors(Machine *machine)
{
    return machine->monitors;
}

/* ---- vCPUs and clock ---- */

/* A machine in S3 goes on, too: its vCPUs wait for what wakes them, and time passes. */
static bool machine_goes(const Machine *machine)
{
    return machine->state == RUN_STATE_RUNNING || machine->state == RUN_STATE_SUSPENDED;
}

static void vcpus_stand(Machine *machine)
{
    machine_each_vcpu(machine, vcpu_pause);
    machine_each_vcpu(machine, vcpu_pause_wait);
    machine_lock(machine);
    clock_set_running(machine->clock, false);
    machine_unlock(machine);
}

static void vcpus_go(Machine *machine)
{
    bool stop_pending;

    if (machine->holds != 0 || !machine_goes(machine)) {
        return;
    }
    machine_lock(machine);
    clock_set_running(machine->clock, machine->only < 0 || machine->only_timers);
    machine_unlock(machine);
    g_mutex_lock(&machine->stop_lock);
    stop_pending = machine->stop_pending;
    for (unsigned i = 0; i < machine->cpus && !stop_pending; i++) {
        if (machine->vcpu[i] != NULL && (machine->only < 0 || machine->only == (int)i)) {
            vcpu_resume(machine->vcpu[i]);
        }
    }
    g_mutex_unlock(&machine->stop_lock);
}

void machine_set_only(Machine *machine, int cpu, bool timers)
{
    machine->only = cpu;
    machine->only_timers = timers;
}

void machine_hold(Machine *machine)
{
    if (machine->holds++ == 0 && machine_goes(machine)) {
        vcpus_stand(machine);
    }
}

void machine_release(Machine *machine)
{
    g_assert(machine->holds != 0);
    if (--machine->holds == 0) {
        vcpus_go(machine);
    }
}

void machine_pause(Machine *machine, RunState state)
{
    if (!machine_goes(machine)) {
        if (state != RUN_STATE_PAUSED && machine->state != RUN_STATE_SHUTDOWN) {
            machine->state = state;
        }
        return;
    }
    vcpus_stand(machine);
    machine->only = -1;
    machine->state = state;
    monitors_event(machine->monitors, "STOP", NULL);
    if (machine->gdbstub != NULL) {
        gdbstub_stopped(machine->gdbstub);
    }
}

bool machine_continue(Machine *machine, GError **error)
{
    if (machine_goes(machine)) {
        return true;
    }
    if (machine->state == RUN_STATE_INMIGRATE) {
        g_set_error_literal(error, OPTIONS_ERROR, OPTIONS_ERROR_VALUE,
                            "Guest is waiting for an incoming migration");
        return false;
    }
    if (machine->reset_wanted) {
        g_set_error_literal(error, OPTIONS_ERROR, OPTIONS_ERROR_VALUE,
                            "Resetting the Virtual Machine is required");
        return false;
    }
    machine->state = machine->pc != NULL && pc_is_asleep(machine->pc) ? RUN_STATE_SUSPENDED
                                                                      : RUN_STATE_RUNNING;
    monitors_event(machine->monitors, "RESUME", NULL);
    machine_drives_retry(machine);
    vcpus_go(machine);
    return true;
}

/* ---- Ends and resets ---- */

static void machine_quit(Machine *machine, int status)
{
    machine->exit_status = status;
    g_main_loop_quit(machine->loop);
}

/* The guest has ended: so does the process, or it holds the machine as it is. */
static void machine_ended(Machine *machine, StopReason reason)
{
    stop_event(machine, "SHUTDOWN", reason);
    if (!machine->options->no_shutdown) {
        machine_quit(machine, 0);
        return;
    }
    machine_pause(machine, RUN_STATE_SHUTDOWN);
    machine->reset_wanted = true;
}

/* A kernel that needs more than the CPU has cannot say so before its console works. */
static void machine_explain_fault(const Machine *machine)
{
    int64_t up = clock_now(machine->clock) - machine->reset_at;

    if (machine->boot != NULL && boot_is_linux(machine->boot) && up < KERNEL_START_NS) {
        fprintf(stderr,
                "doppel: warning: the kernel has shut the CPU down at its start (triple fault): "
                "does -cpu %s have what it needs?\n",
                machine->options->cpu);
    }
}

static void machine_restart(Machine *machine, StopReason reason)
{
    g_autoptr(GError) error = NULL;

    if (machine->options->no_reboot) {
        machine_ended(machine, reason);
        return;
    }
    if (machine->reset_wanted) {
        machine->reset_wanted = false;
        machine->state = RUN_STATE_PAUSED;
    }
    if (!machine_reset(machine, &error)) {
        fprintf(stderr, "doppel: %s\n", error->message);
        machine_quit(machine, 1);
        return;
    }
    stop_event(machine, "RESET", reason);
    if (machine->state == RUN_STATE_SUSPENDED) {
        machine->state = RUN_STATE_RUNNING;
    }
    vcpus_go(machine);
}

/* ---- S3 ---- */

/* Also when there is nothing to wake from: whoever wanted that has come late. */
static void machine_woken(Machine *machine)
{
    g_autoptr(GError) error = NULL;

    if (machine->state == RUN_STATE_SUSPENDED) {
        if (!machine_wake(machine, &error)) {
            fprintf(stderr, "doppel: %s\n", error->message);
            machine_quit(machine, 1);
            return;
        }
        machine->state = RUN_STATE_RUNNING;
        monitors_event(machine->monitors, "WAKEUP", NULL);
    }
    vcpus_go(machine);
}

static void machine_suspended(Machine *machine)
{
    bool wake;

    machine_suspend(machine);
    machine->state = RUN_STATE_SUSPENDED;
    monitors_event(machine->monitors, "SUSPEND", NULL);
    machine_lock(machine);
    wake = pc_wants_wake(machine->pc); /* at once: its own request has been lost on this one */
    machine_unlock(machine);
    if (wake) {
        machine_woken(machine);
    } else {
        vcpus_go(machine);
    }
}

bool machine_wakeup(Machine *machine, GError **error)
{
    if (machine->state != RUN_STATE_SUSPENDED) {
        g_set_error_literal(error, OPTIONS_ERROR, OPTIONS_ERROR_VALUE,
                            "Unable to wake up: guest is not in suspended state");
        return false;
    }
    machine_request_stop(machine, STOP_WAKE, 0);
    return true;
}

static void machine_follow(Machine *machine, StopReason reason)
{
    MachineSequel sequel = machine_act(machine, reason);

    switch (sequel) {
    case SEQUEL_GO:
        vcpus_go(machine);
        break;
    case SEQUEL_STAND:
        break;
    case SEQUEL_RESTART:
        machine_restart(machine, reason);
        break;
    case SEQUEL_END:
        machine_ended(machine, reason);
        break;
    case SEQUEL_QUIT:
    case SEQUEL_FAIL:
        stop_event(machine, "SHUTDOWN", reason);
        machine_quit(machine, sequel == SEQUEL_FAIL);
        break;
    }
}

static void machine_obey(Machine *machine, StopReason reason, int status)
{
    switch (reason) {
    case STOP_GUEST_SHUTDOWN:
        machine_ended(machine, reason);
        break;
    case STOP_TRIPLE_FAULT:
        machine_explain_fault(machine);
        machine_restart(machine, reason);
        break;
    case STOP_GUEST_RESET:
    case STOP_HOST_RESET:
        machine_restart(machine, reason);
        break;
    case STOP_SUSPEND:
        machine_suspended(machine);
        break;
    case STOP_WAKE:
        machine_woken(machine);
        break;
    case STOP_DEBUG:
        machine_pause(machine, RUN_STATE_DEBUG);
        break;
    case STOP_HOST_QUIT:
    case STOP_HOST_SIGNAL:
    case STOP_DEBUG_EXIT:
        stop_event(machine, "SHUTDOWN", reason);
        machine_quit(machine, status);
        break;
    case STOP_GUEST_PANIC:
    case STOP_GUEST_CRASH_LOADED:
    case STOP_WATCHDOG:
        machine_follow(machine, reason);
        break;
    }
}

/* On the main thread, after somebody has asked for a stop. */
static gboolean machine_stopped(gpointer opaque)
{
    Machine *machine = opaque;
    StopReason reason;
    int status;

    machine_each_vcpu(machine, vcpu_pause_wait);
    g_mutex_lock(&machine->stop_lock);
    reason = machine->stop_reason;
    status = machine->stop_status;
    machine->stop_pending = false;
    machine->stop_source = 0;
    g_mutex_unlock(&machine->stop_lock);
    machine_obey(machine, reason, status);
    return G_SOURCE_REMOVE;
}

static bool reason_is_final(StopReason reason)
{
    return reason == STOP_HOST_QUIT || reason == STOP_HOST_SIGNAL;
}

void machine_request_stop(Machine *machine, StopReason reason, int status)
{
    g_mutex_lock(&machine->stop_lock);
    /* The first reason counts, but for the user's wish to quit. */
    if (!machine->stop_pending || reason_is_final(reason)) {
        machine->stop_reason = reason;
        machine->stop_status = status;
    }
    if (!machine->stop_pending) {
        machine->stop_pending = true;
        machine_each_vcpu(machine, vcpu_pause);
        machine->stop_source = g_idle_add_full(G_PRIORITY_HIGH, machine_stopped, machine, NULL);
    }
    g_mutex_unlock(&machine->stop_lock);
}

void machine_incoming_done(Machine *machine)
{
    if (machine->state == RUN_STATE_INMIGRATE) {
        machine->state = RUN_STATE_PAUSED;
    }
    if (!machine->options->stopped) {
        machine_continue(machine, NULL);
    }
}

/* Power-on, or as a saved machine. */
static bool machine_begin(Machine *machine, GError **error)
{
    const char *incoming = machine->options->incoming;

    if (incoming != NULL) {
        machine->state = RUN_STATE_INMIGRATE;
        if (strcmp(incoming, "defer") == 0) {
            return true;
        }
        if (!machine_incoming(machine, incoming, error)) {
            g_prefix_error(error, "-incoming ");
            return false;
        }
    }
    if (machine->options->loadvm != NULL) {
        const SnapshotOptions snapshot = { .name = machine->options->loadvm };

        if (!machine_snapshot_load(machine, &snapshot, error)) {
            return false;
        }
    }
    machine_incoming_done(machine);
    return true;
}

int machine_run(Machine *machine)
{
    g_autoptr(GError) error = NULL;

    for (unsigned i = 0; i < machine->cpus; i++) {
        if (machine->vcpu[i] != NULL && !vcpu_start(machine->vcpu[i], &error)) {
            fprintf(stderr, "doppel: %s\n", error->message);
            return 1;
        }
    }
    machine->started = true;
    if (!machine_begin(machine, &error)) {
        fprintf(stderr, "doppel: %s\n", error->message);
        return 1;
    }
    g_main_loop_run(machine->loop);
    return machine->exit_status;
}
