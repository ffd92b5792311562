/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nbd_status.c - what an NBD client is told about a stretch of an export: one chunk a context. */
#include "hw/block/bitmap.h"
#include "hw/block/nbd_server_int.h"

enum { HOLE = 1, ZERO = 2 };
enum { DIRTY = 1 };
enum { DESCRIPTOR = 8, DESCRIPTORS_MAX = NBD_PIECE / DESCRIPTOR };

/* The flags at `offset`, and how far they reach. */
static int status_at(NbdClient *client, const NbdContext *context, uint64_t offset, uint64_t size,
                     uint64_t *length, uint32_t *flags)
{
    BlockExtent extent;
    unsigned depth;
    int error;

    if (context->kind == NBD_CONTEXT_BITMAP) {
        *flags = block_bitmap_run(g_ptr_array_index(client->export->dirty, context->bitmap), offset,
                                  size, length)
                     ? DIRTY
                     : 0;
        return 0;
    }
    error = layer_extent_above(client->export->layer, NULL, offset, size, &extent, &depth);
    if (error != 0) {
        return error;
    }
    *length = MIN(extent.size, size);
    if (context->kind == NBD_CONTEXT_DEPTH) {
        *flags = extent.allocated ? depth + 1 : 0;
    } else {
        *flags = (extent.data ? 0 : HOLE) | (extent.zero ? ZERO : 0);
    }
    return 0;
}

/* Descriptors into `out`, neighbours that are alike in one; `count`: how many. */
static int status_collect(NbdClient *client, const NbdContext *context, uint64_t offset,
                          uint32_t size, bool one, uint8_t *out, unsigned *count)
{
    uint32_t before = 0;
    uint64_t run = 0;
    unsigned n = 0;

    for (uint64_t done = 0; done < size;) {
        uint32_t flags = 0;
        uint64_t length = 0;
        int error = status_at(client, context, offset + done, size - done, &length, &flags);

        if (error != 0) {
            return error;
        }
        if (n == 0 || flags != before) {
            if (n == (one ? 1 : DESCRIPTORS_MAX)) {
                break;
            }
            n++;
            run = 0;
        }
        before = flags;
        run += length;
        done += length;
        nbd_put32(out + (n - 1) * DESCRIPTOR, (uint32_t)run);
        nbd_put32(out + (n - 1) * DESCRIPTOR + 4, flags);
    }
    *count = n;
    return 0;
}

bool nbd_status(NbdClient *client, const uint8_t *cookie, uint64_t offset, uint32_t size, bool one,
                uint8_t *buffer)
{
    bool good = true;

    for (unsigned i = 0; i < client->n_contexts && good; i++) {
        uint8_t id[4];
        struct iovec iov[] = { { id, sizeof(id) }, { buffer, 0 } };
        unsigned n = 0;
        int error;

        graph_enter(client->server->graph);
        error = status_collect(client, &client->contexts[i], offset, size, one, buffer, &n);
        graph_leave(client->server->graph);
        if (error != 0) {
            return nbd_send_error(client, cookie, error);
        }
        nbd_put32(id, i);
        iov[1].iov_len = (size_t)n * DESCRIPTOR;
        good = nbd_send_chunk(client, cookie, NBD_CHUNK_STATUS, i + 1 == client->n_contexts, iov,
                              2);
    }
    return good;
}
