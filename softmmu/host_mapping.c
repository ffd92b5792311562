/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE /* MAP_ANONYMOUS, MADV_* */
#include "softmmu/host_mapping.h"

#include <errno.h>
#include <glib.h>
#include <sys/mman.h>

#include "softmmu/host_call.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* the C library's headers may be older than the kernel */
#endif

enum { PIECE_SHIFT = 16, PIECE = 1 << PIECE_SHIFT, HUGE_PIECES = HOST_HUGE_SIZE / PIECE };
_Static_assert(HUGE_PIECES < 64 && 64 % HUGE_PIECES == 0, "in one word of HostMapping.asked");

static bool map_files(uint8_t *at, const HostFile *files, unsigned n, int protection)
{
    for (unsigned i = 0; i < n; i++) {
        if (mmap(at, files[i].size, protection, MAP_SHARED | MAP_NORESERVE | MAP_FIXED, files[i].fd,
                 0) == MAP_FAILED) {
            return false;
        }
        at += files[i].size;
    }
    return true;
}

/* As mmap, from an address on that is a multiple of HOST_HUGE_SIZE. */
static void *map_aligned(const HostFile *files, unsigned n, size_t size, int protection)
{
    size_t reserved = size + HOST_HUGE_SIZE, before;
    uint8_t *start = mmap(NULL, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                          -1, 0);

    if (start == MAP_FAILED) {
        return MAP_FAILED;
    }
    before = -(uintptr_t)start % HOST_HUGE_SIZE;
    if (!map_files(start + before, files, n, protection)) {
        int reason = errno;

        munmap(start, reserved);
        errno = reason;
        return MAP_FAILED;
    }
    if (before != 0) {
        munmap(start, before);
    }
    munmap(start + before + size, HOST_HUGE_SIZE - before);
    return start + before;
}

bool host_mapping_open(HostMapping *mapping, int fd, size_t size, int protection)
{
    const HostFile file = { fd, size };

    return host_mapping_open_files(mapping, &file, 1, protection);
}

bool host_mapping_open_files(HostMapping *mapping, const HostFile *files, unsigned n,
                             int protection)
{
    size_t size = 0;
    uint8_t *at;

    for (unsigned i = 0; i < n; i++) {
        size += files[i].size;
    }
    at = map_aligned(files, n, size, protection);
    if (at == MAP_FAILED) {
        return false;
    }
    *mapping = (HostMapping){
        .at = at,
        .size = size,
        .advice = protection & PROT_WRITE ? MADV_POPULATE_WRITE : MADV_POPULATE_READ,
        .asked = g_new0(uint64_t, (size >> PIECE_SHIFT) / 64 + 1),
    };
    return true;
}

void host_mapping_close(HostMapping *mapping)
{
    if (mapping->at != NULL) {
        munmap(mapping->at, mapping->size);
        g_free(mapping->asked);
    }
}

/* The huge page around, if none of it has been asked for and the host gives one. */
static bool want_huge(HostMapping *mapping, uint64_t offset)
{
    uint64_t start = offset - offset % HOST_HUGE_SIZE, first = start >> PIECE_SHIFT;
    uint64_t bits = ((1ull << HUGE_PIECES) - 1) << (first % 64);
    uint64_t *word = &mapping->asked[first / 64];
    const uint8_t *at = mapping->at + start;

    if (__atomic_load_n(&mapping->no_huge, __ATOMIC_RELAXED) ||
        mapping->size - start < HOST_HUGE_SIZE ||
        (__atomic_load_n(word, __ATOMIC_RELAXED) & bits) != 0) {
        return false;
    }
    (void)*(const volatile uint8_t *)at; /* a range without any page is refused */
    if (host_call(__NR_madvise, at, HOST_HUGE_SIZE, MADV_COLLAPSE, 0, 0, 0) < 0) {
        __atomic_store_n(&mapping->no_huge, true, __ATOMIC_RELAXED);
        return false;
    }
    __atomic_fetch_or(word, bits, __ATOMIC_RELAXED);
    return true;
}

void host_mapping_want(HostMapping *mapping, uint64_t offset)
{
    uint64_t piece = offset >> PIECE_SHIFT, start = piece << PIECE_SHIFT, bit = 1ull << piece % 64;
    uint64_t *word = &mapping->asked[piece / 64];

    if ((__atomic_load_n(word, __ATOMIC_RELAXED) & bit) || want_huge(mapping, offset) ||
        (__atomic_fetch_or(word, bit, __ATOMIC_RELAXED) & bit)) {
        return;
    }
    /* a Linux before 5.14 knows nothing of it */
    host_call(__NR_madvise, mapping->at + start, MIN((uint64_t)PIECE, mapping->size - start),
              mapping->advice, 0, 0, 0);
}
