/* SPDX-License-Identifier: GPL-2.0-or-later */
/* main.c - sub-commands of doppel-check. */
#include "check/check.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    CheckCommand run;
    const char *summary;
} commands[] = {
    { "vectors", vectors_command, "DIR: tests captured from real chips" },
    { "native", native_command, "random instructions on the host CPU itself" },
    { "system", system_command, "random privileged code, interpreted and translated" },
    { "smp", smp_command, "what several CPUs see of each other's stores" },
    { "decode", decode_command, "Zydis against Capstone" },
    { "host", host_command, "what is asked of the host CPU, and its answers" },
    { "replay", replay_command,
      "FILE: a difference that native, system or doppel -accel dbt,verify has saved" },
};

GQuark check_error_quark(void)
{
    return g_quark_from_static_string("check-error");
}

void check_progress(const char *what, double done)
{
    static const char bar[] = "########################################";
    static gint64 last;
    gint64 now = g_get_monotonic_time();
    int n = (int)(CLAMP(done, 0, 1) * (sizeof(bar) - 1));

    if (now - last > 100000 && isatty(STDERR_FILENO)) {
        last = now;
        fprintf(stderr, "\r[%-*.*s] %3.0f%% %-30.30s", (int)sizeof(bar) - 1, n, bar, done * 100,
                what);
    }
}

void check_progress_end(void)
{
    if (isatty(STDERR_FILENO)) {
        fputs("\r\033[K", stderr);
    }
}

static void usage(FILE *file)
{
    fputs("usage: doppel-check COMMAND [OPTION...]\n\n", file);
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        fprintf(file, "  %-11s %s\n", commands[i].name, commands[i].summary);
    }
    fputs("\ndoppel-check COMMAND --help tells its options.\n", file);
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;

    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        usage(stdout);
        return CHECK_AGREES;
    }
    for (size_t i = 0; argc > 1 && i < G_N_ELEMENTS(commands); i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            int status = commands[i].run(argc - 1, argv + 1, &error);

            if (error != NULL) {
                fprintf(stderr, "doppel-check %s: %s\n", commands[i].name, error->message);
                return CHECK_FAILED;
            }
            return status;
        }
    }
    usage(stderr);
    return CHECK_FAILED;
}
