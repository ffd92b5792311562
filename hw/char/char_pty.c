/* SPDX-License-Identifier: GPL-2.0-or-later */
/* char_pty.c - a pseudo-terminal whose name is printed. While nobody has it open its master hangs
 * up all the time, so that a slow timer looks whether somebody has come. */
#include "hw/char/chardev_int.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

enum { LOOK_MS = 200 };

typedef struct CharPty {
    int master;
    guint timer;
} CharPty;

static gboolean pty_look(gpointer opaque)
{
    CharDev *chr = opaque;
    CharPty *pty = chr->state;
    struct pollfd pfd = { .fd = pty->master, .events = POLLIN };
    gboolean again = G_SOURCE_CONTINUE;

    char_lock(chr);
    if (poll(&pfd, 1, 0) >= 0 && (pfd.revents & POLLHUP) == 0) {
        pty->timer = 0;
        again = G_SOURCE_REMOVE;
        char_connect(chr, pty->master, pty->master);
    }
    char_unlock(chr);
    return again;
}

static void char_pty_hangup(CharDev *chr)
{
    CharPty *pty = chr->state;

    if (pty->timer == 0) {
        pty->timer = g_timeout_add(LOOK_MS, pty_look, chr);
    }
}

/* Raw, and hung up from the start: the other side is opened and closed once. */
static bool pty_prepare(int master, char *name, size_t size)
{
    struct termios tty;
    int slave;

    if (grantpt(master) != 0 || unlockpt(master) != 0 || ptsname_r(master, name, size) != 0) {
        return false;
    }
    slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0) {
        return false;
    }
    if (tcgetattr(slave, &tty) == 0) {
        cfmakeraw(&tty);
        tcsetattr(slave, TCSANOW, &tty);
    }
    close(slave);
    return fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK) == 0;
}

static bool char_pty_open(CharDev *chr, GError **error)
{
    char name[64];
    CharPty *pty;
    int master;

    master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || !pty_prepare(master, name, sizeof(name))) {
        char_error(error, "cannot make a pseudo-terminal: %s", g_strerror(errno));
        if (master >= 0) {
            close(master);
        }
        return false;
    }
    pty = g_new0(CharPty, 1);
    pty->master = master;
    chr->state = pty;
    chr->filename = g_strconcat("pty:", name, NULL);
    printf("char device redirected to %s (label %s)\n", name, chr->label);
    fflush(stdout);
    char_pty_hangup(chr);
    return true;
}

static void char_pty_close(CharDev *chr)
{
    CharPty *pty = chr->state;

    if (pty->timer != 0) {
        g_source_remove(pty->timer);
    }
    close(pty->master);
    g_free(pty);
}

const CharDriver char_pty = {
    .name = "pty", .open = char_pty_open, .close = char_pty_close, .hangup = char_pty_hangup
};
