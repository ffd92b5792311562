/* SPDX-License-Identifier: GPL-2.0-or-later */
/* share_path.c - from a node to the file: beneath the root, and through no symbolic link.
 *
 * openat2() does so in one call. Where the kernel has none, or a path is too long for one call,
 * folders are opened one by one, each without following. */
#include "hw/9p/share_int.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TRIES = 16 /* against renames on the host meanwhile */, DEPTH_MAX = 4096 };

static int step_by_step(int base, const char *path)
{
    g_auto(GStrv) names = g_strsplit(path, "/", -1);
    int fd = fcntl(base, F_DUPFD_CLOEXEC, 0);

    for (unsigned i = 0; fd >= 0 && names[i] != NULL; i++) {
        int next = openat(fd, names[i],
                          O_PATH | O_NOFOLLOW | O_CLOEXEC |
                              (names[i + 1] != NULL ? O_DIRECTORY : 0));
        int error = errno;

        close(fd);
        fd = next;
        errno = error;
    }
    return fd >= 0 ? fd : -errno;
}

static int beneath(Share *share, int base, const char *path)
{
    struct open_how how = {
        .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
    };
    long fd = -1;

    for (unsigned i = 0; i < TRIES && !share->no_openat2; i++) {
        fd = syscall(SYS_openat2, base, path, &how, sizeof(how));
        if (fd >= 0) {
            return (int)fd;
        }
        if (errno != EAGAIN && errno != EINTR) {
            break;
        }
    }
    if (share->no_openat2 || errno == ENOSYS || errno == EPERM || errno == ENAMETOOLONG) {
        share->no_openat2 |= errno == ENOSYS;
        return step_by_step(base, path);
    }
    return -errno;
}

int share_node_fd(const ShareNode *node)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autoptr(GString) path = g_string_new(NULL);
    const ShareNode *at = node;
    int fd;

    for (; at->held < 0 && at->parent != NULL; at = at->parent) {
        g_ptr_array_add(names, at->name);
    }
    if (at->held < 0) {
        return -ENOENT;
    }
    if (names->len > DEPTH_MAX) {
        return -ENAMETOOLONG;
    }
    if (names->len == 0) {
        fd = fcntl(at->held, F_DUPFD_CLOEXEC, 0);
        return fd >= 0 ? fd : -errno;
    }
    for (guint i = names->len; i > 0; i--) {
        g_string_append(path, g_ptr_array_index(names, i - 1));
        if (i > 1) {
            g_string_append_c(path, '/');
        }
    }
    return beneath(node->share, at->held, path->str);
}

FdPath share_fd_path(int fd)
{
    FdPath path;

    snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d", fd);
    return path;
}

bool share_name_good(const Share *share, const char *name)
{
    return name[0] != '\0' && strchr(name, '/') == NULL && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0 && !share_hides(share, name);
}
