/* SPDX-License-Identifier: GPL-2.0-or-later */
/* chardev.c - what all character devices have in common: watches, queues, Ctrl-A commands. */
#include "hw/char/chardev.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hw/char/chardev_int.h"

enum { CTRL_A = 1, PIECE = 512, WAIT_MS = 100 };

/* Kinds that QEMU has and doppel has not are rows, too. */
#define REFUSED(name_, why)                                                                        \
    {                                                                                              \
        .name = name_, .refusal = why                                                              \
    }
static const CharDriver refused[] = {
    REFUSED("parallel", "the host's parallel ports are not supported"),
    REFUSED("parport", "the host's parallel ports are not supported"),
    REFUSED("msmouse", "serial mice are not supported"),
    REFUSED("wctablet", "serial tablets are not supported"),
    REFUSED("braille", "braille displays are not supported"),
    REFUSED("testdev", "use isa-debug-exit"),
    REFUSED("spicevmc", "SPICE is not supported"),
    REFUSED("spiceport", "SPICE is not supported"),
    REFUSED("qemu-vdagent", "the clipboard is not shared"),
};

static const CharDriver *const drivers[] = {
    &char_null,   &char_none, &char_stdio, &char_file,    &char_pipe,   &char_pty,
    &char_socket, &char_udp,  &char_vc,    &char_ringbuf, &char_serial,
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
        chr->broken = chr->socket;
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
        more = chr->output->len != 0 && !chr->broken;
    }
    if (!more) {
        chr->out_watch = 0;
    }
    if (chr->out_fd >= 0 && chr->broken) { /* the peer has left, whatever of its input waits */
        char_disconnect(chr);
        chr->driver->hangup(chr);
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
    if (chr->broken && chr->out_fd >= 0 &&
        chr->out_watch == 0) { /* always ready: it says so there */
        chr->out_watch = g_unix_fd_add(chr->out_fd, G_IO_OUT, output_watch, chr);
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

/* What the log cannot take is the log's loss. */
static void output_log(const CharDev *chr, const uint8_t *data, size_t n)
{
    while (chr->log_fd >= 0 && n != 0) {
        ssize_t done = write(chr->log_fd, data, n);

        if (done < 0 && errno != EINTR) {
            return;
        }
        data += MAX(done, 0);
        n -= (size_t)MAX(done, 0);
    }
}

void chardev_write(CharDev *chr, const uint8_t *data, size_t n)
{
    output_log(chr, data, n);
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
    chr->broken = false;
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
    char_slots_clear(chr);
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

static const CharDriver *driver_find(const char *name)
{
    static const char *const same[][2] = { { "memory", "ringbuf" }, { "tty", "serial" } };

    for (size_t i = 0; i < G_N_ELEMENTS(same); i++) {
        name = strcmp(name, same[i][0]) == 0 ? same[i][1] : name;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(drivers); i++) {
        if (strcmp(drivers[i]->name, name) == 0) {
            return drivers[i];
        }
    }
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
        if (strcmp(refused[i].name, name) == 0) {
            return &refused[i];
        }
    }
    return NULL;
}

void chardev_each_kind(void (*each)(const char *kind, void *opaque), void *opaque)
{
    for (size_t i = 0; i < G_N_ELEMENTS(drivers); i++) {
        if (drivers[i] != &char_none) {
            each(drivers[i]->name, opaque);
        }
    }
}

static bool log_open(CharDev *chr, GError **error)
{
    const char *path = char_value(chr, "logfile");
    bool append = false;

    if (!char_value_bool(chr, "logappend", &append, error)) {
        return false;
    }
    if (path == NULL) {
        return true;
    }
    chr->log_fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC), 0666);
    if (chr->log_fd < 0) {
        char_error(error, "Unable to open logfile %s: %s", path, g_strerror(errno));
    }
    return chr->log_fd >= 0;
}

static bool chardev_open(CharDev *chr, GError **error)
{
    const char *backend = char_value(chr, "backend");
    const CharDriver *driver = driver_find(backend != NULL ? backend : "");

    if (driver == NULL) {
        char_error(error, "'%s' is not a valid char driver name", backend != NULL ? backend : "");
        return false;
    }
    if (driver->refusal != NULL) {
        char_error(error, "%s", driver->refusal);
        return false;
    }
    if (!char_values_check(chr->values, driver->known, error) ||
        !char_value_bool(chr, "mux", &chr->mux, error) || !log_open(chr, error)) {
        return false;
    }
    chr->driver = driver;
    if (!driver->open(chr, error)) {
        chr->driver = NULL;
        return false;
    }
    return true;
}

CharDev *chardev_new_properties(GHashTable *properties, const char *label, GError **error)
{
    CharDev *chr = g_new0(CharDev, 1);

    chr->values = g_hash_table_ref(properties);
    chr->label = g_strdup(label);
    chr->in_fd = chr->out_fd = chr->log_fd = -1;
    chr->escape_key = CTRL_A;
    chr->output = g_byte_array_new();
    chr->commands = g_string_new(NULL);
    if (!chardev_open(chr, error)) {
        chardev_free(chr);
        return NULL;
    }
    return chr;
}

GHashTable *chardev_properties(const char *spec, GError **error)
{
    return char_values_of_spec(spec, error);
}

CharDev *chardev_new_labelled(const char *spec, const char *label, GError **error)
{
    g_autoptr(GHashTable) values = char_values_of_spec(spec, error);

    return values != NULL ? chardev_new_properties(values, label, error) : NULL;
}

CharDev *chardev_new(const char *spec, GError **error)
{
    return chardev_new_labelled(spec, "serial0", error);
}

char *chardev_filename(const CharDev *chr)
{
    bool connected = !chr->socket || chr->in_fd >= 0 || chr->out_fd >= 0;

    return g_strconcat(connected ? "" : "disconnected:",
                       chr->filename != NULL ? chr->filename : chr->driver->name, NULL);
}

void chardev_set_escape_key(CharDev *chr, uint8_t key)
{
    chr->escape_key = key;
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
    if (chr->log_fd >= 0) {
        close(chr->log_fd);
    }
    g_hash_table_unref(chr->values);
    g_free(chr->label);
    g_free(chr->filename);
    g_free(chr);
}
