/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_MEMORY_BACKEND_H
#define RUNTIME_MACHINE_MEMORY_BACKEND_H
/* memory_backend.h - -object memory-backend-ram, -memfd, -file: memory of the host that guest RAM
 * is made of.
 *
 * Each is a file, in memory or on disk, that is mapped shared, so that translated code and other
 * processes can map it again.  What is not to be shared (share=off) lies in a file that nobody else
 * has: memory-backend-file then starts with what the named file holds, and leaves it as it was.
 */
#include <glib.h>
#include "runtime/machine/keyval.h"

typedef struct MemoryBackend MemoryBackend;

typedef enum MemoryPolicy { /* numbers are Linux's, MPOL_* */
                            MEMORY_POLICY_DEFAULT,
                            MEMORY_POLICY_PREFERRED,
                            MEMORY_POLICY_BIND,
                            MEMORY_POLICY_INTERLEAVE,
} MemoryPolicy;
extern const char *const memory_policy_names[]; /* NULL ends them */

enum { MEMORY_HOST_NODES = 128 };

typedef struct MemoryBackendInfo {
    char *id;   /* these two: the backend's, or for memory_backend_new the caller's */
    char *path; /* memory-backend-file; NULL: nameless memory */
    uint64_t size;
    bool share, prealloc, dump;
    bool merge, reserve; /* are only told: the host does neither of memory that is mapped shared */
    bool readonly, discard; /* of `path`: is not written; is emptied in the end */
    bool seal;              /* nameless memory: whoever has it cannot change its size */
    MemoryPolicy policy;
    uint64_t host_nodes[MEMORY_HOST_NODES / 64];
} MemoryBackendInfo;

/* What there is without words: nothing is shared, prealloc as -mem-prealloc says. */
void memory_backend_defaults(MemoryBackendInfo *info, bool prealloc);
MemoryBackend *memory_backend_new(const MemoryBackendInfo *info, GError **error);
void memory_backend_free(MemoryBackend *backend);

/* What -object says. */
extern const char *const memory_backend_ram_keys[], *const memory_backend_memfd_keys[],
                                                        *const memory_backend_file_keys[];
typedef enum MemoryBackendKind { MEMORY_RAM, MEMORY_MEMFD, MEMORY_FILE } MemoryBackendKind;
MemoryBackend *memory_backend_parse(MemoryBackendKind kind, const KeyValues *values, bool prealloc,
                                    GError **error);

const MemoryBackendInfo *memory_backend_info(const MemoryBackend *backend);
int memory_backend_fd(const MemoryBackend *backend);
/* It becomes guest RAM, once. */
bool memory_backend_use(MemoryBackend *backend, GError **error);
/* Its mapping, all of it, gets what was asked for: policy, dump, merge, and then its memory. */
bool memory_backend_advise(const MemoryBackend *backend, void *mapping, GError **error);

#endif
