/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE /* MAP_ANONYMOUS, MADV_* */
#include "softmmu/host_pages.h"

#include <stdint.h>
#include <sys/mman.h>

#include "softmmu/host_call.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* the C library's headers may be older than the kernel */
#endif

void *host_pages_map(int fd, size_t size, int protection)
{
    size_t reserved = size + HOST_HUGE_SIZE, before;
    uint8_t *start = mmap(NULL, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                          -1, 0);
    uint8_t *at;

    if (start == MAP_FAILED) {
        return NULL;
    }
    before = -(uintptr_t)start % HOST_HUGE_SIZE;
    at = mmap(start + before, size, protection, MAP_SHARED | MAP_NORESERVE | MAP_FIXED, fd, 0);
    if (at == MAP_FAILED) {
        munmap(start, reserved);
        return NULL;
    }
    if (before != 0) {
        munmap(start, before);
    }
    munmap(at + size, HOST_HUGE_SIZE - before);
    return at;
}

bool host_pages_huge(const void *at)
{
    (void)*(const volatile uint8_t *)at; /* a range without any page is refused */
    return host_call(__NR_madvise, at, HOST_HUGE_SIZE, MADV_COLLAPSE, 0, 0, 0) == 0;
}
