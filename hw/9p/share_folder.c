/* SPDX-License-Identifier: GPL-2.0-or-later */
/* share_folder.c - what is made, moved and removed in folders of a share.
 *
 * New files get the guest's owner and mode: for real, or in the words of a mapped share. What was
 * made is removed again if that fails. */
#include "hw/9p/share_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MODE_BITS = 07777, PRIVATE_FILE = 0600, PRIVATE_FOLDER = 0700 };

static int name_check(const ShareNode *dir, const char *name)
{
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        return EEXIST;
    }
    return share_name_good(dir->share, name) ? 0 : name[0] == '\0' ? ENOENT : EINVAL;
}

/* O_PATH descriptor of a folder in which `name` may be made; or -errno. */
static int folder_fd(ShareNode *dir, const char *name)
{
    int error = name_check(dir, name);

    return error != 0 ? -error : share_node_fd(dir);
}

/* The guest's owner and mode, on the host's file. `fd` may be O_PATH. */
static int owner_real(const Share *share, int fd, const ShareOwner *owner)
{
    if (fchownat(fd, "", owner->uid, owner->gid, AT_EMPTY_PATH) != 0 &&
        share->options.security != SHARE_NONE) {
        return errno;
    }
    if (!S_ISLNK(owner->mode) && chmod(share_fd_path(fd).text, owner->mode & MODE_BITS) != 0) {
        return errno;
    }
    return 0;
}

static int owner_mapped(ShareNode *dir, const char *name, int fd, const ShareOwner *owner,
                        uint64_t rdev)
{
    const Mapped mapped = {
        .has = MAPPED_UID | MAPPED_GID | MAPPED_MODE | (rdev != 0 ? MAPPED_RDEV : 0),
        .uid = owner->uid,
        .gid = owner->gid,
        .mode = owner->mode,
        .rdev = rdev,
    };
    ShareNode *node = share_node_child(dir, name);
    int error = share_mapped_set(node, fd, &mapped);

    share_node_unref(node);
    return error;
}

/* `fd` < 0: it is opened. */
static int owner_set(ShareNode *dir, int folder, const char *name, int fd, const ShareOwner *owner,
                     uint64_t rdev)
{
    int own = fd < 0 ? openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC) : fd;
    int error;

    if (own < 0) {
        return errno;
    }
    error = share_mapped(dir->share) ? owner_mapped(dir, name, own, owner, rdev)
                                     : owner_real(dir->share, own, owner);
    if (fd < 0) {
        close(own);
    }
    return error;
}

/* ---- Making ---- */

/* Something of the name is there: it is opened, if that is enough. */
static int create_found(ShareNode *dir, const char *name, int flags, int *fd)
{
    ShareNode *node;
    int error;

    if ((flags & O_EXCL) != 0) {
        return EEXIST;
    }
    node = share_node_child(dir, name);
    error = share_open(node, flags, fd);
    share_node_unref(node);
    return error;
}

int share_create(ShareNode *dir, const char *name, int flags, const ShareOwner *owner, int *fd)
{
    int folder = folder_fd(dir, name), error;
    mode_t mode = share_mapped(dir->share) ? dir->share->options.fmode : PRIVATE_FILE;

    if (folder < 0) {
        return -folder;
    }
    *fd = openat(folder, name, flags | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (*fd < 0) {
        error = errno;
        close(folder);
        return error == EEXIST ? create_found(dir, name, flags, fd) : error;
    }
    error = owner_set(dir, folder, name, *fd, owner, 0);
    if (error != 0) {
        unlinkat(folder, name, 0);
        close(*fd);
    }
    close(folder);
    return error;
}

int share_mkdir(ShareNode *dir, const char *name, const ShareOwner *owner)
{
    int folder = folder_fd(dir, name), error = 0;
    mode_t mode = share_mapped(dir->share) ? dir->share->options.dmode : PRIVATE_FOLDER;

    if (folder < 0) {
        return -folder;
    }
    if (mkdirat(folder, name, mode) != 0) {
        error = errno;
    } else {
        error = owner_set(dir, folder, name, -1, owner, 0);
        if (error != 0) {
            unlinkat(folder, name, AT_REMOVEDIR);
        }
    }
    close(folder);
    return error;
}

int share_mknod(ShareNode *dir, const char *name, const ShareOwner *owner, uint64_t rdev)
{
    int folder = folder_fd(dir, name), error = 0, status;

    if (folder < 0) {
        return -folder;
    }
    if (share_mapped(dir->share)) {
        status = mknodat(folder, name, S_IFREG | dir->share->options.fmode, 0);
    } else {
        status = mknodat(folder, name, (owner->mode & S_IFMT) | PRIVATE_FILE, rdev);
    }
    if (status != 0) {
        error = errno;
    } else {
        error = owner_set(dir, folder, name, -1, owner, rdev);
        if (error != 0) {
            unlinkat(folder, name, 0);
        }
    }
    close(folder);
    return error;
}

/* A file that holds the target. */
static int symlink_mapped(int folder, const char *name, const char *target, mode_t mode)
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    size_t size = strlen(target);
    ssize_t written;
    int error;

    if (fd < 0) {
        return errno;
    }
    written = write(fd, target, size);
    error = written < 0 ? errno : (size_t)written < size ? ENOSPC : 0;
    close(fd);
    if (error != 0) {
        unlinkat(folder, name, 0);
    }
    return error;
}

