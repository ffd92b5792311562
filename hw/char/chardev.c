/* SPDX-License-Identifier: GPL-2.0-or-later */
/* chardev.c - what all character devices have in common: watches, queues, Ctrl-A commands. */
#include "hw/char/chardev.h"

#include <errno.h>
#include <glib-unix.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hw/char/chardev_int.h"

enum { CTRL_A = 1, PIECE = 512, WAIT_MS = 100 };

static const CharDriver *const drivers[] = {
    &char_stdio, &char_file, &char_pipe, &char_null, &char_none,
    &char_vc,    &char_pty,  &char_unix, &char_tcp,  &char_telnet,
};

void char_lock(CharDev *chr)
{
    if (chr->lock != NULL) {
        chr->lock(chr->lock_opaque);
    }
}

void char_unlock(CharDev *chr)
{
    if (chr->unlock != NULL) {
        chr->unlock(chr->lock_opaque);
    }
}

/* ---- Output ---- */

static bool output_ready(const CharDev *chr, int timeout)
{
    struct pollfd pfd = { .fd = chr->out_fd, .events = POLLOUT };

    return poll(&pfd, 1, timeout) > 0 && (pfd.revents & (POLLOUT | POLLERR)) != 0;
}

/* Bytes written now; -1: none can be. What the peer will never take counts as written. */
static ssize_t output_try(CharDev *chr, const uint8_t *data, size_t n)
{
    ssize_t done;

    if (chr->blocking) {
        if (!output_ready(chr, 0)) {
            return -1;
        }
        n = MIN(n, PIECE);
    }
    do {
        done = chr->socket ? send(chr->out_fd, data, n, MSG_NOSIGNAL | MSG_DONTWAIT)
                           : write(chr->out_fd, data, n);
    } while (done < 0 && errno == EINTR);
    if (done < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
        return (ssize_t)n;
    }
    return done;
}

static void output_flush(CharDev *chr)
{
    ssize_t done;

    if (chr->output->len == 0) {
        return;
    }
    while (chr->output->len != 0) {
        done = output_try(chr, chr->output->data, chr->output->len);
        if (done < 0) {
            return;
        }
        g_byte_array_remove_range(chr->output, 0, (guint)done);
    }
    char_slots_writable(chr);
}

static gboolean output_watch(gint fd, GIOCondition condition, gpointer opaque)
{
    CharDev *chr = opaque;
    gboolean more = G_SOURCE_REMOVE;

    (void)fd, (void)condition;
    char_lock(chr);
    if (chr->out_fd >= 0) {
        output_flush(chr);
        more = chr->output->len != 0;
    }
    if (!more) {
        chr->out_watch = 0;
    }
    char_unlock(chr);
    return more;
}

/* The queue is full. A terminal that somebody stopped is not waited for forever. */
static void output_wait(CharDev *chr)
{
    while (chr->output->len > CHAR_OUTPUT_BOUND && chr->out_fd >= 0) {
        if (!output_ready(chr, WAIT_MS) && isatty(chr->out_fd)) {
            g_byte_array_set_size(chr->output, CHAR_OUTPUT_BOUND);
            return;
        }
        output_flush(chr);
    }
}

void char_output(CharDev *chr, const uint8_t *data, size_t n)
{
    ssize_t done;

    while (n != 0 && chr->out_fd >= 0 && chr->output->len == 0) {
        done = output_try(chr, data, n);
        if (done < 0) {
            break;
        }
        data += done;
        n -= (size_t)done;
    }
    if (n == 0 || chr->out_fd < 0) {
        return;
    }
    if (!chr->waits && !chr->lossless) {
        n = MIN(n, CHAR_OUTPUT_BOUND - MIN(chr->output->len, CHAR_OUTPUT_BOUND));
    }
    g_byte_array_append(chr->output, data, (guint)n);
    if (!chr->lossless) {
        output_wait(chr);
    }
    if (chr->out_watch == 0 && chr->output->len != 0) {
        chr->out_watch = g_unix_fd_add(chr->out_fd, G_IO_OUT, output_watch, chr);
    }
}

void char_send(CharDev *chr, const uint8_t *data, size_t n)
{
    if (chr->driver->send != NULL) {
        chr->driver->send(chr, data, n);
    } else {
        char_output(chr, data, n);
    }
}

