/* SPDX-License-Identifier: GPL-2.0-or-later */
/* p9_xattr.c - extended attributes: a fid that is read or written like a file, and takes effect
 * when it goes. */
#include "hw/9p/p9_int.h"

#include <errno.h>
#include <string.h>
#include "hw/virtio/virtqueue.h"

static P9Xattr *xattr_new(GByteArray *value, const char *name, uint32_t size, int flags)
{
    P9Xattr *xattr = g_new0(P9Xattr, 1);

    xattr->value = value;
    xattr->name = g_strdup(name);
    xattr->size = size;
    xattr->flags = flags;
    return xattr;
}

int p9_xattrwalk(P9Request *request)
{
    P9Server *server = request->server;
    P9Fid *fid = p9_get_place(request), *made;
    uint32_t id = p9_get32(request);
    const char *name = p9_get_string(request);
    g_autoptr(GByteArray) value = NULL;
    int error;

    if (request->error != 0) {
        return request->error;
    }
    error = name[0] != '\0' ? share_get_xattr(fid->node, name, &value)
                            : share_list_xattr(fid->node, &value);
    if (error != 0) {
        return error;
    }
    made = p9_fid_new(server, id, fid->uid, share_node_ref(fid->node), &error);
    if (made == NULL) {
        return error;
    }
    if (!p9_xattr_room(server, value->len)) {
        p9_fid_clunk(server, made);
        return ENOSPC;
    }
    p9_put64(request, value->len);
    made->xattr = xattr_new(value, NULL, value->len, 0);
    value = NULL;
    return 0;
}

int p9_xattrcreate(P9Request *request)
{
    P9Fid *fid = p9_get_place(request);
    const char *name = p9_get_string(request);
    uint64_t size = p9_get64(request);
    uint32_t flags = p9_get32(request);

    if (request->error != 0) {
        return request->error;
    }
    if (fid->file != NULL || size > P9_XATTR_MAX) {
        return fid->file != NULL ? EINVAL : E2BIG;
    }
    if (!p9_xattr_room(request->server, (uint32_t)size)) {
        return ENOSPC;
    }
    fid->xattr = xattr_new(g_byte_array_new(), name, (uint32_t)size, (int)flags);
    return 0;
}

int p9_xattr_read(P9Request *request, const P9Fid *fid, uint64_t offset, uint32_t count)
{
    const GByteArray *value = fid->xattr->value;

    if (fid->xattr->name != NULL) {
        return EBADF;
    }
    count = offset < value->len ? (uint32_t)MIN(count, value->len - offset) : 0;
    p9_put32(request, count);
    g_byte_array_append(request->reply, value->data + (count > 0 ? offset : 0), count);
    return 0;
}

/* In order, and no more than was said. */
int p9_xattr_write(P9Request *request, P9Fid *fid, uint64_t offset, uint32_t count)
{
    P9Xattr *xattr = fid->xattr;
    guint before = xattr->value->len;

    if (xattr->name == NULL || offset != before) {
        return EINVAL;
    }
    if (count > xattr->size - before) {
        return ENOSPC;
    }
    g_byte_array_set_size(xattr->value, before + count);
    iov_to_buffer(request->call->out, request->call->n_out, P9_WRITE_HEADER,
                  xattr->value->data + before, count);
    p9_put32(request, count);
    return 0;
}
