/* SPDX-License-Identifier: GPL-2.0-or-later */
/* file_lock.c - who may use an image at the same time.
 *
 * Images are locked with open-file-description locks on single bytes, which work between processes
 * as well as between two drives of one process. The bytes are those that QEMU uses, so that the two
 * refuse each other's images: a lock on PERM + n says "I do n", one on REFUSE + n says "nobody else
 * may do n".  All locks are shared ones; a conflict is found by asking whether somebody holds the
 * opposite byte. */
#include "hw/block/file_int.h"

#include <errno.h>
#include <fcntl.h>

enum { LOCK_PERM = 100, LOCK_REFUSE = 200, USES = 4 };

static const char *const use_names[USES] = { "consistent read", "write", "write unchanged",
                                             "resize" };
enum { READ = 1, WRITE = 2, UNCHANGED = 4, RESIZE = 8 };

static bool lock_set(int fd, off_t byte, off_t length, short type)
{
    struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = length };

    return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

static bool byte_is_held(int fd, off_t byte)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };

    return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

void file_unlock(int fd)
{
    lock_set(fd, LOCK_PERM, USES, F_UNLCK);
    lock_set(fd, LOCK_REFUSE, USES, F_UNLCK);
}

/* Somebody may hold a byte exclusively; a file system without locks has none to respect. */
static bool is_conflict(void)
{
    return errno == EAGAIN || errno == EACCES;
}

static bool fail(int fd, const char *kind, int use, const char *path, GError **error)
{
    file_unlock(fd);
    g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_LOCKED,
                "Failed to get %s\"%s\" lock. Is another process using the image [%s]?", kind,
                use_names[use], path);
    return false;
}

bool file_lock(int fd, FileUse use, const char *path, GError **error)
{
    unsigned does = READ | (use == FILE_WRITER ? WRITE | RESIZE : 0);
    unsigned refuses = WRITE | RESIZE;

    for (int i = 0; i < USES; i++) {
        if ((does >> i & 1) && !lock_set(fd, LOCK_PERM + i, 1, F_RDLCK) && is_conflict()) {
            return fail(fd, "", i, path, error);
        }
        if ((refuses >> i & 1) && !lock_set(fd, LOCK_REFUSE + i, 1, F_RDLCK) && is_conflict()) {
            return fail(fd, "shared ", i, path, error);
        }
    }
    for (int i = 0; i < USES; i++) {
        if ((does >> i & 1) && byte_is_held(fd, LOCK_REFUSE + i)) {
            return fail(fd, "", i, path, error);
        }
    }
    for (int i = 0; i < USES; i++) {
        if ((refuses >> i & 1) && byte_is_held(fd, LOCK_PERM + i)) {
            return fail(fd, "shared ", i, path, error);
        }
    }
    return true;
}
