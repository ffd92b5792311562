/* SPDX-License-Identifier: GPL-2.0-or-later */
/* file.c - the protocols "file" and "host_device": a regular file or a block device of the host.
 *
 * Reads past the end give zeros, writes past it make a file longer. /dev/fdset/N takes a descriptor
 * that was handed over. */
#include "hw/block/file_int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ZEROES_PART = 1 << 20 };

/* ---- Requests ---- */

static int file_layer_read(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n)
{
    return file_read(((const FileLayer *)layer)->fd, offset, iov, n);
}

static void file_grown(BlockLayer *layer, uint64_t end)
{
    uint64_t size = __atomic_load_n(&layer->size, __ATOMIC_RELAXED);

    while (size < end && !__atomic_compare_exchange_n(&layer->size, &size, end, false,
                                                      __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
}

static int file_layer_write(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n)
{
    int error = file_write(((const FileLayer *)layer)->fd, offset, iov, n);

    if (error == 0) {
        file_grown(layer, offset + iov_size(iov, n));
    }
    return error;
}

static int file_layer_flush(BlockLayer *layer)
{
    if (layer->flags & BLOCK_NO_FLUSH) {
        return 0;
    }
    return fdatasync(((const FileLayer *)layer)->fd) == 0 ? 0 : errno;
}

static bool is_unsupported(int error)
{
    return error == EOPNOTSUPP || error == ENOSYS || error == ENODEV || error == ENOTTY ||
           error == EINVAL;
}

static int file_layer_discard(BlockLayer *layer, uint64_t offset, uint64_t size)
{
    int error;

    if (offset >= layer->size) {
        return 0;
    }
    error = file_punch(((const FileLayer *)layer)->fd, offset, MIN(size, layer->size - offset));
    /* It is a hint: a file system that cannot do it keeps the data. */
    return is_unsupported(error) ? 0 : error;
}

static int file_layer_write_zeroes(BlockLayer *layer, uint64_t offset, uint64_t size, bool unmap)
{
    const FileLayer *file = (const FileLayer *)layer;
    int mode = unmap ? FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE : FALLOC_FL_ZERO_RANGE;

    if (unmap && offset + size > layer->size) {
        if (!file->regular || ftruncate(file->fd, (off_t)(offset + size)) != 0) {
            return ENOTSUP;
        }
        file_grown(layer, offset + size);
    }
    while (fallocate(file->fd, mode, (off_t)offset, (off_t)size) != 0) {
        if (errno != EINTR) {
            return is_unsupported(errno) ? ENOTSUP : errno;
        }
    }
    file_grown(layer, offset + size);
    return 0;
}

static int file_layer_extent(BlockLayer *layer, uint64_t offset, uint64_t size, BlockExtent *extent)
{
    const FileLayer *file = (const FileLayer *)layer;
    off_t data = lseek(file->fd, (off_t)offset, SEEK_DATA), hole;

    extent->allocated = true;
    extent->file = layer;
    extent->file_offset = offset;
    extent->size = size;
    if (data < 0 && errno == ENXIO) { /* nothing up to the end */
        extent->zero = true;
    } else if (data > (off_t)offset) {
        extent->zero = true;
        extent->size = MIN(size, (uint64_t)data - offset);
    } else {
        hole = data < 0 ? -1 : lseek(file->fd, (off_t)offset, SEEK_HOLE);
        extent->data = true;
        if (hole > (off_t)offset) {
            extent->size = MIN(size, (uint64_t)hole - offset);
        }
    }
    return 0;
}

static int64_t file_layer_allocated(BlockLayer *layer)
{
    struct stat st;

    return fstat(((const FileLayer *)layer)->fd, &st) == 0 ? (int64_t)st.st_blocks * 512 : -1;
}

/* ---- Size ---- */

static int file_fill(int fd, uint64_t from, uint64_t to)
{
    g_autofree void *zeros = g_malloc0(ZEROES_PART);
    int error = 0;

    for (uint64_t at = from; at < to && error == 0; at += ZEROES_PART) {
        struct iovec iov = { zeros, MIN(ZEROES_PART, to - at) };

        error = file_write(fd, at, &iov, 1);
    }
    return error;
}

static int file_set_size(int fd, uint64_t from, uint64_t to, BlockPreallocation how)
{
    if (how == BLOCK_PREALLOC_FALLOC && to > from) {
        return posix_fallocate(fd, (off_t)from, (off_t)(to - from));
    }
    if (ftruncate(fd, (off_t)to) != 0) {
        return errno;
    }
    return how == BLOCK_PREALLOC_FULL && to > from ? file_fill(fd, from, to) : 0;
}

static bool file_layer_resize(BlockLayer *layer, uint64_t size, BlockPreallocation how,
                              GError **error)
{
    const FileLayer *file = (const FileLayer *)layer;
    int failed;

    if (!file->regular) {
        if (size <= layer->size) {
            return true;
        }
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_SIZE, "Cannot grow device files");
        return false;
    }
    failed = size == layer->size ? 0 : file_set_size(file->fd, layer->size, size, how);
    if (failed != 0) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_IO, "Failed to resize the image: %s",
                    g_strerror(failed));
        return false;
    }
    layer->size = size;
    return true;
}

