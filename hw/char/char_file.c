/* SPDX-License-Identifier: GPL-2.0-or-later */
/* char_file.c - character devices without a peer: file, pipe, null, none, vc. */
#include "hw/char/chardev_int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int file_open(const char *path, int flags, GError **error)
{
    int fd = open(path, flags | O_CLOEXEC, 0666);

    if (fd < 0) {
        char_error(error, "cannot open %s: %s", path, g_strerror(errno));
    }
    return fd;
}

/* file:PATH[,append=on]: output only. */
static bool char_file_open(CharDev *chr, const char *args, GError **error)
{
    static const char *const known[] = { "append", NULL };
    CharOptions options = { 0 };
    bool append = false;
    int fd = -1;

    if (char_options_parse(&options, args, known, error) &&
        char_options_bool(&options, "append", &append, error)) {
        fd = file_open(options.address, O_WRONLY | O_CREAT | (append ? O_APPEND : O_TRUNC), error);
    }
    char_options_clear(&options);
    if (fd < 0) {
        return false;
    }
    chr->owns_fds = chr->waits = true;
    char_connect(chr, -1, fd);
    return true;
}

/* pipe:PATH: the FIFOs PATH.in and PATH.out, or one for both.  Opened for both directions, so that
 * neither side waits for the other. */
static bool char_pipe_open(CharDev *chr, const char *args, GError **error)
{
    g_autofree char *in_path = g_strconcat(args, ".in", NULL);
    g_autofree char *out_path = g_strconcat(args, ".out", NULL);
    int in_fd = open(in_path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    int out_fd = open(out_path, O_RDWR | O_NONBLOCK | O_CLOEXEC);

    if (in_fd < 0 || out_fd < 0) {
        if (in_fd >= 0) {
            close(in_fd);
        }
        if (out_fd >= 0) {
            close(out_fd);
        }
        in_fd = out_fd = file_open(args, O_RDWR | O_NONBLOCK, error);
        if (in_fd < 0) {
            return false;
        }
    }
    chr->owns_fds = true;
    char_connect(chr, in_fd, out_fd);
    return true;
}

static bool char_null_open(CharDev *chr, const char *args, GError **error)
{
    (void)chr, (void)args, (void)error;
    return true;
}

const CharDriver char_file = { .name = "file", .open = char_file_open };
const CharDriver char_pipe = { .name = "pipe", .open = char_pipe_open };
const CharDriver char_null = { .name = "null", .open = char_null_open };
const CharDriver char_none = { .name = "none", .open = char_null_open };
const CharDriver char_vc = { .name = "vc", .open = char_null_open };
