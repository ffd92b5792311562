/* SPDX-License-Identifier: GPL-2.0-or-later */
/* p9_attr.c - attributes of files, of the file system, and locks.
 *
 * Locks are the guest's own affair: one guest has the share, and its kernel keeps them. All that
 * is asked for is had, as with QEMU. */
#include "hw/9p/p9_int.h"

#include <errno.h>
#include <fcntl.h>

enum { GETATTR_BASIC = 0x7ff };
enum { /* Tsetattr's valid bits */
       SET_MODE = 1 << 0,
       SET_UID = 1 << 1,
       SET_GID = 1 << 2,
       SET_SIZE = 1 << 3,
       SET_ATIME = 1 << 4,
       SET_MTIME = 1 << 5,
       SET_CTIME = 1 << 6,
       SET_ATIME_SET = 1 << 7,
       SET_MTIME_SET = 1 << 8,
};
enum { LOCK_SUCCESS = 0, LOCK_BLOCK = 1, LOCK_UNLOCK = 2 };

static int fid_stat(const P9Fid *fid, struct stat *st)
{
    return fid->file != NULL ? share_stat_open(fid->node, fid->file->fd, st)
                             : share_stat(fid->node, st);
}

static void put_time(P9Request *request, const struct timespec *time)
{
    p9_put64(request, (uint64_t)time->tv_sec);
    p9_put64(request, (uint64_t)time->tv_nsec);
}

int p9_getattr(P9Request *request)
{
    static const struct timespec never = { 0 };
    P9Fid *fid = p9_get_place(request);
    struct stat st;
    int error;

    p9_get64(request); /* what is asked for: all of it is told */
    if (request->error != 0) {
        return request->error;
    }
    error = fid_stat(fid, &st);
    if (error != 0) {
        return error;
    }
    p9_put64(request, GETATTR_BASIC);
    error = p9_put_qid(request, &st);
    p9_put32(request, st.st_mode);
    p9_put32(request, st.st_uid);
    p9_put32(request, st.st_gid);
    p9_put64(request, st.st_nlink);
    p9_put64(request, st.st_rdev);
    p9_put64(request, (uint64_t)st.st_size);
    p9_put64(request, p9_io_unit(request->server, &st));
    p9_put64(request, (uint64_t)st.st_blocks);
    put_time(request, &st.st_atim);
    put_time(request, &st.st_mtim);
    put_time(request, &st.st_ctim);
    put_time(request, &never);
    p9_put64(request, 0); /* generation, data version */
    p9_put64(request, 0);
    return error;
}

typedef struct SetAttr {
    uint32_t valid, mode, uid, gid;
    uint64_t size;
    struct timespec times[2];
} SetAttr;

static struct timespec get_time(P9Request *request, bool changed, bool given)
{
    uint64_t seconds = p9_get64(request), nanoseconds = p9_get64(request);

    if (!changed) {
        return (struct timespec){ 0, UTIME_OMIT };
    }
    if (!given) {
        return (struct timespec){ 0, UTIME_NOW };
    }
    if (nanoseconds >= 1000000000) {
        request->error = EINVAL;
    }
    return (struct timespec){ (time_t)seconds, (long)nanoseconds };
}

static int set_owner(P9Fid *fid, const SetAttr *set)
{
    if ((set->valid & (SET_UID | SET_GID)) == 0 && set->valid != SET_CTIME) {
        return 0;
    }
    return share_chown(fid->node, (set->valid & SET_UID) != 0 ? set->uid : (uint32_t)SHARE_NO_ID,
                       (set->valid & SET_GID) != 0 ? set->gid : (uint32_t)SHARE_NO_ID);
}

/* In the order in which one would undo what another does: a new owner takes bits off the mode, and
 * a new size sets times. */
static int set_all(P9Fid *fid, const SetAttr *set)
{
    int error = set_owner(fid, set);

    if (error == 0 && (set->valid & SET_MODE) != 0) {
        error = share_chmod(fid->node, set->mode);
    }
    if (error == 0 && (set->valid & SET_SIZE) != 0) {
        error = share_truncate(fid->node, set->size);
    }
    if (error == 0 && (set->valid & (SET_ATIME | SET_MTIME)) != 0) {
        error = share_utimes(fid->node, set->times);
    }
    return error;
}

int p9_setattr(P9Request *request)
{
    P9Fid *fid = p9_get_place(request);
    SetAttr set = { 0 };

    set.valid = p9_get32(request);
    set.mode = p9_get32(request);
    set.uid = p9_get32(request);
    set.gid = p9_get32(request);
    set.size = p9_get64(request);
    set.times[0] = get_time(request, (set.valid & SET_ATIME) != 0,
                            (set.valid & SET_ATIME_SET) != 0);
    set.times[1] = get_time(request, (set.valid & SET_MTIME) != 0,
                            (set.valid & SET_MTIME_SET) != 0);
    return request->error != 0 ? request->error : set_all(fid, &set);
}

int p9_statfs(P9Request *request)
{
    P9Fid *fid = p9_get_place(request);
    struct statfs st;
    int error = request->error != 0 ? request->error : share_statfs(fid->node, &st);
    uint64_t unit, factor;

    if (error != 0) {
        return error;
    }
    /* In units of what a message carries, as clients ask in such. */
    factor = st.f_bsize > 0 ? (request->server->msize - P9_IO_HEADER) / (uint64_t)st.f_bsize : 1;
    factor = MAX(factor, 1);
    unit = (uint64_t)st.f_bsize * factor;
    p9_put32(request, (uint32_t)st.f_type);
    p9_put32(request, (uint32_t)unit);
    p9_put64(request, st.f_blocks / factor);
    p9_put64(request, st.f_bfree / factor);
    p9_put64(request, st.f_bavail / factor);
    p9_put64(request, st.f_files);
    p9_put64(request, st.f_ffree);
    p9_put64(request, (uint32_t)st.f_fsid.__val[0] | (uint64_t)(uint32_t)st.f_fsid.__val[1] << 32);
    p9_put32(request, (uint32_t)st.f_namelen);
    return 0;
}

int p9_readlink(P9Request *request)
{
    P9Fid *fid = p9_get_place(request);
    g_autofree char *target = NULL;
    int error = request->error != 0 ? request->error : share_readlink(fid->node, &target);

    if (error == 0) {
        p9_put_string(request, target);
    }
    return error;
}

/* ---- Locks ---- */

int p9_lock(P9Request *request)
{
    const P9Fid *fid = p9_get_place(request);
    uint32_t flags;

    p9_get8(request);
    flags = p9_get32(request);
    p9_get64(request);
    p9_get64(request);
    p9_get32(request);
    p9_get_string(request);
    if (request->error != 0) {
        return request->error;
    }
    if ((flags & ~(uint32_t)LOCK_BLOCK) != 0) {
        return EINVAL;
    }
    if (fid->file == NULL) {
        return EBADF;
    }
    p9_put8(request, LOCK_SUCCESS);
    return 0;
}

int p9_getlock(P9Request *request)
{
    const P9Fid *fid = p9_get_place(request);
    uint64_t start, length;
    uint32_t process;
    const char *client;

    p9_get8(request);
    start = p9_get64(request);
    length = p9_get64(request);
    process = p9_get32(request);
    client = p9_get_string(request);
    if (request->error != 0) {
        return request->error;
    }
    if (fid->file == NULL) {
        return EBADF;
    }
    p9_put8(request, LOCK_UNLOCK);
    p9_put64(request, start);
    p9_put64(request, length);
    p9_put32(request, process);
    p9_put_string(request, client);
    return 0;
}
