/* SPDX-License-Identifier: GPL-2.0-or-later */
/* share_file.c - files of a share: what they are, and changes to them. */
#include "hw/9p/share_int.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

enum { MODE_BITS = 07777 };

static int close_with(int fd, int error)
{
    close(fd);
    return error;
}

static int result_of(int status)
{
    return status == 0 ? 0 : errno;
}

/* ---- What is there ---- */

static void stat_map(const ShareNode *node, int fd, struct stat *st)
{
    Mapped mapped;

    if (!share_mapped(node->share)) {
        return;
    }
    share_mapped_get(node, fd, &mapped);
    if ((mapped.has & MAPPED_UID) != 0) {
        st->st_uid = mapped.uid;
    }
    if ((mapped.has & MAPPED_GID) != 0) {
        st->st_gid = mapped.gid;
    }
    if ((mapped.has & MAPPED_MODE) != 0) {
        st->st_mode = mapped.mode;
    }
    if ((mapped.has & MAPPED_RDEV) != 0) {
        st->st_rdev = mapped.rdev;
    }
}

int share_stat_open(ShareNode *node, int fd, struct stat *st)
{
    if (fstatat(fd, "", st, AT_EMPTY_PATH) != 0) {
        return errno;
    }
    stat_map(node, fd, st);
    return 0;
}

int share_stat(ShareNode *node, struct stat *st)
{
    int fd = share_node_fd(node);

    if (fd < 0) {
        return -fd;
    }
    return close_with(fd, share_stat_open(node, fd, st));
}

int share_walk(ShareNode *dir, const char *name, ShareNode **node, struct stat *st)
{
    ShareNode *child;
    int error;

    if (!share_name_good(dir->share, name)) {
        return ENOENT;
    }
    child = share_node_child(dir, name);
    error = share_stat(child, st);
    if (error != 0) {
        share_node_unref(child);
        return error;
    }
    *node = child;
    return 0;
}

/* The parent of the root is nobody's affair. Where inode numbers are the host's, the entry says it
 * all; a mapped link or device looks like a file there. */
int share_entry(ShareNode *dir, int fd, const struct dirent *entry, struct stat *st, uint8_t *type)
{
    const Share *share = dir->share;

    *type = share_mapped(share) && entry->d_type != DT_DIR ? DT_UNKNOWN : entry->d_type;
    if (strcmp(entry->d_name, "..") == 0 && share_is_root(dir)) {
        return result_of(fstat(fd, st));
    }
    if (share->options.multidevs != SHARE_DEVICES_WARN) {
        return result_of(fstatat(fd, entry->d_name, st, AT_SYMLINK_NOFOLLOW));
    }
    *st = (struct stat){ .st_dev = share->root_dev,
                         .st_ino = entry->d_ino,
                         .st_mode = (mode_t)DTTOIF(*type) };
    return 0;
}

int share_statfs(ShareNode *node, struct statfs *st)
{
    int fd = share_node_fd(node);

    if (fd < 0) {
        return -fd;
    }
    return close_with(fd, result_of(fstatfs(fd, st)));
}

/* A link that is kept as a file holds its target. */
static int readlink_mapped(int fd, char *target, size_t room, ssize_t *size)
{
    int file = open(share_fd_path(fd).text, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    int error;

    if (file < 0) {
        return errno;
    }
    *size = pread(file, target, room, 0);
    error = *size < 0 ? errno : 0;
    return close_with(file, error);
}

int share_readlink(ShareNode *node, char **target)
{
    char text[PATH_MAX];
    struct stat st, real;
    ssize_t size = 0;
    int error;
    int fd = share_node_fd(node);

    if (fd < 0) {
        return -fd;
    }
    error = share_stat_open(node, fd, &st);
    if (error != 0 || fstatat(fd, "", &real, AT_EMPTY_PATH) != 0) {
        return close_with(fd, error != 0 ? error : errno);
    }
    if (S_ISLNK(real.st_mode)) {
        size = readlinkat(fd, "", text, sizeof(text));
        error = size < 0 ? errno : 0;
    } else if (S_ISLNK(st.st_mode) && S_ISREG(real.st_mode)) {
        error = readlink_mapped(fd, text, sizeof(text), &size);
    } else {
        error = EINVAL;
    }
    if (error == 0) {
        *target = g_strndup(text, (gsize)size);
    }
    return close_with(fd, error);
}

int share_open(ShareNode *node, int flags, int *fd)
{
    struct stat st;
    int error = 0;
    int path = share_node_fd(node);

    if (path < 0) {
        return -path;
    }
    /* The descriptor stands for what was looked at: nothing can come in between. */
    if (fstatat(path, "", &st, AT_EMPTY_PATH) != 0) {
        error = errno;
    } else if (S_ISLNK(st.st_mode)) {
        error = ELOOP;
    } else if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
        error = ENXIO;
    } else {
        *fd = open(share_fd_path(path).text,
                   (flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW)) | O_CLOEXEC | O_NOCTTY);
        error = *fd < 0 ? errno : 0;
    }
    return close_with(path, error);
}

/* ---- Changes ---- */

int share_chmod(ShareNode *node, uint32_t mode)
{
    struct stat st;
    int error;
    int fd = share_node_fd(node);

    if (fd < 0) {
        return -fd;
    }
    if (!share_mapped(node->share)) {
        return close_with(fd, result_of(chmod(share_fd_path(fd).text, mode & MODE_BITS)));
    }
    error = share_stat_open(node, fd, &st);
    if (error == 0) {
        const Mapped mapped = { .has = MAPPED_MODE,
                                .mode = (st.st_mode & S_IFMT) | (mode & MODE_BITS) };

        error = share_mapped_set(node, fd, &mapped);
    }
    return close_with(fd, error);
}

int share_chown(ShareNode *node, uint32_t uid, uint32_t gid)
{
    const Mapped mapped = {
        .has = (uid != (uint32_t)SHARE_NO_ID ? MAPPED_UID : 0) |
               (gid != (uint32_t)SHARE_NO_ID ? MAPPED_GID : 0),
        .uid = uid,
        .gid = gid,
    };
    int fd = share_node_fd(node);

    if (fd < 0) {
        return -fd;
    }
    if (share_mapped(node->share) && mapped.has != 0) {
        return close_with(fd, share_mapped_set(node, fd, &mapped));
    }
    return close_with(fd, result_of(fchownat(fd, "", uid, gid, AT_EMPTY_PATH)));
}

int share_utimes(ShareNode *node, const struct timespec times[2])
{
    int error;
    int fd = share_node_fd(node);

    if (fd < 0) {
        return -fd;
    }
    error = result_of(utimensat(fd, "", times, AT_EMPTY_PATH));
    if (error == EINVAL || error == ENOENT || error == EBADF) { /* a kernel before 5.8 */
        error = result_of(utimensat(AT_FDCWD, share_fd_path(fd).text, times, 0));
    }
    return close_with(fd, error);
}

int share_truncate(ShareNode *node, uint64_t size)
{
    struct stat st;
    int error = EINVAL;
    int fd = share_node_fd(node);

    if (fd < 0) {
        return -fd;
    }
    if (size <= INT64_MAX && fstatat(fd, "", &st, AT_EMPTY_PATH) == 0 && S_ISREG(st.st_mode)) {
        error = result_of(truncate(share_fd_path(fd).text, (off_t)size));
    }
    return close_with(fd, error);
}
