/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nbd_transmit.c - requests of an NBD client, on its threads.
 *
 * A thread reads a request with what belongs to it while it holds `receive`, then does it beside
 * the others. Long ones go in pieces, so that a client costs us its threads' buffers whatever it
 * asks. */
#include "hw/block/nbd_server_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAGIC_REQUEST = 0x25609513, MAGIC_SIMPLE = 0x67446698, MAGIC_CHUNK = 0x668e33ef };
enum { ALIGNMENT = 4096 };

typedef enum Command {
    COMMAND_READ = 0,
    COMMAND_WRITE = 1,
    COMMAND_DISCONNECT = 2,
    COMMAND_FLUSH = 3,
    COMMAND_TRIM = 4,
    COMMAND_WRITE_ZEROES = 6,
    COMMAND_BLOCK_STATUS = 7
} Command;

enum { FLAG_FUA = 1, FLAG_NO_HOLE = 2, FLAG_DF = 4, FLAG_ONE = 8 };

typedef struct Request {
    unsigned flags, command;
    uint8_t cookie[8];
    uint64_t offset;
    uint32_t size;
} Request;

/* ---- Replies ---- */

/* Errors have numbers of their own on the wire. */
static uint32_t error_number(int error)
{
    static const struct {
        int host;
        uint32_t wire;
    } rows[] = { { EPERM, 1 },    { EROFS, 1 },      { ENOMEM, 12 }, { EINVAL, 22 },
                 { ENOSPC, 28 },  { EFBIG, 28 },     { EDQUOT, 28 }, { EOVERFLOW, 75 },
                 { ENOTSUP, 95 }, { ESHUTDOWN, 108 } };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (rows[i].host == error) {
            return rows[i].wire;
        }
    }
    return error == 0 ? 0 : 5;
}

static bool send_locked(NbdClient *client, const struct iovec *iov, int n)
{
    bool good;

    g_mutex_lock(&client->send);
    good = nbd_send(client, iov, n);
    if (!good) {
        nbd_client_cut(client); /* who reads ends, too */
    }
    g_mutex_unlock(&client->send);
    return good;
}

bool nbd_send_chunk(NbdClient *client, const uint8_t *cookie, NbdChunk type, bool last,
                    const struct iovec *iov, int n)
{
    uint8_t head[NBD_CHUNK_HEAD];
    struct iovec all[4] = { { head, sizeof(head) } };

    g_assert(n < (int)G_N_ELEMENTS(all));
    if (n > 0) {
        memcpy(all + 1, iov, sizeof(*iov) * (size_t)n);
    }
    nbd_put32(head, MAGIC_CHUNK);
    nbd_put16(head + 4, last ? NBD_DONE : 0);
    nbd_put16(head + 6, (uint16_t)type);
    memcpy(head + 8, cookie, 8);
    nbd_put32(head + 16, (uint32_t)iov_size(iov, n));
    return send_locked(client, all, n + 1);
}

bool nbd_send_error(NbdClient *client, const uint8_t *cookie, int error)
{
    uint8_t body[6] = { 0 };
    const struct iovec iov = { body, sizeof(body) };

    nbd_put32(body, error_number(error));
    return nbd_send_chunk(client, cookie, NBD_CHUNK_ERROR, true, &iov, 1);
}

static bool send_simple(NbdClient *client, const Request *request, int error, void *data,
                        size_t size)
{
    uint8_t head[16];
    const struct iovec iov[] = { { head, sizeof(head) }, { data, size } };

    nbd_put32(head, MAGIC_SIMPLE);
    nbd_put32(head + 4, error_number(error));
    memcpy(head + 8, request->cookie, sizeof(request->cookie));
    return send_locked(client, iov, size > 0 ? 2 : 1);
}

/* The whole reply, where nothing but an error is to be said. */
static bool send_result(NbdClient *client, const Request *request, int error)
{
    if (!client->structured) {
        return send_simple(client, request, error, NULL, 0);
    }
    return error != 0 ? nbd_send_error(client, request->cookie, error)
                      : nbd_send_chunk(client, request->cookie, NBD_CHUNK_NONE, true, NULL, 0);
}

/* ---- The medium: any bytes, of layers that take whole sectors ---- */

typedef struct Around { /* whole sectors around some bytes */
    uint64_t offset, size;
    uint8_t *data;
} Around;

static Around around_new(uint64_t offset, uint64_t size)
{
    uint64_t from = offset & ~(uint64_t)(BLOCK_SECTOR - 1);
    uint64_t to = (offset + size + BLOCK_SECTOR - 1) & ~(uint64_t)(BLOCK_SECTOR - 1);

    return (Around){ from, to - from, g_malloc(to - from) };
}

static bool is_whole(uint64_t offset, uint64_t size)
{
    return ((offset | size) & (BLOCK_SECTOR - 1)) == 0;
}

static int medium_read(NbdExport *export, uint64_t offset, void *data, uint64_t size)
{
    Around around;
    int error;

    if (is_whole(offset, size)) {
        return layer_pread(export->layer, offset, data, size);
    }
    around = around_new(offset, size);
    error = layer_pread(export->layer, around.offset, around.data, around.size);
    memcpy(data, around.data + (offset - around.offset), size);
    g_free(around.data);
    return error;
}

