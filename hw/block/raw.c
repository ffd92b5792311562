/* SPDX-License-Identifier: GPL-2.0-or-later */
/* raw.c - the protocol "file": a regular file or a block device of the host, as it is.
 *
 * The image is locked with open-file-description locks on single bytes, which work between
 * processes as well as between two drives of one process. The bytes are those that QEMU uses, so
 * that the two refuse each other's images: a lock on PERM + n says "I do n", one on REFUSE + n says
 * "nobody else may do n".  All locks are shared ones; a conflict is found by asking whether
 * somebody holds the opposite byte.
 *
 * A size that is no multiple of 512 is rounded up: the missing part of the last sector reads as
 * zeros, and writing that sector makes the file longer. */
#include "hw/block/block_int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { /* what is done with an image: bits of a set, and offsets of bytes */
       USE_READ = 0,
       USE_WRITE = 1,
       USE_RESIZE = 3,
       USE_COUNT = 4,
       LOCK_PERM = 100,
       LOCK_REFUSE = 200,
};

typedef struct RawLayer {
    BlockLayer layer;
    int fd;
    bool unsafe; /* cache=unsafe: flushes do nothing */
} RawLayer;

static int raw_read(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n)
{
    const RawLayer *raw = (const RawLayer *)layer;

    return file_read(raw->fd, offset, iov, n);
}

static int raw_write(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n)
{
    const RawLayer *raw = (const RawLayer *)layer;

    return file_write(raw->fd, offset, iov, n);
}

static int raw_flush(BlockLayer *layer)
{
    const RawLayer *raw = (const RawLayer *)layer;

    return raw->unsafe || fdatasync(raw->fd) == 0 ? 0 : errno;
}

static int raw_discard(BlockLayer *layer, uint64_t offset, uint64_t size)
{
    const RawLayer *raw = (const RawLayer *)layer;
    int error = file_punch(raw->fd, offset, size);

    /* It is a hint: a file system that cannot do it keeps the data. */
    return error == EOPNOTSUPP || error == ENOSYS || error == ENODEV ? 0 : error;
}

static void raw_close(BlockLayer *layer)
{
    RawLayer *raw = (RawLayer *)layer;

    close(raw->fd);
    g_free(raw);
}

static const BlockDriver raw_driver = {
    .name = "file",
    .read = raw_read,
    .write = raw_write,
    .flush = raw_flush,
    .discard = raw_discard,
    .close = raw_close,
};

/* ---- Locking ---- */

static bool lock_byte(int fd, off_t byte)
{
    struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };

    return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

static bool byte_is_held(int fd, off_t byte)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };

    return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

static bool raw_lock(int fd, bool writer, const char *path, GError **error)
{
    unsigned does = 1u << USE_READ | (writer ? 1u << USE_WRITE | 1u << USE_RESIZE : 0);
    unsigned refuses = 1u << USE_WRITE | 1u << USE_RESIZE;
    bool busy = false;

    for (int i = 0; i < USE_COUNT; i++) {
        if (((does >> i & 1) != 0 && !lock_byte(fd, LOCK_PERM + i)) ||
            ((refuses >> i & 1) != 0 && !lock_byte(fd, LOCK_REFUSE + i))) {
            /* Somebody holds it exclusively, or the file system has no locks at all. */
            busy |= errno == EAGAIN || errno == EACCES;
        }
    }
    for (int i = 0; i < USE_COUNT; i++) {
        busy |= (does >> i & 1) != 0 && byte_is_held(fd, LOCK_REFUSE + i);
        busy |= (refuses >> i & 1) != 0 && byte_is_held(fd, LOCK_PERM + i);
    }
    if (busy && writer) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_LOCKED,
                    "'%s' is in use by another drive or process, so it cannot be opened for "
                    "writing",
                    path);
    } else if (busy) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_LOCKED,
                    "'%s' is open for writing by another drive or process", path);
    }
    return !busy;
}

/* ---- Opening ---- */

static bool raw_cache(const char *cache, int *flags, bool *unsafe, GError **error)
{
    /* "none" and "directsync" ask for no host page cache; the guest cannot tell that it is used. */
    static const struct {
        const char *name;
        bool unsafe, through;
    } modes[] = {
        { "writeback", false, false },   { "none", false, false },      { "unsafe", true, false },
        { "writethrough", false, true }, { "directsync", false, true },
    };

    for (size_t i = 0; cache != NULL && i < G_N_ELEMENTS(modes); i++) {
        if (strcmp(cache, modes[i].name) == 0) {
            *unsafe = modes[i].unsafe;
            *flags |= modes[i].through ? O_DSYNC : 0;
            return true;
        }
    }
    if (cache != NULL) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN, "unknown cache mode '%s'", cache);
    }
    return cache == NULL;
}

/* 0 and an error if it is nothing that can be a disk. */
static uint64_t raw_size(int fd, const char *path, GError **error)
{
    struct stat st;
    off_t end = 0;

    if (fstat(fd, &st) != 0) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN, "cannot open '%s': %s", path,
                    g_strerror(errno));
        return 0;
    }
    if (S_ISDIR(st.st_mode)) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN, "'%s' is a directory", path);
        return 0;
    }
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN,
                    "'%s' is neither a regular file nor a block device", path);
        return 0;
    }
    end = S_ISREG(st.st_mode) ? st.st_size : lseek(fd, 0, SEEK_END);
    if (end <= 0) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_SIZE, "'%s' is empty", path);
        return 0;
    }
    return ((uint64_t)end + BLOCK_SECTOR - 1) & ~(uint64_t)(BLOCK_SECTOR - 1);
}

BlockLayer *raw_open(const BlockOptions *options, GError **error)
{
    bool writer = !options->readonly && !options->snapshot, unsafe = false;
    /* Not to hang on a FIFO. */
    int flags = (writer ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    RawLayer *raw;
    uint64_t size;
    int fd;

    if (!raw_cache(options->cache, &flags, &unsafe, error)) {
        return NULL;
    }
    fd = open(options->path, flags);
    if (fd < 0) {
        int reason = errno;

        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN, "cannot open '%s'%s: %s", options->path,
                    writer && (reason == EACCES || reason == EROFS) ? " for writing" : "",
                    g_strerror(reason));
        return NULL;
    }
    size = raw_size(fd, options->path, error);
    if (size == 0 || !raw_lock(fd, writer, options->path, error)) {
        close(fd);
        return NULL;
    }
    raw = g_new0(RawLayer, 1);
    raw->layer.driver = &raw_driver;
    raw->layer.size = size;
    raw->fd = fd;
    raw->unsafe = unsafe;
    return &raw->layer;
}
