/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/host_signals.h"

#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "hw/char/chardev.h"

typedef struct SignalWatch {
    Machine *machine;
    int signal;
} SignalWatch;

static gboolean signal_ends_machine(gpointer opaque)
{
    const SignalWatch *watch = opaque;

    fprintf(stderr, "doppel: terminating on signal %d\n", watch->signal);
    machine_request_stop(watch->machine, STOP_QUIT, 0);
    return G_SOURCE_CONTINUE;
}

/* SA_RESETHAND: raised again, the signal does what it would have done. */
static void signal_kills_process(int number)
{
    chardev_restore_terminal();
    raise(number);
}

void host_signals_watch(Machine *machine)
{
    static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
    static const int kills[] = { SIGABRT, SIGQUIT, SIGSEGV, SIGBUS, SIGILL, SIGFPE };
    struct sigaction action = { .sa_handler = signal_kills_process,
                                .sa_flags = SA_RESETHAND | SA_NODEFER };

    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
        SignalWatch *watch = g_new(SignalWatch, 1);

        *watch = (SignalWatch){ machine, ends[i] };
        g_unix_signal_add_full(G_PRIORITY_HIGH, ends[i], signal_ends_machine, watch, g_free);
    }
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < G_N_ELEMENTS(kills); i++) {
        sigaction(kills[i], &action, NULL);
    }
    signal(SIGPIPE, SIG_IGN);
    atexit(chardev_restore_terminal);
}
