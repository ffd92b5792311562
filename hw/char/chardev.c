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

void char_event(CharDev *chr, CharEvent event)
{
    if (chr->has_front && chr->front.event != NULL) {
        chr->front.event(chr->front.opaque, event);
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

    while (chr->output->len != 0) {
        done = output_try(chr, chr->output->data, chr->output->len);
        if (done < 0) {
            return;
        }
        g_byte_array_remove_range(chr->output, 0, (guint)done);
    }
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
    if (!chr->waits) {
        n = MIN(n, CHAR_OUTPUT_BOUND - MIN(chr->output->len, CHAR_OUTPUT_BOUND));
    }
    g_byte_array_append(chr->output, data, (guint)n);
    output_wait(chr);
    if (chr->out_watch == 0 && chr->output->len != 0) {
        chr->out_watch = g_unix_fd_add(chr->out_fd, G_IO_OUT, output_watch, chr);
    }
}

static void output_send(CharDev *chr, const uint8_t *data, size_t n)
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
            output_send(chr, (const uint8_t *)stamp, strlen(stamp));
        }
        chr->line_begun = data[i] != '\n';
        output_send(chr, &data[i], 1);
    }
}

void chardev_write(CharDev *chr, const uint8_t *data, size_t n)
{
    if (chr->stamps) {
        output_stamped(chr, data, n);
    } else if (n != 0) {
        chr->line_begun = data[n - 1] != '\n';
        output_send(chr, data, n);
    }
}

/* ---- Ctrl-A commands ---- */

static void mux_help(CharDev *chr)
{
    static const char help[] = "\r\n"
                               "C-a h    print this help\r\n"
                               "C-a x    exit emulator\r\n"
                               "C-a s    save disk data back to file (if -snapshot)\r\n"
                               "C-a t    toggle console timestamps\r\n"
                               "C-a b    send break (magic sysrq)\r\n"
                               "C-a c    switch between console and monitor\r\n"
                               "C-a C-a  sends C-a\r\n";

    output_send(chr, (const uint8_t *)help, sizeof(help) - 1);
}

static void mux_command(CharDev *chr, uint8_t key)
{
    switch (key) {
    case 'h':
    case '?':
        mux_help(chr);
        break;
    case 'b':
        char_event(chr, CHAR_EVENT_BREAK);
        break;
    case 't':
        chr->stamps = !chr->stamps;
        chr->stamp_start = g_get_monotonic_time();
        chr->line_begun = false;
        break;
    case 'x':
    case 'c':
    case 's':
        g_string_append_c(chr->commands, (char)key);
        break;
    default:
        break;
    }
}

/* Takes commands out of the input; returns how many bytes are left. */
static size_t mux_filter(CharDev *chr, uint8_t *data, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        if (chr->escaped && data[i] != CTRL_A) {
            chr->escaped = false;
            mux_command(chr, data[i]);
        } else if (!chr->escaped && data[i] == CTRL_A) {
            chr->escaped = true;
        } else {
            chr->escaped = false;
            data[kept++] = data[i];
        }
    }
    return kept;
}

/* ---- Input ---- */

static void input_deliver(CharDev *chr)
{
    size_t n;
    size_t head;

    if (chr->delivering) {
        return;
    }
    chr->delivering = true;
    while (chr->has_front && chr->input_count != 0) {
        head = chr->input_head;
        n = MIN(chr->input_count, CHAR_INPUT_SIZE - head);
        n = MIN(n, chr->front.can_receive(chr->front.opaque));
        if (n == 0) {
            break;
        }
        chr->input_head = (head + n) % CHAR_INPUT_SIZE;
        chr->input_count -= n;
        chr->front.receive(chr->front.opaque, &chr->input[head], n);
    }
    if (!chr->has_front) {
        chr->input_count = 0;
    }
    chr->delivering = false;
}

static void input_put(CharDev *chr, const uint8_t *data, size_t n)
{
    for (size_t i = 0; i < n && chr->input_count < CHAR_INPUT_SIZE; i++) {
        chr->input[(chr->input_head + chr->input_count) % CHAR_INPUT_SIZE] = data[i];
        chr->input_count++;
    }
}

/* Reads once. False: stop watching. */
static bool input_read(CharDev *chr)
{
    uint8_t data[1024];
    size_t room = CHAR_INPUT_SIZE - chr->input_count;
    ssize_t n;

    if (room == 0 && !chr->keep_keys) {
        return false; /* until the front end has taken some */
    }
    n = read(chr->in_fd, data, chr->keep_keys ? sizeof(data) : MIN(room, sizeof(data)));
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return true;
    }
    if (n <= 0) {
        chr->in_watch = 0;
        if (chr->driver->hangup == NULL) {
            if (chr->owns_fds && chr->in_fd != chr->out_fd) {
                close(chr->in_fd);
            }
            chr->in_fd = -1; /* end of input; output goes on */
            return false;
        }
        char_disconnect(chr);
        chr->driver->hangup(chr);
        return chr->in_watch != 0;
    }
    if (chr->driver->filter != NULL) {
        n = (ssize_t)chr->driver->filter(chr, data, (size_t)n);
    }
    if (chr->mux) {
        n = (ssize_t)mux_filter(chr, data, (size_t)n);
    }
    input_put(chr, data, (size_t)n);
    input_deliver(chr);
    return true;
}

static void commands_run(CharDev *chr, const char *commands)
{
    for (; *commands != '\0' && chr->escape != NULL; commands++) {
        chr->escape(chr->escape_opaque, *commands);
    }
}

static gboolean input_watch(gint fd, GIOCondition condition, gpointer opaque)
{
    CharDev *chr = opaque;
    g_autofree char *commands = NULL;
    bool more = false;

    (void)condition;
    char_lock(chr);
    if (chr->in_fd == fd) {
        guint watch = chr->in_watch;

        more = input_read(chr) && chr->in_watch == watch;
        if (!more && chr->in_watch == watch) {
            chr->in_watch = 0;
        }
    }
    commands = g_strdup(chr->commands->str);
    g_string_truncate(chr->commands, 0);
    char_unlock(chr);
    commands_run(chr, commands);
    return more;
}

static void input_start(CharDev *chr)
{
    if (chr->in_fd >= 0 && chr->in_watch == 0 && chr->input_count < CHAR_INPUT_SIZE) {
        chr->in_watch = g_unix_fd_add(chr->in_fd, G_IO_IN | G_IO_HUP | G_IO_ERR, input_watch, chr);
    }
}

void chardev_accept_input(CharDev *chr)
{
    if (chr->input_count != 0) {
        input_deliver(chr);
    }
    if (chr->in_watch == 0) {
        input_start(chr);
    }
}

/* ---- Connections ---- */

void char_connect(CharDev *chr, int in_fd, int out_fd)
{
    chr->in_fd = in_fd;
    chr->out_fd = out_fd;
    input_start(chr);
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
    chr->escaped = false;
    if (connected) {
        char_event(chr, CHAR_EVENT_CLOSED);
    }
}

void chardev_set_front(CharDev *chr, const CharFront *front)
{
    chr->has_front = front != NULL;
    if (front != NULL) {
        chr->front = *front;
        if (chr->out_fd >= 0) {
            char_event(chr, CHAR_EVENT_OPENED);
        }
        chardev_accept_input(chr);
    }
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

void chardev_free(CharDev *chr)
{
    if (chr == NULL) {
        return;
    }
    chr->has_front = false;
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
