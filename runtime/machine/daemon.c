/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/machine/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "runtime/machine/options.h"

static int daemon_fail(GError **error)
{
    g_set_error(error, OPTIONS_ERROR, OPTIONS_ERROR_VALUE, "-daemonize: %s", g_strerror(errno));
    return -1;
}

/* A byte comes when the other process is ready; the pipe ends when it has failed. */
static void wait_for_ready(int fd)
{
    char byte;
    ssize_t n;

    do {
        n = read(fd, &byte, 1);
    } while (n < 0 && errno == EINTR);
    _exit(n == 1 ? 0 : 1);
}

int daemon_fork(GError **error)
{
    int ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        return daemon_fail(error);
    }
    pid = fork();
    if (pid < 0) {
        return daemon_fail(error);
    }
    if (pid > 0) {
        close(ends[1]);
        wait_for_ready(ends[0]);
    }
    close(ends[0]);
    setsid();
    pid = fork(); /* no leader of a session: a terminal that is opened does not become ours */
    if (pid < 0) {
        return daemon_fail(error);
    }
    if (pid > 0) {
        _exit(0);
    }
    return ends[1];
}

void daemon_ready(int fd)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (chdir("/") != 0) {
        g_assert_not_reached();
    }
    for (int i = 0; null >= 0 && i <= STDERR_FILENO; i++) {
        dup2(null, i);
    }
    if (null > STDERR_FILENO) {
        close(null);
    }
    if (write(fd, "", 1) != 1) {
        return; /* nobody waits any more */
    }
    close(fd);
}
