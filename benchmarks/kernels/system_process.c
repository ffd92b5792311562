/* SPDX-License-Identifier: GPL-2.0-or-later */
/* system_process.c - processes: system call, pipe ping-pong, threads, fork, exec. */
#include "kernel.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

static void check(int good)
{
    if (!good) {
        abort();
    }
}

static void child_wait(pid_t child)
{
    int status;

    check(child > 0 && waitpid(child, &status, 0) == child && status == 0);
}

uint64_t syscall_run(uint64_t iterations)
{
    uint64_t same = 0;
    pid_t parent = getppid();

    for (uint64_t n = 0; n < iterations; n++) {
        same += getppid() == parent;
    }
    return same;
}

static void pipe_echo(int in, int out)
{
    char byte;

    while (read(in, &byte, 1) == 1) {
        byte++;
        check(write(out, &byte, 1) == 1);
    }
}

uint64_t pipe_run(uint64_t iterations)
{
    int there[2], back[2];
    uint64_t sum = 0;
    pid_t child;

    check(pipe(there) == 0 && pipe(back) == 0);
    child = fork();
    if (child == 0) {
        close(there[1]);
        pipe_echo(there[0], back[1]);
        _exit(0);
    }
    for (uint64_t n = 0; n < iterations; n++) {
        char byte = (char)n;

        check(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1);
        sum = checksum_add(sum, (uint8_t)byte);
    }
    close(there[1]);
    child_wait(child);
    return sum;
}

static void *thread_main(void *arg)
{
    uint64_t *count = arg;

    ++*count;
    return NULL;
}

uint64_t thread_run(uint64_t iterations)
{
    uint64_t count = 0;

    for (uint64_t n = 0; n < iterations; n++) {
        pthread_t thread;

        check(pthread_create(&thread, NULL, thread_main, &count) == 0);
        check(pthread_join(thread, NULL) == 0);
    }
    return count;
}

uint64_t fork_run(uint64_t iterations)
{
    for (uint64_t n = 0; n < iterations; n++) {
        pid_t child = fork();

        if (child == 0) {
            _exit(0);
        }
        child_wait(child);
    }
    return iterations;
}

uint64_t exec_run(uint64_t iterations)
{
    const char *self = (const char *)getauxval(AT_EXECFN);

    for (uint64_t n = 0; n < iterations; n++) {
        pid_t child = fork();

        if (child == 0) {
            execl(self, self, "nothing", (char *)NULL);
            _exit(1);
        }
        child_wait(child);
    }
    return iterations;
}
