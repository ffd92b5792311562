/* SPDX-License-Identifier: GPL-2.0-or-later */
/* char_file.c - character devices without a peer of their own: file, pipe, serial, null, none, vc.
 */
#include "hw/char/chardev_int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static int file_open(const char *path, int flags, GError **error)
{
    int fd = open(path, flags | O_CLOEXEC, 0666);

    if (fd < 0) {
        char_error(error, "cannot open %s: %s", path, g_strerror(errno));
    }
    return fd;
}

static const char *path_of(const CharDev *chr, GError **error)
{
    const char *path = char_value(chr, "path");

    if (path == NULL || *path == '\0') {
        char_error(error, "chardev: %s: no filename given", chr->driver->name);
        return NULL;
    }
    return path;
}

static const char *const file_known[] = { "path", "append", "in", "input-path", NULL };

/* Output; with input-path= input from there. */
static bool char_file_open(CharDev *chr, GError **error)
{
    const char *path = path_of(chr, error), *input = char_value(chr, "input-path");
    bool append = false;
    int fd, in_fd = -1;

    if (path == NULL || !char_value_bool(chr, "append", &append, error)) {
        return false;
    }
    if (input != NULL && (in_fd = file_open(input, O_RDONLY | O_NONBLOCK, error)) < 0) {
        return false;
    }
    fd = file_open(path, O_WRONLY | O_CREAT | (append ? O_APPEND : O_TRUNC), error);
    if (fd < 0) {
        if (in_fd >= 0) {
            close(in_fd);
        }
        return false;
    }
    chr->owns_fds = chr->waits = true;
    char_connect(chr, in_fd, fd);
    return true;
}

static const char *const path_known[] = { "path", NULL };

/* The FIFOs PATH.in and PATH.out, or one for both.  Opened for both directions, so that neither
 * side waits for the other. */
static bool char_pipe_open(CharDev *chr, GError **error)
{
    const char *path = path_of(chr, error);
    g_autofree char *in_path = g_strconcat(path != NULL ? path : "", ".in", NULL);
    g_autofree char *out_path = g_strconcat(path != NULL ? path : "", ".out", NULL);
    int in_fd, out_fd;

    if (path == NULL) {
        return false;
    }
    in_fd = open(in_path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    out_fd = open(out_path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (in_fd < 0 || out_fd < 0) {
        if (in_fd >= 0) {
            close(in_fd);
        }
        if (out_fd >= 0) {
            close(out_fd);
        }
        in_fd = out_fd = file_open(path, O_RDWR | O_NONBLOCK, error);
        if (in_fd < 0) {
            return false;
        }
    }
    chr->owns_fds = true;
    char_connect(chr, in_fd, out_fd);
    return true;
}

/* A terminal of the host, raw. */
static bool char_serial_open(CharDev *chr, GError **error)
{
    const char *path = path_of(chr, error);
    struct termios tty;
    int fd = path != NULL ? file_open(path, O_RDWR | O_NONBLOCK | O_NOCTTY, error) : -1;

    if (fd < 0) {
        return false;
    }
    if (tcgetattr(fd, &tty) != 0) {
        char_error(error, "%s is no terminal", path);
        close(fd);
        return false;
    }
    cfmakeraw(&tty);
    tcsetattr(fd, TCSANOW, &tty);
    chr->owns_fds = true;
    char_connect(chr, fd, fd);
    return true;
}

static bool char_null_open(CharDev *chr, GError **error)
{
    (void)chr, (void)error;
    return true;
}

static const char *const vc_known[] = { "width", "height", "cols", "rows", "size", NULL };

const CharDriver char_file = { .name = "file", .known = file_known, .open = char_file_open };
const CharDriver char_pipe = { .name = "pipe", .known = path_known, .open = char_pipe_open };
const CharDriver char_serial = { .name = "serial", .known = path_known, .open = char_serial_open };
const CharDriver char_null = { .name = "null", .open = char_null_open };
const CharDriver char_none = { .name = "none", .open = char_null_open };
const CharDriver char_vc = { .name = "vc", .known = vc_known, .open = char_null_open };