static int medium_write(NbdExport *export, uint64_t offset, const void *data, uint64_t size)
{
    Around around;
    int error;

    if (is_whole(offset, size)) {
        return layer_pwrite(export->layer, offset, data, size);
    }
    around = around_new(offset, size);
    g_mutex_lock(&export->partial);
    error = layer_pread(export->layer, around.offset, around.data, around.size);
    if (error == 0) {
        memcpy(around.data + (offset - around.offset), data, size);
        error = layer_pwrite(export->layer, around.offset, around.data, around.size);
    }
    g_mutex_unlock(&export->partial);
    g_free(around.data);
    return error;
}

/* What is whole sectors of a stretch goes to `whole`, its ragged ends are written with zeros if
 * they must be. */
static int medium_zero(NbdExport *export, uint64_t offset, uint64_t size, bool trim, bool unmap)
{
    static const uint8_t zeros[BLOCK_SECTOR];
    uint64_t head = MIN(-offset & (BLOCK_SECTOR - 1), size);
    uint64_t middle = (size - head) & ~(uint64_t)(BLOCK_SECTOR - 1);
    uint64_t tail = size - head - middle;
    int error = 0;

    if (trim) {
        return layer_discard(export->layer, offset + head, middle);
    }
    if (head > 0) {
        error = medium_write(export, offset, zeros, head);
    }
    if (error == 0) {
        error = layer_write_zeroes(export->layer, offset + head, middle, unmap);
    }
    return error == 0 && tail > 0 ? medium_write(export, offset + head + middle, zeros, tail)
                                  : error;
}

static int medium_change_done(NbdExport *export, const Request *request, int error)
{
    bool through = export->writethrough || (request->flags & FLAG_FUA);

    return error == 0 && through ? layer_flush(export->layer) : error;
}

/* ---- Commands ---- */

static int piece_read(NbdClient *client, uint64_t offset, void *data, uint64_t size)
{
    int error;

    graph_enter(client->server->graph);
    error = medium_read(client->export, offset, data, size);
    graph_leave(client->server->graph);
    return error;
}

/* How far what begins at an offset is alike; `zero`: it need not be read. */
static uint64_t piece_next(NbdClient *client, uint64_t offset, uint64_t size, bool *zero)
{
    BlockExtent extent;
    unsigned depth;
    int error;

    graph_enter(client->server->graph);
    error = layer_extent_above(client->export->layer, NULL, offset, size, &extent, &depth);
    graph_leave(client->server->graph);
    *zero = error == 0 && extent.zero;
    return *zero ? extent.size : MIN(error == 0 ? extent.size : size, NBD_PIECE);
}

static bool read_chunks(NbdClient *client, const Request *request, uint8_t *buffer)
{
    bool single = (request->flags & FLAG_DF) != 0, good = true;

    for (uint64_t done = 0; done < request->size && good;) {
        uint64_t offset = request->offset + done, size = request->size - done;
        uint8_t where[12];
        struct iovec iov[] = { { where, 8 }, { buffer, 0 } };
        bool zero = false;

        if (!single && size >= ALIGNMENT) {
            size = piece_next(client, offset, size, &zero);
        }
        nbd_put64(where, offset);
        nbd_put32(where + 8, (uint32_t)size);
        done += size;
        if (zero) {
            iov[0].iov_len = sizeof(where);
            good = nbd_send_chunk(client, request->cookie, NBD_CHUNK_HOLE, done == request->size,
                                  iov, 1);
        } else {
            int error = piece_read(client, offset, buffer, size);

            if (error != 0) {
                return nbd_send_error(client, request->cookie, error);
            }
            iov[1].iov_len = size;
            good = nbd_send_chunk(client, request->cookie, NBD_CHUNK_DATA, done == request->size,
                                  iov, 2);
        }
    }
    return good;
}

/* A simple reply says first whether all could be read. */
static bool read_large(NbdClient *client, const Request *request)
{
    uint8_t *data;
    int error = ENOMEM;
    bool good;

    g_mutex_lock(&client->large);
    data = g_try_malloc(request->size);
    if (data != NULL) {
        error = piece_read(client, request->offset, data, request->size);
    }
    good = send_simple(client, request, error, data, error == 0 ? request->size : 0);
    g_free(data);
    g_mutex_unlock(&client->large);
    return good;
}

static bool do_read(NbdClient *client, const Request *request, uint8_t *buffer)
{
    int error;

    if (request->size == 0) {
        return send_result(client, request, 0);
    }
    if (client->structured) {
        return (request->flags & FLAG_DF) && request->size > NBD_PIECE
                   ? nbd_send_error(client, request->cookie, EOVERFLOW)
                   : read_chunks(client, request, buffer);
    }
    if (request->size > NBD_PIECE) {
        return read_large(client, request);
    }
    error = piece_read(client, request->offset, buffer, request->size);
    return send_simple(client, request, error, buffer, error == 0 ? request->size : 0);
}

