/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/engine/host_memory.h"
#include <sys/mman.h>

void *host_memory_reserve(size_t size, HostPages pages)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                    -1, 0);

    if (at == MAP_FAILED) {
        return NULL;
    }
    (void)madvise(at, size, pages == HOST_PAGES_HUGE ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    return at;
}

void host_memory_free(void *at, size_t size)
{
    if (at != NULL) {
        munmap(at, size);
    }
}
