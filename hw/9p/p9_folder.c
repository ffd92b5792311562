/* SPDX-License-Identifier: GPL-2.0-or-later */
/* p9_folder.c - making, moving and removing. */
#include "hw/9p/p9_int.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>

enum { MODE_BITS = 07777 };

/* What has been made, for the answer. */
static int made(P9Request *request, ShareNode *dir, const char *name)
{
    ShareNode *node;
    struct stat st;
    int error = share_walk(dir, name, &node, &st);

    if (error == 0) {
        error = p9_put_qid(request, &st);
        share_node_unref(node);
    }
    return error;
}

int p9_mkdir(P9Request *request)
{
    const P9Fid *fid = p9_get_place(request);
    const char *name = p9_get_string(request);
    uint32_t mode = p9_get32(request), gid = p9_get32(request);
    int error;

    if (request->error != 0) {
        return request->error;
    }
    const ShareOwner owner = { fid->uid, gid, S_IFDIR | (mode & MODE_BITS) };

    error = share_mkdir(fid->node, name, &owner);
    return error != 0 ? error : made(request, fid->node, name);
}

int p9_mknod(P9Request *request)
{
    const P9Fid *fid = p9_get_place(request);
    const char *name = p9_get_string(request);
    uint32_t mode = p9_get32(request), major = p9_get32(request), minor = p9_get32(request);
    uint32_t gid = p9_get32(request);
    int error;

    if (request->error != 0) {
        return request->error;
    }
    if ((mode & S_IFMT) == 0) {
        mode |= S_IFREG;
    }
    if (S_ISDIR(mode) || S_ISLNK(mode)) {
        return EINVAL;
    }
    const ShareOwner owner = { fid->uid, gid, mode & (S_IFMT | MODE_BITS) };

    error = share_mknod(fid->node, name, &owner, makedev(major, minor));
    return error != 0 ? error : made(request, fid->node, name);
}

int p9_symlink(P9Request *request)
{
    const P9Fid *fid = p9_get_place(request);
    const char *name = p9_get_string(request), *target = p9_get_string(request);
    uint32_t gid = p9_get32(request);
    int error;

    if (request->error != 0) {
        return request->error;
    }
    const ShareOwner owner = { fid->uid, gid, S_IFLNK | 0777 };

    error = share_symlink(fid->node, name, target, &owner);
    return error != 0 ? error : made(request, fid->node, name);
}

int p9_link(P9Request *request)
{
    const P9Fid *dir = p9_get_place(request), *fid = p9_get_place(request);
    const char *name = p9_get_string(request);

    return request->error != 0 ? request->error : share_link(fid->node, dir->node, name);
}

/* The folder that a fid's file is in; its names are a copy, because the node may get a new one. */
static int place_of(const P9Fid *fid, ShareNode **dir, char **name)
{
    ShareNode *parent = share_is_root(fid->node) ? NULL : share_parent(fid->node);

    if (parent == NULL) {
        return share_is_root(fid->node) ? EBUSY : ENOENT;
    }
    *dir = share_node_ref(parent);
    *name = g_strdup(share_name(fid->node));
    return 0;
}

int p9_rename(P9Request *request)
{
    const P9Fid *fid = p9_get_place(request), *to = p9_get_place(request);
    const char *name = p9_get_string(request);
    g_autofree char *old = NULL;
    ShareNode *from;
    int error = request->error != 0 ? request->error : place_of(fid, &from, &old);

    if (error == 0) {
        error = share_rename(from, old, to->node, name);
        share_node_unref(from);
    }
    return error;
}

int p9_renameat(P9Request *request)
{
    const P9Fid *from = p9_get_place(request);
    const char *old = p9_get_string(request);
    const P9Fid *to = p9_get_place(request);
    const char *name = p9_get_string(request);

    return request->error != 0 ? request->error : share_rename(from->node, old, to->node, name);
}

int p9_unlinkat(P9Request *request)
{
    const P9Fid *dir = p9_get_place(request);
    const char *name = p9_get_string(request);
    uint32_t flags = p9_get32(request);

    if (request->error != 0) {
        return request->error;
    }
    if ((flags & ~(uint32_t)AT_REMOVEDIR) != 0) {
        return EINVAL;
    }
    return share_unlink(dir->node, name, (flags & AT_REMOVEDIR) != 0);
}

/* The fid goes in any case. */
int p9_remove(P9Request *request)
{
    P9Fid *fid = p9_get_fid(request);
    g_autofree char *name = NULL;
    ShareNode *dir;
    struct stat st;
    int error;

    if (request->error != 0) {
        return request->error;
    }
    error = place_of(fid, &dir, &name);
    if (error == 0) {
        error = share_stat(fid->node, &st);
        if (error == 0) {
            error = share_unlink(dir, name, S_ISDIR(st.st_mode));
        }
        share_node_unref(dir);
    }
    p9_fid_clunk(request->server, fid);
    return error;
}
