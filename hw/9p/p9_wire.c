/* SPDX-License-Identifier: GPL-2.0-or-later */
/* p9_wire.c - the fields of messages: little-endian numbers, strings with their length, qids. */
#include "hw/9p/p9_int.h"

#include <errno.h>
#include <string.h>

static uint64_t get(P9Request *request, unsigned width)
{
    uint64_t value = 0;

    if (request->size - request->at < width) {
        request->error = EINVAL;
        request->at = request->size;
        return 0;
    }
    memcpy(&value, request->body + request->at, width);
    request->at += width;
    return GUINT64_FROM_LE(value);
}

uint8_t p9_get8(P9Request *request)
{
    return (uint8_t)get(request, 1);
}

uint16_t p9_get16(P9Request *request)
{
    return (uint16_t)get(request, 2);
}

uint32_t p9_get32(P9Request *request)
{
    return (uint32_t)get(request, 4);
}

uint64_t p9_get64(P9Request *request)
{
    return get(request, 8);
}

const char *p9_get_string(P9Request *request)
{
    uint16_t size = p9_get16(request);
    char *text;

    if (request->size - request->at < size ||
        memchr(request->body + request->at, '\0', size) != NULL) {
        request->error = EINVAL;
        request->at = request->size;
        return "";
    }
    text = g_strndup((const char *)request->body + request->at, size);
    request->at += size;
    g_ptr_array_add(request->strings, text);
    return text;
}

P9Fid *p9_get_fid(P9Request *request)
{
    uint32_t id = p9_get32(request);
    P9Fid *fid = p9_fid_find(request->server, id);

    if (fid == NULL && request->error == 0) {
        request->error = EBADF;
    }
    return fid;
}

P9Fid *p9_get_place(P9Request *request)
{
    P9Fid *fid = p9_get_fid(request);

    if (fid != NULL && fid->xattr != NULL && request->error == 0) {
        request->error = EINVAL;
    }
    return fid;
}

static void put(P9Request *request, uint64_t value, unsigned width)
{
    value = GUINT64_TO_LE(value);
    g_byte_array_append(request->reply, (const uint8_t *)&value, width);
}

void p9_put8(P9Request *request, uint8_t value)
{
    put(request, value, 1);
}

void p9_put16(P9Request *request, uint16_t value)
{
    put(request, value, 2);
}

void p9_put32(P9Request *request, uint32_t value)
{
    put(request, value, 4);
}

void p9_put64(P9Request *request, uint64_t value)
{
    put(request, value, 8);
}

void p9_put_string(P9Request *request, const char *text)
{
    size_t size = MIN(strlen(text), UINT16_MAX);

    p9_put16(request, (uint16_t)size);
    g_byte_array_append(request->reply, (const uint8_t *)text, (guint)size);
}

int p9_put_qid(P9Request *request, const struct stat *st)
{
    uint64_t number;
    int error = share_file_number(request->server->share, st, &number);

    p9_put8(request, S_ISDIR(st->st_mode) ? P9_QID_DIR : S_ISLNK(st->st_mode) ? P9_QID_SYMLINK : 0);
    p9_put32(request, (uint32_t)((uint64_t)st->st_mtime ^ (uint64_t)st->st_size << 8));
    p9_put64(request, number);
    return error;
}

/* As much as fits into a message, in blocks of the host's. */
uint32_t p9_io_unit(const P9Server *server, const struct stat *st)
{
    uint32_t most = server->msize - P9_IO_HEADER;
    uint32_t block = st->st_blksize > 0 && st->st_blksize <= most ? (uint32_t)st->st_blksize : most;

    return most - most % block;
}