static void output_stamped(CharDev *chr, const uint8_t *data, size_t n)
{
    char stamp[32];
    int ms;

    for (size_t i = 0; i < n; i++) {
        if (!chr->line_begun) {
            ms = (int)((g_get_monotonic_time() - chr->stamp_start) / 1000);
            g_snprintf(stamp, sizeof(stamp), "[%02d:%02d:%02d.%03d] ", ms / 3600000,
                       ms / 60000 % 60, ms / 1000 % 60, ms % 1000);
            char_send(chr, (const uint8_t *)stamp, strlen(stamp));
        }
        chr->line_begun = data[i] != '\n';
        char_send(chr, &data[i], 1);
    }
}

void chardev_write(CharDev *chr, const uint8_t *data, size_t n)
{
    if (chr->stamps) {
        output_stamped(chr, data, n);
    } else if (n != 0) {
        chr->line_begun = data[n - 1] != '\n';
        char_send(chr, data, n);
    }
}

/* ---- Connections ---- */

void char_connect(CharDev *chr, int in_fd, int out_fd)
{
    chr->in_fd = in_fd;
    chr->out_fd = out_fd;
    char_input_start(chr);
    char_event(chr, CHAR_EVENT_OPENED);
}

void char_disconnect(CharDev *chr)
{
    bool connected = chr->in_fd >= 0 || chr->out_fd >= 0;

    if (chr->in_watch != 0) {
        g_source_remove(chr->in_watch);
    }
    if (chr->out_watch != 0) {
        g_source_remove(chr->out_watch);
    }
    chr->in_watch = chr->out_watch = 0;
    if (chr->owns_fds) {
        if (chr->in_fd >= 0) {
            close(chr->in_fd);
        }
        if (chr->out_fd >= 0 && chr->out_fd != chr->in_fd) {
            close(chr->out_fd);
        }
    }
    chr->in_fd = chr->out_fd = -1;
    g_byte_array_set_size(chr->output, 0);
    char_fds_clear(chr);
    chr->escaped = false;
    if (connected) {
        char_event(chr, CHAR_EVENT_CLOSED);
    }
}

size_t chardev_pending(const CharDev *chr)
{
    return chr->output->len;
}

void chardev_set_lossless(CharDev *chr)
{
    chr->lossless = true;
}

void chardev_set_lock(CharDev *chr, void (*lock)(void *opaque), void (*unlock)(void *opaque),
                      void *opaque)
{
    chr->lock = lock;
    chr->unlock = unlock;
    chr->lock_opaque = opaque;
}

void chardev_set_escape(CharDev *chr, CharEscape *escape, void *opaque)
{
    chr->escape = escape;
    chr->escape_opaque = opaque;
}

/* ---- Life ---- */

static const CharDriver *driver_find(const char *spec, const char **args)
{
    for (size_t i = 0; i < G_N_ELEMENTS(drivers); i++) {
        size_t n = strlen(drivers[i]->name);

        if (!g_str_has_prefix(spec, drivers[i]->name)) {
            continue;
        }
        if (spec[n] == '\0' || spec[n] == ',' || spec[n] == ':') {
            *args = spec + n + (spec[n] == ':');
            return drivers[i];
        }
    }
    return NULL;
}

CharDev *chardev_new_labelled(const char *spec, const char *label, GError **error)
{
    CharDev *chr = g_new0(CharDev, 1);
    const char *args;

    chr->spec = g_strdup(spec);
    chr->label = g_strdup(label);
    chr->in_fd = chr->out_fd = -1;
    chr->escape_key = CTRL_A;
    chr->output = g_byte_array_new();
    chr->commands = g_string_new(NULL);
    if (g_str_has_prefix(spec, "mon:")) {
        chr->mux = true;
        spec += strlen("mon:");
    }
    chr->driver = driver_find(spec, &args);
    if (chr->driver == NULL) {
        char_error(error, "no such kind of character device");
    } else if (chr->driver->open(chr, args, error)) {
        return chr;
    }
    chr->driver = NULL;
    chardev_free(chr);
    return NULL;
}

CharDev *chardev_new(const char *spec, GError **error)
{
    return chardev_new_labelled(spec, "serial0", error);
}

const char *chardev_label(const CharDev *chr)
{
    return chr->label;
}

void chardev_free(CharDev *chr)
{
    if (chr == NULL) {
        return;
    }
    char_slots_free(chr);
    if (chr->out_fd >= 0 && chr->driver != NULL) {
        output_flush(chr);
    }
    char_disconnect(chr);
    if (chr->driver != NULL && chr->driver->close != NULL) {
        chr->driver->close(chr);
    }
    g_byte_array_unref(chr->output);
    g_string_free(chr->commands, TRUE);
    g_free(chr->label);
    g_free(chr->spec);
    g_free(chr);
}