bool file_create(const char *path, uint64_t size, BlockPreallocation how, GError **error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644), failed;
    struct stat st;

    if (fd < 0) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN, "Could not create '%s': %s", path,
                    g_strerror(errno));
        return false;
    }
    if (!file_lock(fd, FILE_WRITER, path, error)) { /* another may be using what is there */
        close(fd);
        return false;
    }
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        failed = ftruncate(fd, 0) != 0 ? errno : file_set_size(fd, 0, size, how);
    } else {
        failed = 0; /* a block device is as long as it is */
    }
    close(fd);
    if (failed != 0) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_IO, "Could not resize file: %s",
                    g_strerror(failed));
    }
    return failed == 0;
}

/* ---- Opening ---- */

/* The descriptor in `fd` is looked at, locked and kept. */
static bool file_take(FileLayer *file, int fd, GError **error)
{
    BlockLayer *layer = &file->layer;
    FileUse use = layer->flags & BLOCK_READONLY ? FILE_READER : FILE_WRITER;
    struct stat st;
    off_t end;

    if (fstat(fd, &st) != 0 || S_ISDIR(st.st_mode)) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN, "Could not open '%s': Is a directory",
                    layer->filename);
        return false;
    }
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN,
                    "'%s' is neither a regular file nor a block device", layer->filename);
        return false;
    }
    end = S_ISREG(st.st_mode) ? st.st_size : lseek(fd, 0, SEEK_END);
    if (end < 0) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN, "Could not get the size of '%s': %s",
                    layer->filename, g_strerror(errno));
        return false;
    }
    file->regular = S_ISREG(st.st_mode);
    if (file->locking && !(layer->flags & BLOCK_SHARE) &&
        !file_lock(fd, use, layer->filename, error)) {
        return false;
    }
    file->fd = fd;
    layer->size = (uint64_t)end;
    return true;
}

static int file_open_path(BlockLayer *layer, unsigned flags)
{
    /* Not to hang on a FIFO. */
    int mode = (flags & BLOCK_READONLY ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

    if (g_str_has_prefix(layer->filename, "/dev/fdset/")) {
        return graph_fdset_open(layer->graph, layer->filename, mode);
    }
    return open(layer->filename, mode);
}

static bool file_aio(JsonObject *options, GError **error)
{
    g_autofree char *aio = option_string(options, "aio");

    /* All mean the same here: requests run on a few threads. */
    if (aio == NULL || strcmp(aio, "threads") == 0 || strcmp(aio, "native") == 0 ||
        strcmp(aio, "io_uring") == 0) {
        return true;
    }
    g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION, "Invalid parameter '%s'", aio);
    return false;
}

