/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE /* memfd_create, fallocate, MADV_* */
#include "runtime/machine/memory_backend.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "runtime/machine/options.h"

enum { COPY_PIECE = 1 << 20, HOST_PAGE = 4096 };

struct MemoryBackend {
    MemoryBackendInfo info;
    int fd;
    bool used;
    char *created; /* a file that was not there before; until all has gone well */
};

const char *const memory_policy_names[] = { "default", "preferred", "bind", "interleave", NULL };

static bool fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
static bool fail(GError **error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_propagate_error(error, g_error_new_valist(OPTIONS_ERROR, OPTIONS_ERROR_VALUE, format, args));
    va_end(args);
    return false;
}

void memory_backend_defaults(MemoryBackendInfo *info, bool prealloc)
{
    *info = (MemoryBackendInfo){
        .prealloc = prealloc,
        .merge = true,
        .dump = true,
        .reserve = true,
        .seal = true,
    };
}

/* ---- Files ---- */

static bool open_memory(MemoryBackend *backend, GError **error)
{
    unsigned flags = MFD_CLOEXEC | (backend->info.seal ? MFD_ALLOW_SEALING : 0);

    backend->fd = memfd_create("guest-ram", flags);
    if (backend->fd < 0 || ftruncate(backend->fd, (off_t)backend->info.size) != 0) {
        return fail(error, "cannot set up guest memory '%s': %s", backend->info.id,
                    g_strerror(errno));
    }
    if (backend->info.seal &&
        fcntl(backend->fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0) {
        return fail(error, "failed to seal memfd: %s", g_strerror(errno));
    }
    return true;
}

static bool open_path_fail(const char *path, GError **error)
{
    return fail(error, "can't open backing store %s for guest RAM: %s", path, g_strerror(errno));
}

/* In a folder: a file without a name. */
static bool open_in_folder(MemoryBackend *backend, GError **error)
{
    g_autofree char *name = g_build_filename(backend->info.path, "doppel_mem.XXXXXX", NULL);

    backend->fd = g_mkstemp_full(name, O_RDWR | O_CLOEXEC, 0600);
    if (backend->fd < 0) {
        return open_path_fail(backend->info.path, error);
    }
    unlink(name);
    return true;
}

static bool file_grow(MemoryBackend *backend, int fd, GError **error)
{
    struct stat status;
    struct statfs system;

    if (fstat(fd, &status) != 0) {
        return open_path_fail(backend->info.path, error);
    }
    if (fstatfs(fd, &system) == 0 && system.f_type == HUGETLBFS_MAGIC) {
        return fail(error,
                    "%s: guest memory cannot lie in hugetlbfs; memory elsewhere has huge "
                    "pages where the host has them for the asking",
                    backend->info.path);
    }
    if (status.st_size != 0 && (uint64_t)status.st_size < backend->info.size) {
        return fail(error,
                    "backing store size 0x%" G_GINT64_MODIFIER "x does not match 'size' option "
                    "0x%" G_GINT64_MODIFIER "x",
                    (guint64)status.st_size, backend->info.size);
    }
    if (status.st_size == 0 && ftruncate(fd, (off_t)backend->info.size) != 0) {
        return fail(error, "cannot set up guest memory '%s': %s", backend->info.id,
                    g_strerror(errno));
    }
    return true;
}

/* What the file holds becomes that of memory that is ours alone; holes stay holes. */
static bool file_copy(MemoryBackend *backend, int from, GError **error)
{
    g_autofree char *piece = g_malloc(COPY_PIECE);
    off_t at = lseek(from, 0, SEEK_DATA);

    while (at >= 0 && (uint64_t)at < backend->info.size) {
        size_t most = (size_t)MIN((uint64_t)COPY_PIECE, backend->info.size - (uint64_t)at);
        ssize_t n = pread(from, piece, most, at);

        if (n < 0 || (n > 0 && pwrite(backend->fd, piece, (size_t)n, at) != n)) {
            return fail(error, "%s: %s", backend->info.path, g_strerror(errno));
        }
        if (n == 0) {
            break;
        }
        at = lseek(from, at + n, SEEK_DATA);
    }
    return true;
}

static int path_open(MemoryBackend *backend, GError **error)
{
    const char *path = backend->info.path;
    int flags = (backend->info.readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC, fd = open(path, flags);

    if (fd < 0 && errno == ENOENT && !backend->info.readonly) {
        fd = open(path, flags | O_CREAT | O_EXCL, 0644);
        backend->created = fd >= 0 ? g_strdup(path) : NULL;
    }
    if (fd < 0) {
        open_path_fail(path, error);
    }
    return fd;
}

static bool open_path(MemoryBackend *backend, GError **error)
{
    bool done;
    int fd;

    if (g_file_test(backend->info.path, G_FILE_TEST_IS_DIR)) {
        return open_in_folder(backend, error) && file_grow(backend, backend->fd, error);
    }
    fd = path_open(backend, error);
    if (fd < 0) {
        return false;
    }
    if (backend->info.share) {
        backend->fd = fd;
        return file_grow(backend, fd, error);
    }
    done = file_grow(backend, fd, error) && open_memory(backend, error) &&
           file_copy(backend, fd, error);
    close(fd);
    return done;
}

/* ---- Life ---- */

static bool nodes_given(const MemoryBackendInfo *info)
{
    return (info->host_nodes[0] | info->host_nodes[1]) != 0;
}

static bool policy_check(const MemoryBackendInfo *info, GError **error)
{
    if (nodes_given(info) && info->policy == MEMORY_POLICY_DEFAULT) {
        return fail(error, "host-nodes must be empty for policy default, or you should explicitly "
                           "specify a policy other than default");
    }
    if (!nodes_given(info) && info->policy != MEMORY_POLICY_DEFAULT) {
        return fail(error, "host-nodes must be set for policy %s",
                    memory_policy_names[info->policy]);
    }
    return true;
}

MemoryBackend *memory_backend_new(const MemoryBackendInfo *info, GError **error)
{
    MemoryBackend *backend = g_new0(MemoryBackend, 1);
    bool done;

    backend->info = *info;
    backend->info.id = g_strdup(info->id);
    backend->info.path = g_strdup(info->path);
    backend->fd = -1;
    if (info->size % HOST_PAGE != 0) {
        done = fail(error, "memory size 0x%" G_GINT64_MODIFIER "x must be aligned to 0x%x",
                    info->size, HOST_PAGE);
    } else {
        done = policy_check(info, error) &&
               (info->path != NULL ? open_path(backend, error) : open_memory(backend, error));
    }
    if (!done) {
        if (backend->created != NULL) {
            unlink(backend->created);
        }
        memory_backend_free(backend);
        return NULL;
    }
    g_clear_pointer(&backend->created, g_free);
    return backend;
}

void memory_backend_free(MemoryBackend *backend)
{
    if (backend->fd >= 0) {
        if (backend->info.discard) { /* a host that cannot keeps them */
            fallocate(backend->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                      (off_t)backend->info.size);
        }
        close(backend->fd);
    }
    g_free(backend->created);
    g_free(backend->info.id);
    g_free(backend->info.path);
    g_free(backend);
}

const MemoryBackendInfo *memory_backend_info(const MemoryBackend *backend)
{
    return &backend->info;
}

int memory_backend_fd(const MemoryBackend *backend)
{
    return backend->fd;
}

bool memory_backend_use(MemoryBackend *backend, GError **error)
{
    if (backend->used) {
        return fail(error, "memory backend %s can't be used multiple times.", backend->info.id);
    }
    backend->used = true;
    return true;
}

bool memory_backend_advise(const MemoryBackend *backend, void *mapping, GError **error)
{
    const MemoryBackendInfo *info = &backend->info;

    if (info->policy != MEMORY_POLICY_DEFAULT &&
        syscall(SYS_mbind, mapping, info->size, (long)info->policy, info->host_nodes,
                (unsigned long)MEMORY_HOST_NODES + 1, 0u) != 0) {
        return fail(error, "cannot bind memory to host NUMA nodes: %s", g_strerror(errno));
    }
    if (!info->dump) {
        madvise(mapping, info->size, MADV_DONTDUMP);
    }
    if (info->prealloc && fallocate(backend->fd, 0, 0, (off_t)info->size) != 0) {
        return fail(error, "preallocating memory of '%s' failed: %s", info->id, g_strerror(errno));
    }
    return true;
}
