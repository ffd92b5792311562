/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_IOV_H
#define HW_IOV_H
/* iov.h - vectors of buffers in guest RAM: copying, filling, cutting parts out. */
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* Copies from or to vectors, skipping `offset` bytes; the number of bytes copied. */
size_t iov_to_buffer(const struct iovec *iov, unsigned n, size_t offset, void *data, size_t size);
size_t iov_from_buffer(const struct iovec *iov, unsigned n, size_t offset, const void *data,
                       size_t size);
size_t iov_fill(const struct iovec *iov, unsigned n, size_t offset, uint8_t byte, size_t size);
/* The part [offset, offset + size) of vectors, in `to` with room for n; how many. */
unsigned iov_part(const struct iovec *iov, unsigned n, size_t offset, size_t size,
                  struct iovec *to);

#endif
