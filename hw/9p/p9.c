/* SPDX-License-Identifier: GPL-2.0-or-later */
/* p9.c - requests: taken apart, handled, answered.
 *
 * 9P2000.L as Linux's client speaks it (Documentation/filesystems/9p.rst, diod's protocol.md). A
 * message that is no message - of a wrong size, too long, cut off - gets an error, too. */
#include "hw/9p/p9_int.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include "hw/virtio/virtqueue.h"

typedef struct MessageRow {
    P9Handler *handle;
    bool changes; /* what a share that is only read refuses */
} MessageRow;

static const MessageRow messages[P9_TYPES] = {
    [P9_TSTATFS] = { p9_statfs, false },
    [P9_TLOPEN] = { p9_lopen, false }, /* looks itself */
    [P9_TLCREATE] = { p9_lcreate, true },
    [P9_TSYMLINK] = { p9_symlink, true },
    [P9_TMKNOD] = { p9_mknod, true },
    [P9_TRENAME] = { p9_rename, true },
    [P9_TREADLINK] = { p9_readlink, false },
    [P9_TGETATTR] = { p9_getattr, false },
    [P9_TSETATTR] = { p9_setattr, true },
    [P9_TXATTRWALK] = { p9_xattrwalk, false },
    [P9_TXATTRCREATE] = { p9_xattrcreate, true },
    [P9_TREADDIR] = { p9_readdir, false },
    [P9_TFSYNC] = { p9_fsync, false },
    [P9_TLOCK] = { p9_lock, false },
    [P9_TGETLOCK] = { p9_getlock, false },
    [P9_TLINK] = { p9_link, true },
    [P9_TMKDIR] = { p9_mkdir, true },
    [P9_TRENAMEAT] = { p9_renameat, true },
    [P9_TUNLINKAT] = { p9_unlinkat, true },
    [P9_TVERSION] = { p9_version, false },
    [P9_TATTACH] = { p9_attach, false },
    [P9_TFLUSH] = { p9_flush, false },
    [P9_TWALK] = { p9_walk, false },
    [P9_TREAD] = { p9_read, false },
    [P9_TWRITE] = { p9_write, true },
    [P9_TCLUNK] = { p9_clunk, false },
    [P9_TREMOVE] = { p9_remove, true },
};

/* ---- Answers ---- */

static void request_free(P9Request *request)
{
    g_free(request->body);
    g_ptr_array_unref(request->strings);
    g_byte_array_unref(request->reply);
    if (request->file != NULL) {
        p9_file_unref(request->file);
    }
    g_free(request->iov);
    g_free(request);
}

static uint32_t answer_write(P9Request *request, int error)
{
    const P9Call *call = request->call;
    struct {
        uint32_t size;
        uint8_t type;
        uint8_t tag[2];
        uint8_t code[4];
    } __attribute__((packed)) head = { .type = (uint8_t)(request->type + 1) };
    uint32_t size = (uint32_t)(P9_HEADER + request->reply->len + request->data_size);

    if (error == 0 && size > MIN(call->in_size, request->server->msize)) {
        error = ENOBUFS;
    }
    if (error != 0) {
        const uint32_t code = GUINT32_TO_LE((uint32_t)error);

        head.type = P9_RLERROR;
        memcpy(head.code, &code, sizeof(code));
        size = P9_CALL_MIN;
    }
    head.size = GUINT32_TO_LE(size);
    memcpy(head.tag, &(uint16_t){ GUINT16_TO_LE(request->tag) }, sizeof(head.tag));
    iov_from_buffer(call->in, call->n_in, 0, &head, error != 0 ? P9_CALL_MIN : P9_HEADER);
    if (error == 0) {
        iov_from_buffer(call->in, call->n_in, P9_HEADER, request->reply->data, request->reply->len);
    }
    return size;
}

void p9_request_end(P9Request *request, int error)
{
    GSList *flushes = request->flushes;
    uint32_t size = 0;

    if (error != P9_DROPPED) {
        if (error == 0 && request->work != NULL) { /* what the thread has done */
            if (request->type == P9_TREAD) {
                request->data_size = (uint32_t)request->result;
            }
            if (request->type != P9_TFSYNC) {
                p9_put32(request, (uint32_t)request->result);
            }
        }
        size = answer_write(request, error);
    }
    request->call->done(request->call, size);
    request_free(request);
    for (GSList *at = flushes; at != NULL; at = at->next) {
        p9_request_end(at->data, error == P9_DROPPED ? P9_DROPPED : 0);
    }
    g_slist_free(flushes);
}

/* ---- Requests ---- */

static P9Request *request_new(P9Server *server, P9Call *call)
{
    P9Request *request = g_new0(P9Request, 1);
    uint8_t head[P9_HEADER] = { 0 };
    uint32_t size;
    size_t body;

    request->server = server;
    request->call = call;
    request->strings = g_ptr_array_new_with_free_func(g_free);
    request->reply = g_byte_array_new();
    iov_to_buffer(call->out, call->n_out, 0, head, sizeof(head));
    memcpy(&size, head, sizeof(size));
    memcpy(&request->tag, head + 5, sizeof(request->tag));
    size = GUINT32_FROM_LE(size);
    request->tag = GUINT16_FROM_LE(request->tag);
    request->type = head[4];
    if (call->out_size < P9_HEADER || size < P9_HEADER || size > call->out_size ||
        size > server->msize) {
        request->error = EMSGSIZE;
        return request;
    }
    body = request->type == P9_TWRITE ? MIN(size, P9_WRITE_HEADER) : size;
    request->size = body - P9_HEADER;
    request->body = g_malloc(request->size + 1);
    request->size = iov_to_buffer(call->out, call->n_out, P9_HEADER, request->body, request->size);
    return request;
}

static int request_handle(P9Request *request)
{
    const MessageRow *row = request->type < P9_TYPES ? &messages[request->type] : NULL;

    if (request->error != 0) {
        return request->error;
    }
    if (row == NULL || row->handle == NULL) {
        return EOPNOTSUPP;
    }
    if (!request->server->attached && request->type != P9_TVERSION) {
        return EINVAL;
    }
    if (row->changes && share_readonly(request->server->share)) {
        return EROFS;
    }
    return row->handle(request);
}

void p9_submit(P9Server *server, P9Call *call)
{
    P9Request *request = request_new(server, call);
    int error = request_handle(request);

    if (error != P9_LATER) {
        p9_request_end(request, error);
    }
}

/* ---- The server ---- */

static uint32_t opens_max(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < P9_FIDS_MAX
               ? (uint32_t)limit.rlim_cur / 2
               : P9_FIDS_MAX;
}

P9Server *p9_server_new(Share *share, PhysMap *map)
{
    P9Server *server = g_new0(P9Server, 1);

    server->share = share;
    server->map = map;
    server->msize = P9_MSIZE_FIRST;
    server->fids = g_hash_table_new(NULL, NULL);
    server->opens_max = opens_max();
    p9_work_init(server);
    return server;
}

void p9_server_reset(P9Server *server)
{
    p9_work_wait(server, true);
    p9_fids_clear(server);
    server->msize = P9_MSIZE_FIRST;
    server->attached = false;
}

void p9_server_free(P9Server *server)
{
    p9_server_reset(server);
    p9_work_clear(server);
    g_hash_table_unref(server->fids);
    g_free(server);
}
