/* SPDX-License-Identifier: GPL-2.0-or-later */
/* share_xattr.c - which extended attributes a guest may see and set, and under which name the host
 * has them.
 *
 * user.* are the guest's, but those in which a mapped share keeps what the guest has said. Access
 * control lists are real ones in a share that is passed through, and attributes of ours in a mapped
 * one. Others are the host's affair. */
#include "hw/9p/share_int.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#define OURS "user.virtfs."

enum { LIST_MAX = 65536, VALUE_MAX = 65536 };

static bool is_acl(const char *name)
{
    return strcmp(name, "system.posix_acl_access") == 0 ||
           strcmp(name, "system.posix_acl_default") == 0;
}

/* The host's name of a guest's; NULL: it has none. g_free. */
static char *host_name(const Share *share, const char *name)
{
    bool mapped_xattr = share->options.security == SHARE_MAPPED_XATTR;

    if (is_acl(name)) {
        return share->options.security == SHARE_PASSTHROUGH ? g_strdup(name)
               : mapped_xattr                               ? g_strconcat(OURS, name, NULL)
                                                            : NULL;
    }
    if (!g_str_has_prefix(name, "user.") || name[strlen("user.")] == '\0' ||
        (mapped_xattr && g_str_has_prefix(name, OURS))) {
        return NULL;
    }
    return g_strdup(name);
}

/* The guest's name of a host's; NULL: it does not see it. Part of `name`. */
static const char *guest_name(const Share *share, const char *name)
{
    bool mapped_xattr = share->options.security == SHARE_MAPPED_XATTR;

    if (mapped_xattr && g_str_has_prefix(name, OURS)) {
        return is_acl(name + strlen(OURS)) ? name + strlen(OURS) : NULL;
    }
    if (is_acl(name)) {
        return share->options.security == SHARE_PASSTHROUGH ? name : NULL;
    }
    return g_str_has_prefix(name, "user.") ? name : NULL;
}

/* ---- Calls ---- */

int share_get_xattr(ShareNode *node, const char *name, GByteArray **value)
{
    g_autofree char *host = host_name(node->share, name);
    g_autofree uint8_t *data = NULL;
    ssize_t size;
    int fd, error;

    if (host == NULL) {
        return EOPNOTSUPP;
    }
    fd = share_node_fd(node);
    if (fd < 0) {
        return -fd;
    }
    data = g_malloc(VALUE_MAX);
    size = getxattr(share_fd_path(fd).text, host, data, VALUE_MAX);
    error = size < 0 ? errno : 0;
    close(fd);
    if (error == 0) {
        *value = g_byte_array_append(g_byte_array_new(), data, (guint)size);
    }
    return error;
}

int share_list_xattr(ShareNode *node, GByteArray **names)
{
    g_autofree char *list = NULL;
    int fd = share_node_fd(node), error;
    ssize_t size;

    if (fd < 0) {
        return -fd;
    }
    list = g_malloc(LIST_MAX + 1);
    size = listxattr(share_fd_path(fd).text, list, LIST_MAX);
    error = size < 0 ? errno : 0;
    close(fd);
    if (error != 0) {
        return error;
    }
    *names = g_byte_array_new();
    list[size] = '\0';
    for (const char *at = list; at < list + size; at += strlen(at) + 1) {
        const char *seen = guest_name(node->share, at);

        if (seen != NULL) {
            g_byte_array_append(*names, (const uint8_t *)seen, (guint)strlen(seen) + 1);
        }
    }
    return 0;
}

int share_set_xattr(ShareNode *node, const char *name, const GByteArray *value, int flags)
{
    g_autofree char *host = host_name(node->share, name);
    int fd, error;

    if (host == NULL) {
        return EOPNOTSUPP;
    }
    fd = share_node_fd(node);
    if (fd < 0) {
        return -fd;
    }
    error = setxattr(share_fd_path(fd).text, host, value->data, value->len,
                     flags & (XATTR_CREATE | XATTR_REPLACE)) == 0
                ? 0
                : errno;
    close(fd);
    return error;
}

int share_remove_xattr(ShareNode *node, const char *name)
{
    g_autofree char *host = host_name(node->share, name);
    int fd, error;

    if (host == NULL) {
        return EOPNOTSUPP;
    }
    fd = share_node_fd(node);
    if (fd < 0) {
        return -fd;
    }
    error = removexattr(share_fd_path(fd).text, host) == 0 ? 0 : errno;
    close(fd);
    return error;
}
