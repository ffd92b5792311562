/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plan.c - what the host wants measured, a line each, carried out one after the other:
 *
 *   kernel NAME RUNS SECONDS   a kernel in processes of its own, with as many iterations as take
 *                              SECONDS at most here, and no more than it has by default
 *   job NAME RUNS SECONDS      jobs/NAME beside this program: prepared, run once, then RUNS times
 * or until SECONDS are over
 *
 * What comes out goes to the console, where the kernel's own messages may stand between:
 *
 *   @bench begin NAME NOW
 *   @bench check NAME ITERATIONS SECONDS CHECKSUM    with a sixty-fourth of the iterations, or the
 * first run
 *   @bench run NAME ITERATIONS SECONDS CHECKSUM
 *   @bench end NAME STATUS NOW
 *
 * NOW is the clock in seconds, for the host to compare with its own.
 */
#include "bench.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct Result {
    int status; /* 0: good; otherwise what waitpid said */
    uint64_t iterations;
    double seconds;
    char sum[64]; /* a word */
} Result;

enum { CHECK_PART = 64 };
static const double CALIBRATED = 0.05; /* seconds that are enough to extrapolate from */

/* Runs a command; the last line that it prints goes to line. */
static int command_run(const char *const *command, char *line, size_t size)
{
    int ends[2], status = -1;
    size_t used = 0;
    char buf[4096];
    ssize_t n;
    pid_t child;

    line[0] = 0;
    if (pipe(ends) != 0) {
        return -1;
    }
    child = fork();
    if (child == 0) {
        dup2(ends[1], 1);
        close(ends[0]);
        close(ends[1]);
        execv(command[0], (char *const *)command);
        _exit(127);
    }
    close(ends[1]);
    while ((n = read(ends[0], buf + used, sizeof buf - 1 - used)) > 0) {
        used += (size_t)n;
        if (used > sizeof buf / 2) { /* only the end is wanted */
            memmove(buf, buf + used - 1024, 1024);
            used = 1024;
        }
    }
    close(ends[0]);
    while (used > 0 && buf[used - 1] == '\n') {
        used--;
    }
    buf[used] = 0;
    const char *last = strrchr(buf, '\n') ? strrchr(buf, '\n') + 1 : buf;

    snprintf(line, size, "%.*s", (int)size - 1, last);
    if (child < 0 || waitpid(child, &status, 0) != child) {
        return -1;
    }
    return status;
}

static Result kernel_once(const char *self, const char *name, uint64_t iterations)
{
    Result r = { .iterations = iterations };
    char count[32], line[256];
    const char *command[] = { self, "kernel", name, count, NULL };

    snprintf(count, sizeof count, "%" PRIu64, iterations);
    r.status = command_run(command, line, sizeof line);
    if (r.status == 0 && sscanf(line, "%*s %*s %lf %63s", &r.seconds, r.sum) != 2) {
        r.status = -1;
    }
    return r;
}

static void result_print(const char *what, const char *name, const Result *r)
{
    printf("@bench %s %s %" PRIu64 " %.6f %s\n", what, name, r->iterations, r->seconds, r->sum);
    fflush(stdout);
}

/* As many iterations as take about these seconds, but no more than all. */
static uint64_t kernel_calibrate(const char *self, const Kernel *kernel, Result r, double seconds)
{
    while (r.status == 0 && r.seconds < CALIBRATED && r.iterations < kernel->iterations) {
        r = kernel_once(self, kernel->name, r.iterations * 4);
    }
    if (r.status != 0 || r.seconds * (double)kernel->iterations <= seconds * (double)r.iterations) {
        return kernel->iterations;
    }
    uint64_t fit = (uint64_t)((double)r.iterations * seconds / r.seconds);

    return fit > 0 ? fit : 1;
}

static int kernel_measure(const char *self, const char *name, int runs, double seconds)
{
    const Kernel *kernel = kernel_find(name);
    Result r;

    if (!kernel) {
        return -1;
    }
    r = kernel_once(self, name, kernel->iterations / CHECK_PART);
    result_print("check", name, &r);
    uint64_t iterations = kernel_calibrate(self, kernel, r, seconds);

    for (int i = 0; i < runs && r.status == 0; i++) {
        r = kernel_once(self, name, iterations);
        if (r.status == 0) {
            result_print("run", name, &r);
        }
    }
    return r.status;
}

static Result job_once(const char *file, const char *verb)
{
    Result r = { .iterations = 1 };
    const char *command[] = { "/bin/sh", file, verb, NULL };
    char line[256];
    double start = seconds_now();

    r.status = command_run(command, line, sizeof line);
    r.seconds = seconds_now() - start;
    if (sscanf(line, "%63s", r.sum) != 1) {
        strcpy(r.sum, "-");
    }
    return r;
}

static int job_measure(const char *self, const char *name, int runs, double seconds)
{
    char file[512];
    double start;
    Result r;

    snprintf(file, sizeof file, "%.*s/jobs/%s", (int)(strrchr(self, '/') - self), self, name);
    r = job_once(file, "prepare");
    if (r.status != 0) {
        return r.status;
    }
    start = seconds_now();
    r = job_once(file, "run");
    result_print("check", name, &r);
    for (int i = 0; i < runs && r.status == 0; i++) {
        if (i > 0 && seconds_now() - start > seconds) {
            break;
        }
        r = job_once(file, "run");
        if (r.status == 0) {
            result_print("run", name, &r);
        }
    }
    return r.status;
}

int plan_run(const char *self, const char *file)
{
    FILE *plan = fopen(file, "r");
    char line[256], what[16], name[64];
    double seconds;
    int runs;

    if (!plan || !strchr(self, '/')) {
        fprintf(stderr, "bench: %s: cannot be read, or bench was started without its path\n", file);
        return 1;
    }
    fcntl(fileno(plan), F_SETFD, FD_CLOEXEC);
    while (fgets(line, sizeof line, plan)) {
        if (sscanf(line, "%15s %63s %d %lf", what, name, &runs, &seconds) != 4) {
            continue;
        }
        printf("@bench begin %s %.6f\n", name, seconds_now());
        fflush(stdout);
        int status = strcmp(what, "job") == 0 ? job_measure(self, name, runs, seconds)
                                              : kernel_measure(self, name, runs, seconds);
        printf("@bench end %s %d %.6f\n", name, status, seconds_now());
        fflush(stdout);
    }
    fclose(plan);
    return 0;
}