/* All of a command that has no data of its own. */
static int do_change(NbdClient *client, const Request *request)
{
    NbdExport *export = client->export;
    bool unmap;
    int error = 0;

    graph_enter(client->server->graph);
    unmap = (export->layer->flags & BLOCK_UNMAP) != 0;
    if (request->command == COMMAND_FLUSH) {
        error = export->writable ? layer_flush(export->layer) : 0;
    } else if (request->command == COMMAND_WRITE_ZEROES) {
        error = medium_zero(export, request->offset, request->size, false,
                            unmap && !(request->flags & FLAG_NO_HOLE));
    } else if (unmap) {
        error = medium_zero(export, request->offset, request->size, true, true);
    }
    if (request->command != COMMAND_FLUSH) {
        error = medium_change_done(export, request, error);
    }
    graph_leave(client->server->graph);
    return error;
}

/* What follows the head is read here; `receive` is held, and let go of as soon as it may be. */
static bool do_write(NbdClient *client, const Request *request, int error, uint8_t *buffer)
{
    NbdExport *export = client->export;
    bool good = true, held = true;

    for (uint64_t done = 0; done < request->size && good;) {
        uint64_t part = MIN(request->size - done, NBD_PIECE);

        good = nbd_receive(client, buffer, part);
        done += part;
        client->over |= !good;
        if (done == request->size) {
            g_mutex_unlock(&client->receive);
            held = false;
        }
        if (good && error == 0) {
            graph_enter(client->server->graph);
            error = medium_write(export, request->offset + done - part, buffer, part);
            if (done == request->size) {
                error = medium_change_done(export, request, error);
            }
            graph_leave(client->server->graph);
        }
    }
    if (held) {
        g_mutex_unlock(&client->receive);
    }
    return good && send_result(client, request, error);
}

/* ---- Requests ---- */

static int request_check(const NbdClient *client, const Request *request)
{
    static const unsigned allowed[] = {
        [COMMAND_READ] = FLAG_DF,
        [COMMAND_WRITE] = FLAG_FUA,
        [COMMAND_FLUSH] = 0,
        [COMMAND_TRIM] = FLAG_FUA,
        [COMMAND_WRITE_ZEROES] = FLAG_FUA | FLAG_NO_HOLE,
        [COMMAND_BLOCK_STATUS] = FLAG_ONE,
    };
    uint64_t size = nbd_export_size(client->export);
    unsigned command = request->command;
    bool changes = command == COMMAND_WRITE || command == COMMAND_TRIM ||
                   command == COMMAND_WRITE_ZEROES;

    if (command >= G_N_ELEMENTS(allowed) || command == 5 ||
        (request->flags & ~allowed[command]) != 0) {
        return EINVAL;
    }
    if (command == COMMAND_FLUSH) {
        return request->offset == 0 && request->size == 0 ? 0 : EINVAL;
    }
    if (changes && !client->export->writable) {
        return EPERM;
    }
    if (request->offset > size || request->size > size - request->offset) {
        return changes && command != COMMAND_TRIM ? ENOSPC : EINVAL;
    }
    if (command == COMMAND_READ && request->size > NBD_REQUEST_MAX) {
        return EINVAL;
    }
    if (command == COMMAND_READ && (request->flags & FLAG_DF) && !client->structured) {
        return EINVAL;
    }
    return command == COMMAND_BLOCK_STATUS && (client->n_contexts == 0 || request->size == 0)
               ? EINVAL
               : 0;
}

static bool request_receive(NbdClient *client, Request *request)
{
    uint8_t head[28];

    if (client->over || !nbd_receive(client, head, sizeof(head)) ||
        nbd_get32(head) != MAGIC_REQUEST) {
        return false;
    }
    request->flags = nbd_get16(head + 4);
    request->command = nbd_get16(head + 6);
    memcpy(request->cookie, head + 8, sizeof(request->cookie));
    request->offset = nbd_get64(head + 16);
    request->size = nbd_get32(head + 24);
    return request->command != COMMAND_DISCONNECT &&
           (request->command != COMMAND_WRITE || request->size <= NBD_REQUEST_MAX);
}

static bool request_serve(NbdClient *client, uint8_t *buffer)
{
    Request request;
    int error;

    g_mutex_lock(&client->receive);
    if (!request_receive(client, &request)) {
        client->over = true;
        g_mutex_unlock(&client->receive);
        return false;
    }
    error = request_check(client, &request);
    if (request.command == COMMAND_WRITE) {
        return do_write(client, &request, error, buffer);
    }
    g_mutex_unlock(&client->receive);
    if (error != 0) {
        return send_result(client, &request, error);
    }
    if (request.command == COMMAND_READ) {
        return do_read(client, &request, buffer);
    }
    if (request.command == COMMAND_BLOCK_STATUS) {
        return nbd_status(client, request.cookie, request.offset, request.size,
                          (request.flags & FLAG_ONE) != 0, buffer);
    }
    return send_result(client, &request, do_change(client, &request));
}

void nbd_transmit(NbdClient *client)
{
    uint8_t *buffer = aligned_alloc(ALIGNMENT, NBD_PIECE);

    while (buffer != NULL && request_serve(client, buffer)) {
    }
    free(buffer);
}
