/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapshot.c - snapshot=on: an overlay whose clusters live in an unlinked temporary file.
 *
 * A bitmap says which clusters are there; the others are read from below, which is never written.
 * One writer at a time copies what it leaves of a cluster, writes, then sets the bits: a reader
 * that is not told yet reads what was there before. */
#include "hw/block/block_int.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { CLUSTER = 64 << 10 };

typedef struct SnapshotLayer {
    BlockLayer layer;
    int fd;
    GMutex write_lock;
    uint64_t *present; /* a bit a cluster; read by anybody, written under the lock */
} SnapshotLayer;

static bool cluster_present(const SnapshotLayer *snapshot, uint64_t cluster)
{
    uint64_t word = __atomic_load_n(&snapshot->present[cluster / 64], __ATOMIC_ACQUIRE);

    return (word >> (cluster % 64) & 1) != 0;
}

static void clusters_set_present(SnapshotLayer *snapshot, uint64_t first, uint64_t end)
{
    for (uint64_t i = first; i < end; i++) {
        __atomic_fetch_or(&snapshot->present[i / 64], 1ull << (i % 64), __ATOMIC_RELEASE);
    }
}

static int snapshot_read(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n)
{
    SnapshotLayer *snapshot = (SnapshotLayer *)layer;
    uint64_t done = 0, size = iov_size(iov, n);
    g_autofree struct iovec *part = g_new(struct iovec, n + 1);
    int error = 0;

    while (done < size && error == 0) {
        uint64_t at = offset + done, end = (at / CLUSTER + 1) * CLUSTER;
        bool present = cluster_present(snapshot, at / CLUSTER);
        int parts;

        /* A run of clusters from the same place is one transfer. */
        while (end < offset + size && cluster_present(snapshot, end / CLUSTER) == present) {
            end += CLUSTER;
        }
        end = MIN(end, offset + size);
        parts = iov_slice(iov, n, done, end - at, part);
        error = present ? file_read(snapshot->fd, at, part, parts)
                        : layer->below->driver->read(layer->below, at, part, parts);
        done = end - offset;
    }
    return error;
}

/* Copies [from, to), which lies in one cluster, from below. */
static int copy_up(SnapshotLayer *snapshot, uint64_t from, uint64_t to)
{
    BlockLayer *below = snapshot->layer.below;
    g_autofree void *data = NULL;
    struct iovec iov;
    int error;

    if (from >= to) {
        return 0;
    }
    data = g_malloc(to - from);
    iov = (struct iovec){ .iov_base = data, .iov_len = to - from };
    error = below->driver->read(below, from, &iov, 1);
    return error != 0 ? error : file_write(snapshot->fd, from, &iov, 1);
}

static int write_locked(SnapshotLayer *snapshot, uint64_t offset, const struct iovec *iov, int n)
{
    uint64_t end = offset + iov_size(iov, n);
    uint64_t first = offset / CLUSTER, last = (end - 1) / CLUSTER;
    int error = 0;

    if (!cluster_present(snapshot, first)) {
        error = copy_up(snapshot, first * CLUSTER, offset);
    }
    if (error == 0 && !cluster_present(snapshot, last)) {
        error = copy_up(snapshot, end, MIN((last + 1) * CLUSTER, snapshot->layer.size));
    }
    if (error == 0) {
        error = file_write(snapshot->fd, offset, iov, n);
    }
    if (error == 0) {
        clusters_set_present(snapshot, first, last + 1);
    }
    return error;
}

static int snapshot_write(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n)
{
    SnapshotLayer *snapshot = (SnapshotLayer *)layer;
    int error;

    g_mutex_lock(&snapshot->write_lock);
    error = write_locked(snapshot, offset, iov, n);
    g_mutex_unlock(&snapshot->write_lock);
    return error;
}

/* What is thrown away with the process need not be on stable storage. */
static int snapshot_flush(BlockLayer *layer)
{
    (void)layer;
    return 0;
}

/* Whole clusters become holes, which read as zeros. */
static int snapshot_discard(BlockLayer *layer, uint64_t offset, uint64_t size)
{
    SnapshotLayer *snapshot = (SnapshotLayer *)layer;
    uint64_t first = (offset + CLUSTER - 1) / CLUSTER, end = (offset + size) / CLUSTER;

    if (first >= end) {
        return 0;
    }
    g_mutex_lock(&snapshot->write_lock);
    if (file_punch(snapshot->fd, first * CLUSTER, (end - first) * CLUSTER) == 0) {
        clusters_set_present(snapshot, first, end);
    }
    g_mutex_unlock(&snapshot->write_lock);
    return 0;
}

static void snapshot_close(BlockLayer *layer)
{
    SnapshotLayer *snapshot = (SnapshotLayer *)layer;

    close(snapshot->fd);
    g_mutex_clear(&snapshot->write_lock);
    g_free(snapshot->present);
    g_free(snapshot);
}

static const BlockDriver snapshot_driver = {
    .name = "snapshot",
    .read = snapshot_read,
    .write = snapshot_write,
    .flush = snapshot_flush,
    .discard = snapshot_discard,
    .close = snapshot_close,
};

/* Not in a file system in RAM, if the user does not say so: overlays grow. */
static int temporary_file(GError **error)
{
    const char *folder = g_getenv("TMPDIR");
    g_autofree char *name = NULL;
    int fd;

    if (folder == NULL || *folder == '\0') {
        folder = "/var/tmp";
    }
    fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) {
        name = g_build_filename(folder, "doppel-XXXXXX", NULL);
        fd = g_mkstemp_full(name, O_RDWR | O_CLOEXEC, 0600);
        if (fd >= 0) {
            unlink(name);
        }
    }
    if (fd < 0) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN,
                    "snapshot=on: no temporary file in '%s': %s", folder, g_strerror(errno));
    }
    return fd;
}

BlockLayer *snapshot_open(BlockLayer *below, GError **error)
{
    SnapshotLayer *snapshot;
    int fd = temporary_file(error);

    if (fd < 0) {
        return NULL;
    }
    snapshot = g_new0(SnapshotLayer, 1);
    snapshot->layer.driver = &snapshot_driver;
    snapshot->layer.below = below;
    snapshot->layer.size = below->size;
    snapshot->fd = fd;
    g_mutex_init(&snapshot->write_lock);
    snapshot->present = g_new0(uint64_t, below->size / CLUSTER / 64 + 1);
    return &snapshot->layer;
}
