/* SPDX-License-Identifier: GPL-2.0-or-later */
/* populate.c - host pages for guest RAM, some at a time. Compiled with -mgeneral-regs-only. */
#include <asm/unistd.h>
#include <sys/mman.h>
#include "softmmu/physmap_int.h"

/* The C library's own might be bound lazily, by code that knows nothing of the guest's registers.
 */
static void host_madvise(void *start, uint64_t size, int advice)
{
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"((long)__NR_madvise), "D"(start), "S"(size), "d"((long)advice)
                     : "rcx", "r11", "memory");
    (void)result; /* what it could not get, or a Linux before 5.14, is got by faults */
}

void phys_map_populate(PhysMap *map, uint64_t ram_offset)
{
    uint64_t n = ram_offset >> POPULATE_SHIFT, bit = 1ull << (n % 64), start = n << POPULATE_SHIFT;
    uint64_t left = map->ram_size - start;

    if ((__atomic_load_n(&map->populated[n / 64], __ATOMIC_RELAXED) & bit) ||
        (__atomic_fetch_or(&map->populated[n / 64], bit, __ATOMIC_RELAXED) & bit)) {
        return;
    }
    host_madvise(map->ram + start, left < POPULATE_SIZE ? left : POPULATE_SIZE,
                 MADV_POPULATE_WRITE);
}
