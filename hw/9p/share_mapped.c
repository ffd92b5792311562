/* SPDX-License-Identifier: GPL-2.0-or-later */
/* share_mapped.c - owners, modes and device numbers as the guest has them, where the host's files
 * are our own: four extended attributes, or lines of a file in .virtfs_metadata beside the file.
 * Of the root such lines are in .virtfs_metadata_root. */
#include "hw/9p/share_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#define FOLDER    ".virtfs_metadata"
#define ROOT_FILE ".virtfs_metadata_root"

enum { TEXT_MAX = 512, NUMBERS = 4, FILE_MODE = 0600, FOLDER_MODE = 0700 };

/* The order of the MAPPED_* bits. */
static const struct {
    const char *xattr, *line;
    size_t size; /* of the attribute */
} numbers[NUMBERS] = {
    { "user.virtfs.uid", "virtfs.uid", 4 },
    { "user.virtfs.gid", "virtfs.gid", 4 },
    { "user.virtfs.mode", "virtfs.mode", 4 },
    { "user.virtfs.rdev", "virtfs.rdev", 8 },
};

bool share_mapped(const Share *share)
{
    return share->options.security == SHARE_MAPPED_XATTR ||
           share->options.security == SHARE_MAPPED_FILE;
}

bool share_hides(const Share *share, const char *name)
{
    return share->options.security == SHARE_MAPPED_FILE &&
           (strcmp(name, FOLDER) == 0 || strcmp(name, ROOT_FILE) == 0);
}

static uint64_t mapped_number(const Mapped *mapped, unsigned i)
{
    const uint64_t values[NUMBERS] = { mapped->uid, mapped->gid, mapped->mode, mapped->rdev };

    return values[i];
}

static void mapped_take(Mapped *mapped, unsigned i, uint64_t value)
{
    mapped->has |= 1u << i;
    switch (i) {
    case 0:
        mapped->uid = (uint32_t)value;
        break;
    case 1:
        mapped->gid = (uint32_t)value;
        break;
    case 2:
        mapped->mode = (uint32_t)value;
        break;
    default:
        mapped->rdev = value;
        break;
    }
}

/* ---- Extended attributes ---- */

static void xattr_get(int fd, Mapped *mapped)
{
    const FdPath path = share_fd_path(fd);

    for (unsigned i = 0; i < NUMBERS; i++) {
        uint64_t value = 0;

        if (getxattr(path.text, numbers[i].xattr, &value, sizeof(value)) ==
            (ssize_t)numbers[i].size) {
            mapped_take(mapped, i, GUINT64_FROM_LE(value));
        }
    }
}

static int xattr_set(int fd, const Mapped *mapped)
{
    const FdPath path = share_fd_path(fd);

    for (unsigned i = 0; i < NUMBERS; i++) {
        uint64_t value = GUINT64_TO_LE(mapped_number(mapped, i));

        if ((mapped->has & 1u << i) != 0 &&
            setxattr(path.text, numbers[i].xattr, &value, numbers[i].size, 0) != 0) {
            return errno;
        }
    }
    return 0;
}

/* ---- Files ---- */

