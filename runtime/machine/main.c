/* SPDX-License-Identifier: GPL-2.0-or-later */
/* main.c - the program: command line, signals, pid file, exit status. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "runtime/machine/host_signals.h"
#include "runtime/machine/machine.h"
#include "runtime/machine/options.h"

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

static int run(const Options *options)
{
    g_autoptr(GError) error = NULL;
    Machine *machine;
    int status = 1;

    host_signals_install();
    machine = machine_new(options, &error);
    if (machine != NULL && options->pidfile != NULL && !pidfile_write(options->pidfile, &error)) {
        g_clear_pointer(&machine, machine_free);
    }
    if (machine == NULL) {
        fprintf(stderr, "doppel: %s\n", error->message);
        return status;
    }
    host_signals_watch(machine);
    status = machine_run(machine);
    machine_free(machine);
    if (options->pidfile != NULL) {
        unlink(options->pidfile);
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
