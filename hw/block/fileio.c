/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fileio.c - vectors, and whole transfers to and from files. */
#include "hw/block/block_int.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

uint64_t iov_size(const struct iovec *iov, int n)
{
    uint64_t size = 0;

    for (int i = 0; i < n; i++) {
        size += iov[i].iov_len;
    }
    return size;
}

int iov_slice(const struct iovec *iov, int n, uint64_t skip, uint64_t size, struct iovec *out)
{
    int used = 0;

    for (int i = 0; i < n && size > 0; i++) {
        uint64_t length = iov[i].iov_len;

        if (skip >= length) {
            skip -= length;
            continue;
        }
        length = MIN(length - skip, size);
        out[used].iov_base = (char *)iov[i].iov_base + skip;
        out[used].iov_len = length;
        used++;
        size -= length;
        skip = 0;
    }
    return used;
}

void iov_zero(const struct iovec *iov, int n)
{
    for (int i = 0; i < n; i++) {
        memset(iov[i].iov_base, 0, iov[i].iov_len);
    }
}

typedef ssize_t Transfer(int fd, const struct iovec *iov, int n, off_t offset);

/* Returns 0, an errno, or -1 at the end of the file, with what is left in `iov`. */
static int transfer_all(Transfer *transfer, int fd, uint64_t offset, struct iovec *iov, int *n)
{
    while (*n > 0) {
        ssize_t done = transfer(fd, iov, MIN(*n, IOV_MAX), (off_t)offset);

        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0) {
            return errno;
        }
        if (done == 0) {
            return -1;
        }
        offset += (uint64_t)done;
        *n = iov_slice(iov, *n, (uint64_t)done, UINT64_MAX, iov);
    }
    return 0;
}

/* A copy that can be used up. Vectors of no bytes are left out. */
static struct iovec *iov_copy(const struct iovec *iov, int *n)
{
    struct iovec *copy = g_new(struct iovec, *n + 1);

    *n = iov_slice(iov, *n, 0, UINT64_MAX, copy);
    return copy;
}

int file_read(int fd, uint64_t offset, const struct iovec *iov, int n)
{
    g_autofree struct iovec *left = iov_copy(iov, &n);
    int error = transfer_all(preadv, fd, offset, left, &n);

    if (error < 0) {
        iov_zero(left, n);
        return 0;
    }
    return error;
}

int file_write(int fd, uint64_t offset, const struct iovec *iov, int n)
{
    g_autofree struct iovec *left = iov_copy(iov, &n);
    int error = transfer_all(pwritev, fd, offset, left, &n);

    return error < 0 ? EIO : error;
}

int file_punch(int fd, uint64_t offset, uint64_t size)
{
    int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

    while (fallocate(fd, mode, (off_t)offset, (off_t)size) != 0) {
        if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

bool buffer_is_zero(const void *data, size_t size)
{
    const uint8_t *bytes = data;

    /* Equal to itself a byte further on, and the first is 0. */
    return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

bool iov_is_zero(const struct iovec *iov, int n)
{
    for (int i = 0; i < n; i++) {
        if (!buffer_is_zero(iov[i].iov_base, iov[i].iov_len)) {
            return false;
        }
    }
    return true;
}
