/* SPDX-License-Identifier: GPL-2.0-or-later */
/* p9_file.c - open files and folders.
 *
 * What the page cache has is read at once; the rest, large writes and fsync are left to threads. */
#include "hw/9p/p9_int.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>
#include "hw/virtio/virtqueue.h"

enum {
    AT_ONCE = 32 << 10,
    DIRENT_FIXED = 13 + 8 + 1 + 2, /* qid, offset, type, length of the name */
    OPEN_FLAGS = O_ACCMODE | O_APPEND | O_TRUNC | O_EXCL | O_SYNC | O_DSYNC | O_DIRECTORY
};

/* ---- Opening ---- */

static int opened(P9Request *request, P9Fid *fid, int fd, struct stat *st)
{
    int error = share_stat_open(fid->node, fd, st);

    if (error != 0) {
        close(fd);
        return error;
    }
    fid->file = p9_file_new(fd);
    request->server->opens++;
    error = p9_put_qid(request, st);
    p9_put32(request, p9_io_unit(request->server, st));
    return error;
}

int p9_lopen(P9Request *request)
{
    P9Fid *fid = p9_get_place(request);
    uint32_t flags = p9_get32(request);
    struct stat st;
    int fd, error;

    if (request->error != 0) {
        return request->error;
    }
    if (fid->file != NULL) {
        return EINVAL;
    }
    if (request->server->opens >= request->server->opens_max) {
        return EMFILE;
    }
    if (share_readonly(request->server->share) &&
        ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0)) {
        return EROFS;
    }
    error = share_open(fid->node, (int)(flags & OPEN_FLAGS), &fd);
    return error != 0 ? error : opened(request, fid, fd, &st);
}

int p9_lcreate(P9Request *request)
{
    P9Fid *fid = p9_get_place(request);
    const char *name = p9_get_string(request);
    uint32_t flags = p9_get32(request), mode = p9_get32(request), gid = p9_get32(request);
    ShareNode *node;
    struct stat st;
    int fd, error;

    if (request->error != 0) {
        return request->error;
    }
    if (fid->file != NULL) {
        return EINVAL;
    }
    if (request->server->opens >= request->server->opens_max) {
        return EMFILE;
    }
    const ShareOwner owner = { fid->uid, gid, S_IFREG | (mode & 07777) };

    error = share_create(fid->node, name, (int)(flags & OPEN_FLAGS & ~O_DIRECTORY), &owner, &fd);
    if (error != 0) {
        return error;
    }
    error = share_walk(fid->node, name, &node, &st);
    if (error != 0) {
        close(fd);
        return error;
    }
    share_node_unref(fid->node); /* the fid is the new file's from now on */
    fid->node = node;
    return opened(request, fid, fd, &st);
}

/* ---- Reading and writing ---- */

static ssize_t transfer(P9Request *request,
                        ssize_t (*call)(int fd, const struct iovec *iov, int n, off_t offset))
{
    ssize_t done = 0;
    struct iovec *iov = request->iov;
    unsigned n = request->n_iov;

    while (n > 0) {
        ssize_t part = call(request->file->fd, iov, (int)MIN(n, IOV_MAX),
                            (off_t)(request->offset + (uint64_t)done));

        if (part < 0 && errno == EINTR) {
            continue;
        }
        if (part <= 0) {
            return done > 0 || part == 0 ? done : -errno;
        }
        done += part;
        for (; n > 0 && (size_t)part >= iov->iov_len; n--, iov++) {
            part -= (ssize_t)iov->iov_len;
        }
        if (n > 0) {
            iov->iov_base = (uint8_t *)iov->iov_base + part;
            iov->iov_len -= (size_t)part;
        }
    }
    return done;
}

static ssize_t work_read(P9Request *request)
{
    return transfer(request, preadv);
}

static ssize_t work_write(P9Request *request)
{
    ssize_t done = transfer(request, pwritev);

    if (done > 0 && share_writeout(request->server->share)) {
        sync_file_range(request->file->fd, (off_t)request->offset, done,
                        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE);
    }
    return done;
}

static ssize_t work_fsync(P9Request *request)
{
    int fd = request->file->fd;
    int status = request->offset != 0 ? fdatasync(fd) : fsync(fd);

    return status == 0 ? 0 : -errno;
}

/* The open file of the request's fid, for a thread or this one. */
static int file_take(P9Request *request, const P9Fid *fid)
{
    if (fid->file == NULL) {
        return EBADF;
    }
    request->file = p9_file_ref(fid->file);
    return 0;
}

static int read_answer(P9Request *request, ssize_t done)
{
    if (done < 0) {
        return (int)-done;
    }
    request->data_size = (uint32_t)done;
    p9_put32(request, (uint32_t)done);
    return 0;
}

/* What the page cache has is read at once. Where the file system cannot tell, little is: mostly it
 * need not wait. */
static int read_start(P9Request *request, uint32_t count)
{
    ssize_t done = -1;
    struct stat st;

    if (request->n_iov <= IOV_MAX) {
        done = preadv2(request->file->fd, request->iov, (int)request->n_iov, (off_t)request->offset,
                       RWF_NOWAIT);
        if (done < 0 && errno == EOPNOTSUPP && count <= AT_ONCE) {
            return read_answer(request, work_read(request));
        }
    }
    if (done >= 0 &&
        ((uint32_t)done == count || (fstat(request->file->fd, &st) == 0 &&
                                     (uint64_t)st.st_size <= request->offset + (uint64_t)done))) {
        return read_answer(request, done);
    }
    request->work = work_read;
    return p9_work_start(request);
}

