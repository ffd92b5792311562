/* SPDX-License-Identifier: GPL-2.0-or-later */
/* main.c - the program: command line, signals, pid file, exit status. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "runtime/machine/daemon.h"
#include "runtime/machine/host_signals.h"
#include "runtime/machine/machine.h"
#include "runtime/machine/options.h"
#include "runtime/machine/privileges.h"

static bool pidfile_write(const char *path, GError **error)
{
    char text[32];
    int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool done = fd >= 0 && write(fd, text, (size_t)n) == n;

    if (!done) {
        g_set_error(error, OPTIONS_ERROR, OPTIONS_ERROR_VALUE, "-pidfile %s: %s", path,
                    g_strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
    return done;
}

/* What the options say about the process itself. */
static bool process_prepare(const Options *options, int *daemon, GError **error)
{
    *daemon = -1;
    if (options->process_name != NULL) {
        prctl(PR_SET_NAME, options->process_name);
    }
    if (options->mem_lock && mlockall(MCL_CURRENT | MCL_FUTURE) != 0) {
        g_set_error(error, OPTIONS_ERROR, OPTIONS_ERROR_VALUE, "-overcommit mem-lock=on: %s",
                    g_strerror(errno));
        return false;
    }
    if (options->daemonize) {
        *daemon = daemon_fork(error);
    }
    return !options->daemonize || *daemon >= 0;
}

static int run(Options *options)
{
    g_autoptr(GError) error = NULL;
    /* -daemonize changes the folder */
    g_autofree char *pidfile = options->pidfile != NULL
                                   ? g_canonicalize_filename(options->pidfile, NULL)
                                   : NULL;
    Machine *machine = NULL;
    int status = 1, daemon;

    host_signals_install();
    if (process_prepare(options, &daemon, &error)) {
        machine = machine_new(options, &error);
    }
    if (machine != NULL && pidfile != NULL && !pidfile_write(pidfile, &error)) {
        g_clear_pointer(&machine, machine_free);
    }
    if (machine != NULL && !privileges_drop(options->chroot_folder, options->run_as, &error)) {
        g_clear_pointer(&machine, machine_free);
    }
    if (machine == NULL) {
        fprintf(stderr, "doppel: %s\n", error->message);
        return status;
    }
    if (options->daemonize) {
        daemon_ready(daemon);
    }
    host_signals_watch(machine);
    status = machine_run(machine);
    machine_free(machine);
    if (pidfile != NULL) {
        unlink(pidfile);
    }
    return status;
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    Options *options = options_new();
    int status = 0;

    switch (options_parse(options, argc, argv, &error)) {
    case OPTIONS_RUN:
        for (guint i = 0; i < options->notes->len; i++) {
            fprintf(stderr, "doppel: %s\n", (const char *)g_ptr_array_index(options->notes, i));
        }
        status = run(options);
        break;
    case OPTIONS_EXIT:
        break;
    case OPTIONS_FAIL:
        fprintf(stderr, "doppel: %s\n", error->message);
        status = 1;
        break;
    }
    options_free(options);
    return status;
}
