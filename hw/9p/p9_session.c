/* SPDX-License-Identifier: GPL-2.0-or-later */
/* p9_session.c - the session itself: versions, attaching, walking, letting go. */
#include "hw/9p/p9_int.h"

#include <errno.h>
#include <string.h>

int p9_version(P9Request *request)
{
    P9Server *server = request->server;
    uint32_t msize = p9_get32(request);
    const char *version = p9_get_string(request);
    bool known = strcmp(version, "9P2000.L") == 0;

    if (request->error != 0) {
        return request->error;
    }
    p9_work_wait(server, false);
    p9_fids_clear(server);
    server->attached = false;
    if (msize < P9_MSIZE_MIN) {
        return EMSGSIZE;
    }
    server->attached = known;
    server->msize = MIN(msize, P9_MSIZE_MAX);
    p9_put32(request, server->msize);
    p9_put_string(request, known ? version : "unknown");
    return 0;
}

int p9_attach(P9Request *request)
{
    P9Server *server = request->server;
    uint32_t id = p9_get32(request), uid;
    ShareNode *root = share_root(server->share);
    P9Fid *fid;
    struct stat st;
    int error;

    p9_get32(request); /* there is no authentication: afid */
    p9_get_string(request);
    p9_get_string(request);
    uid = p9_get32(request);
    if (request->error != 0) {
        return request->error;
    }
    error = share_stat(root, &st);
    if (error != 0) {
        return error;
    }
    fid = p9_fid_new(server, id, uid, share_node_ref(root), &error);
    if (fid == NULL) {
        return error;
    }
    return p9_put_qid(request, &st);
}

/* ---- Walking ---- */

/* A step; *node is changed to where it leads. */
static int walk_step(ShareNode **node, const char *name, struct stat *st)
{
    ShareNode *next;
    int error;

    if (strcmp(name, "..") == 0) {
        next = share_parent(*node);
        if (next == NULL) {
            return ENOENT;
        }
        share_node_ref(next);
        error = share_stat(next, st);
        if (error != 0) {
            share_node_unref(next);
        }
    } else {
        error = share_walk(*node, name, &next, st);
    }
    if (error == 0) {
        share_node_unref(*node);
        *node = next;
    }
    return error;
}

/* As many steps as lead somewhere; an error only of the first. *steps: how many did. */
static int walk_steps(P9Request *request, ShareNode **node, uint16_t names, unsigned *steps)
{
    const char *name[P9_WALK_MAX];
    struct stat st;
    int error = 0;

    *steps = 0;
    for (unsigned i = 0; i < names; i++) {
        name[i] = p9_get_string(request);
    }
    if (request->error != 0) {
        return request->error;
    }
    p9_put16(request, 0);
    for (; *steps < names; ++*steps) {
        error = walk_step(node, name[*steps], &st);
        if (error == 0) {
            error = p9_put_qid(request, &st);
        }
        if (error != 0) {
            break;
        }
    }
    if (error != 0 && *steps > 0) {
        g_byte_array_set_size(request->reply, 2 + *steps * 13);
        error = 0;
    }
    return error;
}

/* The new place is the fid's, or that of a new one. */
static int walk_take(P9Request *request, P9Fid *fid, uint32_t id, ShareNode *node)
{
    int error = 0;

    if (id != fid->id) {
        p9_fid_new(request->server, id, fid->uid, node, &error);
        return error;
    }
    share_node_unref(fid->node);
    fid->node = node;
    return 0;
}

int p9_walk(P9Request *request)
{
    P9Fid *fid = p9_get_place(request);
    uint32_t id = p9_get32(request);
    uint16_t names = p9_get16(request);
    ShareNode *node;
    unsigned steps;
    int error;

    if (request->error != 0) {
        return request->error;
    }
    if (names > P9_WALK_MAX || (id == fid->id && fid->file != NULL) ||
        (id != fid->id && p9_fid_find(request->server, id) != NULL)) {
        return EINVAL;
    }
    node = share_node_ref(fid->node);
    error = walk_steps(request, &node, names, &steps);
    if (error == 0) {
        const uint16_t count = GUINT16_TO_LE((uint16_t)steps);

        memcpy(request->reply->data, &count, sizeof(count));
    }
    if (error != 0 || steps < names) {
        share_node_unref(node);
        return error;
    }
    return walk_take(request, fid, id, node);
}

/* ---- Letting go ---- */

int p9_clunk(P9Request *request)
{
    P9Fid *fid = p9_get_fid(request);

    return request->error != 0 ? request->error : p9_fid_clunk(request->server, fid);
}

/* What a thread works on is not stopped: the answer comes behind that one's. */
int p9_flush(P9Request *request)
{
    uint16_t tag = p9_get16(request);

    if (request->error != 0) {
        return request->error;
    }
    for (GList *at = request->server->later.head; at != NULL; at = at->next) {
        P9Request *other = at->data;

        if (other->tag == tag) {
            other->flushes = g_slist_append(other->flushes, request);
            return P9_LATER;
        }
    }
    return 0;
}
