/* SPDX-License-Identifier: GPL-2.0-or-later */
/* p9_fid.c - the client's handles: a place, maybe open, or an extended attribute. */
#include "hw/9p/p9_int.h"

#include <errno.h>
#include <unistd.h>

P9File *p9_file_new(int fd)
{
    P9File *file = g_new0(P9File, 1);

    file->refs = 1;
    file->fd = fd;
    return file;
}

P9File *p9_file_ref(P9File *file)
{
    g_atomic_int_inc(&file->refs);
    return file;
}

void p9_file_unref(P9File *file)
{
    if (!g_atomic_int_dec_and_test(&file->refs)) {
        return;
    }
    if (file->dir != NULL) {
        closedir(file->dir);
    } else {
        close(file->fd);
    }
    g_free(file);
}

P9Fid *p9_fid_find(const P9Server *server, uint32_t id)
{
    return g_hash_table_lookup(server->fids, GUINT_TO_POINTER(id));
}

P9Fid *p9_fid_new(P9Server *server, uint32_t id, uint32_t uid, ShareNode *node, int *error)
{
    P9Fid *fid = NULL;

    if (p9_fid_find(server, id) != NULL || id == UINT32_MAX) {
        *error = EINVAL;
    } else if (g_hash_table_size(server->fids) >= P9_FIDS_MAX) {
        *error = EMFILE;
    } else {
        *error = 0;
        fid = g_new0(P9Fid, 1);
        fid->id = id;
        fid->uid = uid;
        fid->node = node;
        g_hash_table_insert(server->fids, GUINT_TO_POINTER(id), fid);
        return fid;
    }
    share_node_unref(node);
    return NULL;
}

/* ---- Going ---- */

bool p9_xattr_room(P9Server *server, uint32_t bytes)
{
    if (bytes > P9_XATTRS_MAX - server->xattrs) {
        return false;
    }
    server->xattrs += bytes;
    return true;
}

/* An attribute of no bytes is one that goes. */
static int xattr_flush(P9Fid *fid)
{
    const P9Xattr *xattr = fid->xattr;

    if (xattr->name == NULL) {
        return 0;
    }
    if (xattr->value->len != xattr->size) {
        return EINVAL;
    }
    return xattr->size == 0 ? share_remove_xattr(fid->node, xattr->name)
                            : share_set_xattr(fid->node, xattr->name, xattr->value, xattr->flags);
}

static void xattr_free(P9Server *server, P9Xattr *xattr)
{
    if (xattr != NULL) {
        server->xattrs -= xattr->size;
        g_byte_array_unref(xattr->value);
        g_free(xattr->name);
        g_free(xattr);
    }
}

static void fid_free(P9Server *server, P9Fid *fid)
{
    if (fid->file != NULL) {
        p9_file_unref(fid->file);
        server->opens--;
    }
    xattr_free(server, fid->xattr);
    share_node_unref(fid->node);
    g_free(fid);
}

int p9_fid_clunk(P9Server *server, P9Fid *fid)
{
    int error = fid->xattr != NULL ? xattr_flush(fid) : 0;

    g_hash_table_remove(server->fids, GUINT_TO_POINTER(fid->id));
    fid_free(server, fid);
    return error;
}

void p9_fids_clear(P9Server *server)
{
    GHashTableIter iter;
    gpointer fid;

    g_hash_table_iter_init(&iter, server->fids);
    while (g_hash_table_iter_next(&iter, NULL, &fid)) {
        fid_free(server, fid);
        g_hash_table_iter_remove(&iter);
    }
}
