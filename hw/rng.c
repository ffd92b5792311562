/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/rng.h"
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <sys/random.h>
#include <unistd.h>

struct Rng {
    int fd; /* -1: the kernel's generator */
    guint watch;
    void (*ready)(void *opaque);
    void *ready_opaque;
    void (*lock)(void *opaque);
    void (*unlock)(void *opaque);
    void *lock_opaque;
};

Rng *rng_builtin_new(void)
{
    Rng *rng = g_new0(Rng, 1);

    rng->fd = -1;
    return rng;
}

Rng *rng_file_new(const char *path, GError **error)
{
    int fd = open(path != NULL ? path : "/dev/urandom", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    Rng *rng;

    if (fd < 0) {
        g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
                    "Could not open '%s': %s", path, g_strerror(errno));
        return NULL;
    }
    rng = rng_builtin_new();
    rng->fd = fd;
    return rng;
}

void rng_free(Rng *rng)
{
    if (rng->watch != 0) {
        g_source_remove(rng->watch);
    }
    if (rng->fd >= 0) {
        close(rng->fd);
    }
    g_free(rng);
}

static gboolean file_ready(gint fd, GIOCondition condition, gpointer opaque)
{
    Rng *rng = opaque;

    (void)fd, (void)condition;
    rng->watch = 0;
    if (rng->lock != NULL) {
        rng->lock(rng->lock_opaque);
    }
    if (rng->ready != NULL) {
        rng->ready(rng->ready_opaque);
    }
    if (rng->unlock != NULL) {
        rng->unlock(rng->lock_opaque);
    }
    return G_SOURCE_REMOVE;
}

size_t rng_read(Rng *rng, void *data, size_t size)
{
    ssize_t n = rng->fd < 0 ? getrandom(data, size, GRND_NONBLOCK) : read(rng->fd, data, size);

    if (n < 0 && errno == EAGAIN && rng->fd >= 0 && rng->watch == 0) {
        rng->watch = g_unix_fd_add(rng->fd, G_IO_IN, file_ready, rng);
    }
    return n > 0 ? (size_t)n : 0;
}

void rng_set_reader(Rng *rng, void (*ready)(void *opaque), void *opaque)
{
    rng->ready = ready;
    rng->ready_opaque = opaque;
}

void rng_set_lock(Rng *rng, void (*lock)(void *opaque), void (*unlock)(void *opaque), void *opaque)
{
    rng->lock = lock;
    rng->unlock = unlock;
    rng->lock_opaque = opaque;
}
