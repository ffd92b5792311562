/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/machine/host_signals.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "hw/char/chardev.h"
#include "runtime/engine/engine.h"
#include "runtime/engine/sampler.h"
#include "runtime/software_cpu/thunk.h"

enum { SIGNAL_STACK = 64 * 1024 };

/* A signal handler has no other way to learn whose code was interrupted. */
static _Thread_local Cpu *thread_cpu;
static _Thread_local void *thread_stack;

/* The way from a signal handler to the main loop: a pipe, which has to be known to both. */
static int ends_pipe[2] = { -1, -1 };

typedef struct SignalEnd {
    int signal;
    pid_t pid; /* who sent it, 0: the kernel */
} SignalEnd;

static void signal_ends(int number, siginfo_t *info, void *context)
{
    const SignalEnd end = { number, info->si_code <= 0 ? info->si_pid : 0 };
    int saved_errno = errno;
    ssize_t n = write(ends_pipe[1], &end, sizeof(end));

    (void)n, (void)context; /* a pipe that is full has one to be read */
    errno = saved_errno;
}

static char *process_name(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/cmdline", (int)pid);
    char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL) || *text == '\0') {
        g_free(text);
        return g_strdup("<unknown process>");
    }
    return text;
}

static gboolean signal_ends_machine(gint fd, GIOCondition condition, gpointer machine)
{
    SignalEnd end;

    (void)condition;
    if (read(fd, &end, sizeof(end)) != sizeof(end)) {
        return G_SOURCE_CONTINUE;
    }
    if (end.pid != 0) {
        g_autofree char *name = process_name(end.pid);

        fprintf(stderr, "doppel: terminating on signal %d from pid %d (%s)\n", end.signal,
                (int)end.pid, name);
    } else {
        fprintf(stderr, "doppel: terminating on signal %d\n", end.signal);
    }
    machine_request_stop(machine, STOP_HOST_SIGNAL, 0);
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
    struct sigaction action = { .sa_sigaction = signal_ends, .sa_flags = SA_SIGINFO | SA_RESTART };

    if (pipe2(ends_pipe, O_CLOEXEC | O_NONBLOCK) != 0) {
        return; /* they kill, as before */
    }
    g_unix_fd_add_full(G_PRIORITY_HIGH, ends_pipe[0], G_IO_IN, signal_ends_machine, machine, NULL);
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
        sigaction(ends[i], &action, NULL);
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