int share_symlink(ShareNode *dir, const char *name, const char *target, const ShareOwner *owner)
{
    int folder = folder_fd(dir, name), error;

    if (folder < 0) {
        return -folder;
    }
    if (share_mapped(dir->share)) {
        error = symlink_mapped(folder, name, target, dir->share->options.fmode);
    } else {
        error = symlinkat(target, folder, name) == 0 ? 0 : errno;
    }
    if (error == 0) {
        error = owner_set(dir, folder, name, -1, owner, 0);
        if (error != 0) {
            unlinkat(folder, name, 0);
        }
    }
    close(folder);
    return error;
}

int share_link(ShareNode *node, ShareNode *dir, const char *name)
{
    int folder = folder_fd(dir, name), file = -1, error = 0;

    if (folder < 0) {
        return -folder;
    }
    file = share_node_fd(node);
    if (file < 0) {
        close(folder);
        return -file;
    }
    if (linkat(AT_FDCWD, share_fd_path(file).text, folder, name, AT_SYMLINK_FOLLOW) != 0) {
        error = errno;
    } else {
        share_mapped_linked(node, folder, name);
    }
    close(file);
    close(folder);
    return error;
}

/* ---- Moving and removing ---- */

static bool node_is_above(const ShareNode *node, const ShareNode *below)
{
    for (; below != NULL; below = below->parent) {
        if (below == node) {
            return true;
        }
    }
    return false;
}

/* The nodes follow what has happened to the files. */
static void rename_nodes(ShareNode *from, const char *old, ShareNode *to, const char *name)
{
    ShareNode *moved = share_node_known(from, old), *replaced = share_node_known(to, name);

    if (replaced != NULL && replaced != moved) {
        share_node_detach(replaced);
    }
    if (moved != NULL) {
        share_node_move(moved, to, name);
    }
}

static int rename_checked(ShareNode *from, int from_fd, const char *old, ShareNode *to, int to_fd,
                          const char *name)
{
    ShareNode *replaced = share_node_known(to, name);
    int error = 0;

    if (replaced != NULL) {
        share_node_hold(replaced);
    }
    share_mapped_empty(to_fd, name, to->share); /* a folder may replace an empty one */
    if (renameat(from_fd, old, to_fd, name) != 0) {
        error = errno;
        if (replaced != NULL) {
            share_node_unhold(replaced);
        }
        return error;
    }
    share_mapped_renamed(from_fd, old, to_fd, name, from->share);
    rename_nodes(from, old, to, name);
    return 0;
}

/* Two names of one file: nothing happens, and both stay. */
static bool names_same_file(int from, const char *old, int to, const char *name)
{
    struct stat one, other;

    return fstatat(from, old, &one, AT_SYMLINK_NOFOLLOW) == 0 &&
           fstatat(to, name, &other, AT_SYMLINK_NOFOLLOW) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

int share_rename(ShareNode *from, const char *old, ShareNode *to, const char *name)
{
    ShareNode *moved = share_node_known(from, old);
    int from_fd = folder_fd(from, old), to_fd, error = 0;

    if (from_fd < 0) {
        return from_fd == -EEXIST ? EISDIR : -from_fd;
    }
    to_fd = folder_fd(to, name);
    if (to_fd < 0) {
        close(from_fd);
        return to_fd == -EEXIST ? EISDIR : -to_fd;
    }
    if (moved != NULL && node_is_above(moved, to)) {
        error = EINVAL; /* as it is known here; on the host it may have moved since */
    } else if (!names_same_file(from_fd, old, to_fd, name)) {
        error = rename_checked(from, from_fd, old, to, to_fd, name);
    }
    close(from_fd);
    close(to_fd);
    return error;
}

int share_unlink(ShareNode *dir, const char *name, bool folder)
{
    ShareNode *node = share_node_known(dir, name);
    int fd, error = 0;

    if (!share_name_good(dir->share, name)) {
        return strcmp(name, "..") == 0 ? ENOTEMPTY : EINVAL;
    }
    fd = share_node_fd(dir);
    if (fd < 0) {
        return -fd;
    }
    if (folder) {
        share_mapped_empty(fd, name, dir->share);
    }
    if (node != NULL) {
        share_node_hold(node);
    }
    if (unlinkat(fd, name, folder ? AT_REMOVEDIR : 0) != 0) {
        error = errno;
        if (node != NULL) {
            share_node_unhold(node);
        }
    } else {
        share_mapped_unlinked(fd, name, dir->share);
        if (node != NULL) {
            share_node_detach(node);
        }
    }
    close(fd);
    return error;
}