static bool file_locking(JsonObject *options, bool *locking, GError **error)
{
    JsonNode *node = json_object_get_member(options, "locking");

    *locking = true;
    if (node != NULL && g_strcmp0(json_node_get_string(node), "auto") == 0) {
        json_object_remove_member(options, "locking");
        return true;
    }
    return option_bool(options, "locking", locking, error);
}

static bool file_layer_open(BlockLayer *layer, JsonObject *options, GError **error)
{
    FileLayer *file = (FileLayer *)layer;
    g_autofree char *filename = option_string(options, "filename");
    int fd;

    if (filename == NULL) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION,
                    "The 'file' block driver requires a file name");
        return false;
    }
    layer->filename = g_strdup(g_str_has_prefix(filename, "file:") ? filename + 5 : filename);
    if (!file_aio(options, error) || !file_locking(options, &file->locking, error)) {
        return false;
    }
    fd = file_open_path(layer, layer->flags);
    if (fd < 0 && (layer->flags & BLOCK_AUTO_READONLY) && !(layer->flags & BLOCK_READONLY) &&
        (errno == EACCES || errno == EROFS || errno == EPERM)) {
        layer->flags |= BLOCK_READONLY;
        fd = file_open_path(layer, layer->flags);
    }
    if (fd < 0) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN, "Could not open '%s': %s",
                    layer->filename, g_strerror(errno));
        return false;
    }
    if (!file_take(file, fd, error)) {
        close(fd);
        return false;
    }
    return true;
}

BlockLayer *file_layer_from_fd(BlockGraph *graph, int fd, const char *filename, unsigned flags)
{
    BlockLayer *layer = layer_new(graph, &file_driver, NULL, filename, flags);
    FileLayer *file = (FileLayer *)layer;

    graph_add_layer(graph, layer, NULL);
    if (!file_take(file, fd, NULL)) { /* no locks are asked for, and it is a file */
        g_assert_not_reached();
    }
    return layer;
}

static bool file_layer_reopen(BlockLayer *layer, unsigned flags, GError **error)
{
    FileLayer *file = (FileLayer *)layer;
    FileUse use = flags & BLOCK_READONLY ? FILE_READER : FILE_WRITER;
    bool locks = file->locking && !(layer->flags & BLOCK_SHARE);
    int fd = file_open_path(layer, flags);

    if (fd < 0) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN, "Could not reopen file: %s",
                    g_strerror(errno));
        return false;
    }
    if (locks) { /* our own must not stand in the way */
        file_unlock(file->fd);
        if (!file_lock(fd, use, layer->filename, error)) {
            file_lock(file->fd, layer->flags & BLOCK_READONLY ? FILE_READER : FILE_WRITER,
                      layer->filename, NULL);
            close(fd);
            return false;
        }
    }
    if (flags & BLOCK_READONLY) {
        fdatasync(file->fd);
    }
    close(file->fd);
    file->fd = fd;
    return true;
}

static void file_layer_close(BlockLayer *layer)
{
    close(((FileLayer *)layer)->fd);
}

#define FILE_DRIVER(words)                                                                         \
    {                                                                                              \
        .name = words, .protocol = true, .open = file_layer_open, .read = file_layer_read,         \
        .write = file_layer_write, .write_zeroes = file_layer_write_zeroes,                        \
        .discard = file_layer_discard, .flush = file_layer_flush, .extent = file_layer_extent,     \
        .resize = file_layer_resize, .reopen = file_layer_reopen,                                  \
        .allocated = file_layer_allocated, .close = file_layer_close, .size = sizeof(FileLayer)    \
    }

const BlockDriver file_driver = FILE_DRIVER("file");
const BlockDriver host_device_driver = FILE_DRIVER("host_device");
