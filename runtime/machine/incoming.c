/* SPDX-License-Identifier: GPL-2.0-or-later */
/* incoming.c - files, commands and descriptors as ends of a saved machine. */
#include "runtime/machine/incoming.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "runtime/machine/keyval.h"
#include "runtime/machine/machine_state.h"

G_DEFINE_QUARK(incoming - error - quark, incoming_error)

static int fail(GError **error, IncomingError code, const char *uri, const char *what)
{
    g_set_error(error, INCOMING_ERROR, code, "%s: %s", uri, what);
    return -1;
}

static int open_file(const char *uri, const char *path, bool write, GError **error)
{
    int fd = write ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)
                   : open(path, O_RDONLY | O_CLOEXEC);

    return fd >= 0 ? fd : fail(error, INCOMING_ERROR_OPEN, uri, g_strerror(errno));
}

static int open_command(const char *uri, const char *command, bool write, GError **error)
{
    char *argv[] = { "/bin/sh", "-c", (char *)command, NULL };
    int fd = -1;

    if (!g_spawn_async_with_pipes(NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL,
                                  write ? &fd : NULL, write ? NULL : &fd, NULL, error)) {
        g_prefix_error(error, "%s: ", uri);
        return -1;
    }
    return fd;
}

static int open_number(const char *uri, const char *number, GError **error)
{
    uint64_t n;
    int fd;

    if (!number_parse(number, INT_MAX, &n)) {
        return fail(error, INCOMING_ERROR_WORDS, uri, "no number of a file descriptor");
    }
    fd = fcntl((int)n, F_DUPFD_CLOEXEC, 0);
    return fd >= 0 ? fd : fail(error, INCOMING_ERROR_OPEN, uri, g_strerror(errno));
}

static int uri_open(const char *uri, bool write, GError **error)
{
    const char *rest = strchr(uri, ':');

    if (rest != NULL && g_str_has_prefix(uri, "file:")) {
        return open_file(uri, rest + 1, write, error);
    }
    if (rest != NULL && g_str_has_prefix(uri, "exec:")) {
        return open_command(uri, rest + 1, write, error);
    }
    if (rest != NULL && g_str_has_prefix(uri, "fd:")) {
        return open_number(uri, rest + 1, error);
    }
    return fail(error, INCOMING_ERROR_WORDS, uri, "expected file:PATH, exec:COMMAND or fd:N");
}

int incoming_open(const char *uri, GError **error)
{
    return uri_open(uri, false, error);
}

int outgoing_open(const char *uri, GError **error)
{
    return uri_open(uri, true, error);
}

bool machine_incoming(Machine *machine, const char *uri, GError **error)
{
    int fd = incoming_open(uri, error);
    bool done;

    if (fd < 0) {
        return false;
    }
    done = machine_load(machine, fd, error);
    if (!done) {
        g_prefix_error(error, "%s: ", uri);
    }
    close(fd);
    return done;
}