/* The folder of such files in a folder; or -errno. */
static int metadata_folder(int dir, bool make)
{
    int fd;

    if (make && mkdirat(dir, FOLDER, FOLDER_MODE) != 0 && errno != EEXIST) {
        return -errno;
    }
    fd = openat(dir, FOLDER, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd >= 0 ? fd : -errno;
}

/* The file of a node; -ENOENT of one without a name. */
static int metadata_open(const ShareNode *node, int flags)
{
    bool root = share_is_root(node);
    int dir = share_node_fd(root ? node : node->parent), folder, fd;

    if (dir < 0) {
        return dir;
    }
    folder = root ? dir : metadata_folder(dir, (flags & O_CREAT) != 0);
    if (folder < 0) {
        close(dir);
        return folder;
    }
    fd = openat(folder, root ? ROOT_FILE : node->name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
                FILE_MODE);
    fd = fd >= 0 ? fd : -errno;
    close(folder);
    if (!root) {
        close(dir);
    }
    return fd;
}

static void line_take(Mapped *mapped, const char *line)
{
    const char *equals = strchr(line, '=');

    for (unsigned i = 0; equals != NULL && i < NUMBERS; i++) {
        if (strncmp(line, numbers[i].line, strlen(numbers[i].line)) == 0 &&
            (size_t)(equals - line) == strlen(numbers[i].line)) {
            mapped_take(mapped, i, g_ascii_strtoull(equals + 1, NULL, 10));
        }
    }
}

static void lines_read(int fd, Mapped *mapped)
{
    char text[TEXT_MAX];
    ssize_t size = pread(fd, text, sizeof(text) - 1, 0);
    g_auto(GStrv) lines = NULL;

    text[MAX(size, 0)] = '\0';
    lines = g_strsplit(text, "\n", -1);
    for (unsigned i = 0; lines[i] != NULL; i++) {
        line_take(mapped, lines[i]);
    }
}

static void file_get(const ShareNode *node, Mapped *mapped)
{
    int fd = node->parent != NULL || share_is_root(node) ? metadata_open(node, O_RDONLY) : -ENOENT;

    if (fd >= 0) {
        lines_read(fd, mapped);
        close(fd);
    }
}

static int file_set(const ShareNode *node, const Mapped *mapped)
{
    g_autoptr(GString) text = g_string_new(NULL);
    Mapped all = { 0 };
    ssize_t written;
    int fd = node->parent != NULL || share_is_root(node) ? metadata_open(node, O_RDWR | O_CREAT)
                                                         : -ENOENT;

    if (fd < 0) {
        return -fd;
    }
    lines_read(fd, &all);
    for (unsigned i = 0; i < NUMBERS; i++) {
        if ((mapped->has & 1u << i) != 0) {
            mapped_take(&all, i, mapped_number(mapped, i));
        }
        if ((all.has & 1u << i) != 0) {
            g_string_append_printf(text, "%s=%" G_GUINT64_FORMAT "\n", numbers[i].line,
                                   mapped_number(&all, i));
        }
    }
    written = pwrite(fd, text->str, text->len, 0);
    if (written != (ssize_t)text->len || ftruncate(fd, (off_t)text->len) != 0) {
        int error = written < 0 ? errno : ENOSPC;

        close(fd);
        return error;
    }
    close(fd);
    return 0;
}

/* ---- Both ---- */

void share_mapped_get(const ShareNode *node, int fd, Mapped *mapped)
{
    *mapped = (Mapped){ 0 };
    if (node->share->options.security == SHARE_MAPPED_XATTR) {
        xattr_get(fd, mapped);
    } else {
        file_get(node, mapped);
    }
}

int share_mapped_set(const ShareNode *node, int fd, const Mapped *mapped)
{
    return node->share->options.security == SHARE_MAPPED_XATTR ? xattr_set(fd, mapped)
                                                               : file_set(node, mapped);
}

/* ---- Following the files ---- */

void share_mapped_unlinked(int dir, const char *name, const Share *share)
{
    int folder = share->options.security == SHARE_MAPPED_FILE ? metadata_folder(dir, false) : -1;

    if (folder >= 0) {
        unlinkat(folder, name, 0);
        close(folder);
    }
}

void share_mapped_renamed(int from, const char *old, int to, const char *name, const Share *share)
{
    int from_folder, to_folder;

    if (share->options.security != SHARE_MAPPED_FILE) {
        return;
    }
    from_folder = metadata_folder(from, false);
    to_folder = metadata_folder(to, from_folder >= 0);
    if (to_folder >= 0 && (from_folder < 0 || renameat(from_folder, old, to_folder, name) != 0)) {
        unlinkat(to_folder, name, 0); /* of what was replaced */
    }
    if (from_folder >= 0) {
        close(from_folder);
    }
    if (to_folder >= 0) {
        close(to_folder);
    }
}

void share_mapped_linked(const ShareNode *node, int to, const char *name)
{
    int folder, file;
    Mapped mapped;

    if (node->share->options.security != SHARE_MAPPED_FILE || node->parent == NULL) {
        return;
    }
    share_mapped_get(node, -1, &mapped);
    file = mapped.has != 0 ? share_node_fd(node->parent) : -1;
    if (file >= 0) {
        int from_folder = metadata_folder(file, false);

        folder = metadata_folder(to, true);
        if (from_folder >= 0 && folder >= 0) {
            (void)!linkat(from_folder, node->name, folder, name, 0);
        }
        if (from_folder >= 0) {
            close(from_folder);
        }
        if (folder >= 0) {
            close(folder);
        }
        close(file);
    }
}

void share_mapped_empty(int dir, const char *name, const Share *share)
{
    int inside;

    if (share->options.security != SHARE_MAPPED_FILE) {
        return;
    }
    inside = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (inside >= 0) { /* fails while there are files in it, as it should */
        unlinkat(inside, FOLDER, AT_REMOVEDIR);
        close(inside);
    }
}
