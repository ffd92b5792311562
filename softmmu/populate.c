/* SPDX-License-Identifier: GPL-2.0-or-later */
/* populate.c - host pages for guest RAM, some at a time. Compiled with -mgeneral-regs-only. */
#include <sys/mman.h>
#include "softmmu/host_call.h"
#include "softmmu/physmap_int.h"

void phys_map_populate(PhysMap *map, uint64_t ram_offset)
{
    uint64_t n = ram_offset >> POPULATE_SHIFT, bit = 1ull << (n % 64), start = n << POPULATE_SHIFT;
    uint64_t left = map->ram_size - start;

    if ((__atomic_load_n(&map->populated[n / 64], __ATOMIC_RELAXED) & bit) ||
        (__atomic_fetch_or(&map->populated[n / 64], bit, __ATOMIC_RELAXED) & bit)) {
        return;
    }
    /* what it could not get, or a Linux before 5.14, is got by faults */
    host_call(__NR_madvise, map->ram + start, left < POPULATE_SIZE ? left : POPULATE_SIZE,
              MADV_POPULATE_WRITE, 0, 0, 0);
}
