/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/machine/host_signals.h"

#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "hw/char/chardev.h"
#include "runtime/engine/engine.h"
#include "runtime/engine/sampler.h"
#include "runtime/software_cpu/thunk.h"

enum { SIGNAL_STACK = 64 * 1024 };

/* A signal handler has no other way to learn whose code was interrupted. */
static _Thread_local Cpu *thread_cpu;
static _Thread_local void *thread_stack;

typedef struct SignalWatch {
    Machine *machine;
    int signal;
} SignalWatch;

static gboolean signal_ends_machine(gpointer opaque)
{
    const SignalWatch *watch = opaque;

    fprintf(stderr, "doppel: terminating on signal %d\n", watch->signal);
    machine_request_stop(watch->machine, STOP_HOST_SIGNAL, 0);
    return G_SOURCE_CONTINUE;
}

static void signal_kills_process(int number)
{
    chardev_restore_terminal();
    raise(number); /* SA_RESETHAND: now it does what it would have done */
}

/* A hardware fault: of guest code, or ours. In the second case the instruction runs again, and the
 * signal ends the process. Sent by somebody (si_code), it ends it here: nothing would fault again.
 */
static void signal_fault(int number, siginfo_t *info, void *context)
{
    bool sent = info->si_code <= 0;

    if (!sent && thread_cpu != NULL &&
        (thunk_fixup(thread_cpu, number, context) ||
         engine_signal(thread_cpu, number, info->si_addr, context))) {
        return;
    }
    chardev_restore_terminal();
    signal(number, SIG_DFL);
    if (sent) {
        raise(number);
    }
}

void host_signals_install(void)
{
    static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE };
    static const int kills[] = { SIGABRT, SIGQUIT, SIGINT,  SIGTERM, SIGHUP,
                                 SIGUSR1, SIGUSR2, SIGALRM, SIGTRAP, SIGSYS,
                                 SIGXCPU, SIGXFSZ, SIGPROF, SIGPOLL, SIGVTALRM };
    struct sigaction fault = { .sa_sigaction = signal_fault,
                               .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK };
    struct sigaction kill = { .sa_handler = signal_kills_process,
                              .sa_flags = SA_RESETHAND | SA_NODEFER };

    sigemptyset(&fault.sa_mask);
    sigemptyset(&kill.sa_mask);
    for (size_t i = 0; i < G_N_ELEMENTS(faults); i++) {
        sigaction(faults[i], &fault, NULL);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(kills); i++) {
        sigaction(kills[i], &kill, NULL);
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow: an I/O error */
    atexit(chardev_restore_terminal);
}

void host_signals_watch(Machine *machine)
{
    static const int ends[] = { SIGINT, SIGTERM, SIGHUP };

    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
        SignalWatch *watch = g_new(SignalWatch, 1);

        *watch = (SignalWatch){ machine, ends[i] };
        g_unix_signal_add_full(G_PRIORITY_HIGH, ends[i], signal_ends_machine, watch, g_free);
    }
}

void host_signals_enter(Cpu *cpu)
{
    stack_t stack = { .ss_flags = SS_DISABLE };

    thread_cpu = cpu;
    if (cpu != NULL) {
        thread_stack = g_malloc(SIGNAL_STACK);
        stack = (stack_t){ .ss_sp = thread_stack, .ss_size = SIGNAL_STACK };
    }
    sigaltstack(&stack, NULL);
    if (cpu == NULL) {
        sampler_stop();
        g_clear_pointer(&thread_stack, g_free);
    } else if (engine_wants_samples(cpu->engine)) {
        sampler_start(cpu);
    }
}
