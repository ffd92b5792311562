/* SPDX-License-Identifier: GPL-2.0-or-later */
/* iov.c - copying between buffers and vectors of buffers. */
#include "hw/iov.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

unsigned iov_part(const struct iovec *iov, unsigned n, size_t offset, size_t size, struct iovec *to)
{
    unsigned made = 0;

    for (unsigned i = 0; i < n && size > 0; i++) {
        size_t room;

        if (offset >= iov[i].iov_len) {
            offset -= iov[i].iov_len;
            continue;
        }
        room = MIN(iov[i].iov_len - offset, size);
        to[made++] = (struct iovec){ (uint8_t *)iov[i].iov_base + offset, room };
        size -= room;
        offset = 0;
    }
    return made;
}

typedef enum Way { WAY_OUT, WAY_IN, WAY_FILL } Way;

static size_t iov_move(const struct iovec *iov, unsigned n, size_t offset, uint8_t *data,
                       size_t size, Way way)
{
    size_t done = 0;

    for (unsigned i = 0; i < n && done < size; i++) {
        uint8_t *at = iov[i].iov_base;
        size_t room;

        if (offset >= iov[i].iov_len) {
            offset -= iov[i].iov_len;
            continue;
        }
        at += offset;
        room = MIN(iov[i].iov_len - offset, size - done);
        offset = 0;
        switch (way) {
        case WAY_OUT:
            memcpy(data + done, at, room);
            break;
        case WAY_IN:
            memcpy(at, data + done, room);
            break;
        case WAY_FILL:
            memset(at, *data, room);
            break;
        }
        done += room;
    }
    return done;
}

size_t iov_to_buffer(const struct iovec *iov, unsigned n, size_t offset, void *data, size_t size)
{
    return iov_move(iov, n, offset, data, size, WAY_OUT);
}

size_t iov_from_buffer(const struct iovec *iov, unsigned n, size_t offset, const void *data,
                       size_t size)
{
    return iov_move(iov, n, offset, (uint8_t *)(uintptr_t)data, size, WAY_IN);
}

size_t iov_fill(const struct iovec *iov, unsigned n, size_t offset, uint8_t byte, size_t size)
{
    return iov_move(iov, n, offset, &byte, size, WAY_FILL);
}
