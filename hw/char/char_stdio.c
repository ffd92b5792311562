/* SPDX-License-Identifier: GPL-2.0-or-later */
/* char_stdio.c - the terminal that doppel was started on.
 *
 * There is one terminal in a process, and signal handlers must be able to restore it: its settings
 * are the one thing here that lives outside of an object. */
#include "hw/char/chardev_int.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

static struct {
    volatile sig_atomic_t raw; /* `saved` is to be restored */
    bool taken;                /* a device has it */
    struct termios saved, ours;
    struct sigaction saved_cont;
} terminal;

void chardev_restore_terminal(void)
{
    int saved_errno = errno;

    if (terminal.raw) {
        terminal.raw = 0;
        tcsetattr(STDIN_FILENO, TCSANOW, &terminal.saved);
    }
    errno = saved_errno;
}

/* The shell has had the terminal in between. */
static void terminal_continued(int signal)
{
    int saved_errno = errno;

    (void)signal;
    if (terminal.raw) {
        tcsetattr(STDIN_FILENO, TCSANOW, &terminal.ours);
    }
    errno = saved_errno;
}

static void terminal_set_raw(bool signals)
{
    struct sigaction cont = { .sa_handler = terminal_continued, .sa_flags = SA_RESTART };
    struct termios *tty = &terminal.ours;

    if (tcgetattr(STDIN_FILENO, &terminal.saved) != 0) {
        return; /* no terminal */
    }
    *tty = terminal.saved;
    tty->c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    tty->c_oflag |= OPOST;
    tty->c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN);
    if (!signals) {
        tty->c_lflag &= ~(tcflag_t)ISIG;
    }
    tty->c_cflag &= ~(tcflag_t)(CSIZE | PARENB);
    tty->c_cflag |= CS8;
    tty->c_cc[VMIN] = 1;
    tty->c_cc[VTIME] = 0;
    sigemptyset(&cont.sa_mask);
    sigaction(SIGCONT, &cont, &terminal.saved_cont);
    terminal.raw = 1;
    tcsetattr(STDIN_FILENO, TCSANOW, tty);
}

/* Standard output that does not block, without changing the description that is shared with the
 * shell and standard error: opened again. What cannot be is written in small pieces. */
static int stdio_output(CharDev *chr)
{
    struct stat status;
    int fd = -1;

    if (fstat(STDOUT_FILENO, &status) == 0 &&
        (S_ISCHR(status.st_mode) || S_ISFIFO(status.st_mode))) {
        fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    }
    if (fd >= 0) {
        return fd;
    }
    chr->blocking = !S_ISREG(status.st_mode);
    return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
}

static const char *const stdio_known[] = { "signal", NULL };

static bool char_stdio_open(CharDev *chr, GError **error)
{
    static bool registered;
    bool signals = !chr->mux; /* Ctrl-C is the guest's where Ctrl-A x can end it */
    int in_fd, out_fd;

    if (!char_value_bool(chr, "signal", &signals, error)) {
        return false;
    }
    if (terminal.taken) {
        char_error(error, "cannot use stdio by multiple character devices");
        return false;
    }
    in_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    out_fd = stdio_output(chr);
    if (!registered) {
        registered = true;
        atexit(chardev_restore_terminal);
    }
    terminal.taken = true;
    terminal_set_raw(signals);
    chr->owns_fds = chr->waits = true;
    chr->keep_keys = chr->mux && terminal.raw != 0;
    char_connect(chr, in_fd, out_fd);
    return true;
}

static void char_stdio_close(CharDev *chr)
{
    (void)chr;
    if (terminal.raw) {
        chardev_restore_terminal();
        sigaction(SIGCONT, &terminal.saved_cont, NULL);
    }
    terminal.taken = false;
}

const CharDriver char_stdio = {
    .name = "stdio", .known = stdio_known, .open = char_stdio_open, .close = char_stdio_close
};