/* The open file, for a transfer at request->offset; `too_far`: the error of one that no file has.
 */
static int place_take(P9Request *request, P9Fid *fid, int too_far)
{
    int error = file_take(request, fid);

    return error == 0 && request->offset > INT64_MAX - P9_MSIZE_MAX ? too_far : error;
}

int p9_read(P9Request *request)
{
    P9Fid *fid = p9_get_fid(request);
    const P9Call *call = request->call;
    uint32_t count;
    int error;

    request->offset = p9_get64(request);
    count = p9_get32(request);
    if (request->error != 0) {
        return request->error;
    }
    count = MIN(count, request->server->msize - P9_DATA_AT);
    count = (uint32_t)MIN(count, call->in_size - P9_DATA_AT);
    if (fid->xattr != NULL) {
        return p9_xattr_read(request, fid, request->offset, count);
    }
    error = place_take(request, fid, EINVAL);
    if (error != 0) {
        return error;
    }
    request->iov = g_new(struct iovec, call->n_in + 1);
    request->n_iov = iov_part(call->in, call->n_in, P9_DATA_AT, count, request->iov);
    return read_start(request, count);
}

int p9_write(P9Request *request)
{
    P9Fid *fid = p9_get_fid(request);
    const P9Call *call = request->call;
    uint32_t count;
    int error;

    request->offset = p9_get64(request);
    count = p9_get32(request);
    if (request->error != 0) {
        return request->error;
    }
    if (count > call->out_size - P9_WRITE_HEADER || count > request->server->msize) {
        return EINVAL;
    }
    if (fid->xattr != NULL) {
        return p9_xattr_write(request, fid, request->offset, count);
    }
    error = place_take(request, fid, EFBIG);
    if (error != 0) {
        return error;
    }
    request->iov = g_new(struct iovec, call->n_out + 1);
    request->n_iov = iov_part(call->out, call->n_out, P9_WRITE_HEADER, count, request->iov);
    request->work = work_write;
    if (count > AT_ONCE) {
        return p9_work_start(request);
    }
    request->result = work_write(request);
    return request->result < 0 ? (int)-request->result : 0;
}

int p9_fsync(P9Request *request)
{
    P9Fid *fid = p9_get_place(request);
    int error;

    /* Data only; an old client does not say. */
    request->offset = request->at < request->size ? p9_get32(request) : 0;
    if (request->error != 0) {
        return request->error;
    }
    error = file_take(request, fid);
    if (error != 0) {
        return error;
    }
    request->work = work_fsync;
    return p9_work_start(request);
}

/* ---- Folders ---- */

static int dir_open(P9File *file)
{
    if (file->dir == NULL) {
        file->dir = fdopendir(file->fd);
    }
    return file->dir != NULL ? 0 : errno;
}

/* False: it has no room any more. */
static bool entry_put(P9Request *request, const P9Fid *fid, const struct dirent *entry,
                      uint32_t room)
{
    guint before = request->reply->len;
    struct stat st;
    uint8_t type;

    if (DIRENT_FIXED + strlen(entry->d_name) > room) {
        return false;
    }
    if (share_entry(fid->node, fid->file->fd, entry, &st, &type) != 0 ||
        p9_put_qid(request, &st) != 0) {
        g_byte_array_set_size(request->reply, before); /* it has gone meanwhile, or is hidden */
        return true;
    }
    p9_put64(request, (uint64_t)entry->d_off);
    p9_put8(request, type);
    p9_put_string(request, entry->d_name);
    return true;
}

static int entries_put(P9Request *request, const P9Fid *fid, uint32_t count)
{
    for (;;) {
        uint32_t used = request->reply->len - 4;
        const struct dirent *entry;

        errno = 0;
        entry = readdir(fid->file->dir);
        if (entry == NULL) {
            return used > 0 ? 0 : errno;
        }
        if (!share_hides(request->server->share, entry->d_name) &&
            !entry_put(request, fid, entry, count - used)) {
            return used > 0 ? 0 : EINVAL;
        }
    }
}

int p9_readdir(P9Request *request)
{
    P9Fid *fid = p9_get_place(request);
    uint64_t offset = p9_get64(request);
    uint32_t count = p9_get32(request);
    int error;

    if (request->error != 0) {
        return request->error;
    }
    if (fid->file == NULL) {
        return EBADF;
    }
    error = dir_open(fid->file);
    if (error != 0) {
        return error;
    }
    count = MIN(count, request->server->msize - P9_DATA_AT);
    count = (uint32_t)MIN(count, request->call->in_size - P9_DATA_AT);
    if (offset == 0) {
        rewinddir(fid->file->dir);
    } else {
        seekdir(fid->file->dir, (long)offset);
    }
    p9_put32(request, 0);
    error = entries_put(request, fid, count);
    if (error == 0) {
        const uint32_t size = GUINT32_TO_LE(request->reply->len - 4);

        memcpy(request->reply->data, &size, sizeof(size));
    }
    return error;
}
